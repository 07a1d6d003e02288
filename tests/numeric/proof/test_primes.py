"""Numbers modulo a prime, and the bounds from which the probability of an error follows."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from sympy import Rational, isprime

from lstmgraph.calculus import gradient
from lstmgraph.numeric.proof import Claim
from lstmgraph.numeric.proof.domain import Domain, E, Redraw
from lstmgraph.numeric.proof.identity import Sides
from lstmgraph.numeric.proof.polynomial import Polynomial, factors
from lstmgraph.numeric.proof.polynomials import Polynomials
from lstmgraph.numeric.proof.primes import MERSENNE, Bounded, PrimeField, exponent_for
from lstmgraph.reading import load


@pytest.mark.parametrize("exponent", MERSENNE[:6])
def test_the_primes_are_prime(exponent: int) -> None:
    assert isprime(2**exponent - 1)


def test_the_prime_is_larger_than_every_coefficient() -> None:
    assert [exponent_for(h) for h in (10, 59, 60.5, 88, 600, 1e6)] == [61, 61, 89, 107, 607, 0]


def test_arithmetic_and_signs() -> None:
    field = PrimeField(61, 0)
    half = field.number(Rational(1, 2))
    assert field.add(half, half) == field.one
    assert field.mul(field.inverse(7), 7) == 1
    assert [field.sign(a) for a in (half, field.number(Rational(-2, 3)), field.negative(3), 0)] == [1, -1, -1, 0]
    assert field.sign(field.unknown("a")) is None
    with pytest.raises(Redraw):
        field.inverse(0)


def test_functions_of_one_argument_are_one_number_and_steps_have_two_sides() -> None:
    field = PrimeField(61, 3)
    a = field.unknown("a")
    assert field.function("tanh", a) == field.function("tanh", a)
    assert field.mul(field.function("exp", a), field.function("exp", field.negative(a))) == 1
    assert field.add(field.step(a), field.step(field.negative(a))) == 1
    assert {PrimeField(61, k).step(PrimeField(61, k).unknown("a")) for k in range(9)} == {0, 1}


def build(domain: Domain[E]) -> E:
    """(a + 2 b / 3) (a - b) ** 3 + 5 a, of degree 4."""
    a, b = domain.unknown("a"), domain.unknown("b")
    first = domain.add(a, domain.mul(domain.number(Rational(2, 3)), b))
    whole = domain.mul(first, domain.power(domain.subtract(a, b), 3))
    return domain.add(whole, domain.mul(domain.integer(5), a))


def test_bounds_hold() -> None:
    exact = build(Polynomials(1000))
    bounds = build(Bounded(PrimeField(127, 0)))
    cleared = [abs(Fraction(c)) * 3 for c in exact.terms.values()]
    assert bounds.above.degree == max(sum(e for _, e in factors(m)) for m in exact.terms) == 4
    assert bounds.above.height >= math.log2(sum(cleared))
    assert bounds.above.height < math.log2(sum(cleared)) + 2


@pytest.mark.parametrize("name", ["lstm", "gru", "slstm"])
def test_bounds_hold_for_gradients(name: str) -> None:
    """Of the entries, polynomials in the activations and the quotients."""
    cell = load(name)
    claim, sizes = Claim(cell.step, gradient(cell)), dict.fromkeys(cell.sizes, 2)
    exact = Sides(claim, sizes, Polynomials(100_000), each=True)
    bounded = Sides(claim, sizes, Bounded(PrimeField(127, 0)), each=True)
    for (*_, polynomial), (*_, bounds) in zip(exact.entries(), bounded.entries(), strict=True):
        assert isinstance(polynomial, Polynomial)
        degree = max(sum(e for _, e in factors(m)) for m in polynomial.terms)
        below = sum(bounded.domain.divisors[k].degree * times for k, times in bounds.below.items())  # type: ignore[attr-defined]
        assert degree <= bounds.above.degree + below
        assert bounds.above.height >= 0


def test_the_largest_of_a_divisor_is_counted_where_quotients_are_added() -> None:
    """1 / (a + b) + 1 / c = (a + b + c) / ((a + b) c)"""
    domain = Bounded(PrimeField(127, 0))
    a, b, c = (domain.unknown(label) for label in "abc")
    whole = domain.add(domain.inverse(domain.add(a, b)), domain.inverse(c))
    assert whole.above.degree == 1
    assert whole.above.height == pytest.approx(math.log2(3))
    assert sorted(domain.divisors[k].degree for k in whole.below) == [1, 1]
