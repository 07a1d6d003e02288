"""Expressions in print: what the text says is what the tree means, with no parenthesis too many."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache, reduce
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sympy import Float, Integer, MatAdd, MatMul, MatrixExpr, MatrixSymbol, Rational, Transpose

from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.names import size, symbol
from lstmgraph.algebra.rules import RULES
from lstmgraph.cell import Cell
from lstmgraph.errors import UnknownName
from lstmgraph.notation import Notation, get_notation, run_together
from lstmgraph.printing import DIALECTS, print_expr
from lstmgraph.program import Equation

H, ONE = size("H"), size(1)
a, b, c = (symbol(name, (H, ONE)) for name in "abc")
s = symbol("s", (ONE, ONE))
W = symbol("W", (H, H))
VALUES = {
    "a": np.array([[0.3], [-0.7], [0.9]]),
    "b": np.array([[0.5], [0.2], [1.1]]),
    "c": np.array([[-0.4], [0.8], [0.6]]),
    "s": np.array([[0.7]]),
    "W": np.array([[0.1, 0.5, -0.3], [0.7, -0.2, 0.4], [0.6, 0.9, 0.8]]),
}


def fill(value: Any) -> MatrixExpr:
    return n.Fill(value, H, ONE)


@cache
def notation(name: str = "plain") -> Notation:
    h, previous = symbol("h[t]", (H, ONE)), symbol("h[t-1]", (H, ONE))
    body = MatAdd(MatMul(W, previous), n.Hadamard(a, b, c), n.Fill(s, H, ONE))
    return get_notation(Cell("test", (Equation(h, body),), "h"), name)


def show(expr: MatrixExpr, dialect: str = "unicode") -> str:
    return print_expr(expr, dialect, notation())


# ── single forms ──

FORMS: list[tuple[MatrixExpr, str, str, str]] = [
    (MatAdd(a, n.Negative(b)), "a − b", "a - b", "a - b"),
    (MatAdd(n.Negative(a), b), "−a + b", "-a + b", "-a + b"),
    (MatAdd(a, n.Negative(MatAdd(b, c))), "a − (b + c)", "a - (b + c)", "a - (b + c)"),
    (MatAdd(a, fill(Integer(-1))), "a − 1", "a - 1", "a - 1"),
    (MatAdd(a, MatAdd(n.Negative(b), c)), "a − b + c", "a - b + c", "a + (-b + c)"),
    (MatAdd(a, MatAdd(fill(Integer(-2)), c)), "a − 2 + c", "a - 2 + c", "a + (-2 + c)"),
    (MatAdd(c, a, b), "c + a + b", "c + a + b", "c + a + b"),
    (n.OneMinus(a), "1 − a", "1 - a", "1 - a"),
    (n.Hadamard(a, n.OneMinus(a)), "a ⊙ (1 − a)", r"a \odot (1 - a)", "a * (1 - a)"),
    (n.OneMinus(n.Hadamard(a, b)), "1 − a ⊙ b", r"1 - a \odot b", "1 - a * b"),
    (n.OneMinus(MatAdd(a, b)), "1 − (a + b)", "1 - (a + b)", "1 - (a + b)"),
    (n.Hadamard(fill(Integer(2)), a), "2 a", "2 a", "2 * a"),
    (n.Hadamard(fill(s), a, b), "s a ⊙ b", r"s a \odot b", "s * a * b"),
    (n.Hadamard(a, fill(Integer(2))), "2 a", "2 a", "a * 2"),
    (n.Hadamard(a, fill(s), b), "s a ⊙ b", r"s a \odot b", "a * s * b"),
    (n.Hadamard(fill(Integer(-2)), a), "−2 a", "-2 a", "-2 * a"),
    (n.Hadamard(fill(Rational(1, 2)), a), "(1/2) a", r"\frac{1}{2} a", "1 / 2 * a"),
    (n.Hadamard(fill(Float("0.1")), a), "0.1 a", "0.1 a", "0.1 * a"),
    (n.Hadamard(fill(Rational(1, 5)), a), "0.2 a", "0.2 a", "0.2 * a"),
    (n.Hadamard(fill(s), a, fill(s)), "s² a", "s^{2} a", "s * a * s"),
    (n.Hadamard(a, fill(s), fill(Integer(2)), b), "2 s a ⊙ b", r"2 s a \odot b", "a * s * 2 * b"),
    (n.Hadamard(fill(Float("1e-5")), a), "1e-05 a", r"10^{-5} a", "1e-05 * a"),
    (n.Power(a, fill(Integer(2))), "a²", "a^{2}", "a ** 2"),
    (n.Power(a, fill(Integer(-2))), "a⁻²", "a^{-2}", "a ** (-2)"),
    (n.Power(a, fill(Rational(1, 2))), "a^(1/2)", r"a^{\frac{1}{2}}", "a ** (1 / 2)"),
    (n.Power(n.Negative(a), fill(Integer(2))), "(−a)²", "(-a)^{2}", "(-a) ** 2"),
    (n.Power(n.Tanh(a), fill(Integer(2))), "tanh²(a)", r"\tanh^{2}(a)", "tanh(a) ** 2"),
    (n.Power(n.Sigmoid(a), fill(Integer(2))), "σ(a)²", r"\sigma(a)^{2}", "sigmoid(a) ** 2"),
    (MatMul(W, n.Hadamard(a, b)), "W (a ⊙ b)", r"W (a \odot b)", "W @ (a * b)"),
    (n.Hadamard(a, MatMul(W, b)), "a ⊙ W b", r"a \odot W b", "a * (W @ b)"),
    (MatMul(W, n.Tanh(a)), "W tanh(a)", r"W \tanh(a)", "W @ tanh(a)"),
    (MatMul(a, Transpose(b)), "a bᵀ", r"a b^{\top}", "a @ b.T"),
    (Transpose(MatMul(W, W)), "(W W)ᵀ", r"(W W)^{\top}", "(W @ W).T"),
    (MatMul(a, n.Fill(Integer(1), ONE, H)), "a 1", r"a \mathbf{1}", "a @ 1"),
    (n.Divide(n.Hadamard(a, b), c), "a ⊙ b / c", r"\frac{a \odot b}{c}", "a * b / c"),
    (n.Divide(a, n.Hadamard(b, c)), "a / (b ⊙ c)", r"\frac{a}{b \odot c}", "a / (b * c)"),
    (n.Hadamard(a, n.Reciprocal(b)), "a / b", r"\frac{a}{b}", "a * (1 / b)"),
    (n.Hadamard(n.Reciprocal(a), b), "(1 / a) ⊙ b", r"\frac{1}{a} \odot b", "(1 / a) * b"),
    (n.Hadamard(a, n.Divide(b, c)), "a ⊙ (b / c)", r"a \odot \frac{b}{c}", "a * (b / c)"),
    (n.Tanh(n.Divide(a, b)), "tanh(a / b)", r"\tanh\left( \frac{a}{b} \right)", "tanh(a / b)"),
    (n.Abs(MatAdd(a, b)), "|a + b|", r"\lvert a + b \rvert", "abs(a + b)"),
    (n.Sqrt(a), "√a", r"\sqrt{a}", "sqrt(a)"),
    (n.Sqrt(MatAdd(a, b)), "√(a + b)", r"\sqrt{a + b}", "sqrt(a + b)"),
    (n.Maximum(a, b), "max(a, b)", r"\max(a, b)", "maximum(a, b)"),
    (n.Maximum(n.Maximum(a, b), a), "max(a, b, a)", r"\max(a, b, a)", "maximum(a, b, a)"),
    (n.Maximum(a, n.Maximum(b, a)), "max(a, max(b, a))", r"\max(a, \max(b, a))", "maximum(a, maximum(b, a))"),
    (n.Minimum(n.Maximum(a, b), a), "min(max(a, b), a)", r"\min(\max(a, b), a)", "minimum(maximum(a, b), a)"),
    (n.Softmax(a), "softmax(a)", r"\operatorname{softmax}(a)", "softmax(a)"),
    (n.Concat(a, b), "[a; b]", "[a; b]", "concat(a, b)"),
    (n.Slice(a, Integer(0), H), "a[1:H]", "a[1{:}H]", "a[0:H]"),
    (n.Slice(n.Concat(a, b), H, H), "[a; b][H+1:2H]", "[a; b][H+1{:}2H]", "concat(a, b)[H:2H]"),
    (n.Hadamard(fill(n.Sum(a)), b), "sum(a) b", r"\operatorname{sum}(a) b", "sum(a) * b"),
    (n.Fill(Integer(0), H, ONE), "0", "0", "0"),
]


@pytest.mark.parametrize(("expr", "unicode", "latex", "source"), FORMS, ids=[form[1] for form in FORMS])
def test_a_form(expr: MatrixExpr, unicode: str, latex: str, source: str) -> None:
    assert [show(expr), show(expr, "latex"), show(expr, "source")] == [unicode, latex, source]


def test_markdown_is_latex_between_dollars() -> None:
    assert show(MatMul(W, symbol("h[t-1]", (H, ONE))), "markdown") == "$W h _{t-1}$"


def test_a_name_with_a_superscript() -> None:
    """A power of it needs parentheses; its transpose does not."""
    h = symbol("h[t-1]", (H, ONE))
    greff = notation("greff")
    assert print_expr(n.Power(h, fill(Integer(2))), "latex", greff) == "(y^{t-1})^{2}"
    assert print_expr(Transpose(h), "latex", greff) == r"y^{t-1 \top}"
    seed = symbol("seed(h)[t]", (H, ONE))
    assert print_expr(n.Power(seed, fill(Integer(2))), "unicode", notation()) == "(h̄⁺[t])²"


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("operation", RULES, ids=lambda operation: RULES[operation].name)
def test_every_operation_prints(operation: type, dialect: str) -> None:
    """Also one that no dialect mentions: by its name."""
    examples: dict[type, MatrixExpr] = {
        n.Fill: fill(s),
        n.Slice: n.Slice(a, Integer(0), H),
        MatMul: MatMul(W, a),
        Transpose: Transpose(a),
    }
    arity = len(getattr(operation, "signature", "m n, m n ->").split("->")[0].replace(", ...", "").split(","))
    expr = examples.get(operation) or operation(*[a, b][:arity])
    text = show(expr, dialect)
    assert "s" in text if operation is n.Fill else re.search(r"\ba\b|√a|aᵀ", text)


def test_an_unknown_dialect() -> None:
    with pytest.raises(UnknownName, match="latex"):
        show(a, "latx")


# ── the text means what the tree means ──

FUNCTIONS: dict[str, Callable[..., Any]] = {
    "tanh": np.tanh,
    "σ": lambda x: 1 / (1 + np.exp(-x)),
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "max": lambda *xs: reduce(np.maximum, xs),
    "maximum": lambda *xs: reduce(np.maximum, xs),
    "sum": lambda x: np.sum(x).reshape(1, 1),
}
MEANING: dict[type, Callable[..., Any]] = {
    n.Tanh: np.tanh,
    n.Sigmoid: FUNCTIONS["σ"],
    n.Maximum: np.maximum,
    n.Sum: FUNCTIONS["sum"],
    n.OneMinus: lambda x: 1 - x,
    n.Negative: lambda x: -x,
    n.Reciprocal: lambda x: 1 / x,
    n.Divide: lambda x, y: x / y,
    n.Power: lambda x, y: x**y,
    Transpose: np.transpose,
    MatMul: lambda *xs: np.linalg.multi_dot(xs) if len(xs) > 1 else xs[0],
    MatAdd: lambda *xs: sum(xs[1:], xs[0]),
    n.Hadamard: lambda *xs: np.prod(np.stack(np.broadcast_arrays(*xs)), axis=0),
}


def meaning(expr: Any) -> Any:
    if isinstance(expr, MatrixSymbol):
        return VALUES[expr.name]
    if isinstance(expr, n.Fill):
        value = expr.value
        return np.full((3, 1), meaning(value).item() if isinstance(value, MatrixExpr) else float(value))
    return MEANING[expr.func](*map(meaning, expr.args))


class Reader:
    """Evaluates the terminal text: sums, then ⊙ and /, then juxtaposition, then powers and ᵀ."""

    TOKEN = re.compile(r"\s*([A-Za-zσ]+|[0-9.]+|[⁰¹²³⁴⁵⁶⁷⁸⁹]+|.)")

    def __init__(self, text: str) -> None:
        self.spaced = [(m[1], m[0] != m[1]) for m in self.TOKEN.finditer(text)]
        self.at = 0

    def peek(self) -> str:
        return self.spaced[self.at][0] if self.at < len(self.spaced) else ""

    def take(self) -> str:
        self.at += 1
        return self.spaced[self.at - 1][0]

    def sum(self) -> Any:
        total = -self.product() if self.peek() == "−" and self.take() else self.product()
        while self.peek() in ("+", "−"):
            total = total + self.product() if self.take() == "+" else total - self.product()
        return total

    def product(self) -> Any:
        value = self.juxtaposed()
        while self.peek() in ("⊙", "/", "·"):
            value = value / self.juxtaposed() if self.take() == "/" else value * self.juxtaposed()
        return value

    def juxtaposed(self) -> Any:
        value = self.postfix()
        while self.peek() == "(" or self.peek().isalnum():
            right = self.postfix()
            scalar = np.size(value) == 1 or np.size(right) == 1
            value = value * right if scalar else value @ right
        return value

    def postfix(self) -> Any:
        value = self.atom()
        while self.peek() and self.peek()[0] in "⁰¹²³⁴⁵⁶⁷⁸⁹ᵀ":
            token = self.take()
            value = value.T if token == "ᵀ" else value ** self.digits(token)
        return value

    @staticmethod
    def digits(token: str) -> int:
        return int("".join(str("⁰¹²³⁴⁵⁶⁷⁸⁹".index(d)) for d in token))

    def atom(self) -> Any:
        token = self.take()
        if token == "(":
            value = self.sum()
            assert self.take() == ")"
            return value
        if token in FUNCTIONS:
            power = self.digits(self.take()) if self.peek()[0] in "⁰¹²³⁴⁵⁶⁷⁸⁹" else 1
            assert self.take() == "("
            args = [self.sum()]
            while self.take() == ",":
                args.append(self.sum())
            return FUNCTIONS[token](*args) ** power
        return VALUES[token] if token in VALUES else float(token)


def expressions() -> st.SearchStrategy[MatrixExpr]:
    # numbers and scalars fill what stands beside them: an operand that must have its own shape gets a vector added
    def own(x: MatrixExpr) -> MatrixExpr:
        return MatAdd(a, x)

    number = st.sampled_from([Integer(2), Integer(-1), Integer(3), Rational(1, 2), Float("0.1")])
    leaf = st.sampled_from([a, b, c]) | number.map(fill) | st.just(fill(s))

    def grow(inner: st.SearchStrategy[MatrixExpr]) -> st.SearchStrategy[MatrixExpr]:
        one = st.sampled_from([n.Tanh, n.Sigmoid, n.OneMinus, n.Negative, n.Reciprocal])
        two = st.sampled_from([n.Hadamard, n.Divide, n.Maximum, MatAdd])
        many = st.sampled_from([n.Hadamard, MatAdd])
        return st.one_of(
            st.builds(lambda f, x: f(x), one, inner),
            st.builds(lambda f, x, y: f(x, y), two, inner, inner),
            st.builds(lambda f, xs: f(*xs), many, st.lists(inner, min_size=3, max_size=4)),
            st.builds(lambda x, p: n.Power(x, fill(Integer(p))), inner, st.sampled_from([2, 3])),
            st.builds(lambda x: MatMul(W, own(x)), inner),
            st.builds(lambda x, y, z: MatMul(own(x), Transpose(own(y)), own(z)), inner, inner, inner),
            st.builds(lambda x: MatMul(Transpose(W), own(x)), inner),
            st.builds(lambda x: fill(n.Sum(own(x))), inner),
        )

    return st.recursive(leaf, grow, max_leaves=8)


def same(got: Any, expected: Any) -> bool:
    return bool(np.allclose(np.broadcast_to(got, expected.shape), expected, rtol=1e-9, atol=1e-12, equal_nan=True))


@given(expressions())
def test_the_terminal_text_means_the_tree(expr: MatrixExpr) -> None:
    with np.errstate(all="ignore"):
        expected = meaning(expr)
        reader = Reader(show(expr))
        got = reader.sum()
    assert reader.peek() == ""
    assert not np.isfinite(expected).all() or np.abs(expected).max() > 1e9 or same(got, expected)


@given(expressions())
def test_the_source_text_means_the_tree_in_python(expr: MatrixExpr) -> None:
    text = show(expr, "source")
    with np.errstate(all="ignore"):
        expected = meaning(expr)
        try:
            got = eval(text, {"__builtins__": {}}, {**VALUES, **FUNCTIONS})  # noqa: S307
        except (ZeroDivisionError, ValueError):  # numbers that are not arrays
            return
    assert not np.isfinite(expected).all() or np.abs(expected).max() > 1e9 or same(got, expected)


@given(expressions())
def test_no_parenthesis_too_many(expr: MatrixExpr) -> None:
    """The whole is never in parentheses, and no parentheses are doubled or around a name."""
    text = show(expr)
    assert "((" not in text or "))" not in text or not re.search(r"\(\([^()]*\)\)", text)
    assert not re.search(r"(?<![a-zσ²³])\([abc]\)", text)


# ── names of several letters ──


def test_names_of_several_letters_do_not_run_together_in_latex() -> None:
    """TeX drops the space between factors: it stays where a name has several letters, but for an operator's name."""
    rate, hidden = symbol("rate", (ONE, ONE)), symbol("W_hh", (H, H))
    rates, barred = symbol("rates", (H, ONE)), symbol("bar(rates)[t]", (H, ONE))
    assert show(n.Hadamard(fill(rate), a), "latex") == r"\mathrm{rate} \, a"
    assert show(n.Hadamard(fill(s), rates), "latex") == r"s \, \mathrm{rates}"
    assert show(n.Hadamard(fill(Integer(2)), rates), "latex") == r"2 \, \mathrm{rates}"
    assert show(MatMul(W, rates), "latex") == r"W \, \mathrm{rates}"
    assert show(MatMul(rates, Transpose(a)), "latex") == r"\mathrm{rates} \, a^{\top}"
    assert show(MatMul(barred, Transpose(a)), "latex") == r"\overline{\mathrm{rates}}_{t} \, a^{\top}"
    assert show(MatMul(hidden, a), "latex") == r"W_{\mathrm{hh}} a"
    assert show(MatMul(W, n.Tanh(a)), "latex") == r"W \tanh(a)"
    assert show(MatMul(W, n.Softmax(a)), "latex") == r"W \operatorname{softmax}(a)"
    assert show(n.Hadamard(fill(rate), n.Tanh(a)), "latex") == r"\mathrm{rate} \tanh(a)"
    assert show(MatMul(n.Tanh(a), Transpose(rates)), "latex") == r"\tanh(a) \, \mathrm{rates}^{\top}"
    assert show(MatMul(W, n.Sigmoid(a)), "latex") == r"W \sigma(a)"
    assert show(n.Hadamard(fill(rate), a)) == "rate a"
    assert show(n.Hadamard(fill(rate), a), "source") == "rate * a"


@pytest.mark.parametrize(
    ("left", "right", "together"),
    [
        (r"\operatorname{id}", "a", False),  # TeX puts a thin space
        (r"\operatorname{id}", "(a + b)", True),  # and here none
        ("a", r"\max_{t}", False),
        (r"\mathrm{rate}", r"\max_{t}", False),
        (r"\bar{\operatorname{id}}", "a", True),  # no operator to TeX
        ("{x}", r"{\mathrm{ab}}", True),
        (r"\alpha", r"\beta", False),
    ],
)
def test_where_tex_has_a_space_of_its_own(left: str, right: str, together: bool) -> None:
    assert run_together(left, right) is together
