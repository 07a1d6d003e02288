"""The same values by fewer operations: what is computed already is not computed again.

    m = max(a + b, i),  f = exp(a + b - m)      s = a + b,  m = max(s, i),  f = exp(s - m)
    z = σ(W x + U h + b),  g = tanh(W x + U h + d)      s = W x + U h,  z = σ(s + b),  g = tanh(s + d)
    C = f C[t-1] + i (v kᵀ)                     C = f C[t-1] + (i v) kᵀ: a number times a column, not times a matrix
    M = M[t-1] + v kᵀ - a M[t-1] k kᵀ           M = M[t-1] + (v - a (M[t-1] k)) kᵀ: one matrix is added, and not two

This is done before the gradient is derived, which is then shorter too: of the first there is one cotangent of s, of the
others one product with that of C for v and for i, with that of M for all that is written by one key.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import combinations

from sympy import MatAdd, MatMul, MatrixExpr, MatrixSymbol

from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.build import gathered, is_outer_product, negate, product
from lstmgraph.algebra.names import name_of
from lstmgraph.algebra.nodes import operands
from lstmgraph.algebra.traverse import rebuild, symbols_in, walk


def fewer(expr: MatrixExpr, sums: Iterable[MatAdd]) -> MatrixExpr:
    """The same value; `sums` are those that the equations before compute."""
    if isinstance(expr, MatrixSymbol):
        return expr
    whole = rebuild(expr, [fewer(o, sums) for o in operands(expr)])
    if isinstance(whole, MatAdd):
        whole = _together(whole)
    if isinstance(whole, MatAdd):
        return _of_another(whole, sums)
    if isinstance(whole, MatMul):
        return _unscaled(whole)
    return _scaled(whole) if isinstance(whole, n.Hadamard) else whole


def with_shared_sums(values: Mapping[MatrixSymbol, MatrixExpr]) -> dict[MatrixSymbol, MatrixExpr]:
    """The same values, in which a sum that is a part of two others is one value of both."""
    shared = _in_common(part for value in values.values() for part in walk(value) if isinstance(part, MatAdd))
    new = {target: fewer(value, shared) for target, value in values.items()}
    return with_shared_sums(new) if shared else new


def _in_common(sums: Iterable[MatAdd]) -> list[MatAdd]:
    """The terms that two of some sums have in common, if a product of matrices is among them."""
    found: dict[MatAdd, None] = {}
    for a, b in combinations(dict.fromkeys(sums), 2):
        both = Counter(a.args) & Counter(b.args)
        if both.total() > 1 and any(isinstance(_unsigned(term), MatMul) for term in both):
            found[MatAdd(*both.elements())] = None
    return list(found)


def _of_another(whole: MatAdd, sums: Iterable[MatAdd]) -> MatrixExpr:
    """A sum by the longest of those that are a part of it, or all of it in another order."""
    terms = Counter(whole.args)
    parts = [s for s in sums if s != whole and Counter(s.args) <= terms]
    if not parts:
        return whole
    part = max(parts, key=lambda s: len(s.args))
    rest = list(whole.args)
    at = min(rest.index(term) for term in part.args)
    for term in part.args:
        rest.remove(term)
    return MatAdd(*rest[:at], part, *rest[at:]) if rest else part


def _scaled(whole: MatrixExpr) -> MatrixExpr:
    """A number of the step times an outer product, as that of a multiple of the column."""
    numbers = [f for f in whole.args if isinstance(f, n.Fill)]
    outer = [f for f in whole.args if is_outer_product(f)]
    if len(outer) != 1 or not numbers:
        return whole
    column, row = outer[0].args
    multiple = product(*(n.Fill(f.value, *column.shape) for f in numbers), column)
    rest = [f for f in whole.args if f not in (*numbers, *outer)]
    return product(*rest, MatMul(multiple, row))


def _unscaled(whole: MatMul) -> MatrixExpr:
    """The product of a vector and of a matrix times a number, as that number times their product.

    Only if the matrix is of the step: else it is multiplied once, for all of them.
    """
    for at, matrix in enumerate(whole.args):
        others = whole.shape[1 - at]
        numbers = [f for f in matrix.args if isinstance(f, n.Fill)] if isinstance(matrix, n.Hadamard) else []
        if numbers and others == 1 and any(name_of(s).lag is not None for s in symbols_in(matrix)):
            pair = list(whole.args)
            pair[at] = product(*(f for f in matrix.args if f not in numbers))
            return product(*(n.Fill(f.value, *whole.shape) for f in numbers), MatMul(*pair))
    return whole


def _together(whole: MatAdd) -> MatrixExpr:
    """The outer products of each row as that of the sum of their columns."""
    rows = Counter(_unsigned(term).args[1] for term in whole.args if is_outer_product(_unsigned(term)))
    row = next((row for row, times in rows.items() if times > 1), None)
    if row is None:
        return whole
    taken = [term for term in whole.args if is_outer_product(_unsigned(term)) and _unsigned(term).args[1] == row]
    columns = [_column(term) for term in taken]
    one = MatMul(gathered(*columns), row)
    at = whole.args.index(taken[0])
    rest = [term for term in whole.args if term not in taken]
    return _together(MatAdd(*rest[:at], one, *rest[at:])) if rest else one


def _column(term: MatrixExpr) -> MatrixExpr:
    column = _unsigned(term).args[0]
    return negate(column) if isinstance(term, n.Negative) else column


def _unsigned(term: MatrixExpr) -> MatrixExpr:
    return term.args[0] if isinstance(term, n.Negative) else term
