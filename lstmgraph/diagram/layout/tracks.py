"""The layout for graphs that a style's own grammar has no room for: no search for wires, so it always succeeds.

It gives the columns and threads of `threads` their coordinates.  A wire is straight or bends once; only a value that is
the next value of a second state bends twice.  Lines of different values meet at right angles or not at all.  The pipe
style runs from left to right, the cell-block style upwards, with its inputs repeated.  Everything moves apart until all
labels have a place.
"""

from __future__ import annotations

from itertools import pairwise
from math import ceil

from lstmgraph.diagram.graph import Edge, Graph, Node
from lstmgraph.diagram.layout.cells import celled
from lstmgraph.diagram.layout.dress import crowded
from lstmgraph.diagram.layout.labels import widest_weight
from lstmgraph.diagram.layout.lattice import Cell
from lstmgraph.diagram.layout.plan import Plan, Solved, Spot, Want
from lstmgraph.diagram.layout.shapes import CELL, DOWN, LEFT, MEMORY, PITCH, RIGHT, UP, Form, form_of, ports
from lstmgraph.diagram.layout.threads import OUTER, Drop, Threads
from lstmgraph.diagram.scene import Box, Point, shown_by

APART = 3  # lattice steps between the reaches of two nodes, or of a node and a line
LINES = 2  # between two lines
AHEAD = 4  # between two columns
BORDER = 4  # from the nodes outside to the border, and from there to the first column
ASPECT = {False: 1.9, True: 1.0}  # what the proportions should be near, without and with `upwards`
SLIMMEST = 0.62  # upwards: what is narrower is drawn wider, in at most so many goes:
WIDER = 4
PAD = 6  # from the outermost rows to the border
AROUND = 9.0  # points that a label takes besides its width
TRIES = 12  # how often everything moves apart


class _Tracks:
    def __init__(self, graph: Graph, style: str) -> None:
        self.original, self.upwards = graph, style == "cell-block"
        self.graph, self.cells = celled(graph) if self.upwards else (graph, {})
        self.edge = {e.id: e for e in graph.edges}
        self.style, self.room = style, 0  # lattice steps by which things stand further apart
        self.noted = ceil((width + AROUND) / PITCH) if (width := widest_weight(graph, graph.edges)) else 0
        self.threads = Threads(self.graph, repeat=self.upwards)
        self.found = self.threads.best()
        self.node = self.threads.node
        self.rank = {thread: k for k, thread in enumerate(self.found.order)}
        self.column = {id: k for k, id in enumerate(self.found.columns)}
        self.dropped = {d.edge.id: d for d in self.found.drops}
        self.offset = self._offsets()
        self.forms = {id: self._form(id) for id in (*self.found.columns, *self.threads.beside)}
        self.satellites: dict[str, dict[int, str]] = {}
        for id, (unit, side) in self.threads.beside.items():
            self.satellites.setdefault(unit, {})[side] = id

    def _shown(self, id: str) -> Node:
        return self.node[self.threads.copies.get(id, id)]

    # ── ports ──

    def _side(self, drop: Drop) -> int:
        """On which side a value comes down to its target: -1 or 1."""
        return -1 if self.rank[drop.source] < self.rank[drop.target] else 1

    def _offsets(self) -> dict[str, int]:
        """For each value that drops, where it enters: the nearest first, so that none crosses the other there."""
        groups: dict[tuple[str, int], list[Drop]] = {}
        for drop in self.found.drops:
            groups.setdefault((drop.edge.target, self._side(drop)), []).append(drop)
        found = {}
        for drops in groups.values():
            apart = 4 if any(d.edge.negative or d.edge.mark for d in drops) else 2
            apart = max(apart, min(self.noted, 3) if self.upwards else self.noted)
            drops.sort(key=lambda d: (abs(self.rank[d.source] - self.rank[d.target]), d.edge.operand))
            for k, drop in enumerate(drops):
                found[drop.edge.id] = (apart * (2 * k - len(drops) + 1)) // 2
        return found

    def _form(self, id: str) -> Form:
        """The usual form where its ports have room, else a box that is long enough."""
        node = self._shown(id)
        if id in self.cells:
            return CELL
        edges = self.threads.into.get(id, [])
        usual = form_of(node, min(3, len(edges)), wide_sums=False, look=self.graph.look)
        widest = max([abs(self.offset[e.id]) for e in edges if e.id in self.offset], default=0)
        if widest < 2 or node.kind == "next":
            return usual
        long = max(36.0, 2 * PITCH * widest + 20)
        return Form("box", max(usual.width, 36.0), long) if self.upwards else Form("box", max(long, usual.width), 36)

    def _reach(self, id: str) -> tuple[int, int]:
        """Of a node: along and across."""
        x, y = self.forms[id].reach()
        return (y, x) if self.upwards else (x, y)

    # ── coordinates ──

    def _place(self) -> None:
        """Threads that follow one another share a row, or stand side by side: what gives the better proportions."""
        shapes = []
        for shared in (True, False):
            self.across = self._rows(shared)
            self.along = self._columns()
            box = self._border()
            aspect = (box.right - box.left) / (box.bottom - box.top)
            shapes.append((max(aspect / ASPECT[self.upwards], ASPECT[self.upwards] / aspect), self.across, self.along))
        _, self.across, self.along = min(shapes, key=lambda s: s[0])
        self._widen()
        self.along = self._columns()

    def _widen(self) -> None:
        """Rows further apart where the drawing would be a tall strip; the space around them stays as it is."""
        for _ in range(WIDER):
            box = self._border()
            wide = SLIMMEST * (box.bottom - box.top) / (box.right - box.left)
            if not self.upwards or wide <= 1 or not any(self.across):
                break
            self.across = [ceil(row * wide) for row in self.across]

    def _extent(self, id: str, side: int) -> int:
        """How far a unit with its satellite reaches to one side."""
        satellite = self.satellites.get(id, {}).get(side)
        return self._away(id, satellite) + self._reach(satellite)[1] if satellite else self._reach(id)[1]

    def _away(self, id: str, satellite: str) -> int:
        return self._reach(id)[1] + APART + self.room + self._reach(satellite)[1]

    def _rows(self, shared: bool) -> list[int]:
        """The place of each thread across: as near to those before it as nodes and lines allow."""
        threads = self.found.threads
        units = [{self.column[id]: id for id in t.units} for t in threads]
        found = [0] * len(threads)
        for k, thread in enumerate(self.found.order):
            for before in self.found.order[:k]:
                first = max(threads[thread].first, threads[before].first)
                last = min(threads[thread].last, threads[before].last)
                common = {c for c in (*units[thread], *units[before]) if first <= c <= last}
                need = [LINES + self.room] if first <= last else []
                if self._beside(thread, before) or (first > last and not shared):
                    need = [self._depth(before, 1) + self._depth(thread, -1) + APART + self.room]
                for c in sorted(common):
                    above, below = units[before].get(c), units[thread].get(c)
                    reach = (self._extent(above, 1) if above else 0) + (self._extent(below, -1) if below else 0)
                    need.append(reach + APART + self.room)
                found[thread] = max(found[thread], found[before] + max(need, default=-found[before]))
        return found

    def _beside(self, *threads: int) -> bool:
        """Whether threads begin or end beside each other: at the border, or as copies that one unit needs."""
        units = [self.found.threads[t].units for t in threads]
        feeds = {e.target for ids in units for e in self.graph.edges if self.threads.source[e.id] in ids}
        copies = all(ids[0] in self.threads.copies and len(ids) == 1 for ids in units) and len(feeds) == 1
        ends = all(self._is_source(ids[0]) for ids in units) or all(self._kind(ids[-1]) == "next" for ids in units)
        return copies or ends

    def _depth(self, thread: int, side: int) -> int:
        return max(self._extent(id, side) for id in self.found.threads[thread].units)

    def _columns(self) -> dict[str, int]:
        """The place of each unit along."""
        sources = [id for id in self.found.columns if self._is_source(id)]
        inner = [id for id in self.found.columns if id not in sources and self._kind(id) != "next"]
        found = dict.fromkeys(sources, 0)
        at = max([self._reach(id)[0] + 2 * (BORDER + self.room) for id in sources], default=0)
        self.start = at
        found |= self._packed(inner, at)
        at = max([found[id] + self._wide(id) + 1 + AHEAD + self.room for id in inner], default=at)
        self.turn: dict[str, int] = {}  # next value that is dropped to -> where
        nexts = [id for id in self.found.columns if self._kind(id) == "next"]
        for id in nexts:
            if any(e.id in self.dropped for e in self.threads.into[id]):
                self.turn[id] = at
                at += LINES + self.room
        self.end = at
        deep = max([self._reach(id)[0] for id in nexts], default=0)
        return found | dict.fromkeys(nexts, at + 2 * BORDER + deep)

    def _kind(self, id: str) -> str:
        return self._shown(id).kind

    def _is_source(self, id: str) -> bool:
        return id not in self.threads.copies and self._kind(id) in OUTER

    def _wide(self, id: str) -> int:
        offsets = [abs(self.offset[e.id]) for e in self.threads.into.get(id, []) if e.id in self.offset]
        beside = [self._reach(s)[0] for s in self.satellites.get(id, {}).values()]
        return max([self._reach(id)[0], *beside, *(k + 1 for k in offsets)])

    def _packed(self, units: list[str], start: int) -> dict[str, int]:
        """As near to the start as possible, then as near to what follows: whatever overlaps across keeps its order.

        That is enough for lines to pass what they passed before: all that a line begins or ends at covers its row.
        """
        spans, wide = {id: self._span(id) for id in units}, {id: self._wide(id) for id in units}
        after: dict[str, list[str]] = {id: [] for id in units}
        found: dict[str, int] = {}
        for k, id in enumerate(units):
            sources = {self.threads.source[e.id] for e in self.threads.into[id]} if id in self.threads.into else set()
            (low, high), found[id] = spans[id], start + wide[id]
            for before in units[:k]:
                a, b = spans[before]
                if before in sources or (low <= b + APART and a <= high + APART):
                    after[before].append(id)
                    found[id] = max(found[id], found[before] + wide[before] + wide[id] + 1 + AHEAD + self.room)
        for id in reversed(units):
            if after[id]:
                found[id] = min(found[n] - wide[n] for n in after[id]) - wide[id] - 1 - AHEAD - self.room
        return found

    def _span(self, id: str) -> tuple[int, int]:
        """What a unit covers across, with all that comes down to it."""
        row = self._row(id)
        drops = [self.across[self.dropped[e.id].source] for e in self.threads.into.get(id, []) if e.id in self.dropped]
        return min([row - self._extent(id, -1), *drops]), max([row + self._extent(id, 1), *drops])

    def _row(self, id: str) -> int:
        if id in self.threads.beside:
            unit, side = self.threads.beside[id]
            return self._row(unit) + side * self._away(unit, id)
        return self.across[self.found.of[id]]

    # ── the plan ──

    def solved(self, room: int = 0) -> Solved:
        self.room, self.plan = room, Plan(self.original, self.style)
        self._place()
        for id in (*self.found.columns, *self.threads.beside):
            self._put(id)
        self.plan.border = self._border()
        routes = {e.id: self._route(e) for e in self.graph.edges}
        self.plan.wants = [self._want(e) for e in self.graph.edges]
        numbers = {id: k for k, id in enumerate(self.plan.spots, start=1)}
        return Solved(self.plan, routes, numbers, self._cost(routes))

    def _cost(self, routes: dict[str, tuple[Point, ...]]) -> tuple[int, int, int, int]:
        bends = sum(len(r) - 2 for r in routes.values())
        length = sum(abs(a.x - b.x) + abs(a.y - b.y) for r in routes.values() for a, b in pairwise(r))
        return self.found.crossings, 0, bends, round(length / PITCH)

    def _put(self, id: str) -> None:
        node = self._shown(id)
        if id in self.cells:
            node, name = self.cells[id], MEMORY if len(self.cells) == 1 else self._new(id).glyph
            self.plan.put(Spot(id, CELL, self._at(id), "cell", "cell", node, node.id, glyph=name))
            return
        wires = self.threads.out[node.id] or self.threads.into[node.id]
        outside = node.kind == "next" or self._is_source(id)
        self.plan.stand(node, self.forms[id], self._at(id), wires, outside, "" if id == node.id else id)

    def _new(self, cell: str) -> Node:
        """The value that a Cell holds when the step is over."""
        return self.original.node(self.edge[self.threads.into[cell][0].id].target)

    def _at(self, id: str) -> Cell:
        unit = self.threads.beside[id][0] if id in self.threads.beside else id
        return self._turned(self.along[unit], self._row(id))

    def _turned(self, along: int, across: int) -> Cell:
        return (across, -along) if self.upwards else (along, across)

    def _want(self, edge: Edge) -> Want:
        dashed = self.upwards and edge.kind in ("previous_memory", "previous_output")
        source = self.threads.source[edge.id]
        shown = self.edge[shown_by(edge.id)]
        return Want(edge.id, source, edge.target, (), (), edge.kind, edge=shown, dashed=dashed)

    def _border(self) -> Box:
        units = [id for id in self.found.columns if not self._is_source(id) and self._kind(id) != "next"]
        start = min([self.along[id] - self._wide(id) for id in units], default=self.start)
        edges = [self._row(id) + s * self._extent(id, s) for id in units for s in (-1, 1)]
        edges += self.across
        a = self._turned(start - BORDER - self.room, min(edges) - PAD)
        b = self._turned(self.end + BORDER, max(edges) + PAD)
        return Box(min(a[0], b[0]), min(a[1], b[1]), max(a[0], b[0]), max(a[1], b[1]))

    def _route(self, edge: Edge) -> tuple[Point, ...]:
        source = self.threads.source[edge.id]
        out, back = (UP, DOWN) if self.upwards else (RIGHT, LEFT)
        sides = {-1: LEFT, 1: RIGHT} if self.upwards else {-1: UP, 1: DOWN}
        if source in self.threads.beside:
            side = self.threads.beside[source][1]
            return self._port(source, sides[-side], 0), self._port(edge.target, sides[side], 0)
        start = self._port(source, out, 0)
        if edge.id not in self.dropped:
            return start, self._port(edge.target, back, 0)
        if edge.target in self.turn:
            turns = [self._turned(self.turn[edge.target], self._row(id)) for id in (source, edge.target)]
            return start, *(Point(x * PITCH, y * PITCH) for x, y in turns), self._port(edge.target, back, 0)
        offset = self.offset[edge.id]
        corner = self._turned(self.along[edge.target] + offset, self._row(source))
        end = self._port(edge.target, sides[self._side(self.dropped[edge.id])], -offset if self.upwards else offset)
        return start, Point(corner[0] * PITCH, corner[1] * PITCH), end

    def _port(self, id: str, side: int, offset: int) -> Point:
        return ports(id, self.plan.spots[id].form, self.plan.spots[id].at, side, (offset,))[0].at


def layered(graph: Graph, style: str) -> Solved:
    """Any graph, with all its wires and labels."""
    tracks = _Tracks(graph, style)
    found = (tracks.solved(room) for room in range(TRIES))
    return next((solved for solved in found if not crowded(solved)), None) or tracks.solved()
