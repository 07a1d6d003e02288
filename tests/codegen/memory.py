"""Whether tensors lie in memory of their own: who takes them may write to them."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np

from lstmgraph.cell import Cell
from lstmgraph.numeric.calls import given_rows
from lstmgraph.numeric.sample import Sample

Tensors = dict[str, Any]


def places(tensor: Any) -> set[tuple[int, int]]:
    """Where its entries lie: which memory, and how far in it."""
    import torch

    memory = tensor.untyped_storage()
    whole = torch.arange(memory.nbytes() // tensor.element_size())
    found = whole.as_strided(tensor.shape, tensor.stride(), tensor.storage_offset())
    return {(memory.data_ptr(), at) for at in found.flatten().tolist()}


def not_their_own(found: Tensors, given: Tensors) -> list[str]:
    """What of that which is found has entries in one place, or where something else has."""
    at = {name: places(a) for name, a in (given | found).items()}
    repeated = [name for name, a in found.items() if len(at[name]) < a.numel()]
    return [*repeated, *(f"{a}, {b}" for a, b in combinations(at, 2) if {a, b} & found.keys() and at[a] & at[b])]


def leaves_of(module: Any, cell: Cell, sample: Sample) -> tuple[Any, Tensors, Tensors]:
    """What a module with batch_first is called with, and all of it and of the parameters by name."""
    import torch

    given = given_rows(cell, sample)
    inputs, states = (
        {name: torch.tensor(np.array(a), requires_grad=True) for name, a in arrays.items()}
        for arrays in (given.inputs, given.states)
    )
    named = {f"{kind} {name}": a for kind, all_ in (("input", inputs), ("first", states)) for name, a in all_.items()}
    return given._replace(inputs=inputs).xs, states, named | dict(module.named_parameters())


def results(called: tuple[Any, Tensors]) -> Tensors:
    output, last = called
    return {"output": output, **{f"last {name}": a for name, a in last.items()}}


def gradients(found: Tensors, leaves: Tensors) -> tuple[Tensors, Tensors]:
    """Those of what the results are made of; and those of the results, by which they are found."""
    import torch

    d = {f"d {name}": torch.ones_like(a) for name, a in found.items()}
    known = [name for name, a in found.items() if a.requires_grad]
    if not known or not leaves:
        return {}, d
    from_results, by = [found[name] for name in known], [d[f"d {name}"] for name in known]
    own = torch.autograd.grad(from_results, [*leaves.values()], by, allow_unused=True)
    return {f"d {name}": a for name, a in zip(leaves, own, strict=True) if a is not None}, d
