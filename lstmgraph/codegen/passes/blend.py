"""A gate between two values in three operations in the place of four.

    z a + (1 - z) b  =  b + z (a - b)

It is for targets that pay for every operation; one that fuses them gains nothing.  What comes of it differs from z a +
(1 - z) b by roundings of a and b.
"""

from __future__ import annotations

from dataclasses import replace

from sympy import MatAdd, MatrixExpr, MatrixSymbol

from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.build import negate, product, total
from lstmgraph.codegen.sweep import Sweep

Pair = tuple[MatrixExpr, MatrixExpr]


def blend(sweep: Sweep) -> Sweep:
    """Every sum in the loop of a value times a gate and another times the rest of it by their difference."""
    return sweep.changed({"loop": [replace(e, value=_blended(e.value)) for e in sweep["loop"]]})


def _blended(value: MatrixExpr) -> MatrixExpr:
    terms = list(value.args) if isinstance(value, MatAdd) else []
    for j, open_ in enumerate(terms):
        for k, shut in enumerate(terms):
            for gate, a in _pairs(open_):
                for rest, b in _pairs(shut):
                    if rest == n.OneMinus(gate):
                        others = [t for at, t in enumerate(terms) if at not in (j, k)]
                        return total(b, product(gate, total(a, negate(b))), *others)
    return value


def _pairs(term: MatrixExpr) -> list[Pair]:
    """Both ways to see a product of two as a gate and a value that has a name."""
    if not isinstance(term, n.Hadamard) or len(term.args) != 2:
        return []
    a, b = term.args
    return [(x, y) for x, y in ((a, b), (b, a)) if isinstance(y, MatrixSymbol)]
