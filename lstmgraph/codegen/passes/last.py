"""What only the next step takes is computed last, so that it can be written over what this step took.

    C̄[t-1] = C̄ f,  k̄ = C̄ᵀ v      becomes      k̄ = C̄ᵀ v,  C̄[t-1] = C̄ f      in the array of C̄

It is for a target that keeps a value in one array from step to step.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from lstmgraph.algebra.nodes import Slice
from lstmgraph.algebra.traverse import symbols_in
from lstmgraph.codegen.sweep import Sweep, in_order
from lstmgraph.program import Equation


def last(sweep: Sweep) -> Sweep:
    """What the loop only hands on comes after all else in it."""
    loop, uses = sweep["loop"], Counter(s for e in sweep.equations for s in symbols_in(e.value))
    handed = {e.target for e in loop if e.target in sweep.carried.values() and not uses[e.target]}
    rows = [e.value.args[0] for e in loop if e.target in handed and isinstance(e.value, Slice)]
    handed |= {s for s in rows if rows.count(s) == uses[s]}
    ready = [e for e in loop if e.target not in handed]
    return sweep.changed({"loop": in_order([*ready, *_takers_first([e for e in loop if e.target in handed], sweep)])})


def _takers_first(handed: list[Equation], sweep: Sweep) -> Iterator[Equation]:
    """What takes a value of the step before comes before what is written over that, unless they go in a circle."""
    before = {new: prev for prev, new in sweep.carried.items()}
    while handed:
        taken = [(e.target, symbols_in(e.value)) for e in handed]
        waits = (any(before.get(e.target) in own for other, own in taken if other != e.target) for e in handed)
        yield handed.pop(next((k for k, wait in enumerate(waits) if not wait), 0))
