r"""Which spelling of each mark a cell gets: the first of a notation's that nothing in the cell has, or one made up.

A mark is an accent or a letter (`\bar{#}`, `s_{#}`), or it stands around a name and may have a letter of its own
(`\partial L / \partial #`).  What a cell's names look like is told from their LaTeX, whatever they are called.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from string import ascii_lowercase, ascii_uppercase

from lstmgraph.notation.letters import GREEK, WIDE, Letter, letter
from lstmgraph.notation.styles import Style

# Marks that have their letter together: the plain one, and those that add an index.  Others have one each.
_TOGETHER = {"stack": "delta", "some": "delta", "states": "part"}
_CAPITAL = "weights"  # what is called like a size would be taken for one
_OWN_LETTER = re.compile(r"(?<![A-Za-z\\])[A-Za-z](?![A-Za-z])|\\ell|\\mathcal\{\w\}")
_NARROW = {wide: narrow for narrow, wide in WIDE.items()}


def chosen_marks(rules: Style, letters: Iterable[Letter], sizes: Iterable[str]) -> Mapping[str, Letter]:
    """For each mark of a notation its spelling in a cell that has these letters and sizes."""
    letters = list(letters)
    heads = {_narrow(part) for found in letters for part in _parts(found.head)}
    stars = 1 + max((found.sup.count(r"\ast") for found in letters), default=0)
    used: dict[str, str] = {}
    chosen: dict[str, Letter] = {}
    for mark, options in rules.marks.items():
        kind = _TOGETHER.get(mark, mark)
        own = {head for head, other in used.items() if other != kind} | ({*sizes} if mark == _CAPITAL else set())
        given = [letter(option) for option in options]
        free = (t for t in (*given, *_made_up(given[0])) if t.head not in own and not _clashes(t, heads))
        chosen[mark] = next(free, replace(given[0], sup=((r"\ast",) * stars) + given[0].sup))
        if "#" not in chosen[mark].head:
            used[chosen[mark].head] = kind
    return chosen


def _made_up(first: Letter) -> Iterator[Letter]:
    """The like of a spelling with other letters; an accent has none."""
    small = [*"upvwry", *ascii_lowercase, *(f"\\{name}" for name in GREEK if name.islower())]
    if "#" not in first.head:
        capital = first.head.isupper()
        yield from (replace(first, head=head) for head in ([*ascii_uppercase] if capital else small))
    elif r"\frac" in first.head:
        yield from (replace(first, head=_OWN_LETTER.sub(own, first.head)) for own in ascii_uppercase)


def _clashes(template: Letter, heads: set[str]) -> bool:
    """Whether the names of a cell have the letter of a mark, or the accent."""
    before, mark, _ = template.head.partition("#")
    if not mark:
        return template.head in heads
    if r"\frac" in template.head:
        return any(own in heads for own in _OWN_LETTER.findall(template.head))
    return any(word in heads for word in before.split()) or (before != "" and any(before in head for head in heads))


def _narrow(head: str) -> str:
    """A head with the accents over words as those over letters."""
    return re.sub(r"\\([a-z]+)(?=\{)", lambda m: "\\" + _NARROW.get(m[1], m[1]), head)


def _parts(head: str) -> Iterator[str]:
    """A head, and what is under its accents and in its fonts."""
    yield head
    while match := re.fullmatch(r"\\[a-z]+\s*\{(.*)\}", head):
        head = match[1]
        yield head
