"""How a drawing is made: choices are checked, the cell is laid out, something laid over it, the legend comes last."""

from __future__ import annotations

from dataclasses import replace

from sympy import MatrixSymbol

from lstmgraph.algebra.names import Name, name_of, symbol
from lstmgraph.api.catalogue import check_name
from lstmgraph.api.choices import Choices, check
from lstmgraph.api.drawing import Drawing
from lstmgraph.api.overlays import against, backward, lit, sheet, step_title, with_equations, with_limits
from lstmgraph.api.scenes import drawn
from lstmgraph.cell import Cell
from lstmgraph.diagram.chain import chain
from lstmgraph.diagram.graph import Graph
from lstmgraph.diagram.layout.legend import with_legend
from lstmgraph.diagram.order import numbered
from lstmgraph.diagram.scene import Scene
from lstmgraph.errors import UsageError
from lstmgraph.notation import get_notation

UNMEASURED = ("dag", "plumbing")  # styles whose scenes are no drawings of nodes and wires in our own grammar


def picture(cell: Cell, choices: Choices) -> Drawing:
    """The drawing of a cell."""
    check(choices)
    walk, steps = _chosen_steps(cell, choices)
    choices = replace(choices, walk=walk)
    names = get_notation(cell, choices.notation)
    graph, scene = drawn(cell, names, choices)
    title = _title(cell, scene, walk, choices.step)
    if choices.against is not None:
        return _finished(cell, against(cell, choices.against, choices), choices, None)
    if choices.sheet and walk:
        return _finished(cell, sheet(scene, graph, cell, names, walk), choices, graph)
    if choices.backward:
        return _finished(cell, backward(scene, graph, cell, names, choices), choices, graph)
    if walk:
        scene = lit(scene, graph, cell, walk, steps)
    if choices.unroll is not None:
        scene, graph = chain(scene, graph, choices.unroll, lambda value: names.latex(_at_time(cell, value)))
        title = f"{title}, {choices.unroll} steps"
    if choices.order:
        scene = numbered(scene, graph)
    if choices.open is not None:
        scene = with_limits(scene, cell, names, dict(choices.open))
    if choices.equations:
        scene = with_equations(scene, cell, names, walk, choices.step, title)
    return _finished(cell, replace(scene, title=title), choices, None if choices.style in UNMEASURED else graph)


def _finished(cell: Cell, scene: Scene, choices: Choices, graph: Graph | None) -> Drawing:
    """The scene with its legend, and an id."""
    if choices.legend:
        scene = with_legend(scene)
    # Unique among the drawings of a cell: a page may hold them all.
    other = choices.against.name if choices.against else ""
    parts = (cell.name, choices.style, other, choices.walk, choices.step, *_flags(choices))
    id = "-".join(str(part) for part in parts if part)
    return Drawing(replace(scene, id=id), choices.theme, choices.mode, choices.style, graph)


def _flags(choices: Choices) -> list[str]:
    return [name for name in ("sheet", "backward") if getattr(choices, name)]


# ── steps of a walk ──


def _chosen_steps(cell: Cell, choices: Choices) -> tuple[str | None, tuple[int, ...]]:
    """The walk, the first if only a step is given, and the numbers of its lit steps; nothing where neither is given."""
    walk, step = choices.walk, choices.step
    if walk is None and step is None and not choices.sheet:
        return None, ()
    walk = check_name(f"walk through {cell.name}", next(iter(cell.all_walks)) if walk is None else walk, cell.all_walks)
    steps = cell.all_walks[walk]
    if step is None:
        return walk, tuple(range(1, len(steps) + 1))
    if not 1 <= step <= len(steps):
        listed = "; ".join(f"{number} {s.title}" for number, s in enumerate(steps, 1))
        raise UsageError(f"there is no step {step}: the walk {walk!r} has the steps 1 to {len(steps)}", hint=listed)
    return walk, (step,)


def _title(cell: Cell, scene: Scene, walk: str | None, step: int | None) -> str:
    return step_title(scene.title, step, cell.all_walks[walk][step - 1]) if walk and step else scene.title


def _at_time(cell: Cell, value: str) -> MatrixSymbol:
    """The symbol of a value at any time: "h[t+2]"."""
    symbols = (*cell.inputs, *cell.previous, *cell.values.values())
    shape = next(s.shape for s in symbols if name_of(s).base == Name.parse(value).base)
    return symbol(value, shape)
