"""Which values of a sweep are bounded, whatever its inputs and parameters are.

A tanh and a sigmoid are, and so are sums and products of what is.  A state is by induction: where all previous states
are between -M and M, M as large as the first of them and as some number, the new one must be so too.  The h of a GRU,
which is mixed of h[t-1] and a tanh, is; the c of an LSTM, to which every step may add, is not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import reduce
from math import inf, isfinite
from operator import attrgetter
from typing import NamedTuple

from sympy import MatAdd, MatrixExpr, MatrixSymbol, Transpose

from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.build import is_number
from lstmgraph.algebra.nodes import operands
from lstmgraph.codegen.sweep import Sweep


class Bound(NamedTuple):
    """A value is between low - M states and high + M states."""

    low: float
    high: float
    states: float = 0.0

    @property
    def size(self) -> float:
        return max(-self.low, self.high)

    @property
    def is_finite(self) -> bool:
        return isfinite(self.size)

    @property
    def is_kept(self) -> bool:
        """Whether it is between -M and M, of an M that is large enough."""
        return self.is_finite and (self.states < 1 or (self.states == 1 and self.low == self.high == 0))

    @property
    def is_gate(self) -> bool:
        return self.states == 0 and self.low >= 0 and self.high <= 1


class Mix(NamedTuple):
    """gate a + (1 - gate) b + others."""

    gate: MatrixExpr
    a: MatrixSymbol
    b: MatrixSymbol
    others: list[MatrixExpr]


UNKNOWN, STATE, ONE = Bound(-inf, inf), Bound(0, 0, 1), Bound(1, 1)
Known = Mapping[MatrixExpr, Bound]


def bounds(sweep: Sweep) -> dict[MatrixExpr, Bound]:
    """What is known of each value; of those of which nothing is, UNKNOWN."""
    kept = dict.fromkeys(sweep.carried, STATE)
    while True:
        known: dict[MatrixExpr, Bound] = dict.fromkeys((*sweep.shared, *sweep.inputs, *sweep.carried), UNKNOWN) | kept
        for e in sweep.settled().equations:
            known[e.target] = _bound(e.value, known)
        lost = [prev for prev in kept if not known[sweep.carried[prev]].is_kept]
        if not lost:
            return known
        kept = {prev: STATE for prev in kept if prev not in lost}


def mixes(value: MatrixExpr) -> Iterator[Mix]:
    """All ways to see a sum as one of a value times a gate and another times the rest of it."""
    terms = list(value.args) if isinstance(value, MatAdd) else []
    for j, open_ in enumerate(terms):
        for k, shut in enumerate(terms):
            others = [t for at, t in enumerate(terms) if at not in (j, k)]
            for gate, a in _pairs(open_):
                yield from (Mix(gate, a, b, others) for rest, b in _pairs(shut) if rest == n.OneMinus(gate))


def _pairs(term: MatrixExpr) -> list[tuple[MatrixExpr, MatrixSymbol]]:
    """Both ways to see a product of two as a gate and a value that has a name."""
    if not isinstance(term, n.Hadamard) or len(term.args) != 2:
        return []
    a, b = term.args
    return [(x, y) for x, y in ((a, b), (b, a)) if isinstance(y, MatrixSymbol)]


def _bound(value: MatrixExpr, known: Known) -> Bound:
    if value in known:
        return known[value]
    if is_number(value):
        return Bound(float(value.value), float(value.value))
    if isinstance(value, MatAdd):
        return _of_sum(value, known)
    rule = RULES.get(value.func)
    return RANGES.get(value.func, UNKNOWN) if rule is None else rule([_bound(o, known) for o in operands(value)])


def _of_sum(value: MatAdd, known: Known) -> Bound:
    for mix in mixes(value):
        if _bound(mix.gate, known).is_gate:
            return _sum([_widest([known[mix.a], known[mix.b]]), *(_bound(o, known) for o in mix.others)])
    return _sum(_bound(term, known) for term in value.args)


def _sum(terms: Iterable[Bound]) -> Bound:
    return Bound(*map(sum, zip(*terms, strict=True)))


def _widest(members: Iterable[Bound]) -> Bound:
    """What holds all of them: those of less of M are within those of more, of an M that is large enough."""
    every = list(members)
    if not all(b.is_finite for b in every):
        return UNKNOWN
    most = max(b.states for b in every)
    found = [b for b in every if b.states == most]
    return Bound(min(b.low for b in found), max(b.high for b in found), most)


def _product(a: Bound, b: Bound) -> Bound:
    """Nothing is known of M times M."""
    if not a.is_finite or not b.is_finite or (a.states and b.states):
        return UNKNOWN
    if not a.states and not b.states:
        corners = [x * y for x in a[:2] for y in b[:2]]
        return Bound(min(corners), max(corners))
    number, state = sorted((a, b), key=attrgetter("states"))
    size = number.size * state.size
    return Bound(-size, size, number.size * state.states)


def _negative(a: Bound) -> Bound:
    return Bound(-a.high, -a.low, a.states)


RANGES: Mapping[type, Bound] = {
    **dict.fromkeys((n.Sigmoid, n.Softmax, n.Step), Bound(0, 1)),
    **dict.fromkeys((n.Tanh, n.Sin, n.Cos, n.Sign), Bound(-1, 1)),
}
RULES: Mapping[type, Callable[[list[Bound]], Bound]] = {
    **dict.fromkeys((n.Identity, n.Slice, n.Fill, n.Concat, Transpose), _widest),
    n.Negative: lambda of: _negative(of[0]),
    n.OneMinus: lambda of: _sum([ONE, _negative(of[0])]),
    n.Hadamard: lambda of: reduce(_product, of),
}
