"""What `cell.draw()` returns: a drawing that a file, a browser and a notebook can show.

How it is made: `picture`.  The formats: `diagram.writers`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path, PurePath
from typing import TYPE_CHECKING
from zlib import crc32

from lstmgraph.api.catalogue import check_name
from lstmgraph.diagram.asked import NOTHING, Asked
from lstmgraph.diagram.graph import Graph
from lstmgraph.diagram.scene import Scene
from lstmgraph.diagram.themes import load_theme
from lstmgraph.diagram.writers import FORMATS, writer
from lstmgraph.errors import UsageError, WrongType
from lstmgraph.files import write_bytes

if TYPE_CHECKING:
    import graphviz

    from lstmgraph.diagram.quality import Report


def digest(text: str) -> str:
    """A few letters that tell a text from others."""
    return f"{crc32(text.encode()):08x}"


@dataclass(frozen=True, eq=False)
class Drawing:
    """A laid-out drawing, which a notebook shows.

    `scene` holds every coordinate, `graph` what it shows (None where no gates are for it: see `quality`), `asked` what
    it was asked to show besides; `svg` and `dot` are the same picture as text.
    """

    scene: Scene
    theme: str = "default"
    mode: str = "auto"
    style: str = ""
    graph: Graph | None = None
    asked: Asked = NOTHING

    @cached_property
    def svg(self) -> str:
        """The drawing as a standalone SVG file; no program is needed for it."""
        return self.data("svg").decode()

    @cached_property
    def dot(self) -> str:
        """The drawing as DOT, every position pinned: Graphviz renders the same picture from it."""
        return self.data("dot").decode()

    def data(self, format: str) -> bytes:
        """The drawing as a file in one of the formats; text is UTF-8.

        Raises UnknownName for a format that is not among them, MissingExtra where its package is not installed.
        """
        check_name("format", format, FORMATS)
        found = writer(format)(self.scene, load_theme(self.theme), self.mode)
        return found.encode() if isinstance(found, str) else found

    def terminal(self, unicode: bool = True, colour: bool = True) -> str:
        """The drawing as lines of text for a terminal, in box-drawing characters or in ASCII, without its legend."""
        from lstmgraph.diagram.writers.characters import ASCII, UNICODE
        from lstmgraph.diagram.writers.text import draw_text

        return draw_text(replace(self.scene, legend=()), UNICODE if unicode else ASCII, colour)

    def quality(self) -> Report:
        """What the drawing scores in the rules of good drawings, beside their gates: `.text()`, `.ok`.

        Raises UsageError for what has no gates: two cells compared (`against`), and the styles "dag" and "plumbing".
        """
        from lstmgraph.diagram.quality import report

        if self.graph is None:
            raise UsageError(
                "there are gates for drawings of one cell, in the styles pipe and cell-block",
                hint="draw one cell in one of these styles",
            )
        return report(self.scene, self.graph, load_theme(self.theme), self.style, files=[self.svg], asked=self.asked)

    def to_graphviz(self) -> graphviz.Digraph:
        """The drawing as a graph of the `graphviz` package, to be changed or rendered there by the program `dot`."""
        from lstmgraph.diagram.writers.dot import to_graphviz

        return to_graphviz(self.scene, load_theme(self.theme), self.mode)

    def save(self, path: str | Path) -> Path:
        """Write the drawing to a file whose suffix names the format, and return its path.

        Raises WrongType for what is no path, UsageError for a suffix that no format has, MissingExtra where the
        format's package is not installed, and OutputError where the file cannot be written.
        """
        if not isinstance(path, (str, PurePath)):
            raise WrongType("the file", path, ["a path"])
        suffix = PurePath(path).suffix.lower()
        format = next((name for name, row in FORMATS.items() if suffix in row.suffixes), None)
        if format is None:
            known = ", ".join(s for row in FORMATS.values() for s in row.suffixes)
            raise UsageError(f"no format has the suffix {suffix!r}", hint=f"known: {known}")
        return write_bytes(path, self.data(format))

    def __repr__(self) -> str:
        return f"<Drawing of {self.scene.title}: {len(self.scene.nodes)} nodes, {len(self.scene.wires)} wires>"

    def _repr_svg_(self) -> str:
        """For a page with other drawings, maybe of an older version of this cell: no id of theirs is one of ours."""
        return replace(self, scene=replace(self.scene, id=f"{self.scene.id}-{digest(self.svg)}")).svg

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        """For Jupyter: the picture, and for a text-only client what it shows in words."""
        return {"image/svg+xml": self._repr_svg_(), "text/plain": f"{self.scene.title}. {self.scene.description}"}
