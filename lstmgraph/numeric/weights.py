"""Weights and inputs to run a cell with: random ones with a scale, some set by hand, or all from a file.

A recurrent matrix (one that multiplies what depends on the previous states) of n columns has entries of standard
deviation scale / √n, so that a square one has a spectral radius of about `scale`; the other matrices 1 / √n; vectors
and scalars, biases among them, 1 / √rows but at most 1/4.  Inputs are standard normal, states begin at zero.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy
from sympy import Integer, MatMul, MatrixSymbol, Symbol

from lstmgraph.algebra.sizes import axis, misfit, solve_sizes
from lstmgraph.algebra.traverse import symbols_in, walk
from lstmgraph.cell import Cell
from lstmgraph.errors import ArrayError, ArrayShapeError, UnknownName, UsageError
from lstmgraph.numeric.evaluate import Array, number_of

LARGEST_STATE = 128  # entries of all states together, unless sizes are given
USUAL = (32, 24, 16, 12, 10, 8, 6, 5, 4, 3, 2, 1)


@dataclass(frozen=True)
class Draw:
    """Weights, inputs and initial states of so many samples; `given` are parameters by name, the same in each."""

    cell: Cell
    sizes: Mapping[Symbol, int]
    seed: int = 0
    scale: float = 1.0
    samples: int = 8
    given: Mapping[str, Array] | None = None

    @cached_property
    def parameters(self) -> dict[str, Array]:
        rng = numpy.random.default_rng([self.seed, 0])
        drawn = {p.name: self._weights(rng, p) for p in self.cell.parameters}
        return {**drawn, **(self.given or {})}

    def _weights(self, rng: numpy.random.Generator, parameter: MatrixSymbol) -> Array:
        rows, columns = (number_of(side, self.sizes) for side in parameter.shape)
        if columns == 1:
            return rng.normal(0, min(rows**-0.5, 0.25), (self.samples, rows, columns))
        scale = self.scale if parameter in recurrent(self.cell) else 1.0
        return rng.normal(0, scale * columns**-0.5, (self.samples, rows, columns))

    def inputs(self, t: int) -> dict[str, Array]:
        rng = numpy.random.default_rng([self.seed, 1, t])
        shapes = {x.name: [number_of(side, self.sizes) for side in x.shape] for x in self.cell.inputs}
        return {name: rng.normal(0, 1, (self.samples, *shape)) for name, shape in shapes.items()}

    @property
    def states(self) -> dict[str, Array]:
        shapes = {s.name: [number_of(side, self.sizes) for side in s.next.shape] for s in self.cell.states}
        return {name: numpy.zeros((self.samples, *shape)) for name, shape in shapes.items()}


def recurrent(cell: Cell) -> frozenset[MatrixSymbol]:
    """The matrices that multiply what depends on the previous states."""
    reached: set[MatrixSymbol] = set(cell.previous)
    found: set[MatrixSymbol] = set()
    for equation in cell.step:
        for node in walk(equation.value):
            if isinstance(node, MatMul) and symbols_in(node.args[1]) & reached:
                found |= symbols_in(node.args[0]) & set(cell.parameters)
        if symbols_in(equation.value) & reached:
            reached.add(equation.target)
    return frozenset(found)


# ── sizes ──


def sizes_of(cell: Cell, asked: Mapping[str, int], given: Mapping[str, Array]) -> dict[Symbol, int]:
    """A number for every size: as asked for, as the given weights have it, else the largest usual one that is not slow.

    Raises UnknownName for a size that does not exist, ArrayShapeError for weights that do not fit together.
    """
    known = {str(z): z for z in cell.sizes}
    for name in asked:
        if name not in known:
            raise UnknownName("size", name, known, of=cell.name)
    fixed = {**_from_weights(cell, given), **{known[name]: n for name, n in asked.items()}}
    for usual in USUAL:
        sizes = {z: fixed.get(z, usual) for z in cell.sizes}
        if sum(number_of(s.next.shape[0] * s.next.shape[1], sizes) for s in cell.states) <= LARGEST_STATE:
            break
    return sizes


def _from_weights(cell: Cell, given: Mapping[str, Array]) -> dict[Symbol, int]:
    chosen = [p for p in cell.parameters if p.name in given]
    sides = [(p, side, k) for p in chosen for k, side in enumerate(p.shape)]
    lengths = {axis(k): Integer(given[p.name].shape[at - 2]) for k, (p, _, at) in enumerate(sides)}
    solved = solve_sizes([side for _, side, _ in sides])
    found = {}
    for size, formula in solved.items():
        number = formula.xreplace(lengths)
        if number.is_Integer and number > 0:
            found[size] = int(number)
    return found


# ── given weights ──


def settle(cell: Cell, values: Mapping[str, str | float], sizes: Mapping[Symbol, int]) -> dict[str, Array]:
    """Parameters set by hand: a number fills a vector or a scalar, and is that multiple of the identity for a square
    matrix ("1.5", or "1.5I").

    Raises UnknownName for a name that is no parameter, UsageError for a value that cannot be meant.
    """
    known = {p.name: p for p in cell.parameters}
    found = {}
    for name, value in values.items():
        if name not in known:
            raise UnknownName("parameter", name, known, of=cell.name)
        shape = tuple(number_of(side, sizes) for side in known[name].shape)
        found[name] = _filled(name, str(value), shape)
    return found


def _filled(name: str, text: str, shape: tuple[int, ...]) -> Array:
    match = re.fullmatch(r"\s*([-+]?[\d.]*(?:e[-+]?\d+)?)\s*(I?)\s*", text, re.IGNORECASE)
    try:
        value = float(match[1] or (1 if match[2] else "")) if match else float(text)
    except ValueError:
        raise UsageError(f"{name}={text} does not set a parameter", hint=f"a number: {name}=3") from None
    if not numpy.isfinite(value):
        raise UsageError(f"{name}={text} is no finite number", hint=f"a number: {name}=3")
    if match and match[2] and shape[1] == 1:
        raise UsageError(f"{name} is a vector, and {text} stands for a matrix", hint=f"{name}={value:g}")
    if shape[1] == 1:
        return numpy.full(shape, value)
    if shape[0] != shape[1] and value:
        raise UsageError(
            f"{name} is no square matrix, so {text} times the identity is none", hint="0, or a file of weights"
        )
    return value * numpy.eye(shape[0], shape[1])


def read_weights(cell: Cell, path: str | Path) -> dict[str, Array]:
    """Parameters from a file, .npz or .json: a vector as (n,) or (n, 1), a scalar as a number, a matrix as rows.

    Names that are no parameter of the cell are refused, parameters that the file lacks are drawn at random.  Raises
    UsageError where the file cannot be read, UnknownName and ArrayError where it does not fit the cell.
    """
    known = {p.name: p for p in cell.parameters}
    found = {}
    for name, value in _read(Path(path)).items():
        if name not in known:
            raise UnknownName("parameter", name, known, of=f"{cell.name}; {path} has one")
        found[name] = _as_matrix(known[name], value, path)
    if wrong := misfit({name: (known[name].shape, array.shape) for name, array in found.items()}):
        raise ArrayShapeError(f"{path}: {wrong}")
    return found


def _read(path: Path) -> dict[str, Any]:
    try:
        if path.suffix.lower() == ".npz":
            with numpy.load(path, allow_pickle=False) as file:
                return {name: file[name] for name in file.files}
        if path.suffix.lower() == ".json":
            read = json.loads(path.read_text(encoding="utf-8"))
            if isinstance(read, dict):
                return read
            raise ValueError("it holds no names")
    except (OSError, ValueError, EOFError) as error:
        why = (error.strerror if isinstance(error, OSError) else "") or str(error)
        raise UsageError(f"cannot read weights from {path}: {why}") from None
    raise UsageError(f"{str(path)!r} is no file of weights", hint="known: .npz, .json")


def _as_matrix(parameter: MatrixSymbol, value: Any, path: str | Path) -> Array:
    where = f"{path}: {parameter.name}"
    array = _real(where, value)
    array = array.reshape(-1, 1) if array.ndim < 2 else array
    wrong = [s for s, n in zip(parameter.shape, array.shape, strict=False) if s.is_Integer and int(s) != n]
    if not numpy.all(numpy.isfinite(array)):
        raise ArrayError(f"{where} has entries that are not finite")
    if array.ndim != 2 or wrong:
        raise ArrayShapeError(f"{where} is no array of shape {parameter.shape}: {array.shape}")
    return array


def _real(where: str, value: Any) -> Array:
    with suppress(ValueError):  # rows that are not of one length
        array = numpy.asarray(value)
        if array.dtype.kind in "iuf":
            return array.astype(float)
    raise ArrayError(f"{where} is no array of real numbers")
