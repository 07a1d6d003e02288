"""What lies on top of what: nodes, labels, arrowheads, junction dots, wires and borders."""

from __future__ import annotations

from collections.abc import Iterator

from lstmgraph.diagram.boxes import (
    UNSEEN,
    around,
    distance,
    dot_box,
    holds,
    hull,
    inside,
    label_box,
    meet,
    node_box,
    written_box,
)
from lstmgraph.diagram.ground import borders
from lstmgraph.diagram.outline import OUTLINE, room
from lstmgraph.diagram.path import STROKE, flatten, is_straight
from lstmgraph.diagram.quality.geometry import Grid, length_inside
from lstmgraph.diagram.quality.picture import MEETINGS, Head, Picture, ends
from lstmgraph.diagram.scene import COTANGENT_SUM, Box, Node, Point

CORNER = OUTLINE / 6


def node_overlaps(picture: Picture) -> Iterator[str]:
    """Nodes on nodes, and junction dots on nodes."""
    for a, b in picture.shape_grid.pairs():
        if not _written_in(picture.shapes[a], picture.shapes[b]):
            yield f"{picture.shapes[a].id} and {picture.shapes[b].id}"
    for dot in picture.scene.dots:
        for k in picture.shape_grid.near(dot_box(dot)):
            if picture.shapes[k].kind not in MEETINGS:
                yield f"the dot at {_place(dot.at)} and {picture.shapes[k].id}"


def _written_in(one: Node, other: Node) -> bool:
    """Whether one is a Cell and the other the plus in it, under its name."""
    by_kind = {n.kind: n for n in (one, other)}
    cell, plus = by_kind.get("cell"), by_kind.get(COTANGENT_SUM)
    if cell is None or plus is None or cell.label is None:
        return False
    return inside(node_box(plus), node_box(cell)) and not meet(node_box(plus), label_box(cell.label))


def label_overlaps(picture: Picture) -> Iterator[str]:
    """Labels on labels, nodes, wires, junction dots and borders; signs that look like lines under a name."""
    yield from dict.fromkeys(_texts_on_texts(picture))
    lines = Grid(list(borders(picture.scene.frames)))
    dots = Grid([dot_box(d) for d in picture.scene.dots])
    for label, box in zip(picture.labels, picture.label_grid.boxes, strict=True):
        text = label.text
        yield from (f"{text} and node {picture.shapes[k].id}" for k in picture.shape_grid.near(box))
        wires = (picture.segments[k].wire.id for k in picture.segment_grid.near(box))
        yield from (f"{text} and wire {id}" for id in dict.fromkeys(wires))
        yield from (f"{text} and the dot at {_place(picture.scene.dots[k].at)}" for k in dots.near(box))
        yield from (f"{text} and the border" for _ in lines.near(box)[:1])


def _texts_on_texts(picture: Picture) -> Iterator[str]:
    for k, label in enumerate(picture.labels):
        for other in picture.label_grid.near(written_box(label)):
            if other != k:
                yield " and ".join(picture.labels[n].text for n in sorted((k, other)))


def arc_overlaps(picture: Picture) -> Iterator[str]:
    """Labels on the arcs in which wires cross others, or turn."""
    bends = _Bends(picture)
    for label, box in zip(picture.labels, picture.label_grid.boxes, strict=True):
        yield from (f"{label.text} and wire {id}" for id in bends.on(box))


def oversized(picture: Picture) -> Iterator[str]:
    """Nodes whose label is not inside of their outline, whatever its shape.

    The corners of a label's box, which its letters do not fill, may come `CORNER` into the line.
    """
    for node in picture.shapes:
        if node.label is not None and room(label_box(node.label), node) < OUTLINE / 2 - CORNER - UNSEEN:
            yield node.id


def head_overlaps(picture: Picture) -> Iterator[str]:
    """Arrowheads on arrowheads, on nodes other than the one they point at, on labels, dots and other wires."""
    grid = Grid([h.box for h in picture.heads])
    for a, b in grid.pairs():
        yield f"{picture.heads[a].wire.id} and {picture.heads[b].wire.id}"
    dots = Grid([dot_box(d) for d in picture.scene.dots])
    for head in picture.heads:
        yield from (f"{head.wire.id} and {what}" for what in _under(head, picture, dots))


def _under(head: Head, picture: Picture, dots: Grid) -> Iterator[str]:
    box, shapes, segments = head.box, picture.shapes, picture.segments
    yield from (shapes[k].id for k in picture.shape_grid.near(box) if shapes[k].id != head.wire.target)
    yield from (picture.labels[k].text for k in picture.label_grid.near(box))
    yield from (f"the dot at {_place(picture.scene.dots[k].at)}" for k in dots.near(box))
    others = (segments[k] for k in picture.segment_grid.near(box))
    yield from dict.fromkeys(f"wire {s.wire.id}" for s in others if s.value != head.value)


def through_nodes(picture: Picture) -> Iterator[str]:
    """Wires through, or within two strokes of, a node that they do not touch; wires through their own ends.

    A small plus is as near as a junction dot may be: a stroke away from other wires.
    """
    joined = {target: ends(trunk)[0] for target, trunk in picture.trunks.items()}
    found: dict[str, None] = {}
    grid = Grid([node_box(n) for n in picture.scene.nodes])
    for segment in picture.segments:
        wire, box = segment.wire, segment.box
        own = {wire.source, wire.target, joined.get(ends(wire)[1], "")}
        for k in grid.near(box, 2 * STROKE):
            node = picture.scene.nodes[k]
            meets = node.kind in MEETINGS and holds(hull((segment.a, segment.b)), node.at)
            air = STROKE if node.kind == COTANGENT_SUM else 2 * STROKE
            near = not meets and distance(box, grid.boxes[k]) < air - UNSEEN
            inside_own = node.kind not in MEETINGS and length_inside(segment.a, segment.b, node) > UNSEEN
            if inside_own if node.id in own else near:
                found[f"{wire.id} and {node.id}"] = None
    yield from found


def outside(picture: Picture) -> Iterator[str]:
    """What is not inside the picture."""
    page = Box(0.0, 0.0, *picture.scene.size)
    yield from (name for name, box in picture.drawn if not inside(box, page))


class _Bends:
    """Points on the curves of the wires: rounded corners, and arcs over other wires."""

    def __init__(self, picture: Picture) -> None:
        self.wires: list[str] = []
        boxes: list[Box] = []
        for wire in picture.inked:
            for k in range(1, len(wire.route), 3):
                piece = wire.route[k - 1 : k + 3]
                if not is_straight(piece):
                    boxes += [around(at, STROKE, STROKE) for at in flatten(piece, 6)]
                    self.wires += [wire.id] * 7
        self.grid = Grid(boxes)

    def on(self, box: Box) -> list[str]:
        return list(dict.fromkeys(self.wires[k] for k in self.grid.near(box)))


def _place(at: Point) -> str:
    return f"({at.x:g}, {at.y:g})"
