"""What `cell.draw()` returns: a drawing that a file, a browser and a notebook can show; and how it is made.

To add a style: a layout in `diagram`, and a row of `STYLES`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, NamedTuple

from lstmgraph.api.catalogue import check_name
from lstmgraph.cell import Cell
from lstmgraph.diagram.extract import extract
from lstmgraph.diagram.frames import frame
from lstmgraph.diagram.graph import Graph
from lstmgraph.diagram.scene import Scene
from lstmgraph.diagram.themes import load_theme
from lstmgraph.diagram.writers import FORMATS
from lstmgraph.diagram.writers.dot import to_graphviz
from lstmgraph.errors import UsageError
from lstmgraph.files import write_text
from lstmgraph.notation import Notation, get_notation
from lstmgraph.printing import print_equation, print_expr
from lstmgraph.program import Equation

if TYPE_CHECKING:
    import graphviz

MARGIN = 14.0  # under a picture without its legend
MODES = ("auto", "light", "dark")


@dataclass(frozen=True, eq=False)
class Drawing:
    """A laid-out drawing, which a notebook shows.

    `scene` holds every coordinate; `svg` and `dot` are the same picture as text.
    """

    scene: Scene
    theme: str = "default"
    mode: str = "auto"

    @cached_property
    def svg(self) -> str:
        """The drawing as a standalone SVG file; no program is needed for it."""
        return self.text("svg")

    @cached_property
    def dot(self) -> str:
        """The drawing as DOT, every position pinned: Graphviz renders the same picture from it."""
        return self.text("dot")

    def text(self, format: str) -> str:
        """The drawing in one of the formats.  Raises UnknownName for a format that is not among them."""
        check_name("format", format, FORMATS)
        return FORMATS[format](self.scene, load_theme(self.theme), self.mode)

    def to_graphviz(self) -> graphviz.Digraph:
        """The drawing as a graph of the `graphviz` package, to be changed or rendered there by the program `dot`."""
        return to_graphviz(self.scene, load_theme(self.theme), self.mode)

    def save(self, path: str | Path) -> Path:
        """Write the drawing to a file whose suffix names the format, and return its path.

        Raises UsageError for a suffix that no format has, and OutputError where the file cannot be written.
        """
        suffix = PurePath(path).suffix.lower()
        if suffix[1:] not in FORMATS:
            raise UsageError(
                f"no format has the suffix {suffix!r}", hint=f"known: {', '.join(f'.{name}' for name in FORMATS)}"
            )
        return write_text(path, self.text(suffix[1:]))

    def __repr__(self) -> str:
        return f"<Drawing of {self.scene.title}: {len(self.scene.nodes)} nodes, {len(self.scene.wires)} wires>"

    def _repr_svg_(self) -> str:
        return self.svg

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        """For Jupyter: the picture, and for a text-only client what it shows in words."""
        return {"image/svg+xml": self.svg, "text/plain": f"{self.scene.title}. {self.scene.description}"}


# ── how it is made ──


def draw(
    cell: Cell,
    style: str,
    walk: str | None,
    step: int | None,
    theme: str,
    notation: str | None,
    mode: str,
    legend: bool,
) -> Drawing:
    """See `api.cell.Cell.draw`."""
    check_name("style", style, STYLES)
    load_theme(theme)
    check_name("mode", mode, MODES)
    walk, steps = _chosen_steps(cell, walk, step)
    names = get_notation(cell, notation)
    scene = STYLES[style].make(cell, names)
    title = f"{scene.title}, step {step}: {cell.all_walks[walk][step - 1].title}" if walk and step else scene.title
    if walk:
        scene = _lit(scene, cell, names, walk, steps)
    if not legend:
        scene = _without_legend(scene)
    # Unique among the drawings of a cell: a page may hold them all.
    id = "-".join([cell.name, style, *([walk] if walk else []), *([str(step)] if step else [])])
    return Drawing(replace(scene, id=id, title=title), theme, mode)


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


def _lit(scene: Scene, cell: Cell, names: Notation, walk: str, steps: tuple[int, ...]) -> Scene:
    """The scene with the steps' part of it lit; nothing moves."""
    from lstmgraph.diagram.layout.steps import light

    graph = _graph(cell, names)
    if any(node.kind == "dag" for node in scene.nodes):
        raise UsageError("the style 'dag' has no steps", hint="take the style 'pipe' or 'cell-block'")
    frames = [frame(graph, cell, walk, step) for step in steps]
    computed: set[str] = set().union(*(f.computed for f in frames))
    return light(scene, computed, set().union(*(f.shown for f in frames)))


def _without_legend(scene: Scene) -> Scene:
    """The picture alone: the legend stands under it, so its top is where the picture ends."""
    if not scene.legend:
        return scene
    lowest = max(
        *(n.at.y + n.height / 2 for n in scene.nodes),
        *(p.y for w in scene.wires for p in w.route),
        *(f.bottom for f in scene.frames),
    )
    return replace(scene, legend=(), size=(scene.size[0], lowest + MARGIN))


@lru_cache(maxsize=32)
def _graph(cell: Cell, names: Notation) -> Graph:
    return extract(
        cell,
        names.latex,
        lambda what: (print_equation if isinstance(what, Equation) else print_expr)(what, "unicode", names),
        lambda formula: print_expr(formula, "latex", names),
    )


# Laying out takes most of the time, and all frames of a walk have one layout.


@lru_cache(maxsize=32)
def _pipe(cell: Cell, names: Notation) -> Scene:
    from lstmgraph.diagram.layout.pipe import layout_pipe

    return layout_pipe(_graph(cell, names), cell.title or cell.name, _labels(cell, names))


@lru_cache(maxsize=32)
def _cell_block(cell: Cell, names: Notation) -> Scene:
    from lstmgraph.diagram.layout.cell_block import layout_cell_block

    return layout_cell_block(_graph(cell, names), cell.title or cell.name, _labels(cell, names))


@lru_cache(maxsize=32)
def _dag(cell: Cell, names: Notation) -> Scene:
    from lstmgraph.diagram.dag import layout_dag

    return layout_dag(cell, names.latex)


def _labels(cell: Cell, names: Notation) -> dict[str, str]:
    """The LaTeX of every value of a step, for labels on wires."""
    return {v.name: names.latex(v) for v in (*cell.inputs, *cell.previous, *cell.values.values())}


class Style(NamedTuple):
    """A line about a style, and what makes its scene."""

    words: str
    make: Callable[[Cell, Notation], Scene]


STYLES = {
    "pipe": Style("what is carried from step to step runs straight through, the networks stand under it", _pipe),
    "cell-block": Style(
        "the memory in the centre, gates around it; dashed lines carry values of the previous step", _cell_block
    ),
    "dag": Style("every operation, parameter and number of the SymPy expressions; needs Graphviz", _dag),
}
