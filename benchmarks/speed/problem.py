"""What every row computes: a cell, sizes, random numbers, and what must come out by the reference interpreter.

All of it is random, but for the samples of a batch: those are four different ones, again and again.  So the
interpreter, which keeps what it finds for every sample, computes four, and the gradients of parameters are those times
B / 4.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple, Protocol

import numpy as np

import lstmgraph as lg
from lstmgraph.algebra.names import name_of
from lstmgraph.errors import UsageError
from lstmgraph.numeric.check import largest_error, reference_rows
from lstmgraph.numeric.evaluate import number_of
from lstmgraph.numeric.sample import Sample

Array = np.ndarray[Any, Any]
Call = Callable[[], Any]
Sizes = tuple[int, int, int, int]  # T, B, X, H

# The last one no framework has as an operator, and it is no fused operator's special case either: its second product
# waits for its first gate.
CELLS = ("peephole_lstm", "lstm", "gru", "mgu")
CASES: Mapping[str, Sizes] = {
    "A": (100, 1, 8, 16),
    "B": (100, 1, 64, 64),
    "C": (100, 32, 64, 128),
    "D": (50, 64, 256, 512),
}
STEP_CASE = "step"
SIZES: Mapping[str, Sizes] = {**CASES, STEP_CASE: (20, 1, 8, 16)}  # single steps, so many in a turn
DIRECTIONS = FORWARD, BOTH, ONE_STEP = "forward", "forward and backward", "one step"
DTYPES: Mapping[str, Any] = {"f32": np.float32, "f64": np.float64}


@dataclass(frozen=True)
class Problem:
    """A cell with one input x, and arrays as generated files take them: xs is (B, T, X), d_outputs (B, T, H)."""

    cell: lg.Cell
    sizes: Sizes
    dtype: str
    threads: int
    params: dict[str, Array]
    xs: Array
    d_outputs: Array

    @property
    def double(self) -> bool:
        return self.dtype == "f64"


class Wanted(NamedTuple):
    """The outputs (B, T, H), and the gradients by name: those of the parameters, and of the input "x"."""

    outputs: Array
    gradients: dict[str, Array]


class Runs(NamedTuple):
    """What a row runs, and what makes NumPy arrays of what that gives.

    `outputs` reads what `forward` gives, `gradients` what `both` does.  A row that computes something else has neither,
    and says in `note` what; one without gradients has no `both`.
    """

    forward: Call
    both: Call | None = None
    outputs: Callable[[Any], Array] | None = None
    gradients: Callable[[Any], Mapping[str, Array]] | None = None
    note: str = ""
    per_call: int = 1

    def calls(self) -> dict[str, Call]:
        """What is timed, by direction."""
        return {FORWARD: self.forward} | ({BOTH: self.both} if self.both else {})

    def worst(self, wanted: Wanted) -> tuple[float, str]:
        """The largest error of all that it computes, and in which array."""
        values = self.forward()
        errors = [largest_error({"outputs": self.outputs(values)}, {"outputs": wanted.outputs})] if self.outputs else []
        if self.both and self.gradients:
            errors.append(largest_error(self.gradients(self.both()), wanted.gradients))
        return max(errors, default=(0.0, ""))


class Row(Protocol):
    """`Runs`, or a `Stream`; in a call there are `per_call` of what is timed."""

    @property
    def note(self) -> str: ...

    @property
    def per_call(self) -> int: ...

    def calls(self) -> dict[str, Call]: ...

    def worst(self, wanted: Wanted) -> tuple[float, str]: ...


Prepare = Callable[[Problem], Row | None]


def problem(name: str, sizes: Sizes, dtype: str, threads: int = 1) -> Problem:
    """The same numbers for both types, those of float32."""
    cell, (T, B, X, H) = lg.load(name), sizes
    rng, kind = np.random.default_rng(0), DTYPES[dtype]
    params = cell.lambdify().init(rng, X, H, dtype=np.float32)
    few = [rng.normal(size=(different(B), T, n)).astype(np.float32) for n in (X, H)]
    xs, d_outputs = (np.tile(a, (B // len(a), 1, 1)).astype(kind) for a in few)
    return Problem(cell, sizes, dtype, threads, {n: p.astype(kind) for n, p in params.items()}, xs, d_outputs)


def check_sizes(cell: lg.Cell) -> None:
    """Raises UsageError for a cell that the cases say nothing of: they have X and H."""
    inputs, states = list(cell.inputs), [state.next for state in cell.states]
    names, shapes = [name_of(s).base for s in inputs], [tuple(map(str, s.shape)) for s in (*inputs, *states)]
    if names != ["x"] or shapes != [("X", "1"), *[("H", "1")] * len(states)]:
        found = ", ".join(f"{name_of(s).base} ({', '.join(map(str, s.shape))})" for s in (*inputs, *states))
        raise UsageError(f"a case is for an input x (X, 1) and states (H, 1); {cell.name} has {found}")


def different(batch: int) -> int:
    """How many samples of a batch are different ones."""
    return next(k for k in (4, 3, 2, 1) if batch % k == 0)


@lru_cache(maxsize=2)
def wanted(name: str, sizes: Sizes) -> Wanted:
    """What the interpreter finds, in float64, and by the gradients that are derived for one step."""
    p = problem(name, sizes, "f64")
    sample = sample_of(p)
    values, gradients = reference_rows(p.cell, p.cell.gradient(), sample)
    copies = sizes[1] // sample.batch
    found = {s.name: copies * gradients[s.name] for s in p.cell.parameters}
    return Wanted(np.tile(values["the output"], (copies, 1, 1)), found | {"x": np.tile(gradients["x"], (copies, 1, 1))})


def sample_of(p: Problem) -> Sample:
    """The different samples, in the layout of the interpreter; all states are zero at first."""
    T, B, _, H = p.sizes
    sizes = dict(zip(p.cell.sizes, sizes_in_order(p), strict=True))
    parameters = {s.name: p.params[s.name].reshape([number_of(n, sizes) for n in s.shape]) for s in p.cell.parameters}
    few = different(B)
    xs, d_outputs = (a[:few].swapaxes(0, 1)[..., None] for a in (p.xs, p.d_outputs))
    zeros = {s.name: np.zeros((few, H, 1)) for s in p.cell.states}
    return Sample(sizes, few, T, parameters, {name_of(p.cell.inputs[0]).base: xs}, zeros, d_outputs, zeros)


def sizes_in_order(p: Problem) -> list[int]:
    named = dict(zip("TBXH", p.sizes, strict=True))
    return [named[str(size)] for size in p.cell.sizes]
