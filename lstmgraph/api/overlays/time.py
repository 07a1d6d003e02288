"""Overlays about time: several steps side by side, and the order in which operations are computed."""

from __future__ import annotations

from dataclasses import replace

from sympy import MatrixSymbol

from lstmgraph.algebra.names import Name, name_of, symbol
from lstmgraph.api.overlays.laid import Laid
from lstmgraph.cell import Cell
from lstmgraph.diagram.chain import chain
from lstmgraph.diagram.order import numbered


def unrolled(laid: Laid) -> Laid:
    """A chain of steps."""
    count = laid.choices.unroll or 1
    scene, graph = chain(laid.scene, laid.graph, count, lambda value: laid.names.latex(_at_time(laid.cell, value)))
    return replace(laid, scene=scene, graph=graph, title=f"{laid.title}, {count} steps")


def _at_time(cell: Cell, value: str) -> MatrixSymbol:
    """The symbol of a value at any time: "h[t+2]"."""
    symbols = (*cell.inputs, *cell.previous, *cell.values.values())
    shape = next(s.shape for s in symbols if name_of(s).base == Name.parse(value).base)
    return symbol(value, shape)


def numbered_by_stage(laid: Laid) -> Laid:
    """Every operation with the number of its stage."""
    return replace(laid, scene=numbered(laid.scene, laid.graph), asked=replace(laid.asked, order=True))
