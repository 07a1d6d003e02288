"""Whether what is written belongs where it stands: glyphs in their nodes, names beside their lines."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf

from lstmgraph.diagram.boxes import distance, label_box, node_box
from lstmgraph.diagram.graph import OPERATIONS
from lstmgraph.diagram.path import STROKE
from lstmgraph.diagram.quality.picture import Picture, ends
from lstmgraph.diagram.scene import Label

REACH = 8 * STROKE  # a name that is farther than that from its line belongs to nothing


def mislabelled(picture: Picture) -> Iterator[str]:
    """Nodes with another glyph than that of the graph.  A cell has a word; values whose cotangents run have a bar."""
    glyphs = {n.id: n.glyph for n in picture.graph.nodes}
    back = any(w.back for w in picture.scene.wires)
    for node in picture.scene.nodes:
        meant = glyphs.get(node.of or node.id)
        if meant is not None and node.kind != "cell" and not (back and node.kind not in OPERATIONS):
            shown = node.label.text if node.label else ""
            if shown != meant:
                yield f"{node.id} reads {shown or 'nothing'}, not {meant}"


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
