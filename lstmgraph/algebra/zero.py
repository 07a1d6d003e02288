"""Which values are zero because others are: what the first step of a sequence that starts from zeros leaves out.

It is decided from the form of an expression, so "no" means "not for all values of the rest".  To add an operation that
is not elementwise: a row in `_ZERO`; without one its value counts as not zero.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

from sympy import Integer, MatAdd, MatMul, MatrixExpr, MatrixSymbol, Transpose

from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.build import fill, is_number, total
from lstmgraph.algebra.traverse import rebuild


def zeros(definitions: Iterable[tuple[MatrixSymbol, MatrixExpr]], given: Iterable[MatrixSymbol]) -> set[MatrixSymbol]:
    """The symbols that are zero where the given ones are; definitions in order of evaluation."""
    found = set(given)
    for target, value in definitions:
        if is_zero(value, found):
            found.add(target)
    return found


def is_zero(expr: MatrixExpr, known: Collection[MatrixSymbol]) -> bool:
    """Whether an expression is zero in every entry where the known symbols are."""
    if isinstance(expr, MatrixSymbol):
        return expr in known
    if isinstance(expr, n.Fill):
        return is_number(expr, 0) or (not is_number(expr) and is_zero(expr.args[0], known))
    if isinstance(expr, n.Elementwise):
        return is_zero(expr.args[0], known) and bool(expr.func.scalar(Integer(0)) == 0)
    combine = _ZERO.get(expr.func)
    return combine is not None and combine([is_zero(o, known) for o in n.operands(expr)])


def without(expr: MatrixExpr, known: Collection[MatrixSymbol]) -> MatrixExpr:
    """The expression without the terms of its sums that are zero where the known symbols are; a number 0 if all is."""
    if is_zero(expr, known):
        return fill(Integer(0), expr.shape)
    if isinstance(expr, MatAdd):
        return total(*(without(term, known) for term in expr.args))
    below = n.operands(expr)
    return rebuild(expr, [without(o, known) for o in below]) if below and known else expr


# From which of its operands are zero, in order.
_ZERO: dict[type, Callable[[list[bool]], bool]] = {
    MatMul: any,
    n.Hadamard: any,
    n.Divide: lambda operands: operands[0],
    MatAdd: all,
    n.Maximum: all,
    n.Minimum: all,
    n.Concat: all,
    Transpose: all,
    n.Sum: all,
    n.Slice: all,
    n.TimeSum: all,
}
