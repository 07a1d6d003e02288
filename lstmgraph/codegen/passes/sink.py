"""Matrices of a step are there in that step only: made in the loop that takes them, taken in the loop that makes them.

    before  P = v kᵀ                                 T B H² numbers, written and read
    loop    C = f C[t-1] + i P

    loop    P = v kᵀ,  C = f C[t-1] + i P            B H² numbers, which stay in the cache

    loop    C̄ = ...;  after  v̄ = (i C̄) k            becomes    loop    C̄ = ...,  v̄ = (i C̄) k

That is so where fewer matrices of all steps are left: of what makes two of one, d̄ = C̄ ⊙ C[t-1] and f̄ = C̄ ⊙ P, to be
added up after the loop, C̄ itself is kept.

The columns that they are made of are there for all steps.  What is only one number for all entries is written where it
is taken.  A product of matrices stays where it is: for all steps at once it is faster.
"""

from __future__ import annotations

from dataclasses import replace

from sympy import MatMul, MatrixExpr

from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.traverse import symbols_in, walk
from lstmgraph.codegen.passes.recompute import is_matrix, used_in_loop_only
from lstmgraph.codegen.passes.rows import before_use, replaced
from lstmgraph.codegen.sweep import Sweep
from lstmgraph.program import Equation


def sink(sweep: Sweep) -> Sweep:
    """Every matrix of a step that the loop alone takes, or alone makes, is there for that step only."""
    for e in reversed(sweep["before"]):
        if _sinks(e, sweep):
            sweep = _sunk(e, sweep)
    return min(sweep, raised(sweep), key=_kept)


def _kept(sweep: Sweep) -> int:
    """How many matrices that the loop makes there are of all steps."""
    taken = {s for e in sweep["after"] for s in symbols_in(e.value)} | {*sweep.wanted}
    return sum(is_matrix(e.target) and e.target in taken for e in sweep["loop"])


def _sinks(e: Equation, sweep: Sweep) -> bool:
    taken = {*sweep.wanted, *sweep.carried.values(), *sweep.summed, *sweep.delayed}
    products = (p for p in walk(e.value) if isinstance(p, MatMul) and p.args[0].shape[1] != 1)
    alone = is_matrix(e.target) and e.target not in taken and used_in_loop_only(e.target, sweep)
    return alone and next(products, None) is None


def _sunk(e: Equation, sweep: Sweep) -> Sweep:
    before = [other for other in sweep["before"] if other is not e]
    if isinstance(e.value, n.Fill):
        new: dict[MatrixExpr, MatrixExpr] = {e.target: e.value}
        loop = [replace(other, value=replaced(other.value, new)) for other in sweep["loop"]]
    else:
        loop = before_use(sweep["loop"], [e])
    return sweep.changed({"before": before, "loop": loop})


def raised(sweep: Sweep) -> Sweep:
    """With what comes after the loop and takes matrices of it in the loop, where nothing else would keep these."""
    stay = {*sweep.wanted, *sweep.carried.values(), *sweep.summed}
    passing = {e.target for e in sweep["loop"] if is_matrix(e.target)} - stay
    moved: list[Equation] = []
    after: list[Equation] = []
    for e in sweep["after"]:
        waits = not symbols_in(e.value).isdisjoint(other.target for other in after)
        if symbols_in(e.value).isdisjoint(passing) or e.target in sweep.summed or waits:
            after.append(e)
            continue
        moved.append(e)
        passing |= {e.target} if is_matrix(e.target) else set()
    return sweep.changed({"loop": [*sweep["loop"], *moved], "after": after})
