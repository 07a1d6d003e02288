"""A Program in a domain: what the equations of a gradient mean, entry by entry, computed with exact numbers.

To add an operation: a row in OPERATIONS, a function of its operands' entries.  An elementwise function needs none: its
scalar formula is its meaning.  `tests/numeric/proof` holds the table to that of the rules.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import reduce
from typing import Any, Generic

import sympy as sp
from sympy import MatAdd, MatMul, MatrixExpr, MatrixSymbol, Transpose

from lstmgraph.algebra import maps
from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.build import is_number
from lstmgraph.algebra.nodes import operands
from lstmgraph.errors import UsageError
from lstmgraph.numeric.evaluate import number_of
from lstmgraph.numeric.proof.domain import Domain, E
from lstmgraph.numeric.proof.scalars import Dual, Scalars
from lstmgraph.numeric.proof.tangents import Matrix, Sizes
from lstmgraph.program import Program

Values = dict[str, Matrix[E]]
A, B = sp.Symbol("a", real=True), sp.Symbol("b", real=True)


class Interpreter(Generic[E]):
    """Evaluates a Program in a domain."""

    def __init__(self, domain: Domain[E], sizes: Sizes) -> None:
        self.domain, self.sizes = domain, sizes
        self.scalars = Scalars(domain)
        self.known: dict[str, Matrix[E]] = {}

    def run(self, program: Program, given: Mapping[str, Matrix[E]], author: Collection[MatrixSymbol] = ()) -> Values[E]:
        """All values by name; those whose equations the `author` wrote are settled, as on the other side."""
        self.known = dict(given)
        for equation in program:
            found = self.value(equation.value)
            if equation.target in author:
                found = [[self.domain.settled(entry) for entry in row] for row in found]
            self.known[equation.target.name] = found
        return self.known

    def value(self, expr: MatrixExpr) -> Matrix[E]:
        if isinstance(expr, MatrixSymbol):
            return self.known[expr.name]
        if isinstance(expr, n.Power) and is_number(expr.args[1]):  # a whole power is one whatever the domain can tell
            return self.each(A ** expr.args[1].args[0], self.value(expr.args[0]))
        if expr.func in OPERATIONS:
            return OPERATIONS[expr.func](self, expr, *map(self.value, operands(expr)))
        if isinstance(expr, n.Elementwise):
            return self.each(type(expr).scalar(A), self.value(expr.args[0]))
        raise UsageError(f"a proof cannot compute {type(expr).__name__}", hint="it needs a row of OPERATIONS")

    def each(self, formula: sp.Expr, a: Matrix[E], b: Matrix[E] | None = None) -> Matrix[E]:
        """A scalar formula of A, and of B, in every entry."""

        def at(i: int, j: int) -> E:
            leaves = {A: Dual(a[i][j])} | ({B: Dual(b[i][j])} if b else {})
            return self.domain.reduce(self.scalars.dual(formula, leaves).value)

        return [[at(i, j) for j in range(len(row))] for i, row in enumerate(a)]

    def entrywise(self, combine: Callable[..., E], *matrices: Matrix[E]) -> Matrix[E]:
        return [[combine(entries) for entries in zip(*rows, strict=True)] for rows in zip(*matrices, strict=True)]


Operation = Callable[..., Matrix[Any]]


def _matmul(run: Interpreter[E], _: MatrixExpr, a: Matrix[E], b: Matrix[E]) -> Matrix[E]:
    columns = list(zip(*b, strict=True))

    def dot(row: Sequence[E], column: Sequence[E]) -> E:
        return run.domain.total(run.domain.mul(x, y) for x, y in zip(row, column, strict=True))

    return [[dot(row, column) for column in columns] for row in a]


def _fill(run: Interpreter[E], expr: n.Fill, *scalar: Matrix[E]) -> Matrix[E]:
    rows, columns = (number_of(side, run.sizes) for side in expr.shape)
    value = scalar[0][0][0] if scalar else run.scalars.dual(expr.value, {}).value
    return [[value] * columns for _ in range(rows)]


def _slice(run: Interpreter[E], expr: n.Slice, a: Matrix[E]) -> Matrix[E]:
    start, count = (number_of(side, run.sizes) for side in expr.args[1:])
    return a[start : start + count]


def _softmax(run: Interpreter[E], _: MatrixExpr, a: Matrix[E]) -> Matrix[E]:
    powers = [run.domain.function("exp", row[0]) for row in a]
    below = run.domain.inverse(run.domain.total(powers))
    return [[run.domain.mul(p, below)] for p in powers]


def _matrix(run: Interpreter[E], expr: MatrixExpr, entry: Callable[[int, int], E]) -> Matrix[E]:
    rows, columns = (number_of(side, run.sizes) for side in expr.shape)
    return [[entry(i, j) for j in range(columns)] for i in range(rows)]


def _kron(run: Interpreter[E], _: MatrixExpr, a: Matrix[E], b: Matrix[E]) -> Matrix[E]:
    return [[run.domain.mul(x, y) for x in left for y in right] for left in a for right in b]


def _commutation(run: Interpreter[E], expr: MatrixExpr) -> Matrix[E]:
    """Entry (i, j) of A, m rows and n columns, is entry j m + i of vec(A) and i n + j of vec(A.T)."""
    rows, columns = (number_of(side, run.sizes) for side in expr.args)
    found = {(i * columns + j, j * rows + i) for i in range(rows) for j in range(columns)}
    return _matrix(run, expr, lambda i, j: run.domain.integer(int((i, j) in found)))


def _blocks(_: Interpreter[E], expr: MatrixExpr, *blocks: Matrix[E]) -> Matrix[E]:
    width = int(expr.args[-1])
    grid = [blocks[k : k + width] for k in range(0, len(blocks), width)]
    return [[entry for part in parts for entry in part] for row in grid for parts in zip(*row, strict=True)]


OPERATIONS: dict[type, Operation] = {
    MatMul: _matmul,
    MatAdd: lambda run, _, *terms: run.entrywise(run.domain.total, *terms),
    Transpose: lambda _, __, a: [list(column) for column in zip(*a, strict=True)],
    n.Hadamard: lambda run, _, *factors: run.entrywise(run.domain.product, *factors),
    n.Divide: lambda run, _, a, b: run.each(A / B, a, b),
    n.Power: lambda run, _, a, b: run.entrywise(lambda e: run.domain.raised(*e), a, b),
    n.Maximum: lambda run, _, a, b: run.each(sp.Max(A, B), a, b),
    n.Minimum: lambda run, _, a, b: run.each(sp.Min(A, B), a, b),
    n.Softmax: _softmax,
    n.Concat: lambda _, __, *parts: [row for part in parts for row in part],
    n.Sum: lambda run, _, a: [[run.domain.total(entry for row in a for entry in row)]],
    n.TimeSum: lambda _, __, a: a,  # of one step
    n.Fill: _fill,
    n.Slice: _slice,
    maps.Eye: lambda run, expr: _matrix(run, expr, lambda i, j: run.domain.integer(int(i == j))),
    maps.Ones: lambda run, expr: _matrix(run, expr, lambda _, __: run.domain.one),
    maps.Diag: lambda run, expr, a: _matrix(run, expr, lambda i, j: a[i][0] if i == j else run.domain.zero),
    maps.Vec: lambda _, __, a: [[entry] for column in zip(*a, strict=True) for entry in column],
    maps.Kron: _kron,
    maps.Commutation: _commutation,
    maps.Blocks: _blocks,
    maps.Chain: lambda run, expr, *factors: reduce(lambda a, b: _matmul(run, expr, a, b), factors),
}
