"""Line charts over a logarithmic axis: places of lines, ticks, markers and labels; `templates/chart.svg.j2` draws them.

Lines are told apart without colour: each has dashes and a marker of its own, and its label stands where it ends, or
where it leaves the picture.  The vertical values are decimal logarithms.  This module knows no cell; to change the look
of a line, change a row of `COLOURS`, `DASHES` or `MARKS`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

from lstmgraph.diagram.themes import Palette, Theme
from lstmgraph.diagram.typeset import Typeset, number, typeset
from lstmgraph.templates import render

LEFT, TOP, BOTTOM, RIGHT = 66.0, 84.0, 56.0, 18.0
WIDE, HIGH = 430.0, 290.0  # the plot itself; for many lines it is higher, so that each has a label
DEEPEST, HIGHEST = -16, 16  # decades: what is further out leaves the picture
TITLE, WORDS, MATH, SMALL = 17.0, 12.5, 14.0, 10.5  # sizes of type, in points
ROW = 33.0  # a label of two lines and the room below it
MARKERS = 6  # on each line


class Look(NamedTuple):
    """How a line is told from others: whose colour in the theme, its dashes, and the outline of its marker."""

    colour: Callable[[Palette], str]
    dash: str
    marker: str


COLOURS: tuple[Callable[[Palette], str], ...] = (
    lambda p: p.wire("memory"),
    lambda p: p.wire("output"),
    lambda p: p.wire("bias"),
    lambda p: p.wire("previous_output"),
    lambda p: p.node("tanh").stroke,
    lambda p: p.node("network").stroke,
    lambda p: p.wire("internal"),
)
DASHES = ("", "7 3", "2 2.4", "9 3 2 3", "5 2", "12 3", "3 3 9 3")
MARKS = (
    "M-3.6 0A3.6 3.6 0 1 1 3.6 0A3.6 3.6 0 1 1-3.6 0Z",
    "M-3.2-3.2H3.2V3.2H-3.2Z",
    "M0-4.4L4.2 3H-4.2Z",
    "M0-4.6L4.6 0L0 4.6L-4.6 0Z",
    "M0 4.4L4.2-3H-4.2Z",
    "M-4 0H4M0-4V4",
    "M-3.2-3.2L3.2 3.2M-3.2 3.2L3.2-3.2",
)


def look(k: int) -> Look:
    """The look of the k-th line: after the seventh the marks begin anew with other colours and dashes."""
    again = k + k // len(MARKS)
    return Look(COLOURS[again % len(COLOURS)], DASHES[again % len(DASHES)], MARKS[k % len(MARKS)])


@dataclass(frozen=True)
class Line:
    """A line: where it is in decades at each x, from and to which decade its band reaches, and what it is called: in
    words, in mathematics, and below these a few words more."""

    xs: Sequence[float]
    ys: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]
    words: str
    math: str
    more: str = ""


@dataclass(frozen=True)
class Chart:
    title: str
    subtitle: str
    x_title: str
    x_math: str
    y_math: str
    lines: Sequence[Line]
    description: str


class Text(NamedTuple):
    """A label as its outlines, with its corner."""

    x: float
    y: float
    set: Typeset
    size: float
    role: str

    @property
    def scale(self) -> str:
        return f"{self.size / 1000:.6g}"


@dataclass
class Drawn:
    """A line as it is painted."""

    look: Look
    path: str
    band: str
    markers: list[tuple[float, float]]
    colour: str
    dark: str
    texts: list[Text] = field(default_factory=list)
    leader: str = ""
    sample: tuple[float, float] = (0.0, 0.0)
    backing: tuple[float, float, float, float] | None = None


def write_chart(chart: Chart, theme: Theme, mode: str = "auto", prefix: str = "flow") -> str:
    """The chart as a standalone SVG.  `mode`: light, dark, or auto for what the reader's system prefers."""
    return _Writer(chart, theme, mode, prefix).write()


class _Writer:
    def __init__(self, chart: Chart, theme: Theme, mode: str, prefix: str) -> None:
        self.chart, self.mode, self.prefix = chart, mode, prefix
        self.light = theme.palette("dark" if mode == "dark" else "light")
        self.dark = theme.palette("dark") if mode == "auto" else None
        self.high = max(HIGH, ROW * len(chart.lines) - 12)
        self.bottom = TOP + self.high
        self.boxes: list[tuple[float, float, float, float]] = []

    # ── scales ──

    @cached_property
    def decades(self) -> tuple[int, int]:
        """The lowest and the highest decade that is shown; 1 is always between them."""
        ys = [y for line in self.chart.lines for y in line.ys if math.isfinite(y)] or [0.0]
        low, high = math.floor(min([*ys, 0]) - 0.1), math.ceil(max([*ys, 0]) + 0.1)
        return max(low, DEEPEST), min(high, HIGHEST)

    @cached_property
    def last(self) -> float:
        return max(x for line in self.chart.lines for x in line.xs)

    def x(self, value: float) -> float:
        return LEFT + WIDE * value / self.last

    def y(self, decade: float) -> float:
        """A decade's height; beyond the picture it is a little outside, so that a line that leaves is seen to."""
        low, high = self.decades
        bounded = min(max(decade, low - 1.0 * (high - low)), high + 1.0 * (high - low))
        return TOP + self.high * (high - bounded) / (high - low)

    # ── the parts ──

    def write(self) -> str:
        lines = [self.line(line, look(k), k) for k, line in enumerate(self.chart.lines)]
        room = self.place_labels(lines)
        width, height = LEFT + WIDE + RIGHT + room, self.bottom + BOTTOM
        texts = [*self.heads(), *self.axis_texts()]
        shown = (text for part in (*(line.texts for line in lines), texts) for text in part)
        paths = dict.fromkeys(glyph.path for text in shown for glyph in text.set.glyphs)
        return render(
            "chart.svg.j2",
            chart=self.chart, prefix=self.prefix, width=width, height=height, light=self.light, dark=self.dark,
            plot=(LEFT, TOP, WIDE, self.high), lines=lines, texts=texts, n=number,
            outlines={path: k for k, path in enumerate(paths, start=1)},  # each is in the file once
            x_ticks=[self.x(k) for k in self.x_ticks()], y_ticks=[self.y(k) for k in self.y_ticks()], one=self.y(0),
        )  # fmt: skip

    def line(self, line: Line, drawn_as: Look, index: int) -> Drawn:
        points = [(self.x(x), self.y(y)) for x, y in zip(line.xs, line.ys, strict=True)]
        upper = [(self.x(x), self.y(y)) for x, y in zip(line.xs, line.high, strict=True)]
        lower = [(self.x(x), self.y(y)) for x, y in zip(line.xs, line.low, strict=True)]
        shown = [p for p in points if TOP <= p[1] <= self.bottom]
        step = max(1, len(shown) / MARKERS)
        at = {int((k + (index % 4) / 4) * step + step / 3) for k in range(MARKERS)}
        return Drawn(
            drawn_as,
            _path(points),
            _path([*upper, *reversed(lower)]) + "Z",
            [p for k, p in enumerate(shown) if k in at],
            drawn_as.colour(self.light),
            drawn_as.colour(self.dark) if self.dark else "",
        )

    def x_ticks(self) -> list[float]:
        step = _nice(self.last / 5)
        return [k * step for k in range(int(self.last / step + 1e-9) + 1)]

    def y_ticks(self) -> list[int]:
        low, high = self.decades
        step = next(s for s in (1, 2, 4, 5, 8, 16) if (high - low) / s <= 8)
        return [k for k in range(low, high + 1) if k % step == 0]

    # ── words ──

    def heads(self) -> list[Text]:
        """The title, what is under it, and what the vertical axis measures, which stands on its end."""
        y_math = typeset(self.chart.y_math, MATH)
        return [
            _text(self.chart.title, 16, 14, TITLE, "title", math=False),
            _text(self.chart.subtitle, 16, 36, SMALL + 1, "dim", math=False),
            Text(16, TOP - 10 - y_math.height / 2 - 4, y_math, MATH, "ink"),
        ]

    def axis_texts(self) -> Iterable[Text]:
        for k in self.x_ticks():
            yield _text(number(k), self.x(k), self.bottom + 7, WORDS, "ink", anchor=0.5)
        for k in self.y_ticks():
            label = typeset(f"10^{{{k}}}" if k else "1", WORDS)
            yield Text(LEFT - 8 - label.width, self.y(k) - label.height / 2, label, WORDS, "ink")
        words, math_ = typeset(self.chart.x_title, WORDS, math=False), typeset(self.chart.x_math, MATH)
        left = LEFT + (WIDE - words.width - 5 - math_.width) / 2
        top = self.bottom + 28
        yield Text(left, top, words, WORDS, "ink")
        yield Text(left + words.width + 5, top + words.baseline - math_.baseline, math_, MATH, "ink")

    # ── labels of the lines ──

    def place_labels(self, lines: Sequence[Drawn]) -> float:
        """Labels where lines leave the picture, if they hide nothing there, else in a column on the right, in the order
        of the lines; the width of that column."""
        column: list[tuple[float, Line, Drawn]] = []
        for line, drawn in zip(self.chart.lines, lines, strict=True):
            where = self.exit_of(line)
            if where is None:
                column.append((self.y(line.ys[-1]), line, drawn))
            elif not self.label_inside(line, drawn, where):
                beyond = (LEFT + WIDE - where[0]) / WIDE  # the sooner a line leaves, the further out
                column.append((where[1] + beyond * (1 if where[1] > TOP + self.high / 2 else -1), line, drawn))
        column.sort(key=lambda row: row[0])
        tops = _apart([y - 9 for y, *_ in column], ROW, TOP - 8, self.bottom + 12)
        widths = [self.label_beside(y, line, drawn, top) for (y, line, drawn), top in zip(column, tops, strict=True)]
        return max(widths, default=0.0)

    def exit_of(self, line: Line) -> tuple[float, float] | None:
        """Where a line leaves the picture for good, if it does."""
        low, high = (float(d) for d in self.decades)
        if low <= line.ys[-1] <= high:
            return None
        for (xa, ya), (xb, yb) in reversed(list(pairwise(zip(line.xs, line.ys, strict=True)))):
            if low <= ya <= high:
                bound = low if yb < low else high
                part = (bound - ya) / (yb - ya) if math.isfinite(yb) else 1.0
                return self.x(xa + part * (xb - xa)), self.y(bound)
        return self.x(line.xs[0]), self.y(low)

    def label_beside(self, end: float, line: Line, drawn: Drawn, top: float) -> float:
        """A label in the column, with a line to it from where its curve ends; its width."""
        left, middle = LEFT + WIDE + 34, top + 9
        inside = TOP <= end <= self.bottom and self.exit_of(line) is None
        start = [(LEFT + WIDE + 3, end), (LEFT + WIDE + 12, middle)] if inside else [(LEFT + WIDE + 9, middle)]
        drawn.leader = _path([*start, (left - 6, middle)])
        drawn.sample = (LEFT + WIDE + 20, middle)
        drawn.texts, width = self.texts_of(line, left, middle)
        return 34 + width

    def label_inside(self, line: Line, drawn: Drawn, where: tuple[float, float]) -> bool:
        """A label beside the place where a line leaves, if there is room for it."""
        y = where[1]
        width = 26 + self.texts_of(line, 0, 0)[1]
        for part in (0.1, 0.2, 0.3, 0.4):
            middle = y + (-1 if y > TOP + self.high / 2 else 1) * (22 + part * self.high / 2)
            at = max((px for px, py in self.points(line) if abs(py - middle) < ROW), default=where[0]) + 14
            box = (at - 3, middle - 12, width + 6, ROW)
            if at + width < LEFT + WIDE - 2 and not any(_overlap(box, other) for other in self.taken()):
                drawn.backing, drawn.sample = box, (at + 10, middle)
                drawn.leader = _path([(at, middle), (at + 20, middle)])
                drawn.texts, _ = self.texts_of(line, at + 26, middle)
                self.boxes.append(box)
                return True
        return False

    def points(self, line: Line) -> list[tuple[float, float]]:
        """Places along a line, near to one another."""
        ends = [(self.x(x), self.y(y)) for x, y in zip(line.xs, line.ys, strict=True)]
        return [
            (xa + k / 8 * (xb - xa), ya + k / 8 * (yb - ya)) for (xa, ya), (xb, yb) in pairwise(ends) for k in range(9)
        ]

    def taken(self) -> Iterable[tuple[float, float, float, float]]:
        """What no label may lie on: other labels, and lines."""
        yield from self.boxes
        for other in self.chart.lines:
            for x, y in self.points(other):
                yield (x - 3, y - 3, 6, 6)

    def texts_of(self, line: Line, left: float, middle: float) -> tuple[list[Text], float]:
        words, formula = typeset(line.words, WORDS, math=False), typeset(line.math, MATH)
        base = middle + 4
        texts = [
            Text(left, base - words.baseline, words, WORDS, "ink"),
            Text(left + words.width + 6, base - formula.baseline, formula, MATH, "ink"),
        ]
        width = words.width + 6 + formula.width
        if line.more:
            more = typeset(line.more, SMALL, math=False)
            texts.append(Text(left, base + 3.5, more, SMALL, "dim"))
            width = max(width, more.width)
        return texts, width


def _text(words: str, x: float, y: float, size: float, role: str, *, math: bool = True, anchor: float = 0.0) -> Text:
    found = typeset(words, size, math=math)
    return Text(x - anchor * found.width, y, found, size, role)


def _path(points: Iterable[tuple[float, float]]) -> str:
    return "".join(f"{'L' if k else 'M'}{number(x)} {number(y)}" for k, (x, y) in enumerate(points))


def _nice(step: float) -> float:
    """The next of 1, 2, 5, 10, 20, 50, ... that is as large."""
    unit = 10.0 ** math.floor(math.log10(max(step, 1)))
    return next(unit * k for k in (1, 2, 5, 10) if unit * k >= step - 1e-9)


def _apart(wanted: Sequence[float], room: float, low: float, high: float) -> list[float]:
    """Places in the given order, as near to those wanted as may be, that far from one another and within bounds."""
    places: list[float] = []
    for want in wanted:
        places.append(max(want, places[-1] + room if places else low))
    over = places[-1] + room - high if places else 0.0
    for k in range(len(places) - 1, -1, -1):
        limit = high - room if k == len(places) - 1 else places[k + 1] - room
        places[k] = min(places[k], limit) if over > 0 else places[k]
    return places


def _overlap(a: tuple[float, float, float, float], b: tuple[float, float, float, float]) -> bool:
    return a[0] < b[0] + b[2] and b[0] < a[0] + a[2] and a[1] < b[1] + b[3] and b[1] < a[1] + a[3]
