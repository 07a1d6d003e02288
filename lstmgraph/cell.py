"""A cell: one step of a recurrent network, defined by its equations.

Inputs, states and parameters follow from how names are used: `h[t]` defined and `h[t-1]` used makes h a state, `x[t]`
never defined is an input, a bare name is a parameter unless it is a constant.  A cell is defined for one sample;
batching belongs to the code that is generated.  This module knows nothing of files, drawings, gradients or code.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property

from sympy import MatrixExpr, MatrixSymbol, Symbol

from lstmgraph.algebra.names import name_of, size, symbol
from lstmgraph.algebra.traverse import symbols_in, walk
from lstmgraph.errors import CellNameError, ShapeError, UnknownName
from lstmgraph.program import Equation, Program

NAME = re.compile(r"[^\W\d][\w .-]{0,99}")  # of a cell: files and functions are called by it


@dataclass(frozen=True)
class State:
    """What a cell carries from step to step."""

    name: str
    previous: MatrixSymbol
    next: MatrixSymbol


@dataclass(frozen=True)
class WalkStep:
    """One frame of a walk through the cell: its title, what is computed in it, and which wires it shows besides.

    `computes` are values ("f") or parts of equations in the cell language ("tanh(c[t])"); a value stands for those
    operations of its equation that no part named in the walk takes.  `shows` are values, or parts, whose wires are lit
    although nothing is computed.  `computed` and `shown` are the same as nodes: the symbol f[t], the node Tanh(c[t]).
    """

    title: str
    computes: tuple[str, ...]
    shows: tuple[str, ...] = ()
    computed: tuple[MatrixExpr, ...] = field(default=(), compare=False)
    shown: tuple[MatrixExpr, ...] = field(default=(), compare=False)


@dataclass(frozen=True, eq=False)
class Cell:
    """`equations` are in the author's order.  `output` names the value that a sequence of steps returns ("h").

    `order` is that of the inputs, parameters and sizes of another form of these equations: it has theirs.

    Raises CellNameError where a name is none, is defined twice or used in a cycle, ShapeError where shapes do not fit.
    """

    name: str
    equations: tuple[Equation, ...]
    output: str
    title: str = ""
    sources: tuple[str, ...] = ()
    constants: Mapping[str, float] = field(default_factory=dict)
    roles_given: Mapping[str, str] = field(default_factory=dict)
    notations: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    walks: Mapping[str, tuple[WalkStep, ...]] = field(default_factory=dict)
    sizes_given: Mapping[str, object] = field(default_factory=dict)
    order: tuple[MatrixSymbol, ...] = ()

    def __post_init__(self) -> None:
        if not NAME.fullmatch(str(self.name)):
            raise CellNameError(f"{self.name!r:.60} is not a name for a cell", hint="my_cell")
        if self.output not in self.values:
            raise CellNameError(f"{self.name}: the output {self.output!r} is not computed by any equation")
        _ = self.step

    def __eq__(self, other: object) -> bool:
        """Whether both say the same; where they were written, and their comments, do not matter."""
        if not isinstance(other, Cell):
            return NotImplemented
        return all(getattr(self, f.name) == getattr(other, f.name) for f in fields(Cell))

    def __hash__(self) -> int:
        return hash((self.name, self.equations, self.output))

    # ── what there is ──

    @cached_property
    def values(self) -> Mapping[str, MatrixSymbol]:
        """The values that a step computes, by base name, in the author's order."""
        return {name_of(e.target).base: e.target for e in self.equations}

    @cached_property
    def used(self) -> tuple[MatrixSymbol, ...]:
        """Every symbol used on a right-hand side, in order of first use."""
        uses = dict.fromkeys(s for e in self.equations for s in walk(e.value) if isinstance(s, MatrixSymbol))
        return tuple(dict.fromkeys((*(s for s in self.order if s in uses), *uses)))

    @cached_property
    def inputs(self) -> tuple[MatrixSymbol, ...]:
        """x[t]: used but not computed here."""
        return tuple(s for s in self.used if name_of(s).lag == 0 and name_of(s).base not in self.values)

    @cached_property
    def states(self) -> tuple[State, ...]:
        """In the author's order of their equations."""
        used = {name_of(s).base: s for s in self.used if name_of(s).lag == -1}
        for base, previous in used.items():
            if base not in self.values:
                raise CellNameError(f"{self.name}: {previous} is used, but no equation computes {base}[t]")
            if previous.shape != self.values[base].shape:
                raise ShapeError(f"{self.name}: {previous} has shape {previous.shape}, {self.values[base]} another")
        return tuple(State(base, used[base], target) for base, target in self.values.items() if base in used)

    @cached_property
    def parameters(self) -> tuple[MatrixSymbol, ...]:
        """What is learnt, in order of first use."""
        return tuple(s for s in self.used if name_of(s).lag is None and s.name not in self.constants)

    @cached_property
    def constant_symbols(self) -> tuple[MatrixSymbol, ...]:
        return tuple(symbol(name, (size(1), size(1))) for name in self.constants)

    @cached_property
    def sizes(self) -> tuple[Symbol, ...]:
        """The size symbols that occur, inputs' first."""
        shapes = [s.shape for s in (*self.inputs, *self.order, *self.used, *self.values.values())]
        found = [z for shape in shapes for side in shape for z in sorted(side.free_symbols, key=str)]
        return tuple(dict.fromkeys(found))

    @cached_property
    def previous(self) -> tuple[MatrixSymbol, ...]:
        return tuple(s.previous for s in self.states)

    @cached_property
    def outputs(self) -> tuple[MatrixSymbol, ...]:
        """What leaves a step: the states, and the output where it is not one of them."""
        return tuple(dict.fromkeys([*(s.next for s in self.states), self.values[self.output]]))

    def state(self, name: str) -> State:
        for state in self.states:
            if state.name == name:
                return state
        raise UnknownName("state", name, [s.name for s in self.states], of=self.name)

    # ── the step ──

    @cached_property
    def step(self) -> Program:
        """One step as a checked Program, in order of evaluation (the author's, wherever that is possible)."""
        inputs = (*self.inputs, *self.previous, *self.parameters, *self.constant_symbols)
        return Program(self.name, inputs, tuple(self._in_order()), self.outputs).check()

    def _in_order(self) -> list[Equation]:
        computed = {e.target for e in self.equations}
        needs = {e: symbols_in(e.value) & computed for e in self.equations}
        waiting, done, ordered = list(self.equations), set[MatrixSymbol](), list[Equation]()
        while waiting:
            ready = next((e for e in waiting if needs[e] <= done), None)
            if ready is None:
                raise self._cycle(waiting)
            waiting.remove(ready)
            ordered.append(ready)
            done.add(ready.target)
        return ordered

    def _cycle(self, waiting: list[Equation]) -> CellNameError:
        """The error that spells out one cycle: h[t] -> f[t] -> h[t]."""
        needs = {e.target: symbols_in(e.value) for e in waiting}
        path = [waiting[0].target]
        while path.count(path[-1]) < 2:
            path.append(min((s for s in needs[path[-1]] if s in needs), key=str))
        loop = path[path.index(path[-1]) :]
        place = next(e.place for e in waiting if e.target == loop[0])
        return CellNameError(
            f"{self.name}: {' needs '.join(s.name for s in loop)}: a cycle within one step",
            place=place,
            hint="a value of the previous step is written [t-1]",
        )

    @cached_property
    def all_walks(self) -> Mapping[str, tuple[WalkStep, ...]]:
        """The author's walks, then "steps": one step for each equation, in order of evaluation."""
        bases = {e: name_of(e.target).base for e in self.step}
        steps = tuple(WalkStep(e.note or base, (base,), computed=(e.target,)) for e, base in bases.items())
        return {**self.walks, "steps": self.walks.get("steps", steps)}

    @cached_property
    def dependencies(self) -> Mapping[str, frozenset[str]]:
        """For each value that a step computes, the named values that its equation uses (not the parameters)."""
        return {
            e.target.name: frozenset(s.name for s in symbols_in(e.value) if name_of(s).lag is not None)
            for e in self.equations
        }
