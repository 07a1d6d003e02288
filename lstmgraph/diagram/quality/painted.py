"""Whether a line is painted where it runs, and as it should: the route of a wire, beside the straight pieces that it
stands for.

All other rules look at where wires run.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from math import sqrt

from lstmgraph.diagram.boxes import UNSEEN
from lstmgraph.diagram.path import HEAD_LENGTH, HOP, RADIUS, away, distance, flatten, is_straight, rounded, simplify
from lstmgraph.diagram.quality.picture import Picture, ends
from lstmgraph.diagram.scene import Point, Wire

SAMPLES = 12  # on each Bézier piece
FLAT = 0.1  # what is no farther than that from a line is on it
PAST_A_CORNER = (sqrt(2) - 1) * RADIUS + 0.01  # how far the widest quarter circle stays away from its corner


def oblique(picture: Picture) -> Iterator[str]:
    """Wires and trunks with a piece that is neither horizontal nor vertical."""
    for wire in (*picture.scene.wires, *picture.scene.trunks):
        if any(_slants(a, b) for a, b in pairwise(wire.points)):
            yield wire.id


def misdrawn(picture: Picture) -> Iterator[str]:
    """Wires and trunks that are painted elsewhere than they run: off their line by more than the arc of a bridge, past
    a corner, straight and slanted, or not from end to end.
    """
    for wire in (*picture.scene.wires, *picture.scene.trunks):
        start, *_, end = wire.route
        short = HEAD_LENGTH if wire.arrow else 0.0
        whole = distance(start, wire.points[0]) < UNSEEN and distance(end, wire.points[-1]) < short + UNSEEN
        if not whole or _strays(wire) or _slanted(wire):
            yield wire.id


def sharp(picture: Picture) -> Iterator[str]:
    """Corners that are not rounded, though no line forks there."""
    dots = {rounded(dot.at) for dot in picture.scene.dots}
    for wire in (*picture.scene.wires, *picture.scene.trunks):
        for at in simplify(wire.points)[1:-1]:
            square = any(distance(p, at) < UNSEEN for p in wire.route[::3])
            if square and rounded(at) not in dots and not picture.covered(at):
                yield f"{wire.id} at ({at.x:g}, {at.y:g})"


def falsely_bridged(picture: Picture) -> Iterator[str]:
    """Lines that leave their way where nothing crosses them, as if to hop over something."""
    over: dict[str, list[Point]] = {}
    for crossing in picture.crossings:
        for wire in (*crossing.across, *crossing.along):
            over.setdefault(wire.id, []).append(crossing.at)
    for wire in (*picture.scene.wires, *picture.scene.trunks):
        shared = picture.trunks[ends(wire)[1]].id if picture.join_of(wire) is not None else ""
        reasons = [(at, HOP) for id in (wire.id, shared) for at in over.get(id, ())]
        reasons += [(at, RADIUS) for at in simplify(wire.points)[1:-1]]
        if at := next((p for p in _off(wire) if all(distance(p, r) > far + FLAT for r, far in reasons)), None):
            yield f"{wire.id} at ({at.x:g}, {at.y:g})"


def _off(wire: Wire) -> Iterator[Point]:
    """Where a line is not painted on its straight pieces."""
    line = list(pairwise(wire.points))
    pieces = (wire.route[k - 1 : k + 3] for k in range(1, len(wire.route), 3))
    places = (at for p in pieces for at in ((p[0], p[3]) if is_straight(p) else flatten(p, SAMPLES)))
    return (at for at in places if all(away(at, a, b) > FLAT for a, b in line))


def _slants(a: Point, b: Point) -> bool:
    return abs(a.x - b.x) > UNSEEN < abs(a.y - b.y)


def _slanted(wire: Wire) -> bool:
    """Whether a straight piece of a route is neither horizontal nor vertical, though its wire is."""
    ways = any(_slants(a, b) for a, b in pairwise(wire.points))
    pieces = (wire.route[k - 1 : k + 3] for k in range(1, len(wire.route), 3))
    return not ways and any(is_straight(p) and _slants(p[0], p[3]) for p in pieces)


def _strays(wire: Wire) -> bool:
    """Whether a route leaves its line, or leaves out a corner of it."""
    line, pieces = flatten(wire.route, SAMPLES), list(pairwise(wire.points))
    if any(all(away(p, a, b) > HOP + UNSEEN for a, b in pieces) for p in line):
        return True
    return any(
        all(away(corner, a, b) > PAST_A_CORNER for a, b in pairwise(line)) for corner in simplify(wire.points)[1:-1]
    )
