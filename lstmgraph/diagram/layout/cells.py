"""Cells for a drawing without a search: each new memory goes through its Cell to all that needs it."""

from __future__ import annotations

from dataclasses import replace

from lstmgraph.diagram.graph import Edge, Graph, Node
from lstmgraph.diagram.layout.anatomy import Anatomy, anatomy, cell_id
from lstmgraph.diagram.scene import again


def celled(graph: Graph) -> tuple[Graph, dict[str, Node]]:
    """A graph with a node for each memory's Cell, and what each Cell shows: the memory's previous value.

    A memory leaves only where it is the output; what is added for that shows its edge `again`.
    """
    a = anatomy(graph)
    cells = {source: cell_id(base) for source, base in a.fresh.items()}
    nexts = {a.next[base]: base for base in a.fresh.values()}
    nodes: list[Node] = []
    for node in graph.nodes:
        if node.id not in nexts or nexts[node.id] == graph.output:
            nodes.append(node)
        if node.id in cells:
            nodes.append(replace(a.node[a.previous[a.fresh[node.id]]], id=cells[node.id], kind="operator"))
    edges = tuple(e for edge in graph.edges for e in _through(edge, a, cells))
    shown = {cells[source]: a.node[a.previous[base]] for source, base in a.fresh.items()}
    return replace(graph, nodes=tuple(nodes), edges=edges), shown


def _through(edge: Edge, a: Anatomy, cells: dict[str, str]) -> list[Edge]:
    """What an edge becomes."""
    if edge.source not in cells:
        return [edge]
    base, cell = a.fresh[edge.source], cells[edge.source]
    if edge.target != a.next[base]:
        return [replace(edge, source=cell)]
    up = [replace(edge, id=again(edge.id), source=cell)] if base == a.graph.output else []
    return [replace(edge, target=cell), *up]
