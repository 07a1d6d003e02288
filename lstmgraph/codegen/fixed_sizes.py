"""Sizes that are fixed when a file is written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from operator import index

from sympy import Integer, MatrixSymbol

from lstmgraph.cell import Cell
from lstmgraph.codegen.identifiers import size_text
from lstmgraph.errors import UnknownName, UsageError, mapping

LARGEST = 2**31 - 1  # numbers in an array: of products of sizes, which C computes as int


def fixed_sizes(cell: Cell, sizes: Mapping[str, int] | None) -> dict[str, int]:
    """The sizes that are given, by their names in the cell; those that functions of sizes call them, and symbols, too.

    Raises UnknownName for a size that there is not, UsageError for what is no mapping, and for a size that is no whole
    number, less than 1, or makes an array too large.
    """
    known = {size_text(z): str(z) for z in cell.sizes} | {str(z): str(z) for z in cell.sizes}
    given = {str(name): number for name, number in mapping("sizes", sizes, "numbers").items()}
    for name, number in given.items():
        if name not in known:
            raise UnknownName("size", name, {*known.values()}, of=cell.name)
        if isinstance(number, bool) or not hasattr(number, "__index__"):
            raise UsageError(f"the size {name} must be a whole number, not {number!r}")
        if number < 1:
            raise UsageError(f"the size {name} must be 1 at least, not {number}")
    found = {known[name]: index(number) for name, number in given.items()}
    _check_room(cell, found)
    return found


def _check_room(cell: Cell, sizes: Mapping[str, int]) -> None:
    """All arrays of a step together are of so many numbers: what is stacked is no larger."""
    numbers = {z: Integer(sizes.get(str(z), 1)) for z in cell.sizes}
    total = sum(int((rows * columns).xreplace(numbers)) for rows, columns in (a.shape for a in _arrays(cell)))
    if sizes and total > LARGEST:
        given = ", ".join(f"{name}={number}" for name, number in sizes.items())
        raise UsageError(
            f"{given} is too large: {total} numbers in a step, and a file can have {LARGEST}",
            hint="give smaller sizes, or leave them open until run time",
        )


def _arrays(cell: Cell) -> Iterable[MatrixSymbol]:
    return [*cell.parameters, *cell.inputs, *cell.values.values()]
