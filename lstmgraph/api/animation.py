"""What `cell.animate()` returns: the steps of a walk in one animated SVG.

How it moves: `diagram.writers.animation`.  Every frame is a drawing of `Cell.draw`, so every option of that will do
that a step has too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from lstmgraph.api.catalogue import check_name
from lstmgraph.api.choices import chosen
from lstmgraph.api.drawing import Drawing, digest
from lstmgraph.api.overlays.equations import capital
from lstmgraph.api.picture import usual_walk
from lstmgraph.diagram.themes import load_theme
from lstmgraph.errors import UsageError
from lstmgraph.files import write_bytes

if TYPE_CHECKING:
    from lstmgraph.api.cell import Cell

# Options of a drawing that an animation has not; what else does not go with a step is said by `choices`.
EXCLUDES = {"step": "it shows all steps", "sheet": "it shows the steps one after the other"}


@dataclass(frozen=True, eq=False)
class Animation:
    """The steps of a walk, one after the other, which a notebook shows.

    `frames` are their drawings, `captions` a line of words about each.  Readers who want no motion see the whole cell.
    """

    title: str
    frames: tuple[Drawing, ...]
    captions: tuple[str, ...]

    @cached_property
    def svg(self) -> str:
        """The animation as a standalone SVG file."""
        return self._written("animated")

    def _written(self, ending: str) -> str:
        from lstmgraph.diagram.writers.animation import animate

        first = self.frames[0]
        scenes = [f.scene for f in self.frames]
        scenes[0] = replace(scenes[0], id=f"{scenes[0].id.rpartition('-')[0]}-{ending}", title=self.title)
        return animate(scenes, self.captions, load_theme(first.theme), first.mode)

    def save(self, path: str | Path) -> Path:
        """Write the animation to an .svg file and return its path.

        Raises UsageError for another suffix, OutputError where the file cannot be written.
        """
        check_suffix(path)
        return write_bytes(path, self.svg.encode())

    def __repr__(self) -> str:
        return f"<Animation of {self.title}: {len(self.frames)} steps>"

    def _repr_svg_(self) -> str:
        """For a page with other drawings: see `Drawing._repr_svg_`."""
        return self._written(f"animated-{digest(self.svg)}")

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        """For Jupyter: the picture, and for a text-only client the steps in words."""
        return {"image/svg+xml": self._repr_svg_(), "text/plain": f"{self.title}. {' '.join(self.captions)}"}


def check_suffix(path: str | Path) -> None:
    """Raises UsageError where a file is not an .svg file."""
    suffix = PurePath(path).suffix.lower()
    if suffix != ".svg":
        raise UsageError(
            f"an animation is an .svg file, not {suffix or 'one without a suffix'}",
            hint=f"name it {PurePath(path).stem or 'steps'}.svg, or draw one step of the walk in that format",
        )


def animated(cell: Cell, walk: str | None, options: Mapping[str, Any]) -> Animation:
    """The animation of a walk, by default the theme's or the cell's first."""
    theme = chosen({**options, "walk": walk}).theme  # what no drawing takes is said before anything else
    for option, why in EXCLUDES.items():
        if options.get(option):
            raise UsageError(
                f"the options animate and {option} do not go together: {why}", hint="leave one of them out"
            )
    rest = {name: value for name, value in options.items() if name not in EXCLUDES}
    name = usual_walk(cell, theme) if walk is None else walk
    check_name("walk", name, cell.all_walks, of=cell.name)
    steps = cell.all_walks[name]
    frames = tuple(cell.draw(**rest, walk=name, step=k) for k in range(1, len(steps) + 1))
    captions = tuple(f"{k}. {capital(step.title)}" for k, step in enumerate(steps, 1))
    return Animation(f"{cell.title or cell.name}, the walk {name}", frames, captions)
