"""The exact domain: its arithmetic is SymPy's, and zero is told from what is not."""

from __future__ import annotations

from fractions import Fraction

import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Rational

from lstmgraph.numeric.proof.domain import Redraw, TooLarge
from lstmgraph.numeric.proof.polynomial import LARGEST, Polynomial, factors
from lstmgraph.numeric.proof.polynomials import Polynomials

SYMBOLS = sp.symbols("u0:6")
TERMS = st.dictionaries(
    st.tuples(*[st.integers(0, 3)] * len(SYMBOLS)), st.fractions(-3, 3, max_denominator=4).filter(bool), max_size=5
)


def ours(terms: dict[tuple[int, ...], Fraction]) -> Polynomial:
    return Polynomial({sum(e << 16 * k for k, e in enumerate(monomial)): c for monomial, c in terms.items()})


def sympys(polynomial: Polynomial) -> sp.Expr:
    """By way of what `factors` says."""
    return sp.Add(
        *(
            Rational(Fraction(c).numerator, Fraction(c).denominator)
            * sp.Mul(*(SYMBOLS[k] ** e for k, e in factors(monomial)))
            for monomial, c in polynomial.terms.items()
        )
    )


@settings(max_examples=25)
@given(TERMS, TERMS)
def test_sums_and_products_are_those_of_sympy(
    a: dict[tuple[int, ...], Fraction], b: dict[tuple[int, ...], Fraction]
) -> None:
    p, q = ours(a), ours(b)
    assert sp.expand(sympys(p * q) - sympys(p) * sympys(q)) == 0
    assert sp.expand(sympys(p + q) - sympys(p) - sympys(q)) == 0
    assert p + -p == Polynomial({})
    assert hash(p * q) == hash(q * p)
    for k in range(len(SYMBOLS)):
        assert sp.expand(sum(sympys(c) * SYMBOLS[k] ** e for e, c in p.powers_of(k).items()) - sympys(p)) == 0


@settings(max_examples=25)
@given(TERMS.filter(bool))
def test_the_shared_monomial_divides_and_leaves_nothing_shared(a: dict[tuple[int, ...], Fraction]) -> None:
    p = ours(a)
    rest = Polynomial({m - p.shared(): c for m, c in p.terms.items()})
    assert rest.shared() == 0
    assert p.unknowns() == {SYMBOLS.index(s) for s in sympys(p).free_symbols}


@pytest.fixture
def domain() -> Polynomials:
    return Polynomials(10_000)


def test_a_quotient_times_its_divisor_is_one(domain: Polynomials) -> None:
    a, b = domain.unknown("a"), domain.unknown("b")
    for d in (a, a + b, a * b + domain.one, domain.number(Rational(3, 2)), a * a * b):
        r = domain.inverse(d)
        assert domain.is_zero(domain.subtract(domain.mul(r, d), domain.one))
        assert not domain.is_zero(domain.subtract(domain.mul(r, r), domain.one))
        assert domain.is_zero(domain.subtract(domain.inverse(r), d))
    with pytest.raises(Redraw):
        domain.inverse(domain.zero)


def test_quotients_of_quotients(domain: Polynomials) -> None:
    """1 / (1 + 1 / a) = a / (a + 1), 1 / a - 1 / b = (b - a) / (a b)"""
    a, b, one = domain.unknown("a"), domain.unknown("b"), domain.one
    left = domain.inverse(one + domain.inverse(a))
    assert domain.is_zero(domain.subtract(left, domain.mul(a, domain.inverse(a + one))))
    apart = domain.subtract(domain.inverse(a), domain.inverse(b))
    assert domain.is_zero(domain.subtract(apart, domain.mul(b + -a, domain.inverse(a * b))))
    assert not domain.is_zero(domain.subtract(apart, domain.mul(a + -b, domain.inverse(a * b))))


def test_the_sigmoid_has_the_slope_that_people_know(domain: Polynomials) -> None:
    a = domain.unknown("a")
    e = domain.function("exp", -a)
    y = domain.inverse(domain.one + e)
    slope = domain.mul(domain.mul(y, y), e)
    assert domain.reduce(slope) == domain.reduce(y + -(y * y))
    assert domain.function("exp", a) == domain.inverse(e)
    assert domain.function("exp", a + a) != domain.function("exp", a)


def test_roots(domain: Polynomials) -> None:
    a = domain.unknown("a") + domain.one
    w = domain.root(a, 3)
    assert domain.is_zero(domain.subtract(domain.power(w, 3), a))
    assert not domain.is_zero(domain.subtract(domain.power(w, 2), a))
    assert domain.is_zero(domain.subtract(domain.mul(domain.inverse(a), w), domain.power(w, -2)))
    assert domain.root(a, 3) == w


def test_steps_are_0_or_1_on_both_sides(domain: Polynomials) -> None:
    a = domain.unknown("a")
    s = domain.step(a)
    assert domain.is_zero(domain.subtract(domain.mul(s, s), s))
    assert domain.is_zero(domain.subtract(domain.step(-a), domain.one + -s))
    assert domain.step(a.times(0, 2)) == s
    assert not domain.is_zero(s)
    magnitude = domain.mul(a, s + s + -domain.one)
    assert domain.is_zero(domain.subtract(domain.step(magnitude), domain.one)), (
        "the magnitude is positive on both sides"
    )
    assert domain.step(domain.zero) == domain.zero
    assert domain.step(domain.number(Rational(1, 3))) == domain.one
    assert domain.step(domain.number(Rational(-1, 3))) == domain.zero


def test_powers_whose_exponents_differ_by_a_whole_number(domain: Polynomials) -> None:
    a, p = domain.unknown("a"), domain.unknown("p")
    assert domain.is_zero(domain.subtract(domain.mul(domain.raised(a, p), a), domain.raised(a, p + domain.one)))
    assert domain.is_zero(
        domain.subtract(domain.raised(a, p + -domain.one), domain.mul(domain.raised(a, p), domain.inverse(a)))
    )
    assert domain.raised(a, p + p) != domain.raised(a, p)


def test_there_is_an_end() -> None:
    domain = Polynomials(100)
    a = domain.unknown("a") + domain.one
    with pytest.raises(TooLarge):
        domain.power(a, 40)


def test_an_exponent_never_runs_over_into_the_next_unknown() -> None:
    domain = Polynomials(200_000)
    a, b = domain.unknown("a"), domain.unknown("b")
    largest = domain.power(a, LARGEST)
    assert not domain.is_zero(domain.subtract(largest, b))
    with pytest.raises(TooLarge, match="exponents beyond 65535"):
        domain.power(a, LARGEST + 1)
    with pytest.raises(TooLarge, match="exponents beyond 65535"):
        a.times(next(iter(largest.terms)), 1)
    lower = domain.add(largest, domain.mul(b, -domain.one) + -largest)  # a bound that is not the largest exponent
    assert domain.mul(lower, domain.power(a, LARGEST - 1)).largest() == LARGEST - 1


def test_polynomials_can_be_read() -> None:
    domain = Polynomials(100)
    a, b = domain.unknown("a"), domain.unknown("b")
    assert domain.spelling(domain.mul(a, a).times(0, -2) + b) == "b - 2 a^2"
    assert domain.spelling(domain.zero) == "0"
    assert domain.spelling(domain.total([a, b, a * b, a * a, b * b])).endswith("(5 terms)")
