"""One direction of a sequence as the statements of a function, in an array language of one call an operation.

    once, before, after    whole sequences at once: the rows of a value are T * B, named in the plural (`hs`)
    loop                   rows of B, the loop's own variables (`h`); what is needed later is written in place

Which arrays there are is said by `places`, which calls compute a value by `calls`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from sympy import MatMul, MatrixExpr, MatrixSymbol, Transpose

from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.names import symbol
from lstmgraph.algebra.nodes import operands
from lstmgraph.algebra.traverse import rebuild, symbols_in, walk
from lstmgraph.codegen.arrays import array_axes
from lstmgraph.codegen.calls import statements
from lstmgraph.codegen.code import WIDTH, Level, listed, together
from lstmgraph.codegen.places import Place, whole_place
from lstmgraph.codegen.whole import Sequences
from lstmgraph.program import Equation


@dataclass
class Body(Sequences):
    """With the loop over the steps."""

    pairs: dict[str, str] = field(default_factory=dict)  # the loop's own variables, and what they are the rows of
    ahead: dict[str, str] = field(default_factory=dict)  # what else is made before the loop
    uses_blocks: bool = False

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
            body += together(moved, indent=8)
        starts = [f"    {self.names[s]} = {self.first[s]}" for s in self.sweep.carried if self.names[s] in moved]
        made = [f"    {name} = {text}" for name, text in self.ahead.items()]
        return [*self.arrays(), *made, *starts, *self.header(), *(f"        {line}" for line in body)]

    @cached_property
    def used_in_loop(self) -> set[MatrixSymbol]:
        return {s for e in self.sweep["loop"] for s in symbols_in(e.value)}

    def arrays(self) -> list[str]:
        """New arrays for what the loop writes, those of one shape together."""
        groups: dict[str, list[str]] = {}
        for root in (r for r in self.written if self.places.is_whole(r) and r not in self.made):
            self.made.add(root)
            axes = ", ".join(["T * B", *map(self.size, array_axes(root.shape, batched=True))])
            groups.setdefault(axes, []).append(self.name_of_base(root))
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
        place = self.at(e.target)
        if self.is_view(e):
            return []
        if isinstance(e.value, n.Concat) and self.places.is_whole(place.root):
            return self.joined(e, place)
        if self.places.is_whole(place.root) and (fold := self.fold(e.value)) > 1:
            return statements(self.speller_of_loop, self.row(place, fold), self.local(e.value, fold), given=True)
        given = self.places.is_whole(place.root) or place.root in self.made
        if not given:
            self.made.add(place.root)
        value, text = self.local(e.value), self.text(place)
        if not given and (self.written[place.root] > 1 or self.is_rewritten(e.value)):
            return self.own(self.speller_of_loop, text, value, e.value)
        return statements(self.speller_of_loop, text, value, given)

    def joined(self, e: Equation, place: Place) -> list[str]:
        """The members of a stack that are not in their rows already are copied there."""
        lines = []
        for member, rows in self.members(e, place):
            if self.places.place(member) != rows:
                lines += statements(self.speller_of_loop, self.row(rows), self.local(member), given=True)
        return lines

    # ── expressions of one step ──

    def local(self, expr: MatrixExpr, fold: int = 1) -> MatrixExpr:
        """An expression with the loop's own variables; folded, its rows are so many blocks, an axis in front."""
        if fold > 1 and isinstance(expr, n.Concat):
            return self.variable(self.speller_of_loop.spell(self.local(expr.args[0])).at(Level.ATOM), expr)
        place = self.places.place(expr) if isinstance(expr, (MatrixSymbol, n.Slice)) else None
        if place is not None:
            return self.placed(expr, place, fold)
        if isinstance(expr, MatrixSymbol):
            return self.folded(expr, fold) if fold > 1 and expr.shape[0] != 1 else expr
        if isinstance(expr, n.Fill):
            return rebuild(expr, [self.local(o) for o in operands(expr)])
        if isinstance(expr, MatMul) and expr.args[0] in self.shared and 1 not in expr.args[0].shape:
            return MatMul(Transpose(self.flipped(expr.args[0])), self.local(expr.args[1]))
        return rebuild(expr, [self.local(o, fold) for o in operands(expr)])

    def placed(self, expr: MatrixExpr, place: Place, fold: int) -> MatrixExpr:
        """A value that has rows in an array."""
        if self.places.is_whole(place.root):
            return self.variable(self.row(place, fold), expr)
        if place.count == place.root.shape[0]:
            return self.variable(self.text(place), expr)
        root = self.variable(self.text(whole_place(place.root)), place.root)
        return n.Slice(root, place.start, place.count)

    def folded(self, s: MatrixSymbol, fold: int) -> MatrixSymbol:
        """The rows of a value as so many blocks, laid out before the loop."""
        name = self.names.fresh(f"{self.names[s]}_{fold}", s)
        self.ahead[name] = f"{self.names[s]}.unflatten(0, ({fold}, 1, -1))"
        return self.variable(name, s)

    def flipped(self, weight: MatrixSymbol) -> MatrixSymbol:
        """The transpose of a weight, laid out before the loop as BLAS reads it fastest."""
        name = self.names.fresh(f"{self.names[weight]}_T", (weight, "T"))
        self.ahead[name] = f"{self.names[weight]}.T.contiguous()"
        found = self.variable(name, Transpose(weight))
        self.batched[found] = False
        return found

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
        if self.places.is_whole(place.root):
            return self.row(place)
        name = self.names[self.rows.get(whole_place(place.root), place.root)]
        return name if place.count == place.root.shape[0] else f"{name}[:, {self.span(place)}]"

    def row(self, place: Place, fold: int = 1) -> str:
        """The loop's variable for rows of a sequence."""
        text = self.rows_of(place)
        owner = self.rows.get(place)
        name = (
            self.names[owner]
            if owner is not None
            else self.names.fresh(f"{self.names[self.whole(place.root)]}_rows", place)
        )
        if fold > 1:
            self.uses_blocks = True
            name, text = self.names.fresh(f"{name}_{fold}", (place, fold)), f"({text}, {fold})"
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
                return bool(part.shape[0] == rows) and part.shape[1] == 1 and self.has_blocks(part)
            return isinstance(part, n.ENTRYWISE) and all(map(fits, operands(part)))

        full = any(isinstance(o, (MatrixSymbol, n.Slice)) and o.shape[0] == rows for o in _outside(value))
        return folds.pop() if len(folds) == 1 and full and isinstance(value, n.ENTRYWISE) and fits(value) else 1

    def has_blocks(self, value: MatrixExpr) -> bool:
        """Whether blocks of rows of a value can be viewed before the loop."""
        place = self.places.place(value)
        return value in self.shared if place is None else self.places.is_whole(place.root)

    def last(self, carried: MatrixSymbol) -> str:
        """The code for a carried value after the loop."""
        value = self.sweep.carried[carried]
        if value in self.shared:
            speller = self.speller(self.local_names)
            return f"{speller.full(speller.spell(value), batched=True).text}.clone()"
        place = self.at(value)
        if self.places.is_whole(place.root):
            return f"{self.sequence(value)}[{':B' if self.reverse else '-B:'}].clone()"
        return f"{self.text(place)}.clone()"


def _outside(expr: MatrixExpr) -> list[MatrixExpr]:
    """The operands of an entrywise expression, what is inside stacks and slices left out."""
    if isinstance(expr, n.ENTRYWISE):
        return [found for o in operands(expr) for found in _outside(o)]
    return [expr]
