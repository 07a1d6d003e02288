"""The operations as typed SymPy nodes: one class each, with the signature that is its shape rule.

Products, sums and transposes are SymPy's own `MatMul`, `MatAdd` and `Transpose`, built by their constructors, which
keep the author's order.  What SymPy lacks or gets wrong (see docs/architecture.md) are nominal nodes of our own:
`func(*args)` rebuilds them, nothing is evaluated or re-sorted.  Everything is a matrix: a vector is a column (n, 1),
a scalar is (1, 1).

Where it is one, `_entry` gives SymPy an entry as a scalar formula: with whole numbers for sizes, `as_explicit()` works.

A signature reads like those of NumPy's gufuncs: `m k, k n -> m n`.  `...` repeats the operand before it; `*m` is a
size that differs between repetitions and `+m` their sum.  A new operation is a class here and a row in `rules.py`.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, ClassVar, Self

import sympy as sp
from sympy import Basic, MatAdd, MatMul, MatrixExpr, Transpose
from sympy.core.sympify import _sympify
from sympy.printing.precedence import PRECEDENCE

from lstmgraph.algebra.shapes import Shape, shape_by_signature

# The last step of a sequence; the first one is step 1, and what a cell starts from has step 0.
LAST_STEP = sp.Symbol("T", integer=True, positive=True)


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
    """A scalar function applied to every entry.

    `scalar` is its meaning; derivatives and code follow from it where nothing nicer is stated.
    """

    signature = "m n -> m n"
    scalar: ClassVar[staticmethod[[sp.Expr], sp.Expr]]

    def _entry(self, i: sp.Expr, j: sp.Expr, **_: object) -> sp.Expr:
        return type(self).scalar(self.args[0][i, j])


class Sigmoid(Elementwise):
    scalar = staticmethod(lambda a: 1 / (1 + sp.exp(-a)))


class Tanh(Elementwise):
    scalar = staticmethod(sp.tanh)


class Relu(Elementwise):
    scalar = staticmethod(lambda a: sp.Max(a, 0))


class Exp(Elementwise):
    scalar = staticmethod(sp.exp)


class Log(Elementwise):
    scalar = staticmethod(sp.log)


class Sqrt(Elementwise):
    scalar = staticmethod(sp.sqrt)


class Abs(Elementwise):
    scalar = staticmethod(sp.Abs)


class Softplus(Elementwise):
    scalar = staticmethod(lambda a: sp.log(1 + sp.exp(a)))


class Silu(Elementwise):
    scalar = staticmethod(lambda a: a / (1 + sp.exp(-a)))


class Sin(Elementwise):
    scalar = staticmethod(sp.sin)


class Cos(Elementwise):
    scalar = staticmethod(sp.cos)


class Sign(Elementwise):
    """-1, 0 or 1."""

    scalar = staticmethod(sp.sign)


class Step(Elementwise):
    """1 where the entry is positive, else 0: the derivative of relu, with 0 at 0."""

    scalar = staticmethod(lambda a: sp.Heaviside(a, 0))


class Identity(Elementwise):
    """The value itself, under a name of its own."""

    scalar = staticmethod(lambda a: a)


class OneMinus(Elementwise):
    """1 - a."""

    scalar = staticmethod(lambda a: 1 - a)


class Negative(Elementwise):
    """-a.  A difference a - b is MatAdd(a, Negative(b))."""

    scalar = staticmethod(lambda a: -a)


class Reciprocal(Elementwise):
    """1 / a."""

    scalar = staticmethod(lambda a: 1 / a)


class Hadamard(Operation):
    """The elementwise product of two or more."""

    signature = "m n, m n, ... -> m n"
    precedence = PRECEDENCE["Mul"]

    def _entry(self, i: sp.Expr, j: sp.Expr, **_: object) -> sp.Expr:
        return sp.Mul(*(a[i, j] for a in self.args))


class Divide(Operation):
    """The elementwise quotient."""

    signature = "m n, m n -> m n"
    precedence = PRECEDENCE["Mul"]

    def _entry(self, i: sp.Expr, j: sp.Expr, **_: object) -> sp.Expr:
        return self.args[0][i, j] / self.args[1][i, j]


class Power(Operation):
    """The elementwise power; a number as exponent is a `Fill`."""

    signature = "m n, m n -> m n"
    precedence = PRECEDENCE["Pow"]

    def _entry(self, i: sp.Expr, j: sp.Expr, **_: object) -> sp.Expr:
        return self.args[0][i, j] ** self.args[1][i, j]


class Maximum(Operation):
    """The larger of two, elementwise.  At a tie the second one counts as the larger."""

    signature = "m n, m n -> m n"

    def _entry(self, i: sp.Expr, j: sp.Expr, **_: object) -> sp.Expr:
        return sp.Max(*(a[i, j] for a in self.args))


class Minimum(Operation):
    """The smaller of two, elementwise.  At a tie the second one counts as the smaller."""

    signature = "m n, m n -> m n"

    def _entry(self, i: sp.Expr, j: sp.Expr, **_: object) -> sp.Expr:
        return sp.Min(*(a[i, j] for a in self.args))


class Kept(Operation):
    """The first where the second is not 0, else 0: a product with a switch, of what may be infinite.  In code alone."""

    signature = "m n, m n -> m n"

    def _entry(self, i: sp.Expr, j: sp.Expr, **_: object) -> sp.Expr:
        value, switch = (a[i, j] for a in self.args)
        return sp.Piecewise((value, sp.Ne(switch, 0)), (0, True))


class Softmax(Operation):
    """exp(a) / sum(exp(a)) over a vector."""

    signature = "m 1 -> m 1"

    def _entry(self, i: sp.Expr, j: sp.Expr, **_: object) -> sp.Expr:
        powers = [sp.exp(self.args[0][k, 0]) for k in range(self.shape[0])]
        return powers[i] / sp.Add(*powers)


class Concat(Operation):
    """Vectors or matrices one below the other."""

    signature = "*m n, ... -> +m n"

    def _entry(self, i: sp.Expr, j: sp.Expr, **_: object) -> sp.Expr:
        for part in self.args:
            if i < part.shape[0]:
                return part[i, j]
            i = i - part.shape[0]
        raise IndexError(f"row {i} below the last of {self}")


class Sum(Operation):
    """The sum of all entries, a scalar."""

    signature = "m n -> 1 1"

    def _entry(self, i: sp.Expr, j: sp.Expr, **_: object) -> sp.Expr:
        a = self.args[0]
        return sp.Add(*(a[k, m] for k in range(a.shape[0]) for m in range(a.shape[1])))


class Shaped(Operation):
    """An operation whose arguments say its shape otherwise than by a signature."""


class Fill(Shaped):
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

    def _entry(self, i: sp.Expr, j: sp.Expr, **_: object) -> sp.Expr:
        return self.value[0, 0] if isinstance(self.value, MatrixExpr) else self.value


class Slice(Shaped):
    """Slice(a, start, size): rows start, ..., start + size - 1."""

    @property
    def shape(self) -> Shape:
        return (self.args[2], self.args[0].shape[1])

    def _entry(self, i: sp.Expr, j: sp.Expr, **_: object) -> sp.Expr:
        return self.args[0][i + self.args[1], j]


class TimeSum(Operation):
    """TimeSum(a, first, last): the sum of `a`, which is of step t, over t = first, ..., last.

    Of one step alone it is that step's term: whoever runs a program over a sequence adds the terms up.
    """

    signature = "m n -> m n"

    def __new__(cls, value: MatrixExpr, first: sp.Expr | int = 1, last: sp.Expr | int = LAST_STEP) -> Self:
        return super().__new__(cls, value, first, last)

    @property
    def shape(self) -> Shape:
        return (self.args[0].shape[0], self.args[0].shape[1])

    def _entry(self, i: sp.Expr, j: sp.Expr, **_: object) -> sp.Expr:
        return self.args[0][i, j]


def operands(node: Basic) -> tuple[MatrixExpr, ...]:
    """The arguments of a node that are values: not the sizes of a Fill or the bounds of a Slice."""
    if isinstance(node, (Fill, Slice)):
        return tuple(a for a in node.args[:1] if isinstance(a, MatrixExpr))
    return tuple(a for a in node.args if isinstance(a, MatrixExpr)) if isinstance(node, COMPOSITE) else ()


def as_written(node: Basic, apart: Collection[MatrixExpr] = ()) -> tuple[MatrixExpr, ...]:
    """The operands, of maximum(maximum(a, b), c) all three; what is `apart` stays an operand as a whole."""
    first, *rest = operands(node)
    if isinstance(node, (Maximum, Minimum)) and first.func is node.func and first not in apart:
        return (*as_written(first, apart), *rest)
    return (first, *rest)


# What has operands: everything else in an expression is a symbol.
COMPOSITE = (Operation, MatMul, MatAdd, Transpose)
ENTRYWISE = (Elementwise, Hadamard, Divide, Power, Maximum, Minimum, MatAdd)  # an entry of each operand makes one

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
