"""Equations as code computes them: constants folded, nothing that overflows, and the same cell."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import mpmath
import numpy as np
import pytest
from sympy import MatAdd, MatrixSymbol

import lstmgraph
from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.rules import RULES
from lstmgraph.algebra.traverse import walk
from lstmgraph.cell import Cell
from lstmgraph.codegen.computed import computed
from lstmgraph.notation import get_notation
from lstmgraph.numeric.sequence import run_sequence
from lstmgraph.printing import print_equation
from lstmgraph.reading import loads
from tests.codegen.equality import CASES, CELLS, WAYS, Case, cell_of, sample_of

EVERY_WAY = [pytest.param(way, marks=[getattr(pytest.mark, m) for m in row.mark]) for way, row in WAYS.items()]


def cell_with(formula: str) -> Cell:
    return loads(f'name = "one"\noutput = "h"\nequations = "h[t] = {formula}"\nsizes = {{x = "X", h = "X"}}')


def text_of(cell: Cell) -> str:
    return print_equation(cell.equations[-1], "source", get_notation(cell)).removeprefix("h[t] = ")


@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        ("2 * 3 * x[t] * 0.5", "3 * x[t]"),
        ("x[t] + 1 - 1", "identity(x[t])"),
        ("1 + x[t] + 2", "3 + x[t]"),
        ("1 * x[t] / 1", "identity(x[t])"),
        ("x[t] ** 1 + b", "x[t] + b"),
        ("exp(0) * x[t] + b * sigmoid(0)", "x[t] + b * (1 / 2)"),
        ("x[t] * log(2)", "x[t] * 0.6931471805599453"),
        ("maximum(x[t], minimum(1 + 1, 3))", "maximum(x[t], 2)"),
        ("-(-x[t])", "identity(x[t])"),
        ("1 - (1 - x[t])", "identity(x[t])"),
        ("(6 / 4) ** 2 + x[t]", "9 / 4 + x[t]"),
        ("W.T.T @ x[t]", "W @ x[t]"),
        ("sin(identity(x[t]))", "sin(x[t])"),
        ("2 * x[t] / (2 * b)", "x[t] / b"),
        ("x[t] * 2 / (4 * b)", "1 / 2 * x[t] / b"),
        ("-(-x[t] * b)", "x[t] * b"),
        ("b - -(-(x[t] * 2))", "b - x[t] * 2"),
        ("b - (-2 * x[t])", "b + 2 * x[t]"),
    ],
)
def test_constants_are_folded(written: str, wanted: str) -> None:
    assert text_of(computed(cell_with(written))) == wanted


@pytest.mark.parametrize(
    "written",
    [
        "0 * b + x[t]",
        "x[t] * 2",
        "-x[t] * b",
        "x[t] / 3",
        "b * 2 * x[t] * b",
        "x[t] ** 2",
        "log(-1) * x[t]",
        "x[t] / exp(1000)",
        "0 * b * 2 + x[t]",
        "1 * b * (1 / b) + x[t]",
        "2 * x[t] / (0 * b)",
        "2 * x[t] / b",
    ],
)
def test_what_is_asked_for_stays(written: str) -> None:
    """Also a factor that may be infinite, where a constant stands, and what is no number."""
    cell = cell_with(written)
    assert computed(cell) is cell


@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        ("log(1 + exp(W @ x[t]))", "softplus(W @ x[t])"),
        ("log(exp(-x[t]) + 1)", "softplus(-x[t])"),
        ("log(exp(x[t]) + exp(b))", "x[t] + softplus(b - x[t])"),
        ("log(exp(x[t]) + 2)", "0.6931471805599453 + softplus(x[t] - 0.6931471805599453)"),
        ("log(sigmoid(x[t]))", "-softplus(-x[t])"),
        ("log(1 - sigmoid(x[t]))", "-softplus(x[t])"),
        ("log(exp(x[t]))", "identity(x[t])"),
        ("1 / (1 + exp(-x[t]))", "sigmoid(x[t])"),
        ("b * exp(x[t]) / (exp(b) + exp(x[t]))", "b * sigmoid(x[t] - b)"),
        ("exp(x[t]) / sum(exp(x[t]))", "softmax(x[t])"),
        ("exp(x[t]) / (1 + exp(x[t]) + exp(b))", "sigmoid(x[t] - softplus(b))"),
        ("2 / (1 + exp(-x[t])) - 1", "tanh(1 / 2 * x[t])"),
        ("2 ** x[t] / (1 + 2 ** x[t])", "sigmoid(0.6931471805599453 * x[t])"),
        ("log(1 + (1 / 2) ** x[t])", "softplus(-(0.6931471805599453 * x[t]))"),
        ("4 / (1 + exp(-x[t])) - 2 + b", "2 * tanh(1 / 2 * x[t]) + b"),
        ("1 - 2 / (1 + exp(2 * x[t]))", "tanh(x[t])"),
        ("2 / (1 + exp(-x[t])) - 2", "2 * sigmoid(x[t]) - 2"),
        ("-(b / (1 + exp(-x[t])))", "-(b * sigmoid(x[t]))"),
        ("-b * exp(x[t]) / (2 + exp(x[t]))", "-(b * sigmoid(x[t] - 0.6931471805599453))"),
        ("(exp(x[t]) - exp(-x[t])) / (exp(x[t]) + exp(-x[t]))", "tanh(x[t])"),
        ("(1 - exp(-2 * (W @ x[t]))) / (1 + exp(-2 * (W @ x[t])))", "tanh(W @ x[t])"),
        ("(1 - exp(x[t])) / (1 + exp(x[t]))", "-tanh(1 / 2 * x[t])"),
        ("(exp(b) + 3 * exp(x[t])) / (exp(b) + exp(x[t]))", "1 + 2 * sigmoid(x[t] - b)"),
        ("exp(x[t]) / (2 * exp(x[t]) + exp(b))", "1 / 2 * sigmoid(x[t] + 0.6931471805599453 - b)"),
        ("exp(x[t]) / (1 + exp(b))", "exp(x[t] - softplus(b))"),
        ("x[t] / (exp(b) + exp(-b))", "x[t] * exp(-(b + softplus(-(2 * b))))"),
        ("(1 + exp(x[t]) ** 2) ** (-1)", "sigmoid(-(2 * x[t]))"),
        ("(1 + exp(-x[t])) ** (-2)", "sigmoid(x[t]) ** 2"),
        ("sqrt(1 + 1 / exp(x[t]))", "exp(1 / 2 * softplus(-x[t]))"),
        ("1 / (exp(x[t]) * exp(b))", "exp(-(b + x[t]))"),
        ("log(2 + 2 * exp(x[t]))", "0.6931471805599453 + softplus(x[t])"),
        ("log(1 + exp(x[t]) / exp(b) * 3)", "softplus(x[t] + 1.0986122886681098 - b)"),
        ("log((exp(x[t]) + exp(b)) / 2)", "x[t] + softplus(b - x[t]) - 0.6931471805599453"),
        ("log(2 * sigmoid(x[t]) * sigmoid(b))", "0.6931471805599453 - softplus(-x[t]) - softplus(-b)"),
        ("exp(x[t]) / (1 + exp(x[t])) ** 2", "sigmoid(x[t]) * sigmoid(-x[t])"),
        ("b / (1 + exp(x[t])) ** 3", "b * sigmoid(-x[t]) ** 3"),
        ("log(sigmoid(x[t]) / (1 - sigmoid(x[t])))", "softplus(x[t]) - softplus(-x[t])"),
        ("log(2 * sigmoid(x[t]) ** 2)", "0.6931471805599453 - 2 * softplus(-x[t])"),
        ("log(1 / (1 + exp(x[t])))", "-softplus(x[t])"),
        ("log((1 + exp(x[t])) / (1 + exp(b)))", "softplus(x[t]) - softplus(b)"),
        ("log(2 * ((1 + exp(x[t])) / (1 + exp(b))) ** 3)", "0.6931471805599453 + 3 * softplus(x[t]) - 3 * softplus(b)"),
        ("log((2 + exp(x[t])) / (1 + exp(x[t])))", "log(1 + sigmoid(-x[t]))"),
        ("b * sum(b * exp(x[t])) / sum(exp(x[t]))", "b * sum(b * softmax(x[t]))"),
        ("W @ exp(x[t]) / sum(exp(x[t]))", "W @ softmax(x[t])"),
        ("(exp(x[t].T) / sum(exp(x[t].T))).T", "softmax(x[t])"),
        ("(exp(2 * x[t].T - b.T) / sum(exp(2 * x[t].T - b.T))).T", "softmax(2 * x[t] - b)"),
        (
            "b * log(sum(2 * exp(x[t].T)))",
            "b * (sum(softmax(x[t]) * x[t]) + log(sum(exp(x[t] - sum(softmax(x[t]) * x[t])))) + 0.6931471805599453)",
        ),
    ],
)
def test_forms_are_stable(written: str, wanted: str) -> None:
    assert text_of(computed(cell_with(written))) == wanted


@pytest.mark.parametrize(
    "formula",
    [
        "log(exp(U @ h[t-1]) + exp(b))",
        "1 / (exp(W @ x[t] + U @ h[t-1]) + exp(b + x[t]))",
        "tanh(b) / (exp(U @ h[t-1] + b) + exp(-(U @ h[t-1] + b)))",
    ],
)
def test_a_product_of_matrices_is_not_computed_twice(formula: str) -> None:
    text = lstmgraph.Cell.from_equations(f"h[t] = x[t] * {formula}", name="once", sizes={"x": "X", "h": "X"}).code(
        "numpy"
    )
    forward = text[text.index("def _forward(") : text.index("def _backward(")]
    assert forward.count("U.dot(h_prev") == 1


@pytest.mark.parametrize(
    "written",
    [
        "log(2 + x[t])",
        "log(1 - exp(x[t]))",
        "1 / (1 + x[t])",
        "x[t] / (x[t] + exp(b))",
        "log(x[t] + exp(b))",
        "(1 + exp(x[t])) ** 2",
        "exp(x[t]) / exp(x[t])",
        "2 ** x[t] * b",
        "b ** x[t] / (1 + b ** x[t])",
        "log(1 + (-2) ** x[t])",
        "log(b * exp(x[t]) + exp(b))",
        "1 - sigmoid(x[t])",
        "(exp(x[t]) - exp(-x[t])) / 2",
        "b + 2 * sigmoid(x[t])",
    ],
)
def test_other_formulas_stay(written: str) -> None:
    cell = cell_with(written)
    assert computed(cell) is cell


@pytest.mark.parametrize("written", ["log(exp(x[t]) - 2)", "exp(x[t]) / (exp(x[t]) - 1)"])
def test_a_difference_of_exponentials_is_no_sum_of_them(written: str) -> None:
    """Which has the logarithm of a number that is not positive."""
    (e,) = computed(cell_with(written)).equations
    assert {type(part) for part in walk(e.value)} <= {n.Log, n.Exp, n.Divide, MatAdd, n.Fill, MatrixSymbol}


def test_what_an_equation_before_computes_is_seen() -> None:
    equations = "s[t] = 1 + exp(x[t])\\nh[t] = log(s[t]) * s[t-1]"
    cell = loads(f'name = "two"\noutput = "h"\nequations = "{equations}"\nsizes = {{x = "X", s = "X"}}')
    assert text_of(computed(cell)) == "softplus(x[t]) * s[t-1]"


@pytest.mark.parametrize("name", CELLS)
def test_it_is_the_same_cell(name: str) -> None:
    cell, new = cell_of(name), computed(cell_of(name))
    for part in ("inputs", "states", "parameters", "outputs", "sizes", "constants"):
        assert getattr(new, part) == getattr(cell, part)
    sample = sample_of(name, CASES[1], "float64")
    before, after = (
        run_sequence(c, sample.parameters, sample.inputs, sample.states, sample.steps) for c in (cell, new)
    )
    for there, here in zip(before, after, strict=True):
        for value in cell.values.values():
            np.testing.assert_allclose(here[value.name], there[value.name], rtol=1e-12, atol=1e-13)


def test_a_file_shows_the_equations_as_written() -> None:
    cell = lstmgraph.Cell.from_equations("h[t] = log(1 + exp(2 * 3 * x[t]))", name="written", sizes={"x": "X"})
    text = cell.code("numpy")
    assert "\n    h[t] = log(1 + exp(6 * x[t]))\n" in text, "2 * 3 is 6 as soon as it is read"
    assert "np.log(" not in text


# ── what is no number ──

PYTORCHS_OWN = ("sign", "step")  # torch.sign(nan) is 0


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("way", [None, *EVERY_WAY])
@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")  # PyTorch's own
@pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")
def test_what_is_no_number_goes_through_every_function(way: str | None, dtype: str) -> None:
    """Of the interpreter too; and of maximum and minimum from either side."""
    cell = cell_of("functions")
    parts = [part for e in cell.equations[:-1] for part in e.value.args]  # the last one puts them together
    used = {node.func for part in parts for node in walk(part)}
    assert {cls for cls in RULES if issubclass(cls, n.Elementwise)} - {n.Identity} <= used
    sample = sample_of("functions", CASES[0], dtype)
    sample = replace(sample, inputs={"x": np.full_like(sample.inputs["x"], np.nan)})
    if way is None:
        (values,) = run_sequence(cell, sample.parameters, sample.inputs, sample.states, sample.steps)
        output = values["y[t]"]
    else:
        output = np.asarray(WAYS[way].run("functions", sample, dtype)[0]["the output"])
    numbers = [RULES[part.func].name for part, y in zip(parts, output.ravel(), strict=True) if not np.isnan(y)]
    assert numbers == (list(PYTORCHS_OWN) if way in {"torch", "torch, eager"} else [])


# ── far out ──

FAR = (-1e4, -1000.0, -100.0, -20.0, -1.0, 0.0, 1.5, 30.0, 100.0, 1000.0, 1e4)
mp: Any = mpmath.mp.clone()
mp.dps = 500  # exp(-1000) is seen beside 1

Vector = Sequence[Any]


def softplus(a: Vector) -> Vector:
    return [mp.log(1 + mp.exp(x)) for x in a]


def sigmoid(a: Vector) -> Vector:
    return [1 / (1 + mp.exp(-x)) for x in a]


def softmax(a: Vector) -> Vector:
    whole = sum(map(mp.exp, a))
    return [mp.exp(x) / whole for x in a]


def power(a: Vector, p: int) -> Vector:
    return [x**p for x in a]


Form = Callable[[Vector], Vector]
# By cell, what becomes of each input.
MEANT: Mapping[str, Mapping[str, Form]] = {
    "far_out": {
        "a": softplus,
        "b": lambda a: [mp.log(mp.exp(x) + 2) for x in a],
        "d": lambda a: [mp.log(mp.exp(x) + mp.exp(mp.mpf(1) / 4)) for x in a],
        "f": lambda a: [mp.log(s) for s in sigmoid(a)],
        "g": lambda a: [-s for s in softplus(a)],
        "m": softplus,
        "n": lambda a: [x * s for x, s in zip(a, sigmoid(a), strict=True)],
    },
    "far_shares": {
        "a": sigmoid,
        "b": sigmoid,
        "d": softmax,
        "f": lambda a: [mp.log(sum(map(mp.exp, a)))],
        "g": lambda a: [mp.log(p) for p in softmax(a)],
        "m": softmax,
        "n": lambda a: a,
    },
    "far_weighted": {
        "a": lambda a: [2 * mp.tanh(x / 2) for x in a],
        "b": lambda a: [x * s for x, s in zip(a, sigmoid(a), strict=True)],
        "d": lambda a: [mp.tanh(x) for x in a],
        "f": lambda a: [mp.log((mp.exp(x) + mp.exp(mp.mpf(1) / 4)) / 2) for x in a],
        "g": lambda a: power([1 + 3 * mp.exp(-x) for x in a], -2),
        "m": lambda a: [x * mp.exp(x) / (2 + sum(map(mp.exp, a))) for x in a],
        "n": lambda a: [mp.sech(x) / 8 for x in a],
    },
}


# A saturated gate, and its slope f (1 - f), have the digits that they have beside 1, as in PyTorch.
BESIDE_ONE = {("far_out", "d"), ("far_shares", "a"), ("far_shares", "b"), *(("far_weighted", k) for k in "abdfgm")}


@lru_cache
def meant(cell: str, name: str) -> tuple[list[float], list[float]]:
    """The values of a form, and the slopes of their sum weighted by 1, 2, 3, ...: differences in 500 digits."""
    f, a, step = MEANT[cell][name], [mp.mpf(x) for x in FAR], mp.mpf(10) ** -30

    def weighted(a: Vector) -> Any:
        return sum((k + 1) * y for k, y in enumerate(f(a)))

    slopes = []
    for k in range(len(a)):
        more, less = ([x + sign * step * (j == k) for j, x in enumerate(a)] for sign in (1, -1))
        slopes.append(float((weighted(more) - weighted(less)) / (2 * step)))
    return [float(y) for y in f(a)], slopes


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("cell", MEANT)
@pytest.mark.parametrize("way", EVERY_WAY)
@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")  # PyTorch's own
def test_far_out_values_and_gradients_keep_their_digits(way: str, cell: str, dtype: str) -> None:
    """Each entry to a few units of its own last place."""
    column = np.array(FAR)[None, None, :, None]
    weights = np.concatenate([np.arange(1.0, 1 + len(meant(cell, name)[0])) for name in MEANT[cell]])
    sample = replace(
        sample_of(cell, Case(1, 1, (len(FAR),)), dtype),
        inputs=dict.fromkeys(MEANT[cell], column),
        parameters={"k": np.full((len(FAR), 1), 0.25)},
        d_output=weights[None, None, :, None],
    )
    values, gradients = WAYS[way].run(cell, sample, dtype)
    output, start = np.asarray(values["the output"]).ravel(), 0
    for name in MEANT[cell]:
        right, slopes = meant(cell, name)
        near(output[start : start + len(right)], right, dtype, (cell, name))
        if not WAYS[way].gives.forward:
            near(gradients[name].ravel(), slopes, dtype, (cell, name))
        start += len(right)


def near(found: Any, wanted: Sequence[float], dtype: str, of: tuple[str, str]) -> None:
    eps, tiny = float(np.finfo(dtype).eps), float(np.finfo(dtype).tiny)
    np.testing.assert_allclose(found, wanted, rtol=32 * eps, atol=32 * eps if of in BESIDE_ONE else tiny, err_msg=of[1])
