"""A minus goes on to where it is a subtraction, or meets another one.

    m̄ = -Σ ā,  s̄ = m̄ / n,  x̄ = ā + s̄      becomes      ν = Σ ā,  σ = ν / n,  x̄ = ā - σ

It is for targets that pay for every operation.  What has lost its minus has another name: it is another value.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from sympy import MatAdd, MatMul, MatrixExpr, MatrixSymbol, Transpose

from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.build import negate, total
from lstmgraph.algebra.names import Name, name_of
from lstmgraph.algebra.nodes import operands
from lstmgraph.algebra.traverse import rebuild, symbols_in
from lstmgraph.codegen.passes.rows import fresh
from lstmgraph.codegen.sweep import PHASES, Sweep
from lstmgraph.program import Equation

# Operations that a minus of any operand passes, and that two pass as none.
ODD = (MatMul, Transpose, n.Hadamard, n.Divide, n.Reciprocal, n.Sum, n.Slice, n.Fill, n.Identity, n.TimeSum)


def minus(sweep: Sweep) -> Sweep:
    """Without the minus of a value, where fewer operations are left for it."""
    for e in [e for phase in PHASES[1:] for e in sweep[phase] if isinstance(e.value, n.Negative)]:
        now = next((other for other in sweep.equations if other.target == e.target), None)
        if now is not None and isinstance(now.value, n.Negative) and _is_free(e.target, sweep):
            changed = _passed_on(e.target, sweep)
            if _paid(changed.equations) < _paid(sweep.equations):
                sweep = changed
    return sweep


def _is_free(value: MatrixSymbol, sweep: Sweep) -> bool:
    """Whether only the equations of one step take a value, and all of them."""
    return value not in {*sweep.wanted, *sweep.carried.values(), *sweep.summed}


def _passed_on(first: MatrixSymbol, sweep: Sweep) -> Sweep:
    """Without the minus of a value, and of all to which it goes on."""
    waiting = [first]
    while waiting:
        old = waiting.pop()
        value = sweep.definitions.get(old.name)
        if not isinstance(value, n.Negative):  # another one has met its minus by now
            continue
        other = isinstance(value.args[0], MatrixSymbol)  # no value of its own then
        new = value.args[0] if other else fresh(_negative(name_of(old)), old.shape, {e.target for e in sweep.equations})
        kept = {p: [e for e in sweep[p] if not (other and e.target == old)] for p in PHASES}
        sweep = sweep.changed({p: [_without(e, old, new) for e in kept[p]] for p in PHASES})
        takers = [e for e in sweep.equations if new in symbols_in(e.value)]
        waiting += [e.target for e in takers if isinstance(e.value, n.Negative) and _is_free(e.target, sweep)]
    return sweep


def _negative(name: Name) -> Name:
    return replace(name, marks=name.marks[1:]) if name.marks[:1] == ("minus",) else name.marked("minus")


def _without(e: Equation, old: MatrixSymbol, new: MatrixSymbol) -> Equation:
    if e.target == old:
        return replace(e, target=new, value=e.value.args[0])
    if old not in symbols_in(e.value):
        return e
    negative, value = _signed(e.value, old, new)
    return replace(e, value=negate(value) if negative else value)


def _signed(expr: MatrixExpr, old: MatrixSymbol, new: MatrixSymbol) -> tuple[bool, MatrixExpr]:
    """An expression of `old`, which is minus `new`, by the latter: whether it has a minus before it, and the rest."""
    if expr == old:
        return True, new
    if old not in symbols_in(expr):
        return False, expr
    if isinstance(expr, n.Negative):
        negative, inner = _signed(expr.args[0], old, new)
        return not negative, inner
    inner = [_signed(o, old, new) for o in operands(expr)]
    if isinstance(expr, ODD):
        return sum(negative for negative, _ in inner) % 2 == 1, rebuild(expr, [value for _, value in inner])
    values = [negate(value) if negative else value for negative, value in inner]
    return False, total(*values) if isinstance(expr, MatAdd) else rebuild(expr, values)


def _paid(equations: Iterable[Equation]) -> int:
    """How often something is negated that is not subtracted from something."""
    return sum(_negated(e.value) for e in equations)


def _negated(expr: MatrixExpr) -> int:
    if isinstance(expr, MatrixSymbol):
        return 0
    terms = expr.args if isinstance(expr, MatAdd) else ()
    subtracted = [t for t in terms if isinstance(t, n.Negative)]
    own = bool(terms) and len(subtracted) == len(terms)
    inner = [t.args[0] if t in subtracted else t for t in operands(expr)]
    return own + isinstance(expr, n.Negative) + sum(map(_negated, inner))
