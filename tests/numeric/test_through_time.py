"""Through time: the recurrence, unrolled steps, differences and PyTorch's autograd agree, for every cell there is.

Truncation is held against its definition: each block on its own, started from the states that the one before it left.
"""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import pytest

from lstmgraph.algebra.names import name_of
from lstmgraph.calculus import gradient_unrolled, through_time
from lstmgraph.cell import Cell
from lstmgraph.numeric.check import largest_error
from lstmgraph.numeric.differences import DIFFERENCES_BOUND, by_differences
from lstmgraph.numeric.sample import Sample, draw
from lstmgraph.numeric.sequence import Cotangents, run_sequence
from lstmgraph.numeric.through_time import run_through_time, run_unrolled
from lstmgraph.program import Program
from lstmgraph.reading import library, load

PAPERS = sorted((Path(__file__).parents[1] / "reading" / "papers").glob("*.toml"))
CELLS = [*library(), *map(str, PAPERS)]
LOSSES: tuple[str, ...] = ("every", "last")
SAME = 1e-12


def sampled(cell: Cell, steps: int, loss: str, batch: int = 2) -> Sample:
    """A sequence whose loss is a random linear function of the outputs that it sees."""
    sizes = {z: k % 2 + 2 for k, z in enumerate(cell.sizes)}
    sample = draw(cell, sizes, batch, steps, 1)
    assert sample is not None
    if loss == "last":
        sample.d_output[:-1] = 0
    return replace(sample, d_states={name: 0 * d for name, d in sample.d_states.items()})


def recurrent(cell: Cell, recurrence: Program, sample: Sample) -> Cotangents:
    forward = run_sequence(cell, sample.parameters, sample.inputs, sample.states, sample.steps)
    return run_through_time(cell, recurrence, forward, sample.d_output)


def unrolled(cell: Cell, sample: Sample, loss: str) -> Cotangents:
    forward = run_sequence(cell, sample.parameters, sample.inputs, sample.states, sample.steps)
    return run_unrolled(cell, gradient_unrolled(cell, sample.steps, loss), forward, sample.d_output)


def error(found: Cotangents, wanted: Cotangents) -> float:
    flat = [{f"{f.name} {k}": v for f in fields(c) for k, v in getattr(c, f.name).items()} for c in (found, wanted)]
    assert set(flat[0]) <= set(flat[1])
    return largest_error(flat[0], {k: flat[1][k] for k in flat[0]})[0]


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("name", CELLS, ids=lambda name: Path(name).stem)
def test_the_recurrence_is_the_unrolled_gradient_and_both_are_right(name: str, loss: str) -> None:
    cell = load(name)
    recurrence = through_time(cell, loss)
    for steps in (1, 2, 4):
        sample = sampled(cell, steps, loss)
        found = recurrent(cell, recurrence, sample)
        assert set(found.parameters) == {p.name for p in cell.parameters}
        assert set(found.inputs) == {name_of(x).base for x in cell.inputs}
        assert set(found.states) == {s.name for s in cell.states}
        assert error(found, unrolled(cell, sample, loss)) < SAME
        assert error(found, by_differences(cell, sample)) < DIFFERENCES_BOUND
