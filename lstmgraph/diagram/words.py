"""A graph in words: for screen readers and tooltips, which cannot see where a wire leads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from lstmgraph.diagram.graph import Edge, Graph
from lstmgraph.diagram.scene import Scene, shown_by
from lstmgraph.diagram.typeset import plain_text


def described(scene: Scene, graph: Graph) -> Scene:
    """The scene with its description, and a title for every wire that stands for an edge."""
    titles = {e.id: edge_title(graph, e) for e in graph.edges}
    wires = tuple(replace(w, title=titles.get(shown_by(w.id), w.title)) for w in scene.wires)
    return replace(scene, description=description(graph), wires=wires)


def description(graph: Graph) -> str:
    """What every named value is made of, and what leaves the step: "f[t] (sigmoid) takes x[t], h[t-1], b_f." """
    lines = []
    for node in graph.nodes:
        if node.kind == "next":
            lines.append(f"{node.value} leaves the step.")
        elif node.value and node.kind not in ("input", "previous"):
            takes = ", ".join(dict.fromkeys(_sources(graph, node.id)))
            lines.append(f"{node.value} ({node.operation.replace('_', ' ')}) takes {takes}.")
    return " ".join(lines)


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


def _sources(graph: Graph, id: str) -> Iterator[str]:
    """The named values and parameters that a node takes, through operations without a name."""
    for edge in graph.into(id):
        source = graph.node(edge.source)
        if source.value or source.kind in ("bias", "constant"):
            yield source.value or source.title
        else:
            yield from _sources(graph, source.id)
