import pytest
from sympy import MatMul, Transpose

from lstmgraph.algebra.names import size, symbol
from lstmgraph.algebra.nodes import Concat, Fill, Hadamard, Slice, Softmax, Sum
from lstmgraph.algebra.shapes import Open, Unifier, show_shape
from lstmgraph.algebra.traverse import check_shapes
from lstmgraph.errors import ShapeError

H, X, one = size("H"), size("X"), size(1)
h, x, W = symbol("h", (H, one)), symbol("x", (X, one)), symbol("W", (H, X))


def test_shapes_of_operations() -> None:
    assert check_shapes(MatMul(W, x)) == (H, 1)
    assert check_shapes(Concat(h, x)) == (H + X, 1)
    assert check_shapes(Sum(W)) == (1, 1)
    assert check_shapes(Transpose(W)) == (X, H)
    assert check_shapes(Slice(h, 0, X)) == (X, 1)
    assert check_shapes(Fill(2, H, X)) == (H, X)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda: Hadamard(h, x), "hadamard"),
        (lambda: Softmax(W), "softmax"),
        (lambda: Concat(h, W), "concat"),
    ],
)
def test_what_does_not_fit_is_refused(wrong, says) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ShapeError, match=says):
        check_shapes(wrong())


def test_unifier_solves_sums() -> None:
    u, open_size = Unifier(), Open("rows of a")
    u.reason = "[sizes]"
    u.add_sum(H + X, [open_size, X])
    assert u.settle_sums() is None
    assert u.find(open_size) == H
    assert u.why(open_size) == "[sizes]"
    assert not u.equal(open_size, X)


def test_a_sum_that_cannot_be_is_a_contradiction() -> None:
    u = Unifier()
    u.add_sum(H, [H, X])
    total = u.settle_sums()
    assert total is not None
    assert total.whole == H


def test_shapes_for_people() -> None:
    assert [show_shape(s) for s in ((H, one), (H, X), (one, one))] == ["(H)", "(H, X)", "scalar"]
