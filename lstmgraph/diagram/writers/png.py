"""PNG: our SVG as pixels, by resvg.  Two pixels to the point: 144 to the inch."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from lstmgraph.diagram.scene import Scene
from lstmgraph.diagram.themes import Theme
from lstmgraph.diagram.writers.svg import write_svg
from lstmgraph.errors import MissingExtra

SCALE = 2.0  # pixels to the point


def write_png(scene: Scene, theme: Theme, mode: str = "auto") -> bytes:
    """The scene as a PNG file.  `mode`: "dark" for the dark palette; pixels have no automatic one, so "auto" is light.

    Raises MissingExtra where resvg-py is not installed.
    """
    return pixels(write_svg(scene, theme, "dark" if mode == "dark" else "light"))


def pixels(svg: str) -> bytes:
    """An SVG file as a PNG file.  Raises MissingExtra where resvg-py is not installed."""
    try:
        resvg: Any = import_module("resvg_py")
    except ImportError:
        hint = "pip install 'lstmgraph[images]'"
        raise MissingExtra("a PNG needs the package resvg-py, which is not installed", hint=hint) from None
    return bytes(resvg.svg_to_bytes(svg_string=svg, zoom=SCALE))
