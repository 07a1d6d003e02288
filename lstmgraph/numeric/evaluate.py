"""The reference interpreter: what a Program means in numbers.

Everything is a matrix, as in the equations: a vector is a column (n, 1), a scalar (1, 1).  Axes before these two, if
there are any, are samples, each computed on its own; so one call can serve a batch, or all the perturbed copies of a
parameter.
The arrays may be NumPy's or, with `xp=torch`, PyTorch's, whose autograd then sees every operation.

To add an operation: a row in OPERATIONS.  An elementwise function needs one only where its scalar formula, which is
used otherwise, would be numerically poor: where it overflows, or loses digits.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, reduce
from importlib import import_module
from types import ModuleType
from typing import Any

import numpy
import sympy as sp
from sympy import Expr, MatAdd, MatMul, MatrixExpr, MatrixSymbol, Symbol, Transpose
from sympy.printing.str import StrPrinter

from lstmgraph.algebra import maps
from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.maps import rule_of
from lstmgraph.algebra.shapes import show_shape
from lstmgraph.algebra.sizes import axis, solve_sizes
from lstmgraph.errors import ShapeError, UnknownName, UsageError
from lstmgraph.program import Program

Array = Any  # numpy.ndarray or torch.Tensor
Values = Mapping[str, Array]


def evaluate(program: Program, values: Values, xp: ModuleType = numpy) -> dict[str, Array]:
    """All values of a program by name: the given inputs ("W_f", "x[t]", "h[t-1]") and what its equations compute.

    A plain number will do for a scalar.  Raises ShapeError where the arrays do not fit the shapes in the program.
    """
    known = _inputs(program, values, xp)
    run = _Interpreter(known, bind_sizes(program.inputs, known), xp)
    for equation in program:
        known[equation.target.name] = run.value(equation.value)
    return known


def bind_sizes(symbols: Sequence[MatrixSymbol], values: Values) -> dict[Symbol, int]:
    """The number for each size symbol (H, X), read off the arrays."""
    sides = [(s, side, k) for s in symbols for k, side in enumerate(s.shape)]
    lengths = {axis(k): values[s.name].shape[at - 2] for k, (s, _, at) in enumerate(sides)}
    solved = solve_sizes([side for _, side, _ in sides])
    sizes = {z: _whole(z, formula, lengths) for z, formula in solved.items()}
    for symbol, side, at in sides:
        if number_of(side, sizes) != values[symbol.name].shape[at - 2]:
            bound = ", ".join(f"{name}={number}" for name, number in sorted(sizes.items(), key=str))
            shape = tuple(values[symbol.name].shape)
            here = f", here with {bound}" if bound else ""
            raise ShapeError(f"{symbol} is {show_shape(symbol.shape)}{here}; got an array {shape}")
    return sizes


def _whole(size: Symbol, formula: Expr, lengths: Mapping[Symbol, int]) -> int:
    if formula in lengths:
        return lengths[formula]
    number = formula.xreplace({a: sp.Integer(length) for a, length in lengths.items()})
    if not number.is_Integer or number < 0:
        raise ShapeError(f"by the shapes of the arrays, the size {size} would be {number}")
    return int(number)


def number_of(side: Expr, sizes: Mapping[Symbol, int]) -> int:
    """A size in numbers."""
    number = sizes.get(side, side)
    number = number if isinstance(number, int) or number.is_Integer else number.subs(sizes)
    if not isinstance(number, int) and not number.is_Integer:
        raise ShapeError(f"no input of the program tells the size {side}")
    return int(number)


def _inputs(program: Program, values: Values, xp: ModuleType) -> dict[str, Array]:
    arrays = [v for v in values.values() if hasattr(v, "dtype")]
    dtype = arrays[0].dtype if arrays else xp.float64
    known = {}
    for symbol in program.inputs:
        if symbol.name not in values:
            raise UnknownName(f"value for {program.name}'s input", symbol.name, values)
        value = values[symbol.name]
        known[symbol.name] = value if getattr(value, "ndim", 0) else xp.full((1, 1), value, dtype=dtype)
        if known[symbol.name].ndim < 2:
            raise ShapeError(f"{symbol} must be a matrix: a vector is a column, of shape (n, 1)")
    return known


class _Interpreter:
    def __init__(self, known: Mapping[str, Array], sizes: Mapping[Symbol, int], xp: ModuleType) -> None:
        self.known, self.sizes, self.xp = known, sizes, xp
        self.dtype = next((v.dtype for v in known.values()), xp.float64)

    def value(self, expr: MatrixExpr) -> Array:
        if isinstance(expr, MatrixSymbol):
            return self.known[expr.name]
        if isinstance(expr, n.Fill):
            return self.fill(expr)
        if isinstance(expr, n.Slice):
            start, count = self.size(expr.args[1]), self.size(expr.args[2])
            return self.value(expr.args[0])[..., start : start + count, :]
        if expr.func in BUILT:
            return BUILT[expr.func](self.xp, self.dtype, *map(self.size, expr.args))
        values = map(self.value, n.operands(expr))
        counted = isinstance(expr, maps.Blocks) or (isinstance(expr, maps.Chain) and expr.letter is not None)
        last = expr.args[-1:] if counted else ()
        return operation(expr.func, self.xp)(*values, *map(self.size, last))

    def fill(self, expr: n.Fill) -> Array:
        rows, columns = (self.size(side) for side in expr.shape)
        if isinstance(expr.value, MatrixExpr):
            scalar = self.value(expr.value)
            return self.xp.broadcast_to(scalar, (*scalar.shape[:-2], rows, columns))
        return self.xp.full((rows, columns), float(expr.value), dtype=self.dtype)

    def size(self, side: Expr) -> int:
        return number_of(side, self.sizes)


@lru_cache(maxsize=256)
def operation(cls: type, xp: ModuleType = numpy) -> Callable[..., Array]:
    """The function of an operation's operands."""
    if cls in OPERATIONS:
        function = OPERATIONS[cls]
        return lambda *operands: function(xp, *operands)
    if not issubclass(cls, n.Elementwise):
        known = ", ".join(sorted(rule_of(c).name for c in OPERATIONS if c is not n.Kept))
        raise UsageError(f"the interpreter cannot compute {cls.__name__}", hint=f"it has: {known}, and scalar formulas")
    a = Symbol("a", real=True)
    return scalar_function((a,), cls.scalar(a), xp)


def scalar_function(arguments: Sequence[Symbol], formula: Expr, xp: ModuleType = numpy) -> Callable[..., Array]:
    """A SymPy scalar formula as a function of arrays."""
    module = import_module(xp.__name__)
    function: Callable[..., Array] = sp.lambdify(
        arguments, formula, modules=[_spellings(module), vars(module)], printer=StrPrinter
    )
    return function


def _spellings(xp: ModuleType) -> dict[str, Callable[..., Array]]:
    """What SymPy calls a function, where NumPy and PyTorch call it otherwise."""
    return {
        "Abs": xp.abs,
        "Max": lambda *args: reduce(lambda a, b: xp.where(a > b, a, b), args),
        "Min": lambda *args: reduce(lambda a, b: xp.where(a < b, a, b), args),
        "Heaviside": lambda a, at_zero: xp.where(a > 0, xp.ones_like(a), xp.where(a < 0, xp.zeros_like(a), at_zero)),
    }


# ── the table; the entries of elementwise functions are there for accuracy, the formula would do otherwise ──


def _sigmoid(xp: ModuleType, a: Array) -> Array:
    """1 / (1 + exp(-a)) without overflow; as exp(a) / (1 + exp(a)) where a is negative."""
    small = xp.exp(xp.where(a >= 0, -a, a))
    return xp.where(a >= 0, 1 / (1 + small), small / (1 + small))


def _softmax(xp: ModuleType, a: Array) -> Array:
    powers = xp.exp(a - xp.amax(a, axis=-2, keepdims=True))
    return powers / xp.sum(powers, axis=-2, keepdims=True)


def _concat(xp: ModuleType, *parts: Array) -> Array:
    samples = numpy.broadcast_shapes(*(tuple(p.shape[:-2]) for p in parts))
    return xp.concatenate([xp.broadcast_to(p, (*samples, *p.shape[-2:])) for p in parts], axis=-2)


def _step(xp: ModuleType, a: Array) -> Array:
    return xp.where(a <= 0, xp.zeros_like(a), xp.where(a > 0, xp.ones_like(a), a))


# ── linear maps ──


def _vec(xp: ModuleType, a: Array) -> Array:
    return xp.swapaxes(a, -1, -2).reshape((*a.shape[:-2], a.shape[-2] * a.shape[-1], 1))


def _kron(_: ModuleType, a: Array, b: Array) -> Array:
    blocks = a[..., :, None, :, None] * b[..., None, :, None, :]
    rows, columns = a.shape[-2] * b.shape[-2], a.shape[-1] * b.shape[-1]
    return blocks.reshape((*blocks.shape[:-4], rows, columns))


def _blocks(xp: ModuleType, *parts: Array) -> Array:
    *blocks, width = parts
    rows = [_beside(xp, blocks[k : k + width]) for k in range(0, len(blocks), width)]
    return _concat(xp, *rows)


def _beside(xp: ModuleType, parts: Sequence[Array]) -> Array:
    return xp.swapaxes(_concat(xp, *(xp.swapaxes(p, -1, -2) for p in parts)), -1, -2)


def _commutation(xp: ModuleType, dtype: Any, rows: int, columns: int) -> Array:
    order = numpy.arange(rows * columns).reshape(columns, rows).T.ravel()
    return xp.eye(rows * columns, dtype=dtype)[order.tolist()]


# Matrices that follow from sizes alone.
BUILT: dict[type, Callable[..., Array]] = {
    maps.Eye: lambda xp, dtype, rows: xp.eye(rows, dtype=dtype),
    maps.Ones: lambda xp, dtype, rows: xp.ones((rows, 1), dtype=dtype),
    maps.Commutation: _commutation,
}

OPERATIONS: dict[type, Callable[..., Array]] = {
    MatMul: lambda _, a, b: a @ b,
    MatAdd: lambda _, *terms: reduce(operator.add, terms),
    Transpose: lambda xp, a: xp.swapaxes(a, -1, -2),
    n.Hadamard: lambda _, *factors: reduce(operator.mul, factors),
    n.Divide: lambda _, a, b: a / b,
    n.Power: lambda _, a, b: a**b,
    n.Maximum: lambda xp, a, b: xp.maximum(a, b),
    n.Minimum: lambda xp, a, b: xp.minimum(a, b),
    n.Kept: lambda xp, a, b: xp.where(b != 0, a, xp.zeros_like(a)),
    n.Sum: lambda xp, a: xp.sum(a, axis=(-2, -1), keepdims=True),
    n.TimeSum: lambda _, a: a,  # of one step
    n.Concat: _concat,
    n.Softmax: _softmax,
    n.Sigmoid: _sigmoid,
    n.Silu: lambda xp, a: a * _sigmoid(xp, a),
    n.Softplus: lambda xp, a: xp.logaddexp(a, xp.zeros_like(a)),
    n.Relu: lambda xp, a: xp.where(a <= 0, xp.zeros_like(a), a),
    n.Step: _step,
    maps.Diag: lambda xp, a: a * xp.eye(a.shape[-2], dtype=a.dtype),
    maps.Vec: _vec,
    maps.Kron: _kron,
    maps.Blocks: _blocks,
    maps.Chain: lambda _, *steps: reduce(operator.matmul, steps),
}
