"""Long lines of C on several: broken after an operator or a comma, the rest below what it belongs to.

    const real f = sigmoid(Wxs[row * (4 * H) + j] + params->b_f[j] + Uhs[b * (4 * H) + j] +
                           params->p_f[j] * cs[row * H + j]);

Of all places that fit, a line is broken at those with the fewest parentheses around them, a sum before its products.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from lstmgraph.codegen.code import WIDTH

_BREAKS = re.compile(r"(?P<open>[(\[{])|(?P<close>[)\]}])|(?P<comma>, )|(?P<sum> [+-] )|(?P<product> [*/] )")
_RANKS = ("comma", "sum", "product")


@dataclass(frozen=True)
class _Break:
    """`at` is where the next line begins, `inside` the place of the last parenthesis that is open there."""

    rank: tuple[int, int]
    at: int
    inside: int


def wrapped(line: str, width: int = WIDTH) -> list[str]:
    """The line as one or several; where no break fits, it stays long."""
    breaks = list(_breaks(line))
    indent = len(line) - len(line.lstrip())
    start, shift, lines, shifts = 0, 0, list[str](), [(0, 0)]
    while len(line) - start + shift > width:
        fitting = [b for b in breaks if start < b.at and b.at - start + shift <= width + 1]
        if not fitting:
            break
        best = min(fitting, key=lambda b: (b.rank, -b.at))
        lines.append(" " * shift + line[start : best.at].rstrip())
        opened = max(s for s in shifts if s[0] <= best.inside)
        start, shift = best.at, best.inside - opened[0] + opened[1] if best.inside else indent + 4
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
            inside.pop()
        elif kind is not None and found.start() > inside[0]:
            yield _Break((len(inside), _RANKS.index(kind)), found.end(), inside[-1])
