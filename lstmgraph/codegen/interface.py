"""What functions of (params, xs, states) have in common, whatever they compute with: how inputs are spoken of.

`params` and `states` are dicts by the author's names; `xs` is an array, or a dict where a cell has several inputs, or
the number of steps where it has none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sympy import MatrixSymbol

from lstmgraph.algebra.names import name_of
from lstmgraph.cell import Cell
from lstmgraph.codegen.arrays import array_axes
from lstmgraph.codegen.code import WIDTH, filled
from lstmgraph.codegen.identifiers import size_text

DTYPES = ("float32", "float64")  # of numbers, that C and graphs are written for


@dataclass(frozen=True)
class Inputs:
    """How the template speaks of a cell's inputs: none, one or several."""

    x: str
    xs: str
    given: str
    length: str
    one_step: str
    xs_gradient: str


def inputs_of(cell: Cell, names: Mapping[MatrixSymbol, str]) -> Inputs:
    own = [name_of(x).base for x in cell.inputs]
    if not own:
        return Inputs("inputs", "length", "length", "length", "1", "nothing else")
    if len(own) == 1:
        x = names[cell.inputs[0]]
        return Inputs(x, "xs", "xs", "xs.shape[1]", f"{x}[:, None]", "xs")
    one = "{name: x[:, None] for name, x in inputs.items()}"
    return Inputs("inputs", "xs", "inputs", f'xs["{own[0]}"].shape[1]', one, "xs")


def notes(cell: Cell, lead: str, xs: str) -> list[str]:
    """What a docstring says of the arrays."""
    shapes = {name_of(s).base: axes_text(lead, s) for s in (*cell.inputs, *cell.outputs)}
    own = [name_of(x).base for x in cell.inputs]
    if not own:
        said = [f"{xs} is the number of steps; the cell has no inputs." if lead != "B" else f"{xs} is ignored."]
    elif len(own) == 1:
        said = [f"{xs} is {shapes[own[0]]}."]
    else:
        said = [f"{xs} is a dict: {', '.join(f'{name} {shapes[name]}' for name in own)}."]
    said.append(f"The output is {cell.output}, {shapes[cell.output]}.")
    states = ", ".join(f"{s.name} {axes_text('B', s.next)}" for s in cell.states)
    said.append(f"states is a dict: {states}; zeros if None." if states else "There are no states.")
    return [line for text in said for line in filled(text, WIDTH - 4)]


def dict_lines(target: str, entries: Sequence[str]) -> list[str]:
    """`target = {...}`, one entry to a line if it is long."""
    line = f"    {target} = {{{', '.join(entries)}}}"
    return [line] if len(line) <= WIDTH else [f"    {target} = {{", *(f"        {e}," for e in entries), "    }"]


def tuple_text(parts: Sequence[str]) -> str:
    return f"({', '.join(parts)}{',' if len(parts) == 1 else ''})"


def shape_text(parameter: MatrixSymbol) -> str:
    return tuple_text([size_text(a) for a in array_axes(parameter.shape, False)])


def axes_text(lead: str, symbol: MatrixSymbol) -> str:
    return f"({', '.join([lead, *map(size_text, array_axes(symbol.shape, True))])})"
