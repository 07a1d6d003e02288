"""The cheapest wire with at most two bends: straight, one corner, or two; few enough to look at all of them.

A wire is looked for backwards from each goal: along the straight last piece, and from there across to what the value
has already reached.  Lines of the lattice are bits of whole numbers, so whether a stretch is free is one operation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from operator import itemgetter
from typing import NamedTuple

from lstmgraph.diagram.layout.costs import BEND, CROSS, DOORSTEP, FORK_BEND, MOST_BENDS, NEAR, RAIL, STEP
from lstmgraph.diagram.layout.lattice import Cell, Demand, Lattice, Net, Piece, way_to
from lstmgraph.diagram.layout.shapes import Port

LOOK = 10  # what looking for one wire costs, in steps of a search
AHEAD, BACK = 1, -1


class _Leave(NamedTuple):
    """Where a wire may begin: how often the value has turned until there, what that costs, by which port."""

    bends: int
    cost: int
    port: Port | None


class _Tip(NamedTuple):
    """A point up to which the value has not turned, on a row (axis 0) or a column (1), and which way it goes."""

    axis: int
    line: int
    at: int
    heading: int


def route(lattice: Lattice, demand: Demand) -> bool:
    """Find a wire with at most two bends and lay it; False where there is none."""
    net = lattice.net(demand.net)
    found = _Hunt(lattice, net, demand).best()
    lattice.budget.spend(LOOK)
    if found is None:
        return False
    turns, start, goal = found
    lattice.lay(net, demand, turns, start, goal)
    return True


_Found = tuple[list[Cell], Port | None, Port]  # the corners, the port that is left by, the port that is entered


class _Hunt:
    def __init__(self, lattice: Lattice, net: Net, demand: Demand) -> None:
        self.lattice, self.net = lattice, net
        covered, door, (flat, upright) = lattice.covered, lattice.doorstep, lattice.along
        self.wall = covered.rows, covered.cols
        self.along, self.across = (flat.rows, upright.cols), (upright.rows, flat.cols)
        self.door = door.rows, door.cols
        self.ports = [(p, cost) for p, cost in lattice.starts(demand) if p.access not in net.tree]
        self.own = self._origins()
        self.goals = lattice.goals(demand, net)
        self.stops: tuple[dict[int, int], dict[int, int]] = {}, {}
        self.left: dict[tuple[Cell, int], _Leave | None] = {}
        self.cost, self.found = 1 << 60, None  # type: tuple[int, _Found | None]

    def _origins(self) -> tuple[Mapping[int, int], Mapping[int, int]]:
        """The tree and the ports that are still free, by row and by column."""
        rows, cols = dict(self.net.tree.rows), dict(self.net.tree.cols)
        for port, _ in self.ports:
            x, y = port.access
            rows[y] = rows.get(y, 0) | 1 << x
            cols[x] = cols.get(x, 0) | 1 << y
        return rows, cols

    def best(self) -> _Found | None:
        tips = list(self._tips()) if self.own[0] else []
        for port, cost in self.goals:
            self._to(port, cost, tips)
        return self.found

    def _to(self, port: Port, cost: int, tips: list[_Tip]) -> None:
        """All wires into one goal that may be cheaper than the best so far."""
        goal, way = port.access, (port.out + 2) % 4
        axis = way & 1
        step, aside = (STEP, RAIL) if axis else (RAIL, STEP)  # what a step ahead costs at least, and one across
        line, at = goal if axis else goal[::-1]
        if self._is_own(axis, line, at):
            if goal not in self.net.tree:  # else there would be a fork under the arrowhead
                self._consider([goal], way, cost, port)
            return
        stop = self._stop(axis, line, at, BACK if way < 2 else AHEAD)
        if self._is_own(axis, line, stop):
            self._consider([_cell(axis, line, stop), goal], way, cost, port)
        low, high = (stop + 1, at - 1) if way < 2 else (at + 1, stop - 1)
        cost += BEND
        for corner in self._corners(axis, line, low, high):
            if cost + step * abs(at - corner) < self.cost:
                for side in (BACK, AHEAD):
                    begin = self._stop(1 - axis, corner, line, side)
                    if self._is_own(1 - axis, corner, begin):
                        turns = [_cell(1 - axis, corner, begin), _cell(axis, line, corner), goal]
                        self._consider(turns, way, cost, port)
        cost += BEND
        for tip in tips:
            least = cost + aside * abs(tip.line - line)
            if tip.axis == axis and tip.line != line and least + step * abs(tip.at - at) < self.cost:
                for middle in self._middles(tip, line, low, high):
                    if least + step * (abs(tip.at - middle) + abs(at - middle)) < self.cost:
                        first, second = _cell(axis, tip.line, middle), _cell(axis, line, middle)
                        self._consider([_cell(axis, tip.line, tip.at), first, second, goal], way, cost, port)

    def _tips(self) -> Iterator[_Tip]:
        """Where the value has not turned yet and may run straight on."""
        yield from (self._tip(p.access, p.out) for p, _ in self.ports)
        pieces = self.net.pieces
        for root in (p for p in pieces if p.before < 0):
            line = [p for p in pieces if not p.bends and p.way == root.way and _on_line(root, p)]
            tip = max(line, key=lambda p: _far(root, p))
            yield self._tip(tip.end, tip.way)

    @staticmethod
    def _tip(cell: Cell, way: int) -> _Tip:
        return _Tip(way & 1, *(cell if way & 1 else cell[::-1]), way)

    def _corners(self, axis: int, line: int, low: int, high: int) -> Iterator[int]:
        """Where a wire may turn into a line from what the value has already reached."""
        crossed = self.across[axis][line]
        return (other for other in self.own[1 - axis] if low <= other <= high and not crossed >> other & 1)

    def _middles(self, tip: _Tip, line: int, low: int, high: int) -> Iterator[int]:
        """Where a wire may go across, from the line of a tip to that of the goal."""
        axis, ahead = tip.axis, tip.heading < 2
        stop = self._stop(axis, tip.line, tip.at, AHEAD if ahead else BACK)
        first, last = (tip.at + 1, stop - 1) if ahead else (stop + 1, tip.at - 1)
        crossed, between = self.across[axis][tip.line] | self.across[axis][line], _bits(tip.line, line)
        for middle in range(max(first, low), min(last, high) + 1):
            if not crossed >> middle & 1 and not self._stops(1 - axis, middle) & between:
                yield middle

    # ── lines ──

    def _stops(self, axis: int, line: int) -> int:
        """Where a wire along a line cannot pass."""
        found = self.stops[axis].get(line)
        if found is None:
            found = self.stops[axis][line] = (
                self.wall[axis][line]
                | self.along[axis][line]
                | self.own[axis].get(line, 0)
                | self.door[axis][line] & self.across[axis][line]  # no crossing under an arrowhead
            )
        return found

    def _stop(self, axis: int, line: int, at: int, sign: int) -> int:
        """The first point from `at` on where a wire cannot pass: the border is one."""
        stops = self._stops(axis, line)
        if sign == BACK:
            return (stops & ((1 << at) - 1)).bit_length() - 1
        stops >>= at + 1
        return at + (stops & -stops).bit_length()

    def _is_own(self, axis: int, line: int, at: int) -> bool:
        return bool(self.own[axis].get(line, 0) >> at & 1)

    def _run(self, a: Cell, b: Cell) -> int:
        """What it costs to go straight from one point to another, the first not counted."""
        axis = int(a[0] == b[0])
        line, bits, along = a[1 - axis], _bits(a[axis], b[axis]), self.along[axis]
        price = STEP if axis else self.lattice.row_cost[line]
        return (
            abs(b[axis] - a[axis]) * price
            + CROSS * (self.across[axis][line] & bits).bit_count()
            + DOORSTEP * (self.door[axis][line] & bits).bit_count()
            + NEAR * ((along[line - 1] | along[line + 1]) & bits).bit_count()
        )

    # ── choosing ──

    def _consider(self, cells: list[Cell], way: int, cost: int, port: Port) -> None:
        """Keep a wire if it is the cheapest so far: its bends are in the cost, its last piece goes `way`."""
        for a, b in pairwise(cells):
            cost += self._run(a, b)
            if cost >= self.cost:
                return
        leave = self._leave(cells[0], way_to(cells[0], cells[1]) if len(cells) > 1 else way)
        if leave is None or leave.bends + max(0, len(cells) - 2) > MOST_BENDS:
            return
        cost += leave.cost
        if cost < self.cost:
            self.cost, self.found = cost, (cells, leave.port, port)

    def _leave(self, cell: Cell, way: int) -> _Leave | None:
        """The best way to leave a point of the tree, or a port of the source."""
        if (cell, way) not in self.left:
            self.left[cell, way] = min(self._leaves(cell, way), key=itemgetter(0, 1), default=None)
        return self.left[cell, way]

    def _leaves(self, cell: Cell, way: int) -> Iterator[_Leave]:
        net = self.net
        for port, cost in self.ports:
            if port.access == cell and way != (port.out + 2) % 4:
                turn = int(way != port.out)
                yield _Leave(turn, cost + BEND * turn, port)
        if cell in net.tree and not self.lattice.foreign(cell, net) and not net.arrives(cell):
            piece = net.pieces[net.piece(cell)]
            turn = int(way != piece.way)
            yield _Leave(piece.bends + turn, piece.bends * FORK_BEND + BEND * turn, None)


def _cell(axis: int, line: int, at: int) -> Cell:
    """A point on a row (axis 0) or a column (1)."""
    return (line, at) if axis else (at, line)


def _bits(start: int, end: int) -> int:
    """The points from one to another, the first left out."""
    return (2 << end) - (2 << start) if end > start else (1 << start) - (1 << end)


def _far(root: Piece, piece: Piece) -> int:
    """How far from the source a piece ends."""
    return abs(piece.end[0] - root.start[0]) + abs(piece.end[1] - root.start[1])


def _on_line(root: Piece, piece: Piece) -> bool:
    axis = root.way & 1
    return piece.end[1 - axis] == root.start[1 - axis]
