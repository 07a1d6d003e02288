"""What goes the other way of a switch is what is left of it.

    d_a = d s,   d_b = d (1 - s)      where s is 1 or 0: the gradients of max(a, b)
    d_a = d s,   d_b = d - d_a

So the switch is found once.  What comes out is the same to the last digit, since s is 0 or 1, if nothing else is added
before d_a is taken off: within a sum the difference has a name, so that it stays one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from sympy import MatAdd, MatrixExpr, MatrixSymbol

from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.build import negate, product, total
from lstmgraph.algebra.names import name_of
from lstmgraph.algebra.traverse import rebuild, walk
from lstmgraph.codegen.passes.rows import fresh, replaced
from lstmgraph.codegen.sweep import PHASES, Sweep, in_order
from lstmgraph.program import Equation

Pair = tuple[MatrixSymbol, MatrixExpr]  # d and s


def rest(sweep: Sweep) -> Sweep:
    """Of every value that a switch hands to one of two, the second has what the first has not.

    Not where that is added up over all steps: the sum of nothing is 0, the difference of two sums is not.
    """
    for pair in dict.fromkeys(_pairs(sweep.equations, n.Step)):
        each = [e for e in sweep.equations if e.target not in sweep.summed]
        sweep = _Handing(sweep, pair).run() if pair in _pairs(each, n.OneMinus) else sweep
    return sweep


def _pairs(equations: Iterable[Equation], kind: type) -> Iterator[Pair]:
    """The values that a product multiplies by a switch, or by what is left of one."""
    for e in equations:
        for whole in (p for p in walk(e.value) if isinstance(p, n.Hadamard)):
            found = [f for f in whole.args if f.func is kind]
            switches = [f.args[0] for f in found] if kind is n.OneMinus else found
            for switch in (s for s in switches if isinstance(s, n.Step)):
                yield from ((f, switch) for f in whole.args if isinstance(f, MatrixSymbol))


@dataclass
class _Handing:
    """One value that a switch hands to one of two: `share` is d s, and `left` d less that, once they have a name."""

    sweep: Sweep
    pair: Pair
    share: Equation | None = None
    left: Equation | None = None

    def __post_init__(self) -> None:
        self.taken = {e.target for e in self.sweep.equations}

    def run(self) -> Sweep:
        """With d s made before the first that needs it, and the difference in the place of d (1 - s)."""
        phases = {p: in_order(self.swapped([*self.sweep[p]])) for p in PHASES[1:] if self.sweep[p]}
        return self.sweep.changed(phases)

    def swapped(self, equations: list[Equation]) -> list[Equation]:
        users = [e for e in equations if self.is_user(e)]
        if not users:
            return equations
        new = []
        if self.share is None:
            self.share = self.made_of(equations) or self.named("share", product(*self.pair), users[0])
            new = [self.share]
        share = self.share.target
        others = [e for e in equations if e.target != share]
        changed = [replace(e, value=_swapped(e.value, self.pair, share)) if e in users else e for e in others]
        return self.within_sums([*new, *changed] if new else changed)

    def is_user(self, e: Equation) -> bool:
        """Not a sum over all steps of the difference."""
        added_up = e.target in self.sweep.summed and n.OneMinus(self.pair[1]) in walk(e.value)
        return not added_up and _swapped(e.value, self.pair, self.pair[0]) != e.value

    def made_of(self, equations: list[Equation]) -> Equation | None:
        """The equation of d s, if it is there."""
        value = product(*self.pair)
        return next((e for e in equations if e.value == value and e.target not in self.sweep.summed), None)

    def named(self, mark: str, value: MatrixExpr, first: Equation) -> Equation:
        whole = self.pair[0]
        return replace(first, target=fresh(name_of(whole).marked(mark), whole.shape, self.taken), value=value)

    def within_sums(self, equations: list[Equation]) -> list[Equation]:
        """With a name for the difference where it is a term of a sum: what is added to that comes after it."""
        assert self.share is not None
        difference = total(self.pair[0], negate(self.share.target))
        users = [e for e in equations if _is_term(difference, e.value)]
        if not users:
            return equations
        new = []
        if self.left is None:
            self.left = self.named("rest", difference, users[0])
            new = [self.left]
        name = {difference: self.left.target}
        return [*new, *(replace(e, value=replaced(e.value, name)) if e in users else e for e in equations)]


def _is_term(difference: MatrixExpr, value: MatrixExpr) -> bool:
    """Whether it stands in a sum, with its sign or the other."""
    sums = (part.args for part in walk(value) if isinstance(part, MatAdd) and part != difference)
    return any(term in {difference, negate(difference)} for terms in sums for term in terms)


def _swapped(expr: MatrixExpr, pair: Pair, share: MatrixSymbol) -> MatrixExpr:
    """With the share in the place of d s, and d less the share in that of d (1 - s)."""
    if isinstance(expr, MatrixSymbol):
        return expr
    own = n.operands(expr)
    inner = [_swapped(o, pair, share) for o in own]
    if isinstance(expr, MatAdd):  # a sum within a sum stays: whoever has none of both is no user
        return MatAdd(*inner) if inner != [*own] else expr
    whole, switch = pair
    if not isinstance(expr, n.Hadamard) or whole not in inner:
        return rebuild(expr, inner)
    for factor, value in ((switch, share), (n.OneMinus(switch), total(whole, negate(share)))):
        if factor in inner:
            left = list(inner)
            left.remove(factor)
            left[left.index(whole)] = value
            return product(*left)
    return rebuild(expr, inner)
