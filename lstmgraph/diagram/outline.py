"""The outlines of nodes, as cubic Beziers.  Every shape touches the middle of each side of its box, where wires end.

To add a shape: a row in `OUTLINES`, its name in `scene.Shape`, and, for DOT, a row in `writers/dot.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import hypot

from lstmgraph.diagram.path import KAPPA, Route, distance
from lstmgraph.diagram.scene import Node, Point

BOX_RADIUS = 6.0
PANEL_RADIUS = 16.0  # of a box as large as a cell
BAR_RADIUS = 1.6  # of pieces that are put together
POINT_RADIUS = 2.5  # of the corners of a pentagon, and of a teardrop's tip
PENTAGON = ((0.0, -0.5), (0.5, -0.04), (0.34, 0.5), (-0.34, 0.5), (-0.5, -0.04))


def outline(node: Node) -> Route:
    """The closed outline of a node, 3k+1 control points, clockwise."""
    return OUTLINES[node.shape](node.at, node.width, node.height)


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
