"""Lines turned around, for the backward pass: the arrowhead at the other end, and room for it there.

Pure geometry.  A line that began with a short piece would end with one: that piece is made longer (`with_room`), by
moving the next one a little, if the ground there is free.  A fork in a curve has no place for a sum: its corners are
made square (`forked`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from lstmgraph.diagram.boxes import holds, hull, label_box, node_box
from lstmgraph.diagram.ground import is_free, of_wire
from lstmgraph.diagram.joins import own
from lstmgraph.diagram.path import (
    EPSILON,
    HEAD_LENGTH,
    HEAD_NOTCH,
    KAPPA,
    RADIUS,
    STRAIGHT,
    STROKE,
    Route,
    distance,
    is_straight,
    junctions,
    rounded,
    straight,
)
from lstmgraph.diagram.scene import COTANGENT_SUM, Box, Node, Point, Scene, Wire

TOUCH = 0.4  # of the line that is left between a plus and its operation
LEFT = 8.0  # of a piece that becomes shorter
CLEAR = 2.5 * STROKE  # from the middle of a moved line to anything else
BOXES = ("box", "panel")  # along whose sides a line may begin anywhere


# ── turning ──


def turned(wire: Wire) -> Wire:
    """The same line, its arrowhead at the other end."""
    points = wire.points[::-1]
    route = shortened(whole(wire)[::-1], points)
    return replace(wire, source=wire.target, target=wire.source, points=points, route=route, arrow=True, back=True)


def whole(wire: Wire) -> Route:
    """The route up to the tip of the arrowhead."""
    tip, end = wire.points[-1], wire.route[-1]
    return wire.route if distance(tip, end) < EPSILON else (*wire.route, *straight([end, tip])[1:])


def shortened(route: Route, points: Route) -> Route:
    """The route up to the notch of an arrowhead at its end; where a corner leaves no room for that, it is square."""
    corner, tip = points[-2], points[-1]
    body = route
    while len(body) > 3 and is_straight(body[-4:]) and lies_on(corner, tip, body[-4]):
        body = body[:-3]
    if len(body) > 3 and distance(body[-1], tip) < STRAIGHT - EPSILON and _rounds(body[-4:], corner):
        body = (*body[:-3], *straight([body[-4], corner])[1:])
    start, length = body[-1], distance(body[-1], tip)
    kept = max(length - (HEAD_LENGTH - HEAD_NOTCH), 0.05 * length) / length
    notch = Point(start.x + kept * (tip.x - start.x), start.y + kept * (tip.y - start.y))
    return (*body, *straight([start, notch])[1:])


def toward(a: Point, b: Point, far: float) -> Point:
    """The point so far from one point on the way to another."""
    part = far / distance(a, b)
    return Point(a.x + part * (b.x - a.x), a.y + part * (b.y - a.y))


def lies_on(a: Point, b: Point, at: Point) -> bool:
    """Whether a point lies on a segment."""
    return distance(a, at) + distance(at, b) - distance(a, b) < EPSILON


def way(a: Point, b: Point) -> tuple[int, int]:
    """The direction from one point to another: (1, 0) is to the right."""
    return (b.x > a.x + EPSILON) - (b.x < a.x - EPSILON), (b.y > a.y + EPSILON) - (b.y < a.y - EPSILON)


# ── forks ──


def forked(scene: Scene) -> Scene:
    """The scene with a dot at every fork, also where the look has curves: there the corners become square."""
    known = [d.at for d in scene.dots]
    found = junctions(_parts(scene), value=lambda w: (w.source, w.role))
    dots = [d for d in found if all(distance(d.at, at) > STROKE for at in known)]
    places = [d.at for d in dots]  # known ones are square
    return replace(
        scene,
        wires=tuple(_squared(w, places) for w in scene.wires),
        trunks=tuple(_squared(t, places) for t in scene.trunks),
        dots=(*scene.dots, *dots),
    )


def _parts(scene: Scene) -> Iterator[Wire]:
    """The lines, those that join in a trunk only as far as there; then the trunks."""
    joins = {n.id: n for n in scene.nodes if n.kind == "join"}
    begins = {t.target: joins[t.source] for t in scene.trunks}
    yield from (own(w, begins[w.target]) if w.target in begins else w for w in scene.wires)
    yield from scene.trunks


def _squared(wire: Wire, places: Sequence[Point]) -> Wire:
    """The line with square corners at these places."""
    corners = [p for p in wire.points[1:-1] if p in places]
    route = [wire.route[0]]
    for k in range(1, len(wire.route), 3):
        piece = wire.route[k - 1 : k + 3]
        corner = next((c for c in corners if not is_straight(piece) and _rounds(piece, c)), None)
        route += piece[1:] if corner is None else straight([piece[0], corner, piece[3]])[1:]
    return replace(wire, route=tuple(route)) if corners else wire


def _rounds(piece: Sequence[Point], corner: Point) -> bool:
    """Whether a curve leads around a corner: from one of its sides to the other."""
    (ax, ay), (bx, by) = piece[0], piece[3]
    meets = (ax, by) if abs(ax - corner.x) < EPSILON else (bx, ay)
    return distance(Point(*meets), corner) < EPSILON


def eased(scene: Scene) -> Scene:
    """The scene with round corners where a line forks no more."""
    square = {rounded(d.at) for d in scene.dots}
    boxes = [node_box(n) for n in scene.nodes]

    def ease(wire: Wire) -> Wire:
        for at in wire.points[1:-1]:
            if rounded(at) not in square and not any(holds(box, at) for box in boxes):
                room = distance(at, wire.points[-1]) - STRAIGHT if wire.arrow and at == wire.points[-2] else RADIUS
                wire = replace(wire, route=_eased(wire.route, at, min(RADIUS, max(0.0, room))))
        return wire

    return replace(scene, wires=tuple(map(ease, scene.wires)), trunks=tuple(map(ease, scene.trunks)))


def _eased(route: Route, corner: Point, radius: float) -> Route:
    """A route with a quarter of a circle in the place of a square corner, if it has that."""
    k = next((k for k in range(3, len(route) - 3, 3) if distance(route[k], corner) < EPSILON), None)
    if k is None or radius < EPSILON:
        return route
    before, after = route[k - 3], route[k + 3]
    radius = min(radius, distance(before, corner) / 2, distance(corner, after) / 2)
    start, end = toward(corner, before, radius), toward(corner, after, radius)
    inner = [toward(p, corner, KAPPA * radius) for p in (start, end)]
    return (*route[: k - 3], *straight([before, start]), *inner, *straight([end, after]), *route[k + 4 :])


# ── room for arrowheads ──


def with_room(scene: Scene) -> Scene:
    """The scene in which arrowheads that cotangents need have a straight piece before them, where there is room."""
    for plus in [n for n in scene.nodes if n.kind == COTANGENT_SUM]:
        scene = _slid(scene, plus)
    for wire in scene.wires:
        if wire.lit and wire.back and wire.arrow:
            scene = _stretched(scene, next(w for w in scene.wires if w.id == wire.id))
    return scene


def _slid(scene: Scene, plus: Node) -> Scene:
    """With a plus at which arrows end nearer to its operation, by as much as the arrow behind it needs."""
    stub = next((t for t in scene.trunks if t.source == plus.id), None)
    ending = [w for w in scene.wires if w.target == plus.id]
    if stub is None or not ending:
        return scene
    on = way(stub.points[0], stub.points[1])
    behind = [w for w in ending if way(w.points[-2], w.points[-1]) == on]
    aside = [w for w in ending if w not in behind]
    need = max((STRAIGHT - distance(w.points[-2], w.points[-1]) for w in behind), default=0.0)
    room = distance(*stub.points) - TOUCH
    if not EPSILON < need <= room or any(len(w.points) < 3 for w in aside):
        return scene
    by = need * on[0], need * on[1]
    start = _plus(stub.points[0], by)
    moved = {w.id: _moved(w, len(w.points) - (1 if w in behind else 2), len(w.points), by) for w in ending}
    label = replace(plus.label, at=_plus(plus.label.at, by)) if plus.label else None
    new = replace(plus, at=_plus(plus.at, by), label=label)
    shorter = replace(stub, points=(start, stub.points[1]), route=straight([start, stub.points[1]]))
    return replace(
        scene,
        wires=tuple(moved.get(w.id, w) for w in scene.wires),
        trunks=tuple(shorter if t is stub else t for t in scene.trunks),
        nodes=tuple(new if n is plus else n for n in scene.nodes),
    )


def _stretched(scene: Scene, wire: Wire) -> Scene:
    """With a longer last piece of a wire, and of those that run on it, if the ground beside is free."""
    *_, corner, tip = wire.points
    need = STRAIGHT - distance(corner, tip)
    if need <= EPSILON or len(wire.points) < 3:
        return scene
    back = way(tip, corner)
    by = need * back[0], need * back[1]
    group = [w for w in scene.wires if w.lit and w.points[-2:] == wire.points[-2:]]
    moved = [_moved(w, len(w.points) - 3, len(w.points) - 1, by) for w in group]
    if not all(_may_move(scene, old, new, group) for old, new in zip(group, moved, strict=True)):
        return scene
    new = {w.id: w for w in moved}
    return replace(scene, wires=tuple(new.get(w.id, w) for w in scene.wires))


def _moved(wire: Wire, first: int, last: int, by: tuple[float, float]) -> Wire:
    """The wire with some of its points elsewhere; the pieces before and after are so much longer or shorter."""
    points = tuple(_plus(p, by) if first <= k < last else p for k, p in enumerate(wire.points))
    route = whole(wire)
    kept = 0  # of the route: up to the straight piece that changes its length
    if first:
        a, b = wire.points[first - 1 : first + 1]
        pieces = range(0, len(route) - 1, 3)
        kept = max(
            k
            for k in pieces
            if is_straight(route[k : k + 4]) and lies_on(a, b, route[k]) and lies_on(a, b, route[k + 3])
        )
        begin = (*route[: kept + 1], *straight([route[kept], _plus(route[kept + 3], by)])[1:])
        route = (*begin, *(_plus(p, by) for p in route[kept + 4 :]))
    else:
        route = tuple(_plus(p, by) for p in route)
    return replace(wire, points=points, route=shortened(route, points))


def _may_move(scene: Scene, old: Wire, new: Wire, group: Sequence[Wire]) -> bool:
    """Whether the ground is free that a wire's last piece but one moves to, and its own ends allow it."""
    if len(old.points) == 3:
        source = next(n for n in scene.nodes if n.id == old.source)
        if source.shape not in BOXES or not _beside(source, new.points[0]):
            return False
    elif distance(*new.points[-4:-2]) < LEFT:
        return False
    swept = hull((*old.points[-3:-1], *new.points[-3:-1]), CLEAR)
    ends = {old.source, old.target}
    taken = [node_box(n) for n in scene.nodes if n.id not in ends] + [label_box(x) for x in scene.labels]
    others = [w for w in (*scene.wires, *scene.trunks) if all(w.id != g.id for g in group)]
    taken += [box for w in others for box in of_wire(w)]
    return is_free(swept, taken)


def _beside(node: Node, at: Point) -> bool:
    """Whether a line may begin at a point: on a side of the node, not at its end."""
    air = 2 * STROKE
    inner = Box(
        node.at.x - node.width / 2 + air,
        node.at.y - node.height / 2 + air,
        node.at.x + node.width / 2 - air,
        node.at.y + node.height / 2 - air,
    )
    return inner.left <= at.x <= inner.right or inner.top <= at.y <= inner.bottom


def _plus(at: Point, by: tuple[float, float]) -> Point:
    return Point(at.x + by[0], at.y + by[1])
