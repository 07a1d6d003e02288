"""Rows of one step at a time, called from Python with a new input, the states handed on: as a stream comes in.

A row makes from a `Problem`, whose T is how many steps are run in a turn, a `Stream`: a function of x, (B, X), that is
ready for the next step once it has given the output.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from benchmarks.speed import onnx_rows, torch_rows
from benchmarks.speed.problem import ONE_STEP, Array, Call, Problem, Wanted
from lstmgraph.numeric.check import largest_error

OneStep = Callable[[Any], Any]


class Stream(NamedTuple):
    """One step, the inputs of all steps as it takes them, and what makes an array (B, H) of its output.

    Where that computes another cell there is no `read`, and the `note` says what is different.
    """

    step: OneStep
    inputs: Sequence[Any]
    read: Callable[[Any], Array] | None = np.asarray
    note: str = ""

    @property
    def per_call(self) -> int:
        return len(self.inputs)

    def calls(self) -> dict[str, Call]:
        step, inputs = self.step, self.inputs

        def run() -> None:
            for x in inputs:
                step(x)

        return {ONE_STEP: run}

    def worst(self, wanted: Wanted) -> tuple[float, str]:
        """The largest error of the outputs of a stream that has not begun."""
        if self.read is None:
            return 0.0, ""
        found = np.stack([np.array(self.read(self.step(x))) for x in self.inputs], axis=1)
        return largest_error({"outputs": found}, {"outputs": wanted.outputs})


def carried(function: Callable[[Any, Any], tuple[Any, Any]], states: Any) -> OneStep:
    """The step of a function that takes and gives the states besides."""
    held = states

    def step(x: Any) -> Any:
        nonlocal held
        output, held = function(x, held)
        return output

    return step


def arrays(p: Problem) -> list[Array]:
    """The inputs of all steps."""
    return [x.copy() for x in p.xs.swapaxes(0, 1)]


def zeros(p: Problem, *front: int) -> Array:
    _, B, _, H = p.sizes
    return np.zeros((*front, B, H), p.xs.dtype)


# ── the rows ──


def c_stream(p: Problem) -> Stream:
    return Stream(p.cell.lambdify("c", dtype=p.xs.dtype.name).stream(p.params), arrays(p))


def c_fixed_stream(p: Problem) -> Stream:
    _, _, X, H = p.sizes
    functions = p.cell.lambdify("c", dtype=p.xs.dtype.name, sizes={"X": X, "H": H})
    return Stream(functions.stream(p.params), arrays(p))


def numpy_step(p: Problem) -> Stream:
    return generated(p, p.cell.lambdify("numpy").step)


def onnx_step(p: Problem) -> Stream:
    return generated(p, onnx_rows.runner(p).step)


def generated(p: Problem, step: Callable[..., tuple[Any, Any]]) -> Stream:
    return Stream(carried(lambda x, states: step(p.params, x, states), None), arrays(p))


def torch_step(p: Problem) -> Stream:
    import torch

    states = {s.name: torch.from_numpy(zeros(p)) for s in p.cell.states}
    return torch_stream(p, carried(torch_rows.made(p).step, states))


def torch_cell(p: Problem) -> Stream | None:
    """PyTorch's own cell, or the nearest."""
    import torch

    own = torch_rows.LAYERS.get(p.cell.name)
    if own is None:
        return None
    module = torch_rows.loaded(p, getattr(torch.nn, f"{own.name}Cell"), own)
    start = torch.from_numpy(zeros(p))

    def pair(x: Any, states: Any) -> Any:
        states = module(x, states)
        return states[0], states

    def single(x: Any, h: Any) -> Any:
        h = module(x, h)
        return h, h

    step = carried(pair, (start, start)) if own.name == "LSTM" else carried(single, start)
    found = torch_stream(p, step)
    return found._replace(read=None, note=own.note) if own.note else found


def torch_stream(p: Problem, step: OneStep) -> Stream:
    import torch

    torch.set_num_threads(p.threads)
    return Stream(torch.inference_mode()(step), [torch.from_numpy(x) for x in arrays(p)], lambda found: found.numpy())


def onnx_operator(p: Problem) -> Stream | None:
    """ONNX Runtime's operator over a sequence of one step."""
    own = onnx_rows.OPERATORS.get(p.cell.name)
    if own is None or p.double:
        return None
    run = onnx_rows.session_of(p, own).run
    names = [f"{s}_0" for s in own.states]
    wanted = [f"{s}_T" for s in own.states]

    def step(x: Array, states: list[Array]) -> tuple[Array, list[Array]]:
        states = run(wanted, {"X": x, **dict(zip(names, states, strict=True))})
        return states[0], states

    inputs = [x[None] for x in arrays(p)]
    return Stream(carried(step, [zeros(p, 1) for _ in names]), inputs, lambda found: found[0])


def jax_step(p: Problem) -> Stream:
    import jax

    jax.config.update("jax_enable_x64", p.double)
    step, params = jax.jit(p.cell.lambdify("jax").step), jax.device_put(p.params)
    states = {s.name: jax.device_put(zeros(p)) for s in p.cell.states}

    def ready(x: Any, states: Any) -> Any:
        return jax.block_until_ready(step(params, x, states))

    return Stream(carried(ready, states), arrays(p))
