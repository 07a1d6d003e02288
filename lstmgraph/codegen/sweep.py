"""A cell over a whole sequence, one direction of it: what is done once, what for all steps at once, what step by step.

Only what waits for the step before has to be done step by step.  `swept` tells it from the rest by what depends on
what, alike for both directions: forward, the loop carries the states; backward, their cotangents.

    once     what depends on parameters only: stacked weights
    before   what waits for no other step: the projection of the inputs; backward, the slopes of the activations
    loop     what waits for the step before and is waited for by the next one
    after    what no other step waits for: an output's own layer; backward, the gradients of all parameters

`before` and `after` are the equations of one step t that hold for all steps, so a target computes each for the whole
sequence at once: a product with a weight is then one product of matrices, and the gradient of a weight, which is summed
over the steps, one more.

Not all that a step takes from the one before it keeps that one waiting: x[t-1] is there for all steps at once, and so
is a state that the loop makes but does not take.  Such a value is the *delay* of another one, with an equation of its
own, p = Delay(v), in the phase of v:  v of all steps, one step later, after what the sequence starts from.

A sweep is still a list of equations, each name assigned once: `equations` has them in an order of evaluation, and
whoever takes them all for one step at a time gets the same values.  The passes (`passes/`) go from sweep to sweep.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

from sympy import MatrixExpr, MatrixSymbol

from lstmgraph.algebra.nodes import Operation
from lstmgraph.algebra.traverse import symbols_in
from lstmgraph.errors import CellNameError
from lstmgraph.program import Equation, Program

Phase = Literal["once", "before", "loop", "after"]
PHASES: tuple[Phase, ...] = get_args(Phase)


class Delay(Operation):
    """What a value was one step earlier.

    A target needs no operation for it: it keeps what is `carried` of all steps.  So one step at a time it is given.
    """

    signature = "m n -> m n"


@dataclass(frozen=True)
class Sweep:
    """`carried` says of each value that is taken from the step before which one that is, and `delayed` has those of
    which all steps are there at once.

    `shared` are the values that are the same for all steps and samples: parameters, constants, and what is given.
    `wanted` are the values for which all of it is done; `summed` are those of which the sum over all steps and samples
    is wanted, and all that is made of such sums: the equation of one step gives a term of it.  `numbers` are what is
    known of the values in `shared`: those of constants.
    """

    name: str
    shared: tuple[MatrixSymbol, ...]
    inputs: tuple[MatrixSymbol, ...]
    carried: Mapping[MatrixSymbol, MatrixSymbol]
    wanted: tuple[MatrixSymbol, ...]
    phases: dict[Phase, tuple[Equation, ...]]
    summed: frozenset[MatrixSymbol] = frozenset()
    numbers: Mapping[MatrixSymbol, float] = field(default_factory=dict)
    delayed: frozenset[MatrixSymbol] = frozenset()

    def __getitem__(self, phase: Phase) -> tuple[Equation, ...]:
        return self.phases[phase]

    @property
    def equations(self) -> tuple[Equation, ...]:
        return tuple(e for phase in PHASES for e in self[phase])

    @property
    def program(self) -> Program:
        """One step of it as a Program, to print, to check and to evaluate."""
        inputs = (*self.shared, *self.inputs, *self.carried)
        return Program(self.name, tuple(dict.fromkeys(inputs)), self.settled().equations, self.wanted)

    @property
    def recurrent(self) -> Mapping[MatrixSymbol, MatrixSymbol]:
        """Of `carried` what the loop has to hand on."""
        return {prev: new for prev, new in self.carried.items() if prev not in self.delayed}

    def settled(self) -> Sweep:
        """Without the equations of delays, for whoever takes all others in the order that they are in."""
        return replace(self, phases={p: tuple(e for e in self[p] if not isinstance(e.value, Delay)) for p in PHASES})

    @property
    def definitions(self) -> Mapping[str, MatrixExpr]:
        """What each value is, by name."""
        return {e.target.name: e.value for e in self.equations}

    def check(self) -> Sweep:
        """Itself, or an error: a value is used before the phase, or the equation, that makes it."""
        known = {*self.shared}
        for phase in PHASES:
            known |= {"once": set(), "before": {*self.inputs}, "loop": {*self.recurrent}, "after": set()}[phase]
            for e in self[phase]:
                for used in sorted(symbols_in(e.value) - known, key=str):
                    raise CellNameError(f"{self.name}: {used} is used for {e.target} before it is there")
                known.add(e.target)
        return self

    def changed(self, phases: Mapping[Phase, Iterable[Equation]]) -> Sweep:
        """The same sweep with other equations in some phases."""
        now = replace(self, phases=self.phases | {phase: tuple(equations) for phase, equations in phases.items()})
        return replace(now, summed=dependent(now.equations, now.summed))

    def pruned(self) -> Sweep:
        """Without what nobody uses."""
        needed = needed_by(self.equations, (*self.wanted, *self.carried.values()))
        return self.changed({phase: [e for e in self[phase] if e.target in needed] for phase in PHASES})

    def added(self) -> tuple[Equation, ...]:
        """The equations of the loop that no step takes: terms of sums over all steps, which it adds up (`add_up`)."""
        needed = needed_by(self["loop"], self.carried.values())
        return tuple(e for e in self["loop"] if e.target in self.summed - needed)

    def phases_of(self) -> dict[MatrixSymbol, set[Phase]]:
        """In which phases a value is computed or taken."""
        found: dict[MatrixSymbol, set[Phase]] = {}
        for phase in PHASES:
            for e in self[phase]:
                for s in (e.target, *symbols_in(e.value)):
                    found.setdefault(s, set()).add(phase)
        return found

    def late(self) -> frozenset[MatrixSymbol]:
        """The values that wait for the step before."""
        return dependent(self.equations, self.recurrent)

    def constant(self) -> frozenset[MatrixSymbol]:
        """The values that are the same at all steps."""
        return frozenset((*self.shared, *(e.target for e in self["once"])))


def swept(
    program: Program,
    shared: Iterable[MatrixSymbol],
    carried: Mapping[MatrixSymbol, MatrixSymbol],
    summed: frozenset[MatrixSymbol] = frozenset(),
) -> Sweep:
    """The equations of one step, sorted into phases; their order within a phase stays, but what is delayed comes first.

    Sums over all steps come after the loop even if they do not wait for it: with those that do they are one product.
    """
    shared, given = tuple(shared), program.inputs
    inputs = tuple(s for s in given if s not in shared and s not in carried)
    delays = {prev: carried[prev] for prev in _waiting_for_none(program.equations, carried)}
    delays |= _taken_by_none(program.equations, carried)
    equations = in_order((*(Equation(p, Delay(v)) for p, v in delays.items()), *program.equations))
    summed = dependent(equations, summed)
    late = dependent(equations, carried.keys() - delays.keys())
    timed = dependent(equations, (*inputs, *carried))
    needed = needed_by(equations, [v for p, v in carried.items() if p not in delays])
    found: dict[Phase, list[Equation]] = {phase: [] for phase in PHASES}
    for e in equations:
        found[_phase(e.target, timed, late, needed, summed)].append(e)
    phases = {phase: tuple(equations) for phase, equations in found.items()}
    return Sweep(program.name, shared, inputs, carried, program.outputs, phases, summed, delayed=frozenset(delays))


def _waiting_for_none(
    equations: Sequence[Equation], carried: Mapping[MatrixSymbol, MatrixSymbol]
) -> dict[MatrixSymbol, MatrixSymbol]:
    """Of what is carried that of which no step waits for the one before it, in an order in which it can be computed."""
    found: dict[MatrixSymbol, MatrixSymbol] = {}
    while True:
        late = dependent(equations, carried.keys() - found.keys())
        new = {prev: value for prev, value in carried.items() if prev not in found and value not in late}
        if not new:
            return found
        found |= new


def _taken_by_none(
    equations: Sequence[Equation], carried: Mapping[MatrixSymbol, MatrixSymbol]
) -> dict[MatrixSymbol, MatrixSymbol]:
    """Of what is carried that which nothing of the rest is computed from."""
    found: dict[MatrixSymbol, MatrixSymbol] = {}
    while True:
        needed = needed_by(equations, [value for prev, value in carried.items() if prev not in found])
        new = {prev: value for prev, value in carried.items() if prev not in found and prev not in needed}
        if not new:
            return found
        found |= new


def _phase(target: MatrixSymbol, *of: frozenset[MatrixSymbol]) -> Phase:
    timed, late, needed, summed = (target in some for some in of)
    if not timed:
        return "once"
    if needed:
        return "loop" if late else "before"
    return "after" if late or summed else "before"


def dependent(equations: Iterable[Equation], on: Iterable[MatrixSymbol]) -> frozenset[MatrixSymbol]:
    """What depends on some values: these, and every target that is computed from them."""
    found = set(on)
    for e in equations:
        if not found.isdisjoint(symbols_in(e.value)):
            found.add(e.target)
    return frozenset(found)


def needed_by(equations: Sequence[Equation], targets: Iterable[MatrixSymbol]) -> frozenset[MatrixSymbol]:
    """What some values are computed from, themselves among it."""
    found = set(targets)
    for e in reversed(equations):
        if e.target in found:
            found |= symbols_in(e.value)
    return frozenset(found)


def in_order(equations: Iterable[Equation]) -> list[Equation]:
    """Each after what it uses, else in the order given."""
    waiting, result = list(equations), []
    missing = {e.target for e in waiting}
    while waiting:
        ready = next(e for e in waiting if missing.isdisjoint(symbols_in(e.value)))
        waiting.remove(ready)
        missing.remove(ready.target)
        result.append(ready)
    return result
