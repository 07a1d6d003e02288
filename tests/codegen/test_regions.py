"""Views of one array: which of them have entries in common, and which are to be copied."""

from __future__ import annotations

import pytest
from sympy import Integer, MatrixExpr, Transpose

from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.names import size, symbol
from lstmgraph.codegen.arrays import Speller
from lstmgraph.codegen.regions import copied, copied_as_spelled, region
from lstmgraph.codegen.targets.torch import DIALECT

H, K, ONE = size("H"), size("K"), size(1)
A = symbol("A", (H + K, H))
VIEW, NEW = symbol("V", (H, H + K)), symbol("N", (H + K, H))
VIEWS = {VIEW: n.Identity(Transpose(A)), NEW: n.Negative(A)}
UPPER, LOWER = n.Slice(A, Integer(0), H), n.Slice(A, H, K)
LEFT, RIGHT = (n.Slice(Transpose(A), start, ONE) for start in (Integer(0), Integer(1)))


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
        (n.Slice(n.Slice(Transpose(A), ONE, size(2)), ONE, ONE), RIGHT, False),
        (n.Slice(LOWER, Integer(0), ONE), n.Slice(LOWER, Integer(1), ONE), False),
        (n.Slice(LOWER, Integer(0), ONE), UPPER, False),
        (Transpose(Transpose(LOWER)), UPPER, False),
        (VIEW, LOWER, True),
        (n.Slice(VIEW, Integer(1), ONE), LEFT, False),
        (n.TimeSum(UPPER), A, True),
        (NEW, A, False),
        (NEW, NEW, True),
        (Transpose(n.Negative(A)), A, False),
    ],
)
def test_what_views_have_in_common(first: MatrixExpr, second: MatrixExpr, meet: bool) -> None:
    named = {symbol(name, expr.shape): expr for name, expr in (("first", first), ("second", second))}
    a, b = (region(s, VIEWS | named) for s in named)
    assert a.overlaps(b) == b.overlaps(a) == meet


def test_what_makes_an_array_is_not_copied() -> None:
    assert copied([VIEW, A, NEW], VIEWS) == {VIEW}
    assert copied([VIEW, NEW], VIEWS) == set()
    assert copied([VIEW, NEW], VIEWS, given=[A]) == {VIEW}
    assert copied([VIEW, NEW], VIEWS, repeated=lambda s: s == NEW) == {NEW}


def test_one_number_in_all_entries_is_copied() -> None:
    """It is spelled as a view that has each entry in one place: who writes to one would write to all."""
    number, filled, turned = symbol("s", (ONE, ONE)), symbol("F", (H, ONE)), symbol("T", (ONE, H))
    made = {filled: n.Fill(number, H, 1), turned: Transpose(filled)}
    speller = Speller(DIALECT, {s: s.name for s in (number, *made)}, dict.fromkeys((number, *made), False), "s")
    assert copied_as_spelled(made, made, (), speller) == {*made}
