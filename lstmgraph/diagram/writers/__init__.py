"""Writers: a scene and a theme become a file.  To add a format: a module here, and a row in `FORMATS`."""

from __future__ import annotations

from typing import Protocol

from lstmgraph.diagram.scene import Scene
from lstmgraph.diagram.themes import Theme
from lstmgraph.diagram.writers.dot import write_dot
from lstmgraph.diagram.writers.svg import write_svg


class Writer(Protocol):
    """Every writer: the scene in the theme's colours, `mode` being "auto", "light" or "dark"."""

    def __call__(self, scene: Scene, theme: Theme, mode: str = "auto") -> str: ...


FORMATS: dict[str, Writer] = {
    "dot": write_dot,
    "svg": write_svg,
}
