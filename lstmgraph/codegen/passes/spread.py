"""A multiple of one value that is only ever multiplied further is written where it is used.

    d_a = d_h o,   d_c = d_a (1/n),   d_n = d_a (h / n)
    d_c = d_h (o (1/n)),   d_n = d_h (o h / n)

where what is in brackets waits for no other step, so that it is made for all steps at once (`hoist_factors`).  A factor
that has to be multiplied for this alone costs as much there as is saved here: one such is let through.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from sympy import MatAdd, MatrixExpr, MatrixSymbol

from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.build import negate, product, total
from lstmgraph.algebra.traverse import symbols_in
from lstmgraph.codegen.passes.rows import used_in
from lstmgraph.codegen.sweep import Sweep


def spread(sweep: Sweep) -> Sweep:
    """Every multiple in the loop that is only multiplied further, in the multiples made of it."""
    late = sweep.late()
    for target in [e.target for e in sweep["loop"]]:
        value = sweep.definitions[target.name]  # as it is by now: it may be a multiple of one that is written in it
        uses = [found for term in _terms(sweep) if (found := _early(term, late, of=target))]
        several = sum(len(found) == 1 for found in uses) > 1
        if _early(value, late) and uses and len(uses) == used_in(sweep)[target] and not several:
            loop = [replace(e, value=_written(e.value, target, value)) for e in sweep["loop"] if e.target != target]
            sweep = sweep.changed({"loop": loop})
    return sweep


def _terms(sweep: Sweep) -> Iterator[MatrixExpr]:
    for e in sweep["loop"]:
        yield from e.value.args if isinstance(e.value, MatAdd) else (e.value,)


def _early(term: MatrixExpr, late: frozenset[MatrixSymbol], of: MatrixSymbol | None = None) -> list[MatrixExpr]:
    """The factors of a multiple of one late value, of that one if it is said, that wait for no other step."""
    inner = term.args[0] if isinstance(term, n.Negative) else term
    factors = inner.args if isinstance(inner, n.Hadamard) else ()
    waits = [f for f in factors if not late.isdisjoint(symbols_in(f))]
    if len(waits) != 1 or not isinstance(waits[0], MatrixSymbol) or of not in (None, waits[0]):
        return []
    return [f for f in factors if f is not waits[0]]


def _written(value: MatrixExpr, target: MatrixSymbol, multiple: MatrixExpr) -> MatrixExpr:
    if target not in symbols_in(value):
        return value
    if isinstance(value, MatAdd):
        return total(*(_written(term, target, multiple) for term in value.args))
    if isinstance(value, n.Negative):
        return negate(_written(value.args[0], target, multiple))
    return product(*(multiple if f == target else f for f in value.args))
