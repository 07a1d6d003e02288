from sympy import MatAdd, MatMul, Rational, Transpose

from lstmgraph.algebra import build
from lstmgraph.algebra.names import size, symbol
from lstmgraph.algebra.nodes import Fill, Hadamard, Negative, Power, Reciprocal

H = size("H")
a, b, c = (symbol(f"{n}[t]", (H, size(1))) for n in "abc")
W = symbol("W", (H, H))


def test_product_is_flat_and_in_order() -> None:
    assert build.product(a, Hadamard(b, c)) == Hadamard(a, b, c)
    assert build.product(a) == a


def test_product_keeps_its_sign_in_front_and_its_number_first() -> None:
    two = build.fill(Rational(2), a.shape)
    assert build.product(Negative(a), b) == Negative(Hadamard(a, b))
    assert build.product(Negative(a), Negative(b)) == Hadamard(a, b)
    assert build.product(a, two, b) == Hadamard(Fill(2, H, 1), a, b)
    assert build.product(build.fill(Rational(1), a.shape), a) == a
    assert build.product(build.fill(Rational(0), a.shape), a) == Fill(0, H, 1)


def test_product_cancels_a_value_with_its_reciprocal() -> None:
    assert build.product(a, Reciprocal(b), b) == a
    assert build.product(a, Reciprocal(a)) == Fill(1, H, 1)
    assert build.product(a, Reciprocal(b), c) == Hadamard(a, Reciprocal(b), c)


def test_total_is_flat_and_without_zeros() -> None:
    assert build.total(a, MatAdd(b, c)) == MatAdd(a, b, c)
    assert build.total(a, Fill(0, H, 1)) == a
    assert build.total(MatAdd(c, a), b).args == (c, a, b), "the order is the author's"


def test_matmul_and_transpose() -> None:
    assert build.matmul(W, Negative(a)) == Negative(MatMul(W, a))
    assert build.transpose(Transpose(W)) == W
    assert build.negate(Negative(a)) == a
    scalar = symbol("s", (size(1), size(1)))
    assert build.transpose(scalar) == scalar
    assert build.transpose(MatMul(W, Transpose(W))) == MatMul(W, Transpose(W))
    assert build.transpose(MatMul(a, Transpose(b))) == MatMul(b, Transpose(a))


def test_power_of_one() -> None:
    assert build.power(a, 1) == a
    assert build.power(a, 2) == Power(a, Fill(2, H, 1))


def test_equal_terms_of_a_gathered_sum_are_a_multiple() -> None:
    two = Hadamard(Fill(2, H, 1), a)
    assert build.gathered(a, a) == two
    assert build.gathered(b, a, Negative(b), a).args == (b, two, Negative(b))
