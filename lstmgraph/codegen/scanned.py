"""One direction of a sequence as the lines of a function that ends in a scan: a loop as a function of one step.

    once, before, after    all steps at once: the arrays of all steps have the step in front, (T, B, n), and an s (`hs`)
    loop                   a function of what is carried and of what is there of this step, (B, n)

What is needed after the loop is kept by it: a value that is rows of another one is taken from that, and so is a member
of a stack that is kept; what is made of kept values entry by entry is computed again, since time goes with the memory
that is written.  Nothing is written in place: that is the compiler's.

A gradient that is a sum of products entry by entry is added up in the loop, for each sample: there their factors are
at hand, and afterwards they are parts of arrays of all steps, which are copied.  So is each sum that is in the loop
already, since it takes matrices of a step (`add_up`).

A turn of the loop has a cost of its own, which is most of a step of one sample: there a turn is several steps, if the
loop goes forward.  Where samples are many that would cost time: XLA for the CPU vectorises no loop that reads a part of
the slice of a turn, and backward a step reads more arrays than are worth it for one sample.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from sympy import MatMul, MatrixExpr, MatrixSymbol, Symbol

from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.build import is_outer_product
from lstmgraph.algebra.names import Shape
from lstmgraph.algebra.traverse import symbols_in
from lstmgraph.codegen.arrays import SPELLINGS as PLAIN
from lstmgraph.codegen.arrays import Speller, array_axes, as_rows
from lstmgraph.codegen.bundles import argument, bundle, row, unbundled
from lstmgraph.codegen.code import Code, Level, assignment
from lstmgraph.codegen.dialect import Dialect
from lstmgraph.codegen.identifiers import Names
from lstmgraph.codegen.passes.rows import replaced, rows, start_of_run
from lstmgraph.codegen.plan import inlined
from lstmgraph.codegen.shared import is_entrywise, sums_at_hand
from lstmgraph.codegen.sums import totals
from lstmgraph.codegen.sweep import Sweep
from lstmgraph.program import Equation

# ── spelling, whatever stands in front of the samples ──


@dataclass
class Rows(Speller):
    """The axes of a value are the last ones of its array; `lead` are those before: samples, or steps and samples.

    `turned` are those of which the array is the transpose.
    """

    lead: tuple[str, ...] = ("B",)
    turned: frozenset[MatrixSymbol] = frozenset()

    def spell(self, expr: MatrixExpr) -> Code:
        if expr.func in SPELLINGS:
            return SPELLINGS[expr.func](self, expr)
        return super().spell(expr)

    def axes(self, shape: Shape, batched: bool) -> tuple[str, ...]:
        return (*(self.lead if batched else ()), *(self.size(side) for side in array_axes(shape, batched)))

    def total(self, expr: MatrixExpr) -> Code:
        return self.total(expr.args[0]) if isinstance(expr, (n.Identity, n.TimeSum)) else super().total(expr)

    def total_product(self, expr: MatMul, code: Code) -> Code:
        """Σ a bᵀ over steps and samples is one product of matrices."""
        left, right = (self.full(c) for c in self.all(expr.args))
        if left.batched and right.batched and left.form in "VS" and right.form == "R":
            return self.sum_outer(left, right)
        return super().total_product(expr, code)

    def sum_outer(self, left: Code, right: Code) -> Code:
        self.note_helper("flat")
        text = self.dialect.word("sum_outer", a=left.text, b=right.text)
        return Code(text, Level.MATMUL, (left.shape[0], right.shape[1]))


def _concat(speller: Rows, expr: MatrixExpr) -> Code:
    codes = speller.all(expr.args)
    if not any(c.batched for c in codes):
        texts = [as_rows(speller.dialect, speller.full(c)) for c in codes]
        return Code(speller.dialect.word("joined", a=f"[{', '.join(texts)}]"), Level.ATOM, expr.shape)
    parts = [speller.full(c, batched=True) for c in codes]
    column = expr.shape[1] == 1
    texts = [p.text if column or p.form == "M" else f"{p.at(Level.ATOM)}[..., None, :]" for p in parts]
    text = speller.dialect.word("concatenate", a=f"[{', '.join(texts)}]", axis=-1 if column else -2)
    return Code(text, Level.ATOM, expr.shape, True)


def _slice(speller: Rows, expr: MatrixExpr) -> Code:
    source, start, count = expr.args
    code = speller.full(speller.spell(source))
    if source not in speller.turned and (not code.batched or source.shape == expr.shape):
        return PLAIN[n.Slice](speller, expr)
    first = "" if start == 0 else speller.size(start)
    last = "" if start + count == source.shape[0] else speller.size(start + count)
    if source in speller.turned:
        return Code(f"{code.at(Level.ATOM)}[:, {first}:{last}].T", Level.ATOM, expr.shape)
    inside = f"{first}:{last}" if code.form == "V" else f"{first or 0}, :" if count == 1 else f"{first}:{last}, :"
    return Code(f"{code.at(Level.ATOM)}[..., {inside}]", Level.ATOM, expr.shape, True)


SPELLINGS: Mapping[type, Callable[[Rows, MatrixExpr], Code]] = {n.Concat: _concat, n.Slice: _slice}


# ── one direction ──

UNROLL = "unroll=4 if B == 1 else 1"
WHY = "    # a turn of the loop takes as long as a step of one sample, so it has four of them"
APART = "    # an array for each product: a step's sums are fused with a whole array, not with a part of one"


@dataclass
class Scan:
    """`first` has the code of what is carried into the first step, `kept` what is wanted of all steps.

    `reverse`: the last step comes first.  `like` is code for an array that has the type of all.
    """

    sweep: Sweep
    dialect: Dialect
    names: Names
    first: Mapping[MatrixSymbol, str]
    kept: Sequence[MatrixSymbol]
    like: str
    reverse: bool = False
    helpers: dict[str, str] = field(default_factory=dict)
    sizes: dict[Symbol, None] = field(default_factory=dict)
    shown: set[MatrixSymbol] = field(default_factory=set)  # those of which all steps have a name already

    def __post_init__(self) -> None:
        sweep = self.sweep
        self.totals = totals(sweep)
        shared = sweep.constant() | self.totals
        self.used = {s for e in sweep.equations for s in symbols_in(e.value)}
        symbols = (*sweep.program.inputs, *(e.target for e in sweep.equations))
        self.batched = {s: s not in shared for s in symbols} | dict.fromkeys(sweep.carried, True)
        self.views: dict[MatrixExpr, MatrixExpr] = {}
        for e in (*sweep["before"], *sweep["loop"]):
            if self.is_view(e):
                self.views[e.target] = replaced(e.value, self.views)
        self.added = [e for e in sweep.added() if e.target in self.totals]
        own = (e for e in sweep["loop"] if e.target not in self.views and e not in self.added)
        self.steps = [replace(e, value=replaced(e.value, self.views)) for e in own]
        at_hand = sums_at_hand(sweep, self.totals) if self.steps else []
        self.sums = {e.target: e for e in (*self.added, *at_hand)}
        self.stored = self.stores()
        self.turned = self.turned_sums()
        self.whole = self.speller({s: self.all_steps(s) for s in symbols}, ("T", "B"))
        self.local = self.speller(self.names, ("B",))

    def is_view(self, e: Equation) -> bool:
        inner = e.value.args[0] if isinstance(e.value, n.Slice) else e.value
        there = isinstance(inner, MatrixSymbol) and inner not in self.sweep.carried
        return there and self.batched[e.target] and self.batched[inner]

    def speller(self, names: Mapping[MatrixSymbol, str], lead: tuple[str, ...]) -> Rows:
        found = Rows(self.dialect, names, self.batched, self.like, sizes=self.sizes, helpers=self.helpers, lead=lead)
        return replace(found, turned=self.turned)

    def all_steps(self, s: MatrixSymbol) -> str:
        """The name of a value of all steps."""
        return self.names.plural(s) if self.batched[s] else self.names[s]

    # ── what the loop keeps ──

    def stores(self) -> list[MatrixSymbol]:
        """The values of the loop that are needed after it, without those that can be had from others then."""
        after = (e for e in self.sweep["after"] if e.target not in self.sums)
        later = [s for e in after for s in sorted(symbols_in(e.value), key=str)]
        needed = self.sources([*self.kept, *later])
        self.members: dict[MatrixExpr, MatrixExpr] = {}
        stacks = [e for e in self.steps if e.target in needed and _is_stack(e)]
        for e in self.steps:
            if e in stacks:
                self.members |= {m: part for m, part in rows(e.target, e.value.args) if m in needed}
                self.members |= {stack: part for other in stacks for stack, part in _run(e, other)}
            elif e.target in needed and self.is_had(e, needed):
                self.members[e.target] = e.value
        return [e.target for e in self.steps if e.target in needed and e.target not in self.members]

    def is_had(self, e: Equation, needed: set[MatrixSymbol]) -> bool:
        """Whether a value of all steps can be computed again, entry by entry, of what is kept or given anyway."""
        given, symbols = {*self.sweep.shared, *self.sweep.inputs, *self.sweep.carried, *needed}, symbols_in(e.value)
        had = symbols <= given and self.sources(symbols) <= needed
        handed_on = self.sources(self.sweep.carried.values())  # that, a step later, it may be made of itself
        return is_entrywise(e.value) and had and e.target not in handed_on

    def sources(self, symbols: Iterable[MatrixSymbol]) -> set[MatrixSymbol]:
        """The values of the loop of which some values of all steps are made."""
        made, found, waiting = {e.target for e in self.steps}, set(), list(symbols)
        while waiting:
            s = waiting.pop()
            if s in self.sweep.carried:
                waiting.append(self.sweep.carried[s])
            elif s in self.views:
                waiting += symbols_in(self.views[s])
            elif s in made:
                found.add(s)
        return found

    # ── all steps at once ──

    def lines(self) -> list[str]:
        """Everything that is computed."""
        sweep, once = self.sweep, self.once(self.sweep["once"])
        self.shown |= {*sweep.inputs, *self.stored}
        before, loop = self.at_once(sweep["before"]), self.loop()
        several = not self.reverse and sum(isinstance(e.value, MatMul) for e in sweep["before"]) > 1
        return [*once, *[APART] * several, *before, *loop, *self.at_once([*self.added, *sweep["after"]])]

    def once(self, equations: Iterable[Equation]) -> list[str]:
        speller = self.speller(self.names, ("B",))
        return [assignment(self.names[e.target], speller.full(speller.spell(e.value))) for e in equations]

    def at_once(self, equations: Iterable[Equation]) -> list[str]:
        lines: list[str] = []
        for e in equations:
            if e.target in self.views or self.is_part(e):
                continue
            self.whole.used = {}
            code = self.value(e)
            lines += [*self.named(self.whole.used), assignment(self.all_steps(e.target), code)]
            self.shown.add(e.target)
        return lines

    def value(self, e: Equation) -> Code:
        if e.target in self.sums:
            word = "sum_all" if e.target.shape == (1, 1) else "sum_samples"
            return Code(self.dialect.word(word, a=self.names[e.target]), Level.ATOM, e.target.shape)
        return self.sum_turned(e) if e.target in self.turned else self.whole.value(e.value, self.batched[e.target])

    def is_part(self, e: Equation) -> bool:
        """Whether a sum over all steps is only rows of another such sum."""
        rows = isinstance(e.value, n.Slice) and e.value.args[0] in self.totals
        return rows and e.target in self.totals and e.target not in self.used

    def turned_sums(self) -> frozenset[MatrixSymbol]:
        """The sums of a bᵀ over all steps of which only rows are wanted: Σ b aᵀ transposes the narrower of the two."""
        after = self.sweep["after"]
        made = {e.target for e in after if e.target in self.totals and self.is_outer(e.value)}
        whole = {s for e in after for s in symbols_in(e.value) if not self.is_part(e)}
        sliced = {s for e in after for s in symbols_in(e.value)}
        found = frozenset(made & sliced - whole)
        for s in found:
            self.names[s] = self.names.fresh(f"{self.names[s]}_T", ("turned", s))
        return found

    def is_outer(self, value: MatrixExpr) -> bool:
        """Whether it is a matrix a bᵀ, of values that differ from step to step: a column is a vector in the file."""
        timed = [any(self.batched[s] for s in symbols_in(factor)) for factor in value.args]
        return is_outer_product(value) and all(timed)

    def sum_turned(self, e: Equation) -> Code:
        left, right = (self.whole.full(c) for c in self.whole.all(e.value.args))
        return self.whole.sum_outer(right, left)

    def gradient(self, s: MatrixSymbol) -> str:
        """The code for a sum over all steps."""
        e = next((e for e in self.sweep.equations if e.target == s and self.is_part(e)), None)
        return self.whole.spell(e.value).text if e is not None else self.names[s]

    def named(self, used: Iterable[MatrixSymbol]) -> list[str]:
        """The lines that name those of some values of all steps that are parts of others."""
        lines: list[str] = []
        for s in list(used):
            if s in self.shown or not self.batched[s]:
                continue
            self.shown.add(s)
            if s in self.sweep.carried:
                lines += [*self.named([self.sweep.carried[s]]), f"    {self.all_steps(s)} = {self.shifted(s)}"]
            elif (value := self.part(s)) is not None:
                lines += [*self.named(sorted(symbols_in(value), key=str))]
                lines.append(assignment(self.all_steps(s), self.whole.value(value, batched=True)))
        return lines

    def part(self, s: MatrixSymbol) -> MatrixExpr | None:
        """What a value of all steps is computed from, if that is kept."""
        return self.views.get(s, self.members.get(s))

    def shifted(self, s: MatrixSymbol) -> str:
        """What each step takes from the one before it, of all steps."""
        first, made = f"{self.first[s]}[None]", self.whole_text(self.sweep.carried[s])
        parts = [f"{made}[1:]", first] if self.reverse else [first, f"{made}[:-1]"]
        return self.dialect.word("joined", a=f"[{', '.join(parts)}]")

    def whole_text(self, s: MatrixSymbol) -> str:
        return self.whole.full(self.whole.spell(s), batched=True).at(Level.ATOM)

    def outward(self, s: MatrixSymbol) -> tuple[list[str], str]:
        """The lines that name a value of all steps, if it needs any, and its code."""
        return self.named([s]), self.whole_text(s)

    # ── the loop ──

    def loop(self) -> list[str]:
        if not (self.steps or self.added):
            return []
        body = [assignment(self.names[e.target], self.local.value(e.value, batched=True), 8) for e in self.written()]
        body += [f"        {self.names[s]} += {self.step_text(e.value)}" for s, e in self.sums.items()]
        made = {e.target for e in self.steps}
        self.carry = [s for s, new in self.sweep.carried.items() if s in self.local.used or self.sources([new]) & made]
        new = [self.step_text(self.sweep.carried[s]) for s in self.carry]
        stored = [self.names[s] for s in self.stored]
        there = [s for s in self.local.used if self.batched[s] and s not in made and s not in self.sweep.carried]
        sums, now = [self.names[s] for s in self.sums], [self.names[s] for s in there]
        carried = [*(self.names[s] for s in self.carry), *sums]
        before = self.named(there)
        carry, current = argument(carried, "carry"), argument(now, "now")
        head = [f"    def one_step({carry}, {current}):", *unbundled(carried, carry, 8), *unbundled(now, current, 8)]
        result = row("return ", [bundle([*new, *sums]), bundle(stored) or "None"], 8)
        return [*before, "", *head, *body, *result, "", *self.call([self.all_steps(s) for s in there])]

    def written(self) -> list[Equation]:
        """The equations of a step, with what is used once written where it is an operand of a function."""
        ends = [*self.sweep.carried.values(), *(s for e in self.sums.values() for s in symbols_in(e.value))]
        needed = {*self.stored, *self.sources(ends)}
        return list(inlined(self.steps, needed))

    def step_text(self, expr: MatrixExpr) -> str:
        return self.local.full(self.local.spell(replaced(expr, self.views)), batched=True).text

    def call(self, there: Sequence[str]) -> list[str]:
        self.last = {s: self.names.fresh(f"last_{self.names[self.sweep.carried[s]]}", ("last", s)) for s in self.carry}
        lasts = [*self.last.values(), *(self.names[s] for s in self.sums)]
        results = [bundle(lasts), bundle([self.all_steps(s) for s in self.stored]) or "_"]
        first = [*(self.first[s] for s in self.carry), *(self.names[s] for s in self.sums)]
        given = ["one_step", bundle(first), bundle(there) or "None"]
        options = ["length=T"] * (not there) + ["reverse=True" if self.reverse else UNROLL]
        lines = row(f"{', '.join(results)} = {self.dialect.arrays['scan']}(", [*given, *options], 4, ")")
        return [*self.zeros(), *lines] if self.reverse else [WHY, *lines]

    def zeros(self) -> list[str]:
        """The lines of what the sums begin with."""
        found: dict[tuple[str, ...], list[str]] = {}
        for s in self.sums:
            found.setdefault(self.local.axes(s.shape, batched=True), []).append(self.names[s])
        zeros = {axes: self.dialect.word("zeros", axes=f"({', '.join(axes)})", like=self.like) for axes in found}
        return [f"    {' = '.join(names)} = {zeros[axes]}" for axes, names in found.items()]

    def final(self, s: MatrixSymbol) -> tuple[list[str], str]:
        """The lines and the code for a carried value after the loop."""
        if (self.steps or self.added) and s in self.carry:
            return [], self.last[s]
        new = self.sweep.carried[s]
        if not self.batched[new]:
            return [], self.step_text(new)
        lines, text = self.outward(new)
        return lines, f"{text}[{0 if self.reverse else -1}]"


def _is_stack(e: Equation) -> bool:
    return isinstance(e.value, n.Concat) and e.target.shape[1] == 1 and len({*e.value.args}) == len(e.value.args)


def _run(e: Equation, other: Equation) -> list[tuple[MatrixSymbol, MatrixExpr]]:
    """A stack, and which rows of another one it is, if it is."""
    own, places = e.value.args, dict(rows(other.target, other.value.args))
    if len(own) == len(places) or start_of_run(own, other.value.args) is None:
        return []
    return [(e.target, n.Slice(other.target, places[own[0]].args[1], e.target.shape[0]))]
