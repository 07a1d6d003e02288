"""The same numbers in the layout of generated code: samples as rows.

A parameter is (n,) for a vector, () for a scalar, else (rows, columns); a batch of values is (B, n) for vectors and
rows, (B, 1) for scalars, (B, m, n) for matrices; a sequence has the time as its second axis.  The interpreter's arrays
are (m, n), (B, m, n) and (T, B, m, n).
"""

from __future__ import annotations

from sympy import MatrixSymbol

from lstmgraph.numeric.evaluate import Array


def parameter_rows(symbol: MatrixSymbol, array: Array) -> Array:
    rows, columns = symbol.shape
    if columns != 1:
        return array
    return array[0, 0] if rows == 1 else array[:, 0]


def batch_rows(symbol: MatrixSymbol, array: Array) -> Array:
    """For (..., B, m, n): one of the last two axes goes, unless the value is a matrix."""
    rows, columns = symbol.shape
    if columns == 1:
        return array[..., 0]
    return array[..., 0, :] if rows == 1 else array


def sequence_rows(symbol: MatrixSymbol, array: Array) -> Array:
    return batch_rows(symbol, array).swapaxes(0, 1)
