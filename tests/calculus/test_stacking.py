"""Stacked gates: the same gradients, one product for all weights that share an operand."""

from __future__ import annotations

from pathlib import Path

import pytest
from sympy import MatMul

from lstmgraph.algebra.names import name_of
from lstmgraph.api.cell import Cell
from lstmgraph.calculus import gradient, reusing, stacked
from lstmgraph.calculus.counts import count
from lstmgraph.numeric.check import _named, largest_error
from lstmgraph.numeric.sample import draw
from lstmgraph.numeric.sequence import run_backward, run_sequence
from lstmgraph.program import Program
from lstmgraph.reading import library, load, loads

PAPERS = sorted(str(p) for p in (Path(__file__).parents[1] / "reading" / "papers").glob("*.toml"))
CELLS = [*library(), *PAPERS]


def lines(program: Program) -> dict[str, str]:
    return {e.target.name: str(e.value) for e in program}


@pytest.mark.parametrize("name", CELLS, ids=lambda name: Path(name).stem)
def test_values_and_counts_are_the_same(name: str) -> None:
    cell = load(name)
    plain = gradient(cell)
    found = stacked(plain).check()
    assert found.outputs == plain.outputs
    assert count(found.equations) == count(plain.equations)
    sample = draw(cell, {z: 2 + k % 3 for k, z in enumerate(cell.sizes)}, batch=2, steps=2, seed=3)
    assert sample is not None
    steps = run_sequence(cell, sample.parameters, sample.inputs, sample.states, sample.steps)
    new, old = (_named(run_backward(cell, p, steps, sample.d_output, sample.d_states)) for p in (found, plain))
    assert largest_error(new, old)[0] < 1e-12


@pytest.mark.parametrize("name", CELLS, ids=lambda name: Path(name).stem)
def test_every_operand_has_one_product_left(name: str) -> None:
    """No two weight gradients of the same operand are computed apart, unless from the same cotangent."""
    outer = [
        e.value.args
        for e in stacked(gradient(load(name))).stage("backward")
        if isinstance(e.value, MatMul) and name_of(e.target).marks[:1] == ("grad",) and "T" in str(e.value.args[1])
    ]
    columns = [str(x) for _, x in outer]
    repeated = {x for x in columns if columns.count(x) > 1}
    for x in repeated:
        deltas = [str(d) for d, y in outer if str(y) == x]
        assert any("stack(" in d or "some(" in d for d in deltas) or len(set(deltas)) < len(deltas), (name, x)


def test_the_lstm_in_one_matrix() -> None:
    text = str(Cell.of(load("lstm")).gradient().stacked())
    for line in (
        "W = [W_f; W_i; W_g; W_o]",
        "U = [U_f; U_i; U_g; U_o]",
        "b: b_f, b_i, b_g, b_o one below the other",
        "δ = [δ_f; δ_i; δ_g; δ_o]",
        "∂L/∂W = δ x[t]ᵀ",
        "∂L/∂U = δ h[t-1]ᵀ",
        "∂L/∂b = δ",
        "h̄[t-1] = Uᵀ δ",
        "x̄[t] = Wᵀ δ",
    ):
        assert any(row.strip() == line for row in text.splitlines()), line
    assert "∂L/∂W_f" not in text
    assert "gates stacked" in text.splitlines()[0]


def test_some_gates_only() -> None:
    """U_g of the GRU meets r ⊙ h[t-1], the others h[t-1]."""
    text = str(Cell.of(load("gru")).gradient().stacked())
    assert "U_rz = [U_r; U_z]" in text
    assert "δ_rz = [δ_r; δ_z]" in text
    assert "h̄[t-1] = U_rzᵀ δ_rz + s̄_g1 ⊙ r + h̄ ⊙ z" in text


def test_a_letter_that_is_taken_has_an_index() -> None:
    text = 'equations = """\na[t] = tanh(W_a @ x[t])\nb[t] = tanh(W_b @ x[t])\nh[t] = W @ (a[t] * b[t])\n"""'
    printed = str(Cell.of(loads(text + '\nsizes = {x = "X", a = "H", h = "Y"}')).gradient().stacked())
    assert "W_ab = [W_a; W_b]" in printed


def test_latex_and_notations() -> None:
    cell = Cell.of(load("lstm"))
    assert r"W &= [W_{f}; W_{i}; W_{g}; W_{o}]" in cell.gradient().stacked().latex
    assert r"\frac{\partial L}{\partial U}" in cell.gradient().stacked().latex
    assert r"R &= [R_{f}; R_{i}; R_{z}; R_{o}]" in cell.gradient(notation="greff").stacked().latex


def test_only_the_inputs_asked_for() -> None:
    cell = load("lstm")
    found = stacked(gradient(cell, ["x"])).check()
    assert lines(found)["bar(x)[t]"].startswith("stack(W_f.W_i.W_g.W_o).T")


def test_nothing_to_stack_is_the_gradient_itself() -> None:
    plain = gradient(load("rnn"))
    assert stacked(plain) is plain


def test_both_forms_together() -> None:
    cell = load("peephole_lstm")
    plain = gradient(cell)
    one, other = stacked(reusing(plain, cell.step)).check(), reusing(stacked(plain), cell.step).check()
    assert count(one.stage("backward")) == count(other.stage("backward"))
    assert count(one.stage("backward")).multiplies != count(plain.stage("backward")).multiplies
