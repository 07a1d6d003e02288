"""Measures a scene against the rules of good drawings: overlaps, crossings, bends, gaps, the set of edges.

`measure(scene, graph)` returns every number, `faults(scene, graph)` what is wrong in any drawing.  A new rule is one
function and one field.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations, pairwise

from lstmgraph.diagram.graph import Edge, Graph
from lstmgraph.diagram.path import STROKE, crossings
from lstmgraph.diagram.scene import Box, Label, Node, Point, Scene, Wire
from lstmgraph.diagram.typeset import measure as label_size

EPSILON = 1e-3


@dataclass(frozen=True)
class Quality:
    missing: tuple[str, ...]  # edges of the graph that are not drawn
    extra: tuple[str, ...]  # wires that are no edge of the graph, or drawn twice
    astray: tuple[str, ...]  # wires that do not begin and end at the outlines of the nodes of their edge
    node_overlaps: tuple[str, ...]
    label_overlaps: tuple[str, ...]
    through_nodes: tuple[str, ...]  # a wire through or within 2 strokes of a node that it does not touch
    oblique: tuple[str, ...]
    shared_lines: tuple[str, ...]  # segments of different values on one line, or less than 2 strokes apart
    crossings: int
    most_bends: int
    mean_bends: float
    smallest_gap: float  # between nodes
    aspect: float  # of the border


def measure(scene: Scene, graph: Graph) -> Quality:
    bends = [len(w.points) - 2 for w in scene.wires]
    frame = scene.frames[0]
    return Quality(
        missing=tuple(_missing(scene, graph)),
        extra=tuple(_extra(scene, graph)),
        astray=tuple(_astray(scene, graph)),
        node_overlaps=tuple(_node_overlaps(scene)),
        label_overlaps=tuple(_label_overlaps(scene)),
        through_nodes=tuple(_through_nodes(scene)),
        oblique=tuple(w.id for w in scene.wires if any(_oblique(a, b) for a, b in pairwise(w.points))),
        shared_lines=tuple(_shared_lines(scene)),
        crossings=len(crossings(_inked(scene), value_of)),
        most_bends=max(bends, default=0),
        mean_bends=sum(bends) / max(1, len(bends)),
        smallest_gap=min((_gap(_box(a), _box(b)) for a, b in combinations(scene.nodes, 2)), default=0.0),
        aspect=(frame.right - frame.left) / (frame.bottom - frame.top),
    )


def faults(scene: Scene, graph: Graph) -> list[str]:
    """What no drawing may have, in words."""
    q = measure(scene, graph)
    rules = (
        "missing",
        "extra",
        "astray",
        "node_overlaps",
        "label_overlaps",
        "through_nodes",
        "oblique",
        "shared_lines",
    )
    return [f"{rule}: {what}" for rule in rules for what in getattr(q, rule)]


# ── the edge set ──


def _edge_of(wire: Wire) -> str:
    return wire.id.removesuffix("@up")


def _missing(scene: Scene, graph: Graph) -> Iterator[str]:
    drawn = {w.id for w in scene.wires}
    yield from (e.id for e in graph.edges if e.id not in drawn)


def _extra(scene: Scene, graph: Graph) -> Iterator[str]:
    known = {e.id for e in graph.edges}
    yield from (w.id for w in scene.wires if _edge_of(w) not in known)
    yield from (id for id, count in Counter(w.id for w in scene.wires).items() if count > 1)


def _astray(scene: Scene, graph: Graph) -> Iterator[str]:
    edges = {e.id: e for e in graph.edges}
    nodes = {n.id: n for n in scene.nodes}
    for wire in scene.wires:
        edge = edges.get(_edge_of(wire))
        if edge is None:
            continue
        nodes.get(wire.source), nodes.get(wire.target)
        if not _right_ends(wire, nodes.get(wire.source), nodes.get(wire.target), edge, graph):
            yield wire.id


def _right_ends(wire: Wire, source: Node | None, target: Node | None, edge: Edge, graph: Graph) -> bool:
    """Whether a wire begins and ends at nodes that stand for those of its edge."""
    if source is None or target is None:
        return False
    meant = edge.source in _meanings(source, graph) and edge.target in _meanings(target, graph)
    return meant and _touches(source, wire.points[0]) and _touches(target, wire.points[-1])


def _meanings(node: Node, graph: Graph) -> set[str]:
    """The graph nodes that a node of the scene stands for: a cell is a memory's previous, new and next value."""
    if node.kind != "cell":
        return {node.of or node.id}
    base = node.of.split("[")[0]
    following = {n.id for n in graph.nodes if n.kind == "next" and (n.value or n.id).split("[")[0] == base}
    return {node.of} | following | {e.source for e in graph.edges if e.target in following}


def _touches(node: Node, at: Point) -> bool:
    box = _box(node)
    return box.left - EPSILON <= at.x <= box.right + EPSILON and box.top - EPSILON <= at.y <= box.bottom + EPSILON


# ── geometry ──


def value_of(wire: Wire) -> str:
    """What a wire carries, for overlaps and crossings: inside a trunk, all that have joined are one."""
    return wire.source


def _inked(scene: Scene) -> list[Wire]:
    """The wires as they are painted: trunks once, and what runs through them only as far as the join."""
    joins = {n.id: n for n in scene.nodes if n.kind == "join"}
    trunks = {w.target: w for w in scene.trunks}
    found: list[Wire] = [*scene.trunks]
    for wire in scene.wires:
        trunk = trunks.get(wire.target)
        cut = _until(wire, joins[trunk.source].at) if trunk is not None and trunk.source in joins else None
        found.append(wire if cut is None else cut)
    return found


def _until(wire: Wire, at: Point) -> Wire | None:
    """The part of a wire before a point; None if it does not pass there."""
    for k, (a, b) in enumerate(pairwise(wire.points)):
        if _on(a, b, at):
            return replace(wire, points=(*wire.points[: k + 1], at))
    return None


def _on(a: Point, b: Point, at: Point) -> bool:
    return (
        min(a.x, b.x) - EPSILON <= at.x <= max(a.x, b.x) + EPSILON
        and min(a.y, b.y) - EPSILON <= at.y <= max(a.y, b.y) + EPSILON
    )


def _oblique(a: Point, b: Point) -> bool:
    return abs(a.x - b.x) > EPSILON and abs(a.y - b.y) > EPSILON


def _box(node: Node, air: float = 0.0) -> Box:
    w, h = node.width / 2 + air, node.height / 2 + air
    return Box(node.at.x - w, node.at.y - h, node.at.x + w, node.at.y + h)


def _label_box(label: Label) -> Box:
    w, h = label_size(label)
    return Box(label.at.x - w / 2, label.at.y - h / 2, label.at.x + w / 2, label.at.y + h / 2)


def _segment_box(a: Point, b: Point, air: float) -> Box:
    return Box(min(a.x, b.x) - air, min(a.y, b.y) - air, max(a.x, b.x) + air, max(a.y, b.y) + air)


def _meet(a: Box, b: Box) -> bool:
    return (
        a.left < b.right - EPSILON
        and b.left < a.right - EPSILON
        and a.top < b.bottom - EPSILON
        and b.top < a.bottom - EPSILON
    )


def _gap(a: Box, b: Box) -> float:
    return max(a.left - b.right, b.left - a.right, a.top - b.bottom, b.top - a.bottom)


def _samples(scene: Scene) -> tuple[list[Node], list[Label]]:
    entries = [e for g in scene.legend for e in g.entries]
    words = [e.label for e in entries] + [g.heading for g in scene.legend]
    return [e.sample for e in entries], [w for w in words if w is not None]


def _node_overlaps(scene: Scene) -> Iterator[str]:
    for a, b in combinations([*scene.nodes, *_samples(scene)[0]], 2):
        if _meet(_box(a), _box(b)):
            yield f"{a.id} and {b.id}"


def _label_overlaps(scene: Scene) -> Iterator[str]:
    samples, words = _samples(scene)
    labels = [*scene.labels, *words]
    for a, b in combinations(labels, 2):
        if _meet(_label_box(a), _label_box(b)):
            yield f"{a.text} and {b.text}"
    for label in labels:
        box = _label_box(label)
        yield from (f"{label.text} and node {n.id}" for n in (*scene.nodes, *samples) if _meet(box, _box(n)))
        for wire in scene.wires:
            if any(_meet(box, _segment_box(a, b, STROKE / 2)) for a, b in pairwise(wire.points)):
                yield f"{label.text} and wire {wire.id}"


def _through_nodes(scene: Scene) -> Iterator[str]:
    joined = {t.target: t.source for t in scene.trunks}
    for wire in scene.wires:
        own = {wire.source, wire.target, joined.get(wire.target, "")}
        for node in scene.nodes:
            if node.id not in own and any(
                _meet(_box(node, 2 * STROKE), _segment_box(a, b, STROKE / 2)) for a, b in pairwise(wire.points)
            ):
                yield f"{wire.id} and {node.id}"


def _shared_lines(scene: Scene) -> Iterator[str]:
    """Parallel segments of different values that run beside each other with less than two strokes between."""
    inked = [(w, a, b) for w in _inked(scene) for a, b in pairwise(w.points)]
    for (v, a, b), (w, c, d) in combinations(inked, 2):
        if value_of(v) == value_of(w) or {v.source, v.target} & {n.id for n in scene.nodes if n.kind == "join"} & {
            w.source,
            w.target,
        }:
            continue
        for along, across in ((0, 1), (1, 0)):
            if abs(a[across] - b[across]) < EPSILON and abs(c[across] - d[across]) < EPSILON:
                shared = min(max(a[along], b[along]), max(c[along], d[along])) - max(
                    min(a[along], b[along]), min(c[along], d[along])
                )
                if shared > EPSILON and abs(a[across] - c[across]) < 3 * STROKE - EPSILON:
                    yield f"{v.id} and {w.id}"
