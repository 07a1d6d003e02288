"""The check passes where all is right, and reports what is wrong."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
from sympy import Float, MatrixExpr

from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.rules import RULES
from lstmgraph.calculus import gradient, through_time
from lstmgraph.calculus.written_out import written_out
from lstmgraph.codegen import Functions, lambdify
from lstmgraph.numeric import Report, Row, check
from lstmgraph.numeric.check import installed
from lstmgraph.numeric.differences import DIFFERENCES_BOUND, MARGIN, OFFSETS, STEP, WEIGHTS, by_autograd, by_jax
from lstmgraph.numeric.sample import draw
from lstmgraph.reading import load, loads

JAX = ["derived = jax autograd"] if installed("jax") else []  # it sees what is wrong too, where it is

RARE = '''
name = "rare"
output = "h"
equations = """
k[t] = relu(W @ x[t]) + b
C[t] = C[t-1] / 2 + log(k[t] * k[t] + 1) @ k[t].T
s[t] = maximum(s[t-1], sum(k[t]))
h[t] = softmax(C[t] @ k[t]) * exp(-s[t] / 10) + sqrt(b * b)
"""
[sizes]
x = "X"
h = "H"
s = 1
'''


def failed(report: Report) -> set[str]:
    return {row.what for row in report.rows if not row.passed}


def test_kinks_matrix_states_and_scalars() -> None:
    cell = loads(RARE)
    derived = gradient(cell)
    report = check(cell, derived, lambdify(cell, derived), torch=False)
    assert report.passed, str(report)
    assert {row.sizes for row in report.rows} >= {"T=1 B=1 X=1 H=1", "T=5 B=2 X=4 H=3"}


def test_a_wrong_rule_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(a: MatrixExpr, y: MatrixExpr) -> MatrixExpr:
        return n.OneMinus(y)

    monkeypatch.setitem(RULES, n.Tanh, RULES[n.Tanh]._replace(slope=wrong))
    cell = load("rnn")
    assert failed(check(cell, gradient(cell), torch=False)) == {"derived = differences", *JAX}


def test_a_wrong_recurrence_is_reported() -> None:
    cell = load("rnn")
    right = through_time(cell)
    (first, *rest) = right.stage("through time")
    wrong = replace(right, equations=(*right.stage("forward"), replace(first, value=first.value.args[1]), *rest))
    found = [
        failed(check(cell, gradient(cell), recurrence=partial(written_out, program), torch=False))
        for program in (right, wrong)
    ]
    assert found == [set(), {"recurrence = derived"}]


@pytest.mark.torch
def test_torch_sees_it_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(RULES, n.Tanh, RULES[n.Tanh]._replace(slope=lambda a, y: n.OneMinus(y)))
    cell = load("rnn")
    assert "derived = torch autograd" in failed(check(cell, gradient(cell)))


def test_wrong_code_is_reported() -> None:
    cell = load("gru")
    derived = gradient(cell)
    right = lambdify(cell, derived)

    def forward(params: Any, xs: Any, states: Any = None) -> Any:
        outputs, trace, cache = right.forward(params, xs, states)
        return outputs + 1e-9, trace, cache

    def backward(*args: Any) -> Any:
        d_params, d_xs, d_states = right.backward(*args)
        return d_params | {"W_z": d_params["W_z"].T}, d_xs, d_states

    one, other = (Functions(**vars(right) | {f.__name__: f}) for f in (forward, backward))
    assert failed(check(cell, derived, one, torch=False)) == {"numpy code = equations"}
    assert "numpy code gradients = derived" in failed(check(cell, derived, other, torch=False))


def test_a_cell_that_is_never_finite_fails_and_says_so() -> None:
    cell = loads('name = "never"\noutput = "h"\nequations = "h[t] = log(-exp(x[t] + h[t-1]))"\n[sizes]\nx = "X"')
    report = check(cell, gradient(cell), torch=False)
    assert not report.passed
    assert "in none of 40 random samples are all values finite" in str(report)


def test_values_that_must_be_positive_are_found() -> None:
    equations = "h[t] = sqrt(x[t]) * log(h[t-1] + 1) ** 0.5 + 1 / (x[t] + b)"
    cell = loads(f'name = "positive"\noutput = "h"\nequations = "{equations}"\n[sizes]\nx = "X"')
    report = check(cell, gradient(cell), torch=False)
    assert report.passed, str(report)


@pytest.mark.parametrize(
    "equation",
    [
        "maximum(h[t-1], h[t-1]) / 2 + 1 / x[t]",
        "minimum(x[t] / 2 + x[t] / 2, x[t]) + h[t-1] / 2 + 1 / (b * x[t])",  # but for rounding
        "abs(x[t] - x[t]) + 1 / (b * x[t])",
        "maximum(relu(x[t] - 2), 0) + 1 / (b * x[t])",
        "abs(sign(relu(x[t] - 2))) + 1 / (b * x[t])",
    ],
)
def test_a_kink_that_no_sample_is_off_does_not_hide_the_edges_that_a_sample_can_keep_off(equation: str) -> None:
    """Around a point where both operands are the same nothing bends; but next to a pole differences go wrong."""
    cell = loads(f'name = "tie"\noutput = "h"\nequations = "h[t] = {equation}"\n[sizes]\nx = "X"')
    derived = gradient(cell)
    for seed in range(0, 40, 4):
        report = check(cell, derived, torch=False, seed=seed)
        assert report.passed, str(report)


def test_a_slope_that_is_infinite_everywhere_fails_and_says_so() -> None:
    cell = loads('name = "root"\noutput = "h"\nequations = "h[t] = sqrt(x[t] - x[t]) + h[t-1]"\n[sizes]\nx = "X"')
    report = check(cell, gradient(cell), torch=False)
    assert not report.passed
    assert {row.note for row in report.rows if not row.passed} == {"not finite, or missing"}


def test_a_gradient_that_is_zero_is_not_judged_by_its_rounding() -> None:
    cell = loads('name = "flat"\noutput = "h"\nequations = "h[t] = softmax(x[t])"\n[sizes]\nx = 1')
    assert check(cell, gradient(cell), torch=False).passed


def test_the_same_seed_gives_the_same_report() -> None:
    cell = load("mgu")
    derived = gradient(cell)
    assert check(cell, derived, torch=False) == check(cell, derived, torch=False)
    assert check(cell, derived, torch=False) != check(cell, derived, torch=False, seed=9)


def test_progress_is_told() -> None:
    told: list[tuple[int, int]] = []
    cell = load("rnn")
    check(cell, gradient(cell), torch=False, progress=lambda what, done, total: told.append((done, total)))
    assert told == [(0, 4), (1, 4), (2, 4), (3, 4), (4, 4)]


def test_the_table() -> None:
    rows = (Row("a", "T=1", 1e-9, 1e-7, "W"), Row("bb", "T=10", np.nan, 1e-12, "c[0]"))
    assert str(Report("title", rows)).splitlines() == [
        "title",
        "",
        "check  sizes  largest error  bound  in",
        "a      T=1          1.0e-09  1e-07  W     passed",
        "bb     T=10             nan  1e-12  c[0]  FAILED",
        "",
        "1 of 2 checks FAILED",
    ]
    assert not Report("nothing", ()).passed


def test_functions_are_what_a_target_gives() -> None:
    assert {"step", "forward", "backward", "source"} <= {*Functions.__annotations__}


def test_a_gradient_wrong_by_a_millionth_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    right = RULES[n.Tanh].slope
    assert right is not None

    def wrong(a: MatrixExpr, y: MatrixExpr) -> MatrixExpr:
        return n.Hadamard(n.Fill(Float("1.000001"), *y.shape), right(a, y))

    monkeypatch.setitem(RULES, n.Tanh, RULES[n.Tanh]._replace(slope=wrong))
    cell = load("rnn")
    assert failed(check(cell, gradient(cell), torch=False)) == {"derived = differences", *JAX}


def test_at_the_margin_the_differences_of_a_pole_are_good_enough() -> None:
    found = np.sum(WEIGHTS / (MARGIN + OFFSETS * STEP)) / STEP
    assert abs(found * MARGIN**2 + 1) < DIFFERENCES_BOUND / 5


@pytest.mark.parametrize("equation", ["1 / x[t] + h[t-1]", "relu(x[t] + h[t-1])", "maximum(x[t], h[t-1])"])
def test_samples_keep_the_margin(equation: str) -> None:
    cell = loads(f'name = "edge"\noutput = "h"\nequations = "h[t] = {equation}"\n[sizes]\nx = "X"')
    for seed in range(60):
        sample = draw(cell, dict.fromkeys(cell.sizes, 3), 2, 1, seed)
        assert sample is not None
        x, h = sample.inputs["x"][0], sample.states["h"]
        distance = x if "/" in equation else x + h if "relu" in equation else x - h
        assert np.min(np.abs(distance)) >= MARGIN


@pytest.mark.torch
@pytest.mark.torch
@pytest.mark.jax
def test_jax_and_torch_see_the_same() -> None:
    cell = load("gru")
    sample = draw(cell, dict.fromkeys(cell.sizes, 2), 2, 3, 0)
    assert sample is not None
    found, wanted = by_jax(cell, sample), by_autograd(cell, sample)
    for group in ("parameters", "inputs", "states"):
        assert getattr(found, group).keys() == getattr(wanted, group).keys()
        for name, array in getattr(wanted, group).items():
            np.testing.assert_allclose(getattr(found, group)[name], array, rtol=1e-12)
