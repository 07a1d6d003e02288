"""A scene prepared for measuring: what is painted, as segments, arrowheads, labels and crossings, each found once."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from lstmgraph.diagram import joins
from lstmgraph.diagram.asked import NOTHING, Asked
from lstmgraph.diagram.boxes import UNSEEN, dot_box, holds, hull, label_box, node_box
from lstmgraph.diagram.graph import Graph
from lstmgraph.diagram.path import STROKE, arrowhead, rounded, simplify
from lstmgraph.diagram.quality.geometry import Grid
from lstmgraph.diagram.scene import COTANGENT_SUM, Box, Label, Node, Point, Scene, Wire


@dataclass(frozen=True)
class Segment:
    """A straight piece of a wire as it is painted."""

    wire: Wire
    value: Hashable
    a: Point
    b: Point

    @property
    def box(self) -> Box:
        """What it inks."""
        return hull((self.a, self.b), STROKE / 2)


@dataclass(frozen=True)
class Head:
    """An arrowhead as it is painted."""

    wire: Wire
    value: Hashable
    polygon: tuple[Point, ...]  # tip, barb, notch, barb

    @property
    def box(self) -> Box:
        return hull(self.polygon)


@dataclass(frozen=True)
class Crossing:
    """Where two values cross: the wires of the one that runs horizontally there, and of the other."""

    at: Point
    across: tuple[Wire, ...]
    along: tuple[Wire, ...]


# Where lines meet: they run to the middle of these nodes.
MEETINGS = ("join", COTANGENT_SUM)


def ends(wire: Wire) -> tuple[str, str]:
    """The nodes from which a value comes and to which it goes, whichever way the wire runs."""
    return (wire.target, wire.source) if wire.back else (wire.source, wire.target)


class Picture:
    """A scene, its graph and what else was asked for, with everything that several measures need."""

    def __init__(self, scene: Scene, graph: Graph, asked: Asked = NOTHING) -> None:
        self.scene, self.graph, self.asked = scene, graph, asked

    @cached_property
    def nodes(self) -> dict[str, Node]:
        return {n.id: n for n in self.scene.nodes}

    @cached_property
    def joins(self) -> dict[str, Node]:
        return {n.id: n for n in self.scene.nodes if n.kind == "join"}

    @cached_property
    def trunks(self) -> dict[str, Wire]:
        """The trunk that leads to a node; a cotangent's, that comes from it."""
        return {ends(w)[1]: w for w in self.scene.trunks}

    def value(self, wire: Wire) -> Hashable:
        """What a wire carries: inside a trunk, all that have joined are one; a cell gives its old and its new value.

        A cotangent is named by the value that it is of: those of one value may run on one line, where they are added.
        """
        id = ends(wire)[0]
        source = self.nodes.get(id)
        if source is not None and source.kind == COTANGENT_SUM:
            id, source = source.of, self.nodes.get(source.of)
        return (id, wire.role) if source is not None and source.kind == "cell" else id

    def join_of(self, wire: Wire) -> Node | None:
        """The join at which a wire enters a trunk, or a cotangent leaves it."""
        trunk = self.trunks.get(ends(wire)[1])
        join = self.joins.get(ends(trunk)[0]) if trunk is not None else None
        return join if join is not None and joins.joins(wire, join) else None

    @cached_property
    def inked(self) -> tuple[Wire, ...]:
        """The wires as they are painted: trunks once, and what runs through them only as far as the join."""
        found = [*self.scene.trunks]
        for wire in self.scene.wires:
            join = self.join_of(wire)
            found.append(wire if join is None else joins.own(wire, join))
        return tuple(found)

    @cached_property
    def segments(self) -> tuple[Segment, ...]:
        return tuple(
            Segment(w, self.value(w), a, b) for w in self.inked for a, b in pairwise(simplify(w.points)) if a != b
        )

    @cached_property
    def segment_grid(self) -> Grid:
        return Grid([s.box for s in self.segments])

    @cached_property
    def heads(self) -> tuple[Head, ...]:
        """Each arrowhead once, though several wires of one value may end in it."""
        found: dict[Hashable, Head] = {}
        free = (w for w in self.scene.wires if w.back or self.join_of(w) is None)
        for wire in (*self.scene.trunks, *free):
            if wire.arrow and wire.route:
                key = self.value(wire), rounded(wire.points[-1])
                found.setdefault(key, Head(wire, key[0], arrowhead(wire)))
        return tuple(found.values())

    @cached_property
    def samples(self) -> tuple[Node, ...]:
        return tuple(e.sample for g in self.scene.legend for e in g.entries)

    @cached_property
    def shapes(self) -> tuple[Node, ...]:
        """The nodes, and those of the legend."""
        return (*self.scene.nodes, *self.samples)

    @cached_property
    def shape_grid(self) -> Grid:
        return Grid([node_box(n) for n in self.shapes])

    @cached_property
    def labels(self) -> tuple[Label, ...]:
        """The labels that stand by themselves, those of the legend too."""
        words = [w for g in self.scene.legend for w in (g.heading, *(e.label for e in g.entries))]
        return (*self.scene.labels, *(w for w in words if w is not None))

    @cached_property
    def label_grid(self) -> Grid:
        return Grid([label_box(label) for label in self.labels])

    @cached_property
    def texts(self) -> tuple[Label, ...]:
        """Every label, those inside nodes too."""
        return (*self.labels, *(n.label for n in self.shapes if n.label is not None))

    @cached_property
    def drawn(self) -> tuple[tuple[str, Box], ...]:
        """Everything that is drawn, by name, and its box."""
        scene, lines = self.scene, (*self.scene.wires, *self.scene.trunks)
        return (
            *(("the border", frame) for frame in scene.frames),
            *((n.id, box) for n, box in zip(self.shapes, self.shape_grid.boxes, strict=True)),
            *((w.id, hull((*w.points, *w.route))) for w in lines),
            *((f"the arrowhead of {h.wire.id}", h.box) for h in self.heads),
            *((f"the dot at ({d.at.x:g}, {d.at.y:g})", dot_box(d)) for d in scene.dots),
            *((x.text, box) for x, box in zip(self.labels, self.label_grid.boxes, strict=True)),
        )

    @cached_property
    def crossings(self) -> tuple[Crossing, ...]:
        """Where wires of different values cross, each point once for a pair of values."""
        found: dict[Hashable, tuple[Point, list[Wire], list[Wire]]] = {}
        for h, v in _meetings(self.segments):
            at = Point(v.a.x, h.a.y)
            _, across, along = found.setdefault((h.value, v.value, rounded(at)), (at, [], []))
            across += [h.wire] if h.wire not in across else []
            along += [v.wire] if v.wire not in along else []
        return tuple(Crossing(at, tuple(across), tuple(along)) for at, across, along in found.values())

    @cached_property
    def forks(self) -> tuple[tuple[Point, Hashable], ...]:
        """Where the lines of one value part: points from which its ink leaves in three directions or more."""
        found = []
        by_value: dict[Hashable, list[Segment]] = {}
        for segment in self.segments:
            by_value.setdefault(segment.value, []).append(segment)
        for value, own in by_value.items():
            if len({s.wire.id for s in own}) > 1:
                corners = dict.fromkeys(rounded(p) for s in own for p in (s.a, s.b))
                found += [(at, value) for at in corners if self._parts(at, own)]
        return tuple(found)

    def _parts(self, at: Point, own: list[Segment]) -> bool:
        """Whether there are three ways on, other than inside or at the outline of a node."""
        if len({way for s in own for way in _ways(s, at)}) < 3:
            return False
        return not self.covered(at)

    def covered(self, at: Point) -> bool:
        """Whether a point is inside or at the outline of a node."""
        here = self.shape_grid.near(Box(at.x, at.y, at.x, at.y), 2 * UNSEEN)
        return any(holds(self.shape_grid.boxes[k], at) for k in here)

    @cached_property
    def onward(self) -> dict[str, list[tuple[Wire, str]]]:
        """For each node of the graph the wires that lead to an operator or out of the step, and to which."""
        kinds = {n.id: n.kind for n in self.graph.nodes}
        meant = {n.id: n.of or n.id for n in self.scene.nodes}
        found: dict[str, list[tuple[Wire, str]]] = {}
        for wire in self.scene.wires:
            source, target = (meant.get(id, id) for id in ends(wire))
            if kinds.get(target) in ("operator", "next"):
                found.setdefault(source, []).append((wire, target))
        return found

    def frame_of(self, node: Node) -> Box | None:
        """The container in which a node stands, or on whose border it does."""
        return next((f for f in self.scene.frames if holds(f, node.at)), None)


def _meetings(segments: tuple[Segment, ...]) -> Iterator[tuple[Segment, Segment]]:
    """Horizontal and vertical segments of different values that properly cross."""
    upright = sorted((s for s in segments if abs(s.a.x - s.b.x) < UNSEEN), key=lambda s: s.a.x)
    at = [s.a.x for s in upright]
    for h in (s for s in segments if abs(s.a.y - s.b.y) < UNSEEN):
        low, high = sorted((h.a.x, h.b.x))
        for v in upright[bisect_right(at, low + UNSEEN) : bisect_left(at, high - UNSEEN)]:
            top, bottom = sorted((v.a.y, v.b.y))
            if v.value != h.value and top + UNSEEN < h.a.y < bottom - UNSEEN:
                yield h, v


def _ways(segment: Segment, at: Point) -> Iterator[tuple[int, int]]:
    """The directions in which a segment's ink leaves a point."""
    if _on(segment.a, segment.b, at):
        for end in (segment.a, segment.b):
            dx, dy = end.x - at.x, end.y - at.y
            if abs(dx) + abs(dy) > 2 * UNSEEN:
                yield (dx > UNSEEN) - (dx < -UNSEEN), (dy > UNSEEN) - (dy < -UNSEEN)


def _on(a: Point, b: Point, at: Point) -> bool:
    """Whether a point lies on a horizontal or vertical segment."""
    return holds(hull((a, b)), at)
