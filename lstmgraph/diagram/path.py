"""The geometry of wires: orthogonal polylines become Bezier routes with rounded corners and bridged crossings.

Pure geometry: no layout, no colour, no file format.  `finish` is what layouts call last; `arrowhead` is what writers
draw.  Wires of one *value* (by default: of one source) may run over one another; where they part there is a junction,
whose corner stays square.  Where wires of different values cross, one of them hops over the other in a small arc.

To change who hops, change `_calm`; to change the looks, the constants, all multiples of the stroke's width.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import hypot

from lstmgraph.diagram.scene import Dot, Point, Wire

STROKE = 2.0  # the width of a wire; the unit of everything below
HEAD_LENGTH = 4.1 * STROKE  # of an arrowhead, tip to barbs
HEAD_WIDTH = 3.3 * STROKE
HEAD_NOTCH = 0.16 * HEAD_LENGTH  # how far its back is hollowed: the wire ends there
STRAIGHT = 1.5 * HEAD_LENGTH  # the last piece of a wire is straight for as long as that
RADIUS = 4.0 * STROKE  # of a rounded corner
HOP = 2.5 * STROKE  # the radius of the arc that bridges a crossing
DOT_RADIUS = 1.5 * STROKE
SWITCH = 2.0 * STROKE  # the radius of the tightest curve in which a line may fork without a dot

KAPPA = 0.5522847498  # control points of a quarter circle
EPSILON = 1e-6  # what arithmetic alone can move a point by
MEMORIES = ("memory", "previous_memory")
PREVIOUS = ("previous_memory", "previous_output")

Route = tuple[Point, ...]
Value = Callable[[Wire], Hashable]


@dataclass(frozen=True)
class _Stretch:
    """Segment `index` of wire `wire`, from `a` to `b`; `head`, `tail`: what corners and arrowhead take."""

    wire: int
    index: int
    a: Point
    b: Point
    head: float
    tail: float

    @property
    def horizontal(self) -> bool:
        return abs(self.a.y - self.b.y) < EPSILON

    @property
    def vertical(self) -> bool:
        return abs(self.a.x - self.b.x) < EPSILON

    def room(self, at: Point) -> float:
        """The radius that a hop at `at` may have here."""
        return min(distance(self.a, at) - self.head, distance(at, self.b) - self.tail)


def source_of(wire: Wire) -> Hashable:
    return wire.source


def finish(
    wires: Iterable[Wire], radius: float = RADIUS, value: Value = source_of, curved: bool = False
) -> tuple[Wire, ...]:
    """The wires with their routes: corners rounded, crossings bridged, ends shortened by the arrowhead.

    `curved` rounds the corners at forks too: a branch leaves the line as at a railway switch, and needs no dot.
    """
    drawn = tuple(replace(w, points=simplify(w.points)) for w in wires)
    radii = _corner_radii(drawn, radius, value, curved)
    hops = _hops(drawn, _stretches(drawn, radii), value)
    return tuple(replace(w, route=_route(w, radii[i], hops.get(i, {}))) for i, w in enumerate(drawn))


def junctions(wires: Iterable[Wire], value: Value = source_of) -> tuple[Dot, ...]:
    """A dot wherever wires of one value part, lit if a lit wire turns or runs on there."""
    drawn = [replace(w, points=simplify(w.points)) for w in wires]
    found: dict[tuple[Hashable, Point], Dot] = {}
    for i, point, wire in _forks(drawn, value):
        through = [w for w in drawn if value(w) == value(wire) and _passes(w, point)]
        key = value(drawn[i]), rounded(point)
        found.setdefault(key, Dot(point, wire.role, any(w.lit for w in through)))
    return tuple(found.values())


def crossings(wires: Iterable[Wire], value: Value = source_of) -> tuple[Point, ...]:
    """Where wires of different values cross, each point once for a pair of values."""
    drawn = tuple(replace(w, points=simplify(w.points)) for w in wires)
    return tuple(at for at, _, _ in _crossings(_stretches(drawn, None), [value(w) for w in drawn]))


def arrowhead(wire: Wire) -> Route:
    """The head's polygon: tip, barb, the notch where the wire ends, barb."""
    tip, back = wire.points[-1], wire.route[-1]
    if distance(tip, back) < EPSILON:
        back = next((p for p in reversed(wire.route) if distance(tip, p) > EPSILON), Point(tip.x - 1, tip.y))
    ux, uy = _unit(back, tip)
    half, length = HEAD_WIDTH / 2, HEAD_LENGTH
    foot = Point(tip.x - length * ux, tip.y - length * uy)
    notch = Point(foot.x + HEAD_NOTCH * ux, foot.y + HEAD_NOTCH * uy)
    return (tip, Point(foot.x - half * uy, foot.y + half * ux), notch, Point(foot.x + half * uy, foot.y - half * ux))


def simplify(points: Sequence[Point]) -> Route:
    """The polyline without repeated points and without corners that do not turn."""
    kept: list[Point] = []
    for point in points:
        if kept and distance(kept[-1], point) < EPSILON:
            continue
        if len(kept) > 1 and _same_direction(kept[-2], kept[-1], point):
            kept.pop()
        kept.append(Point(*point))
    return tuple(kept)


def straight(points: Sequence[Point]) -> Route:
    """A polyline as cubic Beziers, its corners sharp."""
    route = [points[0]]
    for a, b in pairwise(points):
        route += _line(a, b)
    return tuple(route)


def flatten(route: Route, pieces: int) -> list[Point]:
    """A route of cubic Beziers as a polyline."""
    points = [route[0]]
    for k in range(1, len(route), 3):
        a, b, c, d = route[k - 1 : k + 3]
        points += [_at(a, b, c, d, step / pieces) for step in range(1, pieces + 1)]
    return points


def _at(a: Point, b: Point, c: Point, d: Point, t: float) -> Point:
    s = 1 - t
    weights = (s * s * s, 3 * s * s * t, 3 * s * t * t, t * t * t)
    return Point(*(sum(w * p[k] for w, p in zip(weights, (a, b, c, d), strict=True)) for k in (0, 1)))


def is_straight(piece: Sequence[Point]) -> bool:
    """Whether a cubic piece is a straight line."""
    a, b, c, d = piece
    (ux, uy), length = _unit(a, d), distance(a, d)
    off = [abs((p.x - a.x) * uy - (p.y - a.y) * ux) for p in (b, c)]
    along = [(p.x - a.x) * ux + (p.y - a.y) * uy for p in (b, c)]
    return max(off) < 1e-3 and min(along) > -1e-3 and max(along) < length + 1e-3


def distance(a: Point, b: Point) -> float:
    return hypot(b[0] - a[0], b[1] - a[1])


def away(at: Point, a: Point, b: Point) -> float:
    """How far a point is from a straight piece."""
    length = distance(a, b)
    along = ((at.x - a.x) * (b.x - a.x) + (at.y - a.y) * (b.y - a.y)) / length**2 if length else 0.0
    along = min(1.0, max(0.0, along))
    return distance(at, Point(a.x + along * (b.x - a.x), a.y + along * (b.y - a.y)))


def rounded(point: Point) -> Point:
    """The point as a key: equal for points that nobody could tell apart."""
    return Point(round(point.x, 3) + 0.0, round(point.y, 3) + 0.0)


def _unit(a: Point, b: Point) -> Point:
    length = distance(a, b) or 1.0
    return Point((b.x - a.x) / length, (b.y - a.y) / length)


def _same_direction(a: Point, b: Point, c: Point) -> bool:
    (ux, uy), (vx, vy) = _unit(a, b), _unit(b, c)
    return abs(ux - vx) < EPSILON and abs(uy - vy) < EPSILON


def _between(a: Point, b: Point, at: Point) -> bool:
    """`at` lies on the open segment."""
    return abs(distance(a, at) + distance(at, b) - distance(a, b)) < EPSILON < min(distance(a, at), distance(at, b))


def _passes(wire: Wire, at: Point) -> bool:
    return at in wire.points[1:-1] or any(_between(a, b, at) for a, b in pairwise(wire.points))


def _turn(wire: Wire, index: int) -> tuple[Point, Point]:
    """The directions in which the wire comes to its corner and leaves it, good as a key."""
    a, b, c = wire.points[index - 1 : index + 2]
    return rounded(_unit(a, b)), rounded(_unit(b, c))


def _ways(wire: Wire, at: Point) -> list[tuple[Point, Point]]:
    """How the wire goes through `at`: directions in and out, none if it does not."""
    ways = [_turn(wire, k) for k in range(1, len(wire.points) - 1) if distance(wire.points[k], at) < EPSILON]
    ways += [(rounded(_unit(a, b)),) * 2 for a, b in pairwise(wire.points) if _between(a, b, at)]
    return ways


def _forks(wires: Sequence[Wire], value: Value) -> list[tuple[int, Point, Wire]]:
    """Corners at which another wire of the same value goes another way: (index of the wire, the corner, the wire)."""
    found = []
    for i, wire in enumerate(wires):
        others = [w for j, w in enumerate(wires) if j != i and value(w) == value(wire)]
        for k in range(1, len(wire.points) - 1):
            turn = _turn(wire, k)
            if any(way != turn for other in others for way in _ways(other, wire.points[k])):
                found.append((i, wire.points[k], wire))
    return found


def _corner_radii(wires: Sequence[Wire], radius: float, value: Value, curved: bool) -> list[list[float]]:
    """The radius at each point of each wire (0 at ends and forks); wires of a value that turn together turn alike."""
    forks = set() if curved else {(i, rounded(at)) for i, at, _ in _forks(wires, value)}
    least: dict[Hashable, float] = {}
    keys: list[list[Hashable]] = []
    crossed = _crossed(wires, value)
    for i, wire in enumerate(wires):
        keys.append([None] * len(wire.points))
        for k in range(1, len(wire.points) - 1):
            key = (value(wire), rounded(wire.points[k]), _turn(wire, k))
            bridges = [distance(at, wire.points[k]) - HOP for piece in (k - 1, k) for at in crossed.get((i, piece), ())]
            room = (
                0.0 if (i, key[1]) in forks else min(radius, _room_for_corner(wire, k), *(max(0.0, b) for b in bridges))
            )
            keys[i][k] = key
            least[key] = min(least.get(key, radius), room)
    if curved:
        _square_alike(least, {(value(wires[i]), rounded(at)) for i, at, _ in _forks(wires, value)})
    return [[least.get(key, 0.0) if key is not None else 0.0 for key in row] for row in keys]


def _crossed(wires: Sequence[Wire], value: Value) -> dict[tuple[int, int], list[Point]]:
    """Where each segment of each wire is crossed: a line does not turn under a bridge, nor on one."""
    found: dict[tuple[int, int], list[Point]] = {}
    for at, across, along in _crossings(_stretches(wires, None), [value(w) for w in wires]):
        for s in (*across, *along):
            found.setdefault((s.wire, s.index), []).append(at)
    return found


def _square_alike(least: dict[Hashable, float], forks: set[tuple[Hashable, Point]]) -> None:
    """A fork that needs a dot, as one of its corners has no room for a curve, has no curve beside the dot."""
    turns = [key for key in least if isinstance(key, tuple) and key[:2] in forks]
    tight = {key[:2] for key in turns if least[key] < SWITCH}
    least.update((key, 0.0) for key in turns if key[:2] in tight)


def _room_for_corner(wire: Wire, k: int) -> float:
    """A corner may take half of a segment that ends in another corner, and what is left of a last one."""
    points, last = wire.points, len(wire.points) - 1
    before = distance(points[k - 1], points[k]) * (1.0 if k == 1 else 0.5)
    after = distance(points[k], points[k + 1])
    after = max(0.0, after - (STRAIGHT if wire.arrow else 0.0)) if k + 1 == last else after / 2
    return min(before, after)


def _stretches(wires: Sequence[Wire], radii: list[list[float]] | None) -> list[_Stretch]:
    found = []
    for i, wire in enumerate(wires):
        last = len(wire.points) - 2
        for k, (a, b) in enumerate(pairwise(wire.points)):
            head, tail = (radii[i][k], radii[i][k + 1]) if radii else (0.0, 0.0)
            found.append(_Stretch(i, k, a, b, head, STRAIGHT if k == last and wire.arrow else tail))
    return found


_Crossing = tuple[Point, list[_Stretch], list[_Stretch]]


def _crossings(stretches: list[_Stretch], values: Sequence[Hashable]) -> list[_Crossing]:
    """Each crossing of two values once: the point, the stretches of the horizontal one, those of the vertical one."""
    found: dict[Hashable, _Crossing] = {}
    for h in (s for s in stretches if s.horizontal):
        for v in (s for s in stretches if s.vertical and values[s.wire] != values[h.wire]):
            at = Point(v.a.x, h.a.y)
            if not (_between(h.a, h.b, at) and _between(v.a, v.b, at)):
                continue
            key = (values[h.wire], values[v.wire], rounded(at))
            _, across, along = found.setdefault(key, (at, [], []))
            across += [h] if h not in across else []
            along += [v] if v not in along else []
    return list(found.values())


_Spans = dict[int, dict[int, list[tuple[float, float]]]]


def _hops(wires: Sequence[Wire], stretches: list[_Stretch], value: Value) -> _Spans:
    """Wire -> segment -> the stretches (from, to, as distances along the segment) that are lifted over other wires."""
    spans: _Spans = {}
    for at, across, along in _crossings(stretches, [value(w) for w in wires]):
        hopping = min((across, along), key=lambda group: _calm(wires, group, at))
        size = min([HOP, *(s.room(at) for s in hopping)])
        if size < STROKE:
            continue  # no wire has room for an arc one could see: the layout must make room
        for s in hopping:
            here = distance(s.a, at)
            spans.setdefault(s.wire, {}).setdefault(s.index, []).append((here - size, here + size))
    return {i: {k: _merged(found) for k, found in rows.items()} for i, rows in spans.items()}


def _calm(wires: Sequence[Wire], group: list[_Stretch], at: Point) -> tuple[bool, bool, bool, bool]:
    """Who stays straight at a crossing, weightiest first: a wire without room for the arc, one that is dashed
    or that some theme dashes (an arc of dashes looks broken), the memory (a pipe is one straight line), then the
    vertical."""
    cramped = min(s.room(at) for s in group) < HOP
    members = [wires[s.wire] for s in group]
    memory = any(w.role in MEMORIES for w in members)
    return cramped, any(w.dashed or w.role in PREVIOUS for w in members), memory, group[0].vertical


def _merged(spans: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Hops that touch become one, with a flat top."""
    merged: list[tuple[float, float]] = []
    for start, end in sorted(spans):
        if merged and start < merged[-1][1] + STROKE:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((start, end))
    return merged


def _route(wire: Wire, radii: list[float], hops: dict[int, list[tuple[float, float]]]) -> Route:
    points, last = wire.points, len(wire.points) - 1
    route = [points[0]]
    for k, (a, b) in enumerate(pairwise(points)):
        end = distance(a, b) - (radii[k + 1] if k + 1 < last else _shortened(wire, distance(a, b)))
        for start, stop in hops.get(k, []):
            route += _line(route[-1], _along(a, b, start))
            route += _arc(a, b, start, stop)
        route += _line(route[-1], _along(a, b, end))
        if k + 1 < last and radii[k + 1]:
            route += _corner(route[-1], b, _along(b, points[k + 2], radii[k + 1]))
    return tuple(route)


def _shortened(wire: Wire, available: float) -> float:
    return min(HEAD_LENGTH - HEAD_NOTCH, 0.95 * available) if wire.arrow else 0.0


def _along(a: Point, b: Point, far: float) -> Point:
    ux, uy = _unit(a, b)
    return Point(a.x + far * ux, a.y + far * uy)


def _line(a: Point, b: Point) -> list[Point]:
    if distance(a, b) < EPSILON:
        return []
    third = Point(a.x + (b.x - a.x) / 3, a.y + (b.y - a.y) / 3)
    return [third, Point(b.x - (third.x - a.x), b.y - (third.y - a.y)), b]


def _corner(start: Point, corner: Point, end: Point) -> list[Point]:
    """A quarter circle from `start` to `end` inside the corner."""
    near = Point(start.x + KAPPA * (corner.x - start.x), start.y + KAPPA * (corner.y - start.y))
    far = Point(end.x + KAPPA * (corner.x - end.x), end.y + KAPPA * (corner.y - end.y))
    return [near, far, end]


def _arc(a: Point, b: Point, start: float, stop: float) -> list[Point]:
    """Up, over and down: half a circle, or two quarters with a flat top; a vertical wire bulges to the right."""
    size = min(HOP, (stop - start) / 2)
    ux, uy = _unit(a, b)
    up = Point(0.0, -size) if abs(ux) > abs(uy) else Point(size, 0.0)

    def at(far: float, lift: float) -> Point:
        p = _along(a, b, far)
        return Point(p.x + lift * up.x, p.y + lift * up.y)

    rise = _corner(at(start, 0), at(start, 1), at(start + size, 1))
    top = _line(at(start + size, 1), at(stop - size, 1))
    return rise + top + _corner(at(stop - size, 1), at(stop, 1), at(stop, 0))
