"""Which sigmoids are not made by tanh, of which what is near 0 has few digits: those whose digits count.  In ONNX these
are made by exp.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from lstmgraph.calculus import gradient
from lstmgraph.cell import Cell
from lstmgraph.codegen import lambdify
from lstmgraph.codegen.passes import halve
from lstmgraph.codegen.sequence import sequence
from lstmgraph.reading import loads
from tests.codegen.equality import cell_of

Real = np.longdouble
Function = Callable[[Any, Any, Any], Any]


def sigmoid(a: Any) -> Any:
    return 1 / (1 + np.exp(-a))


BESIDE: dict[str, Function] = {
    "h[t] = sigmoid(a[t]) * h[t-1] + exp(b[t])": lambda a, b, h: sigmoid(a) * h + np.exp(b),
    "s[t] = sigmoid(sum(a[t]) / 2)\nh[t] = s[t] * h[t-1] + exp(b[t])": lambda a, b, h: sigmoid(a) * h + np.exp(b),
    "h[t] = sigmoid(a[t]) * exp(-b[t]) + h[t-1] / 9": lambda a, b, h: sigmoid(a) * np.exp(-b) + h / 9,
    "e[t] = 2 * exp(-b[t]) - 1\nh[t] = sigmoid(a[t]) * e[t]": lambda a, b, h: sigmoid(a) * (2 * np.exp(-b) - 1),
    "h[t] = sigmoid(a[t]) / exp(b[t])": lambda a, b, h: sigmoid(a) / np.exp(b),
    "h[t] = sigmoid(a[t]) * sum(exp(-b[t])) / 2": lambda a, b, h: sigmoid(a) * np.exp(-b),
    "h[t] = sigmoid(a[t]) * maximum(exp(-b[t]), b[t])": lambda a, b, h: sigmoid(a) * max(np.exp(-b), b),
    "h[t] = sigmoid(a[t]) * 2 ** (-b[t])": lambda a, b, h: sigmoid(a) * 2**-b,
    "h[t] = sigmoid(a[t]) / sigmoid(b[t])": lambda a, b, h: sigmoid(a) / sigmoid(b),
    "h[t] = 1 / sigmoid(b[t]) * sigmoid(a[t])": lambda a, b, h: sigmoid(a) / sigmoid(b),
    "h[t] = tanh(sigmoid(a[t])) / sigmoid(1 + b[t])": lambda a, b, h: np.tanh(sigmoid(a)) / sigmoid(1 + b),
    "h[t] = log(tanh(sigmoid(a[t])))": lambda a, b, h: np.log(np.tanh(sigmoid(a))),
    "h[t] = 100 * sigmoid(a[t])": lambda a, b, h: 100 * sigmoid(a),
    "h[t] = sigmoid(a[t]) * scale": lambda a, b, h: 1e5 * sigmoid(a),
    "k[t] = concat(2 * scale, 1)\nh[t] = -k[t] * sigmoid(a[t])": lambda a, b, h: -2e5 * sigmoid(a),
    "h[t] = step(sigmoid(a[t]))": lambda a, b, h: Real(1),
    "h[t] = sigmoid(2 * a[t]) * exp(-b[t]) ** 2": lambda a, b, h: sigmoid(2 * a) * np.exp(-2 * b),
}
SMALL = (
    "c[t] = sigmoid(a[t]) * h[t-1] + sigmoid(b[t])\nh[t] = sigmoid(a[t]) * tanh(c[t])",
    "h[t] = sigmoid(a[t]) * exp(p) * h[t-1] + b[t]",
    "h[t] = 99 * sigmoid(a[t]) * h[t-1] * small + b[t]",
    "h[t] = sigmoid(a[t]) * exp(-softplus(b[t])) * h[t-1]",
    "h[t] = sigmoid(a[t]) * exp(-2 * abs(b[t])) * h[t-1]",
    "m[t] = maximum(b[t], a[t] + b[t])\nh[t] = sigmoid(a[t]) * exp(a[t] + b[t] - m[t]) * h[t-1]",
    "h[t] = sigmoid(a[t]) * h[t-1] / p + b[t]",
    "h[t] = sigmoid(a[t]) * tanh(exp(b[t])) * h[t-1]",
)


CONSTANTS = {"scale": 1e5, "small": 0.5}


def cell(equations: str) -> Cell:
    constants = "".join(f"{name} = {value}\n" for name, value in CONSTANTS.items() if name in equations)
    p = "p = 2" if " p" in equations or "(p" in equations else ""
    b = "b = 2\n" if "b[" in equations else ""
    k = "k = 2\n" if "k[" in equations else ""
    sizes = f"[sizes]\na = 2\n{b}{k}h = 2\n{p}\n"
    return loads(f'name = "cell"\noutput = "h"\nequations = """\n{equations}\n"""\n{sizes}[constants]\n{constants}')


@pytest.mark.parametrize("target", ["numpy", pytest.param("onnx", marks=pytest.mark.onnx)])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("equations", BESIDE)
def test_a_sigmoid_beside_an_exponential_keeps_its_digits(equations: str, dtype: type, target: str) -> None:
    """Where by tanh it has none, as by onnxruntime's own sigmoid: 40 below 0, in float32 20."""
    if target == "onnx":
        pytest.importorskip("onnxruntime")
    far = 40 if dtype is np.float64 else 20
    a, b = np.array([0, -far]), np.array([far, -far])
    xs: Any = {name: np.repeat(x, 2).reshape(1, 2, 2).astype(dtype) for name, x in (("a", a), ("b", b))}
    given = cell(equations)
    xs = xs if len(given.inputs) > 1 else xs["a"]
    outputs = lambdify(given, gradient(given), target).forward({}, xs)[0]
    h = Real(0)
    for k in range(2):
        h = BESIDE[equations](Real(a[k]), Real(b[k]), h)
        np.testing.assert_allclose(outputs[0, k, 0], float(h), rtol=1e-5 if far == 20 else 1e-13)


def test_what_is_within_a_sigmoid_needs_no_digits_of_its_own() -> None:
    given = cell("g[t] = sigmoid(a[t])\nf[t] = sigmoid(g[t])\nh[t] = log(f[t])")
    sweep = halve(sequence(given, gradient(given)).forward)
    assert [str(e.target) for e in sweep.equations if type(e.value).__name__ == "Sigmoid"] == ["f[t]"]


@pytest.mark.parametrize("equations", SMALL)
def test_others_are_made_by_tanh(equations: str) -> None:
    sweep = halve(sequence(given := cell(equations), gradient(given)).forward)
    assert "Sigmoid" not in {part.func.__name__ for e in sweep.equations for part in [e.value, *e.value.args]}


def test_no_sigmoid_of_a_stabilised_memory_stays_but_that_of_the_logarithm() -> None:
    given = cell_of("slstm")
    sweep = halve(sequence(given, gradient(given)).forward)
    assert [str(e.target) for e in sweep.equations if type(e.value).__name__ == "Sigmoid"] == ["f[t]"]
