"""The cell-block: places that a search finds, the estimate it searches by, and the threads it falls back to."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lstmgraph.diagram.extract import extract
from lstmgraph.diagram.graph import Graph
from lstmgraph.diagram.layout.anatomy import anatomy, cell_id
from lstmgraph.diagram.layout.block_grid import fill, paths
from lstmgraph.diagram.layout.block_products import folded
from lstmgraph.diagram.layout.block_search import Search, explore, search
from lstmgraph.diagram.layout.cell_block import layout_cell_block
from lstmgraph.diagram.layout.dress import dress
from lstmgraph.diagram.layout.estimate import ROUND, Estimate, Link
from lstmgraph.diagram.layout.shapes import DOWN, LEFT, RIGHT, UP
from lstmgraph.diagram.layout.threads import Threads
from lstmgraph.diagram.layout.tracks import layered
from lstmgraph.diagram.quality import Case, measure
from lstmgraph.reading import from_equations, load
from tests.diagram.graphs import ALL

ANYWHERE = dict.fromkeys((UP, RIGHT, DOWN, LEFT), 0)
cells = pytest.mark.parametrize("cell", ALL)


# ── around the memory ──


@cells
def test_wires_bend_at_most_twice(cell: str) -> None:
    graph = ALL[cell]()
    found = measure(layout_cell_block(graph), graph)
    assert found.most_bends <= 2
    assert found.mean_bends <= 0.7


@pytest.mark.parametrize("cell", ["rnn", "lstm", "peephole_lstm", "gru", "cifg"])
def test_cells_that_everybody_knows_have_no_crossings(cell: str) -> None:
    graph = ALL[cell]()
    assert measure(layout_cell_block(graph), graph).crossings == 0


@pytest.mark.parametrize("cell", ["lstm", "gru", "gru_reset_after", "mgu"])
def test_the_data_path_is_one_upright_line_through_the_cell(cell: str) -> None:
    a = anatomy(extract(load(cell), lambda symbol: symbol.name))
    for grid in search(a, fill(a)):
        assert {id for id, (column, _) in grid.at.items() if column == 0} == grid.centre
        assert len({grid.at[id][1] for id in grid.centre}) == len(grid.centre)
        assert any(cell_id(base) in grid.centre for base in a.pipes)


@pytest.mark.parametrize("cell", ["lstm", "peephole_lstm", "gru", "cifg"])
def test_the_cell_stands_in_the_middle_between_gates_on_both_sides(cell: str) -> None:
    scene = layout_cell_block(ALL[cell]())
    (left, _, right, _), *_ = scene.frames
    assert [n.at.x for n in scene.nodes if n.kind == "cell"] == [(left + right) / 2]


def test_several_memories_keep_their_cells() -> None:
    graph = ALL["slstm"]()
    solved = layout_cell_block(graph)
    cells = [n for n in solved.nodes if n.kind == "cell"]
    loops = {w.target for w in solved.wires if w.dashed and w.source in {c.id for c in cells}}
    assert [len(cells), len(loops)] == [3, 3]
    assert measure(solved, graph).crossings <= 4


@pytest.mark.parametrize("cell", ["lstm", "gru", "peephole_lstm", "slstm"])
def test_products_with_inputs_stand_beside_them_and_cost_no_search(cell: str) -> None:
    graph = extract(load(cell), lambda symbol: symbol.name, products=True)
    scene = layout_cell_block(graph)
    at = {n.id: n.at for n in scene.nodes}
    first = {w.target: w for w in scene.wires if w.source.split("@")[0].startswith("x[t]")}
    outside = [id for id in first if graph.node(id).kind == "operator"]
    assert outside
    for id in outside:
        a, b = at[first[id].source], at[id]
        assert len(first[id].points) == 2
        assert abs(a.x - b.x) + abs(a.y - b.y) < 80
        border = scene.frames[0]
        assert not (border[0] < b.x < border[2] and border[1] < b.y < border[3])
    assert any(n.kind == "cell" for n in scene.nodes)


def test_a_folded_graph_keeps_its_products_to_unfold_them() -> None:
    graph = extract(load("gru"), lambda symbol: symbol.name, products=True)
    rest, products = folded(graph, {"h"})
    assert sorted({*(n.id for n in graph.nodes)} - {n.id for n in rest.nodes}) == sorted(
        e.target for e, _ in products.values()
    )
    assert {e.source for e, _ in products.values()} == {"x[t]"}
    assert {e.source for e, _ in folded(graph, ())[1].values()} == {"x[t]", "h[t-1]"}
    by_id = {e.id: e for e in rest.edges}
    for id, (into, out) in products.items():
        assert (by_id[id].source, by_id[id].target) == (into.source, out.target)


def test_the_same_search_comes_to_the_same_places() -> None:
    a = anatomy(ALL["slstm"]())
    first, second = ([g.at for g in search(a, fill(a))] for _ in range(2))
    assert first == second


def test_a_placement_without_conflicts_is_not_searched_further() -> None:
    a = anatomy(ALL["lstm"]())
    assert [g.at for g in search(a, fill(a))] == [fill(a).at]


HIGHWAY = """
f[t] = sigmoid(W_f @ x[t] + U_f @ h[t-1] + b_f)
g[t] = tanh(W_c @ x[t] + U_c @ h[t-1] + b_c)
d[t] = sigmoid(W_d @ x[t] + w_d * c[t-1] + v_d * l[t] + b_d)
c[t] = f[t] * c[t-1] + (1 - f[t]) * g[t] + d[t] * l[t]
o[t] = sigmoid(W_o @ x[t] + U_o @ h[t-1] + b_o)
h[t] = o[t] * tanh(c[t])
"""


def highway() -> Graph:
    """A gate that goes to both sides of the sum, and a product beside them: another way down is better there."""
    cell = from_equations(HIGHWAY, name="highway", sizes={"x": "X", "h": "H", "l": "H"}, output="h")
    return extract(cell, lambda symbol: symbol.name)


def test_a_cell_that_is_not_quite_an_lstm_keeps_the_style() -> None:
    graph = highway()
    case = Case(layout_cell_block(graph), graph, style="cell-block")
    assert (case.quality.crossings, case.quality.enclosed, case.loopless) == (0, (), ())
    assert not case.quality.most_bends > 2


ODE = """
e[t] = h[t-1] + dt[t] * (A @ tanh(B @ h[t-1] + b_1) + b_2)
r[t] = sigmoid(W_r @ x[t] + U_r @ e[t] + b_r)
z[t] = sigmoid(W_z @ x[t] + U_z @ e[t] + b_z)
g[t] = tanh(W_g @ x[t] + U_g @ (r[t] * e[t]) + b_g)
h[t] = z[t] * e[t] + (1 - z[t]) * g[t]
"""


def test_a_few_crossings_are_better_than_no_cell() -> None:
    cell = from_equations(ODE, name="ode", sizes={"x": "X", "h": "H", "dt": 1, "b_1": "K"}, output="h")
    graph = extract(cell, lambda symbol: symbol.name)
    assert layered(graph, "cell-block").cost[0] == 0
    case = Case(layout_cell_block(graph), graph, style="cell-block")
    assert 1 < case.quality.crossings <= len(graph.edges) // 7
    assert (case.quality.enclosed, case.loopless) == ((), ())


NORMED = """
f[t] = sigmoid(W_f @ x[t] + b_f)
i[t] = sigmoid(W_i @ x[t] + b_i)
u[t] = W_u @ x[t] + b_u
fp[t] = f[t] / (f[t] + i[t])
ip[t] = i[t] / (f[t] + i[t])
h[t] = fp[t] * h[t-1] + ip[t] * u[t]
"""


def test_lines_that_wind_are_drawn_from_another_beginning() -> None:
    cell = from_equations(NORMED, name="normed", sizes={"x": "X", "h": "H"}, output="h")
    graph = extract(cell, lambda symbol: symbol.name)
    scene = layout_cell_block(graph)
    found = measure(scene, graph)
    assert (found.crossings, found.mean_bends <= 0.5) == (0, True)
    (left, _, right, _), *_ = scene.frames
    assert [n.at.x for n in scene.nodes if n.kind == "cell"] == [(left + right) / 2]


def test_there_is_a_way_down_for_each_operand_the_data_path_first() -> None:
    found = list(paths(anatomy(highway())))
    assert found == [["c", "c.3", "d", "d.1"], ["c", "c.2", "g", "g.1"], ["c", "c.2", "c.2.1", "f", "f.1"]]
    for path in found:
        assert fill(anatomy(highway()), path).centre >= {*path, "cell:c"}


def test_any_memory_may_have_the_centre() -> None:
    a = anatomy(ALL["slstm"]())
    found = [fill(a, path) for path in paths(a)]
    assert {id for grid in found[:3] for id in grid.centre if id.startswith("cell:")} == {"cell:c", "cell:n", "cell:m"}
    assert all({cell_id(base) for base in a.pipes} <= grid.at.keys() for grid in found)


def test_a_placement_grows_to_a_better_one_than_all_at_once() -> None:
    a = anatomy(ALL["eight_gates"]())
    one = Search(replace(a, repeated=a.aside()), fill(a), free=True)
    grown, filled = one.grown(), one.filled()
    assert grown.at.keys() == filled.at.keys()
    assert len({*grown.at.values()}) == len(grown.at)
    assert one.cost(grown)[0] < one.cost(filled)[0]


NESTED = """
m[t] = m[t-1] * sigmoid(W @ x[t] + U @ c[t-1])
c[t] = sigmoid(V @ x[t]) * tanh(m[t])
h[t] = tanh(c[t]) * sigmoid(P @ h[t-1])
"""


def test_what_leaves_below_something_else_leaves_beside_it() -> None:
    cell = from_equations(NESTED, name="nested", sizes={"x": "X", "m": "H"}, output="h")
    graph = extract(cell, lambda symbol: symbol.name)
    scene = layout_cell_block(graph)
    out = {w.target: w for w in scene.wires if w.target in ("c[t]'", "h[t]'")}
    assert len(out["h[t]'"].points) == 2
    assert len(out["c[t]'"].points) == 3


def test_inputs_of_both_sides_are_on_one_line_or_clearly_not() -> None:
    """The gates of such a cell stand at other heights on the left than on the right."""
    lines = [
        "r[t] = sigmoid(W_r @ x[t] + U_r @ h[t-1] + b_r)",
        "h[t] = r[t] * o[t] * tanh(c[t]) + (1 - r[t]) * (V @ x[t])",
    ]
    lstm = [f"{k}[t] = sigmoid(W_{k} @ x[t] + U_{k} @ h[t-1] + b_{k})" for k in "ifog"]
    text = "\n".join([*lstm, "c[t] = f[t] * c[t-1] + i[t] * g[t]", *lines])
    graph = extract(from_equations(text, name="two", sizes={"x": "X", "h": "H"}), lambda symbol: symbol.name)
    assert measure(layout_cell_block(graph), graph).off_line == ()


def test_what_an_exploration_finds_has_a_place_for_everything() -> None:
    graph = highway()
    a = anatomy(graph)
    a = replace(a, repeated=a.aside())
    placed = fill(a).at.keys()
    found = explore(a)
    assert len(found) > 1
    for grid in found:
        assert grid.at.keys() == placed
        assert len({*grid.at.values()}) == len(placed)
        networks = {*grid.gates.values(), *grid.bottom}
        assert networks == {*fill(a).gates.values(), *fill(a).bottom} | (networks & grid.centre)
        for id in grid.bottom:
            assert grid.side[id] == DOWN


def test_a_part_of_an_estimate_knows_the_links_between_its_nodes() -> None:
    estimate = Estimate([link("a", "b"), link("c", "d"), Link("e", "a", ROUND, (("c", ANYWHERE), ("d", ANYWHERE)))], {})
    some = estimate.among({"a", "b", "d"})
    assert [(n.key, [id for id, _ in n.targets]) for n in some.links] == [("a", ["b"]), ("e", ["d"])]


# ── the estimate ──


def link(source: str, target: str) -> Link:
    return Link(source, source, ROUND, ((target, ANYWHERE),))


def test_a_crossing_is_counted_and_a_way_around_is_dearer() -> None:
    apart = {"a": (0.0, 0.0), "b": (2.0, 0.0), "c": (0.0, 1.0), "d": (2.0, 1.0)}
    crossed = {"a": (-1.0, 0.0), "b": (1.0, 0.0), "c": (0.0, 1.0), "d": (0.0, -1.0)}
    estimate = Estimate([link("a", "b"), link("c", "d")], {})
    (first, lines), (second, _) = estimate.cost(apart), estimate.cost(crossed)
    assert first == sum(line.cost for line in lines.values())
    assert second - first >= 140  # two bends, or a crossing


def test_a_node_in_between_is_gone_round() -> None:
    estimate = Estimate([link("a", "b")], {})
    free, _ = estimate.cost({"a": (0.0, 0.0), "b": (2.0, 0.0), "c": (1.0, 1.0)})
    blocked, lines = estimate.cost({"a": (0.0, 0.0), "b": (2.0, 0.0), "c": (1.0, 0.0)})
    assert blocked > free
    assert lines["a"].flat


def test_lines_that_are_kept_cost_the_same_again() -> None:
    places = {"a": (-1.0, 0.0), "b": (1.0, 0.0), "c": (0.0, 1.0), "d": (0.0, -1.0)}
    estimate = Estimate([link("a", "b"), link("c", "d")], {})
    cost, lines = estimate.cost(places)
    spent = estimate.spent
    assert estimate.cost(places, lines) == (cost, lines)
    assert estimate.spent == spent


# ── threads ──


@pytest.mark.parametrize("style", ["pipe", "cell-block"])
@cells
def test_threads_bend_once(style: str, cell: str) -> None:
    graph = ALL[cell]()
    scene = dress(layered(graph, style), "", {}, "x")
    nexts = {n.id for n in graph.nodes if n.kind == "next"}
    assert all(len(w.points) <= (4 if w.target in nexts else 3) for w in scene.wires)
    assert measure(scene, graph).mean_bends <= 0.7


@cells
def test_a_thread_ends_at_the_last_target_of_its_value(cell: str) -> None:
    found = Threads(ALL[cell](), repeat=False).best()
    at = {id: k for k, id in enumerate(found.columns)}
    for thread in found.threads:
        assert [at[id] for id in thread.units] == sorted(at[id] for id in thread.units)
        assert thread.first == at[thread.units[0]]
        assert thread.last >= at[thread.units[-1]]
    assert sorted(found.order) == list(range(len(found.threads)))


def test_threads_show_memories_as_cells_and_leave_by_the_output_only() -> None:
    graph = ALL["slstm"]()
    solved = layered(graph, "cell-block")
    spots = [s for s in solved.plan.spots.values() if s.kind == "cell"]
    assert sorted(s.id for s in spots) == ["cell:c", "cell:m", "cell:n"]
    assert [s.of for s in spots] == [f"{s.id.partition(':')[2]}[t-1]" for s in spots]
    assert [s.node.id for s in solved.plan.spots.values() if s.kind == "next" and s.node] == ["h[t]'"]


@pytest.mark.parametrize("cell", ["gru", "slstm", "lstm"])
def test_threads_upwards_are_no_tall_strips(cell: str) -> None:
    border = layered(ALL[cell](), "cell-block").plan.border
    assert (border.right - border.left) / (border.bottom - border.top) >= 0.6


@cells
def test_the_crossings_of_threads_are_those_that_are_drawn(cell: str) -> None:
    graph = ALL[cell]()
    solved = layered(graph, "cell-block")
    assert measure(dress(solved, "", {}, "x"), graph).crossings == solved.cost[0]
