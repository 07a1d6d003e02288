"""The outlines of nodes, as cubic Beziers.  Every shape touches the middle of each side of its box, where wires end.

To add a shape: a row in `OUTLINES`, its name in `scene.Shape`, and, for DOT, a row in `writers/dot.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from itertools import pairwise
from math import hypot

from lstmgraph.diagram.path import EPSILON, KAPPA, Route, distance, flatten
from lstmgraph.diagram.scene import Box, Node, Point, Shape

OUTLINE = 1.2  # the width of the line
BOX_RADIUS = 6.0
PANEL_RADIUS = 16.0  # of a box as large as a cell
BAR_RADIUS = 1.6  # of pieces that are put together
PIECES = 12  # straight lines for a curve, where it is measured
POINT_RADIUS = 2.5  # of the corners of a pentagon, and of a teardrop's tip
PENTAGON = ((0.0, -0.5), (0.5, -0.04), (0.34, 0.5), (-0.34, 0.5), (-0.5, -0.04))


def outline(node: Node) -> Route:
    """The closed outline of a node, 3k+1 control points, clockwise."""
    return OUTLINES[node.shape](node.at, node.width, node.height)


def room(box: Box, node: Node) -> float:
    """How far a box is inside the outline of a node of a convex shape; negative where it comes out of it."""
    x, y = (box.left + box.right) / 2 - node.at.x, (box.top + box.bottom) / 2 - node.at.y
    width, height = (box.right - box.left) / 2, (box.bottom - box.top) / 2
    sides = _sides(node.shape, node.width, node.height)
    return min(far - (x * u + y * v + width * abs(u) + height * abs(v)) for u, v, far in sides)


def largest(width: float, height: float, shape: Shape, size: tuple[float, float], air: float) -> float:
    """By how much something in the middle of a convex shape may be scaled so that it keeps `air` from the outline."""
    sides = _sides(shape, *size)
    return min((far - air) / max(width / 2 * abs(u) + height / 2 * abs(v), EPSILON) for u, v, far in sides)


@cache
def _sides(shape: Shape, width: float, height: float) -> tuple[tuple[float, float, float], ...]:
    """The lines around a shape: which way each faces, and how far it is from the centre."""
    found = []
    for a, b in pairwise(flatten(OUTLINES[shape](Point(0, 0), width, height), PIECES)):
        if (long := distance(a, b)) > EPSILON:
            u, v = (b.y - a.y) / long, (a.x - b.x) / long
            found.append((u, v, a.x * u + a.y * v))
    return tuple(found)


def polygon(corners: Sequence[Point], radii: Sequence[float]) -> Route:
    """A closed polygon with rounded corners."""
    route: list[Point] = []
    count = len(corners)
    for k, corner in enumerate(corners):
        before, after = corners[k - 1], corners[(k + 1) % count]
        cut = min(radii[k], distance(before, corner) / 2, distance(corner, after) / 2)
        start, end = _toward(corner, before, cut), _toward(corner, after, cut)
        if route:
            route += [_toward(route[-1], start, distance(route[-1], start) / 3), start, start]
        else:
            route = [start]
        bulge = KAPPA * cut
        route += [_toward(start, corner, bulge), _toward(end, corner, bulge), end] if cut else []
    return (*route, route[-1], route[0], route[0])


def _toward(a: Point, b: Point, far: float) -> Point:
    length = hypot(b.x - a.x, b.y - a.y) or 1.0
    return Point(a.x + (b.x - a.x) * far / length, a.y + (b.y - a.y) * far / length)


def _corners(at: Point, width: float, height: float) -> list[Point]:
    x, y = width / 2, height / 2
    return [Point(at.x + dx, at.y + dy) for dx, dy in ((-x, -y), (x, -y), (x, y), (-x, y))]


def _ellipse(at: Point, width: float, height: float) -> Route:
    return polygon_of_arcs(at, width, height, ())


def polygon_of_arcs(at: Point, width: float, height: float, pointed: tuple[int, ...]) -> Route:
    """Four quarter arcs from the top, clockwise; the quarters in `pointed` run out into the corner of the box."""
    x, y = width / 2, height / 2
    ends = [Point(at.x, at.y - y), Point(at.x + x, at.y), Point(at.x, at.y + y), Point(at.x - x, at.y)]
    corners = [
        Point(at.x + x, at.y - y),
        Point(at.x + x, at.y + y),
        Point(at.x - x, at.y + y),
        Point(at.x - x, at.y - y),
    ]
    route = [ends[0]]
    for k, corner in enumerate(corners):
        start, end = ends[k], ends[(k + 1) % 4]
        if k in pointed:
            near, far = _toward(corner, start, POINT_RADIUS), _toward(corner, end, POINT_RADIUS)
            route += [start, near, near, *_bend(near, corner, far), far, end, end]
        else:
            route += _bend(start, corner, end)
    return tuple(route)


def _bend(start: Point, corner: Point, end: Point) -> list[Point]:
    return [
        Point(start.x + KAPPA * (corner.x - start.x), start.y + KAPPA * (corner.y - start.y)),
        Point(end.x + KAPPA * (corner.x - end.x), end.y + KAPPA * (corner.y - end.y)),
        end,
    ]


def _teardrop(at: Point, width: float, height: float) -> Route:
    return polygon_of_arcs(at, width, height, (0,))


def _box(at: Point, width: float, height: float) -> Route:
    return polygon(_corners(at, width, height), [BOX_RADIUS] * 4)


def _panel(at: Point, width: float, height: float) -> Route:
    return polygon(_corners(at, width, height), [PANEL_RADIUS] * 4)


def _bar(at: Point, width: float, height: float) -> Route:
    return polygon(_corners(at, width, height), [BAR_RADIUS] * 4)


def _slab(at: Point, width: float, height: float) -> Route:
    return polygon(_corners(at, width, height), [0.0] * 4)


def _swell(at: Point, width: float, height: float) -> Route:
    """What is under a wave that rises from the lower left corner to the upper right one."""
    left, right, top, bottom = at.x - width / 2, at.x + width / 2, at.y - height / 2, at.y + height / 2
    start, end, foot = Point(left, bottom), Point(right, top), Point(right, bottom)
    return (start, Point(at.x, bottom), Point(at.x, top), end, end, foot, foot, foot, start, start)


def _pentagon(at: Point, width: float, height: float) -> Route:
    corners = [Point(at.x + x * width, at.y + y * height) for x, y in PENTAGON]
    return polygon(corners, [0.6 * POINT_RADIUS, *[POINT_RADIUS] * 4])


OUTLINES: dict[str, Callable[[Point, float, float], Route]] = {
    "bar": _bar,
    "box": _box,
    "circle": _ellipse,
    "ellipse": _ellipse,
    "panel": _panel,
    "pentagon": _pentagon,
    "slab": _slab,
    "swell": _swell,
    "teardrop": _teardrop,
}
