"""The outlines of a file's labels, each of them in the file once.

A glyph is drawn where it first occurs, in thousandths of the em, and a label is a group of glyphs in their places; a
`use` with the label's place and size shows it.  All ids begin with the diagram's own, so that two drawings in one page
keep to themselves.
"""

from __future__ import annotations

from xml.etree.ElementTree import Element, SubElement

from lstmgraph.diagram.typeset import Glyph, number


class Glyphs:
    """The glyphs and labels of one file so far."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._paths: dict[str, str] = {}  # path data -> id
        self._labels: dict[tuple[Glyph, ...], str] = {}  # those of several glyphs -> id

    def shown(self, parent: Element, glyphs: tuple[Glyph, ...], left: float, top: float, size: float) -> Element:
        """A label with its box at that corner, `size` points to the em; paint is for the caller to add."""
        scale = size / 1000
        if len(glyphs) == 1:
            path, x, y = glyphs[0]
            id, left, top = self._glyph(path), left + scale * x, top + scale * y
        else:
            id = self._labels.setdefault(glyphs, f"{self._prefix}-label-{len(self._labels) + 1}")
        place = f"translate({number(left)} {number(top)})scale({scale:.6g})"
        return SubElement(parent, "use", {"href": f"#{id}", "transform": place})

    def defs(self) -> Element:
        """The definitions that the file needs."""
        groups = []
        for glyphs, id in self._labels.items():
            group = Element("g", {"id": id})
            for path, x, y in glyphs:
                SubElement(group, "use", {"href": f"#{self._glyph(path)}", "x": str(x), "y": str(y)})
            groups.append(group)
        defs = Element("defs")
        for path, id in self._paths.items():
            SubElement(defs, "path", {"id": id, "d": path})
        defs.extend(groups)
        return defs

    def _glyph(self, path: str) -> str:
        return self._paths.setdefault(path, f"{self._prefix}-glyph-{len(self._paths) + 1}")
