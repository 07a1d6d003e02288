"""A product with a stack, of which some values wait for the step before and others do not, is one for each of both.

    W [h[t-1]; x[t]]                     becomes    W.1 h[t-1] + W.2 x[t]             with W = [W.1, W.2]
    ū = Wᵀ δ,  h̄ and x̄ the rows of ū    becomes    h̄ = W.1ᵀ δ,  x̄ = W.2ᵀ δ
    W̄ = Σ δ [h[t-1]; x[t]]ᵀ             becomes    [Σ δ h[t-1]ᵀ, Σ δ x[t]ᵀ]

So the product with x[t] is one of all steps before the loop, and x̄ one after it.  Where more is made of the stack than
such gradients, it is not kept either, but made again on the way back, of all steps at once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import accumulate, count, groupby

from sympy import Expr, Integer, MatAdd, MatMul, MatrixExpr, MatrixSymbol, Transpose

from lstmgraph.algebra.build import flipped, is_outer_product, total
from lstmgraph.algebra.names import like, name_of, symbol
from lstmgraph.algebra.nodes import Concat, Slice, operands
from lstmgraph.algebra.traverse import rebuild, symbols_in, walk
from lstmgraph.codegen.passes.rows import replaced, used_in
from lstmgraph.codegen.sequence import Sequence
from lstmgraph.codegen.sums import totals
from lstmgraph.codegen.sweep import PHASES, Phase, Sweep, in_order, needed_by
from lstmgraph.program import Equation


@dataclass(frozen=True)
class Run:
    """Neighbours in a stack that all wait for the step before, or all do not, each with the row it begins at."""

    members: tuple[tuple[Expr, MatrixExpr], ...]

    @property
    def start(self) -> Expr:
        return self.members[0][0]

    @property
    def count(self) -> Expr:
        return sum((m.shape[0] for _, m in self.members), Integer(0))


Stacks = Mapping[MatrixSymbol, tuple[Run, ...]]


def split(both: Sequence) -> Sequence:
    """A product with a stack of what waits for the step before and what does not is one for each, there and back."""
    forward = with_members_named(both.forward)
    stacks = stacks_of(forward)
    if not stacks:
        return both
    both = replace(both, forward=forward, backward=_split_back(both.backward, stacks))
    for e in both.forward["loop"]:
        if e.target in stacks and _is_made_again(e, both):
            both = _without(e, both)
    return replace(both, forward=split_products(both.forward))


def split_products(sweep: Sweep) -> Sweep:
    """A product with a stack of what waits for the step before and what does not is one for each."""
    named = with_members_named(sweep)
    stacks = stacks_of(named)
    if not stacks:
        return sweep
    parts = _Parts(named)
    loop = [replace(e, value=parts.split(e.value, stacks, e.target)) for e in named["loop"]]
    return parts.placed(named.changed({"loop": loop}))


def with_members_named(sweep: Sweep) -> Sweep:
    """A sweep in which what is in a stack that can be split has a name: r ⊙ h of [r ⊙ h; x]."""
    stacks, names = stacks_of(sweep), _Parts(sweep)

    def named(e: Equation) -> Equation:
        if e.target not in stacks:
            return e
        members = (m if isinstance(m, MatrixSymbol) else names.named(m, e.target) for m in e.value.args)
        return replace(e, value=Concat(*members))

    loop = [named(e) for e in sweep["loop"]]
    return names.placed(sweep.changed({"loop": loop})) if names.new else sweep


def stacks_of(sweep: Sweep) -> dict[MatrixSymbol, tuple[Run, ...]]:
    """The stacks of a loop that a weight is multiplied with, in runs of what waits for the step before or does not."""
    late, constant = sweep.late(), sweep.constant()
    products = [p for e in sweep["loop"] for p in walk(e.value) if isinstance(p, MatMul)]
    taken = {p.args[1] for p in products if _weight(p.args[0]) in constant}
    stacks = [e for e in sweep["loop"] if e.target in taken and _is_stack(e)]
    found = {e.target: _runs(e.value.args, late) for e in stacks}
    return {target: runs for target, runs in found.items() if len(runs) > 1}


def _is_stack(e: Equation) -> bool:
    return isinstance(e.value, Concat) and e.target.shape[1] == 1


def _runs(members: tuple[MatrixExpr, ...], late: frozenset[MatrixSymbol]) -> tuple[Run, ...]:
    starts = accumulate((m.shape[0] for m in members), initial=Integer(0))
    placed = zip(starts, members, strict=False)
    return tuple(Run(tuple(run)) for _, run in groupby(placed, lambda row: late.isdisjoint(symbols_in(row[1]))))


def _terms(value: MatrixExpr) -> tuple[MatrixExpr, ...]:
    return value.args if isinstance(value, MatAdd) else (value,)


def _weight(left: MatrixExpr) -> MatrixExpr:
    """W of W and of Wᵀ."""
    return left.args[0] if isinstance(left, Transpose) else left


@dataclass
class _Parts:
    """What is new: columns of weights, and runs of several values as stacks of their own."""

    sweep: Sweep
    new: dict[MatrixExpr, Equation] = field(default_factory=dict)

    def __post_init__(self) -> None:
        known = (*self.sweep.shared, *self.sweep.inputs, *self.sweep.carried, *(e.target for e in self.sweep.equations))
        self.taken = {str(s) for s in known}
        self.constant = self.sweep.constant()

    def split(self, expr: MatrixExpr, stacks: Stacks, owner: MatrixSymbol) -> MatrixExpr:
        """An expression of a value in which a product with a stack is the sum of those with its runs.

        In another stack such a sum has a name, as every sum in a stack has.
        """
        if isinstance(expr, MatrixSymbol):
            return expr
        if isinstance(expr, MatMul) and expr.args[1] in stacks and _weight(expr.args[0]) in self.constant:
            return total(*(MatMul(self.columns(expr.args[0], run), self.stacked(run)) for run in stacks[expr.args[1]]))
        inner = [self.split(o, stacks, owner) for o in operands(expr)]
        if isinstance(expr, Concat):
            inner = [self.named(a, owner) if isinstance(a, MatAdd) else a for a in inner]
        return total(*inner) if isinstance(expr, MatAdd) else rebuild(expr, inner)

    def columns(self, weight: MatrixExpr, run: Run) -> MatrixExpr:
        """Those of W, or of Wᵀ, that meet a run."""
        if isinstance(weight, Transpose):
            return Transpose(self.named(Slice(weight.args[0], run.start, run.count), weight.args[0]))
        return self.named(Transpose(Slice(Transpose(weight), run.start, run.count)), weight)

    def cotangents(self, e: Equation, run: Run) -> dict[MatrixExpr, MatrixExpr]:
        """Of each member of a run the rows of a sum of products Wᵀ δ that are its cotangent, and what they are now."""
        pairs = [(flipped(term.args[0]), term.args[1]) for term in _terms(e.value)]
        value = total(*(MatMul(flipped(self.columns(weight, run)), delta) for weight, delta in pairs))
        rows = [Slice(e.target, start, member.shape[0]) for start, member in run.members]
        met = [other for other in self.sweep.equations for part in walk(other.value) if part == rows[0]]
        if len(rows) == 1 and len(met) == 1 and rows[0] in _terms(met[0].value):
            return {rows[0]: value}  # it has a name, that of the member's cotangent, or is a term of that
        whole = self.named(value, e.target)
        if len(rows) == 1:
            return {rows[0]: whole}
        return {row: Slice(whole, row.args[1] - run.start, row.args[2]) for row in rows}

    def stacked(self, run: Run) -> MatrixSymbol:
        first, *rest = [m for _, m in run.members]
        return self.named(Concat(first, *rest), first) if rest else first

    def named(self, value: MatrixExpr, owner: MatrixSymbol) -> MatrixSymbol:
        """The name of a value, made of that of another one: W.1, W.2, ..."""
        if value not in self.new:
            name = name_of(owner)
            named = (symbol(replace(name, base=f"{name.base}.{k}"), value.shape) for k in count(1))
            target = next(s for s in named if s.name not in self.taken)
            self.taken.add(target.name)
            self.new[value] = Equation(target, value, stage=self.sweep["loop"][0].stage)
        return self.new[value].target

    def placed(self, sweep: Sweep) -> Sweep:
        """A sweep with what is new, where it belongs, and in the loop what the next step waits for."""
        once = [e for e in self.new.values() if symbols_in(e.value) <= self.constant]
        loop = in_order([*(e for e in self.new.values() if e not in once), *sweep["loop"]])
        sweep = sweep.changed({"once": [*sweep["once"], *once], "loop": loop})
        late, needed = sweep.late(), needed_by(loop, sweep.recurrent.values())
        early = [e for e in loop if e.target not in late]
        rest = [e for e in loop if e not in early and e.target not in needed]
        stay = [e for e in loop if e.target in late & needed]
        after = in_order([*rest, *sweep["after"]])
        return sweep.changed({"before": [*sweep["before"], *early], "loop": stay, "after": after}).pruned()


def with_parts_written(sweep: Sweep) -> Sweep:
    """Rows and columns of a weight that only what is done once takes are written there: W[:, :H] in a stack."""
    parts = {e.target: e.value for e in sweep["once"] if _is_part(e.value)}
    return _with_written(sweep, "once", _used_only(parts, sweep["once"], sweep))


def with_rows_written(sweep: Sweep) -> Sweep:
    """Rows of a gradient are written where it alone takes them, beside others: d_W[:H] of a weight's columns."""
    sums = totals(sweep)
    rows = {e.target: e.value for e in sweep["after"] if isinstance(e.value, Slice) and e.value.args[0] in sums}
    rows = _used_only(rows, [e for e in sweep["after"] if _is_beside(e.value)], sweep)
    summed = sweep.summed.union(row.args[0] for row in rows.values())
    return _with_written(replace(sweep, summed=summed), "after", rows)


def _used_only(
    parts: Mapping[MatrixSymbol, MatrixExpr], takers: Iterable[Equation], sweep: Sweep
) -> dict[MatrixExpr, MatrixExpr]:
    """The values that nobody but some equations takes."""
    uses, taken = used_in(sweep), Counter(s for e in takers for s in walk(e.value))
    return {s: value for s, value in parts.items() if uses[s] == taken[s]}


def _with_written(sweep: Sweep, phase: Phase, parts: Mapping[MatrixExpr, MatrixExpr]) -> Sweep:
    rest = [replace(e, value=replaced(e.value, parts)) for e in sweep[phase] if e.target not in parts]
    return sweep.changed({phase: rest})


def _is_beside(value: MatrixExpr) -> bool:
    """Whether it is columns of a matrix beside one another."""
    return isinstance(value, Transpose) and isinstance(value.args[0], Concat)


def _is_part(value: MatrixExpr) -> bool:
    """Whether it is some rows of a matrix, or of its transpose."""
    rows = _weight(value)
    return isinstance(rows, Slice) and isinstance(_weight(rows.args[0]), MatrixSymbol) and 1 not in rows.shape


# ── the way back ──


def _split_back(sweep: Sweep, stacks: Stacks) -> Sweep:
    """The rows of the cotangents of stacks, where these are products with weights alone, run by run."""
    parts = _Parts(sweep)
    of = {like(u, "bar"): runs for u, runs in stacks.items()}
    found: dict[MatrixExpr, MatrixExpr] = {}
    for e in sweep["loop"]:
        runs = of.get(e.target, ())
        if runs and _is_products(e.value, sweep):
            for run in runs:
                found |= parts.cotangents(e, run)
    phases = {p: [replace(e, value=_written(e.value, found)) for e in sweep[p]] for p in PHASES}
    return parts.placed(sweep.changed(phases)) if found else sweep


def _written(value: MatrixExpr, found: Mapping[MatrixExpr, MatrixExpr]) -> MatrixExpr:
    """A value with others in the place of some, a sum of sums as one."""
    new = replaced(value, found)
    return new if new == value else total(*_terms(new))


def _is_products(value: MatrixExpr, sweep: Sweep) -> bool:
    return all(isinstance(t, MatMul) and _weight(t.args[0]) in sweep.constant() for t in _terms(value))


def _is_made_again(e: Equation, both: Sequence) -> bool:
    """Whether a stack is kept for sums over all steps alone, and of values that can be kept in its place."""
    back = both.backward
    kept = e.target in both.saved and e.target not in both.cell.outputs
    alone = not any(e.target in symbols_in(other.value) for p in PHASES if p != "after" for other in back[p])
    there = {*back.shared, *both.cell.inputs, *both.cell.previous, *(f.target for f in both.forward["loop"])}
    return kept and alone and there.issuperset(e.value.args)


def _without(e: Equation, both: Sequence) -> Sequence:
    """With a stack not kept: the gradients of weights by its members, or the stack made on the way back of these."""
    forward, back = both.forward, both.backward
    members = dict.fromkeys(m for m in e.value.args if m not in back.shared)
    saved = dict.fromkeys((*(s for s in both.saved if s != e.target), *members))
    made = {other.target for other in forward.equations}
    wanted = dict.fromkeys((*(s for s in forward.wanted if s != e.target), *(m for m in members if m in made)))
    inputs = dict.fromkeys((*(s for s in back.inputs if s != e.target), *members))
    back = replace(back, inputs=tuple(inputs))
    back = _by_columns(e, back) or back.changed({"after": [replace(e, stage="backward"), *back["after"]]})
    return replace(both, forward=replace(forward, wanted=tuple(wanted)), backward=back, saved=tuple(saved))


def _by_columns(e: Equation, back: Sweep) -> Sweep | None:
    """With a gradient δ uᵀ of a weight by the columns of it, δ m.1ᵀ, δ m.2ᵀ, where that is all that u is taken for.

    With one of a member that is the same at all steps there is no product: u is made again.
    """
    takers = [other for other in back["after"] if e.target in symbols_in(other.value)]
    alone = all(is_outer_product(other.value) and other.value.args[1] == Transpose(e.target) for other in takers)
    if not alone or not back.constant().isdisjoint(e.value.args):
        return None
    parts = _Parts(back)
    found = {}
    for other in takers:
        columns = (parts.named(MatMul(other.value.args[0], Transpose(m)), other.target) for m in e.value.args)
        found[other.target] = Transpose(Concat(*map(Transpose, columns)))
    after = [replace(other, value=found.get(other.target, other.value)) for other in back["after"]]
    new = [replace(n, stage="backward") for n in parts.new.values()]
    back = replace(back, summed=back.summed | {n.target for n in new})
    return back.changed({"after": in_order([*new, *after])})
