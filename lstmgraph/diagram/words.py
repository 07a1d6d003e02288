"""A graph in words: for screen readers and tooltips, which cannot see where a wire leads, or what comes first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from lstmgraph.algebra.spoken import spoken
from lstmgraph.diagram.graph import OPERATIONS, Edge, Graph
from lstmgraph.diagram.scene import Node as Drawn
from lstmgraph.diagram.scene import Scene, shown_by
from lstmgraph.diagram.typeset import plain_text


def described(scene: Scene, graph: Graph) -> Scene:
    """The scene with its description, its nodes to be read in turn, and a title for every wire that is an edge."""
    titles = {e.id: edge_title(graph, e) for e in graph.edges}
    wires = tuple(replace(w, title=titles.get(shown_by(w.id), w.title)) for w in scene.wires)
    return replace(scene, description=description(graph), wires=wires, nodes=in_order(scene, graph))


def in_order(scene: Scene, graph: Graph) -> tuple[Drawn, ...]:
    """The nodes in order of computation; what comes from outside right before the first operation that takes it."""
    turns = {n.id: k for k, n in enumerate(graph.nodes)}
    computed = {n.id for n in graph.nodes if n.kind in (*OPERATIONS, "next")}
    own = {n.id: turns[n.of or n.id] for n in scene.nodes if (n.of or n.id) in computed}
    first: dict[str, int] = {}
    for wire in (*scene.wires, *scene.trunks):
        turn = own.get(wire.target, len(turns))
        first[wire.source] = min(turn, first.get(wire.source, turn))

    def turn_of(node: Drawn) -> tuple[int, bool, int]:
        given = node.id not in own
        return first.get(node.id, -1) if given else own[node.id], not given, turns.get(node.of or node.id, len(turns))

    return tuple(sorted(scene.nodes, key=turn_of))


def description(graph: Graph) -> str:
    """The equation of every value, and what leaves the step: "h[t] is the sine of x[t]. h[t] leaves the step." """
    told = [f"{name} is {spoken(value)}." for name, value in graph.equations.items()]
    return " ".join([*told, *(f"{n.value} leaves the step." for n in graph.nodes if n.kind == "next")])


def edge_title(graph: Graph, edge: Edge) -> str:
    """What runs along a wire and where to: "h[t-1], scaled by U_f, to f[t]"; "h[t] leaves the step"."""
    value = graph.node(edge.source).value or graph.node(edge.source).title
    target = graph.node(edge.target)
    owner = f"{target.owner}[t]" if target.owner else target.value
    if target.kind == "next":
        return f"{value} leaves the step"
    scaled = f", scaled by {plain_text(edge.via)}," if edge.via else ""
    return f"{'minus ' if edge.negative else ''}{value}{scaled} to {target.value or owner}"


def trunk_title(graph: Graph, edges: Sequence[Edge]) -> str:
    """What runs along a line in which values have joined, and where to: "x[t] and h[t-1] to f[t]"."""
    values = dict.fromkeys(graph.node(e.source).value or graph.node(e.source).title for e in edges)
    target = graph.node(edges[0].target)
    return f"{' and '.join(values)} to {target.value or f'{target.owner}[t]'}"
