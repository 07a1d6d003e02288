"""What the text of an equation means, as nodes; and back to text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sympy import Integer, MatAdd, MatMul, MatrixExpr, Rational, Transpose

from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.names import size, symbol
from lstmgraph.algebra.rules import FUNCTIONS
from lstmgraph.algebra.traverse import check_shapes
from lstmgraph.cell import Cell
from lstmgraph.reading import from_equations, source

H = size("H")
V = (H, size(1))
a, b, c = (symbol(name, V) for name in ("a[t]", "b[t]", "c[t]"))
W = symbol("W", (H, H))
VECTORS: dict[str, object] = {"a": "H", "b": "H", "c": "H", "s": 1, "W": ["H", "H"]}


def cell_of(expression: str, **sizes: object) -> Cell:
    """The cell y[t] = expression, where y may have any shape."""
    used = {k: v for k, v in VECTORS.items() if f"{k}[t]" in expression or (k in "sW" and k in expression.split())}
    return from_equations(f"y[t] = {expression}", sizes={**used, **sizes})


def value(expression: str, **sizes: object) -> MatrixExpr:
    return cell_of(expression, **sizes).equations[0].value


def number(text: str | int) -> MatrixExpr:
    return n.Fill(Rational(text), *V)


MEANINGS = [
    ("W @ a[t]", MatMul(W, a)),
    ("W @ W @ a[t]", MatMul(MatMul(W, W), a)),
    ("W @ ( W @ a[t])", MatMul(W, MatMul(W, a))),
    ("a[t] * b[t] * c[t]", n.Hadamard(a, b, c)),
    ("a[t] * (b[t] * c[t])", n.Hadamard(a, b, c)),
    ("c[t] + b[t] + a[t]", MatAdd(c, b, a)),
    ("c[t] + (b[t] - a[t])", MatAdd(c, b, n.Negative(a))),
    ("a[t] - b[t]", MatAdd(a, n.Negative(b))),
    ("a[t] - (b[t] + c[t])", MatAdd(a, n.Negative(MatAdd(b, c)))),
    ("1 - a[t]", n.OneMinus(a)),
    ("1.0 - a[t] + b[t]", MatAdd(n.OneMinus(a), b)),
    ("b[t] + 1 - a[t]", MatAdd(b, number(1), n.Negative(a))),
    ("b[t] * (1 - a[t])", n.Hadamard(b, n.OneMinus(a))),
    ("2 - a[t]", MatAdd(number(2), n.Negative(a))),
    ("1 / a[t]", n.Reciprocal(a)),
    ("2 / a[t]", n.Divide(number(2), a)),
    ("a[t] / b[t] * c[t]", n.Hadamard(n.Divide(a, b), c)),
    ("a[t] ** 2", n.Power(a, number(2))),
    ("-a[t] ** 2", n.Negative(n.Power(a, number(2)))),
    ("a[t] ** b[t] ** c[t]", n.Power(a, n.Power(b, c))),
    ("-a[t] * b[t]", n.Hadamard(n.Negative(a), b)),
    ("+a[t]", a),
    ("0.1 * a[t]", n.Hadamard(number("1/10"), a)),
    ("1 / 3 * a[t]", n.Hadamard(number("1/3"), a)),
    ("2 * 3 * a[t]", n.Hadamard(number(6), a)),
    ("2 * (3 * a[t])", n.Hadamard(number(6), a)),
    ("1_000 * a[t]", n.Hadamard(number(1000), a)),
    ("1e-3 * a[t]", n.Hadamard(number("1/1000"), a)),
    ("2 ** 10 * a[t]", n.Hadamard(number(1024), a)),
    ("-2 * a[t]", n.Hadamard(number(-2), a)),
    ("a[t] - 2", MatAdd(a, n.Negative(number(2)))),
    ("sigmoid(a[t])", n.Sigmoid(a)),
    ("maximum(a[t], b[t], 0)", n.Maximum(n.Maximum(a, b), number(0))),
    ("minimum(1, a[t])", n.Minimum(number(1), a)),
    ("concat(a[t], b[t], c[t])", n.Concat(a, b, c)),
    ("softmax(a[t])", n.Softmax(a)),
    ("sum(a[t])", n.Sum(a)),
    ("a[t].T @ b[t]", MatMul(Transpose(a), b)),
    ("a[t] @ b[t].T", MatMul(a, Transpose(b))),
    ("( W @ a[t]).T", Transpose(MatMul(W, a))),
    ("a[t] ⊙ b[t] − c[t]", MatAdd(n.Hadamard(a, b), n.Negative(c))),
    ("( a[t]  # one\n  + b[t])", MatAdd(a, b)),
]


@pytest.mark.parametrize(("text", "expected"), MEANINGS, ids=[m[0] for m in MEANINGS])
def test_an_expression_means(text: str, expected: MatrixExpr) -> None:
    assert value(text) == expected


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_every_function_can_be_called(name: str) -> None:
    text = f"{name}(a[t], b[t])" if name in ("maximum", "minimum", "concat") else f"{name}(a[t])"
    assert isinstance(value(text), FUNCTIONS[name])
    assert source(value(text)) == text


def test_numbers_are_exact() -> None:
    filled = value("0.3 * a[t]").args[0]
    assert filled.args[0] == Rational(3, 10)
    assert isinstance(value("3 * a[t]").args[0].args[0], Integer)


def test_comments_beside_an_equation_are_its_note() -> None:
    cell = from_equations(
        "# a heading\ny[t] = (a[t]   # first\n   + b[t]) # second\nz[t] = a[t]\n\nw[t] = y[t]  ## third",
        sizes={"a": "H"},
    )
    assert [e.note for e in cell.equations] == ["first second", "", "third"]


def test_names_that_mean_something_to_sympy_and_python_are_ordinary() -> None:
    text = "S[t] = tanh(I @ E[t] + N @ S[t-1] + Q)\nbeta[t] = zeta * gamma * pi * S[t] + lambda_ + oo"
    cell = from_equations(text, sizes={"E": "X", "S": "H"})
    assert [p.name for p in cell.parameters] == ["I", "N", "Q", "zeta", "gamma", "pi", "lambda_", "oo"]
    assert [s.name for s in cell.states] == ["S"]


@pytest.mark.parametrize(
    "text",
    [
        "a[t] - (b[t] - c[t])",
        "(a[t] + b[t]) * c[t]",
        "a[t] + b[t] * c[t]",
        "a[t] + (1 - b[t])",
        "1 - a[t] * b[t]",
        "1 - (a[t] + b[t])",
        "a[t] / (b[t] * c[t])",
        "(a[t] / b[t]) ** 2",
        "(-a[t]) ** 2",
        "-a[t] ** 2",
        "-(a[t] * b[t])",
        "a[t] ** -1",
        "a[t] * -b[t]",
        "W @ (a[t] + b[t])",
        "(W @ a[t]) * b[t]",
        "(W @ W).T @ a[t]",
        "0.1 * a[t] + 1/3 * b[t] - 2",
        "1e30 * a[t] + 1.25e-25",
        "maximum(a[t], b[t], c[t])",
        "exp(a[t] - maximum(b[t], 0))",
        "s * a[t]",
    ],
)
def test_text_comes_back_as_it_was_written(text: str) -> None:
    assert source(value(text)) == text


# ── any expression, written and read again ──

leaves = st.sampled_from(["a[t]", "b[t]", "c[t]", "s", "(W @ a[t])", "2", "0.5", "1", "-3", "1/3", "s * s", "(1 - s)"])


def _grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    binary = st.tuples(inner, st.sampled_from(["+", "-", "*", "/", "**"]), inner)
    calls = st.tuples(st.sampled_from(["tanh", "exp", "identity", "-", "1 - ", "1 / ", "(W @ a[t]) * "]), inner)
    pairs = st.tuples(st.sampled_from(["maximum", "minimum"]), inner, inner)
    return st.one_of(
        binary.map(lambda p: f"({p[0]}) {p[1]} ({p[2]})"),
        binary.map(lambda p: f"({p[0]} {p[1]} {p[2]})"),
        calls.map(lambda p: f"{p[0]}({p[1]})"),
        pairs.map(lambda p: f"{p[0]}({p[1]}, {p[2]})"),
    )


@given(st.recursive(leaves, _grown, max_leaves=8))
def test_any_expression_survives_being_written_and_read(text: str) -> None:
    declared: dict[str, object] = {"y": "H", "a": "H", "s": 1}
    first = _read(f"a[t] + tanh({text})", declared)
    if first is None:
        return
    check_shapes(first)
    assert _read(source(first), declared) == first


def _read(text: str, sizes: dict[str, object]) -> MatrixExpr | None:
    """None where numbers alone are divided by zero or raised to a power that is none."""
    from lstmgraph.errors import CellError

    try:
        whole = f"y[t] = {text}\nz[t] = a[t] + b[t] + c[t] + s"
        return from_equations(whole, sizes=sizes).equations[0].value
    except CellError as error:
        if "by zero" in error.message or "power" in error.message or "range" in error.message:
            return None
        raise
