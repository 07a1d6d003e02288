"""Passes: from a sweep to one that computes the same values in another way.

    bias                          what is the same at all steps in a sum is one term
    even                          `bias`, and gates of the same values have their terms in one order, and all a bias
    halve                         sigmoids by the hyperbolic tangent, the halves in the weights
    precise                       sigmoids whose digits near 0 count by an exponential
    collect                       multiples of one value that are added become one multiple
    rest                          what goes the other way of a switch is what is left of it
    divide                        a quotient by what waits for no other step is a product
    spread                        a multiple that is only multiplied further is written where it is used
    merge                         a product that is only a factor of another one is written there
    blend                         a gate between two bounded values by their difference
    hoist_terms, hoist_factors    what waits for no other step goes out of the loop
    hoist_products                the same of terms, but what is one for all steps is added where it was
    again                         one minus a gate, for several slopes, is made once
    stack, stack_late,            products that share a factor, or are terms of one sum, become one product
    stack_steps                   the same of all but sums over all steps
    turn                          weights that a step multiplies with are transposed before the loop
    pack, place, place_parts      equations of one form become one over their stacked operands
    gather                        a product and what all of its rows are added to become one sum
    unsigned                      a minus before a product with a weight is one before its vector
    widen                         activations of neighbouring rows become one
    outside                       a number that multiplies all entries of a sum multiplies the sum
    minus                         a minus goes on to where it is a subtraction
    broadcast                     a scalar in all entries is written where it is taken
    inline                        a product that is a term of one sum is written there
    last                          what only the next step takes is computed last
    sink                          matrices of a step are made in the loop that takes them
    split, split_products         of both directions: a product with what is there before and with what is not as two
    add_up                        of both directions: sums of matrices of a step are added up in the loop
    recompute, recompute_in_loop  of both directions: what is cheap to compute again is not kept for the way back

Which of them a target takes, and in which order, is data of the target.  Each holds for any equations: none knows a
cell, and `tests/codegen/test_passes.py` evaluates every cell before and after each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TypedDict

from lstmgraph.codegen.passes.add_up import add_up
from lstmgraph.codegen.passes.again import again
from lstmgraph.codegen.passes.bias import bias, even
from lstmgraph.codegen.passes.blend import blend
from lstmgraph.codegen.passes.broadcast import broadcast
from lstmgraph.codegen.passes.collect import collect
from lstmgraph.codegen.passes.divide import divide
from lstmgraph.codegen.passes.gather import gather
from lstmgraph.codegen.passes.halve import halve
from lstmgraph.codegen.passes.hoist import hoist_factors, hoist_products, hoist_terms
from lstmgraph.codegen.passes.inline import inline
from lstmgraph.codegen.passes.last import last
from lstmgraph.codegen.passes.merge import merge
from lstmgraph.codegen.passes.minus import minus
from lstmgraph.codegen.passes.outside import outside
from lstmgraph.codegen.passes.pack import pack, place, place_parts
from lstmgraph.codegen.passes.precise import precise
from lstmgraph.codegen.passes.recompute import recompute, recompute_in_loop
from lstmgraph.codegen.passes.rest import rest
from lstmgraph.codegen.passes.sink import sink
from lstmgraph.codegen.passes.split import split, split_products, with_parts_written, with_rows_written
from lstmgraph.codegen.passes.spread import spread
from lstmgraph.codegen.passes.stack import stack, stack_late, stack_steps
from lstmgraph.codegen.passes.turn import turn
from lstmgraph.codegen.passes.unsigned import unsigned
from lstmgraph.codegen.passes.widen import widen
from lstmgraph.codegen.sequence import Sequence
from lstmgraph.codegen.sums import checked, with_terms
from lstmgraph.codegen.sweep import Sweep

__all__ = [
    "Passes",
    "Ways",
    "add_up",
    "again",
    "bias",
    "blend",
    "broadcast",
    "collect",
    "divide",
    "even",
    "gather",
    "halve",
    "hoist_factors",
    "hoist_products",
    "hoist_terms",
    "inline",
    "last",
    "merge",
    "minus",
    "outside",
    "pack",
    "passed",
    "passed_both",
    "place",
    "place_parts",
    "precise",
    "recompute",
    "recompute_in_loop",
    "rest",
    "sink",
    "split",
    "split_products",
    "spread",
    "stack",
    "stack_late",
    "stack_steps",
    "turn",
    "unsigned",
    "widen",
]

Passes = tuple[Callable[[Sweep], Sweep], ...]


class Ways(TypedDict):
    """The passes of a target: of both directions together, then of each."""

    both: tuple[Callable[[Sequence], Sequence], ...]
    forward: Passes
    backward: Passes


def passed(sweep: Sweep, passes: Iterable[Callable[[Sweep], Sweep]]) -> Sweep:
    """The sweep after all of some passes.  One that is out of order is an error: its numbers would only be wrong."""
    for change in passes:
        sweep = change(sweep)
    return checked(with_terms(with_rows_written(with_parts_written(sweep)).check()))


def passed_both(both: Sequence, ways: Ways) -> Sequence:
    """Both directions after all passes of a target."""
    for change in ways["both"]:
        both = change(both)
    return replace(
        both, forward=passed(both.forward, ways["forward"]), backward=passed(both.backward, ways["backward"])
    )
