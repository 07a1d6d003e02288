"""One sum in the place of several whose terms are rows of the same stacks.

    pre(f)[t] = [P x]_f + [U h]_f + p_f c,   pre(g)[t] = [P x]_g + [U h]_g     where [A]_f are rows of a stack A:
    S = P x + U h,   pre(f)[t] = [S]_f + p_f c,   pre(g)[t] = [S]_g

It holds for a product of the loop of which all rows are used as terms of sums, each beside the same rows of one other
stack.
"""

from __future__ import annotations

from dataclasses import replace

from sympy import Expr, MatAdd, MatMul, MatrixExpr, MatrixSymbol

from lstmgraph.algebra.build import total
from lstmgraph.algebra.names import Name, name_of
from lstmgraph.algebra.nodes import Slice
from lstmgraph.algebra.traverse import symbols_in
from lstmgraph.codegen.passes.rows import fresh
from lstmgraph.codegen.sweep import Sweep, in_order
from lstmgraph.program import Equation

Rows = tuple[MatrixSymbol, Expr, Expr]  # of which stack, from where, how many


def gather(sweep: Sweep) -> Sweep:
    """Every product of the loop together with what all of its rows are added to."""
    for e in sweep["loop"]:
        if isinstance(e.value, MatMul):
            sweep = _gathered(sweep, e)
    return sweep


def _gathered(sweep: Sweep, made: Equation) -> Sweep:
    users = [e for e in sweep.equations if made.target in symbols_in(e.value)]
    kept = {*sweep.wanted, *sweep.carried.values()}
    if (
        len(users) < 2
        or made.target in kept
        or not all(e in sweep["loop"] and isinstance(e.value, MatAdd) for e in users)
    ):
        return sweep
    known = {e.target: rows_of(e.value) for e in sweep.equations if isinstance(e.value, Slice)}
    pairs = [_pair(e.value, made.target, known) for e in users]
    others = {found[2] for found in pairs if found is not None}
    if None in pairs or len(others) != 1:
        return sweep
    (other,) = others
    if other.shape != made.target.shape:
        return sweep
    name = fresh(_joint([e.target for e in users]), other.shape, {e.target for e in sweep.equations})
    whole = replace(made, target=name, value=MatAdd(other, made.value))
    new = {e.target: _with(e.value, found, name) for e, found in zip(users, pairs, strict=True) if found is not None}
    loop = [whole if e.target == made.target else replace(e, value=new.get(e.target, e.value)) for e in sweep["loop"]]
    return sweep.changed({"loop": in_order(loop)}).pruned()


def rows_of(expr: MatrixExpr) -> Rows | None:
    if isinstance(expr, Slice) and isinstance(expr.args[0], MatrixSymbol):
        return (expr.args[0], expr.args[1], expr.args[2])
    return None


def _pair(
    value: MatrixExpr, stack: MatrixSymbol, known: dict[MatrixSymbol, Rows | None]
) -> tuple[MatrixExpr, MatrixExpr, MatrixSymbol] | None:
    """The terms of a sum that are rows of the stack, and the same rows of another one."""
    rows = {term: known.get(term) or rows_of(term) for term in value.args}
    mine = [term for term, found in rows.items() if found is not None and found[0] == stack]
    if len(mine) != 1 or sum(stack in symbols_in(term) for term in value.args) != 1:
        return None
    place = rows[mine[0]]
    assert place is not None
    for term, found in rows.items():
        if term not in mine and found is not None and found[1:] == place[1:]:
            return mine[0], term, found[0]
    return None


def _with(value: MatrixExpr, pair: tuple[MatrixExpr, MatrixExpr, MatrixSymbol], whole: MatrixSymbol) -> MatrixExpr:
    mine, other, _ = pair
    rows = rows_of(mine)
    assert rows is not None
    rest = list(value.args)
    rest.remove(other)
    return total(*(Slice(whole, *rows[1:]) if t == mine else t for t in rest))


def _joint(targets: list[MatrixSymbol]) -> Name:
    names = [name_of(t) for t in targets]
    marks = tuple(m for m in names[0].marks if m != "some")
    return replace(names[0], base=".".join(name.base for name in names), marks=("some", *marks))
