"""The cheapest wire with at most two bends: straight, one corner, or two; few enough to look at all of them.

A wire is looked for backwards from each goal: along the straight last piece, and from there across to what the value
has already reached.  Lines of the lattice are bits of whole numbers, so whether a stretch is free is one operation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import NamedTuple

from lstmgraph.diagram.layout.costs import BEND, CROSS, DOORSTEP, FORK_BEND, MOST_BENDS, NEAR, RAIL, STEP
from lstmgraph.diagram.layout.lattice import Cell, Demand, Lattice, Net, Piece, way_to
from lstmgraph.diagram.layout.shapes import Port

LOOK = 10  # what looking for one wire costs, in steps of a search
AHEAD, BACK = 1, -1


class _Place(NamedTuple):
    """A point on a line: axis 0 is a row, 1 a column."""

    axis: int
    line: int
    at: int

    def cell(self) -> Cell:
        return (self.line, self.at) if self.axis else (self.at, self.line)


class _Leave(NamedTuple):
    """Where a wire may begin: how often the value has turned until there, which way it goes, what that costs."""

    bends: int
    heading: int
    cost: int
    port: Port | None


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
            way = (port.out + 2) % 4
            axis = way & 1
            x, y = port.access
            goal = _Place(axis, x, y) if axis else _Place(axis, y, x)
            self._to(goal, way, port, cost, tips)
        return self.found

    def _to(self, goal: _Place, way: int, port: Port, cost: int, tips: list[tuple[_Place, int]]) -> None:
        """All wires into one goal."""
        axis, line, at = goal
        if self._is_own(axis, line, at):
            if port.access not in self.net.tree:  # else there would be a fork under the arrowhead
                self._consider([goal], way, cost, port)
            return
        sign = AHEAD if way < 2 else BACK
        stop = self._stop(axis, line, at, -sign)
        if self._is_own(axis, line, stop):
            self._consider([_Place(axis, line, stop), goal], way, cost, port)
        low, high = (stop + 1, at - 1) if sign == AHEAD else (at + 1, stop - 1)
        if low > high:
            return
        crossed = self.across[axis][line]
        for other in self.own[1 - axis]:
            if low <= other <= high and not crossed >> other & 1:
                corner = _Place(1 - axis, other, line)
                for side in (BACK, AHEAD):
                    begin = self._stop(1 - axis, other, line, side)
                    if self._is_own(1 - axis, other, begin):
                        self._consider([_Place(1 - axis, other, begin), corner, goal], way, cost, port)
        for tip, heading in tips:
            if tip.axis == axis and tip.line != line:
                for middle in self._middles(tip, heading, goal, low, high):
                    turns = [tip, _Place(axis, tip.line, middle), _Place(axis, line, middle), goal]
                    self._consider(turns, way, cost, port)

    def _tips(self) -> Iterator[tuple[_Place, int]]:
        """Where the value has not turned yet and may run straight on."""
        yield from ((self._place(p.access, p.out & 1), p.out) for p, _ in self.ports)
        pieces = self.net.pieces
        for root in (p for p in pieces if p.before < 0):
            line = [p for p in pieces if not p.bends and p.way == root.way and _on_line(root, p)]
            tip = max(line, key=lambda p: _far(root, p))
            yield self._place(tip.end, tip.way & 1), tip.way

    @staticmethod
    def _place(cell: Cell, axis: int) -> _Place:
        return _Place(axis, cell[0], cell[1]) if axis else _Place(axis, cell[1], cell[0])

    def _middles(self, tip: _Place, heading: int, goal: _Place, low: int, high: int) -> Iterator[int]:
        """Where a wire may go across, from the line of a tip to that of the goal."""
        axis, sign = tip.axis, AHEAD if heading < 2 else BACK
        stop = self._stop(axis, tip.line, tip.at, sign)
        first, last = (tip.at + 1, stop - 1) if sign == AHEAD else (stop + 1, tip.at - 1)
        crossed = self.across[axis][tip.line] | self.across[axis][goal.line]
        for middle in range(max(first, low), min(last, high) + 1):
            if not crossed >> middle & 1 and not self._stops(1 - axis, middle) & _bits(tip.line, goal.line):
                yield middle

    # ── lines ──

    def _stops(self, axis: int, line: int) -> int:
        """Where a wire along a line cannot pass."""
        return (
            self.wall[axis][line]
            | self.along[axis][line]
            | self.own[axis].get(line, 0)
            | self.door[axis][line] & self.across[axis][line]  # no crossing under an arrowhead
        )

    def _stop(self, axis: int, line: int, at: int, sign: int) -> int:
        """The first point from `at` on where a wire cannot pass: the border is one."""
        stops = self._stops(axis, line)
        if sign == BACK:
            return (stops & ((1 << at) - 1)).bit_length() - 1
        stops >>= at + 1
        return at + (stops & -stops).bit_length()

    def _is_own(self, axis: int, line: int, at: int) -> bool:
        return bool(self.own[axis].get(line, 0) >> at & 1)

    def _run(self, axis: int, line: int, start: int, end: int) -> int:
        """What it costs to go along a line, the start not counted."""
        bits, along = _bits(start, end), self.along[axis]
        price = STEP if axis else self.lattice.row_cost[line]
        return (
            abs(end - start) * price
            + CROSS * (self.across[axis][line] & bits).bit_count()
            + DOORSTEP * (self.door[axis][line] & bits).bit_count()
            + NEAR * ((along[line - 1] | along[line + 1]) & bits).bit_count()
        )

    # ── choosing ──

    def _consider(self, turns: list[_Place], way: int, cost: int, port: Port) -> None:
        """Keep a wire if it is the cheapest so far; its last piece goes `way`."""
        cells = [turn.cell() for turn in turns]
        first = way_to(cells[0], cells[1]) if len(cells) > 1 else way
        cost += BEND * max(0, len(cells) - 2)
        if cost + RAIL * sum(abs(a[0] - b[0]) + abs(a[1] - b[1]) for a, b in pairwise(cells)) >= self.cost:
            return
        leave = min(self._leaves(cells[0], first), default=None)
        if leave is None or leave.bends + max(0, len(cells) - 2) > MOST_BENDS:
            return
        cost += leave.cost
        for k, (a, b) in enumerate(pairwise(cells)):
            if cost >= self.cost:
                return
            axis = int(a[0] == b[0]) if k or len(cells) > 1 else 0
            cost += self._run(axis, a[1 - axis], a[axis], b[axis])
        if cost < self.cost:
            self.cost, self.found = cost, (cells, leave.port, port)

    def _leaves(self, cell: Cell, way: int) -> Iterator[_Leave]:
        """How a wire may leave a point of the tree, or a port of the source."""
        net = self.net
        for port, cost in self.ports:
            if port.access == cell and way != (port.out + 2) % 4:
                turn = int(way != port.out)
                yield _Leave(turn, way, cost + BEND * turn, port)
        if cell in net.tree and not self.lattice.foreign(cell, net) and not net.arrives(cell):
            piece = net.pieces[net.piece(cell)]
            turn = int(way != piece.way)
            yield _Leave(piece.bends + turn, way, piece.bends * FORK_BEND + BEND * turn, None)


def _bits(start: int, end: int) -> int:
    """The points from one to another, the first left out."""
    return (2 << end) - (2 << start) if end > start else (1 << start) - (1 << end)


def _far(root: Piece, piece: Piece) -> int:
    """How far from the source a piece ends."""
    return abs(piece.end[0] - root.start[0]) + abs(piece.end[1] - root.start[1])


def _on_line(root: Piece, piece: Piece) -> bool:
    axis = root.way & 1
    return piece.end[1 - axis] == root.start[1 - axis]
