"""The exact domain: polynomials with rational coefficients, and what their unknowns have to do with one another.

A quotient 1 / d is one more unknown r with the relation r d = 1, a root one with w ** q = b, a step s one with
s s = s.  A relation speaks of unknowns that were there before, so whether a polynomial is zero wherever it has a value
is decided from the last relation to the first: r is eliminated by multiplying with d as often as r occurs, w ** q
becomes b.  No greatest common divisor is ever taken.  Two kinds of relations are used all the time, because they keep
polynomials short: s s = s, and r g = 1 - c r where d is an unknown and a number, g + c, as in the sigmoid.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterator
from fractions import Fraction
from typing import NamedTuple

from sympy import Rational

from lstmgraph.numeric.proof.domain import Domain, Redraw, TooLarge
from lstmgraph.numeric.proof.polynomial import WIDTH, Coefficient, Polynomial, exponent, factors, field


class Relation(NamedTuple):
    """`at` is an unknown: 1 / `of` where `degree` is 0, else the root of `of` of that degree."""

    at: int
    of: Polynomial
    degree: int


class Polynomials(Domain[Polynomial]):
    """As many unknowns as it takes, and no more than `budget` products of two terms.  Raises TooLarge beyond it.

    With `named` the value of every named equation becomes an unknown of its own, whatever it was computed from.  What
    is proven so is proven; what is not may need to know what the values are.
    """

    zero, one = Polynomial.number(0), Polynomial.number(1)

    def __init__(self, budget: int, named: bool = False) -> None:
        super().__init__()
        self.budget, self.named = budget, named
        self.labels: list[str] = []
        self.called: dict[int, str] = {}
        self.relations: list[Relation] = []
        self.bits: set[int] = set()
        self.short: dict[int, tuple[int, Polynomial]] = {}  # r: (g, 1 - c r)
        self.inverses: dict[int, Polynomial] = {}  # of unknowns
        self.masks = (0, 0, 0)  # the fields of r and of g of all short relations; exponents of bits that are not 0 or 1

    def number(self, value: Rational) -> Polynomial:
        p, q = int(value.p), int(value.q)
        return Polynomial.number(p if q == 1 else Fraction(p, q))

    def unknown(self, label: str) -> Polynomial:
        self.labels.append(label)
        return Polynomial.unknown(len(self.labels) - 1)

    def add(self, a: Polynomial, b: Polynomial) -> Polynomial:
        return a + b

    def mul(self, a: Polynomial, b: Polynomial) -> Polynomial:
        self._spend(len(a) * len(b))
        return a * b

    def call(self, a: Polynomial, label: str) -> None:
        unknowns = a.unknowns()
        if len(a) == len(unknowns) == 1 and a == Polynomial.unknown(min(unknowns)):
            self.called.setdefault(min(unknowns), label)

    def settled(self, a: Polynomial) -> Polynomial:
        return self.function("value", a) if self.named and len(a) > 1 else a

    def negative(self, a: Polynomial) -> Polynomial:
        return -a

    def key(self, a: Polynomial) -> Hashable:
        return a

    def size(self, a: Polynomial) -> int:
        return len(a)

    def sign(self, a: Polynomial) -> int | None:
        if not a.is_number:
            return None
        return 0 if not a else 1 if a.leading > 0 else -1

    def spelling(self, a: Polynomial, most: int = 3) -> str:
        """A polynomial as text, its first few terms."""
        terms = sorted(a.terms.items(), reverse=True)
        shown = " + ".join(self._term(m, c) for m, c in terms[:most]).replace("+ -", "- ") or "0"
        return f"{shown} + ... ({len(terms)} terms)" if len(terms) > most else shown

    def _term(self, monomial: int, c: Coefficient) -> str:
        names = ((self.called.get(k, self.labels[k]), e) for k, e in factors(monomial))
        parts = [name + (f"^{e}" if e > 1 else "") for name, e in names]
        sign = "-" if c < 0 else ""
        number = [str(abs(c))] if abs(c) != 1 or not parts else []
        return sign + " ".join([*number, *parts])

    # ── quotients, roots, steps ──

    def inverse(self, a: Polynomial) -> Polynomial:
        a = self.reduce(a)
        if not a:
            raise Redraw
        shared, scale = a.shared(), _over(a.leading)
        result = Polynomial.number(scale)
        for k, e in factors(shared):
            result = self.mul(result, self.power(self._inverse_of_unknown(k), e))
        rest = Polynomial({m - shared: c * scale for m, c in a.terms.items()})
        return result if rest.is_number else self.mul(result, self._inverse_of(rest))

    def _inverse_of_unknown(self, k: int) -> Polynomial:
        if k not in self.inverses:
            self._inverse_of(Polynomial.unknown(k))
        return self.inverses[k]

    def _inverse_of(self, d: Polynomial) -> Polynomial:
        """Of a polynomial with leading coefficient 1 and no unknown in all its terms, or of an unknown."""
        key = ("inverse", d)
        if key not in self.known:
            self.known[key] = self.unknown(f"inverse.{len(self.known)}")
            at = len(self.labels) - 1
            self.relations.append(Relation(at, d, 0))
            self.inverses[at] = d
            self._shorten(at, d)
        return self.known[key]

    def _shorten(self, at: int, d: Polynomial) -> None:
        """Note r g = 1 - c r where d = g + c."""
        first = list(factors(max(d.terms)))
        if len(first) == 1 and first[0][1] == 1 and d.terms.keys() <= {0, max(d.terms)}:
            g, c = first[0][0], d.terms.get(0, 0)
            self.short[at] = (g, self.one + Polynomial.unknown(at).times(0, -c) if c else self.one)
            if not c:
                self.inverses[g] = Polynomial.unknown(at)
            self._note_masks()

    def _note_masks(self) -> None:
        self.masks = field(self.short), field(g for g, _ in self.short.values()), field(self.bits, 0xFFFE)

    def related_root(self, base: Polynomial, degree: int) -> Polynomial:
        w = super().related_root(base, degree)
        self.relations.append(Relation(len(self.labels) - 1, base, degree))
        return w

    def bit(self, label: str) -> Polynomial:
        s = self.unknown(label)
        self.bits.add(len(self.labels) - 1)
        self._note_masks()
        return s

    def related_step(self, a: Polynomial) -> Polynomial:
        """In both cases of a bit that a depends on; of a multiple the same as of a itself."""
        depends = self.bits & a.unknowns()
        if not depends:
            return super().related_step(a.times(0, _over(a.leading if a.leading > 0 else -a.leading)))
        at = min(depends)
        s, powers = Polynomial.unknown(at), a.powers_of(at)
        off, more = powers.get(0, self.zero), powers.get(1, self.zero)
        return self.mul(s, self.step(off + more)) + self.mul(self.one + -s, self.step(off))

    # ── zero or not ──

    def reduce(self, a: Polynomial) -> Polynomial:
        """By the relations that keep polynomials short."""
        rs, gs, bits = self.masks
        if not any(m & bits or (m & rs and m & gs) for m in a.terms):
            return a
        done: list[tuple[int, Coefficient]] = []
        left = list(a.terms.items())
        while left:
            monomial, c = left.pop()
            if monomial & bits:
                monomial = self._with_bits(monomial)
            rule = self._rule(monomial) if monomial & rs and monomial & gs else None
            if rule is None:
                done.append((monomial, c))
                continue
            rest, by = rule
            self._spend(len(by))
            left += ((m + rest, c * d) for m, d in by.terms.items())  # r is there once less, or as often
        return Polynomial.gathered(done, a.top)

    def _with_bits(self, monomial: int) -> int:
        for k in self.bits:
            e = exponent(monomial, k)
            if e > 1:
                monomial -= (e - 1) << WIDTH * k
        return monomial

    def _rule(self, monomial: int) -> tuple[int, Polynomial] | None:
        """For r g times a rest: the rest, and what r g is."""
        for r, (g, by) in self.short.items():
            if exponent(monomial, r) and exponent(monomial, g):
                return monomial - (1 << WIDTH * r) - (1 << WIDTH * g), by
        return None

    def is_zero(self, a: Polynomial) -> bool:
        a = self.reduce(a)
        return not a or all(self._vanishes(part) for part in self._apart(a))

    def _apart(self, a: Polynomial) -> Iterator[Polynomial]:
        """The coefficients of what no relation speaks of: all of them must vanish."""
        bound = field({r.at for r in self.relations}.union(*(r.of.unknowns() for r in self.relations), self.bits))
        parts: dict[int, dict[int, Coefficient]] = defaultdict(dict)
        for monomial, c in a.terms.items():
            parts[monomial & ~bound][monomial & bound] = c
        return map(Polynomial, parts.values())

    def _vanishes(self, a: Polynomial) -> bool:
        for relation in reversed(self.relations):
            powers = a.powers_of(relation.at)
            if powers.keys() - {0}:
                a = self._without_root(powers, relation) if relation.degree else self._without_inverse(powers, relation)
        return not self.reduce(a)

    def _without_inverse(self, powers: dict[int, Polynomial], relation: Relation) -> Polynomial:
        """Times d as often as 1 / d occurs."""
        most = max(powers)
        return self.total(self.mul(p, self.power(relation.of, most - e)) for e, p in powers.items())

    def _without_root(self, powers: dict[int, Polynomial], relation: Relation) -> Polynomial:
        whole = self.zero
        for e, p in powers.items():
            times, left = divmod(e, relation.degree)
            whole += self.mul(p.times(left << WIDTH * relation.at, 1), self.power(relation.of, times))
        return whole

    def _spend(self, products: int) -> None:
        self.budget -= products
        if self.budget < 0:
            raise TooLarge("more products of terms than are allowed")


def _over(c: Coefficient) -> Coefficient:
    """1 / c; a whole number where it is one, because those are fast."""
    whole = 1 / Fraction(c)
    return whole.numerator if whole.denominator == 1 else whole
