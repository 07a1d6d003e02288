"""The cells of the papers that the reader's tests read: what is derived and generated for them is right."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from lstmgraph.calculus import gradient, through_time
from lstmgraph.calculus.written_out import written_out
from lstmgraph.codegen import lambdify
from lstmgraph.numeric import check
from lstmgraph.numeric.check import FRAMEWORKS
from lstmgraph.reading import load

PAPERS = sorted((Path(__file__).parents[1] / "reading" / "papers").glob("*.toml"))


@pytest.mark.parametrize("path", PAPERS, ids=lambda path: path.stem)
def test_gradients_and_code_are_right(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By differences and PyTorch: JAX compiles each anew, a minute for all, and is asked in `test_check.py`."""
    monkeypatch.delitem(FRAMEWORKS, "jax")
    cell = load(str(path))
    derived, recurrence = gradient(cell), partial(written_out, through_time(cell))
    for seed in range(2):
        report = check(cell, derived, lambdify(cell, derived), recurrence=recurrence, seed=seed)
        assert report.passed, str(report)


def test_there_are_papers() -> None:
    assert len(PAPERS) >= 19
