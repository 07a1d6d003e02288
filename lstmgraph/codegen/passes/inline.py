"""A product that is a term of one sum, and is used nowhere else, is written into that sum.

    part = U h,  pre = part + proj
    pre = U h + proj

So one call of a matrix library computes both.
"""

from __future__ import annotations

from dataclasses import replace

from sympy import MatAdd, MatMul, MatrixExpr

from lstmgraph.algebra.build import total
from lstmgraph.codegen.passes.rows import used_in
from lstmgraph.codegen.sweep import PHASES, Phase, Sweep
from lstmgraph.program import Equation


def inline(sweep: Sweep) -> Sweep:
    """The same values from fewer equations."""
    return sweep.changed({phase: _inlined(sweep, phase) for phase in PHASES[1:]})


def _inlined(sweep: Sweep, phase: Phase) -> list[Equation]:
    equations = sweep[phase]
    uses = used_in(sweep)
    terms = {a for e in equations if isinstance(e.value, MatAdd) for a in e.value.args}
    once = [e for e in equations if uses[e.target] == 1]
    moved = {e.target: e.value for e in once if _is_column(e.value) and e.target in terms}
    return [
        replace(e, value=total(*(moved.get(a, a) for a in e.value.args))) if isinstance(e.value, MatAdd) else e
        for e in equations
        if e.target not in moved
    ]


def _is_column(value: MatrixExpr) -> bool:
    return isinstance(value, MatMul) and bool(value.shape[1] == 1)
