"""Random small cells in generated code: values and all gradients are the reference interpreter's.

New cells in every run.  One that fails is printed: put it into `odd/`, where every target is tried with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.codegen.equality import WAYS, Case, cell_of, functions_of, joined, sample_of, wanted_of
from tests.codegen.random_cells import cells

CASES = (Case(2, 3, (2, 4, 3)), Case(3, 1, (1,)))
BOUND = (
    1e-11  # beside the largest entry or 1: random cells have gradients near zero that are differences of larger ones
)

# How many cells, of which the first is the simplest; a target that takes a compiler has fewer.
EXAMPLES = {"numpy": 12, "torch": 3, "c": 3, "jax": 3, "onnx": 3}


@pytest.fixture(autouse=True)
def nothing_remembered() -> Iterator[None]:
    """Each cell is met once."""
    yield
    for remembered in (cell_of, functions_of, sample_of, wanted_of):
        remembered.cache_clear()


@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")  # PyTorch's own
@pytest.mark.parametrize(
    "way", [pytest.param(way, marks=[getattr(pytest.mark, mark) for mark in WAYS[way].mark]) for way in EXAMPLES]
)
def test_random_cells(way: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("random")

    # Nothing is made smaller: that takes minutes, and the cells are small.
    @settings(max_examples=EXAMPLES[way], phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(text=cells(), number=st.uuids())
    def every(text: str, number: object) -> None:
        path = folder / f"{number}.toml"
        path.write_text(text)
        for case in CASES[: 1 if way == "jax" else 2]:
            assert not wrong(way, path, case), (text, case)

    every()


def wrong(way: str, path: Path, case: Case) -> list[str]:
    """What a target computes otherwise."""
    row, name = WAYS[way], str(path)
    found = joined(row.run(name, sample_of(name, case, "float64"), "float64"))
    values, gradients = wanted_of(name, case, "float64")
    if row.last:
        values = {key: array if key == "the output" else array[:, -1] for key, array in values.items()}
    wanted = {**values, **({} if row.forward else gradients)}
    if found.keys() != wanted.keys():
        return [f"there are {', '.join(found)} and not {', '.join(wanted)}"]
    return [key for key, right in wanted.items() if not near(found[key], right)]


def near(own: np.ndarray, right: np.ndarray) -> bool:
    scale = max(1.0, float(np.abs(right).max(initial=0)))
    return own.shape == right.shape and bool(np.all(np.abs(own - right) <= BOUND * scale))
