"""In which order values stand in a stack: those that are computed alike, at the same time, beside one another.

So what is done to one of them can be done to all in one call (`pack`).  Values are alike by their *form*: the formula
with a hole for everything that does not wait for the step before.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache, cached_property

from sympy import MatrixExpr, MatrixSymbol

from lstmgraph.algebra.nodes import Slice, operands
from lstmgraph.algebra.traverse import symbols_in
from lstmgraph.codegen.sweep import PHASES, Sweep
from lstmgraph.normal import is_activation
from lstmgraph.program import Equation

Rank = tuple[int, ...]
Chains = tuple[tuple[MatrixExpr, ...], ...]

MOST = 12  # values of which all orders are tried


class Order:
    """The ranks of all values of a sweep: by phase, by how many equations come before it there, by form, by use.

    The values of a chain are in its order among themselves.
    """

    def __init__(self, sweep: Sweep, chains: Chains = ()) -> None:
        self.sweep, self.chains = sweep, chains
        self.late = sweep.late()

    def places(self, values: Iterable[MatrixSymbol]) -> dict[MatrixSymbol, int]:
        """The place of each value in a stack of them; what no equation computes comes first, in the order given."""
        given = dict.fromkeys(values)
        return {v: k for k, v in enumerate(sorted(given, key=lambda v: self.ranks.get(v, (-1,))))}

    @cached_property
    def ranks(self) -> Mapping[MatrixSymbol, Rank]:
        found: dict[MatrixSymbol, Rank] = {}
        for k, phase in reversed(list(enumerate(PHASES))):
            for e, rank in self.ranked(self.sweep[phase]):
                found[e.target] = (k, *rank)
        loop = {s: found[e.target] for e in reversed(self.sweep["loop"]) for s in symbols_in(e.value)}
        found |= {e.target: loop[e.target] for e in self.sweep["before"] if e.target in loop}
        ordered = (zip(chain, sorted(found[v] for v in chain), strict=True) for chain in self.chains)
        return found | {v: rank for chain in ordered for v, rank in chain}

    def ranked(self, equations: tuple[Equation, ...]) -> Iterable[tuple[Equation, Rank]]:
        """What is alike ranks as the first of its kind does."""
        levels = levels_of(equations)
        first: dict[tuple[object, ...], int] = {}
        for at, e in enumerate(equations):
            kind = (levels[e.target], form(e.value, self.late))
            use = self.uses.get(e.target, "")
            by = [first.setdefault((*kind, *words), at) for words in ((), (use.partition(" ")[0],), (use, ""))]
            yield e, (levels[e.target], *by, at)

    @cached_property
    def uses(self) -> Mapping[MatrixSymbol, str]:
        """The activation that a value is the operand of, and what alone is done to its result."""
        return {
            e.value.args[0]: f"{e.value.func.__name__} {self.alone.get(e.target, '')}"
            for e in reversed(self.sweep.equations)
            if is_activation(e.value) and isinstance(e.value.args[0], MatrixSymbol)
        }

    @cached_property
    def alone(self) -> Mapping[MatrixSymbol, str]:
        """The form of an equation that takes one value and no other: 1/2 + 1/2 a."""
        taken = ((symbols_in(e.value), e) for e in reversed(self.sweep.equations))
        return {used.pop(): form(e.value) for used, e in taken if len(used) == 1 and not is_activation(e.value)}


def in_runs(values: Sequence[MatrixExpr], families: Sequence[frozenset[MatrixExpr]]) -> tuple[MatrixExpr, ...]:
    """The values in the first order, by theirs, in which each family stands together; none if none is such."""

    @cache
    def rest(placed: frozenset[MatrixExpr]) -> tuple[MatrixExpr, ...] | None:
        opened = [f for f in families if f & placed and not f <= placed]
        for v in values if placed < frozenset(values) else ():
            if v not in placed and all(v in f for f in opened) and (found := rest(placed | {v})) is not None:
                return (v, *found)
        return None if placed < frozenset(values) else ()

    return rest(frozenset()) or () if len(values) <= MOST else ()


def levels_of(equations: Iterable[Equation]) -> dict[MatrixSymbol, int]:
    """How many of these equations follow one another up to each of them: 1 for one that uses no other."""
    levels: dict[MatrixSymbol, int] = {}
    for e in equations:
        levels[e.target] = 1 + max((levels.get(s, 0) for s in symbols_in(e.value)), default=0)
    return levels


def form(expr: MatrixExpr, named: Iterable[MatrixSymbol] = ()) -> str:
    """An expression as text with its shape, and with a hole for every symbol that is not `named`, or rows of it."""
    named = frozenset(named)

    def text(part: MatrixExpr) -> str:
        if isinstance(part, MatrixSymbol):
            return part.name if part in named else "_"
        if isinstance(part, Slice):
            return text(part.args[0])
        inner = operands(part)
        rest = [str(a) for a in part.args[len(inner) :]]
        return f"{part.func.__name__}({', '.join([*map(text, inner), *rest])})"

    return f"{text(expr)}: {expr.shape[0]} {expr.shape[1]}"
