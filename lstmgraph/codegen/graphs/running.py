"""A model's functions in Python, on batch-first NumPy arrays, by onnxruntime."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy
from sympy import Expr, Integer, Symbol

from lstmgraph.algebra.names import name_of
from lstmgraph.cell import Cell
from lstmgraph.codegen.compiled import checks_of, type_of

Array = Any  # numpy.ndarray
Model = Callable[[str, Mapping[Symbol, Expr]], Any]  # of a type and sizes, with parameters as inputs

# In float64 onnxruntime keeps the number that it scales a product by in float32.
INEXACT = ("MatMulScaleFusion",)


@dataclass
class Runner:
    """step and forward of a cell.  `models` gives the model for a type, `dtype` is the only one if given.

    `threads` are as many as onnxruntime sees fit if 0; a number of them do not spin as they wait for work.
    """

    cell: Cell
    models: Model
    dtype: str | None
    fixed: Mapping[Symbol, Expr]
    threads: int = 0

    def __post_init__(self) -> None:
        self.checks = checks_of(self.cell)
        self.session = lru_cache(maxsize=8)(self._session)

    def step(self, params: Any, x: Any, states: Any = None) -> tuple[Array, dict[str, Array]]:
        """One step of a batch: the output and the new states."""
        params, x, states = self.checks["prepare"](params, x, states, "x", "B")
        outputs, last = self.run(params, [array[None] for array in self.inputs(x)], states, 1)
        return outputs[0], last

    def forward(self, params: Any, xs: Any, states: Any = None) -> tuple[Array, dict[str, Array]]:
        """A batch of sequences: the outputs (B, T, ...), and the states after the last step.

        Raises ValueError where a name or a shape is wrong.
        """
        params, xs, states = self.checks["prepare"](params, xs, states, "xs", "B", "T")
        inputs = [numpy.swapaxes(array, 0, 1) for array in self.inputs(xs)]
        outputs, last = self.run(params, inputs, states, len(inputs[0]) if inputs else xs)
        return numpy.swapaxes(outputs, 0, 1), last

    def inputs(self, xs: Any) -> list[Array]:
        if len(self.cell.inputs) > 1:
            return [xs[name_of(x).base] for x in self.cell.inputs]
        return [xs] if self.cell.inputs else []

    def run(self, params: Any, inputs: list[Array], states: Any, steps: int) -> tuple[Array, dict[str, Array]]:
        """The time is the first axis here."""
        if steps < 1:
            raise ValueError("there must be at least one step")
        arrays = [*params.values(), *inputs, *states.values()]
        dtype = self.dtype or type_of(arrays)
        first = inputs[0][0] if len(inputs) == 1 else dict(zip(map(_base, self.cell.inputs), inputs, strict=True))
        if len(inputs) > 1:
            first = {name: array[0] for name, array in first.items()}
        sizes = self.checks["read_sizes"](params, first, states, 1)
        for z, number in zip(self.cell.sizes, sizes, strict=True):
            if self.fixed.get(z, number) != number:
                raise ValueError(f"{z} is fixed: {self.fixed[z]}, not {number}")
        session = self.session(dtype, tuple(sizes))
        given = inputs or [numpy.array(steps, numpy.int64)]
        given += [states[s.name] for s in self.cell.states] + [params[p.name] for p in self.cell.parameters]
        feeds = {
            i.name: array if array.dtype == numpy.int64 else numpy.ascontiguousarray(array, dtype).reshape(array.shape)
            for i, array in zip(session.get_inputs(), given, strict=True)
        }
        outputs, *last = session.run(None, feeds)
        return outputs, dict(zip((s.name for s in self.cell.states), last, strict=True))

    def _session(self, dtype: str, sizes: tuple[int, ...]) -> Any:
        import onnxruntime

        model = self.models(dtype, dict(zip(self.cell.sizes, map(Integer, sizes), strict=True)))
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        if self.threads:
            options.intra_op_num_threads = self.threads
            options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        kept_out = INEXACT if dtype == "float64" else ()
        return onnxruntime.InferenceSession(
            model.SerializeToString(), options, ["CPUExecutionProvider"], disabled_optimizers=kept_out
        )


def _base(x: Any) -> str:
    return name_of(x).base
