"""An expression as text of the cell language: minimal brackets, the author's order.  The inverse of `expressions.py`.

Broadcasting is implicit in the language, so a `Fill` is written as what it holds; reading it infers the sizes again.
"""

from __future__ import annotations

from collections.abc import Callable

from sympy import Basic, MatAdd, MatMul, MatrixExpr, MatrixSymbol, Number, Rational, Transpose

from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.rules import FUNCTIONS, RULES
from lstmgraph.errors import CellError
from lstmgraph.program import Equation

# How tightly what is written holds together.
SUM, PRODUCT, SIGN, POWER, POSTFIX = 1, 2, 3, 4, 5


def source(expr: MatrixExpr) -> str:
    """The text of an expression.  Raises CellError for an operation that has no spelling in the language."""
    return _write(expr)[0]


def equation_source(equation: Equation) -> str:
    """`h[t] = o[t] * tanh(c[t])`"""
    return f"{equation.target.name} = {source(equation.value)}"


def _write(expr: Basic) -> tuple[str, int]:
    """The text, and how tightly it holds together."""
    if isinstance(expr, MatrixSymbol):
        return str(expr.name), POSTFIX
    if isinstance(expr, Number):
        return _number(expr)
    writer = _WRITERS.get(expr.func)
    if writer is not None:
        return writer(expr)
    name = RULES[expr.func].name if expr.func in RULES else ""
    if name not in FUNCTIONS:
        raise CellError(f"{name or type(expr).__name__} has no spelling in the cell language: {expr!s:.80}")
    return f"{name}({', '.join(source(a) for a in n.as_written(expr))})", POSTFIX


def _at(level: int, expr: Basic) -> str:
    """The text, in brackets unless it holds together at least that tightly."""
    text, holds = _write(expr)
    return text if holds >= level else f"({text})"


def _number(value: Number) -> tuple[str, int]:
    """Whole and decimal numbers as they are, other fractions as p/q."""
    if not isinstance(value, Rational):
        return repr(float(value)), SIGN if value < 0 else POSTFIX
    level = SIGN if value < 0 else POSTFIX
    top, bottom, places = abs(int(value.p)), int(value.q), 0
    while bottom != 1 and 10**places % bottom and places <= 340:
        places += 1
    if 10**places % bottom:
        return f"{value.p}/{value.q}", PRODUCT
    digits = str(top * 10**places // bottom).rjust(places + 1, "0")
    text = digits if places == 0 else f"{digits[:-places]}.{digits[-places:]}"
    return ("-" if value < 0 else "") + _shorter(text), level


def _shorter(text: str) -> str:
    """0.000...001 and 1000...000 with an exponent, where they are long."""
    if len(text) <= 20:
        return text
    whole, _, part = text.partition(".")
    digits = (whole + part).lstrip("0")
    bare = digits.rstrip("0")
    mantissa = bare if len(bare) == 1 else f"{bare[0]}.{bare[1:]}"
    return f"{mantissa}e{len(digits) - 1 - len(part)}"


def _sum(expr: Basic) -> tuple[str, int]:
    first, *rest = expr.args
    text = _at(SUM, first)
    for term in rest:
        minus = isinstance(term, n.Negative)
        text += f" - {_at(PRODUCT, term.args[0])}" if minus else f" + {_at(PRODUCT, term)}"
    return text, SUM


def _product(expr: Basic) -> tuple[str, int]:
    first, *rest = expr.args
    return " * ".join([_left(first, MatMul), *(_at(SIGN, a) for a in rest)]), PRODUCT


def _left(expr: Basic, other: type) -> str:
    """The first operand of a product; one of the `other` product gets brackets, for the reader's sake."""
    return f"({source(expr)})" if isinstance(expr, other) else _at(PRODUCT, expr)


def _matmul(expr: Basic) -> tuple[str, int]:
    left, right = expr.args
    return f"{_left(left, n.Hadamard)} @ {_at(SIGN, right)}", PRODUCT


def _divide(expr: Basic) -> tuple[str, int]:
    above, below = expr.args
    return f"{_at(PRODUCT, above)} / {_at(SIGN, below)}", PRODUCT


def _power(expr: Basic) -> tuple[str, int]:
    base, exponent = expr.args
    return f"{_at(POSTFIX, base)} ** {_at(SIGN, exponent)}", POWER


_WRITERS: dict[type, Callable[[Basic], tuple[str, int]]] = {
    MatAdd: _sum,
    n.Hadamard: _product,
    MatMul: _matmul,
    n.Divide: _divide,
    n.Power: _power,
    n.Fill: lambda e: _write(e.args[0]),
    n.Negative: lambda e: (f"-{_at(SIGN, e.args[0])}", SIGN),
    n.OneMinus: lambda e: (f"1 - {_at(PRODUCT, e.args[0])}", SUM),
    n.Reciprocal: lambda e: (f"1 / {_at(SIGN, e.args[0])}", PRODUCT),
    Transpose: lambda e: (f"{_at(POSTFIX, e.args[0])}.T", POSTFIX),
}
