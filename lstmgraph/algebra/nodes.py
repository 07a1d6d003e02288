"""The operations as typed SymPy nodes: one class each, with the signature that is its shape rule.

Products, sums and transposes are SymPy's own `MatMul`, `MatAdd` and `Transpose`, built by their constructors, which
keep the author's order.  What SymPy lacks or gets wrong (see docs/architecture.md) are nominal nodes of our own:
`func(*args)` rebuilds them, nothing is evaluated or re-sorted.  Everything is a matrix: a vector is a column (n, 1),
a scalar is (1, 1).

A signature reads like those of NumPy's gufuncs: `m k, k n -> m n`.  `...` repeats the operand before it; `*m` is a
size that differs between repetitions and `+m` their sum.  A new operation is a class here and a row in `rules.py`.
"""

from __future__ import annotations

from typing import Any, ClassVar, Self

from sympy import Basic, MatAdd, MatMul, MatrixExpr, Transpose
from sympy.core.sympify import _sympify
from sympy.printing.precedence import PRECEDENCE

from lstmgraph.algebra.shapes import Shape, shape_by_signature


class Operation(MatrixExpr):
    """An operation of our own: its arguments are matrices and its shape follows from `signature`."""

    signature: ClassVar[str]
    precedence: ClassVar[int] = PRECEDENCE["Func"]

    def __new__(cls, *args: Any) -> Self:
        node: Self = Basic.__new__(cls, *map(_sympify, args))
        return node

    @property
    def shape(self) -> Shape:
        return shape_by_signature(self.signature, [a.shape for a in self.args])

    def _sympystr(self, printer: Any) -> str:
        return f"{type(self).__name__}({', '.join(printer._print(a) for a in self.args)})"

    _sympyrepr = _sympystr

    def _latex(self, printer: Any) -> str:
        name = type(self).__name__.lower()
        return rf"\operatorname{{{name}}}\left({', '.join(printer._print(a) for a in self.args)}\right)"

    def _eval_transpose(self) -> MatrixExpr:
        return Transpose(self)


class Elementwise(Operation):
    """A scalar function applied to every entry; its meaning as a scalar is in its row of the table."""

    signature = "m n -> m n"


class Sigmoid(Elementwise): ...


class Tanh(Elementwise): ...


class Relu(Elementwise): ...


class Exp(Elementwise): ...


class Log(Elementwise): ...


class Sqrt(Elementwise): ...


class Abs(Elementwise): ...


class Softplus(Elementwise): ...


class Silu(Elementwise): ...


class Sin(Elementwise): ...


class Cos(Elementwise): ...


class Sign(Elementwise):
    """-1, 0 or 1."""


class Step(Elementwise):
    """1 where the entry is positive, else 0: the derivative of relu, with 0 at 0."""


class Identity(Elementwise):
    """The value itself, under a name of its own."""


class OneMinus(Elementwise):
    """1 - a."""


class Negative(Elementwise):
    """-a.  A difference a - b is MatAdd(a, Negative(b))."""


class Reciprocal(Elementwise):
    """1 / a."""


class Hadamard(Operation):
    """The elementwise product of two or more."""

    signature = "m n, m n, ... -> m n"
    precedence = PRECEDENCE["Mul"]


class Divide(Operation):
    """The elementwise quotient."""

    signature = "m n, m n -> m n"
    precedence = PRECEDENCE["Mul"]


class Power(Operation):
    """The elementwise power; a number as exponent is a `Fill`."""

    signature = "m n, m n -> m n"
    precedence = PRECEDENCE["Pow"]


class Maximum(Operation):
    """The larger of two, elementwise.  At a tie the second one counts as the larger."""

    signature = "m n, m n -> m n"


class Minimum(Operation):
    """The smaller of two, elementwise.  At a tie the second one counts as the smaller."""

    signature = "m n, m n -> m n"


class Softmax(Operation):
    """exp(a) / sum(exp(a)) over a vector."""

    signature = "m 1 -> m 1"


class Concat(Operation):
    """Vectors or matrices one below the other."""

    signature = "*m n, ... -> +m n"


class Sum(Operation):
    """The sum of all entries, a scalar."""

    signature = "m n -> 1 1"


class Fill(Operation):
    """Fill(value, rows, columns): a matrix every entry of which is `value`, a SymPy number or a scalar.

    Broadcasting is explicit: `1 - z` and `alpha * h` hold the number and the scalar in a Fill of the other operand's
    shape.
    """

    @property
    def value(self) -> Basic:
        return self.args[0]

    @property
    def shape(self) -> Shape:
        return (self.args[1], self.args[2])


class Slice(Operation):
    """Slice(a, start, size): rows start, ..., start + size - 1."""

    @property
    def shape(self) -> Shape:
        return (self.args[2], self.args[0].shape[1])


def operands(node: Basic) -> tuple[MatrixExpr, ...]:
    """The arguments of a node that are values: not the sizes of a Fill or the bounds of a Slice."""
    if isinstance(node, (Fill, Slice)):
        return tuple(a for a in node.args[:1] if isinstance(a, MatrixExpr))
    return tuple(a for a in node.args if isinstance(a, MatrixExpr)) if isinstance(node, COMPOSITE) else ()


# What has operands: everything else in an expression is a symbol.
COMPOSITE = (Operation, MatMul, MatAdd, Transpose)

# SymPy's own operations have no attribute to hold their signature.
_SIGNATURES: dict[type, str] = {
    MatMul: "m k, k n -> m n",
    MatAdd: "m n, m n, ... -> m n",
    Transpose: "m n -> n m",
}


def signature_of(node: MatrixExpr | type) -> str:
    """The shape rule of an operation (of a node, or of its class)."""
    cls: Any = node if isinstance(node, type) else node.func
    return _SIGNATURES.get(cls) or str(cls.signature)
