"""How a drawing is made: the choices, the graph, a style's layout, what is laid over it, and the legend.

To add a style: a layout in `diagram`, and a row of `STYLES`.  To add an option: a field of `Choices`, a line of
`picture`, and the parameter of `Cell.draw`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple, cast

from sympy import MatrixSymbol

from lstmgraph.algebra.names import Name, name_of, symbol
from lstmgraph.api.catalogue import check_name
from lstmgraph.api.drawing import Drawing
from lstmgraph.api.overlays import against, backward, check_combination, lit, sheet, step_title, with_equations
from lstmgraph.cell import Cell
from lstmgraph.diagram.chain import chain
from lstmgraph.diagram.detail import shown
from lstmgraph.diagram.extract import extract
from lstmgraph.diagram.graph import Graph
from lstmgraph.diagram.layout.legend import with_legend
from lstmgraph.diagram.look import DEFAULT_LOOK, DETAILS, PARTS, Bias, Detail, Look
from lstmgraph.diagram.order import numbered
from lstmgraph.diagram.scene import Scene
from lstmgraph.diagram.themes import load_theme
from lstmgraph.errors import UsageError
from lstmgraph.notation import Notation, get_notation
from lstmgraph.printing import print_equation, print_expr
from lstmgraph.program import Equation

MODES = ("auto", "light", "dark")
LONGEST = 1000  # steps of a chain


@dataclass(frozen=True)
class Choices:
    """What a drawing shows, and how; see `api.cell.Cell.draw`."""

    style: str = "pipe"
    walk: str | None = None
    step: int | None = None
    theme: str = "default"
    notation: str | None = None
    mode: str = "auto"
    legend: bool = True
    equations: bool = False
    detail: str | None = None
    show: tuple[str, ...] | None = None
    order: bool = False
    unroll: int | None = None
    against: Cell | None = None
    sheet: bool = False
    backward: bool = False


def picture(cell: Cell, choices: Choices) -> Drawing:
    """The drawing of a cell."""
    _check(choices)
    walk, steps = _chosen_steps(cell, choices)
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
    if choices.equations:
        scene = with_equations(scene, cell, names, walk, choices.step, title)
    return _finished(cell, replace(scene, title=title), choices, None if choices.style == "dag" else graph)


def drawn(cell: Cell, names: Notation, choices: Choices) -> tuple[Graph, Scene]:
    """The graph of a cell, and its scene as the style lays it out."""
    look = look_of(choices)
    return graph_of(cell, names, look), STYLES[choices.style].make(cell, names, look)


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


def _check(choices: Choices) -> None:
    check_name("style", choices.style, STYLES)
    load_theme(choices.theme)
    check_name("mode", choices.mode, MODES)
    check_combination(choices)
    if choices.style == "dag" and (choices.walk or choices.step):
        raise UsageError("the style 'dag' has no steps", hint="take the style 'pipe' or 'cell-block'")
    if choices.unroll is not None:
        _check_chain(choices, choices.unroll)
    if choices.detail is not None:
        check_name("detail", choices.detail, DETAILS)
    for part in choices.show or ():
        check_name("part to show", part, PARTS)
    if choices.style == "dag" and (choices.detail or choices.show is not None or choices.order):
        what = "levels of detail" if choices.detail else "labels to choose" if choices.show is not None else "numbers"
        raise UsageError(f"the style 'dag' has no {what}", hint="take the style 'pipe' or 'cell-block'")


def _check_chain(choices: Choices, steps: int) -> None:
    if not 1 <= steps <= LONGEST:
        raise UsageError(f"a chain of {steps} steps cannot be drawn", hint=f"from 1 to {LONGEST}")
    if choices.style != "pipe":
        hint = "take the style 'pipe', in which one cell hands on to the next"
        raise UsageError(f"the style {choices.style!r} shows one step and cannot be unrolled", hint=hint)


def look_of(choices: Choices) -> Look:
    """The look of the theme, with what the options change."""
    look = load_theme(choices.theme).look
    if choices.detail is not None:
        look = replace(look, detail=cast("Detail", choices.detail))
    parts = choices.show
    if parts is None:  # a network that is one box has its bias inside
        return replace(look, bias="none") if look.detail == "gates" else look
    bias: Bias = "none" if "bias" not in parts else "name" if look.bias == "none" else look.bias
    return replace(look, bias=bias, values="values" in parts, weights="weights" in parts, sizes="shapes" in parts)


def parts_to_show(given: str | Sequence[str] | None) -> tuple[str, ...] | None:
    """What an option asks to be written: "weights,shapes", "all", "none" or a list; None where it says nothing."""
    if given is None:
        return None
    words = [w.strip() for w in given.split(",")] if isinstance(given, str) else list(given)
    if words == ["all"]:
        return PARTS
    return () if words in (["none"], [""]) else tuple(words)


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


# ── graphs and scenes; laying out takes most of the time, and all frames of a walk have one layout ──


def graph_of(cell: Cell, names: Notation, look: Look = DEFAULT_LOOK) -> Graph:
    """What a drawing of the cell shows."""
    return shown(_extracted(cell, names, look.detail == "full"), look)


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
def _dag(cell: Cell, names: Notation, _: Look) -> Scene:
    from lstmgraph.diagram.dag import layout_dag

    return layout_dag(cell, names.latex)


def _labels(cell: Cell, names: Notation) -> dict[str, str]:
    """The LaTeX of every value of a step, for labels on wires."""
    return {v.name: names.latex(v) for v in (*cell.inputs, *cell.previous, *cell.values.values())}


class Style(NamedTuple):
    """A line about a style, and what makes its scene."""

    words: str
    make: Callable[[Cell, Notation, Look], Scene]


STYLES = {
    "pipe": Style("what is carried from step to step runs straight through, the networks stand under it", _pipe),
    "cell-block": Style(
        "the memory in the centre, gates around it; dashed lines carry values of the previous step", _cell_block
    ),
    "dag": Style("every operation, parameter and number of the SymPy expressions; needs Graphviz", _dag),
}
