"""Which values of a sweep may be as large as exponentials are, or as near 0: by many orders of magnitude, in one step.

exp(a), 10 ** a and 1 / sigmoid(a) may be large, as a number of 100 or more is; sigmoid(a), exp(-a) and a softmax near
0, as a number of 1/100 or less is: what is made of numbers and constants is computed.  Products, sums and most
functions hand it on, to values of later steps, too.  A quotient of two values that are both near 0 is taken to be
moderate, as c / n of a normalised memory is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod

from sympy import Float, MatAdd, MatMul, MatrixExpr, MatrixSymbol, Number, Rational, Transpose

from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.build import is_number
from lstmgraph.algebra.nodes import operands
from lstmgraph.algebra.traverse import rebuild, symbols_in, walk
from lstmgraph.codegen.fold import folded, number_in
from lstmgraph.codegen.sweep import Sweep

_MOVED = (Transpose, n.Slice, n.Concat, n.Sum, n.Fill, n.TimeSum)  # the same entries, or sums of them
_ALIKE = (*_MOVED, n.Hadamard, MatMul, n.Negative, n.Identity, n.Abs, n.Relu, n.Sqrt, n.Minimum)
_HANDS_ON_LARGE = (*_ALIKE, MatAdd, n.OneMinus, n.Maximum, n.Silu, n.Softplus)
_HANDS_ON_SMALL = (*_ALIKE, n.Tanh, n.Sin)
_SMALL = (n.Sigmoid, n.Softmax, n.Silu, n.Softplus)  # where their operands are far below 0
# Operations that make much of a small difference where an operand is near 0; of a quotient that is the divisor.
_RELATIVE: dict[type, int] = {n.Log: 0, n.Reciprocal: 0, n.Divide: 1, n.Power: 0, n.Sqrt: 0, n.Step: 0, n.Sign: 0}
LARGE = 100  # the error of what such a number multiplies is no longer one of rounding in what it is added to
_POSITIVE = (n.Exp, n.Softplus, n.Sigmoid, n.Softmax, n.Relu, n.Abs)


class Extremes:
    """`is_large` and `is_small` tell it of any expression over the values of a sweep."""

    def __init__(self, sweep: Sweep) -> None:
        self.sweep, self.values = sweep, {e.target: e.value for e in sweep.equations}
        self.constant = sweep.constant()
        self.large: set[MatrixSymbol] = set()
        self.small: set[MatrixSymbol] = set()
        self.moderate: set[MatrixExpr] = set()  # quotients
        self.signs: dict[MatrixExpr, int] = {}
        self.numbers: dict[MatrixExpr, Number | None] = {}
        self._settle()
        # What is near 0 is known now, and so which quotients are moderate: what is large is found once more.
        quotients = (part for value in self.values.values() for part in walk(value) if isinstance(part, n.Divide))
        self.moderate = {q for q in quotients if all(map(self.is_small, q.args))}
        self._settle()

    def _settle(self) -> None:
        """A state is near 0 if its next value is wherever it is itself, as one that decays is, and large if that is."""
        states = self.sweep.carried
        kept = {*states}
        while True:
            self.large, self.small = set(), {*kept}
            while found := [*self._new()]:
                for known, value in found:
                    known.add(value)
            lost = {previous for previous in kept if states[previous] not in self.small}
            if not lost:
                return
            kept -= lost

    def _new(self) -> Iterator[tuple[set[MatrixSymbol], MatrixSymbol]]:
        for target, value in self.values.items():
            if target not in self.large and self.is_large(value):
                yield self.large, target
            if target not in self.small and self.is_small(value):
                yield self.small, target
        for previous, new in self.sweep.carried.items():
            if new in self.large and previous not in self.large:
                yield self.large, previous

    def is_large(self, expr: MatrixExpr) -> bool:
        if symbols_in(expr) <= self.constant:
            return self._is_large_number(expr)
        if isinstance(expr, MatrixSymbol):
            return expr in self.large
        if isinstance(expr, n.Exp):
            return self._sign(expr.args[0]) >= 0 and not self._is_below_largest(expr.args[0])
        if isinstance(expr, n.Power):
            return self._is_power(expr, large=True)
        if isinstance(expr, n.Reciprocal):
            return self.is_small(expr.args[0])
        if isinstance(expr, n.Divide):
            above, below = expr.args
            return expr not in self.moderate and (self.is_large(above) or self.is_small(below))
        return isinstance(expr, _HANDS_ON_LARGE) and any(map(self.is_large, operands(expr)))

    def _is_large_number(self, expr: MatrixExpr) -> bool:
        """Of what is made of numbers, constants and parameters, of which nothing is known."""
        number = self._number(expr)
        if number is not None:
            return bool(abs(number) >= LARGE)
        expr = self.values.get(expr, expr)
        return isinstance(expr, _ALIKE) and any(map(self._is_large_number, operands(expr)))

    def _number(self, expr: MatrixExpr) -> Number | None:
        """What is in every entry of what numbers and constants make."""
        if expr not in self.numbers:
            self.numbers[expr] = self._found_number(self.values.get(expr, expr))
        return self.numbers[expr]

    def _found_number(self, expr: MatrixExpr) -> Number | None:
        if is_number(expr):
            return expr.value
        if isinstance(expr, MatrixSymbol):
            return Rational(repr(self.sweep.numbers[expr])) if expr in self.sweep.numbers else None
        inner = [(self._number(o), o) for o in operands(expr)]
        if any(number is None for number, _ in inner):
            return None
        if isinstance(expr, n.Fill):
            return inner[0][0]
        return number_in(folded(rebuild(expr, [n.Fill(Float(number), *o.shape) for number, o in inner])))

    def is_small(self, expr: MatrixExpr) -> bool:
        if symbols_in(expr) <= self.constant:
            number = self._number(expr)
            return number is not None and bool(abs(number) * LARGE <= 1)
        if isinstance(expr, MatrixSymbol):
            return expr in self.small
        if isinstance(expr, n.Exp):
            return self._sign(expr.args[0]) <= 0
        if isinstance(expr, n.Power):
            return self._is_power(expr, large=False)
        if isinstance(expr, n.Reciprocal):
            return self.is_large(expr.args[0])
        if isinstance(expr, n.Divide):
            above, below = expr.args
            return self.is_small(above) or self.is_large(below)
        if isinstance(expr, n.OneMinus):
            return self.is_small(self._exponent(expr.args[0]))
        if isinstance(expr, n.Sqrt):
            return self.is_small_root(expr)
        if isinstance(expr, (MatAdd, n.Maximum)):
            return all(map(self.is_small, operands(expr)))
        some = isinstance(expr, _HANDS_ON_SMALL) and any(map(self.is_small, operands(expr)))
        return some or isinstance(expr, _SMALL)

    def counts(self, part: MatrixExpr) -> bool:
        """Whether an operation makes much of a small difference, since its operand is near 0."""
        return self.is_small_root(part) if isinstance(part, n.Sqrt) else self.is_small(part.args[_RELATIVE[type(part)]])

    def small_in(self, expr: MatrixExpr) -> list[MatrixSymbol]:
        """The values near 0 that make an expression so: those whose relative errors are its own."""
        if not self.is_small(expr) or isinstance(expr, (n.Exp, *_SMALL)):
            return []
        if isinstance(expr, MatrixSymbol):
            return [expr]
        inner = [self._exponent(expr.args[0])] if isinstance(expr, n.OneMinus) else operands(expr)
        return [s for o in inner for s in self.small_in(o)]

    def _exponent(self, expr: MatrixExpr) -> MatrixExpr:
        """The a of exp(a), which is near 0 where 1 - exp(a) is; of all else the number 1."""
        value = self.values.get(expr, expr)
        return value.args[0] if isinstance(value, n.Exp) else n.Fill(1, *expr.shape)

    def is_small_root(self, root: MatrixExpr) -> bool:
        """Whether what a root is taken of is near 0: not by a number of which the root is moderate."""
        inner = root.args[0]
        value = self.values.get(inner, inner)
        numbers = map(self._number, operands(value)) if isinstance(value, (MatAdd, n.Maximum)) else ()
        return self.is_small(inner) and not any(k is not None and abs(k) * LARGE**2 > 1 for k in numbers)

    def _is_power(self, expr: MatrixExpr, *, large: bool) -> bool:
        """Of a base to a number by its sign; with an exponent that a step computes it is an exponential."""
        base, exponent = expr.args
        same, other = (self.is_large, self.is_small) if large else (self.is_small, self.is_large)
        if is_number(exponent):
            return same(base) if exponent.value > 0 else other(base)
        return not symbols_in(exponent) <= self.constant or same(base) or other(base)

    def _sign(self, expr: MatrixExpr) -> int:
        """1 of what is never below 0, -1 of what is never above, 0 of what may be either."""
        if expr not in self.signs:
            self.signs[expr] = self._found_sign(self.values.get(expr, expr))
        return self.signs[expr]

    def _found_sign(self, expr: MatrixExpr) -> int:
        if isinstance(expr, _POSITIVE):
            return 1
        if isinstance(expr, n.Negative):
            return -self._sign(expr.args[0])
        if is_number(expr):
            return 1 if expr.value >= 0 else -1
        signs = list(map(self._sign, operands(expr)))
        if isinstance(expr, (MatAdd, n.Concat, n.Maximum, n.Minimum)):
            return signs[0] if len({*signs}) == 1 else 0
        return prod(signs) if isinstance(expr, (n.Hadamard, n.Divide, MatMul, *_MOVED)) else 0

    def _is_below_largest(self, expr: MatrixExpr) -> bool:
        """Whether it is one of some values less the largest of them, as the gates of a stabilised memory are."""
        terms = list(self._terms(expr))
        taken = [largest for sign, largest in terms if sign < 0 and isinstance(largest, n.Maximum)]
        rest = {(sign, t) for sign, t in terms if t not in taken}
        return len(taken) == 1 and any(rest == {*self._terms(a)} for a in taken[0].args)

    def _terms(self, expr: MatrixExpr, sign: int = 1) -> Iterator[tuple[int, MatrixExpr]]:
        """The terms of a sum, and of the sums that these are, with their signs."""
        expr = self.values.get(expr, expr)
        if isinstance(expr, (MatAdd, n.Negative)):
            for o in operands(expr):
                yield from self._terms(o, -sign if isinstance(expr, n.Negative) else sign)
        else:
            yield sign, expr


def relative(sweep: Sweep) -> set[MatrixSymbol]:
    """The values whose relative error counts."""
    values, extremes = {e.target: e.value for e in sweep.equations}, Extremes(sweep)
    waiting: list[MatrixSymbol] = []
    for part in (part for value in values.values() for part in walk(value)):
        if type(part) in _RELATIVE and not _is_product(part) and extremes.counts(part):
            waiting += [s for o in operands(part) for s in extremes.small_in(o)]
        elif isinstance(part, (n.Hadamard, MatMul)):
            waiting += [s for o in _beside_large(part.args, extremes) for s in extremes.small_in(o)]
    found: set[MatrixSymbol] = set()
    while waiting:
        s = waiting.pop()
        if s not in found:
            found.add(s)
            waiting += extremes.small_in(sweep.carried.get(s, values.get(s, s)))
    return found


def _beside_large(factors: Sequence[MatrixExpr], extremes: Extremes) -> list[MatrixExpr]:
    """The factors beside one that may be as large as an exponential."""
    large = [extremes.is_large(o) for o in factors]
    return [o for k, o in enumerate(factors) if any(large[:k] + large[k + 1 :])]


def _is_product(expr: MatrixExpr) -> bool:
    """Whether a power is one of products: what is off near 0 is off by less in its square."""
    exponent = expr.args[1] if isinstance(expr, n.Power) else None
    return isinstance(exponent, n.Fill) and bool(exponent.value.is_Integer and exponent.value.is_positive)
