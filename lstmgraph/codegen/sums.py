"""Sums over all steps and samples: which values they are, and which need no other value than their sum.

A gradient is linear in what arrives at each step.  So a value of the backward sweep is one step's, or a sum over all of
them: the cotangent of a shared value, and all that is made of it.  In the equations of one step a sum has a term, and
may only be added to what is one step's:

    ū = Σ k ⊙ (ȳ + d ⊙ x)    where ȳ is a sum      is ȳ' = Σ (ȳ + d ⊙ x),  ū = k ⊙ ȳ'

What is the same for all steps multiplies a sum, and not each of its terms: k̄ = Σ d ⊙ h ⊙ k is k ⊙ Σ d ⊙ h.

`with_sums_apart` brings the equations into this form, every pass keeps it, and `checked` finds out where one does not.
After all passes `with_terms` makes one sum of what is added, `d.T - s.T` of `(d - s).T`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace

from sympy import MatAdd, MatMul, MatrixExpr, MatrixSymbol, Transpose

from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.build import negate, product, total
from lstmgraph.algebra.names import name_of, symbol
from lstmgraph.algebra.nodes import operands
from lstmgraph.algebra.traverse import rebuild, symbols_in
from lstmgraph.codegen.sweep import PHASES, Sweep
from lstmgraph.errors import CellError
from lstmgraph.program import Equation, Program

ADDITIVE = (n.Slice, n.Negative, n.Identity, n.TimeSum, MatAdd, Transpose)  # the sum of which is that of their operands
LINEAR = (n.Hadamard, n.Divide, MatMul)  # in their one operand that is one step's: nothing is divided by a cotangent


def with_sums_apart(
    backward: Program, sums: set[MatrixSymbol], shared: set[MatrixSymbol]
) -> tuple[Program, frozenset[MatrixSymbol]]:
    """With a name for what is multiplied where sums are added to what is one step's; and all sums.

    `sums` are those that the equations are made of: the cotangents of the values in `shared`.
    """
    apart = _Apart(set(sums), shared)
    equations = tuple(part for e in backward for part in apart.of(e))
    return replace(backward, equations=equations), frozenset(apart.summed)


@dataclass
class _Apart:
    """`named` are the values that have a name, and `summed` what is a sum over all steps."""

    summed: set[MatrixSymbol]
    shared: set[MatrixSymbol]
    named: dict[MatrixExpr, MatrixSymbol] = field(default_factory=dict)

    def of(self, e: Equation) -> list[Equation]:
        """An equation, after those that its parts are named by."""
        if self.summed.isdisjoint({e.target, *symbols_in(e.value)}):
            return [e]
        self.summed.add(e.target)
        before = len(self.named)
        value = self.once(self.apart(e.value, e), e)
        new = list(self.named.items())[before:]
        return [*(replace(e, target=target, value=part) for part, target in new), replace(e, value=value)]

    def is_mixed(self, expr: MatrixExpr) -> bool:
        return _is_mixed(expr, self.summed, self.shared)

    def apart(self, expr: MatrixExpr, e: Equation) -> MatrixExpr:
        if not self.is_mixed(expr):
            return expr
        inner = self.apart if isinstance(expr, ADDITIVE) else self.whole
        return rebuild(expr, [inner(o, e) for o in operands(expr)])

    def whole(self, expr: MatrixExpr, e: Equation) -> MatrixExpr:
        """A factor: by a name, if it is an addition of what must not be mixed."""
        value = self.apart(expr, e)
        return self.by_name(value, e) if self.is_mixed(expr) and isinstance(expr, ADDITIVE) else value

    def by_name(self, value: MatrixExpr, e: Equation) -> MatrixSymbol:
        if value not in self.named:
            name = name_of(e.target)
            while (target := symbol(name.marked("sum"), value.shape)) in self.summed:
                name = name.marked("sum")
            self.named[value] = target
            self.summed.add(target)
        return self.named[value]

    def once(self, expr: MatrixExpr, e: Equation) -> MatrixExpr:
        """With a name for what is multiplied, or divided, by what is the same for all steps."""
        if isinstance(expr, (MatAdd, n.Negative)):
            return rebuild(expr, [self.once(o, e) for o in operands(expr)])
        if isinstance(expr, n.Divide) and symbols_in(expr.args[1]) <= self.shared:
            return n.Divide(self.by_name(expr.args[0], e), expr.args[1])
        factors = expr.args if isinstance(expr, n.Hadamard) else ()
        same = [f for f in factors if symbols_in(f) <= self.shared]
        timed = [f for f in factors if f not in same]
        if not timed or not any(map(symbols_in, same)) or not self.summed.isdisjoint(symbols_in(expr)):
            return expr
        return product(*same, self.by_name(product(*timed), e))


def _is_mixed(expr: MatrixExpr, summed: AbstractSet[MatrixSymbol], shared: AbstractSet[MatrixSymbol]) -> bool:
    """Whether an expression takes sums and what is one step's."""
    used = symbols_in(expr) - shared
    return not used.isdisjoint(summed) and not used <= summed


def checked(sweep: Sweep) -> Sweep:
    """Itself, or an error: a sum is multiplied by what is one step's."""
    constant = sweep.constant()
    for e in sweep.equations:
        for term in _terms(e.value):
            if _is_mixed(term, sweep.summed, constant):
                raise CellError(f"{sweep.name}: {e.target} takes a sum over all steps and what is one step's as {term}")
    return sweep


def with_terms(sweep: Sweep) -> Sweep:
    """The same with one sum of terms where sums are added to what is one step's: `(d - s).T` is `d.T - s.T`.

    Targets add up what has a term of each step, term by term; a sum has been added up.
    """
    terms = _Terms(totals(sweep), sweep.constant())
    spread = {e: terms.spread(e.value) if e.target in sweep.summed else e.value for e in sweep.equations}
    phases = {phase: [replace(e, value=spread[e]) for e in sweep[phase]] for phase in PHASES}
    return sweep if all(e.value == value for e, value in spread.items()) else sweep.changed(phases)


@dataclass(frozen=True)
class _Terms:
    """`found` are the values of which only the sum is computed."""

    found: frozenset[MatrixSymbol]
    constant: frozenset[MatrixSymbol]

    def is_sum(self, term: MatrixExpr) -> bool:
        used = symbols_in(term) - self.constant
        return bool(used) and used <= self.found

    def spread(self, expr: MatrixExpr) -> MatrixExpr:
        """One sum, if sums are among its terms and others."""
        if not isinstance(expr, ADDITIVE):
            return expr
        inner = total(*map(self.spread, operands(expr)))
        if not isinstance(inner, MatAdd) or len(set(map(self.is_sum, inner.args))) < 2:
            return expr
        if isinstance(expr, MatAdd):
            return inner
        done = (negate(t) if isinstance(expr, n.Negative) else rebuild(expr, [t]) for t in inner.args)
        return total(*map(self.spread, done))


def added_up(sweep: Sweep) -> frozenset[MatrixSymbol]:
    """The sums that have a term of each step: not those that are made of others alone."""
    whole = sweep.summed | sweep.constant()
    return frozenset(e.target for e in sweep.equations if e.target in sweep.summed and not symbols_in(e.value) <= whole)


def totals(sweep: Sweep, able: Callable[[MatrixExpr], bool] = lambda _: True) -> frozenset[MatrixSymbol]:
    """The values of which only the sum is computed: sums, and what is only used for them.

    `able` says of a value that is no sum whether a target can add it up.
    """
    equations = tuple(e for phase in ("before", "after") for e in sweep.settled()[phase])
    found = {e.target for e in equations if e.target in sweep.summed}  # what the loop adds up takes what is one step's
    constant = sweep.constant()
    users: dict[MatrixSymbol, list[Equation]] = {}
    for e in sweep.equations:
        for s in symbols_in(e.value):
            users.setdefault(s, []).append(e)
    for e in reversed(equations):
        by = users.get(e.target, [])
        alone = all(u.target in found and e.target in _addends(u.value, constant) for u in by)
        if by and alone and e.target not in sweep.wanted and able(e.value):
            found.add(e.target)
    return _unmixed(frozenset(found - constant), users, constant) | {e.target for e in sweep.added()}


def _unmixed(
    found: frozenset[MatrixSymbol], users: Mapping[MatrixSymbol, list[Equation]], constant: frozenset[MatrixSymbol]
) -> frozenset[MatrixSymbol]:
    """Without the values that meet what is one step's, other than to be added to it."""

    def mixes(s: MatrixSymbol, u: Equation) -> bool:
        terms = (symbols_in(term) for term in _terms(u.value))
        return u.target not in found or any(s in used and not used <= found | constant for used in terms)

    kept = frozenset(s for s in found if not any(mixes(s, u) for u in users.get(s, ())))
    return kept if kept == found else _unmixed(kept, users, constant)


def _terms(expr: MatrixExpr) -> Iterator[MatrixExpr]:
    """The terms of which the sum of an expression is the sum."""
    if not isinstance(expr, ADDITIVE):
        yield expr
        return
    for o in operands(expr):
        yield from _terms(o)


def _addends(expr: MatrixExpr, constant: frozenset[MatrixSymbol]) -> list[MatrixExpr]:
    """The symbols whose sum may be put for them in the sum of an expression."""
    if isinstance(expr, MatrixSymbol):
        return [expr]
    if isinstance(expr, (*ADDITIVE, n.Concat)):
        return [s for o in operands(expr) for s in _addends(o, constant)]
    timed = [o for o in operands(expr) if not symbols_in(o) <= constant]
    return _addends(timed[0], constant) if isinstance(expr, LINEAR) and len(timed) == 1 else []
