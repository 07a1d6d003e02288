"""Lines that cross one another twice where they need not cross: between the crossings they could change places.

Two crossings of the same two lines, and the ways between them, enclose a piece of the plane.  Each line can take the
other's way around it: then they do not cross there.  What forks off a line to the inside of that piece can be reached
from the other way too; what forks off to its outside would have to cross the other line, so such lines have a reason.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from itertools import combinations, pairwise

from lstmgraph.diagram.boxes import holds, hull
from lstmgraph.diagram.path import distance, rounded
from lstmgraph.diagram.quality.picture import Picture
from lstmgraph.diagram.scene import Point

Ways = dict[Point, dict[Point, None]]  # the lines of a value: from each corner, end, fork and crossing to the next ones
Pair = tuple[Hashable, Hashable]


def twisted(picture: Picture) -> Iterator[str]:
    """Pairs of lines that cross twice and would not cross there if they changed places in between."""
    places: dict[Pair, list[Point]] = {}
    names: dict[Pair, str] = {}
    for crossing in picture.crossings:
        first, second = crossing.across[0], crossing.along[0]
        pair = picture.value(first), picture.value(second)
        pair = pair if pair in places or pair[::-1] not in places else pair[::-1]
        places.setdefault(pair, []).append(rounded(crossing.at))
        names.setdefault(pair, f"{first.id} and {second.id}")
    for pair, found in places.items():
        if len(found) > 1:
            one, other = (_ways(picture, value, found) for value in pair)
            if any(_needless(one, other, *two) for two in combinations(found, 2)):
                yield f"{names[pair]}, {len(found)} times"


def _ways(picture: Picture, value: Hashable, crossings: list[Point]) -> Ways:
    own = [s for s in picture.segments if s.value == value]
    stops = dict.fromkeys([*(rounded(p) for s in own for p in (s.a, s.b)), *crossings])
    ways: Ways = {}
    for segment in own:
        box = hull((segment.a, segment.b))
        for p, q in pairwise(sorted((p for p in stops if holds(box, p)), key=lambda p: distance(segment.a, p))):
            ways.setdefault(p, {})[q] = None
            ways.setdefault(q, {})[p] = None
    return ways


def _needless(one: Ways, other: Ways, start: Point, end: Point) -> bool:
    """Whether nothing forks off to the outside between two crossings."""
    paths = [_path(ways, start, end) for ways in (one, other)]
    if not all(paths) or {*paths[0][1:-1]} & {*paths[1][1:-1]}:
        return False
    border = [*paths[0], *paths[1][-2:0:-1]]
    return all(
        _inside(border, _middle(at, to))
        for ways, path in zip((one, other), paths, strict=True)
        for before, at, after in zip(path, path[1:], path[2:], strict=False)
        for to in ways[at]
        if to not in (before, after)
    )


def _path(ways: Ways, start: Point, end: Point) -> list[Point]:
    """The points of a line from one to another of them; none where it does not lead there."""
    back: dict[Point, Point] = {start: start}
    for here in (waiting := [start]):
        new = [p for p in ways.get(here, ()) if p not in back]
        back |= dict.fromkeys(new, here)
        waiting += new
    path = [end] if end in back else []
    while path and path[-1] != start:
        path.append(back[path[-1]])
    return path[::-1]


def _middle(a: Point, b: Point) -> Point:
    return Point((a.x + b.x) / 2, (a.y + b.y) / 2)


def _inside(border: list[Point], at: Point) -> bool:
    """Whether a point lies in a polygon: a line from it to the right leaves that an odd number of times."""
    sides = zip(border, [*border[1:], border[0]], strict=True)
    return sum((a.y > at.y) != (b.y > at.y) and a.x > at.x for a, b in sides) % 2 == 1
