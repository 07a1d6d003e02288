"""What a writer has painted, looked at in the file: how large arrowheads are, and whether outlines can be seen.

A scene says where an arrow ends, not what is painted there.  Files are SVG.
"""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree import ElementTree

from lstmgraph.diagram.path import STROKE, distance
from lstmgraph.diagram.scene import Point

SVG = "{http://www.w3.org/2000/svg}"
OUTLINED = ("node", "sample", "container")  # the classes of groups whose first shape has an outline


def head_sizes(file: str) -> Iterator[float]:
    """Length and width of every arrowhead, in strokes."""
    for polygon in ElementTree.fromstring(file).iter(f"{SVG}polygon"):
        tip, one, _, other = (Point(*map(float, p.split(","))) for p in polygon.attrib["points"].split())
        yield distance(tip, Point((one.x + other.x) / 2, (one.y + other.y) / 2)) / STROKE
        yield distance(one, other) / STROKE


def unpainted(file: str) -> Iterator[str]:
    """Nodes, samples of the legend and borders without an outline that can be told from the ground."""
    root = ElementTree.fromstring(file)
    grounds = {"none", *(rect.get("fill") for rect in root.iter(f"{SVG}rect"))}
    for group in root.iter(f"{SVG}g"):
        if group.get("class", "").partition(" ")[0] in OUTLINED:
            shape = next((x for x in group if x.tag in (f"{SVG}path", f"{SVG}rect")), group)
            if shape.get("stroke", "none") in grounds or float(shape.get("stroke-width", "1")) <= 0:
                yield f"{group.get('id')} has no outline"
