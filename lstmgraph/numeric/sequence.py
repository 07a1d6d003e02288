"""A cell over time by the reference interpreter: forward, and the derived gradients backward.

Arrays are those of `evaluate`, matrices with samples in front; time is the first axis of a sequence: a vector input of
length n over T steps for B samples is (T, B, n, 1).  Names are the author's: "W_f", "x", "h".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType

import numpy

from lstmgraph.algebra.names import like, name_of
from lstmgraph.cell import Cell
from lstmgraph.errors import UsageError
from lstmgraph.numeric.evaluate import Array, Values, evaluate
from lstmgraph.poles import with_switches
from lstmgraph.program import Program

Steps = list[dict[str, Array]]


@dataclass(frozen=True)
class Cotangents:
    """The gradients of a loss with respect to what went in; those of parameters are summed over the samples."""

    parameters: dict[str, Array]
    inputs: dict[str, Array]
    states: dict[str, Array]


def run_sequence(
    cell: Cell, parameters: Values, xs: Values, states: Values, steps: int | None = None, xp: ModuleType = numpy
) -> Steps:
    """All values of every step, by their names in the equations.  Only a cell without inputs needs `steps`."""
    done: Steps = []
    states = dict(states)
    for t in range(length(xs, steps)):
        done.append(evaluate(cell.step, step_values(cell, parameters, xs, states, t), xp))
        states = {s.name: done[-1][s.next.name] for s in cell.states}
    return done


def run_backward(
    cell: Cell, gradient: Program, forward: Steps, d_output: Sequence[Array], d_states: Values
) -> Cotangents:
    """Back through the steps of `run_sequence`; what arrives is `d_output[t]` and the last states' `d_states`."""
    gradient, d_states, d_parameters = (
        with_switches(gradient, cell.step, cell.constants),
        dict(d_states),
        dict[str, Array](),
    )
    d_inputs: dict[str, list[Array]] = {name_of(x).base: [] for x in cell.inputs}
    for t in reversed(range(len(forward))):
        values = {s.name: forward[t][s.name] for s in gradient.inputs if s.name in forward[t]}
        with numpy.errstate(divide="ignore", invalid="ignore"):  # slopes of what a switch shuts may be infinite
            found = evaluate(gradient, values | _seeds(cell, gradient, d_output[t], d_states))
        for p in (p for p in cell.parameters if like(p, "grad").name in found):
            here = sum_samples(found[like(p, "grad").name])
            d_parameters[p.name] = d_parameters.get(p.name, 0) + here
        for x in cell.inputs:
            d_inputs[name_of(x).base].append(fitted(found[like(x, "bar").name], forward[t][x.name]))
        arrived = {s: found[like(s.previous, "bar").name] for s in cell.states}
        d_states = {s.name: fitted(d, forward[t][s.previous.name]) for s, d in arrived.items()}
    return Cotangents(d_parameters, {name: numpy.stack(d[::-1]) for name, d in d_inputs.items()}, d_states)


def length(xs: Values, steps: int | None) -> int:
    """The number of steps of a sequence."""
    lengths = {name: len(x) for name, x in xs.items()}
    if steps is not None:
        lengths[""] = steps
    if len(set(lengths.values())) != 1:
        raise UsageError(f"the inputs must have one length, got {lengths or 'no inputs and no number of steps'}")
    return next(iter(lengths.values()))


def step_values(cell: Cell, parameters: Values, xs: Values, states: Values, t: int) -> dict[str, Array]:
    """What step t takes, by the names of the step's symbols."""
    values = {x.name: xs[name_of(x).base][t] for x in cell.inputs}
    values |= {s.previous.name: states[s.name] for s in cell.states}
    values |= {p.name: parameters[p.name] for p in cell.parameters}
    return values | dict(cell.constants)


def _seeds(cell: Cell, gradient: Program, d_output: Array, d_states: Values) -> dict[str, Array]:
    """What arrives at each output of one step: from the loss, and from the step after it."""
    seeds = {}
    names = {s.next: s.name for s in cell.states}
    for output in cell.outputs:
        parts = [d_output] if output == cell.values[cell.output] else []
        parts += [d_states[names[output]]] if output in names else []
        seeds[gradient.seed(output).name] = sum(parts[1:], parts[0])
    return seeds


def sum_samples(array: Array) -> Array:
    """The sum over all axes before the last two."""
    return array.sum(axis=tuple(range(array.ndim - 2)))


def fitted(array: Array, primal: Array) -> Array:
    """With the samples of the value that it is the cotangent of, where the formula came out the same for all."""
    return numpy.broadcast_to(array, numpy.broadcast_shapes(array.shape, primal.shape))
