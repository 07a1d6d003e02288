"""Products with stacks of early and late values, W [h; x], are one with h in the loop and one with x before it."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace

import pytest
from sympy import MatAdd, MatMul, Symbol

from lstmgraph.algebra.nodes import Concat
from lstmgraph.algebra.traverse import walk
from lstmgraph.calculus import gradient
from lstmgraph.cell import Cell
from lstmgraph.codegen import generate
from lstmgraph.codegen.passes import hoist_terms, split, split_products
from lstmgraph.codegen.passes.split import with_parts_written
from lstmgraph.codegen.sequence import Sequence, sequence
from lstmgraph.codegen.shown import passes_text, products
from lstmgraph.codegen.sweep import Phase, Sweep
from lstmgraph.reading import from_equations
from tests.codegen.equality import cell_of
from tests.codegen.test_passes import assert_same_values

H, X = (Symbol(name, integer=True, positive=True) for name in "HX")


def both_of(cell: Cell) -> Sequence:
    return sequence(cell, gradient(cell))


def cell(equation: str, more: str = "") -> Cell:
    text = f"h[t] = tanh({equation})\n{more}"
    letters = {"h": "H", "c": "H", "x": "X", "y": "X", "p": "P", "z": "Z"}
    sizes: dict[str, object] = {name: letters[name] for name in letters if re.search(rf"\b{name}\b", text)}
    return from_equations(text, name="cell", sizes=sizes, output="h")


def columns(sweep: Sweep, phase: Phase) -> list[object]:
    """Of the products of a phase how many columns their weights have."""
    return sorted((p.args[0].shape[1] for p in products(sweep, phase)), key=str)


@pytest.mark.parametrize(
    "name",
    [
        *("of_both", "of_both_reset", "of_stacks", "of_output", "of_kept", "within_a_stack"),
        *("attn", "ugrnn", "esn", "made_weights"),
    ],
)
def test_the_values_stay(name: str) -> None:
    before = both_of(cell_of(name))
    after = split(before)
    assert after.forward != before.forward
    assert_same_values(before, after)
    assert_same_values(before, replace(before, forward=split_products(before.forward)))


def test_a_formula_in_a_stack_is_multiplied_alone_too() -> None:
    """Of W [r h; x] the product with x is made before the loop, and x̄ after it."""
    both = split(both_of(cell_of("of_both_reset")))
    forward = hoist_terms(both.forward)
    assert (columns(forward, "loop"), columns(forward, "before")) == ([H] * 3, [X] * 3)
    assert {e.target for e in forward.equations if isinstance(e.value, Concat)}.isdisjoint(both.saved)
    assert columns(both.backward, "loop") == [H] * 3


def test_a_sum_in_a_stack_has_a_name() -> None:
    """C computes a product in its rows of a stack, and a sum of two where the first of these is."""
    forward = split(both_of(cell_of("within_a_stack"))).forward
    stacks = [p for e in forward.equations for p in walk(e.value) if isinstance(p, Concat)]
    assert stacks
    assert not [member for stack in stacks for member in stack.args if isinstance(member, MatAdd)]


def test_what_is_there_before_is_multiplied_before_the_loop() -> None:
    """Of an LSTM: four products with h, and four with x, there and back, and as many for the gradients; no stack."""
    both = split(both_of(cell_of("of_both")))
    forward = hoist_terms(both.forward)
    assert columns(forward, "loop") == [H] * 4
    assert columns(forward, "before") == [X] * 4
    assert [p.args[0].shape[0] for p in products(both.backward)] == [H] * 4
    carried = both.backward.definitions["bar(h)[t-1]"]
    assert [type(term) for term in carried.args] == [MatMul] * 4  # by no other name
    back = [p for e in both.backward["after"] for p in walk(e.value) if isinstance(p, MatMul)]
    assert Counter(p.shape for p in back) == {(X, 1): 4, (H, H): 4, (H, X): 4}
    known = {s.name for s in both.saved} | both.forward.definitions.keys() | both.backward.definitions.keys()
    assert "part(f.1)[t]" not in known


def test_gradients_are_rows_beside_one_another() -> None:
    """Of a GRU of [h; x] and [r h; x]: as of one with products apart, no copy in the loop, and one product for x̄."""
    shown = cell_of("of_both_reset")
    text = generate(shown, gradient(shown)).partition("def _backward")[2]
    assert "[...] =" not in text.partition("def ")[0]
    assert re.search(r"d_W_z = np.concatenate\(\[d_W_zr\[:H\], d_\w+\[H:2\*H\]\], axis=1\)", text)
    assert text.count("unflat(") == 1
    assert "d_W_z = torch.cat([d_W_zr[:H], " in generate(shown, gradient(shown), "torch")


def test_in_c_columns_are_where_they_belong() -> None:
    """Those of a gradient are written with its rows, and of a weight's pack has what a step takes, once."""
    shown = cell_of("of_both_reset")
    text = generate(shown, gradient(shown), "c")
    assert re.search(
        r"grads->W_z, H \+ X, 0\);\n    multiply\(H, X, T \* B, .* xs, X, grads->W_z \+ H, H \+ X, 0\);", text
    )
    assert "return 3 * H * H + 3 * H * X;\n}\n\nvoid of_both_reset_pack(" in text


@pytest.mark.parametrize(
    "equation",
    [
        "(W @ concat(h[t-1], x[t])) * 1 + V @ (k * concat(h[t-1], x[t]))",  # k̄ takes it, too
        "W @ concat(h[t-1], x[t], p)",  # of p, which is the same at all steps, there is no product over them
    ],
)
def test_a_stack_is_made_again_where_gradients_of_columns_will_not_do(equation: str) -> None:
    both = split(both_of(cell(equation)))
    assert "part(h.1)[t]" in {e.target.name for e in both.backward["after"]}


@pytest.mark.parametrize(
    ("equation", "more", "splits"),
    [
        ("W @ concat(h[t-1], x[t])", "", True),
        ("W @ concat(x[t], h[t-1], x[t])", "", True),
        ("W.T @ concat(x[t], h[t-1])", "", True),
        ("W @ concat(p, h[t-1]) + V @ x[t]", "", True),
        ("W @ concat(h[t-1], c[t-1]) + V @ x[t]", "c[t] = sin(h[t])", False),  # both wait for the step before
        ("W @ concat(x[t], z[t]) + V @ h[t-1]", "", False),  # neither does
        ("W @ concat(x[t], y[t-1]) + V @ h[t-1]", "y[t] = identity(x[t])", False),
        ("V @ x[t] + (W @ h[t-1]) @ (concat(p, h[t-1]).T @ concat(p, h[t-1]))", "", False),  # by no weight
        ("sum(concat(x[t], h[t-1]) * concat(y, h[t-1])) * h[t-1]", "", False),
    ],
)
def test_what_is_split(equation: str, more: str, splits: bool) -> None:
    both = both_of(cell(equation, more))
    assert (split(both) != both) == splits
    assert (split_products(both.forward) != both.forward) == splits


def test_a_cotangent_that_is_taken_whole_stays_whole() -> None:
    """Of u both W u and the sum of its entries are taken."""
    both = split(both_of(cell("W @ u[t] * sum(u[t])", "u[t] = concat(h[t-1], x[t])")))
    assert "bar(u)[t]" in both.backward.definitions
    assert "u[t]" in both.forward.definitions


def test_columns_are_written_where_they_are_stacked() -> None:
    """W[:, :H] of each gate has a name only where a product takes it."""
    both = split(both_of(cell_of("of_both")))
    assert with_parts_written(both.forward) == both.forward
    text = generate(cell_of("of_both"), gradient(cell_of("of_both")))
    assert "np.concatenate([W_f[:, H:], W_i[:, H:], W_o[:, H:], W_c[:, H:]])" in text
    alone = cell("W @ concat(h[t-1], x[t])")
    assert "W_2 = W[:, H:]" in generate(alone, gradient(alone))


def test_the_pass_is_shown() -> None:
    shown = cell_of("of_both")
    text = passes_text(shown, gradient(shown), "numpy")
    assert "1. split: A product with a stack" in text
    assert "    pre_f = W_f_1 @ h_prev + W_f_2 @ x + b_f\n" in text
    assert "    f_1 = np.concatenate([h_prev, x])\n" in text
    for direction in ("forward", "backward"):
        table = text.partition(f"\n{direction}\n====")[2]
        rows = re.findall(r"^(?:the equations|1\. split) +\d+ +\d+ +(.*\S) +\d+ +\d+$", table, re.MULTILINE)
        assert rows[0] == "4*H*(H + X)", "of all columns"
        assert rows[1] == {"forward": "4*H**2 + 4*H*X", "backward": "4*H**2"}[direction]
    same = passes_text(cell_of("lstm"), gradient(cell_of("lstm")), "numpy")
    assert re.search(r"^1\. split: .*  Nothing to do\.$", same, re.MULTILINE)
    assert not re.search(r"^1\. split: .*  Nothing to do\.$", text, re.MULTILINE)
