"""The style `dag` shows every operation, parameter and number of the SymPy expressions."""

import shutil
import sys

import pytest

from lstmgraph.algebra.nodes import operands
from lstmgraph.algebra.traverse import walk
from lstmgraph.cell import Cell
from lstmgraph.diagram import dag
from lstmgraph.errors import MissingExtra
from lstmgraph.reading import library, load


def vertices_and_edges(cell: Cell) -> tuple[int, int]:
    """How many there are, straight from the expressions: a value and the operation that computes it are one vertex."""
    computed = {e.target for e in cell.equations}
    nodes = {n for e in cell.equations for n in walk(e.value) if n not in computed}
    return len(nodes), sum(len(operands(n)) for n in nodes)


@pytest.mark.parametrize("name", library())
def test_every_node_and_operand_is_there(name: str) -> None:
    cell = load(name)
    scene = dag.layout_dag(cell, lambda s: s.name)
    assert (len(scene.nodes), len(scene.wires)) == vertices_and_edges(cell)
    titles = {n.title for n in scene.nodes}
    assert {p.name for p in cell.parameters} <= titles
    left, bottom = min(n.at.x - n.width / 2 for n in scene.nodes), max(n.at.y + n.height / 2 for n in scene.nodes)
    assert left >= 0
    assert bottom <= scene.size[1]


def test_pygraphviz_serves_where_there_is_no_dot(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pygraphviz", reason="needs the extra lstmgraph[dag]")
    monkeypatch.setattr(shutil, "which", lambda name: None)
    scene = dag.layout_dag(load("rnn"), lambda s: s.name)
    assert len(scene.nodes) == vertices_and_edges(load("rnn"))[0]


def test_a_clear_message_where_there_is_neither(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setitem(sys.modules, "pygraphviz", None)  # makes `import` raise ImportError
    with pytest.raises(MissingExtra, match=r"lstmgraph\[dag\]"):
        dag.layout_dag(load("rnn"), lambda s: s.name)
