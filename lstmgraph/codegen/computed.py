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
from lstmgraph.codegen.fewer import fewer
from lstmgraph.codegen.fold import folded
from lstmgraph.codegen.stable import stable
from lstmgraph.program import Equation


def computed(cell: Cell) -> Cell:
    """The cell that code is made of; the same one where there is nothing to do."""
    known: dict[MatrixSymbol, MatrixExpr] = {}
    same: dict[MatrixSymbol, MatrixSymbol] = {}
    sums: dict[MatAdd, None] = {}
    equations: list[Equation] = []
    for e in cell.step:
        value = fewer(folded(stable(folded(renamed(e.value, lambda s: same.get(s, s))), known)), sums)
        known[e.target] = value
        sums |= dict.fromkeys(part for part in walk(value) if isinstance(part, MatAdd))
        if isinstance(value, MatrixSymbol):
            same[e.target], value = value, Identity(value)
        equations.append(e if value == e.value else replace(e, value=value))
    new = {e.target: e for e in equations}
    own = tuple(new[e.target] for e in cell.equations)
    return cell if own == cell.equations else replace(cell, equations=own, order=cell.used)
