"""Constructors that tidy as they build: what the transforms use, so that derived formulas come out as people write
them.

They only remove what is trivially redundant (a factor of ones, a double minus, a transpose of a transpose) and keep
the order they are given.  The reader of cell files does not use them: the author's equations stay as written.
"""

from __future__ import annotations

from collections import Counter
from functools import reduce
from operator import and_

from sympy import Integer, MatAdd, MatMul, MatrixExpr, Number, Rational, Transpose, primefactors

from lstmgraph.algebra.names import Shape
from lstmgraph.algebra.nodes import Divide, Fill, Hadamard, Negative, Power, Reciprocal

SIMPLE = 4  # the largest denominator of fractions that have a decimal form as well


def fill(value: MatrixExpr | Number | float, shape: Shape) -> MatrixExpr:
    """`value` in every entry; a scalar of shape (1, 1) is already that."""
    if isinstance(value, MatrixExpr) and value.shape == shape:
        return value
    return Fill(value, *shape)


def is_number(expr: MatrixExpr, value: float | None = None) -> bool:
    """Whether `expr` holds one number (that number) everywhere."""
    return isinstance(expr, Fill) and isinstance(expr.value, Number) and (value is None or expr.value == value)


def is_decimal(value: Number) -> bool:
    """Whether a number is written with a decimal point: 0.2 is not 1/5, though 1/2, 1/4 and 1/3 are fractions."""
    if not isinstance(value, Rational):
        return True
    return value.q > SIMPLE and set(primefactors(value.q)) <= {2, 5}


def is_outer_product(expr: MatrixExpr) -> bool:
    """Whether it is a matrix a bᵀ, of a column and a row."""
    return isinstance(expr, MatMul) and expr.args[0].shape[1] == 1 and 1 not in expr.shape


def flipped(expr: MatrixExpr) -> MatrixExpr:
    """The transpose as a node, whatever is transposed: of Wᵀ it is W."""
    return expr.args[0] if isinstance(expr, Transpose) else Transpose(expr)


def negate(expr: MatrixExpr) -> MatrixExpr:
    if is_number(expr, 0):
        return expr
    return expr.args[0] if isinstance(expr, Negative) else Negative(expr)


def product(*factors: MatrixExpr) -> MatrixExpr:
    """The elementwise product: flat, without ones and pairs x, 1/x, its sign in front and its number first."""
    flat: list[MatrixExpr] = []
    number: Number = Integer(1)
    for factor in _flat(factors):
        inner = factor.args[0] if isinstance(factor, Negative) else factor
        number = number if inner is factor else -number
        for part in _flat([inner]):
            if is_number(part):
                number = number * part.args[0]
            else:
                flat.append(part)
    flat = _cancelled(flat)
    shape = factors[0].shape
    if number == 0 or not flat:
        return Fill(number, *shape)
    magnitude = abs(number)
    parts = flat if magnitude == 1 else [Fill(magnitude, *shape), *flat]
    result = parts[0] if len(parts) == 1 else Hadamard(*parts)
    return negate(result) if number < 0 else result


def _cancelled(factors: list[MatrixExpr]) -> list[MatrixExpr]:
    """Without pairs x, 1/x: the derivative of log(sigmoid(a)) is 1 - f and not 1/f f (1 - f)."""
    left = list(factors)
    for factor in factors:
        if isinstance(factor, Reciprocal) and factor.args[0] in left:
            left.remove(factor)
            left.remove(factor.args[0])
    return left


def _flat(factors: tuple[MatrixExpr, ...] | list[MatrixExpr]) -> list[MatrixExpr]:
    return [part for f in factors for part in (_flat(f.args) if isinstance(f, Hadamard) else [f])]


def quotient(above: MatrixExpr, below: MatrixExpr) -> MatrixExpr:
    """The elementwise quotient; where both have a number as a factor there is one, above."""
    numbers = [[f for f in _flat([side]) if is_number(f)] for side in (above, below)]
    if not all(numbers) or is_number(below) or any(is_number(f, 0) for f in numbers[1]):
        return Divide(above, below)
    rest = product(*(f for f in _flat([below]) if f not in numbers[1]))
    return Divide(product(*_flat([above]), *(Fill(1 / f.args[0], *f.shape) for f in numbers[1])), rest)


def total(*terms: MatrixExpr) -> MatrixExpr:
    """The sum, flat and in the given order; zeros are left out."""
    flat = [p for t in terms for p in (t.args if isinstance(t, MatAdd) else [t]) if not is_number(p, 0)]
    if not flat:
        return terms[0]
    return flat[0] if len(flat) == 1 else MatAdd(*flat)


def gathered(*terms: MatrixExpr) -> MatrixExpr:
    """The sum with what is a factor of all its terms before a bracket, and a positive term first: h ⊙ (n − z).

    Equal terms are a multiple of one: 2 a ⊙ s.
    """
    whole = total(*terms)
    if isinstance(whole, MatAdd):
        whole = total(*(product(fill(Integer(k), t.shape), t) if k > 1 else t for t, k in Counter(whole.args).items()))
    if not isinstance(whole, MatAdd):
        return whole
    first = next((k for k, term in enumerate(whole.args) if not isinstance(term, Negative)), 0)
    ordered = (whole.args[first], *whole.args[:first], *whole.args[first + 1 :])
    parts = [_flat([t.args[0] if isinstance(t, Negative) else t]) for t in ordered]
    common = list((reduce(and_, map(Counter, parts))).elements())
    if not common or any(len(part) == len(common) for part in parts):
        return MatAdd(*ordered)
    left = [product(*_without(part, common)) for part in parts]
    return product(
        *common, MatAdd(*(negate(p) if isinstance(t, Negative) else p for t, p in zip(ordered, left, strict=True)))
    )


def _without(factors: list[MatrixExpr], some: list[MatrixExpr]) -> list[MatrixExpr]:
    left = list(factors)
    for factor in some:
        left.remove(factor)
    return left


def transpose(expr: MatrixExpr) -> MatrixExpr:
    if isinstance(expr, Transpose):
        return expr.args[0]
    if expr.shape == (1, 1):
        return expr
    if is_number(expr):
        return Fill(expr.args[0], *reversed(expr.shape))
    if isinstance(expr, Negative):
        return negate(transpose(expr.args[0]))
    if isinstance(expr, MatMul):
        return matmul(transpose(expr.args[1]), transpose(expr.args[0]))
    return Transpose(expr)


def matmul(left: MatrixExpr, right: MatrixExpr) -> MatrixExpr:
    """The matrix product with the signs of both in front; zero where one of them is."""
    if is_number(left, 0) or is_number(right, 0):
        return Fill(0, left.shape[0], right.shape[1])
    if isinstance(left, Negative):
        return negate(matmul(left.args[0], right))
    if isinstance(right, Negative):
        return negate(matmul(left, right.args[0]))
    return MatMul(left, right)


def power(base: MatrixExpr, exponent: int | Rational) -> MatrixExpr:
    return base if exponent == 1 else Power(base, Fill(exponent, *base.shape))
