"""Numbers modulo a prime, drawn at random: a polynomial that is not zero is zero at few of its points.

By the lemma of Schwartz and Zippel (R. Zippel, 1979; J. Schwartz, 1980) a polynomial of degree D that is not zero
modulo p is zero at a random point with probability D / p at most.  What D is, and how large a coefficient can be, is
found by the very computation that is to be judged, done once in `Bounded`, where each number carries bounds for the
polynomial whose value it is.  The prime for the trials is then chosen: larger than every coefficient, so that a
polynomial that is not zero is not zero modulo p either.
"""

from __future__ import annotations

import math
import random
from collections.abc import Hashable, Mapping
from typing import NamedTuple

from sympy import Rational

from lstmgraph.numeric.proof.domain import Domain, Redraw

MERSENNE = (61, 89, 107, 127, 521, 607, 1279, 2203, 4253, 9689)  # 2 ** k - 1 is prime
SMALL = 1 << 20  # a residue n / d with n and d up to this is taken for a number, which matters for its sign only


class PrimeField(Domain[int]):
    """The integers modulo 2 ** exponent - 1."""

    def __init__(self, exponent: int, seed: int) -> None:
        super().__init__()
        self.prime = (1 << exponent) - 1
        self.random, self.shares = random.Random(seed), random.Random(f"directions of {seed}")
        self.zero, self.one = 0, 1

    def number(self, value: Rational) -> int:
        return int(value.p) * pow(int(value.q), -1, self.prime) % self.prime

    def integer(self, value: int) -> int:
        return value % self.prime

    def unknown(self, label: str) -> int:  # noqa: ARG002 - a number needs no name
        return self.random.randrange(2, self.prime)

    def share(self, label: str) -> int:  # noqa: ARG002
        return self.shares.randrange(2, self.prime)

    def bit(self, label: str) -> int:  # noqa: ARG002
        return self.random.randrange(2)

    def add(self, a: int, b: int) -> int:
        return (a + b) % self.prime

    def mul(self, a: int, b: int) -> int:
        return a * b % self.prime

    def inverse(self, a: int) -> int:
        if a % self.prime == 0:
            raise Redraw
        return pow(a, -1, self.prime)

    def key(self, a: int) -> Hashable:
        return a

    def is_zero(self, a: int) -> bool:
        return a % self.prime == 0

    def sign(self, a: int) -> int | None:
        """By Euclid's algorithm, which finds n and d with a = n / d where small ones exist."""
        before, left, factor_before, factor = self.prime, a, 0, 1
        while left > SMALL:
            quotient = before // left
            before, left = left, before - quotient * left
            factor_before, factor = factor, factor_before - quotient * factor
        if left and abs(factor) > SMALL:
            return None
        return 0 if left == 0 else 1 if factor > 0 else -1


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
        return Bound(self.degree * n, self.height * n)


NOTHING, UNIT, UNKNOWN = Bound(0, -math.inf), Bound(0, 0.0), Bound(1, 0.0)


class Bounds(NamedTuple):
    """A value, and bounds of the polynomial above the line; below it are powers of polynomials, told by a key."""

    value: int
    above: Bound
    below: Mapping[Hashable, int] = {}


class Bounded(Domain[Bounds]):
    """A prime field in which each number carries bounds of the quotient of polynomials whose value it is."""

    def __init__(self, field: PrimeField) -> None:
        super().__init__()
        self.field = field
        self.zero, self.one = Bounds(0, NOTHING), Bounds(1, UNIT)
        self.divisors: dict[Hashable, Bound] = {}
        self.free: set[int] = set()  # values of functions that nothing was divided by yet
        self.seen: set[int] = set()
        self.inverses: dict[int, Bounds] = {}
        self.arguments = NOTHING  # the largest bounds of all arguments of functions
        self.functions = 0
        self.sides = 0  # how many kinks there are

    def number(self, value: Rational) -> Bounds:
        above = NOTHING if value == 0 else Bound(0, math.log2(abs(int(value.p))))
        residue = self.field.number(value)
        return Bounds(residue, above, self._divisor(("number", value.q), Bound(0, math.log2(int(value.q)))))

    def _divisor(self, key: Hashable, bound: Bound) -> Mapping[Hashable, int]:
        if bound == UNIT:
            return {}
        self.divisors.setdefault(key, bound)
        return {key: 1}

    def unknown(self, label: str) -> Bounds:
        return Bounds(self.field.unknown(label), UNKNOWN)

    def share(self, label: str) -> Bounds:
        return Bounds(self.field.share(label), UNKNOWN)

    def bit(self, label: str) -> Bounds:
        self.sides += 1
        return Bounds(self.field.bit(label), UNIT)

    def add(self, a: Bounds, b: Bounds) -> Bounds:
        below = {k: max(a.below.get(k, 0), b.below.get(k, 0)) for k in (*a.below, *b.below)}
        above = self._over(a, below).plus(self._over(b, below))
        return Bounds(self.field.add(a.value, b.value), above, below)

    def _over(self, a: Bounds, below: Mapping[Hashable, int]) -> Bound:
        """What is above the line where `below` is below it."""
        bound = a.above
        for k, times in below.items():
            bound = bound.times(self.divisors[k].power(times - a.below.get(k, 0)))
        return bound

    def mul(self, a: Bounds, b: Bounds) -> Bounds:
        below = {k: a.below.get(k, 0) + b.below.get(k, 0) for k in (*a.below, *b.below)}
        return Bounds(self.field.mul(a.value, b.value), a.above.times(b.above), below)

    def inverse(self, a: Bounds) -> Bounds:
        if a.value not in self.inverses:
            self.inverses[a.value] = self._inverse(a)
        return self.inverses[a.value]

    def _inverse(self, a: Bounds) -> Bounds:
        value = self.field.inverse(a.value)
        if a.value - 1 in self.free:  # of g + 1, as in a sigmoid: see `worst`
            self.free.remove(a.value - 1)
            return Bounds(value, UNKNOWN)
        turned = UNIT
        for k, times in a.below.items():
            turned = turned.times(self.divisors[k].power(times))
        return Bounds(value, turned, self._divisor(("value", a.value), a.above))

    def key(self, a: Bounds) -> Hashable:
        return a.value

    def is_zero(self, a: Bounds) -> bool:
        return self.field.is_zero(a.value)

    def sign(self, a: Bounds) -> int | None:
        return self.field.sign(a.value)

    def function(self, name: str, *arguments: Bounds) -> Bounds:
        self.functions += 1
        for a in arguments:
            whole = self.worst(a)
            self.arguments = Bound(max(self.arguments.degree, whole.degree), max(self.arguments.height, whole.height))
        value = super().function(name, *arguments)
        if value.above == UNKNOWN and value.value not in self.seen:
            self.free.add(value.value)
            self.seen.add(value.value)
        return value

    def worst(self, a: Bounds) -> Bound:
        """Bounds of a polynomial in independent unknowns that is zero where a is.

        1 / (g + 1) was taken for an unknown r beside g.  With g = (1 - r) / r, times r as often as g occurs, a
        polynomial of degree D has one of 2 D at most, and coefficients at most 2 ** D times as large.
        """
        return Bound(2 * a.above.degree, a.above.height + a.above.degree)


def exponent_for(height: float) -> int:
    """That of the smallest prime of the table that is larger than 2 ** height."""
    return next((k for k in MERSENNE if k > height + 1), 0)
