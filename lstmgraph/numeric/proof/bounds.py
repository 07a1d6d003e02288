"""Bounds of everything that must not vanish at a random point, found without any point.

Each number of a computation is a quotient of polynomials with whole coefficients in the unknowns.  Here it is carried
as bounds of what is above the line, and as the list of the divisors below it, each a polynomial that was divided by.
Two divisors are one where they were computed in the same way; where they are equal without that they count twice, so
the bounds hold whichever values turn out to be the same:

- a value of exp is E or 1 / E of some unknown E: E E / E or 1 / E, of degree 2 above E at most;
- a power u ** v is an unknown times u ** n, n = -2, ..., 2: see `Domain.raised`;
- a side of a kink is 0 or 1.

What must not vanish, so that a computation with numbers is the one with polynomials: every divisor; and, for every two
arguments of functions that differ, what tells them apart.  See docs/proof.md for the sum of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping
from typing import NamedTuple

from sympy import Rational

from lstmgraph.numeric.proof.domain import NEAR, Domain

SMALL = 1 << 20  # a residue n / d with n and d up to this is taken for a number, which matters for its sign only
FRACTIONS = (2 * SMALL + 1) * SMALL  # of these there are no more
LOOKED_UP = 1 + len(NEAR)  # comparisons of two arguments, at most: of powers, the bases once and the exponents


class Bound(NamedTuple):
    """Of a polynomial with whole coefficients: its degree, and the binary logarithm of the sum of their magnitudes."""

    degree: int
    height: float

    def times(self, other: Bound) -> Bound:
        return Bound(self.degree + other.degree, self.height + other.height)

    def plus(self, other: Bound) -> Bound:
        low, high = sorted((self.height, other.height))
        if low == -math.inf:
            return Bound(max(self.degree, other.degree), high)
        return Bound(max(self.degree, other.degree), high + math.log2(1 + 2 ** (low - high)))

    def power(self, n: int) -> Bound:
        return Bound(self.degree * n, self.height * n) if n else UNIT

    def or_else(self, other: Bound) -> Bound:
        """Of either."""
        return Bound(max(self.degree, other.degree), max(self.height, other.height))


NOTHING, UNIT, UNKNOWN = Bound(0, -math.inf), Bound(0, 0.0), Bound(1, 0.0)
Powers = Mapping[int, int]  # of divisors, by their numbers


class Quotient(NamedTuple):
    """`key` says how it was computed."""

    key: int
    above: Bound
    below: Powers


class Bounds(Domain[Quotient]):
    """Where a computation is followed with bounds for its values."""

    def __init__(self) -> None:
        super().__init__()
        self.made: dict[Hashable, Quotient] = {}
        self.divisors: dict[int, Bound] = {}
        self.arguments, self.below = UNIT, UNIT  # the largest of all arguments, above and below the line
        self.remembered = 0  # how many values were remembered by their arguments
        self.kinks = 0
        self.zero, self.one = self.number(Rational(0)), self.number(Rational(1))

    def _once(self, how: Hashable, make: Callable[[], tuple[Bound, Powers]]) -> Quotient:
        """What is computed in the same way is the same."""
        if how not in self.made:
            above, below = make()
            self.made[how] = Quotient(len(self.made), above, below)
        return self.made[how]

    def _new(self) -> Quotient:
        return self._once(len(self.made), lambda: (UNKNOWN, {}))

    def number(self, value: Rational) -> Quotient:
        p, q = int(value.p), int(value.q)
        above = Bound(0, math.log2(abs(p))) if p else NOTHING
        if q == 1:
            return self._once(("number", p, q), lambda: (above, {}))
        divisor = self.number(Rational(q))
        self.divisors[divisor.key] = divisor.above
        return self._once(("number", p, q), lambda: (above, {divisor.key: 1}))

    def unknown(self, label: str) -> Quotient:  # noqa: ARG002 - its bounds are those of any other
        return self._new()

    def bit(self, label: str) -> Quotient:  # noqa: ARG002
        return self._once(("bit", len(self.made)), lambda: (UNIT, {}))

    def add(self, a: Quotient, b: Quotient) -> Quotient:
        if a is self.zero or b is self.zero:
            return b if a is self.zero else a
        return self._once(("add", *sorted((a.key, b.key))), lambda: self._sum(a, b))

    def _sum(self, a: Quotient, b: Quotient) -> tuple[Bound, Powers]:
        below = {k: max(a.below.get(k, 0), b.below.get(k, 0)) for k in (*a.below, *b.below)}
        return self._over(a, below).plus(self._over(b, below)), below

    def _over(self, a: Quotient, below: Powers) -> Bound:
        """What is above the line where `below` is below it."""
        bound = a.above
        for k, times in below.items():
            if times > a.below.get(k, 0):
                bound = bound.times(self.divisors[k].power(times - a.below.get(k, 0)))
        return bound

    def mul(self, a: Quotient, b: Quotient) -> Quotient:
        if a is self.zero or b is self.zero:
            return self.zero
        if a is self.one or b is self.one:
            return b if a is self.one else a
        below = {k: a.below.get(k, 0) + b.below.get(k, 0) for k in (*a.below, *b.below)}
        return self._once(("mul", *sorted((a.key, b.key))), lambda: (a.above.times(b.above), below))

    def inverse(self, a: Quotient) -> Quotient:
        """What is below comes above, and what is above is one more divisor."""
        return self._once(("inverse", a.key), lambda: (self._whole(a.below), self._divided_by(a)))

    def _divided_by(self, a: Quotient) -> Powers:
        self.divisors[a.key] = a.above
        return {a.key: 1}

    def _whole(self, below: Powers) -> Bound:
        bound = UNIT
        for k, times in below.items():
            bound = bound.times(self.divisors[k].power(times))
        return bound

    def power(self, a: Quotient, exponent: int) -> Quotient:
        if exponent < 0:
            return self.power(self.inverse(a), -exponent)
        below = {k: times * exponent for k, times in a.below.items()}
        return self._once(("whole power", a.key, exponent), lambda: (a.above.power(exponent), below))

    def key(self, a: Quotient) -> Hashable:
        return a.key

    def is_zero(self, a: Quotient) -> bool:
        """Whether it is said to be zero."""
        return a.above == NOTHING

    def sign(self, a: Quotient) -> int | None:  # noqa: ARG002 - whatever it is, a side is 0 or 1
        return None

    # ── what is remembered by its arguments ──

    def _remember(self, *arguments: Quotient) -> None:
        self.remembered += 1
        for a in arguments:
            self.arguments, self.below = self.arguments.or_else(a.above), self.below.or_else(self._whole(a.below))

    def function(self, name: str, *arguments: Quotient) -> Quotient:
        return self._once((name, *(a.key for a in arguments)), lambda: self._value(name, arguments))

    def _value(self, name: str, arguments: tuple[Quotient, ...]) -> tuple[Bound, Powers]:
        self._remember(*arguments)
        if name != "exp":
            return UNKNOWN, {}
        e = self._new()
        return UNKNOWN.power(2), self._divided_by(e)

    def raised(self, base: Quotient, exponent: Quotient) -> Quotient:
        return self._once(("raised", base.key, exponent.key), lambda: self._raised(base, exponent))

    def _raised(self, base: Quotient, exponent: Quotient) -> tuple[Bound, Powers]:
        """For a base B / Q: P B^4 / (B Q)^2, or P Q^4 / (B Q)^2, or something between."""
        self._remember(base, exponent)
        most = max(NEAR)
        above = base.above.or_else(self._whole(base.below)).or_else(UNIT).power(2 * most)
        twice = {k: most * times for k, times in base.below.items()}
        own = self._divided_by(base)
        return above.times(UNKNOWN), {k: twice.get(k, 0) + most * own.get(k, 0) for k in (*twice, *own)}

    def root(self, base: Quotient, degree: int) -> Quotient:
        return self.function(f"root {degree}", base)

    def step(self, a: Quotient) -> Quotient:
        """1, or 0, or a side that is drawn, or what is left of 1 by it: no matter which, the bounds are those of 1."""
        return self._once(("step", a.key), lambda: self._side(a))

    def _side(self, a: Quotient) -> tuple[Bound, Powers]:
        self._remember(a)
        self.kinks += 1
        return UNIT, {}

    # ── the sum of it ──

    @property
    def apart(self) -> Bound:
        """For two arguments A / P and B / Q, or their sum, or next to them: A Q - B P + n P Q; or d A - n P."""
        differ = self.arguments.or_else(self.below).times(self.below)
        return Bound(differ.degree, differ.height + math.log2(SMALL) + 2)

    def accidents(self) -> Bound:
        """Of the product of all that must not vanish, its degree; of the factors, the largest height."""
        pairs = self.remembered * (self.remembered - 1) // 2
        degree = (LOOKED_UP * pairs + self.remembered + FRACTIONS * self.kinks) * self.apart.degree
        heights = (self.apart.height, *(d.height for d in self.divisors.values()))
        return Bound(degree + sum(d.degree for d in self.divisors.values()), max(heights))
