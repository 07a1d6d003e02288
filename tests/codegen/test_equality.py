"""Every target, every cell, float32 and float64: values and all gradients are the reference interpreter's.

With random initial states that are not zero, and cotangents of the last ones; T = 1, B = 1 and H = 1 among the sizes.
How a target is called is a row of `WAYS` in `equality.py`.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lstmgraph.numeric.sample import Sample
from tests.codegen.equality import BOUNDS, CASES, CELLS, WAYS, by_numpy, faults, sample_of

# Cell by cell, so that what the interpreter finds, and what is derived, is found once for all targets.
EVERY = [
    pytest.param(way, cell, marks=[getattr(pytest.mark, mark) for mark in WAYS[way].mark])
    for cell in CELLS
    for way in WAYS
    if cell in WAYS[way].cells
]


@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")  # PyTorch's own
@pytest.mark.parametrize(("way", "cell"), EVERY)
def test_values_and_gradients_are_the_interpreters(way: str, cell: str) -> None:
    row = WAYS[way]
    for dtype, cases in row.cases.items():
        for case in cases:
            found = row.run(cell, sample_of(cell, case, dtype), dtype)
            assert not faults(found, cell, case, dtype, row.gives), (case, dtype)


@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")
@pytest.mark.parametrize("cell", ["lstm", "two", "autonomous", "no_state"])
@pytest.mark.parametrize(
    "way",
    [
        pytest.param(w, marks=[getattr(pytest.mark, m) for m in WAYS[w].mark])
        for w in WAYS
        if not w.endswith(("step by step", "odd cells"))
    ],
)
def test_every_target_wants_a_sample_and_a_step(way: str, cell: str) -> None:
    sample = sample_of(cell, CASES[0], "float64")
    for batch, steps, wanted in ((0, 1, "one sample"), (1, 0, "one step|number of steps, 1 at least")):
        with pytest.raises(ValueError, match=f"must be .*({wanted})"):
            WAYS[way].run(cell, of_the_first(sample, batch, steps), "float64")


def of_the_first(sample: Sample, batch: int, steps: int) -> Sample:
    return replace(
        sample,
        batch=batch,
        steps=steps,
        inputs={name: array[:steps, :batch] for name, array in sample.inputs.items()},
        states={name: array[:batch] for name, array in sample.states.items()},
        d_output=sample.d_output[:steps, :batch],
        d_states={name: array[:batch] for name, array in sample.d_states.items()},
    )


@pytest.mark.parametrize("dtype", BOUNDS)
@pytest.mark.parametrize("part", [0, 1])
def test_what_is_wrong_is_found(dtype: str, part: int) -> None:
    """In each array: an entry that is a little off, one that is missing, another type."""
    case = CASES[1]
    found = by_numpy("peephole_lstm", sample_of("peephole_lstm", case, dtype), dtype)
    assert not faults(found, "peephole_lstm", case, dtype)
    for key, right in found[part].items():
        wrong = right.copy()
        wrong[(0,) * wrong.ndim] += 4 * BOUNDS[dtype] * np.abs(right).max()
        for array in (wrong, right[..., :-1], right.astype("float16")):
            changed = [{**own, key: array} if k == part else own for k, own in enumerate(found)]
            (said,) = faults((changed[0], changed[1]), "peephole_lstm", case, dtype)
            assert said.startswith(key)
