"""The recurrence of `calculus.through_time` run over a sequence, and unrolled gradients evaluated on it.

Arrays and names are those of `sequence`; here too gradients of parameters are summed over the samples.  Of a recurrence
this module knows what the names say: values of step t + 1 come from the step after, and at the last step its cotangents
are zero; a line for T replaces the same line for t there; a sum over time is added up step by step.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy
from sympy import MatrixExpr, MatrixSymbol

from lstmgraph.algebra.names import Since, later, like, name_of
from lstmgraph.algebra.nodes import TimeSum
from lstmgraph.algebra.traverse import renamed, symbols_in
from lstmgraph.cell import Cell
from lstmgraph.numeric.evaluate import Array, Values, bind_sizes, evaluate, number_of
from lstmgraph.numeric.sequence import Cotangents, Steps, fitted, sum_samples
from lstmgraph.program import Equation, Program

COTANGENTS = {"bar", "seed", "loss"}


def run_through_time(
    cell: Cell,
    recurrence: Program,
    forward: Steps,
    d_output: Sequence[Array],
    d_states: Mapping[str, Array] | None = None,
) -> Cotangents:
    """Back through the steps of `run_sequence`, by the lines of a recurrence.

    `d_output[k]` is the derivative of the loss by the output of step k + 1; where only the last step has a loss, the
    others are not looked at.  `d_states` is that by the states after the last step, for a recurrence whose loss sees
    them.  There are cotangents of what the recurrence computes.
    """
    run = _Run(cell, recurrence, forward, d_output, d_states or {})
    found: Values = {}
    sums, inputs = dict[str, Array](), {x: list[Array]() for x in cell.inputs if like(x, "bar") in recurrence.outputs}
    for t in range(len(forward), 0, -1):
        found = run.step(t, found)
        for target, steps in run.sums.items():
            term = sum_samples(found[target.name]) if t in steps else 0
            sums[name_of(target).base] = sums.get(name_of(target).base, 0) + term
        for x, cotangents in inputs.items():
            cotangents.append(fitted(found[like(x, "bar").name], forward[t - 1][x.name]))
    started = run.start(found)
    states = {s.name: fitted(started[s.name], forward[0][s.previous.name]) for s in cell.states if s.name in started}
    return Cotangents(sums, {name_of(x).base: numpy.stack(d[::-1]) for x, d in inputs.items()}, states)


@dataclass(frozen=True)
class _Run:
    cell: Cell
    recurrence: Program
    forward: Steps
    d_output: Sequence[Array]
    d_states: Mapping[str, Array]

    @cached_property
    def sums(self) -> dict[MatrixSymbol, range]:
        """The gradients of the parameters, each with the steps that add to it."""
        grads = [e for e in self.recurrence if name_of(e.target).marks[:1] == ("grad",)]
        return {e.target: self.adding(e.value) for e in grads}

    def adding(self, value: MatrixExpr) -> range:
        steps = len(self.forward)
        if isinstance(value, TimeSum):
            return range(int(value.args[1]), steps + 1)
        return range(steps if _of_the_last(value) else 1, steps + 1)

    @cached_property
    def each(self) -> Program:
        return self.program([_here(e) for e in self.recurrence if name_of(e.target).since == "t"])

    @cached_property
    def last(self) -> Program:
        """What each step computes, with the lines for T in the place of those for t."""
        final = {e.target: e for e in self.lines("T", 0)}
        return self.program([final.get(e.target, e) for e in self.each])

    def lines(self, since: Since, shift: int) -> list[Equation]:
        """The lines of steps counted from elsewhere, as lines of step t."""
        return [
            replace(e, target=later(e.target, shift), value=renamed(e.value, lambda s: later(s, shift)))
            for e in self.recurrence
            if name_of(e.target).since == since
        ]

    def program(self, equations: Sequence[Equation]) -> Program:
        computed = {e.target for e in equations}
        used = {s for e in equations for s in symbols_in(e.value)} - computed - set(self.cell.step.inputs)
        inputs = (*self.cell.step.inputs, *sorted(used, key=str))
        return Program(self.recurrence.name, inputs, tuple(equations), ())

    def step(self, t: int, after: Values) -> Values:
        """All values of step t, from those of the step after it; for the last one there are none."""
        program = self.each if after else self.last
        values = dict(self.forward[t - 1])
        for symbol in program.inputs[len(self.cell.step.inputs) :]:
            values[symbol.name] = self.given(symbol, t, after)
        return evaluate(program, values)

    def given(self, symbol: MatrixSymbol, t: int, after: Values) -> Array:
        """An input of the recurrence that is no input of a step.

        At the last step the values of the next one stand for nothing: they are factors of cotangents that are zero.
        """
        name, here = name_of(symbol), later(symbol, -1).name
        if name.marks[:1] == ("loss",):
            return self.loss(name.base, t)
        if name.marks[:1] == ("block",):
            return float(t % int(name.base) != 0)
        if after:
            return after[here]
        if set(name.marks) & COTANGENTS:
            sizes = bind_sizes(self.cell.step.inputs, self.forward[0])
            return numpy.zeros([number_of(side, sizes) for side in symbol.shape])
        return self.forward[t - 1][here]

    def loss(self, base: str, t: int) -> Array:
        """What the loss of a step sends to a value: to the output, and at the last step to the states."""
        return _sent(self.cell, base, t, self.d_output, self.d_states)

    def start(self, first: Values) -> dict[str, Array]:
        """The cotangents of the initial states, by the names of these."""
        lines = [e for e in self.lines("", -1) if e.target not in self.cell.previous]  # those of the run are zero
        found = evaluate(self.program(lines), first)
        return {name_of(e.target).base: found[e.target.name] for e in lines if e.stage != "forward"}


def _of_the_last(value: MatrixExpr) -> bool:
    return any(name_of(s).since == "T" for s in symbols_in(value))


def _here(equation: Equation) -> Equation:
    """A line as one of step t: of a gradient to which only the last step adds, that step's."""
    if not _of_the_last(equation.value):
        return equation
    return replace(equation, value=renamed(equation.value, lambda s: later(s, 0)))


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
    """The values of `calculus.gradient_unrolled`, in the same layout; of what was not asked for there is nothing."""
    values: dict[str, Array] = {}
    for k, step in enumerate(forward):
        for symbol in (*cell.step.inputs, *(e.target for e in cell.step)):
            values[later(symbol, k + 1, "").name] = step[symbol.name]
    losses = ((s, name_of(s)) for s in gradient.inputs if name_of(s).marks == ("loss",))
    values |= {s.name: _sent(cell, name.base, name.lag or 0, d_output, d_states or {}) for s, name in losses}
    found = {s: evaluate(gradient, values)[s.name] for s in gradient.outputs}
    by_step = {(name_of(s).base, name_of(s).lag): array for s, array in found.items()}
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
