"""What of each wire has to be painted so that no stretch is painted twice.

Wires of one value run over one another up to their forks, and several values share a trunk.  Painted again and again,
the soft edges of such a stretch add up, and it looks bolder than the rest.  `ink` leaves each wire what is new in it.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field

from lstmgraph.diagram.path import EPSILON, Route, distance, is_straight, rounded
from lstmgraph.diagram.scene import Point, Wire

Span = tuple[float, float]


def ink(wires: Sequence[Wire], trunks: Iterable[Wire] = ()) -> list[tuple[Route, ...]]:
    """For each wire, in order of painting, the parts of its route that neither an earlier one nor a trunk covers.

    A dimmed trunk covers nothing that is lit.
    """
    over = {lit: _Painted() for lit in (True, False)}
    for trunk in trunks:
        for lit in {trunk.lit, False}:
            over[lit].add(trunk.route)
    looks: dict[Hashable, _Painted] = {}
    found = []
    for wire in wires:
        mine = looks.setdefault((wire.role, wire.lit, wire.dashed), _Painted())
        found.append(tuple(part for new in mine.add(wire.route) for part in over[wire.lit].without(new)))
    return found


@dataclass
class _Painted:
    """Straight stretches, by the line they lie on, and curves, all of one look."""

    spans: dict[tuple[bool, float], list[Span]] = field(default_factory=dict)
    curves: set[frozenset[Point]] = field(default_factory=set)

    def add(self, route: Route) -> list[Route]:
        """Paint a route; what was new of it."""
        new = self.without(route)
        for piece in _pieces(route):
            line = _line(piece)
            if line is None:
                self.curves.add(_key(piece))
            else:
                along, at, span = line
                self.spans.setdefault((along, at), []).append(span)
        return new

    def without(self, route: Route) -> list[Route]:
        """What is not painted yet, pieces that touch put together."""
        parts: list[list[Point]] = []
        for piece in _pieces(route):
            for left in self._left(piece):
                if parts and distance(parts[-1][-1], left[0]) < EPSILON:
                    parts[-1] += left[1:]
                else:
                    parts.append(list(left))
        return [tuple(part) for part in parts]

    def _left(self, piece: Route) -> list[Route]:
        line = _line(piece)
        if line is None:
            return [] if _key(piece) in self.curves else [piece]
        along, at, (low, high) = line
        left = [(low, high)]
        for start, stop in self.spans.get((along, at), ()):
            if start < high and low < stop:
                left = [s for a, b in left for s in ((a, min(b, start)), (max(a, stop), b)) if s[1] - s[0] > EPSILON]
        backwards = piece[0] > piece[3]
        return [_stretch(along, piece[0], *span, backwards) for span in sorted(left, reverse=backwards)]


def _pieces(route: Route) -> list[Route]:
    return [route[k - 1 : k + 3] for k in range(1, len(route), 3)]


def _key(piece: Route) -> frozenset[Point]:
    return frozenset(rounded(p) for p in piece)


def _line(piece: Route) -> tuple[bool, float, Span] | None:
    """Whether a piece runs along x, on which line, from where to where; None for all that is not along an axis."""
    start, end = piece[0], piece[3]
    if not is_straight(piece) or (abs(start.x - end.x) > EPSILON < abs(start.y - end.y)):
        return None
    if abs(start.y - end.y) <= EPSILON:
        return True, round(start.y, 3), (min(start.x, end.x), max(start.x, end.x))
    return False, round(start.x, 3), (min(start.y, end.y), max(start.y, end.y))


def _stretch(along: bool, on: Point, low: float, high: float, backwards: bool) -> Route:
    """A straight piece again, in the direction of the wire."""
    ends = (high, low) if backwards else (low, high)
    stops = [ends[0] + t * (ends[1] - ends[0]) for t in (0, 1 / 3, 2 / 3, 1)]
    return tuple(Point(v, on.y) if along else Point(on.x, v) for v in stops)
