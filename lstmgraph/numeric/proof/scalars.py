"""Scalar formulas of SymPy in a domain, each with its derivatives: dual numbers.

A derivative is that of sums, products, quotients and powers, as every text book has them, and for a function of one
argument SymPy's own (`fdiff`): exp, log, tanh, sin, cos and whatever else a new operation's formula may hold.  Nothing
here knows the operations of a cell, or any rule by which gradients are derived.

To add a kind of formula: a row of `_HEADS`.  A function of one argument that is smooth needs none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, reduce
from typing import Any, Generic, NamedTuple

import sympy as sp
from sympy import Expr, Rational
from sympy.matrices.expressions.matexpr import MatrixElement

from lstmgraph.errors import UsageError
from lstmgraph.numeric.proof.domain import Domain, E

ARGUMENT = sp.Dummy("argument")


class Dual(NamedTuple, Generic[E]):
    """A value and its derivatives: by an entry of an operand, or along a direction; those that are left out are 0."""

    value: E
    slopes: Mapping[Any, E] = {}


Leaves = Mapping[Expr, "Dual[E]"]


class Scalars(Generic[E]):
    """Formulas in one domain."""

    def __init__(self, domain: Domain[E]) -> None:
        self.domain = domain

    def dual(self, formula: Expr, leaves: Leaves[E]) -> Dual[E]:
        """The value of a formula and its derivatives, from those of its leaves: symbols and entries of matrices.

        Raises UsageError for a formula that is none of these.
        """
        if isinstance(formula, (sp.Symbol, MatrixElement)):
            return leaves[formula]
        if isinstance(formula, (sp.Rational, sp.Float)):
            return Dual(self.domain.number(exact(formula)))
        if formula.is_NumberSymbol:
            return Dual(self.domain.function(str(formula)))
        arguments = [self.dual(a, leaves) for a in formula.args]
        if formula.func in _HEADS:
            return _HEADS[formula.func](self, formula, arguments)
        if isinstance(formula, sp.Function) and len(arguments) == 1:
            return self.function(formula.func, arguments[0])
        raise UsageError(f"a proof does not know the scalar formula {formula}", hint=f"it has: {known_formulas()}")

    def chain(self, value: E, *parts: tuple[E, Dual[E]]) -> Dual[E]:
        """A value of which each part says its derivative by an argument, and the argument."""
        slopes: dict[Any, E] = {}
        for slope, argument in parts:
            for direction, share in argument.slopes.items():
                term = self.domain.mul(slope, share)
                slopes[direction] = self.domain.add(slopes[direction], term) if direction in slopes else term
        return Dual(value, slopes)

    def function(self, func: Any, a: Dual[E]) -> Dual[E]:
        """A function of one argument, an unknown; its slope is SymPy's."""
        value = self.domain.function(func.__name__, a.value)
        if not a.slopes:
            return Dual(value)
        slope = self.dual(slope_of(func), {ARGUMENT: Dual(a.value)})
        return self.chain(value, (slope.value, a))

    def product(self, a: Dual[E], b: Dual[E]) -> Dual[E]:
        return self.chain(self.domain.mul(a.value, b.value), (b.value, a), (a.value, b))

    def total(self, *terms: Dual[E]) -> Dual[E]:
        return self.chain(self.domain.total(t.value for t in terms), *((self.domain.one, t) for t in terms))

    def scaled(self, number: int, a: Dual[E]) -> Dual[E]:
        return self.product(Dual(self.domain.integer(number)), a)

    # ── powers ──

    def power(self, formula: Expr, base: Dual[E], exponent: Dual[E]) -> Dual[E]:
        """A whole power, that of a root, or base ** exponent with an exponent that is no number."""
        given = formula.args[1]
        if isinstance(given, (sp.Rational, sp.Float)):
            number = exact(given)
            return self.whole_power(self.root(base, number.q), number.p)
        return self.general_power(base, exponent)

    def whole_power(self, a: Dual[E], n: int) -> Dual[E]:
        """n a ** (n - 1)"""
        domain = self.domain
        value = domain.power(a.value, n)
        if not a.slopes or n == 0:
            return Dual(value)
        return self.chain(value, (domain.mul(domain.integer(n), domain.power(a.value, n - 1)), a))

    def root(self, a: Dual[E], degree: int) -> Dual[E]:
        """w ** q = a, so q w ** (q - 1) dw = da"""
        if degree == 1:
            return a
        domain = self.domain
        w = domain.root(a.value, degree)
        if not a.slopes:
            return Dual(w)
        return self.chain(w, (domain.inverse(domain.mul(domain.integer(degree), domain.power(w, degree - 1))), a))

    def general_power(self, base: Dual[E], exponent: Dual[E]) -> Dual[E]:
        """b ** e = exp(e log b), so its derivative is b ** e (e db / b + log(b) de)"""
        domain = self.domain
        value = domain.raised(base.value, exponent.value)
        parts = []
        if base.slopes:
            parts.append((domain.product([value, exponent.value, domain.inverse(base.value)]), base))
        if exponent.slopes:
            parts.append((domain.mul(value, domain.function("log", base.value)), exponent))
        return self.chain(value, *parts)

    # ── what has a kink: a step is a 0 or 1 that does not change nearby ──

    def step(self, a: Dual[E]) -> E:
        return self.domain.step(a.value)

    def sign(self, a: Dual[E]) -> E:
        return self.domain.subtract(self.domain.step(a.value), self.domain.step(self.domain.negative(a.value)))

    def larger(self, a: Dual[E], b: Dual[E]) -> Dual[E]:
        """a where a - b is positive, else b"""
        first = Dual(self.step(self.total(a, self.scaled(-1, b))))
        second = Dual(self.domain.subtract(self.domain.one, first.value))
        return self.total(self.product(first, a), self.product(second, b))

    def smaller(self, a: Dual[E], b: Dual[E]) -> Dual[E]:
        return self.scaled(-1, self.larger(self.scaled(-1, a), self.scaled(-1, b)))


Head = Callable[[Scalars[Any], Expr, Sequence[Dual[Any]]], Dual[Any]]

_HEADS: dict[type, Head] = {
    sp.Add: lambda s, _, a: s.total(*a),
    sp.Mul: lambda s, _, a: reduce(s.product, a),
    sp.Pow: lambda s, formula, a: s.power(formula, *a),
    sp.Abs: lambda s, _, a: s.product(Dual(s.sign(a[0])), a[0]),
    sp.sign: lambda s, _, a: Dual(s.sign(a[0])),
    sp.Heaviside: lambda s, _, a: Dual(s.step(a[0])),
    sp.Max: lambda s, _, a: reduce(s.larger, a),
    sp.Min: lambda s, _, a: reduce(s.smaller, a),
}


def exact(number: Expr) -> Rational:
    """A number as it is written: 0.1 is one tenth."""
    return number if isinstance(number, Rational) else Rational(str(number))


def known_formulas() -> str:
    return ", ".join(sorted(head.__name__ for head in _HEADS)) + ", functions of one argument"


@lru_cache(maxsize=64)
def slope_of(func: Any) -> Expr:
    """The derivative of a function, in ARGUMENT."""
    return func(ARGUMENT).fdiff()
