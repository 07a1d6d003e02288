"""The equations of a flat sweep as units of work, in an order of evaluation, in as few loops over entries as can be.

    Item        entries of a value, each by a formula of entries: `+=` where it is one sample's term of a sum
    Multiply    a product of matrices
    Reduce      the sum of the entries of a formula
    Normalise   a softmax

Items of one shape stand in one `Nest` where each takes, of what the others compute, only the same entry.
A value that takes its place in a stack (`Members`) is computed there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sympy import Expr, Integer, MatAdd, MatMul, MatrixExpr, MatrixSymbol, Transpose

from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.build import total
from lstmgraph.algebra.names import Shape
from lstmgraph.algebra.nodes import operands
from lstmgraph.algebra.traverse import symbols_in
from lstmgraph.codegen.loops.flat import is_added_up, is_entrywise, is_flipped_stack
from lstmgraph.codegen.sums import totals
from lstmgraph.codegen.sweep import Delay, Sweep
from lstmgraph.program import Equation


@dataclass(frozen=True, eq=False)
class Item:
    """Rows of `target` from `start` on, or columns if `flipped`, are the entries of `value`, or have them `added`."""

    target: MatrixSymbol
    value: MatrixExpr
    start: Expr | None = None
    flipped: bool = False
    added: bool = False

    @property
    def whole(self) -> bool:
        return self.start is None


@dataclass(frozen=True, eq=False)
class Multiply:
    """`target` = `value`, a product; `summed` over the samples where one is wanted of all, which may be `added`.

    `base`: the rows that it is added to, where they are.
    """

    target: MatrixSymbol
    value: MatrixExpr
    summed: bool = False
    added: bool = False
    base: MatrixExpr | None = None


@dataclass(frozen=True, eq=False)
class Reduce:
    target: MatrixSymbol
    value: MatrixExpr


@dataclass(frozen=True, eq=False)
class Normalise:
    target: MatrixSymbol
    value: MatrixExpr


@dataclass(frozen=True, eq=False)
class Wait:
    """`target` is there as soon as all of `value` is: nothing has to be done for it."""

    target: MatrixSymbol
    value: MatrixExpr


Unit = Item | Multiply | Reduce | Normalise | Wait


@dataclass(frozen=True)
class Nest:
    """One loop over entries; `batched`: for each sample."""

    shape: Shape
    items: tuple[Item, ...]
    batched: bool


Work = Nest | Multiply | Reduce | Normalise


@dataclass(frozen=True)
class Member:
    """Where a value is that stands in a stack: the rows, or columns if `flipped`, that it has there."""

    stack: MatrixSymbol
    start: Expr
    flipped: bool = False


class CannotOrder(Exception):
    """Values that take one another's places would have to be computed before one another."""


@dataclass
class Kinds:
    """What is known of the values of a sweep: which there is one of for each sample, which are sums over all of them.

    `summed` are the `totals` that a loop over entries adds up.
    """

    sweep: Sweep
    each: frozenset[MatrixSymbol]
    batched: dict[MatrixSymbol, bool] = field(init=False)
    summed: frozenset[MatrixSymbol] = field(init=False)

    def __post_init__(self) -> None:
        sweep = self.sweep
        self.summed = totals(sweep, is_entrywise)
        self.batched = dict.fromkeys(sweep.shared, False) | dict.fromkeys((*sweep.inputs, *sweep.carried), True)
        for e in sweep.settled().equations:
            free = e.target not in self.summed
            self.batched[e.target] = free and (e.target in self.each or self.of(e.value))

    def of(self, expr: MatrixExpr) -> bool:
        """Whether an expression has a value for each sample."""
        return any(self.batched[s] for s in symbols_in(expr))


# ── units ──


def units_of(equations: Iterable[Equation], kinds: Kinds, members: Mapping[MatrixSymbol, Member]) -> Iterator[Unit]:
    for e in equations:
        yield from _units(e, kinds, members)


def _units(e: Equation, kinds: Kinds, members: Mapping[MatrixSymbol, Member]) -> Iterator[Unit]:
    if e.target in kinds.summed and kinds.of(e.value):
        yield from _sums(e, kinds)
    elif isinstance(e.value, n.Concat) or is_flipped_stack(e.value):
        yield from _parts(e, members)
    elif isinstance(e.value, Transpose) and 1 not in e.value.shape and not kinds.of(e.value):
        yield Item(e.target, e.value.args[0], Integer(0), flipped=True)
    elif isinstance(e.value, MatMul) and not is_entrywise(e.value):
        yield Multiply(e.target, e.value)
    elif isinstance(e.value, MatAdd) and not is_entrywise(e.value.args[-1]):
        yield Multiply(e.target, e.value.args[-1], base=e.value.args[0])
    elif isinstance(e.value, n.Sum):
        yield Reduce(e.target, e.value)
    elif isinstance(e.value, n.Softmax):
        yield Normalise(e.target, e.value)
    elif isinstance(e.value, Delay):
        yield Wait(e.target, e.value)
    else:
        yield Item(e.target, e.value)


def _sums(e: Equation, kinds: Kinds) -> Iterator[Unit]:
    """The sum over all samples, term by term: a product a bᵀ is one of matrices."""
    terms = e.value.args if isinstance(e.value, MatAdd) else (e.value,)
    alone = len(terms) == 1
    rest = [t for t in terms if kinds.of(t) and not is_sum_product(t, kinds)]
    for term in terms:
        if is_sum_product(term, kinds):
            yield Multiply(e.target, term, summed=True, added=not (alone and is_entrywise(term)))
        elif not kinds.of(term):
            yield Item(e.target, term, added=True)
    if rest:
        yield Item(e.target, total(*rest), added=True)


def is_sum_product(expr: MatrixExpr, kinds: Kinds) -> bool:
    return isinstance(expr, MatMul) and is_added_up(expr) and all(kinds.of(o) for o in expr.args)


def _parts(e: Equation, members: Mapping[MatrixSymbol, Member]) -> Iterator[Item]:
    flipped = isinstance(e.value, Transpose)
    stack = e.value.args[0] if flipped else e.value
    start = stack.shape[0] * 0
    for part in stack.args:
        if members.get(part.args[0] if flipped else part) != Member(e.target, start, flipped):
            yield Item(e.target, part, start, flipped)
        start = start + part.shape[0]


# ── order ──


def ordered(
    units: Sequence[Unit],
    kinds: Kinds,
    members: Mapping[MatrixSymbol, Member],
    replaced: Mapping[MatrixSymbol, MatrixSymbol] = {},
) -> list[Work]:
    """Units as nests and calls, each after what it needs.

    `replaced` says of a value in whose place it is put: all that takes that one comes before.  Raises CannotOrder.
    """
    return list(_Scheduling(units, kinds, members, replaced).run())


@dataclass
class _Scheduling:
    units: Sequence[Unit]
    kinds: Kinds
    members: Mapping[MatrixSymbol, Member]
    replaced: Mapping[MatrixSymbol, MatrixSymbol]

    def __post_init__(self) -> None:
        self.waiting = list(self.units)
        writers: dict[MatrixSymbol, list[Unit]] = {}
        for u in self.units:
            value: MatrixSymbol | None = u.target
            while value is not None:  # what a stack holds is there when all of its parts are, and of a stack in it
                writers.setdefault(value, []).append(u)
                value = self.members[value].stack if value in self.members else None
        self.needs = {u: self._needs(u, writers) for u in self.units}

    def _needs(self, unit: Unit, writers: Mapping[MatrixSymbol, list[Unit]]) -> dict[Unit, bool]:
        """What a unit comes after, and whether in one loop with it will do."""
        plain, moved = reads(unit)
        found = {w: s in plain and s not in moved for s in (*plain, *moved) for w in writers.get(s, [])}
        place = self.replaced.get(unit.target)
        for other in self.units if place is not None else []:
            near, far = reads(other)
            if other is unit and place in far:  # of M := M + tanh(Mᵀ), no order of entries has all of the old ones
                raise CannotOrder
            if other is not unit and (place in near or place in far):
                found[other] = found.get(other, True) and place not in far
        return found

    def run(self) -> Iterator[Work]:
        while self.waiting:
            ready = [u for u in self.waiting if not any(o in self.waiting for o in self.needs[u])]
            if not ready:
                raise CannotOrder
            calls = [u for u in ready if not isinstance(u, Item)]
            if calls:
                for u in calls:
                    self.waiting.remove(u)
                    if not isinstance(u, (Item, Wait)):
                        yield u
                continue
            yield self.nest(next(u for u in ready if isinstance(u, Item)))

    def nest(self, first: Item) -> Nest:
        """The loop of an item with all others that can stand in it."""
        batched = self.is_batched(first)
        items = [first]
        self.waiting.remove(first)
        while (found := next((u for u in self.waiting if self.fits(u, items, batched)), None)) is not None:
            assert isinstance(found, Item)
            items.append(found)
            self.waiting.remove(found)
        return Nest((first.value.shape[0], first.value.shape[1]), tuple(items), batched)

    def fits(self, unit: Unit, items: Sequence[Item], batched: bool) -> bool:
        """Whether a unit can stand in the loop of some items, after them."""
        if not isinstance(unit, Item) or unit.value.shape != items[0].value.shape or self.is_batched(unit) != batched:
            return False
        return all((near and o in items) or o not in (*self.waiting, *items) for o, near in self.needs[unit].items())

    def is_batched(self, item: Item) -> bool:
        return self.kinds.batched[item.target] or self.kinds.of(item.value)


def reads(unit: Unit) -> tuple[set[MatrixSymbol], set[MatrixSymbol]]:
    """The values of which a unit takes the entry that it computes, and those of which it takes others."""
    if not isinstance(unit, Item):
        base = unit.base if isinstance(unit, Multiply) else None
        return set(), symbols_in(unit.value) | (symbols_in(base) if base is not None else set())
    near: set[MatrixSymbol] = set()
    far: set[MatrixSymbol] = set()
    _collect(unit.value, near, far)
    return (near, far) if unit.whole else (set(), near | far)


def _collect(expr: MatrixExpr, near: set[MatrixSymbol], far: set[MatrixSymbol]) -> None:
    if isinstance(expr, MatrixSymbol):
        near.add(expr)
    elif isinstance(expr, (n.Slice, n.Fill, Transpose, MatMul)):
        if isinstance(expr, n.Fill) and isinstance(expr.value, MatrixExpr) and expr.value.shape == expr.shape:
            _collect(expr.value, near, far)
        else:
            far |= symbols_in(expr)
    else:
        for o in operands(expr):
            _collect(o, near, far)
