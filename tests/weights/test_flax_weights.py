"""Weights of flax: its cells, of linen and of nnx, compute what the interpreter does with the same weights."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from functools import cache
from types import ModuleType
from typing import Any

import numpy
import pytest

import lstmgraph
from lstmgraph.errors import LstmgraphError
from tests.weights.running import BOUNDS, cell_of, error, outputs, random_inputs, random_parameters, random_states

pytestmark = pytest.mark.flax

# (cell, layout, class of flax.linen or flax.nnx)
CELLS = [
    ("lstm", "flax", "LSTMCell"),
    ("other_letters", "flax", "OptimizedLSTMCell"),
    ("gru_reset_after", "flax", "GRUCell"),
    ("other_way", "flax", "GRUCell"),
    ("rnn", "flax", "SimpleCell"),
    ("lstm", "nnx", "LSTMCell"),
    ("other_letters", "nnx-optimized", "OptimizedLSTMCell"),
    ("gru_reset_after", "nnx", "GRUCell"),
    ("rnn", "nnx", "SimpleCell"),
]


@pytest.fixture(autouse=True)
def doubles() -> Iterator[None]:
    with importlib.import_module("jax").enable_x64(True):
        yield


@cache
def module(name: str) -> ModuleType:
    return importlib.import_module(f"flax.{name}")


def without_the_second_bias(name: str, params: dict[str, Any]) -> dict[str, Any]:
    """The GRU of nnx has none in its reset, though its formulas do."""
    return {k: v * (k != "b_hn") for k, v in params.items()} if name == "gru_reset_after" else params


def linen(kind: str, weights: Any, xs: Any, carry: Any, dtype: str) -> Any:
    cell = getattr(module("linen"), kind)(carry_size(carry), param_dtype=dtype, dtype=dtype)
    steps = []
    for t in range(xs.shape[1]):
        carry, output = cell.apply({"params": weights}, carry, xs[:, t])
        steps.append(numpy.asarray(output))
    return numpy.stack(steps, axis=1)


def carry_size(carry: Any) -> int:
    return int((carry[0] if isinstance(carry, tuple) else carry).shape[-1])


def made(kind: str, x: int, h: int, dtype: str) -> Any:
    nnx = module("nnx")
    return getattr(nnx, kind)(x, h, dtype=dtype, param_dtype=dtype, rngs=nnx.Rngs(0))


def stepped(cell: Any, xs: Any, carry: Any) -> Any:
    steps = []
    for t in range(xs.shape[1]):
        carry, output = cell(carry, xs[:, t])
        steps.append(numpy.asarray(output))
    return numpy.stack(steps, axis=1)


@pytest.mark.parametrize(
    ("name", "layout", "kind", "dtype"), [*((*row, "float64") for row in CELLS), (*CELLS[0], "float32")]
)
def test_a_stored_cell_computes_the_same(name: str, layout: str, kind: str, dtype: str) -> None:
    cell, params = cell_of(name), random_parameters(cell_of(name), (3, 4), dtype=dtype)
    params = without_the_second_bias(name, params) if layout == "nnx" else params
    weights = cell.weights_to(layout, params)
    xs, (h, c) = random_inputs(3, dtype), random_states(4, dtype)
    carry = (c, h) if "LSTM" in kind else h
    if layout == "flax":
        found = linen(kind, weights, xs, carry, dtype)
    else:
        theirs = made(kind, 3, 4, dtype)
        module("nnx").update(theirs, weights)
        found = stepped(theirs, xs, carry)
    assert error(found, outputs(cell, params, xs, h, c)) < BOUNDS[dtype]


@pytest.mark.parametrize(("name", "kind"), [(name, kind) for name, layout, kind in CELLS if layout == "flax"])
def test_a_loaded_cell_of_linen_computes_the_same(name: str, kind: str) -> None:
    """Its biases are random, and it lies in the variables of a layer that has it inside."""
    jax, nn = importlib.import_module("jax"), module("linen")
    xs, (h, c) = random_inputs(3), random_states(4)
    carry = (c, h) if "LSTM" in kind else h
    theirs = getattr(nn, kind)(4, param_dtype="float64", bias_init=nn.initializers.normal())
    variables = nn.RNN(theirs).init(jax.random.key(0), xs)
    params = cell_of(name).weights_from("flax", variables)
    found = linen(kind, variables["params"]["cell"], xs, carry, "float64")
    assert error(found, outputs(cell_of(name), params, xs, h, c)) < BOUNDS["float64"]


@pytest.mark.parametrize(("name", "layout", "kind"), [row for row in CELLS if row[1] != "flax"])
def test_a_loaded_cell_of_nnx_computes_the_same(name: str, layout: str, kind: str) -> None:
    cell, theirs = cell_of(name), made(kind, 3, 4, "float64")
    xs, (h, c) = random_inputs(3), random_states(4)
    params = cell.weights_from(layout, module("nnx").state(theirs))
    found = stepped(theirs, xs, (c, h) if "LSTM" in kind else h)
    assert error(found, outputs(cell, params, xs, h, c)) < BOUNDS["float64"]


def test_a_bias_that_nnx_lacks_is_not_lost() -> None:
    cell = lstmgraph.load("gru_reset_after")
    with pytest.raises(
        LstmgraphError, match=r"the layout nnx has no recurrent bias of the candidate, and b_hn .* not zero"
    ):
        cell.weights_to("nnx", random_parameters(cell, (3, 4)))
