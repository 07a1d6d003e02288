"""Claims proven but for an error probability: at random points modulo a prime.

Bounds first (`bounds.py`), then the prime that they ask for, then a point for each choice of the sides of kinks: of all
choices where these are few, else of some.  Of a choice that was not tried nothing is said.  Points come from a
generator with a fixed seed, so that everyone gets the same certificate; another seed gives others.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import NamedTuple

from lstmgraph.numeric.proof.bounds import Bound, Bounds
from lstmgraph.numeric.proof.certificate import Row
from lstmgraph.numeric.proof.claims import Claim
from lstmgraph.numeric.proof.domain import Redraw
from lstmgraph.numeric.proof.identity import Sides
from lstmgraph.numeric.proof.primes import LEAST, PrimeField, exponent_for
from lstmgraph.numeric.proof.tangents import Sizes
from lstmgraph.numeric.proof.tasks import ENTRIES, Data, Task, choices, counted, few, has_too_many, sizes_text

ALL, CHOICES = 64, 8  # choices of sides of kinks: all where there are no more, else so many
DRAWS = 20  # of a point, until nothing is divided by zero
CERTAINTY = 70  # bits by which the prime is larger than the degree, at least


def random_rows(task: Task, first: Sequence[Sizes] = (), seed: int = 0) -> Iterator[Row]:
    """random points modulo a prime"""
    for sizes in (*first, *(sizes for sizes in choices(task.claim, task.random) if sizes not in first)):
        if has_too_many(task.claim, sizes):
            yield Row("random", task.what, sizes_text(sizes), "not done", f"more than {ENTRIES} entries")
        else:
            yield _Points(task, sizes, seed).row()


def degree_of(claim: Claim, sizes: Sizes) -> Bound:
    """Of what must not vanish at a point where a claim that is false is to be seen: the degree, and the height.

    It is a product: of one entry at which the two sides differ, or of their difference along the direction, with all
    that must not vanish by accident.  The height is that of the factor with the largest.
    """
    domain = Bounds()
    sides = Sides(claim, sizes, domain, each=False)
    identity = sides.along().above
    for gap in sides.of_values():
        identity = identity.or_else(gap.by.above)
    accidents = domain.accidents()
    return Bound(identity.degree + accidents.degree, max(identity.height, accidents.height))


def log10_error(degree: int, prime: int) -> float:
    """The logarithm of a bound of the probability that a false claim holds at a point that was not drawn again.

    Of S numbers for each unknown, D / S of the points at most are bad, and those that are drawn again are among them:
    D / (S - D) of the others.  0 where that is no bound.
    """
    left = prime - LEAST - degree
    if left <= degree:
        return 0.0
    return math.log10(max(degree, 1)) - math.log10(left)


def gap_at(claim: Claim, sizes: Sizes, field: PrimeField) -> int:
    """What a claim leaves at a point; a forward value that differs counts too.  Raises Redraw."""
    sides = Sides(claim, sizes, field, each=False)
    return sides.along() or next((gap.by for gap in sides.of_values() if gap.by), 0)


class Point(NamedTuple):
    """Where a claim was tried: the seed of the point, the choice of sides, and what the claim left."""

    seed: str
    choice: int
    gap: int


@dataclass
class _Points:
    task: Task
    sizes: Sizes
    seed: int
    kinks: int = 0  # met at one point, at most

    def row(self) -> Row:
        bound = degree_of(self.task.claim, self.sizes)
        exponent = exponent_for(max(bound.height, math.log2(max(bound.degree, 1)) + CERTAINTY))
        if not exponent:
            return self._not_done(f"coefficients may be larger than 2^{bound.height:.0f}")
        points: list[Point | None] = []
        while len(points) < self.choices:
            point = self._point(len(points), exponent)
            if point and point.gap:
                return self._located(exponent, point)
            points.append(point)
        if not any(points):
            return self._not_done("no point without a division by zero was found")
        return self._likely(bound, exponent, len(points), points.count(None))

    @property
    def choices(self) -> int:
        """How many choices of sides are tried, as far as is known."""
        return 1 << self.kinks if 1 << self.kinks <= ALL else CHOICES

    def _point(self, k: int, exponent: int) -> Point | None:
        """The first of some draws at which nothing is divided by zero."""
        choice = self._choice(k)
        for draw in range(DRAWS):
            seed = f"{self.seed}.{k}.{draw}"
            field = PrimeField((1 << exponent) - 1, seed, choice)
            try:
                gap = gap_at(self.task.claim, self.sizes, field)
            except Redraw:
                continue
            finally:
                self.kinks = max(self.kinks, field.kinks)
            return Point(seed, choice, gap)
        return None

    def _choice(self, k: int) -> int:
        """Number k of all choices where these are few; else some, in pairs that are opposite."""
        if 1 << self.kinks <= ALL:
            return k
        drawn = Random(f"sides {k // 2}").getrandbits(self.kinks) if k > 1 else 0
        return ~drawn if k % 2 else drawn

    def _likely(self, bound: Bound, exponent: int, tried: int, empty: int) -> Row:
        logarithm = math.ceil(log10_error(bound.degree, (1 << exponent) - 1))
        data: Data = {
            "results": len(self.task.claim.wanted),
            "entries": self.task.claim.entries(self.sizes),
            "degree": bound.degree,
            "prime": f"2^{exponent}-1",
            "log10_error": logarithm,
        }
        details = (
            f"{counted(data, 'results')}, {counted(data, 'entries')}; total degree below {_power(bound.degree)}, prime "
            f"{data['prime']}: error probability below 10^{logarithm}"
        )
        if self.kinks:
            data |= {"kinks": self.kinks, "sides_tried": tried}
            data |= {"sides_without_values": empty} if empty else {}
            details += f"; {counted(data, 'kinks')}, {_sides(data)}"
        return Row("random", self.task.what, sizes_text(self.sizes), "holds", details, data)

    def _located(self, exponent: int, point: Point) -> Row:
        """The entries at which the identity does not hold at a point where it did not."""
        field = PrimeField((1 << exponent) - 1, point.seed, point.choice)
        sides = Sides(self.task.claim, self.sizes, field, each=True)
        texts = [d.where for d in sides.differences()]
        entries = self.task.claim.entries(self.sizes)
        details = f"{len(texts)} of {entries} entries differ at a random point modulo 2^{exponent}-1"
        if field.roots:
            details += "; roots were taken for independent of what is under them"
        data: Data = {"entries": entries, "prime": f"2^{exponent}-1"}
        return Row("random", self.task.what, sizes_text(self.sizes), "FAILED", details, data, few(texts))

    def _not_done(self, note: str) -> Row:
        return Row("random", self.task.what, sizes_text(self.sizes), "not done", note)


def _power(number: int) -> str:
    """A power of ten that is larger."""
    return f"10^{len(str(number))}"


def _sides(data: Data) -> str:
    """all 4 choices of sides; 8 of up to 2^12 choices of sides, nothing is said of the others"""
    tried, kinks = int(data["sides_tried"]), int(data["kinks"])
    none = f", {data['sides_without_values']} of them without values" if "sides_without_values" in data else ""
    if tried >= 1 << kinks:
        return f"all {tried} choices of sides{none}"
    return f"{tried} of up to 2^{kinks} choices of sides{none}, nothing is said of the others"
