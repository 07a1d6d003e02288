"""From a solved plan to a scene: points instead of lattice steps, dots at forks, labels, words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from lstmgraph.diagram import path
from lstmgraph.diagram.boxes import hull, label_box, node_box
from lstmgraph.diagram.graph import Edge
from lstmgraph.diagram.layout.budget import Unroutable
from lstmgraph.diagram.layout.labels import inside, place
from lstmgraph.diagram.layout.plan import Plan, Solved, Spot, Want
from lstmgraph.diagram.layout.shapes import PITCH
from lstmgraph.diagram.path import SWITCH
from lstmgraph.diagram.scene import Box, Dot, Node, Point, Scene, Wire, again, moved
from lstmgraph.diagram.words import described, trunk_title

SPACE = 14.0  # around the picture


def dress(solved: Solved, title: str, names: Mapping[str, str], id: str) -> Scene:
    """The scene of a solved plan.  `names` gives the LaTeX of values for labels on wires."""
    parts = _finished(solved)
    nodes = tuple(_node(s, solved.plan) for s in solved.plan.spots.values())
    wires, trunks = _wires(solved, parts)
    dots = _dots(solved, parts)
    border = Box(*(v * PITCH for v in solved.plan.border))
    labels = place(solved.plan, nodes, tuple(parts.values()), dots, names).labels
    bare = Scene(id, title, "", (0.0, 0.0), (border,), nodes, wires, dots, labels, (), trunks)
    return _fit(described(bare, solved.plan.graph))


def uncrowded(solved: Solved) -> Solved:
    """A solved plan that has room for every label that the look promises; raises `Unroutable` for another."""
    if missing := crowded(solved):
        raise Unroutable(f"no room for labels of {', '.join(missing)}")
    return solved


def crowded(solved: Solved) -> tuple[str, ...]:
    """What the labels belong to that the look promises and for which a solved plan has no room."""
    parts = _finished(solved)
    nodes = tuple(_node(s, solved.plan) for s in solved.plan.spots.values())
    return place(solved.plan, nodes, tuple(parts.values()), _dots(solved, parts), {}).missing


def _dots(solved: Solved, parts: Mapping[str, Wire]) -> tuple[Dot, ...]:
    """A dot at every fork; where the look has curves, only where there was no room for one."""
    nets = {w.id: solved.nets[w.net or w.source] for w in solved.plan.wants}
    dots = path.junctions(parts.values(), lambda w: nets[w.id])
    if solved.plan.graph.look.forks == "dot":
        return dots
    corners = [p for w in parts.values() for p in w.route[::3]]
    return tuple(d for d in dots if any(path.distance(d.at, p) < SWITCH for p in corners))


def _finished(solved: Solved) -> dict[str, Wire]:
    """Every wanted wire with its route; wires of one net may run over one another."""
    nets = {w.id: solved.nets[w.net or w.source] for w in solved.plan.wants}
    raw = [_wire(solved, want) for want in solved.plan.wants]
    curved = solved.plan.graph.look.forks == "curve"
    return {w.id: w for w in path.finish(raw, value=lambda w: nets[w.id], curved=curved)}


def _wire(solved: Solved, want: Want) -> Wire:
    spot = solved.plan.spots[want.target]
    return Wire(
        want.id,
        want.source,
        want.target,
        want.role,
        path.simplify(solved.routes[want.id]),
        (),
        want.dashed,
        spot.kind != "join",
    )


def _node(spot: Spot, plan: Plan) -> Node:
    at = Point(spot.at[0] * PITCH, spot.at[1] * PITCH)
    glyph = spot.glyph or (spot.node.glyph if spot.node else "")
    joined = dict.fromkeys(w.edge.source for w in plan.wants if w.edge and w.target == spot.id)
    title = spot.node.title if spot.node else f"{' and '.join(joined)}, joined"
    label = inside(glyph, spot.form, at) if glyph else None
    form, operation = spot.form, spot.node.operation if spot.node else ""
    return Node(
        spot.id,
        spot.kind,
        spot.role,
        form.shape,
        at,
        form.width,
        form.height,
        label,
        title,
        operation=operation,
        of=spot.of,
    )


def _wires(solved: Solved, parts: dict[str, Wire]) -> tuple[tuple[Wire, ...], tuple[Wire, ...]]:
    """One wire for each edge, in the graph's order; and the trunks that are painted over them."""
    found = []
    for edge in solved.plan.graph.edges:
        found += [parts[id] for id in (edge.id, again(edge.id)) if id in parts]
        if edge.id in solved.plan.through:
            first, second = (parts[w] for w in solved.plan.through[edge.id])
            found.append(_joined(edge.id, edge.kind, first, second, solved.plan.spots[first.target]))
    inside: dict[str, list[Edge]] = {}
    for edge in solved.plan.graph.edges:
        if edge.id in solved.plan.through:
            inside.setdefault(solved.plan.through[edge.id][1], []).append(edge)
    titles = {id: trunk_title(solved.plan.graph, edges) for id, edges in inside.items()}
    return tuple(found), tuple(replace(parts[id], title=title) for id, title in titles.items())


def _joined(id: str, role: str, first: Wire, second: Wire, join: Spot) -> Wire:
    """The wire of an edge that runs through a trunk: its own way to the join, and the common one from there."""
    row = join.at[1] * PITCH
    inside = [Point(first.points[-1].x, row), Point(second.points[0].x, row)]
    bridge = path.straight([first.points[-1], *inside, second.points[0]])
    return Wire(
        id,
        first.source,
        second.target,
        role,
        path.simplify([*first.points, *inside, *second.points]),
        (*first.route, *bridge[1:], *second.route[1:]),
        first.dashed,
    )


def _fit(scene: Scene) -> Scene:
    """Moved so that the picture begins at the top left, with some space around it; the size follows."""
    boxes = [*scene.frames, *(node_box(n) for n in scene.nodes), *map(label_box, scene.labels)]
    boxes += [hull(w.route) for w in scene.wires]
    left, top = min(b[0] for b in boxes), min(b[1] for b in boxes)
    right, bottom = max(b[2] for b in boxes), max(b[3] for b in boxes)
    return replace(moved(scene, SPACE - left, SPACE - top), size=(right - left + 2 * SPACE, bottom - top + 2 * SPACE))
