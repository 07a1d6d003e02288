"""What a step of a walk lights."""

import pytest

from lstmgraph.diagram.extract import extract
from lstmgraph.diagram.frames import frame
from lstmgraph.reading import library, load


def test_a_part_is_a_step_of_its_own() -> None:
    cell = load("lstm")
    graph = extract(cell, lambda s: s.name)
    squashed, output = (frame(graph, cell, "gamma", k).computed for k in (5, 7))
    assert [graph.node(id).operation for id in squashed] == ["tanh"]
    assert [graph.node(id).operation for id in output] == ["hadamard"]


def test_the_memory_pipe_is_shown_and_nothing_computed() -> None:
    cell = load("peephole_lstm")
    graph = extract(cell, lambda s: s.name)
    pipe = frame(graph, cell, "shi_yan", 1)
    assert not pipe.computed
    assert {"c[t-1]", "c[t]'"} <= pipe.shown
    assert {graph.node(id).operation for id in pipe.shown} == {"previous_memory", "hadamard", "add", "memory"}


@pytest.mark.parametrize("name", library())
def test_every_operation_is_lit_once_in_the_default_walk(name: str) -> None:
    cell = load(name)
    graph = extract(cell, lambda s: s.name)
    operations = {n.id for n in graph.nodes if n.kind in ("sum", "function", "operator")}
    lit = [id for k in range(len(cell.all_walks["steps"])) for id in frame(graph, cell, "steps", k + 1).computed]
    assert sorted(lit) == sorted(operations)
