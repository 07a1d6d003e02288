"""The style `dag`: the SymPy expression DAG as it is, every operation, parameter and number a node, laid out by
Graphviz.

Graphviz gets the measured sizes of the labels and gives back positions and splines; the picture is then a scene like
any other and is drawn by our own writers.  Needs the program `dot` or the package pygraphviz (extra `dag`).
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, get_args

import graphviz
from sympy import MatAdd, MatMul, MatrixExpr, MatrixSymbol, Number, latex

from lstmgraph.algebra.names import name_of
from lstmgraph.algebra.nodes import Fill, Hadamard, Maximum, Minimum, operands
from lstmgraph.algebra.rules import RULES
from lstmgraph.cell import Cell
from lstmgraph.diagram.graph import ValueKind
from lstmgraph.diagram.scene import Label, Node, Point, Scene, Wire
from lstmgraph.diagram.typeset import measure
from lstmgraph.errors import LstmgraphError, MissingExtra
from lstmgraph.roles import memories

_TEXT = 11.0
_PAD = 7.0
_MARGIN = 10.0
_INCH = 72.0
_COMMUTATIVE = (MatAdd, Hadamard, Maximum, Minimum)

Typeset = Callable[[MatrixSymbol], str]


@dataclass(frozen=True)
class _Vertex:
    id: str
    glyph: str
    role: str
    title: str
    ordered: bool  # whether other operands in their places would be another operation


def layout_dag(cell: Cell, typeset: Typeset) -> Scene:
    """The scene of a cell's expression DAG.  Raises MissingExtra where there is no Graphviz."""
    vertices, edges = _collect(cell, typeset)
    labels = {v.id: Label(v.glyph, Point(0, 0), _TEXT) for v in vertices}
    sizes = {id: _size(label) for id, label in labels.items()}
    placed = run_graphviz(_source(vertices, edges, sizes))
    _, _, width, height = (float(v) for v in placed["bb"].split(","))
    flip = partial(_point, height=height)
    at = {o["name"]: flip(o["pos"]) for o in placed["objects"]}
    nodes = tuple(_node(v, at[v.id], sizes[v.id]) for v in vertices)
    names = {o["_gvid"]: o["name"] for o in placed["objects"]}
    roles = {v.id: v.role for v in vertices}
    drawn = [_wire(e, names, flip, roles) for e in placed["edges"]]
    wires = tuple(sorted(drawn, key=lambda w: edges.index((w.source, w.target))))  # in the order of the operands
    title = f"{cell.title or cell.name}: expression graph"
    size = (round(width + 2 * _MARGIN, 2), round(height + 2 * _MARGIN, 2))
    return Scene(f"{cell.name}-dag", title, _words(nodes, wires), size, (), nodes, wires, (), ())


def _size(label: Label) -> tuple[float, float]:
    width, height = measure(label)
    return width + 2 * _PAD, height + 2 * _PAD


def _collect(cell: Cell, typeset: Typeset) -> tuple[list[_Vertex], list[tuple[str, str]]]:
    """The vertices in order of evaluation and the edges; equal expressions are one vertex, as they are in SymPy."""
    made: dict[MatrixExpr, str] = {}
    vertices: list[_Vertex] = []
    edges: list[tuple[str, str]] = []

    def visit(expr: MatrixExpr, named: MatrixSymbol | None = None) -> str:
        if expr not in made:
            sources = [visit(o) for o in operands(expr)]
            made[expr] = f"n{len(vertices)}"
            glyph = _glyph(expr, typeset)
            if named is not None and sources:
                glyph = rf"{typeset(named)} = {glyph}"
            vertices.append(
                _Vertex(
                    made[expr],
                    glyph,
                    _role(cell, expr, named),
                    f"{named} = {expr}" if named else str(expr),
                    _is_ordered(expr),
                )
            )
            edges.extend((source, made[expr]) for source in sources)
        return made[expr]

    for equation in cell.step:
        made[equation.target] = visit(equation.value, equation.target)
    return vertices, edges


def _is_ordered(expr: MatrixExpr) -> bool:
    """Whether the same operands in another order would be something else: not of a product that fits in one only."""
    first, *rest = operands(expr) or (expr,)
    if isinstance(expr, MatMul):
        return bool(rest[-1].shape[1] == first.shape[0])
    return bool(rest) and not isinstance(expr, _COMMUTATIVE)


def _glyph(expr: MatrixExpr, typeset: Typeset) -> str:
    if isinstance(expr, MatrixSymbol):
        return typeset(expr)
    if isinstance(expr, Fill) and isinstance(expr.value, Number):
        return str(latex(expr.value))
    return RULES[expr.func].glyph


def _role(cell: Cell, expr: MatrixExpr, named: MatrixSymbol | None) -> str:
    if isinstance(expr, MatrixSymbol):
        carried = name_of(expr).base in memories(cell)
        return {None: "bias", 0: "input"}.get(name_of(expr).lag, "previous_memory" if carried else "previous_output")
    if named is not None and named in cell.outputs:
        return "memory" if name_of(named).base in memories(cell) else "output"
    name = RULES[expr.func].name
    return name if name in ("sigmoid", "tanh") else "operator" if RULES[expr.func].infix else "function"


def _source(vertices: list[_Vertex], edges: list[tuple[str, str]], sizes: dict[str, Any]) -> str:
    """The DOT that Graphviz lays out: sizes, no labels."""
    dot = graphviz.Digraph(graph_attr={"rankdir": "BT", "nodesep": "0.22", "ranksep": "0.32"})
    dot.attr("node", shape="box", fixedsize="true", label="")
    for v in vertices:
        width, height = sizes[v.id]
        ordering = "in" if v.ordered else ""  # from left to right, as they are written
        dot.node(v.id, width=f"{width / _INCH:.4f}", height=f"{height / _INCH:.4f}", ordering=ordering)
    for source, target in edges:
        dot.edge(source, target, arrowsize="0.6")
    return str(dot.source)


def run_graphviz(source: str) -> dict[str, Any]:
    """Graphviz's layout of a DOT text, as its JSON.  The program `dot` if there is one, else pygraphviz."""
    if shutil.which("dot"):
        try:
            return dict(json.loads(graphviz.Source(source).pipe(format="json", encoding="utf-8")))
        except graphviz.CalledProcessError as error:
            raise LstmgraphError(f"Graphviz failed: {error.stderr or error}") from None
    try:
        import pygraphviz
    except ImportError:
        raise MissingExtra(
            "the style 'dag' is laid out by Graphviz, and neither the program dot nor pygraphviz is here",
            hint="pip install 'lstmgraph[dag]', or install Graphviz; the styles pipe and cell-block need neither",
        ) from None
    return dict(json.loads(pygraphviz.AGraph(string=source).draw(format="json", prog="dot")))


def _point(text: str, height: float) -> Point:
    x, y = (float(v) for v in text.split(","))
    return Point(round(x + _MARGIN, 2), round(height - y + _MARGIN, 2))


def _node(vertex: _Vertex, at: Point, size: tuple[float, float]) -> Node:
    label = Label(vertex.glyph, at, _TEXT)
    return Node(vertex.id, "dag", vertex.role, "box", at, size[0], size[1], label, title=vertex.title)


def _wire(edge: dict[str, Any], names: dict[int, str], flip: Callable[[str], Point], roles: dict[str, str]) -> Wire:
    """Graphviz's spline, which ends where the arrow's head begins; the tip is the last of the points."""
    tip, *route = edge["pos"].removeprefix("e,").split()
    points = [flip(p) for p in route]
    source, target = names[edge["tail"]], names[edge["head"]]
    role = roles[source] if roles[source] in get_args(ValueKind) else "internal"
    ends = (points[0], points[-1], flip(tip))
    return Wire(f"{source}>{target}.{edge['_gvid']}", source, target, role, ends, tuple(points))


def _words(nodes: tuple[Node, ...], wires: tuple[Wire, ...]) -> str:
    titles = {n.id: n.title for n in nodes}
    inputs: dict[str, list[str]] = {}
    for wire in wires:
        inputs.setdefault(wire.target, []).append(titles[wire.source])
    return " ".join(f"{titles[id]} takes {', '.join(sources)}." for id, sources in inputs.items())
