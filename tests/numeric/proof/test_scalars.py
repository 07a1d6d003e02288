"""Scalar formulas and their derivatives, against SymPy's own; what each operation is taken for is complete."""

from __future__ import annotations

import pytest
import sympy as sp

from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.maps import MAPS
from lstmgraph.algebra.rules import RULES
from lstmgraph.errors import UsageError
from lstmgraph.numeric.proof.interpret import OPERATIONS
from lstmgraph.numeric.proof.polynomials import Polynomials
from lstmgraph.numeric.proof.primes import PrimeField
from lstmgraph.numeric.proof.scalars import Dual, Scalars
from lstmgraph.numeric.proof.treatment import (
    EXPONENTIAL,
    FUNCTION,
    LIMITS,
    ORDER,
    POLYNOMIAL,
    QUOTIENT,
    ROOT,
    STEP,
    TREATMENT,
    treated,
)

A, B = sp.symbols("a b", real=True)
PRIME = 2**61 - 1


@pytest.mark.parametrize("cls", RULES, ids=lambda cls: cls.__name__)
def test_every_operation_can_be_computed_and_is_said_to_be_taken_for_something(cls: type) -> None:
    assert cls in TREATMENT or issubclass(cls, n.Elementwise)
    assert set(treated(cls)) <= set(ORDER)
    assert cls in OPERATIONS or issubclass(cls, n.Elementwise)


def test_nothing_else_is_in_the_tables() -> None:
    assert set(TREATMENT) < set(RULES)
    assert set(OPERATIONS) < {*RULES, *MAPS}
    assert set(MAPS) < set(OPERATIONS)
    assert set(LIMITS) < set(ORDER)


@pytest.mark.parametrize(
    ("cls", "words"),
    [
        (n.Sigmoid, [EXPONENTIAL]),
        (n.Softplus, [FUNCTION, EXPONENTIAL]),
        (n.Sqrt, [ROOT]),
        (n.Reciprocal, [QUOTIENT]),
        (n.Relu, [STEP]),
        (n.OneMinus, [POLYNOMIAL]),
    ],
)
def test_what_functions_are_taken_for_follows_from_their_formulas(cls: type, words: list[str]) -> None:
    assert list(treated(cls)) == words


FORMULAS = [
    A * B + A**3 - 2,
    (A + 1) / (B - A),
    sp.exp(A * B),
    sp.log(A + B) * sp.tanh(A),
    sp.sin(A) * sp.cos(B * A),
    sp.atan(A * B) + sp.sinh(A),
    (A + B) ** sp.Rational(2, 3) / A,
    sp.sqrt(A) ** 3,
    A ** (B + 1),
    sp.pi * A / 3,
    1 / (1 + sp.exp(-A)),
]


@pytest.mark.parametrize("formula", FORMULAS, ids=str)
def test_derivatives_are_those_of_sympy(formula: sp.Expr) -> None:
    """The dual number's, and the value of the formula that SymPy derives, as polynomials."""
    for wrt in (A, B):
        domain = Polynomials(10_000)
        scalars = Scalars(domain)
        values = {s: domain.unknown(str(s)) for s in (A, B)}
        leaves = {s: Dual(v, {"along": domain.one} if s == wrt else {}) for s, v in values.items()}
        found = scalars.dual(formula, leaves).slopes.get("along", domain.zero)
        derived = scalars.dual(sp.diff(formula, wrt), {s: Dual(v) for s, v in values.items()}).value
        assert domain.is_zero(domain.subtract(found, derived)), formula


@pytest.mark.parametrize(
    ("formula", "slopes"),
    [
        (sp.Abs(A), {1: [1], 0: [-1]}),
        (sp.Max(A, B), {1: [1, 0], 0: [0, 1]}),
        (sp.Min(A, B), {1: [0, 1], 0: [1, 0]}),
        (sp.Heaviside(A, 0), {1: [], 0: []}),
        (sp.sign(A), {1: [], 0: []}),
    ],
    ids=str,
)
def test_kinks_have_the_slope_of_one_side(formula: sp.Expr, slopes: dict[int, list[int]]) -> None:
    seen = set()
    for seed in range(2):
        field = PrimeField(PRIME, 0, seed % 2)
        scalars, p = Scalars(field), field.prime
        a, b = (scalars.domain.unknown(x) for x in "ab")
        found = scalars.dual(formula, {A: Dual(a, {"a": 1}), B: Dual(b, {"b": 1})})
        side = scalars.domain.step(a if formula.func not in (sp.Max, sp.Min) else (a - b) % p)
        if formula.func is sp.Min:
            side = 1 - scalars.domain.step((b - a) % p)
        wanted = [s % p for s in slopes[side]]
        assert [found.slopes.get(k, 0) for k in "ab"[: len(wanted)]] == wanted
        seen.add(side)
    assert seen == {0, 1}


def test_at_a_tie_that_always_is_one_the_second_counts() -> None:
    scalars = Scalars(PrimeField(PRIME, 0))
    larger = scalars.larger(Dual(5, {"first": 1}), Dual(5, {"second": 1}))
    assert larger.slopes["second"] == 1
    assert larger.slopes["first"] == 0


def test_what_is_no_known_formula_is_refused() -> None:
    scalars = Scalars(PrimeField(PRIME, 0))
    with pytest.raises(UsageError, match="does not know the scalar formula"):
        scalars.dual(sp.Piecewise((A, A > 0), (0, True)), {A: Dual(3)})
