"""The layout for graphs that a style's own grammar has no room for: it searches for nothing, so it always succeeds.

Operations stand in layers in order of evaluation; wires that pass a layer have a row of their own in it.  Between two
layers is a channel in which each value has a track of its own across the layers.  No two values share a row on the two
sides of a channel, so lines of different values only ever cross at right angles.  The pipe style turns the layers into
columns from left to right, the cell-block style into rows that go upwards.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import count, pairwise
from math import ceil

from lstmgraph.diagram.graph import Edge, Graph, Node
from lstmgraph.diagram.layout.labels import widest_value, widest_weight
from lstmgraph.diagram.layout.lattice import Cell
from lstmgraph.diagram.layout.plan import Plan, Solved, Spot, Want
from lstmgraph.diagram.layout.shapes import DOWN, LEFT, PITCH, RIGHT, UP, Form, form_of, ports, role_of
from lstmgraph.diagram.scene import Box, Point

APART = 3  # lattice steps between the reaches of two nodes of a layer
HEAD = 3  # from the last track of a channel to the nodes: room for an arrowhead and a sign; more for other labels
TAIL = 2  # from the nodes to the first track; more where the names of values are longer
AROUND = 9.0  # points that a label takes besides its width
BORDER = 3  # from nodes outside to the border, and on to the tracks
PAD = 4  # from the outermost rows to the border
OUTER = ("input", "previous")


@dataclass
class _Item:
    """What stands in a layer: a node, or a value (`source`) that passes."""

    source: str
    node: str = ""
    reach: int = 0
    rows: dict[str, int] = field(default_factory=dict)  # edge into the node -> its port's row, seen from the middle
    wish: float = 0.0
    row: int = 0


class _Tracks:
    def __init__(self, graph: Graph, style: str) -> None:
        self.graph, self.upwards = graph, style == "cell-block"
        self.plan = Plan(graph, style)
        self.node = {n.id: n for n in graph.nodes}
        self.into: dict[str, list[Edge]] = {id: [] for id in self.node}
        self.out: dict[str, list[Edge]] = {id: [] for id in self.node}
        for edge in graph.edges:
            self.into[edge.target].append(edge)
            self.out[edge.source].append(edge)
        self.layer = self._layers()
        self.last = max(self.layer.values())
        self.wide = {id: widest_value(graph, node) for id, node in self.node.items()}
        self.noted = widest_weight(graph, graph.edges)
        self.forms = {id: self._form(node) for id, node in self.node.items()}
        self.layers = self._items()
        self.at: dict[tuple[int, str], _Item] = {}  # (layer, source) -> what carries a value through a layer
        self.track: dict[tuple[int, str], int] = {}  # (channel, source) -> where the value goes across
        self.place: list[int] = []  # the middle of each layer

    # ── layers ──

    def _layers(self) -> dict[str, int]:
        """Inputs first, next values last, everything else one after the last of its operands."""
        found: dict[str, int] = {}
        for node in self._in_order():
            least = 0 if node.kind in OUTER else 1
            found[node.id] = max([least, *(found[e.source] + 1 for e in self.into[node.id])])
        last = max([1, *(k if self.node[id].kind == "next" else k + 1 for id, k in found.items())])
        for node in self.graph.nodes:
            if node.kind == "next":
                found[node.id] = last
            elif node.kind in ("bias", "constant") and self.out[node.id]:
                found[node.id] = max(1, min(found[e.target] for e in self.out[node.id]) - 1)
        return found

    def _in_order(self) -> list[Node]:
        """Operands before what is made of them, else in the graph's order."""
        missing = {id: len(edges) for id, edges in self.into.items()}
        ready = [n.id for n in self.graph.nodes if not missing[n.id]]
        for id in ready:
            for edge in self.out[id]:
                missing[edge.target] -= 1
                if not missing[edge.target]:
                    ready.append(edge.target)
        return [self.node[id] for id in ready]

    def _form(self, node: Node) -> Form:
        """The usual form where its operands have room on one side, else a box that is long enough."""
        edges = self.into[node.id]
        usual = form_of(node, min(3, len(edges)), wide_sums=False, look=self.graph.look)
        if len(edges) < (2 if self.noted else 4) and not any(e.negative for e in edges):
            return usual
        long, wide = max(36.0, 2 * PITCH * max(self._offsets(node.id)) + 20), max(36.0, usual.width)
        return Form("box", max(long, wide), 36) if self.upwards else Form("box", wide, long)

    def _offsets(self, id: str) -> list[int]:
        edges = self.into[id]
        apart = 4 if any(e.negative for e in edges) else 1 if len(edges) == 3 else 2
        if self.noted:
            apart = max(apart, _steps(self.noted) if self.upwards else 3)
        return [(apart * (2 * k - len(edges) + 1)) // 2 for k in range(len(edges))]

    def _items(self) -> list[list[_Item]]:
        found: list[list[_Item]] = [[] for _ in range(self.last + 1)]
        for id, node in self.node.items():
            reach = self.forms[id].reach()[0 if self.upwards else 1]
            if self.upwards:
                reach = max(reach, self._beside(id))
            found[self.layer[id]].append(_Item(id, id, reach, {}))
            if node.kind != "next":
                for k in range(self.layer[id] + 1, max([0, *(self.layer[e.target] for e in self.out[id])])):
                    found[k].append(_Item(id))
        return found

    def _beside(self, id: str) -> int:
        """How far what is written beside a node's arrows, and beside the line that leaves it, reaches sideways."""
        name = _steps(self.wide[id]) if self.wide[id] else 0
        note = max(self._offsets(id)) + _steps(self.noted) if self.noted and self.into[id] else 0
        return max(name, note)

    # ── rows ──

    def rows(self) -> None:
        """A row for everything: what passes a layer stays in its row, nodes go where there is room beside it."""
        before: dict[int, str] = {}  # rows of the layer before -> whose value leaves there
        for k, items in enumerate(self.layers):
            passing = [i for i in items if not i.node]
            for item in passing:
                item.row = self.at[k - 1, item.source].row
            lines, nodes = {i.row for i in passing}, [i for i in items if i.node]
            for n, item in enumerate(nodes):
                item.wish = self._wish(k, item, n)
            placed: list[_Item] = []
            for item in sorted(nodes, key=lambda i: i.wish):
                self._set(item, lines, placed, before)
                placed.append(item)
            before = {i.row: i.source for i in items}
            self.at |= {(k, i.source): i for i in items}

    def _wish(self, layer: int, item: _Item, number: int) -> float:
        operands = self.into[item.node] or [
            e for edge in self.out[item.node] for e in self.into[edge.target] if e.source != item.node
        ]
        known = [self.at[layer - 1, e.source].row for e in operands if (layer - 1, e.source) in self.at]
        return sum(known) / len(known) if known else 7.0 * number

    def _set(self, item: _Item, lines: set[int], placed: list[_Item], before: dict[int, str]) -> None:
        """The nearest free row in which no port faces another value, operands in order of where they come from."""
        origin = {source: row for row, source in before.items()}
        edges = sorted(self.into[item.node], key=lambda e: (origin[e.source], e.operand))
        item.rows = {e.id: o for e, o in zip(edges, self._offsets(item.node), strict=True)}
        for far in count():
            for row in (round(item.wish) + far, round(item.wish) - far):
                room = range(row - item.reach - 1, row + item.reach + 2)
                if (
                    lines.isdisjoint(room)
                    and all(abs(row - p.row) > item.reach + p.reach + APART for p in placed)
                    and all(before.get(row + item.rows[e.id], e.source) == e.source for e in edges)
                ):
                    item.row = row
                    return

    # ── channels ──

    def channels(self) -> None:
        """The place of every layer, and the tracks between."""
        at = 0
        for k in range(self.last + 1):
            deep = max([self.forms[i.node].reach()[1 if self.upwards else 0] for i in self.layers[k] if i.node] + [1])
            at += deep
            self.place.append(at)
            if k < self.last:
                first = at + deep + (2 * BORDER if k == 0 else self._tail(k))
                at = first + self._tracks(k, first) + self._head() + (BORDER if k + 1 == self.last else 0)

    def _tail(self, k: int) -> int:
        wide = max([self.wide[i.node] for i in self.layers[k] if i.node] + [0.0])
        return TAIL + (1 if self.upwards else _steps(wide)) if wide else TAIL

    def _head(self) -> int:
        return HEAD + (1 if self.upwards else _steps(self.noted)) if self.noted else HEAD

    def _tracks(self, k: int, first: int) -> int:
        """Give every value that changes its row between layers k and k + 1 a track; how many there are."""
        used: list[list[tuple[int, int]]] = []
        for source, rows in sorted(self._spans(k).items(), key=lambda r: self._turn(r[1])):
            low, high = min(rows), max(rows)
            if low < high:
                free = (n for n, spans in enumerate(used) if all(high < a or b < low for a, b in spans))
                number = next(free, len(used))
                if number == len(used):
                    used.append([])
                used[number].append((low, high))
                self.track[k, source] = first + number
        return len(used)

    def _spans(self, k: int) -> dict[str, list[int]]:
        """For each value in a channel, the row that it comes from and all that it goes to."""
        found = {i.source: [i.row] for i in self.layers[k] if self.out[i.source]}
        for item in self.layers[k + 1]:
            if not item.node:
                found[item.source].append(item.row)
            else:
                for edge in self.into[item.node]:
                    found[edge.source].append(item.row + item.rows[edge.id])
        return found

    @staticmethod
    def _turn(rows: list[int]) -> tuple[bool, int]:
        """Values that go up one after the other from the top, those that go down from the bottom: few crossings."""
        down = sum(rows[1:]) > rows[0] * (len(rows) - 1)
        return down, -rows[0] if down else rows[0]

    # ── the plan ──

    def solved(self) -> Solved:
        self.rows()
        self.channels()
        for node in self.graph.nodes:
            kinds = [e.kind for e in (self.out[node.id] or self.into[node.id])]
            role = role_of(node, kinds[0] if kinds else "internal")
            at = self._turned(self.place[self.layer[node.id]], self.at[self.layer[node.id], node.id].row)
            outside = node.kind in (*OUTER, "next")
            self.plan.put(Spot(node.id, self.forms[node.id], at, role, node.kind, node, outside=outside))
        self.plan.border = self._border()
        numbers = {n.id: k for k, n in enumerate(self.graph.nodes, start=1)}
        routes = {e.id: self._route(e) for e in self.graph.edges}
        self.plan.wants = [self._want(e) for e in self.graph.edges]
        return Solved(self.plan, routes, numbers)

    def _turned(self, along: int, across: int) -> Cell:
        return (across, -along) if self.upwards else (along, across)

    def _want(self, edge: Edge) -> Want:
        dashed = self.upwards and edge.kind in ("previous_memory", "previous_output")
        return Want(edge.id, edge.source, edge.target, (), (), edge.kind, edge=edge, dashed=dashed)

    def _border(self) -> Box:
        deep = self._deepest(0)
        start, end = self.place[0] + deep + BORDER, self.place[-1] - self._deepest(self.last) - BORDER
        edges = [i.row + s * i.reach for items in self.layers for i in items for s in (-1, 1)]
        a, b = self._turned(start, min(edges) - PAD), self._turned(end, max(edges) + PAD)
        return Box(min(a[0], b[0]), min(a[1], b[1]), max(a[0], b[0]), max(a[1], b[1]))

    def _deepest(self, layer: int) -> int:
        axis = 1 if self.upwards else 0
        return max([self.forms[i.node].reach()[axis] for i in self.layers[layer] if i.node] + [1])

    def _route(self, edge: Edge) -> tuple[Point, ...]:
        """From the source through the rows of the layers on the way to the port of the target."""
        first, last = self.layer[edge.source], self.layer[edge.target]
        rows = [self.at[k, edge.source].row for k in range(first, last)]
        rows.append(self.at[last, edge.target].row + self.at[last, edge.target].rows[edge.id])
        steps: list[Cell] = []
        for k, (a, b) in enumerate(pairwise(rows), start=first):
            if a != b:
                steps += [self._turned(self.track[k, edge.source], a), self._turned(self.track[k, edge.source], b)]
        start, end = self._port(edge.source, True, 0), self._port(edge.target, False, rows[-1])
        return (start, *self._points(steps), end)

    def _port(self, id: str, leaving: bool, row: int) -> Point:
        side = (UP if leaving else DOWN) if self.upwards else (RIGHT if leaving else LEFT)
        spot = self.plan.spots[id]
        offset = 0 if leaving else row - spot.at[0 if self.upwards else 1]
        return ports(id, spot.form, spot.at, side, (offset,))[0].at

    @staticmethod
    def _points(cells: Iterable[Cell]) -> list[Point]:
        return [Point(x * PITCH, y * PITCH) for x, y in cells]


def _steps(width: float) -> int:
    """Steps of the lattice for a label of some width."""
    return ceil((width + AROUND) / PITCH)


def layered(graph: Graph, style: str) -> Solved:
    """Any graph, with all its wires."""
    return _Tracks(graph, style).solved()
