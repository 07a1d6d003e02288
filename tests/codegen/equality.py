"""One yardstick for every target: what its files compute is what the equations say.

`cell_of(name)` is any cell to try things with: of the library, of papers, and the odd ones in `odd/` (several inputs,
or none; no state, no parameters; matrices and scalars as states; names that are words of Python or of a file).

A target is one row of `WAYS`, which says how its files are called; `test_equality.py` then tries it with every cell.
The oracle is the reference interpreter in float64, on the numbers that the code is given: those of float32 are rounded
first.  An error is the largest of an array beside the largest entry of that array.  Where that is beyond the bound it
may be the cell that loses digits, and then so does the interpreter: `lost` measures what rounding costs there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from lstmgraph.calculus import gradient
from lstmgraph.cell import Cell
from lstmgraph.codegen import Functions, lambdify, over_c
from lstmgraph.codegen.compiled import Compiled, Library
from lstmgraph.codegen.compiler import FLAGS, WIDE, compiled
from lstmgraph.codegen.computed import computed
from lstmgraph.codegen.loops.layout import Options
from lstmgraph.codegen.plan import Plan
from lstmgraph.codegen.targets.c import File
from lstmgraph.numeric import calls, rounding
from lstmgraph.numeric.calls import Arrays, Found
from lstmgraph.numeric.check import reference_rows
from lstmgraph.numeric.rounding import mapped
from lstmgraph.numeric.sample import Sample, draw
from lstmgraph.program import Program
from lstmgraph.reading import library, load

HERE = Path(__file__).parent
ODD = {path.stem: str(path) for path in sorted((HERE / "odd").glob("*.toml"))}
PAPERS = {path.stem: str(path) for path in sorted((HERE.parent / "reading" / "papers").glob("*.toml"))}
FILES = {**ODD, **PAPERS}
CELLS = (*library(), *FILES)

BOUNDS = {"float64": 1e-12, "float32": 5e-6}
MARGIN = 4.0  # how many times that a target may be off: it rounds elsewhere, and may round oftener


class Case(NamedTuple):
    """B, T, and the numbers that the sizes of a cell get in turn."""

    batch: int
    steps: int
    numbers: tuple[int, ...]


CASES = (Case(1, 1, (1,)), Case(3, 4, (2, 5, 3)), Case(2, 1, (3, 2)), Case(1, 3, (17, 4)))

ARRAYS, MODULE, VJP, FORWARD = calls.WAYS.values()
STEPWISE = ARRAYS._replace(forward=True)


@lru_cache
def cell_of(name: str) -> Cell:
    return load(FILES.get(name, name))


@lru_cache
def functions_of(name: str, target: str = "numpy") -> Functions:
    cell = computed(cell_of(name))
    return lambdify(cell, gradient(cell), target)


@lru_cache
def sample_of(name: str, case: Case, dtype: str) -> Sample:
    """Random numbers of a type, held as float64."""
    cell = cell_of(name)
    sizes = {z: case.numbers[k % len(case.numbers)] for k, z in enumerate(cell.sizes)}
    sample = draw(cell, sizes, case.batch, case.steps, seed=3)
    assert sample is not None
    return mapped(sample, lambda array: array.astype(dtype).astype(float))


@lru_cache
def wanted_of(name: str, case: Case, dtype: str) -> Found:
    return reference_rows(cell_of(name), gradient(cell_of(name)), sample_of(name, case, dtype))


@lru_cache
def lost(name: str, case: Case, dtype: str) -> Mapping[str, float]:
    """How far the interpreter itself is off, in that type."""
    cell = cell_of(name)
    return rounding.lost(cell, gradient(cell), sample_of(name, case, dtype), dtype, _rows)


def _rows(cell: Cell, gradient: Program, sample: Sample) -> dict[str, Any]:
    return joined(reference_rows(cell, gradient, sample))


def joined(found: Found) -> dict[str, Any]:
    values, gradients = found
    return {**values, **gradients}


# ── the yardstick ──


def faults(found: Found, name: str, case: Case, dtype: str, way: calls.Way = ARRAYS) -> list[str]:
    """What of the values and gradients is not right: nothing, where all is well.  `way` says what there has to be."""
    losses = partial(lost, name, case, dtype)
    values, gradients = way.of(wanted_of(name, case, dtype))
    return [*_faults(found[0], values, dtype, losses), *_faults(found[1], gradients, dtype, losses)]


def _faults(found: Arrays, wanted: Arrays, dtype: str, losses: Callable[[], Mapping[str, float]]) -> list[str]:
    if found.keys() != wanted.keys():
        return [f"there are {', '.join(found)} and not {', '.join(wanted)}"]
    return [said for key, right in wanted.items() if (said := _fault(key, found[key], right, dtype, losses))]


def _fault(key: str, own: Any, right: Any, dtype: str, losses: Callable[[], Mapping[str, float]]) -> str:
    if np.shape(own) != np.shape(right) or np.asarray(own).dtype != dtype:
        return f"{key} is {np.asarray(own).dtype} {np.shape(own)} and not {dtype} {np.shape(right)}"
    error, scale = float(np.abs(own - right).max(initial=0)), float(np.abs(right).max(initial=0))
    if error <= BOUNDS[dtype] * scale or error <= MARGIN * losses()[key]:
        return ""
    return f"{key}: {error:.1e} of {scale:.1e}, where the interpreter loses {losses()[key]:.1e}"


# ── the targets ──


class Way(NamedTuple):
    """How the files of a target are called: `run(name, sample, dtype)`.

    `mark` are the markers of what must be installed.  `cells` are those that are tried, `cases` at what sizes, by type.
    `gives` says what of the values and gradients it gives.
    """

    run: Callable[[str, Sample, str], Found]
    mark: tuple[str, ...] = ()
    cells: tuple[str, ...] = CELLS
    cases: Mapping[str, tuple[Case, ...]] = {"float64": CASES, "float32": CASES[1:]}
    gives: calls.Way = ARRAYS


def by_numpy(name: str, sample: Sample, dtype: str) -> Found:
    return calls.by_backward(cell_of(name), functions_of(name), sample, dtype)


def by_steps(functions: Callable[[str], Any], name: str, sample: Sample, dtype: str) -> Found:
    """A sequence by one call a step."""
    given = calls.given_rows(cell_of(name), sample, dtype)
    step, states, found = functions(name).step, given.states, []
    for t in range(sample.steps):
        inputs = {key: array[:, t] for key, array in given.inputs.items()}
        output, states = step(given.params, given._replace(inputs=inputs).xs, states)
        found.append({calls.OUTPUT: output, **states})
    return {key: np.stack([values[key] for values in found], axis=1) for key in found[0]}, {}


# Speed is not what is tested here; those who want to know about it compile for themselves.
WARNINGS = ("-std=c99", "-Wall", "-Wextra", "-Wconversion", "-pedantic", "-Werror")
LEVELS = {"float64": "-O1", "float32": "-O0"}


@lru_cache
def c_file(name: str, dtype: str) -> File:
    cell = computed(cell_of(name))
    return File(Plan(cell, gradient(cell)), Options(dtype))


@lru_cache
def c_functions(name: str, optimised: bool = False) -> Compiled:
    """The functions of a cell's C file: hardly optimised, or as `lambdify` has them."""
    file = c_file(name, "float64")

    def library_of(dtype: str) -> Library:
        header, source = c_file(name, dtype).texts([name], file.prefix)
        texts = {f"{file.prefix}.h": header, f"{file.prefix}.c": source}
        flags = (*FLAGS, *WIDE) if optimised else (*WARNINGS, LEVELS[dtype])
        return Library(file.prefix, compiled(file.prefix, texts, flags))

    return Compiled(cell_of(name), lru_cache(library_of), None, {}, file.packs)


def by_c(name: str, sample: Sample, dtype: str, optimised: bool = False) -> Found:
    return calls.by_backward(cell_of(name), c_functions(name, optimised), sample, dtype)


def by_optimised_c(name: str, sample: Sample, dtype: str) -> Found:
    return by_c(name, sample, dtype, optimised=True)


@lru_cache
def torch_over_c(name: str) -> Functions:
    """The PyTorch file over the C files as they are compiled here."""
    found = over_c.texts([c_file(name, dtype) for dtype in BOUNDS], [name], functions_of(name, "torch").source)
    own = over_c.over_c(found, c_functions(name).libraries)
    return Functions(Module=own[found.module], Derived=own["Derived"], reference=own["reference"])


def by_torch(
    name: str, sample: Sample, dtype: str, file: Callable[[str], Functions] | None = None, **options: Any
) -> Found:
    functions = (file or partial(functions_of, target="torch"))(name)
    return calls.by_module(cell_of(name), functions, sample, dtype, **options)


def by_torch_itself(name: str, sample: Sample, dtype: str) -> Found:
    """By the module's eager form: the gradients are PyTorch's."""
    return by_torch(name, sample, dtype, derived=False)


def by_torch_over_c(name: str, sample: Sample, dtype: str) -> Found:
    return by_torch(name, sample, dtype, torch_over_c)


def by_jax(name: str, sample: Sample, dtype: str, function: str = "forward") -> Found:
    return calls.by_vjp(cell_of(name), functions_of(name, "jax"), sample, dtype, function)


def by_jax_itself(name: str, sample: Sample, dtype: str) -> Found:
    """By the scan of the step: the gradients are JAX's."""
    return by_jax(name, sample, dtype, "reference")


def by_onnx(name: str, sample: Sample, dtype: str) -> Found:
    return calls.by_forward(cell_of(name), functions_of(name, "onnx"), sample, dtype)


WIDER = Case(9, 3, (40, 17))  # tiles of products, and what is left beside them
ALONE = (CASES[2], Case(1, 3, (2, 5)), Case(2, 3, (1,)))  # T, B and the sizes, each of them 1
SOME = {"float64": CASES[:2], "float32": CASES[:2]}  # where each takes a compiler
STEPS = {"float64": CASES[1:2]}
FEW = {"float64": CASES[1:2], "float32": CASES[:1]}
OPERATOR = {"float64": CASES[:2], "float32": (*CASES[:2], *ALONE)}
OPTIMISED = {"float64": (CASES[0], WIDER), "float32": (CASES[0], WIDER)}

WAYS: Mapping[str, Way] = {
    "numpy": Way(by_numpy),
    "numpy, step by step": Way(partial(by_steps, functions_of), cases=STEPS, gives=STEPWISE),
    "c": Way(by_c, ("cc",)),
    "c, step by step": Way(partial(by_steps, c_functions), ("cc",), cases=STEPS, gives=STEPWISE),
    "c, optimised": Way(by_optimised_c, ("cc",), ("peephole_lstm", "gru"), OPTIMISED),
    "torch": Way(by_torch, ("torch",), gives=MODULE),
    "torch, eager": Way(by_torch_itself, ("torch",), gives=MODULE),
    "torch over c": Way(by_torch_over_c, ("torch", "cc"), gives=MODULE),
    "jax": Way(by_jax, ("jax",), (*library(), *PAPERS), SOME, gives=VJP),
    "jax, odd cells": Way(by_jax, ("jax",), tuple(ODD), FEW, gives=VJP),
    "jax, reference": Way(by_jax_itself, ("jax",), library(), FEW, gives=VJP),
    "onnx": Way(by_onnx, ("onnx",), cases=OPERATOR, gives=FORWARD),
}
