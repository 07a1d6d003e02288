"""Passes: from a sweep to one that computes the same values in another way.

    halve                         sigmoids by the hyperbolic tangent, the halves in the weights
    collect                       multiples of one value that are added become one multiple
    hoist_terms, hoist_factors    what waits for no other step goes out of the loop
    stack                         products that share a factor, or are terms of one sum, become one product
    pack, pack_early, place       equations of one form become one over their stacked operands
    gather                        a product and what all of its rows are added to become one sum
    widen                         activations of neighbouring rows become one
    inline                        a product that is a term of one sum is written there

Which of them a target takes, and in which order, is data of the target.  Each holds for any equations: none knows a
cell, and `tests/codegen/test_passes.py` evaluates every cell before and after each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from lstmgraph.codegen.passes.collect import collect
from lstmgraph.codegen.passes.gather import gather
from lstmgraph.codegen.passes.halve import halve
from lstmgraph.codegen.passes.hoist import hoist_factors, hoist_terms
from lstmgraph.codegen.passes.inline import inline
from lstmgraph.codegen.passes.pack import pack, pack_early, place
from lstmgraph.codegen.passes.stack import stack
from lstmgraph.codegen.passes.widen import widen
from lstmgraph.codegen.sweep import Sweep

__all__ = [
    "Passes",
    "collect",
    "gather",
    "halve",
    "hoist_factors",
    "hoist_terms",
    "inline",
    "pack",
    "pack_early",
    "passed",
    "place",
    "stack",
    "widen",
]

Passes = tuple[Callable[[Sweep], Sweep], ...]


def passed(sweep: Sweep, passes: Iterable[Callable[[Sweep], Sweep]]) -> Sweep:
    """The sweep after all of some passes."""
    for change in passes:
        sweep = change(sweep)
    return sweep
