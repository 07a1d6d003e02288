"""A number that multiplies all entries of a sum multiplies the sum, and so does a minus.

m̄ = Σ -ā,  v̄ = Σ 2 ā a      becomes      m̄ = -Σ ā,  v̄ = 2 Σ ā a
"""

from __future__ import annotations

from dataclasses import replace

from sympy import MatrixExpr, MatrixSymbol

from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.build import is_number, negate, product
from lstmgraph.algebra.nodes import operands
from lstmgraph.algebra.traverse import rebuild
from lstmgraph.codegen.sweep import PHASES, Sweep


def outside(sweep: Sweep) -> Sweep:
    """Every sum of entries without a number, or a minus, that all of them are multiplied by."""
    return sweep.changed({phase: [replace(e, value=_changed(e.value)) for e in sweep[phase]] for phase in PHASES})


def _changed(expr: MatrixExpr) -> MatrixExpr:
    if isinstance(expr, MatrixSymbol):
        return expr
    whole = rebuild(expr, [_changed(o) for o in operands(expr)])
    return _sum(whole.args[0]) if isinstance(whole, n.Sum) else whole


def _sum(entries: MatrixExpr) -> MatrixExpr:
    if isinstance(entries, n.Negative):
        return negate(_sum(entries.args[0]))
    factors = entries.args if isinstance(entries, n.Hadamard) else ()
    numbers = [n.Fill(f.value, 1, 1) for f in factors if is_number(f)]
    if numbers:
        return product(*numbers, n.Sum(product(*(f for f in factors if not is_number(f)))))
    return n.Sum(entries)
