"""From a cell to its graph and its scene, as a style lays it out.

To add a style: a function here that makes its scene, a row of `LAYOUTS`, and its row of `choices.STYLES`.  Laying out
takes most of the time, and all frames of a walk have one layout, so scenes are kept.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache

from lstmgraph.api.choices import Choices, look_of
from lstmgraph.cell import Cell
from lstmgraph.diagram.detail import shown
from lstmgraph.diagram.extract import extract
from lstmgraph.diagram.graph import Graph
from lstmgraph.diagram.look import DEFAULT_LOOK, Look
from lstmgraph.diagram.scene import Scene
from lstmgraph.limits import gates, settled
from lstmgraph.notation import Notation
from lstmgraph.printing import print_equation, print_expr
from lstmgraph.program import Equation

PLUMBED = replace(DEFAULT_LOOK, detail="full")  # every term of a sum comes in on its own


def drawn(cell: Cell, names: Notation, choices: Choices) -> tuple[Graph, Scene]:
    """The graph of a cell, and its scene as the style lays it out."""
    return graph_of(cell, names, look_of(choices)), LAYOUTS[choices.style](cell, names, choices)


def graph_of(cell: Cell, names: Notation, look: Look = DEFAULT_LOOK) -> Graph:
    """What a drawing of the cell shows."""
    from lstmgraph.diagram.layout.labels import fits
    from lstmgraph.diagram.layout.shapes import BIAS

    return shown(_extracted(cell, names, look.detail == "full"), look, lambda node: fits(node.glyph, BIAS))


@lru_cache(maxsize=32)
def _extracted(cell: Cell, names: Notation, products: bool) -> Graph:
    return extract(
        cell,
        names.latex,
        lambda what: (print_equation if isinstance(what, Equation) else print_expr)(what, "unicode", names),
        lambda formula: print_expr(formula, "latex", names),
        products,
    )


@lru_cache(maxsize=32)
def _pipe(cell: Cell, names: Notation, look: Look) -> Scene:
    from lstmgraph.diagram.layout.pipe import layout_pipe

    return layout_pipe(graph_of(cell, names, look), cell.title or cell.name, _labels(cell, names))


@lru_cache(maxsize=32)
def _cell_block(cell: Cell, names: Notation, look: Look) -> Scene:
    from lstmgraph.diagram.layout.cell_block import layout_cell_block

    return layout_cell_block(graph_of(cell, names, look), cell.title or cell.name, _labels(cell, names))


@lru_cache(maxsize=32)
def _dag(cell: Cell, names: Notation) -> Scene:
    from lstmgraph.diagram.dag import layout_dag

    return layout_dag(cell, names.latex)


def _labels(cell: Cell, names: Notation) -> dict[str, str]:
    """The LaTeX of every value of a step, for labels on wires."""
    return {v.name: names.latex(v) for v in (*cell.inputs, *cell.previous, *cell.values.values())}


def _plumbing(cell: Cell, names: Notation, choices: Choices) -> Scene:
    from lstmgraph.diagram.layout.plumbing import layout_plumbing

    known, opened = gates(cell), settled(cell, dict(choices.open or ()))
    graph = graph_of(cell, names, PLUMBED)
    unnamed = {n.id: n.expression for n in graph.nodes if n.value is None and n.expression is not None}
    written = {id: print_expr(expression, "latex", names) for id, expression in unnamed.items()}
    return layout_plumbing(graph, known, opened, cell.title or cell.name, {**_labels(cell, names), **written})


LAYOUTS: dict[str, Callable[[Cell, Notation, Choices], Scene]] = {
    "pipe": lambda cell, names, choices: _pipe(cell, names, look_of(choices)),
    "cell-block": lambda cell, names, choices: _cell_block(cell, names, look_of(choices)),
    "plumbing": _plumbing,
    "dag": lambda cell, names, _: _dag(cell, names),
}
