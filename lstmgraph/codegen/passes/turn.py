"""Weights that a step multiplies with are transposed before the loop.

    U h    becomes    Vᵀ h    with V = Uᵀ, made once

It is for a target whose samples are rows: there Vᵀ h is the product `h @ V`, of which the right factor is read along
its rows; U h would be `h @ U.T`, for which a compiler may transpose U in every step.
"""

from __future__ import annotations

from dataclasses import replace

from sympy import MatMul, MatrixExpr, MatrixSymbol, Transpose

from lstmgraph.algebra.names import name_of
from lstmgraph.algebra.nodes import operands
from lstmgraph.algebra.traverse import rebuild, symbols_in
from lstmgraph.codegen.passes.rows import fresh, used_in
from lstmgraph.codegen.sweep import Sweep
from lstmgraph.program import Equation


def turn(sweep: Sweep) -> Sweep:
    """The products of the loop with transposed weights."""
    constant = sweep.constant()
    taken = {e.target for e in sweep.equations}
    turned: dict[MatrixSymbol, Equation] = {}

    def changed(expr: MatrixExpr) -> MatrixExpr:
        if isinstance(expr, MatMul) and expr.args[0] in constant and not symbols_in(expr.args[1]) <= constant:
            weight, column = expr.args[0], changed(expr.args[1])
            if 1 in weight.shape or column.shape[1] != 1:
                return MatMul(weight, column)
            if weight not in turned:
                name = fresh(name_of(weight).marked("turned"), weight.shape[::-1], taken)
                turned[weight] = Equation(name, Transpose(weight))
            return MatMul(Transpose(turned[weight].target), column)
        return expr if isinstance(expr, MatrixSymbol) else rebuild(expr, [changed(o) for o in operands(expr)])

    loop = [replace(e, value=changed(e.value)) for e in sweep["loop"]]
    result = sweep.changed({"loop": loop, "once": [*sweep["once"], *turned.values()]})
    return _joined(result, turned)


def _joined(sweep: Sweep, turned: dict[MatrixSymbol, Equation]) -> Sweep:
    """With a stack that is used transposed only made so."""
    uses = used_in(sweep)
    alone = {e.target: e.value for e in sweep["once"] if e.target in turned and uses[e.target] == 1}
    new = {turned[weight].target: Transpose(value) for weight, value in alone.items()}
    once = [replace(e, value=new.get(e.target, e.value)) for e in sweep["once"] if e.target not in alone]
    return sweep.changed({"once": once})
