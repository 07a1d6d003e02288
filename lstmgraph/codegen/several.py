"""Operations of the loop that take no call, several, or one of a kind of its own, so that none makes an array."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sympy import MatAdd, MatrixExpr

from lstmgraph.algebra import nodes as n
from lstmgraph.codegen.arrays import signed
from lstmgraph.codegen.code import Code, Level
from lstmgraph.codegen.places import is_column, neighbours

if TYPE_CHECKING:
    from lstmgraph.codegen.lines import Array, Lines


def augmented(there: str, sign: str, x: str, y: str) -> str:
    """`x *= y` where an operation writes over one of its operands; else nothing."""
    other = y if x == there else x if y == there and sign in "+*" else ""
    return f"{there} {sign}= {other}" if other else ""


def softplus(lines: Lines, to: Array, expr: MatrixExpr) -> None:
    """log(1 + exp(-|a|)) - min(-a, 0) in place; a helper of its own would make an array for each of these."""
    operand = expr.args[0]
    inner = operand.args[0] if isinstance(operand, n.Negative) else operand
    if lines.speller.whole or not lines.is_atom(inner) or lines.holds(to, inner):
        lines.function(to, expr)
        return
    a = lines.operand(inner)
    lines.emit(f"np.copysign({a.text}, {lines.number('-1')}, {lines.there(to)})")
    lines.emit(f"np.exp({to.text}, {to.text})")
    lines.emit(f"np.log1p({to.text}, {to.text})")
    call, sign = ("np.maximum", "+") if inner is operand else ("np.minimum", "-")
    part = lines.new_scratch(expr.shape)
    lines.emit(f"{call}({a.text}, {lines.number('0')}, out={lines.there(part)})")
    lines.emit(f"{to.text} {sign}= {part.text}")


def softmax(lines: Lines, to: Array, expr: MatrixExpr) -> None:
    """By the helper, which is told where its result goes."""
    if to.fresh or not is_column(expr):
        lines.copy(to, expr)
    else:
        a = lines.speller.full(lines.over(to, expr.args[0]))
        lines.speller.note_helper("softmax")
        lines.emit(f"softmax({a.text}, {to.text})")


def switch(lines: Lines, to: Array, expr: MatrixExpr) -> None:
    """1 where a is more than b: a comparison is faster than `np.heaviside`.

    Of what is no number that makes 0, so an author's own step is left as it is.
    """
    terms = signed(expr.args[0].args) if isinstance(expr.args[0], MatAdd) else [(False, expr.args[0])]
    parts = [[t for minus, t in terms if minus is side] for side in (False, True)]
    if not lines.derived or list(map(len, parts)) != [1, 1]:
        lines.function(to, expr)
    elif any(isinstance(part, n.Concat) for (part,) in parts):
        lines.write(to, expr.args[0])
        lines.emit(f"np.greater({to.text}, {lines.number('0')}, {to.text})")
    else:
        a, b = (lines.ready(lines.operand(part)).text for (part,) in parts)
        lines.emit(f"np.greater({a}, {b}, {lines.there(to)})")


def sum_of_entries(lines: Lines, to: Array, expr: MatrixExpr) -> None:
    """The sum of a column is a row of ones times that: BLAS is faster than `np.sum`.

    And faster than `np.einsum`, which needs no array for the products of two: of matrices it is the one taken.
    """
    inner = expr.args[0]
    factors = inner.args if isinstance(inner, n.Hadamard) else ()
    both = len(factors) == 2 and all(map(lines.speller.is_batched, factors))
    if both and 1 not in inner.shape and not lines.speller.whole:
        a, b = (lines.speller.full(lines.operand(f)).text for f in factors)
        lines.emit(f'np.einsum("bij,bij->b", {a}, {b}, out={lines.there(to)}[0])')
        return
    if lines.speller.whole or 1 not in inner.shape or inner.shape == (1, 1):
        lines.copy(to, expr)
        return
    column = lines.speller.full(lines.operand(inner)).text
    ones = lines.ones(lines.speller.size(inner.shape[0] * inner.shape[1]))
    lines.emit(f"{ones}.dot({column}, {lines.there(to)})")


def sums_of_parts(lines: Lines, to: Array, sums: tuple[MatrixExpr, ...]) -> bool:
    """The sums of columns that are neighbours, if they are of one height, as one product of matrices."""
    columns = [s.args[0] for s in sums]
    rows = neighbours(map(lines.at, columns))
    if lines.speller.whole or rows is None or len({c.shape for c in columns}) > 1 or columns[0].shape[1] != 1:
        return False
    shape, parts = columns[0].shape, len(columns)
    whole = Code(lines.rows(rows), Level.ATOM, (rows.count, shape[1]), True)
    here = Code(lines.there(to), Level.ATOM, to.shape, True)
    ones = lines.ones(lines.speller.size(shape[0]))
    lines.emit(f"np.matmul({ones}, {lines.folded(whole, parts)}, {lines.folded(here, parts)})")
    return True
