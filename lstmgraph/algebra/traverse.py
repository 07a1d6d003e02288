"""Walking expressions: their nodes, the named values in them, and the strict check of their shapes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from sympy import Basic, MatrixExpr, MatrixSymbol

from lstmgraph.algebra.maps import rule_of
from lstmgraph.algebra.names import Shape
from lstmgraph.algebra.nodes import COMPOSITE, Shaped, operands, signature_of
from lstmgraph.algebra.shapes import shape_by_signature
from lstmgraph.errors import ShapeError


def walk(expr: MatrixExpr) -> Iterator[MatrixExpr]:
    """The nodes of an expression, operands before the operation, left to right; a shared one each time it occurs."""
    if not isinstance(expr, MatrixSymbol):  # most nodes are symbols
        for operand in operands(expr):
            yield from walk(operand)
    yield expr


def symbols_in(expr: Basic) -> set[MatrixSymbol]:
    """The named values in an expression (not the symbols in its sizes)."""
    return {s for s in walk(expr) if isinstance(s, MatrixSymbol)}


def apart(values: Iterable[MatrixExpr]) -> set[MatrixExpr]:
    """These values, and all operands in them but the first of an operation of its own kind: a + b in (a + b) + c."""
    found: set[MatrixExpr] = set()
    for value in values:
        inner = ((node, k, o) for node in walk(value) for k, o in enumerate(operands(node)))
        found |= {value, *(o for node, k, o in inner if k or o.func is not node.func)}
    return found


def check_shapes(expr: MatrixExpr) -> Shape:
    """The shape of an expression, strictly checked node by node.

    Raises ShapeError, naming the operation that does not fit.
    """
    if isinstance(expr, MatrixSymbol):
        return (expr.shape[0], expr.shape[1])
    if not isinstance(expr, COMPOSITE):
        raise ShapeError(f"{expr} is not an operation of this language")
    shapes = [check_shapes(o) for o in operands(expr)]
    if isinstance(expr, Shaped):
        return (expr.shape[0], expr.shape[1])
    try:
        return shape_by_signature(signature_of(expr), shapes)
    except ShapeError as error:
        raise ShapeError(f"{rule_of(expr.func).name}: {error.message}, in {expr}") from None


def renamed(expr: MatrixExpr, rename: Callable[[MatrixSymbol], MatrixSymbol]) -> MatrixExpr:
    """The same expression of other named values, of the same shapes."""
    if isinstance(expr, MatrixSymbol):
        return rename(expr)
    return rebuild(expr, [renamed(o, rename) for o in operands(expr)])


def rebuild(expr: MatrixExpr, new_operands: list[MatrixExpr]) -> MatrixExpr:
    """The same operation on other operands of the same shapes."""
    rest = expr.args[len(new_operands) :]
    return expr.func(*new_operands, *rest)
