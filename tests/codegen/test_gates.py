"""Gates of one kind are one call, however their sums are spelled, and whatever is added to some of them."""

from __future__ import annotations

import re
from types import ModuleType

import pytest

from lstmgraph import Cell, loads
from lstmgraph.calculus import gradient
from lstmgraph.codegen import generate
from lstmgraph.codegen.passes import even, passed
from lstmgraph.codegen.shown import operations
from lstmgraph.codegen.targets import numpy, torch
from tests.codegen.test_passes import sequence_of


def spelled(*sums: str) -> Cell:
    """An LSTM of which the gates f, i, o and g are of these sums, each in names without its letter."""
    letters = "fiog"
    gates = [
        f"{k}[t] = {'tanh' if k == 'g' else 'sigmoid'}({re.sub(r'(?<=[WUbp])_', f'_{k}', text)})"
        for k, text in zip(letters, sums * 4, strict=False)
    ]
    equations = "\n".join([*gates, "c[t] = f[t] * c[t-1] + i[t] * g[t]", "h[t] = o[t] * tanh(c[t])"])
    return loads(f'name = "cell"\noutput = "h"\nequations = """\n{equations}\n"""\n[sizes]\nx = "X"\nh = "H"')


BARE = "W_ @ x[t] + U_ @ h[t-1]"
PLAIN = f"{BARE} + b_"
PEEPHOLE = f"{BARE} + p_ * c[t-1] + b_"


@pytest.mark.parametrize("target", [numpy, torch])
@pytest.mark.parametrize(
    "sums",
    [
        (BARE,),
        ("U_ @ h[t-1] + W_ @ x[t]",),
        (PLAIN, BARE, BARE, BARE),
        (BARE, f"{BARE} + 1", BARE, BARE),
        (f"{BARE} + b", f"{BARE} + b", PLAIN, BARE),
        (f"{BARE} + p * q", f"{BARE} + exp(p)", PLAIN, f"{BARE} - q"),
        ("U_ @ h[t-1] + W_ @ x[t] + b_",),
        ("U_ @ h[t-1] + W_ @ x[t] + b_", PLAIN),
        ("b_ + U_ @ h[t-1] + W_ @ x[t]", PLAIN),
        (f"{PLAIN} + 1", PLAIN, PLAIN, PLAIN),
        (f"{PLAIN} + b_2",),
        (f"{PLAIN} + b_2", "b_ + W_ @ x[t] + b_2 + U_ @ h[t-1]"),
        ("W_ @ concat(h[t-1], x[t]) + b_",),
        ("W_ @ concat(x[t], h[t-1])",),
        ("b_ + W_ @ concat(x[t], h[t-1]) + 1",),
    ],
)
def test_gates_are_one_however_their_sums_are_spelled(sums: tuple[str, ...], target: ModuleType) -> None:
    assert in_the_loop(spelled(*sums), target) == in_the_loop(spelled(PLAIN), target)


@pytest.mark.parametrize("target", [numpy, torch])
@pytest.mark.parametrize(
    "other", ["p_ * c[t-1] + b_ + W_ @ x[t] + U_ @ h[t-1]", "U_ @ h[t-1] + p_ * c[t-1] + W_ @ x[t]"]
)
def test_gates_with_peepholes_are_one_in_whatever_order(other: str, target: ModuleType) -> None:
    both = in_the_loop(spelled(PEEPHOLE, PEEPHOLE, PLAIN, PLAIN), target)
    assert in_the_loop(spelled(PEEPHOLE, other, PLAIN, PLAIN), target) == both


def test_zeros_are_no_bias_of_what_is_added_in_the_loop() -> None:
    """Of a second layer, whose input waits for the step before: there is nothing to add zeros to before the loop."""
    layer = "a[t] = tanh(W @ x[t] + U @ a[t-1])"
    gates = "f[t] = sigmoid(V @ a[t] + R @ h[t-1] + b)\ng[t] = tanh(K @ a[t] + L @ h[t-1])"
    cell = Cell.from_equations(
        f"{layer}\n{gates}\nh[t] = f[t] * g[t]", sizes={"x": "X", "a": "K", "h": "H"}, name="c", output="h"
    )
    forward = sequence_of(cell).forward
    assert even(forward) == forward


def test_zeros_have_no_half() -> None:
    """Nor is anything done to them but to stack them."""
    source = generated(spelled(f"{BARE} + b", f"{BARE} + b", BARE, BARE))
    assert "    zeros = np.zeros((H, 1), xs.dtype)\n" in source
    assert "* zeros" not in source


def test_two_biases_have_one_gradient() -> None:
    source = generated(spelled(f"{PLAIN} + b_2"))
    assert source.count("sum(axis=1") == 1


def generated(cell: Cell) -> str:
    return generate(cell, gradient(cell))


def in_the_loop(cell: Cell, target: ModuleType) -> tuple[int, int]:
    """The operations of a step, there and back."""
    both = sequence_of(cell)
    for change in target.PASSES["both"]:
        both = change(both)
    forward, backward = (
        passed(sweep, target.PASSES[way]) for way, sweep in (("forward", both.forward), ("backward", both.backward))
    )
    return operations(forward), operations(backward)
