"""Outlines of labels, and the tables of those that are known.

Setting one label takes ziamath some milliseconds, and a third of a second to be imported.  So what labels are made of
lies beside this module as tables, a row each, and most drawings load no typesetter:

- `shapes.tsv`: the bounds of a glyph's ink and its path (relative SVG path data, from its own starting point),
- `atoms.tsv`: a piece of mathematics, of which `composing` makes labels: the LaTeX; 1 where it stands in a script, and
  "^" under a superscript; its kind; its advance, left, right, bottom, top, and where its subscript begins; its first
  and its last glyph (bottom, top, slant, kerns); an operator's spaces; its shapes,
- `math.tsv`: a label that is not composed: its LaTeX, and its shapes,
- `letters.tsv`: a letter of words, how far it moves the pen, and its shapes.

A shape is the row in `shapes.tsv` and where it starts.  Numbers are `UNIT`s.  `python benchmarks/outlines.py` writes
the tables, from ziamath.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from math import floor
from pathlib import Path
from typing import NamedTuple

from lstmgraph.notation.letters import GREEK

UNIT = 1e-5  # of the em: exact for every size of script in a font of a thousand units
FOLDER = Path(__file__).parent
COMMAND = re.compile(r"([mlqcz])([^mlqcz]*)")
FUNCTIONS = "tanh|sin|cos|exp|log|max|min"
BEFORE_BRACKET = re.compile(rf"\\({FUNCTIONS})(?=(?:\^\{{[^{{}}]*\}})?\s*\()")
FACTOR_BEFORE = re.compile(rf"(\\?[A-Za-z]+|[\d)\]}}])\s*(?=\\(?:operatorname|{FUNCTIONS})(?![A-Za-z]))")
WORD_TOP, WORD_BOTTOM = -88000, 22000  # the box of words: one height for all, its middle half-way up a capital

KEYS = {"atoms": 2}  # the columns that say which row it is, where it is not the first alone

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


def unbound(latex: str) -> str:
    r"""An operator without a right operand is a symbol, and gets no space: "1-" is set as "1{-}".

    Nor is there one between a function and its bracket, as in TeX: "\tanh(" is set as "\operatorname{tanh}(".  There is
    a thin one between a factor and a function after it: "W \tanh(" is set as "W \,\operatorname{tanh}(".
    """
    apart = FACTOR_BEFORE.sub(lambda m: m[0] if m[1][0] == "\\" and m[1][1:] not in GREEK else rf"{m[0]}\,", latex)
    return re.sub(r"([-+=])\s*$", r"{\1}", BEFORE_BRACKET.sub(r"\\operatorname{\1}", apart))


def whole(units: float) -> int:
    """The nearest integer; a half, which no two ways of adding up agree about, goes up."""
    return floor(units + 0.51)


def shape_of(commands: Sequence[tuple[str, Sequence[float]]]) -> Shape:
    """A shape from commands whose coordinates are all from its starting point."""
    rounded = [(name, tuple(map(whole, numbers))) for name, numbers in commands]
    xs, ys = _bounds(rounded)
    return Shape(min(xs), min(ys), max(xs), max(ys), _relative(rounded))


@cache
def scaled(shape: Shape, scale: float) -> Shape:
    """The shape at another size."""
    if scale == 1:
        return shape
    found: list[tuple[str, list[float]]] = []
    pen = start = (0, 0)
    for name, steps in commands(shape.path):
        points = [(pen[0] + dx, pen[1] + dy) for dx, dy in zip(steps[::2], steps[1::2], strict=True)]
        found.append((name, [scale * side for point in points for side in point]))
        pen = points[-1] if points else start
        start = pen if name == "m" else start
    return shape_of(found)


def _relative(commands: Sequence[Command]) -> str:
    parts = []
    pen = start = (0, 0)
    for name, numbers in commands:
        parts.append(name + " ".join(str(n - pen[k % 2]) for k, n in enumerate(numbers)))
        pen = (numbers[-2], numbers[-1]) if numbers else start
        start = pen if name == "m" else start
    return "".join(parts)


def _bounds(commands: Sequence[Command]) -> tuple[list[int], list[int]]:
    """All x and all y that the ink reaches: end points, and the extremes of the curves."""
    xs: list[int] = []
    ys: list[int] = []
    pen = (0, 0)
    for _, numbers in commands:
        if not numbers:
            continue
        controls = [pen, *zip(numbers[::2], numbers[1::2], strict=True)]
        xs += _reach([c[0] for c in controls[len(controls) == 2 :]])
        ys += _reach([c[1] for c in controls[len(controls) == 2 :]])
        pen = controls[-1]
    return xs, ys


def _reach(controls: list[int]) -> list[int]:
    """Where a curve with these control values can get: exact for lines and quadratics, the hull for cubics."""
    if len(controls) != 3:
        return controls
    a, b, c = controls
    bend = a - 2 * b + c
    t = (a - b) / bend if bend else -1.0
    inner = [round((1 - t) ** 2 * a + 2 * t * (1 - t) * b + t * t * c)] if 0 < t < 1 else []
    return [a, c, *inner]


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
        yield Placed(shape_at(index), x, y)


@cache
def shape_at(index: int) -> Shape:
    bounds, _, path = _shapes()[index].partition("\t")
    left, top, right, bottom = map(int, bounds.split())
    return Shape(left, top, right, bottom, path)


@cache
def _shapes() -> list[str]:
    return (FOLDER / "shapes.tsv").read_text(encoding="utf-8").splitlines()


def known_row(table: str, key: str) -> str | None:
    """The text of a row, if the table has it."""
    return _rows(table).get(key)


@cache
def _rows(table: str) -> dict[str, str]:
    """The text of a table's rows by their first column."""
    lines = (FOLDER / f"{table}.tsv").read_text(encoding="utf-8").split("\n")[:-1]
    keys = KEYS.get(table, 1)
    return {"\t".join(fields[:keys]): fields[keys] for fields in (line.split("\t", keys) for line in lines)}
