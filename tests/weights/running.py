"""What the tests of weights share: cells that libraries have, random numbers, and the reference interpreter."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy
from numpy.typing import NDArray

import lstmgraph
from lstmgraph import Cell
from lstmgraph.numeric.evaluate import number_of
from lstmgraph.numeric.rows import parameter_rows
from lstmgraph.numeric.sequence import run_sequence

Arrays = dict[str, NDArray[Any]]
T, B = 4, 3
SIZES = [(3, 4), (2, 1)]  # X, H
BOUNDS = {"float64": 1e-12, "float32": 5e-6}

# The same LSTM in other letters: of each gate one product, a forget gate that is turned round, two biases in one gate.
OTHER_LETTERS = """
name = "other_letters"
output = "y"
equations = '''
a[t] = sigmoid(V_a @ concat(y[t-1], u[t]) + k_a + l_a)
d[t] = sigmoid(V_d @ concat(y[t-1], u[t]) + k_d)
e[t] = tanh(V_e @ concat(y[t-1], u[t]) + k_e)
m[t] = m[t-1] - d[t] * m[t-1] + e[t] * a[t]
q[t] = sigmoid(k_q + V_q @ concat(y[t-1], u[t]))
y[t] = tanh(m[t]) * q[t]
'''
[sizes]
u = "M"
y = "N"
"""

# A GRU whose update gate takes the new value, as in the first paper of all.
OTHER_WAY = """
name = "other_way"
equations = '''
u[t] = sigmoid(W_u @ x[t] + U_u @ h[t-1] + b_u)
r[t] = sigmoid(W_r @ x[t] + U_r @ h[t-1] + b_r)
n[t] = tanh(W_n @ x[t] + b_in + r[t] * (U_n @ h[t-1] + b_hn))
h[t] = h[t-1] + u[t] * (n[t] - h[t-1])
'''
[sizes]
x = "X"
h = "H"
"""

RELU = """
name = "relu_rnn"
equations = "h[t] = relu(W @ x[t] + U @ h[t-1] + b)"
[sizes]
x = "X"
h = "H"
"""


@cache
def cell_of(name: str) -> Cell:
    """A cell of the library, or one of those above."""
    texts = {"other_letters": OTHER_LETTERS, "other_way": OTHER_WAY, "relu_rnn": RELU}
    return lstmgraph.loads(texts[name]) if name in texts else lstmgraph.load(name)


def random_parameters(cell: Cell, sizes: tuple[int, int], seed: int = 3, dtype: str = "float64") -> Arrays:
    """Random parameters, X and H given."""
    rng = numpy.random.default_rng(seed)
    numbers = dict(zip(cell.sizes, sizes, strict=True))
    shapes = {p: tuple(number_of(side, numbers) for side in p.shape) for p in cell.parameters}
    drawn = {p: rng.uniform(-0.5, 1, shape).astype(dtype) for p, shape in shapes.items()}
    return {p.name: parameter_rows(p, array) for p, array in drawn.items()}


def random_inputs(x: int, dtype: str = "float64") -> NDArray[Any]:
    return numpy.random.default_rng(1).uniform(-0.5, 1, (B, T, x)).astype(dtype)


def random_states(h: int, dtype: str = "float64") -> tuple[NDArray[Any], NDArray[Any]]:
    """Of h and of c."""
    first, second = numpy.random.default_rng(2).uniform(-0.5, 1, (2, B, h)).astype(dtype)
    return first, second


def outputs(cell: Cell, params: Arrays, xs: NDArray[Any], h: NDArray[Any], c: NDArray[Any]) -> NDArray[Any]:
    """(B, T, H) of the reference interpreter, from (B, T, X) and the first states."""
    matrices = {name: array.reshape(*array.shape, *([1] * (2 - array.ndim))) for name, array in params.items()}
    first = {s.name: (h if s.name == cell.output else c)[..., None] for s in cell.states}
    (x,) = cell.inputs
    steps = run_sequence(cell, matrices, {x.name.removesuffix("[t]"): xs.swapaxes(0, 1)[..., None]}, first)
    return numpy.stack([values[f"{cell.output}[t]"][..., 0] for values in steps], axis=1)


def error(found: NDArray[Any], wanted: NDArray[Any]) -> float:
    """The largest difference relative to the largest entry."""
    assert found.shape == wanted.shape
    return float(numpy.max(numpy.abs(found - wanted)) / numpy.max(numpy.abs(wanted)))
