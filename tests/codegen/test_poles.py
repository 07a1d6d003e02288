"""Slopes that are infinite where a relu, maximum, minimum or abs shuts: in numbers the gradient is 0 there.

Samples for other tests keep off such points; these are made to be on them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sympy import Integer, MatAdd, MatrixExpr

from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.names import symbol
from lstmgraph.calculus import gradient, reusing
from lstmgraph.numeric.calls import starts
from lstmgraph.numeric.check import largest_error, reference_rows
from lstmgraph.numeric.differences import by_autograd, by_differences
from lstmgraph.numeric.rounding import mapped
from lstmgraph.numeric.sample import Sample
from lstmgraph.numeric.sequence import Cotangents, run_backward, run_sequence
from lstmgraph.poles import with_switches
from lstmgraph.program import Equation, Program
from lstmgraph.reading.sympy_input import from_equations
from tests.codegen.equality import WAYS, Case, cell_of, sample_of

HERE = Path(__file__).parent / "cut"
CELLS = {path.stem: str(path) for path in sorted(HERE.glob("*.toml"))}
CASE = Case(3, 4, (5, 2))
DIVIDES = pytest.mark.filterwarnings("ignore:divide by zero:RuntimeWarning")  # forward, which is the author's
OF_NOTHING_NEGATIVE = ("root_of_a_state", "zeros_beside")  # roots and powers that differences would take of it
NAMES = [pytest.param(name, marks=[DIVIDES] if name in ("divided", "infinite", "squashed") else []) for name in CELLS]
TARGETS = ("numpy", "c", "torch", "torch over c", "jax")


@lru_cache
def cut_sample(name: str) -> Sample:
    """Numbers of both signs, and h starts from zeros."""
    rng = np.random.default_rng(7)
    sample = mapped(sample_of(CELLS[name], CASE, "float64"), lambda array: rng.uniform(-1, 1, array.shape))
    made: Mapping[str, Callable[[Any], Any]] = {"p": np.abs, "p1": lambda p: 1 + np.abs(p), "b0": np.zeros_like}
    parameters = {key: made.get(key, np.array)(p) for key, p in sample.parameters.items()}
    return replace(sample, parameters=parameters, states={k: np.abs(s) * (k != "h") for k, s in sample.states.items()})


def named(cotangents: Cotangents) -> dict[str, np.ndarray]:
    return {**cotangents.parameters, **cotangents.inputs, **starts(cotangents.states)}


def without_start(name: str, found: Mapping[str, Any]) -> dict[str, Any]:
    """Without the gradient of h[0], where that is at a kink, or infinite."""
    at_edge = name in ("either", "powers", "products", "root_of_a_state")
    return {key: array for key, array in found.items() if not (at_edge and key == "h[0]")}


def derived(name: str) -> Cotangents:
    cell, sample = cell_of(CELLS[name]), cut_sample(name)
    forward = run_sequence(cell, sample.parameters, sample.inputs, sample.states, sample.steps)
    return run_backward(cell, gradient(cell), forward, sample.d_output, sample.d_states)


@pytest.mark.parametrize("name", [name for name in NAMES if name.values[0] not in OF_NOTHING_NEGATIVE])
def test_the_derived_gradient_is_that_of_differences(name: str) -> None:
    found, wanted = named(derived(name)), named(by_differences(cell_of(CELLS[name]), cut_sample(name)))
    assert largest_error(without_start(name, found), without_start(name, wanted)) < (1e-5, "")


@pytest.mark.torch
@pytest.mark.parametrize("name", [name for name in NAMES if name.values[0] != "products"])  # NaN in PyTorch
def test_the_derived_gradient_is_that_of_pytorch(name: str) -> None:
    found, wanted = named(derived(name)), named(by_autograd(cell_of(CELLS[name]), cut_sample(name)))
    assert largest_error(without_start(name, found), without_start(name, wanted)) < (1e-10, "")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "way", [pytest.param(w, marks=[getattr(pytest.mark, m) for m in WAYS[w].mark]) for w in TARGETS]
)
def test_code_has_that_gradient(way: str, name: str) -> None:
    cell, sample = cell_of(CELLS[name]), cut_sample(name)
    _, found = WAYS[way].run(CELLS[name], sample, "float64")
    _, wanted = WAYS[way].gives.of(reference_rows(cell, gradient(cell), sample))
    assert largest_error(without_start(name, found), without_start(name, wanted)) < (1e-12, "")


@pytest.mark.parametrize("name", NAMES)
def test_with_products_reused_it_is_the_same(name: str) -> None:
    cell, sample = cell_of(CELLS[name]), cut_sample(name)
    found, wanted = (
        reference_rows(cell, form, sample)[1] for form in (reusing(gradient(cell), cell.step), gradient(cell))
    )
    assert largest_error(without_start(name, found), without_start(name, wanted)) < (1e-12, "")


@pytest.mark.parametrize(
    "value",
    [
        "sqrt(relu(a[t]) + 0.1)",
        "sqrt(maximum(a[t], 1e-6))",
        "sqrt(abs(a[t]) + exp(a[t]))",
        "maximum(minimum(a[t], 1), 0.5)**0.3",
        "relu(a[t]) * (a[t]**2 + 1e-6)**-0.5",
        "relu(a[t]) / sqrt(sum(relu(a[t])**2) / 2 + eps)",
        "a[t] / (1 + abs(a[t]))",
        "sqrt(1 - a[t]**2)",  # no switch
        "sqrt(sigmoid(relu(a[t])))",
        "log(1 + relu(a[t]))",
        "relu(a[t])**1.5",
    ],
)
def test_where_no_slope_is_infinite_products_stay(value: str) -> None:
    equations = f"a[t] = W @ x[t]\nh[t] = {value} - eps"
    sizes: dict[str, Any] = {"x": 2, "h": 2}
    cell = from_equations(equations, name="c", output="h", sizes=sizes, constants={"eps": 1e-6})
    assert with_switches(gradient(cell), cell.step, cell.constants) == gradient(cell)


@pytest.mark.parametrize(
    ("state", "stays"),
    [
        ("n[t] = n[t-1] + exp(a[t])", True),
        ("m[t] = m[t-1] + n[t-1]\nn[t] = n[t-1] * m[t-1] + exp(a[t])", True),
        ("n[t] = n[t-1] + relu(a[t])", False),  # 0 as long as that is shut
        ("n[t] = n[t-1] + a[t]", False),
        ("m[t] = m[t-1] - 1\nn[t] = n[t-1] * m[t-1] + exp(a[t])", False),
    ],
)
def test_a_state_that_grows_from_0_is_positive(state: str, stays: bool) -> None:
    equations = f"a[t] = W @ x[t]\n{state}\nh[t] = relu(a[t]) / n[t]"
    cell = from_equations(equations, name="c", output="h", sizes={"x": 2, "h": 2})
    assert (with_switches(gradient(cell), cell.step, cell.constants) == gradient(cell)) == stays


A, D, R, Y, Z = (symbol(f"{base}[t]", (Integer(2), Integer(1))) for base in "adryz")
STEP, POLE = n.Step(A), n.Reciprocal(Y)
SUM = MatAdd(STEP, n.OneMinus(STEP))
SIGNED = MatAdd(STEP, n.Negative(n.Hadamard(D, n.Step(n.Negative(A)))))
STEP_OF_A = Program("step", (A, D), (), ())
ROOT = (Equation(R, n.Relu(A)), Equation(Y, n.Sqrt(R)))


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (n.Hadamard(D, STEP, POLE), n.Kept(n.Hadamard(D, POLE), STEP)),
        (n.Hadamard(D, n.OneMinus(STEP), POLE), n.Kept(n.Hadamard(D, POLE), n.OneMinus(STEP))),
        (n.Divide(n.Hadamard(D, STEP), Y), n.Kept(n.Divide(D, Y), STEP)),
        (n.Hadamard(SUM, POLE), n.Kept(n.Hadamard(SUM, POLE), SUM)),
        (n.Hadamard(SIGNED, POLE), n.Kept(n.Hadamard(SIGNED, POLE), SIGNED)),
        (n.Hadamard(n.Sign(A), POLE), n.Kept(n.Hadamard(n.Sign(A), POLE), A)),
        (n.Hadamard(R, POLE), n.Kept(n.Hadamard(R, POLE), R)),
        (n.Hadamard(Z, POLE), n.Kept(n.Hadamard(Z, POLE), STEP)),
        (n.Divide(D, n.Hadamard(STEP, POLE)), n.Divide(D, n.Kept(POLE, STEP))),
        (n.Divide(n.Divide(n.Hadamard(D, STEP), Y), A), n.Kept(n.Divide(n.Divide(D, Y), A), STEP)),
        (n.Hadamard(D, STEP), None),
        (n.Hadamard(D, POLE), None),
        (n.Hadamard(MatAdd(D, STEP), POLE), None),
    ],
)
def test_a_product_with_a_switch_is_kept_by_it(value: MatrixExpr, wanted: MatrixExpr | None) -> None:
    last = symbol("last[t]", (Integer(2), Integer(1)))
    back = (Equation(Z, n.Hadamard(D, STEP), stage="backward"), Equation(last, value, stage="backward"))
    found = with_switches(Program("p", (A, D), (*ROOT, *back), (last,)), STEP_OF_A, {})
    assert found.definitions[last].value == (value if wanted is None else wanted)


@pytest.mark.parametrize(
    ("divisor", "kept"),
    [
        (MatAdd(A, n.Exp(A)), True),
        (MatAdd(R, n.Exp(A)), False),
        (n.Maximum(A, n.Sigmoid(A)), False),
        (n.Sqrt(MatAdd(n.Power(A, n.Fill(2, 2, 1)), n.Fill(1, 2, 1))), False),
        (n.Sqrt(MatAdd(n.Power(A, n.Fill(3, 2, 1)), n.Fill(1, 2, 1))), True),
        (n.Hadamard(n.Exp(A), A), True),
        (n.Minimum(n.Exp(A), n.Softplus(A)), False),
        (n.Power(R, n.Fill(-1, 2, 1)), True),
    ],
)
def test_what_is_positive_is_no_pole(divisor: MatrixExpr, kept: bool) -> None:
    back = Equation(Z, n.Hadamard(STEP, n.Reciprocal(divisor)), stage="backward")
    found = with_switches(Program("p", (A,), (*ROOT, back), (Z,)), STEP_OF_A, {})
    assert isinstance(found.definitions[Z].value, n.Kept) == kept


def test_forward_is_as_it_was() -> None:
    own = Program("p", (A,), (*ROOT, Equation(Z, n.Hadamard(STEP, n.Reciprocal(R)))), (Z,))
    assert with_switches(own, own, {}) == own
    for path in CELLS.values():
        form, step = gradient(cell_of(path)), cell_of(path).step
        assert with_switches(form, step, {}).stage("forward") == form.stage("forward")
        assert with_switches(form, step, {}) != form
