"""Numbers of stages: what has one can be computed once the stage before is there, and not earlier."""

from functools import cache

import pytest

from lstmgraph.api.cell import Cell, load
from lstmgraph.api.drawing import Drawing
from lstmgraph.diagram import graph as graphs
from lstmgraph.diagram.boxes import distance, label_box, meet, node_box
from lstmgraph.diagram.graph import OPERATIONS, Graph
from lstmgraph.diagram.ground import of_wire
from lstmgraph.diagram.look import DETAILS
from lstmgraph.diagram.order import CIRCLED, badge, numbered, stages
from lstmgraph.diagram.path import STROKE
from lstmgraph.diagram.quality import faults
from lstmgraph.diagram.scene import Node, Point, Scene
from lstmgraph.diagram.typeset import measure, plain_text
from lstmgraph.reading import library

STYLES = ("pipe", "cell-block")


@cache
def drawn(name: str, style: str = "pipe", detail: str | None = None) -> Drawing:
    return load(name).draw(style, detail=detail, order=True)


@pytest.mark.parametrize("detail", DETAILS)
@pytest.mark.parametrize("name", library())
def test_a_stage_is_the_longest_way_from_outside(name: str, detail: str) -> None:
    from lstmgraph.api.choices import Choices, look_of
    from lstmgraph.api.scenes import graph_of
    from lstmgraph.notation import get_notation

    cell = load(name)
    graph = graph_of(cell, get_notation(cell), look_of(Choices(detail=detail)))

    def longest(id: str) -> int:
        own = graph.node(id).kind in OPERATIONS
        return own + max((longest(e.source) for e in graph.into(id)), default=0)

    found = stages(graph)
    assert found == {n.id: longest(n.id) for n in graph.nodes if n.kind in OPERATIONS}
    assert set(found.values()) == set(range(1, max(found.values()) + 1)), "a stage is missing"


def test_the_gates_of_an_lstm_come_first_and_together() -> None:
    graph = drawn("lstm", detail="gates").graph
    assert graph is not None
    found = stages(graph)
    assert {found[id] for id in ("f", "i", "g", "o")} == {1}
    assert (found["c.1"], found["c.2"], found["c"], found["h.2"], found["h"]) == (2, 2, 3, 4, 5)
    peephole = drawn("peephole_lstm", detail="gates").graph
    assert peephole is not None
    assert stages(peephole)["o"] == 4, "it needs the new memory"


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("name", library())
def test_every_operation_has_its_number_beside_it(name: str, style: str) -> None:
    drawing = drawn(name, style)
    scene, graph = drawing.scene, drawing.graph
    assert graph is not None
    numbers = {x.of: x for x in scene.labels if x.role == "stage"}
    operations = [n for n in scene.nodes if n.kind in OPERATIONS]
    assert {id: x.text for id, x in numbers.items()} == {n.id: badge(stages(graph)[n.of or n.id]) for n in operations}
    assert faults(scene, graph) == []
    for node in operations:
        own = label_box(numbers[node.id], 10)
        assert meet(own, node_box(node, STROKE)), "too far from its operation"
        assert not any(meet(label_box(numbers[node.id]), box) for w in scene.wires for box in of_wire(w))


@pytest.mark.parametrize("theme", ["default", "shiyan"])
@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("name", library())
def test_nobody_takes_a_number_for_that_of_another_operation(name: str, style: str, theme: str) -> None:
    """Its own operation is the nearest by far, and no other number stands beside it."""
    scene = load(name).draw(style, theme=theme, order=True).scene
    operations = {n.id: node_box(n) for n in scene.nodes if n.kind in OPERATIONS}
    numbers = {x.of: label_box(x) for x in scene.labels if x.role == "stage"}
    for id, box in numbers.items():
        others = [b for boxes in (operations, numbers) for other, b in boxes.items() if other != id]
        assert min(distance(box, other) for other in others) >= distance(box, operations[id]) + 5, id


def test_a_number_stands_at_the_corner_with_air_between() -> None:
    """Up to the left of its operation, a point and a half above it."""
    graph = Graph((graphs.Node("a", "operator", "+"),), (), (), "")
    own = Node("a", "operator", "operator", "box", Point(100, 100), 20, 20, None)
    scene = Scene("s", "", "", (200, 200), (), (own,), (), (), ())
    (number,) = numbered(scene, graph).labels
    width, height = measure(number)
    assert number.at == pytest.approx((90 - width / 2, 90 - 1.5 - height / 2))


def test_a_number_that_stands_on_something_is_a_fault() -> None:
    drawing = load("rnn").draw()
    assert drawing.graph is not None
    scene = numbered(drawing.scene, drawing.graph)
    assert faults(scene, drawing.graph) == []
    twice = numbered(scene, drawing.graph)  # the corners are taken, so the second number goes elsewhere
    assert faults(twice, drawing.graph) == []


def test_the_legend_says_what_the_numbers_are() -> None:
    def notes(drawing: Drawing) -> list[str]:
        return [g.title for g in drawing.scene.legend if not g.entries]

    assert any("order of evaluation" in note for note in notes(drawn("lstm")))
    assert not any("order of evaluation" in note for note in notes(load("lstm").draw()))


def test_a_long_chain_is_numbered_in_every_format() -> None:
    """25 stages, one after the other; from 21 the numbers are in brackets."""
    lines = ["a1[t] = tanh(x[t])", *(f"a{k}[t] = tanh(a{k - 1}[t])" for k in range(2, 26)), "h[t] = a25[t]"]
    drawing = Cell.from_equations("\n".join(lines), sizes={"x": "H"}).draw(order=True, legend=False)
    wanted = [*CIRCLED, *(f"({k})" for k in range(21, 26))]
    numbers = {x.of: x.text for x in drawing.scene.labels if x.role == "stage"}
    assert [numbers[f"a{k}"] for k in range(1, 26)] == [badge(k) for k in range(1, 26)]
    assert [plain_text(badge(k)) for k in range(1, 26)] == wanted
    assert all(number in drawing.svg for number in wanted)
    text, ascii_ = drawing.terminal(colour=False), drawing.terminal(unicode=False, colour=False)
    assert all(number in text for number in wanted)
    assert all(f"({k})" in ascii_ for k in range(1, 26))
    assert ascii_.isascii()
    tikz = drawing.data("tikz").decode()
    assert all(rf"\textcircled{{\footnotesize {k}}}" in tikz for k in range(1, 10))
    assert all(rf"\textcircled{{\scriptsize {k}}}" in tikz for k in range(10, 21))
    assert all(f"$({k})$" in tikz for k in range(21, 26))
    assert "?" not in tikz


def test_more_stages_than_circled_numbers() -> None:
    lines = ["a0[t] = tanh(x[t])", *(f"a{k}[t] = tanh(a{k - 1}[t])" for k in range(1, 22)), "h[t] = a21[t]"]
    drawing = Cell.from_equations("\n".join(lines), sizes={"x": "H"}).draw(order=True)
    assert drawing.graph is not None
    assert faults(drawing.scene, drawing.graph) == []
    assert {"(21)", "(22)", badge(20)} <= {x.text for x in drawing.scene.labels}
