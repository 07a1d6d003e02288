"""The sum over all steps and samples of a product of two matrices of a step: one contraction, and no stack of products.

    Σ M[t-1]ᵀ δ[t]      is      einsum("tbji,tbjk->ik", Ms, deltas)

Of a matrix and a vector the products are columns, and adding these up costs less than a contraction, which copies.
"""

from __future__ import annotations

from sympy import MatMul, MatrixExpr, Transpose


def contracted(expr: MatMul) -> tuple[tuple[MatrixExpr, MatrixExpr], tuple[str, str]] | None:
    """The operands as they are stored, and the letters of their axes: the sum is over j too, and has i and k left.

    Nothing where one of them is no matrix.
    """
    left, right = expr.args
    if 1 in (*left.shape, *right.shape):
        return None
    (a, of_a), (b, of_b) = _stored(left, "ij"), _stored(right, "jk")
    return (a, b), (of_a, of_b)


def _stored(matrix: MatrixExpr, axes: str) -> tuple[MatrixExpr, str]:
    return (matrix.args[0], axes[::-1]) if isinstance(matrix, Transpose) else (matrix, axes)
