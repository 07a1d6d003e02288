"""The values of one direction of a sequence for all steps at once, as statements on arrays whose rows are T * B.

Such an array is named in the plural, `hs`.  Where each value is, is said by `places`, and which calls compute it by
`calls`; the steps one by one are in `unrolled`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from sympy import Expr, MatrixExpr, MatrixSymbol, Symbol, Transpose

from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.names import name_of
from lstmgraph.algebra.traverse import symbols_in
from lstmgraph.codegen.arrays import Speller, array_axes
from lstmgraph.codegen.calls import statements
from lstmgraph.codegen.code import assignment
from lstmgraph.codegen.dialect import Dialect
from lstmgraph.codegen.identifiers import Names, size_text
from lstmgraph.codegen.places import Place, Places, whole_place
from lstmgraph.codegen.regions import copied_as_spelled
from lstmgraph.codegen.sums import totals
from lstmgraph.codegen.sweep import Sweep
from lstmgraph.program import Equation

_ALIASES = (MatrixSymbol, n.Slice, n.Fill, n.Identity, n.TimeSum, Transpose)  # whose code may be a view of the operand


@dataclass
class Sequences:
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
    made: set[MatrixSymbol] = field(default_factory=set)  # the roots whose arrays are there

    def __post_init__(self) -> None:
        sweep = self.sweep
        later = {*self.wanted, *(s for e in sweep["after"] for s in symbols_in(e.value))}
        self.earlier = {s for s in later if s in sweep.carried}  # previous values, of which a sequence is needed
        later |= {sweep.carried[s] for s in self.earlier}
        self.totals = totals(sweep)
        self.shared = {*sweep.constant(), *self.totals}
        symbols = (*sweep.program.inputs, *(e.target for e in sweep.equations))
        self.batched = {s: s not in self.shared for s in symbols}
        stored = frozenset(s for s, flag in self.batched.items() if flag and s not in sweep.carried)
        self.places = Places(sweep, stored & {*sweep.inputs}, frozenset(later), stored, rebinds=True)
        self.flat = {s: self.handed_on(s) for s in symbols}
        self.rows: dict[Place, MatrixSymbol] = {}
        for s, place in ((s, self.at(s)) for s in symbols if s in stored):  # the plainest name, of these the last
            known = self.rows.get(place)
            if known in sweep.inputs:  # it has the name that it is given by
                continue
            if known is None or self.names[s].count("_") <= self.names[known].count("_"):
                self.rows[place] = s
        for e in (*sweep["before"], *sweep["after"]):
            if e.target in stored and self.at(e.target).root == e.target:
                self.flat[e.target] = self.name_of_base(e.target)
        self.local_names: dict[MatrixSymbol, str] = {s: self.names[s] for s in (*self.shared, *sweep.carried)}

    def handed_on(self, s: MatrixSymbol) -> str:
        """What the other direction calls the sequence of a value, whatever else is in its array."""
        return self.names[s] if s in self.shared else self.names.plural(s)

    def at(self, symbol: MatrixSymbol) -> Place:
        place = self.places.place(symbol)
        assert place is not None
        return place

    # ── whole sequences ──

    def once(self, equations: Sequence[Equation] | None = None) -> list[str]:
        speller = self.speller(self.flat)
        own = self.sweep["once"] if equations is None else equations
        return [assignment(self.flat[e.target], speller.value(e.value, batched=False)) for e in own]

    def sequences(self, equations: Sequence[Equation]) -> list[str]:
        """Equations for all steps at once."""
        speller, lines = self.speller(self.flat), []
        parted = self.parted(equations)
        for e in equations:
            if (self.is_view(e) and e.target not in self.totals) or parted.get(e.target) == "":
                continue
            if e.target in parted:
                lines.append(f"    {parted[e.target]}")
                continue
            speller.used = {}
            if e.target in self.shared:
                new = [assignment(self.flat[e.target], speller.value(e.value, batched=False))]
            else:
                new = [f"    {line}" for line in self.computed(e, speller)]
            self.used |= speller.used
            lines += [*self.views(speller.used), *new]
        return lines

    def is_view(self, e: Equation) -> bool:
        place = self.places.place(e.target)
        if isinstance(e.value, n.Concat):
            return (
                place is not None
                and place.root != e.target
                and all(self.places.place(member) == rows for member, rows in self.members(e, place))
            )
        return (
            isinstance(e.value, (n.Slice, MatrixSymbol)) and place is not None and self.places.place(e.value) == place
        )

    def parted(self, equations: Sequence[Equation]) -> dict[MatrixSymbol, str]:
        """The line for sums that are all rows of another, by the first of them; none for the others."""
        groups: dict[MatrixExpr, list[Equation]] = {}
        for e in equations:
            if isinstance(e.value, n.Slice) and {e.target, e.value.args[0]} <= self.shared:
                groups.setdefault(e.value.args[0], []).append(e)
        found: dict[MatrixSymbol, str] = {}
        for whole, group in groups.items():
            line = chunks(self.flat[whole], [(self.flat[e.target], e.value) for e in group], "")
            if line:
                found |= {e.target: line if e is group[0] else "" for e in group}
        return found

    def computed(self, e: Equation, speller: Speller) -> list[str]:
        """The statements for a value of all steps: a member of a stack is written into its rows."""
        place = self.at(e.target)
        if isinstance(e.value, n.Concat) and place.root in self.made:
            rest = [(m, rows) for m, rows in self.members(e, place) if self.places.place(m) != rows]
            spelled = (f"{speller.full(speller.spell(m), batched=True).text}" for m, _ in rest)
            return [f"{self.rows_of(rows)}.copy_({text})" for (_, rows), text in zip(rest, spelled, strict=True)]
        made = []
        given = place.root in self.made or place.count != place.root.shape[0]
        if given and place.root not in self.made:
            axes = ", ".join(["T * B", *map(self.size, array_axes(place.root.shape, batched=True))])
            made = [f"{self.name_of_base(place.root)} = {self.like}.new_empty({axes})"]
        self.made.add(place.root)
        if place.root == e.target:
            self.shown.add(e.target)
        if not given and (self.written[place.root] or self.is_rewritten(e.value)):
            return self.own(speller, self.rows_of(place), e.value, e.value)
        return [*made, *statements(speller, self.rows_of(place), e.value, given=given)]

    @cached_property
    def written(self) -> Counter[MatrixSymbol]:
        """How many equations of the loop write to an array."""
        return Counter(self.at(e.target).root for e in self.sweep["loop"] if not self.is_view(e))

    def is_rewritten(self, value: MatrixExpr) -> bool:
        """Whether it is a view of an array that another value takes the place in."""
        while isinstance(value, _ALIASES) and not isinstance(value, MatrixSymbol):
            value = value.args[0]
        place = self.places.place(value) if isinstance(value, MatrixSymbol) else None
        return place is not None and self.values_in[place.root] > 1

    @cached_property
    def values_in(self) -> Counter[MatrixSymbol]:
        """How many values are computed in an array."""
        made = (e for e in self.sweep.equations if e.target not in self.shared and not self.is_view(e))
        return Counter(self.at(e.target).root for e in made)

    def own(self, speller: Speller, target: str, value: MatrixExpr, equation: MatrixExpr) -> list[str]:
        """The statements that make a new array which is written over later: no view of what must stay as it is."""
        code = speller.spell(value)
        if code.thin or isinstance(equation, _ALIASES):
            return [f"{target} = {speller.full(code, batched=True).text}.clone()"]
        return statements(speller, target, value, given=False)

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
        place = self.places.place(s)
        if place is None or s in self.shared:
            return self.flat[s]
        return self.rows_of(place)

    def rows_of(self, place: Place) -> str:
        """The code for rows of a sequence."""
        name = self.name_of_base(place.root)
        return name if place.count == place.root.shape[0] else f"{name}[:, {self.span(place)}]"

    def whole(self, base: MatrixSymbol) -> MatrixSymbol:
        """Whose name a base has: that of the last value which is in all of it."""
        return self.rows.get(Place(base, base.shape[0] * 0, base.shape[0]), base)

    def span(self, place: Place) -> str:
        """The index of rows.  One row of a matrix has no axis of its own, as every row of a sample."""
        if place.count == 1 and place.root.shape[1] != 1:
            return self.size(place.start)
        end = place.start + place.count
        first = "" if place.start == 0 else self.size(place.start)
        return f"{first}:{'' if end == place.root.shape[0] else self.size(end)}"

    def size(self, side: Expr) -> str:
        self.sizes |= dict.fromkeys(sorted(side.free_symbols, key=str))
        return size_text(side)

    def size_of(self, side: str | Expr) -> str:
        return side if isinstance(side, str) else self.size(side)

    def is_whole(self, s: MatrixSymbol) -> bool:
        """Whether a value has an array of its own that the loop, or one call, makes."""
        place = self.places.place(s)
        return place is not None and place.count == place.root.shape[0] and place.root not in self.sweep.inputs

    def name_of_base(self, base: MatrixSymbol) -> str:
        """That of the values that stay: gates are written over the stack of what they are the functions of."""
        whole = self.whole(base)
        name = name_of(whole)
        there = {name_of(s).base for s in self.places.occupants(base) if not name_of(s).marks}
        if name.marks != ("some", "pre") or not there.issuperset(name.base.split(".")):
            return self.names.plural(whole)
        return self.names.fresh(f"{self.names[whole].removeprefix('pre_')}s", ("array", whole))

    # ── what comes of it ──

    def copied(self, results: Sequence[MatrixSymbol]) -> set[MatrixSymbol]:
        """Which of them have to be copied to be in memory of their own."""
        sweep, loop = self.sweep, {*self.sweep["loop"]}
        speller = replace(self.speller(self.flat), sizes={}, helpers={})
        made = {e.target: e.value for e in sweep.equations if e not in loop or self.is_view(e)}
        return copied_as_spelled(results, made, (*sweep.inputs, *sweep.carried, *sweep.shared), speller)

    def outputs(self, s: MatrixSymbol, copy: bool) -> str:
        """The code for a value of all steps, as (T, B, ...)."""
        if s in self.shared:
            speller = self.speller(self.flat)
            return f"{speller.full(speller.spell(s), batched=True).text}.clone().unflatten(0, (T, B))"
        return f"{self.sequence(s)}{'.clone()' * (copy or not self.is_whole(s))}.unflatten(0, (T, B))"

    def saved(self, symbols: Sequence[MatrixSymbol]) -> list[str]:
        """What names values of this direction in the other one, those that are parts of one array together."""
        groups: dict[MatrixSymbol, list[MatrixSymbol]] = {}
        for s in symbols:
            place = self.places.place(s)
            groups.setdefault(place.root if place and not self.is_whole(s) else s, []).append(s)
        lines = []
        for base, group in groups.items():
            parts = [(self.handed_on(s), n.Slice(base, p.start, p.count)) for s in group if (p := self.places.place(s))]
            line = chunks(self.rows_of(whole_place(base)), parts, ", 1") if len(parts) > 1 else ""
            lines += [f"    {line}"] if line else [line for s in group for line in self.named(s)]
        return lines

    def named(self, s: MatrixSymbol) -> list[str]:
        if s in self.sweep.carried:
            return [f"    {self.handed_on(s)} = {self.shifted(s, self.sweep.carried[s])}"]
        return [f"    {self.handed_on(s)} = {self.sequence(s)}"] if self.sequence(s) != self.handed_on(s) else []

    def shifted(self, carried: MatrixSymbol, value: MatrixSymbol) -> str:
        """The sequence of the values that each step takes from the step before."""
        first = self.first[carried]
        if value in self.shared:
            axes = ", ".join(["(T - 1) * B", *map(self.size, array_axes(value.shape, batched=True))])
            rest = f"torch.broadcast_to({self.names[value]}, ({axes}))"
            return f"torch.cat([{', '.join((rest, first) if self.reverse else (first, rest))}])"
        text = self.sequence(value)
        return f"torch.cat([{text}[B:], {first}])" if self.reverse else f"torch.cat([{first}, {text}[:-B]])"

    def speller(self, names: Mapping[MatrixSymbol, str]) -> Speller:
        flat = names is self.flat
        return Speller(
            *(self.dialect, names, self.batched, self.like, {}, self.sizes, self.helpers),
            batch="T * B" if flat else "B",
            numbers=self.sweep.numbers,
        )


def chunks(whole: str, parts: Sequence[tuple[str, MatrixExpr]], axis: str) -> str:
    """The line that names equal parts which together are the whole, or nothing; of each its name and its rows."""
    counts, rows = {part.shape[0] for _, part in parts}, parts[0][1].args[0].shape[0]
    places = {part.args[1]: name for name, part in parts}
    if len(parts) < 2 or len(counts) != 1 or len(places) < len(parts):
        return ""
    count = counts.pop()
    names = [places.get(count * k) for k in range(len(parts))]
    if None in names or count * len(parts) != rows:
        return ""
    return f"{', '.join(map(str, names))} = {whole}.chunk({len(parts)}{axis})"
