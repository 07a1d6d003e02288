"""What is computed already is not computed again."""

from __future__ import annotations

import pytest

import lstmgraph
from lstmgraph.algebra.traverse import walk
from lstmgraph.codegen.computed import computed
from tests.codegen.test_computed import text_of


@pytest.mark.parametrize(
    ("gate", "other"),
    [
        ("W @ x[t] + U @ h[t-1] + b", "W @ x[t] + U @ h[t-1] + d"),
        ("W @ x[t] + U @ h[t-1] + b", "d + U @ h[t-1] + W @ x[t]"),
        ("W @ x[t] + U @ h[t-1] + b", "U @ h[t-1] + W @ x[t]"),
        ("U @ h[t-1] + b", "x[t] - U @ h[t-1]"),
    ],
)
def test_a_product_that_gates_share_is_one(gate: str, other: str) -> None:
    """There and back: neither its weights nor its cotangents are in a stack."""
    text = lstmgraph.Cell.from_equations(
        f"z[t] = sigmoid({gate})\nh[t] = z[t] * h[t-1] + tanh({other})", name="one", sizes={"x": "X", "h": "X"}
    ).code("numpy")
    assert "concatenate" not in text
    assert "half_U" not in text
    assert text.count("U.dot(h_prev") == text.count("d_U = ") == 1


@pytest.mark.parametrize(
    ("equations", "terms"),
    [
        ("m[t] = maximum(s[t-1] + x[t], b)\ns[t] = exp(x[t] + s[t-1] - m[t])", [2, 2]),
        ("m[t] = s[t-1] + x[t]\ns[t] = tanh(b + s[t-1] + x[t])", [2, 2]),
        ("m[t] = s[t-1] + x[t]\ns[t] = tanh(s[t-1] - x[t] + b)", [3]),
        ("m[t] = x[t] + x[t] + s[t-1]\ns[t] = tanh(x[t] + s[t-1] + b + m[t])", [4]),
        ("m[t] = s[t-1] + x[t]\ns[t] = tanh(s[t-1] + b + m[t])", [3]),
    ],
)
def test_a_sum_is_made_of_another_one(equations: str, terms: list[int]) -> None:
    cell = lstmgraph.Cell.from_equations(equations, name="sums", sizes={"x": "X"}, output="s")
    value = computed(cell).equations[-1].value
    assert [len(part.args) for part in walk(value) if part.is_MatAdd] == terms


@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        ("sum(v) * (v @ x[t].T)", "sum(v) * v @ x[t].T"),
        ("sum(x[t]) * S[t-1] @ x[t] @ x[t].T", "sum(x[t]) * (S[t-1] @ x[t]) @ x[t].T"),
        ("x[t] @ (x[t].T @ (0.5 * S[t-1]))", "x[t] @ (1 / 2 * (x[t].T @ S[t-1]))"),
        ("(0.5 * W) @ x[t] @ x[t].T", None),  # once for all steps
        ("W @ (0.5 * S[t-1])", None),
        ("x[t] @ x[t].T", None),
        ("0.5 * (W @ S[t-1])", None),
        ("0.5 * (x[t] @ v.T) * (w @ x[t].T)", None),  # of two outer products none is more than the other
    ],
)
def test_a_number_is_multiplied_with_a_column_rather_than_with_a_matrix(written: str, wanted: str | None) -> None:
    sizes = {"S": ["X", "X"]} | ({"x": "X"} if "x" in written else {})
    cell = lstmgraph.Cell.from_equations(f"S[t] = S[t-1] + {written}", name="s", sizes=sizes)
    new = computed(cell)
    assert (new is cell) == (wanted is None)
    assert wanted is None or wanted in text_of(new)


@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        ("v @ x[t].T - w @ x[t].T", "(v - w) @ x[t].T"),
        ("-(v @ x[t].T) + W + w @ x[t].T", "(w - v) @ x[t].T + W"),
        ("0.5 * (v @ x[t].T) - 0.5 * (w @ x[t].T)", "1 / 2 * (v - w) @ x[t].T"),
        ("x[t] @ v.T + w @ x[t].T - w @ v.T + v @ x[t].T", "(x[t] - w) @ v.T + (w + v) @ x[t].T"),
        ("v @ x[t].T + x[t] @ v.T", None),
        ("W @ x[t] @ x[t].T + W", None),
    ],
)
def test_outer_products_of_one_row_become_one(written: str, wanted: str | None) -> None:
    cell = lstmgraph.Cell.from_equations(f"S[t] = S[t-1] + {written}", name="s", sizes={"S": ["X", "X"], "x": "X"})
    new = computed(cell)
    assert (new is cell) == (wanted is None)
    assert wanted is None or wanted in text_of(new)


def test_a_product_that_is_a_column_is_multiplied_as_it_is() -> None:
    """A number times w u, u a number of the step, is no cheaper by a multiple of w, which is known before the loop."""
    cell = lstmgraph.Cell.from_equations("h[t] = h[t-1] + 0.5 * (w @ u[t])", name="c", sizes={"h": "H", "u": 1})
    assert computed(cell) is cell
