"""What the values of a cell are to a reader: derived from the equations, unless the cell's file says otherwise.

A *memory* is a state that is carried elementwise: its previous value reaches its next one through products, sums and
the like, without passing through a network or an activation.  A *gate* is a sigmoid layer that is used as an
elementwise factor, a
*candidate* another activated layer that a memory or a gate takes in.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from sympy import MatAdd, MatMul, MatrixExpr, MatrixSymbol

from lstmgraph.algebra.names import name_of
from lstmgraph.algebra.nodes import (
    Divide,
    Fill,
    Hadamard,
    Identity,
    Maximum,
    Minimum,
    Negative,
    OneMinus,
    Sigmoid,
    operands,
)
from lstmgraph.algebra.traverse import symbols_in, walk
from lstmgraph.cell import Cell
from lstmgraph.normal import is_activation
from lstmgraph.program import Equation

# What a value may be called in a cell's [roles] table.
ROLES = ("input", "memory", "output", "state", "gate", "candidate", "internal")

_CARRIES = (Hadamard, MatAdd, Negative, OneMinus, Divide, Maximum, Minimum, Identity, Fill)


@lru_cache(maxsize=128)
def memories(cell: Cell) -> tuple[str, ...]:
    """The states that are pipes, in the author's order."""
    return tuple(
        s.name for s in cell.states if _given(cell, s.name) in (None, "memory") and _is_carried(cell, s.previous)
    )


@lru_cache(maxsize=128)
def roles(cell: Cell) -> Mapping[str, str]:
    """The role of every input and every value of a step, by base name."""
    found = {name_of(s).base: "input" for s in cell.inputs}
    for base in cell.values:
        found[base] = _derived(cell, base)
    return {**found, **cell.roles_given}


def _given(cell: Cell, base: str) -> str | None:
    return cell.roles_given.get(base)


def _derived(cell: Cell, base: str) -> str:
    if base in memories(cell):
        return "memory"
    if base == cell.output:
        return "output"
    if any(base == s.name for s in cell.states):
        return "state"
    return _role_of(cell, cell.values[base])


def _role_of(cell: Cell, value: MatrixSymbol) -> str:
    """The role of a value by its own equation; a value that comes from outside has none."""
    equation = next((e for e in cell.equations if e.target == value), None)
    return _layer_role(cell, equation) if equation else "internal"


def _layer_role(cell: Cell, equation: Equation) -> str:
    """A gate, a candidate, or internal."""
    value = equation.value
    if isinstance(value, OneMinus) and isinstance(value.args[0], MatrixSymbol):  # coupled: f = 1 - i
        return "gate" if _role_of(cell, value.args[0]) == "gate" else "internal"
    if not (is_activation(value) and _is_network(cell, value)):
        return "internal"
    if isinstance(value, Sigmoid) and _is_factor(cell, equation.target):
        return "gate"
    if _scales_a_state(cell, equation.target):
        return "gate"
    return "candidate" if _is_taken_in(cell, equation.target) else "internal"


def _is_network(cell: Cell, expr: MatrixExpr) -> bool:
    """Whether there is a matrix product in it, or in an internal value that it uses: f = sigmoid(a), a = W x."""
    inner = {e.target: e.value for e in cell.equations if e.target not in cell.outputs and not is_activation(e.value)}
    return any(isinstance(x, MatMul) or (x in inner and _is_network(cell, inner[x])) for x in walk(expr))


def _is_factor(cell: Cell, value: MatrixSymbol) -> bool:
    """Whether it, or one minus it, is an operand of an elementwise product."""
    products = (x for e in cell.equations for x in walk(e.value) if isinstance(x, Hadamard))
    return any(
        value in symbols_in(a) and not any(isinstance(y, MatMul) for y in walk(a)) for x in products for a in x.args
    )


def _scales_a_state(cell: Cell, value: MatrixSymbol) -> bool:
    """Whether it is multiplied, entry by entry, with what a state was: an exponential decay is a gate too."""
    products = (x for e in cell.equations for x in walk(e.value) if isinstance(x, Hadamard))
    return any(value in x.args and any(s.previous in x.args for s in cell.states) for x in products)


def _is_taken_in(cell: Cell, value: MatrixSymbol) -> bool:
    """Whether a state's own equation uses it."""
    return any(value in symbols_in(e.value) for e in cell.equations for s in cell.states if e.target == s.next)


@lru_cache(maxsize=128)
def carrying(cell: Cell) -> frozenset[MatrixExpr]:
    """The expressions on the elementwise ways of the memories, from what each was to what it becomes."""
    found: set[MatrixExpr] = set()
    values = {e.target: e.value for e in cell.step}
    for state in (s for s in cell.states if s.name in memories(cell)):
        reached = _reached(cell, state.previous)
        waiting: list[MatrixExpr] = [cell.values[state.name]]
        while waiting:
            expr = waiting.pop()
            below = [values[expr]] if expr in values else operands(expr) if isinstance(expr, _CARRIES) else ()
            if _passes(expr, reached) and expr not in found:
                found.add(expr)
                waiting += below
    return frozenset(found)


def _is_carried(cell: Cell, previous: MatrixSymbol) -> bool:
    """Whether an elementwise path leads from the previous value to the next one."""
    return cell.values[name_of(previous).base] in _reached(cell, previous)


def _reached(cell: Cell, previous: MatrixSymbol) -> set[MatrixExpr]:
    """The values of a step to which an elementwise path leads from a previous one, and that one."""
    reached: set[MatrixExpr] = {previous}
    for equation in cell.step:
        if _passes(equation.value, reached):
            reached.add(equation.target)
    return reached


def _passes(expr: MatrixExpr, reached: set[MatrixExpr]) -> bool:
    if isinstance(expr, MatrixSymbol):
        return expr in reached
    return isinstance(expr, _CARRIES) and any(_passes(o, reached) for o in operands(expr))
