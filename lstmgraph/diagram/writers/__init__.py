"""Writers: a scene and a theme become a file.

To add a format: a module here with a function that has the face of `Writer`, and a row in `FORMATS`.  The module is
imported when its format is asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import NamedTuple, Protocol, cast

from lstmgraph.diagram.scene import Scene
from lstmgraph.diagram.themes import Theme


class Writer(Protocol):
    """Every writer: the scene in the theme's colours, `mode` being "auto", "light" or "dark"."""

    def __call__(self, scene: Scene, theme: Theme, mode: str = "auto") -> str | bytes: ...


class Format(NamedTuple):
    """The suffixes of its files, a line about it, and where its writer is: a module of this package, a function."""

    suffixes: tuple[str, ...]
    words: str
    module: str
    function: str


FORMATS: dict[str, Format] = {
    "svg": Format((".svg",), "for browsers, documents and notebooks", "svg", "write_svg"),
    "dot": Format((".dot", ".gv"), "for Graphviz, every position pinned", "dot", "write_dot"),
    "png": Format((".png",), "for everything else, 144 pixels to the inch; needs resvg-py", "png", "write_png"),
    "pdf": Format((".pdf",), "for paper and LaTeX, with text to be searched; needs fpdf2", "pdf", "write_pdf"),
    "text": Format((".txt",), "for terminals, in Unicode", "text", "write_text"),
    "ascii": Format((".asc",), "for terminals, in ASCII", "text", "write_ascii"),
    "tikz": Format((".tikz",), r"for LaTeX: a tikzpicture, to be \input", "tikz", "write_tikz"),
    "tex": Format((".tex",), "for LaTeX: a document of its own", "tikz", "write_tex"),
}


def writer(format: str) -> Writer:
    """The writer of one of the `FORMATS`.  Raises MissingExtra where a package that it needs is not installed."""
    row = FORMATS[format]
    return cast("Writer", getattr(import_module(f"{__name__}.{row.module}"), row.function))
