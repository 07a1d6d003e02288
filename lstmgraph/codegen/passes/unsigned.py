"""A minus before a product with a weight, or before the gradient of one, is one before its vector.

    Ū = -(δ hᵀ),  h̄ = -(Uᵀ δ)     becomes     ν = -δ,  Ū = ν hᵀ,  h̄ = Uᵀ ν

It is for a target whose products are calls that add, and do not subtract.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from sympy import MatMul, MatrixExpr, MatrixSymbol

from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.names import name_of
from lstmgraph.algebra.nodes import operands
from lstmgraph.algebra.traverse import rebuild, symbols_in
from lstmgraph.codegen.passes.rows import fresh
from lstmgraph.codegen.sweep import PHASES, Sweep
from lstmgraph.program import Equation


def unsigned(sweep: Sweep) -> Sweep:
    """The products of vectors with weights, and of vectors for weights, without a minus."""
    change = _Unsigned(sweep)
    return sweep.changed({phase: [e for old in sweep[phase] for e in change.of(old)] for phase in PHASES})


@dataclass
class _Unsigned:
    """`negated` are the vectors that have a name with a minus before them."""

    sweep: Sweep
    negated: dict[MatrixSymbol, Equation] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.taken, self.constant = {e.target for e in self.sweep.equations}, self.sweep.constant()

    def of(self, e: Equation) -> list[Equation]:
        """An equation, after those of the vectors that it is the first to take."""
        there = len(self.negated)
        value = self.changed(e.value, e)
        return [*list(self.negated.values())[there:], replace(e, value=value)]

    def changed(self, expr: MatrixExpr, of: Equation) -> MatrixExpr:
        if isinstance(expr, MatrixSymbol):
            return expr
        if isinstance(expr, n.Negative) and isinstance(expr.args[0], MatMul):
            pair = list(expr.args[0].args)
            at = next((k for k in (0, 1) if self.is_vector(pair, k, of)), None)
            if at is not None:
                pair[at] = self.negative(pair[at], of)
                return MatMul(*pair)
        return rebuild(expr, [self.changed(o, of) for o in operands(expr)])

    def is_vector(self, pair: list[MatrixExpr], at: int, of: Equation) -> bool:
        """Whether it is one of the step, beside a weight or in the gradient of one."""
        weight = symbols_in(pair[1 - at]) <= self.constant or of.target in self.sweep.summed
        return weight and isinstance(pair[at], MatrixSymbol) and pair[at] not in self.constant

    def negative(self, vector: MatrixSymbol, of: Equation) -> MatrixSymbol:
        if vector not in self.negated:
            name = fresh(name_of(vector).marked("minus"), vector.shape, self.taken)
            self.negated[vector] = replace(of, target=name, value=n.Negative(vector))
        return self.negated[vector].target
