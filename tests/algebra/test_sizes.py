"""Sizes from lengths, and which arrays do not agree on them."""

from __future__ import annotations

import pytest

from lstmgraph.algebra.names import size
from lstmgraph.algebra.sizes import misfit

H, X = size("H"), size("X")
SIDES = {"W": (H, X), "U": (H, H), "b": (H,), "V": (2 * H, X)}


@pytest.mark.parametrize(
    ("shapes", "said"),
    [
        ({"W": (2, 3), "U": (2, 2), "b": (2,), "V": (4, 3)}, ""),
        ({}, ""),
        (
            {"W": (3, 2), "U": (2, 2), "b": (2,), "V": (4, 3)},
            "W must be (2, 3), as all others say H=2, X=3, got (3, 2)",
        ),
        ({"W": (3, 2), "U": (2, 2), "b": (2,)}, "W must be (2, X), as all others say H=2, got (3, 2)"),
        ({"W": (2, 3), "U": (2, 2), "b": (5,)}, "b must be (2,), as all others say H=2, got (5,)"),
        ({"W": (2, 3), "V": (5, 3)}, "W is (2, 3), as (H, X) and V is (5, 3), as (2*H, X), do not agree"),
        ({"W": (2, 3), "U": (4, 4)}, "W is (2, 3), as (H, X) and U is (4, 4), as (H, H), do not agree"),
        ({"W": (2, 3), "b": (2, 1)}, "b must be (H,), got (2, 1)"),
    ],
)
def test_which_arrays_do_not_agree(shapes: dict[str, tuple[int, ...]], said: str) -> None:
    assert misfit({name: (SIDES[name], lengths) for name, lengths in shapes.items()}) == said
