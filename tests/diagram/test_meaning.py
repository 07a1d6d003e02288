"""What differs in the equations differs in the picture: order, transposes, signs, brackets, kinds and second names."""

from collections.abc import Callable

import pytest

from lstmgraph.cell import Cell
from lstmgraph.diagram.extract import extract
from lstmgraph.diagram.graph import Graph
from lstmgraph.diagram.layout.cell_block import layout_cell_block
from lstmgraph.diagram.layout.pipe import layout_pipe
from lstmgraph.diagram.scene import Scene
from lstmgraph.notation import get_notation, notation_names
from lstmgraph.printing import print_expr
from lstmgraph.reading import from_equations, library, load


def cell_of(*equations: str, **constants: float) -> Cell:
    return from_equations("\n".join(equations), sizes={"x": "H", "h": "H"}, output="h", constants=constants)


def picture(graph: Graph) -> list[object]:
    """What a reader sees: glyphs, wires, signs and marks; not titles."""
    nodes = [(n.id, n.glyph) for n in graph.nodes]
    return [*nodes, *((e.source, e.target, e.via, e.negative, e.mark) for e in graph.edges)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("h[t] = C[t] @ x[t]", "h[t] = C[t].T @ x[t]"),
        ("h[t] = (C[t] @ C[t-1]) @ x[t]", "h[t] = (C[t-1] @ C[t]) @ x[t]"),
        ("h[t] = (C[t] @ C[t-1].T) @ x[t]", "h[t] = (C[t].T @ C[t-1].T) @ x[t]"),
        ("h[t] = (x[t] @ h[t-1].T) @ x[t]", "h[t] = (h[t-1] @ x[t].T) @ x[t]"),
        ("h[t] = abs(x[t]) ** h[t-1]", "h[t] = h[t-1] ** abs(x[t])"),
        ("h[t] = W @ tanh(concat(x[t], h[t-1]))", "h[t] = W @ tanh(concat(h[t-1], x[t]))"),
        ("h[t] = W @ tanh(concat(x[t], h[t-1]))", "h[t] = W @ tanh(concat(x[t], -h[t-1]))"),
        ("h[t] = W @ x[t] + b", "h[t] = W.T @ x[t] + b"),
        ("h[t] = x[t] - h[t-1]", "h[t] = h[t-1] - x[t]"),
    ],
)
def test_what_differs_is_drawn_differently(one: str, other: str) -> None:
    cells = (cell_of("C[t] = C[t-1] + x[t] @ x[t].T", e) for e in (one, other))
    first, second = (extract(cell, lambda s: s.name) for cell in cells)
    assert picture(first) != picture(second)


@pytest.mark.parametrize(
    ("value", "constants", "glyph"),
    [
        ("(1 - a) * x[t]", {"a": 0.5}, r"(1 − a)\times"),
        ("a * x[t]", {"a": 0.5}, r"a\times"),
        ("(a + b) * x[t]", {"a": 0.5, "b": 0.2}, r"(a + b)\times"),
        ("(1 - (a + b)) * x[t]", {"a": 0.5, "b": 0.2}, r"(1 − (a + b))\times"),
        ("2 * x[t]", {}, r"2\times"),
        ("x[t] + 2", {}, "2+"),
        ("x[t] ** 2", {}, r"(\cdot)^{2}"),
    ],
)
def test_brackets_stand_where_they_must(value: str, constants: dict[str, float], glyph: str) -> None:
    cell = cell_of(f"h[t] = {value}", **constants)
    names = get_notation(cell)
    graph = extract(cell, names.latex, formula=lambda e: print_expr(e, "unicode", names))
    assert glyph in {n.glyph for n in graph.nodes}


def test_two_names_of_one_value() -> None:
    graph = extract(cell_of("a[t] = tanh(x[t])", "b[t] = tanh(x[t])", "h[t] = a[t] * b[t] + b[t-1]"), lambda s: s.name)
    assert graph.values["a[t]"] == graph.values["b[t]"] == "a"


def test_the_kind_of_a_wire_is_what_its_value_is() -> None:
    graph = extract(load("peephole_lstm"), lambda s: s.name)
    kinds = {(e.source, e.kind) for e in graph.edges}
    assert {("c[t-1]", "previous_memory"), ("h[t-1]", "previous_output"), ("c", "memory"), ("h", "output")} <= kinds
    assert {("x[t]", "input"), ("f", "internal"), ("f.1.p4", "bias")} <= kinds


@pytest.mark.parametrize("style", [layout_pipe, layout_cell_block])
@pytest.mark.parametrize("name", library())
def test_every_named_value_is_labelled(name: str, style: Callable[..., Scene]) -> None:
    cell = load(name)
    for notation in notation_names():
        names = get_notation(cell, notation)
        graph = extract(cell, names.latex)
        labels = {v.name: names.latex(v) for v in cell.values.values()}
        shown = {label.of for label in style(graph, cell.name, labels).labels}
        inside = {
            id for id in graph.values.values() if any(graph.node(e.target).kind != "next" for e in graph.out_of(id))
        }
        assert inside <= shown, notation
