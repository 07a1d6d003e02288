"""Long lines on several: broken after an operator or a comma, the rest below what it belongs to.

    const real f = sigmoid(Wxs[row * (4 * H) + j] + params->b_f[j] + Uhs[b * (4 * H) + j] +
                           params->p_f[j] * cs[row * H + j]);

Of all places that fit, a line is broken at those with the fewest parentheses around them, a sum before its products.
In Python there have to be some.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from io import StringIO
from tokenize import COMMENT, generate_tokens

from lstmgraph.codegen.code import WIDTH

LONGEST = 120  # a line of Python that is no longer stays as it is
_BREAKS = re.compile(
    r'"(\\.|[^"\\])*"|(?P<open>[(\[{])|(?P<close>[)\]}])|(?P<comma>, )|(?P<sum> [+-] )|(?P<product> [*/@] )'
)
INDEX = 9  # parentheses: as deep as these is what is in an index
_RANKS = ("comma", "sum", "product")


@dataclass(frozen=True)
class _Break:
    """`at` is where the next line begins, `inside` the place of the last parenthesis that is open there."""

    rank: tuple[int, int]
    at: int
    inside: int


def wrapped(line: str, width: int = WIDTH, least: int = 0) -> list[str]:
    """The line as one or several; where no break with so many parentheses around it fits, it stays long."""
    breaks = [b for b in _breaks(line) if b.rank[0] > least]
    below = _broken(line, breaks, width, below=True)
    return below if max(map(len, below)) <= width else _broken(line, breaks, width, below=False)


def _broken(line: str, breaks: list[_Break], width: int, below: bool) -> list[str]:
    """Its lines: `below` what they belong to, else all a little further in."""
    indent = len(line) - len(line.lstrip())
    start, shift, lines, shifts = 0, 0, list[str](), [(0, 0)]
    while len(line) - start + shift > width:
        fitting = [b for b in breaks if start < b.at and b.at - start + shift <= width + 1]
        if not fitting:
            break
        best = min(fitting, key=lambda b: (b.rank, -b.at))
        lines.append(" " * shift + line[start : best.at].rstrip())
        opened = max(s for s in shifts if s[0] <= best.inside)
        start, shift = best.at, best.inside - opened[0] + opened[1] if best.inside and below else indent + 4
        shifts.append((start, shift))
    return [*lines, " " * shift + line[start:]]


def _breaks(line: str) -> Iterator[_Break]:
    """Where it can be broken: of what is assigned first of all right behind the sign."""
    equals = re.search(r" [+]?= (?!\{)", line)
    inside = [equals.end() if equals else 0]
    for found in _BREAKS.finditer(line):
        kind = found.lastgroup
        if kind == "open":
            inside.append(found.end())
        elif kind == "close":
            del inside[max(1, len(inside) - 1) :]  # what is closed may be from a line above
        elif kind is not None and found.start() > inside[0]:
            depth = len(inside) + sum(INDEX for at in inside if _is_index(line, at))
            yield _Break((depth, _RANKS.index(kind)), found.end(), inside[-1])


def _is_index(line: str, at: int) -> bool:
    """Whether the bracket before a place is that of an index, which is broken last."""
    return line[:at].endswith("[") and re.search(r"[\w)\]]$", line[: at - 1]) is not None


def python(source: str) -> str:
    """A text whose long lines of code are on several where there are brackets to be broken in."""
    lines = source.splitlines()
    if max(map(len, lines), default=0) <= LONGEST:
        return source
    tokens = generate_tokens(StringIO(source).readline)
    words = (t for t in tokens if t.type == COMMENT or t.start[0] != t.end[0])  # comments, and text of several lines
    kept = {row for t in words for row in range(t.start[0], t.end[0] + 1)}
    found = ([line] if row in kept else wrapped(line, LONGEST, least=1) for row, line in enumerate(lines, 1))
    return "".join(f"{line}\n" for part in found for line in part)
