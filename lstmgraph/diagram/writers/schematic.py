"""Water pipes as lines: the scene of the style `plumbing` as nodes and wires, for writers that have nothing but these.

A valve becomes the sign that drawings of pipes have for it, a T-joint a sum, the mouth of an outlet nothing.  Which
water there is stays written over and under the pipe.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from lstmgraph.diagram.boxes import node_box
from lstmgraph.diagram.graph import OPERATIONS
from lstmgraph.diagram.path import finish
from lstmgraph.diagram.scene import Dot, Label, Node, Point, Scene, Wire

VALVE = r"⋈"
SIZE = 24.0  # of a valve and of a joint
SIDE = 14.0  # from a pipe to what is written beside it


def schematic(scene: Scene) -> Scene:
    """The same scene without pipes; one that has none as it is."""
    return _Schematic(scene).scene if any(n.kind == "plumbing" for n in scene.nodes) else scene


class _Schematic:
    def __init__(self, scene: Scene) -> None:
        pieces = [n for n in scene.nodes if n.kind == "plumbing"]
        self.nodes = [n for n in scene.nodes if n.kind != "plumbing"]
        self.kept = {n.id: n for n in self.nodes}
        self.pieces = {n.id: n for n in pieces}
        self.operations = [n for n in self.nodes if n.kind in OPERATIONS]
        self.levels = sorted(n.at.y for n in self.nodes if n.kind == "previous")
        self.mouths = {n.id: n for n in pieces if n.id.startswith("mouth")}
        self.ends = [*self.mouths.values(), *(n for n in self.nodes if n.kind == "source")]  # of upright pipes
        self.valves = [self._valve(n) for n in pieces if n.operation == "valve"]
        self.wires: list[Wire] = []
        self.dots: list[Dot] = []
        self.last: dict[str, tuple[Node, list[Point]]] = {}  # where the water at a mouth comes from, and the way there
        for y in self.levels:
            self._run(y)
        wires = [self._outside(w) for w in scene.wires]
        nodes = (*self.nodes, *self.valves)
        labels = (*scene.labels, *self._water(pieces))
        self.scene = replace(scene, nodes=nodes, wires=(*self.wires, *wires), dots=tuple(self.dots), labels=labels)

    def _above(self, end: Node) -> float:
        """The pipe from which an upright one hangs."""
        return max(level for level in self.levels if level < end.at.y)

    def _valve(self, wheel: Node) -> Node:
        """The valve of a wheel, on the pipe that it is at."""
        x, y = wheel.at
        if wheel.width > wheel.height:
            at = Point(x, min(level for level in self.levels if level > y))
        else:
            at = Point(min(n.at.x for n in self.ends if n.at.x > x and self._above(n) < y < n.at.y), y)
        return self._small(wheel.id, VALVE, at)

    def _small(self, id: str, glyph: str, at: Point) -> Node:
        return Node(id, "operator", "operator", "circle", at, SIZE, SIZE, Label(glyph, at, SIZE / 2))

    # ── pipes ──

    def _run(self, y: float) -> None:
        """A memory's pipe, and what hangs from it."""
        hanging = [n for n in self.ends if self._above(n) == y]
        sources = [n for n in hanging if n.kind == "source"]
        mouths = [n for n in hanging if n.kind != "source"]
        joints = [self._small(f"joint {n.id}", "+", Point(n.at.x, y)) for n in sources]
        self.nodes += joints
        ends = [n for n in self.nodes if n.kind in ("previous", "next") and n.at.y == y]
        stops = [n for n in (*self.operations, *self.valves) if abs(n.at.y - y) < 1]
        line = sorted([*ends, *stops, *joints], key=lambda n: n.at.x)
        self._pipe(line)
        for source, joint in zip(sources, joints, strict=True):
            self._pipe([source, *reversed(self._between(source.at.x, y, source.at.y)), joint])
        for mouth in mouths:
            before = max((n for n in line if n.at.x < mouth.at.x), key=lambda n: n.at.x)
            fork = Point(mouth.at.x, y)
            self.dots.append(Dot(fork, "memory"))
            down = self._between(mouth.at.x, y, mouth.at.y)
            way = [Point(node_box(before).right, y), fork]
            if down:
                self._wire(before, down[0], [*way, Point(fork.x, node_box(down[0]).top)])
                self._pipe(down)
                way = [Point(fork.x, node_box(down[-1]).bottom)]
            self.last[mouth.id] = (down[-1] if down else before, way)

    def _between(self, x: float, top: float, bottom: float) -> list[Node]:
        """What stands on an upright pipe, from above."""
        found = [n for n in (*self.operations, *self.valves) if abs(n.at.x - x) < 1 and top + 1 < n.at.y < bottom]
        return sorted(found, key=lambda n: n.at.y)

    def _pipe(self, line: Sequence[Node]) -> None:
        for a, b in pairwise(line):
            self._wire(a, b, _facing(a, b))

    def _wire(self, a: Node, b: Node, points: Sequence[Point]) -> None:
        id = f"pipe {len(self.wires) + 1}"
        self.wires += finish([Wire(id, a.id, b.id, "memory", tuple(points), ())])

    # ── what is outside of them ──

    def _outside(self, wire: Wire) -> Wire:
        """The wire from a gate, as far as the valve or the operation itself; from a mouth, from what is before it."""
        if wire.source in self.mouths:
            before, way = self.last[wire.source]
            points = [*way, wire.points[-1]]
            return finish([replace(wire, source=before.id, points=tuple(points))])[0]
        if wire.target in self.kept:
            return wire
        end = self.pieces[wire.target].at
        level = wire.points[0].y == wire.points[-1].y
        target = min((*self.valves, *self.operations), key=lambda n: abs(n.at.x - end.x) + abs(n.at.y - end.y))
        box = node_box(target)
        tip = Point(box.left, wire.points[0].y) if level else Point(wire.points[0].x, box.top)
        return finish([replace(wire, target=target.id, points=(wire.points[0], tip))])[0]

    def _water(self, pieces: Sequence[Node]) -> Iterator[Label]:
        """What is written in the water of a pipe, over and under its line, in the same order."""
        for y in self.levels:
            found = [n.label for n in pieces if n.label and abs(n.label.at.y - y) < SIZE]
            for label in found:
                side = 1 if label.at.y > y else -1
                yield replace(label, at=Point(label.at.x, label.at.y + side * SIDE), of="")


def _facing(a: Node, b: Node) -> list[Point]:
    """The straight line from one node to the other."""
    one, other = node_box(a), node_box(b)
    if abs(a.at.y - b.at.y) < 1:
        return [Point(one.right, a.at.y), Point(other.left, a.at.y)]
    up = b.at.y < a.at.y
    return [Point(a.at.x, one.top if up else one.bottom), Point(a.at.x, other.bottom if up else other.top)]
