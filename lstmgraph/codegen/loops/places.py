"""Where the values of a sweep are: in arrays of a row for each sample, of all steps or of one.

An entry (i, j) of a value is `array[sample * stride + start + i * down + j * across]`.  A sample is counted in one of
these ways, by which of them the array holds:

    ""         one for all
    "b"        those of one step
    "row"      those of all steps, t * B + b, from the first step on
    "row + B"  likewise of the step after
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from sympy import Expr, Integer, MatrixExpr, MatrixSymbol, Transpose

from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.names import name_of
from lstmgraph.algebra.traverse import symbols_in
from lstmgraph.codegen.loops.flat import flat
from lstmgraph.codegen.loops.homes import Homes, added, has_array, taken
from lstmgraph.codegen.loops.nests import (
    CannotOrder,
    Item,
    Kinds,
    Nest,
    Work,
    ordered,
    reads,
    units_of,
)
from lstmgraph.codegen.loops.stacks import columns_of, located, members_of, within
from lstmgraph.codegen.passes.rows import fresh, replaced, used_in
from lstmgraph.codegen.sums import added_up
from lstmgraph.codegen.sweep import PHASES, Phase, Sweep
from lstmgraph.program import Equation

ALL, STEP, NEXT, SHARED = "row", "b", "row + B", ""


@dataclass(frozen=True)
class Place:
    """Of `array` it is the code; `sample` is one of the ways to count them."""

    array: str
    sample: str
    stride: Expr
    start: Expr
    down: Expr
    across: Expr

    def rows_from(self, start: Expr) -> Place:
        return Place(self.array, self.sample, self.stride, self.start + start * self.down, self.down, self.across)

    def columns_from(self, start: Expr) -> Place:
        return self.transposed().rows_from(start).transposed()

    def transposed(self) -> Place:
        return Place(self.array, self.sample, self.stride, self.start, self.across, self.down)


def whole(array: str, sample: str, value: MatrixExpr) -> Place:
    """The place of a value that has an array of its own, by rows."""
    rows, columns = value.shape
    return Place(array, sample, rows * columns, Integer(0), columns, Integer(1))


def place_of(expr: MatrixExpr, places: Mapping[MatrixSymbol, Place]) -> Place:
    """That of a value, of rows of one, or of a transpose."""
    if isinstance(expr, Transpose):
        return place_of(expr.args[0], places).transposed()
    if isinstance(expr, n.Slice):
        return place_of(expr.args[0], places).rows_from(expr.args[1])
    return places[expr]


@dataclass
class Direction:
    """A sweep in flat form, in order, with what of it has to be kept in arrays.

    `each` are the values that are wanted of every sample.  `in_place`: what the loop hands on takes the place of what
    it follows, where that can be (`placed`, by what the step takes); else all of it is kept, one after the other.
    `made` is what another direction has made once, and the memory still holds.  Those in `keeps` stay, wherever that
    is; `homes` says of what takes the place of another where that is.
    """

    sweep: Sweep
    each: frozenset[MatrixSymbol]
    in_place: bool = False
    made: Mapping[MatrixSymbol, MatrixExpr] = field(default_factory=dict)
    keeps: frozenset[MatrixSymbol] = frozenset()
    homes: Homes = field(default_factory=dict)
    works: dict[Phase, list[Work]] = field(default_factory=dict)
    placed: frozenset[MatrixSymbol] = frozenset()

    def __post_init__(self) -> None:
        self.flat = _taking(flat(self.sweep, self.each), self.made)
        self.kinds = Kinds(self.flat, self.each)
        self.fixed = {*self.flat.wanted, *self.flat.carried.values(), *added_up(self.flat), *self.flat.shared}
        self.fixed |= self.flat.delayed
        self.sweep, self.homes = added(self.flat, self.kinds, self.fixed)
        fixed, added_to = {*self.fixed, *self.kinds.summed}, {m.stack for m in self.homes.values()}
        self.sweep, stacks = within(self.sweep, self.kinds, fixed | added_to)
        self.members = stacks | members_of(self.sweep, fixed | self._also_taken_without(added_to))
        self.members |= columns_of(self.sweep, self.kinds)
        self.placed = self._in_the_loop_only() if self.in_place else frozenset()
        try:
            self.works = self._ordered()
        except CannotOrder:
            self.placed = frozenset()
            self.works = self._ordered()
        self.homes |= taken([w for _, w in self.all_works()], self.keeps, self.inside, self._free())

    @property
    def inside(self) -> Homes:
        """Where what is in the place of another value is."""
        return located(self.members | self.homes)

    def _also_taken_without(self, stacks: set[MatrixSymbol]) -> set[MatrixSymbol]:
        """The parts of some stacks that others take too, as they are before anything is added to the stack."""
        uses = used_in(self.sweep)
        made = [e.value for e in self.sweep.equations if e.target in stacks and isinstance(e.value, n.Concat)]
        return {s for value in made for s in symbols_in(value) if uses[s] > 1}

    def _in_the_loop_only(self) -> frozenset[MatrixSymbol]:
        """Of what is carried that which no other phase takes or makes."""
        outside = {s for p in PHASES if p != "loop" for e in self.sweep[p] for s in (*symbols_in(e.value), e.target)}
        return frozenset(prev for prev, new in self.sweep.recurrent.items() if outside.isdisjoint((prev, new)))

    def _ordered(self) -> dict[Phase, list[Work]]:
        carried = {new: old for old, new in self.sweep.carried.items() if old in self.placed}
        return {
            p: ordered(list(units_of(self.sweep[p], self.kinds, self.members)), self.kinds, self.members, carried)
            for p in PHASES
        }

    def _free(self) -> frozenset[MatrixSymbol]:
        """The values whose places others may take: the products and stacks that nobody wants."""
        equations = [e for p in PHASES[1:] for e in self.sweep[p]]
        made = {e.target for e in equations if has_array(e.value)}
        batched = {s for s in made if self.kinds.batched[s]}
        return frozenset(batched - self.fixed - self.kinds.summed - self.homes.keys() - self.members.keys())

    def all_works(self) -> Iterator[tuple[Phase, Work]]:
        return ((p, w) for p in PHASES for w in self.works[p])

    def kept(self) -> set[MatrixSymbol]:
        """The values that need an array: wanted ones, and what is taken elsewhere than in the loop that computes it."""
        found = {e.target for e in self.sweep.equations} & self.fixed
        home: dict[MatrixSymbol, Nest] = {}
        for _, w in self.all_works():
            for unit in w.items if isinstance(w, Nest) else [w]:
                if isinstance(w, Nest) and isinstance(unit, Item) and unit.whole and not unit.added:
                    home[unit.target] = w
                else:
                    found.add(unit.target)
        for _, w in self.all_works():
            for unit in w.items if isinstance(w, Nest) else [w]:
                near, far = reads(unit)
                found |= {s for s in (*near, *far) if s in home and (home[s] is not w or s in far)}
        return found | self.members.keys() | {m.stack for m in self.members.values()}


def _taking(sweep: Sweep, made: Mapping[MatrixSymbol, MatrixExpr]) -> Sweep:
    """With what is made already taken as it is; what has only the name of such a value gets one of its own."""
    taken = {*made, *(e.target for e in sweep.equations)}
    new: dict[MatrixSymbol, MatrixSymbol] = {}
    there: list[MatrixSymbol] = []
    for e in sweep["once"]:
        if e.target in made and made[e.target] == replaced(e.value, new):
            there.append(e.target)
        elif e.target in made:
            new[e.target] = fresh(name_of(e.target), e.target.shape, taken)
    phases: dict[Phase, list[Equation]] = {
        p: [
            replace(e, target=new.get(e.target, e.target), value=replaced(e.value, new))
            for e in sweep[p]
            if e.target not in there
        ]
        for p in PHASES
    }
    return replace(sweep, shared=(*sweep.shared, *there)).changed(phases)
