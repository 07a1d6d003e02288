"""How a drawing is made: choices are checked, the cell is laid out, something laid over it, the legend comes last."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace

from lstmgraph.api.catalogue import check_name
from lstmgraph.api.choices import OPTIONS, Choices, check
from lstmgraph.api.drawing import Drawing
from lstmgraph.api.scenes import drawn
from lstmgraph.cell import Cell
from lstmgraph.diagram.asked import NOTHING, Asked
from lstmgraph.diagram.graph import Graph
from lstmgraph.diagram.layout.legend import AGAINST, BACKWARD, CHAIN, FORWARD, with_legend
from lstmgraph.diagram.scene import Scene
from lstmgraph.diagram.themes import load_theme
from lstmgraph.errors import UsageError
from lstmgraph.notation import get_notation, notation_names

KEYS = {
    "backward": BACKWARD,
    "against": AGAINST,
    "unroll": CHAIN,
}  # how an option's drawings are explained; others as FORWARD says
UNMEASURED = ("dag", "plumbing")  # styles whose scenes are no drawings of nodes and wires in our own grammar


def picture(cell: Cell, choices: Choices) -> Drawing:
    """The drawing of a cell."""
    check(choices)
    walk, steps = _chosen_steps(cell, choices)
    choices = replace(choices, walk=walk)
    if choices.notation is None and walk in notation_names(cell):  # a walk in a notation is told in it
        choices = replace(choices, notation=walk)
    names = get_notation(cell, choices.notation)
    (graph, scene), asked = drawn(cell, names, choices), NOTHING
    if any(choices.has(option.name) for option in OPTIONS if option.laid_over):  # loaded for nothing else
        from lstmgraph.api.overlays import overlaid

        graph, scene, asked = overlaid(cell, names, choices, steps, graph, scene)
    measured = None if choices.against or choices.style in UNMEASURED else graph
    return _finished(cell, scene, choices, measured, replace(asked, legend=choices.legend))


def _finished(cell: Cell, scene: Scene, choices: Choices, graph: Graph | None, asked: Asked) -> Drawing:
    """The scene with its legend, and an id."""
    if choices.legend:
        key = next((key for option, key in KEYS.items() if choices.has(option)), FORWARD)
        scene = with_legend(scene, key, load_theme(choices.theme).patterns)
    return Drawing(
        replace(scene, id="-".join((cell.name, choices.style, *_chosen(choices)))),
        choices.theme,
        choices.mode,
        choices.style,
        graph,
        asked,
    )


def _chosen(choices: Choices) -> Iterator[str]:
    """What was chosen otherwise than by default: ids are unique in a page that shows a cell in many ways."""
    for field in fields(choices):
        value = getattr(choices, field.name)
        if field.name == "style" or value == field.default:
            continue
        name = [] if field.name in ("walk", "step", "theme") else [field.name]
        yield "-".join([*name, *([] if value is True else [value.name if isinstance(value, Cell) else str(value)])])


# ── steps of a walk ──


def usual_walk(cell: Cell, theme: str) -> str:
    """The walk where none is asked for: the theme's if the cell has it, else the cell's first."""
    own = load_theme(theme).walk
    return own if own in cell.all_walks else next(iter(cell.all_walks))


def _chosen_steps(cell: Cell, choices: Choices) -> tuple[str | None, tuple[int, ...]]:
    """The walk, that of the theme if only a step is given, and the numbers of its lit steps; nothing for neither."""
    walk, step = choices.walk, choices.step
    if walk is None and step is None and not choices.sheet:
        return None, ()
    walk = usual_walk(cell, choices.theme) if walk is None else walk
    check_name("walk", walk, cell.all_walks, of=cell.name)
    steps = cell.all_walks[walk]
    if step is None:
        return walk, tuple(range(1, len(steps) + 1))
    if not 1 <= step <= len(steps):
        listed = "; ".join(f"{number} {s.title}" for number, s in enumerate(steps, 1))
        raise UsageError(f"there is no step {step}: the walk {walk!r} has the steps 1 to {len(steps)}", hint=listed)
    return walk, (step,)
