"""Views of one array: which of them have entries in common."""

from __future__ import annotations

import pytest
from sympy import Integer, MatrixExpr, Transpose

from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.names import size, symbol
from lstmgraph.codegen.regions import region

H, K, ONE = size("H"), size("K"), size(1)
A = symbol("A", (H + K, H))
UPPER, LOWER = n.Slice(A, Integer(0), H), n.Slice(A, H, K)
LEFT, RIGHT = (n.Slice(Transpose(A), start, ONE) for start in (Integer(0), Integer(1)))
VIEW, NEW = symbol("V", (H, H + K)), symbol("N", (H + K, H))
VIEWS = {VIEW: n.Identity(Transpose(A)), NEW: n.Negative(A)}


@pytest.mark.parametrize(
    ("first", "second", "meet"),
    [
        (A, A, True),
        (A, UPPER, True),
        (UPPER, LOWER, False),
        (LOWER, UPPER, False),
        (Transpose(LOWER), A, True),
        (LEFT, RIGHT, False),
        (LEFT, LOWER, True),
        (n.Slice(LOWER, Integer(0), ONE), n.Slice(LOWER, Integer(1), ONE), False),
        (n.Slice(LOWER, Integer(0), ONE), UPPER, False),
        (Transpose(Transpose(LOWER)), UPPER, False),
        (VIEW, LOWER, True),
        (n.Slice(VIEW, Integer(1), ONE), LEFT, False),
        (n.TimeSum(UPPER), A, True),
        (NEW, A, False),
        (NEW, NEW, True),
    ],
)
def test_what_views_have_in_common(first: MatrixExpr, second: MatrixExpr, meet: bool) -> None:
    a, b = region(first, VIEWS), region(second, VIEWS)
    assert a is not None
    assert b is not None
    assert a.overlaps(b) == b.overlaps(a) == meet


def test_what_is_computed_is_no_view() -> None:
    assert region(n.Negative(A), VIEWS) is None
    assert region(Transpose(n.Negative(A)), VIEWS) is None
