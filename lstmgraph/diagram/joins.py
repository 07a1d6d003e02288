"""Where values join: a dot or a bar, at which a trunk begins that several values share from there on.

The wire of an edge runs through its join to its end; what of it is its own ends on the line along the join's middle.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from lstmgraph.diagram.boxes import UNSEEN, holds, hull
from lstmgraph.diagram.scene import Node, Point, Wire


def joins(wire: Wire, join: Node) -> bool:
    """Whether a wire runs through a join."""
    return _met(wire, join) is not None


def own(wire: Wire, join: Node) -> Wire:
    """The part of a wire before the join that it runs through; of a cotangent what comes after."""
    met = _met(wire, join)
    if met is None:
        return wire
    k, at = met
    points = (*_onward(wire)[: k + 1], at)
    return replace(wire, points=points[::-1] if wire.back else points)


def _onward(wire: Wire) -> tuple[Point, ...]:
    """The points of a wire in the direction of its value, also where it shows a cotangent."""
    return wire.points[::-1] if wire.back else wire.points


def _met(wire: Wire, join: Node) -> tuple[int, Point] | None:
    """The piece of a wire, and the point on it, where its value comes to the line along the middle of a join."""
    y, half = join.at.y, join.width / 2
    for k, (a, b) in enumerate(pairwise(_onward(wire))):
        x = a.x if abs(a.y - y) > UNSEEN else min(max(a.x, join.at.x - half), join.at.x + half)
        if abs(x - join.at.x) <= half + UNSEEN and holds(hull((a, b)), Point(x, y)):
            return k, Point(x, y)
    return None
