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
from lstmgraph.cell import Cell
from lstmgraph.diagram.chain import chain
from lstmgraph.diagram.compose import captioned
from lstmgraph.diagram.detail import shown
from lstmgraph.diagram.extract import extract
from lstmgraph.diagram.frames import frame
from lstmgraph.diagram.graph import Graph
from lstmgraph.diagram.layout.legend import with_legend
from lstmgraph.diagram.layout.steps import light
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


def picture(cell: Cell, choices: Choices) -> Drawing:
    """The drawing of a cell."""
    _check(choices)
    walk, steps = _chosen_steps(cell, choices.walk, choices.step)
    names = get_notation(cell, choices.notation)
    look = look_of(choices)
    graph = graph_of(cell, names, look)
    scene = STYLES[choices.style].make(cell, names, look)
    title = _title(cell, scene, walk, choices.step)
    if walk:
        scene = _lit(scene, graph, cell, walk, steps)
    if choices.unroll is not None:
        scene, graph = chain(scene, graph, choices.unroll, lambda value: names.latex(_at_time(cell, value)))
        title = f"{title}, {choices.unroll} steps"
    if choices.order:
        scene = numbered(scene, graph)
    if choices.equations:
        scene = captioned(scene, title, _formulas(cell, names, walk, steps))
    if choices.legend:
        scene = with_legend(scene)
    # Unique among the drawings of a cell: a page may hold them all.
    parts = [cell.name, choices.style, *([walk] if walk else []), *([str(choices.step)] if choices.step else [])]
    shown = None if choices.style == "dag" else graph
    return Drawing(replace(scene, id="-".join(parts), title=title), choices.theme, choices.mode, choices.style, shown)


def _check(choices: Choices) -> None:
    check_name("style", choices.style, STYLES)
    load_theme(choices.theme)
    check_name("mode", choices.mode, MODES)
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


def _chosen_steps(cell: Cell, walk: str | None, step: int | None) -> tuple[str | None, tuple[int, ...]]:
    """The walk, the first if only a step is given, and the numbers of its lit steps; nothing where neither is given."""
    if walk is None and step is None:
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
    return f"{scene.title}, step {step}: {cell.all_walks[walk][step - 1].title}" if walk and step else scene.title


def _lit(scene: Scene, graph: Graph, cell: Cell, walk: str, steps: tuple[int, ...]) -> Scene:
    """The scene with the steps' part of it lit; nothing moves."""
    frames = [frame(graph, cell, walk, step) for step in steps]
    computed: set[str] = set().union(*(f.computed for f in frames))
    return light(scene, computed, set().union(*(f.shown for f in frames)))


def _formulas(cell: Cell, names: Notation, walk: str | None, steps: tuple[int, ...]) -> list[str]:
    """The equations of the values that the steps compute, or of all, in LaTeX."""
    lit = {base for k in steps for base in cell.all_walks[walk][k - 1].computes} if walk else None
    chosen = [e for e in cell.step if lit is None or e.target.name.split("[")[0] in lit]
    return [print_equation(e, "latex", names) for e in chosen]


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
