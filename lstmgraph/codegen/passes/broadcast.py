"""A scalar in all entries is no array of these: the operations that make their entries of it take the scalar.

    s̄ = [d, ..., d],  ā = 2 a ⊙ s̄      becomes      ā = 2 a d

It is what comes back to the entries of a sum.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from sympy import MatAdd, MatrixExpr, MatrixSymbol

from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.nodes import operands
from lstmgraph.algebra.traverse import symbols_in
from lstmgraph.codegen.passes.rows import replaced, used_in
from lstmgraph.codegen.sweep import PHASES, Sweep
from lstmgraph.program import Equation

ENTRYWISE = (MatAdd, n.Hadamard, n.Divide, n.Negative)


def broadcast(sweep: Sweep) -> Sweep:
    """Every scalar in all entries is written where it is taken, if sums, products and quotients alone take it."""
    met = Counter(f for e in sweep.equations for f in _entries(e.value))
    uses = used_in(sweep)
    filled: dict[MatrixExpr, MatrixExpr] = {
        e.target: e.value
        for e in sweep.equations
        if _is_scalar(e.value) and uses[e.target] == met[e.target] and not _is_summed(e, sweep)
    }
    kept = {phase: [e for e in sweep[phase] if e.target not in filled] for phase in PHASES}
    return sweep.changed({p: [replace(e, value=replaced(e.value, filled)) for e in kept[p]] for p in PHASES})


def _is_scalar(value: MatrixExpr) -> bool:
    return isinstance(value, n.Fill) and isinstance(value.value, MatrixSymbol)


def _is_summed(e: Equation, sweep: Sweep) -> bool:
    """Whether it is the sum of what is one step's: that has a name, which keeps it apart from a step's."""
    return e.target in sweep.summed and not symbols_in(e.value) <= sweep.summed


def _entries(expr: MatrixExpr) -> Iterator[MatrixExpr]:
    """What each entry of sums, products and quotients is made of, as often as it is."""
    for operand in operands(expr) if isinstance(expr, ENTRYWISE) else ():
        yield operand
        yield from _entries(operand)
