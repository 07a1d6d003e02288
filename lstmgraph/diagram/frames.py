"""Frames: which operations of a graph a step of a walk lights.

A value that a step computes stands for the operations of its equation that no other step of the walk takes by name; a
part such as `tanh(c[t])` is the one operation that computes it.  What a step only shows (the memory pipe) is lit
without being computed.
"""

from __future__ import annotations

from collections.abc import Iterable

from sympy import MatrixExpr, MatrixSymbol

from lstmgraph.algebra.names import name_of
from lstmgraph.cell import Cell, WalkStep
from lstmgraph.diagram.asked import Frame
from lstmgraph.diagram.graph import PARAMETERS, Graph


def frame(graph: Graph, cell: Cell, walk: str, step: int) -> Frame:
    """The frame of a step (from 1) of one of the cell's walks."""
    steps = cell.all_walks[walk]
    here = steps[step - 1]
    elsewhere = {id for s in steps for part in _parts(s) if part not in here.computed for id in _of_part(graph, part)}
    computed = {id for item in here.computed for id in _computing(graph, item, elsewhere)}
    shown = {id for item in here.shown for id in _showing(graph, item)}
    return Frame(frozenset(computed), frozenset(shown))


def _parts(step: WalkStep) -> Iterable[MatrixExpr]:
    return (item for item in step.computed if not isinstance(item, MatrixSymbol))


def _computing(graph: Graph, item: MatrixExpr, elsewhere: set[str]) -> set[str]:
    """The operations that compute a value or a part."""
    if not isinstance(item, MatrixSymbol):
        return _of_part(graph, item)
    owned = {n.id for n in graph.nodes if n.owner == name_of(item).base and n.kind not in PARAMETERS}
    # A second name for a value has no operation of its own: the one that it names; nor has a value inside a network.
    named = {**graph.inside, **graph.values}
    return (owned or {named[item.name]}) - elsewhere


def _of_part(graph: Graph, part: MatrixExpr) -> set[str]:
    return {n.id for n in graph.nodes if n.expression == part or part in n.parts}


def _showing(graph: Graph, item: MatrixExpr) -> set[str]:
    """The nodes of a value that is shown, outside (c[t-1], c[t]) and inside."""
    if not isinstance(item, MatrixSymbol):
        return _of_part(graph, item)
    return {n.id for n in graph.nodes if n.value == item.name}
