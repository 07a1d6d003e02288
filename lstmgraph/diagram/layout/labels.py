"""Labels: those inside nodes get a size that fits, those on wires a place where nothing else is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

from lstmgraph.diagram.layout.plan import Plan
from lstmgraph.diagram.layout.shapes import Form
from lstmgraph.diagram.path import STROKE
from lstmgraph.diagram.scene import Box, Label, Node, Point, Wire
from lstmgraph.diagram.typeset import measure

MAIN = 15.0  # the size of a value's name in its node
WIRE = 11.0  # the size of a label on a wire
SMALL = 9.0  # the same in a crowd
FAR = (14, 6, 10, 22, 30, 38, 46, 60, 80, 110, 150, 200, 260, 340)  # of a label, from the beginning of a straight piece
LEAST = 0.5  # no label is smaller than this part of the main size
AIR = 2.5  # around a label
MARK_ASIDE = (7.0, -7.0, 10.0, -10.0)  # of its wire
MARK_FAR = (11.0, 16.0, 21.0, 28.0)  # from the arrow's tip


def inside(glyph: str, form: Form, at: Point) -> Label:
    """A node's label, as large as fits."""
    label = Label(glyph, at, MAIN)
    width, height = measure(label)
    round_ = 0.72 if form.shape in ("circle", "teardrop", "pentagon") else 0.86
    fits = min(1.0, form.width * round_ / max(width, 1.0), form.height * round_ / max(height, 1.0))
    return Label(glyph, at, round(MAIN * max(LEAST, fits), 2))


def place(plan: Plan, nodes: Sequence[Node], wires: Sequence[Wire], names: Mapping[str, str]) -> tuple[Label, ...]:
    """A label for each named value on a wire inside the cell, where there is room for it."""
    taken = [_box(n.at, n.width, n.height, STROKE) for n in nodes]
    for wire in wires:
        taken += [_segment(a, b) for a, b in pairwise(wire.points)]
    found = list(_marks(wires, plan, taken))
    for spot in plan.spots.values():
        node = spot.node
        if node is None or node.value is None or node.kind not in ("function", "operator", "sum"):
            continue
        own = [w for w in wires if w.source == spot.id]
        if not own or all(plan.spots[w.target].kind == "next" for w in own):
            continue
        shared = [v for v, id in plan.graph.values.items() if id == spot.id] or [node.value]
        label = _somewhere(" = ".join(names.get(v, _plain_name(v)) for v in shared), own, taken)
        if label is not None:
            found.append(replace(label, of=spot.id))
            taken.append(_box(label.at, *measure(label), 0))
    return tuple(found)


def _plain_name(value: str) -> str:
    base = value.split("[", maxsplit=1)[0]
    return f"{base}_t" if len(base) == 1 else rf"\mathrm{{{base.replace('_', ' ')}}}_t"


def _marks(wires: Sequence[Wire], plan: Plan, taken: list[Box]) -> Iterator[Label]:
    """Beside an arrow: a minus where the value enters a sum with the other sign, a number where order matters."""
    texts = {e.id: ("-" if e.negative else "") + e.mark for e in plan.graph.edges}
    for wire in wires:
        if text := texts.get(wire.id):
            mark = Label(text, Point(0, 0), WIRE, of=wire.id)
            end, before = wire.points[-1], wire.points[-2]
            upright = abs(end.x - before.x) < 1e-6
            back = 1.0 if (before.y > end.y or before.x > end.x) else -1.0
            spots = [(side, far * back) for far in MARK_FAR for side in MARK_ASIDE]
            points = [Point(end.x + s, end.y + f) if upright else Point(end.x + f, end.y + s) for s, f in spots]
            free = (p for p in points if not any(_overlap(_box(p, *measure(mark), 1), t) for t in taken))
            at = next(free, points[0])  # a picture without the mark would be wrong, so it is drawn even in a crowd
            taken.append(_box(at, *measure(mark), 0))
            yield replace(mark, at=at)


def _somewhere(text: str, wires: Sequence[Wire], taken: Sequence[Box]) -> Label | None:
    """The label where nothing else is; a smaller one, closer to its wire, in a crowd."""
    for size, air in ((WIRE, AIR), (WIRE, 1.0), (SMALL, 0.8)):
        label = Label(text, Point(0, 0), size)
        width, height = measure(label)
        for at in _candidates(wires, width, height, air):
            box = _box(at, width, height, air)
            if not any(_overlap(box, t) for t in taken):
                return replace(label, at=at)
    return None


def _candidates(wires: Sequence[Wire], width: float, height: float, air: float) -> Iterator[Point]:
    """Beside the wires of a value, near its source first."""
    aside = STROKE / 2 + air + 1
    runs = [(a, b) for wire in wires for a, b in pairwise(wire.points)]
    for far in FAR:
        for a, b in runs:
            length = abs(a.x - b.x) + abs(a.y - b.y)
            if length < 1e-6 or far > length:
                continue
            at = Point(a.x + (b.x - a.x) / length * far, a.y + (b.y - a.y) / length * far)
            if abs(a.x - b.x) < 1e-6:
                yield Point(at.x - aside - width / 2, at.y)
                yield Point(at.x + aside + width / 2, at.y)
            else:
                yield Point(at.x, at.y - aside - height / 2)
                yield Point(at.x, at.y + aside + height / 2)


def _box(at: Point, width: float, height: float, air: float) -> Box:
    return Box(at.x - width / 2 - air, at.y - height / 2 - air, at.x + width / 2 + air, at.y + height / 2 + air)


def _segment(a: Point, b: Point) -> Box:
    half = STROKE / 2
    return Box(min(a.x, b.x) - half, min(a.y, b.y) - half, max(a.x, b.x) + half, max(a.y, b.y) + half)


def _overlap(a: Box, b: Box) -> bool:
    return a.left < b.right and b.left < a.right and a.top < b.bottom and b.top < a.bottom
