"""A cell as code computes it: the author's equations with constants folded, in forms that are stable, without what is
computed twice.

Before any gradient is derived, and before the sweeps and their passes: what is left is the same cell, of the same
inputs, states and parameters, with the same values under the same names.

A value that only is another one (identity(x[t]), 1 * x[t]) is taken by the name of that one: by a second name an array
might be overwritten while it is still read under the first.
"""

from __future__ import annotations

from dataclasses import replace

from sympy import MatAdd, MatrixExpr, MatrixSymbol

from lstmgraph.algebra.nodes import Identity
from lstmgraph.algebra.traverse import renamed, walk
from lstmgraph.cell import Cell
from lstmgraph.codegen.fewer import fewer, with_shared_sums
from lstmgraph.codegen.fold import folded
from lstmgraph.codegen.stable import stable
from lstmgraph.program import Equation


def computed(cell: Cell) -> Cell:
    """The cell that code is made of; the same one where there is nothing to do."""
    known: dict[MatrixSymbol, MatrixExpr] = {}
    same: dict[MatrixSymbol, MatrixSymbol] = {}
    sums: dict[MatAdd, None] = {}
    for e in cell.step:
        known[e.target] = fewer(folded(stable(folded(renamed(e.value, lambda s: same.get(s, s))), known)), sums)
        sums |= dict.fromkeys(part for part in walk(known[e.target]) if isinstance(part, MatAdd))
        if isinstance(known[e.target], MatrixSymbol):
            same[e.target] = known[e.target]
    values = with_shared_sums(known)
    own = tuple(_computing(e, values[e.target]) for e in cell.equations)
    return cell if own == cell.equations else replace(cell, equations=own, order=cell.used)


def _computing(e: Equation, value: MatrixExpr) -> Equation:
    value = Identity(value) if isinstance(value, MatrixSymbol) else value
    return e if value == e.value else replace(e, value=value)
