"""Sparse polynomials in as many unknowns as come up, with rational coefficients.

A monomial is one whole number that holds the exponent of unknown k in its bits 16 k, ..., 16 k + 15, so that a product
of monomials is a sum of numbers.  A proof has some hundred unknowns, few of them in a term: SymPy's rings, whose
monomials are tuples of all exponents, take a hundred times as long for it (80 microseconds a product of two terms with
160 unknowns).  The tests compare both.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction

WIDTH = 16
MASK = (1 << WIDTH) - 1

Coefficient = int | Fraction


class Polynomial:
    """A sum of terms, {monomial: coefficient}, none of them zero; it does not change."""

    __slots__ = ("_hash", "terms")

    def __init__(self, terms: Mapping[int, Coefficient]) -> None:
        self.terms = terms
        self._hash: int | None = None

    @classmethod
    def gathered(cls, terms: Iterable[tuple[int, Coefficient]]) -> Polynomial:
        """The sum of terms of which several may have one monomial."""
        found: dict[int, Coefficient] = {}
        for monomial, c in terms:
            found[monomial] = found.get(monomial, 0) + c
        return cls({m: c for m, c in found.items() if c})

    @classmethod
    def number(cls, value: Coefficient) -> Polynomial:
        return cls({0: value} if value else {})

    @classmethod
    def unknown(cls, k: int) -> Polynomial:
        return cls({1 << WIDTH * k: 1})

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
        return Polynomial(found)

    def __neg__(self) -> Polynomial:
        return Polynomial({m: -c for m, c in self.terms.items()})

    def __mul__(self, other: Polynomial) -> Polynomial:
        others = list(other.terms.items())
        return Polynomial.gathered((m + k, c * d) for m, c in self.terms.items() for k, d in others)

    def times(self, monomial: int, c: Coefficient) -> Polynomial:
        return Polynomial({m + monomial: c * d for m, d in self.terms.items()})

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
