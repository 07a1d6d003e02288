"""The ground of a picture that is taken by lines, arrowheads and borders, and what is free of it.

Whatever looks for a free place, for a label or for a number, looks here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise

from lstmgraph.diagram.boxes import hull, meet
from lstmgraph.diagram.path import HEAD_LENGTH, HEAD_WIDTH, STROKE
from lstmgraph.diagram.scene import Box, Point, Wire

HALF = STROKE / 2


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


def is_free(box: Box, taken: Iterable[Box]) -> bool:
    return not any(meet(box, t) for t in taken)


def borders(frames: Iterable[Box]) -> Iterator[Box]:
    """The lines of containers."""
    for left, top, right, bottom in frames:
        yield from (Box(x - HALF, top, x + HALF, bottom) for x in (left, right))
        yield from (Box(left, y - HALF, right, y + HALF) for y in (top, bottom))
