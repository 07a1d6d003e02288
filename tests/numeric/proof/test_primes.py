"""Numbers modulo a prime: their arithmetic, their signs, and which sides of kinks they take."""

from __future__ import annotations

import pytest
from sympy import Rational, isprime

from lstmgraph.numeric.proof.domain import Redraw
from lstmgraph.numeric.proof.primes import MERSENNE, PrimeField, exponent_for

PRIME = 2**61 - 1


@pytest.mark.parametrize("exponent", MERSENNE[:4])
def test_the_primes_are_prime(exponent: int) -> None:
    assert isprime(2**exponent - 1)


def test_the_prime_is_larger_than_every_coefficient() -> None:
    assert [exponent_for(h) for h in (10, 125.5, 126.5, 600, 1e6)] == [127, 127, 521, 607, 0]


def test_arithmetic_and_signs() -> None:
    field = PrimeField(PRIME, 0)
    half = field.number(Rational(1, 2))
    assert field.add(half, half) == field.one
    assert field.mul(field.inverse(7), 7) == 1
    assert field.power(7, 3) == 343
    assert field.mul(field.power(7, -3), 343) == 1
    assert [field.sign(a) for a in (half, field.number(Rational(-2, 3)), field.negative(3), 0)] == [1, -1, -1, 0]
    assert field.sign(field.unknown("a")) is None
    with pytest.raises(Redraw):
        field.inverse(0)


def test_functions_of_one_argument_are_one_number() -> None:
    field = PrimeField(PRIME, 3)
    a = field.unknown("a")
    assert field.function("tanh", a) == field.function("tanh", a)
    assert field.mul(field.function("exp", a), field.function("exp", field.negative(a))) == 1
    with pytest.raises(Redraw):
        field.raised(0, a)


def test_the_sides_of_kinks_are_those_of_a_choice_and_not_drawn_with_the_point() -> None:
    for seed in range(3):
        field = PrimeField(PRIME, seed, 0b101)
        kinks = [field.unknown("") for _ in range(4)]
        assert [field.step(a) for a in kinks] == [1, 0, 1, 0]
        assert [field.step(field.negative(a)) for a in kinks] == [0, 1, 0, 1]
        assert [field.step(a) for a in kinks] == [1, 0, 1, 0], "a kink that was met has its side"
        assert (field.step(3), field.step(field.negative(3))) == (1, 0), "what has a sign has no sides"
        assert field.kinks == 4
