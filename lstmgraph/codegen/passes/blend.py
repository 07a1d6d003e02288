"""A gate between two values in three operations in the place of four.

    z a + (1 - z) b  =  b + z (a - b)

It is for targets that pay for every operation; one that fuses them gains nothing.  What comes of it differs from z a +
(1 - z) b by roundings of a and b, however little the gate lets through of them: where z is 1 and b is large, nothing
would be left of a.  So both must be bounded, by no large number.  A product that waits for no other step goes out of
the loop instead.
"""

from __future__ import annotations

from dataclasses import replace

from sympy import MatrixExpr, MatrixSymbol

from lstmgraph.algebra.build import negate, product, total
from lstmgraph.algebra.traverse import symbols_in
from lstmgraph.codegen.passes.bounds import Known, bounds, mixes
from lstmgraph.codegen.passes.extremes import LARGE
from lstmgraph.codegen.sweep import Sweep


def blend(sweep: Sweep) -> Sweep:
    """Every sum in the loop of a bounded value times a gate and another times the rest of it by their difference."""
    known, late = bounds(sweep), sweep.late()
    return sweep.changed({"loop": [replace(e, value=_blended(e.value, known, late)) for e in sweep["loop"]]})


def _blended(value: MatrixExpr, known: Known, late: frozenset[MatrixSymbol]) -> MatrixExpr:
    for gate, a, b, others in mixes(value):
        waits = late.issuperset((a, b)) or not late.isdisjoint(symbols_in(gate))
        if waits and max(known[a].size, known[b].size) < LARGE:
            return total(b, product(gate, total(a, negate(b))), *others)
    return value
