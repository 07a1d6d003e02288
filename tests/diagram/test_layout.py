"""Both layouts, for every kind of cell: nothing missing, nothing on top of anything, and as beautiful as promised."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import lstmgraph
from lstmgraph.api import scenes
from lstmgraph.diagram.extract import PRODUCT, extract
from lstmgraph.diagram.graph import Graph
from lstmgraph.diagram.layout import pipe, remembered
from lstmgraph.diagram.layout.anatomy import anatomy
from lstmgraph.diagram.layout.budget import SEARCH_STEPS, Budget
from lstmgraph.diagram.layout.cell_block import layout_cell_block
from lstmgraph.diagram.layout.columns import Columns, Variant
from lstmgraph.diagram.layout.legend import with_legend
from lstmgraph.diagram.layout.pipe import layout_pipe
from lstmgraph.diagram.layout.pipe_parts import Parts, manners
from lstmgraph.diagram.layout.pipe_places import BETWEEN, Room
from lstmgraph.diagram.layout.pipe_wires import PipePlan
from lstmgraph.diagram.layout.plan import solve
from lstmgraph.diagram.layout.steps import light
from lstmgraph.diagram.path import STROKE
from lstmgraph.diagram.quality import Quality, faults, measure
from lstmgraph.diagram.scene import Scene
from lstmgraph.reading import library, load
from tests.diagram.graphs import ALL, gru, lstm, peephole_lstm, rnn

Layout = Callable[[Graph], Scene]
STYLES: dict[str, Layout] = {"pipe": layout_pipe, "cell-block": layout_cell_block}
ROOT = Path(__file__).parents[2]
_scenes: dict[tuple[str, str], tuple[Scene, Graph]] = {}


def drawn(style: str, cell: str) -> tuple[Scene, Graph]:
    if (style, cell) not in _scenes:
        graph = ALL[cell]()
        _scenes[style, cell] = STYLES[style](graph), graph
    return _scenes[style, cell]


def quality(style: str, cell: str) -> Quality:
    return measure(*drawn(style, cell))


every = pytest.mark.parametrize("style", STYLES)
cells = pytest.mark.parametrize("cell", ALL)


@every
@cells
def test_every_drawing_is_sound(style: str, cell: str) -> None:
    assert faults(*drawn(style, cell)) == []


@every
@pytest.mark.parametrize("name", library())
def test_every_library_cell_is_sound(style: str, name: str) -> None:
    graph = extract(load(name), lambda symbol: symbol.name.split("[")[0])
    assert faults(STYLES[style](graph), graph) == []


@every
@cells
def test_gaps_and_padding(style: str, cell: str) -> None:
    scene, _ = drawn(style, cell)
    assert quality(style, cell).smallest_gap >= 4 * STROKE
    frame = scene.frames[0]
    outside = {"input", "previous", "next", "bias", "constant", "join"}
    for n in scene.nodes:
        if n.kind not in outside:
            assert n.at.x - n.width / 2 - frame.left >= 6 * STROKE
            assert frame.right - n.at.x - n.width / 2 >= 6 * STROKE
            assert n.at.y - n.height / 2 - frame.top >= 6 * STROKE
            assert frame.bottom - n.at.y - n.height / 2 >= 6 * STROKE


@pytest.mark.parametrize(
    ("style", "cell", "most"),
    [
        ("pipe", "rnn", 0),
        ("pipe", "lstm", 1),
        ("pipe", "peephole_lstm", 3),
        ("pipe", "gru", 1),
        ("cell-block", "rnn", 0),
        ("cell-block", "lstm", 0),
        ("cell-block", "peephole_lstm", 0),
    ],
)
def test_crossings(style: str, cell: str, most: int) -> None:
    assert quality(style, cell).crossings <= most


def test_independent_networks_may_change_places_to_save_bends() -> None:
    """The reset gate written first would leave no way for r * h but around the update gate."""
    graph = extract(load("gru"), lambda symbol: symbol.name.split("[")[0])
    found = measure(layout_pipe(graph), graph)
    assert (found.crossings, found.most_bends) == (1, 2)


@pytest.mark.parametrize(("cell", "most"), [("ugrnn", 1), ("ligru", 1), ("brc", 1), ("rhn", 4), ("sru", 2)])
def test_the_search_finds_few_crossings_for_cells_that_it_does_not_know(cell: str, most: int) -> None:
    graph = extract(load(str(ROOT / "tests" / "reading" / "papers" / f"{cell}.toml")), lambda symbol: symbol.name)
    assert measure(layout_pipe(graph), graph).crossings <= most


@every
@pytest.mark.parametrize("cell", ["rnn", "lstm", "peephole_lstm", "gru"])
def test_bends(style: str, cell: str) -> None:
    assert quality(style, cell).most_bends <= 2
    assert quality(style, cell).mean_bends <= 0.7


@pytest.mark.parametrize("name", library())
def test_no_wire_of_the_library_bends_three_times(name: str) -> None:
    graph = extract(load(name), lambda symbol: symbol.name.split("[")[0])
    found = measure(layout_pipe(graph), graph)
    assert found.most_bends <= 2
    assert found.mean_bends <= 0.7


@pytest.mark.parametrize("name", library())
def test_products_stand_with_their_sums(name: str) -> None:
    """Taken apart, a network is a sum with its products below it, or beside it where a pipe comes down."""
    drawing = lstmgraph.load(name).draw("pipe", detail="full")
    graph, at = drawing.graph, {n.id: n.at for n in drawing.scene.nodes}
    assert graph is not None
    kinds = {n.id: n.kind for n in graph.nodes}
    for node in (n for n in graph.nodes if n.operation == PRODUCT and n.kind == "operator"):
        (sum,) = (e.target for e in graph.out_of(node.id))
        (wire,) = (w for w in drawing.scene.wires if w.source == node.id)
        assert kinds[sum] == "sum"
        assert at[node.id].y > at[sum].y or at[node.id].y == at[sum].y
        assert len(wire.points) == 2
    networks = [at[n.id].y for n in graph.nodes if n.kind == "sum" and name != "slstm"]
    assert len(set(networks)) <= 1
    found = measure(drawing.scene, graph)
    assert found.mean_bends <= 0.7


@pytest.mark.parametrize("cell", ["lstm", "peephole_lstm", "gru"])
def test_aspects(cell: str) -> None:
    assert 1.6 <= quality("pipe", cell).aspect <= 2.2
    assert 0.9 <= quality("cell-block", cell).aspect <= 1.2


@cells
def test_a_pipe_is_one_straight_line(cell: str) -> None:
    scene, graph = drawn("pipe", cell)
    at = {n.id: n.at for n in scene.nodes}
    for base in graph.memories:
        following = next(n.id for n in graph.nodes if n.kind == "next" and n.value == f"{base}[t]")
        assert at[f"{base}[t-1]"].y == at[following].y


@pytest.mark.parametrize("cell", ["lstm", "peephole_lstm", "gru", "cifg", "eight_gates"])
def test_networks_stand_in_one_row_at_one_pitch(cell: str) -> None:
    scene, _ = drawn("pipe", cell)
    sums = sorted(n.at for n in scene.nodes if n.kind == "sum")
    pitches = [b.x - a.x for a, b in itertools.pairwise(sums)]
    assert len({p.y for p in sums}) == 1
    assert max(pitches) <= 1.1 * min(pitches)


@cells
def test_the_new_memory_leaves_only_from_the_cell(cell: str) -> None:
    scene, graph = drawn("cell-block", cell)
    for edge in graph.edges:
        wire = next(w for w in scene.wires if w.id == edge.id)
        source = next(n for n in scene.nodes if n.id == wire.source)
        enters = any(n.id == edge.target and n.kind == "next" for n in graph.nodes)
        if edge.kind == "memory" and not enters and any(n.kind == "cell" for n in scene.nodes):
            assert source.kind == "cell"
        assert wire.dashed == edge.kind.startswith("previous")


@every
def test_steps_move_nothing(style: str) -> None:
    scene, graph = drawn(style, "peephole_lstm")
    frame = light(scene, {"f.1", "f"})
    assert {(n.id, n.at) for n in frame.nodes} == {(n.id, n.at) for n in scene.nodes}
    assert {(w.id, w.route) for w in frame.wires} == {(w.id, w.route) for w in scene.wires}
    lit = {w.id for w in frame.wires if w.lit}
    assert lit == {e.id for e in graph.edges if {e.source, e.target} & {"f.1", "f"}}
    named = {n.of or n.id for n in frame.nodes if n.lit and n.kind not in ("join", "cell")}
    assert named == {"x[t]", "h[t-1]", "b0", "f.1", "f"} | ({"c[t-1]"} if style == "pipe" else set())


@every
@cells
def test_every_sign_is_drawn(style: str, cell: str) -> None:
    scene, graph = drawn(style, cell)
    signs = [label.of for label in scene.labels if label.text == "-"]
    assert sorted(signs) == sorted(e.id for e in graph.edges if e.negative)


def test_labels_on_wires_are_dimmed_with_them() -> None:
    scene, _ = drawn("pipe", "lstm")
    frame = light(scene, {"f.1", "f"})
    roles = {label.of: label.role for label in frame.labels}
    assert roles["f"] == "text"
    assert set(roles.values()) == {"text", "dimmed"}
    assert {label.of for label in frame.labels if label.role == "text"} == {"f"}


def test_a_step_lights_the_cell_that_it_reads() -> None:
    scene, _ = drawn("cell-block", "peephole_lstm")
    assert [n.lit for n in light(scene, {"f.1", "f"}).nodes if n.kind == "cell"] == [True]
    assert [n.lit for n in light(scene, {"g.1", "g"}).nodes if n.kind == "cell"] == [False]


@every
def test_the_legend_lists_what_occurs(style: str) -> None:
    scene = with_legend(drawn(style, "rnn")[0])
    words = {g.title: [e.words for e in g.entries] for g in scene.legend}
    dashes = {"Dashed: values of the previous step"} if style == "cell-block" else set()
    assert set(words) == {"Inputs", "Outputs", "Nonlinearities", "Biases", "Vector operations"} | dashes
    assert words["Nonlinearities"] == ["hyperbolic tangent"]


@every
@cells
def test_everything_is_inside_the_picture(style: str, cell: str) -> None:
    scene = with_legend(drawn(style, cell)[0])
    samples = [e.sample for g in scene.legend for e in g.entries]
    for n in (*scene.nodes, *samples):
        assert n.at.x - n.width / 2 >= 0
        assert n.at.x + n.width / 2 <= scene.size[0]
        assert n.at.y - n.height / 2 >= 0
        assert n.at.y + n.height / 2 <= scene.size[1]


def test_the_order_in_which_a_graph_lists_its_nodes_is_no_matter_for_soundness() -> None:
    graph = peephole_lstm()
    backwards = Graph(graph.nodes[::-1], graph.edges, graph.memories, graph.output)
    for layout in STYLES.values():
        assert faults(layout(backwards), backwards) == []


def test_same_graph_same_scene_under_any_hash_seed() -> None:
    script = (
        "import hashlib; from tests.diagram.graphs import ALL;"
        "from lstmgraph.diagram.layout.pipe import layout_pipe;"
        "from lstmgraph.diagram.layout.cell_block import layout_cell_block;"
        "print(hashlib.sha256(repr([f(ALL[c]()) for f in (layout_pipe, layout_cell_block)"
        " for c in ('gru', 'peephole_lstm', 'copies')]).encode()).hexdigest())"
    )
    seen = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(seen) == 1


@pytest.mark.parametrize("name", ["mgu", "slstm"])
def test_another_notation_is_not_searched_again_and_looks_as_if_it_were(name: str) -> None:
    remembered.forget()
    first = lstmgraph.load(name).draw(notation="plain")
    second = lstmgraph.load(name).draw(notation="greff")
    assert remembered._found.cache_info().hits > 0
    remembered.forget()
    scenes._pipe.cache_clear()
    assert lstmgraph.load(name).draw(notation="greff").svg == second.svg != first.svg


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("make", [rnn, lstm, gru])
def test_small_cells_take_a_small_part_of_the_budget(
    style: str, make: Callable[[], Graph], monkeypatch: pytest.MonkeyPatch
) -> None:
    spent: list[int] = []

    def spend(budget: Budget, steps: int, own: Callable[[Budget, int], None] = Budget.spend) -> None:
        spent.append(steps)
        own(budget, steps)

    monkeypatch.setattr(Budget, "spend", spend)
    remembered.forget()  # what is remembered takes no steps
    STYLES[style](make())
    assert 0 < sum(spent) < SEARCH_STEPS / 20


@pytest.mark.parametrize("look", ["default", "olah"])
@pytest.mark.parametrize(
    "equations",
    [
        "p[t] = W1 @ x[t] + U1 @ h[t-1]\nq[t] = W2 @ x[t] + U2 @ h[t-1]\nh[t] = maximum(p[t], q[t])",
        "h[t] = a * h[t-1] + (1 - a) * tanh(W @ x[t] + U @ h[t-1] + b)",
    ],
    ids=["two sums", "two factors"],
)
def test_products_of_neighbouring_sums_stand_clear_of_one_another(equations: str, look: str, tmp_path: Path) -> None:
    file = tmp_path / "case.toml"
    file.write_text(f'equations = """\n{equations}\n"""\noutput = "h"\n[sizes]\nx = "X"\nh = "H"\n')
    drawing = lstmgraph.load(file).draw(detail="full", theme=look)
    assert drawing.graph is not None
    assert faults(drawing.scene, drawing.graph) == []


MANY_PIPES = '''
output = "y"
equations = """
p[t] = sigmoid(W_p @ x[t]) * p[t-1] + x[t]
q[t] = sigmoid(W_q @ x[t]) * q[t-1] + x[t]
r[t] = sigmoid(W_r @ x[t]) * r[t-1] + x[t]
y[t] = tanh(W_y @ x[t]) * p[t]
"""
[sizes]
x = "n"
'''


def test_an_output_that_would_cross_pipes_leaves_to_the_right(tmp_path: Path) -> None:
    """No other line can end between the pipes: upward it would have to cross two of them."""
    (tmp_path / "many.toml").write_text(MANY_PIPES)
    scene = lstmgraph.load(tmp_path / "many.toml").draw("pipe").scene
    at = {node.id: node.at for node in scene.nodes}
    assert at["y[t]'"].x == at["p[t]'"].x
    assert at["y[t]'"].y > at["p[t]'"].y


def test_an_output_that_crosses_nothing_leaves_upward(tmp_path: Path) -> None:
    equations = "h[t] = tanh(W @ x[t] + U @ h[t-1])\\ny[t] = tanh(V @ h[t])"
    text = f'output = "y"\nequations = "{equations}"\n[sizes]\nx = "n"\nh = "m"\ny = "k"\n'
    (tmp_path / "elman.toml").write_text(text)
    scene = lstmgraph.load(tmp_path / "elman.toml").draw("pipe").scene
    assert min(scene.nodes, key=lambda node: node.at.y).id == "y[t]'"


def test_an_output_that_leaves_to_the_right_stands_apart_from_the_pipe_that_it_comes_from(tmp_path: Path) -> None:
    (tmp_path / "copy.toml").write_text(MANY_PIPES.replace("tanh(W_y @ x[t]) * p[t]", "p[t]"))
    parts = Parts(anatomy(extract(load(str(tmp_path / "copy.toml")), lambda symbol: symbol.name)))
    (exit,) = parts.a.exits()
    first = Columns(parts.a, Variant()).arrangement()
    plan = PipePlan(parts, Room(), replace(first, beside=frozenset({exit}))).build()
    rows = sorted(plan.spots[id].at[1] for id in parts.a.next.values())
    assert len(rows) == 4
    assert min(b - a for a, b in itertools.pairwise(rows)) >= BETWEEN


PHASED = """
f[t] = sigmoid(W_f @ x[t] + U_f @ h[t-1] + p_f * c[t-1] + b_f)
i[t] = sigmoid(W_i @ x[t] + U_i @ h[t-1] + p_i * c[t-1] + b_i)
u[t] = f[t] * c[t-1] + i[t] * tanh(W_c @ x[t] + U_c @ h[t-1] + b_c)
c[t] = k[t] * u[t] + (1 - k[t]) * c[t-1]
o[t] = sigmoid(W_o @ x[t] + U_o @ h[t-1] + p_o * u[t] + b_o)
h[t] = k[t] * o[t] * tanh(u[t]) + (1 - k[t]) * h[t-1]
"""


def test_an_old_memory_comes_down_to_join_the_inputs_where_that_saves_many_crossings(tmp_path: Path) -> None:
    """The Phased LSTM (Neil et al. 2016): four networks take h[t-1], each across the other pipe."""
    text = f'output = "h"\nequations = """{PHASED}"""\n[sizes]\nx = "n"\nh = "m"\nk = "m"\n'
    (tmp_path / "phased.toml").write_text(text)
    drawing = lstmgraph.load(tmp_path / "phased.toml").draw("pipe")
    assert drawing.graph is not None
    assert "join" in {node.id for node in drawing.scene.nodes}
    assert measure(drawing.scene, drawing.graph).crossings <= 10  # 16 where h[t-1] stays on its pipe
    own, other = pipe._most_promising(anatomy(drawing.graph))[:2]
    assert own.tapped == {"h[t-1]"}
    assert remembered.remembered(own, 0).score < remembered.remembered(other, 0).score


def test_an_old_memory_stays_where_it_is_if_coming_down_bends_more_than_it_saves() -> None:
    assert [parts.tapped for parts in pipe._most_promising(anatomy(gru()))] == [frozenset()]


def test_what_comes_down_bends_a_third_time() -> None:
    a = anatomy(gru())
    plain, tapped = manners(a)
    assert not plain.tapped
    assert plain.trunk == []
    assert tapped.tapped == {"h[t-1]"}
    assert set(tapped.trunk) == {"x[t]", "h[t-1]"}
    assert len(tapped.joined) == 2
    plan = PipePlan(tapped, Room(), Columns(a, Variant()).arrangement()).build()
    assert {want.source for want in plan.wants if want.target == "join"} == {"x[t]", "h[t-1]"}
    solved = solve(plan, Budget(SEARCH_STEPS))
    assert solved.third_bends == 2  # right, down, right and up into each of the two
    assert solved.cost[1] == 0
    assert solved.score()[0] == solved.cost[0] + 2 + solved.too_bent / 2
