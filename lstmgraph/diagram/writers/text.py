"""Terminal text: a scene in box-drawing characters, or in ASCII where the terminal has no others.

`compact` gives every coordinate its column and row; here things are put there.  A wire is drawn as the directions in
which it leaves each cell, from which follow its corners and forks; where two values cross, the vertical one passes and
the horizontal one goes on behind it.  What a step lights is drawn heavy, values of the previous step dashed.
`schematic` turns water pipes into such wires; what has lines in all directions is written as trees, by `tree`.

To add a set of characters: a `Charset`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

from lstmgraph.diagram.path import away, simplify
from lstmgraph.diagram.scene import Box, Label, Node, Point, Scene, Wire
from lstmgraph.diagram.themes import Theme
from lstmgraph.diagram.typeset import measure
from lstmgraph.diagram.writers.beneath import caption_lines
from lstmgraph.diagram.writers.characters import ASCII, UNICODE, Charset, columns_of, text_of
from lstmgraph.diagram.writers.compact import NEAR, Edge, Item, Rule, Span, compact, key, rules
from lstmgraph.diagram.writers.page import BACK, Cell, Mark, Page, border, lines_of, put, trail, way
from lstmgraph.diagram.writers.schematic import schematic
from lstmgraph.diagram.writers.tree import tree

REACH = 24.0  # points: a label that is nearer to its wire than that stands beside it


def write_text(scene: Scene, theme: Theme, mode: str = "auto") -> str:  # noqa: ARG001  the terminal has its own colours
    """The scene in Unicode characters, without colours."""
    return draw_text(scene)


def write_ascii(scene: Scene, theme: Theme, mode: str = "auto") -> str:  # noqa: ARG001  the terminal has its own colours
    """The scene in ASCII characters, without colours."""
    return draw_text(scene, ASCII)


def draw_text(scene: Scene, charset: Charset = UNICODE, colour: bool = False) -> str:
    """The scene as lines of text, with ANSI sequences for colours if they are asked for.

    A scene with oblique wires (the style "dag") is written as trees, and water pipes (the style "plumbing") as lines.
    """
    if any(map(is_oblique, scene.wires)):
        return tree(scene, lambda label: text_of(label, charset), charset is UNICODE)
    return _Writer(schematic(scene), charset).write(colour)


def is_oblique(wire: Wire) -> bool:
    """Whether a wire runs neither level nor upright somewhere."""
    return any(abs(a.x - b.x) > NEAR < abs(a.y - b.y) for a, b in pairwise(simplify(wire.points)))


@dataclass(frozen=True)
class _Placed:
    """A node's text, and where its wires end: x of those at its top or bottom, y of those at its sides."""

    node: Node
    text: str
    tops: tuple[float, ...]
    sides: tuple[float, ...]
    heads: tuple[int, ...]  # rows before and after it that arrowheads take

    @property
    def tall(self) -> bool:
        """Drawn as a box, not in brackets: wires end at its side in several rows."""
        return len({key(y) for y in self.sides}) > 1

    @property
    def columns(self) -> Span:
        wide, x = columns_of(self.text), self.node.at.x
        left, right = -((wide - 1) // 2) - 1, wide // 2 + 1
        ports = [x for x in self.tops if key(x) != key(self.node.at.x)]
        return Span(
            (Edge(x, left), *(Edge(port, -1) for port in ports)), (Edge(x, right), *(Edge(port, 1) for port in ports))
        )

    @property
    def row(self) -> float:
        return self.sides[0] if self.sides and not self.tall else self.node.at.y

    @property
    def rows(self) -> Span:
        if not self.tall:
            return Span((Edge(self.row),), (Edge(self.row),))
        sides = (*self.sides, self.node.at.y)
        return Span(tuple(Edge(y, -1) for y in sides), tuple(Edge(y, 1) for y in sides))

    @property
    def with_heads(self) -> Span:
        (above, below), rows = self.heads, self.rows
        return Span(
            tuple(Edge(y, off - above) for y, off in rows.low), tuple(Edge(y, off + below) for y, off in rows.high)
        )


class _Writer:
    """One page being written."""

    def __init__(self, scene: Scene, charset: Charset) -> None:
        labels = tuple(label for label in scene.labels if not label.caption[0])
        self.caption = caption_lines(scene, lambda label: text_of(label, charset))
        self.scene, self.charset = replace(scene, labels=labels), charset
        self.wires = [(w, simplify(w.points)) for w in (*scene.wires, *scene.trunks)]
        self.joins = {n.id: n for n in scene.nodes if n.kind == "join"}
        self.nodes = {n.id: self._placed(n) for n in scene.nodes if n.kind != "join"}
        self.mixed = len({w.lit for w in scene.wires}) > 1
        self.page = Page()
        lefts = Counter(_left(label) for label in scene.labels if not label.of)
        self.flush = {left for left in lefts if lefts[left] > 1}  # where lines of a caption begin

    def write(self, colour: bool) -> str:
        labels = [(label, self._host(label)) for label in self.scene.labels]
        items = [*self._items(), *(self._label_item(*found) for found in labels)]
        self.columns, self.rows = compact(items, *self._rules())
        for frame in self.scene.frames:
            self._frame(frame)
        for wire, points in self.wires:
            self._wire(wire, points)
        self._dots()
        for placed in self.nodes.values():
            self._node(placed)
        for found in labels:
            self._label(*found)
        self._caption()
        return lines_of(self.page, self.charset, self.mixed, colour)

    def _text(self, label: Label | None) -> str:
        return text_of(label, self.charset)

    # ── where things are ──

    def _placed(self, node: Node) -> _Placed:
        ends = [(p[0], p[1]) for w, p in self.wires if w.source == node.id]
        ends += [(p[-1], p[-2]) for w, p in self.wires if w.target == node.id]
        tops = tuple(sorted({end.x for end, other in ends if abs(end.x - other.x) <= NEAR}))
        sides = tuple(sorted({end.y for end, other in ends if abs(end.x - other.x) > NEAR}))
        tips = [(p[-1], p[-2]) for w, p in self.wires if w.target == node.id and w.arrow]
        above = any(end.y > other.y for end, other in tips if abs(end.x - other.x) <= NEAR)
        below = any(end.y < other.y for end, other in tips if abs(end.x - other.x) <= NEAR)
        return _Placed(node, self._text(node.label), tops, sides, (int(above), int(below)))

    def _items(self) -> Iterator[Item]:
        for placed in self.nodes.values():
            yield Item(_box(placed.node), placed.columns, placed.with_heads)
        for node in self.joins.values():
            yield Item(Box(*node.at, *node.at), _around(node.at.x), _around(node.at.y))
        for wire, points in self.wires:
            yield from self._segments(wire, points)
        for b in self.scene.frames:
            corners = (Point(b.left, b.top), Point(b.right, b.top), Point(b.right, b.bottom), Point(b.left, b.bottom))
            for p, q in pairwise((*corners, corners[0])):
                yield Item(_between(p, q), _stretch(p.x, q.x), _stretch(p.y, q.y), line=True)

    def _segments(self, wire: Wire, points: tuple[Point, ...]) -> Iterator[Item]:
        """A stretch that ends at a node ends where that has its middle, which is what it is tied to."""
        tied = [*points]
        tied[0], tied[-1] = (
            self._tied(wire.source, points[0], points[1]),
            self._tied(wire.target, points[-1], points[-2]),
        )
        for k, (p, q) in enumerate(pairwise(points)):
            a, b = tied[k], tied[k + 1]
            yield Item(_between(p, q), _stretch(a.x, b.x), _stretch(a.y, b.y), line=True)

    def _tied(self, id: str, end: Point, other: Point) -> Point:
        if id not in self.nodes:
            join = self.joins.get(id)
            return end if join is None else Point(end.x, join.at.y) if join.shape == "box" else join.at
        placed = self.nodes[id]
        return Point(end.x, placed.row) if abs(end.x - other.x) <= NEAR else Point(placed.node.at.x, end.y)

    def _joining(self, join: Node) -> tuple[float, float]:
        """Where a join begins and ends: a bar at the outermost of the lines that meet there."""
        if join.shape != "box":
            return join.at.x, join.at.x
        box = _box(join)
        near = [p.x for _, points in self.wires for p in points if box.top <= p.y <= box.bottom]
        inside = [x for x in near if box.left <= x <= box.right]
        return min(inside), max(inside)

    def _rules(self) -> tuple[list[Rule], list[Rule]]:
        """Room at nodes: for the line, and where it ends for its head."""
        across: list[Rule] = []
        down: list[Rule] = []
        for wire, points in self.wires:
            for id, end, other, head in (
                (wire.source, points[0], points[1], False),
                (wire.target, points[-1], points[-2], wire.arrow),
            ):
                if id in self.nodes:
                    level = abs(end.x - other.x) > NEAR
                    (across if level else down).extend(self._room(wire, id, end, other, head))
        for dot in self.scene.dots:
            down += self._clear_of_nodes(dot.at)
        for node in self.joins.values():
            across += _clear(node.at.x, (p.x for p in self._turns() if abs(p.y - node.at.y) <= NEAR))
            down += _clear(node.at.y, (p.y for p in self._turns() if abs(p.x - node.at.x) <= NEAR))
        return across, down

    def _room(self, wire: Wire, id: str, end: Point, other: Point, head: bool) -> list[Rule]:
        """How far a wire's end is from its next corner, or from its other node where it has no corners."""
        k = 0 if abs(end.x - other.x) > NEAR else 1
        here, there = self._extent(id, k), Span((Edge(other[k]),), (Edge(other[k]),))
        facing = wire.target if id == wire.source else wire.source
        straight = len(simplify(wire.points)) == 2 and facing in self.nodes
        there = self._extent(facing, k) if straight else there
        apart = 1 + head + (straight or k == 0)
        return rules(there, here, apart) if other[k] < end[k] else rules(here, there, apart)

    def _extent(self, id: str, k: int) -> Span:
        return self.nodes[id].rows if k else self.nodes[id].columns

    def _clear_of_nodes(self, at: Point) -> list[Rule]:
        """A dot is not right above or below a node: it would look like the beginning of a wire."""
        found: list[Rule] = []
        for placed in self.nodes.values():
            box = _box(placed.node)
            if box.left - REACH < at.x < box.right + REACH:
                found += rules(_point(at.y), placed.rows, 2) if at.y < box.top - NEAR else []
                found += rules(placed.rows, _point(at.y), 2) if at.y > box.bottom + NEAR else []
        return found

    def _turns(self) -> list[Point]:
        return [*(d.at for d in self.scene.dots), *(p for _, points in self.wires for p in points[1:-1])]

    def _host(self, label: Label) -> tuple[Point, Point] | None:
        """The stretch of wire that a label belongs to."""
        if not label.of:
            return None
        own = [s for w, points in self.wires if label.of in (w.id, w.source) for s in pairwise(points)]
        own = [(a, b) for a, b in own if _beside(label.at, a, b)]
        near = min(own, key=lambda s: away(label.at, *s), default=None)
        return near if near and away(label.at, *near) <= REACH else None

    def _label_item(self, label: Label, host: tuple[Point, Point] | None) -> Item:
        wide, high = measure(label)
        x, y = label.at
        box = Box(x - wide / 2, y - high / 2, x + wide / 2, y + high / 2)
        return Item(box, *self._label_spans(label, host))

    def _label_spans(self, label: Label, host: tuple[Point, Point] | None) -> tuple[Span, Span]:
        """Beside its wire: in the next row of a level one, at the next column of an upright one."""
        wide = columns_of(self._text(label))
        (x, y), columns = label.at, Span((Edge(label.at.x, -((wide - 1) // 2)),), (Edge(label.at.x, wide // 2),))
        if host is None:
            left = _left(label)
            return (_run(left, wide) if left in self.flush else columns), _point(y)
        (a, b) = host
        if abs(a.x - b.x) > NEAR:
            return columns, Span(*((Edge(a.y, -1 if y < a.y else 1),),) * 2)
        low = -wide if x < a.x else 1
        return Span((Edge(a.x, low),), (Edge(a.x, low + wide - 1),)), _point(y)

    # ── what is drawn there ──

    def _wire(self, wire: Wire, points: tuple[Point, ...]) -> None:
        path = self._path(wire, points)
        arms = self._arms(path)
        value = f"{wire.source} {wire.role}"
        for cell, arm in zip(path[1:-1], arms, strict=True):
            mark = self.page.marks.setdefault(cell, {}).setdefault(value, Mark(role=wire.role))
            mark.arms |= arm
            mark.solid |= not wire.dashed
            mark.role = wire.role if wire.lit or not mark.lit else mark.role
            mark.lit |= wire.lit
            mark.trunk |= wire in self.scene.trunks
            mark.targets.add(wire.target)
        if wire.arrow and wire.target in self.nodes:
            self._head(wire, path[-2], path[-1])
        joins = {self._end(t.source, *t.points[:2]) for t in self.scene.trunks if t.target == wire.target}
        for before, here in pairwise(path[1:] if wire not in self.scene.trunks else ()):
            if here in joins:
                self._head(wire, before, here)

    def _head(self, wire: Wire, cell: Cell, tip: Cell) -> None:
        """An arrowhead; where values join they have one too, so that nobody follows another value backwards."""
        self.page.signs[cell] = self.charset.heads[way(*cell, *tip)], wire.role, wire.lit

    def _path(self, wire: Wire, points: tuple[Point, ...]) -> list[Cell]:
        """All cells from the source's border to the target's, both included."""
        corners = [(self.rows.of(Edge(p.y)), self.columns.of(Edge(p.x))) for p in points[1:-1]]
        start = self._end(wire.source, points[0], points[1])
        stop = self._end(wire.target, points[-1], points[-2])
        return trail([start, *corners, stop])

    def _end(self, id: str, end: Point, other: Point) -> Cell:
        """The cell of a node's border, or of a join, where a wire ends that comes from `other`."""
        if id not in self.nodes:
            at = self._tied(id, end, other)
            return self.rows.of(Edge(at.y)), self.columns.of(Edge(at.x))
        placed = self.nodes[id]
        if abs(end.x - other.x) <= NEAR:
            top, bottom = self.rows.span(placed.rows)
            return (top if other.y < end.y else bottom), self.columns.of(Edge(end.x))
        left, right = self.columns.span(placed.columns)
        return self.rows.of(Edge(end.y)), (left if other.x < end.x else right)

    def _arms(self, path: list[Cell]) -> list[int]:
        return [
            BACK[way(*before, *here)] | way(*here, *after)
            for before, here, after in zip(path, path[1:], path[2:], strict=False)
        ]

    def _dots(self) -> None:
        for dot in self.scene.dots:
            cell = self._at(dot.at)
            if cell and cell in self.page.marks:
                self.page.signs[cell] = self.charset.dot, dot.role, dot.lit
        for node in self.joins.values():
            row, (left, right) = self.rows.of(Edge(node.at.y)), self._joining(node)
            for column in range(self.columns.of(Edge(left)), self.columns.of(Edge(right)) + 1):
                self.page.signs[row, column] = self.charset.dot, node.role, node.lit

    def _at(self, point: Point) -> Cell | None:
        x, y = key(point.x), key(point.y)
        return (self.rows.at[y], self.columns.at[x]) if y in self.rows.at and x in self.columns.at else None

    def _node(self, placed: _Placed) -> None:
        node, text = placed.node, placed.text
        left, right = self.columns.span(placed.columns)
        top, bottom = self.rows.span(placed.rows)
        row = self.rows.of(Edge(placed.row))
        if placed.tall:
            border(self.page.signs, top, left, bottom, right, self.charset.box, node.role, node.lit)
            for k in range(top + 1, bottom):
                put(self.page.signs, k, left + 1, " " * (right - left - 1), node.role)
        else:
            opening, closing = "()" if node.shape in ("circle", "ellipse") else "[]"
            put(self.page.signs, row, left, opening + " " * (right - left - 1) + closing, node.role, node.lit)
        begin = (left + right - columns_of(text) + 1) // 2
        put(self.page.signs, row, begin, text, node.role, node.lit)

    def _caption(self) -> None:
        """The caption under the picture, whatever its place in other formats: a terminal is narrow."""
        used = [*self.page.marks, *self.page.signs, *self.page.under]
        bottom, left = max((row for row, _ in used), default=-2), min((column for _, column in used), default=0)
        for k, (line, lit) in enumerate(self.caption):
            put(self.page.signs, bottom + 2 + k, left, line, "words", lit)

    def _frame(self, box: Box) -> None:
        top, bottom = (self.rows.of(Edge(y)) for y in (box.top, box.bottom))
        left, right = (self.columns.of(Edge(x)) for x in (box.left, box.right))
        border(self.page.under, top, left, bottom, right, self.charset.frame, "frame")

    def _label(self, label: Label, host: tuple[Point, Point] | None) -> None:
        columns, rows = self._label_spans(label, host)
        left, row = self.columns.span(columns)[0], self.rows.span(rows)[0]
        put(self.page.signs, row, left, self._text(label), "words", label.role != "dimmed")


# ── geometry ──


def _clear(at: float, others: Iterable[float]) -> list[Rule]:
    """Room for an arrowhead between a place and each of the others."""
    return [Rule(key(min(at, other)), key(max(at, other)), 2) for other in others if abs(other - at) > NEAR]


def _box(node: Node) -> Box:
    (x, y), w, h = node.at, node.width / 2, node.height / 2
    return Box(x - w, y - h, x + w, y + h)


def _between(a: Point, b: Point) -> Box:
    return Box(min(a.x, b.x), min(a.y, b.y), max(a.x, b.x), max(a.y, b.y))


def _stretch(a: float, b: float) -> Span:
    return Span((Edge(min(a, b)),), (Edge(max(a, b)),))


def _around(at: float) -> Span:
    return Span((Edge(at, -1),), (Edge(at, 1),))


def _left(label: Label) -> float:
    return key(label.at.x - measure(label)[0] / 2)


def _run(left: float, wide: int) -> Span:
    return Span((Edge(left),), (Edge(left, wide - 1),))


def _point(at: float) -> Span:
    return Span((Edge(at),), (Edge(at),))


def _beside(at: Point, a: Point, b: Point) -> bool:
    """Whether a point lies beside a stretch, not beyond its ends."""
    k = 1 if abs(a.x - b.x) <= NEAR else 0
    return min(a[k], b[k]) <= at[k] <= max(a[k], b[k])
