"""Labels: those inside nodes get a size that fits, those beside wires and nodes a place where nothing else is.

What a `Look` asks for is promised: `place` says for which labels it found no room, and a layout then leaves more.  To
write something else beside a wire, a node or an arrow: one more source of `_Wish`es.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from math import hypot
from typing import NamedTuple

from lstmgraph.diagram import ground
from lstmgraph.diagram.boxes import MINUS, around, beside, dot_box, hull, meet, node_box, written_box
from lstmgraph.diagram.extract import PRODUCT
from lstmgraph.diagram.graph import EXTERNAL, OPERATIONS, Edge, Graph
from lstmgraph.diagram.graph import Node as Operation
from lstmgraph.diagram.layout.plan import Plan, Spot
from lstmgraph.diagram.layout.shapes import MAIN, PITCH, Form, scale_in
from lstmgraph.diagram.path import HEAD_LENGTH, HEAD_WIDTH, STROKE
from lstmgraph.diagram.scene import Box, Dot, Label, Node, Point, Scene, Wire
from lstmgraph.diagram.typeset import measure

WIRE = 12.0  # the size of a label on a wire
SMALL = 9.0  # the same in a crowd
FAR = (14, 6, 10, 22, 30, 38, 46, 60, 80, 110, 150, 200, 260, 340)  # of a label, from the beginning of a straight piece
LEAST = 0.5  # no label is smaller than this part of the main size
ASIDE = 3.0  # between a label and the wire that it belongs to
AIR = 4.0  # between a label and other wires and labels: more than that, so that it is clear what it belongs to
TIGHT = 3.1  # the same in a crowd
LAST = 1.0  # where there is no other place
CLOSE = 0.5  # at least, between a label and nodes, borders and its own wire
CLEAR = 2.5  # between a label and arrowheads, where there is room
ROUND = (0.86, 0.74)  # how far a name reaches in a circle: part of the diameter; the same in a small one
SNUG = 0.9  # a label may come so much nearer to the outline before it has no room
SMALL_CIRCLE = 32.0  # a circle below this diameter is one
SHORT = 40.0  # beside a straight piece that is shorter a label stands in the middle
BESIDE = (1.0, 3.0, 6.0)  # of a label from its node
NEXT = 4.0  # from one place at an arrow to the next
OUTSIDE = (*EXTERNAL, "bias", "cell")  # nodes whose names stand inside them
NEUTRAL = "-"  # who owns what no label can be taken to belong to by mistake
HEAD = ">"  # begins the owner of an arrowhead; the wire's id follows
# Sizes of labels, air around them and clearance of arrowheads: the best first.
WAYS = (
    (WIRE, AIR, CLEAR),
    (WIRE, TIGHT, CLEAR),
    (SMALL, TIGHT, CLEAR),
    (SMALL, LAST, CLEAR),
    (SMALL, TIGHT, CLOSE),
    (SMALL, LAST, CLOSE),
)


class Placed(NamedTuple):
    """Labels with their places, and the ids of what others, for which there is no room, belong to."""

    labels: tuple[Label, ...]
    missing: tuple[str, ...]


def inside(glyph: str, form: Form, at: Point) -> Label:
    """A node's label, as large as fits."""
    return Label(glyph, at, round(MAIN * max(LEAST, _scale(glyph, form)), 2))


def fits(glyph: str, form: Form) -> bool:
    """Whether a node's label stays inside it in its least size, if with less air around it."""
    return _scale(glyph, form) >= LEAST * SNUG


def _scale(glyph: str, form: Form) -> float:
    width, height = measure(Label(glyph, Point(0, 0), MAIN))
    round_ = 0.72 if form.shape in ("circle", "teardrop", "pentagon") else 0.86
    found = min(1.0, form.width * round_ / max(width, 1.0), form.height * round_ / max(height, 1.0))
    if form.shape == "circle":
        found = min(found, form.width * ROUND[form.width < SMALL_CIRCLE] / max(hypot(width, height), 1.0))
    return min(found, scale_in(form, width, height))


def place(
    plan: Plan, nodes: Sequence[Node], wires: Sequence[Wire], dots: Sequence[Dot], names: Mapping[str, str]
) -> Placed:
    """The labels that the graph's look asks for, and a mark at every arrow that needs one."""
    free = _Ground()
    free.take_all(nodes, wires, dots)
    for line in ground.borders([Box(*(v * PITCH for v in plan.border))]):
        free.take(line, NEUTRAL)
    by_id = {w.id: w for w in wires}
    found: list[Label] = []
    missing: list[str] = []
    marks, weights = list(_marks(plan, by_id, dots)), list(_weights(plan, by_id, dots))
    for wish in marks:
        labels = free.fulfil(wish)
        found += labels or wish.forced()
        missing += [] if labels else [wish.of]
    alike = free.alike(weights)
    found += alike
    for wish in (*(() if alike else weights), *_sizes(plan, nodes)):
        labels = free.fulfil(wish)
        found += labels or wish.forced()
        missing += [] if labels else [wish.of]
    for wish in _values(plan, wires, names) if plan.graph.look.values else ():
        labels = free.fulfil(wish)
        found += labels
        missing += [] if labels else [wish.of]
    return Placed(tuple(found), tuple(missing))


def refitted(scene: Scene, texts: Mapping[str, str]) -> Scene:
    """The scene with other texts on its wires, each where there is room for it; `texts` by the node whose value it is.

    A text for which there is no room is left out.
    """
    changed = [x for x in scene.labels if x.of in texts]
    kept = [x for x in scene.labels if x.of not in texts]
    free = _Ground()
    free.take_all(scene.nodes, scene.wires, scene.dots)
    for label in kept:
        free.take(written_box(label))
    for label in changed:
        own = [w for w in scene.wires if w.source == label.of]
        wish = _Wish((texts[label.of],), label.of, label.role, _Along(own), {w.id for w in own})
        kept += free.fulfil(wish)
    return replace(scene, labels=tuple(kept))


# ── where there is room ──


class _Places:
    """Where a label of some size may stand, the best place first."""

    def __call__(self, width: float, height: float) -> Iterator[Point]:
        raise NotImplementedError


@dataclass(frozen=True)
class _Wish:
    """Texts that are to stand in some place: in one label, or one by one where that has no room."""

    texts: tuple[str, ...]
    of: str
    role: str
    places: _Places
    own: Collection[str] = frozenset()  # wires that it belongs to

    def label(self, texts: Iterable[str], size: float) -> Label:
        return Label(r",\,".join(texts), Point(0, 0), size, role=self.role, of=self.of)

    def forced(self) -> list[Label]:
        """In its first place, whatever is there: a picture without a mark would be wrong."""
        label = self.label(self.texts, SMALL)
        return [replace(label, at=at) for at in (next(self.places(*measure(label)), None),) if at is not None]


@dataclass
class _Ground:
    """What is taken, and by whom."""

    boxes: list[tuple[Box, str]] = field(default_factory=list)  # with the wire, or NEUTRAL

    def take(self, box: Box, owner: str = "") -> None:
        self.boxes.append((box, owner))

    def take_all(self, nodes: Iterable[Node], wires: Iterable[Wire], dots: Iterable[Dot]) -> None:
        for node in nodes:
            self.take(node_box(node, STROKE / 2), NEUTRAL)
        for wire in wires:
            *boxes, last = ground.of_wire(wire)
            for box in boxes:
                self.take(box, wire.id)
            self.take(last, HEAD + wire.id if wire.arrow else wire.id)
        for dot in dots:
            self.take(dot_box(dot))

    def fulfil(self, wish: _Wish) -> list[Label]:
        """The wish's labels where nothing else is, smaller ones in a crowd; nothing where there is no room."""
        return self.alike((wish,))

    def alike(self, wishes: Sequence[_Wish]) -> list[Label]:
        """The labels of several wishes, all in the same manner; nothing where no manner has room for all."""
        for apart in (False, True) if any(len(w.texts) > 1 for w in wishes) else (False,):
            labels = [(w, part) for w in wishes for part in ([(t,) for t in w.texts] if apart else [w.texts])]
            for way in WAYS:
                if found := self._all(labels, way):
                    return found
        return []

    def _all(self, labels: Sequence[tuple[_Wish, tuple[str, ...]]], way: tuple[float, float, float]) -> list[Label]:
        before, found = len(self.boxes), []
        for wish, texts in labels:
            label = self._set(wish, wish.label(texts, way[0]), *way[1:])
            if label is None:
                del self.boxes[before:]
                return []
            found.append(label)
        return found

    def _set(self, wish: _Wish, label: Label, air: float, clear: float) -> Label | None:
        width, height = measure(label)
        for at in wish.places(width, height):
            if self._is_free(around(at, width, height), wish.own, air, clear):
                placed = replace(label, at=at)
                self.take(written_box(placed))
                return placed
        return None

    def _is_free(self, box: Box, own: Collection[str], air: float, clear: float) -> bool:
        wide, close, off = (hull((Point(*box[:2]), Point(*box[2:])), n) for n in (air, CLOSE, clear))
        grown = {NEUTRAL: close} | dict.fromkeys(own, close) | {HEAD + id: off for id in own}
        return not any(meet(grown.get(owner, wide), taken) for taken, owner in self.boxes)


# ── at arrows: signs, the order of operands, what scales a value ──


@dataclass(frozen=True)
class _AtArrow(_Places):
    """Beside the end of a wire, no further back than where it is alone."""

    wire: Wire
    dots: Sequence[Dot]

    def __call__(self, width: float, height: float) -> Iterator[Point]:
        for tip, back, skip in self._pieces():
            upright = abs(tip.x - back.x) < 1e-6
            long, half = abs(tip.x - back.x) + abs(tip.y - back.y), (height if upright else width) / 2
            aside = STROKE / 2 + ASIDE + (width if upright else height) / 2
            sign = 1 if (back.y > tip.y if upright else back.x > tip.x) else -1
            far = skip + half
            while far + half <= long + (height if upright else 0.0):
                for side in (-aside, aside):
                    yield (
                        Point(tip.x + side, tip.y + sign * far) if upright else Point(tip.x + sign * far, tip.y + side)
                    )
                far += NEXT
        yield from self._at_head(width, height)

    def _at_head(self, width: float, height: float) -> Iterator[Point]:
        """Right beside the arrowhead: for a wire that is too short for more."""
        tip, back = self.wire.points[-1], self.wire.points[-2]
        upright = abs(tip.x - back.x) < 1e-6
        across, along = (width, height) if upright else (height, width)
        sign = 1 if (back.y > tip.y if upright else back.x > tip.x) else -1
        for far in (sign * (along / 2 + CLOSE + n) for n in (1, 3, 5)):
            for aside in (HEAD_WIDTH / 2 + air + CLOSE + across / 2 for air in (CLEAR, CLOSE)):
                for side in (-aside, aside):
                    yield Point(tip.x + side, tip.y + far) if upright else Point(tip.x + far, tip.y + side)

    def _pieces(self) -> Iterator[tuple[Point, Point, float]]:
        """Straight pieces from the tip backwards, up to the first fork, and how much of each the head takes."""
        skip = HEAD_LENGTH if self.wire.arrow else ASIDE
        for tip, back in pairwise(reversed(self.wire.points)):
            forks = [d.at for d in self.dots if _between(d.at, tip, back)]
            if forks:
                yield tip, min(forks, key=lambda p: abs(p.x - tip.x) + abs(p.y - tip.y)), skip
                return
            yield tip, back, skip
            skip = ASIDE


def _between(at: Point, a: Point, b: Point) -> bool:
    near = 0.01
    return min(a.x, b.x) - near <= at.x <= max(a.x, b.x) + near and min(a.y, b.y) - near <= at.y <= max(a.y, b.y) + near


def _marks(plan: Plan, wires: Mapping[str, Wire], dots: Sequence[Dot]) -> Iterator[_Wish]:
    """A minus where the value enters a sum with the other sign, a number where order matters."""
    for edge in plan.graph.edges:
        if (edge.negative or edge.mark) and edge.id in wires:
            text = (MINUS if edge.negative else "") + edge.mark
            yield _Wish((text,), edge.id, "text", _AtArrow(wires[edge.id], dots), {edge.id})


def _weights(plan: Plan, wires: Mapping[str, Wire], dots: Sequence[Dot]) -> Iterator[_Wish]:
    """What scales a value, at its arrow; at the arrow of a trunk what scales each of the values in it."""
    texts: dict[str, dict[str, None]] = {}
    for edge in plan.graph.edges:
        if text := weight_text(plan.graph, edge):
            id = plan.through[edge.id][1] if edge.id in plan.through else edge.id
            texts.setdefault(id, {})[text] = None
    for id, several in texts.items():
        yield _Wish(tuple(several), id, "weight", _AtArrow(wires[id], dots), {id})


def weight_text(graph: Graph, edge: Edge) -> str:
    """What a look says of the parameter that scales an edge: its name, its shape, both or nothing."""
    look = graph.look
    name = edge.via if edge.via and (look.weights or _surprises(graph, edge)) else ""
    name = "" if name == graph.node(edge.target).glyph else name
    return " : ".join(text for text in (name, edge.via_shape if look.sizes else "") if text)


def _surprises(graph: Graph, edge: Edge) -> bool:
    """Whether nobody would guess a parameter that is not named.

    A weighted sum is read as matrices and a bias, perhaps with vectors that scale a state (peepholes).  A scalar, a
    vector that scales something else, a vector in a sum without a matrix, and a second factor of any shape are not.
    """
    if not edge.via_shape:  # nothing is known of it
        return False
    source = graph.node(edge.source)
    if source.operation == PRODUCT and source.value is None:
        return True
    matrices = any(r"\times" in e.via_shape for e in graph.into(edge.target))
    return r"\times" not in edge.via_shape and (edge.via_shape == "1" or not matrices)


def widest_weight(graph: Graph, edges: Iterable[Edge]) -> float:
    """How wide the labels at these arrows are, in points."""
    texts = {weight_text(graph, e) for e in edges} - {""}
    return max((measure(Label(text, Point(0, 0), WIRE))[0] for text in texts), default=0.0)


# ── beside nodes: the shapes of what comes and goes ──


@dataclass(frozen=True)
class _Beside(_Places):
    """Under a node, over it, to its sides, at its corners."""

    node: Node

    def __call__(self, width: float, height: float) -> Iterator[Point]:
        x, y = self.node.at
        for far in BESIDE:
            dx, dy = (self.node.width + width) / 2 + far, (self.node.height + height) / 2 + far
            yield from (Point(x, y + dy), Point(x, y - dy), Point(x + dx, y), Point(x - dx, y))
            yield from (Point(x + sx * dx, y + sy * (dy - height / 2)) for sy in (1, -1) for sx in (1, -1))


def _sizes(plan: Plan, nodes: Sequence[Node]) -> Iterator[_Wish]:
    """The shape of every value that has a node; once where the node is repeated."""
    done: set[str] = set()
    for node in nodes if plan.graph.look.sizes else ():
        spot = plan.spots[node.id]
        if spot.node is not None and spot.node.shape and node.kind in OUTSIDE and spot.node.id not in done:
            done.add(spot.node.id)
            yield _Wish((spot.node.shape,), node.id, "shape", _Beside(node))


# ── along wires: the names of values ──


@dataclass(frozen=True)
class _Along(_Places):
    """Beside the wires of a value, near its source first."""

    wires: Sequence[Wire]

    def __call__(self, width: float, height: float) -> Iterator[Point]:
        runs = [(a, b, b == w.points[-1] and w.arrow) for w in self.wires for a, b in pairwise(w.points)]
        for k, first in enumerate(FAR):
            for a, b, arrow in runs:
                length = abs(a.x - b.x) + abs(a.y - b.y)
                short = k == 0 and length < SHORT
                far = (length - (HEAD_LENGTH if arrow else 0.0)) / 2 if short else first
                if length < 1e-6 or not 0 < far <= length:
                    continue
                at = Point(a.x + (b.x - a.x) / length * far, a.y + (b.y - a.y) / length * far)
                for aside in (STROKE / 2 + ASIDE, HEAD_WIDTH / 2 + CLEAR + CLOSE)[: 1 + short]:
                    yield from beside(at, abs(a.x - b.x) < 1e-6, aside, width, height)


def _values(plan: Plan, wires: Sequence[Wire], names: Mapping[str, str]) -> Iterator[_Wish]:
    """The name of every named value on a wire inside the cell."""
    for spot in plan.spots.values():
        own = [w for w in wires if w.source == spot.id]
        if _is_named(spot) and any(plan.spots[w.target].kind != "next" for w in own):
            assert spot.node is not None
            text = value_text(plan.graph, spot.node, names)
            yield _Wish((text,), spot.id, "text", _Along(own), {w.id for w in own})


def _is_named(spot: Spot) -> bool:
    node = spot.node
    return node is not None and node.value is not None and node.kind in OPERATIONS


def value_text(graph: Graph, node: Operation, names: Mapping[str, str]) -> str:
    """All names of the value of a node, and its shape where the look asks for it."""
    shared = [v for v, id in graph.values.items() if id == node.id] or [node.value or node.id]
    text = " = ".join(names.get(v) or graph.texts.get(v) or _plain_name(v) for v in shared)
    return f"{text} : {node.shape}" if graph.look.sizes and node.shape else text


def _plain_name(value: str) -> str:
    base = value.split("[", maxsplit=1)[0]
    return f"{base}_t" if len(base) == 1 else rf"\mathrm{{{base.replace('_', ' ')}}}_t"
