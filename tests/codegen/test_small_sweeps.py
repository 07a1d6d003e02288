"""Passes on sweeps of a few equations, each made for a rule that cells seldom need: what a pass must leave as it is."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from sympy import MatAdd, MatMul, MatrixExpr, MatrixSymbol, Symbol, Transpose

from lstmgraph import Cell
from lstmgraph.algebra.names import size, symbol
from lstmgraph.algebra.nodes import (
    Concat,
    Cos,
    Exp,
    Fill,
    Hadamard,
    OneMinus,
    Sigmoid,
    Sin,
    Slice,
    Step,
    Tanh,
)
from lstmgraph.algebra.traverse import walk
from lstmgraph.calculus import gradient
from lstmgraph.codegen.computed import computed
from lstmgraph.codegen.passes import (
    collect,
    gather,
    halve,
    hoist_factors,
    hoist_terms,
    place_parts,
    rest,
    spread,
    stack,
    turn,
    widen,
)
from lstmgraph.codegen.sequence import sequence
from lstmgraph.codegen.shown import operations
from lstmgraph.codegen.sweep import Sweep, swept
from lstmgraph.numeric.evaluate import evaluate
from lstmgraph.program import Equation, Program
from tests.codegen.equality import cell_of

H = Symbol("H", integer=True, positive=True)
h, before = (MatrixSymbol(f"h[{at}]", H, 1) for at in ("t", "t-1"))
a, b, c, u, v, w = (MatrixSymbol(f"{name}[t]", H, 1) for name in "abcuvw")
p = MatrixSymbol("p", H, 1)
q, r, s = (MatrixSymbol(name, H, 1) for name in "qrs")
L, M, N = (MatrixSymbol(name, H, H) for name in "LMN")
U = MatrixSymbol("U", 2 * H, H)
Z, X = (MatrixSymbol(f"{name}[t]", 2 * H, 1) for name in "ZX")


def sweep_of(*equations: tuple[MatrixSymbol, MatrixExpr], more: tuple[MatrixSymbol, ...] = ()) -> Sweep:
    """One that carries h, of which X is an input; p, L, M, N, U and `more` are parameters."""
    made = tuple(Equation(target, value) for target, value in equations)
    parameters = (p, L, M, N, U, *more)
    return swept(Program("p", (*parameters, X, before), made, (h,)), parameters, {before: h})


def same(one: Sweep, other: Sweep, *more: MatrixSymbol) -> bool:
    """Whether the second is in order, and both compute the same."""
    rng = np.random.default_rng(0)
    shapes = {s.name: tuple(int(side.subs(H, 3)) for side in s.shape) for s in one.program.inputs}
    given = {name: rng.uniform(0.1, 0.9, shape) for name, shape in shapes.items()}
    found, wanted = (evaluate(s.check().program.check(), given) for s in (other, one))
    return all(np.allclose(found[s.name], wanted[s.name], rtol=1e-13, atol=1e-13) for s in (h, *more))


def concats(sweep: Sweep) -> list[tuple[MatrixExpr, ...]]:
    return [part.args for e in sweep.equations for part in walk(e.value) if isinstance(part, Concat)]


def halves(stacked: MatrixSymbol) -> tuple[MatrixExpr, MatrixExpr]:
    return Slice(stacked, 0, H), Slice(stacked, H, H)


def loops(first: MatrixExpr, second: MatrixExpr) -> Sweep:
    """Two gates of one product Z = U h[t-1]."""
    ends = ((u, Tanh(a)), (v, Sigmoid(b)), (h, Hadamard(u, v)))
    return sweep_of((Z, MatMul(U, before)), (a, first), (b, second), *ends)


def test_a_product_is_gathered_with_what_all_of_its_rows_are_added_to() -> None:
    (first, second), (left, right) = halves(Z), halves(X)
    sweep = loops(MatAdd(first, left, p), MatAdd(second, right))
    after = gather(sweep)
    assert [e.value for e in after["loop"] if e.value.has(MatMul)] == [MatAdd(X, MatMul(U, before))]
    assert same(sweep, after)


def test_a_product_that_a_sum_takes_elsewhere_as_well_stays() -> None:
    """[Z]_a + [X]_a + p [Z]_a: nothing else would be left to be multiplied."""
    (first, second), (left, right) = halves(Z), halves(X)
    for taken in (Hadamard(p, first), Tanh(second)):
        sweep = loops(MatAdd(first, left, taken), MatAdd(second, right))
        assert gather(sweep) == sweep


def test_products_of_one_value_are_in_no_stack_of_it_twice() -> None:
    """Lᵀ u + Mᵀ u + Nᵀ v: of [u; u; v] nothing is gained, and u is copied twice."""
    products = (MatMul(Transpose(L), u), MatMul(Transpose(M), u), MatMul(Transpose(N), v))
    sweep = sweep_of((u, Tanh(before)), (v, Sin(before)), (h, MatAdd(*products)))
    after = stack(sweep)
    assert sorted(concats(after), key=str) == [(L, N), (u, v)]
    assert same(sweep, after)


@pytest.mark.parametrize(
    ("of_sum", "of_products", "stacked"),
    [
        ((u, v), (u, v), True),
        ((u, v, w), (v, w), True),
        ((u, v, w), (u, w), False),
        ((u, w), (u, v), False),
        ((u, w), (u, v, c), True),
    ],
)
def test_two_products_are_one_where_there_is_a_stack_for_it(
    of_sum: tuple[MatrixSymbol, ...], of_products: tuple[MatrixSymbol, ...], stacked: bool
) -> None:
    """u Xᵀ, v Xᵀ as [u; v] Xᵀ: of Lᵀ u + Mᵀ v there is [u; v]; else two do not pay for a stack, and three do."""
    start = ((u, Tanh(before)), (v, Sin(before)), (w, Cos(before)), (c, Exp(before)))
    value = MatAdd(*(MatMul(Transpose(weight), s) for weight, s in zip((L, M, N), of_sum, strict=False)))
    made = {MatrixSymbol(f"with_{s.name}", H, 2 * H): MatMul(s, Transpose(X)) for s in of_products}
    sweep = sweep_of(*start, (h, value), *made.items())
    sweep = replace(sweep, wanted=(h, *made))
    after = stack(sweep)
    products = [p for e in after["after"] for p in walk(e.value) if isinstance(p, MatMul)]
    assert len(products) == (1 if stacked else len(of_products))
    assert same(sweep, after, *made)


def test_weights_are_in_as_many_stacks_as_products_take_them() -> None:
    """Those are made once, so that one copy more is nothing: of L and M for h[t-1], of L and N for u and v."""
    products = (MatMul(Transpose(L), u), MatMul(Transpose(N), v))
    sweep = sweep_of((u, Tanh(MatMul(L, before))), (v, Sin(MatMul(M, before))), (h, MatAdd(*products)))
    after = stack(sweep)
    assert {(L, M), (L, N)} <= {*concats(after)}
    assert same(sweep, after)


def test_a_value_that_two_of_three_take_is_beside_itself_alone() -> None:
    """u [Z]_1, u [Z]_2, v [Z]_3: of two as one product u meets both, of all three [u; u; v] would be copied."""
    G, Y = MatrixSymbol("G", 3 * H, H), MatrixSymbol("Y[t]", 3 * H, 1)
    parts = [Slice(Y, k * H, H) for k in range(3)]
    products = ((target, Hadamard(of, part)) for target, of, part in zip((a, b, c), (u, u, v), parts, strict=True))
    start = ((u, Tanh(before)), (v, Sin(before)), (Y, MatMul(G, before)))
    sweep = sweep_of(*start, *products, (h, MatAdd(a, b, c)), more=(G,))
    after = place_parts(sweep)
    assert concats(after) == [(u, u)]
    assert same(sweep, after)


def test_a_product_of_which_a_sum_takes_some_rows_is_added_to_no_more_of_them() -> None:
    (first, _), (left, _) = halves(Z), halves(X)
    sweep = loops(MatAdd(first, left), Sin(before))
    assert gather(sweep) == sweep


def test_a_product_is_gathered_with_no_stack_that_has_more_rows() -> None:
    Y = MatrixSymbol("Y[t]", 3 * H, 1)
    (first, second), (left, right) = halves(Z), halves(Y)
    sweep = replace(loops(MatAdd(first, left), MatAdd(second, right)), inputs=(X, Y))
    assert gather(sweep) == sweep


def test_a_product_that_is_wanted_stays() -> None:
    (first, second), (left, right) = halves(Z), halves(X)
    sweep = replace(loops(MatAdd(first, left), MatAdd(second, right)), wanted=(h, Z))
    assert gather(sweep) == sweep


def test_what_a_pack_takes_of_a_stack_waits_for_all_of_it() -> None:
    """tanh of a and b as one takes the stack [a; b; w]: what w waits for is in no pack with what takes that tanh."""
    r, s, z = (MatrixSymbol(f"{name}[t]", H, 1) for name in "rsz")
    there, here = (MatrixSymbol(f"{name}[t]", 3 * H, 1) for name in "ST")
    G, K = (MatrixSymbol(name, H, 3 * H) for name in "GK")
    sweep = sweep_of(
        *((a, Cos(before)), (b, Exp(before)), (r, Tanh(a)), (s, Tanh(b)), (c, OneMinus(b))),
        *((z, Sin(s)), (w, Sin(c)), (there, Concat(a, b, w)), (here, Concat(r, s, c))),
        (h, MatAdd(MatMul(G, there), MatMul(K, here), z)),
        more=(G, K),
    )
    after = place_parts(sweep)
    assert [e.value for e in after["loop"] if isinstance(e.value, Tanh)] == [Tanh(Slice(there, 0, 2 * H))]
    assert same(sweep, after)


def test_what_a_pack_takes_of_a_new_stack_waits_for_what_that_is_made_of() -> None:
    """As above, but the tanh takes [L r; M s], which has no name before, of the r and s that take [a; b; w]."""
    r, s, x, y, z, d, e = (MatrixSymbol(f"{name}[t]", H, 1) for name in "rsxyzde")
    there, here = (MatrixSymbol(f"{name}[t]", 3 * H, 1) for name in "ST")
    G, K = (MatrixSymbol(name, H, 3 * H) for name in "GK")
    sweep = sweep_of(
        *((a, Cos(before)), (b, Exp(before)), (r, Tanh(a)), (s, Tanh(b)), (u, MatMul(L, r)), (v, MatMul(M, s))),
        *((x, Tanh(u)), (y, Tanh(v)), (d, Exp(b)), (e, Cos(d)), (c, OneMinus(e)), (z, Sin(y)), (w, Sin(c))),
        *((there, Concat(a, b, w)), (here, Concat(x, y, c)), (h, MatAdd(MatMul(G, there), MatMul(K, here), z))),
        more=(G, K),
    )
    after = place_parts(sweep)
    assert sum(isinstance(e.value, Tanh) for e in after["loop"]) == 2
    assert same(sweep, after)


def test_products_in_a_row_are_in_no_stack() -> None:
    """A = u kᵀ, v = tanh(A k), B = v kᵀ: there is no [u; v] before A."""
    first, second = (MatrixSymbol(f"{name}[t]", H, H) for name in "AB")
    sweep = sweep_of(
        *((u, Tanh(before)), (c, Sin(before)), (first, MatMul(u, Transpose(c)))),
        *((v, Tanh(MatMul(first, p))), (second, MatMul(v, Transpose(c))), (h, MatMul(second, p))),
    )
    after = stack(sweep)
    assert not concats(after)
    assert same(sweep, after)


@pytest.mark.parametrize(("wanted", "stacked"), [("uv", True), ("u", False)])
def test_sums_of_all_members_of_a_stack_are_rows_of_its_sum(wanted: str, stacked: bool) -> None:
    """Of Lᵀ u + Mᵀ v there is [u; v]; of u alone the sum is taken of u."""
    sums = {symbol(f"grad({name})", (H, size(1))): value for name, value in zip(wanted, (u, v), strict=False)}
    products = (MatMul(Transpose(L), u), MatMul(Transpose(M), v))
    sweep = sweep_of((u, Tanh(before)), (v, Sin(before)), (h, MatAdd(*products)), *sums.items())
    sweep = replace(sweep, wanted=(h, *sums), summed=frozenset(sums))
    after = stack(sweep)
    values = [after.definitions[s.name] for s in sums]
    assert [isinstance(value, Slice) for value in values] == [stacked] * len(sums)
    assert same(sweep, after, *sums)


def test_a_sigmoid_of_a_sigmoid_is_half_of_half_a_tanh() -> None:
    sweep = sweep_of((u, Sigmoid(before)), (h, Sigmoid(u)))
    after = halve(sweep)
    assert not any(isinstance(e.value, Sigmoid) for e in after.equations)
    assert same(sweep, after)


@pytest.mark.parametrize(
    ("wanted", "other", "halved"),
    [((h,), before, True), ((h,), u, False), ((h, u), before, False)],
    ids=["made for it", "taken by another one", "wanted"],
)
def test_a_value_that_a_sigmoid_alone_takes_is_made_half(
    wanted: tuple[MatrixSymbol, ...], other: MatrixSymbol, halved: bool
) -> None:
    sweep = sweep_of((u, MatMul(L, before)), (v, Sigmoid(u)), (h, MatAdd(v, Tanh(other))))
    sweep = replace(sweep, wanted=wanted)
    after = halve(sweep)
    assert (MatMul(L, before) not in [e.value for e in after["loop"]]) == halved
    assert same(sweep, after, *wanted)


def test_what_a_switch_leaves_is_less_no_sum_of_what_it_takes() -> None:
    """Of the gradients of max(p, h[t-1]) that of p is a sum over all steps."""
    taken, switch = symbol("grad(p)", (H, size(1))), Step(before)
    after_loop = ((taken, Hadamard(u, switch)), (v, Hadamard(u, OneMinus(switch))))
    sweep = sweep_of((u, Tanh(before)), (h, Sin(u)), *after_loop)
    sweep = replace(sweep, wanted=(h, v, taken), summed=frozenset({taken}))
    after = rest(sweep)
    assert not any(isinstance(e.value, OneMinus) for e in after.equations)
    assert after.summed == sweep.summed
    assert same(sweep, after, v, taken)


def test_a_switch_that_goes_one_way_is_no_share() -> None:
    sweep = sweep_of((u, Tanh(before)), (h, Hadamard(u, Step(before), p)))
    assert rest(sweep) == sweep


@pytest.mark.parametrize(
    ("first", "second", "spreads"), [((q, r), (q, s), True), ((q, r), (s,), True), ((q,), (s,), False)]
)
def test_a_multiple_is_not_spread_to_two_that_have_one_factor_each(
    first: tuple[MatrixSymbol, ...], second: tuple[MatrixSymbol, ...], spreads: bool
) -> None:
    """Of c = a p, v = c q, w = c s: p q and p s would be two products for the one that is saved."""
    multiples = ((c, Hadamard(a, p)), (v, Hadamard(c, *first)), (w, Hadamard(c, *second)))
    sweep = sweep_of((a, Tanh(before)), *multiples, (h, MatAdd(v, w)), more=(q, r, s))
    after = spread(sweep)
    assert (after != sweep) == spreads
    assert same(sweep, after)


@pytest.mark.parametrize(("factors", "collects"), [((p, q, r), True), ((v, w, b), False)])
def test_what_waits_is_in_no_factor_of_a_multiple(factors: tuple[MatrixSymbol, ...], collects: bool) -> None:
    """c = u v w, c + u b = u (v w + b): one operation less where the bracket is made beforehand, else one more."""
    late = ((u, Tanh(before)), (v, Sin(before)), (w, Cos(before)), (b, Exp(before)))
    made = (c, Hadamard(u, *factors[:2]))
    sweep = sweep_of(*late, made, (h, MatAdd(c, Hadamard(u, factors[2]), Tanh(c))), more=(q, r))
    after = collect(sweep)
    assert (after != sweep) == collects
    assert operations(hoist_factors(after)) <= operations(hoist_factors(sweep))
    assert same(sweep, after)


@pytest.mark.parametrize(
    ("rows", "of_both", "wanted", "widened"),
    [
        (halves(Z), Hadamard(u, v), (h,), True),
        (halves(Z), Hadamard(u, v, Slice(Z, H, H)), (h,), False),
        (halves(X), Hadamard(u, v), (h,), False),
        (halves(Z), Hadamard(u, v), (h, a), False),
    ],
    ids=["made for them", "taken by others", "an input", "wanted"],
)
def test_activations_over_rows_that_they_alone_take_are_one(
    rows: tuple[MatrixExpr, MatrixExpr], of_both: MatrixExpr, wanted: tuple[MatrixSymbol, ...], widened: bool
) -> None:
    """The others would be copied to stand side by side."""
    start = ((Z, MatMul(U, before)), (a, MatAdd(rows[0], before)), (b, MatAdd(rows[1], before)))
    sweep = replace(sweep_of(*start, (u, Tanh(a)), (v, Tanh(b)), (h, of_both)), wanted=wanted)
    after = widen(sweep)
    assert sum(isinstance(e.value, Tanh) for e in after["loop"]) == (1 if widened else 2)
    assert same(sweep, after)


def test_only_weights_of_a_column_are_turned() -> None:
    """Neither a row, which is no matrix, nor what meets a matrix of the step."""
    r, A = MatrixSymbol("r", 1, H), MatrixSymbol("A[t]", H, H)
    sweep = sweep_of(
        *((u, MatMul(L, before)), (A, MatMul(u, Transpose(before))), (v, MatMul(MatMul(M, A, evaluate=False), p))),
        (h, Hadamard(v, Fill(MatMul(r, before), H, 1))),
        more=(r,),
    )
    after = turn(sweep)
    assert [e.value for e in after["once"]] == [Transpose(L)]
    assert same(sweep, after)


@pytest.mark.parametrize("again", [True, False])
def test_a_stack_of_weights_is_made_turned_where_no_other_takes_it(again: bool) -> None:
    """As the weights of the gates: a product with their transpose takes them as they are."""
    S = MatrixSymbol("S", 2 * H, H)
    value = MatMul(Transpose(S), Tanh(Z)) if again else Slice(Tanh(Z), 0, H)
    sweep = sweep_of((S, Concat(L, M)), (Z, MatMul(S, before)), (h, value))
    after = turn(sweep)
    assert [e.value for e in after["once"]] == ([Concat(L, M), Transpose(S)] if again else [Transpose(Concat(L, M))])
    assert same(sweep, after)


def test_rows_of_a_parameter_are_added_as_one() -> None:
    """tanh(V x + q_1), tanh(W x + q_2) of rows of q: one sum, and no line for the rows."""
    n, one = size("H"), size(1)
    x, q = symbol("x[t-1]", (n, one)), symbol("q", (3 * n, one))
    first, second = symbol("f[t]", (2 * n, one)), symbol("g[t]", (n, one))
    equations = {
        first: Tanh(MatAdd(MatMul(symbol("V", (2 * n, n)), x), Slice(q, 0, 2 * n))),
        second: Tanh(MatAdd(MatMul(symbol("W", (n, n)), x), Slice(q, 2 * n, n))),
        symbol("x[t]", (n, one)): Hadamard(Slice(first, 0, n), Slice(first, n, n), second),
    }
    cell = Cell.from_sympy(equations, name="rows", output="x")
    text = cell.code().partition("def _forward(")[2].partition("def _backward(")[0]
    assert len(re.findall(r"\+=|np\.add", text)) == 1
    assert len(re.findall(r"\bq\b", text)) == 2 + 1, "the parameter, by its name, and where it is added"
    functions = cell.lambdify()
    params = functions.init(0, H=2)
    found, _, _ = functions.forward(params, 1, {"x": np.array([[0.3, -0.2]])})
    f = np.tanh(params["V"] @ [0.3, -0.2] + params["q"][:4])
    wanted = f[:2] * f[2:] * np.tanh(params["W"] @ [0.3, -0.2] + params["q"][4:])
    np.testing.assert_allclose(found[0, 0], wanted, rtol=1e-12)


def test_the_slope_of_silu_keeps_its_digits_far_out() -> None:
    """s + y (1 - s) is s there, which is as small as exp(a): by tanh it were 0."""
    written = Cell.from_equations("h[t] = silu(x[t]) + h[t-1]", name="silu", sizes={"x": "H", "h": "H"}, output="h")
    cell = computed(written)
    backward = sequence(cell, gradient(cell)).backward
    x, one = np.array([[-33.0], [-30.0]]), np.ones((2, 1))
    given = {s.name: one for s in backward.program.inputs} | {"x[t]": x, "part(h.1)[t]": x / (1 + np.exp(-x))}
    found, wanted = (evaluate(s.program, given)["bar(x)[t]"] for s in (halve(backward), backward))
    np.testing.assert_allclose(found, wanted, rtol=1e-12)


# ── sums over all steps ──


def stacked(name: str) -> Sweep:
    cell = computed(cell_of(name))
    return stack(hoist_terms(sequence(cell, gradient(cell)).backward))


def test_what_no_step_waits_for_is_in_one_product_with_what_one_waits_for() -> None:
    """In mLSTM the gates o and q wait for nothing, v and k for the step after; and three of the biases are one sum."""
    back = stacked("mlstm")
    assert [e.target.name for e in back["before"] if e.target in back.summed] == []
    assert {"some(grad(W_o.W_q.W_v.W_k))", "some(grad(b_o.b_q.b_v))"} <= {e.target.name for e in back["after"]}


def test_no_step_writes_a_value_twice_to_save_one_product() -> None:
    """In SCRN the cotangents of h and s are stacked for x, so those of y and h are not for s."""
    back = stacked("scrn")
    made = {e.target for e in back["loop"]}
    members = [m for of_one in concats(back) for m in of_one if m in made]
    assert members
    assert len(members) == len({*members})


def test_a_sum_is_that_of_the_stack_that_has_no_more() -> None:
    """In Mogrifier the gates are stacked alone, and above what the inner steps take."""
    back = stacked("mogrifier")
    (value,) = [e.value for e in back["after"] if e.target.name.startswith("some(grad(b_")]
    assert isinstance(value, MatrixSymbol)
