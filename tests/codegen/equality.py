"""One yardstick for every target: what its files compute is what the equations say.

`cell_of(name)` is any cell to try things with: of the library, of papers, and the odd ones in `odd/` (several inputs,
or none; no state, no parameters; matrices and scalars as states; names that are words of Python or of a file).

A target is one row of `WAYS`, which says how its files are called; `test_equality.py` then tries it with every cell.
The oracle is the reference interpreter in float64, on the numbers that the code is given: those of float32 are rounded
first.  An error is the largest of an array beside the largest entry of that array.  Where that is beyond the bound it
may be the cell that loses digits, and then so does the interpreter: `lost` measures what rounding costs there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from sympy import Rational

from lstmgraph.algebra import nodes as n
from lstmgraph.calculus import gradient
from lstmgraph.cell import Cell
from lstmgraph.codegen import Functions, lambdify, over_c
from lstmgraph.codegen.compiled import Compiled, Library
from lstmgraph.codegen.compiler import FLAGS, WIDE, compiled
from lstmgraph.codegen.computed import computed
from lstmgraph.codegen.loops.layout import Options
from lstmgraph.codegen.plan import Plan
from lstmgraph.codegen.targets.c import File
from lstmgraph.numeric.check import Arrays, given_rows, reference_rows, run_code, starts
from lstmgraph.numeric.sample import Sample, draw
from lstmgraph.program import Equation
from lstmgraph.reading import library, load

HERE = Path(__file__).parent
ODD = {path.stem: str(path) for path in sorted((HERE / "odd").glob("*.toml"))}
PAPERS = {path.stem: str(path) for path in sorted((HERE.parent / "reading" / "papers").glob("*.toml"))}
FILES = {**ODD, **PAPERS}
CELLS = (*library(), *FILES)

BOUNDS = {"float64": 1e-12, "float32": 5e-6}
LOSSES = 4  # how often a cell is computed from numbers that differ by a rounding, to see what that costs
MARGIN = 4.0  # how many times that a target may be off: it rounds elsewhere, and may round oftener


class Case(NamedTuple):
    """B, T, and the numbers that the sizes of a cell get in turn."""

    batch: int
    steps: int
    numbers: tuple[int, ...]


CASES = (Case(1, 1, (1,)), Case(3, 4, (2, 5, 3)), Case(2, 1, (3, 2)), Case(1, 3, (17, 4)))

Found = tuple[Arrays, Arrays]  # values and gradients by name: "h", "the output", "W_f", "x", "h[0]"


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
    """How far the interpreter itself is off, in that type, of numbers that are off by half of their last place, where
    every equation's value is, too."""
    cell, wanted = cell_of(name), joined(wanted_of(name, case, dtype))
    rng, unit = np.random.default_rng(0), float(np.finfo(dtype).eps) / 2
    most = dict.fromkeys(wanted, 0.0)
    for _ in range(LOSSES):
        moved = mapped(
            sample_of(name, case, dtype), lambda a: (a * (1 + rng.uniform(-unit, unit, a.shape))).astype(dtype)
        )
        step, back = (rounded(p.equations, rng, 2 * unit) for p in (cell, gradient(cell)))
        found = joined(reference_rows(replace(cell, equations=step), replace(gradient(cell), equations=back), moved))
        most = {key: max(worst, float(np.abs(found[key] - wanted[key]).max())) for key, worst in most.items()}
    return most


def rounded(equations: Sequence[Equation], rng: np.random.Generator, unit: float) -> tuple[Equation, ...]:
    """With each value as it is, or one of those beside it: a function is right to the last place or the one before."""

    def off(e: Equation) -> Equation:
        factor = Rational(1 + float(rng.choice([-unit / 2, 0, unit])))
        return replace(e, value=n.Hadamard(n.Fill(factor, *e.value.shape), e.value))

    return tuple(off(e) for e in equations)


def joined(found: Found) -> dict[str, Any]:
    values, gradients = found
    return {**values, **gradients}


def mapped(sample: Sample, change: Callable[[Any], Any]) -> Sample:
    """A sample with other arrays."""
    new: dict[str, Any] = {}
    for field in fields(sample):
        value = getattr(sample, field.name)
        if isinstance(value, np.ndarray):
            new[field.name] = change(value)
        elif field.name in {"parameters", "inputs", "states", "d_states"}:
            new[field.name] = {name: change(array) for name, array in value.items()}
    return replace(sample, **new)


# ── the yardstick ──


def faults(found: Found, name: str, case: Case, dtype: str, last: bool = False, forward: bool = False) -> list[str]:
    """What of the values and gradients is not right: nothing, where all is well.

    `last`: of states there are those after the last step only.  `forward`: there are values only.
    """
    values, gradients = wanted_of(name, case, dtype)
    if last:
        values = {key: array if key == "the output" else array[:, -1] for key, array in values.items()}
    losses = partial(lost, name, case, dtype)
    gradients = {} if forward else gradients
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
    `last`: it gives the states after the last step only.  `forward`: it gives no gradients.
    """

    run: Callable[[str, Sample, str], Found]
    mark: tuple[str, ...] = ()
    cells: tuple[str, ...] = CELLS
    cases: Mapping[str, tuple[Case, ...]] = {"float64": CASES, "float32": CASES[1:]}
    last: bool = False
    forward: bool = False


def by_numpy(name: str, sample: Sample, dtype: str) -> Found:
    return run_code(cell_of(name), functions_of(name), sample, dtype)


def by_steps(functions: Callable[[str], Any], name: str, sample: Sample, dtype: str) -> Found:
    """A sequence by one call a step."""
    given = given_rows(cell_of(name), sample, dtype)
    step, states, found = functions(name).step, given.states, []
    for t in range(sample.steps):
        inputs = {key: array[:, t] for key, array in given.inputs.items()}
        output, states = step(given.params, given._replace(inputs=inputs).xs, states)
        found.append({"the output": output, **states})
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
    return run_code(cell_of(name), c_functions(name, optimised), sample, dtype)


def by_optimised_c(name: str, sample: Sample, dtype: str) -> Found:
    return by_c(name, sample, dtype, optimised=True)


def torch_module(name: str, sample: Sample, file: Callable[[str], Functions], **options: Any) -> Any:
    """The module with a sample's parameters, which have the author's names, but for those that Python has."""
    import torch

    cell = cell_of(name)
    module = file(name).Module(*sample.sizes.values(), **options)
    given = given_rows(cell, sample).params
    own = dict(module.named_parameters())
    assert len(own) == len(given)
    with torch.no_grad():
        for theirs, mine in zip(given, own, strict=True):
            assert mine.rstrip("_") == theirs.rstrip("_")
            own[mine].copy_(torch.tensor(given[theirs], dtype=options.get("dtype")))
    return module


@lru_cache
def torch_over_c(name: str) -> Functions:
    """The PyTorch file over the C files as they are compiled here."""
    found = over_c.texts([c_file(name, dtype) for dtype in BOUNDS], [name], functions_of(name, "torch").source)
    own = over_c.over_c(found, c_functions(name).libraries)
    return Functions(Module=own[found.module], Derived=own["Derived"], reference=own["reference"])


def by_torch(
    name: str,
    sample: Sample,
    dtype: str,
    file: Callable[[str], Functions] | None = None,
    derived: bool = True,
) -> Found:
    import torch

    def leaf(array: Any) -> Any:
        return torch.tensor(np.array(array), requires_grad=True)

    given = given_rows(cell_of(name), sample, dtype)
    file = file or partial(functions_of, target="torch")
    module = torch_module(name, sample, file, batch_first=True, derived=derived, dtype=getattr(torch, dtype))
    inputs, states = ({k: leaf(a) for k, a in arrays.items()} for arrays in (given.inputs, given.states))
    outputs, last = module(given._replace(inputs=inputs).xs, states)
    loss = torch.sum(outputs * torch.tensor(np.array(given.d_output)))
    for key, d in given.d_states.items():
        loss = loss + torch.sum(last[key] * torch.tensor(np.array(d)))
    if loss.requires_grad:
        loss.backward()
    leaves = {**dict(zip(given.params, module.parameters(), strict=True)), **inputs, **starts(states)}
    gradients = {k: torch.zeros_like(v) if v.grad is None else v.grad for k, v in leaves.items()}
    values = {"the output": outputs, **last}
    return {k: v.detach().numpy() for k, v in values.items()}, {k: v.numpy() for k, v in gradients.items()}


def by_torch_itself(name: str, sample: Sample, dtype: str) -> Found:
    """By the module's eager form: the gradients are PyTorch's."""
    return by_torch(name, sample, dtype, derived=False)


def by_torch_over_c(name: str, sample: Sample, dtype: str) -> Found:
    return by_torch(name, sample, dtype, torch_over_c)


def by_jax(name: str, sample: Sample, dtype: str, function: str = "forward") -> Found:
    """Compiled as one, which takes less than to compile operation by operation, and as quickly as it can be."""
    import jax

    forward = getattr(functions_of(name, "jax"), function)
    given = given_rows(cell_of(name), sample, dtype)

    def run(params: Any, inputs: Any, states: Any, d_output: Any, d_states: Any) -> Any:
        def sequence(params: Any, inputs: Any, states: Any) -> Any:
            return forward(params, given._replace(inputs=inputs).xs, states)

        (outputs, last), back = jax.vjp(sequence, params, inputs, states)
        return outputs, last, *back((d_output, d_states))

    with jax.enable_x64(True):
        quick = jax.jit(run).lower(*given[:-1]).compile({"xla_backend_optimization_level": 0})
        outputs, last, d_params, d_inputs, d_states = quick(*given[:-1])
    values, gradients = {"the output": outputs, **last}, {**d_params, **d_inputs, **starts(d_states)}
    return {k: np.asarray(v) for k, v in values.items()}, {k: np.asarray(v) for k, v in gradients.items()}


def by_jax_itself(name: str, sample: Sample, dtype: str) -> Found:
    """By the scan of the step: the gradients are JAX's."""
    return by_jax(name, sample, dtype, "reference")


def by_onnx(name: str, sample: Sample, dtype: str) -> Found:
    given = given_rows(cell_of(name), sample, dtype)
    outputs, last = functions_of(name, "onnx").forward(given.params, given.xs, given.states)
    return {"the output": outputs, **last}, {}


WIDER = Case(9, 3, (40, 17))  # tiles of products, and what is left beside them
ALONE = (CASES[2], Case(1, 3, (2, 5)), Case(2, 3, (1,)))  # T, B and the sizes, each of them 1
SOME = {"float64": CASES[:2], "float32": CASES[:2]}  # where each takes a compiler
STEPS = {"float64": CASES[1:2]}
REFERENCE = {"float64": CASES[1:2], "float32": CASES[:1]}
OPERATOR = {"float64": CASES[:2], "float32": (*CASES[:2], *ALONE)}
OPTIMISED = {"float64": (CASES[0], WIDER), "float32": (CASES[0], WIDER)}

WAYS: Mapping[str, Way] = {
    "numpy": Way(by_numpy),
    "numpy, step by step": Way(partial(by_steps, functions_of), cases=STEPS, forward=True),
    "c": Way(by_c, ("cc",)),
    "c, step by step": Way(partial(by_steps, c_functions), ("cc",), cases=STEPS, forward=True),
    "c, optimised": Way(by_optimised_c, ("cc",), ("peephole_lstm", "gru"), OPTIMISED),
    "torch": Way(by_torch, ("torch",), last=True),
    "torch, eager": Way(by_torch_itself, ("torch",), last=True),
    "torch over c": Way(by_torch_over_c, ("torch", "cc"), last=True),
    "jax": Way(by_jax, ("jax",), cases=SOME, last=True),
    "jax, reference": Way(by_jax_itself, ("jax",), library(), REFERENCE, last=True),
    "onnx": Way(by_onnx, ("onnx",), cases=OPERATOR, last=True, forward=True),
}
