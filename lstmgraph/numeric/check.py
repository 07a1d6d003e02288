"""Whether a cell's gradients and generated code are right, by computations that share nothing with their derivation.

- the generated code's values and gradients: the reference interpreter's, of the same equations;
- the derived gradients, through time: central differences of a random linear loss, and where PyTorch is installed its
  autograd over the interpreter, where JAX is, its;
- the recurrence through time, run over the sequence: the derived gradients, step after step.

All in float64, at several sizes (all ones among them), batch sizes and lengths, with non-zero initial states.  An error
is the largest difference relative to the largest entry of the same array; one that is nearly zero as a whole is judged
as if it held a thousandth of the largest entry of all arrays, or 1e-4 (what goes in is about 1).

To add a comparison: a line in `_comparisons`.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy

from lstmgraph.algebra.names import name_of
from lstmgraph.cell import Cell
from lstmgraph.numeric.calls import OUTPUT, Arrays, Found, Functions, starts, way_of
from lstmgraph.numeric.differences import DIFFERENCES_BOUND, by_autograd, by_differences, by_jax
from lstmgraph.numeric.evaluate import Array
from lstmgraph.numeric.report import Report, Row
from lstmgraph.numeric.rows import batch_rows, parameter_rows, sequence_rows
from lstmgraph.numeric.sample import DRAWS, Sample, draw
from lstmgraph.numeric.sequence import Cotangents, Steps, run_backward, run_sequence
from lstmgraph.numeric.through_time import run_unrolled
from lstmgraph.program import Program

CODE_BOUND = 1e-12
AUTOGRAD_BOUND = 1e-10
# (batch, steps, numbers that the size symbols get in turn)
CASES: tuple[tuple[int, int, tuple[int, ...]], ...] = (
    (1, 1, (1,)),
    (1, 4, (3, 2)),
    (3, 1, (2, 3, 4)),
    (2, 5, (4, 3, 2)),
)

# By module: reverse mode that is none of ours.
FRAMEWORKS: Mapping[str, Callable[[Cell, Sample], Cotangents]] = {"torch": by_autograd, "jax": by_jax}
ONCE = ("jax",)  # compiles every operation for new sizes, which takes seconds: for the last sample, the largest, only

Recurrence = Callable[[int], Program]  # written out for so many steps
Derived = tuple[Program, Recurrence | None]  # the gradients of one step, and their recurrence
Comparison = tuple[str, float, Arrays, Arrays]
Code = tuple[str, Functions]  # what a report calls it, and what it gives


def check(
    cell: Cell,
    gradient: Program,
    functions: Functions | None = None,
    *,
    target: str = "numpy",
    seed: int = 0,
    recurrence: Recurrence | None = None,
    torch: bool | None = None,
    progress: Callable[[str, int, int], None] = lambda *_: None,
) -> Report:
    """Compare the gradients, and if given the generated functions of a target and the recurrence through time of a loss
    at every step, with independent computations.

    `torch` says whether to compare with its autograd; by default that is done where it is installed, as with JAX's,
    which is asked for the largest sample.
    """
    frameworks = [name for name in FRAMEWORKS if installed(name)]
    if torch is not None:
        frameworks = [name for name in frameworks if name != "torch"] + (["torch"] if torch else [])
    code = None if functions is None else (target, functions)
    rows: list[Row] = []
    for k, (batch, steps, numbers) in enumerate(CASES):
        sizes = {z: numbers[i % len(numbers)] for i, z in enumerate(cell.sizes)}
        sample = draw(cell, sizes, batch, steps, seed + k)
        where = " ".join([f"T={steps} B={batch}", *(f"{name}={number}" for name, number in sizes.items())])
        progress(f"{cell.name}: {where}", k, len(CASES))
        asked = [name for name in frameworks if name not in ONCE or k + 1 == len(CASES)]
        rows += _rows(cell, (gradient, recurrence), code, sample, asked, where)
    progress("", len(CASES), len(CASES))
    order = list(dict.fromkeys(row.what for row in rows))
    return Report(f"check of {cell.name}", tuple(sorted(rows, key=lambda row: order.index(row.what))))


def _rows(
    cell: Cell,
    derived: Derived,
    code: Code | None,
    sample: Sample | None,
    frameworks: Sequence[str],
    where: str,
) -> Iterator[Row]:
    if sample is None:
        note = f"in none of {DRAWS} random samples are all values finite"
        yield Row("the values are finite", where, numpy.inf, 0.0, note=note)
        return
    with numpy.errstate(all="ignore"):  # the table says what is not finite
        for what, bound, found, wanted in _comparisons(cell, derived, code, sample, frameworks):
            error, worst = largest_error(found, wanted)
            yield Row(what, where, error, bound, worst, note="" if numpy.isfinite(error) else "not finite, or missing")


def _comparisons(
    cell: Cell, programs: Derived, code: Code | None, sample: Sample, frameworks: Sequence[str]
) -> Iterator[Comparison]:
    gradient, recurrence = programs
    forward = run_sequence(cell, sample.parameters, sample.inputs, sample.states, sample.steps)
    derived = run_backward(cell, gradient, forward, sample.d_output, sample.d_states)
    if code is not None:
        target, way = code[0], way_of(code[1])
        found = way.run(cell, code[1], sample)
        wanted = way.of((_values_as_rows(cell, sample, forward), _gradients_as_rows(cell, derived)))
        yield f"{target} code = equations", CODE_BOUND, found[0], wanted[0]
        if not way.forward:
            yield f"{target} code gradients = derived", CODE_BOUND, found[1], wanted[1]
    yield "derived = differences", DIFFERENCES_BOUND, _named(derived), _named(by_differences(cell, sample))
    for name in frameworks:
        yield f"derived = {name} autograd", AUTOGRAD_BOUND, _named(derived), _named(FRAMEWORKS[name](cell, sample))
    if recurrence is not None:
        through_time = run_unrolled(cell, recurrence(sample.steps), forward, sample.d_output)
        no_states = {name: numpy.zeros_like(d) for name, d in sample.d_states.items()}  # its loss sees outputs alone
        step_by_step = run_backward(cell, gradient, forward, sample.d_output, no_states)
        yield "recurrence = derived", CODE_BOUND, _named(through_time), _named(step_by_step)


def installed(framework: str) -> bool:
    """Whether a framework can be imported."""
    return importlib.util.find_spec(framework) is not None


def largest_error(found: Arrays, wanted: Arrays) -> tuple[float, str]:
    """The largest relative error, and of which array; infinite where shapes differ or something is not finite."""
    overall = max((float(numpy.max(numpy.abs(w))) for w in wanted.values()), default=0.0)
    worst = (0.0, "")
    for name, w in wanted.items():
        f = found.get(name)
        if f is None or numpy.shape(f) != numpy.shape(w) or not numpy.all(numpy.isfinite(f) & numpy.isfinite(w)):
            return numpy.inf, name
        scale = max(float(numpy.max(numpy.abs(w))), 1e-3 * overall, 1e-4)
        error = float(numpy.max(numpy.abs(f - w)))
        worst = max(worst, (error / scale, name))
    return worst


# ── the reference of generated code ──


def reference_rows(cell: Cell, gradient: Program, sample: Sample) -> Found:
    """What generated code must find: the interpreter's values and derived gradients, as rows."""
    forward = run_sequence(cell, sample.parameters, sample.inputs, sample.states, sample.steps)
    derived = run_backward(cell, gradient, forward, sample.d_output, sample.d_states)
    return _values_as_rows(cell, sample, forward), _gradients_as_rows(cell, derived)


def _values_as_rows(cell: Cell, sample: Sample, forward: Steps) -> Arrays:
    symbols = {OUTPUT: cell.values[cell.output], **{s.name: s.next for s in cell.states}}
    stacks = {name: numpy.stack([_samples(v[s.name], sample) for v in forward]) for name, s in symbols.items()}
    return {name: sequence_rows(s, stacks[name]) for name, s in symbols.items()}


def _samples(array: Array, sample: Sample) -> Array:
    """With the axis of the samples, which a value lacks that depends on parameters only."""
    return numpy.broadcast_to(array, (sample.batch, *array.shape[-2:]))


def _gradients_as_rows(cell: Cell, derived: Cotangents) -> Arrays:
    wanted = [p for p in cell.parameters if p.name in derived.parameters]
    parameters = {p.name: parameter_rows(p, derived.parameters[p.name]) for p in wanted}
    inputs = {name_of(x).base: sequence_rows(x, derived.inputs[name_of(x).base]) for x in cell.inputs}
    states = {s.name: batch_rows(s.next, derived.states[s.name]) for s in cell.states}
    return {**parameters, **inputs, **starts(states)}


def _named(cotangents: Cotangents) -> Arrays:
    return {**cotangents.parameters, **cotangents.inputs, **starts(cotangents.states)}
