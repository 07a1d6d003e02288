"""Gradients of several steps, each written out, evaluated on a sequence: unrolled ones, and a recurrence's.

Arrays and names are those of `sequence`; here too gradients of parameters are summed over the samples.  Of the steps
this module knows what the names say: `loss(h)[2]`, `bar(x)[1]`, `bar(h)[0]`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy

from lstmgraph.algebra.names import later, name_of
from lstmgraph.cell import Cell
from lstmgraph.numeric.evaluate import Array, evaluate
from lstmgraph.numeric.sequence import Cotangents, Steps, fitted, sum_samples
from lstmgraph.poles import with_switches
from lstmgraph.program import Program


def _sent(cell: Cell, base: str, t: int, d_output: Sequence[Array], d_states: Mapping[str, Array]) -> Array:
    """The derivative of the loss of step t by a value there, given those by the outputs and by the last states."""
    parts = [d_output[t - 1]] if base == cell.output else []
    if t == len(d_output) and base in d_states:
        parts.append(d_states[base])
    return sum(parts[1:], parts[0])


def run_unrolled(
    cell: Cell,
    gradient: Program,
    forward: Steps,
    d_output: Sequence[Array],
    d_states: Mapping[str, Array] | None = None,
) -> Cotangents:
    """Gradients of all steps, in the layout of `run_backward`; of what they do not hold there is nothing.

    `d_output[k]` is the derivative of the loss by the output of step k + 1; where only the last step has a loss, the
    others are not looked at.  `d_states` is that by the states after the last step, for a loss that sees them.
    """
    values: dict[str, Array] = {}
    for k, step in enumerate(forward):
        for symbol in (*cell.step.inputs, *(e.target for e in cell.step)):
            values[later(symbol, k + 1, "").name] = step[symbol.name]
    losses = ((s, name_of(s)) for s in gradient.inputs if name_of(s).marks == ("loss",))
    values |= {s.name: _sent(cell, name.base, name.lag or 0, d_output, d_states or {}) for s, name in losses}
    computed = evaluate(with_switches(gradient, cell.step, cell.constants), values)
    by_step = {(name_of(s).base, name_of(s).lag): computed[s.name] for s in gradient.outputs}
    parameters = {base: sum_samples(a) for (base, lag), a in by_step.items() if lag is None}
    names = [(name_of(x).base, x.name) for x in cell.inputs if (name_of(x).base, 1) in by_step]
    inputs = {
        base: numpy.stack([fitted(by_step[base, k + 1], step[name]) for k, step in enumerate(forward)])
        for base, name in names
    }
    states = {
        s.name: fitted(by_step[s.name, 0], forward[0][s.previous.name]) for s in cell.states if (s.name, 0) in by_step
    }
    return Cotangents(parameters, inputs, states)
