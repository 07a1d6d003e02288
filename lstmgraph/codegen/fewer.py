"""The same values by fewer operations: what is computed already is not computed again.

    m = max(a + b, i),  f = exp(a + b - m)      s = a + b,  m = max(s, i),  f = exp(s - m)
    C = f C[t-1] + i (v kᵀ)                     C = f C[t-1] + (i v) kᵀ: a number times a column, not times a matrix

This is done before the gradient is derived, which is then shorter too: of the first there is one cotangent of s, of the
second one product with that of C for v and for i.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from sympy import MatAdd, MatMul, MatrixExpr, MatrixSymbol

from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.build import product
from lstmgraph.algebra.nodes import operands
from lstmgraph.algebra.traverse import rebuild


def fewer(expr: MatrixExpr, sums: Iterable[MatAdd]) -> MatrixExpr:
    """The same value; `sums` are those that the equations before compute."""
    if isinstance(expr, MatrixSymbol):
        return expr
    whole = rebuild(expr, [fewer(o, sums) for o in operands(expr)])
    if isinstance(whole, MatAdd):
        return _of_another(whole, sums)
    return _scaled(whole) if isinstance(whole, n.Hadamard) else whole


def _of_another(whole: MatAdd, sums: Iterable[MatAdd]) -> MatrixExpr:
    """A sum by the longest of those that are a part of it."""
    terms = Counter(whole.args)
    parts = [s for s in sums if len(s.args) < len(whole.args) and Counter(s.args) <= terms]
    if not parts:
        return whole
    part = max(parts, key=lambda s: len(s.args))
    rest = list(whole.args)
    at = min(rest.index(term) for term in part.args)
    for term in part.args:
        rest.remove(term)
    return MatAdd(*rest[:at], part, *rest[at:])


def _scaled(whole: MatrixExpr) -> MatrixExpr:
    """A number of the step times an outer product, as that of a multiple of the column."""
    numbers = [f for f in whole.args if isinstance(f, n.Fill)]
    outer = [f for f in whole.args if isinstance(f, MatMul) and f.args[0].shape[1] == 1 and 1 not in f.shape]
    if len(outer) != 1 or not numbers:
        return whole
    column, row = outer[0].args
    multiple = product(*(n.Fill(f.value, *column.shape) for f in numbers), column)
    rest = [f for f in whole.args if f not in (*numbers, *outer)]
    return product(*rest, MatMul(multiple, row))
