"""Sizes are inferred from little, strictly; what stays open or contradicts itself is said."""

from __future__ import annotations

import pytest

from lstmgraph.algebra.nodes import Fill, Hadamard
from lstmgraph.algebra.shapes import show_shape
from lstmgraph.algebra.traverse import walk
from lstmgraph.cell import Cell
from lstmgraph.errors import ShapeError
from lstmgraph.reading import from_equations

RNN = "h[t] = tanh(W @ x[t] + U @ h[t-1] + b)"


def shapes(cell: Cell) -> dict[str, str]:
    symbols = [*cell.inputs, *cell.parameters, *cell.values.values()]
    return {str(s): show_shape(s.shape) for s in symbols}


def inferred(text: str, **sizes: object) -> dict[str, str]:
    constants = {"k": 0.5} if " k " in text else {}
    return shapes(from_equations(text, sizes=sizes, constants=constants))


def test_a_network_from_its_input_and_its_state() -> None:
    found = inferred(RNN, x="X", h="H")
    assert found == {"x[t]": "(X)", "W": "(H, X)", "U": "(H, H)", "b": "(H)", "h[t]": "(H)"}


def test_a_network_from_one_matrix() -> None:
    assert inferred(RNN, W=["H", "X"]) == inferred(RNN, x="X", h="H")


def test_what_may_have_any_number_of_columns_is_a_vector() -> None:
    assert inferred("y[t] = W @ M[t]", W=["H", "X"]) == {"M[t]": "(X)", "W": "(H, X)", "y[t]": "(H)"}
    assert inferred("y[t] = W @ M[t]", W=["H", "X"], y=["H", "C"])["M[t]"] == "(X, C)"


def test_whole_numbers_are_sizes_too() -> None:
    assert inferred(RNN, x=3, U=[4, 4]) == {"x[t]": "(3)", "W": "(4, 3)", "U": "(4, 4)", "b": "(4)", "h[t]": "(4)"}


def test_a_size_may_be_a_sum() -> None:
    assert inferred("y[t] = W @ x[t]", x="H + 2*X", y=["Y", 1])["W"] == "(Y, H + 2*X)"


def test_concat_adds_its_rows() -> None:
    assert inferred("h[t] = W @ concat(h[t-1], x[t], 1)", h="H", x="X")["W"] == "(H, H + X + 1)"


def test_a_part_of_concat_follows_from_the_whole() -> None:
    found = inferred("h[t] = W @ concat(h[t-1], x[t])", h="H", W=["H", "H + X"])
    assert found["x[t]"] == "(X)"


def test_scalars() -> None:
    found = inferred("s[t] = sum(x[t])\ny[t] = a * x[t] + s[t]\nz[t] = a ** 2", x="X", a=1)
    assert found == {"x[t]": "(X)", "a": "scalar", "s[t]": "scalar", "y[t]": "(X)", "z[t]": "scalar"}


def test_a_scalar_is_broadcast_by_a_fill() -> None:
    cell = from_equations("y[t] = k * x[t] * 2", sizes={"x": "X"}, constants={"k": 0.5})
    value = cell.equations[0].value
    assert isinstance(value, Hadamard)
    assert [type(a) for a in value.args] == [Fill, type(cell.inputs[0]), Fill]
    assert all(a.shape == cell.inputs[0].shape for a in value.args)
    assert sum(isinstance(x, Fill) for x in walk(value)) == 2


def test_an_undeclared_factor_is_a_vector() -> None:
    assert inferred("h[t] = relu(W @ x[t] + u * h[t-1])", x="X", h="H")["u"] == "(H)"


def test_inner_and_outer_products_and_a_matrix_state() -> None:
    found = inferred(
        "C[t] = f[t] * C[t-1] + v[t] @ k1[t].T\n"
        "f[t] = sigmoid(w.T @ x[t] + b)\n"
        "k1[t] = W_k @ x[t]\n"
        "v[t] = W_v @ x[t]\n"
        "h[t] = C[t] @ q[t] / maximum(abs(q[t].T @ k1[t]), 1)",
        x="X",
        C=["V", "K"],
    )
    assert (found["q[t]"], found["v[t]"], found["h[t]"]) == ("(K)", "(V)", "(V)")
    assert (found["f[t]"], found["w"], found["b"]) == ("scalar", "(X)", "scalar")


def test_a_number_alone_takes_the_shape_that_is_asked_for() -> None:
    assert inferred("h[t] = 0.5\ny[t] = h[t] + x[t]", x="X")["h[t]"] == "(X)"


def test_softmax_takes_a_vector() -> None:
    assert inferred("w[t] = softmax(M @ x[t])", x="X", M=["S", "X"])["w[t]"] == "(S)"
    assert "takes a vector" in wrong("w[t] = softmax(M)", M=["S", "X"]).message


def test_the_order_of_the_equations_does_not_matter() -> None:
    lines = ["h[t] = o[t] * tanh(c[t])", "c[t] = f[t] * c[t-1] + f[t]", "o[t] = W @ x[t]", "f[t] = sigmoid(V @ x[t])"]
    expected = inferred("\n".join(lines), x="X", h="H")
    assert inferred("\n".join(reversed(lines)), x="X", h="H") == expected
    assert expected["V"] == "(H, X)"


# ── errors ──


def wrong(text: str, **sizes: object) -> ShapeError:
    with pytest.raises(ShapeError) as caught:
        from_equations(text, sizes=sizes)
    return caught.value


@pytest.mark.parametrize(
    ("text", "sizes", "message", "hint"),
    [
        (RNN, {}, "the size of 'h' stays open: it is (?, ?)", 'h = "H"'),
        (RNN, {"x": "X"}, "the size of 'h' stays open: it is (?)", 'h = "H"'),
        (RNN, {"h": "H"}, "the size of 'x' stays open: it is (?)", 'x = "X"'),
        (
            "y[t] = C[t] @ q[t]\nC[t] = C[t-1] + v[t] @ k[t].T",
            {"v": "V"},
            "'C' stays open: it is (V, ?)",
            'C = ["V", "C"]',
        ),
        ("y[t] = W @ x[t] + hiden[t]\nhidden[t] = y[t]", {"x": "X"}, "stays open", "did you mean 'hidden'"),
        ("hidden[t] = x[t]\ny[t] = hiden[t]", {"x": "X"}, "'hiden' stays open", "did you mean 'hidden'"),
        (RNN, {"x": "X", "h": "H", "b": "X"}, "b is (X), but", ""),
        (
            RNN,
            {"x": "X", "h": "H", "W": ["X", "H"]},
            "the columns of the first (H) must be the rows of the second (X)",
            "",
        ),
        ("y[t] = a[t] @ b[t]", {"a": "H", "b": "H"}, "for @", "elementwise product"),
        ("y[t] = f[t] * U @ h[t-1]\nh[t] = f[t]", {"f": "H", "U": ["H", "H"]}, "f[t] is (H), but", "f[t] * (W @ x[t])"),
        ("y[t] = W * f[t]", {"f": "H", "W": ["H", "H"]}, "entry by entry", "the matrix product is @"),
        (
            "g[t] = concat(W @ x[t] + b, V @ x[t])\ny[t] = P @ g[t]",
            {"x": "X", "b": "H", "y": "Y"},
            "the size of 'V' stays open",
            '[sizes]: V = ["V", "X"]',
        ),
        ("b[t] = relu(w.T @ x[t])\ny[t] = b[t] * (k[t] @ k[t].T)", {"x": "X", "k": "K"}, "entry by entry", "b = 1"),
        (
            "g[t] = relu(w.T @ x[t])\nC[t] = (1 - g[t]) * C[t-1] + u[t] @ v[t].T",
            {"x": "X", "C": ["V", "K"]},
            "entry by entry",
            "if g is a scalar, add a line to [sizes]: g = 1",
        ),
        ("y[t] = sum(x[t])", {"x": "X", "y": "X"}, "y[t] is (X), but its value is scalar", ""),
        ("y[t] = x[t].T + z[t]", {"x": "X", "z": "X"}, "z[t] is (X), but x[t].T is (1, X)", ""),
        ("y[t] = concat(x[t], z[t])", {"x": "X", "z": "Z", "y": "Y"}, "concat has X + Z rows, but Y are wanted", ""),
        ("u[t] = a * x[t]\nh[t] = a * z[t]", {"x": "X", "z": "Z"}, "entry by entry", "a = 1"),
    ],
)
def test_what_does_not_fit_is_said(text: str, sizes: dict[str, object], message: str, hint: str) -> None:
    error = wrong(text, **sizes)
    assert message in error.message
    assert hint in error.hint
    assert error.place is not None


def test_a_contradiction_says_where_the_other_side_comes_from() -> None:
    error = wrong("a[t] = x[t] + y[t]\nb[t] = W @ a[t]\nd[t] = z[t] + a[t]", x="X", z="Z", b="B")
    assert error.place is not None
    assert (error.place.line, error.place.column) == (3, 15)
    assert "a is (X) because of line 1" in error.hint


def test_brackets_that_are_missing_do_not_make_a_gate_a_scalar() -> None:
    gate = "r[t] = sigmoid(V @ x[t])\n"
    assert "r[t]" in wrong(gate + "h[t] = r[t] * U @ h[t-1] + x[t]", x="X").message
    assert inferred(gate + "h[t] = r[t] * (U @ h[t-1]) + x[t]", x="X")["r[t]"] == "(X)"
