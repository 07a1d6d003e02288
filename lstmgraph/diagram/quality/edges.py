"""Whether a picture shows the nodes and edges of its graph and no others, each edge between the right nodes.

A scene of several cells may repeat a graph under a prefix ("2:f"): then each of the copies must be complete.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from itertools import pairwise

from lstmgraph.diagram.boxes import UNSEEN, holds, node_box
from lstmgraph.diagram.graph import Edge, Graph, base_of
from lstmgraph.diagram.outline import OUTLINES, PIECES
from lstmgraph.diagram.path import STROKE, away, flatten
from lstmgraph.diagram.quality.picture import MEETINGS, Picture, ends
from lstmgraph.diagram.scene import COTANGENT_SUM, Node, Point, Shape, Wire, again, shown_by

PREFIX = re.compile(r"(?:\d+:)*")


def missing(picture: Picture) -> Iterator[str]:
    """Edges of the graph that are not drawn."""
    drawn = {w.id for w in picture.scene.wires}
    for copy in copies(picture):
        yield from (copy + e.id for e in picture.graph.edges if copy + e.id not in drawn)


def extra(picture: Picture) -> Iterator[str]:
    """Wires that are no edge of the graph, or drawn twice."""
    known = {copy + e.id for copy in copies(picture) for e in picture.graph.edges}
    inner = {n.id for n in picture.graph.nodes if n.kind in ("sum", "function", "operator")}
    leaving = {again(copy + e.id) for copy in copies(picture) for e in picture.graph.edges if e.target not in inner}
    yield from (w.id for w in picture.scene.wires if w.id not in known | leaving)
    yield from (id for id, count in Counter(w.id for w in picture.scene.wires).items() if count > 1)


def astray(picture: Picture) -> Iterator[str]:
    """Wires that do not begin and end at the outlines of nodes that stand for the ends of their edge."""
    edges = {copy + e.id: e for copy in copies(picture) for e in picture.graph.edges}
    meanings = _Meanings(picture.graph)
    for wire in picture.scene.wires:
        edge = edges.get(shown_by(wire.id))
        if edge is not None and not _right_ends(wire, edge, picture.nodes, meanings):
            yield wire.id


def missing_nodes(picture: Picture) -> Iterator[str]:
    """Nodes of the graph that are not drawn."""
    meanings = _Meanings(picture.graph)
    for copy in copies(picture):
        own = (n for n in picture.scene.nodes if n.id.startswith(copy))
        shown = {id for node in own for id in meanings.of(node)}
        yield from (copy + n.id for n in picture.graph.nodes if n.id not in shown)


def extra_nodes(picture: Picture) -> Iterator[str]:
    """Nodes that stand for no node of the graph, to which nothing is connected, or that are drawn twice."""
    known = {n.id for n in picture.graph.nodes}
    joined = {id for e in picture.graph.edges for id in (e.source, e.target)}
    touched = {id for w in (*picture.scene.wires, *picture.scene.trunks) for id in (w.source, w.target)}
    for node in picture.scene.nodes:
        meant = node.of or node.id
        if node.kind == COTANGENT_SUM:
            continue
        if node.kind != "join" and meant not in known:
            yield f"{node.id} stands for nothing"
        elif node.id not in touched and (meant in joined or node.kind == "join"):
            yield f"{node.id} is connected to nothing"
    yield from (f"{id} twice" for id, count in Counter(n.id for n in picture.scene.nodes).items() if count > 1)


def loopless(picture: Picture) -> Iterator[str]:
    """Memories that operators alone carry to the next step, and whose old value does not leave their Cell."""
    cells = {n.id for n in picture.scene.nodes if n.kind == "cell"}
    from_cells = {shown_by(w.id) for w in picture.scene.wires if ends(w)[0] in cells}
    for base in picture.graph.memories:
        carrying = _carrying(picture.graph, base)
        if carrying and not any(copy + id in from_cells for copy in copies(picture) for id in carrying):
            yield base


def _carrying(graph: Graph, base: str) -> list[str]:
    """The edges on which a memory starts its way to the next step, if that is not through a weighted sum."""
    kinds = {n.id: n.kind for n in graph.nodes}
    old = {n.id for n in graph.nodes if n.kind == "previous" and base_of(n) == base}
    found = {n.id for n in graph.nodes if n.kind == "next" and base_of(n) == base}
    waiting = sorted(found)
    while waiting:
        sources = [e.source for e in graph.into(waiting.pop()) if kinds[e.source] in ("operator", "function")]
        waiting += [id for id in sources if id not in found]
        found |= {*sources}
    return [e.id for e in graph.edges if e.source in old and e.target in found and kinds[e.target] != "next"]


def copies(picture: Picture) -> list[str]:
    """The prefixes under which the graph occurs; the graph of several cells has the prefixes in its own ids."""
    known = {e.id for e in picture.graph.edges}
    wires = picture.scene.wires
    if any(w.id in known for w in wires):
        return [""]
    return list(dict.fromkeys(prefix(w.id) for w in wires)) or [""]


def steps(graph: Graph) -> list[str]:
    """The prefixes of the steps of a chain; one, without a prefix, of any other graph."""
    return list(dict.fromkeys(prefix(e.id) for e in graph.edges)) or [""]


def prefix(id: str) -> str:
    """Which of several cells an id belongs to."""
    found = PREFIX.match(id)
    return found.group() if found else ""


def _right_ends(wire: Wire, edge: Edge, nodes: dict[str, Node], meanings: _Meanings) -> bool:
    source, target = (nodes.get(id) for id in ends(wire))
    if source is None or target is None:
        return False
    meant = edge.source in meanings.of(source) and edge.target in meanings.of(target)
    first, last = wire.points[:: len(wire.points) - 1][:: -1 if wire.back else 1]
    return meant and _is_at(source, first) and _is_at(target, last)


def _is_at(node: Node, at: Point) -> bool:
    """Whether a line that ends there meets a node: at its outline, or in the middle, where lines meet."""
    if node.kind in MEETINGS:
        return holds(node_box(node, UNSEEN), at)
    off = Point(at.x - node.at.x, at.y - node.at.y)
    return any(away(off, a, b) < STROKE / 2 for a, b in _outline(node.shape, node.width, node.height))


@cache
def _outline(shape: Shape, width: float, height: float) -> tuple[tuple[Point, Point], ...]:
    """The outline of a node around the origin, as straight lines."""
    return tuple(pairwise(flatten(OUTLINES[shape](Point(0, 0), width, height), PIECES)))


class _Meanings:
    """The graph nodes that a node of the scene stands for: a cell is a memory's previous, new and next value."""

    def __init__(self, graph: Graph) -> None:
        self.base = {n.id: base_of(n) for n in graph.nodes}
        self.next: dict[str, set[str]] = {}
        for node in graph.nodes:
            if node.kind == "next":
                self.next.setdefault(base_of(node), set()).add(node.id)
        self.new: dict[str, set[str]] = {}
        for edge in graph.edges:
            self.new.setdefault(edge.target, set()).add(edge.source)

    def of(self, node: Node) -> set[str]:
        if node.kind != "cell":
            return {node.of or node.id}
        following = self.next.get(self.base.get(node.of, ""), set())
        return {node.of} | following | {source for id in following for source in self.new.get(id, ())}
