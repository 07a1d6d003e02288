"""What is left of a gate is made once for all steps, where the slopes of several values take it.

    δ_g = (1 - z) (1 - g²),  δ_z = (h - g) (1 - z) z      becomes      r = 1 - z,  δ_g = r (1 - g²),  δ_z = (h - g) r z

It is for a target that writes each operation of an array as a run through memory.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from sympy import MatrixExpr, MatrixSymbol

from lstmgraph.algebra.names import name_of
from lstmgraph.algebra.nodes import OneMinus
from lstmgraph.algebra.traverse import walk
from lstmgraph.codegen.passes.rows import fresh, replaced
from lstmgraph.codegen.sweep import PHASES, Sweep, in_order
from lstmgraph.program import Equation


def again(sweep: Sweep) -> Sweep:
    """Every one minus a value that is taken more than once before the loop as one value."""
    names, made = _named(sweep)
    kept = {*sweep.wanted, *sweep.carried.values()}
    second = {e.target: names[e.value] for e in sweep["before"] if e.value in names and e.target not in kept}
    second = {symbol: name for symbol, name in second.items() if symbol != name}

    def changed(e: Equation) -> Equation:
        return e if names.get(e.value) == e.target else replace(e, value=replaced(e.value, names | second))

    phases = {p: [changed(e) for e in sweep[p] if e.target not in second] for p in PHASES}
    return sweep.changed(phases | {"before": in_order([*made, *phases["before"]])})


def _named(sweep: Sweep) -> tuple[dict[MatrixExpr, MatrixExpr], list[Equation]]:
    """What is taken more than once by its name, and the equations of names that are new.

    What is the same for all steps has none before the loop: it may multiply a sum over them.
    """
    constant = sweep.constant()
    parts = (part for e in sweep["before"] for part in walk(e.value) if _is_rest(part))
    taken = Counter(part for part in parts if part.args[0] not in constant)
    known = {e.value: e.target for e in reversed(sweep["before"]) if _is_rest(e.value)}
    symbols = {e.target for e in sweep.equations}
    several = [part for part, count in taken.items() if count > 1]
    new = {p: fresh(name_of(p.args[0]).marked("rest"), p.shape, symbols) for p in several if p not in known}
    return {p: known.get(p) or new[p] for p in several}, [Equation(name, p) for p, name in new.items()]


def _is_rest(part: MatrixExpr) -> bool:
    return isinstance(part, OneMinus) and isinstance(part.args[0], MatrixSymbol)
