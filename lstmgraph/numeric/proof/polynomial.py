"""Sparse polynomials in as many unknowns as come up, with rational coefficients.

A monomial is one whole number that holds the exponent of unknown k in its bits 16 k, ..., 16 k + 15, so that a product
of monomials is a sum of numbers.  A proof has some hundred unknowns, few of them in a term: SymPy's rings, whose
monomials are tuples of all exponents, take a hundred times as long for it (80 microseconds a product of two terms with
160 unknowns).  The tests compare both.

An exponent that does not fit would run over into the next unknown's.  So every polynomial knows a bound of its
exponents, and a product beyond `LARGEST` is TooLarge.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction

from lstmgraph.numeric.proof.domain import TooLarge

WIDTH = 16
LARGEST = MASK = (1 << WIDTH) - 1

Coefficient = int | Fraction


class Polynomial:
    """A sum of terms, {monomial: coefficient}, none of them zero; it does not change."""

    __slots__ = ("_hash", "_top", "terms")

    def __init__(self, terms: Mapping[int, Coefficient], top: int | None = None) -> None:
        self.terms = terms
        self._top = top
        self._hash: int | None = None

    @property
    def top(self) -> int:
        """No exponent is larger."""
        if self._top is None:
            self._top = self.largest()
        return self._top

    def largest(self) -> int:
        """The largest exponent."""
        return max((e for monomial in self.terms for _, e in factors(monomial)), default=0)

    @classmethod
    def gathered(cls, terms: Iterable[tuple[int, Coefficient]], top: int | None = None) -> Polynomial:
        """The sum of terms of which several may have one monomial."""
        found: dict[int, Coefficient] = {}
        for monomial, c in terms:
            found[monomial] = found.get(monomial, 0) + c
        return cls({m: c for m, c in found.items() if c}, top)

    @classmethod
    def number(cls, value: Coefficient) -> Polynomial:
        return cls({0: value} if value else {}, 0)

    @classmethod
    def unknown(cls, k: int) -> Polynomial:
        return cls({1 << WIDTH * k: 1}, 1)

    def __bool__(self) -> bool:
        return bool(self.terms)

    def __len__(self) -> int:
        return len(self.terms)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Polynomial) and self.terms == other.terms

    def __hash__(self) -> int:
        if self._hash is None:
            self._hash = hash(frozenset(self.terms.items()))
        return self._hash

    def __add__(self, other: Polynomial) -> Polynomial:
        large, small = (self, other) if len(self) >= len(other) else (other, self)
        found = dict(large.terms)
        for monomial, c in small.terms.items():
            whole = found.get(monomial, 0) + c
            if whole:
                found[monomial] = whole
            else:
                del found[monomial]
        return Polynomial(found, max(self.top, other.top))

    def __neg__(self) -> Polynomial:
        return Polynomial({m: -c for m, c in self.terms.items()}, self._top)

    def __mul__(self, other: Polynomial) -> Polynomial:
        """Raises TooLarge where an exponent may not fit."""
        top = _fitting(self, other)
        others = list(other.terms.items())
        return Polynomial.gathered(((m + k, c * d) for m, c in self.terms.items() for k, d in others), top)

    def times(self, monomial: int, c: Coefficient) -> Polynomial:
        """Raises TooLarge where an exponent may not fit."""
        top = _fitting(self, Polynomial({monomial: 1})) if monomial else self._top
        return Polynomial({m + monomial: c * d for m, d in self.terms.items()}, top)

    @property
    def is_number(self) -> bool:
        return not self.terms or self.terms.keys() == {0}

    @property
    def leading(self) -> Coefficient:
        """The coefficient of one of the terms, which depends on the monomials alone."""
        return self.terms[max(self.terms)]

    def powers_of(self, k: int) -> dict[int, Polynomial]:
        """As a polynomial in one unknown: the coefficient of each power of it."""
        found: dict[int, dict[int, Coefficient]] = defaultdict(dict)
        for monomial, c in self.terms.items():
            e = exponent(monomial, k)
            found[e][monomial - (e << WIDTH * k)] = c
        return {e: Polynomial(terms) for e, terms in found.items()}

    def unknowns(self) -> set[int]:
        return {k for monomial in self.terms for k, _ in factors(monomial)}

    def shared(self) -> int:
        """The largest monomial that divides every term."""
        first, *rest = self.terms
        least = ((k, min(e, *(exponent(m, k) for m in rest)) if rest else e) for k, e in factors(first))
        return sum(e << WIDTH * k for k, e in least)


def _fitting(a: Polynomial, b: Polynomial) -> int:
    """A bound of the exponents of a product."""
    if a.top + b.top > LARGEST:
        a._top, b._top = a.largest(), b.largest()
    if a.top + b.top > LARGEST:
        raise TooLarge(f"exponents beyond {LARGEST}")
    return a.top + b.top


def exponent(monomial: int, k: int) -> int:
    return monomial >> WIDTH * k & MASK


def factors(monomial: int) -> Iterator[tuple[int, int]]:
    """(unknown, exponent) of a monomial."""
    k = 0
    while monomial:
        empty = ((monomial & -monomial).bit_length() - 1) // WIDTH
        monomial >>= WIDTH * empty
        k += empty
        yield k, monomial & MASK
        monomial >>= WIDTH
        k += 1


def field(unknowns: Iterable[int], bits: int = MASK) -> int:
    """A mask for the exponents of some unknowns."""
    return sum(bits << WIDTH * k for k in set(unknowns))
