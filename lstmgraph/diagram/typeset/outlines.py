"""Outlines of labels, and the tables of those that are known.

Setting one label takes ziamath some milliseconds, and a third of a second to be imported.  So the labels of the library
and of common names lie beside this module as tables, a row each, and no typesetter is loaded for them:

- `shapes.tsv`: the bounds of a glyph's ink and its path (relative SVG path data, from its own starting point),
- `math.tsv`: LaTeX, and its shapes: three integers each, the row in `shapes.tsv` and where the shape starts,
- `letters.tsv`: a letter of words, how far it moves the pen, and its shapes.

Integers are `UNIT`s.  `python benchmarks/outlines.py` writes the tables, from ziamath, and says which labels they hold.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

UNIT = 1e-5  # of the em: exact for every size of script in a font of a thousand units
FOLDER = Path(__file__).parent
COMMAND = re.compile(r"([mlqcz])([^mlqcz]*)")
WORD_TOP, WORD_BOTTOM = -88000, 22000  # the box of words: one height for all, its middle half-way up a capital

Command = tuple[str, tuple[int, ...]]


class Shape(NamedTuple):
    """A glyph or a bar: the bounds of its ink, and its path, both from the point where the path starts."""

    left: int
    top: int
    right: int
    bottom: int
    path: str


class Placed(NamedTuple):
    """A shape, and the point where it starts: from the beginning of the label, and from the baseline down."""

    shape: Shape
    x: int
    y: int


class Outline(NamedTuple):
    """The shapes of a label, and its box."""

    shapes: tuple[Placed, ...]
    left: int
    top: int
    right: int
    bottom: int


class Letter(NamedTuple):
    """A letter of words."""

    advance: int
    shapes: tuple[Placed, ...]


EMPTY = Outline((), 0, 0, 0, 0)


def outline_of_math(shapes: Iterable[Placed]) -> Outline:
    """The shapes in the box of their ink."""
    placed = tuple(shapes)
    return Outline(
        placed,
        min(x + s.left for s, x, _ in placed),
        min(y + s.top for s, _, y in placed),
        max(x + s.right for s, x, _ in placed),
        max(y + s.bottom for s, _, y in placed),
    )


def outline_of_words(letters: Iterable[Letter]) -> Outline:
    """Letters side by side.  (No kerning: ziafont misreads this font's, and the gaps grow along a line.)"""
    placed: list[Placed] = []
    pen = 0
    for letter in letters:
        placed += [Placed(shape, x + pen, y) for shape, x, y in letter.shapes]
        pen += letter.advance
    if not placed:
        return EMPTY
    left, right = min(x + s.left for s, x, _ in placed), max(x + s.right for s, x, _ in placed)
    return Outline(tuple(placed), left, WORD_TOP, right, WORD_BOTTOM)


def commands(path: str) -> Iterator[Command]:
    """The commands of a shape's path."""
    for name, numbers in COMMAND.findall(path):
        yield name, tuple(map(int, numbers.split()))


# ── the tables ──


def known_math(latex: str) -> Outline | None:
    """The outline of a label of mathematics, if the table has it."""
    row = _rows("math").get(latex)
    return outline_of_math(_placed(map(int, row.split()))) if row else None


@cache
def known_letter(letter: str) -> Letter | None:
    """A letter of words, if the table has it."""
    row = _rows("letters").get(letter)
    if row is None:
        return None
    numbers = map(int, row.split())
    return Letter(next(numbers), tuple(_placed(numbers)))


def _placed(numbers: Iterator[int]) -> Iterator[Placed]:
    for index, x, y in zip(numbers, numbers, numbers, strict=True):
        yield Placed(_shape(index), x, y)


@cache
def _shape(index: int) -> Shape:
    bounds, _, path = _shapes()[index].partition("\t")
    left, top, right, bottom = map(int, bounds.split())
    return Shape(left, top, right, bottom, path)


@cache
def _shapes() -> list[str]:
    return (FOLDER / "shapes.tsv").read_text(encoding="utf-8").splitlines()


@cache
def _rows(table: str) -> dict[str, str]:
    """The text of a table's rows by their first column."""
    lines = (FOLDER / f"{table}.tsv").read_text(encoding="utf-8").split("\n")[:-1]
    return {label: row for label, _, row in (line.partition("\t") for line in lines)}
