"""Several steps written out, one after another, as one Program.

Step k is the cell's own step with k added to every time: h[t-1] and h[t] of the first step are h[t] and h[t+1] of the
second. Parameters are shared.  Reverse mode over the result is back-propagation through time, written out; its length
grows with the number of steps and not faster, because every value keeps its name.
"""

from __future__ import annotations

from dataclasses import replace

from sympy import MatrixExpr, MatrixSymbol

from lstmgraph.algebra.names import name_of, symbol
from lstmgraph.algebra.nodes import operands
from lstmgraph.algebra.traverse import rebuild
from lstmgraph.cell import Cell
from lstmgraph.program import Program


def unroll(cell: Cell, steps: int) -> Program:
    """`steps` steps of a cell; the outputs are the cell's outputs after each of them."""
    if steps < 1:
        raise ValueError(f"the number of steps is at least 1, got {steps}")
    equations = tuple(
        replace(e, target=_later(e.target, k), value=_shift(e.value, k)) for k in range(steps) for e in cell.step
    )
    inputs = tuple(_later(x, k) for k in range(steps) for x in cell.inputs)
    outputs = tuple(_later(o, k) for k in range(steps) for o in cell.outputs)
    shared = (*cell.previous, *cell.parameters, *cell.constant_symbols)
    return Program(f"{cell.name}_{steps}_steps", (*inputs, *shared), equations, outputs)


def _later(value: MatrixSymbol, k: int) -> MatrixSymbol:
    """The same value k steps later; a parameter is the same at all times."""
    name = name_of(value)
    return value if name.lag is None or k == 0 else symbol(name.at(name.lag + k), value.shape)


def _shift(expr: MatrixExpr, k: int) -> MatrixExpr:
    if isinstance(expr, MatrixSymbol):
        return _later(expr, k)
    return rebuild(expr, [_shift(o, k) for o in operands(expr)])
