"""The backward pass over a picture: the same lines, turned around, each with its own formula."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy
import pytest

import lstmgraph
from lstmgraph import calculus
from lstmgraph.algebra.names import name_of, symbol
from lstmgraph.api.cotangents import Cotangents
from lstmgraph.cell import Cell
from lstmgraph.diagram import backward
from lstmgraph.diagram.extract import extract
from lstmgraph.diagram.layout.legend import BACKWARD
from lstmgraph.diagram.path import STRAIGHT, distance
from lstmgraph.diagram.quality import faults, measure
from lstmgraph.diagram.quality.picture import Picture
from lstmgraph.diagram.scene import COTANGENT_SUM, JOIN_SUM, Label, Node, Scene, Wire
from lstmgraph.diagram.typeset import WIDER
from lstmgraph.numeric.evaluate import evaluate
from lstmgraph.program import Equation, Program
from tests.diagram.drawings import drawn, loaded
from tests.diagram.test_extract import ODD, cells

PAPERS = sorted((Path(__file__).parents[1] / "reading" / "papers").glob("*.toml"))
CELLS = [*lstmgraph.library(), *map(str, PAPERS)]
STYLES = ("pipe", "cell-block")
CROWDED = [("mogrifier", "pipe")]  # other lines are where one must go
LABEL_REACH = 40.0  # from a line to the middle of a name beside it, at most


def stem(name: str) -> str:
    return Path(name).stem


def edge_of(id: str) -> str:
    return id.removesuffix("@up")


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("name", CELLS, ids=stem)
def test_the_backward_picture_is_as_good_as_the_forward_one(name: str, style: str) -> None:
    ahead, back = drawn(name, style), drawn(name, style, backward=True)
    assert ahead.graph is not None
    known = set(faults(ahead.scene, ahead.graph))
    found = [f for f in faults(back.scene, ahead.graph) if f not in known]
    crowded = (stem(name), style) in CROWDED
    assert [f.partition(":")[0] for f in found] == ["straight_end"] * crowded, found


def test_a_plus_is_measured_as_it_is_drawn() -> None:
    drawing = lstmgraph.load("lstm").draw(backward=True)
    assert drawing.graph is not None
    assert drawing.quality().ok
    plus = next(n for n in drawing.scene.nodes if n.kind == COTANGENT_SUM)
    aside = replace(plus, at=plus.at._replace(y=plus.at.y + 3))
    for spoilt, rule in ((replace(plus, id="again"), "node_overlaps"), (aside, "through_nodes")):
        nodes = tuple(n for n in drawing.scene.nodes if n is not plus or spoilt.id != plus.id)
        found = faults(replace(drawing.scene, nodes=(*nodes, spoilt)), drawing.graph)
        assert any(f.startswith(rule) for f in found), rule


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("name", CELLS, ids=stem)
def test_every_wire_with_a_cotangent_is_turned_around(name: str, style: str) -> None:
    ahead, back = drawn(name, style), drawn(name, style, backward=True)
    assert ahead.graph is not None
    sent = Cotangents(loaded(name), ahead.graph)
    flowing = {e.id for e in ahead.graph.edges if sent.share(e) is not None}
    assert {edge_of(w.id) for w in back.scene.wires if w.lit} == flowing
    lines = {w.id: w for w in ahead.scene.wires}
    pluses = {n.id: n for n in back.scene.nodes if n.kind == COTANGENT_SUM}
    for wire in back.scene.wires:
        old = lines[wire.id]
        if wire.lit:
            assert wire.source == old.target
            assert wire.arrow
            if plus := pluses.get(wire.target):  # no room for an arrowhead beyond it
                assert plus.of == old.source
                stub = next(t for t in back.scene.trunks if t.source == plus.id)
                assert (stub.points[-1], stub.arrow) == (old.points[0], False)
            elif distance(*old.points[:2]) >= STRAIGHT or len(old.points) == 2:
                assert (wire.target, wire.points) == (old.source, old.points[::-1])
            else:  # the piece that was its first has become longer, so that an arrowhead has room there
                assert (wire.target, wire.points[-1]) == (old.source, old.points[0])
                assert all(distance(a, b) < STRAIGHT for a, b in zip(wire.points, old.points[::-1], strict=True))
            assert distance(wire.route[-1], wire.points[-1]) > 0
            assert wire.route[0] == wire.points[0]
        else:
            assert (wire.source, wire.points, wire.route) == (old.source, old.points, old.route)


@pytest.mark.parametrize("name", CELLS, ids=stem)
def test_nothing_moves_and_operations_are_dimmed(name: str) -> None:
    ahead, back = drawn(name).scene, drawn(name, backward=True).scene
    places = {n.id: (n.at, n.width, n.height) for n in back.nodes if n.kind != COTANGENT_SUM}
    joins = {n.id for n in back.nodes if n.operation == JOIN_SUM}
    for node in ahead.nodes:
        if node.id in places and node.id not in joins:
            assert places[node.id] == (node.at, node.width, node.height)
        else:
            assert node.kind in ("join", "next")
    assert not any(n.lit for n in back.nodes if n.kind in ("sum", "function", "operator"))


def test_forks_are_sums() -> None:
    cell = lstmgraph.load("peephole_lstm")
    ahead, back = cell.draw().scene, cell.draw(backward=True).scene
    assert not back.dots
    own = [n for n in back.nodes if n.kind == COTANGENT_SUM]
    again = next(w for w in ahead.wires if w.id.endswith("@up"))
    assert {n.at for n in own} == {d.at for d in ahead.dots if d.at not in again.points}
    assert {n.label.text for n in own if n.label} == {"+"}


@pytest.mark.parametrize(("name", "style"), [("gru", "pipe"), ("gru", "cell-block"), ("slstm", "pipe")])
def test_forks_in_curves_are_sums_too(name: str, style: str) -> None:
    ahead, back = (drawn(name, style, theme="olah", backward=b) for b in (False, True))
    assert ahead.graph is not None
    again = [p for w in ahead.scene.wires if w.id.endswith("@up") for p in w.points]
    forks = [at for at, _ in Picture(ahead.scene, ahead.graph).forks if at not in again]
    pluses = [n.at for n in back.scene.nodes if n.kind == COTANGENT_SUM]
    assert len(forks) > len(ahead.scene.dots)
    assert all(any(distance(at, plus) < 1 for plus in pluses) for at in forks)
    assert not back.scene.dots


@pytest.mark.parametrize(
    ("name", "style", "theme"),
    [("gru", "cell-block", "default"), ("gru_reset_after", "cell-block", "olah"), ("slstm", "pipe", "shiyan")],
)
def test_arrowheads_have_a_straight_piece_before_them_where_the_forward_lines_begin_with_a_short_one(
    name: str, style: str, theme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def shortest() -> float:
        drawing = lstmgraph.load(name).draw(style, theme=theme, backward=True)
        assert drawing.graph is not None
        return measure(drawing.scene, drawing.graph).straight_end or 0.0

    assert shortest() >= 1.5 - 1e-6
    monkeypatch.setattr(backward, "with_room", lambda scene: scene)
    assert shortest() < 1.5 - 1e-6, "there is nothing to mend"


@pytest.mark.parametrize("theme", ["default", "olah"])
@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("name", CELLS, ids=stem)
def test_the_name_of_a_cotangent_is_written_only_where_all_of_it_runs(name: str, style: str, theme: str) -> None:
    """At a line on which all wires run that bring parts of it, or as the name of a sum in the operation."""
    scene = drawn(name, style, theme=theme, backward=True).scene
    marks = {w.id for w in scene.wires}
    wrong = []
    for label in (x for x in scene.labels if x.of and x.of not in marks and not x.text.startswith("+")):
        node = next(n for n in scene.nodes if n.id == label.of)
        parts = parts_of(scene, node)
        value = node.of or node.id
        elsewhere = [w.id for w in scene.wires if w.lit and edge_of(w.id).startswith(f"{value}>") and w not in parts]
        if any(w.target not in {p.source for p in parts} for w in scene.wires if w.id in elsewhere):
            wrong.append(f"{label.text}: {elsewhere} go elsewhere")
        if label.text.startswith(r"\oplus"):
            assert len(parts) > 1
        elif len(parts) > 1 and not all(runs_at(w, label) for w in parts):
            wrong.append(f"{label.text}: only {[w.id for w in parts if runs_at(w, label)]} of {[w.id for w in parts]}")
    assert wrong == []


def parts_of(scene: Scene, node: Node) -> list[Wire]:
    """The wires that bring parts of what a label at a node names: of a Cell, of its old memory."""
    ends = {node.id} | {n.id for n in scene.nodes if n.of == node.id}
    own = [w for w in scene.wires if w.lit and w.target in ends]
    return [w for w in own if node.kind != "cell" or w.id.startswith(f"{node.of}>")]


def runs_at(wire: Wire, label: Label) -> bool:
    """Whether a wire runs beside a label, straight on to its end."""
    (ax, ay), (bx, by) = wire.points[-2:]
    x, y = label.at
    if abs(ax - bx) < 1e-6:
        return min(ay, by) <= y <= max(ay, by) and abs(x - ax) < LABEL_REACH
    return min(ax, bx) <= x <= max(ax, bx) and abs(y - ay) < LABEL_REACH


def test_cotangents_that_come_to_an_operation_from_several_sides_meet_in_it() -> None:
    """The MGU's gate is used three times; two of its parts come from the right, one from above."""
    scene = lstmgraph.load("mgu").draw(backward=True).scene
    assert r"\oplus = \bar{f}_{t}" in labels(scene)
    assert r"\bar{f}_{t}" not in labels(scene)


def test_a_cell_names_the_sum_of_several_cotangents_and_none_of_them() -> None:
    scene = lstmgraph.load("gru").draw("cell-block", backward=True).scene
    assert r"\oplus = \bar{h}_{t-1}" in labels(scene)
    assert r"\bar{h}_{t-1}" not in labels(scene)


def test_a_join_sums_what_several_gates_hand_to_it() -> None:
    scene = lstmgraph.load("lstm").draw(backward=True).scene
    join = next(n for n in scene.nodes if n.kind == "join")
    assert join.label is not None
    assert (join.operation, join.label.text) == (JOIN_SUM, "+")


def test_a_cell_in_which_cotangents_meet_has_a_plus() -> None:
    """Of the LSTM's new memory: from tanh and from outside; of the GRU's old one from three uses."""
    for name, role in (("lstm", "memory"), ("gru", "previous_memory")):
        scene = lstmgraph.load(name).draw("cell-block", backward=True).scene
        cell = next(n for n in scene.nodes if n.kind == "cell")
        inside = [n for n in scene.nodes if n.kind == COTANGENT_SUM and distance(n.at, cell.at) < cell.width / 2]
        assert [n.role for n in inside] == [role]
    peephole = lstmgraph.load("peephole_lstm").draw("cell-block", backward=True).scene
    assert [n.role for n in peephole.nodes if n.kind == COTANGENT_SUM] == ["previous_memory", "memory"]


def test_arrows_end_at_a_plus_that_stands_close_to_its_operation() -> None:
    scene = lstmgraph.load("gru").draw("cell-block", backward=True).scene
    (stub,) = scene.trunks
    plus = next(n for n in scene.nodes if n.id == stub.source)
    meeting = [w for w in scene.wires if w.target == plus.id]
    assert len(meeting) > 1
    assert all(abs(distance(w.points[-1], plus.at) - plus.width / 2) < 1e-6 for w in meeting)


def labels(scene: Scene) -> set[str]:
    return {x.text for x in scene.labels} | {n.label.text for n in scene.nodes if n.label}


def test_names_as_the_notation_has_them() -> None:
    plain = labels(lstmgraph.load("lstm").draw(backward=True).scene)
    assert {
        r"\bar{f}_{t}",
        r"\delta_{f,t}",
        r"\bar{c}_{t}^{+}",
        r"\bar{c}_{t-1}",
        r"\bar{x}_{t}",
        r"\bar{b}_{f}",
    } <= plain
    gamma = labels(lstmgraph.load("lstm").draw(backward=True, notation="gamma").scene)
    assert r"\bar{\Gamma}_{f}^{\langle t\rangle}" in gamma


def test_every_wire_tells_its_own_formula() -> None:
    scene = lstmgraph.load("lstm").draw(backward=True).scene
    titles = {w.id: w.title for w in scene.wires}
    assert titles["f>c.1.0"] == "c̄[t] ⊙ c[t-1], back to f"
    assert titles["c[t-1]>c.1.1"] == "c̄[t] ⊙ f[t], back to c[t-1]"
    nodes = {n.id: n.title for n in scene.nodes}
    assert nodes["c"] == "c̄[t] = h̄[t] ⊙ o[t] ⊙ (1 − tanh²(c[t])) + c̄⁺[t]"


def test_what_a_cell_hands_on_is_all_that_is_added_in_it() -> None:
    scene = lstmgraph.load("lstm").draw("cell-block", backward=True).scene
    handed = next(w for w in scene.wires if w.source == "cell:c" and w.target == "c")
    assert handed.title == "c̄[t] = h̄[t] ⊙ o[t] ⊙ (1 − tanh²(c[t])) + c̄⁺[t], back to c"


def test_constants_get_nothing_back() -> None:
    cell = lstmgraph.load(str(next(p for p in PAPERS if p.stem == "mogrifier")))
    scene = cell.draw(backward=True).scene
    constants = {n.id for n in scene.nodes if n.kind == "constant"}
    assert constants
    assert not any(w.lit for w in scene.wires if {w.source, w.target} & constants)


# ── the formulas are right: computed one after the other they give the gradients ──


def from_formulas(cell: Cell) -> Program:
    """The forward equations, and then the cotangent of every node as the drawing has it, the last node first."""
    graph = extract(cell, lambda s: s.name)
    cotangents = Cotangents(cell, graph)
    forward_pass = cotangents.program.stage("forward")
    known = {e.target for e in forward_pass}
    found: list[Equation] = []
    for node in reversed(graph.nodes):
        name, value = cotangents.name(node), cotangents.formula(node)
        if name is None or value is None or name == value or name in known:
            continue
        known.add(name)
        found.append(Equation(name, value))
    return Program(cell.name, cotangents.program.inputs, (*forward_pass, *found), ())


def random_values(program: Program) -> dict[str, numpy.ndarray]:
    rng = numpy.random.default_rng(0)
    letters = sorted({z for i in program.inputs for side in i.shape for z in side.free_symbols}, key=str)
    sizes = {z: 2 + k for k, z in enumerate(letters)}
    return {s.name: rng.uniform(0.2, 0.9, [int(side.subs(sizes)) for side in s.shape]) for s in program.inputs}


@pytest.mark.parametrize("name", [*lstmgraph.library(), *ODD])
def test_the_formulas_give_the_gradients(name: str) -> None:
    cell = cells()[name]
    whole = calculus.gradient(cell)
    values = random_values(whole)
    expected, found = evaluate(whole, values), evaluate(from_formulas(cell), values)
    outside = [symbol(name_of(s).marked("bar"), s.shape) for s in (*cell.inputs, *cell.previous)]
    for target in outside:
        numpy.testing.assert_allclose(found[target.name], expected[target.name], rtol=1e-9)


@pytest.mark.parametrize("name", ["lstm", "gru"])
def test_what_reaches_an_output_from_outside_enters_once(name: str) -> None:
    """`h̄[t]` is all of it: the output that is drawn again upward takes no second share, and no plus stands there."""
    scene = lstmgraph.load(name).draw(backward=True).scene
    entering = [w.id for w in scene.wires if w.lit and w.source.startswith("h[t]'")]
    assert entering == ["h>h[t]'.0"]
    sums = [n for n in scene.nodes if n.kind == COTANGENT_SUM]
    assert not any(w.id.endswith("@up") for w in scene.wires)
    up = next(w for w in lstmgraph.load(name).draw().scene.wires if w.id.endswith("@up"))
    assert not any(n.at in up.points for n in sums)


@pytest.mark.parametrize("style", STYLES)
def test_the_gradients_of_one_gate_stand_in_a_row_in_the_order_of_computation(style: str) -> None:
    bare = lstmgraph.load("lstm").draw(style, legend=False).scene
    scene = lstmgraph.load("lstm").draw(style, backward=True, legend=False).scene
    rows = []
    for gate in "ogif":
        own = [x for x in scene.labels if "partial" in x.text and f"_{{{gate}}}" in x.text.split("=")[0]]
        assert len(own) == 3
        assert max(x.at.y for x in own) - min(x.at.y for x in own) < 3, gate
        rows.append(own[0].at.y)
    assert rows == sorted(rows), "as their cotangents are computed"
    room = WIDER * bare.size[0] + 24  # what other fonts may need, and the gap beside the picture
    assert scene.size[0] <= bare.size[0] + room, "not wider than the picture"


def legend(name: str, style: str, **options: Any) -> dict[str, list[tuple[str, bool]]]:
    found = lstmgraph.load(name).draw(style, **options).scene.legend
    return {group.title: [(e.words, e.sample.lit) for e in group.entries] for group in found}


def test_the_legend_explains_what_a_backward_drawing_shows() -> None:
    words = legend("lstm", "pipe", backward=True)
    assert words["Arriving from the loss and the next step"] == [
        ("cotangent of the memory of this step", True),
        ("cotangent of the output of this step", True),
    ]
    assert ("cotangent of the memory of the previous step", True) in words["Handed to the previous step"]
    assert set(words["Handed to inputs and biases"]) == {
        ("cotangent of the input", True),
        ("gradient of the bias", True),
    }
    assert words["Sums"] == [("sum of the cotangents that meet there", True)], "one symbol, one meaning"
    assert BACKWARD.parting in words
    assert ("sigmoid", False) in words["Operations of the step, dimmed"]
    assert not any(lit for _, lit in words["Operations of the step, dimmed"])
    assert not {"Inputs", "Outputs", "Nonlinearities"} & set(words)
    assert ("cotangents of the memory, new and old", True) in legend("lstm", "cell-block", backward=True)["Memory"]


def test_the_legend_says_that_copies_are_shares() -> None:
    note = BACKWARD.repeated
    assert note in legend("lstm", "cell-block", backward=True)
    assert note not in legend("lstm", "pipe", backward=True)
    assert note not in legend("lstm", "cell-block")


def test_what_is_handed_to_the_previous_step_is_dashed_where_its_value_is() -> None:
    """Else the memory seems to take a cotangent that it hands on."""
    forward, back = (lstmgraph.load("lstm").draw("cell-block", backward=b).scene for b in (False, True))
    dashed = {w.id for w in forward.wires if w.dashed}
    assert {w.id for w in back.wires if w.dashed} == dashed
    assert "c[t-1]>c.1.1" in dashed
    assert BACKWARD.dashed in legend("lstm", "cell-block", backward=True)


def test_a_step_lights_the_samples_of_its_legend() -> None:
    assert all(lit for entries in legend("lstm", "pipe", step=1).values() for _, lit in entries)


def test_a_step_that_computes_a_part_says_of_what() -> None:
    """tanh(c[t]) has no name in the LSTM."""
    scene = lstmgraph.load("lstm").draw(walk="gamma", step=5, equations=True).scene
    around = [x.text for x in scene.labels if x.role == "text" and not x.of]
    assert any("tanh" in text for text in around)
    assert "in the equation of" in around
    assert around[-1] == r"a^{\langle t\rangle}"


def test_the_cell_says_what_it_takes_from_outside_and_what_leaves_it() -> None:
    found = labels(lstmgraph.load("lstm").draw("cell-block", backward=True).scene)
    assert {r"\bar{c}_{t}", r"+\,\bar{c}_{t}^{+}", r"\bar{c}_{t-1}"} <= found
    assert "Cell" not in found
