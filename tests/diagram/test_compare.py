"""The difference of two cells: what only one has, whatever the names are."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import pytest
from sympy import MatrixExpr, MatrixSymbol

import lstmgraph
from lstmgraph.algebra.names import name_of, symbol
from lstmgraph.algebra.nodes import operands
from lstmgraph.algebra.traverse import rebuild
from lstmgraph.api.drawing import Drawing
from lstmgraph.cell import Cell
from lstmgraph.diagram.compare import Part, only
from lstmgraph.diagram.difference import strong
from lstmgraph.diagram.extract import extract
from lstmgraph.diagram.graph import Graph, base_of
from lstmgraph.diagram.layout.pipe import layout_pipe
from lstmgraph.reading import library, load
from lstmgraph.roles import roles

PAPERS = sorted((Path(__file__).parents[1] / "reading" / "papers").glob("*.toml"))
NOTHING = Part(frozenset(), frozenset())


def graph_of(cell: Cell) -> Graph:
    return extract(cell, lambda s: s.name)


def difference(a: Cell, b: Cell) -> tuple[Part, Part]:
    return only(graph_of(a), graph_of(b), roles(a), roles(b))


def renamed(cell: Cell) -> Cell:
    """The same cell, every name given to another value, every parameter to another parameter."""
    symbols = [*cell.inputs, *cell.previous, *cell.values.values()]
    bases = list(dict.fromkeys(name_of(s).base for s in symbols))
    parameters = [p.name for p in cell.parameters]
    to = dict(zip(bases, [*bases[1:], bases[0]], strict=True))
    to |= dict(zip(parameters, [*parameters[1:], *parameters[:1]], strict=True))

    def swapped(expr: MatrixExpr) -> MatrixExpr:
        if isinstance(expr, MatrixSymbol):
            name = name_of(expr)
            return symbol(replace(name, base=to.get(name.base, name.base)), expr.shape)
        return rebuild(expr, [swapped(o) for o in operands(expr)])

    equations = tuple(replace(e, target=swapped(e.target), value=swapped(e.value)) for e in cell.equations)
    return Cell(f"other_{cell.name}", equations, to[cell.output], constants=cell.constants)


@pytest.mark.parametrize("name", [*library(), *map(str, PAPERS)], ids=lambda name: Path(name).stem)
def test_names_make_no_difference(name: str) -> None:
    cell = load(name)
    assert difference(cell, cell) == (NOTHING, NOTHING)
    assert difference(cell, renamed(cell)) == (NOTHING, NOTHING)


@pytest.mark.parametrize(("one", "other"), list(combinations(library(), 2)))
def test_two_cells_of_the_library(one: str, other: str) -> None:
    a, b = load(one), load(other)
    mine, theirs = difference(a, b)
    assert (theirs, mine) == difference(b, a)
    assert mine or theirs
    for part, rest, graph in ((mine, theirs, graph_of(a)), (theirs, mine, graph_of(b))):
        assert part.nodes <= {n.id for n in graph.nodes}
        assert part.edges <= {e.id for e in graph.edges}
        shared = len(graph.edges) - len(part.edges)
        assert shared == len(graph_of(b if graph == graph_of(a) else a).edges) - len(rest.edges)
        # A state is in both as a whole or not at all: what a step is handed, and what it hands on.
        handed = {base_of(n): n.id in part.nodes for n in graph.nodes if n.kind == "previous"}
        left = {base_of(n): n.id in part.nodes for n in graph.nodes if n.kind == "next"}
        assert handed == {base: left[base] for base in handed}
        # An edge that is in both joins nodes that are in both.
        assert all({e.source, e.target}.isdisjoint(part.nodes) for e in graph.edges if e.id not in part.edges)


@pytest.mark.parametrize("path", PAPERS, ids=lambda path: path.stem)
def test_cells_of_papers_beside_the_lstm(path: Path) -> None:
    a, b = load(str(path)), load("lstm")
    assert difference(a, b) == difference(b, a)[::-1]


def test_peepholes_are_three_wires() -> None:
    mine, theirs = difference(load("lstm"), load("peephole_lstm"))
    assert mine == NOTHING
    assert not theirs.nodes
    assert {(e.via, e.source) for e in graph_of(load("peephole_lstm")).edges if e.id in theirs.edges} == {
        ("p_f", "c[t-1]"),
        ("p_i", "c[t-1]"),
        ("p_o", "c"),
    }


def test_a_vector_is_no_matrix() -> None:
    mine, theirs = difference(load("peephole_lstm"), load("peephole_lstm_full"))
    assert len(mine.edges) == len(theirs.edges) == 3
    assert not mine.nodes
    assert not theirs.nodes


def test_gates_are_found_by_what_they_do() -> None:
    """The GRU's update gate scales the old state as the LSTM's forget gate does."""
    lstm, gru = load("lstm"), load("gru")
    mine, theirs = difference(lstm, gru)
    assert {"i", "i.1", "c[t-1]", "h.2"} <= mine.nodes
    assert "f" not in mine.nodes
    assert {graph_of(gru).node(id).operation for id in theirs.nodes} == {"one_minus"}


def tied(equations: str) -> lstmgraph.Cell:
    return lstmgraph.Cell.from_equations(equations, sizes={"x": "X", "h": "H"}, output="h")


def test_one_matrix_used_twice_is_not_two_matrices() -> None:
    twice = tied("a[t] = tanh(W @ x[t] + U @ h[t-1])\nh[t] = a[t] * sigmoid(W @ x[t] + V @ h[t-1])")
    once = tied("a[t] = tanh(W @ x[t] + U @ h[t-1])\nh[t] = a[t] * sigmoid(Z @ x[t] + V @ h[t-1])")
    mine, theirs = difference(twice, once)
    assert len(mine.edges) == len(theirs.edges) == 1
    assert not mine.nodes | theirs.nodes


def test_a_sign_and_an_order_are_differences() -> None:
    plus = tied("a[t] = tanh(W @ x[t] + U @ h[t-1])\nh[t] = a[t] + h[t-1]")
    minus = tied("a[t] = tanh(W @ x[t] + U @ h[t-1])\nh[t] = a[t] - h[t-1]")
    mine, theirs = difference(plus, minus)
    assert [len(p.edges) for p in (mine, theirs)] == [1, 1]


def test_strong_is_what_only_one_has() -> None:
    graph = graph_of(load("peephole_lstm"))
    _, part = difference(load("lstm"), load("peephole_lstm"))
    scene = layout_pipe(graph)
    shown = strong(scene, part)
    assert {w.id for w in shown.wires if w.lit} == part.edges
    assert {w.id for w in shown.wires} == {w.id for w in scene.wires}
    assert not any(n.lit for n in shown.nodes)
    assert {n.at for n in shown.nodes} == {n.at for n in scene.nodes}
    assert {w.route for w in shown.wires} == {w.route for w in scene.wires}


def test_a_line_of_joined_values_has_one_colour() -> None:
    """Both inputs of `i` are only in the LSTM, and `h` into `g`: that line is strong too, and the text says it."""
    drawing = lstmgraph.load("lstm").draw(against="gru")
    assert sorted(t.target for t in drawing.scene.trunks if t.lit) == ["1:g.1", "1:i.1"]
    assert any("joined values is strong" in group.title for group in drawing.scene.legend)
    peepholes = lstmgraph.load("lstm").draw(against="peephole_lstm")
    assert not any("joined values is strong" in group.title for group in peepholes.scene.legend)


def told(one: str, other: str) -> str:
    return lstmgraph.load(one).draw(against=other).scene.description


@pytest.mark.parametrize(
    ("one", "other", "sentences"),
    [
        (
            "lstm",
            "gru",
            (
                "Only in lstm: the state c_t, i_t = σ(W_i x_t + U_i h_(t-1) + b_i), U_g h_(t-1) into g_t, "
                "h_t = o_t ⊙ tanh(c_t). "
                "Only in gru: h_(t-1) as a factor of r_t ⊙ h_(t-1), U_g (r_t ⊙ h_(t-1)) into g_t, "
                "h_t = z_t ⊙ h_(t-1) + (1 - z_t) ⊙ g_t."
            ),
        ),
        ("peephole_lstm", "lstm", "into o_t. Nothing is only in lstm."),
        ("lstm97", "lstm", "Only in lstm97: c_(t-1) as a term of c_t. "),
        ("rnn", "lstm", "Only in rnn: h_t = tanh(W x_t + U h_(t-1) + b). Only in lstm: the state c_t,"),
        (
            "min_gru",
            "mgu",
            "Only in min_gru: g_t = W_g x_t as a factor of z_t ⊙ g_t. Only in mgu: U_f h_(t-1) into f_t,",
        ),
        ("gru", "gru", "This is the same cell twice: gru. "),
    ],
)
def test_what_is_said_is_true(one: str, other: str, sentences: str) -> None:
    assert sentences in told(one, other)


def test_two_cells_of_one_name(tmp_path: Path) -> None:
    text = (Path(lstmgraph.__file__).parent / "cells" / "lstm.toml").read_text(encoding="utf-8")
    for name, found in (("renamed", re.sub(r"\bf\b", "forget", text)), ("other", text.replace("tanh(c[t])", "c[t]"))):
        (tmp_path / f"{name}.toml").write_text(found.split("[[walks", maxsplit=1)[0], encoding="utf-8")
    lstm = lstmgraph.load("lstm")
    assert "The first lstm and the second lstm are the same but for names." in (
        lstm.draw(against=str(tmp_path / "renamed.toml")).scene.description
    )
    said = lstm.draw(against=str(tmp_path / "other.toml")).scene.description
    assert said.startswith("Only in the first lstm: tanh(c_t) as a factor of h_t. Only in the second lstm: c_t as")


def test_all_that_shows_a_value_that_leaves_is_strong_or_none() -> None:
    scene = lstmgraph.load("gru").draw(against="lstm").scene
    lit = {n.lit for n in scene.nodes if n.kind == "next" and n.id.startswith("1:")}
    assert len(lit) == 1


def test_the_legend_says_what_is_dimmed() -> None:
    def notes(drawing: Drawing) -> list[str]:
        return [group.title for group in drawing.scene.legend if not group.entries]

    assert "Dimmed: what both cells have" in notes(lstmgraph.load("lstm").draw(against="gru"))
    assert not any("Dimmed" in note for note in notes(lstmgraph.load("lstm").draw(step=1)))


def test_terms_of_a_new_state_are_told_where_they_enter_what_both_have() -> None:
    """What i takes of m is no less a difference than m itself."""
    equations = """
f[t] = sigmoid(W_f @ x[t] + U_f @ h[t-1] + b_f)
i[t] = sigmoid(W_i @ x[t] + U_i @ h[t-1] + V_i @ m[t-1] + b_i)
g[t] = tanh(W_g @ x[t] + U_g @ h[t-1] + b_g)
c[t] = f[t] * c[t-1] + i[t] * g[t]
o[t] = sigmoid(W_o @ x[t] + U_o @ h[t-1] + b_o)
h[t] = o[t] * tanh(c[t])
m[t] = tanh(W_m @ c[t] + U_m @ m[t-1])
"""
    three = lstmgraph.Cell.from_equations(equations, sizes={"x": "X", "h": "H", "m": "M"})
    assert "V_i m_(t-1) into i_t" in three.draw(against="lstm").scene.description
