"""Levels of detail: each shows exactly the dependencies of the equations, contracted or taken apart."""

from collections import Counter
from functools import cache

import pytest

from lstmgraph.cell import Cell
from lstmgraph.diagram.detail import NETWORK, contracted, numbered_biases, shown, without_biases
from lstmgraph.diagram.extract import PRODUCT, extract
from lstmgraph.diagram.frames import frame
from lstmgraph.diagram.graph import Edge, Graph
from lstmgraph.diagram.look import DETAILS, Look
from lstmgraph.reading import library, load
from tests.diagram.test_extract import ODD, cells, drawn_edges, stated_edges

every_cell = pytest.mark.parametrize("name", [*library(), *ODD])
every_level = pytest.mark.parametrize("detail", DETAILS)


@cache
def graph_of(name: str, detail: str = "sums") -> Graph:
    graph = extract(cells()[name], lambda s: s.name, products=detail == "full")
    return shown(graph, Look(detail=detail))  # type: ignore[arg-type]


def parameters(graph: Graph) -> set[str]:
    return {n.id for n in graph.nodes if n.kind in ("bias", "constant")}


@every_cell
def test_networks_are_contracted_and_nothing_else(name: str) -> None:
    fine, coarse = graph_of(name), graph_of(name, "gates")
    stated = {k: n for k, n in stated_edges(fine, cells()[name]).items() if k[0] not in parameters(fine)}
    kinds = {n.id: n.kind for n in fine.nodes}
    uses = Counter[str]()
    for (source, _), count in stated.items():
        uses[source] += count
    merged = {
        source: target
        for source, target in stated
        if kinds[source] == "sum" and uses[source] == 1 and kinds[target] == "function"
    }
    wanted = Counter[tuple[str, str]]()
    for (source, target), count in stated.items():
        if source not in merged:
            wanted[source, merged.get(target, target)] += count
    assert drawn_edges(coarse) == wanted
    assert {n.id for n in coarse.nodes} == {n.id for n in fine.nodes} - set(merged)
    assert {n.id for n in coarse.nodes if n.operation.endswith(NETWORK)} == set(merged.values())


@every_cell
def test_products_and_sums_have_the_dependencies_of_the_equations(name: str) -> None:
    graph = graph_of(name, "full")
    stated = stated_edges(graph, cells()[name])
    assert drawn_edges(graph) == Counter({k: n for k, n in stated.items() if k[0] not in parameters(graph)})


@every_cell
def test_every_product_with_a_parameter_is_a_node(name: str) -> None:
    """Put back together, the finest graph is the usual one; what scales an edge there is a node here."""
    usual, fine = graph_of(name), graph_of(name, "full")
    products = products_of(fine)
    drawn = {n.expression for n in usual.nodes}
    joined = {n.id for n in fine.nodes if n.operation == "concat" and n.expression not in drawn}
    assert not any(e.via for e in fine.edges if fine.node(e.target).operation != PRODUCT)
    assert len(products) == len({(fine.into(p)[0].source, fine.node(p).glyph) for p in products}), "a product twice"
    assert ends(fine, {*products, *joined}) == ends(usual, products_of(usual))


def products_of(graph: Graph) -> set[str]:
    return {n.id for n in graph.nodes if n.kind == "operator" and n.operation == PRODUCT}


def ends(graph: Graph, inner: set[str]) -> Counter[tuple[object, object]]:
    """What uses what, by expression, as if the `inner` nodes were on the wires."""

    def what(id: str) -> object:
        return graph.node(id).expression or id

    def behind(edge: Edge) -> list[Edge]:
        return [e for into in graph.into(edge.source) for e in behind(into)] if edge.source in inner else [edge]

    found = [(e.source, edge.target) for edge in graph.edges for e in behind(edge) if edge.target not in inner]
    return Counter((what(s), what(t)) for s, t in found if s not in parameters(graph))


@every_level
@every_cell
def test_ids_and_titles(name: str, detail: str) -> None:
    graph = graph_of(name, detail)
    ids = [n.id for n in graph.nodes]
    assert len(set(ids)) == len(ids)
    assert len({e.id for e in graph.edges}) == len(graph.edges)
    assert all(e.source in ids and e.target in ids for e in graph.edges)
    assert all(n.title.strip() for n in graph.nodes)
    order = {id: k for k, id in enumerate(ids)}
    assert all(order[e.source] < order[e.target] for e in graph.edges), "not in order of evaluation"
    assert list(graph.edges) == sorted(graph.edges, key=lambda e: (order[e.target], e.operand))
    assert set(graph.values.values()) | set(graph.inside.values()) <= set(ids)
    assert set(graph.values) | set(graph.inside) == set(graph_of(name).values)


@every_level
@pytest.mark.parametrize("name", library())
def test_steps_light_what_they_compute_at_every_level(name: str, detail: str) -> None:
    cell, graph = load(name), graph_of(name, detail)
    for walk, steps in cell.all_walks.items():
        for number, step in enumerate(steps, start=1):
            found = frame(graph, cell, walk, number)
            assert bool(found.computed) == bool(step.computed), (walk, number)
            assert found.computed <= {n.id for n in graph.nodes}


def test_a_step_of_a_value_inside_a_network_lights_the_network() -> None:
    text = 'equations = """\na[t] = W @ x[t] + b\nf[t] = sigmoid(a[t])\nh[t] = f[t] * h[t-1]\n"""\n'
    cell = _cell(text + 'sizes = {x = "X", h = "H"}\n[[walks.w]]\ntitle = "a"\ncomputes = ["a"]\n')
    graph = contracted(extract(cell, lambda s: s.name))
    assert graph.inside == {"a[t]": "f"}
    assert frame(graph, cell, "w", 1).computed == {"f"}
    title = graph.node("f").title
    assert "a[t]" in title
    assert "f[t]" in title


def _cell(text: str) -> Cell:
    from lstmgraph.reading import loads

    return loads(text, "case")


def test_a_network_says_what_it_computes() -> None:
    graph = graph_of("lstm", "gates")
    node = graph.node("f")
    assert (node.kind, node.operation, node.value) == ("sum", "sigmoid" + NETWORK, "f[t]")
    assert [(e.source, e.via) for e in graph.into("f")] == [("x[t]", "W_f"), ("h[t-1]", "U_f"), ("f.1.p3", None)]


def test_biases_by_number_and_not_at_all() -> None:
    graph = graph_of("lstm")
    numbers = {n.glyph: n.expression for n in numbered_biases(graph).nodes if n.kind == "bias"}
    assert {number: str(e) for number, e in numbers.items()} == {"0": "b_f", "1": "b_i", "2": "b_g", "3": "b_o"}
    assert all("b_" in n.title for n in numbered_biases(graph).nodes if n.kind == "bias")
    bare = without_biases(graph)
    assert not [n for n in bare.nodes if n.kind == "bias"]
    assert drawn_edges(bare) == drawn_edges(graph)


def test_a_parameter_that_is_no_bias_stays() -> None:
    graph = without_biases(graph_of("one"))
    assert drawn_edges(graph) == drawn_edges(graph_of("one"))
    cell = _cell('equations = "h[t] = x[t] ** v + h[t-1]"\nsizes = {x = "H"}')
    graph = extract(cell, lambda s: s.name)
    assert [n for n in graph.nodes if n.kind == "bias"]
    assert len(without_biases(graph).nodes) == len(graph.nodes)


def test_a_sum_that_two_nonlinearities_use_stays_a_sum() -> None:
    text = "a[t] = W @ x[t] + b\nh[t] = sigmoid(a[t]) * tanh(a[t]) + h[t-1]"
    graph = extract(_cell(f'equations = """\n{text}\n"""\nsizes = {{x = "X", h = "H"}}'), lambda s: s.name)
    assert contracted(graph).nodes == graph.nodes
    assert contracted(graph).edges == graph.edges
