"""Constant folding: what is known before the code runs is computed before it is written.

    2 * 3 * a -> 6 * a,   a + 1 - 1 -> a,   1 * a, a / 1, a ** 1, identity(a) -> a,   exp(0) -> 1,   sigmoid(0) -> 1/2
    sum(a) -> a            of one entry
    -(-a * b) -> a * b,   -(-2 * a) -> 2 * a
    2 * a / (4 * b) -> 1/2 * a / b

A scalar that is subtracted from all entries is that, and not its negative added.

What is asked for stays: 0 * a is written, since a may be infinite, and a parameter that is nowhere else has a gradient.

To fold more: a row in `FOLDS`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import sympy as sp
from sympy import MatAdd, MatMul, MatrixExpr, MatrixSymbol, Number, Rational, Symbol, Transpose

from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.build import is_number, matmul, negate, product, quotient, total, transpose
from lstmgraph.algebra.nodes import operands
from lstmgraph.algebra.traverse import rebuild, symbols_in


def folded(expr: MatrixExpr) -> MatrixExpr:
    """The same value of the same named values, with what is a number computed."""
    if isinstance(expr, MatrixSymbol):
        return expr
    whole = rebuild(expr, [folded(o) for o in operands(expr)])
    fold = _function if isinstance(whole, n.Elementwise) else FOLDS.get(whole.func)
    found = fold(whole) if fold is not None else whole
    return found if symbols_in(found) == symbols_in(whole) else whole


def number_in(expr: MatrixExpr) -> Number | None:
    """The number that is in every entry."""
    return expr.value if is_number(expr) else None


def _filled(value: sp.Expr, like: MatrixExpr) -> MatrixExpr:
    """A number in every entry, exact where it can be, else as near as a float64 is."""
    if not value.is_finite or value.is_real is False or math.isinf(number := float(value)):
        return like
    return n.Fill(value if value.is_Rational else Rational(repr(number)), *like.shape)


def _function(expr: MatrixExpr) -> MatrixExpr:
    value, inner = number_in(expr.args[0]), expr.args[0]
    if isinstance(expr, n.Identity):
        return inner
    if isinstance(expr, n.Negative):
        return _turned_round(inner) if value is None else _filled(-value, expr)
    if isinstance(expr, n.OneMinus) and isinstance(inner, n.OneMinus):
        return inner.args[0]
    return expr if value is None else _filled(expr.func.scalar(Symbol("a")).subs(Symbol("a"), value), expr)


def _turned_round(expr: MatrixExpr) -> MatrixExpr:
    """Its negative; of a product that begins with a minus the product without it."""
    first, *rest = expr.args if isinstance(expr, n.Hadamard) else (expr,)
    minus = isinstance(first, n.Negative) or (is_number(first) and first.value.is_negative)
    if not rest or not minus:
        return negate(expr)
    return product(n.Fill(-first.value, *first.shape) if is_number(first) else first.args[0], *rest)


def _product(expr: MatrixExpr) -> MatrixExpr:
    """Its numbers multiplied, and in front; one alone stays where the author has it."""
    numbers = [p for a in expr.args for p in (a.args if isinstance(a, n.Hadamard) else (a,)) if is_number(p)]
    return product(*expr.args) if len(numbers) > 1 or any(is_number(p, 1) for p in numbers) else expr


def _sum(expr: MatrixExpr) -> MatrixExpr:
    """Its numbers added, in the place of the first of them."""
    numbers = [t for t in expr.args if is_number(t)]
    if not numbers:
        return expr
    whole = n.Fill(sum(t.value for t in numbers), *expr.shape)
    return total(*(whole if t is numbers[0] else t for t in expr.args if t is numbers[0] or not is_number(t)))


def _quotient(expr: MatrixExpr) -> MatrixExpr:
    above, below = map(number_in, expr.args)
    if below == 1:
        return expr.args[0]
    return quotient(*expr.args) if above is None or not below else _filled(above / below, expr)


def _power(expr: MatrixExpr) -> MatrixExpr:
    base, exponent = map(number_in, expr.args)
    if exponent == 1:
        return expr.args[0]
    return expr if base is None or exponent is None else _filled(base**exponent, expr)


def _turned(expr: MatrixExpr) -> MatrixExpr:
    """A product stays as it is: the author's names come in the author's order."""
    return expr if isinstance(expr.args[0], MatMul) else transpose(expr.args[0])


def _scalar(expr: MatrixExpr) -> MatrixExpr:
    return negate(n.Fill(expr.value.args[0], *expr.shape)) if isinstance(expr.value, n.Negative) else expr


def _extreme(choose: Callable[..., sp.Expr]) -> Callable[[MatrixExpr], MatrixExpr]:
    def fold(expr: MatrixExpr) -> MatrixExpr:
        a, b = map(number_in, expr.args)
        return expr if a is None or b is None else _filled(choose(a, b), expr)

    return fold


FOLDS: Mapping[type, Callable[[MatrixExpr], MatrixExpr]] = {
    MatAdd: _sum,
    MatMul: lambda expr: matmul(*expr.args),
    Transpose: _turned,
    n.Fill: _scalar,
    n.Hadamard: _product,
    n.Divide: _quotient,
    n.Power: _power,
    n.Sum: lambda expr: expr.args[0] if expr.args[0].shape == expr.shape else expr,
    n.Maximum: _extreme(sp.Max),
    n.Minimum: _extreme(sp.Min),
}
