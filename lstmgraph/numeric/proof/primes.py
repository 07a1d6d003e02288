"""Numbers modulo a prime, drawn at random: a polynomial that is not zero is zero at few of its points.

By the lemma of Schwartz and Zippel (R. Zippel, 1979; J. Schwartz, 1980) a polynomial of degree D that is not zero
modulo p is zero at a point drawn from S numbers for each unknown with probability D / S at most.  What D is, and how
large a coefficient can be, `bounds.py` finds; the prime is then chosen larger than every coefficient, so that a
polynomial that is not zero is not zero modulo p either.
"""

from __future__ import annotations

import random
from collections.abc import Hashable

from sympy import Rational

from lstmgraph.numeric.proof.bounds import SMALL
from lstmgraph.numeric.proof.domain import Domain, Redraw

MERSENNE = (127, 521, 607, 1279, 2203, 4253, 9689)  # 2 ** k - 1 is prime
LEAST = 2  # the unknowns are drawn from here to the prime


class PrimeField(Domain[int]):
    """The integers modulo a prime.

    `choice` says which sides are taken: bit k of it that of the kink that is met as number k, `kinks` of them so far.
    """

    def __init__(self, prime: int, seed: int | str, choice: int = 0) -> None:
        super().__init__()
        self.prime, self.choice, self.kinks = prime, choice, 0
        self.random, self.shares = random.Random(seed), random.Random(f"directions of {seed}")
        self.zero, self.one = 0, 1

    def number(self, value: Rational) -> int:
        return int(value.p) * pow(int(value.q), -1, self.prime) % self.prime

    def integer(self, value: int) -> int:
        return value % self.prime

    def unknown(self, label: str) -> int:  # noqa: ARG002 - a number needs no name
        return self.random.randrange(LEAST, self.prime)

    def share(self, label: str) -> int:  # noqa: ARG002
        return self.shares.randrange(LEAST, self.prime)

    def bit(self, label: str) -> int:  # noqa: ARG002
        self.kinks += 1
        return self.choice >> (self.kinks - 1) & 1

    def add(self, a: int, b: int) -> int:
        return (a + b) % self.prime

    def mul(self, a: int, b: int) -> int:
        return a * b % self.prime

    def inverse(self, a: int) -> int:
        if a % self.prime == 0:
            raise Redraw
        return pow(a, -1, self.prime)

    def power(self, a: int, exponent: int) -> int:
        return pow(a if exponent > 0 else self.inverse(a), abs(exponent), self.prime)

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


def exponent_for(height: float) -> int:
    """That of the smallest prime of the table that is larger than 2 ** height; 0 where there is none."""
    return next((k for k in MERSENNE if k > height + 1), 0)
