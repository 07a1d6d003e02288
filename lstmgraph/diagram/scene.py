"""A scene: everything that is drawn, with exact coordinates.  Points, y down, 1 unit = 1 pt.

Layouts make scenes, writers turn them into files and the quality gates measure them.  A scene knows roles ("memory",
"function"), never colours: a theme maps roles to colours when a writer runs.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

AGAIN = "@up"


def again(id: str) -> str:
    """The id of what shows an edge or a node once more: an output leaves upward too."""
    return id + AGAIN


def shown_by(id: str) -> str:
    """The id of the edge or the node that something shows, for the first time or again."""
    return id.removesuffix(AGAIN)


class Point(NamedTuple):
    x: float
    y: float


class Box(NamedTuple):
    left: float
    top: float
    right: float
    bottom: float


COTANGENT_SUM = "cotangent_sum"  # the kind of a node: the small plus where cotangents of one value meet
JOIN_SUM = "joined_cotangent_sum"  # the operation of a join to which several lines bring cotangents
UNSET = "unset"  # the role of a label that says a value which nobody gave
Shape = Literal["circle", "box", "teardrop", "pentagon", "ellipse", "panel", "bar", "slab", "swell"]


@dataclass(frozen=True)
class Label:
    """Typeset mathematics (LaTeX) or plain words, centred at `at`."""

    text: str
    at: Point
    size: float
    math: bool = True
    role: str = "text"
    of: str = ""  # a label on a wire: the id of the node whose value runs there, or of the wire whose sign it is
    caption: tuple[int, int] = (0, 0)  # of a caption: its paragraph, from 1, and its cell in a row of a table, from 1


@dataclass(frozen=True)
class Node:
    id: str
    kind: str  # graph.NodeKind; "cell", the big memory; "join", where a trunk begins; COTANGENT_SUM; "dag" has its own
    role: str  # what a theme colours it by: graph.ValueKind, "sum", "sigmoid", "tanh", "function", "operator", "trunk"
    shape: Shape
    at: Point  # centre
    width: float
    height: float
    label: Label | None
    title: str = ""
    lit: bool = True
    operation: str = ""  # the rule's name, as in the graph
    of: str = ""  # the graph node it stands for, where that is not `id`: a repeated "x[t]@f", the "cell" of c[t-1]


@dataclass(frozen=True)
class Wire:
    """One edge of the graph: `route` is the exact path as cubic Bezier control points, 3k+1 of them.

    `points` ends where the wire meets its target, at the arrowhead's tip; `route` ends in the arrowhead's notch, or at
    the same place where there is no arrowhead.  `path.finish` makes the route of an orthogonal wire.
    """

    id: str
    source: str
    target: str
    role: str  # graph.ValueKind
    points: tuple[Point, ...]  # the orthogonal polyline, before corners are rounded and crossings bridged
    route: tuple[Point, ...]
    dashed: bool = False
    arrow: bool = True
    title: str = ""
    lit: bool = True
    back: bool = False  # it runs against its edge and carries the cotangent of the edge's source


@dataclass(frozen=True)
class Dot:
    """A junction: one value goes on to several places."""

    at: Point
    role: str
    lit: bool = True


@dataclass(frozen=True)
class Entry:
    """A line of the legend: a sample node and its meaning."""

    sample: Node
    words: str
    label: Label | None = None  # the words, with their place


@dataclass(frozen=True)
class Legend:
    """A group of the legend."""

    title: str
    entries: tuple[Entry, ...]
    heading: Label | None = None  # the title, with its place


@dataclass(frozen=True)
class Scene:
    id: str  # prefix of every id in the file
    title: str
    description: str  # in words: what is connected to what
    size: tuple[float, float]
    frames: tuple[Box, ...]  # rounded containers: the cell's border
    nodes: tuple[Node, ...]
    wires: tuple[Wire, ...]
    dots: tuple[Dot, ...]
    labels: tuple[Label, ...]
    legend: tuple[Legend, ...] = ()
    trunks: tuple[Wire, ...] = ()  # painted over the wires: the part that several values share after they have joined


def moved(scene: Scene, dx: float, dy: float) -> Scene:
    """The same scene, somewhere else."""

    def point(p: Point) -> Point:
        return Point(p.x + dx, p.y + dy)

    def label(x: Label | None) -> Label | None:
        return replace(x, at=point(x.at)) if x else None

    def wire(w: Wire) -> Wire:
        return replace(w, points=tuple(map(point, w.points)), route=tuple(map(point, w.route)))

    def node(n: Node) -> Node:
        return replace(n, at=point(n.at), label=label(n.label))

    return replace(
        scene,
        frames=tuple(Box(b.left + dx, b.top + dy, b.right + dx, b.bottom + dy) for b in scene.frames),
        nodes=tuple(map(node, scene.nodes)),
        wires=tuple(map(wire, scene.wires)),
        trunks=tuple(map(wire, scene.trunks)),
        dots=tuple(replace(d, at=point(d.at)) for d in scene.dots),
        labels=tuple(replace(x, at=point(x.at)) for x in scene.labels),
        legend=tuple(
            replace(
                g,
                heading=label(g.heading),
                entries=tuple(replace(e, sample=node(e.sample), label=label(e.label)) for e in g.entries),
            )
            for g in scene.legend
        ),
    )
