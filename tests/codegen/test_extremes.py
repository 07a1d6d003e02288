"""Which values may be as large as exponentials, or as near 0, and why a sigmoid's digits count beside these."""

from __future__ import annotations

import re

import pytest

from lstmgraph.calculus import gradient
from lstmgraph.codegen.passes.extremes import Extremes
from lstmgraph.codegen.sequence import sequence
from lstmgraph.reading import from_equations

LARGE, SMALL, BOTH, NEITHER = "large", "small", "large small", ""


def extremes_of(equations: str, wanted: str = "y[t]") -> str:
    """What is said of a value of a cell of vectors, of which p is a parameter."""
    sizes = dict.fromkeys(re.findall(r"\b[a-z]\b(?=\[|[\s)*]|$)", equations), "H")
    cell = from_equations(equations, sizes=sizes, output="y")
    sweep = sequence(cell, gradient(cell)).forward
    found, value = Extremes(sweep), next(e.target for e in sweep.equations if str(e.target) == wanted)
    return " ".join(word for word, fits in ((LARGE, found.is_large), (SMALL, found.is_small)) if fits(value))


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("exp(a[t])", BOTH),
        ("exp(-softplus(a[t]))", SMALL),
        ("exp(2 * abs(a[t]))", LARGE),
        ("exp(-2 * abs(a[t]))", SMALL),
        ("exp(-(abs(a[t]) / abs(b[t])))", SMALL),
        ("exp(-(abs(a[t]).T @ abs(b[t]))) * p", SMALL),
        ("exp(-sum(abs(a[t]))) * p", SMALL),
        ("exp(-(abs(a[t]) + abs(b[t])))", SMALL),
        ("exp(-(abs(a[t]) - abs(b[t])))", BOTH),
        ("sum(exp(concat(abs(a[t]), -abs(a[t])))) * p", BOTH),
        ("exp(p) * a[t]", NEITHER),
        ("exp(-maximum(abs(a[t]), abs(b[t])))", SMALL),
        ("exp(-minimum(abs(a[t]), abs(b[t])))", SMALL),
        ("exp(-minimum(abs(a[t]), b[t]))", BOTH),
        ("exp(a[t] - maximum(a[t], b[t]))", SMALL),
        ("exp(a[t] - maximum(p, b[t]))", BOTH),
        ("10 ** a[t]", BOTH),
        ("a[t] ** 2", NEITHER),
        ("p ** a[t]", BOTH),
        ("sigmoid(a[t]) ** 2", SMALL),
        ("sigmoid(a[t]) ** (-2)", LARGE),
        ("sigmoid(a[t]) ** p", BOTH),
        ("sigmoid(a[t])", SMALL),
        ("softplus(a[t])", SMALL),
        ("silu(a[t])", SMALL),
        ("a[t] * sigmoid(a[t])", SMALL),
        ("softplus(exp(a[t]))", BOTH),
        ("1 / sigmoid(a[t])", LARGE),
        ("1 / (1 + sigmoid(a[t]))", NEITHER),
        ("1 / exp(abs(a[t]))", SMALL),
        ("a[t] / exp(abs(a[t]))", SMALL),
        ("a[t] / sigmoid(b[t])", LARGE),
        ("sigmoid(a[t]) / sigmoid(b[t])", SMALL),
        ("exp(abs(a[t])) / sigmoid(b[t])", LARGE),
        ("exp(abs(a[t])) / b[t]", LARGE),
        ("exp(abs(a[t])) + b[t]", LARGE),
        ("sigmoid(a[t]) + b[t]", NEITHER),
        ("sigmoid(a[t]) + 1 / 10", NEITHER),
        ("sigmoid(a[t]) + 1 / 100", SMALL),
        ("a[t] / (sigmoid(a[t]) + 1 / 1000)", LARGE),
        ("a[t] * exp(5)", LARGE),
        ("a[t] * exp(4)", NEITHER),
        ("sigmoid(a[t]) - sigmoid(b[t])", SMALL),
        ("maximum(sigmoid(a[t]), sigmoid(b[t]))", SMALL),
        ("maximum(sigmoid(a[t]), 0)", SMALL),
        ("maximum(sigmoid(a[t]), 1)", NEITHER),
        ("minimum(sigmoid(a[t]), 1)", SMALL),
        ("1 - sigmoid(a[t])", NEITHER),
        ("1 - exp(-sigmoid(a[t]))", SMALL),
        ("1 - exp(-a[t])", LARGE),
        ("1 - exp(abs(a[t]))", LARGE),
        ("tanh(sigmoid(a[t]))", SMALL),
        ("sin(sigmoid(a[t]))", SMALL),
        ("tanh(exp(abs(a[t])))", NEITHER),
        ("sqrt(sigmoid(a[t]))", SMALL),
        ("log(sigmoid(a[t]))", NEITHER),
        ("softmax(a[t])", SMALL),
        ("sum(softmax(a[t])) * b[t]", SMALL),
    ],
)
def test_what_a_value_may_be(value: str, wanted: str) -> None:
    assert extremes_of(f"y[t] = {value}") == wanted


@pytest.mark.parametrize(
    ("state", "wanted"),
    [
        ("y[t] = y[t-1] * p + sigmoid(a[t])", SMALL),
        ("y[t] = y[t-1] * p + a[t]", NEITHER),
        ("y[t] = tanh(y[t-1] + a[t])", NEITHER),
        ("f[t] = sigmoid(a[t])\ny[t] = f[t] * y[t-1] + (1 - f[t]) * b[t]", NEITHER),
        ("f[t] = sigmoid(a[t])\ny[t] = (1 - f[t]) * y[t-1] + f[t] * b[t]", SMALL),
        ("y[t] = p * y[t-1] + exp(abs(a[t]))", LARGE),
        ("y[t] = p * d[t-1]\nd[t] = exp(abs(a[t]))", LARGE),
        ("n[t] = p * n[t-1] + sigmoid(a[t])\ny[t] = a[t] / n[t]", LARGE),
        # both of what a normalised memory divides are near 0 at once
        ("i[t] = sigmoid(a[t])\nc[t] = p * c[t-1] + i[t] * b[t]\nn[t] = p * n[t-1] + i[t]\ny[t] = c[t] / n[t]", SMALL),
    ],
)
def test_what_a_state_may_be(state: str, wanted: str) -> None:
    assert extremes_of(state) == wanted
