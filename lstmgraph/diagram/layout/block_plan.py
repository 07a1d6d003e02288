"""The plan of a cell-block: coordinates for a placement, what is repeated outside, and the wires that are wanted.

Each network has its own inputs, repeated outside the border.  Dashed wires carry values of the previous step; what
carries the new memory leaves only from the Cell, solid.  A memory's previous and next value are both the Cell.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace

from lstmgraph.diagram.graph import Edge, base_of
from lstmgraph.diagram.layout.anatomy import Anatomy, cell_id
from lstmgraph.diagram.layout.block_grid import ACTIVATIONS, Grid, externals, inner_ends, is_external
from lstmgraph.diagram.layout.budget import Unroutable
from lstmgraph.diagram.layout.plan import ANY, Plan, Sides, Spot, Want
from lstmgraph.diagram.layout.shapes import CELL, DOWN, EXTERNAL, LEFT, MEMORY, RIGHT, UP, Form, apart, form_of
from lstmgraph.diagram.scene import Box, again

GAP = 3  # lattice steps between the reaches of neighbouring nodes
STACK = 6  # between repeated inputs
SIDES = 3  # of a sum that its operands may enter by
ALIKE = 3  # inputs of one kind that stand nearer than that to one line are to stand on it
PAD = 5  # from the outermost nodes to the border
UNMEANT = 100  # what it costs a wire to use another port than the search meant


@dataclass(frozen=True)
class Room:
    across: int = GAP
    down: int = GAP
    pad: int = PAD


def planned(a: Anatomy, grid: Grid, room: Room) -> Plan:
    """The plan of a placement with so much room; raises `Unroutable` where an input has no place outside."""
    return _Builder(a, grid, room).build()


class _Builder:
    def __init__(self, a: Anatomy, grid: Grid, room: Room) -> None:
        self.a, self.room = a, room
        self.plan = Plan(a.graph, "cell-block")
        self.grid = replace(grid, repeated={})
        self.networks = {*grid.gates.values(), *grid.bottom}  # sums with inputs of their own
        self.cells = {base: cell_id(base) for base in a.pipes}
        self.forms: dict[str, Form] = {}
        for node in sorted(a.graph.nodes, key=lambda n: n.kind == "sum"):  # which are as long as their inputs are wide
            self.forms[node.id] = self._form(node.id)

    def _form(self, id: str) -> Form:
        node = self.a.node[id]
        if not self._is_long(id):
            return form_of(node, len(self.a.into[id]), wide_sums=False, look=self.a.graph.look)
        long = 16 * max(abs(k) for k in self._doors(id)) + 36
        return Form("box", 36, long) if id not in self.grid.bottom else Form("box", long, 36)

    def _is_long(self, id: str) -> bool:
        """Whether several repeated inputs enter a sum side by side, as it has more operands than sides."""
        return self.a.node[id].kind == "sum" and (len(externals(self.a, id)) > SIDES or self._is_flanked(id))

    def _is_flanked(self, id: str) -> bool:
        """Whether a network below the others needs its sides for values from within."""
        outside = len(externals(self.a, id))
        return id in self.grid.bottom and outside > 1 and len(self.a.into[id]) > max(SIDES, outside)

    # ── coordinates ──

    def build(self) -> Plan:
        xs, ys = self._axis(0, self.room.across), self._axis(1, self.room.down)
        for id, (column, row) in self.grid.at.items():
            if id in self.cells.values():
                base = next(b for b, cell in self.cells.items() if cell == id)
                node = self.a.node[self.a.previous[base]]
                self.plan.put(
                    Spot(id, CELL, (xs[column], ys[row]), "cell", "cell", node, node.id, glyph=self._name(base))
                )
            else:
                self._put(id, (xs[column], ys[row]))
        self._border()
        for id in [s for s in self.plan.spots if s in self.a.node]:
            self._repeat(id)
        self._exits()
        for node in self.a.of_kind("next"):
            edge = self.a.into[node.id][0]
            if is_external(self.a, edge):
                spot = self.plan.spots[self.cells.get(base_of(node), node.id)]
                self._beside(edge, spot, [RIGHT, LEFT, DOWN], 0)
        self._wants()
        return self.plan

    def _name(self, base: str) -> str:
        """What is written in a Cell; several Cells are told apart by the memory's name."""
        return MEMORY if len(self.cells) == 1 else self.a.node[self.a.next[base]].glyph

    def _axis(self, axis: int, gap: int) -> dict[float, int]:
        """The coordinate of each column (axis 0) or row (axis 1); rows count upwards."""
        reach: dict[float, int] = {}
        for id, at in self.grid.at.items():
            form = CELL if id in self.cells.values() else self.forms[id]
            reach[at[axis]] = max(reach.get(at[axis], 0), form.reach()[axis])
        keys = sorted(reach)
        places = {keys[0]: 0}
        given = self._given(axis, keys[0], 0)
        for before, key in itertools.pairwise(keys):
            place = places[before] + reach[before] + reach[key] + gap
            place = max(place, self._clear(places, key) if axis else self._clear_below(places, key))
            while any(_collide(one, other) for one in given for other in self._given(axis, key, place)):
                place += 1
            places[key] = place
            given += self._given(axis, key, place)
        return self._centred(places) if axis == 0 else {k: -v for k, v in places.items()}

    def _centred(self, places: dict[float, int]) -> dict[float, int]:
        """Columns whose gates stand equally far from the centre on both sides, where there are some on both."""
        if {side for side, _ in self.grid.gates} != {-1, 1} or 0.0 not in places:
            return places
        middle = places[0.0]
        right, left = places[max(places)] - middle, middle - places[min(places)]
        short = -1 if left < right else 1
        return {k: v + short * abs(right - left) * (k * short >= ACTIVATIONS) for k, v in places.items()}

    def _given(self, axis: int, key: float, place: int) -> list[tuple[int, str, int]]:
        """(side, kind, place along the border) of the inputs that a row or a column has there."""
        found: list[tuple[int, str, int]] = []
        for id, at in self.grid.at.items():
            side = self.grid.side.get(id)
            if at[axis] == key and side is not None and (side == DOWN) == (axis == 0):
                edges = externals(self.a, id)
                way = -1 if axis else self._way(id)
                stack = zip(edges, self._stack(id), strict=True)
                found += [(side, self.a.node[e.source].kind, place + way * offset) for e, offset in stack]
        return found

    def _clear(self, places: dict[float, int], row: float) -> int:
        """Where a row may stand at the lowest, so that the inputs of gates on one side do not meet."""
        lowest = 0
        for side, other in self.grid.gates:
            if (side, row) in self.grid.gates and other in places and other != row:
                above, below = self.grid.gates[side, row], self.grid.gates[side, other]
                need = self._half(above) + self._half(below) + 3
                lowest = max(lowest, places[other] + need)
        return lowest

    def _clear_below(self, places: dict[float, int], column: float) -> int:
        """Where a column may stand at the leftmost, so that the inputs of networks below do not meet."""
        lowest = min(places.values())
        for id in self.grid.bottom:
            if self.grid.at[id][0] == column:
                for other in self.grid.bottom:
                    if (at := self.grid.at[other][0]) in places and at != column:
                        lowest = max(lowest, places[at] + self._half(id) + self._half(other) + 3)
        return lowest

    def _half(self, id: str) -> int:
        """How far the inputs of a gate reach from its row."""
        return max([abs(y) for y in self._stack(id)], default=0) + 2

    def _stack(self, id: str) -> list[int]:
        """Offsets of a node's repeated inputs: one of them straight beside it, or more beside a long one."""
        count = len(externals(self.a, id))
        widest = max((self.forms[e.source] for e in externals(self.a, id)), key=lambda form: form.width, default=CELL)
        pitch = apart(widest, widest) if id in self.grid.bottom else STACK
        if self._is_long(id):
            return [pitch * k - pitch * (count - 1) // 2 for k in range(count)]
        return [pitch * (k - (count == SIDES)) for k in range(count)]

    def _way(self, id: str) -> int:
        """Inputs below a network leave that side free which a value from within comes from."""
        if id not in self.grid.bottom:
            return 1
        columns = [self.grid.at[n][0] for n in inner_ends(self.a, id) if n in self.grid.at]
        return -1 if sum(columns) > 0 else 1

    def _doors(self, id: str) -> list[int]:
        """Offsets of the inputs that enter a long sum straight: all, or all but the outermost two."""
        stack = self._stack(id)
        return stack if self._is_flanked(id) else stack[1:-1]

    def _put(self, id: str, at: tuple[int, int], outside: bool = False, name: str = "") -> None:
        self.plan.stand(self.a.node[id], self.forms[id], at, self.a.out[id] or self.a.into[id], outside, name)

    def _border(self) -> None:
        boxes = [(s.at, s.form.reach()) for s in self.plan.spots.values()]
        pad = self.room.pad
        wide = pad + (self.room.across if len({c for c, _ in self.grid.at.values()}) == 1 else 0)
        left = min(x - rx for (x, _), (rx, _) in boxes) - wide
        top = min(y - ry for (_, y), (_, ry) in boxes) - pad
        right = max(x + rx for (x, _), (rx, _) in boxes) + wide
        bottom = max(y + ry for (_, y), (_, ry) in boxes) + pad
        for id, spot in self.plan.spots.items():
            stack = self._stack(id) if id in self.a.node else []
            for offset in (self._way(id) * k for k in stack):
                if id in self.grid.bottom:
                    left, right = min(left, spot.at[0] + offset - 4), max(right, spot.at[0] + offset + 4)
                else:
                    top, bottom = min(top, spot.at[1] + offset - 4), max(bottom, spot.at[1] + offset + 4)
        self.plan.border = Box(left, top, right, bottom)

    # ── what stands outside ──

    def _repeat(self, id: str) -> None:
        """The inputs of a node, outside the border on the side where the node stands."""
        edges = externals(self.a, id)
        if not edges:
            return
        sides = [self.grid.side[id]] + [s for s in (LEFT, RIGHT, DOWN) if s != self.grid.side[id]]
        way = self._way(id)
        for offset, edge in zip(self._stack(id), edges, strict=True):
            self._beside(edge, self.plan.spots[id], sides, way * offset)

    def _beside(self, edge: Edge, spot: Spot, sides: list[int], offset: int) -> None:
        """Repeat one input; it keeps its own name where it is needed only once."""
        once = len(self.a.out[edge.source]) == 1
        name = edge.source if once else f"{edge.source}@{spot.id}"
        if name in self.plan.spots:
            name = f"{name}.{edge.operand}"
        self._put(edge.source, self._place(edge.source, spot, sides, offset), outside=True, name="" if once else name)
        self.grid.repeated[edge.id] = name

    def _place(self, id: str, spot: Spot, sides: list[int], offset: int) -> tuple[int, int]:
        """The free place outside that is nearest to where an input should stand."""
        b, form = self.plan.border, self.forms[id]
        reach = max(form.reach()[0], EXTERNAL.reach()[0])
        for far in range(60):
            for side in sides:
                for shift in {0: (0,)}.get(far, (far, -far)):
                    x, y = spot.at[0] + offset + shift, spot.at[1] + offset + shift
                    beside = {LEFT: int(b.left) - 3 - reach, RIGHT: int(b.right) + 3 + reach}
                    at = (beside[side], y) if side in beside else (x, int(b.bottom) + 5)
                    if self._is_free(at, side, form) and (far > 8 or side == sides[0]):
                        return at
        raise Unroutable(spot.id)

    def _is_free(self, at: tuple[int, int], side: int, form: Form) -> bool:
        b = self.plan.border
        inside = b.left + 3 <= at[0] <= b.right - 3 if side in (DOWN, UP) else b.top + 3 <= at[1] <= b.bottom - 3
        clear = all(
            abs(at[0] - s.at[0]) >= apart(form, s.form) or abs(at[1] - s.at[1]) >= STACK
            for s in self.plan.spots.values()
            if s.outside
        )
        return inside and clear

    def _exits(self) -> None:
        """What leaves: values go out at the top, over the operation that computes them; what passes, at the right."""
        for edge, name in sorted(self._leaving(), key=lambda leaving: self._rank(leaving[0])):
            spot = self.plan.spots.get(self._left(edge))
            x = spot.at[0] if spot else int(self.plan.border.right) - STACK
            y = int(self.plan.border.top) - 5
            shifts = [k for n in range(60) for k in (n, -n)]
            form = self.forms[edge.target]
            outside = [x + k for k in shifts if self._is_free((x + k, y), UP, form)]
            free = next((k for k in outside if not spot or self._is_open(spot, k)), next(iter(outside), None))
            if free is None:
                raise Unroutable(edge.target)
            self._put(edge.target, (free, y), outside=True, name=name)

    def _left(self, edge: Edge) -> str:
        """Where a value that leaves is drawn to come from."""
        return self.cells.get(self.a.fresh.get(edge.source, ""), edge.source)

    def _rank(self, edge: Edge) -> int:
        """Which values choose their place first: those with a straight way out, what only passes last."""
        if is_external(self.a, edge):
            return 2
        spot = self.plan.spots.get(self._left(edge))
        return 0 if spot is None or self._is_open(spot, spot.at[0]) else 1

    def _is_open(self, spot: Spot, x: int) -> bool:
        """Whether nothing stands between a place above the border and the row of what leaves there."""
        higher = (s for s in self.plan.spots.values() if not s.outside and s.at[1] < spot.at[1])
        return all(abs(s.at[0] - x) > s.form.reach()[0] for s in higher)

    def _leaving(self) -> Iterator[tuple[Edge, str]]:
        for node in self.a.of_kind("next"):
            edge = self.a.into[node.id][0]
            if base_of(node) not in self.cells:
                yield edge, ""
            elif base_of(node) == self.a.graph.output:
                yield edge, again(node.id)

    # ── wires ──

    def _wants(self) -> None:
        old = [e for e in self.a.graph.edges if e.source in self.a.previous.values() and not is_external(self.a, e)]
        single = len(old) > 8
        for edge in self.a.graph.edges:
            source, starts, net = self._from(edge, single)
            base = base_of(self.a.node[edge.target])
            target = edge.target
            goals = self._goals(edge)
            if self.a.node[edge.target].kind == "next" and base in self.cells:
                target = self.cells[base]
            self._want(edge.id, edge, (source, starts, net), target, goals)
        for edge, name in self._leaving():
            if name:
                base = base_of(self.a.node[edge.target])
                self._want(again(edge.id), edge, (self.cells[base], _CELL_NEW, again(base)), name, ((DOWN, 0, 0),))

    def _want(self, id: str, edge: Edge, start: tuple[str, Sides, str], target: str, goals: Sides) -> None:
        dashed = edge.kind in ("previous_memory", "previous_output")
        own = edge.source in self.networks and self.a.activation.get(edge.source) == edge.target
        direct = "closed" if own else ""
        first = next(e for e in self.a.into[edge.target] if e.source == edge.source) is edge
        if first and self._in_line(start[0], target):
            direct, start, goals = "open", (start[0], ((UP, 0, 0),), start[2]), ((DOWN, 0, 0),)
        if hint := self.grid.hints.get(id):
            starts = _hinted(start[1], hint.out, hint.offset)
            start, goals = (start[0], starts, start[2]), _hinted(goals, hint.back, None)
        rank = 3 if start[0].startswith("cell:") else 2
        self.plan.wants.append(
            Want(id, start[0], target, start[1], goals, edge.kind, rank, edge, dashed, start[2], direct)
        )

    def _in_line(self, source: str, target: str) -> bool:
        """Whether one stands right above the other, with nothing between them."""
        a, b = self.plan.spots[source], self.plan.spots[target]
        if a.at[0] != b.at[0] or a.at[1] <= b.at[1] or a.outside:
            return False
        return not any(s.at[0] == a.at[0] and b.at[1] < s.at[1] < a.at[1] for s in self.plan.spots.values())

    def _from(self, edge: Edge, single: bool) -> tuple[str, Sides, str]:
        """(spot, sides, net) that a wire starts from: repeated inputs, the Cell, or the operation itself."""
        node = self.a.node[edge.source]
        if edge.id in self.grid.repeated:
            name = self.grid.repeated[edge.id]
            spot = self.plan.spots[name]
            b = self.plan.border
            way = RIGHT if spot.at[0] < b.left else LEFT if spot.at[0] > b.right else UP
            return name, ((way, 0, 0),), name
        if node.kind == "previous":
            return self.cells[base_of(node)], _CELL_OLD, node.id if single else edge.id
        if edge.source in self.a.fresh and self.a.next[self.a.fresh[edge.source]] != edge.target:
            return self.cells[self.a.fresh[edge.source]], _CELL_NEW, f"{edge.source}@cell" if single else edge.id
        return edge.source, self._starts(edge.source), edge.source

    def _starts(self, id: str) -> Sides:
        if id in self.a.activation and id in self.networks:
            return ((self._inward(id), 0, 0),)
        if id in self.a.fresh:
            return ((UP, 0, 0), (LEFT, 0, 40), (RIGHT, 0, 40), (DOWN, 0, 60))
        return ANY

    def _inward(self, id: str) -> int:
        return {DOWN: UP, LEFT: RIGHT, RIGHT: LEFT}[self.grid.side[id]]

    def _goals(self, edge: Edge) -> Sides:
        id, node = edge.target, self.a.node[edge.target]
        if node.kind == "next":
            return _CELL_IN if base_of(node) in self.cells else ((DOWN, 0, 0),)
        if edge.source in self.networks and self.a.activation.get(edge.source) == id:
            return (((self._inward(edge.source) + 2) % 4, 0, 0),)
        if id in self.networks:
            return self._sum_goals(edge)
        if self.forms[id].width > 60:
            return (*ANY, *((side, k, 0) for side in (UP, DOWN) for k in (-2, 2)))
        return ANY

    def _sum_goals(self, edge: Edge) -> Sides:
        """Repeated inputs enter from their side; what comes from within, from the others."""
        side = self.grid.side[edge.target]
        outside = edge.id in self.grid.repeated
        outer = -1 if side == LEFT else 1
        if outside and self._is_long(edge.target):
            at = self._way(edge.target) * self._stack(edge.target)[externals(self.a, edge.target).index(edge)]
            if abs(at) <= max(map(abs, self._doors(edge.target))):
                return ((side, at, 0),)
            first, last = ((LEFT, 0), (RIGHT, 0)) if side == DOWN else ((UP, outer), (DOWN, outer))
            return ((*(first if at < 0 else last), 0),)
        if side == DOWN:
            return ((DOWN, 0, 0), (LEFT, 0, 5), (RIGHT, 0, 5)) if outside else ((LEFT, 0, 0), (RIGHT, 0, 0))
        if outside:
            return ((side, 0, 0), (UP, outer, 5), (DOWN, outer, 5))
        return ((UP, -outer, 0), (DOWN, -outer, 0), (UP, outer, 30), (DOWN, outer, 30))


def _collide(one: tuple[int, str, int], other: tuple[int, str, int]) -> bool:
    """Whether two inputs are too close on one side of the border, or nearly but not quite on one line."""
    apart = abs(one[2] - other[2])
    return apart < STACK if one[0] == other[0] else one[1] == other[1] and 0 < apart < ALIKE


def _hinted(sides: Sides, side: int, offset: int | None) -> Sides:
    """Ports that the search did not mean cost more; an offset of None means any."""
    return tuple(
        (s, k, cost + (0 if s == side and offset in (None, (k > 0) - (k < 0)) else UNMEANT)) for s, k, cost in sides
    )


_SIDEWAYS: Sides = tuple((side, k, abs(k)) for side in (RIGHT, LEFT) for k in (0, -4, 4))
_CELL_OLD: Sides = (*_SIDEWAYS, (DOWN, -2, 30), (DOWN, 2, 30))
_CELL_NEW: Sides = ((UP, 0, 0), (LEFT, -4, 5), (RIGHT, -4, 5), (UP, -2, 20), (UP, 2, 20), (LEFT, 0, 30), (RIGHT, 0, 30))
_CELL_IN: Sides = ((DOWN, 0, 0), (DOWN, -2, 40), (DOWN, 2, 40), (LEFT, 4, 60), (RIGHT, 4, 60))
