"""Values that are computed where another one is, because nobody needs that one any more.

    added   U h, which all that takes W x takes in a sum with it, is added to it
    taken   f = σ(a), which stays for the way back, takes the place of a, which nobody else takes

To find another such pair: a function that gives homes, each the rows of the value whose place is taken.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from sympy import Expr, Integer, MatAdd, MatMul, MatrixExpr, MatrixSymbol, Transpose

from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.build import total
from lstmgraph.algebra.nodes import operands
from lstmgraph.algebra.traverse import rebuild
from lstmgraph.codegen.loops.flat import is_entrywise
from lstmgraph.codegen.loops.nests import Item, Kinds, Member, Nest, Work
from lstmgraph.codegen.sweep import PHASES, Sweep
from lstmgraph.program import Equation

Homes = dict[MatrixSymbol, Member]


@dataclass(frozen=True)
class View:
    """Rows start, ..., start + count - 1 of a value."""

    symbol: MatrixSymbol
    start: Expr
    count: Expr

    def overlaps(self, other: View) -> bool:
        if self.symbol != other.symbol:
            return False
        gaps = (other.start - self.start - self.count, self.start - other.start - other.count)
        return not any(gap.is_nonnegative for gap in gaps)

    def within(self, homes: Mapping[MatrixSymbol, Member]) -> View:
        """The rows of the value in whose place this one is."""
        home = homes.get(self.symbol)
        return self if home is None else View(home.stack, home.start + self.start, self.count)


def view_of(expr: MatrixExpr) -> View | None:
    if isinstance(expr, MatrixSymbol):
        return View(expr, Integer(0), expr.shape[0])
    if isinstance(expr, n.Slice) and isinstance(expr.args[0], MatrixSymbol):
        return View(*expr.args)
    return None


# ── a product added to what it is a sum with ──


def added(sweep: Sweep, kinds: Kinds, fixed: Iterable[MatrixSymbol]) -> tuple[Sweep, Homes]:
    """A flat sweep with products added to what they are taken in sums with, and where these products are.

    The sum is then the product's value: of z = Wx + b + Uh, with all that takes Uh, there is Uh = Wx + U h and
    z = Uh + b.  Those in `fixed` stay what they are.
    """
    homes: Homes = {}
    free = [e for p in PHASES[1:] for e in sweep[p] if _is_free(e.target, kinds, {*fixed})]
    ready = {e.target: k for k, e in enumerate(free) if has_array(e.value) or e in sweep["before"]}
    for k, e in enumerate(free):
        if not _runs_along_rows(e.value, kinds):
            continue
        uses = [use for other in sweep.equations for use in _uses(other.value)]
        found = next((v for v in _partners(e.target, uses) if ready.get(v.symbol, k) < k), None)
        if found is not None:
            sweep = _adding(sweep, e.target, found)
            place = found.within(homes)
            homes[e.target] = Member(place.symbol, place.start)
    return sweep, homes


def _is_free(symbol: MatrixSymbol, kinds: Kinds, fixed: set[MatrixSymbol]) -> bool:
    return kinds.batched[symbol] and symbol not in fixed and symbol not in kinds.summed


def has_array(value: MatrixExpr) -> bool:
    return isinstance(value, n.Concat) or (isinstance(value, MatMul) and not is_entrywise(value))


def _runs_along_rows(value: MatrixExpr, kinds: Kinds) -> bool:
    """Whether it is a product of the samples as the rows of a matrix."""
    if not isinstance(value, MatMul) or is_entrywise(value):
        return False
    left, right = value.args
    by_right = kinds.of(right) and not kinds.of(left) and right.shape[1] == 1
    return bool(by_right or (kinds.of(left) and not kinds.of(right) and left.shape[0] == 1))


Use = tuple[View, list[MatrixExpr]]  # rows, and the terms of the sum that takes them, if one does


def _uses(expr: MatrixExpr, terms: list[MatrixExpr] | None = None) -> Iterator[Use]:
    view = view_of(expr)
    if view is not None:
        yield view, terms or []
        return
    inside = _terms(expr)
    for o in inside if isinstance(expr, MatAdd) else operands(expr):
        yield from _uses(o, inside if isinstance(expr, MatAdd) else None)


def _terms(expr: MatrixExpr) -> list[MatrixExpr]:
    return [t for a in expr.args for t in _terms(a)] if isinstance(expr, MatAdd) else [expr]


def _partners(product: MatrixSymbol, uses: list[Use]) -> Iterator[View]:
    """The rows that stand in one sum with a product wherever the one or the other is taken."""
    own = [use for use in uses if use[0].symbol == product]
    for term in own[0][1] if own else []:
        view = view_of(term)
        if view is None or view.symbol == product:
            continue
        offset = view.start - own[0][0].start
        rows = View(view.symbol, offset, product.shape[0])
        pairs = [(v, View(view.symbol, v.start + offset, v.count), terms) for v, terms in own]
        pairs += [(View(product, v.start - offset, v.count), v, ts) for v, ts in uses if v.overlaps(rows)]
        if all([view_of(t) for t in terms].count(v) == 1 for *both, terms in pairs for v in both):
            yield rows


def _adding(sweep: Sweep, product: MatrixSymbol, rows: View) -> Sweep:
    """With the product added to these rows, and what was the sum of both taking the product alone."""
    base = rows.symbol if rows.count == rows.symbol.shape[0] else n.Slice(rows.symbol, rows.start, rows.count)

    def changed(expr: MatrixExpr) -> MatrixExpr:
        if view_of(expr) is not None:
            return expr
        if not isinstance(expr, MatAdd):
            return rebuild(expr, [changed(o) for o in operands(expr)])
        terms = [(t, view_of(t)) for t in _terms(expr)]
        sums = {View(rows.symbol, v.start + rows.start, v.count): t for t, v in terms if v and v.symbol == product}
        kept = [(t, v) for t, v in terms if t not in sums.values()]
        return total(*(sums[v] if v in sums else changed(t) for t, v in kept))

    def equation(e: Equation) -> Equation:
        value = MatAdd(base, e.value) if e.target == product else changed(e.value)
        return Equation(e.target, value, stage=e.stage)

    return sweep.changed({p: [equation(e) for e in sweep[p]] for p in PHASES})


# ── what stays, in the place of what it alone takes ──


def taken(works: Iterable[Work], keeps: frozenset[MatrixSymbol], homes: Homes, free: frozenset[MatrixSymbol]) -> Homes:
    """Where values that stay are: in the rows of a value in `free` that no other takes, if they fill all of it."""
    reads = [(item, view.within(homes), near) for work in works for item, view, near in _reads(work)]
    found: dict[MatrixSymbol, View] = {}
    for item, view, near in reads:
        alone = sum(v.overlaps(view) for _, v, _ in reads) == 1
        if alone and near and item is not None and item.target in keeps - found.keys() and view.symbol in free:
            found[item.target] = view
    filled: dict[MatrixSymbol, Expr] = {}
    for view in found.values():
        filled[view.symbol] = filled.get(view.symbol, Integer(0)) + view.count
    return {s: Member(v.symbol, v.start) for s, v in found.items() if filled[v.symbol] == v.symbol.shape[0]}


def _reads(work: Work) -> Iterator[tuple[Item | None, View, bool]]:
    """The rows that a work takes, and whether it is an item that takes of them only the entry that it computes."""
    for unit in work.items if isinstance(work, Nest) else [work]:
        item = unit if isinstance(unit, Item) and unit.whole and not unit.added else None
        for view, near in _views(unit.value):
            yield item, view, near


def _views(expr: MatrixExpr, near: bool = True) -> Iterator[tuple[View, bool]]:
    view = view_of(expr)
    if view is not None:
        yield view, near
        return
    near = near and not isinstance(expr, (n.Slice, n.Fill, Transpose, MatMul))
    for o in operands(expr):
        yield from _views(o, near)
