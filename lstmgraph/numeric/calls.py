"""How generated code is called: a sample goes in as rows, values and gradients come out by name.

There is one way for each kind of functions that a target gives; `way_of` knows it by what is there.  To add a kind: a
function here, and a row of `WAYS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy

from lstmgraph.algebra.names import name_of
from lstmgraph.cell import Cell
from lstmgraph.errors import CheckFailed
from lstmgraph.numeric.evaluate import Array
from lstmgraph.numeric.rows import batch_rows, parameter_rows, sequence_rows
from lstmgraph.numeric.sample import Sample
from lstmgraph.numeric.xla import quick

OUTPUT = "the output"

Arrays = Mapping[str, Array]
Found = tuple[Arrays, Arrays]  # values and gradients by name: "h", "the output", "W_f", "x", "h[0]"
Functions = Any  # what a target gives: see `lstmgraph.codegen.Functions`


class Given(NamedTuple):
    """What generated code is given, as rows: of one input that alone, of none the number of steps."""

    params: dict[str, Array]
    inputs: dict[str, Array]
    states: dict[str, Array]
    d_output: Array
    d_states: dict[str, Array]
    steps: int

    @property
    def xs(self) -> Any:
        return self.inputs if len(self.inputs) > 1 else next(iter(self.inputs.values()), self.steps)


def given_rows(cell: Cell, sample: Sample, dtype: Any = numpy.float64) -> Given:
    """A sample in the layout and the type of generated code."""

    def batch(states: Arrays) -> dict[str, Array]:
        return {s.name: batch_rows(s.next, states[s.name]).astype(dtype) for s in cell.states}

    return Given(
        {p.name: parameter_rows(p, sample.parameters[p.name]).astype(dtype) for p in cell.parameters},
        {name_of(x).base: sequence_rows(x, sample.inputs[name_of(x).base]).astype(dtype) for x in cell.inputs},
        batch(sample.states),
        sequence_rows(cell.values[cell.output], sample.d_output).astype(dtype),
        batch(sample.d_states),
        sample.steps,
    )


def check_kept(given: Given, cell: Cell, sample: Sample, dtype: Any) -> None:
    """Raises CheckFailed if what was given has been written to."""
    for mine, right in zip(given, given_rows(cell, sample, dtype), strict=True):
        pairs = (
            [(name, mine[name], right[name]) for name in mine] if isinstance(mine, dict) else [(OUTPUT, mine, right)]
        )
        for name, array, before in pairs:
            if not numpy.array_equal(array, before, equal_nan=True):
                raise CheckFailed(f"{cell.name}: what is given as {name} is written over")


def starts(states: Arrays) -> Arrays:
    """Of the gradients of initial states: by the names that these have in a report."""
    return {f"{name}[0]": array for name, array in states.items()}


# ── the ways ──


def by_backward(cell: Cell, functions: Functions, sample: Sample, dtype: Any = numpy.float64) -> Found:
    """`forward` and `backward` on arrays of NumPy; between them the caller's inputs and states are filled anew."""
    given = given_rows(cell, sample, dtype)
    outputs, trace, cache = functions.forward(given.params, given.xs, given.states)
    check_kept(given, cell, sample, dtype)
    for array in (*given.inputs.values(), *given.states.values()):
        array.fill(numpy.nan)
    d_params, d_xs, d_start = functions.backward(given.params, cache, given.d_output, given.d_states)
    again = given_rows(cell, sample, dtype)
    check_kept(given._replace(inputs=again.inputs, states=again.states), cell, sample, dtype)
    d_inputs = d_xs if len(given.inputs) > 1 else dict.fromkeys(given.inputs, d_xs)
    return {OUTPUT: outputs, **trace}, {**d_params, **d_inputs, **starts(d_start)}


def by_module(cell: Cell, functions: Functions, sample: Sample, dtype: Any = numpy.float64, **options: Any) -> Found:
    """`Module`, of PyTorch; `options` are its own."""
    import torch

    def leaf(array: Array) -> Any:
        return torch.tensor(numpy.array(array), requires_grad=True)

    given = given_rows(cell, sample, dtype)
    own = getattr(torch, numpy.dtype(dtype).name)
    module = functions.Module(*sample.sizes.values(), batch_first=True, dtype=own, **options)
    with torch.no_grad():
        for array, parameter in zip(given.params.values(), module.parameters(), strict=True):
            parameter.copy_(torch.tensor(array))
    inputs, states = ({name: leaf(a) for name, a in arrays.items()} for arrays in (given.inputs, given.states))
    outputs, last = module(given._replace(inputs=inputs).xs, states)
    loss = torch.sum(outputs * torch.tensor(numpy.array(given.d_output)))
    for name, d in given.d_states.items():
        loss = loss + torch.sum(last[name] * torch.tensor(numpy.array(d)))
    if loss.requires_grad:
        loss.backward()
    params = dict(zip(given.params, module.parameters(), strict=True))
    now = [{k: v.detach().numpy() for k, v in leaves.items()} for leaves in (params, inputs, states)]
    check_kept(Given(now[0], now[1], now[2], *given[3:]), cell, sample, dtype)
    leaves = {**params, **inputs, **starts(states)}
    gradients = {k: (torch.zeros_like(v) if v.grad is None else v.grad).numpy() for k, v in leaves.items()}
    return {k: v.detach().numpy() for k, v in {OUTPUT: outputs, **last}.items()}, gradients


def by_vjp(
    cell: Cell, functions: Functions, sample: Sample, dtype: Any = numpy.float64, function: str = "forward"
) -> Found:
    """`forward`, of JAX: compiled as one, which takes less than operation by operation, and as quickly as it can be."""
    import jax

    called, given = getattr(functions, function), given_rows(cell, sample, dtype)

    def run(params: Any, inputs: Any, states: Any, d_output: Any, d_states: Any) -> Any:
        def sequence(params: Any, inputs: Any, states: Any) -> Any:
            return called(params, given._replace(inputs=inputs).xs, states)

        (outputs, last), back = jax.vjp(sequence, params, inputs, states)
        return outputs, last, *back((d_output, d_states))

    with jax.enable_x64(True):
        outputs, last, d_params, d_inputs, d_states = quick(jax.jit(run), *given[:-1])(*given[:-1])
    values, gradients = {OUTPUT: outputs, **last}, {**d_params, **d_inputs, **starts(d_states)}
    return {k: numpy.asarray(v) for k, v in values.items()}, {k: numpy.asarray(v) for k, v in gradients.items()}


def by_forward(cell: Cell, functions: Functions, sample: Sample, dtype: Any = numpy.float64) -> Found:
    """`forward` alone, on arrays of NumPy."""
    given = given_rows(cell, sample, dtype)
    outputs, last = functions.forward(given.params, given.xs, given.states)
    return {OUTPUT: outputs, **last}, {}


class Way(NamedTuple):
    """`last`: of states it gives those after the last step only.  `forward`: it gives no gradients."""

    run: Callable[..., Found]
    last: bool = False
    forward: bool = False

    def of(self, wanted: Found) -> Found:
        """What of the interpreter's values and gradients it gives."""
        values, gradients = wanted
        if self.last:
            values = {name: array if name == OUTPUT else array[:, -1] for name, array in values.items()}
        return values, {} if self.forward else gradients


# By what tells the kind: the first of these that is among the functions.
WAYS: Mapping[str, Way] = {
    "backward": Way(by_backward),
    "Module": Way(by_module, last=True),
    "reference": Way(by_vjp, last=True),
    "forward": Way(by_forward, last=True, forward=True),
}


def way_of(functions: Functions) -> Way:
    return next(way for name, way in WAYS.items() if hasattr(functions, name))
