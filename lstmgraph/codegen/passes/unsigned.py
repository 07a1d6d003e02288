"""A minus before a product with a weight, or before the gradient of one, is one before its vector.

    Ū = -(δ hᵀ),  h̄ = -(Uᵀ δ)     becomes     ν = -δ,  Ū = ν hᵀ,  h̄ = Uᵀ ν

It is for a target whose products are calls that add, and do not subtract.
"""

from __future__ import annotations

from dataclasses import replace

from sympy import MatMul, MatrixExpr, MatrixSymbol

from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.names import name_of
from lstmgraph.algebra.nodes import operands
from lstmgraph.algebra.traverse import rebuild, symbols_in
from lstmgraph.codegen.passes.rows import fresh
from lstmgraph.codegen.sweep import PHASES, Phase, Sweep
from lstmgraph.program import Equation


def unsigned(sweep: Sweep) -> Sweep:
    """The products of vectors with weights, and of vectors for weights, without a minus."""
    taken, constant = {e.target for e in sweep.equations}, sweep.constant()
    negated: dict[MatrixSymbol, Equation] = {}

    def changed(expr: MatrixExpr, of: Equation) -> MatrixExpr:
        if isinstance(expr, n.Negative) and isinstance(expr.args[0], MatMul):
            pair = list(expr.args[0].args)
            at = next((k for k in (0, 1) if is_vector(pair, k, of)), None)
            if at is not None:
                pair[at] = negative(pair[at], of)
                return MatMul(*pair)
        return expr if isinstance(expr, MatrixSymbol) else rebuild(expr, [changed(o, of) for o in operands(expr)])

    def is_vector(pair: list[MatrixExpr], at: int, of: Equation) -> bool:
        """Whether it is one of the step, beside a weight or in the gradient of one."""
        weight = symbols_in(pair[1 - at]) <= constant or of.target in sweep.summed
        return weight and isinstance(pair[at], MatrixSymbol) and pair[at] not in constant

    def negative(vector: MatrixSymbol, of: Equation) -> MatrixSymbol:
        if vector not in negated:
            name = fresh(name_of(vector).marked("minus"), vector.shape, taken)
            negated[vector] = replace(of, target=name, value=n.Negative(vector))
        return negated[vector].target

    phases: dict[Phase, list[Equation]] = {}
    for phase in PHASES:
        phases[phase] = []
        for e in sweep[phase]:
            there = len(negated)
            value = changed(e.value, e)
            phases[phase] += [*list(negated.values())[there:], replace(e, value=value)]
    return sweep.changed(phases)
