"""One direction of a sequence as the statements of a function, in an array language of one call an operation.

    once, before, after    whole sequences at once: the rows of a value are T * B, named in the plural (`hs`)
    loop                   rows of B, the loop's own variables (`h`); what is needed later is written in place

Which arrays there are is said by `storage`, which calls compute a value by `calls`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from sympy import Expr, MatAdd, MatMul, MatrixExpr, MatrixSymbol, Symbol, Transpose

from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.names import symbol
from lstmgraph.algebra.nodes import operands
from lstmgraph.algebra.traverse import rebuild, symbols_in, walk
from lstmgraph.codegen.arrays import Dialect, Speller, array_axes
from lstmgraph.codegen.calls import statements
from lstmgraph.codegen.code import WIDTH, Level, assignment, listed
from lstmgraph.codegen.identifiers import Names, size_text
from lstmgraph.codegen.storage import Place, storage
from lstmgraph.codegen.sweep import Sweep
from lstmgraph.program import Equation

_ENTRYWISE = (n.Elementwise, n.Hadamard, n.Divide, n.Power, n.Maximum, n.Minimum, MatAdd)


@dataclass
class Body:
    """`first` names what the loop starts from, by the symbol that takes it; `wanted` is what is needed afterwards."""

    sweep: Sweep
    dialect: Dialect
    names: Names
    helpers: dict[str, str]
    like: str
    first: Mapping[MatrixSymbol, str]
    wanted: Iterable[MatrixSymbol]
    reverse: bool = False
    sizes: dict[Symbol, None] = field(default_factory=dict)
    used: dict[MatrixSymbol, None] = field(default_factory=dict)
    shown: set[MatrixSymbol] = field(default_factory=set)  # sequences that have a name already
    pairs: dict[str, str] = field(default_factory=dict)  # the loop's own variables, and what they are the rows of
    ahead: dict[str, str] = field(default_factory=dict)  # what else is made before the loop

    def __post_init__(self) -> None:
        sweep = self.sweep
        later = {*self.wanted, *(s for e in sweep["after"] for s in symbols_in(e.value))}
        self.earlier = {s for s in later if s in sweep.carried}  # previous values, of which a sequence is needed
        later |= {sweep.carried[s] for s in self.earlier}
        self.storage = storage(sweep, later)
        self.shared = {*sweep.constant(), *self.summed}
        symbols = (*sweep.program.inputs, *(e.target for e in sweep.equations))
        self.batched = {s: s not in self.shared for s in symbols}
        self.flat = {s: self.names[s] if s in self.shared else self.names.plural(s) for s in symbols}
        self.rows: dict[Place, MatrixSymbol] = {}
        for s, place in self.storage.places.items():  # the plainest name, of these the last
            known = self.rows.get(place)
            if known is None or self.names[s].count("_") <= self.names[known].count("_"):
                self.rows[place] = s
        for e in (*sweep["before"], *sweep["after"]):
            if e.target not in self.shared and self.storage.places[e.target].base == e.target:
                self.flat[e.target] = self.name_of_base(e.target)
        self.local_names: dict[MatrixSymbol, str] = {s: self.names[s] for s in (*self.shared, *sweep.carried)}

    @cached_property
    def summed(self) -> set[MatrixSymbol]:
        """What is the same for all steps because it is a sum over them."""
        found = set(self.sweep.summed)
        uses: dict[MatrixSymbol, list[Equation]] = {}
        for e in self.sweep.equations:
            for s in symbols_in(e.value):
                uses.setdefault(s, []).append(e)
        for e in reversed((*self.sweep["before"], *self.sweep["after"])):
            users = uses.get(e.target, [])
            if users and all(isinstance(u.value, n.Slice) and u.target in found for u in users):
                found.add(e.target)
        return found

    # ── whole sequences ──

    def once(self, equations: Sequence[Equation] | None = None) -> list[str]:
        speller = self.speller(self.flat)
        own = self.sweep["once"] if equations is None else equations
        return [assignment(self.flat[e.target], speller.value(e.value, batched=False)) for e in own]

    def sequences(self, equations: Sequence[Equation]) -> list[str]:
        """Equations for all steps at once."""
        speller, lines = self.speller(self.flat), []
        for e in equations:
            if self.is_view(e) and e.target not in self.summed:
                continue
            speller.used = {}
            if e.target in self.shared:
                new = [assignment(self.flat[e.target], speller.value(e.value, batched=False))]
            else:
                new = [f"    {line}" for line in self.computed(e, speller)]
            self.used |= speller.used
            lines += [*self.views(speller.used), *new]
        return lines

    def computed(self, e: Equation, speller: Speller) -> list[str]:
        """The statements for a value of all steps: a member of a stack is written into its rows."""
        place = self.storage.places[e.target]
        if isinstance(e.value, n.Concat) and e.target in self.shown:
            rest = [(m, rows) for m, rows in self.members(e, place) if self.storage.place(m) != rows]
            spelled = (f"{speller.full(speller.spell(m), batched=True).text}" for m, _ in rest)
            return [f"{self.rows_of(rows)}.copy_({text})" for (_, rows), text in zip(rest, spelled, strict=True)]
        made = []
        if place.base != e.target and place.base not in self.shown:
            axes = ", ".join(["T * B", *map(self.size, array_axes(place.base.shape, batched=True))])
            made = [f"{self.name_of_base(place.base)} = {self.like}.new_empty({axes})"]
            self.shown.add(place.base)
        if place.base == e.target:
            self.shown.add(e.target)
        return [*made, *statements(speller, self.rows_of(place), e.value, given=place.base != e.target)]

    def members(self, e: Equation, place: Place) -> Iterator[tuple[MatrixExpr, Place]]:
        """The members of a stack, and the rows that they should be."""
        start = place.start * 0
        for member in e.value.args:
            yield member, place.rows(start, member.shape[0])
            start = start + member.shape[0]

    def views(self, used: Iterable[MatrixSymbol]) -> list[str]:
        """Names for those of some values that are rows of others, and for previous values."""
        lines = []
        for s in used:
            if s in self.shared or s in self.shown:
                continue
            self.shown.add(s)
            if s in self.sweep.carried:
                lines.append(f"    {self.flat[s]} = {self.shifted(s, self.sweep.carried[s])}")
            elif self.sequence(s) != self.flat[s]:
                lines.append(f"    {self.flat[s]} = {self.sequence(s)}")
        return lines

    def sequence(self, s: MatrixSymbol) -> str:
        """The code for the sequence of a value."""
        place = self.storage.places.get(s)
        if place is None or s in self.shared:
            return self.flat[s]
        return self.rows_of(place)

    def rows_of(self, place: Place) -> str:
        """The code for rows of a sequence."""
        name = self.name_of_base(place.base)
        return name if place.count == place.base.shape[0] else f"{name}[:, {self.span(place)}]"

    def whole(self, base: MatrixSymbol) -> MatrixSymbol:
        """Whose name a base has: that of the last value which is in all of it."""
        return self.rows.get(Place(base, base.shape[0] * 0, base.shape[0]), base)

    def span(self, place: Place) -> str:
        end = place.start + place.count
        first = "" if place.start == 0 else self.size(place.start)
        return f"{first}:{'' if end == place.base.shape[0] else self.size(end)}"

    def size(self, side: Expr) -> str:
        self.sizes |= dict.fromkeys(sorted(side.free_symbols, key=str))
        return size_text(side)

    def size_of(self, side: str | Expr) -> str:
        return side if isinstance(side, str) else self.size(side)

    def is_whole(self, s: MatrixSymbol) -> bool:
        """Whether a value has an array of its own that the loop, or one call, makes."""
        place = self.storage.places.get(s)
        return place is not None and place.count == place.base.shape[0] and place.base not in self.sweep.inputs

    def name_of_base(self, base: MatrixSymbol) -> str:
        return self.names.plural(self.whole(base))

    # ── what comes of it ──

    def outputs(self, s: MatrixSymbol) -> str:
        """The code for a value of all steps, as (T, B, ...)."""
        if s in self.shared:
            speller = self.speller(self.flat)
            return f"{speller.full(speller.spell(s), batched=True).text}.clone().unflatten(0, (T, B))"
        return f"{self.sequence(s)}{'' if self.is_whole(s) else '.clone()'}.unflatten(0, (T, B))"

    def last(self, carried: MatrixSymbol) -> str:
        """The code for a carried value after the loop."""
        value = self.sweep.carried[carried]
        if value in self.shared:
            speller = self.speller(self.local_names)
            return f"{speller.full(speller.spell(value), batched=True).text}.clone()"
        place = self.storage.places[value]
        if place.base in self.storage.kept:
            return f"{self.sequence(value)}[{':B' if self.reverse else '-B:'}].clone()"
        return f"{self.text(place)}.clone()"

    def saved(self, s: MatrixSymbol) -> list[str]:
        """What names a value of this direction in the other one."""
        if s in self.sweep.carried:
            value = self.sweep.carried[s]
            return [f"    {self.flat[s]} = {self.shifted(s, value)}"]
        return [f"    {self.flat[s]} = {self.sequence(s)}"] if self.sequence(s) != self.flat[s] else []

    def shifted(self, carried: MatrixSymbol, value: MatrixSymbol) -> str:
        """The sequence of the values that each step takes from the step before."""
        first = self.first[carried]
        if value in self.shared:
            axes = ", ".join(["(T - 1) * B", *map(self.size, array_axes(value.shape, batched=True))])
            return f"torch.cat([{first}, torch.broadcast_to({self.names[value]}, ({axes}))])"
        text = self.sequence(value)
        return f"torch.cat([{text}[B:], {first}])" if self.reverse else f"torch.cat([{first}, {text}[:-B]])"

    # ── the loop ──

    def loop(self) -> list[str]:
        """The loop with what stands before it: new arrays, and the variables that go from step to step."""
        if not self.sweep["loop"]:
            return []
        self.speller_of_loop = self.speller(self.local_names)
        body = [line for e in self.sweep["loop"] for line in self.emitted(e)]
        carried = {self.names[s]: self.carried(v) for s, v in self.sweep.carried.items() if s in self.used_in_loop}
        moved = {s: v for s, v in carried.items() if s != v}
        if moved:
            body.append(f"{', '.join(moved)} = {', '.join(moved.values())}")
        starts = [f"    {self.names[s]} = {self.first[s]}" for s in self.sweep.carried if self.names[s] in moved]
        made = [f"    {name} = {text}" for name, text in self.ahead.items()]
        return [*self.arrays(), *made, *starts, *self.header(), *(f"        {line}" for line in body)]

    @cached_property
    def used_in_loop(self) -> set[MatrixSymbol]:
        return {s for e in self.sweep["loop"] for s in symbols_in(e.value)}

    def arrays(self) -> list[str]:
        """New arrays for what the loop writes, those of one shape together."""
        early = {*self.sweep.inputs, *(e.target for e in self.sweep["before"])}
        groups: dict[str, list[str]] = {}
        for e in self.sweep["loop"]:
            base = e.target
            if self.storage.places[base].base == base and base in self.storage.kept and base not in early:
                axes = ", ".join(["T * B", *map(self.size, array_axes(base.shape, batched=True))])
                groups.setdefault(axes, []).append(self.names.plural(self.whole(base)))
        lines = []
        for axes, names in groups.items():
            made = f"{self.like}.new_empty({axes})"
            many = f"({made} for _ in range({len(names)}))"
            lines.append(f"    {', '.join(names)} = {made if len(names) == 1 else many}")
        return lines

    def header(self) -> list[str]:
        if not self.pairs:
            return ["    for _ in range(T):"]
        names = ", ".join(self.pairs) + ("," if len(self.pairs) == 1 else "")
        text = ", ".join(self.pairs.values())
        call = f"_steps(T, {text})" if not self.reverse else f"reversed(_steps(T, {text}))"
        line = f"    for {names} in {call}:"
        if len(line) <= WIDTH:
            return [line]
        before, after = ("reversed(_steps(", "))") if self.reverse else ("_steps(", ")")
        head = [f"    for {names} in {before}"]
        if len(head[0]) > WIDTH:
            head = listed("for (", [*self.pairs], f") in {before}")
        return [*head, *listed("", ["T", *self.pairs.values()], f"{after}:", broken=True)[1:]]

    def carried(self, value: MatrixSymbol) -> str:
        local = self.local(value)
        code = self.speller_of_loop.spell(local)
        return self.speller_of_loop.full(code, batched=True).text

    def emitted(self, e: Equation) -> list[str]:
        place = self.storage.places[e.target]
        if self.is_view(e):
            return []
        if isinstance(e.value, n.Concat) and place.base in self.storage.kept:
            return self.joined(e, place)
        fold = self.fold(e.value)
        if fold > 1:
            given = place.base in self.storage.kept or place.base != e.target
            target = self.variable_of(place, fold) if given else self.text(place)
            lines = statements(self.speller_of_loop, target, self.local(e.value, fold), given)
            return lines if given else [*lines, f"{target} = {target}.flatten(1)"]
        given = place.base in self.storage.kept or place.base != e.target
        return statements(self.speller_of_loop, self.text(place), self.local(e.value), given)

    def variable_of(self, place: Place, fold: int) -> str:
        return (
            self.row(place, fold)
            if place.base in self.storage.kept
            else f"{self.text(place)}.unflatten(1, ({fold}, -1))"
        )

    def joined(self, e: Equation, place: Place) -> list[str]:
        """The members of a stack that are not in their rows already are copied there."""
        lines = []
        for member, rows in self.members(e, place):
            if self.storage.place(member) != rows:
                code = self.speller_of_loop.spell(self.local(member))
                lines.append(f"{self.row(rows)}.copy_({code.text})")
        return lines

    def is_view(self, e: Equation) -> bool:
        place = self.storage.places.get(e.target)
        if isinstance(e.value, n.Concat):
            return (
                place is not None
                and place.base != e.target
                and all(self.storage.place(member) == rows for member, rows in self.members(e, place))
            )
        return (
            isinstance(e.value, (n.Slice, MatrixSymbol)) and place is not None and self.storage.place(e.value) == place
        )

    # ── expressions of one step ──

    def local(self, expr: MatrixExpr, fold: int = 1) -> MatrixExpr:
        """An expression with the loop's own variables, each an axis more if it is folded."""
        if fold > 1 and isinstance(expr, n.Concat):
            return self.variable(
                f"{self.speller_of_loop.spell(self.local(expr.args[0])).at(Level.ATOM)}[:, None]", expr
            )
        place = self.storage.place(expr) if isinstance(expr, (MatrixSymbol, n.Slice)) else None
        if place is not None:
            whole = place.count == place.base.shape[0]
            if place.base in self.storage.kept:
                return self.variable(self.row(place, fold), expr)
            if fold == 1 and not whole:
                return n.Slice(
                    self.variable(self.text(Place(place.base, place.start * 0, place.base.shape[0])), place.base),
                    place.start,
                    place.count,
                )
            return self.variable(self.unfolded(self.text(place), fold), expr)
        if isinstance(expr, MatrixSymbol):
            if fold > 1 and expr.shape[0] != 1:
                if expr in self.shared:
                    name = self.names.fresh(f"{self.names[expr]}_{fold}", expr)
                    self.ahead[name] = f"{self.names[expr]}.unflatten(0, ({fold}, -1))"
                    return self.variable(name, expr)
                return self.variable(self.unfolded(self.names[expr], fold), expr)
            return expr
        if isinstance(expr, n.Fill):
            return rebuild(expr, [self.local(o) for o in operands(expr)])
        if isinstance(expr, MatMul) and expr.args[0] in self.shared and expr.args[0].shape[0] != 1:
            return MatMul(Transpose(self.flipped(expr.args[0])), self.local(expr.args[1]))
        return rebuild(expr, [self.local(o, fold) for o in operands(expr)])

    def flipped(self, weight: MatrixSymbol) -> MatrixSymbol:
        """The transpose of a weight, made before the loop."""
        name = self.names.fresh(f"{self.names[weight]}_T", (weight, "T"))
        self.ahead[name] = f"{self.names[weight]}.T"
        found = self.variable(name, Transpose(weight))
        self.batched[found] = False
        return found

    def unfolded(self, text: str, fold: int) -> str:
        return text if fold == 1 else f"{text}.unflatten(1, ({fold}, -1))"

    def variable(self, text: str, expr: MatrixExpr) -> MatrixSymbol:
        """A symbol that is spelled so."""
        found = symbol(f"part({len(self.local_names)})", expr.shape)
        known = next((s for s, t in self.local_names.items() if t == text and s.shape == expr.shape), None)
        if known is not None and known not in self.shared:
            return known
        self.local_names[found] = text
        self.batched[found] = not (isinstance(expr, MatrixSymbol) and expr in self.shared)
        return found

    def text(self, place: Place) -> str:
        """The variable, or rows of one, that a place is in the loop."""
        if place.base in self.storage.kept:
            return self.row(place)
        whole = Place(place.base, place.base.shape[0] * 0, place.base.shape[0])
        name = self.names[self.rows.get(whole, place.base)]
        return name if place.count == place.base.shape[0] else f"{name}[:, {self.span(place)}]"

    def row(self, place: Place, fold: int = 1) -> str:
        """The loop's variable for rows of a sequence."""
        text = self.rows_of(place)
        owner = self.rows.get(place)
        name = (
            self.names[owner]
            if owner is not None
            else self.names.fresh(f"{self.names[self.whole(place.base)]}_rows", place)
        )
        if fold > 1:
            name, text = self.names.fresh(f"{name}_{fold}", (place, fold)), f"{text}.unflatten(1, ({fold}, -1))"
        self.pairs[name] = text
        return name

    def fold(self, value: MatrixExpr) -> int:
        """How many times the same values stand one below the other in an entrywise expression, or 1."""
        folds = {len(p.args) for p in walk(value) if isinstance(p, n.Concat) and len(set(p.args)) == 1}
        rows = value.shape[0]

        def fits(part: MatrixExpr) -> bool:
            if isinstance(part, n.Fill):
                return not isinstance(part.value, MatrixExpr) or part.value in self.shared
            if isinstance(part, n.Concat):
                return len(set(part.args)) == 1 and isinstance(part.args[0], (MatrixSymbol, n.Slice))
            if isinstance(part, (MatrixSymbol, n.Slice)):
                return bool(part.shape[0] == rows) and part.shape[1] == 1
            return isinstance(part, _ENTRYWISE) and all(map(fits, operands(part)))

        full = any(isinstance(o, (MatrixSymbol, n.Slice)) and o.shape[0] == rows for o in _outside(value))
        return folds.pop() if len(folds) == 1 and full and isinstance(value, _ENTRYWISE) and fits(value) else 1

    def speller(self, names: Mapping[MatrixSymbol, str]) -> Speller:
        flat = names is self.flat
        return Speller(
            self.dialect, names, self.batched, self.like, {}, self.sizes, self.helpers, batch="T * B" if flat else "B"
        )


def _outside(expr: MatrixExpr) -> list[MatrixExpr]:
    """The operands of an entrywise expression, what is inside stacks and slices left out."""
    if isinstance(expr, _ENTRYWISE):
        return [found for o in operands(expr) for found in _outside(o)]
    return [expr]
