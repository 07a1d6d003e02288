"""Random small cells in generated code: values and all gradients are the reference interpreter's.

The same cells in every run, so that what fails is what has changed.  `hunt.py` tries new ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.codegen.equality import WAYS, Case
from tests.codegen.hunt import KINDS, forget, wrong

CASES = (Case(2, 3, (2, 4, 3)), Case(3, 1, (1,)))

# How many cells; a target that takes a compiler has fewer.
EXAMPLES = {"numpy": 10, "torch": 3, "c": 6, "jax": 2, "onnx": 2}


@pytest.fixture(autouse=True)
def nothing_remembered() -> Iterator[None]:
    yield
    forget()


@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")  # PyTorch's own
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("way", "number"),
    [
        pytest.param(way, number, marks=[getattr(pytest.mark, mark) for mark in WAYS[way].mark])
        for way, examples in EXAMPLES.items()
        for number in range(examples)
    ],
)
def test_random_cells(way: str, number: int, kind: str, tmp_path: Path) -> None:
    path = tmp_path / "random.toml"
    path.write_text(KINDS[kind](number))
    for case in CASES[:1] if way == "jax" else CASES:
        assert not wrong(way, path, case), (path.read_text(), case)
