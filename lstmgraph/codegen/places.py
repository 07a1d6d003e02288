"""Where each value of a sweep is kept: which rows of which array.

A value that all steps keep (it is saved, wanted, or used after the loop) is in an array of all steps; what one step
needs for itself is in an array of one step, which every step uses again.  Several values are in one array where that
saves a copy:

    rows        x = a[0:H]              x is rows of the array of a
    joins       a = concat(x, y)        x and y are computed where a holds them
    in place    y = tanh(x)             y takes the place of x, if nobody needs x any more
    ahead       x is computed where y = x * z will be
    around      what the next step takes of this one is computed where this one took it from, once that is free
    back        else what this one took is where what the next one takes will be

A value carried from step to step that is kept is in an array of T + 1 steps, of which step t takes one and makes the
next.

What is not a column (a batch of matrices) is in an array of its own, or takes the place of one that is free.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import accumulate

from sympy import Expr, Integer, MatrixExpr, MatrixSymbol

from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.nodes import operands
from lstmgraph.algebra.traverse import symbols_in
from lstmgraph.codegen.sweep import Phase, Sweep
from lstmgraph.program import Equation

NEVER = -1


@dataclass(frozen=True)
class Place:
    """Rows start, ..., start + count - 1 of the array of `root`.

    `later`: of the two that a step has of a kept state's array, that of the next step.
    """

    root: MatrixSymbol
    start: Expr
    count: Expr
    later: bool = False

    def rows(self, start: Expr, count: Expr) -> Place:
        """Some of them."""
        return replace(self, start=self.start + start, count=count)

    def overlaps(self, other: Place) -> bool:
        if self.root != other.root or self.later != other.later:
            return False
        apart = (other.start - self.start - self.count, self.start - other.start - other.count)
        return not any(gap.is_nonnegative for gap in apart)


@dataclass
class Places:
    """`given` are arrays that must stay as they are; `kept` are values that are wanted of all steps.

    `rebinds`: what is not kept is a new array in each step, and the next step has a carried value by its name.  Then
    nothing has an array of T + 1 steps, and a value of the loop is written over another where that is one call.
    """

    sweep: Sweep
    given: frozenset[MatrixSymbol]
    kept: frozenset[MatrixSymbol]
    batched: frozenset[MatrixSymbol]
    rebinds: bool = False
    homes: dict[MatrixSymbol, Place] = field(default_factory=dict)

    def __post_init__(self) -> None:
        sweep = self.sweep
        phases: tuple[Phase, ...] = ("before", "loop", "after")
        self.equations = [e for phase in phases for e in sweep[phase]]
        self.phase: dict[MatrixSymbol, Phase] = {e.target: phase for phase in phases for e in sweep[phase]}
        self.definitions = {e.target: e for e in self.equations}
        self.at = {e.target: k for k, e in enumerate(self.equations)}
        self.last_use = {s: k for k, e in enumerate(self.equations) for s in symbols_in(e.value)}
        self.whole = self._whole()
        self.traced = {prev: new for prev, new in sweep.carried.items() if self._is_traced(prev, new)}
        self._settle()
        while found := self._holding_all():
            self.traced |= found
            self._settle()

    def _holding_all(self) -> dict[MatrixSymbol, MatrixSymbol]:
        """What is carried and has come into an array of all steps, since what else is there is wanted of all."""
        rest = {prev: new for prev, new in self.sweep.carried.items() if prev not in self.traced}
        return {} if self.rebinds else {prev: new for prev, new in rest.items() if self.is_whole(self._root(prev))}

    def _settle(self) -> None:
        sweep = self.sweep
        self.homes = {}
        self.ends = {new for prev, new in sweep.carried.items() if prev not in self.traced}
        self.copied = set() if self.rebinds else self.ends
        for prev, new in self.traced.items():
            self.homes[new] = Place(prev, Integer(0), prev.shape[0], later=True)
        for settle in (self._rows, self._joins, self._in_place):
            for e in self.equations:
                if e.target in self.batched and e.target not in self.homes:
                    settle(e)
        for e in self.equations:
            if e.target in self.batched:
                self._ahead(e)
        for prev, new in sweep.carried.items():
            if not self.rebinds and prev not in self.traced:
                self._back(prev, new)

    def _whole(self) -> frozenset[MatrixSymbol]:
        """Values of which all steps are there at once."""
        after = {s for e in self.sweep["after"] for s in symbols_in(e.value)}
        made = {s for s, phase in self.phase.items() if phase != "loop"}
        return self.given | self.kept | after | made

    def _is_traced(self, prev: MatrixSymbol, new: MatrixSymbol) -> bool:
        return not self.rebinds and (prev in self.whole or new in self.whole or self.phase.get(new) != "loop")

    # ── asking ──

    def place(self, expr: MatrixExpr) -> Place | None:
        """Where a value is, or rows of one."""
        if isinstance(expr, MatrixSymbol):
            if expr not in self.batched:
                return None
            home = self.homes.get(expr)
            if home is None:
                return Place(expr, Integer(0), expr.shape[0])
            if home.later:
                return home
            base = self.place(home.root)
            assert base is not None
            return replace(base, start=base.start + home.start, count=home.count)
        if isinstance(expr, n.Slice) and isinstance(expr.args[0], MatrixSymbol) and is_column(expr):
            base = self.place(expr.args[0])
            return base and replace(base, start=base.start + expr.args[1], count=expr.args[2])
        return None

    def occupants(self, root: MatrixSymbol) -> list[MatrixSymbol]:
        """All values in the array of a root."""
        return [s for s in (root, *self.homes) if self._root(s) == root]

    def _root(self, symbol: MatrixSymbol) -> MatrixSymbol:
        while symbol in self.homes:
            symbol = self.homes[symbol].root
        return symbol

    def is_whole(self, root: MatrixSymbol) -> bool:
        """Whether an array holds all steps."""
        return root in self.traced or any(s in self.whole for s in self.occupants(root))

    # ── settling ──

    def _rows(self, e: Equation) -> None:
        inner = e.value.args[0] if isinstance(e.value, n.Slice) else e.value
        if e.target in self.copied or not isinstance(inner, MatrixSymbol) or inner not in self.batched:
            return
        if inner is e.value:
            self.homes[e.target] = Place(inner, Integer(0), inner.shape[0])
        elif is_column(inner):
            self.homes[e.target] = Place(inner, e.value.args[1], e.value.args[2])

    def _joins(self, e: Equation) -> None:
        if not isinstance(e.value, n.Concat) or not is_column(e.target) or e.target in self.copied:
            return
        members = e.value.args
        there = {m: self.place(m) if m in self.homes else self.free_place(m) or self.place(m) for m in members}
        run = neighbours(there[m] for m in members)
        if run is not None and self._root(run.root) == run.root:
            self.homes |= {
                m: p for m, p in there.items() if p is not None and m in self.batched and m not in self.homes
            }
            self.homes[e.target] = run
            return
        if self.rebinds and e.target not in self.whole:
            return
        starts = accumulate((m.shape[0] for m in members), initial=Integer(0))
        for member, start in zip(members, starts, strict=False):
            if members.count(member) > 1:
                continue
            if self._can_join(member):
                self.homes[member] = Place(e.target, start, member.shape[0])
            elif (whole := self._can_move(member, e)) is not None:
                self.homes[whole] = Place(e.target, start, whole.shape[0])

    def _can_move(self, member: MatrixExpr, e: Equation) -> MatrixSymbol | None:
        """The array that holds this and the next members and no more, if it may be a part of another one."""
        place = self.place(member)
        if place is None or place.later or place.start != 0 or place.root in self.homes:
            return None
        root, members = place.root, e.value.args
        runs = (members[members.index(member) : end] for end in range(len(members) + 1))
        if root not in self.at or e.target not in self.whole or whole_place(root) not in map(self._run, runs):
            return None
        stays = any(s in self.sweep.wanted or self.at[s] > self.at[e.target] for s in self.occupants(root))
        return None if stays else root

    def _run(self, members: tuple[MatrixExpr, ...]) -> Place | None:
        return neighbours(map(self.place, members))

    def _can_join(self, member: MatrixExpr) -> bool:
        return member in self.batched and member in self.at and member not in self.homes and member not in self.copied

    def _in_place(self, e: Equation) -> None:
        place = self.free_place(e.target)
        if place is not None:
            self.homes[e.target] = place

    def free_place(self, target: MatrixExpr) -> Place | None:
        """Where a value can be computed over what nobody needs any more, if there is such a place."""
        e = self.definitions.get(target)
        if e is None or (self.rebinds and self.phase[e.target] != "loop"):
            return None
        carry = [prev for prev, new in self.sweep.carried.items() if new == target and prev not in self.traced]
        for candidate in (*carry, *self.over(e.value)):
            place = self.place(candidate)
            if place is None or place.later or candidate.shape != target.shape:
                continue
            fits = not self.is_whole(e.target) or self.is_whole(place.root)
            if fits and place.root != self._root(e.target) and self._is_free(place, e):
                return place
        return None

    def _is_free(self, place: Place, e: Equation) -> bool:
        """Whether an equation may write there: nobody needs what is there, but the equation itself where it writes."""
        root = self._root(place.root)
        if root in self.given or root in self.traced:
            return False
        here = self._taken(e, place)
        if here and not (len(here) == 1 and self.place(here[0]) == place and here[0] in self.over(e.value)):
            return False
        if any(s in self.kept or s in self.ends for s in self.there(place)):
            return False
        after = self.equations[self.at[e.target] + 1 :]  # what comes there after it is taken after it, too
        later = (a for other in after if not self.is_view(other) for a in atoms(other.value))
        return not any((p := self.place(a)) is not None and p.overlaps(place) for a in later)

    def _taken(self, e: Equation, place: Place) -> list[MatrixExpr]:
        """What of a place an equation takes."""
        return [a for a in atoms(e.value) if meet(self.place(a), place)]

    def _ahead(self, e: Equation) -> None:
        """What is last used for an equation that can be written over it is computed where that one is."""
        place, k = self.place(e.target), self.at[e.target]
        if self.rebinds and self.phase[e.target] != "loop":
            return
        if place is None or any(self.at.get(s, NEVER) < k for s in self.there(place)):
            return
        for value in self.over(e.value):
            if place.later and self.phase.get(value) != "loop":
                continue
            mine = self.occupants(value) if value in self.at and value not in self.homes else []
            free = mine and all(s not in self.kept | self.ends and self.last_use.get(s, k) <= k for s in mine)
            fits = value.shape == e.target.shape and (not self.is_whole(value) or self.is_whole(place.root))
            if free and fits and self._root(value) != place.root and len(self._taken(e, whole_place(value))) == 1:
                self.homes[value] = place
                return

    def _back(self, prev: MatrixSymbol, new: MatrixSymbol) -> None:
        """What a step takes is where what it hands on will be, if nothing is written there before it was used."""
        made = self.definitions[new].value if new in self.definitions else new
        place = self.place(made)
        if place is None or place.later or self.is_whole(place.root) or not {*self.occupants(prev)} <= {prev, new}:
            return
        if prev in self.homes or any(s in self.sweep.carried for s in self.there(place)):
            return
        if any(self.at.get(s, NEVER) > self.at[new] for s in self.there(place) if new in self.at):
            return  # it is written over once the copy is made
        used, fits = self.last_use.get(prev, NEVER), (place.count, place.root.shape[1]) == prev.shape
        first = [s for s in self.there(place) if s in self.at and self.at[s] <= used]
        over = all(self.place(s) == place and prev in self.over(self.definitions[s].value) for s in first)
        if fits and over and all(self.at[s] == used for s in first):
            self.homes[prev] = place

    def over(self, expr: MatrixExpr) -> list[MatrixExpr]:
        """The named values in an expression, and rows of them, over which it can be written: each occurs once."""
        every = list(atoms(expr))
        inside = _spine(expr)
        if self.rebinds:
            inside = iter(operands(expr) if isinstance(expr, n.ENTRYWISE) else ())
        return [a for a in inside if every.count(a) == 1]

    def there(self, place: Place) -> list[MatrixSymbol]:
        """The values of which a part is there at some time."""
        return [s for s in self.occupants(place.root) if (p := self.place(s)) is not None and p.overlaps(place)]

    def is_view(self, e: Equation) -> bool:
        """Whether an equation only names what is there already."""
        place = self.place(e.target)
        return place is not None and self.place(e.value) == place


def whole_place(symbol: MatrixSymbol) -> Place:
    return Place(symbol, Integer(0), symbol.shape[0])


def meet(a: Place | None, b: Place | None) -> bool:
    """Whether both are in arrays, and have rows in common."""
    return a is not None and b is not None and a.overlaps(b)


def is_column(expr: MatrixExpr) -> bool:
    return bool(expr.shape[1] == 1)


def atoms(expr: MatrixExpr) -> Iterator[MatrixExpr]:
    """The named values in an expression, and rows of columns, each time they occur; rows of a matrix have no place."""
    rows = isinstance(expr, n.Slice) and isinstance(expr.args[0], MatrixSymbol) and is_column(expr)
    if isinstance(expr, MatrixSymbol) or rows:
        yield expr
        return
    for operand in operands(expr):
        yield from atoms(operand)


def _spine(expr: MatrixExpr) -> Iterator[MatrixExpr]:
    if isinstance(expr, MatrixSymbol) or (isinstance(expr, n.Slice) and isinstance(expr.args[0], MatrixSymbol)):
        yield expr
    elif isinstance(expr, n.ENTRYWISE):
        for operand in operands(expr):
            yield from _spine(operand)


def neighbours(places: Iterable[Place | None]) -> Place | None:
    """All of some places as one, if each begins where the one before it ends."""
    whole: Place | None = None
    for place in places:
        if place is None or place.later:
            return None
        if whole is None:
            whole = place
        elif (place.root, place.start) == (whole.root, whole.start + whole.count):
            whole = replace(whole, count=whole.count + place.count)
        else:
            return None
    return whole


def repeats(expr: object) -> int:
    """How often a value stands below itself."""
    if isinstance(expr, n.Concat) and len(set(expr.args)) == 1 and is_column(expr):
        return len(expr.args)
    return 1


def parts_of(expr: object) -> int:
    """How many parts a value has of which each has one number, or all have the same numbers."""
    members = expr.args if isinstance(expr, n.Concat) and is_column(expr) else ()
    filled = all(isinstance(m, n.Fill) and isinstance(m.value, MatrixExpr) for m in members)
    return len(members) if filled and len({m.shape for m in members}) == 1 else repeats(expr)
