"""What rounding costs a cell: how far results move when what goes in, and each value on the way, is a little off.

Code that is right is off by about as much: it rounds elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

import numpy
from sympy import Rational

from lstmgraph.algebra import nodes as n
from lstmgraph.cell import Cell
from lstmgraph.numeric.evaluate import Array
from lstmgraph.numeric.sample import Sample
from lstmgraph.program import Equation, Program

LOSSES = 4  # how often a cell is computed from numbers that differ by a rounding

Results = Callable[[Cell, Program, Sample], Mapping[str, Array]]


def lost(cell: Cell, gradient: Program, sample: Sample, dtype: str, results: Results) -> dict[str, float]:
    """How far each of the results is off at most, in that type, of numbers that are off by half of their last place,
    where every equation's value is, too."""
    wanted = results(cell, gradient, sample)
    rng, unit = numpy.random.default_rng(0), float(numpy.finfo(dtype).eps) / 2
    most = dict.fromkeys(wanted, 0.0)
    for _ in range(LOSSES):
        moved = mapped(sample, lambda a: (a * (1 + rng.uniform(-unit, unit, a.shape))).astype(dtype))
        step, back = (_rounded(p.equations, rng, 2 * unit) for p in (cell, gradient))
        found = results(replace(cell, equations=step), replace(gradient, equations=back), moved)
        most = {key: max(worst, float(numpy.abs(found[key] - wanted[key]).max())) for key, worst in most.items()}
    return most


def _rounded(equations: Sequence[Equation], rng: numpy.random.Generator, unit: float) -> tuple[Equation, ...]:
    """With each value as it is, or one of those beside it: a function is right to the last place or the one before."""

    def off(e: Equation) -> Equation:
        factor = Rational(1 + float(rng.choice([-unit / 2, 0, unit])))
        return replace(e, value=n.Hadamard(n.Fill(factor, *e.value.shape), e.value))

    return tuple(off(e) for e in equations)


def mapped(sample: Sample, change: Callable[[Array], Array]) -> Sample:
    """A sample with other arrays."""
    new: dict[str, Any] = {}
    for field in fields(sample):
        value = getattr(sample, field.name)
        if isinstance(value, numpy.ndarray):
            new[field.name] = change(value)
        elif field.name in {"parameters", "inputs", "states", "d_states"}:
            new[field.name] = {name: change(array) for name, array in value.items()}
    return replace(sample, **new)
