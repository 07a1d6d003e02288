"""Sigmoids by an exponential where their digits near 0 count: sigmoid(a) = 1 / (1 + exp(-a)).

For a library whose sigmoid is right within an absolute error only, so that far below 0 it has few digits, or none.
"""

from __future__ import annotations

from dataclasses import replace

from sympy import Integer, MatAdd

from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.build import fill
from lstmgraph.codegen.passes.extremes import relative
from lstmgraph.codegen.sweep import PHASES, Sweep
from lstmgraph.program import Equation


def precise(sweep: Sweep) -> Sweep:
    """Every sigmoid whose relative error counts by an exponential."""
    targets = relative(sweep)
    return sweep.changed(
        {phase: [_by_exp(e) if e.target in targets else e for e in sweep[phase]] for phase in PHASES[1:]}
    )


def _by_exp(e: Equation) -> Equation:
    if not isinstance(e.value, n.Sigmoid):
        return e
    below = MatAdd(fill(Integer(1), e.target.shape), n.Exp(n.Negative(e.value.args[0])))
    return replace(e, value=n.Reciprocal(below))
