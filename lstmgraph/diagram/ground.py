"""The ground of a picture that is taken: boxes around nodes, lines, arrowheads, dots and labels.

Whatever looks for a free place, for a label or for a number, looks here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise

from lstmgraph.diagram.path import DOT_RADIUS, HEAD_LENGTH, HEAD_WIDTH, STROKE
from lstmgraph.diagram.scene import Box, Dot, Label, Node, Point, Wire
from lstmgraph.diagram.typeset import measure

HALF = STROKE / 2


def around(at: Point, width: float, height: float, air: float = 0.0) -> Box:
    """The box of something so large in the middle of which a point is, with air around it."""
    return Box(at.x - width / 2 - air, at.y - height / 2 - air, at.x + width / 2 + air, at.y + height / 2 + air)


def of_node(node: Node, air: float = STROKE) -> Box:
    return around(node.at, node.width, node.height, air)


def of_label(label: Label, air: float = 0.0) -> Box:
    return around(label.at, *measure(label), air)


def of_dot(dot: Dot) -> Box:
    return around(dot.at, 2 * DOT_RADIUS, 2 * DOT_RADIUS)


def of_wire(wire: Wire) -> Iterator[Box]:
    """Boxes around the pieces of a wire, its corners and hops, and its arrowhead."""
    for a, b in pairwise(wire.points):
        yield hull((a, b), HALF)
    for k in range(0, len(wire.route) - 1, 3):
        piece = wire.route[k : k + 4]
        if not (all(p.x == piece[0].x for p in piece) or all(p.y == piece[0].y for p in piece)):
            yield hull(piece, HALF)
    if wire.arrow:
        yield head(wire)


def head(wire: Wire) -> Box:
    """The box of a wire's arrowhead."""
    tip, before = wire.points[-1], wire.points[-2]
    far = max(abs(tip.x - before.x), abs(tip.y - before.y), 1e-9)
    back = Point(tip.x + (before.x - tip.x) / far * HEAD_LENGTH, tip.y + (before.y - tip.y) / far * HEAD_LENGTH)
    return hull((tip, back), HEAD_WIDTH / 2)


def hull(points: Iterable[Point], air: float = 0.0) -> Box:
    xs, ys = zip(*points, strict=True)
    return Box(min(xs) - air, min(ys) - air, max(xs) + air, max(ys) + air)


def meet(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def is_free(box: Box, taken: Iterable[Box]) -> bool:
    return not any(meet(box, t) for t in taken)


def borders(frames: Iterable[Box]) -> Iterator[Box]:
    """The lines of containers."""
    for left, top, right, bottom in frames:
        yield from (Box(x - HALF, top, x + HALF, bottom) for x in (left, right))
        yield from (Box(left, y - HALF, right, y + HALF) for y in (top, bottom))


def gap(a: Box, b: Box) -> float:
    """How far two boxes are apart; 0 where they meet."""
    return max(a[0] - b[2], b[0] - a[2], a[1] - b[3], b[1] - a[3], 0.0)
