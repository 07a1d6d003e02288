"""A product that is a term of one sum, and is used nowhere else, is written into that sum.

    part = U h,  pre = part + proj
    pre = U h + proj

So one call of a matrix library computes both.  A scalar in all entries that is a factor of one product, or a term of
one sum, needs no array of these either.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from sympy import MatAdd, MatMul, MatrixExpr, MatrixSymbol

from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.build import total
from lstmgraph.algebra.nodes import operands
from lstmgraph.codegen.passes.rows import replaced, used_in
from lstmgraph.codegen.sweep import PHASES, Phase, Sweep
from lstmgraph.program import Equation

ENTRYWISE = (MatAdd, n.Hadamard, n.Divide, n.Negative)


def inline(sweep: Sweep) -> Sweep:
    """The same values from fewer equations."""
    return sweep.changed({phase: _inlined(sweep, phase) for phase in PHASES[1:]})


def _inlined(sweep: Sweep, phase: Phase) -> list[Equation]:
    equations = sweep[phase]
    uses = used_in(sweep)
    terms = {a for e in equations if isinstance(e.value, MatAdd) for a in e.value.args}
    factors = {a for e in equations if isinstance(e.value, ENTRYWISE) for a in _factors(e.value)}
    once = [e for e in equations if uses[e.target] == 1]
    filled = {e.target: e.value for e in once if _is_scalar_in_all(e.value) and e.target in factors}
    moved = {e.target: e.value for e in once if _is_column(e.value) and e.target in terms}
    changed = (
        replace(e, value=replaced(e.value, filled))
        for e in equations
        if e.target not in filled and e.target not in moved
    )
    return [
        replace(e, value=total(*(moved.get(a, a) for a in e.value.args))) if isinstance(e.value, MatAdd) else e
        for e in changed
    ]


def _is_column(value: MatrixExpr) -> bool:
    return isinstance(value, MatMul) and bool(value.shape[1] == 1)


def _is_scalar_in_all(value: MatrixExpr) -> bool:
    return isinstance(value, n.Fill) and isinstance(value.value, MatrixSymbol)


def _factors(expr: MatrixExpr) -> Iterator[MatrixExpr]:
    """What an expression is the sums, products and quotients of."""
    if isinstance(expr, ENTRYWISE):
        for operand in operands(expr):
            yield from _factors(operand)
    else:
        yield expr
