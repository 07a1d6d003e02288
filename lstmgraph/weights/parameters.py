"""From the parameters of a cell to the parts of the standard form that it is, and back.

Parameters are NumPy arrays by name in the layout of generated code: (n,) for a vector, () for a scalar, (rows, columns)
for a matrix.  Which parameter, or which rows and columns of one, stands for which part, and by which sign, is what
`lstmgraph.standard` finds in the equations.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy
from numpy.typing import NDArray
from sympy import Expr, Integer, Symbol

from lstmgraph.algebra.names import Shape
from lstmgraph.algebra.sizes import axis, misfit, solve_sizes
from lstmgraph.cell import Cell
from lstmgraph.errors import ArrayShapeError, UnknownName, UsageError
from lstmgraph.standard import Block, Standard
from lstmgraph.weights.blocks import Parts
from lstmgraph.weights.layouts import Part

Parameters = dict[str, NDArray[Any]]
Sizes = Mapping[Symbol, int]

# What a part is called in a sentence.
KINDS = {
    "W": "weights of the input",
    "R": "recurrent weights",
    "P": "peephole",
    "b": "bias",
    "Rb": "recurrent bias",
}
GATES = {
    "i": "input gate",
    "f": "forget gate",
    "g": "candidate",
    "o": "output gate",
    "r": "reset gate",
    "z": "update gate",
    "n": "candidate",
    "h": "output",
}


def spoken(part: Part) -> str:
    """A part in words: peephole of the forget gate."""
    return f"{KINDS[part[0]]} of the {GATES[part[1]]}"


def places(found: Standard) -> dict[Part, tuple[Block, ...]]:
    """For each part that a cell has, the blocks of parameters that it is the sum of."""
    every = {
        (kind, name): blocks
        for name, gate in found.gates.items()
        for kind, blocks in (
            ("W", (gate.input,)),
            ("R", (gate.recurrent,)),
            ("P", (gate.peephole,)),
            ("b", gate.biases),
            ("Rb", gate.recurrent_biases),
        )
    }
    given = {part: tuple(b for b in blocks if b is not None) for part, blocks in every.items()}
    return {part: blocks for part, blocks in given.items() if blocks}


def from_parameters(cell: Cell, found: Standard, parameters: Mapping[str, NDArray[Any]]) -> Parts:
    """The parts that a cell has.

    Raises UnknownName for a name that is no parameter, UsageError where one is missing, ArrayShapeError where shapes do
    not fit together.
    """
    _check_names(cell, parameters)
    sides = [(p.name, p.shape, _matrix_shape(p.name, parameters[p.name].shape, p.shape)) for p in cell.parameters]
    given = {name: parameters[name].shape for name, _, _ in sides}
    if wrong := misfit({name: (shape[: len(given[name])], given[name]) for name, shape, _ in sides}):
        raise ArrayShapeError(wrong)
    sizes = _solved([(side, n) for _, shape, numbers in sides for side, n in zip(shape, numbers, strict=True)])
    matrices = {name: parameters[name].reshape(numbers) for name, _, numbers in sides}
    parts = {}
    for part, blocks in places(found).items():
        first, *rest = (b.sign * matrices[b.parameter.name][_slices(b, sizes)] for b in blocks)
        total = sum(rest, first)
        parts[part] = total if part[0] in {"W", "R"} else total[:, 0]
    return parts


def to_parameters(cell: Cell, found: Standard, parts: Parts) -> Parameters:
    """The parameters of a cell that hold these parts; of several biases that are added all but the first are zero.

    Raises ArrayShapeError where the sizes are not those of the cell, UsageError for what the cell cannot hold.
    """
    columns = {kind: next(a.shape[1] for (k, _), a in parts.items() if k == kind) for kind in ("W", "R")}
    sizes = _sizes(found, columns["W"], columns["R"])
    dtype = numpy.result_type(*parts.values())
    matrices = {p.name: numpy.zeros([_number(side, sizes) for side in p.shape], dtype) for p in cell.parameters}
    settled = {name: numpy.zeros(matrix.shape, bool) for name, matrix in matrices.items()}
    for part, blocks in places(found).items():
        left: Any = parts[part].reshape(parts[part].shape[0], -1) if part in parts else 0
        first = None
        for block in blocks:
            name, at = block.parameter.name, _slices(block, sizes)
            if settled[name][at].any():
                left = left - block.sign * matrices[name][at]
            first = first or (block if not settled[name][at].any() else None)
            settled[name][at] = True
        if first is not None:
            matrices[first.parameter.name][_slices(first, sizes)] = first.sign * left
    parameters = {p.name: _as_parameter(matrices[p.name], p.shape) for p in cell.parameters}
    _check_kept(cell, parts, from_parameters(cell, found, parameters))
    return parameters


def _check_kept(cell: Cell, wanted: Parts, kept: Parts) -> None:
    """Raises UsageError where something that is not zero has no place in a cell, or one place for two things."""
    for part, array in wanted.items():
        if part not in kept and numpy.any(array):
            raise UsageError(
                f"{cell.name} has no parameter for the {spoken(part)}, not zero in these weights",
                hint="set it to zero there, or choose a cell that has it",
            )
        bound = 8 * numpy.finfo(array.dtype).eps * numpy.max(numpy.abs(array))
        if part in kept and not numpy.all(numpy.abs(kept[part] - array) <= bound):
            raise UsageError(
                f"{cell.name} uses one parameter in several places, and these weights differ there: the {spoken(part)}",
                hint="choose a cell that has a parameter for each",
            )


# ── sizes and shapes ──


def _check_names(cell: Cell, parameters: Mapping[str, object]) -> None:
    names = [p.name for p in cell.parameters]
    for name in parameters:
        if name not in names:
            raise UnknownName("parameter", name, names, of=cell.name)
    missing = [name for name in names if name not in parameters]
    if missing:
        raise UsageError(f"{cell.name} has parameters that are not given: {', '.join(missing)}")


def _sizes(found: Standard, x: int, h: int) -> Sizes:
    """Numbers for the sizes of a cell, from the length of its input and that of its output."""
    lengths = [(found.x.shape[0], x), (found.h.next.shape[0], h)]
    sizes = _solved(lengths)
    for symbol, (side, length) in zip((found.x, found.h.next), lengths, strict=True):
        if _number(side, sizes) != length:
            raise ArrayShapeError(
                f"the weights are those of an input of {x} and an output of {h}: {symbol} has {side} rows"
            )
    return sizes


def _solved(lengths: Iterable[tuple[Expr, int]]) -> dict[Symbol, int]:
    lengths = list(lengths)
    numbers = {axis(k): Integer(n) for k, (_, n) in enumerate(lengths)}
    solved = solve_sizes([side for side, _ in lengths])
    return {size: int(formula.xreplace(numbers)) for size, formula in solved.items()}


def _number(side: Expr, sizes: Sizes) -> int:
    return int(side.xreplace({size: Integer(n) for size, n in sizes.items()}))


def _slices(block: Block, sizes: Sizes) -> tuple[slice, slice]:
    rows, columns = (
        slice(_number(start, sizes), _number(start + count, sizes))
        for start, count in zip(block.start, block.shape, strict=True)
    )
    return rows, columns


def _matrix_shape(name: str, shape: tuple[int, ...], wanted: Shape) -> tuple[int, int]:
    """The rows and columns of a parameter: a vector has one column, a scalar is (1, 1)."""
    axes = 2 if wanted[1] != 1 else 1 if wanted[0] != 1 else 0
    if len(shape) != axes:
        raise ArrayShapeError(f"{name} has the shape {shape}, and must have {axes} ax{'i' if axes == 1 else 'e'}s")
    rows, columns = (*shape, 1, 1)[:2]
    return rows, columns


def _as_parameter(matrix: NDArray[Any], shape: Shape) -> NDArray[Any]:
    if shape[1] != 1:
        return matrix
    return matrix[:, 0] if shape[0] != 1 else matrix[0, 0].reshape(())
