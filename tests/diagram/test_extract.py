"""The graph has exactly the dependencies that the equations state: none missing, none extra."""

from dataclasses import replace

import pytest

from lstmgraph.algebra.names import Name, name_of
from lstmgraph.algebra.nodes import Identity
from lstmgraph.algebra.traverse import symbols_in, walk
from lstmgraph.cell import Cell
from lstmgraph.diagram.extract import extract
from lstmgraph.diagram.graph import Graph
from lstmgraph.reading import library, load, loads

ODD = {
    "copy": 'equations = """\ns[t] = identity(x[t])\nh[t] = tanh(U @ s[t-1] + W @ x[t])\n"""\n'
    'sizes = {x = "X", h = "H"}',
    "one": 'equations = "h[t] = a * h[t-1] + x[t]"\nsizes = {x = "H", a = 1}',
    "readout": 'equations = """\nh[t] = tanh(W @ x[t] + U @ h[t-1])\ny[t] = softmax(V @ h[t] + c)\n"""\n'
    'output = "y"\nsizes = {x = "X", h = "H", y = "Y"}',
    "numbers": 'equations = "h[t] = 2 * x[t] ** 2 - h[t-1] / (1 + abs(x[t]))"\nsizes = {x = "H"}',
    "square": 'equations = "h[t] = x[t] * x[t] + U @ concat(h[t-1], x[t])"\nsizes = {x = "H"}',
    "matrix": 'equations = """\nk[t] = W @ x[t]\nC[t] = C[t-1] + k[t] @ k[t].T\nh[t] = C[t] @ (Q @ x[t])\n"""\n'
    'sizes = {x = "X", k = "K"}',
}


def cells() -> dict[str, Cell]:
    return {name: load(name) for name in library()} | {name: loads(text, name) for name, text in ODD.items()}


def drawn_dependencies(graph: Graph, cell: Cell) -> dict[str, set[str]]:
    """For each value of the cell that a node computes, the named values it is drawn to depend on."""
    named = {n.id: n.value for n in graph.nodes if n.value and n.kind != "next"}

    def sources(id: str) -> set[str]:
        found = set()
        for edge in graph.into(id):
            found |= {named[edge.source]} if edge.source in named else sources(edge.source)
        return found

    return {value: sources(id) for id, value in named.items() if graph.node(id).kind not in ("input", "previous")}


def stated_dependencies(cell: Cell) -> dict[str, set[str]]:
    """The same from the equations; a value that is another's copy is that other value."""
    copies = {e.target.name: e.value.args[0].name for e in cell.equations if isinstance(e.value, Identity)}
    stated = {}
    for equation in cell.equations:
        if equation.target.name not in copies:
            used = {s.name for s in symbols_in(equation.value) if name_of(s).lag is not None}
            stated[equation.target.name] = {copies.get(u, u) for u in used}
    return stated


@pytest.mark.parametrize("name", [*library(), *ODD])
def test_edges_are_dependencies(name: str) -> None:
    cell = cells()[name]
    graph = extract(cell, lambda s: s.name)
    assert drawn_dependencies(graph, cell) == stated_dependencies(cell)


@pytest.mark.parametrize("name", library())
def test_a_dropped_edge_is_found(name: str) -> None:
    cell = load(name)
    graph = extract(cell, lambda s: s.name)
    inner = [e for e in graph.edges if graph.node(e.source).kind not in ("bias", "constant")]
    inner = [e for e in inner if graph.node(e.target).kind != "next"]
    for edge in inner:
        less = replace(graph, edges=tuple(e for e in graph.edges if e != edge))
        again = any(e.source == edge.source and e.target == edge.target for e in less.edges)
        indirect = drawn_dependencies(less, cell) == stated_dependencies(cell)
        assert not indirect or again or reaches_otherwise(less, edge.source, edge.target)


def reaches_otherwise(graph: Graph, source: str, target: str) -> bool:
    """Whether the equation of `target` also uses `source` in another operation of its own."""
    owner = graph.node(target).owner
    return any(e.source == source and graph.node(e.target).owner == owner for e in graph.edges)


@pytest.mark.parametrize("name", [*library(), *ODD])
def test_every_parameter_scales_an_edge_or_is_an_operand(name: str) -> None:
    cell = cells()[name]
    graph = extract(cell, lambda s: s.name)
    shown = {e.via for e in graph.edges} | {n.glyph for n in graph.nodes}
    missing = {p.name for p in cell.parameters if not any(p.name in (text or "") for text in shown)}
    assert not missing


@pytest.mark.parametrize("name", library())
def test_outside(name: str) -> None:
    cell = load(name)
    graph = extract(cell, lambda s: s.name)
    outside = {n.value for n in graph.nodes if n.kind in ("input", "previous", "next")}
    assert outside == {s.name for s in (*cell.inputs, *cell.previous, *cell.outputs)}
    assert all(graph.into(n.id) for n in graph.nodes if n.kind == "next")
    order = [n.id for n in graph.nodes]
    assert all(order.index(e.source) < order.index(e.target) for e in graph.edges), "not in order of evaluation"


def test_operands_of_a_difference_and_a_quotient() -> None:
    graph = extract(cells()["numbers"], lambda s: s.name)
    assert [n.operation for n in graph.nodes if n.kind == "operator"].count("reciprocal") == 1
    assert sum(e.negative for e in graph.edges) == 1


def test_a_shared_expression_is_one_node() -> None:
    text = 'equations = """\nh[t] = tanh(x[t]) * tanh(x[t]) + h[t-1]\n"""\nsizes = {x = "H"}'
    graph = extract(loads(text), lambda s: s.name)
    assert [n.operation for n in graph.nodes].count("tanh") == 1
    assert len([e for e in graph.edges if e.target == "h.1"]) == 2


def test_names_of_values() -> None:
    graph = extract(load("peephole_lstm"), lambda s: s.name)
    assert {n.value for n in graph.nodes if n.kind == "function" and n.value} == {"f[t]", "i[t]", "g[t]", "o[t]"}
    assert graph.memories == ("c",)
    assert str(Name("c", 0)) in {n.value for n in graph.nodes if n.operation == "add"}
    assert all(n.expression is None or list(walk(n.expression)) for n in graph.nodes)
