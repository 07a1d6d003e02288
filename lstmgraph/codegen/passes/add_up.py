"""Sums over all steps of what takes matrices of a step are added up in the loop, where these matrices are.

    loop  H̄ = ...;  after  ā = Σ (H̄ ⊙ H)        T B H² numbers of H̄, written and read
    loop  H̄ = ...,  ā += H̄ ⊙ H                   B H² numbers, which stay in the cache

So no matrix of all steps is kept for a sum alone, and one that is cheap to compute again is made in the loop alone
(`recompute`).  A sum of products of matrices stays where it is, as one product of all steps, and so do the sums of
matrices that something else keeps.  In the loop they are the equations that no step takes (`Sweep.added`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from sympy import MatMul, MatrixSymbol

from lstmgraph.algebra.traverse import symbols_in, walk
from lstmgraph.codegen.passes.recompute import is_matrix
from lstmgraph.codegen.passes.sink import raised
from lstmgraph.codegen.sequence import Sequence
from lstmgraph.codegen.sweep import Sweep
from lstmgraph.program import Equation


def add_up(both: Sequence) -> Sequence:
    """Sums over all steps that take matrices of the loop are added up in it."""
    sweep = raised(both.backward)
    whole = sweep.summed | sweep.constant()  # what is made of sums alone takes them when they are there
    used = _symbols(e for e in sweep.equations if not symbols_in(e.value) <= whole)
    able = [e for e in sweep["after"] if _is_able(e, sweep) and e.target not in used]
    kept = _symbols(e for e in sweep["after"] if e not in able) | {*sweep.wanted} - {*sweep.carried.values()}
    there = {*sweep.recurrent, *sweep.inputs, *(e.target for e in sweep["loop"])}
    alone = {s for s in there - kept if is_matrix(s)}
    added = [e for e in able if not alone.isdisjoint(symbols_in(e.value))]
    after = [e for e in sweep["after"] if e not in added]
    return replace(both, backward=sweep.changed({"loop": [*sweep["loop"], *added], "after": after}))


def _is_able(e: Equation, sweep: Sweep) -> bool:
    """Whether it is a sum of what the loop has and no sum, without a product of matrices, and no row of each sample."""
    made = {other.target for other in sweep["after"]} | sweep.summed
    products = (p for p in walk(e.value) if isinstance(p, MatMul))
    heavy = any(p.args[0].shape[1] != 1 and is_matrix(p) for p in products)
    row = e.target.shape[0] == 1 != e.target.shape[1]
    return e.target in sweep.summed and not heavy and not row and symbols_in(e.value).isdisjoint(made)


def _symbols(equations: Iterable[Equation]) -> set[MatrixSymbol]:
    return {s for e in equations for s in symbols_in(e.value)}
