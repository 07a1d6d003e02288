"""Sums of elementwise products, as integers and tuples that a search can handle quickly.

An *atom* is a value that is not multiplied out: a named value, another operation, or a sum in brackets (1 - f is one).
A *monomial* is a product of atoms, held as an integer with six bits for the exponent of each atom.  A *term* is a sign
and a monomial's factors in the order in which they were written; a *sum* is a tuple of terms, the unit a term without
factors.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from sympy import MatAdd, MatrixExpr, MatrixSymbol

from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.build import is_number
from lstmgraph.algebra.names import Shape, symbol
from lstmgraph.algebra.traverse import rebuild, symbols_in

BITS = 6  # five for the exponent and one that stays free
MOST = 31  # the largest exponent


class Term(NamedTuple):
    sign: int
    factors: tuple[int, ...]


Sum = tuple[Term, ...]
Sums = Mapping[MatrixSymbol, Sum]  # of each name
Known = Mapping[int, tuple[MatrixSymbol, MatrixExpr | None]]  # of a monomial: its name, or in which sum it is a term


@dataclass(frozen=True)
class Atom:
    """`value` is what it prints as; a sum in brackets has none.  What has a `sum` may be multiplied out."""

    shape: Shape
    value: MatrixExpr | None = None
    sum: Sum = ()


@lru_cache(maxsize=65536)
def monomial(factors: tuple[int, ...]) -> int:
    return sum(1 << BITS * k for k in factors)


def common(a: int, b: int) -> int:
    """The largest monomial that is a part of both."""
    found, at = 0, 0
    while a and b:
        found |= min(a & MOST, b & MOST) << at
        a, b, at = a >> BITS, b >> BITS, at + BITS
    return found


def degree(a: int) -> int:
    total = 0
    while a:
        total += a & MOST
        a >>= BITS
    return total


def without(factors: tuple[int, ...], part: Iterable[int]) -> tuple[int, ...]:
    """The factors that are left, in their order."""
    left = list(factors)
    for factor in part:
        left.remove(factor)
    return tuple(left)


def key_of(terms: Sum) -> tuple[tuple[int, int], ...]:
    """The same for the same sum, however its terms and factors are ordered."""
    return tuple(sorted((monomial(t.factors), t.sign) for t in terms))


@dataclass
class Atoms:
    """The atoms met so far, and how expressions are read in them.

    `expanded` are symbols that are read as products of others, `apart` the sums that an operation takes that is not
    multiplied out: they get a symbol for the time being.
    """

    atoms: list[Atom] = field(default_factory=list)
    numbers: dict[MatrixExpr, int] = field(default_factory=dict)
    groups: dict[tuple[object, ...], int] = field(default_factory=dict)
    expanded: dict[MatrixSymbol, Term] = field(default_factory=dict)
    apart: dict[MatrixSymbol, Sum] = field(default_factory=dict)
    _inside: dict[int, tuple[int, ...]] = field(default_factory=dict)
    _apart: dict[MatrixExpr, MatrixSymbol] = field(default_factory=dict)

    def leaf(self, value: MatrixExpr) -> int:
        """The atom of a value."""
        if value not in self.numbers:
            self.numbers[value] = len(self.atoms)
            self.atoms.append(Atom(value.shape, value))
        return self.numbers[value]

    def group(self, terms: Sum, shape: Shape) -> int:
        """The atom of a sum in brackets."""
        key = (shape, key_of(terms))
        if key not in self.groups:
            self.groups[key] = len(self.atoms)
            self.atoms.append(Atom(shape, None, terms))
        return self.groups[key]

    def __getitem__(self, number: int) -> Atom:
        return self.atoms[number]

    def inside(self, number: int) -> tuple[int, ...]:
        """The atoms that an atom is made of: itself, where it is a name or a sum in brackets, else the names in it."""
        if number not in self._inside:
            value = self[number].value
            names = sorted(symbols_in(value), key=str) if value is not None else []
            self._inside[number] = tuple(map(self.leaf, names)) or (number,)
        return self._inside[number]

    def name(self, value: MatrixSymbol, terms: Sum) -> None:
        """From now on the value is known to be that sum, and the sum has that name."""
        number = self.leaf(value)
        self.groups[value.shape, key_of(terms)] = number
        self.atoms[number] = Atom(value.shape, value, terms)

    # ── reading ──

    def read(self, expr: MatrixExpr) -> Sum:
        """An expression as a sum of products."""
        if isinstance(expr, MatAdd):
            return tuple(term for a in expr.args for term in self.read(a))
        if isinstance(expr, n.Negative):
            return negated(self.read(expr.args[0]))
        if isinstance(expr, n.OneMinus):
            return (Term(1, ()), *negated(self.read(expr.args[0])))
        if is_number(expr):
            return self.constant(expr)
        return (self.product(expr),)

    def constant(self, expr: n.Fill) -> Sum:
        if expr.value == 0:
            return ()
        magnitude, sign = abs(expr.value), -1 if expr.value < 0 else 1
        return (Term(sign, () if magnitude == 1 else (self.leaf(n.Fill(magnitude, *expr.shape)),)),)

    def product(self, expr: MatrixExpr) -> Term:
        """An expression as one product, sums in brackets as its factors."""
        if isinstance(expr, n.Hadamard):
            return multiplied(self.factor(a) for a in expr.args)
        if isinstance(expr, n.Power) and _small(expr.args[1]):
            return multiplied([self.factor(expr.args[0])] * int(expr.args[1].value))
        if isinstance(expr, n.Divide):
            return multiplied([self.factor(expr.args[0]), self.product(n.Reciprocal(expr.args[1]))])
        if expr in self.expanded:
            return self.expanded[expr]
        return Term(1, (self.leaf(self.opaque(expr)),))

    def factor(self, expr: MatrixExpr) -> Term:
        terms = self.read(expr)
        return terms[0] if len(terms) == 1 else Term(1, (self.group(terms, expr.shape),))

    def opaque(self, expr: MatrixExpr) -> MatrixExpr:
        """An operation that is not multiplied out; the sums of products that it takes have names for the time being."""
        if isinstance(expr, MatrixSymbol) or not n.operands(expr):
            return expr
        return rebuild(expr, [self.operand(o) for o in n.operands(expr)])

    def operand(self, expr: MatrixExpr) -> MatrixExpr:
        if not isinstance(expr, (MatAdd, n.Negative, n.OneMinus, n.Hadamard, n.Power, n.Divide)):
            return self.opaque(expr)
        if expr not in self._apart:
            self._apart[expr] = symbol(f"part(apart.{len(self._apart)})", expr.shape)
            self.apart[self._apart[expr]] = self.read(expr)
        return self._apart[expr]


def _small(exponent: MatrixExpr) -> bool:
    return is_number(exponent) and exponent.value.is_Integer and 1 <= exponent.value <= 7


def negated(terms: Sum) -> Sum:
    return tuple(Term(-t.sign, t.factors) for t in terms)


def multiplied(terms: Iterable[Term]) -> Term:
    sign = 1
    factors: list[int] = []
    for term in terms:
        sign *= term.sign
        factors += term.factors
    return Term(sign, tuple(factors))


# ── how few multiplies a monomial takes ──


@lru_cache(maxsize=65536)
def parts(whole: int, pieces: tuple[int, ...]) -> tuple[int, ...]:
    """The fewest of `pieces`, each a part of it, and of single atoms that make a monomial; of equals the first."""
    if not whole:
        return ()
    return min(_partitions(whole, pieces), key=len)


def _partitions(whole: int, pieces: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """For each piece that has the first atom, and for that atom alone: it, and the best for the rest."""
    lowest = ((whole & -whole).bit_length() - 1) // BITS * BITS
    for piece in (*(p for p in pieces if p >> lowest & MOST), 1 << lowest):
        rest = whole - piece
        yield (piece, *parts(rest, tuple(p for p in pieces if divides(p, rest))))


@lru_cache(maxsize=65536)
def guard(a: int) -> int:
    """The bit that stays free, of every atom up to the last of a monomial."""
    return sum(1 << k + BITS - 1 for k in range(0, a.bit_length() + BITS, BITS))


def parts_of(whole: int, known: Iterable[int]) -> tuple[int, ...]:
    """The fewest known monomials, others than itself, and atoms that make up a monomial."""
    return parts(whole, tuple(p for p in known if p != whole and divides(p, whole)))


def divides(part: int, whole: int) -> bool:
    """Whether a monomial is a part of another."""
    bits = guard(whole)
    return part <= whole and ((whole | bits) - part) & bits == bits


def atoms_in(a: int) -> Iterator[int]:
    """The numbers of a monomial's atoms."""
    for k in range(a.bit_length() // BITS + 1):
        if a >> BITS * k & MOST:
            yield k
