"""Values and tangents of a Program by scalar calculus alone: the independent side of a proof.

Each operation is taken entry by entry, by the formula that its class states (`_entry`), and differentiated as a scalar
formula (`scalars.py`); the chain rule over the equations does the rest.  The table of derivative rules is never read.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Any, Generic

from sympy import Basic, Expr, Integer, MatrixExpr, MatrixSymbol, Symbol
from sympy.matrices.expressions.matexpr import MatrixElement

from lstmgraph.algebra.build import is_number
from lstmgraph.algebra.nodes import operands
from lstmgraph.algebra.traverse import rebuild
from lstmgraph.numeric.evaluate import number_of
from lstmgraph.numeric.proof.domain import Domain, E
from lstmgraph.numeric.proof.scalars import Dual, Scalars
from lstmgraph.program import Program

Sizes = Mapping[Symbol, int]
Matrix = list[list[E]]
Held = Mapping[MatrixSymbol, Collection[MatrixSymbol]]  # by the target of an equation: what does not change in it


class Tangents(Generic[E]):
    """Evaluates a Program in dual numbers over a domain."""

    def __init__(self, domain: Domain[E], sizes: Sizes) -> None:
        self.domain, self.sizes = domain, sizes
        self.scalars = Scalars(domain)
        self.known: dict[str, Matrix[Dual[E]]] = {}
        self.still: Collection[MatrixSymbol] = ()

    def run(
        self, program: Program, given: Mapping[str, Matrix[Dual[E]]], held: Held | None = None
    ) -> dict[str, Matrix[Dual[E]]]:
        """All values by name, each entry with its derivatives along the directions that the given ones have.

        Values that are `held` do not change: in the equation of a target their derivatives are taken for 0.
        """
        self.known = dict(given)
        for equation in program:
            self.still = (held or {}).get(equation.target, ())
            rows = self.value(equation.value)
            settled = [[Dual(self.domain.settled(dual.value), dual.slopes) for dual in row] for row in rows]
            self.known[equation.target.name] = settled
            for i, row in enumerate(settled):
                for j, dual in enumerate(row):
                    self.domain.call(dual.value, label(equation.target.name, (len(rows), len(row)), i, j))
        return self.known

    def value(self, expr: MatrixExpr) -> Matrix[Dual[E]]:
        if isinstance(expr, MatrixSymbol):
            known = self.known[expr.name]
            return [[Dual(dual.value) for dual in row] for row in known] if expr in self.still else known
        inner = operands(expr)
        matrices = {k: self.value(o) for k, o in enumerate(inner) if not is_number(o)}
        stands = [self._number(o) if k not in matrices else _stand_in(k, matrices[k]) for k, o in enumerate(inner)]
        node = self._sized(expr, stands)
        rows, columns = (number_of(side, self.sizes) for side in node.shape)
        return [[self.entry(entry_of(node, i, j), matrices) for j in range(columns)] for i in range(rows)]

    def entry(self, formula: Expr, matrices: Mapping[int, Matrix[Dual[E]]]) -> Dual[E]:
        """A formula in entries of the operands: its derivative by each of them, then the chain rule."""
        places = {leaf: _place(leaf) for leaf in leaves(formula)}
        inner = {leaf: matrices[k][i][j] for leaf, (k, i, j) in places.items()}
        moving = {leaf: {leaf: self.domain.one} if dual.slopes else {} for leaf, dual in inner.items()}
        local = self.scalars.dual(formula, {leaf: Dual(dual.value, moving[leaf]) for leaf, dual in inner.items()})
        slopes = ((self.domain.reduce(slope), inner[leaf]) for leaf, slope in local.slopes.items())
        return self.scalars.chain(self.domain.reduce(local.value), *slopes)

    def _number(self, filled: MatrixExpr) -> MatrixExpr:
        return self._sized(filled, [])

    def _sized(self, expr: MatrixExpr, inner: list[MatrixExpr]) -> MatrixExpr:
        """The operation on other operands, its own sizes as numbers."""
        node = rebuild(expr, inner)
        return node.func(*inner, *(self._side(a) for a in node.args[len(inner) :]))

    def _side(self, argument: Basic) -> Basic:
        return argument.xreplace({z: Integer(k) for z, k in self.sizes.items()})


def label(name: str, shape: tuple[int, int], i: int, j: int) -> str:
    """An entry of a matrix, of a vector, of a scalar, counted from 1."""
    if shape == (1, 1):
        return name
    return f"{name}[{i + 1}]" if shape[1] == 1 else f"{name}[{i + 1},{j + 1}]"


def _stand_in(k: int, matrix: Matrix[Any]) -> MatrixSymbol:
    return MatrixSymbol(f"operand {k}", len(matrix), len(matrix[0]))


def _place(leaf: MatrixElement) -> tuple[int, int, int]:
    return int(leaf.parent.name.removeprefix("operand ")), int(leaf.i), int(leaf.j)


@lru_cache(maxsize=1 << 16)
def entry_of(node: MatrixExpr, i: int, j: int) -> Expr:
    """The scalar formula of an entry, as the operation's class states it."""
    return node._entry(Integer(i), Integer(j))


@lru_cache(maxsize=1 << 16)
def leaves(formula: Expr) -> tuple[MatrixElement, ...]:
    return tuple(sorted(formula.atoms(MatrixElement), key=str))
