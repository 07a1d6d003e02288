"""Boxes: around what is drawn, and how they lie to one another.

Layouts look for free places with them and the measures of quality for what overlaps, so that both mean the same by it.
Lengths are points; borders of boxes that only touch do not meet.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import hypot

from lstmgraph.diagram.path import DOT_RADIUS
from lstmgraph.diagram.scene import Box, Dot, Label, Node, Point
from lstmgraph.diagram.typeset import measure

MINUS = "-"  # the sign at a wire whose value is subtracted
UNSEEN = 1e-3  # what nobody can see


def around(at: Point, width: float, height: float, air: float = 0.0) -> Box:
    """The box of that size around a centre, and `air` around it."""
    w, h = width / 2 + air, height / 2 + air
    return Box(at.x - w, at.y - h, at.x + w, at.y + h)


def beside(at: Point, upright: bool, aside: float, width: float, height: float) -> tuple[Point, Point]:
    """Where something of that size can stand `aside` of a point on a line: left and right of one that is upright, else
    above and below.
    """
    if upright:
        return Point(at.x - aside - width / 2, at.y), Point(at.x + aside + width / 2, at.y)
    return Point(at.x, at.y - aside - height / 2), Point(at.x, at.y + aside + height / 2)


def hull(points: Iterable[Point], air: float = 0.0) -> Box:
    """The box of some points, and `air` around it."""
    xs, ys = zip(*points, strict=True)
    return Box(min(xs) - air, min(ys) - air, max(xs) + air, max(ys) + air)


def node_box(node: Node, air: float = 0.0) -> Box:
    return around(node.at, node.width, node.height, air)


def label_box(label: Label, air: float = 0.0) -> Box:
    return around(label.at, *measure(label), air)


def written_box(label: Label) -> Box:
    """The box that other text keeps clear of: a minus would be read as a line under a name, or as a bar over it."""
    width, height = measure(label)
    return around(label.at, width, max(height, label.size) if label.text == MINUS else height)


def dot_box(dot: Dot) -> Box:
    return around(dot.at, 2 * DOT_RADIUS, 2 * DOT_RADIUS)


def meet(a: Box, b: Box) -> bool:
    """Whether two boxes have more in common than a border."""
    return (
        a.left < b.right - UNSEEN
        and b.left < a.right - UNSEEN
        and a.top < b.bottom - UNSEEN
        and b.top < a.bottom - UNSEEN
    )


def inside(inner: Box, outer: Box) -> bool:
    """Whether a box lies in another; their borders may touch."""
    return (
        inner.left >= outer.left - UNSEEN
        and inner.top >= outer.top - UNSEEN
        and inner.right <= outer.right + UNSEEN
        and inner.bottom <= outer.bottom + UNSEEN
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
