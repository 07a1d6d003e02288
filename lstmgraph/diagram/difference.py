"""What only one of two cells has, in its picture and in words.

The picture: lit is what only this one has, the rest is dimmed, and nothing moves.  The words: pieces of text, plain or
LaTeX, for a caption.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from lstmgraph.diagram.compare import Part
from lstmgraph.diagram.graph import PARAMETERS, Edge, Graph, Node, base_of
from lstmgraph.diagram.layout.steps import lit_parts
from lstmgraph.diagram.scene import Node as Drawn
from lstmgraph.diagram.scene import Scene, shown_by
from lstmgraph.notation import juxtaposed

Piece = tuple[str, bool]  # text, and whether it is LaTeX
Formula = Callable[[Any], str]
OPERANDS = {"hadamard": "as a factor of", "add": "as a term of"}  # what an operand is to an operation


def strong(scene: Scene, part: Part) -> Scene:
    """The scene with this part lit and all else dimmed; a line in which values have joined if one of them is lit."""
    wires = {w.id for w in scene.wires if shown_by(w.id) in part.edges}
    return lit_parts(scene, {n.id for n in scene.nodes if _is_lit(scene, n, part)}, wires)


def _is_lit(scene: Scene, node: Drawn, part: Part) -> bool:
    """A copy of an input is lit where all that it feeds is; a join with what runs through it."""
    if (node.of or node.id) in part.nodes:
        return True
    own = [w for w in scene.wires if node.id in (w.source, w.target)]
    return (
        bool(node.of)
        and node.kind not in ("cell", "next")
        and bool(own)
        and all(shown_by(w.id) in part.edges for w in own)
    )


# ── in words ──


def items(
    graph: Graph, part: Part, names: Mapping[str, str], equations: Mapping[str, str], formula: Formula
) -> list[list[Piece]]:
    """What only this graph has, each in a few pieces: a state, a value by its equation, a term of another value.

    `names` gives the LaTeX of values ("f[t]"), `equations` that of a value's equation, by base name ("f"), `formula`
    that of an expression.
    """
    nodes = {n.id: n for n in graph.nodes}
    left = [e for e in graph.edges if e.id in part.edges and nodes[e.target].kind == "next"]
    told = {n.owner for n in graph.nodes if n.id in part.nodes and n.owner and _is_value(graph, n)}
    told |= {nodes[e.source].owner for e in left if e.target not in part.nodes and _is_own(nodes, e)}
    found = list(_external(graph, part, names))
    for base in dict.fromkeys(n.owner for n in graph.nodes):
        if base in told:
            found.append([(equations[base], True)] if base in equations else [(base, False)])
        else:
            found += [_term(nodes, e, part, names, formula) for e in _entering(graph, nodes, part, base)]
    others = [e for e in left if e.target not in part.nodes and not _is_own(nodes, e)]
    return found + [_leaving(nodes, e, names) for e in others]


def _is_own(nodes: Mapping[str, Node], edge: Edge) -> bool:
    """Whether a value leaves under its own name."""
    return nodes[edge.source].value == nodes[edge.target].value


def _is_value(graph: Graph, node: Node) -> bool:
    """Whether it computes a value that has a name, not a part of one."""
    return node.kind not in PARAMETERS and node.id in graph.values.values() and node.value is not None


def _external(graph: Graph, part: Part, names: Mapping[str, str]) -> Iterator[list[Piece]]:
    new = {n.value: n for n in graph.nodes if n.id in part.nodes and n.value and n.kind in ("input", "next")}
    states = {base_of(n) for n in graph.nodes if n.kind == "previous"}
    for value, node in new.items():
        name = (names.get(value, node.glyph), True)
        if node.kind == "input":
            yield [("the input", False), name]
        else:
            yield [("the state" if base_of(node) in states else f"the {node.operation}", False), name]


def _entering(graph: Graph, nodes: Mapping[str, Node], part: Part, base: str) -> Iterator[Edge]:
    """Edges that only this graph has, into operations of a value that both have.

    Of a value that is told itself the products in which it is a factor are left out: they would say no more.
    """
    for edge in graph.edges:
        source, target = nodes[edge.source], nodes[edge.target]
        factor = source.id in part.nodes and source.value and target.kind == "operator" and target.value is None
        if edge.id in part.edges and base == target.owner != "" and target.id not in part.nodes and not factor:
            yield edge


def _term(nodes: Mapping[str, Node], edge: Edge, part: Part, names: Mapping[str, str], formula: Formula) -> list[Piece]:
    """A term with its sign, and the value that it is a part of: p_f * c[t-1] into f[t]."""
    source, target = nodes[edge.source], nodes[edge.target]
    value = names.get(source.value or "", source.glyph)
    if source.expression is not None and (source.value is None or source.id in part.nameless):
        written = formula(source.expression)
        value = rf"({written})" if edge.via else f"{value} = {written}" if source.value else written
    term = value
    if edge.via:
        term = juxtaposed(edge.via, value) if r"\times" in edge.via_shape else rf"{edge.via} \odot {value}"
    minus: list[Piece] = [("minus", False)] if edge.negative else []
    if target.kind == "operator" and target.value is None and target.expression is not None:
        goal = formula(target.expression)
    else:
        goal = names.get(f"{target.owner}[t]", target.owner)
    return [*minus, (term, True), (OPERANDS.get(target.operation, "into"), False), (goal, True)]


def _leaving(nodes: Mapping[str, Node], edge: Edge, names: Mapping[str, str]) -> list[Piece]:
    """An edge that goes outside: another value is the cell's output."""
    source, target = nodes[edge.source], nodes[edge.target]
    value = source.value or source.title
    goal = target.value or target.title
    return [(names.get(value, value), value in names), ("as", False), (names.get(goal, goal), goal in names)]
