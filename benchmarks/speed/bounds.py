"""What the figures are held to: bounds on ratios of rows of one run, and on a single step.

To hold a row to another: a line in `BOUNDS`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from benchmarks.speed.figures import Figure
from benchmarks.speed.problem import BOTH, CASES, CELLS, FORWARD, ONE_STEP, STEP_CASE
from benchmarks.speed.rows import BY_HAND, GENERATED_C, LIMIT

MEASURED = ("f32", 1)  # type and threads


class Bound(NamedTuple):
    """`row` takes at most so many times what `beside` takes, by case; microseconds where it is beside nothing.

    As it is `MEASURED`, for each of the `cells`.
    """

    row: str
    beside: str
    direction: str
    at_most: Mapping[str, float]
    cells: Sequence[str] = CELLS


class Line(NamedTuple):
    """A bound of one cell, with what was measured by case."""

    bound: Bound
    cell: str
    measured: Mapping[str, float]

    @property
    def missed(self) -> list[str]:
        return [case for case, value in self.measured.items() if shown(value) > self.bound.at_most[case]]

    @property
    def verdict(self) -> str:
        if self.missed:
            return f"missed: {', '.join(self.missed)}"
        return "holds" if len(self.measured) == len(self.bound.at_most) else "holds where measured"


# The cells that have the row beside: a textbook version by hand, a layer of PyTorch and an operator of ONNX.
WRITTEN_OUT, LAYERS = CELLS[:1], CELLS[:3]


def in_all(at_most: float) -> dict[str, float]:
    return dict.fromkeys(CASES, at_most)


NUMPY, PLAIN_SCAN, TORCH = "NumPy, generated", "JAX, plain scan", "PyTorch, generated"

BOUNDS = (
    Bound(NUMPY, BY_HAND, FORWARD, in_all(1.0)),
    Bound(NUMPY, BY_HAND, BOTH, in_all(1.0)),
    Bound(NUMPY, "NumPy, textbook", FORWARD, in_all(0.5), WRITTEN_OUT),
    Bound(NUMPY, "NumPy, textbook", BOTH, in_all(0.5), WRITTEN_OUT),
    Bound("JAX, generated", PLAIN_SCAN, BOTH, in_all(0.9) | {"C": 0.65}),
    Bound(TORCH, "PyTorch, eager", BOTH, {"A": 0.35, "B": 0.35, "C": 0.75}),
    Bound(TORCH, "torch.nn", BOTH, {"C": 1.3, "D": 1.3}, LAYERS),
    Bound("PyTorch over C", "torch.nn", BOTH, {"C": 1.3, "D": 1.3}, LAYERS),
    Bound(GENERATED_C, LIMIT, FORWARD, {"A": 2.3, "B": 1.15}),
    Bound(GENERATED_C, LIMIT, BOTH, {"A": 1.5, "B": 1.15}),
    Bound("C, with BLAS", LIMIT, FORWARD, {"C": 1.25, "D": 1.1}),
    Bound("C, with BLAS", LIMIT, BOTH, {"C": 1.25, "D": 1.1}),
    Bound(GENERATED_C, "ONNX Runtime, operator", FORWARD, {"A": 1.0, "B": 1.0}, LAYERS),
    Bound(GENERATED_C, "torch.nn", BOTH, {"A": 1.0, "B": 1.0}, LAYERS),
    Bound(GENERATED_C, "", ONE_STEP, {STEP_CASE: 2.0}),
)


def judged(figures: Sequence[Figure]) -> Iterator[Line]:
    """Every bound of every cell, where something of it was measured."""
    times = {f[:-2]: f.seconds for f in figures}
    for bound in BOUNDS:
        for cell in bound.cells:
            measured = {case: found for case in bound.at_most if (found := measured_in(times, bound, cell, case))}
            if measured:
                yield Line(bound, cell, measured)


def measured_in(times: Mapping[tuple[Any, ...], float], bound: Bound, cell: str, case: str) -> float | None:
    """The ratio, or the microseconds, if it was measured."""
    seconds, beside = (
        times.get((cell, *MEASURED, case, bound.direction, row), default)
        for row, default in ((bound.row, None), (bound.beside, None if bound.beside else 1e-6))
    )
    return seconds / beside if seconds and beside else None


def shown(value: float) -> float:
    """As it is printed, which is what is judged."""
    return round(value, 2)
