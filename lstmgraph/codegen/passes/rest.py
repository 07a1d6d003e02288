"""What goes the other way of a switch is what is left of it.

    d_a = d s,   d_b = d (1 - s)      where s is 1 or 0: the gradients of max(a, b)
    d_a = d s,   d_b = d - d_a

So the switch is found once.  What comes out is the same to the last digit, since s is 0 or 1, if nothing else is added
before d_a is taken off: within a sum the difference has a name, so that it stays one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from sympy import MatAdd, MatrixExpr, MatrixSymbol

from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.build import negate, product, total
from lstmgraph.algebra.names import name_of
from lstmgraph.algebra.traverse import rebuild, walk
from lstmgraph.codegen.passes.rows import fresh, replaced
from lstmgraph.codegen.sweep import PHASES, Phase, Sweep, in_order
from lstmgraph.program import Equation

Pair = tuple[MatrixSymbol, MatrixExpr]  # d and s


def rest(sweep: Sweep) -> Sweep:
    """Of every value that a switch hands to one of two, the second has what the first has not.

    Not where that is added up over all steps: the sum of nothing is 0, the difference of two sums is not.
    """
    for pair in dict.fromkeys(_pairs(sweep.equations, n.Step)):
        each = [e for e in sweep.equations if e.target not in sweep.summed]
        sweep = _with_rest(sweep, pair) if pair in _pairs(each, n.OneMinus) else sweep
    return sweep


def _pairs(equations: Iterable[Equation], kind: type) -> Iterator[Pair]:
    """The values that a product multiplies by a switch, or by what is left of one."""
    for e in equations:
        for whole in (p for p in walk(e.value) if isinstance(p, n.Hadamard)):
            found = [f for f in whole.args if f.func is kind]
            switches = [f.args[0] for f in found] if kind is n.OneMinus else found
            for switch in (s for s in switches if isinstance(s, n.Step)):
                yield from ((f, switch) for f in whole.args if isinstance(f, MatrixSymbol))


def _with_rest(sweep: Sweep, pair: Pair) -> Sweep:
    """With a name for d s, made before the first that needs it, and the difference in the place of d (1 - s)."""
    phases: dict[Phase, list[Equation]] = {}
    made: list[Equation] = []
    for phase in (p for p in PHASES[1:] if sweep[p]):
        equations = list(sweep[phase])
        users = [e for e in equations if _is_user(sweep, e, pair)]
        if not made and users:
            made = [_share(sweep, pair, equations, users[0])]
            users = [e for e in users if e.target != made[0].target]
            equations = [*made, *(e for e in equations if e.target != made[0].target)]
        if made:
            share = made[0].target
            equations = [replace(e, value=_swapped(e.value, pair, share)) if e in users else e for e in equations]
            equations = _with_difference(sweep, pair, equations, made)
        phases[phase] = in_order(equations)
    return sweep.changed(phases)


def _with_difference(sweep: Sweep, pair: Pair, equations: list[Equation], made: list[Equation]) -> list[Equation]:
    """With a name for d less its share, if that is a term of sums: it is added to `made` where the first of them is."""
    whole = pair[0]
    difference = total(whole, negate(made[0].target))
    inside = [e for e in equations if isinstance(e.value, MatAdd) and difference in list(walk(e.value))[:-1]]
    if not inside:
        return equations
    if len(made) == 1:
        taken = {e.target for e in (*sweep.equations, *made)}
        name = fresh(name_of(whole).marked("rest"), whole.shape, taken)
        made.append(replace(inside[0], target=name, value=difference))
        equations = [made[1], *equations]
    named = {difference: made[1].target}
    return [replace(e, value=replaced(e.value, named)) if e in inside else e for e in equations]


def _is_user(sweep: Sweep, e: Equation, pair: Pair) -> bool:
    left = e.target in sweep.summed and n.OneMinus(pair[1]) in walk(e.value)
    return not left and _swapped(e.value, pair, pair[0]) != e.value


def _share(sweep: Sweep, pair: Pair, equations: list[Equation], first: Equation) -> Equation:
    """The equation of d s, one of these if it is there."""
    whole, switch = pair
    value = product(whole, switch)
    taken = {e.target for e in sweep.equations}
    named = replace(first, target=fresh(name_of(whole).marked("share"), whole.shape, taken), value=value)
    return next((e for e in equations if e.value == value and e.target not in sweep.summed), named)


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
