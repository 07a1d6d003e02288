"""Gradients of a sequence by means that know no rule of ours: central differences, PyTorch's autograd, JAX's.

The loss is a random linear function of all outputs and of the last states; its coefficients are the sample's
cotangents.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy

from lstmgraph.cell import Cell
from lstmgraph.numeric.evaluate import Array
from lstmgraph.numeric.sequence import Cotangents, run_sequence
from lstmgraph.numeric.xla import quick

if TYPE_CHECKING:
    from lstmgraph.numeric.sample import Sample

# Sixth order: f' = sum of weight * f(a + offset * STEP) / STEP, with an error of STEP ** 6 / 140 times f's seventh
# derivative.
OFFSETS = numpy.array([-3.0, -2.0, -1.0, 1.0, 2.0, 3.0])
WEIGHTS = numpy.array([-1.0, 9.0, -45.0, 45.0, -9.0, 1.0]) / 60
STEP = 5e-4
# What a right gradient must not exceed.
DIFFERENCES_BOUND = 1e-7
# At this distance from a pole the differences of 1 / x err by a tenth of the bound: 36 (STEP / distance) ** 6.
MARGIN = STEP * (36 / (DIFFERENCES_BOUND / 10)) ** (1 / 6)


def loss(cell: Cell, sample: Sample, xp: ModuleType = numpy) -> Array:
    """A number for each of the axes in front of the batch's, if there are any."""
    forward = run_sequence(cell, sample.parameters, sample.inputs, sample.states, sample.steps, xp)
    output = cell.values[cell.output].name
    terms = [_dot(sample.d_output[t], values[output]) for t, values in enumerate(forward)]
    terms += [_dot(sample.d_states[s.name], forward[-1][s.next.name]) for s in cell.states]
    return sum(terms[1:], terms[0])


def _dot(a: Array, b: Array) -> Array:
    return (a * b).sum((-3, -2, -1))


def by_differences(cell: Cell, sample: Sample) -> Cotangents:
    """Each entry moved a little, all moved copies at once, as one more axis in front of the samples."""

    def derivative(group: str, name: str) -> Array:
        array = getattr(sample, group)[name]
        moved = _moved(array, at=1 if group == "inputs" else 0, flat=group == "parameters")
        groups: dict[str, Any] = {group: {**getattr(sample, group), name: moved}}
        values = loss(cell, replace(sample, **groups))
        values = numpy.broadcast_to(values, (len(OFFSETS) * array.size,))
        return (values.reshape(array.size, len(OFFSETS)) @ WEIGHTS / STEP).reshape(array.shape)

    return _for_each(sample, derivative)


def _moved(array: Array, at: int, flat: bool) -> Array:
    """A copy of an array for each entry and offset, with it moved, along a new axis `at`; `flat`: then a batch axis."""
    shifts = numpy.eye(array.size)[:, None, :] * (OFFSETS * STEP)[:, None]
    copies = array + shifts.reshape(len(OFFSETS) * array.size, *array.shape)
    return copies[:, None] if flat else numpy.moveaxis(copies, 0, at)


def by_autograd(cell: Cell, sample: Sample) -> Cotangents:
    """PyTorch's reverse mode over the reference interpreter."""
    import torch

    groups = {f.name: getattr(sample, f.name) for f in fields(Cotangents)}
    leaves: dict[str, Any] = {
        g: {k: torch.tensor(v, requires_grad=True) for k, v in arrays.items()} for g, arrays in groups.items()
    }
    fixed: dict[str, Any] = {
        "d_output": torch.tensor(sample.d_output),
        "d_states": {name: torch.tensor(d) for name, d in sample.d_states.items()},
    }
    value = loss(cell, replace(sample, **leaves, **fixed), torch)
    if value.requires_grad:
        value.backward()

    def derivative(group: str, name: str) -> Array:
        leaf = leaves[group][name]
        return numpy.zeros(leaf.shape) if leaf.grad is None else leaf.grad.numpy()

    return _for_each(sample, derivative)


def by_jax(cell: Cell, sample: Sample) -> Cotangents:
    """JAX's reverse mode over the reference interpreter, in float64."""
    import jax

    groups = {f.name: getattr(sample, f.name) for f in fields(Cotangents)}
    place = jax if hasattr(jax, "enable_x64") else import_module("jax.experimental")  # the latter before 0.8
    with place.enable_x64(True):
        slope = jax.jit(jax.grad(lambda moved: loss(cell, replace(sample, **moved), jax.numpy)))
        slopes = quick(slope, groups)(groups)

    def derivative(group: str, name: str) -> Array:
        return numpy.asarray(slopes[group][name])

    return _for_each(sample, derivative)


def _for_each(sample: Sample, derivative: Callable[[str, str], Array]) -> Cotangents:
    """The derivatives with respect to all that went in; `Cotangents` and `Sample` name these groups alike."""
    groups = [f.name for f in fields(Cotangents)]
    return Cotangents(**{group: {k: derivative(group, k) for k in getattr(sample, group)} for group in groups})
