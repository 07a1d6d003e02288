"""Rows on NumPy's arrays: by hand, for numba by hand, and generated."""

from __future__ import annotations

from typing import Any

from benchmarks.by_hand import BY_HAND, ByHand
from benchmarks.speed.problem import Problem, Runs


def textbook(p: Problem) -> Runs | None:
    return by_hand(p, "textbook")


def fused(p: Problem) -> Runs | None:
    return by_hand(p, "fused")


def by_numba(p: Problem) -> Runs | None:
    if p.cell.name != "peephole_lstm":
        return None
    from benchmarks import by_numba as numba

    return written(p, ByHand(numba.forward, numba.backward))


def by_hand(p: Problem, way: str) -> Runs | None:
    hand = BY_HAND.get(p.cell.name, {}).get(way)
    return None if hand is None else written(p, hand)


def written(p: Problem, hand: ByHand) -> Runs:
    def both() -> Any:
        _, cache = hand.forward(p.params, p.xs)
        return hand.backward(p.params, cache, p.d_outputs)

    return Runs(lambda: hand.forward(p.params, p.xs), both, lambda found: found[0], lambda found: found)


def generated(p: Problem) -> Runs:
    f = p.cell.lambdify("numpy")

    def both() -> Any:
        _, _, cache = f.forward(p.params, p.xs)
        return f.backward(p.params, cache, p.d_outputs)

    return Runs(
        lambda: f.forward(p.params, p.xs), both, lambda found: found[0], lambda found: {**found[0], "x": found[1]}
    )
