"""Where everything stands in the pipe style: rows from the pipes down to the rails, columns, the border, the outside.

Which operations share a column is decided in `columns`; here they get coordinates, in lattice steps.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass

from lstmgraph.diagram.graph import OPERATIONS, Edge
from lstmgraph.diagram.layout.arrange import BESIDE, OVER, SUM_LEVEL, Arrangement, Column
from lstmgraph.diagram.layout.budget import Unroutable
from lstmgraph.diagram.layout.columns import Needs, spread
from lstmgraph.diagram.layout.pipe_parts import Parts
from lstmgraph.diagram.layout.plan import Plan, Spot
from lstmgraph.diagram.layout.shapes import JOIN
from lstmgraph.diagram.scene import Box

ROW = 7  # lattice steps from row to row
GAP = 6  # between the sums of neighbouring networks
PAD = 4  # from the outermost nodes to the border
BETWEEN = 6  # between the middles of what stands one above another outside


@dataclass(frozen=True)
class Room:
    """How much space the layout leaves; more on every try."""

    row: int = ROW
    gap: int = GAP
    pad: int = PAD
    apart: int = 0  # between columns, besides what they need at least

    @classmethod
    def larger(cls, k: int) -> Room:
        """The room of try k."""
        return cls(ROW + k, GAP + 2 * k, PAD + k, 2 * k)


class Places:
    """Puts every node of a graph in its place; `PipePlan` adds the wires."""

    def __init__(self, parts: Parts, room: Room, arrangement: Arrangement) -> None:
        self.parts, self.room, self.arrangement = parts, room, arrangement
        self.a = parts.a
        self.plan = Plan(self.a.graph, "pipe")

    # ── coordinates ──

    def placed(self) -> Plan:
        """The plan with everything in its place, without wires."""
        xs = spread(self.arrangement.columns, self._needs())
        rows = self._rows()
        for x, column in zip(xs, self.arrangement.columns, strict=True):
            self._stand(column, x, rows)
        self._terms()
        self._biases(rows[SUM_LEVEL])
        self._outside(rows)
        return self.plan

    def _needs(self) -> Needs:
        """How far each column is at least from the one left of it, and from the next one in each of its rows."""
        order, last = self.arrangement.order, dict[object, tuple[int, int]]()  # row -> (column, its reach to the right)
        found: Needs = []
        for k, column in enumerate(self.arrangement.columns):
            needs = {k - 1: 5 + self.room.apart} if k else {}
            rows = [*column.cells.items(), *((("pipe", order.index(b)), id) for b, id in column.pipes.items())]
            for row, id in ((SUM_LEVEL if row == BESIDE else row, id) for row, id in rows):
                left, right = self.parts.reaches[id]
                if row in last:
                    j, before = last[row]
                    gap = self.room.gap if row == SUM_LEVEL else 3 + self.room.apart
                    needs[j] = max(needs.get(j, 0), before + left + gap)
                last[row] = k, right
            found.append(needs)
        return found

    def _rows(self) -> dict[int | str, int]:
        """y of each level and of each pipe."""
        y: dict[int | str, int] = {}
        at = 0
        used = {level for column in self.arrangement.columns for level in column.cells}
        for k, base in reversed([*enumerate(self.arrangement.order)]):
            y[OVER + k] = at
            y[base] = at = at + (self.room.row if OVER + k in used else 0)
            at += self.room.row
        for level in range(self.arrangement.levels, -2, -1):
            y[level] = at
            at += self.room.row if level or 0 in used else 0  # without activations there is no row for them
        y[BESIDE] = y[SUM_LEVEL]
        return y

    def _stand(self, column: Column, x: int, rows: dict[int | str, int]) -> None:
        for level, id in column.cells.items():
            self._put(id, (x, rows[level]))
        for base, id in column.pipes.items():
            self._put(id, (x, rows[base]))

    def _put(self, id: str, at: tuple[int, int], outside: bool = False, name: str = "") -> None:
        node, of = self.a.node[id], id if name else ""
        self.plan.put(Spot(name or id, self.parts.forms[id], at, self.parts.roles[id], node.kind, node, of, outside))

    def _terms(self) -> None:
        """Terms stand below their sum where they enter it, or beside it."""
        for term, sum in self.parts.terms.items():
            x, y = self.plan.spots[sum].at
            side = next((side for side, other in self.parts.beside(sum).items() if other == term), 0)
            if side:
                self._put(term, (x + side * self.parts.aside(sum, term), y))
            else:
                self._put(term, (x + self.parts.slots[sum][self.a.out[term][0].id], y + self.room.row))

    def _biases(self, row: int) -> None:
        """Biases and constants: small circles under their sum, or left below their operator."""
        for node in self.a.of_kind("bias", "constant"):
            edge = self.a.out[node.id][0]
            target = self.plan.spots.get(edge.target)
            if target is None:
                raise Unroutable(f"{node.id} is no operand of an operation that it could stand below")
            if edge.target in self.parts.slots:
                below = self.room.row if any(sum == edge.target for sum in self.parts.terms.values()) else 6
                at = target.at[0] + self.parts.slots[edge.target][edge.id], target.at[1] + below
                operations = (s for s in self.plan.spots.values() if s.kind in OPERATIONS)
                if target.at[1] != row and not _is_free(at, 2, operations):  # below the row of networks all is free
                    raise Unroutable(f"{node.id} has no room under {edge.target}")
                self._put(node.id, at)
            else:
                self._put(node.id, self._free_place(target))

    def _free_place(self, target: Spot) -> tuple[int, int]:
        """Near an operator, where nothing stands yet."""
        for far in range(6, 40):
            for dx, dy in ((-far, far), (far, far), (-far, 0), (far, 0), (-far, -far), (far, -far)):
                at = target.at[0] + dx, target.at[1] + dy
                if _is_free(at, 3, self.plan.spots.values()):
                    return at
        raise Unroutable(target.id)

    # ── the border and what stands outside ──

    def _outside(self, rows: dict[int | str, int]) -> None:
        spots = list(self.plan.spots.values())
        left = min(s.at[0] - s.form.reach()[0] for s in spots) - self.room.pad - 2
        right = max(s.at[0] + s.form.reach()[0] for s in spots) + self.room.pad
        if self.parts.bar:
            left = min(left, self._bar() - self.parts.bar_form().reach()[0] - self.room.pad)
        floor = max(s.at[1] + s.form.reach()[1] + self.parts.below(s.id) for s in spots)
        if self.arrangement.raised:
            floor = max(floor, rows[SUM_LEVEL] + 4)
        states = self._low()
        self.plan.rails = [floor + 2 + 3 * k for k in range(max(1, len(states) + self.parts.extra_rails()))]
        state_rows = [floor + 2 + 6 * k for k in range(len(states))]
        bottom = max([*self.plan.rails, *state_rows]) + self.room.pad + (6 if self._copies() else 0)
        top = (
            min([s.at[1] - s.form.reach()[1] for s in spots] + [rows[b] - 2 for b in self.a.pipes]) - self.room.pad + 1
        )
        ups = [up for up in self.parts.ups if up[0].target not in self.arrangement.beside]
        right += 3 * sum(edge.target not in self.arrangement.above for edge, _ in ups)
        self.plan.border = Box(left, top, right, bottom)
        lines = dict(zip(states, state_rows, strict=True)) | {self.arrangement.raised: rows[SUM_LEVEL]}
        self._sides(left - self._aside("previous"), right + self._aside("next"), rows, lines)
        self._beside(right + self._aside("next"))
        taken: dict[int, str] = {}
        for edge, name in reversed(ups):
            x = self._exit(edge, right - self.room.pad)
            while any(abs(x - other) < self.parts.apart(edge.target, id) - 1 for other, id in taken.items()):
                x -= 1
            taken[x] = edge.target
            self._put(edge.target, (x, top - 5), outside=True, name=name)
        self._inputs(left, bottom + 5)

    def _aside(self, kind: str) -> int:
        """From the border to the middle of what stands beside it."""
        return 3 + max((self.parts.forms[n.id].reach()[0] for n in self.a.graph.nodes if n.kind == kind), default=0)

    def _exit(self, edge: Edge, right: int) -> int:
        """Where a value leaves upward: at the right end, or over where it is computed, right of what stands there."""
        spot = self.plan.spots.get(edge.source)
        if edge.target not in self.arrangement.above or spot is None or spot.outside:
            return right
        over = (s for s in self.plan.spots.values() if s.at[1] < spot.at[1] and not s.outside)
        free = all(abs(s.at[0] - spot.at[0]) > s.form.reach()[0] for s in over)
        return spot.at[0] if free else min(right, spot.at[0] + spot.form.reach()[0] + 2)

    def _low(self) -> list[str]:
        """The states that run along the bottom."""
        raised = self.arrangement.raised
        if raised and (self.a.previous[raised] in self.parts.trunk or not self.parts.slots):
            raise Unroutable(f"{raised} joins others at the bottom, or there is no row of networks")
        return [base for base in self.arrangement.rails if base != raised]

    def _copies(self) -> list[str]:
        """The lowest state without a pipe, if its next value is an input: that one comes in below the rails."""
        lowest = self._low()[-1:]
        ends = {b: self.a.into[self.a.next[b]][0].source for b in lowest if b in self.a.next}
        return [b for b, source in ends.items() if self.a.node[source].kind == "input"]

    def _sides(self, left: int, right: int, rows: dict[int | str, int], rails: dict[str, int]) -> None:
        for base, id in self.a.previous.items():
            y = rows[base] if base in self.a.pipes else rails[base]
            self._put(id, (left, y), outside=True)
            if base in self.a.next:
                self._put(self.a.next[base], (right, y + (6 if base in self._copies() else 0)), outside=True)

    def _beside(self, right: int) -> None:
        """What leaves to the right without being a state: as near to the row of its source as there is room."""
        taken = [self.plan.spots[id].at[1] for id in self.a.next.values() if id in self.plan.spots]
        for edge in (edge for edge, _ in self.parts.ups if edge.target in self.arrangement.beside):
            y = self.plan.spots[edge.source].at[1]
            steps = itertools.chain([y], (y + far for k in itertools.count(1) for far in (k, -k)))
            taken.append(next(at for at in steps if all(abs(at - other) >= BETWEEN for other in taken)))
            self._put(edge.target, (right, taken[-1]), outside=True)

    def _inputs(self, left: int, y: int) -> None:
        """Inputs stand below the border: joined ones under the join, others under the first thing that they feed."""
        if self.parts.trunk:
            form, x = (self.parts.bar_form(), self._bar()) if self.parts.bar else (JOIN, self._first_stop())
            self.plan.put(Spot("join", form, (x, self._trunk_row()), "trunk", "join"))
        taken: dict[int, str] = {}
        for node in sorted(self.a.of_kind("input"), key=lambda n: n.id not in self.parts.trunk):
            x = self._input_column(node.id, left)
            while any(abs(x - other) < self.parts.apart(node.id, id) for other, id in taken.items()):
                x += 1
            taken[x] = node.id
            self._put(node.id, (x, y), outside=True)

    def _trunk_row(self) -> int:
        """The row of the first state that joins: it runs straight into the trunk."""
        states = [v for v in self.parts.trunk if self.a.node[v].kind == "previous" and v not in self.parts.tapped]
        return min((self.plan.spots[v].at[1] for v in states), default=self.plan.rails[0])

    def _bar(self) -> int:
        """The column of the bar at which a trunk of more than two begins: its last port is under the first sum, or
        all of it left of everything where an old memory comes down on it.
        """
        if not self.parts.tapped:
            return self._first_stop() - max(at for _, at in self.parts.bar.values())
        left = min(s.at[0] - s.form.reach()[0] for s in self.plan.spots.values() if not s.outside)
        return left - 1 - self.parts.bar_form().reach()[0]

    def _first_stop(self) -> int:
        """The column in which a trunk enters its first sum; a pair joins right below it."""
        first = self.first_joined()
        return self.plan.spots[first].at[0] + self.parts.slots[first]["trunk"]

    def first_joined(self) -> str:
        return min(self.parts.joined, key=lambda s: self.plan.spots[s].at, default="")

    def _input_column(self, id: str, left: int) -> int:
        if id in self.parts.bar:
            return self._bar() + self.parts.bar[id][1]
        if id in self.parts.trunk:
            return self._first_stop()
        fed = [e for e in self.a.out[id] if e.target in self.plan.spots and not self.plan.spots[e.target].outside]
        if not fed:
            return left + 4
        first = min(fed, key=lambda e: self.plan.spots[e.target].at)
        spot = self.plan.spots[first.target]
        if id in self.arrangement.aside:
            return max(left + 4, spot.at[0] - spot.form.reach()[0] - 3)
        return spot.at[0] + self.parts.slots.get(first.target, {}).get(first.id, 0)


def _is_free(at: tuple[int, int], air: int, spots: Iterable[Spot]) -> bool:
    """Whether none of these stands there, nor so near."""
    return all(
        abs(at[0] - s.at[0]) > s.form.reach()[0] + air or abs(at[1] - s.at[1]) > s.form.reach()[1] + air for s in spots
    )
