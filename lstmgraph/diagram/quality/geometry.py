"""Boxes, distances, and what is near what without looking at all pairs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from math import hypot

from lstmgraph.diagram.scene import Box, Label, Node, Point
from lstmgraph.diagram.typeset import measure as label_size

EPSILON = 1e-3
CELL = 96.0  # the side of a square of the grid


def around(at: Point, width: float, height: float, air: float = 0.0) -> Box:
    """The box of that size around a centre."""
    w, h = width / 2 + air, height / 2 + air
    return Box(at.x - w, at.y - h, at.x + w, at.y + h)


def node_box(node: Node, air: float = 0.0) -> Box:
    return around(node.at, node.width, node.height, air)


def label_box(label: Label) -> Box:
    return around(label.at, *label_size(label))


def hull(points: Iterable[Point], air: float = 0.0) -> Box:
    """The box of some points, and `air` around it."""
    xs, ys = zip(*points, strict=True)
    return Box(min(xs) - air, min(ys) - air, max(xs) + air, max(ys) + air)


def meet(a: Box, b: Box) -> bool:
    """Whether two boxes have more in common than a border."""
    return (
        a.left < b.right - EPSILON
        and b.left < a.right - EPSILON
        and a.top < b.bottom - EPSILON
        and b.top < a.bottom - EPSILON
    )


def inside(inner: Box, outer: Box) -> bool:
    """Whether a box lies in another; their borders may touch."""
    return (
        inner.left >= outer.left - EPSILON
        and inner.top >= outer.top - EPSILON
        and inner.right <= outer.right + EPSILON
        and inner.bottom <= outer.bottom + EPSILON
    )


def holds(box: Box, at: Point) -> bool:
    """Whether a point is in a box or on its border."""
    return inside(Box(at.x, at.y, at.x, at.y), box)


def gap(a: Box, b: Box) -> float:
    """How far two boxes are apart along the axis in which they are farther apart; negative where they overlap."""
    return max(a.left - b.right, b.left - a.right, a.top - b.bottom, b.top - a.bottom)


def distance(a: Box, b: Box) -> float:
    """The true distance of two boxes; 0 where they meet."""
    return hypot(max(a.left - b.right, b.left - a.right, 0.0), max(a.top - b.bottom, b.top - a.bottom, 0.0))


def length_inside(a: Point, b: Point, node: Node) -> float:
    """How much of a horizontal or vertical segment lies inside a node: a circle or ellipse as it is, else its box."""
    along, across = (0, 1) if abs(a.y - b.y) < EPSILON else (1, 0)
    half = (node.width / 2, node.height / 2)
    off = abs(a[across] - node.at[across]) / half[across]
    if off >= 1:
        return 0.0
    reach = half[along] * ((1 - off * off) ** 0.5 if node.shape in ("circle", "ellipse") else 1.0)
    low, high = node.at[along] - reach, node.at[along] + reach
    return min(max(a[along], b[along]), high) - max(min(a[along], b[along]), low)


class Grid:
    """Boxes by the squares of the plane that they touch."""

    def __init__(self, boxes: Sequence[Box]) -> None:
        self.boxes = boxes
        self.squares: dict[tuple[int, int], list[int]] = {}
        for k, box in enumerate(boxes):
            for square in _squares(box):
                self.squares.setdefault(square, []).append(k)

    def near(self, box: Box, air: float = 0.0) -> list[int]:
        """The numbers of the boxes that meet `box` with `air` around it, in order."""
        wide = Box(box.left - air, box.top - air, box.right + air, box.bottom + air)
        found = {k for square in _squares(wide) for k in self.squares.get(square, ())}
        return [k for k in sorted(found) if meet(self.boxes[k], wide)]

    def pairs(self, air: float = 0.0) -> Iterator[tuple[int, int]]:
        """The pairs of boxes that are nearer to one another than `air`."""
        for k, box in enumerate(self.boxes):
            yield from ((k, other) for other in self.near(box, air) if other > k)


def _squares(box: Box) -> Iterator[tuple[int, int]]:
    for column in range(int(box.left // CELL), int(box.right // CELL) + 1):
        for row in range(int(box.top // CELL), int(box.bottom // CELL) + 1):
            yield column, row
