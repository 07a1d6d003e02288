"""What the functions of a generated C file have in common: names, and where each value is kept.

A caller gives parameters, inputs, states and outputs; what stays between forward and backward, and what a function
needs for itself, is in the memory that it works in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from sympy import Expr, MatrixSymbol, Symbol

from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.names import like, name_of
from lstmgraph.cell import Cell
from lstmgraph.codegen.loops.entries import Words
from lstmgraph.codegen.loops.memory import Memory
from lstmgraph.codegen.loops.names import CNames, identifier, joined, members, wish
from lstmgraph.codegen.loops.places import ALL, NEXT, SHARED, STEP, Direction, Place, whole
from lstmgraph.codegen.passes import (
    Ways,
    bias,
    hoist_terms,
    outside,
    passed_both,
    recompute_in_loop,
    rest,
    sink,
    split,
    stack,
    stack_steps,
    unsigned,
)
from lstmgraph.codegen.passes.rows import replaced
from lstmgraph.codegen.plan import Plan
from lstmgraph.codegen.sequence import sequence
from lstmgraph.codegen.sweep import PHASES, Phase, Sweep, needed_by

FUNCTIONS: dict[type, str] = {
    n.Sigmoid: "sigmoid",
    n.Tanh: "hyperbolic_tangent",
    n.Exp: "exponential",
    n.Silu: "silu",
    n.Softplus: "softplus",
    n.Relu: "rectified",
    n.Sign: "sign_of",
    n.Step: "unit_step",
}
LIBRARY: dict[type, str] = {n.Log: "log", n.Sqrt: "sqrt", n.Abs: "fabs", n.Sin: "sin", n.Cos: "cos"}


PASSES: Ways = {
    "both": (split, recompute_in_loop),
    "forward": (bias, hoist_terms, sink, stack),
    "backward": (outside, hoist_terms, unsigned, rest, sink, stack_steps),
}


@dataclass(frozen=True)
class Options:
    """`dtype` is one of `DTYPES`; `sizes` has those that are fixed."""

    dtype: str = "float32"
    sizes: Mapping[str, int] = field(default_factory=dict)

    @property
    def single(self) -> bool:
        return self.dtype == "float32"


class Layout:
    """The names and places of one cell."""

    def __init__(self, plan: Plan, options: Options) -> None:
        cell = self.cell = plan.cell
        self.options = options
        both = passed_both(sequence(cell, plan.gradient), PASSES)
        self.prefix = identifier(cell.name).lower()
        self.names = CNames(cell.sizes)
        self.members = members(
            [*map(str, cell.sizes), *(p.name for p in cell.parameters), *(s.name for s in cell.states)]
        )
        self.words = Words("c", self._spellings(), "real", options.single)
        outputs = frozenset(cell.outputs)
        keeps = frozenset(both.saved).difference(cell.outputs, cell.inputs, cell.previous)
        self.forward = Direction(both.forward, outputs, keeps=keeps)
        self.step = Direction(_one_step(self.forward.flat, cell), outputs)
        each = frozenset(s for s in both.backward.wanted if s not in both.backward.summed)
        kept = self.forward.kept()
        made = {e.target: e.value for e in self.forward.sweep["once"] if e.target in kept}
        self.backward = Direction(_uncopied(both.backward, self.forward.sweep), each, in_place=True, made=made)
        self.constants = {c: self.names.new(identifier(c.name)) for c in cell.constant_symbols}
        self.arrays = self._arrays()
        self._name_arrays(inside=False)
        self.locals = self._locals()
        self.shared = self._shared(keeps)
        self._name_arrays(inside=True)
        self.pack, self.tape = Memory("work", self.names.sizes), Memory("work", self.names.sizes)
        self._keep([s for s in both.saved if s in keeps])

    def _spellings(self) -> dict[type, str]:
        return FUNCTIONS | {node: self.words_for(word) for node, word in LIBRARY.items()}

    def words_for(self, word: str) -> str:
        return f"{word}f" if self.options.single else word

    # ── names ──

    def _arrays(self) -> dict[MatrixSymbol, str]:
        """The arrays that a caller gives: a state's has its values before and after every step."""
        cell, new = self.cell, self.names.new
        found = {x: new(identifier(name_of(x).base) + "s") for x in cell.inputs}
        for s in cell.states:
            found[s.previous] = found[s.next] = new(identifier(s.name) + "s")
        output = cell.values[cell.output]
        if output not in found:
            found[output] = new(identifier(cell.output) + "s")
        found[like(output, "loss")] = new(f"d_{found[output]}")
        found |= {like(x, "bar"): new(f"d_{found[x]}") for x in cell.inputs}
        for s in cell.states:
            found[like(s.next, "carry")] = found[like(s.previous, "bar")] = new(f"carry_{identifier(s.name)}")
        if self.output_is_state:  # and its gradient is what comes from the loss and from the step after
            found[like(output, "bar")] = new(f"total_d_{found[output]}")
        return found

    def _name_arrays(self, inside: bool) -> None:
        """Those of what is computed: first of all but what forward has `inside` others, of whose names that is one."""
        for d in (self.forward, self.backward):
            for e in d.sweep.equations:
                if e.target not in self.arrays and (e.target in self.forward.homes) == inside:
                    plural = "s" if d.kinds.batched[e.target] else ""
                    self.arrays[e.target] = self.names.new(wish(e.target, e.value) + plural)

    def _locals(self) -> dict[MatrixSymbol, str]:
        """What an entry of each value is called in a loop."""
        equations = [e for d in (self.forward, self.step, self.backward) for e in d.sweep.equations]
        found: dict[MatrixSymbol, str] = {}
        for e in equations:
            if e.target not in found:
                found[e.target] = self.names.new(wish(e.target, e.value))
        for s in (*self.cell.inputs, *self.cell.previous):
            found.setdefault(s, self.names.new(wish(s, None)))
        return found

    def _shared(self, keeps: frozenset[MatrixSymbol]) -> dict[MatrixSymbol, str]:
        """The arrays that several values that are kept share, each in the place of what it is made of: fiogs.

        The array of one that is alone there has that name wherever it is.
        """
        found: dict[MatrixSymbol, list[MatrixSymbol]] = {}
        for s in self.forward.homes:
            if s in keeps:
                found.setdefault(self.forward.homes[s].stack, []).append(s)
        ones = dict.fromkeys(self.cell.sizes, 1)
        for own in found.values():
            own.sort(key=lambda s: int(self.forward.homes[s].start.xreplace(ones)))
        words = {root: f"{joined(map(self.locals.__getitem__, own))}s" for root, own in found.items()}
        names = {root: word if word == self.arrays[root] else self.names.new(word) for root, word in words.items()}
        self.arrays |= {own[0]: names[root] for root, own in found.items() if len(own) == 1}
        return names

    # ── places ──

    def _keep(self, saved: Sequence[MatrixSymbol]) -> None:
        """What stays in the memory between forward and backward: what is made of parameters, and what is saved."""
        kept = self.forward.kept()
        for e in self.forward.sweep["once"]:
            if e.target in kept:
                self.pack.add(self.arrays[e.target], SHARED, count(e.target))
        homes = self.forward.homes
        for s in saved:
            if s in homes:
                self.tape.add(self.shared[homes[s].stack], ALL, count(homes[s].stack))
            elif s in self.forward.sweep.program.definitions and self.arrays[s] not in self.pack.arrays:
                sample = ALL if self.forward.kinds.batched[s] else SHARED
                self.tape.add(self.arrays[s], sample, count(s))

    def given(self, sample: str = ALL) -> dict[MatrixSymbol, Place]:
        """The places of what a caller gives: parameters, inputs, states, the output."""
        cell = self.cell
        found = {p: whole(f"params->{self.members[p.name]}", SHARED, p) for p in cell.parameters}
        found |= {x: whole(self.arrays[x], sample, x) for x in cell.inputs}
        output = cell.values[cell.output]
        found[output] = whole(self.arrays[output], sample, output)
        for s in cell.states:
            found[s.previous] = whole(self.arrays[s.previous], sample, s.previous)
            found[s.next] = whole(self.arrays[s.next], NEXT if sample == ALL else sample, s.next)
        return found

    def remembered(self, memory: Memory) -> dict[MatrixSymbol, Place]:
        """The places of what a memory holds."""
        by_name = {name: s for s, name in self.arrays.items()}
        return {by_name[a]: whole(a, sample, by_name[a]) for a, (sample, _) in memory.arrays.items() if a in by_name}

    def taped(self) -> dict[MatrixSymbol, Place]:
        """The places of what is saved for the way back."""
        roots, homes = self.roots(), self.forward.homes
        inside = {s: roots[m.stack].rows_from(m.start) for s, m in homes.items() if s in self.forward.keeps}
        return self.remembered(self.tape) | inside

    def roots(self) -> dict[MatrixSymbol, Place]:
        """The places of the values that gave theirs to what is saved."""
        return {s: whole(name, ALL, s) for s, name in self.shared.items()}

    def own(self, direction: Direction, places: dict[MatrixSymbol, Place], alone: bool = False) -> Memory:
        """Places for what a function computes for itself, and the memory that they take."""
        memory = Memory("work", self.names.sizes)
        phases = direction.sweep.phases_of()
        stacks: dict[MatrixSymbol, set[Phase]] = {}
        inside = direction.inside
        for s, m in inside.items():
            stacks.setdefault(m.stack, set()).update(phases[s])
        for s in [e.target for e in direction.sweep.equations]:
            if s in direction.kept() and s not in inside and s not in places:
                used = phases[s] | stacks.get(s, set())
                sample = SHARED if not direction.kinds.batched[s] else STEP if alone or used == {"loop"} else ALL
                places[s] = whole(self.arrays[s], sample, s)
                memory.add(self.arrays[s], sample, count(s))
        for s, m in inside.items():
            root = places[m.stack]
            places[s] = root.columns_from(m.start) if m.flipped else root.rows_from(m.start)
        return memory

    @property
    def open_sizes(self) -> list[Symbol]:
        """Those that are given at run time."""
        return [z for z in self.cell.sizes if str(z) not in self.options.sizes]

    @property
    def fixed_sizes(self) -> list[Symbol]:
        return [z for z in self.cell.sizes if str(z) in self.options.sizes]

    @property
    def output_is_state(self) -> bool:
        return self.cell.output in {s.name for s in self.cell.states}


def _one_step(sweep: Sweep, cell: Cell) -> Sweep:
    """A flat sweep as one step, for the outputs alone."""
    sweep = sweep.settled()
    needed = needed_by(sweep.equations, cell.outputs)
    kept = {p: [e for e in sweep[p] if e.target in needed] for p in PHASES}
    loop = [*kept["before"], *kept["loop"], *kept["after"]]
    return replace(sweep, wanted=cell.outputs).changed({"once": kept["once"], "before": [], "loop": loop, "after": []})


def _uncopied(backward: Sweep, forward: Sweep) -> Sweep:
    """The way back with what forward is copied to every sample taken where there is one of it."""
    constant = forward.constant()
    same = {e.target: e.value for e in forward["before"] if e.value in constant}
    shared = (same.get(s, s) for s in backward.shared)
    return replace(backward, shared=tuple(dict.fromkeys(shared))).changed(
        {p: [replace(e, value=replaced(e.value, same)) for e in backward[p]] for p in PHASES}
    )


def count(symbol: MatrixSymbol) -> Expr:
    return symbol.shape[0] * symbol.shape[1]
