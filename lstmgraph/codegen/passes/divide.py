"""A quotient by what waits for no other step is a product: what it is multiplied by is then made for all steps at once.

d_c = d_h o / n      becomes      d_c = d_h (o / n)
"""

from __future__ import annotations

from dataclasses import replace

from sympy import MatrixExpr, MatrixSymbol

from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.build import product
from lstmgraph.algebra.nodes import operands
from lstmgraph.algebra.traverse import rebuild, symbols_in
from lstmgraph.codegen.sweep import Sweep


def divide(sweep: Sweep) -> Sweep:
    """Every quotient of the loop by an early value as a product with its reciprocal."""
    late = sweep.late()

    def changed(expr: MatrixExpr) -> MatrixExpr:
        if isinstance(expr, MatrixSymbol):
            return expr
        whole = rebuild(expr, [changed(o) for o in operands(expr)])
        if isinstance(whole, n.Divide):
            above, below = whole.args
            if late.isdisjoint(symbols_in(below)):
                return product(above, n.Reciprocal(below))
        return product(*whole.args) if isinstance(whole, n.Hadamard) else whole

    return sweep.changed({"loop": [replace(e, value=changed(e.value)) for e in sweep["loop"]]})
