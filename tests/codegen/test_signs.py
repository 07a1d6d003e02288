"""No operation for a sign or a number where another one can have it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sympy import MatAdd, MatMul, MatrixExpr, MatrixSymbol

from lstmgraph.algebra.names import size
from lstmgraph.algebra.nodes import (
    Concat,
    Cos,
    Divide,
    Fill,
    Hadamard,
    Identity,
    Negative,
    Reciprocal,
    Slice,
    Sum,
    Tanh,
)
from lstmgraph.codegen.passes import minus, outside
from tests.codegen.test_small_sweeps import H, M, a, b, before, c, h, p, q, same, sweep_of, u, v

n = MatrixSymbol("n", 1, 1)


@pytest.mark.parametrize(
    ("entries", "after"),
    [
        (Negative(a), Negative(Sum(a))),
        (Hadamard(Fill(3, H, 1), a, b), Hadamard(Fill(3, 1, 1), Sum(Hadamard(a, b)))),
        (Negative(Hadamard(Fill(2, H, 1), a)), Negative(Hadamard(Fill(2, 1, 1), Sum(a)))),
        (Hadamard(p, a), Sum(Hadamard(p, a))),
        (Hadamard(Fill(n, H, 1), a), Sum(Hadamard(Fill(n, H, 1), a))),
    ],
    ids=["a minus", "a number", "both", "a vector", "what may be large"],
)
def test_a_number_of_all_entries_multiplies_their_sum(entries: MatrixExpr, after: MatrixExpr) -> None:
    sweep = sweep_of((a, Tanh(before)), (b, Cos(before)), (h, Fill(Sum(entries), H, 1)), more=(n,))
    assert outside(sweep).definitions[h.name] == Fill(after, H, 1)


MINUS_A = (a, Negative(Hadamard(p, before)))
THROUGH: dict[str, Callable[[MatrixExpr], MatrixExpr]] = {
    "through a mean": lambda value: Fill(Divide(Sum(value), n), H, 1),
    "through rows": lambda value: Fill(Slice(value, size(0), size(1)), H, 1),
    "through a reciprocal": Reciprocal,
    "through a second name": Identity,
}


@pytest.mark.parametrize(
    ("takers", "after"),
    [
        ([(h, MatAdd(Tanh(before), a))], {"h": MatAdd(Tanh(before), Negative(u))}),
        (
            [(b, MatMul(M, a)), (h, MatAdd(Tanh(before), b))],
            {"minus(b)": MatMul(M, u), "h": MatAdd(Tanh(before), Negative(v))},
        ),
        ([(h, Negative(Divide(a, Cos(before))))], {"h": Divide(u, Cos(before))}),
        ([(h, Hadamard(a, a))], {"h": Hadamard(u, u)}),
        *[
            ([(h, MatAdd(Tanh(before), through(a)))], {"h": MatAdd(Tanh(before), Negative(through(u)))})
            for through in THROUGH.values()
        ],
        ([(h, Tanh(a))], None),
        ([(h, MatMul(M, a))], None),
        ([(b, MatAdd(Tanh(before), a)), (h, Concat(Slice(a, size(0), size(1)), Slice(b, size(0), H - 1)))], None),
        ([(b, MatAdd(Tanh(before), a)), (h, a)], None),
        ([(h, MatAdd(a, Negative(Tanh(before))))], None),
    ],
    ids=[
        *(
            "a subtraction",
            "through a product",
            "another minus",
            "twice",
            *THROUGH,
            "a function",
            "of what is handed on",
        ),
        *("a stack", "handed on", "no other term"),
    ],
)
def test_a_minus_goes_on_to_a_subtraction(
    takers: list[tuple[MatrixSymbol, MatrixExpr]], after: dict[str, MatrixExpr] | None
) -> None:
    """u stands for what a is without its minus, v for what b is."""
    sweep = sweep_of(MINUS_A, *takers, more=(n,))
    changed = minus(sweep)
    assert same(sweep, changed)
    if after is None:
        assert changed == sweep
        return
    found = {str(e.target).removesuffix("[t]"): e.value for e in changed.equations}
    there = {str(e.target): e.target for e in changed.equations}
    new = {u: there["minus(a)[t]"], v: there.get("minus(b)[t]", v)}
    assert {name: found[name] for name in after} == {name: value.xreplace(new) for name, value in after.items()}
    assert found["minus(a)"] == MINUS_A[1].args[0]


def test_what_is_handed_on_keeps_its_minus() -> None:
    """Even if nobody wants it."""
    sweep = sweep_of((h, Negative(Tanh(before))), (b, MatAdd(h, Cos(before))))
    assert minus(sweep) == sweep
    assert minus(replace(sweep, wanted=(b,))) == replace(sweep, wanted=(b,))


@pytest.mark.parametrize("more", [{"wanted": (h, a)}, {"summed": frozenset({a})}], ids=["wanted", "summed"])
def test_what_others_have_by_its_name_keeps_its_minus(more: dict[str, Any]) -> None:
    sweep = sweep_of(MINUS_A, (h, MatAdd(Tanh(before), a)))
    assert minus(sweep) != sweep
    assert minus(replace(sweep, **more)) == replace(sweep, **more)


def test_two_values_in_a_row_lose_their_minus_together() -> None:
    """The first alone would only hand it on."""
    sweep = sweep_of(MINUS_A, (b, Negative(Divide(a, Tanh(before)))), (h, MatAdd(b, a, Cos(before))))
    changed = minus(sweep)
    assert same(sweep, changed)
    assert str(next(e.value for e in changed.equations if e.target == h)).count("Negative") == 1


def test_what_is_left_of_a_minus_is_no_second_name() -> None:
    """a = -h[t-1] is no value of its own without it."""
    sweep = sweep_of((a, Negative(before)), (b, Tanh(before)), (h, MatAdd(b, a)))
    changed = minus(sweep)
    assert same(sweep, changed)
    assert [e.target for e in changed.equations] == [b, h]


def test_two_that_meet_lose_their_minus() -> None:
    """b is the product of a and of c, which is a multiple of a: of its two the one takes the other."""
    sweep = sweep_of(MINUS_A, (c, Hadamard(a, q)), (b, Hadamard(a, c)), (h, MatAdd(Cos(before), b, a)), more=(q,))
    changed = minus(sweep)
    assert changed != sweep
    assert same(sweep, changed)
    assert {str(e.target).split("(")[0] for e in changed.equations} == {"minus", "b[t]", "h[t]"}
