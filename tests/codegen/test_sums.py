"""Sums over all steps: what they are, that nothing multiplies them by what is one step's, and what they are made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from sympy import MatAdd, MatMul, MatrixExpr, MatrixSymbol, Symbol, Transpose

from lstmgraph import Cell
from lstmgraph.algebra.names import symbol
from lstmgraph.algebra.nodes import Concat, Divide, Fill, Hadamard, Negative, Slice, Tanh
from lstmgraph.algebra.traverse import symbols_in, walk
from lstmgraph.calculus import gradient
from lstmgraph.codegen.passes import passed, place_parts, stack
from lstmgraph.codegen.sequence import sequence
from lstmgraph.codegen.shared import sums_at_hand
from lstmgraph.codegen.sums import added_up, checked, totals, with_sums_apart, with_terms
from lstmgraph.codegen.sweep import Sweep, swept
from lstmgraph.errors import CellError
from lstmgraph.program import Equation, Program

H = Symbol("H", integer=True, positive=True)
k, p = (MatrixSymbol(name, H, 1) for name in "kp")
d, x = (MatrixSymbol(f"{name}[t]", H, 1) for name in "dx")
s, u, v, w = (MatrixSymbol(name, H, 1) for name in "suvw")


def apart(*equations: tuple[MatrixSymbol, MatrixExpr]) -> tuple[Program, frozenset[MatrixSymbol]]:
    """Of a program in which s is a sum and k and p are the same at all steps."""
    made = tuple(Equation(target, value) for target, value in equations)
    return with_sums_apart(Program("p", (k, p, d, x), made, (made[-1].target,)), {s}, {k, p})


def sweep_of(*equations: tuple[MatrixSymbol, MatrixExpr], wanted: tuple[MatrixSymbol, ...] = ()) -> Sweep:
    program, summed = apart(*equations)
    return swept(Program("p", program.inputs, program.equations, wanted or program.outputs), (k, p), {}, summed)


def test_what_is_made_of_a_sum_is_one() -> None:
    program, summed = apart((s, Hadamard(d, x)), (v, Hadamard(k, s)), (w, Hadamard(k, d)), (u, MatAdd(v, w)))
    assert summed == {s, v, u}
    assert [e.target for e in program.equations] == [s, v, w, u]


def test_what_is_added_before_it_is_multiplied_has_a_name() -> None:
    program, summed = apart((s, Hadamard(d, x)), (u, Hadamard(k, MatAdd(s, Hadamard(d, p)))))
    _, named, last = program.equations
    assert named.value == MatAdd(s, Hadamard(d, p))
    assert last.value == Hadamard(k, named.target)
    assert summed == {s, named.target, u}


@pytest.mark.parametrize(
    ("value", "named", "last"),
    [
        (Hadamard(k, d, x), Hadamard(d, x), lambda part: Hadamard(k, part)),
        (Negative(Hadamard(d, k, p)), d, lambda part: Negative(Hadamard(k, p, part))),
        (Divide(Hadamard(d, x), k), Hadamard(d, x), lambda part: Divide(part, k)),
        (MatAdd(Hadamard(k, d), x), d, lambda part: MatAdd(Hadamard(k, part), x)),
        (Hadamard(Fill(2, H, 1), d, x), None, None),
        (Divide(k, d), None, None),
        (Hadamard(k, p), None, None),
    ],
    ids=["a factor", "two", "a divisor", "a term", "a number", "above", "no step's"],
)
def test_what_is_the_same_for_all_steps_multiplies_a_sum_once(
    value: MatrixExpr, named: MatrixExpr | None, last: Callable[[MatrixExpr], MatrixExpr] | None
) -> None:
    program, summed = apart((s, value))
    if named is None or last is None:
        assert [e.value for e in program.equations] == [value]
        return
    part, whole = program.equations
    assert (part.value, whole.value) == (named, last(part.target))
    assert summed == {part.target, s}


def test_a_sum_times_what_is_one_steps_is_an_error() -> None:
    good = sweep_of((s, Hadamard(d, x)), (u, MatAdd(s, Hadamard(d, p))))
    assert checked(good) is good
    wrong = sweep_of((s, Hadamard(d, x)), (u, MatAdd(k, Hadamard(s, x))))
    with pytest.raises(CellError, match=r"p: u takes a sum over all steps and what is one step's as Hadamard\(s, x"):
        passed(wrong, ())


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (Negative(MatAdd(d, Negative(s))), MatAdd(Negative(d), s)),
        (Transpose(MatAdd(d, s)), MatAdd(Transpose(d), Transpose(s))),
        (Slice(Negative(MatAdd(s, d)), 0, 1), MatAdd(Slice(Negative(s), 0, 1), Slice(Negative(d), 0, 1))),
        (MatAdd(x, Negative(MatAdd(d, s))), MatAdd(x, Negative(d), Negative(s))),
        (MatAdd(x, MatAdd(d, s)), MatAdd(x, d, s)),
        (Transpose(MatAdd(d, x)), Transpose(MatAdd(d, x))),
        (MatAdd(s, Negative(MatAdd(d, x))), MatAdd(s, Negative(MatAdd(d, x)))),
    ],
)
def test_what_has_been_added_up_is_a_term_of_its_own(value: MatrixExpr, wanted: MatrixExpr) -> None:
    made = symbol("y", value.shape)
    sweep = sweep_of((s, Hadamard(d, x)), (u, MatAdd(s, d)), (made, value), wanted=(u, made))
    sweep = replace(sweep, summed=sweep.summed | {made})
    assert with_terms(sweep).definitions["y"] == wanted


def test_a_sweep_that_is_changed_knows_its_new_sums() -> None:
    sweep = sweep_of((s, Hadamard(d, x)), (u, Hadamard(k, s)))
    before = [*sweep["before"][:1], Equation(v, Tanh(k)), Equation(w, Hadamard(v, s)), Equation(u, w)]
    assert sweep.changed({"before": before}).summed >= {s, w, u}
    assert v not in sweep.changed({"before": before}).summed


def test_sums_are_in_no_pack_with_what_is_one_steps() -> None:
    """k * s and k * q have one form: over a stack of s and q they would be one equation."""
    q = MatrixSymbol("q", H, 1)
    equations = ((s, Hadamard(d, x)), (q, Tanh(d)), (v, Hadamard(k, s)), (w, Hadamard(k, q)), (u, MatAdd(v, w)))
    packed = passed(sweep_of(*equations, wanted=(u, w)), (place_parts,))
    assert not any(isinstance(e.value, Concat) for e in packed.equations)


def test_stacked_products_of_a_sum_are_sums() -> None:
    one, two = (MatrixSymbol(name, H, H) for name in "MN")
    equations = ((s, Hadamard(d, x)), (v, MatMul(one, s)), (w, MatMul(two, s)))
    program, summed = apart(*equations)
    sweep = swept(Program("p", (one, two, *program.inputs), program.equations, (v, w)), (k, p, one, two), {}, summed)
    stacked = passed(sweep, (stack,))
    made = [e.target for e in stacked.equations if isinstance(e.value, MatMul)]
    assert len(made) == 1
    assert made[0] in stacked.summed


def test_totals_are_what_only_sums_take() -> None:
    sweep = sweep_of((v, Hadamard(d, x)), (w, Hadamard(d, d)), (s, Hadamard(k, v)), (u, MatAdd(s, w)), wanted=(u, w))
    inner = symbol("sum(s)", s.shape)
    assert totals(sweep) == {v, inner, s, u}  # w is wanted of each step
    assert totals(sweep, lambda value: not isinstance(value, Hadamard)) == {inner, s, u}  # v: a target that cannot


def test_what_is_made_of_sums_alone_is_not_added_up() -> None:
    sweep = sweep_of((s, Hadamard(d, x)), (v, Hadamard(k, s)), (w, MatAdd(v, d)), (u, MatAdd(v, s)), wanted=(u, w))
    assert sweep.summed == {s, v, w, u}
    assert added_up(sweep) == {s, w}


def test_what_is_taken_otherwise_is_no_total() -> None:
    outer = MatrixSymbol("M", H, H)
    sweep = sweep_of((v, Tanh(d)), (w, Hadamard(d, x)), (outer, MatMul(v, Transpose(w))), (s, MatAdd(v, w)))
    assert totals(sweep) == {s}


def test_what_stands_in_a_stack_beside_what_is_one_steps_is_no_total() -> None:
    both = MatrixSymbol("c", 2 * H, 1)
    sweep = sweep_of((v, Tanh(d)), (w, Tanh(x)), (both, Concat(v, w)), (s, Slice(both, 0, H)), wanted=(s, w))
    assert totals(sweep) == {both, s}


def test_what_no_total_is_made_of_is_none() -> None:
    """z, of which v is made, which stands in the stack beside what is one step's."""
    both, z = MatrixSymbol("c", 2 * H, 1), MatrixSymbol("z", H, 1)
    stacked = ((v, Negative(z)), (w, Tanh(x)), (both, Concat(v, w)), (s, Slice(both, 0, H)))
    assert totals(sweep_of((z, Tanh(d)), *stacked, wanted=(s, w))) == {both, s}


def test_the_loop_adds_up_what_takes_a_value_of_it() -> None:
    """Of d_b the loop has no part: all steps of it at once are one run through what is given."""
    text = "h[t] = tanh(U @ h[t-1] + c * h[t-1])\ny[t] = h[t-1] + b * x[t]"
    cell = Cell.from_equations(text, name="p", sizes={"x": "H", "h": "H", "y": "H"}, output="y")
    back = sequence(cell, gradient(cell)).backward
    found = totals(back)
    assert {"grad(b)", "grad(c)"} <= {e.target.name for e in back["after"] if e.target in found}
    assert [e.target.name for e in sums_at_hand(back, found)] == ["grad(c)"]


@pytest.mark.parametrize(
    ("equations", "products"),
    [
        ("h[t] = tanh(W @ x[t] + V @ x[t] + U @ h[t-1])", 2),
        ("h[t] = tanh((V @ V) @ x[t] + (u @ v.T) @ x[t] + x[t])", 1),
        ("h[t] = tanh(W @ x[t] + V @ x[t]) + sin(p + W @ x[t] + V @ x[t])", 2),  # both gradients take both
        ("M[t] = M[t-1] * M[t-1]\nh[t] = M[t-1] @ x[t] + W @ x[t] + V @ x[t]", 2),  # that of M[t-1] is one step's
    ],
)
def test_what_two_sums_take_is_one_product(equations: str, products: int) -> None:
    sizes = {"x": "X", "h": "X", "M": ["X", "X"]} if "M" in equations else {"x": "X", "h": "X"}
    cell = Cell.from_equations(equations, name="c", output="h", sizes=sizes)
    backward = sequence(cell, gradient(cell)).backward
    assert len({e.target for e in backward.equations}) == len(backward.equations)
    outer = [p for e in backward.equations for p in walk(e.value) if isinstance(p, MatMul) and 1 not in p.shape]
    assert len([p for p in outer if p.args[0].shape[1] == 1 and symbols_in(p) - backward.constant()]) == products
