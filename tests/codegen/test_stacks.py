"""What is in a stack, and what is not; stacks with values in common are rows of one, where there is an order for it."""

from __future__ import annotations

from itertools import combinations, permutations

import pytest
from sympy import MatAdd, MatMul, MatrixExpr, MatrixSymbol, Transpose

from lstmgraph.algebra.names import Name, size, symbol
from lstmgraph.algebra.nodes import Concat, Cos, Exp, Sin, Slice, Tanh
from lstmgraph.calculus import gradient
from lstmgraph.codegen.passes import passed, stack
from lstmgraph.codegen.passes.order import MOST, in_runs
from lstmgraph.codegen.passes.rows import joint_name
from lstmgraph.codegen.sequence import sequence
from lstmgraph.codegen.sweep import Sweep
from lstmgraph.codegen.targets import numpy
from tests.codegen.equality import cell_of
from tests.codegen.test_small_sweeps import H, L, M, N, before, c, concats, h, same, sweep_of, u, v, w

VALUES = [symbol(name, (size("H"), size(1))) for name in "abcde"]


def runs_of(*families: str, values: str = "abcde") -> str:
    named = {str(v): v for v in VALUES}
    found = in_runs([named[name] for name in values], [frozenset(named[name] for name in f) for f in families])
    return "".join(map(str, found))


@pytest.mark.parametrize(
    ("families", "order"),
    [
        ((), "abcde"),
        (("ab", "bc"), "abcde"),
        (("ac",), "acbde"),
        (("ad", "ab"), "badce"),
        (("abc", "bd", "de"), "acbde"),
        (("ab", "bc", "ca"), ""),
        (("abcd", "ae", "be", "ce"), ""),
    ],
)
def test_each_family_stands_together(families: tuple[str, ...], order: str) -> None:
    assert runs_of(*families) == order


def test_the_order_found_is_the_first_of_all() -> None:
    """Of three families of two or three, beside the one of all orders that are tried one by one."""
    every = ["".join(f) for k in (2, 3) for f in combinations("abcd", k)]
    for families in combinations(every, 3):
        fits = ("".join(p) for p in permutations("abcd") if all(_is_run("".join(p), f) for f in families))
        assert runs_of(*families, values="abcd") == next(fits, "")


def _is_run(order: str, family: str) -> bool:
    return any(set(order[k : k + len(family)]) == set(family) for k in range(len(order)))


def test_too_many_values_are_left_as_they_are() -> None:
    values: list[MatrixExpr] = [symbol(f"v{k}", (size("H"), size(1))) for k in range(MOST + 1)]
    families = [frozenset(values[:2]), frozenset(values[1:3])]
    assert in_runs(values[:MOST], families) == tuple(values[:MOST])
    assert in_runs(values, families) == ()


def backward(name: str) -> Sweep:
    cell = cell_of(name)
    return sequence(cell, gradient(cell)).backward


@pytest.mark.parametrize(
    ("name", "stacks", "parts"),
    [
        ("gru_reset_after", 1, 2),
        ("stacks_that_overlap", 1, 3),
        ("stacks_in_turn", 3, 0),
        ("chains_in_turn", 3, 2),
        ("chains_in_turn_back", 3, 2),
    ],
)
def test_stacks_with_values_in_common_are_rows_of_one(name: str, stacks: int, parts: int) -> None:
    """Not where one of the values waits for the product of such a stack, which would wait for itself."""
    both = sequence(cell_of(name), gradient(cell_of(name)))
    loop = stack(both.forward if name == "chains_in_turn" else both.backward)["loop"]
    made = [e for e in loop if isinstance(e.value, Concat)]
    assert len(made) == stacks
    assert len([e for e in loop if isinstance(e.value, Slice) and e.value.args[0] in {m.target for m in made}]) == parts


@pytest.mark.parametrize(
    ("name", "together"),
    [
        ("lstm", "half(W_f), half(W_i), half(W_o), W_g"),
        ("slstm", "W_z, half(W_o), W_i, W_f"),
        ("mlstm", "w_f.T, w_i.T"),
    ],
)
def test_what_is_done_alike_stands_together(name: str, together: str) -> None:
    """The halves of three sigmoids; a tanh of what is halved and of what is not; sums that are logarithms of gates."""
    cell = cell_of(name)
    sweep = passed(sequence(cell, gradient(cell)).forward, numpy.PASSES["forward"])
    orders = [str(e.value) for e in sweep["once"] if isinstance(e.value, Concat)]
    assert any(together in order for order in orders), orders


def test_a_stack_is_called_negative_where_all_in_it_is() -> None:
    column = (size("H"), size(1))
    minus = [symbol(Name(base, marks=("minus",)), column) for base in "ab"]
    assert joint_name(minus) == Name("a.b", marks=("some", "minus"))
    assert joint_name([*minus, symbol("c", column)]) == Name("a.b.c", marks=("some",))


def test_what_is_given_is_copied_into_a_stack_after_the_loop() -> None:
    """For all steps at once, where no step uses the stack."""
    sweep = stack(backward("output_of_both"))
    (made,) = (e for e in sweep["after"] if isinstance(e.value, Concat))
    assert len(set(made.value.args) - {e.target for e in sweep.equations}) == 1
    assert [len(e.value.args) for e in sweep["loop"] if isinstance(e.value, Concat)] == [2]


def test_what_is_packed_is_in_the_order_of_the_stack() -> None:
    """The cotangents of three gates, each its own slope times that of h, are one product entry by entry."""
    loop = passed(backward("stacks_that_overlap"), numpy.PASSES["backward"])["loop"]
    assert any(str(e.target) == "some(bar(pre(o.v.f)))[t]" for e in loop), [str(e.target) for e in loop]


def test_matrices_of_a_step_are_in_no_stack_for_a_vector() -> None:
    """u cᵀ and v cᵀ are no products that one could save; for (u cᵀ) w + (v cᵀ) w both would be written first."""
    first, second = (MatrixSymbol(f"{name}[t]", H, H) for name in "AB")
    made = ((u, Tanh(before)), (c, Sin(before)), (v, Cos(before)), (w, Exp(before)))
    outer = ((first, MatMul(u, Transpose(c))), (second, MatMul(v, Transpose(c))))
    sweep = sweep_of(*made, *outer, (h, MatAdd(MatMul(first, w), MatMul(second, w))))
    assert not concats(stack(sweep))


def test_what_comes_from_the_step_before_is_in_no_stack() -> None:
    """Of Lᵀ u + Mᵀ h[t-1] + Nᵀ v: it would be copied there."""
    products = (MatMul(Transpose(L), u), MatMul(Transpose(M), before), MatMul(Transpose(N), v))
    sweep = sweep_of((u, Tanh(before)), (v, Sin(before)), (h, MatAdd(*products)))
    after = stack(sweep)
    assert {frozenset(members) for members in concats(after)} == {frozenset((u, v)), frozenset((L, N))}
    assert same(sweep, after)
