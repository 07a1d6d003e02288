"""Which arrays are views of one another: the gradients of A and B are, where a product takes A.T + B."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from sympy import Expr, Integer, MatrixExpr, MatrixSymbol, Transpose

from lstmgraph.algebra import nodes as n

Span = tuple[Expr, Expr]  # the first one and how many


@dataclass(frozen=True)
class Region:
    """Rows and columns of the array of `root`; `turned` is what is seen of them transposed."""

    root: MatrixSymbol
    rows: Span
    columns: Span
    turned: bool = False

    def of_rows(self, start: Expr, count: Expr) -> Region:
        """Some of the rows that are seen."""
        if self.turned:
            return replace(self, columns=(self.columns[0] + start, count))
        return replace(self, rows=(self.rows[0] + start, count))

    def overlaps(self, other: Region) -> bool:
        """Whether both may have entries in common."""
        sides = ((self.rows, other.rows), (self.columns, other.columns))
        return self.root == other.root and not any(_apart(a, b) or _apart(b, a) for a, b in sides)


def _apart(first: Span, second: Span) -> bool:
    return bool((second[0] - first[0] - first[1]).is_nonnegative)


def region(expr: MatrixExpr, views: Mapping[MatrixSymbol, MatrixExpr]) -> Region | None:
    """Where a value lies, if it is none that makes an array; `views` are the values of symbols that may make none."""
    if isinstance(expr, MatrixSymbol):
        whole = Region(expr, (Integer(0), expr.shape[0]), (Integer(0), expr.shape[1]))
        return (region(views[expr], views) if expr in views else None) or whole
    inner = region(expr.args[0], views) if isinstance(expr, (n.Identity, n.TimeSum, Transpose, n.Slice)) else None
    if inner is None:
        return None
    if isinstance(expr, n.Slice):
        return inner.of_rows(expr.args[1], expr.args[2])
    return replace(inner, turned=inner.turned != isinstance(expr, Transpose))
