"""The lines and the border: none runs along it, none leaves it and comes back."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby, pairwise

from lstmgraph.diagram.boxes import UNSEEN, hull, inside, meet
from lstmgraph.diagram.path import STROKE, simplify
from lstmgraph.diagram.quality.picture import Picture, Segment
from lstmgraph.diagram.scene import Box, Wire

NEAR = 2 * STROKE  # with less between them, two lines look like one


def along_border(picture: Picture) -> Iterator[str]:
    """Lines that run on the border, or less than two strokes beside it."""
    for frame in picture.scene.frames:
        yield from dict.fromkeys(s.wire.id for s in picture.segments if _is_along(s, frame))


def out_and_back(picture: Picture) -> Iterator[str]:
    """Lines that leave the border and come back to it."""
    for frame in picture.scene.frames:
        for wire in (*picture.scene.wires, *picture.scene.trunks):
            inner = [is_in for is_in, _ in groupby(_is_inside(wire, frame))]
            if sum(inner) > 1:
                yield wire.id


def _is_along(segment: Segment, frame: Box) -> bool:
    """Whether a horizontal or vertical piece runs beside one of the two sides of its direction."""
    (ax, ay), (bx, by) = segment.a, segment.b
    level = abs(ay - by) < UNSEEN
    at, sides = (ay, (frame.top, frame.bottom)) if level else (ax, (frame.left, frame.right))
    low, high = (frame.left, frame.right) if level else (frame.top, frame.bottom)
    start, end = sorted((ax, bx) if level else (ay, by))
    beside = min(end, high) - max(start, low) > UNSEEN
    return beside and min(abs(at - side) for side in sides) < NEAR + STROKE / 2 - UNSEEN


def _is_inside(wire: Wire, frame: Box) -> Iterator[bool]:
    """Whether a line is inside of a border, at each of its corners and between them."""
    for a, b in pairwise(simplify(wire.points)):
        ends = [inside(hull((p, p)), frame) for p in (a, b)]
        yield from (ends[0], any(ends) or meet(hull((a, b)), frame), ends[1])
