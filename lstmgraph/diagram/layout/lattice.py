"""The lattice: which points are covered by nodes and which wires run where; wires are laid on it and lifted again.

Rules that hold by construction: a wire keeps clear of foreign nodes, two values never share a point except where they
cross at a right angle (never at a bend or a fork), and parallel wires are at least one pitch apart.  The costs below
are what beauty means here; to change a taste, change a number.  `patterns` finds wires with at most two bends, `maze`
any other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from lstmgraph.diagram.layout.budget import Budget
from lstmgraph.diagram.layout.shapes import STEPS, Port

STEP = 10  # one pitch of length
RAIL = 8  # one pitch along a rail row: the least a step can cost
BEND = 70
FORK_BEND = 50  # a bend that the wire inherits from the tree which it leaves
FORK_EXCESS = 300  # a third bend
CROSS = 420
NEAR = 4  # one pitch beside a parallel wire of another value
DOORSTEP = 12  # in front of a node's port
MOST_BENDS = 2  # of a wire, where there is a way at all

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
        across, down = (1 << (right + 1)) - (1 << left), (1 << (bottom + 1)) - (1 << top)
        for y in range(top, bottom + 1):
            self.rows[y] |= across
        for x in range(left, right + 1):
            self.cols[x] |= down

    def __contains__(self, cell: Cell) -> bool:
        return bool(self.rows[cell[1]] >> cell[0] & 1)


@dataclass
class Net:
    """One value's wires: a tree that grows from the port of its source."""

    number: int
    parent: dict[int, int] = field(default_factory=dict)  # lattice point -> the point before it, seen from the source
    bends: dict[int, int] = field(default_factory=dict)
    heading: dict[int, int] = field(default_factory=dict)
    tree: tuple[dict[int, int], dict[int, int]] = field(default_factory=lambda: ({}, {}))  # bits by row, by column
    start: Port | None = None
    ends: dict[str, tuple[int, Port]] = field(default_factory=dict)  # wire -> (last point, port)


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
        size = width * height
        self.covered, self.doorstep = Bits(width, height), Bits(width, height)
        self.along = Bits(width, height), Bits(width, height)  # where any net runs left and right, up and down
        self.row_cost = [STEP] * height
        self.flat = [0] * size  # number of the net that runs left and right through a point
        self.upright = [0] * size
        self.taken: dict[tuple[str, int, int], int] = {}
        self.nets: dict[int, Net] = {}
        self.covered.fill(0, 0, width - 1, 0)
        self.covered.fill(0, height - 1, width - 1, height - 1)
        self.covered.fill(0, 0, 0, height - 1)
        self.covered.fill(width - 1, 0, width - 1, height - 1)

    def cover(self, at: Cell, reach: Cell) -> None:
        (x, y), (rx, ry) = at, reach
        self.covered.fill(max(0, x - rx), max(0, y - ry), min(self.width - 1, x + rx), min(self.height - 1, y + ry))

    def index(self, cell: Cell) -> int:
        return cell[1] * self.width + cell[0]

    def cell(self, index: int) -> Cell:
        return index % self.width, index // self.width

    def wall(self, left: int, top: int, right: int, bottom: int) -> None:
        """Nothing runs on or outside a border, except where `door` opens it."""
        self.covered.fill(0, 0, self.width - 1, top)
        self.covered.fill(0, bottom, self.width - 1, self.height - 1)
        self.covered.fill(0, 0, left, self.height - 1)
        self.covered.fill(right, 0, self.width - 1, self.height - 1)

    def door(self, start: Cell, way: int, steps: int) -> None:
        """Open a straight way through the border."""
        for k in range(steps + 1):
            self.covered.discard(start[0] + STEPS[way][0] * k, start[1] + STEPS[way][1] * k)

    # ── ends of wires ──

    def starts(self, demand: Demand) -> list[tuple[Port, int]]:
        """The ports that a value which has no wire yet may leave by."""
        return [(p, cost) for p, cost in demand.starts if p.key not in self.taken and self._clear(p, 0)]

    def goals(self, demand: Demand, net: Net) -> list[tuple[Port, int]]:
        return [(p, cost) for p, cost in demand.goals if p.key not in self.taken and self._clear(p, net.number)]

    def _clear(self, port: Port, net: int) -> bool:
        at = self.index(port.access)
        return port.access not in self.covered and self.flat[at] in (0, net) and self.upright[at] in (0, net)

    # ── laying and lifting ──

    def straight(self, demand: Demand) -> bool:
        """Lay a wire whose ends face one another; False where something is in the way."""
        net = self.net(demand.net)
        start, goal = demand.starts[0][0], demand.goals[0][0]
        first, last, way = start.access, goal.access, start.out
        (dx, dy), steps = STEPS[way], abs(last[0] - first[0]) + abs(last[1] - first[1])
        if way != (goal.out + 2) % 4 or (first[0] + dx * steps, first[1] + dy * steps) != last:
            return False
        cells = [(first[0] + dx * k, first[1] + dy * k) for k in range(steps + 1)]
        along = self.along[way & 1]
        if any(c in self.covered or c in along for c in cells):
            return False
        indices = [self.index(c) for c in cells]
        if net.parent and (indices[0] not in net.parent or any(at in net.parent for at in indices[1:])):
            return False  # a tree has one root and no rings
        self.lay(net, demand, cells, start, goal)
        if demand.direct == "closed":
            for cell in cells:
                self._mark(cell, 0, net.number)
                self._mark(cell, 1, net.number)
        return True

    def net(self, number: int) -> Net:
        return self.nets.setdefault(number, Net(number))

    def lay(self, net: Net, demand: Demand, cells: Sequence[Cell], start: Port | None, goal: Port) -> None:
        """Lay a wire along neighbouring points, from `start` if it is the first of its value, else from the tree."""
        if not net.parent:
            assert start is not None
            net.start = start
            self._grow(net, cells[0], -1, 0, start.out)
            self.taken[start.key] = net.number
            self._mark(cells[0], start.out & 1, net.number)
        for before, cell in pairwise(cells):
            old = self.index(before)
            way = _way(before, cell)
            self._grow(net, cell, old, net.bends[old] + (way != net.heading[old]), way)
            self._mark(before, way & 1, net.number)
            self._mark(cell, way & 1, net.number)
        self._mark(cells[-1], goal.out & 1, net.number)
        self.taken[goal.key] = net.number
        net.ends[demand.id] = (self.index(cells[-1]), goal)

    def _grow(self, net: Net, cell: Cell, parent: int, bends: int, heading: int) -> None:
        at, (x, y), (rows, cols) = self.index(cell), cell, net.tree
        net.parent[at], net.bends[at], net.heading[at] = parent, bends, heading
        rows[y] = rows.get(y, 0) | 1 << x
        cols[x] = cols.get(x, 0) | 1 << y

    def _mark(self, cell: Cell, upright: int, number: int) -> None:
        (self.upright if upright else self.flat)[self.index(cell)] = number
        self.along[upright].add(*cell)

    def lift(self, number: int) -> None:
        """Take all wires of a net away."""
        net = self.nets.pop(number, None)
        if net is None:
            return
        for at in net.parent:
            for numbers, bits in zip((self.flat, self.upright), self.along, strict=True):
                if numbers[at] == number:
                    numbers[at] = 0
                    bits.discard(*self.cell(at))
        self.taken = {k: n for k, n in self.taken.items() if n != number}

    # ── reading ──

    def path(self, number: int, wire: str) -> list[Cell]:
        """The lattice points of a wire from its source to its end."""
        net = self.nets[number]
        at = net.ends[wire][0]
        found = [self.cell(at)]
        while net.parent[at] != -1:
            at = net.parent[at]
            found.append(self.cell(at))
        return found[::-1]

    def bends(self, number: int, wire: str) -> int:
        """How often a wire bends between its ports."""
        net = self.nets[number]
        last, port = net.ends[wire]
        return net.bends[last] + (net.heading[last] != (port.out + 2) % 4)

    def laid(self, demand: Demand) -> bool:
        return demand.net in self.nets and demand.id in self.nets[demand.net].ends

    def troubled(self, number: int, wire: str) -> bool:
        """Whether a wire crosses others or bends too often."""
        flat, upright = self.flat, self.upright
        way = map(self.index, self.path(number, wire))
        return self.bends(number, wire) > MOST_BENDS or any(0 < flat[at] != upright[at] > 0 for at in way)

    def crossings(self, number: int) -> int:
        """How many times a net crosses others."""
        flat, upright = self.flat, self.upright
        return sum(1 for at in self.nets[number].parent if 0 < flat[at] != upright[at] > 0)

    def cost(self, demands: Sequence[Demand]) -> tuple[int, int, int, int]:
        """(crossings, bends of a wire beyond two, bends, length) of all that is laid."""
        bends = [self.bends(d.net, d.id) for d in demands if self.laid(d)]
        crossings = sum(map(self.crossings, self.nets)) // 2
        excess = sum(b - MOST_BENDS for b in bends if b > MOST_BENDS)
        return crossings, excess, sum(bends), sum(len(n.parent) for n in self.nets.values())


def _way(a: Cell, b: Cell) -> int:
    return STEPS.index((b[0] - a[0], b[1] - a[1]))


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
