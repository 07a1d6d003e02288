"""How few crossings a drawing with a border can have: what is proven where `dot` has fewer."""

from __future__ import annotations

import pytest

from benchmarks.bounds import fits, least, merged
from lstmgraph.diagram.extract import extract
from lstmgraph.reading import load
from tests.diagram.test_quality_matrix import PAPERS

RING = ["a", "b", "c", "d"]


@pytest.mark.parametrize(
    ("edges", "cuts"),
    [
        ([("a", "b"), ("c", "d")], 0),
        ([("a", "c"), ("b", "d")], 1),  # the ends of each stand on both sides of the other
        ([("a", "+"), ("c", "+"), ("b", "-"), ("d", "-")], 1),
        ([("a", "+"), ("a", "-"), ("b", "+"), ("b", "-"), ("c", "+"), ("c", "-")], 1),
    ],
)
def test_lines_across_a_ring_cross(edges: list[tuple[str, str]], cuts: int) -> None:
    assert [fits(frozenset(edges), RING, k) for k in range(3)] == [k >= cuts for k in range(3)]


def test_one_line_to_two_targets_is_cut_once() -> None:
    """A line that feeds two targets crosses another line once, before it forks."""
    edges = [("a", "c"), ("b", "d1"), ("b", "d2")]
    ring = ["a", "b", "c", "d1", "d2"]
    assert [fits(frozenset(edges), ring, k) for k in range(2)] == [False, True]


def test_two_lines_that_fork_cross_once_before_they_do() -> None:
    edges = [("a", "a1"), ("a", "a2"), ("b", "b1"), ("b", "b2")]
    assert [fits(frozenset(edges), ["a", "b", "a1", "a2", "b1", "b2"], k) for k in range(3)] == [False, True, True]


@pytest.mark.parametrize(
    ("cell", "bound"), [("rnn", 0), ("lstm", 0), ("gru", 1), ("mgu", 1), ("ltc", 0), ("cornn", 1), ("delta", 1)]
)
def test_the_least_crossings_of_a_cell(cell: str, bound: int) -> None:
    path = PAPERS / f"{cell}.toml"
    assert least(extract(load(str(path) if path.exists() else cell), lambda symbol: symbol.name)) == bound


def test_outputs_stand_above_or_between_the_next_states() -> None:
    assert ["".join(row) for row in merged("y", "cb")] == ["ycb", "cyb", "cby"]
    assert len(list(merged("ab", "cde"))) == 10
