"""The style `dag` shows every operation, parameter and number of the SymPy expressions."""

import shutil
import sys
from pathlib import Path

import pytest
from sympy import MatMul, MatrixExpr

from lstmgraph.algebra.nodes import Concat, Divide, Power, operands
from lstmgraph.algebra.traverse import walk
from lstmgraph.cell import Cell
from lstmgraph.diagram import dag
from lstmgraph.errors import MissingExtra
from lstmgraph.reading import library, load, loads

PAPERS = sorted(map(str, (Path(__file__).parents[1] / "reading" / "papers").glob("*.toml")))


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


ORDERED = """
title = "powers and products of matrices"
equations = '''
a[t] = x[t] / (h[t-1] ** 2 + 1) ** x[t]
M[t] = M[t-1] @ M[t-1].T @ K + a[t] @ a[t].T
h[t] = h[t-1] / (a[t] + x[t]) - x[t] / 3 * ((M[t] @ M[t-1]) @ a[t])
'''
sizes = {x = "H", h = "H", M = ["H", "H"], K = ["H", "H"]}
"""


def ordered(cell: Cell) -> list[MatrixExpr]:
    """Quotients, powers, stacks, and products of square matrices."""
    found = [e for equation in cell.step for e in walk(equation.value)]
    squares = [e for e in found if isinstance(e, MatMul) and e.args[1].shape[1] == e.args[0].shape[0]]
    return [*squares, *(e for e in found if isinstance(e, (Divide, Power, Concat)))]


@pytest.mark.parametrize("name", [*library(), *PAPERS, ORDERED], ids=lambda name: Path(name).stem[:20])
def test_operands_are_in_order_from_left_to_right_where_it_matters(name: str) -> None:
    cell = loads(name) if name == ORDERED else load(name)
    scene = dag.layout_dag(cell, lambda s: s.name)
    assert bool(ordered(cell)) or name != ORDERED
    computed = {e.value: e.target.name for e in cell.step}
    for expr in ordered(cell):
        title = f"{computed[expr]} = {expr}" if expr in computed else str(expr)
        (node,) = (n for n in scene.nodes if n.title == title)
        arriving = [w for w in scene.wires if w.target == node.id]  # in the order of the operands
        assert [w.points[-1].x for w in arriving] == sorted(w.points[-1].x for w in arriving), title


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
