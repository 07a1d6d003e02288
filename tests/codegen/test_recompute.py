"""What is kept for the way back and what is computed again: the same values to the last digit, from fewer numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from sympy import Expr, MatAdd, MatMul, Symbol, Transpose

from lstmgraph import Cell
from lstmgraph.algebra.names import size, symbol
from lstmgraph.algebra.nodes import Cos, Sin, Tanh
from lstmgraph.algebra.traverse import symbols_in, walk
from lstmgraph.calculus import gradient, reusing
from lstmgraph.codegen.computed import computed
from lstmgraph.codegen.passes import add_up, hoist_terms, passed_both, recompute, recompute_in_loop, sink
from lstmgraph.codegen.passes.recompute import is_cheap, is_matrix
from lstmgraph.codegen.sequence import Sequence, sequence
from lstmgraph.codegen.shown import passes_text
from lstmgraph.codegen.sweep import swept
from lstmgraph.codegen.targets import c, jax, numpy, torch
from lstmgraph.numeric.evaluate import evaluate
from lstmgraph.program import Equation, Program
from tests.codegen.equality import CELLS, cell_of
from tests.codegen.equality import functions_of as functions
from tests.codegen.test_passes import arrays

WAYS = {"numpy": numpy.PASSES, "torch": torch.PASSES, "jax": jax.PASSES, "c": c.PASSES}
MATRICES = ("mlstm", "attn", "delta", "ntm", "rwkv7", "matrix")  # cells with a matrix as a state
H, X = (Symbol(name, integer=True, positive=True) for name in "HX")


def both_of(name: str) -> Sequence:
    cell = computed(cell_of(name))
    return sequence(cell, gradient(cell))


def way_back(both: Sequence) -> Program:
    """Of all inputs of the cell: some tell a size that nothing else does."""
    program = both.backward.program
    return replace(program, inputs=tuple(dict.fromkeys([*program.inputs, *both.cell.inputs])))


@pytest.mark.parametrize("change", [add_up, recompute, recompute_in_loop])
@pytest.mark.parametrize("name", CELLS)
def test_what_is_computed_again_is_the_same_to_the_last_digit(
    name: str, change: Callable[[Sequence], Sequence]
) -> None:
    before = both_of(name)
    after = change(before)
    values = arrays(before.forward)
    values |= evaluate(before.forward.program, values)
    given = {s.name: values[s.name] for s in before.backward.inputs + before.backward.shared if s.name in values}
    rest = {k: v for k, v in arrays(before.backward).items() if k not in given}
    given |= {x.name: values[x.name] for x in before.cell.inputs}
    wanted = evaluate(way_back(before), {**rest, **given})
    inputs = {**{s.name: values[s.name] for s in after.saved}, **rest, **given}
    program = way_back(after).check()
    found = evaluate(program, {s.name: inputs[s.name] for s in program.inputs})
    for e in before.backward.equations:
        np.testing.assert_array_equal(found[e.target.name], wanted[e.target.name])
    again = {s for s in before.saved if s not in after.saved}
    assert all((found[s.name] == values[s.name]).all() for s in again)
    assert again.isdisjoint({*after.forward.wanted, *after.backward.inputs})


@pytest.mark.parametrize("name", CELLS)
def test_nothing_is_kept_that_is_cheap_to_compute_again(name: str) -> None:
    both = both_of(name)
    for change in (recompute, recompute_in_loop):
        after = change(both)
        assert not [e.target for e in after.forward.equations if is_cheap(e, after)]
        assert (after.saved == both.saved) == (after == both)


@pytest.mark.parametrize(
    ("name", "kept", "left"),
    [
        ("lstm", 7 * H + X, 7 * H + X),
        ("cifg", 7 * H + X, 6 * H + X),
        ("mlstm", H**2 + 8 * H + X + 9, H**2 + 8 * H + X + 7),
    ],
)
def test_how_many_numbers_are_kept(name: str, kept: Expr, left: Expr) -> None:
    both = both_of(name)
    assert both.kept() == kept
    assert recompute(both).kept() == left
    text = passes_text(both.cell, gradient(both.cell), "numpy")
    assert f"the equations: {kept} numbers per step and sample are kept" in text
    assert (f"{left} numbers.\n    " in text) == (kept != left)


@pytest.mark.parametrize(
    ("equation", "again"),
    [
        ("h[t] = f[t] * h[t-1] + i[t] * g[t]\ni[t] = 1 - f[t]", True),
        ("h[t] = f[t] * h[t-1] + i[t] * g[t]\ni[t] = exp(f[t])", False),  # a function that costs more
        ("h[t] = f[t] * h[t-1] + i[t] * g[t]\ni[t] = (1 - f[t]) * g[t]", False),  # two operations
        ("h[t] = f[t] * h[t-1] + i[t] * g[t] + V @ i[t]\ni[t] = 1 - f[t]", False),  # a factor of a product
        ("h[t] = f[t] * h[t-1] + i[t] * g[t]\ni[t] = V @ f[t]", False),
    ],
)
def test_what_is_cheap(equation: str, again: bool) -> None:
    text = f"f[t] = sigmoid(U @ h[t-1])\ng[t] = tanh(W @ x[t])\n{equation}"
    cell = Cell.from_equations(text, name="cell", sizes={"x": "X", "h": "H"}, output="h")
    both = sequence(cell, gradient(cell))
    assert "i[t]" in {str(s) for s in both.saved}
    assert ("i[t]" not in {str(s) for s in recompute(both).saved}) == again


@pytest.mark.parametrize("change", [recompute, recompute_in_loop])
@pytest.mark.parametrize(("output", "again"), [("h", True), ("i", False)])
def test_an_output_is_there_anyway(change: Callable[[Sequence], Sequence], output: str, again: bool) -> None:
    """The array that the caller gets is what is kept of it: to compute it again takes another one."""
    text = "f[t] = sigmoid(U @ h[t-1])\ni[t] = 1 - f[t]\nh[t] = f[t] * h[t-1] + i[t] * tanh(W @ x[t])"
    cell = Cell.from_equations(text, name="cell", sizes={"x": "X", "h": "H"}, output=output)
    after = change(sequence(cell, gradient(cell)))
    assert ("i[t]" in {str(s) for s in after.saved}) != again
    assert ("i[t]" in {str(e.target) for e in after.backward.equations}) == again


def test_a_function_that_the_step_has_computed_is_not_computed_again() -> None:
    """Of a rotation: the slope of the sine is the cosine, and the other way round."""
    text = """a[t] = W @ x[t]
    h[t] = cos(a[t]) * h[t-1] - sin(a[t]) * g[t-1]
    g[t] = sin(a[t]) * h[t-1] + cos(a[t]) * g[t-1]"""
    cell = Cell.from_equations(text, name="rotation", sizes={"x": "X", "h": "H", "g": "H"}, output="h")
    both = sequence(cell, gradient(cell))
    functions_of_a = {p.func for e in both.forward.equations for p in walk(e.value) if isinstance(p, (Sin, Cos))}
    assert functions_of_a == {Sin, Cos}
    assert not [p for e in both.backward.equations for p in walk(e.value) if isinstance(p, (Sin, Cos))]


def test_a_factor_of_a_product_stays() -> None:
    """r h of a GRU: the product of the gradient of U_g would have it written again."""
    both = both_of("gru")
    assert "part(g.1)[t]" in {str(s) for s in recompute(both).saved}


def test_a_column_is_computed_before_the_loop_or_in_it() -> None:
    for change, phase in ((recompute, "before"), (recompute_in_loop, "loop")):
        backward = change(both_of("cifg")).backward
        assert "f[t]" in {str(e.target) for e in backward[phase]}  # type: ignore[index]


@pytest.mark.parametrize("target", WAYS)
@pytest.mark.parametrize("name", MATRICES)
def test_a_matrix_of_a_step_is_there_in_the_loop_only(name: str, target: str) -> None:
    """Except for a state, which is kept of all steps, and a sum over them."""
    both = passed_both(both_of(name), WAYS[target])
    states = {s for state in both.cell.states for s in (state.previous, state.next)}
    assert not [s for s in both.saved if is_matrix(s) and s not in states and s not in both.forward.constant()]
    for sweep in (both.forward, both.backward):
        shared = {*sweep.summed, *sweep.constant()}
        outside = [e for phase in ("before", "after") for e in sweep[phase]]
        summed = {s for e in outside if e.target in shared for s in e.value.free_symbols}
        made = {e.target for e in outside if is_matrix(e.target)} - states - shared - summed
        assert not made


def test_sums_that_take_matrices_of_the_loop_are_added_up_in_it() -> None:
    """Then a matrix that the loop takes and a sum is cheap to compute again: nothing else takes it of all steps."""
    both = both_of("decays")
    added = add_up(both)
    loop = [str(e.target) for e in added.backward["loop"] if e.target in added.backward.summed]
    assert loop == ["grad(gamma)", "sum(grad(A))", "grad(ones)"]  # of A times exp(A), after it
    assert recompute(both).saved == both.saved
    assert [str(s) for s in both.saved if s not in recompute(added).saved] == ["part(M.2)[t]"]


def test_a_sum_of_what_is_kept_anyway_stays_after_the_loop() -> None:
    """bar(M) is a factor of the gradient of V, a product of matrices of all steps; R takes another matrix, too."""
    text = "M[t] = V @ (R * M[t-1]) + b + (W @ x[t]) @ x[t].T\ny[t] = M[t] @ x[t]"
    cell = Cell.from_equations(text, name="cell", sizes={"x": "X", "M": ["H", "X"]}, output="y")
    backward = add_up(sequence(cell, gradient(cell))).backward
    assert {"grad(V)", "grad(b)"} <= {str(e.target) for e in backward["after"]}
    assert "grad(R)" in {str(e.target) for e in backward["loop"]}


def test_a_sum_of_what_is_handed_out_stays_after_the_loop() -> None:
    """d_X = d_M k is asked for, so it is there of all steps: of k q R the gradient of q is the sum of d_X R."""
    sizes = {name: ["H", "X"] for name in "MXR"} | {"x": "X"}
    cell = Cell.from_equations("M[t] = M[t-1] + k * X[t] + k * q * R\ny[t] = M[t] @ x[t]", sizes=sizes, output="y")
    for form, phase in ((gradient(cell), "loop"), (reusing(gradient(cell), cell.step), "after")):
        backward = add_up(sequence(cell, form)).backward
        assert "sum(grad(q))" in {str(e.target) for e in backward[phase]}  # type: ignore[index]


def test_no_term_of_a_sum_that_the_loop_adds_up_is_made_before_it() -> None:
    """d_Y M[t-1] of d_B = Σ d_M tanh(M[t-1]) + d_Y M[t-1] would be a matrix of all steps."""
    text = "Y[t] = B * M[t-1]\nM[t] = tanh(M[t-1]) * B + u[t] @ x[t].T"
    sizes = {name: ["H", "X"] for name in "YMB"} | {"x": "X", "u": "H"}
    cell = Cell.from_equations(text, sizes=sizes, output="Y")
    backward = add_up(sequence(cell, gradient(cell))).backward
    assert [str(e.target) for e in backward.added()] == ["grad(B)"]
    assert isinstance(backward.definitions["grad(B)"], MatAdd)
    assert hoist_terms(backward) == backward


@pytest.mark.parametrize("row", [False, True])
def test_a_sum_that_is_a_row_of_each_sample_stays_after_the_loop(row: bool) -> None:
    """A u is added up where A is made, uᵀ A is not."""
    before, p, u = (symbol(name, (H, size(1))) for name in ("h[t-1]", "p", "u[t]"))
    h, made = symbol("h[t]", (H, size(1))), symbol("A[t]", (H, H))
    value = MatMul(Transpose(u), made) if row else MatMul(made, u)
    total = symbol("grad(p)", value.shape)
    values = {u: Sin(before), made: MatMul(u, Transpose(before)), h: Tanh(MatMul(made, p)), total: value}
    equations = tuple(Equation(target, value) for target, value in values.items())
    sweep = swept(Program("p", (p, before), equations, (h, total)), (p,), {before: h}, frozenset({total}))
    after = add_up(replace(both_of("rnn"), backward=sweep)).backward
    assert [e.target for e in (after["after"] if row else after.added())] == [total]


def test_a_number_for_all_entries_is_no_matrix_of_its_own() -> None:
    """f of an mLSTM is written where C̄ is multiplied with it."""
    loop = passed_both(both_of("mlstm"), numpy.PASSES).backward["loop"]
    (value,) = (e.value for e in loop if str(e.target) == "bar(C)[t-1]")
    assert "Fill(f[t], H, H)" in str(value)


def test_a_cotangent_of_which_others_make_several_matrices_is_kept_itself() -> None:
    """Of decays: M̄ of all steps, and not M̄ ⊙ M[t-1] and M̄ ⊙ exp(...) made of it in the loop; of an mLSTM none."""

    def matrices(name: str) -> list[str]:
        back = sink(hoist_terms(both_of(name).backward))
        taken = {s for e in back["after"] for s in symbols_in(e.value)}
        return [str(e.target) for e in back["loop"] if 1 not in e.target.shape and e.target in taken]

    assert matrices("decays") == ["bar(M)[t]"]
    assert matrices("mlstm") == []


def test_what_has_no_matrices_is_left() -> None:
    sweep = both_of("peephole_lstm").backward
    assert sink(sweep) == sweep


def test_only_the_state_of_an_mlstm_is_a_matrix_of_all_steps() -> None:
    source = functions("mlstm").source
    assert [line.split(" = ")[0].strip() for line in source.splitlines() if "(T + 1, B, H, H)" in line] == ["Cs"]
    assert "(T, B, H, H)" not in source
    assert source.count("np.multiply(C_1.T[..., None], k.T[..., None, :], C)") == 1
