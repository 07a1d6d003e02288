"""The number of steps of a cell without inputs, of every target: it is all that says how far memory goes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.codegen.equality import WAYS, c_functions, functions_of, torch_over_c

CELL = "autonomous"
LENGTH = {"numpy": 1, "c": 1, "jax": 1, "onnx": 1, "torch": 0, "torch over c": 0}  # the axis of time in the outputs
EVERY = [pytest.param(way, marks=[getattr(pytest.mark, mark) for mark in WAYS[way].mark]) for way in LENGTH]


def runner(way: str) -> Callable[[Any], Any]:
    """The outputs of so many steps."""
    if "torch" in way:
        module = (torch_over_c(CELL) if "over" in way else functions_of(CELL, "torch")).Module(3)
        return lambda length: module(length)[0].detach()
    functions = c_functions(CELL) if way == "c" else functions_of(CELL, way)
    states = {name: np.ones((1, 3)) for name in "pq"}
    return lambda length: functions.forward({}, length, states)[0]


@pytest.mark.parametrize("way", EVERY)
def test_whole_numbers_of_any_library_are_taken(way: str) -> None:
    run = runner(way)
    for length in (3, np.int64(3), np.array(3)):
        assert run(length).shape[LENGTH[way]] == 3


@pytest.mark.parametrize("way", EVERY)
def test_what_is_no_number_of_steps_is_told(way: str) -> None:
    run = runner(way)
    wrong: tuple[Any, ...] = (None, 4.0, "4", 0, -1, np.ones((2, 4, 3)), np.array(3.0), {})
    for length in wrong:
        with pytest.raises(ValueError, match=r"^length must be a whole number of steps, 1 at least, got "):
            run(length)


@pytest.mark.torch
def test_a_number_that_is_traced_stays_one() -> None:
    """What torch.compile made for the second number of steps is for all."""
    import torch
    from torch._dynamo.testing import CompileCounter

    counter = CompileCounter()
    compiled = torch.compile(functions_of(CELL, "torch").Module(3), backend=counter, fullgraph=True)
    for length in (3, 4, 5, 6):
        assert compiled(length)[0].shape[0] == length
    assert counter.frame_count == 2
