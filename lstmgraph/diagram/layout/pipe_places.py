"""Where everything stands in the pipe style: rows from the pipes down to the rails, columns, the border, the outside.

Which operations share a column is decided in `columns`; here they get coordinates, in lattice steps.
"""

from __future__ import annotations

from dataclasses import dataclass

from lstmgraph.diagram.graph import Edge, Node, base_of
from lstmgraph.diagram.layout.anatomy import Anatomy
from lstmgraph.diagram.layout.arrange import Arrangement, Column
from lstmgraph.diagram.layout.budget import Unroutable
from lstmgraph.diagram.layout.columns import spread
from lstmgraph.diagram.layout.plan import Plan, Spot
from lstmgraph.diagram.layout.shapes import JOIN, Form, form_of
from lstmgraph.diagram.layout.terms import terms, wings
from lstmgraph.diagram.scene import Box, again

ROW = 7  # lattice steps from row to row
GAP = 6  # between the sums of neighbouring networks
PAD = 4  # from the outermost nodes to the border
TRUNK = 2  # place of a trunk among the operands of a sum, see `_from_left`
TERMS = 5  # from one term of a sum to the next
WING = 3  # between a sum and a term beside it


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

    def __init__(self, a: Anatomy, room: Room, arrangement: Arrangement) -> None:
        self.a, self.room, self.arrangement = a, room, arrangement
        self.plan = Plan(a.graph, "pipe")
        self.on_pipe = a.on_pipe
        self.terms = terms(a)
        self.wings = wings(a, self.terms)
        self.bottom = self._bottom_operands()
        self.forms = {n.id: self._form(n.id) for n in a.graph.nodes}
        self.trunk, self.joined = self._trunk()
        self.slots = {id: self._slots(id) for id in self.bottom}

    # ── what goes where ──

    def _form(self, id: str) -> Form:
        node = self.a.node[id]
        return form_of(node, len(self.a.into[id]), wide_sums=True, look=self.a.graph.look)

    def _is_rail(self, id: str) -> bool:
        """Inputs, biases and previous outputs come from below; memories come from the pipe."""
        node = self.a.node[id]
        if node.kind == "previous":
            return base_of(node) not in self.a.pipes
        return node.kind in ("input", "bias", "constant")

    def _bottom_operands(self) -> dict[str, list[Edge]]:
        """For each sum the edges that enter it from below."""
        beside = {term for sides in self.wings.values() for term in sides.values()}
        below = {id for id in self.terms if id not in beside}
        return {
            n.id: [e for e in self.a.into[n.id] if self._is_rail(e.source) or e.source in below]
            for n in self.a.of_kind("sum")
        }

    def _trunk(self) -> tuple[list[str], list[str]]:
        """(values, sums): rail values that always go to several sums together and so run as one line."""
        rails = [n.id for n in self.a.of_kind("previous", "input") if self._is_rail(n.id)]
        fed = {r: {s for s, edges in self.bottom.items() if any(e.source == r for e in edges)} for r in rails}
        best: tuple[int, list[str], list[str]] = (0, [], [])
        for first in rails:
            values, sums = [first], fed[first]
            for other in rails:
                if (
                    other != first
                    and len(sums & fed[other]) >= 2
                    and any(self.a.node[v].kind == "previous" for v in (first, other))
                ):
                    values.append(other)
                    sums = sums & fed[other]
            gain = len(sums) * (len(values) - 1)
            if len(sums) > 1 and gain > best[0]:
                best = gain, values, sorted(sums, key=self.a.index.__getitem__)
        return best[1], best[2]

    def _slots(self, id: str) -> dict[str, int]:
        """Offsets of the operands along the bottom of a sum; the trunk or the first input stands in the middle."""
        edges = self.bottom[id]
        rest = [e for e in edges if not (id in self.joined and e.source in self.trunk)]
        named = [(self._from_left(e.source), e.operand, e.id) for e in rest]
        names = [name for _, _, name in sorted(named + ([(TRUNK, 0, "trunk")] if id in self.joined else []))]
        source = {e.id: e.source for e in rest}
        places = {}
        at = 0
        for before, name in zip([None, *names], names, strict=False):
            at += 0 if before is None else self._apart(source.get(before, ""), source.get(name, ""))
            places[name] = at
        inputs = [e.id for e in rest if self._origin(e.source).kind == "input"]
        middle = places.get("trunk", places[inputs[0]] if inputs else 0) if places else 0
        if any(e.source in self.terms for e in rest):
            middle = (min(places.values()) + max(places.values())) // 2
        places = {name: x - middle for name, x in places.items()}
        extent = max([abs(x) for x in places.values()], default=0)
        if extent > 3:
            self.forms[id] = Form("box", 16 * extent + 36, 36)
        return places

    def _origin(self, id: str) -> Node:
        """Where an operand of a sum comes from, the product apart that scales it."""
        return self.a.node[self.a.into[id][0].source if id in self.terms else id]

    def _from_left(self, id: str) -> int:
        """The order of operands along the bottom of a sum: what comes down from other operations first."""
        return {"previous": 1, "input": 3, "constant": 4, "bias": 4}.get(self._origin(id).kind, 0)

    def _apart(self, *sources: str) -> int:
        """How far apart two operands of a sum enter from below."""
        wide = sum(s in self.terms for s in sources)
        small = sum(s in self.a.node and self.a.node[s].kind in ("bias", "constant") for s in sources)
        return TERMS if wide + small == 2 and wide else 4 if small == 2 else 3 if wide else 2

    # ── coordinates ──

    def place(self) -> None:
        xs = spread(self.arrangement.columns, self._needs())
        rows = self._rows()
        for x, column in zip(xs, self.arrangement.columns, strict=True):
            self._stand(column, x, rows)
        self._terms()
        self._biases()
        self._outside(rows)

    def _needs(self) -> dict[tuple[int, int], int]:
        """The least distance of every two columns, from what stands in the same row."""
        occupied = [self._extents(c) for c in self.arrangement.columns]
        found = {}
        for k, right in enumerate(occupied):
            for j, left in enumerate(occupied[:k]):
                least = 5 + self.room.apart if k - j == 1 else 0
                for row in left.keys() & right.keys():
                    gap = self.room.gap if row == ("level", -1) else 3 + self.room.apart
                    least = max(least, left[row][1] + right[row][0] + gap)
                found[j, k] = least
        return found

    def _extents(self, column: Column) -> dict[tuple[str, int], tuple[int, int]]:
        """For each row of a column, how far it reaches to the left and to the right."""
        order = self.arrangement.order
        found = {("level", k): self._reaches(id) for k, id in column.cells.items()}
        return found | {("pipe", order.index(b)): self._reaches(id) for b, id in column.pipes.items()}

    def _reaches(self, id: str) -> tuple[int, int]:
        """How far a node reaches to the left and to the right, with the terms beside it."""
        beside = {side: self._aside(id, term) + self.forms[term].reach()[0] for side, term in self._wings(id).items()}
        own = self.forms[id].reach()[0]
        return beside.get(-1, own), beside.get(1, own)

    def _wings(self, id: str) -> dict[int, str]:
        return self.wings.get(id, {})

    def _aside(self, id: str, term: str) -> int:
        """From a sum to a term beside it."""
        return self.forms[id].reach()[0] + WING + self.forms[term].reach()[0]

    def _rows(self) -> dict[int | str, int]:
        """y of each level and of each pipe."""
        y: dict[int | str, int] = {}
        at = 0
        for base in reversed(self.arrangement.order):
            y[base] = at
            at += self.room.row
        used = {level for column in self.arrangement.columns for level in column.cells}
        for level in range(self.arrangement.levels, -2, -1):
            y[level] = at
            at += self.room.row if level or 0 in used else 0  # without activations there is no row for them
        return y

    def _stand(self, column: Column, x: int, rows: dict[int | str, int]) -> None:
        for level, id in column.cells.items():
            self._put(id, (x, rows[level]))
        for base, id in column.pipes.items():
            self._put(id, (x, rows[base]))

    def _put(self, id: str, at: tuple[int, int], outside: bool = False, name: str = "") -> None:
        self.plan.stand(self.a.node[id], self.forms[id], at, self.a.out[id] or self.a.into[id], outside, name)

    def _terms(self) -> None:
        """Terms stand below their sum where they enter it, or beside it."""
        for term, sum in self.terms.items():
            x, y = self.plan.spots[sum].at
            side = next((side for side, other in self._wings(sum).items() if other == term), 0)
            if side:
                self._put(term, (x + side * self._aside(sum, term), y))
            else:
                self._put(term, (x + self.slots[sum][self.a.out[term][0].id], y + self.room.row))

    def _biases(self) -> None:
        """Biases and constants: small circles under their sum, or left below their operator."""
        for node in self.a.of_kind("bias", "constant"):
            edge = self.a.out[node.id][0]
            target = self.plan.spots.get(edge.target)
            if target is None:
                raise Unroutable(f"{node.id} is no operand of an operation that it could stand below")
            if edge.target in self.slots:
                below = self.room.row if any(sum == edge.target for sum in self.terms.values()) else 6
                self._put(node.id, (target.at[0] + self.slots[edge.target][edge.id], target.at[1] + below))
            else:
                self._put(node.id, self._free_place(target))

    def _free_place(self, target: Spot) -> tuple[int, int]:
        """Near an operator, where nothing stands yet."""
        for far in range(6, 40):
            for dx, dy in ((-far, far), (far, far), (-far, 0), (far, 0), (-far, -far), (far, -far)):
                at = target.at[0] + dx, target.at[1] + dy
                if all(
                    abs(at[0] - s.at[0]) > s.form.reach()[0] + 3 or abs(at[1] - s.at[1]) > s.form.reach()[1] + 3
                    for s in self.plan.spots.values()
                ):
                    return at
        raise Unroutable(target.id)

    # ── the border and what stands outside ──

    def _outside(self, rows: dict[int | str, int]) -> None:
        spots = list(self.plan.spots.values())
        left = min(s.at[0] - s.form.reach()[0] for s in spots) - self.room.pad - 2
        right = max(s.at[0] + s.form.reach()[0] for s in spots) + self.room.pad
        floor = max(s.at[1] + s.form.reach()[1] + self._below(s.id) for s in spots)
        states = self.arrangement.rails
        self.plan.rails = [floor + 2 + 3 * k for k in range(max(1, len(states) + self._extra_rails()))]
        state_rows = [floor + 2 + 6 * k for k in range(len(states))]
        bottom = max([*self.plan.rails, *state_rows]) + self.room.pad + (6 if self._copies() else 0)
        top = (
            min([s.at[1] - s.form.reach()[1] for s in spots] + [rows[b] - 2 for b in self.a.pipes]) - self.room.pad + 1
        )
        ups = self._ups()
        right += 3 * sum(edge.target not in self.arrangement.above for edge, _ in ups)
        self.plan.border = Box(left, top, right, bottom)
        self._sides(left - 5, right + 5, rows, dict(zip(states, state_rows, strict=True)))
        xs: list[int] = []
        for edge, name in reversed(ups):
            x = self._exit(edge, right - self.room.pad)
            while any(abs(x - other) < 5 for other in xs):
                x -= 1
            xs.append(x)
            self._put(edge.target, (x, top - 5), outside=True, name=name)
        self._inputs(left, bottom + 5)

    def _exit(self, edge: Edge, right: int) -> int:
        """Where a value leaves upward: at the right end, or just right of where it is computed."""
        spot = self.plan.spots.get(edge.source)
        if edge.target not in self.arrangement.above or spot is None or spot.outside:
            return right
        return min(right, spot.at[0] + spot.form.reach()[0] + 2)

    def _copies(self) -> list[str]:
        """The lowest state without a pipe, if its next value is an input: that one comes in below the rails."""
        lowest = self.arrangement.rails[-1:]
        ends = {b: self.a.into[self.a.next[b]][0].source for b in lowest if b in self.a.next}
        return [b for b, source in ends.items() if self.a.node[source].kind == "input"]

    def _below(self, id: str) -> int:
        """Room under a network for its arrows and what is written beside them."""
        look = self.a.graph.look
        labels = id in self.slots and (look.weights or look.sizes)
        return int(id in self.terms) + (2 if id in self.joined else 0) + (2 if labels else 0)

    def _extra_rails(self) -> int:
        return sum(1 for n in self.a.of_kind("input") if n.id not in self.trunk and len(self.a.out[n.id]) > 1)

    def _ups(self) -> list[tuple[Edge, str]]:
        """What leaves upward: values that are not states; the output once more if at most one pipe is in its way."""
        found = []
        for node in self.a.of_kind("next"):
            edge = self.a.into[node.id][0]
            if node.id in self.a.exits():
                found.append((edge, ""))
            elif base_of(node) == self.a.graph.output and (base_of(node) in self.a.pipes or len(self.a.pipes) <= 1):
                found.append((edge, again(node.id)))
        return found

    def _sides(self, left: int, right: int, rows: dict[int | str, int], rails: dict[str, int]) -> None:
        for base, id in self.a.previous.items():
            y = rows[base] if base in self.a.pipes else rails[base]
            self._put(id, (left, y), outside=True)
            if base in self.a.next:
                self._put(self.a.next[base], (right, y + (6 if base in self._copies() else 0)), outside=True)

    def _inputs(self, left: int, y: int) -> None:
        """Inputs stand below the border: joined ones under the join, others under the first thing that they feed."""
        if self.trunk:
            pair = len(self.trunk) == 2
            inputs = sum(1 for v in self.trunk if self.a.node[v].kind == "input")
            form = JOIN if pair else Form("box", 8, 16 * len(self.trunk) - 4)
            x = self._first_stop() if pair else left + 4 + 5 * max(0, inputs - 1)
            self.plan.put(Spot("join", form, (x, self._trunk_row()), "trunk", "join"))
        taken: list[int] = []
        for node in self.a.of_kind("input"):
            x = self._input_column(node.id, left)
            while any(abs(x - other) < 6 for other in taken):
                x += 1
            taken.append(x)
            self._put(node.id, (x, y), outside=True)

    def _trunk_row(self) -> int:
        """The row of the first state that joins: it runs straight into the trunk."""
        states = [base_of(self.a.node[v]) for v in self.trunk if self.a.node[v].kind == "previous"]
        return min((self.plan.spots[self.a.previous[b]].at[1] for b in states), default=self.plan.rails[0])

    def _first_stop(self) -> int:
        """The column in which a trunk enters its first sum; a pair joins right below it."""
        first = self._first_joined()
        return self.plan.spots[first].at[0] + self.slots[first]["trunk"]

    def _first_joined(self) -> str:
        return min(self.joined, key=lambda s: self.plan.spots[s].at)

    def _input_column(self, id: str, left: int) -> int:
        if id in self.trunk:
            return self._first_stop() if len(self.trunk) == 2 else left + 4
        fed = [e for e in self.a.out[id] if e.target in self.plan.spots and not self.plan.spots[e.target].outside]
        if not fed:
            return left + 4
        first = min(fed, key=lambda e: self.plan.spots[e.target].at)
        spot = self.plan.spots[first.target]
        if id in self.arrangement.aside:
            return max(left + 4, spot.at[0] - spot.form.reach()[0] - 3)
        return spot.at[0] + self.slots.get(first.target, {}).get(first.id, 0)
