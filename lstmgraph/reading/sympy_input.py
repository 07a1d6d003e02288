"""Cells from Python: equations as text, or as SymPy expressions of our nodes or of SymPy's own matrix expressions.

    from_sympy({"h[t]": sp.MatAdd(W * x, U * h_prev).applyfunc(sp.tanh)})

SymPy's own nodes are normalised into ours: products become binary, coefficients elementwise factors; HadamardProduct,
OneMatrix, ElementwiseApplyFunction and so on become what they mean.  A new one is a row of `_CONVERTERS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import reduce
from typing import Any

import sympy as sp
from sympy import Basic, Expr, MatAdd, MatMul, MatrixExpr, MatrixSymbol, Transpose
from sympy.matrices.expressions.applyfunc import ElementwiseApplyFunction
from sympy.matrices.expressions.hadamard import HadamardPower, HadamardProduct

from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.names import Name, Shape, name_of, size, symbol
from lstmgraph.algebra.rules import FUNCTIONS, RULES, from_scalar
from lstmgraph.algebra.traverse import symbols_in
from lstmgraph.cell import Cell, WalkStep
from lstmgraph.errors import CellError, CellNameError, CellSyntaxError, mapping
from lstmgraph.program import Equation
from lstmgraph.reading.assemble import Parts, assemble
from lstmgraph.reading.text import Text, require_text


def from_equations(
    text: str,
    *,
    name: str = "cell",
    sizes: Mapping[str, object] | None = None,
    output: str | None = None,
    constants: Mapping[str, float] | None = None,
    title: str = "",
    sources: Sequence[str] = (),
    roles: Mapping[str, str] | None = None,
    notations: Mapping[str, Mapping[str, str]] | None = None,
    walks: Mapping[str, Sequence[WalkStep]] | None = None,
) -> Cell:
    """The cell of equations in the cell language, one a line; everything else as in a cell file."""
    require_text(text)
    return assemble(
        Parts(
            Text.alone(text.replace("\r\n", "\n"), f"<{name}>"),
            name,
            output,
            title,
            tuple(sources),
            mapping("sizes", sizes, "sizes"),
            mapping("constants", constants, "numbers"),
            mapping("roles", roles, "roles"),
            mapping("notations", notations, "notations"),
            mapping("walks", walks, "steps"),
        )
    )


def from_sympy(
    equations: Mapping[Any, Any] | Iterable[Any],
    *,
    name: str = "cell",
    output: str | None = None,
    constants: Mapping[str, float] | None = None,
    title: str = "",
    sources: Sequence[str] = (),
    notes: Mapping[str, str] | None = None,
) -> Cell:
    """The cell of {left: right}, or of a list of sympy.Eq, Equation or pairs.

    A left side is a MatrixSymbol called "h[t]", or that text; shapes are those of the symbols on the right.
    """
    pairs = list(equations.items()) if isinstance(equations, Mapping) else [_pair(e) for e in equations]
    built = [_equation(left, right, mapping("notes", notes, "text")) for left, right in pairs]
    if not built:
        raise CellSyntaxError(f"{name}: there are no equations")
    _refuse_ambiguous(built)
    last = Name.parse(built[-1].target.name).base
    given = {k: float(v) for k, v in mapping("constants", constants, "numbers").items()}
    return Cell(name, tuple(built), output or last, title=title, sources=tuple(sources), constants=given)


def _refuse_ambiguous(equations: Sequence[Equation]) -> None:
    """A name is either a value of the step or a parameter."""
    names = [name_of(s) for e in equations for s in (e.target, *sorted(symbols_in(e.value), key=str))]
    timed = {name.base for name in names if name.lag is not None}
    for name in names:
        if name.lag is None and name.base in timed:
            message = f"{name.base!r} is used without a time, but {name.base}[t] is a value of the step"
            raise CellNameError(message, hint="a parameter needs a name of its own")


def _pair(given: Any) -> tuple[Any, Any]:
    if isinstance(given, Equation):
        return given, given.value
    if isinstance(given, sp.Eq):
        return given.lhs, given.rhs
    if isinstance(given, (tuple, list)) and len(given) == 2:
        return given[0], given[1]
    raise CellSyntaxError(
        f"not an equation: {given!s:.80}", hint="give sympy.Eq(left, right), a pair, or {left: right}"
    )


def _equation(left: Any, right: Any, notes: Mapping[str, str]) -> Equation:
    note = ""
    if isinstance(left, Equation):
        note, left = left.note, left.target
    value = convert(right)
    written = left.name if isinstance(left, (MatrixSymbol, sp.Symbol)) else str(left)
    parsed = _name(written)
    if parsed.lag != 0 or parsed.marks:
        raise CellNameError(
            f"{written!r} cannot be defined", hint="the left side of an equation is called NAME[t], such as h[t]"
        )
    if isinstance(left, MatrixSymbol) and _shape(left) != value.shape:
        if not isinstance(value, n.Fill):
            raise CellError(f"{written} is {_shape(left)}, but its value is {value.shape}")
        value = n.Fill(value.args[0], *_shape(left))
    return Equation(symbol(parsed, value.shape), value, note or notes.get(parsed.base, ""))


def _name(text: str) -> Name:
    try:
        name = Name.parse(text)
    except ValueError:
        name = Name("")
    if name.lag not in (None, 0, -1) or name.since != "t" or not name.base.isidentifier():
        raise CellNameError(f"{text!r:.60} is not a name of a cell", hint="names are x[t], h[t-1] or W_f")
    return name


# ── expressions ──


def convert(expr: Any) -> MatrixExpr:
    """The expression in our nodes.  Raises CellError for what has no meaning in a cell."""
    if isinstance(expr, (int, float)):
        expr = sp.Rational(repr(expr))
    if isinstance(expr, MatrixSymbol):
        return symbol(_name(expr.name), _shape(expr))
    for kind, converter in _CONVERTERS.items():
        if isinstance(expr, kind):
            return converter(expr)
    if isinstance(expr, n.Operation):
        return expr.func(*(convert(a) for a in expr.args))
    if isinstance(expr, Expr) and not isinstance(expr, MatrixExpr):
        return _scalar(expr)
    raise CellError(f"{type(expr).__name__} is not an operation of a cell: {expr!s:.80}")


def _shape(expr: MatrixExpr) -> Shape:
    """The shape, its symbols with the assumptions that ours have."""
    rows, columns = (_size(s) for s in expr.shape)
    return rows, columns


def _size(given: Basic) -> Expr:
    return given.xreplace({s: size(s.name) for s in given.free_symbols})


def _scalar(expr: Expr) -> MatrixExpr:
    """A SymPy scalar: a number, a symbol (a parameter of shape (1, 1)), or a formula of them."""
    one: Shape = (size(1), size(1))
    if expr.is_number:
        return n.Fill(expr, *one)
    if isinstance(expr, sp.Symbol):
        return symbol(_name(expr.name), one)
    if isinstance(expr, (sp.Add, sp.Mul)):
        terms = [_scalar(a) for a in expr.args]
        return _total(terms) if isinstance(expr, sp.Add) else _hadamard(terms)
    if isinstance(expr, sp.Pow):
        base = _scalar(expr.args[0])
        return n.Reciprocal(base) if expr.args[1] == -1 else n.Power(base, _scalar(expr.args[1]))
    if len(expr.args) == 1:
        return _apply(expr.func, _scalar(expr.args[0]))
    raise CellError(f"{expr!s:.80} is not a scalar of a cell")


def _spread(scalar: MatrixExpr, shape: Shape) -> MatrixExpr:
    """A scalar as a factor or term beside something of that shape."""
    if isinstance(scalar, n.Fill):
        return n.Fill(scalar.args[0], *shape)
    return scalar if scalar.shape == shape else n.Fill(scalar, *shape)


def _hadamard(factors: Sequence[MatrixExpr]) -> MatrixExpr:
    """An elementwise product, flat; a factor -1 in front is a sign."""
    flat = [p for f in factors for p in (f.args if isinstance(f, n.Hadamard) else [f])]
    shape = next((f.shape for f in flat if f.shape != (1, 1)), flat[0].shape)
    first, rest = flat[0], [_spread(f, shape) if f.shape == (1, 1) else f for f in flat]
    if isinstance(first, n.Fill) and first.args[0] == -1 and len(rest) > 1:
        return n.Negative(_hadamard(rest[1:]))
    return rest[0] if len(rest) == 1 else n.Hadamard(*rest)


def _total(terms: Sequence[MatrixExpr]) -> MatrixExpr:
    """A sum, flat; 1 and a negative term are one minus it."""
    flat = [p for t in terms for p in (t.args if isinstance(t, MatAdd) else [t])]
    shape = next((t.shape for t in flat if t.shape != (1, 1)), flat[0].shape)
    flat = [_spread(t, shape) if t.shape == (1, 1) else t for t in flat]
    ones = [t for t in flat if isinstance(t, n.Fill) and t.args[0] == 1]
    minus = [t for t in flat if isinstance(t, n.Negative)]
    if ones and minus and (len(flat) == 2 or flat[:2] == [ones[0], minus[0]]):
        flat = [n.OneMinus(minus[0].args[0]), *(t for t in flat if t is not ones[0] and t is not minus[0])]
    return flat[0] if len(flat) == 1 else MatAdd(*flat)


def _matmul(expr: MatMul) -> MatrixExpr:
    """A product of matrices, binary from the left, its coefficient an elementwise factor."""
    scalars = [a for a in expr.args if not isinstance(a, MatrixExpr)]
    matrices = [convert(a) for a in expr.args if isinstance(a, MatrixExpr)]
    product = reduce(MatMul, matrices)
    return _hadamard([*(_scalar(s) for s in scalars), product]) if scalars else product


def _apply(function: Any, operand: MatrixExpr) -> MatrixExpr:
    """A scalar function, entry by entry: one of ours by its name or its formula, else its formula spelt out."""
    a = sp.Symbol("a", real=True)
    body = function(a)
    known = FUNCTIONS.get(getattr(body.func, "__name__", "")) if body.args == (a,) else None
    if known is not None and issubclass(known, n.Elementwise):
        return known(operand)
    if body == a:
        return operand
    for node, rule in RULES.items():
        if issubclass(node, n.Elementwise) and not rule.infix and node is not n.Identity and node.scalar(a) == body:
            return node(operand)
    if body.has(sp.core.function.AppliedUndef):
        raise CellError(f"there is no function {body}", hint=f"known: {', '.join(sorted(FUNCTIONS))}")
    try:
        return from_scalar(body, a, operand)
    except (KeyError, AttributeError):
        raise CellError(f"{body} has no spelling in a cell") from None


def _power(base: MatrixExpr, exponent: Basic) -> MatrixExpr:
    return n.Power(base, _spread(convert(exponent), base.shape))


def _matpow(expr: sp.MatPow) -> MatrixExpr:
    """U**2 is U @ U: small powers are written out."""
    base, exponent = convert(expr.args[0]), expr.args[1]
    if not (exponent.is_Integer and 1 <= exponent <= 8):
        raise CellError(f"{expr!s:.80}: only powers from 1 to 8 of a matrix can be written out")
    return reduce(MatMul, [base] * int(exponent))


def _fill(expr: n.Fill) -> MatrixExpr:
    value = convert(expr.args[0]) if isinstance(expr.args[0], MatrixExpr) else expr.args[0]
    return n.Fill(value, _size(expr.args[1]), _size(expr.args[2]))


def _elementwise(expr: ElementwiseApplyFunction) -> MatrixExpr:
    return _apply(expr.function, convert(expr.expr))


# A kind of SymPy node, and what becomes of it.
_CONVERTERS: dict[type, Callable[[Any], MatrixExpr]] = {
    MatMul: _matmul,
    sp.MatPow: _matpow,
    MatAdd: lambda e: _total([convert(a) for a in e.args]),
    Transpose: lambda e: Transpose(convert(e.args[0])),
    HadamardProduct: lambda e: _hadamard([convert(a) for a in e.args]),
    HadamardPower: lambda e: _power(convert(e.args[0]), e.args[1]),
    ElementwiseApplyFunction: _elementwise,
    sp.OneMatrix: lambda e: n.Fill(1, *_shape(e)),
    sp.ZeroMatrix: lambda e: n.Fill(0, *_shape(e)),
    n.Fill: _fill,
    n.Slice: lambda e: n.Slice(convert(e.args[0]), _size(e.args[1]), _size(e.args[2])),
}
