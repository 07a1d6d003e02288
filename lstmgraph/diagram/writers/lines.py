"""Lines of text for a writer whose fonts are not ours: what is one line, where it is held fast, how much room it has.

A scene places every label by our own font; the fonts of a document are wider or narrower.  So the pieces of a line are
put together, to be set by the document's own means; words and captions are held at their left end, a label beside a
line or a node at the side that faces it, any other, and one between two of them, in its middle.  A line knows how wide
it may become.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from lstmgraph.diagram import ground
from lstmgraph.diagram.boxes import dot_box, label_box, meet, node_box
from lstmgraph.diagram.caption import SPACE
from lstmgraph.diagram.scene import Box, Label, Point, Scene
from lstmgraph.diagram.typeset import typeset

KEEP = 2.5  # between a line in another font and what stands beside it
APART = 6.0  # the same of words and captions
CLOSE = 8.0  # what is no farther from a label faces it
WIDER, MORE = 1.12, 0.3  # common fonts are no wider than ours by this factor, and formulas by so many ems more
SLACK = 0.05  # places are told to the hundredth of a point

Held = Literal["left", "middle", "right"]


@dataclass(frozen=True)
class Line:
    """Labels that are one line, and where it is held: on its baseline, or with no baseline in its middle."""

    labels: tuple[Label, ...]
    at: Point
    held: Held
    on_baseline: bool
    width: float  # by our own font
    room: float  # the width that it may have
    tight: bool  # whether another font could need more


class Lines:
    """The lines of a scene's text; all text is in the way of all other."""

    def __init__(self, scene: Scene) -> None:
        legend = [x for g in scene.legend for x in (g.heading, *(e.label for e in g.entries)) if x]
        samples = [e.sample for g in scene.legend for e in g.entries]
        self.right = scene.size[0]
        self.text = [label_box(x) for x in (*scene.labels, *legend)]
        self.taken = [node_box(n) for n in (*scene.nodes, *samples)] + [dot_box(d) for d in scene.dots]
        self.taken += [box for wire in (*scene.wires, *scene.trunks) for box in ground.of_wire(wire)]
        self.taken += ground.borders(scene.frames)

    def of(self, labels: Sequence[Label], gap: float = SPACE) -> list[Line]:
        """These labels as lines; `gap`: between the pieces of one line."""
        return [self._line(tuple(pieces)) for pieces in _together(labels, gap)]

    def _line(self, pieces: tuple[Label, ...]) -> Line:
        first, last = pieces[0], pieces[-1]
        box = Box(label_box(first).left, label_box(first).top, label_box(last).right, label_box(last).bottom)
        left, right = self._free(box)
        if first.caption[0] or not first.math:
            at = Point(box.left, _baseline(first))
            return _held(pieces, at, "left", True, box, right - APART)
        if min(left, right) > CLOSE or 2 * min(left, right) > max(left, right):
            return _held(pieces, first.at, "middle", False, box, 2 * min(left, right) - KEEP)
        held: Held = "left" if left <= right else "right"
        at = Point(box.left if left <= right else box.right, first.at.y)
        return _held(pieces, at, held, False, box, max(left, right) - KEEP)

    def _free(self, box: Box) -> tuple[float, float]:
        """How far it is to the next thing at the left and at the right of a box that is not in its place."""
        beside = [b for b in (*self.taken, *self.text) if b.top < box.bottom and box.top < b.bottom]
        apart = [b for b in beside if not meet(b, box)]
        left = min((box.left - b.right for b in apart if b.right <= box.left + SLACK), default=box.left)
        right = min((b.left - box.right for b in apart if b.left >= box.right - SLACK), default=self.right - box.right)
        return left, right


def _held(pieces: tuple[Label, ...], at: Point, held: Held, on_baseline: bool, box: Box, more: float) -> Line:
    """A line that may be so much wider than it is; never less than it has."""
    width = box.right - box.left
    room = width + max(0.0, more)
    formulas = any(label.math for label in pieces)
    tight = room < WIDER * width + MORE * pieces[0].size * formulas
    return Line(pieces, at, held, on_baseline, width, room, tight)


def _together(labels: Iterable[Label], gap: float) -> Iterator[list[Label]]:
    """The pieces of a line follow one another, with a space between them, on one baseline."""
    line: list[Label] = []
    for label in labels:
        if line and not _goes_on(line[-1], label, gap):
            yield line
            line = []
        line.append(label)
    if line:
        yield line


def _goes_on(before: Label, label: Label, gap: float) -> bool:
    alike = before.caption == label.caption and (before.size, before.role) == (label.size, label.role)
    level = abs(_baseline(before) - _baseline(label)) < SLACK
    return alike and level and abs(label_box(label).left - label_box(before).right - gap) < SLACK


def _baseline(label: Label) -> float:
    box = typeset(label.text, label.size, label.math)
    return label.at.y - box.height / 2 + box.baseline
