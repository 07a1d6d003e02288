"""Whether what is written belongs where it stands: glyphs in their nodes, names beside their lines."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf

from lstmgraph.diagram.boxes import distance, label_box, node_box
from lstmgraph.diagram.graph import OPERATIONS, base_of
from lstmgraph.diagram.layout.shapes import MEMORY
from lstmgraph.diagram.path import STROKE
from lstmgraph.diagram.quality.edges import prefix
from lstmgraph.diagram.quality.picture import Picture, ends
from lstmgraph.diagram.scene import COTANGENT_SUM, Label, Node

REACH = 8 * STROKE  # a name that is farther than that from its line belongs to nothing


def mislabelled(picture: Picture) -> Iterator[str]:
    """Nodes with another glyph than that of the graph; in a backward pass, than the cotangent that they give or get."""
    glyphs = {n.id: n.glyph for n in picture.graph.nodes}
    flowing = {id for w in picture.scene.wires if w.lit for id in (w.source, w.target)}
    for node in picture.scene.nodes:
        meant = glyphs.get(node.of or node.id)
        if meant is None:
            continue
        if node.kind == COTANGENT_SUM:
            meant = "+"
        elif node.kind == "cell":
            meant = _in_cell(picture, node)
        elif node.kind not in OPERATIONS and node.id in flowing and not meant.isdigit():
            meant = picture.asked.cotangents.get(node.of or node.id, meant)
        shown = node.label.text if node.label else ""
        if shown != meant:
            yield f"{node.id} reads {shown or 'nothing'}, not {meant}"


def _in_cell(picture: Picture, cell: Node) -> str:
    """What a Cell reads: a word, its value's name where there are several, or the cotangent of what computes it."""
    if back := picture.asked.cotangents.get(cell.id.removeprefix("cell:")):
        return back
    cells = [n for n in picture.scene.nodes if n.kind == "cell" and prefix(n.id) == prefix(cell.id)]
    if len(cells) == 1:
        return MEMORY
    base = base_of(picture.graph.node(cell.of))
    return next((n.glyph for n in picture.graph.nodes if n.kind == "next" and base_of(n) == base), "")


def misnamed(picture: Picture) -> Iterator[str]:
    """Labels of a line, or of a node, that are far from it, or plainly nearer to another line."""
    for label in picture.scene.labels:
        if label.of:
            own, other = _nearest(picture, label)
            if own > REACH:
                yield f"{label.text} is not at {label.of}"
            elif other < own - STROKE:
                yield f"{label.text} is nearer to another line than to that of {label.of}"


def _nearest(picture: Picture, label: Label) -> tuple[float, float]:
    """How far a label is from what it names, and from the nearest other line; that matters beside lines alone."""
    box, node = label_box(label), picture.nodes.get(label.of)
    at_node = distance(box, node_box(node)) if node is not None else inf
    own, other = inf, inf
    for segment in picture.segments:
        far = distance(box, segment.box)
        if label.of in (segment.wire.id, ends(segment.wire)[0], segment.wire.source):
            own = min(own, far)
        else:
            other = min(other, far)
    return (own, other) if own < inf and own <= REACH else (at_node, inf)
