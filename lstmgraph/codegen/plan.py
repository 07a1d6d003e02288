"""What a target needs to know of a cell, whatever its language: both directions, and what is kept between them.

The forward equations are those of the normal form, with pre-activations written where they are used; the backward ones
are the gradient's.  A value is *batched* where it differs from sample to sample, else *shared*: a parameter, or what
depends on parameters only.  The cotangent of a shared value is the sum of those of all samples.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from sympy import MatrixExpr, MatrixSymbol

from lstmgraph.algebra.names import Name, like, name_of
from lstmgraph.algebra.nodes import operands
from lstmgraph.algebra.traverse import rebuild, symbols_in, walk
from lstmgraph.cell import Cell
from lstmgraph.errors import UsageError
from lstmgraph.normal import normal_form
from lstmgraph.program import Equation, Program


@dataclass(frozen=True)
class Plan:
    """`saved` are the forward values that the backward equations use; `seeds` has each output's cotangent."""

    cell: Cell
    gradient: Program
    forward: tuple[Equation, ...]
    backward: tuple[Equation, ...]
    saved: tuple[MatrixSymbol, ...]
    seeds: Mapping[MatrixSymbol, MatrixSymbol]
    batched: Mapping[MatrixSymbol, bool]

    @property
    def symbols(self) -> tuple[MatrixSymbol, ...]:
        """All of them, those of the author first."""
        cell = self.cell
        given = (*cell.inputs, *cell.parameters, *cell.constant_symbols, *cell.previous, *cell.values.values())
        computed = (e.target for e in (*self.forward, *self.backward))
        return tuple(dict.fromkeys((*given, *self.seeds.values(), *computed)))

    @property
    def definitions(self) -> Mapping[MatrixSymbol, Equation]:
        return {e.target: e for e in (*self.forward, *self.backward)}


def plan(cell: Cell, gradient: Program) -> Plan:
    """Raises UsageError where the gradient lacks what back-propagation through time hands on."""
    marks = dict.fromkeys(cell.parameters, "grad") | dict.fromkeys((*cell.previous, *cell.inputs), "bar")
    for wanted, mark in marks.items():
        if like(wanted, mark) not in gradient.outputs:
            raise UsageError(
                f"{cell.name}: the gradient with respect to {wanted} is missing",
                hint="back-propagation through time hands all of them on: take the gradient of everything",
            )
    backward = gradient.stage("backward")
    seeds = {o: gradient.seed(o) for o in cell.outputs}
    step = normal_form(cell.step)
    used = {s for e in backward for s in symbols_in(e.value)}
    kept = (*cell.inputs, *cell.previous, *(e.target for e in step))
    saved = tuple(s for s in kept if s in used)
    needed = step.needed_for([*cell.outputs, *(s for s in saved if s in step.definitions)]).equations
    batched = _batched(cell, needed, backward, seeds.values())
    return Plan(cell, gradient, _inlined(needed, {*saved, *cell.outputs}), backward, saved, seeds, batched)


def _batched(
    cell: Cell, forward: Iterable[Equation], backward: Iterable[Equation], seeds: Iterable[MatrixSymbol]
) -> dict[MatrixSymbol, bool]:
    found = dict.fromkeys((*cell.parameters, *cell.constant_symbols), False)
    found |= dict.fromkeys((*cell.inputs, *cell.previous, *seeds), True)
    for e in forward:
        found[e.target] = e.target in cell.outputs or any(found[s] for s in symbols_in(e.value))
    by_name = {name_of(s): flag for s, flag in found.items()}
    for e in backward:
        found[e.target] = by_name[_primal(name_of(e.target))]
    return found


def _primal(cotangent: Name) -> Name:
    return replace(cotangent, marks=cotangent.marks[1:])


def _inlined(equations: tuple[Equation, ...], keep: set[MatrixSymbol]) -> tuple[Equation, ...]:
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
