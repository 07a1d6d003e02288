"""What a placement would cost if its wires were routed: every value takes the cheapest ways of at most two bends.

Nodes stand on even rows and columns of a coarse grid, the channels between them are odd.  Lines are bits of whole
numbers, so that crossings are counted by a few machine operations and a search can try thousands of placements.  What
bends and crossings cost is said in `costs`, what only an estimate knows, here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from operator import itemgetter
from typing import NamedTuple

from lstmgraph.diagram.layout.costs import BEND, CROSS
from lstmgraph.diagram.layout.plan import Sides
from lstmgraph.diagram.layout.shapes import DOWN, LEFT, RIGHT, UP

WIDTH = 128  # bits of a row
MARGIN = 4  # coarse steps around everything
CORNER = "corner"  # of the border, at the bottom right
FAR = 1e6  # where the border is, in columns or rows
STEP = 20  # one coarse step of length
BLOCKED = 1500  # a wire that two bends do not bring to its end
PORT = 500  # a side that another value uses already
CROWD = 30  # one step on a line that another value uses: it will have to stand aside

Coarse = dict[str, tuple[float, float]]  # (column, row), rows upwards; only their order matters
Port = tuple[str, int, int]  # node, side, offset: -1, 0 or 1
ROUND: Sides = ((UP, 0, 0), (RIGHT, 0, 0), (DOWN, 0, 0), (LEFT, 0, 0))


@dataclass(frozen=True)
class Link:
    """One value and where it goes: it leaves its source by one side for all of its targets."""

    key: str
    source: str
    exits: Sides
    targets: tuple[tuple[str, Mapping[int, int]], ...]  # with the sides they may be entered by and what that costs
    lines: int = 1  # how many lines run there side by side, at most 2


class Laid(NamedTuple):
    """A routed link: its lines as bits, the sides that it uses, what it costs by itself."""

    flat: int
    upright: int
    ports: tuple[Port, ...]
    cost: int
    lines: int = 1


class Way(NamedTuple):
    entry: int
    flat: int
    upright: int
    bends: int
    length: int


Priced = tuple[int, int, int, Way]  # what its bends cost, with its length, all its points


class Estimate:
    """`links` of a graph; `room` says how many values a port has room for (1 where it says nothing), `doors` of which
    node a place is a door: beside it there is a way to that node.
    """

    def __init__(
        self, links: list[Link], room: dict[Port, int], blocked: int = BLOCKED, doors: Mapping[str, str] | None = None
    ) -> None:
        self.links, self.room, self.blocked, self.doors = links, room, blocked, doors or {}
        self.spent = 0  # links that were routed: the measure of how much has been searched
        self._touching: dict[str, set[str]] = {}
        self.near: dict[str, int] = {}  # coarse steps between source and target that may cost nothing
        for link in links:
            self.near[link.key] = 2 if any(offset for _, offset, _ in link.exits) else 1
            for id in (link.source, *(t for t, _ in link.targets)):
                self._touching.setdefault(id, set()).add(link.key)

    def among(self, placed: Collection[str]) -> Estimate:
        """The same for some of the nodes alone, and for the links between them."""
        links = [
            replace(link, targets=ends)
            for link in self.links
            if link.source in placed and (ends := tuple(t for t in link.targets if t[0] in placed))
        ]
        return Estimate(links, self.room, self.blocked, self.doors)

    def cost(
        self,
        places: Coarse,
        known: dict[str, Laid] | None = None,
        moved: frozenset[str] = frozenset(),
        limit: int = 1 << 60,
    ) -> tuple[int, dict[str, Laid]]:
        """The cost of a placement and its lines; lines that are `known` and touch nothing `moved` stay as they are.

        What costs the limit or more is not looked at any further.
        """
        stale = {key for m in moved for key in self._touching.get(m, ())}
        return _Layer(self, coarse(places)).laid(known or {}, stale, limit)


@lru_cache(maxsize=1 << 13)
def ways(start: tuple[int, int], out: int, end: tuple[int, int]) -> list[Priced]:
    """The ways from one place to another, those with the fewest bends first, then the shortest."""
    found = across(*start, out, *end) if out in (LEFT, RIGHT) else along(*start, out, *end)
    return [
        (BEND * way.bends, BEND * way.bends + STEP * (way.length - 1), way.flat | way.upright, way)
        for way in sorted(found, key=lambda w: (w.bends, w.length))
    ]


class _Layer:
    """One placement with the lines laid so far."""

    def __init__(self, owner: Estimate, at: dict[str, tuple[int, int]]) -> None:
        self.owner, self.at = owner, at
        right, bottom = at[CORNER]
        self.nodes = row(MARGIN, MARGIN, right) | row(bottom, MARGIN, right)  # nothing runs on the border
        self.nodes |= column(MARGIN, MARGIN, bottom) | column(right, MARGIN, bottom)
        for x, y in at.values():
            self.nodes |= 1 << (y * WIDTH + x)
        self.doors: dict[str, int] = {}
        for door, id in owner.doors.items():
            x, y = at[door]
            self.doors[id] = self.doors.get(id, 0) | 1 << (y * WIDTH + x)
        self.flat = self.flat2 = self.upright = self.upright2 = 0
        self.ports: dict[Port, int] = {}

    def laid(self, known: dict[str, Laid], stale: set[str], limit: int) -> tuple[int, dict[str, Laid]]:
        found: dict[str, Laid] = {}
        total, waiting = 0, []
        for k, link in enumerate(self.owner.links):
            old = known.get(link.key)
            if old is None or link.key in stale or (old.flat | old.upright) & self.nodes:
                length, least = self._least(link)
                total += least
                waiting.append((-link.lines, length, k, least, link))
            else:
                total += old.cost + self._conflicts(old.flat, old.upright) + self._add(old)
                found[link.key] = old
        for _, _, _, least, link in sorted(waiting):
            if total >= limit:
                break
            cost, new = self._route(link, least)
            total += cost - least
            found[link.key] = new
        return total, found

    def _least(self, link: Link) -> tuple[int, int]:
        """How far the farthest target of a link is, and what the link costs at least."""
        x, y = self.at[link.source]
        far = bends = 0
        for target, _ in link.targets:
            tx, ty = self.at[target]
            far = max(far, abs(x - tx) + abs(y - ty))
            bends += x != tx and y != ty
        return far, BEND * bends + STEP * max(0, far - self.owner.near[link.key])

    def _conflicts(self, flat: int, upright: int) -> int:
        """What it costs to cross other lines, and to run beside them."""
        cost = 0
        if flat:
            if crossed := flat & self.upright:
                cost += CROSS * (crossed.bit_count() + (crossed & self.upright2).bit_count())
            if shared := flat & self.flat:
                cost += CROWD * shared.bit_count()
        if upright:
            if crossed := upright & self.flat:
                cost += CROSS * (crossed.bit_count() + (crossed & self.flat2).bit_count())
            if shared := upright & self.upright:
                cost += CROWD * shared.bit_count()
        return cost

    def _add(self, laid: Laid) -> int:
        """Lay lines; what their ports cost where others use them."""
        flat, upright, ports, _, lines = laid
        self.flat2 |= flat if lines > 1 else self.flat & flat
        self.upright2 |= upright if lines > 1 else self.upright & upright
        self.flat |= flat
        self.upright |= upright
        used, room, cost = self.ports, self.owner.room, 0
        for port in ports:
            used[port] = count = used.get(port, 0) + 1
            if count > 1 and count > room.get(port, 1):
                cost += PORT
        return cost

    def _busy(self, port: Port) -> int:
        used = self.ports.get(port, 0)
        return PORT if used and used >= self.owner.room.get(port, 1) else 0

    def _route(self, link: Link, least: int) -> tuple[int, Laid]:
        self.owner.spent += len(link.targets)
        x, y = self.at[link.source]
        targets = [(abs(x - (to := self.at[t])[0]) + abs(y - to[1]), t, e) for t, e in link.targets]
        if len(targets) > 1:
            targets.sort(key=itemgetter(0))
        best: tuple[int, Laid] | None = None
        for side, offset, extra in link.exits:
            limit = best[0] if best else 1 << 60
            if limit <= least:
                break
            if extra < limit:
                best = self._leaving(link, (link.source, side, offset), extra, targets, limit) or best
        assert best is not None
        self._add(best[1])
        return best

    def _leaving(
        self, link: Link, port: Port, extra: int, targets: list[tuple[int, str, Mapping[int, int]]], limit: int
    ) -> tuple[int, Laid] | None:
        """All targets of a link, which leaves by one port; None if that costs the limit or more."""
        _, side, offset = port
        start = self.at[link.source]
        if offset:
            start = (start[0], start[1] + offset) if side in (LEFT, RIGHT) else (start[0] + offset, start[1])
        own, total = extra, extra + self._busy(port)
        flat = upright = 0
        ports = [port]
        for _, target, prices in targets:
            cost, way = self._way(start, side, target, prices, flat, upright, limit - total)
            total += cost
            if total >= limit:
                return None
            if way is None:
                own += self.owner.blocked
                continue
            entry, new, down, bends, _ = way
            own += BEND * bends + STEP * (new & ~flat | down & ~upright).bit_count()
            flat, upright = flat | new, upright | down
            ports.append((target, entry, 0))
        return total, Laid(flat, upright, tuple(ports), own, link.lines)

    def _way(
        self,
        start: tuple[int, int],
        side: int,
        target: str,
        prices: Mapping[int, int],
        flat: int,
        upright: int,
        limit: int,
    ) -> tuple[int, Way | None]:
        """The cheapest way to a target; lines that the value has already, `flat` and `upright`, cost nothing."""
        best, found = min(self.owner.blocked, limit), None
        nodes, more = self.nodes & ~self.doors.get(target, 0), bool(flat or upright)
        for bent, whole, points, way in ways(start, side, self.at[target]):
            cost = bent if more else whole  # those after it cost no less
            if cost >= best:
                break
            entry, new, down, _, _ = way
            if entry not in prices or points & nodes:
                continue
            if more:
                new, down = new & ~flat, down & ~upright
                cost = bent + STEP * (new | down).bit_count()
            cost += prices[entry] + self._busy((target, entry, 0))
            if cost < best:
                cost += self._conflicts(new, down)
                if cost < best:
                    best, found = cost, way
        return best, found


def coarse(places: Coarse) -> dict[str, tuple[int, int]]:
    """Even coordinates, rows downwards, with the border around."""
    ends = {-FAR, FAR}
    columns = {c: 2 * k + MARGIN for k, c in enumerate(sorted({c for c, _ in places.values()} | ends))}
    rows = {r: 2 * k + MARGIN for k, r in enumerate(sorted({-r for _, r in places.values()} | ends))}
    found = {id: (columns[c], rows[-r]) for id, (c, r) in places.items()}
    return found | {CORNER: (columns[FAR], rows[FAR])}


def row(y: int, a: int, b: int) -> int:
    """The bits of a horizontal line."""
    a, b = (a, b) if a <= b else (b, a)
    return ((1 << (b - a + 1)) - 1) << (y * WIDTH + a)


_COMB = [0]


def column(x: int, a: int, b: int) -> int:
    """The bits of an upright line."""
    a, b = (a, b) if a <= b else (b, a)
    while len(_COMB) <= b - a + 1:
        _COMB.append(_COMB[-1] | 1 << (len(_COMB) - 1) * WIDTH)
    return _COMB[b - a + 1] << (a * WIDTH + x)


def across(x: int, y: int, out: int, tx: int, ty: int) -> Iterator[Way]:
    """Ways that leave sideways: straight, with one bend, and through each channel with two."""
    d = 1 if out == RIGHT else -1
    ahead = (tx - x) * d > 0
    if y == ty:
        if ahead:
            yield Way((out + 2) % 4, row(y, x + d, tx - d), 0, 0, abs(tx - x))
        return
    v = 1 if ty > y else -1
    if ahead:
        yield Way(UP if v > 0 else DOWN, row(y, x + d, tx), column(tx, y, ty - v), 1, abs(tx - x) + abs(ty - y))
    for k in _channels(x, tx, d):
        side = 1 if k < tx else -1
        flat = row(y, x + d, k) | row(ty, k, tx - side)
        length = abs(k - x) + abs(tx - k) + abs(ty - y)
        yield Way(LEFT if side > 0 else RIGHT, flat, column(k, y, ty), 2, length)


def along(x: int, y: int, out: int, tx: int, ty: int) -> Iterator[Way]:
    """Ways that leave up or down."""
    d = 1 if out == DOWN else -1
    ahead = (ty - y) * d > 0
    if x == tx:
        if ahead:
            yield Way((out + 2) % 4, 0, column(x, y + d, ty - d), 0, abs(ty - y))
        return
    v = 1 if tx > x else -1
    if ahead:
        yield Way(LEFT if v > 0 else RIGHT, row(ty, x, tx - v), column(x, y + d, ty), 1, abs(tx - x) + abs(ty - y))
    for k in _channels(y, ty, d):
        side = 1 if k < ty else -1
        upright = column(x, y + d, k) | column(tx, k, ty - side)
        length = abs(k - y) + abs(ty - k) + abs(tx - x)
        yield Way(UP if side > 0 else DOWN, row(k, x, tx), upright, 2, length)


def _channels(a: int, b: int, d: int) -> Iterator[int]:
    """Odd coordinates ahead of `a`, a few beyond `b`."""
    low, high, first = min(a, b) - 3, max(a, b) + 3, a + d * (1 + a % 2)
    yield from range(first, high + 1, 2) if d > 0 else range(first, low - 1, -2)
