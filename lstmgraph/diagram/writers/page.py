"""A page of a terminal: lines as directions in which they leave each cell, signs over them, and a border under them.

From the directions follow the corners and forks of a line.  Where two values cross, the upright one is in front, and
the level one goes on behind it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import groupby

from lstmgraph.diagram.writers.characters import EAST, NORTH, SOUTH, WEST, Charset, cells, style_of

BACK = {NORTH: SOUTH, EAST: WEST, SOUTH: NORTH, WEST: EAST}
DELTAS = {NORTH: (-1, 0), EAST: (0, 1), SOUTH: (1, 0), WEST: (0, -1)}

Cell = tuple[int, int]  # row, column


@dataclass
class Mark:
    """What one value draws in a cell: the directions in which it leaves."""

    arms: int = 0
    solid: bool = False
    lit: bool = False
    role: str = ""
    trunk: bool = False
    targets: set[str] = field(default_factory=set)


Sign = tuple[str, str, bool]  # a character, its role, and whether it is lit
Signs = dict[Cell, Sign]


@dataclass
class Page:
    """The characters over the wires, the wires, and what is under them."""

    marks: dict[Cell, dict[str, Mark]] = field(default_factory=dict)
    signs: Signs = field(default_factory=dict)
    under: Signs = field(default_factory=dict)  # what wires run over


def put(page: Signs, row: int, column: int, text: str, role: str, lit: bool = True) -> None:
    for k, sign in enumerate(cells(text)):
        page[row, column + k] = sign, role, lit


def trail(corners: list[Cell]) -> list[Cell]:
    """All cells on the way along these corners, each in the row or the column of the one before."""
    cells = corners[:1]
    for to in corners[1:]:
        while cells[-1] != to:
            down, along = DELTAS[way(*cells[-1], *to)]
            cells.append((cells[-1][0] + down, cells[-1][1] + along))
    return cells


def border(page: Signs, top: int, left: int, bottom: int, right: int, box: str, role: str, lit: bool = True) -> None:
    """A rectangle; `box` has its sides, level and upright, and its corners, clockwise from the upper left."""
    level, upright = box[0] * (right - left - 1), box[1]
    put(page, top, left, box[2] + level + box[3], role, lit)
    put(page, bottom, left, box[5] + level + box[4], role, lit)
    for row in range(top + 1, bottom):
        put(page, row, left, upright, role, lit)
        put(page, row, right, upright, role, lit)


def lines_of(page: Page, charset: Charset, mixed: bool, colour: bool) -> str:
    """The page, line by line, without blanks at the ends."""
    used = [*page.marks, *page.signs, *page.under]
    height, width = (max((cell[k] for cell in used), default=0) + 1 for k in (0, 1))
    top, left = (min((cell[k] for cell in used), default=0) for k in (0, 1))
    lines = []
    for row in range(top, height):
        found = [_character(page, charset, mixed, (row, column)) for column in range(left, width)]
        while found and not found[-1][0].strip():
            found.pop()
        lines.append(_coloured(found) if colour else "".join(sign for sign, _ in found))
    return "\n".join(lines) + "\n"


def _character(page: Page, charset: Charset, mixed: bool, cell: Cell) -> tuple[str, str]:
    """The character of a cell, and the style of its colour."""
    if cell in page.signs:
        sign, role, lit = page.signs[cell]
        return sign, style_of(role, lit)
    if cell not in page.marks:
        sign, role, lit = page.under.get(cell, (" ", "", True))
        return sign, style_of(role, lit)
    mark = _on_top(list(page.marks[cell].values()))
    line = charset.lines[mixed and mark.lit, not mark.solid]
    return line[mark.arms], style_of(mark.role, mark.lit)


def _on_top(marks: list[Mark]) -> Mark:
    """What is seen in a cell: values that have joined are one; of those that cross, the upright one is in front."""
    joined = {t for m in marks if m.trunk for t in m.targets}
    together = [m for m in marks if m.targets & joined]
    rest = [m for m in marks if not m.targets & joined]
    if together:
        rest.insert(0, _merged(together))
    upright = [m for m in rest if not m.arms & (EAST | WEST)]
    return rest[0] if len(rest) == 1 else upright[0] if upright else _merged(rest)


def _merged(marks: list[Mark]) -> Mark:
    first = next((m for m in marks if m.trunk), marks[0])
    arms = 0
    for mark in marks:
        arms |= mark.arms
    return Mark(arms, any(m.solid for m in marks), any(m.lit for m in marks), first.role)


def _coloured(found: list[tuple[str, str]]) -> str:
    """Characters of one style get one pair of sequences."""
    out = ""
    for style, run in groupby(found, key=lambda each: each[1] if each[0].strip() else ""):
        text = "".join(sign for sign, _ in run)
        out += f"\x1b[{style}m{text}\x1b[0m" if style else text
    return out


def way(row: int, column: int, to_row: int, to_column: int) -> int:
    if row != to_row:
        return SOUTH if to_row > row else NORTH
    return EAST if to_column > column else WEST
