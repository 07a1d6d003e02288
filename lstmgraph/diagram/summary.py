"""A step of which only the outside is shown: one box between what enters and what leaves, where the cell would stand.

States keep their heights, so that such a step and one that is drawn in full can stand side by side in a chain.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from math import ceil

from lstmgraph.diagram.graph import EXTERNAL, Edge, Graph, ValueKind
from lstmgraph.diagram.graph import Node as Operation
from lstmgraph.diagram.layout.shapes import PITCH
from lstmgraph.diagram.path import finish
from lstmgraph.diagram.scene import Box, Label, Node, Point, Scene, Wire, again

NARROW = 0.4  # how wide the box is, against the cell
APART = 56.0  # between the inputs of the box, and between its outputs
SIZE = 18.0  # of its letter: not so large that the labels of the values look small beside it
STEP = "step"  # the id of the box
HANDED_ON: dict[ValueKind, ValueKind] = {"previous_memory": "memory", "previous_output": "output"}


def summary(scene: Scene, graph: Graph, letter: str) -> tuple[Scene, Graph]:
    """The scene of a step with one box instead of the cell, and the graph that it shows."""
    found = summed_up(graph, letter)
    ends = [n for n in scene.nodes if n.kind in EXTERNAL and {n.id, n.of} & {m.id for m in found.nodes}]
    frame = _narrowed(scene.frames[0], ends)
    shift = scene.frames[0].right - frame.right
    placed = [_placed(n, scene.frames[0], frame, ends) for n in ends]
    box = _box(frame, letter, scene.title)
    wires = finish(_wires(found, placed, frame))
    size = scene.size[0] - shift, scene.size[1]
    bare = Scene(scene.id, scene.title, scene.description, size, (), (box, *placed), wires, (), ())
    return bare, found


def summed_up(graph: Graph, letter: str) -> Graph:
    """The graph of a step whose inside is not shown: one operation between what enters and what leaves it."""
    outside = {n.id: n for n in graph.nodes if n.kind in EXTERNAL}
    kinds = {e.source: e.kind for e in graph.edges}
    before = [n for n in outside.values() if n.kind != "next"]
    after = [n for n in outside.values() if n.kind == "next"]
    into = [Edge(f"{n.id}>{STEP}.{k}", n.id, STEP, k, kinds[n.id]) for k, n in enumerate(before) if n.id in kinds]
    out = [Edge(f"{STEP}>{e.target}.0", STEP, e.target, 0, _made(e)) for n in after for e in graph.into(n.id)]
    step = Operation(STEP, "operator", letter, STEP, title="one step")
    values = {n.value: STEP for n in after if n.value}
    return Graph((*before, step, *after), (*into, *out), graph.memories, graph.output, values)


def _made(edge: Edge) -> ValueKind:
    """What leaves a step is of this step, even where it only hands on what it was given."""
    return HANDED_ON.get(edge.kind, edge.kind)


def _narrowed(frame: Box, ends: Iterable[Node]) -> Box:
    """The place of the box: from the left side of the cell, wide enough for all that stands above or below it."""
    ends = list(ends)
    most = max([0, *(sum(1 for n in ends if side == _side(frame, n)) for side in ("top", "bottom"))])
    wide = max(NARROW * (frame.right - frame.left), most * APART)
    return frame._replace(right=frame.left + 2 * PITCH * ceil(wide / (2 * PITCH)))  # its middle on the lattice


def _side(frame: Box, node: Node) -> str:
    """The side of the cell at which something outside stands."""
    if not frame.left < node.at.x < frame.right:
        return "left" if node.at.x <= frame.left else "right"
    return "top" if node.at.y < frame.top else "bottom"


def _placed(node: Node, cell: Box, box: Box, ends: Iterable[Node]) -> Node:
    """What is at the right side moves with it; what is above or below spreads along the box."""
    side = _side(cell, node)
    if side == "left":
        return node
    if side == "right":
        return _at(node, Point(node.at.x - cell.right + box.right, node.at.y))
    beside = sorted((n.at.x, n.id) for n in ends if _side(cell, n) == side)
    k = beside.index((node.at.x, node.id))
    middle = (box.left + box.right) / 2 + (k - (len(beside) - 1) / 2) * APART
    return _at(node, Point(middle, node.at.y))


def _at(node: Node, at: Point) -> Node:
    return replace(node, at=at, label=replace(node.label, at=at) if node.label else None)


def _box(frame: Box, letter: str, title: str) -> Node:
    at = Point((frame.left + frame.right) / 2, (frame.top + frame.bottom) / 2)
    words = f"{title}: one step" if title else "one step"
    width, height = frame.right - frame.left, frame.bottom - frame.top
    label = Label(rf"\mathrm{{{letter}}}", at, SIZE)
    return Node(STEP, "operator", "step", "panel", at, width, height, label, words, operation=STEP)


def _wires(graph: Graph, ends: Iterable[Node], frame: Box) -> list[Wire]:
    """Straight lines from what enters to the box, and from the box to what leaves."""
    edges: Mapping[str, Edge] = {e.source if e.target == STEP else e.target: e for e in graph.edges}
    found = []
    for node in ends:
        edge = edges.get(node.of or node.id)
        if edge is None:
            continue
        outer, inner = _facing(node, frame)
        points = (outer, inner) if edge.target == STEP else (inner, outer)
        source, target = (node.id, STEP) if edge.target == STEP else (STEP, node.id)
        id = again(edge.id) if node.of else edge.id
        found.append(Wire(id, source, target, edge.kind, points, ()))
    return found


def _facing(node: Node, frame: Box) -> tuple[Point, Point]:
    """Where a straight line from a node meets its own outline and the box."""
    (x, y), half = node.at, (node.width / 2, node.height / 2)
    match _side(frame, node):
        case "left":
            return Point(x + half[0], y), Point(frame.left, y)
        case "right":
            return Point(x - half[0], y), Point(frame.right, y)
        case "top":
            return Point(x, y + half[1]), Point(x, frame.top)
    return Point(x, y - half[1]), Point(x, frame.bottom)
