"""Notations of a cell: every name of its program as LaTeX and as terminal text.

The table `[notation.NAME]` of a cell's file goes first, then the notation's letters by role, then the author's own
spelling.  Two names of a cell never come out alike.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Literal

from sympy import MatrixSymbol

from lstmgraph.algebra.names import STACKS, Name, is_jacobian, name_of, quotient_of, stack_of
from lstmgraph.cell import Cell
from lstmgraph.errors import CellSyntaxError, UnknownName
from lstmgraph.notation.letters import IDENTIFIER, Letter, letter, plain, split_head, subscript, unicode_of
from lstmgraph.notation.marks import chosen_marks
from lstmgraph.notation.styles import DEFAULT, Style, Time, notation_names, style, style_names
from lstmgraph.roles import roles

_ENDS = "TNKQPMS"  # the number of the last step, the usual one first
# Marks that are written around the whole name; every other one is on its head.
AROUND = {"grad", "along", "loss", "block"}


@lru_cache(maxsize=64)
def get_notation(cell: Cell, name: str | None = None) -> Notation:
    """The notation of that name for that cell.  Raises UnknownName; CellSyntaxError for LaTeX that cannot be read."""
    name = DEFAULT if name is None else name
    if name not in notation_names(cell):
        raise UnknownName("notation", name, notation_names(cell))
    rules = style(name if name in style_names() else DEFAULT)
    letters = _Speller(cell, rules, cell.notations.get(name, {})).run()
    indices = _indices(rules, {base: letters[base] for base in cell.values})
    marks = chosen_marks(rules, letters.values(), map(str, cell.sizes))
    states, sizes = tuple(s.name for s in cell.states), {str(size) for size in cell.sizes}
    taken = sizes | {found.latex() for found in letters.values()}
    end = next((letter for letter in _ENDS if letter not in taken), _ENDS[0])
    return Notation(name, letters, indices, rules, frozenset(cell.values), marks, states, end=end)


def _indices(rules: Style, letters: Mapping[str, Letter]) -> Mapping[str, str]:
    """How each value is written as a subscript: the short way where that is nobody else's."""
    short = {base: rules.index(found) for base, found in letters.items()}
    alone = [index for index, times in Counter(short.values()).items() if times == 1]
    return {base: short[base] if short[base] in alone else found.latex() for base, found in letters.items()}


@dataclass(frozen=True, eq=False)
class Notation:
    """Maps symbols (or names as text, `bar(h)[t-1]`) to LaTeX and to terminal text."""

    name: str
    letters: Mapping[str, Letter]  # by base name
    indices: Mapping[str, str]  # the values as subscripts
    style: Style
    computed: frozenset[str]
    marks: Mapping[str, Letter]
    states: tuple[str, ...] = ()
    clock: str = "t"  # the letter of the step
    end: str = "T"  # that of the last one
    _spelt: dict[tuple[str, ...], str] = field(default_factory=dict, init=False, repr=False)

    def latex(self, symbol: MatrixSymbol | str, superscript: str = "") -> str:
        """LaTeX, with the time; `superscript` is set beside the ones that the name has."""
        name = _parsed(symbol)
        key = (str(name), "latex", superscript, self.clock)
        if key not in self._spelt:
            self._spelt[key] = self._latex(name, superscript)
        return self._spelt[key]

    def unicode(self, symbol: MatrixSymbol | str, time: Time = "explicit") -> str:
        """Terminal text; with implicit time the values that this step computes have none."""
        name = _parsed(symbol)
        key = (str(name), "unicode", time, self.clock)
        if key not in self._spelt:
            self._spelt[key] = self._unicode(name, time)
        return self._spelt[key]

    def has_superscript(self, symbol: MatrixSymbol | str, form: Literal["latex", "unicode"] = "latex") -> bool:
        """Whether the name ends in a superscript there, so that a power of it needs parentheses."""
        name = _parsed(symbol)
        if set(name.marks[:1]) & AROUND:
            return False
        timed = form == "latex" and name.lag is not None and self.style.time.startswith("^")
        return timed or bool(self.letter(name).sup)

    def letter(self, name: Name) -> Letter:
        """The letter of a name, with its marks, without its time."""
        if {*STACKS} & {*name.marks}:
            return self._stacked(name)
        marks = list(name.marks)
        counted = "part" in marks or "term" in marks
        found = self._part(name.base) if counted else self.letters.get(name.base) or plain(name.base)
        index = "" if counted else self.indices.get(name.base, "")
        while marks:
            mark = marks.pop()
            if mark == "pre" and marks and marks[-1] == "bar":
                mark, _ = "delta", marks.pop()
            if mark == "grad" and marks and marks[-1] == "dot":
                mark, _ = "along", marks.pop()
            if mark in AROUND:  # written around the whole name, every other mark on its head
                return self._around_letter(mark, replace(found, entry=_indexed(name)))
            found, index = self._marked(mark, found, index), ""
        return replace(found, entry=_indexed(name))

    def _marked(self, mark: str, found: Letter, index: str) -> Letter:
        template = self.marks[mark]
        if mark == "dot":  # over the delta of a cotangent that is spelt with one, not over the middle of both
            first, rest = split_head(found.head)
            dotted = self.style.apply(template, replace(found, head=first))
            return replace(dotted, head=dotted.head + rest)
        return self.style.apply(template, found, index)

    def _around_letter(self, mark: str, found: Letter) -> Letter:
        return Letter(self.marks[mark].head.replace("#", found.latex()))

    def _stacked(self, name: Name) -> Letter:
        """What stands one below the other, by a letter, with an index where that needs one."""
        found = (self._stacked_cotangents if "bar" in name.marks else self._stacked_parameters)(name)
        found = replace(found, entry=_indexed(name))
        return self._around_letter("grad", found) if "grad" in name.marks else found

    def _stacked_cotangents(self, name: Name) -> Letter:
        """δ, or δ with the indices of its parts, or with its number where these would be too many or another's."""
        mark, parts, number = stack_of(name)
        template = self.marks[mark]
        if mark == "stack":
            return template
        index = "".join(self.indices.get(part, part) for part in parts)
        short = all(len(unicode_of(self.indices.get(part, part))) == 1 for part in parts)
        alone = index not in map(unicode_of, self.indices.values())
        return self.style.apply(template, Letter(index), index if short and alone else str(number))

    def _stacked_parameters(self, name: Name) -> Letter:
        """The letter of the parts, where they have one and nothing else has it, else with their indices, else another.

        A letter of which one part has no index is the name of that part.
        """
        mark, parts, number = stack_of(name)
        letters = [self.letters.get(part) or plain(part) for part in parts]
        others = [found for base, found in self.letters.items() if base not in parts]
        head = letters[0].head
        if all(found.head == head and len(found.sub) == 1 and not found.sup for found in letters):
            if mark == "stack" and head not in (found.head for found in others):
                return Letter(head)
            indices = [found.sub[0] for found in letters]
            found = Letter(head, (("" if all(len(unicode_of(x)) == 1 for x in indices) else ",").join(indices),))
            if not {found.latex(), found.unicode()} & {spelt for o in others for spelt in (o.latex(), o.unicode())}:
                return found
        return replace(self.marks["weights"], sub=(str(number),) if number > 1 else ())

    def _part(self, base: str) -> Letter:
        """Of which value, and which part; apart where the value is not a single letter."""
        owner, _, number = base.partition(".")
        index = self.indices.get(owner) or owner
        single = sum(not unicodedata.combining(c) for c in unicodedata.normalize("NFD", unicode_of(index))) == 1
        return Letter(f"{index}{number}" if single else f"{index},{number}")

    # ── the names of Jacobians ──

    def index_letter(self, other: str = "") -> str:
        """A letter for the steps of a product, which is nobody's name, nor that other one."""
        taken = {other, *(found.head for found in self.letters.values())}
        return next((x for x in "jkτ" if x not in taken), "j")

    @property
    def all_states(self) -> Letter:
        """The letter of all states of a cell in one vector."""
        return self.marks["states"]

    def _jacobian(self, name: Name, spell: Callable[[Letter, str], str]) -> tuple[str, str, str]:
        """What is derived, what it is derived by, and what is held, each spelt."""
        quotient = quotient_of(name)
        now, steps, before = self._step(quotient.of), quotient.steps, Name(quotient.by)
        then = f"{now}-{steps}" if isinstance(steps, str) else self._step(before.at((quotient.of.lag or 0) - steps))
        above, below = (self.all_states,) * 2 if quotient.whole else (self.letter(quotient.of), self.letter(before))
        held = [self.letter(Name(s)) for s in self.states if name.marks[0] == "alone" and s != quotient.by]
        return spell(above, now), spell(below, then), ", ".join(spell(h, "") for h in held)

    def _latex_jacobian(self, name: Name) -> str:
        above, below, held = self._jacobian(name, lambda letter, time: self._at(letter, time).latex())
        sign = r"\partial^{+}" if name.marks[0] == "direct" else r"\partial"
        fraction = rf"\frac{{{sign} {above}}}{{\partial {below}}}"
        return rf"\left. {fraction} \right|_{{{held}}}" if held else fraction

    def _unicode_jacobian(self, name: Name) -> str:
        def spell(letter: Letter, time: str) -> str:
            return letter.unicode() + (self.style.text_time.replace("#", time) if time else "")

        above, below, held = self._jacobian(name, spell)
        sign = "∂⁺" if name.marks[0] == "direct" else "∂"
        return f"({sign}{above}/∂{below})|{held}" if held else f"{sign}{above}/∂{below}"

    # ── all other names ──

    def _timed(self, found: Letter, name: Name) -> Letter:
        return self._at(found, self._step(name))

    def _at(self, found: Letter, time: str) -> Letter:
        """A letter with a time, or without one where that is empty."""
        if not time:
            return found
        found = replace(found, sub=(*found.sub, *filter(None, [found.entry])), entry="")
        return self.style.apply(letter(self.style.time.replace("#", time)), found)

    def _step(self, name: Name) -> str:
        return name.time.replace("T", self.end).replace("t", self.clock)

    def said(self, words: str) -> str:
        """Words with the letter of the last step in the place of T."""
        return re.sub(r"\bT\b", self.end, words)

    def _latex(self, name: Name, superscript: str) -> str:
        if is_jacobian(name):
            found = Letter(self._latex_jacobian(name))
            return replace(found, sup=(superscript,) if superscript else ()).latex()
        if name.lag is not None and set(name.marks[:1]) & AROUND:
            return self._around(name, self._latex(_inside(name), superscript), self.style.time)
        found = self._timed(self.letter(name), name)
        return replace(found, sup=(*found.sup, *([superscript] if superscript else []))).latex()

    def _around(self, name: Name, inside: str, time: str) -> str:
        """A mark with a time of its own, @, around a name that has its time."""
        template = self.marks[name.marks[0]].head
        return template.replace("@", time.replace("#", self._step(name))).replace("#", inside)

    def _unicode(self, name: Name, time: Time) -> str:
        if is_jacobian(name):
            return self._unicode_jacobian(name)
        if name.lag is not None and set(name.marks[:1]) & AROUND:
            shown = self._around(name, "#", "@")
            shown = unicode_of(shown).replace("@", self.style.text_time.replace("#", self._step(name)))
            return shown.replace("#", self._unicode(_inside(name), "explicit"))
        mark, count = ("along", 2) if name.marks[:2] == ("dot", "grad") else ("grad", 1)
        if name.entry and "grad" in name.marks[:count]:
            shown = unicode_of(self.marks[mark].head.replace("#", "@"))
            return shown.replace("@", self._unicode(replace(name, marks=name.marks[count:]), time))
        found = self.letter(name).unicode()
        owner = name.base.lstrip("0123456789.").partition(".")[0]  # of what has a number, or is a part
        here = name.lag == 0 and name.since == "t" and owner in self.computed
        if name.lag is None or (here and time == "implicit"):
            return found
        return found + self.style.text_time.replace("#", self._step(name))


def _inside(name: Name) -> Name:
    return replace(name, marks=name.marks[1:])


def _indexed(name: Name) -> str:
    """The indices of an entry as LaTeX: jk, or with a comma where one of them is more than a letter; sizes as names."""
    spelt = [IDENTIFIER.sub(lambda m: plain(m[0]).latex(), index).replace("*", "") for index in name.entry]
    return ("" if all(len(index) == 1 for index in name.entry) else ",").join(spelt)


def _parsed(symbol: MatrixSymbol | str) -> Name:
    return Name.parse(symbol) if isinstance(symbol, str) else name_of(symbol)


class _Speller:
    """Finds a letter for every base name of a cell: what its file says, else by role, else as the author wrote it."""

    def __init__(self, cell: Cell, rules: Style, given: Mapping[str, str]) -> None:
        self.cell, self.rules = cell, rules
        self.given = {base: _read(cell, base, snippet) for base, snippet in given.items()}
        usual = cell.notations.get(DEFAULT, {})  # what the author's plain table says holds wherever nothing else does
        self.usual = {base: _read(cell, base, snippet) for base, snippet in usual.items()}
        self.letters: dict[str, Letter] = {}
        self.taken: set[str] = set()
        self.roles = roles(cell)

    def run(self) -> Mapping[str, Letter]:
        for base, found in self.given.items():
            self.take(base, found)
        for base in self.roles:
            self.choose(base, [*self.by_role(base), self.spelt(base, self.rules.letters)])
        for symbol in (*self.cell.parameters, *self.cell.constant_symbols):
            self.choose(symbol.name, [self.spelt(symbol.name, self.rules.parameters)])
        return self.letters

    def choose(self, base: str, options: list[Letter]) -> None:
        if base in self.letters:
            return
        options.append(plain(base))
        free = next((o for o in options if not {o.latex(), o.unicode()} & self.taken), None)
        while free is None:  # h_hat beside hhat: the later one gets a prime
            options[-1] = replace(options[-1], sup=(*options[-1].sup, "\\prime"))
            free = options[-1] if options[-1].latex() not in self.taken else None
        self.take(base, free)

    def take(self, base: str, found: Letter) -> None:
        self.letters[base] = found
        self.taken |= {found.latex(), found.unicode()}

    def by_role(self, base: str) -> list[Letter]:
        """What the notation has for the role of a value, if it has something."""
        spelt = self.spelt(base, self.rules.letters)
        role = "output" if base == self.cell.output else self.roles[base]
        templates = map(letter, self.rules.roles.get(role, []))
        return [self.rules.apply(t, spelt) for t in templates if not (t.head.endswith("{#}") and "{" in spelt.head)]

    def spelt(self, base: str, stems: Mapping[str, str]) -> Letter:
        """The author's spelling with the notation's letters; a subscript that names a value is spelt as that value."""
        if base in self.usual:
            return self.usual[base]
        stem, _, rest = base.partition("_")
        found = plain(base, self.index)
        if rest in self.letters:  # the W of W_h_tilde has no tilde: h_tilde has
            found = replace(plain(stem), sub=(*plain(stem).sub, self.index(rest)))
        known = re.compile(r"(?<![A-Za-z\\])([A-Za-z])(?![A-Za-z])")
        return replace(found, head=known.sub(lambda m: stems.get(m[1], m[1]), found.head))

    def index(self, text: str) -> str:
        """A subscript: a value's name as that value, without its primes; the letters of `xf` in W_xf each so."""
        names = [text] if text in self.letters else list(text)
        if all(name in self.letters for name in names):
            return "".join(self.rules.index(replace(self.letters[name], sup=())) for name in names)
        return subscript(text)


def _read(cell: Cell, base: str, snippet: str) -> Letter:
    try:
        return letter(snippet)
    except ValueError as error:
        hint = r"LaTeX such as \tilde{C} or \Gamma_f"
        raise CellSyntaxError(f"{cell.name}: how {base} is typeset: {error}", hint=hint) from None
