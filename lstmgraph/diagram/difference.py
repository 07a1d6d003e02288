"""What only one of two cells has, in its picture and in words.

The picture: lit is what only this one has, the rest is dimmed, and nothing moves.  The words: pieces of text, plain or
LaTeX, for a caption.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from lstmgraph.diagram.compare import Part
from lstmgraph.diagram.graph import Edge, Graph, Node
from lstmgraph.diagram.layout.steps import lit_parts, passes
from lstmgraph.diagram.scene import Node as Drawn
from lstmgraph.diagram.scene import Scene, Wire, shown_by

Piece = tuple[str, bool]  # text, and whether it is LaTeX
Formula = Callable[[Any], str]


def strong(scene: Scene, part: Part) -> Scene:
    """The scene with this part lit and all else dimmed."""
    wires = {w.id for w in scene.wires if shown_by(w.id) in part.edges}

    def through(trunk: Wire) -> list[bool]:
        return [w.id in wires for w in scene.wires if w.target == trunk.target and passes(w, trunk.points[0])]

    whole = {t.id for t in scene.trunks if (own := through(t)) and all(own)}
    nodes = {n.id for n in scene.nodes if _is_lit(scene, n, part)}
    ends = [_last_piece(t) for t in scene.trunks if t.id not in whole and any(through(t))]
    shown = lit_parts(scene, nodes, wires, lambda t: t.id in whole)
    return replace(shown, trunks=(*shown.trunks, *ends))


def _last_piece(trunk: Wire) -> Wire:
    """The end of a trunk of whose values only some are strong: it says where they go, and nothing of the others."""
    route = trunk.route[-4:]
    return replace(trunk, id=f"{trunk.id}@end", points=(route[0], trunk.points[-1]), route=route, lit=True)


def _is_lit(scene: Scene, node: Drawn, part: Part) -> bool:
    """A copy of an input is lit where all that it feeds is; a join with what runs through it."""
    if (node.of or node.id) in part.nodes:
        return True
    own = [w for w in scene.wires if node.id in (w.source, w.target)]
    return bool(node.of) and node.kind != "cell" and bool(own) and all(shown_by(w.id) in part.edges for w in own)


# ── in words ──


def items(
    graph: Graph, part: Part, names: Mapping[str, str], equations: Mapping[str, str], formula: Formula
) -> list[list[Piece]]:
    """What only this graph has, each in a few pieces: a state, a value by its equation, a term of another value.

    `names` gives the LaTeX of values ("f[t]"), `equations` that of a value's equation, by base name ("f"), `formula`
    that of an expression.
    """
    nodes = {n.id: n for n in graph.nodes}
    told = {n.owner for n in graph.nodes if n.id in part.nodes and n.owner and _is_value(graph, n)}
    found = list(_external(graph, part, names))
    for base in dict.fromkeys(n.owner for n in graph.nodes):
        if base in told:
            found.append([(equations[base], True)] if base in equations else [(base, False)])
        else:
            found += [_term(nodes, e, names, formula) for e in _entering(graph, nodes, part, base)]
    return found or [_leaving(nodes, e, names) for e in graph.edges if e.id in part.edges]


def _is_value(graph: Graph, node: Node) -> bool:
    """Whether it computes a value that has a name, not a part of one."""
    return node.kind not in ("bias", "constant") and node.id in graph.values.values() and node.value is not None


def _external(graph: Graph, part: Part, names: Mapping[str, str]) -> Iterator[list[Piece]]:
    new = [n for n in graph.nodes if n.id in part.nodes and n.value]
    previous = {n.value.split("[")[0] for n in new if n.kind == "previous" and n.value}
    for node in new:
        value = node.value or ""
        if node.kind == "input":
            yield [("the input", False), (names.get(value, node.glyph), True)]
        elif node.kind == "previous":
            yield [("the state", False), (names.get(value, node.glyph), True)]
        elif node.kind == "next" and value.split("[")[0] not in previous:
            yield [(names.get(value, node.glyph), True), ("to the next step or as output", False)]


def _entering(graph: Graph, nodes: Mapping[str, Node], part: Part, base: str) -> Iterator[Edge]:
    """Edges that only this graph has, into operations of a value that both have."""
    for edge in graph.edges:
        target = nodes[edge.target]
        told = edge.source in part.nodes and nodes[edge.source].value
        if edge.id in part.edges and base == target.owner != "" and target.id not in part.nodes and not told:
            yield edge


def _term(nodes: Mapping[str, Node], edge: Edge, names: Mapping[str, str], formula: Formula) -> list[Piece]:
    """A term with its sign, and the value that it is a part of: p_f * c[t-1] into f[t]."""
    source, target = nodes[edge.source], nodes[edge.target]
    if source.value is not None and source.value in names:
        value = names[source.value]
    elif source.expression is not None:
        value = formula(source.expression)
        value = rf"({value})" if edge.via else value
    else:
        value = source.glyph
    times = r"\," if r"\times" in edge.via_shape else r" \odot "
    term = f"{edge.via}{times}{value}" if edge.via else value
    minus: list[Piece] = [("minus", False)] if edge.negative else []
    if target.kind == "operator" and target.value is None and target.expression is not None:
        goal = formula(target.expression)
    else:
        goal = names.get(f"{target.owner}[t]", target.owner)
    return [*minus, (term, True), ("into", False), (goal, True)]


def _leaving(nodes: Mapping[str, Node], edge: Edge, names: Mapping[str, str]) -> list[Piece]:
    """An edge that goes outside: another value is the cell's output."""
    source, target = nodes[edge.source], nodes[edge.target]
    value = source.value or source.title
    goal = target.value or target.title
    return [(names.get(value, value), value in names), ("as", False), (names.get(goal, goal), goal in names)]
