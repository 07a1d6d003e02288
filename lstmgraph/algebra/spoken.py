"""An expression in words, for those who hear it: "the elementwise product of o[t] and the hyperbolic tangent of c[t]".

An operation comes before its operands, and where these are more than two, their number: no brackets are needed, and
expressions that differ are read differently.  What would be too long is told more briefly: of long sums the first
terms, and instead of what is deep inside, the values that it is made of.

A new operation is read by its `words` in the table; one that reads better otherwise has a row in `_SPECIAL`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from sympy import Basic, MatMul, MatrixExpr, MatrixSymbol, Transpose

from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.build import is_decimal, is_number
from lstmgraph.algebra.maps import rule_of
from lstmgraph.algebra.names import STACKS, Name, name_of, stack_of
from lstmgraph.algebra.traverse import walk

LONGEST = 400  # characters
ALL = 1_000
# How briefly: operations within one another, operands of one.  The first that is short enough is taken, else the last.
BRIEFER = ((ALL, ALL), (ALL, 5), (4, 5), (3, 5), (2, 4), (1, 4), (0, 4), (0, 1))

Inlined = Mapping[MatrixSymbol, MatrixExpr]


def spoken(expr: MatrixExpr, inlined: Inlined | None = None, longest: int = LONGEST) -> str:
    """The expression in words, in about so many characters at most; `inlined` values are told as what they are."""
    text = ""
    for depth, most in BRIEFER:
        text = _Speaker(inlined or {}, most).said(expr, depth)
        if len(text) <= longest:
            break
    return text


def spoken_name(name: Name) -> str:
    """A value by its name: "h[t-1]", "the cotangent of the pre-activation of f[t]"."""
    if not name.marks:
        return str(name)
    mark, inner = name.marks[0], Name(name.base, name.lag, name.marks[1:], name.since, name.entry)
    if mark in STACKS:
        return f"the stack of {' and '.join(stack_of(name).parts)}"
    base, _, number = name.base.partition(".")
    if mark in _NUMBERED and number:
        return f"{_NUMBERED[mark]} {number} of {Name(base, name.lag, (), name.since)}"
    return _MARKED[mark].format(spoken_name(inner)) if mark in _MARKED else str(name)


_MARKED = {
    "bar": "the cotangent of {}",
    "grad": "the gradient of {}",
    "pre": "the pre-activation of {}",
    "seed": "what reaches {} from outside the step",
}
_NUMBERED = {"part": "part", "term": "product"}


@dataclass(frozen=True)
class _Speaker:
    inlined: Inlined = field(default_factory=dict)
    most: int = ALL

    def said(self, expr: Basic, depth: int) -> str:
        """The expression in words, with so many operations within one another."""
        expr = self.inlined.get(expr, expr)
        if isinstance(expr, MatrixSymbol):
            return spoken_name(name_of(expr))
        if isinstance(expr, n.Identity) or (isinstance(expr, n.Fill) and isinstance(expr.value, MatrixExpr)):
            return self.said(expr.args[0], depth)
        if not isinstance(expr, MatrixExpr) or is_number(expr):
            return _number(expr.value if isinstance(expr, n.Fill) else expr)
        if depth == 0:
            return self.made_of(expr)
        special = _SPECIAL.get(expr.func, _Speaker.operation)
        return special(self, expr, depth - 1)

    def made_of(self, expr: MatrixExpr) -> str:
        names = dict.fromkeys(self.said(s, 1) for s in walk(expr) if isinstance(s, MatrixSymbol))
        return f"a formula in {self.listed(list(names))}"

    def operation(self, expr: MatrixExpr, depth: int) -> str:
        """The name of the operation, then its operands."""
        found = [self.said(o, depth) for o in n.as_written(expr)]
        number = f"{len(found)} values: " if len(found) > 2 else ""
        return f"the {rule_of(expr.func).words} of {number}{self.listed(found)}"

    def listed(self, found: Sequence[str]) -> str:
        if len(found) > self.most + 1:
            found = [*found[: self.most], f"{len(found) - self.most} more"]
        if len(found) < 2:
            return "".join(found)
        last = ", and " if any(" and " in text for text in found) else " and "
        return last.join((", ".join(found[:-1]), found[-1]))

    def one_minus(self, expr: MatrixExpr, depth: int) -> str:
        return f"one minus {self.said(expr.args[0], depth)}"

    def negative(self, expr: MatrixExpr, depth: int) -> str:
        return f"minus {self.said(expr.args[0], depth)}"

    def power(self, expr: MatrixExpr, depth: int) -> str:
        base, exponent = (self.said(a, depth) for a in expr.args)
        return f"the elementwise power with exponent {exponent} of {base}"

    def matrix_product(self, expr: MatrixExpr, depth: int) -> str:
        """Between two values that have names there can be no mistake about what belongs to what."""
        if len(expr.args) == 2 and all(map(self.is_named, expr.args)):
            return " times ".join(self.said(a, 1) for a in expr.args)
        return self.operation(expr, depth)

    def transpose(self, expr: MatrixExpr, depth: int) -> str:
        operand = self.said(expr.args[0], depth)
        return f"{operand} transposed" if self.is_named(expr) else f"the transpose of {operand}"

    def is_named(self, expr: Basic) -> bool:
        """Whether it is a named value, or one transposed."""
        bare = expr.args[0] if isinstance(expr, Transpose) else expr
        return isinstance(self.inlined.get(bare, bare), MatrixSymbol)

    def rows(self, expr: MatrixExpr, depth: int) -> str:
        source, start, size = expr.args
        return f"the rows {start + 1} to {start + size} of {self.said(source, depth)}"


def _number(value: Basic) -> str:
    text = f"{float(value):g}" if is_decimal(value) else str(value)
    return f"minus {text[1:]}" if text.startswith("-") else text


_SPECIAL: dict[type, Callable[[_Speaker, MatrixExpr, int], str]] = {
    n.OneMinus: _Speaker.one_minus,
    n.Negative: _Speaker.negative,
    n.Power: _Speaker.power,
    n.Slice: _Speaker.rows,
    MatMul: _Speaker.matrix_product,
    Transpose: _Speaker.transpose,
}
