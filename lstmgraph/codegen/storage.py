"""Where the values of a loop are kept: which are rows of one array, and which may take the place of another.

    view         f = rows of fig: no array of its own
    placed       a member of a stack is written straight into its rows
    in place     sigmoid(pre) or pre + ... where pre is not needed any more takes its place

What is needed after the loop has an array with all steps, by its `base`; what is not is made anew in each step.  Only
columns are rows of others; all else has a place of its own.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sympy import Expr, MatAdd, MatrixExpr, MatrixSymbol

from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.traverse import symbols_in, walk
from lstmgraph.codegen.sweep import Sweep, dependent
from lstmgraph.program import Equation


@dataclass(frozen=True)
class Place:
    """`count` rows of a base, from the row `start`; all of a base that is no column."""

    base: MatrixSymbol
    start: Expr
    count: Expr

    def rows(self, start: Expr, count: Expr) -> Place:
        return Place(self.base, self.start + start, count)


@dataclass(frozen=True)
class Storage:
    """The place of every value of a sweep that differs from step to step, and the bases that hold all steps."""

    places: Mapping[MatrixSymbol, Place]
    kept: frozenset[MatrixSymbol]

    def place(self, expr: MatrixExpr) -> Place | None:
        """The place of a value, or of rows of one."""
        if isinstance(expr, n.Slice) and expr.shape[1] == 1:
            whole = self.places.get(expr.args[0])
            return whole.rows(expr.args[1], expr.args[2]) if whole else None
        return self.places.get(expr)


def storage(sweep: Sweep, wanted: Collection[MatrixSymbol]) -> Storage:
    """The places of a sweep's values; `wanted` are those that are needed after the loop."""
    return _Storing(sweep, set(wanted)).run()


@dataclass
class _Storing:
    sweep: Sweep
    wanted: set[MatrixSymbol]
    places: dict[MatrixSymbol, Place] = field(default_factory=dict)

    def run(self) -> Storage:
        loop, self.batched = self.sweep["loop"], self._batched()
        placed = self.stacked()
        own = {e.target for e in (*self.sweep["before"], *self.sweep["after"])}
        for e in (*self.sweep["before"], *loop, *self.sweep["after"]):
            self.places[e.target] = self.view(e.value) or placed.get(e.target) or whole_place(e.target)
        self.places = {s: self.resolved(p) for s, p in self.places.items()}
        for e in loop:
            self.regroup(e)
        self.places = {s: self.resolved(p) for s, p in self.places.items()}
        bases = {self.places[s].base for s in self.wanted if s in self.places}
        kept = {*own, *bases}
        for at, e in enumerate(loop):
            self.reuse(e, loop[at + 1 :], kept)
        inputs = {x: whole_place(x) for x in self.sweep.inputs}
        kept = {*inputs, *(p.base for p in self.places.values() if p.base in kept)}
        return Storage(inputs | self.places, frozenset(kept))

    def _batched(self) -> frozenset[MatrixSymbol]:
        """What differs from step to step and has an array: all but what the loop carries."""
        sweep = self.sweep
        return dependent(sweep.equations, (*sweep.inputs, *sweep.carried)) - {*sweep.carried}

    def view(self, value: MatrixExpr) -> Place | None:
        """The rows of another that a value is."""
        if isinstance(value, n.Slice) and value.args[0] in self.batched and value.shape[1] == 1:
            return Place(value.args[0], value.args[1], value.args[2])
        return whole_place(value) if value in self.batched else None

    def stacked(self) -> dict[MatrixSymbol, Place]:
        """The members of wanted stacks, in these; each in the first that has it."""
        found: dict[MatrixSymbol, Place] = {}
        for phase in ("before", "loop"):
            equations = self.sweep[phase]
            computed = {e.target for e in equations if self.view(e.value) is None}
            stacks = [e for e in equations if isinstance(e.value, n.Concat) and e.target.shape[1] == 1]
            stacks = [e for e in stacks if phase == "before" or e.target in self.wanted]
            for e in sorted(stacks, key=lambda e: -len(e.value.args)):
                if len({*e.value.args}) == len(e.value.args):
                    for member, place in _members(e):
                        if member in computed:
                            found.setdefault(member, place)
        return found

    def regroup(self, e: Equation) -> None:
        """A stack whose members are neighbours in another array is rows of that."""
        places = [self.places.get(m) for m in (e.value.args if isinstance(e.value, n.Concat) else ())]
        first = places[0] if places else None
        at = first.start if first else None
        for place in places:
            if first is None or place is None or place.base != first.base or place.start != at:
                return
            at = place.start + place.count
        if first is not None and first.base != e.target:
            self.places[e.target] = Place(first.base, first.start, e.target.shape[0])

    def resolved(self, place: Place) -> Place:
        """A place in a base, through the stacks and views in between."""
        while place.base in self.places and self.places[place.base].base != place.base:
            place = self.places[place.base].rows(place.start, place.count)
        return place

    # ── in the place of another ──

    def reuse(self, e: Equation, later: Sequence[Equation], kept: set[MatrixSymbol]) -> None:
        """Gives a value that has an array of its own the place of an operand that is not needed any more."""
        place = self.places[e.target]
        if place.base != e.target or place.count != e.target.shape[0] or self.view(e.value) is not None:
            return
        old = next((p for o in _dying(e.value) if (p := self.free(o, e, later, kept)) is not None), None)
        if old is not None:
            for s, p in self.places.items():
                if p.base == e.target:
                    self.places[s] = old.rows(p.start, p.count)
            if e.target in kept:
                kept.add(old.base)

    def free(
        self, operand: MatrixExpr, e: Equation, later: Sequence[Equation], kept: set[MatrixSymbol]
    ) -> Place | None:
        """The place of an operand, unless its rows, or what is in its base, are needed later."""
        place = self.region(operand)
        if place is None or place.base in self.sweep.inputs or operand.shape != e.target.shape:
            return None
        own = place.base not in {b.target for b in self.sweep["before"]}
        if own and e.target in kept and place.base not in kept:
            return None
        waiting = {s for x in later for s in symbols_in(x.value)} | {*self.sweep.carried.values()} | self.wanted
        slices = [p for x in later for p in walk(x.value) if isinstance(p, n.Slice)]
        whole = {s for s in waiting if s in self.places and self.places[s].base == place.base}
        for s in whole:
            parts = [self.region(p) for p in slices if p.args[0] == s]
            only_parts = parts and s not in self.wanted and not any(s in _bare(x.value) for x in later)
            regions = [p for p in parts if p is not None] if only_parts else [self.places[s]]
            if any(not _apart(place, r) for r in regions) and s != e.target:
                return None
        return place

    def region(self, expr: MatrixExpr) -> Place | None:
        if isinstance(expr, n.Slice) and isinstance(expr.args[0], MatrixSymbol):
            whole = self.places.get(expr.args[0])
            return whole.rows(expr.args[1], expr.args[2]) if whole and expr.shape[1] == 1 else None
        return self.places.get(expr)


def _members(stack: Equation) -> Iterator[tuple[MatrixExpr, Place]]:
    """The members of a stack, and which rows of it they are."""
    start = stack.target.shape[0] * 0
    for member in stack.value.args:
        yield member, Place(stack.target, start, member.shape[0])
        start = start + member.shape[0]


def whole_place(symbol: MatrixSymbol) -> Place:
    return Place(symbol, symbol.shape[0] * 0, symbol.shape[0])


def _dying(value: MatrixExpr) -> list[MatrixExpr]:
    """The operands in whose place a value can be computed: read at the entry that is written, and nowhere else."""
    if isinstance(value, n.Elementwise):
        operands = [value.args[0]]
    elif isinstance(value, MatAdd):
        operands = [a for a in value.args if not any(symbols_in(a) & symbols_in(b) for b in value.args if b is not a)]
    else:
        operands = []
    return [a for a in operands if isinstance(a, (MatrixSymbol, n.Slice))]


def _bare(value: MatrixExpr) -> set[MatrixSymbol]:
    """The symbols that are used as a whole, not as rows only."""
    if isinstance(value, n.Slice):
        return set()
    if isinstance(value, MatrixSymbol):
        return {value}
    return {s for a in n.operands(value) for s in _bare(a)}


def _apart(a: Place, b: Place) -> bool:
    """Whether two places in one base surely share no row."""
    gaps = ((a.start - b.start - b.count).expand(), (b.start - a.start - a.count).expand())
    return any(gap.is_nonnegative for gap in gaps)
