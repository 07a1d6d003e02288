"""What a target is handed: a cell, its gradient, and one step as a person would write it.

`sequence` has both directions over all steps.  A step alone is the normal form with pre-activations written where they
are used.  A value is *batched* where it differs from sample to sample, else *shared*: a parameter, or what depends on
parameters only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from sympy import MatrixExpr, MatrixSymbol

from lstmgraph.algebra.names import name_of
from lstmgraph.algebra.nodes import operands
from lstmgraph.algebra.traverse import rebuild, walk
from lstmgraph.cell import Cell
from lstmgraph.codegen.sweep import dependent
from lstmgraph.normal import normal_form
from lstmgraph.program import Equation, Program


@dataclass(frozen=True)
class Plan:
    """`gradient` is that of one step, by everything, in whatever form: textbook, or with products reused."""

    cell: Cell
    gradient: Program

    @cached_property
    def step(self) -> tuple[Equation, ...]:
        """What computes the outputs of a step."""
        needed = normal_form(self.cell.step).needed_for(self.cell.outputs).equations
        return inlined(needed, set(self.cell.outputs))

    @cached_property
    def batched(self) -> Mapping[MatrixSymbol, bool]:
        """Of what a step is given and computes; outputs are batched, and so is what takes them."""
        cell = self.cell
        differs = dependent(self.step, (*cell.inputs, *cell.previous, *cell.outputs))
        given = (*cell.parameters, *cell.constant_symbols, *cell.inputs, *cell.previous)
        return {s: s in differs for s in (*given, *(e.target for e in self.step))}


def inlined(equations: Sequence[Equation], keep: set[MatrixSymbol]) -> tuple[Equation, ...]:
    """With every pre-activation that is used once written where it is used."""
    uses = Counter(s for e in equations for s in walk(e.value) if isinstance(s, MatrixSymbol))
    inner: dict[MatrixSymbol, MatrixExpr] = {}
    result = []
    for e in equations:
        value = _substitute(e.value, inner)
        if name_of(e.target).marks[:1] == ("pre",) and uses[e.target] == 1 and e.target not in keep:
            inner[e.target] = value
        else:
            result.append(replace(e, value=value))
    return tuple(result)


def _substitute(expr: MatrixExpr, values: Mapping[MatrixSymbol, MatrixExpr]) -> MatrixExpr:
    if isinstance(expr, MatrixSymbol):
        return values.get(expr, expr)
    return rebuild(expr, [_substitute(o, values) for o in operands(expr)])
