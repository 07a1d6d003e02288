"""One function over neighbouring rows of a stack in the place of several, although not all of them are stacked yet.

    pre(f)[t] = [S]_f + p_f c[t-1],   pre(g)[t] = [S]_g
    tanh(f)[t] = tanh(pre(f)[t]),     g[t] = tanh(pre(g)[t])      where [S]_f, [S]_g are neighbouring rows of S:
    A = [pre(f); pre(g)],   tanh(A)

For a target that computes pre(f) over [S]_f: A is there already, as rows of S.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from sympy import Expr, MatAdd, MatrixExpr, MatrixSymbol

from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.traverse import rebuild, walk
from lstmgraph.codegen.passes.gather import Rows, rows_of
from lstmgraph.codegen.passes.rows import fresh, joint_name, rows
from lstmgraph.codegen.sweep import Sweep, dependent, in_order
from lstmgraph.normal import is_activation
from lstmgraph.program import Equation


def widen(sweep: Sweep) -> Sweep:
    """Every activation of the loop over as many rows as it can be at once."""
    while (wider := next(_wider(sweep), None)) is not None:
        sweep = wider
    return sweep


def _wider(sweep: Sweep) -> Iterator[Sweep]:
    """The sweep with two neighbouring activations as one."""
    places = _places(sweep)
    calls = [e for e in sweep["loop"] if is_activation(e.value) and e.value.args[0] in places]
    for first in calls:
        for second in calls:
            a, b = places[first.value.args[0]], places[second.value.args[0]]
            alike = first.value.func is second.value.func and isinstance(first.value, n.Elementwise)
            if alike and (a[0], a[1] + a[2]) == b[:2] and not _linked(sweep, first, second):
                yield _joined(sweep, first, second)


def _places(sweep: Sweep) -> dict[MatrixExpr, Rows]:
    """The operands that can be computed over rows of a stack that nobody else takes: which rows."""
    kept = {*sweep.wanted, *sweep.carried.values()}
    uses = Counter(s for e in sweep.equations for s in walk(e.value) if isinstance(s, MatrixSymbol))
    taken = Counter(r for e in sweep["loop"] for p in walk(e.value) if (r := rows_of(p)) is not None)
    made = {e.target: e.value for e in sweep["loop"]}
    found: dict[MatrixExpr, Rows] = {}
    for target, value in made.items():
        if uses[target] != 1 or target in kept:
            continue
        parts = (value, *(value.args if isinstance(value, MatAdd) else ()))
        places = [r for p in parts if (r := rows_of(p)) is not None and taken[r] == 1 and r[0] in made]
        if isinstance(value, n.Concat) and all(m in found for m in value.args):
            stack, start, _ = found[value.args[0]]
            places = [(stack, start, value.shape[0])]
        if len(places) == 1:
            found[target] = places[0]
    return found


def _linked(sweep: Sweep, first: Equation, second: Equation) -> bool:
    """Whether one of two waits for the other."""
    loop = sweep["loop"]
    return any(a.value.args[0] in dependent(loop, [b.target]) for a, b in ((first, second), (second, first)))


def _joined(sweep: Sweep, first: Equation, second: Equation) -> Sweep:
    taken = {e.target for e in sweep.equations}
    inner, outer = (_flat(sweep, e) for e in (first, second))
    members = [*inner, *outer]
    height: Expr = sum((m.shape[0] for m in members[1:]), members[0].shape[0])
    shape = (height, members[0].shape[1])
    operand = Equation(fresh(joint_name(members), shape, taken), n.Concat(*members), stage=first.stage)
    targets = [first.target, second.target]
    whole = Equation(
        fresh(joint_name(targets), shape, taken), rebuild(first.value, [operand.target]), stage=first.stage
    )
    parts = {target: part for target, (_, part) in zip(targets, rows(whole.target, targets), strict=True)}
    old = {e.value.args[0] for e in (first, second) if isinstance(_value(sweep, e.value.args[0]), n.Concat)}
    loop = [replace(e, value=parts.get(e.target, e.value)) for e in sweep["loop"] if e.target not in old]
    return sweep.changed({"loop": in_order([*loop, operand, whole])})


def _value(sweep: Sweep, target: MatrixExpr) -> MatrixExpr:
    return next(e.value for e in sweep["loop"] if e.target == target)


def _flat(sweep: Sweep, e: Equation) -> list[MatrixSymbol]:
    """What the operand of an activation is made of: members of a join, or itself."""
    operand = e.value.args[0]
    value = _value(sweep, operand)
    return list(value.args) if isinstance(value, n.Concat) else [operand]
