"""The same graph laid out by Graphviz's `dot`, to be compared with: how many crossings it has.

`dot` gets every advantage: the sizes of our own nodes, both directions of drawing of which the better one counts, and
crossings of the same two values at nearly one place are one.  Edges that leave one source are one value, so that a fork
is no crossing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any

import graphviz

from lstmgraph.diagram.boxes import UNSEEN, hull
from lstmgraph.diagram.dag import run_graphviz
from lstmgraph.diagram.graph import Graph
from lstmgraph.diagram.layout.shapes import form_of
from lstmgraph.diagram.path import STROKE, Route, distance, flatten
from lstmgraph.diagram.quality.geometry import Grid
from lstmgraph.diagram.scene import Point
from lstmgraph.errors import MissingExtra

DIRECTIONS = ("BT", "LR")
PIECES = 16  # straight ones for each Bezier
SAME = 2 * STROKE  # crossings of the same values nearer than that are one
INCH = 72.0


def rival_crossings(graph: Graph) -> int:
    """The crossings between edges of different values where `dot` lays the graph out.

    Raises MissingExtra where there is neither the program `dot` nor the package pygraphviz.
    """
    return min(_counted(_source(graph, direction)) for direction in DIRECTIONS)


@lru_cache(maxsize=256)
def _counted(source: str) -> int:
    return len(crossings_of(routes_by_dot(source)))


def routes_by_dot(source: str) -> list[tuple[str, Route]]:
    """For each edge of a DOT text the node that it leaves and the spline that `dot` draws, in points."""
    try:
        placed = run_graphviz(source)
    except MissingExtra:
        raise MissingExtra(
            "what `dot` would draw cannot be measured: neither the program dot nor pygraphviz is here",
            hint="install Graphviz, or pip install 'lstmgraph[dag]'",
        ) from None
    names = {o["_gvid"]: o["name"] for o in placed["objects"]}
    return [(names[e["tail"]], _spline(e)) for e in placed.get("edges", ())]


def _source(graph: Graph, direction: str) -> str:
    """The DOT text: sizes, no labels."""
    dot = graphviz.Digraph(graph_attr={"rankdir": direction})
    dot.attr("node", shape="box", fixedsize="true", label="")
    names = {n.id: f"n{k}" for k, n in enumerate(graph.nodes)}
    operands = Counter(e.target for e in graph.edges)
    for node in graph.nodes:
        form = form_of(node, operands[node.id], wide_sums=True)
        dot.node(names[node.id], width=f"{form.width / INCH:.4f}", height=f"{form.height / INCH:.4f}")
    for edge in graph.edges:
        dot.edge(names[edge.source], names[edge.target])
    return str(dot.source)


def _spline(edge: dict[str, Any]) -> Route:
    """The control points, the arrow's tip last: Graphviz writes it first."""
    tips = [p for p in edge["pos"].split() if p.startswith("e,")]
    points = [p for p in edge["pos"].split() if "," in p and p[0] not in "es"]
    route = [Point(*map(float, p.split(","))) for p in points]
    tip = [Point(*map(float, t.removeprefix("e,").split(","))) for t in tips]
    return (*route, *(p for t in tip for p in (route[-1], t, t)))


def crossings_of(routes: Sequence[tuple[Hashable, Route]]) -> list[Point]:
    """Where Beziers of different values properly cross; nearly one place of the same two values counts once."""
    found: dict[frozenset[Hashable], list[Point]] = {}
    flat = [(value, flatten(route, PIECES)) for value, route in routes]
    for k, other in Grid([hull(line) for _, line in flat]).pairs(UNSEEN):
        (v, one), (w, two) = flat[k], flat[other]
        if v != w:
            places = found.setdefault(frozenset((v, w)), [])
            for at in _meetings(one, two):
                if all(distance(at, p) > SAME for p in places):
                    places.append(at)
    return [at for places in found.values() for at in places]


def _meetings(one: Sequence[Point], other: Sequence[Point]) -> list[Point]:
    found = []
    for a, b in pairwise(one):
        for c, d in pairwise(other):
            at = _proper(a, b, c, d)
            if at is not None:
                found.append(at)
    return found


def _proper(a: Point, b: Point, c: Point, d: Point) -> Point | None:
    """Where two segments cross; touching or half-open ends count once, at the beginning of a segment."""
    rx, ry, sx, sy = b.x - a.x, b.y - a.y, d.x - c.x, d.y - c.y
    area = rx * sy - ry * sx
    if abs(area) < 1e-12:
        return None
    t = ((c.x - a.x) * sy - (c.y - a.y) * sx) / area
    u = ((c.x - a.x) * ry - (c.y - a.y) * rx) / area
    return Point(a.x + t * rx, a.y + t * ry) if 0 <= t < 1 and 0 <= u < 1 else None
