"""One call in the place of several that do the same to parts of a stack.

    f[t] = sigmoid(pre(f)[t]),  i[t] = sigmoid(pre(i)[t])    with [pre(f); pre(i)] in one array:
    some(f.i)[t] = sigmoid(some(pre(f.i))[t])

Equations of one form at one level can be packed where, operand by operand, they take the same value, or neighbours in
a stack, or parameters, which are then stacked once.  A target that writes a value straight into its place in an array
can have more: values that are in no stack yet are given one (`placing`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from sympy import Expr, MatrixExpr, MatrixSymbol

from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.nodes import operands
from lstmgraph.algebra.traverse import rebuild, symbols_in, walk
from lstmgraph.codegen.passes.order import Order, form, levels_of
from lstmgraph.codegen.passes.rows import fresh, joint_name, replaced, rows, with_stacks
from lstmgraph.codegen.sweep import PHASES, Phase, Sweep
from lstmgraph.program import Equation


def pack(sweep: Sweep) -> Sweep:
    """The same values in fewer equations; those that were packed are rows of their pack.

    For a target that makes a new array of what a step computes: it makes none just for a pack.
    """
    return _Packing(sweep, copies=False).run()


def place(sweep: Sweep) -> Sweep:
    """`pack`, and what comes before the loop is computed side by side for that."""
    return _Packing(sweep, frozenset({"before"}), copies=False).run().pruned()


def place_parts(sweep: Sweep) -> Sweep:
    """Equations of one form as one, and of neighbours in a stack the sums, and the scalars for each of them.

    For a target that writes a value straight into its place, and takes an array as several below one another.
    """
    return _Packing(sweep, frozenset({"before", "loop"}), parts=True).run().pruned()


@dataclass(frozen=True)
class Lane:
    """Where a value is: rows of a stack."""

    stack: MatrixSymbol
    start: Expr


@dataclass
class _Packing:
    """`placing`: the phases of which values are computed side by side where that makes a pack.

    `parts`: an array of the loop may be taken as several.  `copies`: an array may be made to repeat a value.
    """

    sweep: Sweep
    placing: frozenset[Phase] = frozenset()
    parts: bool = False
    copies: bool = True
    phase: Phase = "before"
    lanes: dict[MatrixExpr, Lane] = field(default_factory=dict)
    stacks: dict[tuple[MatrixSymbol, ...], Equation] = field(default_factory=dict)
    concats: dict[MatrixSymbol, MatrixExpr] = field(default_factory=dict)
    merged: dict[MatrixExpr, MatrixExpr] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.order, self.constant = Order(self.sweep), self.sweep.constant()
        self.placed = {e.target for phase in self.placing for e in self.sweep[phase]}
        self.taken = {e.target for e in self.sweep.equations}
        self.needs = {e.target: symbols_in(e.value) for e in self.sweep.equations}
        for e in self.sweep.equations:
            own = isinstance(e.value, n.Slice) and e.target not in self.sweep.summed  # a sum of rows is no rows
            if own and (lane := self.lane(e.value)) is not None:
                self.lanes[e.target] = lane
            if isinstance(e.value, n.Concat) and len(set(e.value.args)) == len(e.value.args):
                self.keep(e.target, e.value.args)
                self.concats[e.target] = e.value

    def run(self) -> Sweep:
        phases: dict[Phase, list[Equation]] = {}
        for self.phase in PHASES[1:]:
            phases[self.phase] = self.packed(self.sweep[self.phase])
        phases = {p: [replace(e, value=replaced(e.value, self.merged)) for e in phases[p]] for p in phases}
        return with_stacks(self.sweep.changed(phases), self.stacks.values())

    @property
    def parted(self) -> bool:
        """Of all steps at once a sum over several takes them as they are."""
        return self.parts and self.phase == "loop"

    def keep(self, stack: MatrixSymbol, members: Sequence[MatrixExpr]) -> None:
        start = stack.shape[0] * 0
        for member in members:
            self.lanes.setdefault(member, Lane(stack, start))
            start = start + member.shape[0]

    def lane(self, value: MatrixExpr) -> Lane | None:
        if isinstance(value, n.Slice) and isinstance(value.args[0], MatrixSymbol):
            return Lane(value.args[0], value.args[1])
        return self.lanes.get(value)

    # ── groups ──

    def packed(self, equations: Sequence[Equation]) -> list[Equation]:
        """The equations of a phase by level, with packs in the place of what they hold."""
        levels = levels_of(equations)
        result: list[Equation] = []
        for level in sorted(set(levels.values())):
            groups: dict[tuple[str, bool], list[Equation]] = {}
            for e in (e for e in equations if levels[e.target] == level):
                sums = not symbols_in(e.value).isdisjoint(self.sweep.summed)  # in no pack with what is one step's
                groups.setdefault((form(e.value), sums), []).append(e)
            for group in groups.values():
                result += [e for run in self.runs(group) for e in self.pack(run)]
        return result

    def runs(self, group: list[Equation]) -> Iterator[list[Equation]]:
        """A group, cut where neighbours cannot be packed."""
        run: list[Equation] = []
        for e in self.sorted(group):
            if run and not self.fits([*run, e]):
                yield run
                run = []
            run.append(e)
        yield run

    def sorted(self, group: list[Equation]) -> list[Equation]:
        """What is done to rows of one stack, or makes them, in the order of these, else as values stand in a stack."""
        unary = all(len(operands(e.value)) == 1 for e in group)
        lanes = [lane for e in group if (lane := self.lane(e.value.args[0] if unary else e.target)) is not None]
        if len(lanes) == len(group) and len({lane.stack for lane in lanes}) == 1:
            heights = dict.fromkeys(lanes[0].stack.shape[0].free_symbols, 1)  # all are positive: any number will do
            starts = [int(lane.start.subs(heights)) for lane in lanes]
            return [e for _, e in sorted(zip(starts, group, strict=True), key=lambda pair: pair[0])]
        places = self.order.places(e.target for e in group)
        return sorted(group, key=lambda e: places[e.target])

    def fits(self, run: list[Equation]) -> bool:
        first = run[0].value
        whole = first.args[0] if self.parted and isinstance(first, n.Sum) else first
        if not all(isinstance(p, (*n.ENTRYWISE, MatrixSymbol, n.Slice, n.Fill)) for p in walk(whole)):
            return False
        if run[0].target in self.lanes and not self.adjacent([e.target for e in run]):
            return False
        columns = list(_columns([e.value for e in run]))
        if not self.copies and not self.takes_views(columns):
            return False
        return all(self.alike(column) for column in columns) and not self.waits(run, columns)

    def takes_views(self, columns: list[list[MatrixExpr]]) -> bool:
        """Whether no array is made to repeat a value.

        In the loop none is where the value meets neighbours of an array of all steps, which is taken as several.
        """
        repeated = [_is_repeated(column) for column in columns if not self.constant.issuperset(column)]
        return not any(repeated) or (self.phase == "loop" and not all(repeated))

    def waits(self, run: list[Equation], columns: Iterable[list[MatrixExpr]]) -> bool:
        """Whether a stack of which a run would take neighbours is made later, or itself of what the run makes."""
        values = {v for column in columns if len(set(column)) > 1 for v in column}
        lanes = (self.lane(v.args[0] if isinstance(v, n.Sum) or _is_scalar(v) else v) for v in values)
        new, known = {lane.stack for lane in lanes if lane is not None}, set[MatrixSymbol]()
        if any(e.target in new for phase in PHASES[PHASES.index(self.phase) + 1 :] for e in self.sweep[phase]):
            return True
        while new:
            known |= new
            new = {s for stack in new for s in self.needs.get(stack, ())} - known
        return not known.isdisjoint(e.target for e in run)

    def alike(self, column: list[MatrixExpr]) -> bool:
        """Whether an operand of each of a run is one operand of all."""
        if len(set(column)) == 1:
            return True
        if self.adjacent(column):
            return True
        if all(isinstance(v, n.Sum) or (self.parted and _is_scalar(v)) for v in column):
            return self.adjacent([v.args[0] for v in column])
        if not all(isinstance(v, MatrixSymbol) for v in column):
            return False
        if all(v in self.constant for v in column):
            return True
        return len(set(column)) == len(column) and all(v in self.placed and v not in self.lanes for v in column)

    def adjacent(self, column: Sequence[MatrixExpr]) -> bool:
        """Whether values are neighbours in one stack, in this order."""
        lanes = [self.lane(v) for v in column]
        pairs = zip(column, lanes, lanes[1:], strict=False)
        return all(
            a is not None and b is not None and a.stack == b.stack and a.start + v.shape[0] == b.start
            for v, a, b in pairs
        )

    # ── a pack ──

    def pack(self, run: list[Equation]) -> list[Equation]:
        summed = run[0].target in self.sweep.summed
        if len(run) == 1 or not isinstance(run[0].value, (*n.ENTRYWISE, n.Sum, *([MatrixSymbol] if summed else []))):
            return run
        value = self.joined([e.value for e in run])
        targets = [e.target for e in run]
        target = fresh(joint_name(targets), value.shape, self.taken)
        if targets[0] in self.lanes:
            self.regroup(target, targets)
        self.keep(target, targets)
        self.needs |= {target: symbols_in(value), **{member: {target} for member in targets}}
        placed = [replace(e, value=part) for e, (_, part) in zip(run, rows(target, targets), strict=True)]
        return [Equation(target, value, stage=run[0].stage), *placed]

    def regroup(self, pack: MatrixSymbol, targets: list[MatrixSymbol]) -> None:
        """A stack of which the members are a pack now holds that in their place."""
        lane = self.lanes[targets[0]]
        self.lanes[pack] = lane
        whole = self.concats.get(lane.stack)
        if whole is not None:
            now = self.merged.get(whole, whole)
            at = now.args.index(targets[0])
            members = (*now.args[:at], pack, *now.args[at + len(targets) :])
            self.merged[whole] = n.Concat(*members) if len(members) > 1 else pack

    def joined(self, values: list[MatrixExpr]) -> MatrixExpr:
        """The one expression of several of the same form."""
        first = values[0]
        if isinstance(first, (MatrixSymbol, n.Slice)):
            return self.operand(values)
        if isinstance(first, n.Sum) or (_is_scalar(first) and len(set(values)) > 1):
            return n.Concat(*values)
        if isinstance(first, n.Fill):
            return n.Fill(first.value, first.shape[0] * len(values), first.shape[1])
        columns = zip(*map(operands, values), strict=True)
        return rebuild(first, [self.joined(list(column)) for column in columns])

    def operand(self, column: list[MatrixExpr]) -> MatrixExpr:
        height = column[0].shape[0] * len(column)
        if len(set(column)) == 1:
            return n.Concat(*column) if column[0].shape != (1, 1) else n.Fill(column[0], height, 1)
        if self.adjacent(column):
            lane = self.lane(column[0])
            assert lane is not None
            return lane.stack if lane.stack.shape[0] == height else n.Slice(lane.stack, lane.start, height)
        key = tuple(column)
        if key not in self.stacks:
            value = n.Concat(*column)
            self.stacks[key] = Equation(fresh(joint_name(key), value.shape, self.taken), value)
            self.needs[self.stacks[key].target] = symbols_in(value)
            self.keep(self.stacks[key].target, column)
        return self.stacks[key].target


def _is_repeated(column: list[MatrixExpr]) -> bool:
    """Whether a pack takes one value several times."""
    return len(set(column)) == 1 and isinstance(column[0], (MatrixSymbol, n.Slice)) and column[0].shape != (1, 1)


def _columns(values: list[MatrixExpr]) -> Iterator[list[MatrixExpr]]:
    """The operands of expressions of one form, place by place."""
    if isinstance(values[0], (MatrixSymbol, n.Slice, n.Fill, n.Sum)):
        yield values
        return
    for column in zip(*map(operands, values), strict=True):
        yield from _columns(list(column))


def _is_scalar(expr: MatrixExpr) -> bool:
    """Whether a value that has a name is in every entry."""
    return isinstance(expr, n.Fill) and isinstance(expr.value, (MatrixSymbol, n.Slice))
