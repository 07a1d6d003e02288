"""The graph has exactly the dependencies that the equations state: none missing, none extra."""

from collections import Counter
from collections.abc import Collection
from dataclasses import replace
from functools import cache

import pytest
from sympy import MatAdd, MatrixExpr, MatrixSymbol

from lstmgraph.algebra.names import Name, name_of
from lstmgraph.algebra.nodes import Divide, Hadamard, Identity, Reciprocal, operands
from lstmgraph.algebra.traverse import rebuild, symbols_in, walk
from lstmgraph.cell import Cell
from lstmgraph.diagram.extract import PRODUCT, extract
from lstmgraph.diagram.graph import Graph
from lstmgraph.reading import from_equations, library, load, loads

ODD = {
    "copy": 'equations = """\ns[t] = identity(x[t])\nh[t] = tanh(U @ s[t-1] + W @ x[t])\n"""\n'
    'sizes = {x = "X", h = "H"}',
    "one": 'equations = "h[t] = a * h[t-1] + x[t]"\nsizes = {x = "H", a = 1}',
    "readout": 'equations = """\nh[t] = tanh(W @ x[t] + U @ h[t-1])\ny[t] = softmax(V @ h[t] + c)\n"""\n'
    'output = "y"\nsizes = {x = "X", h = "H", y = "Y"}',
    "numbers": 'equations = "h[t] = 2 * x[t] ** 2 - h[t-1] / (1 + abs(x[t]))"\nsizes = {x = "H"}',
    "square": 'equations = "h[t] = x[t] * x[t] + U @ concat(h[t-1], x[t])"\nsizes = {x = "H"}',
    "leaky": 'equations = "h[t] = a * h[t-1] + V @ tanh(W @ x[t] + U @ h[t-1]) + x[t] + b"\n'
    'sizes = {x = "H", h = "H", a = "H", V = ["H", "K"]}',
    "negated": 'equations = "h[t] = -(a * h[t-1] + W @ x[t] + b)"\nsizes = {x = "X", h = "H", a = 1}',
    "twice": 'equations = "h[t] = -(-(a * h[t-1]) - W @ x[t] - W @ x[t])"\nsizes = {x = "X", h = "H", a = "H"}',
    "biased": 'equations = "h[t] = maximum(-(a * h[t-1] + b), x[t]) + x[t] + b"\nsizes = {x = "H", a = 1}',
    "quotient": 'equations = "h[t] = h[t-1] / a - W @ x[t]"\nsizes = {x = "X", h = "H", a = "H"}',
    "shared": 'equations = """\ng[t] = sigmoid(W @ x[t] + b)\nh[t] = g[t] * h[t-1] + W @ x[t] + b\n"""\n'
    'sizes = {x = "X", h = "H"}',
    "shifted": 'equations = "h[t] = h[t-1] - a * tanh(x[t]) - b"\nsizes = {x = "H", a = 1}',
    "matrix": 'equations = """\nk[t] = W @ x[t]\nC[t] = C[t-1] + k[t] @ k[t].T\nh[t] = C[t] @ (Q @ x[t])\n"""\n'
    'sizes = {x = "X", k = "K"}',
    "largest": 'equations = """\nk[t] = tanh(x[t])\nh[t] = maximum(k[t], h[t-1], minimum(x[t], k[t], h[t-1], 0))\n"""\n'
    'sizes = {x = "H"}',
}


@cache
def cells() -> dict[str, Cell]:
    return {name: load(name) for name in library()} | {name: loads(text, name) for name, text in ODD.items()}


def without_quotients(expr: MatrixExpr) -> MatrixExpr:
    """A quotient as it is drawn: a product with a reciprocal."""
    parts = [without_quotients(o) for o in operands(expr)]
    if isinstance(expr, Divide):
        return Hadamard(parts[0], Reciprocal(parts[1]))
    return rebuild(expr, parts) if parts else expr


def uses(expr: MatrixExpr, stops: set[MatrixExpr], layers: Collection[MatrixExpr] = ()) -> list[MatrixExpr]:
    """What an operation uses, once for each use: the values of a step and other drawn operations below it.

    A sum of which some terms are one of the `layers` uses that one.
    """
    found = []
    for operand in with_layer(expr, layers):
        timed = isinstance(operand, MatrixSymbol) and name_of(operand).lag is not None
        found += [operand] if timed or operand in stops else uses(operand, stops)
    return found


def with_layer(expr: MatrixExpr, layers: Collection[MatrixExpr]) -> list[MatrixExpr]:
    """The operands of an expression; terms of a sum that are a layer of their own count as that one."""
    inner = [s for s in layers if isinstance(s, MatAdd) and isinstance(expr, MatAdd) and set(s.args) < set(expr.args)]
    most = max(inner, key=lambda s: len(s.args), default=None)
    return [*([most] if most else []), *(o for o in operands(expr) if most is None or o not in most.args)]


def stated_edges(graph: Graph, cell: Cell) -> Counter[tuple[str, str]]:
    """(source, target) of every edge that the equations demand, found without the edges of the graph."""
    operations = {without_quotients(n.expression): n.id for n in graph.nodes if isinstance(n.expression, MatrixExpr)}
    at: dict[MatrixExpr, str] = dict(operations)
    at |= {s: s.name for s in (*cell.inputs, *cell.previous)}
    for equation in cell.step:
        value = without_quotients(equation.value)
        at[equation.target] = at[value.args[0] if isinstance(value, Identity) else value]
    layers = [e for e, id in operations.items() if graph.node(id).kind == "sum"]
    demanded = Counter(
        (at[used], id)
        for e, id in operations.items()
        for used in uses(e, set(operations), layers if graph.node(id).kind == "operator" else ())
    )
    return demanded + Counter((at[o], o.name + "'") for o in leaving(cell))


def leaving(cell: Cell) -> list[MatrixSymbol]:
    """The outputs, and what no equation uses."""
    used = set().union(*(symbols_in(e.value) for e in cell.equations))
    return [e.target for e in cell.equations if e.target in cell.outputs or e.target not in used]


def drawn_edges(graph: Graph) -> Counter[tuple[str, str]]:
    parameters = {n.id for n in graph.nodes if n.kind in ("bias", "constant")}
    return Counter((e.source, e.target) for e in graph.edges if e.source not in parameters)


@pytest.mark.parametrize("name", [*library(), *ODD])
def test_edges_are_dependencies(name: str) -> None:
    cell = cells()[name]
    graph = extract(cell, lambda s: s.name)
    drop_parameters = {n.id for n in graph.nodes if n.kind in ("bias", "constant")}
    stated = stated_edges(graph, cell)
    assert drawn_edges(graph) == Counter({k: v for k, v in stated.items() if k[0] not in drop_parameters})


@pytest.mark.parametrize("name", [*library(), *ODD])
def test_a_dropped_or_added_edge_is_found(name: str) -> None:
    cell = cells()[name]
    graph = extract(cell, lambda s: s.name)
    stated = stated_edges(graph, cell)
    for edge in graph.edges:
        if graph.node(edge.source).kind not in ("bias", "constant"):
            less = replace(graph, edges=tuple(e for e in graph.edges if e != edge))
            assert drawn_edges(less) != stated
            assert drawn_edges(replace(graph, edges=(*graph.edges, edge))) != stated


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


# (cell, sum, its terms with their signs), as the equations of `ODD` state them.
SIGNS = [
    ("numbers", "h", ["+ h.1", "- h.2"]),  # 2 x**2 less a quotient
    ("twice", "h.1.2", ["- W x[t]", "- W x[t]"]),
    ("twice", "h.1", ["- h.1.1", "+ h.1.2"]),  # the whole is negated by an operator
    ("quotient", "h", ["+ h.1", "- h.2"]),  # W x is a product by itself
    ("shifted", "h.2", ["- a h.2.1", "- h.2.p2"]),
    ("shifted", "h", ["+ h[t-1]", "+ h.2"]),
    ("negated", "h.1.2", ["+ W x[t]", "+ h.1.2.p2"]),
    ("negated", "h.1", ["+ h.1.1", "+ h.1.2"]),
]


def signed_operands(graph: Graph, id: str) -> list[str]:
    return [" ".join(filter(None, ("+-"[e.negative], e.via, e.source))) for e in graph.into(id)]


@pytest.mark.parametrize(("name", "id", "terms"), SIGNS)
def test_terms_of_a_sum_have_the_signs_of_the_equations(name: str, id: str, terms: list[str]) -> None:
    assert signed_operands(extract(cells()[name], lambda s: s.name), id) == terms


def test_a_weighted_term_that_is_taken_away_is_negative_and_twice_so_is_not() -> None:
    text = "h[t] = tanh(W @ x[t] - U @ h[t-1] - V @ (-x[t]) - b)"
    graph = extract(from_equations(text, sizes={"x": "X", "h": "H"}), lambda s: s.name)
    assert signed_operands(graph, "h.1") == ["+ W x[t]", "- U h[t-1]", "+ V x[t]", "- h.1.p4"]


def test_a_shared_expression_is_one_node() -> None:
    text = 'equations = """\nh[t] = tanh(x[t]) * tanh(x[t]) + h[t-1]\n"""\nsizes = {x = "H"}'
    graph = extract(loads(text), lambda s: s.name)
    assert [n.operation for n in graph.nodes].count("tanh") == 1
    assert len([e for e in graph.edges if e.target == "h.1"]) == 2


def test_a_memory_stays_on_its_pipe_when_a_network_is_added() -> None:
    """What scales it is an operator and so is the sum; what is added to it is a network."""
    graph = extract(cells()["leaky"], lambda s: s.name)
    sum_, scaled, layer = (next(n for n in graph.nodes if n.id == id) for id in ("h", "h.1", "h.2"))
    assert (sum_.kind, sum_.operation) == ("operator", "add")
    assert (scaled.kind, scaled.operation, scaled.glyph) == ("operator", PRODUCT, r"a\odot")
    assert (layer.kind, layer.operation) == ("sum", "weighted_sum")
    assert [e.source for e in graph.into("h")] == ["h.1", "h.2", "x[t]"]
    assert [e.via for e in graph.into("h.2")] == ["V", None]
    assert [e.kind for e in graph.into("h.1")] == ["previous_memory"]


def test_names_of_values() -> None:
    graph = extract(load("peephole_lstm"), lambda s: s.name)
    assert {n.value for n in graph.nodes if n.kind == "function" and n.value} == {"f[t]", "i[t]", "g[t]", "o[t]"}
    assert graph.memories == ("c",)
    assert str(Name("c", 0)) in {n.value for n in graph.nodes if n.operation == "add"}
    assert all(n.expression is None or list(walk(n.expression)) for n in graph.nodes)


@pytest.mark.parametrize(
    ("value", "operation", "glyph", "marks"),
    [
        ("C[t-1] @ x[t]", "matmul", r"\bullet", ["1", "2"]),
        ("x[t] * (x[t].T @ x[t])", "inner_product", r"\langle\cdot,\cdot\rangle", ["", ""]),
        ("x[t] - a", "sum_with_a_number", r"(\cdot)-a", [""]),
        ("2 - x[t]", "sum_with_a_number", "2-", [""]),
        ("2 * x[t]", "product_with_a_number", r"2\times", [""]),
    ],
)
def test_products_and_numbers(value: str, operation: str, glyph: str, marks: list[str]) -> None:
    text = f'equations = """\nC[t] = C[t-1] + x[t] @ x[t].T\nh[t] = {value}\n"""\noutput = "h"\n'
    constants = "\nconstants = {a = 1}" if "a" in value else ""
    graph = extract(loads(text + 'sizes = {x = "H"}' + constants), lambda s: s.name)
    (node,) = (n for n in graph.nodes if n.operation == operation)
    assert node.glyph == glyph
    assert [e.mark for e in graph.into(node.id)] == marks


def test_the_difference_of_a_vector_and_a_scalar_is_one_sum() -> None:
    text = 'equations = """\nm[t] = sum(x[t])\nh[t] = tanh(U @ h[t-1] - m[t])\n"""\noutput = "h"\n'
    text += 'sizes = {x = "X", h = "H"}'
    graph = extract(loads(text), lambda s: s.name)
    assert "negative" not in {n.operation for n in graph.nodes}
    assert [e.source for e in graph.edges if e.negative] == ["m"]


def operand_sources(equations: str, id: str) -> list[str]:
    graph = extract(from_equations(equations, sizes={"x": "H"}, output="h"), lambda s: s.name)
    return [e.source for e in graph.into(id)]


def test_an_operation_with_several_operands_is_one_node() -> None:
    assert operand_sources("k[t] = tanh(x[t])\nh[t] = maximum(k[t], h[t-1], x[t])", "h") == ["k", "h[t-1]", "x[t]"]
    assert operand_sources("h[t] = minimum(h[t-1], maximum(x[t], 1))", "h") == ["h[t-1]", "h.2"], "of another kind"
    assert operand_sources("h[t] = maximum(h[t-1], maximum(x[t], 1))", "h") == ["h[t-1]", "h.2"], "as it is written"


def test_a_maximum_that_is_used_elsewhere_too_is_computed_once() -> None:
    both = "k[t] = tanh(x[t])\nh[t] = maximum(k[t], h[t-1], x[t])\n"
    assert operand_sources(both + "y[t] = exp(maximum(k[t], h[t-1]))", "h") == ["h.1", "x[t]"]
    assert operand_sources(both + "y[t] = exp(maximum(k[t], h[t-1]))", "y") == ["h.1"]
