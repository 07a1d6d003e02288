"""Where things stand: gaps, padding, rows and columns, proportions, sizes of text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice, pairwise
from math import inf

from lstmgraph.diagram.boxes import UNSEEN, gap, hull, node_box
from lstmgraph.diagram.detail import NETWORK
from lstmgraph.diagram.extract import PRODUCT
from lstmgraph.diagram.graph import EXTERNAL, OPERATIONS, PARAMETERS, base_of
from lstmgraph.diagram.path import STROKE
from lstmgraph.diagram.quality.edges import prefix
from lstmgraph.diagram.quality.geometry import Grid
from lstmgraph.diagram.quality.picture import MEETINGS, Picture
from lstmgraph.diagram.scene import COTANGENT_SUM, Box, Node, Point, Scene

GIVEN = ("input", "previous", *PARAMETERS)  # kinds of nodes that a step does not compute
NEARLY = 2 * STROKE  # centres nearer than that are meant to be on one line, whatever they are the centres of


def smallest_gap(picture: Picture) -> float:
    """Between the boxes of nodes other than a small plus; infinite where there are not two."""
    boxes = sorted(node_box(n) for n in picture.scene.nodes if n.kind != COTANGENT_SUM)
    least = inf
    for k, box in enumerate(boxes):
        for other in boxes[k + 1 :]:
            if other.left - box.right > least:
                break
            least = min(least, gap(box, other))
    return least


def smallest_padding(picture: Picture) -> float | None:
    """Between the border and what it holds; below 0 where a node lies across it."""
    held = Grid([node_box(n) for n in picture.scene.nodes if n.kind not in MEETINGS])
    return min((_padding(held.boxes[k], f) for f in picture.scene.frames for k in held.near(f)), default=None)


def _padding(box: Box, frame: Box) -> float:
    return min(box.left - frame.left, box.top - frame.top, frame.right - box.right, frame.bottom - box.bottom)


def enclosed(picture: Picture) -> Iterator[str]:
    """What a step is given, inputs, values of the step before, biases, that stands inside of a container."""
    given = (n for n in picture.scene.nodes if n.kind in GIVEN)
    yield from (n.id for n in given if picture.frame_of(n) is not None)


def unframed(picture: Picture) -> Iterator[str]:
    """Operations that stand outside of every container.

    A value that is scaled by something learnt on its way into a network may be scaled outside.
    """
    inner = (n for n in picture.scene.nodes if n.kind in (*OPERATIONS, "cell") and n.operation != PRODUCT)
    yield from (n.id for n in inner if picture.frame_of(n) is None)


def intruding(picture: Picture) -> Iterator[str]:
    """Inputs, and states as they come and go, that stand inside of a container."""
    outer = (n for n in picture.scene.nodes if n.kind in EXTERNAL)
    yield from (n.id for n in outer if picture.frame_of(n) is not None)


def turned_over(picture: Picture) -> Iterator[str]:
    """What the pipe style has the other way around: time from right to left, inputs above networks, pipes below."""
    bases = {n.id: base_of(n) for n in picture.graph.nodes}
    for nodes in _by_cell(picture):
        yield from _turned_over([(n, bases.get(n.of or n.id, "")) for n in nodes], picture.graph.memories)


def _turned_over(nodes: Sequence[tuple[Node, str]], memories: Sequence[str]) -> Iterator[str]:
    """The same in one cell, of its nodes and the bases of their values."""
    networks = [n for n, _ in nodes if n.kind == "sum" or n.operation.endswith(NETWORK)]
    for node, base in nodes:
        if node.kind == "previous":
            later = [n for n, other in nodes if n.kind == "next" and other == base and n.of != node.id]
            yield from (f"{n.id} is left of {node.id}" for n in later if n.at.x <= node.at.x)
        if node.kind == "input":
            yield from (f"{node.id} is above {n.id}" for n in networks if node.at.y <= n.at.y)
        elif node.kind in ("previous", "next") and base in memories:
            yield from (f"{node.id} is below {n.id}" for n in networks if node.at.y >= n.at.y)


def upside_down(picture: Picture) -> Iterator[str]:
    """What the cell-block has the other way around: outputs below anything else, what is given above the border, or
    beside it on the far side of what takes it.
    """
    for nodes in _by_cell(picture):
        frames = [picture.frame_of(n) for n in nodes if n.kind in OPERATIONS]
        top = min((f.top for f in frames if f is not None), default=-inf)
        for node in nodes:
            if node.kind == "next":
                yield from (f"{node.id} is below {n.id}" for n in nodes if n.kind != "next" and n.at.y <= node.at.y)
            elif node.kind in GIVEN and node.at.y < top:
                yield f"{node.id} is above the border"
            elif node.kind in GIVEN and _is_across(picture, node):
                yield f"{node.id} is on the far side of what takes it"


def _is_across(picture: Picture, node: Node) -> bool:
    """Whether a node stands beside the border, and all that takes its value is much nearer to the other side."""
    takers = [picture.nodes[w.target] for w in picture.scene.wires if w.source == node.id and w.target in picture.nodes]
    frame = next((f for n in takers if (f := picture.frame_of(n)) is not None), None)
    if frame is None or frame.left <= node.at.x <= frame.right:
        return False
    here, there = (frame.left, frame.right) if node.at.x < frame.left else (frame.right, frame.left)
    return all(abs(n.at.x - there) < abs(n.at.x - here) / 2 for n in takers)


def _by_cell(picture: Picture) -> list[list[Node]]:
    """The nodes of each of several cells; all of them where there is one."""
    cells: dict[str, list[Node]] = {}
    for node in picture.scene.nodes:
        cells.setdefault(prefix(node.id), []).append(node)
    return [*cells.values()]


def aspects(picture: Picture) -> list[float]:
    """Width by height of each container."""
    return [(f.right - f.left) / (f.bottom - f.top) for f in picture.scene.frames]


def worst_pitch(picture: Picture) -> float | None:
    """The largest distance of neighbours in a row of networks by the smallest; None where no row has three."""
    rows: dict[object, list[float]] = {}
    for node in picture.scene.nodes:
        if node.kind == "sum":
            rows.setdefault((picture.frame_of(node), round(node.at.y, 2)), []).append(node.at.x)
    return max((_spread(xs) for xs in rows.values() if len(xs) > 2), default=None)


def _spread(xs: Sequence[float]) -> float:
    pitches = [b - a for a, b in pairwise(sorted(xs))]
    return max(pitches) / max(min(pitches), UNSEEN)


def off_line(picture: Picture) -> Iterator[str]:
    """Nodes of one container that look as if they were meant to be in one row or column, and are not quite.

    So do nodes of one kind that lie side by side over more than half of the smaller one, unless a border is between
    them, and any that are `NEARLY` on one line, whatever is between them.
    """
    groups: dict[Box | None, list[Node]] = {}
    for node in picture.scene.nodes:
        groups.setdefault(picture.frame_of(node) if len(picture.scene.frames) > 1 else None, []).append(node)
    sides = {n.id: _side(n, picture) for n in picture.scene.nodes}
    for nodes in groups.values():
        for axis, word in ((0, "column"), (1, "row")):
            yield from (f"{a.id} and {b.id}: {word}" for a, b in _nearly_aligned(nodes, axis, sides))


def _side(node: Node, picture: Picture) -> tuple[int, int]:
    """Where a node stands, seen from the first container: (0, 0) in the middle, (-1, 0) beside it on the left."""
    frame = next(iter(picture.scene.frames), Box(-inf, -inf, inf, inf))
    (x, y), (left, top, right, bottom) = node.at, frame
    return (x > right) - (x < left), (y > bottom) - (y < top)


def _nearly_aligned(
    nodes: Sequence[Node], axis: int, sides: Mapping[str, tuple[int, int]]
) -> Iterator[tuple[Node, Node]]:
    ordered = sorted(nodes, key=lambda n: (n.at[axis], n.id))
    farthest = max(NEARLY, *(_size(n, axis) / 2 for n in nodes))
    for k, a in enumerate(ordered):
        for b in islice(ordered, k + 1, None):
            off = b.at[axis] - a.at[axis]
            if off >= farthest:
                break
            if UNSEEN < off < _tolerance(a, b, axis, (a.kind, sides[a.id]) == (b.kind, sides[b.id])):
                yield a, b


def _tolerance(a: Node, b: Node, axis: int, alike: bool) -> float:
    """Two nodes that are less than that away from one line are meant to be on one."""
    return max(NEARLY, min(_size(a, axis), _size(b, axis)) / 2) if alike else NEARLY


def _size(node: Node, axis: int) -> float:
    return (node.width, node.height)[axis]


def text_ratio(picture: Picture) -> float:
    """The smallest text by the largest label of a node other than a cell; infinite where nothing is written."""
    main = [n.label.size for n in picture.scene.nodes if n.label is not None and n.kind != "cell"]
    return min((text.size for text in picture.texts), default=inf) / max(main, default=1.0)


def smallest_text(picture: Picture) -> float | None:
    """The size of the smallest text, in points; None where nothing is written."""
    return min((text.size for text in picture.texts), default=None)


def filled(picture: Picture) -> float | None:
    """How much of the page is drawn on, of its width or its height, whichever is less; None where nothing is drawn."""
    if not picture.drawn:
        return None
    whole = hull(p for _, box in picture.drawn for p in (Point(*box[:2]), Point(*box[2:])))
    return min((whole.right - whole.left) / picture.scene.size[0], (whole.bottom - whole.top) / picture.scene.size[1])


def moved(scenes: Sequence[Scene]) -> Iterator[str]:
    """What is not at the same place in all frames of a walk."""
    for k, scene in enumerate(scenes[1:], 2):
        first, other = dict(_coordinates(scenes[0])), dict(_coordinates(scene))
        for what in dict.fromkeys((*first, *other)):
            if first.get(what) != other.get(what):
                yield f"{what} in frame {k}"


def _coordinates(scene: Scene) -> Iterable[tuple[str, object]]:
    """Everything that has a place, and its place."""
    yield "the page", scene.size
    yield "the containers", scene.frames
    yield from ((f"node {n.id}", (n.at, n.width, n.height)) for n in scene.nodes)
    yield from ((f"wire {w.id}", (w.points, w.route)) for w in scene.wires)
    yield from ((f"trunk to {w.target}", (w.points, w.route)) for w in scene.trunks)
    yield "the dots", sorted(d.at for d in scene.dots)
    yield from ((f"label {label.text} of {label.of}", label.at) for label in scene.labels if not label.caption[0])


def repeated(scenes: Sequence[Scene]) -> Iterator[str]:
    """Frames of a walk in which the same is lit as in the one before."""
    lit = [({n.id for n in s.nodes if n.lit}, {w.id for w in s.wires if w.lit}) for s in scenes]
    yield from (f"frame {k} looks like frame {k - 1}" for k, (a, b) in enumerate(pairwise(lit), 2) if a == b)
