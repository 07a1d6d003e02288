"""A picture and what has been laid over it: what each overlay takes and gives back."""

from __future__ import annotations

from dataclasses import dataclass

from lstmgraph.api.choices import Choices
from lstmgraph.cell import Cell, WalkStep
from lstmgraph.diagram.asked import NOTHING, Asked
from lstmgraph.diagram.graph import Graph
from lstmgraph.diagram.scene import Scene
from lstmgraph.notation import Notation


@dataclass(frozen=True)
class Laid:
    """A cell's picture as far as it is done.

    `steps`: those of the walk that are lit, by number.  `asked`: what has to be seen of what was laid over it.
    `whole`: nothing else is laid over it.
    """

    cell: Cell
    names: Notation
    choices: Choices
    steps: tuple[int, ...]
    graph: Graph
    scene: Scene
    title: str
    asked: Asked = NOTHING
    whole: bool = False

    @property
    def walk(self) -> tuple[WalkStep, ...]:
        """The steps of the walk that was chosen; none if none was."""
        return () if self.choices.walk is None else tuple(self.cell.all_walks[self.choices.walk])
