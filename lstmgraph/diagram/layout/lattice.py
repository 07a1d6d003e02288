"""The lattice: which points are covered by nodes, which wires run where, and the cheapest path for one more wire.

Rules that hold by construction: a wire keeps clear of foreign nodes, two values never share a point except where they
cross at a right angle (never at a bend or a fork), and parallel wires are at least one pitch apart.  The costs below
are what beauty means here; to change a taste, change a number.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush

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
FIELD = 16  # making the tables of a search takes as long as a step for each so many points

Cell = tuple[int, int]


@dataclass
class Net:
    """One value's wires: a tree that grows from the port of its source."""

    number: int
    parent: dict[int, int] = field(default_factory=dict)  # lattice point -> the point before it, seen from the source
    bends: dict[int, int] = field(default_factory=dict)
    heading: dict[int, int] = field(default_factory=dict)
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
        self.covered = bytearray(size)
        self.doorstep = bytearray(size)
        self.row_cost = [STEP] * height
        self.flat = [0] * size  # number of the net that runs left and right through a point
        self.upright = [0] * size
        self.prices: tuple[list[int], list[int]] | None = None
        self.taken: dict[tuple[str, int, int], int] = {}
        self.nets: dict[int, Net] = {}
        for x in range(width):
            self.covered[x] = self.covered[size - 1 - x] = 1
        for y in range(height):
            self.covered[y * width] = self.covered[y * width + width - 1] = 1

    def cover(self, at: Cell, reach: Cell) -> None:
        for y in range(max(0, at[1] - reach[1]), min(self.height, at[1] + reach[1] + 1)):
            row = y * self.width
            for x in range(max(0, at[0] - reach[0]), min(self.width, at[0] + reach[0] + 1)):
                self.covered[row + x] = 1

    def index(self, cell: Cell) -> int:
        return cell[1] * self.width + cell[0]

    def cell(self, index: int) -> Cell:
        return index % self.width, index // self.width

    def free(self, port: Port, net: int) -> bool:
        """Whether a value may use a port."""
        return self.taken.get(port.key, net) == net and not self.covered[self.index(port.access)]

    def wall(self, left: int, top: int, right: int, bottom: int) -> None:
        """Nothing runs on or outside a border, except where `door` opens it."""
        for y in range(self.height):
            for x in range(self.width):
                if x <= left or x >= right or y <= top or y >= bottom:
                    self.covered[y * self.width + x] = 1

    def door(self, start: Cell, way: int, steps: int) -> None:
        """Open a straight way through the border."""
        for k in range(steps + 1):
            self.covered[self.index((start[0] + STEPS[way][0] * k, start[1] + STEPS[way][1] * k))] = 0

    # ── searching ──

    def route(self, demand: Demand) -> bool:
        """Find a wire and lay it; False where there is no way."""
        net = self.nets.setdefault(demand.net, Net(demand.net))
        if demand.direct:
            return self._straight(net, demand)
        goals = self._goals(demand, net)
        if not goals:
            return False
        came: dict[int, int] = {}
        last = self._search(net, self._starts(demand, net), goals, came)
        if last is None or not _simple(last, came):
            return False
        self._lay(net, demand, last, came, goals[last][0])
        return True

    def _straight(self, net: Net, demand: Demand) -> bool:
        """Lay a wire whose ends face one another."""
        start, goal = demand.starts[0][0], demand.goals[0][0]
        first, last, way = self.index(start.access), self.index(goal.access), start.out
        step = STEPS[way][0] + STEPS[way][1] * self.width
        if way != (goal.out + 2) % 4 or (last - first) % step or (last - first) // step < 0:
            return False
        states = [at * 4 + way for at in range(first, last + step, step)]
        if any(self.covered[s >> 2] or (self.flat if way in (0, 2) else self.upright)[s >> 2] for s in states):
            return False
        if net.parent and (first not in net.parent or any(s >> 2 in net.parent for s in states[1:])):
            return False  # a tree has one root and no rings
        came = dict(zip(states, [-1, *states], strict=False))
        self._lay(net, demand, states[-1], came, goal)
        if demand.direct == "closed":
            for s in states:
                self.flat[s >> 2] = self.upright[s >> 2] = net.number
        return True

    def _goals(self, demand: Demand, net: Net) -> dict[int, tuple[Port, int]]:
        found: dict[int, tuple[Port, int]] = {}
        for port, cost in demand.goals:
            at = self.index(port.access)
            if port.key in self.taken or self.covered[at]:
                continue
            if self.flat[at] in (0, net.number) and self.upright[at] in (0, net.number):
                found[at * 4 + (port.out + 2) % 4] = (port, cost)
        return found

    def _starts(self, demand: Demand, net: Net) -> list[tuple[int, int]]:
        """States to search from, with what they cost: anywhere on the tree, or every free port of the source."""
        if not net.parent:
            return [
                (self.index(p.access) * 4 + p.out, cost)
                for p, cost in demand.starts
                if self.free(p, net.number)
                and not self.flat[self.index(p.access)]
                and not self.upright[self.index(p.access)]
            ]
        found = []
        for at in net.parent:
            others = {self.flat[at], self.upright[at]} - {0, net.number}
            if not others:
                inherited = net.bends[at] * FORK_BEND
                for way in range(4):
                    if way != (net.heading[at] + 2) % 4:
                        turn = way != net.heading[at]
                        many = FORK_EXCESS if turn and net.bends[at] >= 2 else 0
                        found.append((at * 4 + way, inherited + many + (BEND if turn else 0)))
        return found

    def _search(  # noqa: C901, PLR0912  the inner loop of all routing: a call in it would cost a third more
        self, net: Net, starts: list[tuple[int, int]], goals: dict[int, tuple[Port, int]], came: dict[int, int]
    ) -> int | None:
        """The last state of the cheapest path; `came` tells how to get there."""
        own, flat, upright, covered, tree = net.number, self.flat, self.upright, self.covered, net.parent
        doorstep = self.doorstep
        prices, offsets = self._prices(), (1, self.width, -1, -self.width)
        left = self._bound([(port.access, cost) for port, cost in goals.values()])
        best = [1 << 60] * (4 * len(flat))
        queue: list[tuple[int, int, int]] = []
        pops = self.budget.left - len(flat) // FIELD
        for state, cost in starts:
            if cost < best[state]:
                best[state] = cost
                came[state] = -1
                heappush(queue, (cost + left(state >> 2), state, cost))
        while queue and pops >= 0:
            pops -= 1
            _, state, cost = heappop(queue)
            if state < 0:  # a goal with its own cost paid
                self.budget.spend(self.budget.left - pops)
                return ~state
            if cost > best[state]:
                continue
            if state in goals:
                heappush(queue, (cost + goals[state][1], ~state, cost))
            at, way = state >> 2, state & 3
            fixed = flat[at] not in (0, own) or upright[at] not in (0, own)  # at a crossing one goes straight on
            for turn in (way,) if fixed else (way, (way + 1) & 3, (way + 3) & 3):
                to = at + offsets[turn]
                along, across = (upright, flat) if turn & 1 else (flat, upright)
                if covered[to] or along[to] or across[to] == own or to in tree or along[at] not in (0, own):
                    continue
                side = offsets[(turn + 1) & 3]
                total = cost + prices[turn & 1][to]
                if across[to]:
                    if doorstep[to]:
                        continue  # no crossing under an arrowhead
                    total += CROSS
                if along[to + side] not in (0, own) or along[to - side] not in (0, own):
                    total += NEAR
                if turn != way:
                    total += BEND
                reached = to * 4 + turn
                if total < best[reached]:
                    best[reached] = total
                    came[reached] = state
                    heappush(queue, (total + left(to), reached, total))
        self.budget.spend(self.budget.left - pops)
        return None

    def _prices(self) -> tuple[list[int], list[int]]:
        """What a step to each point costs, sideways and up or down; made when the first wire is searched for."""
        if self.prices is None:
            door = [DOORSTEP if d else 0 for d in self.doorstep]
            rows = [self.row_cost[at // self.width] for at in range(len(door))]
            self.prices = [r + d for r, d in zip(rows, door, strict=True)], [STEP + d for d in door]
        return self.prices

    def _bound(self, ends: list[tuple[Cell, int]]) -> Callable[[int], int]:
        """A lower bound of what is left to pay from a point to the nearest end."""
        width, known = self.width, [-1] * len(self.flat)

        def left(at: int) -> int:
            if known[at] < 0:
                y, x = divmod(at, width)
                known[at] = min(
                    (abs(x - a) + abs(y - b)) * RAIL + c + (BEND if a != x and b != y else 0) for (a, b), c in ends
                )
            return known[at]

        return left

    # ── laying and lifting ──

    def _lay(self, net: Net, demand: Demand, last: int, came: dict[int, int], goal: Port) -> None:
        states = [last]
        while came[states[-1]] != -1:
            states.append(came[states[-1]])
        states.reverse()
        first = states[0] >> 2
        if not net.parent:
            net.start = next(p for p, _ in demand.starts if self.index(p.access) == first and p.out == states[0] & 3)
            net.parent[first], net.bends[first], net.heading[first] = -1, 0, states[0] & 3
            self.taken[net.start.key] = net.number
            self._mark(first, states[0] & 3, net.number)
        for before, state in itertools.pairwise(states):
            at, way, old = state >> 2, state & 3, before >> 2
            net.parent[at] = old
            net.bends[at] = net.bends[old] + (way != net.heading[old])
            net.heading[at] = way
            self._mark(old, way, net.number)
            self._mark(at, way, net.number)
        self._mark(last >> 2, last & 3, net.number)
        self.taken[goal.key] = net.number
        net.ends[demand.id] = (last >> 2, goal)

    def _mark(self, at: int, way: int, number: int) -> None:
        if way in (0, 2):
            self.flat[at] = number
        else:
            self.upright[at] = number

    def lift(self, number: int) -> None:
        """Take all wires of a net away."""
        net = self.nets.pop(number, None)
        if net is None:
            return
        for at in net.parent:
            if self.flat[at] == number:
                self.flat[at] = 0
            if self.upright[at] == number:
                self.upright[at] = 0
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

    def cost(self, demands: Sequence[Demand]) -> tuple[int, int, int, int]:
        """(crossings, bends of a wire beyond two, bends, length) of all that is laid."""
        flat, upright = self.flat, self.upright
        crossings = sum(1 for n in self.nets.values() for at in n.parent if 0 < flat[at] != upright[at] > 0) // 2
        bends = [self.nets[d.net].bends[self.nets[d.net].ends[d.id][0]] for d in demands]
        return crossings, sum(b - 2 for b in bends if b > 2), sum(bends), sum(len(n.parent) for n in self.nets.values())


def _simple(last: int, came: dict[int, int]) -> bool:
    """Whether a path passes no point twice: one that crosses itself is no tree."""
    seen: set[int] = set()
    while last != -1:
        if last >> 2 in seen:
            return False
        seen.add(last >> 2)
        last = came[last]
    return True


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
