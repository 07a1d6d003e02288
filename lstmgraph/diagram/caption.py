"""Captions: a heading, formulas and sentences beside a picture or under it, whichever gives the better shape.

A caption is a list of paragraphs.  All pictures of one walk are captioned together, so that they are of one size, in
one arrangement, and nothing moves from one to the next.  Formulas come in the lines in which they may be broken; where
they are too wide still, they are made smaller, all of them alike, down to `LEAST`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import ceil, log

from lstmgraph.diagram.compose import GAP, HEADING, MARGIN
from lstmgraph.diagram.scene import Label, Point, Scene
from lstmgraph.diagram.typeset import roomy, typeset

FORMULA, WORDS = 14.0, 12.0  # sizes
HEADED = "heading"  # the role of words over a group of formulas
LEAST = 0.7  # how much smaller formulas may become
LINE, PARAGRAPH = 6.0, 10.0  # between lines, between paragraphs
INDENT, SPACE, APART = 22.0, 4.0, 16.0  # of a line that goes on; between pieces; between cells of a row
BROKEN = 0.25  # how bad it is that a group is divided between columns, or a row between lines
NARROW, BESIDE = 300.0, 0.7  # the least width of a column; the width beside a picture, in widths of that
COLUMNS = (1, 2, 3, 4)
LOW = 2.0  # width to height of a captioned picture: a legend may follow under it

Piece = tuple[str, bool]  # text, and whether it is LaTeX


@dataclass(frozen=True)
class Paragraph:
    """Lines of pieces, one under the other.

    `wraps`: a line goes on where the column ends.  `cell`: it is a row of a table whose longest row has `across`
    pieces, each so wide; where there is no room for them all, every row goes on in further lines.
    """

    lines: tuple[tuple[Piece, ...], ...]
    size: float = FORMULA
    role: str = "text"
    wraps: bool = False
    cell: float = 0.0
    across: int = 1


def words(text: str, size: float = WORDS, role: str = "text") -> Paragraph:
    """A paragraph of words."""
    return sentence([(text, False)], size, role)


def formula(lines: Sequence[str]) -> Paragraph:
    """A formula in LaTeX, broken into these lines."""
    return Paragraph(tuple(((line, True),) for line in lines))


def table(rows: Sequence[Sequence[str]]) -> list[Paragraph]:
    """Formulas in LaTeX, those of a row side by side, each under that of the row before."""
    cell = max((_width([(text, True)], FORMULA) for row in rows for text in row), default=0.0)
    across = max(map(len, rows), default=1)
    return [Paragraph((tuple((text, True) for text in row),), cell=cell, across=across) for row in rows]


def sentence(pieces: Iterable[Piece], size: float = WORDS, role: str = "text") -> Paragraph:
    """Words and formulas in one line, which wraps between words."""
    parts = [q for p in pieces for q in ([p] if p[1] else [(w, False) for w in p[0].split()])]
    return Paragraph((tuple(parts),), size, role, wraps=True)


def captioned(scene: Scene, heading: str, caption: Sequence[Paragraph], ideal: float = LOW) -> Scene:
    """The scene with a heading in words and its caption, its shape as near to the ideal one as can be."""
    return captioned_alike([scene], [heading], [caption], ideal)[0]


def captioned_alike(
    scenes: Sequence[Scene], headings: Sequence[str], captions: Sequence[Sequence[Paragraph]], ideal: float = LOW
) -> list[Scene]:
    """Scenes of one size with captions: all alike arranged, the pictures at one place, the whole of one size."""
    texts = [
        [words(heading, HEADING), *caption] if heading else list(caption)
        for heading, caption in zip(headings, captions, strict=True)
    ]
    if not any(texts):
        return list(scenes)
    width, height = (max(s.size[k] for s in scenes) for k in (0, 1))
    found = [_Arrangement(width, height, beside, columns, texts) for beside, columns in _choices(texts)]
    best = min(found, key=lambda a: (a.badness(ideal), a.columns, a.beside))
    return [best.applied(scene, text) for scene, text in zip(scenes, texts, strict=True)]


def _choices(texts: Sequence[Sequence[Paragraph]]) -> Iterable[tuple[bool, int]]:
    most = max(len(text) for text in texts)
    return product((False, True), [n for n in COLUMNS if n == 1 or n <= most // 2])


@dataclass(frozen=True)
class _Column:
    """Labels whose block begins at (0, 0), and its size."""

    labels: tuple[Label, ...]
    width: float
    height: float


class _Arrangement:
    """The captions of some pictures beside or under them, in so many columns."""

    def __init__(
        self, width: float, height: float, beside: bool, columns: int, texts: Sequence[Sequence[Paragraph]]
    ) -> None:
        self.width, self.height, self.beside, self.columns = width, height, beside, columns
        room = BESIDE * width if beside else (width - 2 * MARGIN - (columns - 1) * GAP) / columns
        self.room = max(NARROW, room)
        widest = max((_natural_width(p) for text in texts for p in text if not p.wraps), default=0.0)
        self.scale = min(1.0, max(LEAST, self.room / max(widest, 1.0)))
        blocks = [self.block(text) for text in texts]
        self.broken = max(map(self.breaks, texts))
        self.wide, self.high = (max(getattr(b, side) for b in blocks) for side in ("width", "height"))
        if beside:
            self.size = (width + self.wide + MARGIN, max(height, self.high + 2 * MARGIN))
        else:
            self.size = (max(width, self.wide + 2 * MARGIN), height + self.high + MARGIN)

    def badness(self, ideal: float) -> float:
        """How far from the ideal shape, how small, how much larger than the picture, how much of it is broken."""
        larger = max(0.0, log(self.wide / self.width)) + max(0.0, log(self.high / self.height)) if self.beside else 0.0
        return abs(log(self.size[0] / self.size[1] / ideal)) + 2 * (1 - self.scale) + larger + BROKEN * self.broken

    def breaks(self, text: Sequence[Paragraph]) -> int:
        """The columns that begin within a group that has a heading; and one if rows go on in a second line."""
        columns = self.parts(text)[1:] if any(p.role == HEADED for p in text) else []
        rows = any(len(self.lines(p)) > 1 for p in text if p.cell)
        return sum(part[0].role != HEADED for part in columns if part) + rows

    def parts(self, text: Sequence[Paragraph]) -> list[list[Paragraph]]:
        return _split([(p, self.column([p]).height) for p in text], self.columns)

    def applied(self, scene: Scene, text: Sequence[Paragraph]) -> Scene:
        block = self.block(text)
        left, top = MARGIN, self.height
        if self.beside:
            left, top = self.width, max(MARGIN, (min(self.height, self.size[1]) - self.high) / 2)
        placed = (replace(x, at=Point(x.at.x + left, x.at.y + top)) for x in block.labels)
        return replace(scene, labels=(*scene.labels, *placed), size=self.size)

    def block(self, text: Sequence[Paragraph]) -> _Column:
        """The paragraphs in columns, side by side."""
        labels: list[Label] = []
        left = deepest = 0.0
        first = 1
        for part in self.parts(text):
            column = self.column(part, first)
            first += len(part)
            labels += (replace(x, at=Point(x.at.x + left, x.at.y)) for x in column.labels)
            left, deepest = left + column.width + GAP, max(deepest, column.height)
        return _Column(tuple(labels), left - GAP, deepest)

    def column(self, text: Sequence[Paragraph], first: int = 1) -> _Column:
        """The paragraphs one under the other, numbered from `first` on."""
        labels: list[Label] = []
        y = right = 0.0
        for number, paragraph in enumerate(text, first):
            before = len(labels)
            for k, line in enumerate(self.lines(paragraph)):
                indent = INDENT if k and not paragraph.wraps and not paragraph.cell else 0.0
                placed, width, height = _line(line, paragraph, self.size_of(paragraph), indent, y)
                labels += placed
                y, right = y + height + LINE, max(right, indent + width)
            y += PARAGRAPH - LINE
            own = enumerate(labels[before:], 1)
            labels[before:] = (replace(x, caption=(number, k if paragraph.cell else 0)) for k, x in own)
        return _Column(tuple(labels), right, max(0.0, y - PARAGRAPH))

    def size_of(self, paragraph: Paragraph) -> float:
        return paragraph.size if paragraph.wraps else round(paragraph.size * self.scale, 2)

    def lines(self, paragraph: Paragraph) -> list[tuple[Piece, ...]]:
        if paragraph.cell:
            (row,) = paragraph.lines
            most = max(1, int((self.room + APART) / (paragraph.cell * self.scale + APART)))
            each = ceil(paragraph.across / ceil(paragraph.across / most))
            return [row[k : k + each] for k in range(0, len(row), each)]
        if not paragraph.wraps:
            return list(paragraph.lines)
        found: list[tuple[Piece, ...]] = []
        for line in paragraph.lines:
            current: tuple[Piece, ...] = ()
            for piece in line:
                if current and _width((*current, piece), paragraph.size) > self.room:
                    found.append(current)
                    current = ()
                current = (*current, piece)
            found.append(current)
        return found


def _split(text: Sequence[tuple[Paragraph, float]], columns: int) -> list[list[Paragraph]]:
    """The paragraphs in columns of about one height; no column ends in a heading."""
    whole = sum(height + PARAGRAPH for _, height in text)
    parts: list[list[Paragraph]] = [[]]
    filled = 0.0
    for paragraph, height in text:
        due = whole * len(parts) / columns
        if len(parts) < columns and parts[-1] and filled + height / 2 > due:
            last = parts[-1]
            parts.append([last.pop()] if len(last) > 1 and last[-1].wraps else [])
        parts[-1].append(paragraph)
        filled += height + PARAGRAPH
    return parts


def _natural_width(paragraph: Paragraph) -> float:
    if paragraph.cell:
        return paragraph.cell
    return max(INDENT * (k > 0) + _width(line, paragraph.size) for k, line in enumerate(paragraph.lines))


def _width(line: Sequence[Piece], size: float) -> float:
    return sum(roomy(Label(text, Point(0, 0), size, math)) + SPACE for text, math in _merged(line)) - SPACE


def _merged(line: Sequence[Piece]) -> list[Piece]:
    """Words that follow one another are one label."""
    found: list[Piece] = []
    for text, math in line:
        if found and not math and not found[-1][1]:
            found[-1] = (f"{found[-1][0]} {text}", False)
        else:
            found.append((text, math))
    return found


def _line(
    line: Sequence[Piece], paragraph: Paragraph, size: float, left: float, top: float
) -> tuple[list[Label], float, float]:
    """The labels of a line on one baseline, the width to leave for it and its height."""
    set_ = [(text, math, typeset(text, size, math)) for text, math in _merged(line)]
    cell = paragraph.cell * size / paragraph.size
    rise, depth = max(t.baseline for *_, t in set_), max(t.depth for *_, t in set_)
    x, end, labels = left, left, []
    for text, math, t in set_:
        middle = top + rise - t.baseline + t.height / 2
        labels.append(Label(text, Point(x + t.width / 2, middle), size, math, paragraph.role))
        end = x + t.width
        x = x + cell + APART if cell else end + SPACE
    wide = sum(roomy(label) for label in labels) - sum(t.width for *_, t in set_)
    return labels, end - left + wide, rise + depth
