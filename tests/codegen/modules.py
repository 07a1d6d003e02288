"""Small modules of generated PyTorch, and what they are called with."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from lstmgraph.codegen.arrays import array_axes
from tests.codegen.equality import cell_of
from tests.codegen.equality import functions_of as of_target

torch = pytest.importorskip("torch")

functions_of = partial(of_target, target="torch")

T, B, X, H = 3, 2, 2, 3
DELTA = "delta"  # its state is a matrix


def small(name: str, **options: Any) -> tuple[Any, Any, Any]:
    """A module, a sequence and states."""
    torch.manual_seed(0)
    cell = cell_of(name)
    sizes = dict(zip(cell.sizes, (X, H), strict=False))
    module = functions_of(name).Module(*sizes.values(), **{"dtype": torch.float64} | options)

    def axes(s: Any) -> list[int]:
        return [int(a.subs(sizes)) for a in array_axes(s.shape, batched=True)]

    states = {s.name: torch.rand(B, *axes(s.next), dtype=torch.float64) + 0.5 for s in cell.states}
    return module, torch.randn(T, B, *axes(cell.inputs[0]), dtype=torch.float64), states


def arguments(module: Any, xs: Any, states: Any) -> list[Any]:
    return [a.detach().clone().requires_grad_() for a in (xs, *states.values(), *module.parameters())]
