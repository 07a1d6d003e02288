"""The order of evaluation, as an overlay: every operation with the number of its stage.

Stage 1 needs nothing but inputs, previous values and parameters; each later stage needs something of the stage before.
What has one number can be computed at the same time.  A number stands at a corner of its operation, where possible
clear of all others.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import inf

from lstmgraph.diagram import ground
from lstmgraph.diagram.boxes import distance, dot_box, label_box, node_box
from lstmgraph.diagram.graph import OPERATIONS, Graph
from lstmgraph.diagram.scene import Box, Label, Node, Point, Scene
from lstmgraph.diagram.typeset import measure

SIZE, BRACKETED = 13.0, 10.0  # of a number in a circle, in brackets
AIR = 1.5  # between a number and its operation
CLEAR = 5.0  # how much farther other operations and their numbers are from a number than its own operation
FAR = (0.0, 4.0, 8.0, 14.0, 20.0, 28.0)  # further out, where all corners are taken
CIRCLED = "①②③④⑤⑥⑦⑧⑨⑩⑪⑫⑬⑭⑮⑯⑰⑱⑲⑳"


def stages(graph: Graph) -> dict[str, int]:
    """The stage of every operation, from 1.  Nodes are in order of evaluation, so one pass is enough."""
    found: dict[str, int] = {}
    for node in graph.nodes:
        if node.kind in OPERATIONS:
            found[node.id] = 1 + max((found.get(e.source, 0) for e in graph.into(node.id)), default=0)
    return found


def badge(stage: int) -> str:
    """The LaTeX of a stage's number."""
    return rf"\text{{{CIRCLED[stage - 1]}}}" if stage <= len(CIRCLED) else f"({stage})"


def numbered(scene: Scene, graph: Graph) -> Scene:
    """The scene with a number at every operation."""
    at = stages(graph)
    taken = [node_box(n, 0.5) for n in scene.nodes]
    taken += [box for w in (*scene.wires, *scene.trunks) for box in ground.of_wire(w)]
    taken += [*map(dot_box, scene.dots), *map(label_box, scene.labels), *ground.borders(scene.frames)]
    operations = [n for n in scene.nodes if n.kind in OPERATIONS and (n.of or n.id) in at]
    found: list[Label] = []
    for node in operations:
        stage = at[node.of or node.id]
        size = SIZE if stage <= len(CIRCLED) else BRACKETED
        others = [*(node_box(n) for n in operations if n is not node), *map(label_box, found)]
        found.append(_at_corner(node, Label(badge(stage), node.at, size, role="stage", of=node.id), taken, others))
        taken.append(label_box(found[-1]))
    return replace(scene, labels=(*scene.labels, *found))


def _at_corner(node: Node, label: Label, taken: Sequence[Box], others: Sequence[Box]) -> Label:
    """The number at the first corner of its operation that is free, if possible one that is clear of all others."""
    places = [replace(label, at=at) for at in _corners(node, *measure(label))]
    free = [x for x in places if ground.is_free(label_box(x, 0.5), taken)]
    return next((x for x in free if _is_clear(x, node, others)), next(iter(free), places[0]))


def _is_clear(label: Label, node: Node, others: Sequence[Box]) -> bool:
    """Whether nobody could take a number for that of another operation."""
    box = label_box(label)
    nearest = min((distance(box, other) for other in others), default=inf)
    return nearest >= distance(box, node_box(node)) + CLEAR


def _corners(node: Node, width: float, height: float) -> Iterator[Point]:
    """Outside the four corners, then over and under their ends, then further out."""
    across, up = (node.width + width) / 2, (node.height + height) / 2 + AIR
    for far in FAR:
        for shift in (0.0, width):
            for dx, dy in ((-1, -1), (1, -1), (-1, 1), (1, 1)):
                yield Point(node.at.x + dx * (across + far - shift), node.at.y + dy * (up + far))
