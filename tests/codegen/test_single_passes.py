"""Single passes on small equations: what each is for has happened, and no more."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from types import ModuleType

import numpy as np
import pytest
from sympy import MatMul

from lstmgraph import Cell, load, loads
from lstmgraph.algebra.names import name_of
from lstmgraph.algebra.nodes import Divide, Negative, OneMinus, Reciprocal, Sigmoid, Step, Sum
from lstmgraph.algebra.traverse import symbols_in, walk
from lstmgraph.codegen.passes import (
    again,
    blend,
    collect,
    divide,
    halve,
    hoist_factors,
    last,
    merge,
    outside,
    passed,
    rest,
    spread,
    unsigned,
)
from lstmgraph.codegen.shown import operations
from lstmgraph.codegen.sweep import PHASES, Sweep
from lstmgraph.codegen.targets import numpy, torch
from lstmgraph.numeric.evaluate import evaluate
from tests.codegen.equality import FILES
from tests.codegen.test_passes import PAPERS, arrays, sequence_of


def loop_of(sweep: Sweep, name: str) -> str:
    return str(next(e.value for e in sweep["loop"] if str(e.target) == name))


@pytest.mark.parametrize(
    ("equation", "blended"),
    [
        ("h[t] = z[t] * h[t-1] + (1 - z[t]) * g[t]", True),
        ("h[t] = (1 - z[t]) * h[t-1] + z[t] * g[t]", True),
        ("h[t] = (1 - z[t]) * q[t] + z[t] * g[t] + x[t]", True),
        ("k[t] = 0.5 * h[t-1] + g[t]\\nh[t] = (1 - z[t]) * h[t-1] + z[t] * k[t]", True),
        ("h[t] = z[t] * h[t-1] + (1 - g[t]) * z[t]", False),
        ("h[t] = z[t] * h[t-1] + (1 - z[t]) * tanh(g[t])", True),
        ("h[t] = z[t] * h[t-1] * x[t] + (1 - z[t]) * g[t]", False),
        ("h[t] = z[t] * h[t-1] - (1 - z[t]) * g[t]", False),
        # what is not bounded: an input, a relu, a state to which every step adds, or that is multiplied by itself
        ("h[t] = z[t] * h[t-1] + (1 - z[t]) * x[t]", False),
        ("h[t] = z[t] * g[t] + (1 - z[t]) * relu(g[t])", False),
        ("h[t] = (1 - z[t]) * h[t-1] + z[t] * g[t] + x[t]", False),
        ("h[t] = g[t] * h[t-1] + (1 - g[t]) * q[t]", False),
        ("h[t] = (1 - z[t]) * h[t-1] + z[t] * g[t] + q[t]", False),
        ("k[t] = 2 * h[t-1]\\nh[t] = (1 - z[t]) * h[t-1] + z[t] * k[t]", False),
        ("k[t] = h[t-1] * h[t-1]\\nh[t] = (1 - z[t]) * h[t-1] + z[t] * k[t]", False),
        # beside a large number nothing would be left of the other
        ("k[t] = 99 * g[t]\\nh[t] = (1 - z[t]) * q[t] + z[t] * k[t]", True),
        ("k[t] = 101 * g[t]\\nh[t] = (1 - z[t]) * q[t] + z[t] * k[t]", False),
    ],
)
def test_a_gate_between_two_values_takes_their_difference(equation: str, blended: bool) -> None:
    equations = f"z[t] = sigmoid(U @ h[t-1] + x[t])\\ng[t] = tanh(V @ h[t-1])\\nq[t] = sin(g[t])\\n{equation}"
    cell = loads(f'name = "cell"\noutput = "h"\nequations = "{equations}"\n[sizes]\nx = "H"\nh = "H"\ng = "H"')
    sweep = sequence_of(cell).forward
    after = blend(sweep)
    assert "OneMinus" in loop_of(sweep, "h[t]")
    assert ("OneMinus" not in loop_of(after, "h[t]")) == blended
    assert (operations(after) < operations(sweep)) == blended
    inputs = arrays(sweep)
    np.testing.assert_allclose(
        evaluate(after.program, inputs)["h[t]"], evaluate(sweep.program, inputs)["h[t]"], rtol=1e-14, atol=1e-14
    )


@pytest.mark.parametrize(("name", "blended"), [("gru", True), ("mgu", True), ("min_gru", False), ("ligru", False)])
@pytest.mark.parametrize("halved", [True, False])
def test_a_state_that_is_mixed_of_bounded_values_is_bounded(name: str, blended: bool, halved: bool) -> None:
    forward = sequence_of(load(FILES.get(name, name))).forward
    sweep = halve(forward) if halved else forward
    assert (blend(sweep) != sweep) == blended


def test_a_product_that_is_only_a_factor_is_written_where_it_is_taken() -> None:
    """In a GRU the cotangent of z: what it is a multiple of waits for no other step.  That of h is taken by others."""
    sweep = sequence_of(load("gru")).backward
    after = merge(sweep)
    targets = {str(e.target) for e in sweep["loop"]} - {str(e.target) for e in after["loop"]}
    assert targets == {"bar(z)[t]"}
    hoisted = hoist_factors(after)
    assert len(hoisted["loop"]) == len(sweep["loop"]) - 1
    assert operations(hoisted) == operations(hoist_factors(sweep)) - 1


def test_a_sum_of_products_is_written_where_it_is_a_factor() -> None:
    """In an MGU the cotangent of f is a sum of two; in an LSTM that of c is taken by four."""
    sweep = sequence_of(load("mgu")).backward
    assert "bar(f)[t]" not in {str(e.target) for e in merge(sweep)["loop"]}
    lstm = sequence_of(load("lstm")).backward
    assert merge(lstm)["loop"] == lstm["loop"]


@pytest.mark.parametrize(("other", "merged"), [("b", True), ("p[t]", False), ("tanh(p[t])", False)])
def test_a_product_that_is_taken_twice_stays(other: str, merged: bool) -> None:
    text = f"p[t] = x[t] * h[t-1]\nq[t] = exp(x[t]) * p[t]\nh[t] = q[t] + {other}"
    sweep = sequence_of(Cell.from_equations(text, name="p", sizes={"x": "H", "h": "H"}, output="h")).forward
    sweep = replace(sweep, wanted=sweep.wanted[:1])
    assert (merge(sweep).check() != sweep) == merged


MAXIMUM = """
name = "cell"
output = "h"
equations = '''
a[t] = W @ h[t-1]
b[t] = x[t] + V @ h[t-1]
h[t] = maximum(a[t], b[t])
'''
[sizes]
x = "H"
"""


def test_what_goes_the_other_way_of_a_switch_is_the_rest() -> None:
    """The gradients of a maximum, which are to the last digit what they were."""
    sweep = sequence_of(loads(MAXIMUM)).backward
    after = rest(sweep)
    steps = [sum(isinstance(p, Step) for e in s.equations for p in walk(e.value)) for s in (sweep, after)]
    assert steps == [2, 1]
    assert not any(isinstance(p, OneMinus) for e in after.equations for p in walk(e.value))
    inputs = arrays(sweep)
    before, now = (evaluate(s.program, inputs) for s in (sweep, after))
    for wanted in sweep.wanted:
        np.testing.assert_array_equal(now[wanted.name], before[wanted.name])


MINUS = """
name = "minus"
output = "h"
equations = "h[t] = tanh(U @ h[t-1] - W @ x[t] - (V @ h[t-1]) * (h[t-1].T @ h[t-1]))"
sizes = {x = "X", h = "H"}
"""


def test_a_minus_before_products_with_weights_is_one_before_their_vector() -> None:
    """Before the gradient of W, and before what goes back to x: the same vector, made once."""
    sweep = sequence_of(loads(MINUS)).backward
    after = unsigned(sweep)
    signed = [[p for e in s.equations for p in walk(e.value) if isinstance(p, Negative)] for s in (sweep, after)]
    assert sum(isinstance(p.args[0], MatMul) for p in signed[0]) == 2
    assert not any(isinstance(p.args[0], MatMul) for p in signed[1])
    assert [str(e.target) for e in after.equations if e not in sweep.equations] == [
        "minus(bar(pre(h)))[t]",
        "grad(W)",
        "bar(x)[t]",
    ]
    inputs = arrays(sweep)
    before, now = (evaluate(s.check().program, inputs) for s in (sweep, after))
    for wanted in sweep.wanted:
        np.testing.assert_allclose(now[wanted.name], before[wanted.name], rtol=1e-14)


def test_a_gate_is_no_switch() -> None:
    """Of d (1 - z) the difference d - d z would lose digits where z is nearly 1."""
    sweep = sequence_of(load("gru")).backward
    assert rest(sweep) == sweep


def test_a_switch_across_phases_is_found_once() -> None:
    """In an mLSTM the one product is in the loop, the other one after it."""
    sweep = rest(sequence_of(load(next(p for p in PAPERS if "mlstm" in p))).backward)
    found = [p for e in sweep.check().equations for p in walk(e.value) if isinstance(p, Step)]
    assert len(found) == len(set(found)) == 2, "of m, and of the denominator"


def test_a_quotient_by_an_early_value_is_multiplied_by_what_all_steps_make_at_once() -> None:
    """In an sLSTM d_h o / n and d_h o (c / n) / n: one product each in the loop, none for d_h o."""
    sweep = sequence_of(load("slstm")).backward
    after = hoist_factors(spread(divide(sweep)))
    assert not any(isinstance(p, (Divide, Reciprocal)) for e in after["loop"] for p in walk(e.value))
    assert operations(after) == operations(hoist_factors(sweep)) - 2
    assert "bar(h.1)[t]" not in {str(e.target) for e in after["loop"]}


@pytest.mark.parametrize("target", [numpy, torch])
def test_factors_that_wait_for_no_step_are_one_before_the_loop(target: ModuleType) -> None:
    """Of a, b and h[t-1]; the step then has one product with it, and one with what comes of x."""
    text = "z[t] = sigmoid(W @ x[t])\nh[t] = a * b * h[t-1] + (1 - z[t]) * d * h[t-1] + x[t]"
    cell = Cell.from_equations(text, name="gains", sizes={"x": "H", "h": "H"}, output="h")
    sweep = passed(sequence_of(cell).forward, target.PASSES["forward"])
    assert [p for p in PHASES for e in sweep[p] if "gain" in name_of(e.target).marks] == ["once", "before"]
    assert operations(sweep) == 4  # two products, two sums


def test_a_scalar_that_waits_for_no_step_is_made_before_the_loop() -> None:
    """One number a sample, which the loop takes in all entries.  Of the number of all steps it takes 1 - k itself."""
    text = "h[t] = (1 - m[t]) * h[t-1] + tanh((1 - k) * h[t-1])"
    cell = Cell.from_equations(text, name="clock", sizes={"h": "H", "m": 1}, constants={"k": 0.5}, output="h")
    sweep = hoist_factors(sequence_of(cell).forward)
    (made,) = (e for phase in ("once", "before") for e in sweep[phase])
    assert made.value == OneMinus(cell.inputs[0])
    assert made.target.shape == (1, 1)


def test_what_one_number_is_divided_by_is_made_for_all_steps() -> None:
    """Of the deviation in a layer normalisation: two factors are one before the loop."""
    text = "a[t] = x[t] + U @ h[t-1]\nv[t] = sum(a[t] ** 2) / n\nh[t] = tanh(a[t] / sqrt(v[t] + 0.1))"
    cell = Cell.from_equations(text, name="norm", sizes={"x": "H", "h": "H", "a": "H"}, constants={"n": 4}, output="h")
    sweep = hoist_factors(merge(spread(divide(outside(sequence_of(cell).backward)))))
    (scale,) = [e for e in sweep["before"] if name_of(e.target).marks[0] == "scale"]
    (taker,) = [e.value for e in sweep["loop"] if scale.target in symbols_in(e.value)]
    assert isinstance(taker, Negative)
    assert isinstance(taker.args[0], Divide)
    assert isinstance(taker.args[0].args[0], Sum)


def test_a_multiple_that_is_collected_is_made_for_nobody() -> None:
    """In JANET the cotangent of c by the candidate: what is packed later would hold it."""
    sweep = sequence_of(load(next(p for p in PAPERS if "janet" in p))).backward
    before = hoist_factors(spread(divide(sweep)))
    after = collect(before)
    assert len(after.equations) < len(before.equations)
    assert after == after.pruned()


@pytest.mark.parametrize(("name", "rests"), [("gru", 1), ("mgu", 1), ("lstm", 0)])
def test_what_is_left_of_a_gate_is_made_once(name: str, rests: int) -> None:
    """Of z, or f, for two slopes; of an LSTM's gates each slope has its own."""
    sweep = hoist_factors(sequence_of(load(name)).backward)
    after = again(sweep)
    before = [Counter(p for e in s["before"] for p in walk(e.value) if isinstance(p, OneMinus)) for s in (sweep, after)]
    twice = [[p for p, count in found.items() if count > 1] for found in before]
    assert len(twice[0]) == rests
    assert not twice[1]
    assert operations(after) <= operations(sweep)


def test_a_quotient_alone_stays_one() -> None:
    """d / n with nothing to make before the loop: an array of 1 / n would save nothing."""
    text = "n[t] = exp(x[t])\nh[t] = (U @ h[t-1]) / n[t]"
    sweep = sequence_of(Cell.from_equations(text, name="q", sizes={"x": "H", "h": "H"}, output="h")).backward
    after = hoist_factors(divide(sweep))
    kept = [e for e in after["loop"] if isinstance(e.value, Divide)]
    assert kept
    assert not any(isinstance(p, Reciprocal) for e in after.equations for p in walk(e.value))


def test_what_only_the_next_step_takes_is_computed_last() -> None:
    """In an sLSTM what c and n hand back, and the pack that both are rows of."""
    before = passed(sequence_of(load("slstm")).backward, [p for p in numpy.PASSES["backward"] if p is not last])
    handed = {"some(bar(c.n))[t-1]", "bar(c)[t-1]", "bar(n)[t-1]"}
    ends = [{str(e.target) for e in s["loop"][-5:]} for s in (before, last(before))]
    assert [handed <= end for end in ends] == [False, True]


def test_what_is_handed_on_waits_for_what_takes_the_value_it_is_written_over() -> None:
    """d_c f is written over d_c = d_c_next + d_h o once the slope of h, which takes that too, is there."""
    text = "c[t] = f * c[t-1] + tanh(h[t-1]) + x[t]\nh[t] = o * c[t]"
    cell = Cell.from_equations(text, name="indy", sizes={"x": "H", "h": "H", "c": "H"}, output="h")
    after = passed(sequence_of(cell).backward, numpy.PASSES["backward"])
    assert [str(e.target) for e in after["loop"]][-2:] == ["bar(h)[t-1]", "bar(c)[t-1]"]
    assert "[...] =" not in str(cell.code("numpy")).partition("def _backward")[2].partition("flat_")[0]


@pytest.mark.parametrize(
    ("h", "stays"),
    [
        ("f[t] * x[t]", False),
        ("log(1 + f[t] * k)", False),
        ("x[t] / sqrt(1 + f[t])", False),
        ("tanh(f[t]) / (1 + x[t] * x[t])", False),
        ("log(q + f[t] * k)", False),
        ("log(sum(f[t]) + f[t] * k)", True),
        ("log(f[t] * k)", True),
        ("sqrt(f[t])", True),
        ("1 / (f[t] * k)", True),
        ("f[t] ** 0.3", True),
        ("f[t] ** 2", False),
        ("x[t] / (f[t] * h[t-1] + f[t])", True),
        ("f[t] / (h[t-1] * h[t-1])", True),
    ],
)
def test_a_sigmoid_stays_one_where_its_relative_error_counts(h: str, stays: bool) -> None:
    text = f"f[t] = sigmoid(a * x[t])\nh[t] = {h}"
    sizes = {"x": "H", "h": "H"} | ({"q": 1} if "q +" in h else {})
    cell = Cell.from_equations(text, name="p", sizes=sizes, output="h")
    assert any(isinstance(e.value, Sigmoid) for e in halve(sequence_of(cell).forward).equations) == stays


def test_a_sigmoid_stays_one_where_a_later_step_divides_by_it() -> None:
    text = "i[t] = sigmoid(a * x[t])\nn[t] = n[t-1] * k + i[t]\nh[t] = x[t] / n[t-1]"
    cell = Cell.from_equations(text, name="p", sizes={"x": "H", "h": "H"}, output="h")
    assert any(isinstance(e.value, Sigmoid) for e in halve(sequence_of(cell).forward).equations)


@pytest.mark.parametrize(("both", "left"), [("w, r", True), ("x[t], r", True), ("r, x[t]", False)])
def test_what_is_added_up_of_the_second_side_of_a_switch_is_no_difference_of_sums(both: str, left: bool) -> None:
    cell = Cell.from_equations(f"h[t] = sin(h[t-1] + x[t]) + maximum({both})", name="c", sizes={"x": "H", "h": "H"})
    backward = sequence_of(cell).backward
    assert (rest(backward) == backward) == left
