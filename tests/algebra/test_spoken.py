"""Expressions in words."""

from itertools import product

import pytest
from sympy import MatAdd, MatMul, MatrixExpr, MatrixSymbol, Transpose

from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.names import Name
from lstmgraph.algebra.rules import RULES
from lstmgraph.algebra.spoken import LONGEST, spoken, spoken_name

A, B, C = (MatrixSymbol(name, 3, 3) for name in "abc")


def fill(value: object) -> MatrixExpr:
    return n.Fill(value, 3, 3)


@pytest.mark.parametrize(
    ("expr", "words"),
    [
        (n.Hadamard(A, n.Tanh(B)), "the elementwise product of a and the hyperbolic tangent of b"),
        (MatAdd(MatMul(A, B), C), "the sum of a times b and c"),
        (MatAdd(A, n.Negative(B), C), "the sum of 3 values: a, minus b and c"),
        (MatAdd(n.Hadamard(A, B), C), "the sum of the elementwise product of a and b, and c"),
        (n.Hadamard(fill(-2), n.OneMinus(A)), "the elementwise product of minus 2 and one minus a"),
        (n.Power(A, fill(2)), "the elementwise power with exponent 2 of a"),
        (n.Maximum(n.Maximum(A, B), C), "the elementwise maximum of 3 values: a, b and c"),
        (MatMul(n.Tanh(A), B), "the matrix product of the hyperbolic tangent of a and b"),
        (MatMul(A, Transpose(B)), "a times b transposed"),
        (Transpose(n.Tanh(A)), "the transpose of the hyperbolic tangent of a"),
        (n.Slice(A, 1, 2), "the rows 2 to 3 of a"),
        (n.Sum(n.Identity(A)), "the sum of the entries of a"),
    ],
)
def test_words(expr: MatrixExpr, words: str) -> None:
    assert spoken(expr) == words


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("h[t-1]", "h[t-1]"),
        ("bar(pre(f))[t]", "the cotangent of the pre-activation of f[t]"),
        ("grad(W_f)", "the gradient of W_f"),
        ("part(g.1)[t]", "part 1 of g[t]"),
        ("grad(stack(W_f.W_i))", "the gradient of the stack of W_f and W_i"),
    ],
)
def test_names(name: str, words: str) -> None:
    assert spoken_name(Name.parse(name)) == words


def test_no_two_expressions_are_read_alike() -> None:
    """All that two operations make of three values."""
    one = [*(cls(x) for cls in (n.Tanh, n.OneMinus, n.Negative) for x in (A, B)), Transpose(A)]
    pairs = (MatMul, MatAdd, n.Hadamard, n.Divide, n.Power, n.Minimum)
    one += [cls(x, y) for cls in pairs for x, y in product((A, B), repeat=2)]
    one += [cls(A, B, x) for cls in (MatAdd, n.Hadamard) for x in (A, C)]
    two = [cls(x) for cls in (n.Tanh, n.OneMinus, n.Negative, Transpose) for x in one]
    two += [cls(*both) for cls in pairs for x in one for both in ((x, C), (C, x), (x, x))]
    told = {spoken(x): x for x in dict.fromkeys((*one, *two))}
    assert len(told) == len(dict.fromkeys((*one, *two)))


def test_what_is_long_is_told_briefly() -> None:
    many = MatAdd(*(n.Tanh(MatrixSymbol(f"value_{k}", 3, 3)) for k in range(50)))
    assert spoken(many).startswith("the sum of 50 values: the hyperbolic tangent of value_0, ")
    assert spoken(many).endswith(" and 45 more")
    deep: MatrixExpr = A
    for _ in range(40):
        deep = n.Tanh(n.Hadamard(deep, B))
    assert spoken(deep).endswith(" of a formula in a and b, and b, and b")
    assert max(map(len, (spoken(many), spoken(deep)))) <= LONGEST
    assert spoken(deep, longest=30) == "a formula in a and b"


def test_inlined_values_are_told_as_what_they_are() -> None:
    assert spoken(n.Tanh(A), {A: MatMul(B, C)}) == "the hyperbolic tangent of b times c"


def test_every_operation_has_words() -> None:
    assert all(rule.words for rule in RULES.values())
