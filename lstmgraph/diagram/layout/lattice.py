"""The lattice: which points are covered by nodes and which wires run where; wires are laid on it and lifted again.

Rules that hold by construction: a wire keeps clear of foreign nodes, two values never share a point except where they
cross at a right angle (never at a bend or a fork), and parallel wires are at least one pitch apart.  What is cheap is
said in `costs`.  `patterns` finds wires with at most two bends, `maze` any other.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from operator import and_, invert
from typing import NamedTuple

from lstmgraph.diagram.layout.budget import Budget
from lstmgraph.diagram.layout.costs import ANOTHER, MOST_BENDS, STEP, Tally
from lstmgraph.diagram.layout.shapes import DELTAS, Port

Cell = tuple[int, int]


class Bits:
    """A set of points: one number for each row, in which bit x is the point (x, y), and one for each column."""

    __slots__ = ("cols", "rows")

    def __init__(self, width: int, height: int) -> None:
        self.rows, self.cols = [0] * height, [0] * width

    def add(self, x: int, y: int) -> None:
        self.rows[y] |= 1 << x
        self.cols[x] |= 1 << y

    def discard(self, x: int, y: int) -> None:
        self.rows[y] &= ~(1 << x)
        self.cols[x] &= ~(1 << y)

    def fill(self, left: int, top: int, right: int, bottom: int) -> None:
        """Add a rectangle, its borders included."""
        across, down = (2 << right) - (1 << left), (2 << bottom) - (1 << top)
        for y in range(top, bottom + 1):
            self.rows[y] |= across
        for x in range(left, right + 1):
            self.cols[x] |= down

    def lines(self, axis: int) -> list[int]:
        """The rows (0) or the columns (1)."""
        return self.cols if axis else self.rows

    def __contains__(self, cell: Cell) -> bool:
        return bool(self.rows[cell[1]] >> cell[0] & 1)


class Lines:
    """The same for the few points of a net."""

    __slots__ = ("cols", "rows")

    def __init__(self) -> None:
        self.rows: dict[int, int] = {}
        self.cols: dict[int, int] = {}

    def copy(self) -> Lines:
        found = Lines()
        found.rows, found.cols = self.rows.copy(), self.cols.copy()
        return found

    def lines(self, axis: int) -> dict[int, int]:
        return self.cols if axis else self.rows

    def __contains__(self, cell: Cell) -> bool:
        return bool(self.rows.get(cell[1], 0) >> cell[0] & 1)


class Piece(NamedTuple):
    """A straight piece of a net, and how often its value has turned before it."""

    start: Cell
    end: Cell
    way: int
    bends: int
    before: int  # the piece that it begins on, -1 at the source

    def passes(self, cell: Cell) -> bool:
        (x, y), (a, b), (c, d) = cell, self.start, self.end
        return (a <= x <= c or c <= x <= a) and (b <= y <= d or d <= y <= b)


class End(NamedTuple):
    piece: int
    at: Cell
    port: Port
    bends: int


@dataclass
class Net:
    """One value's wires: a tree that grows from the port of its source."""

    number: int
    pieces: list[Piece] = field(default_factory=list)
    tree: Lines = field(default_factory=Lines)  # all its points
    layers: tuple[Lines, Lines] = field(default_factory=lambda: (Lines(), Lines()))  # where it runs flat, upright
    roots: dict[Cell, Port] = field(default_factory=dict)  # the ports that it leaves its source by
    ends: dict[str, End] = field(default_factory=dict)  # by wire
    length: int = 0

    def piece(self, cell: Cell) -> int:
        """The piece by which the value gets to a point of the tree."""
        return next(k for k, piece in enumerate(self.pieces) if piece.passes(cell))

    def arrives(self, cell: Cell) -> bool:
        """Whether a wire of the value ends here: a fork would lie under its arrowhead."""
        return any(end.at == cell for end in self.ends.values())

    def copy(self) -> Net:
        """A net that grows on its own from here."""
        layers = self.layers[0].copy(), self.layers[1].copy()
        tree, roots, ends = self.tree.copy(), self.roots.copy(), self.ends.copy()
        return Net(self.number, self.pieces[:], tree, layers, roots, ends, self.length)

    def turns(self) -> Iterator[tuple[int, int]]:
        """Points in which it turns or forks, by row."""
        flat, upright = (layer.rows for layer in self.layers)
        return ((y, bits & upright[y]) for y, bits in flat.items() if y in upright)

    def is_crossed(self, along: tuple[Bits, Bits]) -> bool:
        """Whether another net runs across it."""
        return any(True for _ in self.crossings(along))

    def crossings(self, along: tuple[Bits, Bits]) -> Iterator[tuple[int, int]]:
        """Points in which another net runs across, by row."""
        flat, upright = (layer.rows for layer in self.layers)
        for y, bits in flat.items():
            if crossed := bits & along[1].rows[y] & ~upright.get(y, 0):
                yield y, crossed
        for y, bits in upright.items():
            if crossed := bits & along[0].rows[y] & ~flat.get(y, 0):
                yield y, crossed

    def crossed(self, along: tuple[Bits, Bits]) -> list[Cell]:
        return [(x, y) for y, bits in self.crossings(along) for x in range(bits.bit_length()) if bits >> x & 1]


@dataclass(frozen=True)
class Demand:
    """A wire that is wanted: from the net's tree, or one of `starts`, to one of `goals` (with an extra cost each)."""

    id: str
    net: int
    starts: tuple[tuple[Port, int], ...]
    goals: tuple[tuple[Port, int], ...]
    rank: int = 0  # lower ones are routed first
    direct: str = (
        ""  # "open": a straight line that others may cross; "closed": one that nothing crosses; else searched for
    )


class Lattice:
    def __init__(self, width: int, height: int, budget: Budget) -> None:
        self.width, self.height, self.budget = width, height, budget
        self.covered, self.doorstep = Bits(width, height), Bits(width, height)
        self.along = Bits(width, height), Bits(width, height)  # where any net runs left and right, up and down
        self.turns = [0] * height  # where a net turns or forks, by row
        self.row_cost = [STEP] * height
        self.taken: dict[tuple[str, int, int], int] = {}
        self.nets: dict[int, Net] = {}
        self.wall(0, 0, width - 1, height - 1)

    def cover(self, at: Cell, reach: Cell) -> None:
        (x, y), (rx, ry) = at, reach
        self.covered.fill(max(0, x - rx), max(0, y - ry), min(self.width - 1, x + rx), min(self.height - 1, y + ry))

    def wall(self, left: int, top: int, right: int, bottom: int) -> None:
        """Nothing runs on or outside a border, except where `door` opens it."""
        self.covered.fill(0, 0, self.width - 1, top)
        self.covered.fill(0, bottom, self.width - 1, self.height - 1)
        self.covered.fill(0, 0, left, self.height - 1)
        self.covered.fill(right, 0, self.width - 1, self.height - 1)

    def door(self, start: Cell, way: int, steps: int) -> None:
        """Open a straight way through the border."""
        for k in range(steps + 1):
            self.covered.discard(start[0] + DELTAS[way][0] * k, start[1] + DELTAS[way][1] * k)

    # ── ends of wires ──

    def starts(self, demand: Demand) -> list[tuple[Port, int]]:
        """The ports that a value may leave by; another one than that of its first wire only if it saves bends."""
        more = ANOTHER if demand.net in self.nets and self.nets[demand.net].pieces else 0
        free = (p for p in demand.starts if p[0].key not in self.taken and not self._held(p[0].access, None))
        return [(p, cost + more) for p, cost in free]

    def goals(self, demand: Demand, net: Net) -> list[tuple[Port, int]]:
        return [(p, cost) for p, cost in demand.goals if p.key not in self.taken and not self._held(p.access, net)]

    def _held(self, cell: Cell, net: Net | None) -> bool:
        """Whether a node or another net has a point."""
        return cell in self.covered or self.foreign(cell, net)

    def foreign(self, cell: Cell, net: Net | None) -> bool:
        """Whether another net runs through a point."""
        x, y = cell
        flat, upright = (bits.rows[y] for bits in self.along)
        if net:
            flat, upright = flat & ~net.layers[0].rows.get(y, 0), upright & ~net.layers[1].rows.get(y, 0)
        return bool((flat | upright) >> x & 1)

    # ── laying and lifting ──

    def straight(self, demand: Demand) -> bool:
        """Lay a wire whose ends face one another; False where something is in the way."""
        net = self.net(demand.net)
        start, goal = demand.starts[0][0], demand.goals[0][0]
        first, last, way = start.access, goal.access, start.out
        (dx, dy), steps = DELTAS[way], abs(last[0] - first[0]) + abs(last[1] - first[1])
        if way != (goal.out + 2) % 4 or (first[0] + dx * steps, first[1] + dy * steps) != last:
            return False
        line, low = first[1 - (way & 1)], min(first[way & 1], last[way & 1])
        stretch = (2 << low + steps) - (1 << low)
        if stretch & (self.covered.lines(way & 1)[line] | self.along[way & 1].lines(way & 1)[line]):
            return False
        if net.pieces and stretch & net.tree.lines(way & 1).get(line, 0) != 1 << first[way & 1]:
            return False  # a tree has one root and no rings
        self.lay(net, demand, [first, last] if steps else [first], start, goal)
        if demand.direct == "closed":
            self._paint(net, first, last, 0)
            self._paint(net, first, last, 1)
        return True

    def net(self, number: int) -> Net:
        return self.nets.setdefault(number, Net(number))

    def lay(self, net: Net, demand: Demand, turns: Sequence[Cell], start: Port | None, goal: Port) -> None:
        """Lay a wire from corner to corner: from the tree, or from the port `start` of the source."""
        if turns[0] not in net.tree:
            assert start is not None
            net.roots[turns[0]] = start
            net.pieces.append(Piece(turns[0], turns[0], start.out, 0, -1))
            self._paint(net, turns[0], turns[0], start.out & 1)
            self.taken[start.key] = net.number
        at = net.piece(turns[0])
        for a, b in pairwise(turns):
            way, old = way_to(a, b), net.pieces[at]
            net.pieces.append(Piece(a, b, way, old.bends + (way != old.way), at))
            net.length += abs(b[0] - a[0]) + abs(b[1] - a[1])
            at = len(net.pieces) - 1
            self._paint(net, a, b, way & 1)
        self._paint(net, turns[-1], turns[-1], goal.out & 1)
        self.taken[goal.key] = net.number
        last = net.pieces[at]
        net.ends[demand.id] = End(at, turns[-1], goal, last.bends + (last.way != (goal.out + 2) % 4))

    def _paint(self, net: Net, a: Cell, b: Cell, upright: int) -> None:
        left, right = (a[0], b[0]) if a[0] < b[0] else (b[0], a[0])
        top, bottom = (a[1], b[1]) if a[1] < b[1] else (b[1], a[1])
        across, down = (2 << right) - (1 << left), (2 << bottom) - (1 << top)
        own, tree, bits = net.layers[upright], net.tree, self.along[upright]
        other = net.layers[1 - upright].rows
        for y in range(top, bottom + 1):
            own.rows[y] = row = own.rows.get(y, 0) | across
            tree.rows[y] = tree.rows.get(y, 0) | across
            bits.rows[y] |= across
            if y in other:
                self.turns[y] |= row & other[y]
        for x in range(left, right + 1):
            own.cols[x] = own.cols.get(x, 0) | down
            tree.cols[x] = tree.cols.get(x, 0) | down
            bits.cols[x] |= down

    def lift(self, number: int) -> Net | None:
        """Take all wires of a net away."""
        net = self.nets.pop(number, None)
        if net is not None:
            for bits, own in zip(self.along, net.layers, strict=True):
                for y, row in own.rows.items():
                    bits.rows[y] &= ~row
                for x, col in own.cols.items():
                    bits.cols[x] &= ~col
            for y, row in net.turns():
                self.turns[y] &= ~row
            for port in (*net.roots.values(), *(end.port for end in net.ends.values())):
                self.taken.pop(port.key, None)
        return net

    def put_back(self, net: Net) -> None:
        """Lay a net that was lifted again, just as it was."""
        self.nets[net.number] = net
        for bits, own in zip(self.along, net.layers, strict=True):
            for y, row in own.rows.items():
                bits.rows[y] |= row
            for x, col in own.cols.items():
                bits.cols[x] |= col
        for y, row in net.turns():
            self.turns[y] |= row
        for port in (*net.roots.values(), *(end.port for end in net.ends.values())):
            self.taken[port.key] = net.number

    # ── reading ──

    def path(self, number: int, wire: str) -> list[Cell]:
        """The corners of a wire from its source to its end."""
        net = self.nets[number]
        piece, at = net.ends[wire][:2]
        found = [at]
        while piece != -1:
            found.append(net.pieces[piece].start)
            piece = net.pieces[piece].before
        return corners(found[::-1])

    def laid(self, demand: Demand) -> bool:
        return demand.net in self.nets and demand.id in self.nets[demand.net].ends

    def troubled(self, number: int, wire: str) -> bool:
        """Whether a wire crosses others or bends too often."""
        net = self.nets[number]
        if net.ends[wire].bends > MOST_BENDS:
            return True
        crossed, path = net.crossed(self.along), self.path(number, wire)
        return any(Piece(a, b, 0, 0, 0).passes(cell) for a, b in pairwise(path) for cell in crossed)

    def crossings(self) -> int:
        """A point in which one line runs flat, another upright, and neither turns."""
        flat, upright = (layer.rows for layer in self.along)
        both = map(and_, flat, upright)
        return sum(map(int.bit_count, map(and_, both, map(invert, self.turns))))

    def cost(self) -> Tally:
        """(crossings, bends of a wire beyond two, bends, length) of all that is laid."""
        return self._tally(self.crossings(), self.nets.values())

    def cost_of(self, number: int) -> Tally:
        """The same of one net and what it crosses."""
        net = self.net(number)
        return self._tally(sum(bits.bit_count() for _, bits in net.crossings(self.along)), [net])

    @staticmethod
    def _tally(crossings: int, nets: Collection[Net]) -> Tally:
        bends = [end.bends for net in nets for end in net.ends.values()]
        excess = sum(b - MOST_BENDS for b in bends if b > MOST_BENDS)
        return crossings, excess, sum(bends), sum(net.length for net in nets)


def way_to(a: Cell, b: Cell) -> int:
    """Which way it is from one point to another on its row or column."""
    if a[1] == b[1]:
        return 0 if b[0] > a[0] else 2
    return 1 if b[1] > a[1] else 3


def corners(cells: Iterable[Cell]) -> list[Cell]:
    """Only the ends and the points where a path turns."""
    found: list[Cell] = []
    for cell in cells:
        if len(found) >= 2 and _straight(found[-2], found[-1], cell):
            found[-1] = cell
        elif not found or found[-1] != cell:
            found.append(cell)
    return found


def _straight(a: Cell, b: Cell, c: Cell) -> bool:
    return (a[0] == b[0] == c[0]) or (a[1] == b[1] == c[1])
