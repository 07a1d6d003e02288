"""What is laid over a picture or put beside it: equations, the steps of a walk, what another cell lacks.

To add an overlay: a function from `Laid` to `Laid` in a module of this package, and a row of `OVERLAYS` by the name of
its option.  All share the layouts of the pictures.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from lstmgraph.api.choices import Choices
from lstmgraph.api.overlays.backward import backward
from lstmgraph.api.overlays.difference import against
from lstmgraph.api.overlays.equations import limited, with_equations
from lstmgraph.api.overlays.laid import Laid
from lstmgraph.api.overlays.time import numbered_by_stage, unrolled
from lstmgraph.api.overlays.walks import lit, sheet
from lstmgraph.cell import Cell
from lstmgraph.diagram.asked import Asked
from lstmgraph.diagram.graph import Graph
from lstmgraph.diagram.scene import Scene
from lstmgraph.notation import Notation

# In the order in which they are laid over one another.
OVERLAYS: Mapping[str, Callable[[Laid], Laid]] = {
    "against": against,
    "backward": backward,
    "sheet": sheet,
    "walk": lit,
    "unroll": unrolled,
    "order": numbered_by_stage,
    "open": limited,
    "equations": with_equations,
}


def overlaid(
    cell: Cell, names: Notation, choices: Choices, steps: tuple[int, ...], graph: Graph, scene: Scene
) -> tuple[Graph, Scene, Asked]:
    """The picture as the options want it, the graph that it shows, and what has to be seen in it besides.

    `steps` are those of the walk that are lit.
    """
    laid = Laid(cell, names, choices, steps, graph, scene, scene.title)
    for option, overlay in OVERLAYS.items():
        if choices.has(option) and not laid.whole:
            laid = overlay(laid)
    return laid.graph, replace(laid.scene, title=laid.title), laid.asked
