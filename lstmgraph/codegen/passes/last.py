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
    """What takes a value comes before what can be written over that, unless they go in a circle.

    What the step hands on is written over what it took, or over what it made of that, as c̄ = c̄[t] + h̄ o.
    """
    before = {new: prev for prev, new in sweep.carried.items()}
    heirs = {prev: {prev} for prev in sweep.carried}
    for e in sweep["loop"]:
        for prev in symbols_in(e.value) & heirs.keys():
            heirs[prev] |= {e.target} if e.target.shape == prev.shape else set()
    while handed:
        taken = [(e.target, symbols_in(e.value)) for e in handed]
        over = [heirs.get(before[e.target], set()) if e.target in before else set() for e in handed]
        waits = (
            any(not own.isdisjoint(there) for other, own in taken if other != e.target)
            for e, there in zip(handed, over, strict=True)
        )
        yield handed.pop(next((k for k, wait in enumerate(waits) if not wait), 0))
