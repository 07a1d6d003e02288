"""The backward pass over a picture: the cotangents flow against the arrows, and nothing moves.

Every wire that carries a cotangent is turned around, with its arrowhead at the other end; the operations are dimmed.
Where a value forked, its cotangents meet and are summed: the dot becomes a small plus.  A wire keeps the colour of its
value.  What the names and formulas are is handed in (`Flow`): this module only draws.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from lstmgraph.diagram.layout.labels import inside
from lstmgraph.diagram.layout.legend import WORDS
from lstmgraph.diagram.layout.shapes import Form
from lstmgraph.diagram.layout.steps import passes
from lstmgraph.diagram.path import (
    HEAD_LENGTH,
    HEAD_NOTCH,
    HEAD_WIDTH,
    STROKE,
    Route,
    arrowhead,
    distance,
    is_straight,
    straight,
)
from lstmgraph.diagram.scene import Box, Dot, Label, Node, Point, Scene, Wire, shown_by
from lstmgraph.diagram.typeset import measure

SUM = "cotangent_sum"  # the kind of the small plus
SUM_SIZE, PLUS = 11.0, 9.0  # of its circle, of the sign in it
NAME, SMALL = 11.0, 9.0  # sizes of a name on a wire
FAR = (14.0, 6.0, 10.0, 20.0, 28.0, 38.0, 50.0, 64.0, 80.0, 100.0, 130.0)  # of a name from the end of its wire
AIR = 1.5
OUTSIDE = ("input", "previous", "next", "bias")
EPSILON = 1e-6


@dataclass(frozen=True)
class Flow:
    """What flows back: LaTeX of the cotangents by node, and formulas in words by node and by edge.

    An edge that has no formula carries nothing back.
    """

    names: Mapping[str, str]
    formulas: Mapping[str, str]
    shares: Mapping[str, str]


def backward(scene: Scene, flow: Flow) -> Scene:
    """The scene of the backward pass."""
    again = _repeated(scene)
    carrying = {w.id for w in scene.wires if shown_by(w.id) in flow.shares and w.id not in again}
    wires = [_turned(w, flow.shares[shown_by(w.id)]) if w.id in carrying else _dimmed(w) for w in scene.wires]
    trunks = [_trunk(t, [w for w in wires if w.lit]) for t in scene.trunks]
    live = [w for w in (*wires, *trunks) if w.lit]
    sums = [_sum(k, d.at, d.role) for k, d in enumerate(scene.dots, 1) if _meets(live, d.at)]
    dots = tuple(replace(d, lit=False) for d in scene.dots if not _meets(live, d.at))
    touched = {end for w in live for end in (w.source, w.target)}
    nodes = [_node(n, flow, n.id in touched) for n in scene.nodes]
    bare = replace(
        scene,
        wires=tuple(sorted(wires, key=lambda w: w.lit)),
        trunks=tuple(trunks),
        dots=dots,
        nodes=(*nodes, *sums),
        labels=tuple(x for x in scene.labels if _is_mark(x, scene)),
    )
    return replace(bare, labels=(*bare.labels, *_names(bare, flow)))


def forward(scene: Scene) -> Scene:
    """The scene with its cotangents turned back, for measures that know the graph of the forward pass."""
    return replace(
        scene,
        wires=tuple(_around(w) if w.lit else w for w in scene.wires),
        trunks=tuple(_around(w) if w.lit else w for w in scene.trunks),
        dots=(*scene.dots, *(Dot(n.at, n.role) for n in scene.nodes if n.kind == SUM)),
        nodes=tuple(n for n in scene.nodes if n.kind != SUM),
    )


def _repeated(scene: Scene) -> set[str]:
    """The wires that show an output again: what reaches it from outside enters once, as in the equations."""
    leaving = {n.id for n in scene.nodes if n.kind == "next"}
    once = {w.id for w in scene.wires if w.target in leaving}
    return {w.id for w in scene.wires if shown_by(w.id) != w.id and shown_by(w.id) in once}


def _meets(live: Iterable[Wire], at: Point) -> bool:
    """Whether cotangents come to a point from more than one side: the lines that run there part in three ways."""
    ways = {
        ((end.x > at.x + EPSILON) - (end.x < at.x - EPSILON), (end.y > at.y + EPSILON) - (end.y < at.y - EPSILON))
        for w in live
        for a, b in pairwise(w.points)
        if _on(a, b, at)
        for end in (a, b)
        if distance(end, at) > EPSILON
    }
    return len(ways) > 2


def _is_mark(label: Label, scene: Scene) -> bool:
    """A sign or a number at an arrow, which belongs to its wire, not to a value."""
    return any(label.of == w.id for w in scene.wires)


# ── wires ──


def _dimmed(wire: Wire) -> Wire:
    return replace(wire, lit=False)


def _turned(wire: Wire, words: str) -> Wire:
    return replace(_around(wire), lit=True, dashed=False, title=f"{words}, back to {wire.source}")


def _trunk(trunk: Wire, live: Iterable[Wire]) -> Wire:
    """The stretch that several values share, turned where cotangents run through it; it ends where they part."""
    if not any(w.source == trunk.target and passes(w, trunk.points[0]) for w in live):
        return replace(trunk, lit=False)
    back = _around(trunk)
    return replace(back, route=_whole(trunk)[::-1], arrow=False, lit=True)


def _around(wire: Wire) -> Wire:
    """The same line, its arrowhead at the other end."""
    points = wire.points[::-1]
    route = _shortened(_whole(wire)[::-1], points)
    return replace(wire, source=wire.target, target=wire.source, points=points, route=route, arrow=True)


def _whole(wire: Wire) -> Route:
    """The route up to the tip of the arrowhead."""
    tip, end = wire.points[-1], wire.route[-1]
    return wire.route if distance(tip, end) < EPSILON else (*wire.route, *straight([end, tip])[1:])


def _shortened(route: Route, points: Route) -> Route:
    """The route up to the notch of an arrowhead at its end; where a corner leaves no room for that, it is square."""
    corner, tip = points[-2], points[-1]
    body = route
    while len(body) > 3 and is_straight(body[-4:]) and _on(corner, tip, body[-4]):
        body = body[:-3]
    if len(body) > 3 and distance(body[-1], tip) < HEAD_LENGTH and not _on(corner, tip, body[-4]):
        body = (*body[:-3], *straight([body[-4], corner])[1:])
    start, length = body[-1], distance(body[-1], tip)
    kept = max(length - (HEAD_LENGTH - HEAD_NOTCH), 0.05 * length) / length
    notch = Point(start.x + kept * (tip.x - start.x), start.y + kept * (tip.y - start.y))
    return (*body, *straight([start, notch])[1:])


def _on(a: Point, b: Point, at: Point) -> bool:
    """Whether a point lies on a segment."""
    return distance(a, at) + distance(at, b) - distance(a, b) < EPSILON


# ── nodes ──


def _node(node: Node, flow: Flow, touched: bool) -> Node:
    """Operations are dimmed; what comes from or goes outside is called by its cotangent."""
    id = node.of or node.id
    if node.kind == "cell" and node.label is not None and (name := flow.names.get(node.id.removeprefix("cell:"))):
        form = Form(node.shape, node.width, node.height)
        return replace(node, label=inside(name, form, node.at), lit=True)
    words = flow.formulas.get(id, node.title)
    if node.kind not in OUTSIDE or id not in flow.names or not touched:
        return replace(node, title=words, lit=node.kind == "join" and touched)
    what = f"cotangent of the {WORDS.get(node.operation, node.operation.replace('_', ' '))}"
    label = node.label
    if label is not None and not label.text.isdigit():
        label = inside(flow.names[id], Form(node.shape, node.width, node.height), node.at)
    return replace(node, label=label, title=words, operation=what, lit=True)


def _sum(number: int, at: Point, role: str) -> Node:
    title = "cotangents that meet are added"
    label = Label("+", at, PLUS)
    return Node(f"sum-{number}", SUM, role, "circle", at, SUM_SIZE, SUM_SIZE, label, title, operation=SUM)


# ── names on wires ──


def _names(scene: Scene, flow: Flow) -> list[Label]:
    """The name of a cotangent where it arrives at the operation whose value it is of, if there is room for it."""
    taken = [_box(n.at, n.width, n.height, STROKE) for n in scene.nodes]
    taken += [_stretch(a, b) for w in scene.wires for a, b in pairwise(w.points)]
    taken += [_box(x.at, *measure(x), 0) for x in scene.labels]
    taken += [_around_points(arrowhead(w)) for w in scene.wires if w.arrow]
    taken += [_around_points(piece) for w in scene.wires for piece in _arcs(w.route)]
    found = []
    for node in scene.nodes:
        own = [w for w in scene.wires if w.lit and w.target == node.id]
        if node.kind == "cell":
            for text, wires in _at_cell(scene, node, own, flow):
                label = _beside(text, wires, taken) or _at_corner(text, node, taken)
                if label is not None:
                    found.append(replace(label, of=node.id))
                    taken.append(_box(label.at, *measure(label), 0))
        if node.kind in (*OUTSIDE, "join", "cell", SUM) or node.id not in flow.names or not own:
            continue
        label = _beside(flow.names[node.id], own, taken)
        if label is not None:
            found.append(replace(label, of=node.id))
            taken.append(_box(label.at, *measure(label), 0))
    return found


def _at_cell(scene: Scene, cell: Node, own: Sequence[Wire], flow: Flow) -> Iterable[tuple[str, list[Wire]]]:
    """What a Cell takes and gives beyond its wires: it stands for the memory of this step and of the one before."""
    before = [w for w in own if w.id.startswith(f"{cell.of}>")]
    if before and cell.of in flow.names:
        yield flow.names[cell.of], before
    leaving = {n.id for n in scene.nodes if n.kind == "next"}
    seed = flow.names.get(f"{cell.of.partition('[')[0]}[t]'")
    now = [w for w in own if w not in before]
    if seed and now and not any(w.source in leaving for w in now):
        yield f"+\\,{seed}", now


def _at_corner(text: str, cell: Node, taken: Sequence[Box]) -> Label | None:
    """Beside a corner of the square around a Cell, outside of it: at its side, or over or under it."""
    label = Label(text, Point(0, 0), NAME)
    width, height = measure(label)
    x, y, off = cell.width / 2, cell.height / 2, AIR + STROKE + 1
    places = ((x + off + width / 2, y - height / 2), (x - width / 2, y + off + height / 2))
    for across, up in places:
        for right, down in ((-1, -1), (1, -1), (-1, 1), (1, 1)):
            at = Point(cell.at.x + right * across, cell.at.y + down * up)
            if not any(_meet(_box(at, width, height, AIR), t) for t in taken):
                return replace(label, at=at)
    return None


def _beside(text: str, wires: Sequence[Wire], taken: Sequence[Box]) -> Label | None:
    for size in (NAME, SMALL):
        label = Label(text, Point(0, 0), size)
        width, height = measure(label)
        for at in _places(wires, width, height):
            if not any(_meet(_box(at, width, height, AIR), t) for t in taken):
                return replace(label, at=at)
    return None


def _places(wires: Sequence[Wire], width: float, height: float) -> Iterable[Point]:
    """Beside the last straight pieces, near the arrowhead first."""
    near, clear = STROKE / 2 + AIR + 1, HEAD_WIDTH / 2 + 2 * AIR  # of the wire; also of its arrowhead
    for far, aside in [(far, near) for far in FAR] + [(far, clear) for far in FAR]:
        for wire in wires:
            b, a = wire.points[-1], wire.points[-2]
            length = distance(a, b)
            if far > length or length < 1e-6:
                continue
            at = Point(b.x + (a.x - b.x) / length * far, b.y + (a.y - b.y) / length * far)
            if abs(a.x - b.x) < 1e-6:
                yield Point(at.x - aside - width / 2, at.y)
                yield Point(at.x + aside + width / 2, at.y)
            else:
                yield Point(at.x, at.y - aside - height / 2)
                yield Point(at.x, at.y + aside + height / 2)


def _box(at: Point, width: float, height: float, air: float) -> Box:
    return Box(at.x - width / 2 - air, at.y - height / 2 - air, at.x + width / 2 + air, at.y + height / 2 + air)


def _stretch(a: Point, b: Point) -> Box:
    half = STROKE / 2
    return Box(min(a.x, b.x) - half, min(a.y, b.y) - half, max(a.x, b.x) + half, max(a.y, b.y) + half)


def _arcs(route: Route) -> Iterable[Route]:
    """Corners, and the hops over other wires, which leave the polyline."""
    pieces = (route[k : k + 4] for k in range(0, len(route) - 1, 3))
    return (piece for piece in pieces if not is_straight(piece))


def _around_points(points: Route) -> Box:
    xs, ys = [p.x for p in points], [p.y for p in points]
    return Box(min(xs), min(ys), max(xs), max(ys))


def _meet(a: Box, b: Box) -> bool:
    return a.left < b.right and b.left < a.right and a.top < b.bottom and b.top < a.bottom
