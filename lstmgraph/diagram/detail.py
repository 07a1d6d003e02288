"""How much of a graph is shown: networks as single nodes, biases by number, by a mark or not at all.

Pure functions from graph to graph.  Each keeps the dependencies: where a node is contracted into another, what it used
the other uses.  The finest level, with a node for every product, is an option of `extract`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from lstmgraph.diagram.graph import PARAMETERS, Edge, Graph, Node
from lstmgraph.diagram.look import Look

MARK = r"\ast"  # begins what stands for a parameter whose name is too long
NETWORK = "_network"  # ends the name of a contracted operation: "sigmoid_network"


def shown(graph: Graph, look: Look, fits: Callable[[Node], bool] = lambda _: True) -> Graph:
    """The graph in a look, with as much detail as that asks for.

    `fits` says whether the name of a parameter has room in its symbol.
    """
    graph = replace(graph, look=look)
    if look.detail == "gates":
        graph = contracted(graph)
    if look.bias == "none":
        graph = without_biases(graph)
    return marked(numbered_biases(graph) if look.bias == "number" else graph, fits)


def contracted(graph: Graph) -> Graph:
    """Every weighted sum that only a nonlinearity uses is one node with it: a network."""
    inner = activations(graph)
    sums = {inner[n.id]: n for n in graph.nodes if n.id in inner}
    nodes = [_network(n, sums[n.id]) if n.id in sums else n for n in graph.nodes if n.id not in inner]
    edges = [_retargeted(e, inner) for e in graph.edges if e.source not in inner]
    return replace(
        graph,
        nodes=tuple(nodes),
        edges=_sorted(nodes, edges),
        values={v: id for v, id in graph.values.items() if id not in inner},
        inside={v: inner[id] for v, id in graph.values.items() if id in inner},
    )


def activations(graph: Graph) -> dict[str, str]:
    """Each weighted sum that is used once, by a nonlinearity, and that nonlinearity."""
    kinds = {n.id: n.kind for n in graph.nodes}
    found = {}
    for node in graph.nodes:
        out = graph.out_of(node.id) if node.kind == "sum" else ()
        if len(out) == 1 and kinds[out[0].target] == "function":
            found[node.id] = out[0].target
    return found


def _network(function: Node, inner: Node) -> Node:
    """A nonlinearity with the sum that it is applied to."""
    title = f"{inner.title}; {function.title}" if inner.value else function.title
    return replace(
        function,
        kind="sum",
        operation=function.operation + NETWORK,
        title=title,
        parts=(*function.parts, inner.expression),
    )


def _retargeted(edge: Edge, owner: Mapping[str, str]) -> Edge:
    target = owner.get(edge.target, edge.target)
    return edge if target == edge.target else replace(edge, id=f"{edge.source}>{target}.{edge.operand}", target=target)


def _sorted(nodes: list[Node], edges: list[Edge]) -> tuple[Edge, ...]:
    order = {n.id: k for k, n in enumerate(nodes)}
    return tuple(sorted(edges, key=lambda e: (order[e.target], e.operand)))


def is_bias(graph: Graph, node: Node) -> bool:
    """Whether a node is the bias of weighted sums and nothing else."""
    return node.operation == "bias" and all(graph.node(e.target).kind == "sum" for e in graph.out_of(node.id))


def without_biases(graph: Graph) -> Graph:
    """Biases are part of their networks."""
    gone = {n.id for n in graph.nodes if is_bias(graph, n)}
    return replace(
        graph,
        nodes=tuple(n for n in graph.nodes if n.id not in gone),
        edges=tuple(e for e in graph.edges if e.source not in gone),
    )


def numbered_biases(graph: Graph) -> Graph:
    """Biases are numbered from 0 in order of evaluation; their titles keep their names."""
    numbers = {n.id: k for k, n in enumerate(n for n in graph.nodes if is_bias(graph, n))}
    return replace(
        graph, nodes=tuple(replace(n, glyph=str(numbers[n.id])) if n.id in numbers else n for n in graph.nodes)
    )


def marked(graph: Graph, fits: Callable[[Node], bool]) -> Graph:
    """Parameters whose names do not fit have a mark there, numbered if there are several; their titles keep them."""
    long = [n.id for n in graph.nodes if n.kind in PARAMETERS and not fits(n)]
    marks = {id: MARK if len(long) == 1 else f"{MARK}_{{{k}}}" for k, id in enumerate(long, 1)}
    return replace(graph, nodes=tuple(replace(n, glyph=marks.get(n.id, n.glyph)) for n in graph.nodes))
