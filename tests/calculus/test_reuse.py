"""The form that reuses products: equal values, fewer multiplies, names that can be read."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sympy as sp
from sympy import MatrixSymbol

from lstmgraph.algebra.names import name_of, size
from lstmgraph.algebra.traverse import symbols_in
from lstmgraph.api.cell import Cell
from lstmgraph.calculus import gradient, reusing
from lstmgraph.calculus.counts import count
from lstmgraph.calculus.monomials import common, degree, divides, monomial, parts_of
from lstmgraph.cell import Cell as CoreCell
from lstmgraph.codegen.computed import computed
from lstmgraph.normal import is_activation
from lstmgraph.numeric.check import _named, largest_error
from lstmgraph.numeric.differences import by_autograd
from lstmgraph.numeric.evaluate import evaluate
from lstmgraph.numeric.sample import draw
from lstmgraph.numeric.sequence import run_backward, run_sequence
from lstmgraph.printing.polynomials import polynomial
from lstmgraph.program import Program
from lstmgraph.reading import library, load, loads
from tests.codegen.equality import cell_of

PAPERS = sorted(str(p) for p in (Path(__file__).parents[1] / "reading" / "papers").glob("*.toml"))
CELLS = [*library(), *PAPERS]
H = size("H")


def both(cell: CoreCell) -> tuple[Program, Program]:
    textbook = gradient(cell)
    return textbook, reusing(textbook, cell.step)


# ── how many multiplies ──

# Besides those of the matrix products, which stay as they are: (textbook, reusing), of the vectors and scalars.
SAVED = {
    "cifg": ("14H", "10H"),
    "gru": ("11H", "7H"),
    "gru_reset_after": ("11H", "7H"),
    "indrnn": ("3H", "3H"),
    "lstm": ("16H", "10H"),
    "lstm97": ("12H", "8H"),
    "mgu": ("10H", "7H"),
    "min_gru": ("5H", "3H"),
    "peephole_lstm": ("22H", "16H"),
    "peephole_lstm_full": ("16H", "10H"),
    "rnn": ("2H", "2H"),
    "slstm": ("18H", "14H"),
}


@pytest.mark.parametrize("name", library())
def test_how_many_multiplies_are_left(name: str) -> None:
    multiplies = [count(p.stage("backward")).multiplies for p in both(load(name))]
    linear = [sum(m.coeff(H, 1).as_independent(size("X"))[:1]) * H for m in multiplies]
    assert tuple(map(polynomial, linear)) == SAVED[name]
    assert (multiplies[0] - multiplies[1] - linear[0] + linear[1]).expand() == 0


@pytest.mark.parametrize("name", CELLS, ids=lambda name: Path(name).stem)
def test_it_is_equal_and_takes_nowhere_more(name: str) -> None:
    cell = load(name)
    textbook, found = both(cell)
    assert found.check().outputs == textbook.outputs
    before, after = (count(p.stage("backward")) for p in (textbook, found))
    for column in ("multiplies", "adds", "divisions", "transcendentals"):
        saved = (getattr(before, column) - getattr(after, column)).expand()
        assert saved == 0 or all(c > 0 for c in saved.as_coefficients_dict().values()), column
    sample = draw(cell, {z: 2 + k % 3 for k, z in enumerate(cell.sizes)}, batch=2, steps=3, seed=1)
    assert sample is not None
    steps = run_sequence(cell, sample.parameters, sample.inputs, sample.states, sample.steps)
    new, old = (_named(run_backward(cell, p, steps, sample.d_output, sample.d_states)) for p in (found, textbook))
    assert largest_error(new, old)[0] < 1e-12


def test_what_is_made_of_parameters_alone_is_called_after_the_parameter() -> None:
    cell = computed(cell_of("rates"))  # in the form that does not overflow, which repeats sums of exponentials
    textbook, found = both(cell)
    assert found.check().outputs == textbook.outputs
    assert {"q.1", "q.2"} <= {name_of(e.target).base for e in found}


@pytest.mark.torch
@pytest.mark.parametrize("name", ["peephole_lstm", "gru", "slstm"])
def test_it_is_what_autograd_finds(name: str) -> None:
    cell = load(name)
    sample = draw(cell, dict.fromkeys(cell.sizes, 3), batch=2, steps=3, seed=2)
    assert sample is not None
    steps = run_sequence(cell, sample.parameters, sample.inputs, sample.states, sample.steps)
    found = run_backward(cell, both(cell)[1], steps, sample.d_output, sample.d_states)
    assert largest_error(_named(found), _named(by_autograd(cell, sample)))[0] < 1e-10


# ── as exact as the textbook form, where gates saturate ──


def relative_errors(program: Program, exact: dict[str, np.ndarray], given: dict[str, np.ndarray]) -> np.ndarray:
    """Of all entries of all outputs in float32, against the exact ones."""
    found = evaluate(program, {name: a.astype(np.float32) for name, a in given.items()})
    pairs = [(found[o.name], exact[o.name]) for o in program.outputs]
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.concatenate([np.ravel(np.broadcast_to(f, e.shape) / e - 1) for f, e in pairs])


@pytest.mark.parametrize("bias", [-12.0, -6.0, 6.0], ids=["closed", "closing", "open"])
@pytest.mark.parametrize("name", CELLS, ids=lambda name: Path(name).stem)
def test_no_digits_are_lost_in_saturation(name: str, bias: float) -> None:
    """Every parameter in turn is set so that what it is the bias or the weight of saturates."""
    cell = load(name)
    textbook, found = both(cell)
    rng = np.random.default_rng(0)
    inputs = {*textbook.inputs, *found.inputs}
    shapes = {s.name: (64, *(int(side.subs(dict.fromkeys(side.free_symbols, 1))) for side in s.shape)) for s in inputs}
    given = {name: rng.uniform(0.2, 1.5, shapes[name]).astype(np.float32) for name in sorted(shapes)}
    for parameter in (p.name for p in cell.parameters):
        values = given | {parameter: np.full(shapes[parameter], bias, np.float32)}
        with np.errstate(all="ignore"):
            exact = evaluate(textbook, {k: v.astype(np.float64) for k, v in values.items()})
            old, new = (np.abs(relative_errors(p, exact, values)) for p in (textbook, found))
        there = np.isfinite(old) & (old < 1e-3)
        if not there.any():  # all lost: tanh is 1
            continue
        assert np.median(new[there]) <= 4 * max(np.median(old[there]), 2.0**-24), parameter
        assert np.quantile(new[there], 0.9) <= 8 * max(np.quantile(old[there], 0.9), 2.0**-24), parameter


# ── exactly equal ──


def as_polynomials(program: Program, cell: CoreCell) -> dict[str, sp.Expr]:
    """Every output with all sizes 1, the activations as indeterminates: what is left are polynomials."""
    equations = tuple(e for e in program if not is_activation(e.value))
    free = tuple(e.target for e in program if is_activation(e.value))
    cut = Program("cut", (*program.inputs, *free), equations, program.outputs)
    letters = {s.name: np.array([[sp.Symbol(f"x({s.name})")]], dtype=object) for s in cut.inputs}
    found = evaluate(cut, letters)
    return {o.name: sp.expand(sp.nsimplify(found[o.name][0, 0])) for o in program.outputs}


@pytest.mark.parametrize("name", ["lstm", "peephole_lstm", "gru", "gru_reset_after", "mgu", "cifg", "min_gru"])
def test_it_is_the_same_polynomial(name: str) -> None:
    cell = load(name)
    textbook, found = both(cell)
    missing = [e for e in found.stage("forward") if e.target not in textbook.definitions and is_activation(e.value)]
    assert not missing
    assert as_polynomials(found, cell) == as_polynomials(textbook, cell)


# ── how it reads ──


def test_the_lstm_with_peepholes_line_for_line() -> None:
    text = str(Cell.of(load("peephole_lstm")).gradient().reusing())
    assert "products reused" in text.splitlines()[0]
    for line in (
        "m_c1 = f ⊙ c[t-1]",
        "m_c2 = i ⊙ g",
        "δ_o = h̄ ⊙ h ⊙ (1 − o)",
        "c̄ = c̄⁺ + δ_o ⊙ p_o + h̄ ⊙ (o − h ⊙ tanh(c))",
        "δ_g = c̄ ⊙ (i − m_c2 ⊙ g)",
        "δ_i = c̄ ⊙ m_c2 ⊙ (1 − i)",
        "m_f1 = c̄ ⊙ f",
        "δ_f = m_f1 ⊙ (c[t-1] − m_c1)",
        "c̄[t-1] = δ_f ⊙ p_f + δ_i ⊙ p_i + m_f1",
    ):
        assert any(row.strip() == line for row in text.splitlines()), line


def test_a_letter_of_the_cell_is_not_taken_for_a_product() -> None:
    text = str(Cell.of(load("slstm")).gradient().reusing())
    assert "q_c1 = i′ ⊙ z" in text  # m is the stabiliser


def test_nothing_is_computed_that_is_not_used() -> None:
    for program in both(load("peephole_lstm")):
        used = {s for e in program for s in e.value.atoms(MatrixSymbol)} | {*program.outputs}
        assert {e.target for e in program} <= used
    assert "h[t]" not in {e.target.name for e in both(load("peephole_lstm"))[0]}


def test_each_name_has_several_uses() -> None:
    """One of the forward pass is used there and in the backward pass."""
    program = both(load("gru"))[1]
    terms = [e for e in program if name_of(e.target).marks == ("term",)]
    assert {e.stage for e in terms} == {"forward", "backward"}
    for term in terms:
        uses = [e for e in program.stage("backward") if term.target in e.value.atoms(MatrixSymbol)]
        assert len(uses) >= (1 if term.stage == "forward" else 2)


# ── the moves ──


def saved(equations: str, **sizes: str) -> tuple[str, str, Program]:
    """Multiplies of vectors: textbook, reusing."""
    cell = loads(f'equations = """\n{equations}\n"""\nsizes = {{x = "H"}}')
    programs = both(cell)
    return *(polynomial(count(p.stage("backward")).multiplies) for p in programs), programs[1]  # type: ignore[return-value]


def test_a_factor_goes_into_the_bracket_where_the_product_is_there() -> None:
    assert saved("f[t] = sigmoid(x[t])\nh[t] = f[t] * h[t-1]")[:2] == ("4H", "2H")


def test_what_terms_have_in_common_comes_before_a_bracket() -> None:
    before, after, _ = saved("h[t] = x[t] * h[t-1] - x[t] * v * h[t-1]")
    assert before == "8H"
    assert after == "4H"


def test_one_factor_alone_comes_before_a_bracket_where_the_rest_has_more_in_common() -> None:
    normalised = (
        "f[t] = sigmoid(x[t])\ni[t] = sigmoid(y[t])\np[t] = f[t] / (f[t] + i[t])\nq[t] = i[t] / (f[t] + i[t])\n"
    )
    assert saved(normalised + "h[t] = p[t] * h[t-1] + q[t] * z[t]")[1] == "8H"


def test_common_products_are_named_and_those_of_the_first_factors_used_again() -> None:
    """The bound of Baur and Strassen: two for each of the three multiplies."""
    before, after, program = saved("h[t] = x[t] * h[t-1] * u * v")
    assert (before, after) == ("12H", "6H")
    text = {e.target.name: str(e.value) for e in program}
    assert text["term(h.1)[t]"] == "Hadamard(x[t], h[t-1])"
    assert text["term(h.2)[t]"] == "Hadamard(term(h.1)[t], u)"
    assert all(name_of(e.target).lag == 0 for e in program if name_of(e.target).marks == ("term",))


@pytest.mark.parametrize("name", CELLS, ids=lambda name: Path(name).stem)
def test_no_line_uses_the_gradient_of_a_parameter(name: str) -> None:
    """It is that of one step and sample only in the equations: whoever runs them adds it up."""
    found = both(load(name))[1]
    used = {s for e in found for s in symbols_in(e.value)}
    assert not [s for s in used if name_of(s).marks[:1] == ("grad",)]


def test_a_quotient_is_taken_once() -> None:
    _, _, program = saved("h[t] = x[t] / h[t-1]")
    assert count(program.stage("backward")).divisions == H


def test_a_gradient_with_nothing_to_save_is_itself() -> None:
    textbook = gradient(load("rnn"))
    assert reusing(textbook, load("rnn").step) is textbook
    cell = Cell.of(load("rnn"))
    assert "reused" not in str(cell.gradient().reusing())


def test_gradients_of_some_names_only() -> None:
    cell = load("lstm")
    some = gradient(cell, ["W_f", "c"])
    found = reusing(some, cell.step).check()
    assert found.outputs == some.outputs
    assert len(found.stage("backward")) <= len(some.stage("backward")) + 1


def test_the_order_of_hashes_does_not_matter() -> None:
    code = "import lstmgraph; print(lstmgraph.load('gru').gradient().reusing())"
    runs = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=_seeded(seed))
        for seed in ("0", "7")
    ]
    assert runs[0].stdout == runs[1].stdout
    assert "m_h1" in runs[0].stdout


def _seeded(seed: str) -> dict[str, Any]:
    import os

    return {**os.environ, "PYTHONHASHSEED": seed, "PYTHONIOENCODING": "utf-8"}


# ── monomials ──


def test_monomials() -> None:
    a, b = monomial((0, 1, 1, 3)), monomial((1, 3, 3))
    assert degree(a) == 4
    assert common(a, b) == monomial((1, 3))
    assert divides(monomial((1, 1)), a)
    assert not divides(monomial((1, 1)), b)
    assert not divides(monomial((0, 0)), a)


def test_the_fewest_parts() -> None:
    whole = monomial((0, 1, 2, 3))
    known = [monomial(p) for p in ((0, 1), (1, 2), (2, 3), (0, 3), (0, 1, 2, 3))]
    assert sorted(parts_of(whole, known)) == sorted([monomial((0, 1)), monomial((2, 3))])
    assert len(parts_of(whole, [monomial((1, 2))])) == 3
