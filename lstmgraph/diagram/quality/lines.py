"""The wires by themselves: how they run, bend, cross, part and end."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterator, Mapping
from heapq import heappop, heappush
from itertools import pairwise
from math import inf

from lstmgraph.diagram.boxes import UNSEEN, around, holds, hull
from lstmgraph.diagram.graph import base_of
from lstmgraph.diagram.path import DOT_RADIUS, HEAD_LENGTH, STROKE, distance, flatten, is_straight, simplify
from lstmgraph.diagram.quality.geometry import Grid
from lstmgraph.diagram.quality.picture import Crossing, Picture, Segment
from lstmgraph.diagram.scene import Point, Wire

AROUND = 32 * STROKE  # half the way around a node


def shared_lines(picture: Picture) -> Iterator[str]:
    """Parallel pieces of different values on one line, or beside each other with less than two strokes between."""
    segments, found = picture.segments, dict[str, None]()
    for a, b in picture.segment_grid.pairs(2 * STROKE):
        one, other = segments[a], segments[b]
        if one.value != other.value and not _one_join(one, other, picture) and _beside(one, other):
            found[f"{one.wire.id} and {other.wire.id}"] = None
    yield from found


def _one_join(one: Segment, other: Segment, picture: Picture) -> bool:
    """Whether both wires end or begin in the same join, where they become one."""
    ends = {one.wire.source, one.wire.target} & {other.wire.source, other.wire.target}
    return any(id in picture.joins for id in ends)


def _beside(one: Segment, other: Segment) -> bool:
    """Whether two pieces run along one another."""
    for along, across in ((0, 1), (1, 0)):
        level = abs(one.a[across] - one.b[across]) < UNSEEN and abs(other.a[across] - other.b[across]) < UNSEEN
        if level:
            spans = [sorted((s.a[along], s.b[along])) for s in (one, other)]
            return min(spans[0][1], spans[1][1]) - max(spans[0][0], spans[1][0]) > UNSEEN
    return False


# ── bends ──


def bends(wire: Wire) -> int:
    return max(0, len(simplify(wire.points)) - 2)


def bent_pipes(picture: Picture) -> Iterator[str]:
    """Memories that do not run straight through: no way from old to new, over operators alone, without a bend."""
    for base in picture.graph.memories:
        own = [n for n in picture.graph.nodes if n.kind in ("previous", "next") and base_of(n) == base]
        goals = {n.id for n in own if n.kind == "next"}
        found = [(n.kind, _fewest_bends(picture, n.id, goals - {n.id})) for n in own]
        if any(fewest or (fewest is None and kind == "previous") for kind, fewest in found):
            yield base


def _fewest_bends(picture: Picture, start: str, goals: set[str]) -> int | None:
    """The bends, and shifts between wires, of the straightest way over operators alone; None where there is none."""
    queue: list[tuple[int, str, float]] = [(0, start, inf)]
    seen: set[tuple[str, float]] = set()
    while queue:
        cost, here, level = heappop(queue)
        if here in goals:
            return cost
        if (here, level) not in seen:
            seen.add((here, level))
            for wire, there in picture.onward.get(here, ()):
                shift = level < inf and abs(wire.points[0].y - level) > UNSEEN
                heappush(queue, (cost + bends(wire) + shift, there, wire.points[-1].y))
    return None


def longest_way(picture: Picture) -> float:
    """The length of a line by the distance of its ends along the axes and what it takes to go around a node; the most.

    A line may have to keep clear of nodes and of other lines, and to come in from a certain side, so that not all that
    is longer than it could be is needless.
    """
    return max((_length(w) / (_far(w.points[0], w.points[-1]) + AROUND) for w in picture.scene.wires), default=0.0)


def _length(wire: Wire) -> float:
    return sum(_far(a, b) for a, b in pairwise(wire.points))


def _far(a: Point, b: Point) -> float:
    return abs(a.x - b.x) + abs(a.y - b.y)


# ── crossings and forks ──


def unbridged(picture: Picture) -> Iterator[str]:
    """Crossings at which not exactly one of the two lines is lifted over the other."""
    for crossing in picture.crossings:
        sides = [{_lifted(w, crossing.at) for w in group} for group in (crossing.across, crossing.along)]
        if sides not in ([{True}, {False}], [{False}, {True}]):
            yield _named(crossing)


def dashed_hops(picture: Picture, dashes: Mapping[str, Collection[float]]) -> Iterator[str]:
    """Crossings at which a dashed line hops over a solid one: an arc of dashes looks broken.

    `dashes`: the patterns of roles that a theme draws with dashes, whatever a wire says.
    """
    for crossing in picture.crossings:
        for hopping, other in ((crossing.across, crossing.along), (crossing.along, crossing.across)):
            lifted = any(_lifted(w, crossing.at) and _is_dashed(w, dashes) for w in hopping)
            if lifted and not any(_is_dashed(w, dashes) for w in other):
                yield _named(crossing)


def _is_dashed(wire: Wire, dashes: Mapping[str, Collection[float]]) -> bool:
    return bool(dashes.get(wire.role, wire.dashed))


def _named(crossing: Crossing) -> str:
    return f"{crossing.across[0].id} and {crossing.along[0].id} at ({crossing.at.x:g}, {crossing.at.y:g})"


def _lifted(wire: Wire, at: Point) -> bool:
    """Whether the route keeps away from a point that its straight pieces would run through."""
    for k in range(1, len(wire.route), 3):
        piece = wire.route[k - 1 : k + 3]
        if holds(hull(piece, STROKE), at):
            line = (piece[0], piece[3]) if is_straight(piece) else flatten(piece, 8)
            if any(holds(hull(pair, STROKE - UNSEEN), at) for pair in pairwise(line)):
                return False
    return True


def touching(picture: Picture) -> Iterator[str]:
    """Wires that turn or end on the line of another value, as if they were joined to it."""
    found: dict[str, None] = {}
    for segment in picture.segments:
        for at in (segment.a, segment.b):
            for k in picture.segment_grid.near(around(at, 0, 0), STROKE):
                other = picture.segments[k]
                if other.value != segment.value and not _meant(picture, segment, other, at):
                    found[f"{segment.wire.id} and {other.wire.id} at ({at.x:g}, {at.y:g})"] = None
    yield from found


def _meant(picture: Picture, one: Segment, other: Segment, at: Point) -> bool:
    """Whether two wires may meet at a point: in a join, or at the outline of a node."""
    if not holds(hull((other.a, other.b)), at) or _one_join(one, other, picture):
        return True
    return at in (one.wire.points[0], one.wire.points[-1]) and at in (other.wire.points[0], other.wire.points[-1])


def dots_astray(picture: Picture) -> Iterator[str]:
    """Forks with neither a junction dot nor a curve; dots that are at no fork, or at a crossing."""
    near = Grid([around(d.at, DOT_RADIUS, DOT_RADIUS) for d in picture.scene.dots])
    for at, value in picture.forks:
        if not near.near(around(at, 1, 1)) and not _is_curved(picture, at, value):
            yield f"no dot where {value} parts at ({at.x:g}, {at.y:g})"
    forks = Grid([around(at, 1, 1) for at, _ in picture.forks])
    across = Grid([around(c.at, 1, 1) for c in picture.crossings])
    for dot in picture.scene.dots:
        if not forks.near(around(dot.at, 1, 1)):
            yield f"a dot and no fork at ({dot.at.x:g}, {dot.at.y:g})"
        if across.near(around(dot.at, 2 * DOT_RADIUS, 2 * DOT_RADIUS)):
            yield f"a dot and a crossing at ({dot.at.x:g}, {dot.at.y:g})"


def _is_curved(picture: Picture, at: Point, value: Hashable) -> bool:
    """Whether every line that turns at a fork leaves it in a curve, as at a railway switch."""
    lines = (w for w in (*picture.scene.wires, *picture.scene.trunks) if picture.value(w) == value)
    turning = [w for w in lines if any(distance(p, at) < 1 for p in w.points[1:-1])]
    return bool(turning) and all(distance(p, at) > STROKE for w in turning for p in w.route[::3])


# ── arrowheads ──


def straight_ends(picture: Picture) -> list[tuple[float, str]]:
    """How long each line is straight before its tip, in lengths of an arrowhead, and the wire."""
    return [(_straight_end(h.wire) / HEAD_LENGTH, h.wire.id) for h in picture.heads]


def _straight_end(wire: Wire) -> float:
    tip, start = wire.points[-1], wire.route[-1]
    for k in range(len(wire.route) - 4, -1, -3):
        piece = wire.route[k : k + 4]
        if not is_straight(piece) or abs(piece[0].x - tip.x) > UNSEEN < abs(piece[0].y - tip.y):
            break
        start = piece[0]
    return distance(start, tip)
