"""The backward pass over a picture: the cotangents flow against the arrows, and no operation moves.

Every wire that carries a cotangent is turned around, with its arrowhead at the other end (`turning`); operations are
dimmed.  Where a value forked, its cotangents meet and are summed: the dot becomes a small plus, and so does a join to
which more than one line comes; a Cell in which cotangents meet has a plus under its name.  Where no arrowhead has room
between a plus and its operation, the arrows end at the plus.  A wire keeps the colour of its value.  An output that the
forward picture shows again is left out: what reaches it from outside enters once, as in the equations.

The name of a cotangent is written where all of it runs, after the last sum.  Parts that come to an operation from
several sides meet in it: the name stands at its corner then, as that of a sum, and at no line.

What the names and formulas are is handed in (`Flow`): this module only draws.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import NamedTuple

from lstmgraph.diagram.boxes import around, beside, dot_box, node_box, written_box
from lstmgraph.diagram.graph import EXTERNAL
from lstmgraph.diagram.ground import borders, is_free, of_wire
from lstmgraph.diagram.layout.labels import inside
from lstmgraph.diagram.layout.legend import WORDS
from lstmgraph.diagram.layout.shapes import Form
from lstmgraph.diagram.layout.steps import passes
from lstmgraph.diagram.path import EPSILON, HEAD_LENGTH, HEAD_WIDTH, STROKE, distance, is_straight, straight
from lstmgraph.diagram.scene import COTANGENT_SUM, JOIN_SUM, Box, Label, Node, Point, Scene, Wire, shown_by
from lstmgraph.diagram.turning import eased, forked, lies_on, shortened, toward, turned, way, whole, with_room
from lstmgraph.diagram.typeset import measure

SUM_SIZE, PLUS = 9.0, 8.0  # of its circle, of the sign in it
STUB = SUM_SIZE / 2 + HEAD_LENGTH + 1.0  # from a plus to the end of its wire: with less there is no arrowhead between
SUM_OF = r"\oplus = "  # before the name of a sum that is in a node
SIZES = (11.0, 9.0, 7.5)  # of a name on a wire, the first one that has room
FAR = (14.0, 6.0, 10.0, 20.0, 28.0, 38.0, 50.0, 64.0, 80.0, 100.0, 130.0)  # of a name from the end of its wire
AIR = 1.5
OUTSIDE = (*EXTERNAL, "bias")
UNWRITTEN = (*OUTSIDE, "join", COTANGENT_SUM)  # no name beside them: they have it in them, or none


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
    scene = forked(_once(scene))
    shares = {w.id: _handed_on(scene, w, flow) or flow.shares.get(shown_by(w.id)) for w in scene.wires}
    wires = [_dimmed(w) if (share := shares[w.id]) is None else _carrying(w, share) for w in scene.wires]
    trunks = [_trunk(t, [w for w in wires if w.lit]) for t in scene.trunks]
    live = [w for w in (*wires, *trunks) if w.lit]
    sums = [_sum(f"sum-{k}", d.at, d.role) for k, d in enumerate(scene.dots, 1) if _meets(live, d.at)]
    meeting = {plus.at for plus in sums}
    dots = (replace(d, lit=False) for d in scene.dots if d.at not in meeting and _meets((*wires, *trunks), d.at))
    touched = {end for w in live for end in (w.source, w.target)}
    nodes = [_node(n, flow, n.id in touched) for n in scene.nodes]
    bare = replace(
        scene,
        wires=tuple(sorted(wires, key=lambda w: w.lit)),
        trunks=tuple(trunks),
        dots=tuple(dots),
        nodes=tuple(_summing(n, trunks) for n in nodes),
        labels=tuple(x for x in scene.labels if _is_mark(x, scene)),
    )
    for plus in sums:
        bare = _with_sum(bare, plus)
    bare = eased(with_room(bare))
    inside_cells = [plus for n in nodes if n.kind == "cell" for plus in _in_cell(bare, n, flow)]
    named = replace(bare, labels=(*bare.labels, *_names(bare, flow)))
    return replace(named, nodes=(*named.nodes, *inside_cells))


def _once(scene: Scene) -> Scene:
    """The scene without outputs that it shows again."""
    leaving = {n.id for n in scene.nodes if n.kind == "next"}
    once = {w.id for w in scene.wires if w.target in leaving}
    again = {w.id: w.target for w in scene.wires if shown_by(w.id) != w.id and shown_by(w.id) in once}
    ends = set(again.values()) & leaving
    kept = tuple(w for w in scene.wires if w.id not in again)
    return replace(scene, wires=kept, nodes=tuple(n for n in scene.nodes if n.id not in ends))


def _meets(wires: Iterable[Wire], at: Point) -> bool:
    """Whether the lines that run through a point leave it in three ways: cotangents that come there are added."""
    ways = {
        way(at, end)
        for w in wires
        for a, b in pairwise(w.points)
        if lies_on(a, b, at)
        for end in (a, b)
        if distance(end, at) > EPSILON
    }
    return len(ways) > 2


def _is_mark(label: Label, scene: Scene) -> bool:
    """A sign, a number or a parameter at an arrow, which belongs to its line, not to a value."""
    return any(label.of == w.id for w in (*scene.wires, *scene.trunks))


# ── wires ──


def _dimmed(wire: Wire) -> Wire:
    return replace(wire, lit=False)


def _carrying(wire: Wire, words: str) -> Wire:
    return replace(turned(wire), lit=True, title=f"{words}, back to {wire.source}")


def _handed_on(scene: Scene, wire: Wire, flow: Flow) -> str | None:
    """What a Cell hands on to what computes it, if the parts of that are added in the Cell: the whole."""
    if not any(n.id == wire.target and n.kind == "cell" for n in scene.nodes):
        return None
    others = [w for w in scene.wires if w.id.startswith(f"{wire.source}>") and shown_by(w.id) in flow.shares]
    others = [w for w in others if shown_by(w.id) != shown_by(wire.id)]
    added = bool(others) and all(w.source == wire.target for w in others)
    return flow.formulas.get(wire.source) if added else None


def _trunk(trunk: Wire, live: Iterable[Wire]) -> Wire:
    """The stretch that several values share, turned where cotangents run through it; it ends where they part."""
    if not any(w.source == trunk.target and passes(w, trunk.points[0]) for w in live):
        return replace(trunk, lit=False)
    back = turned(trunk)
    return replace(back, route=whole(trunk)[::-1], arrow=False, lit=True)


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
    kind = "gradient" if node.kind == "bias" else "cotangent"
    what = f"{kind} of the {WORDS.get(node.operation, node.operation.replace('_', ' '))}"
    label = node.label
    if label is not None and not label.text.isdigit():
        label = inside(flow.names[id], Form(node.shape, node.width, node.height), node.at)
    return replace(node, label=label, title=words, operation=what, lit=True)


# ── sums of cotangents ──


def _sum(id: str, at: Point, role: str) -> Node:
    title = "cotangents that meet are added"
    return Node(
        id, COTANGENT_SUM, role, "circle", at, SUM_SIZE, SUM_SIZE, Label("+", at, PLUS), title, operation=COTANGENT_SUM
    )


def _summing(node: Node, trunks: Iterable[Wire]) -> Node:
    """A join as the sum of what several gates hand to it, which parts there; as it is where one line comes."""
    ways = {way(t.points[-2], t.points[-1]) for t in trunks if t.lit and t.target == node.id}
    if node.kind != "join" or len(ways) < 2:
        return node
    plus = _sum(node.id, node.at, node.role)
    if node.shape == "box":
        plus = replace(node, label=plus.label, title=plus.title)
    return replace(plus, kind="join", title=f"{plus.title}; {node.title}", operation=JOIN_SUM)


def _with_sum(scene: Scene, plus: Node) -> Scene:
    """The scene with a plus where wires meet; their arrows end there if no arrowhead has room beyond it."""
    meeting = [w for w in scene.wires if w.lit and lies_on(w.points[-2], w.points[-1], plus.at)]
    far = {(w.target, w.points[-1]): distance(plus.at, w.points[-1]) for w in meeting}
    if len(far) != 1 or min(far.values()) >= STUB:
        return replace(scene, nodes=(*scene.nodes, plus))
    ((target, tip),) = far
    plus = replace(plus, of=target)
    wires = tuple(_ending(w, plus) if w in meeting else w for w in scene.wires)
    points = (toward(plus.at, tip, SUM_SIZE / 2), tip)
    last = replace(meeting[0], id=f"{plus.id}>{target}", source=plus.id, points=points, route=straight(points))
    stub = replace(last, arrow=False, title=plus.title)
    return replace(scene, wires=wires, trunks=(*scene.trunks, stub), nodes=(*scene.nodes, plus))


def _ending(wire: Wire, plus: Node) -> Wire:
    """A wire as far as a plus on its last piece, or at the beginning of that."""
    *before, corner, tip = wire.points
    before = before if distance(corner, plus.at) < EPSILON else [*before, corner]
    points = (*before, toward(plus.at, before[-1], SUM_SIZE / 2))
    body = wire.route
    while len(body) > 4 and is_straight(body[-4:]) and lies_on(plus.at, tip, body[-4]):
        body = body[:-3]
    return replace(wire, target=plus.id, points=points, route=shortened(body, points))


def _in_cell(scene: Scene, cell: Node, flow: Flow) -> Iterable[Node]:
    """A plus under the name in a Cell for each of its values of which several cotangents come to it."""
    found = [a for a in _at_cell(scene, cell, _coming(scene, cell), flow) if len(_ends(a.wires, cell)) + a.seeded > 1]
    low = measure(cell.label)[1] / 2 + SUM_SIZE if cell.label else 0.0
    for k, arriving in enumerate(found):
        at = Point(cell.at.x + (k - (len(found) - 1) / 2) * 2 * SUM_SIZE, cell.at.y + low)
        yield replace(_sum(f"{cell.id}-sum-{k + 1}", at, arriving.wires[0].role), of=cell.of)


# ── names on wires ──


def _names(scene: Scene, flow: Flow) -> list[Label]:
    """The name of a cotangent where it arrives at the operation whose value it is of, if there is room for it."""
    taken = [*(node_box(n, STROKE) for n in scene.nodes), *map(written_box, scene.labels), *map(dot_box, scene.dots)]
    taken += [box for w in (*scene.wires, *scene.trunks) for box in of_wire(w)]
    taken += borders(scene.frames)
    found = []
    for node, text, wires in _wished(scene, flow):
        stretches = (
            [(w.points[-2], w.points[-1]) for w in wires] if text.startswith("+") else _whole(scene, wires, node)
        )
        label = _beside(text, stretches, taken)
        if label is None:
            plain = text.startswith("+") or len(wires) == 1
            label = _at_corner(text if plain else SUM_OF + text, node, wires, taken)
        if label is not None:
            found.append(replace(label, of=node.id))
            taken.append(written_box(label))
    return found


def _wished(scene: Scene, flow: Flow) -> Iterable[tuple[Node, str, Sequence[Wire]]]:
    """What should be written at the wires that come to a node."""
    for node in scene.nodes:
        own = _coming(scene, node)
        if node.kind == "cell":
            yield from ((node, a.text, a.wires) for a in _at_cell(scene, node, own, flow) if a.text)
        elif own and node.id in flow.names and node.kind not in UNWRITTEN and _is_all(scene, node.id, own):
            yield node, flow.names[node.id], own


def _coming(scene: Scene, node: Node) -> list[Wire]:
    """The wires that bring cotangents to a node, also those that end at a plus close to it."""
    ends = {node.id} | {n.id for n in scene.nodes if n.kind == COTANGENT_SUM and n.of == node.id}
    return [w for w in scene.wires if w.lit and w.target in ends]


def _ends(wires: Iterable[Wire], node: Node) -> set[Point | str]:
    """Where wires come in: places at the node, or pluses close to it."""
    return {w.points[-1] if w.target == node.id else w.target for w in wires}


def _is_all(scene: Scene, value: str, own: Sequence[Wire]) -> bool:
    """Whether these wires bring the whole cotangent of a value: no other takes a part of it to another place.

    What goes to a Cell is in what the Cell hands on.
    """
    cells = {w.source for w in own}
    return all(w in own or w.target in cells for w in scene.wires if w.lit and w.id.startswith(f"{value}>"))


def _whole(scene: Scene, wires: Sequence[Wire], node: Node) -> list[tuple[Point, Point]]:
    """The last straight piece on which all of these wires run, and no others; none if they come from several sides."""
    tip = wires[0].points[-1]
    ways = {(w.target, way(w.points[-2], w.points[-1]), w.points[-1]) for w in wires}
    if len(ways) > 1 or wires[0].target != node.id:
        return []
    near = min((w.points[-2] for w in wires), key=lambda p: distance(p, tip))
    far = [distance(near, tip)]
    sums = [n for n in scene.nodes if n.kind in ("join", COTANGENT_SUM) and lies_on(near, tip, n.at)]
    far += [distance(n.at, tip) - n.width / 2 for n in sums]
    return [(toward(tip, near, min(far)), tip)] if min(far) > EPSILON else []


class _Arriving(NamedTuple):
    """What comes to a Cell for one of its values: what is written there, and whether more comes without a wire."""

    text: str
    wires: list[Wire]
    seeded: bool


def _at_cell(scene: Scene, cell: Node, own: Sequence[Wire], flow: Flow) -> Iterable[_Arriving]:
    """What a Cell takes and gives beyond its wires: it stands for the memory of this step and of the one before.

    The name of the one before is left out where parts of it leave at other places.
    """
    before = [w for w in own if w.id.startswith(f"{cell.of}>")]
    if before:
        yield _Arriving(flow.names.get(cell.of, "") if _is_all(scene, cell.of, before) else "", before, seeded=False)
    leaving = {n.id for n in scene.nodes if n.kind == "next"}
    seed = flow.names.get(f"{cell.of.partition('[')[0]}[t]'", "")
    now = [w for w in own if w not in before]
    seeded = bool(seed) and not any(w.source in leaving for w in now)
    if now:
        yield _Arriving(f"+\\,{seed}" if seeded else "", now, seeded)


def _at_corner(text: str, node: Node, wires: Sequence[Wire], taken: Sequence[Box]) -> Label | None:
    """Beside a corner of the box around a node, outside of it and near what arrives there; else between the lines."""
    off, clear = AIR + STROKE + 1, HEAD_WIDTH / 2 + 2 * AIR
    for size in SIZES:
        label = Label(text, Point(0, 0), size)
        width, height = measure(label)
        right, low = node.width / 2 + off + width / 2, node.height / 2 + off + height / 2
        corners = ((right, node.height / 2 - height / 2), (node.width / 2 - width / 2, low))
        between = ((clear + width / 2, low), (right, clear + height / 2))
        for places in (corners, between):
            for at in _around(node.at, places, wires):
                if is_free(around(at, width, height, AIR), taken):
                    return replace(label, at=at)
    return None


def _around(at: Point, places: Iterable[tuple[float, float]], wires: Sequence[Wire]) -> list[Point]:
    """Places in all four quarters around a point, first those near the ends of wires."""
    found = [Point(at.x + x * right, at.y + y * down) for x, y in places for down in (-1, 1) for right in (-1, 1)]
    return sorted(found, key=lambda p: min(distance(p, w.points[-1]) for w in wires))


def _beside(text: str, stretches: Sequence[tuple[Point, Point]], taken: Sequence[Box]) -> Label | None:
    for size in SIZES:
        label = Label(text, Point(0, 0), size)
        width, height = measure(label)
        for at in _places(stretches, width, height):
            if is_free(around(at, width, height, AIR), taken):
                return replace(label, at=at)
    return None


def _places(stretches: Sequence[tuple[Point, Point]], width: float, height: float) -> Iterable[Point]:
    """Beside straight pieces that end in an arrowhead, near that first."""
    near, clear = STROKE / 2 + AIR + 1, HEAD_WIDTH / 2 + 2 * AIR  # of the wire; also of its arrowhead
    for far, aside in [(far, near) for far in FAR] + [(far, clear) for far in FAR]:
        for a, b in stretches:
            if far > distance(a, b):
                continue
            yield from beside(toward(b, a, far), abs(a.x - b.x) < EPSILON, aside, width, height)
