"""Labels: those inside nodes get a size that fits, those on wires a place where nothing else is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

from lstmgraph.diagram.layout.plan import Plan
from lstmgraph.diagram.layout.shapes import PITCH, Form
from lstmgraph.diagram.path import STROKE
from lstmgraph.diagram.scene import Box, Label, Node, Point, Wire
from lstmgraph.diagram.typeset import measure

MAIN = 15.0  # the size of a value's name in its node
WIRE = 11.0  # the size of a label on a wire
LEAST = 0.5  # no label is smaller than this part of the main size
AIR = 2.5  # around a label
SIGN = Label("-", Point(0, 0), WIRE)
SIGN_ASIDE = (7.0, -7.0, 10.0, -10.0)  # of its wire
SIGN_FAR = (11.0, 16.0, 21.0, 28.0)  # from the arrow's tip


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
    found = list(_signs(wires, plan, taken))
    for spot in plan.spots.values():
        node = spot.node
        if node is None or node.value is None or node.kind not in ("function", "operator", "sum"):
            continue
        own = [w for w in wires if w.source == spot.id]
        if not own or all(plan.spots[w.target].kind == "next" for w in own):
            continue
        label = _somewhere(names.get(node.value, _plain_name(node.value)), own, taken)
        if label is not None:
            found.append(replace(label, of=spot.id))
            taken.append(_box(label.at, *measure(label), 0))
    return tuple(found)


def _plain_name(value: str) -> str:
    base = value.split("[", maxsplit=1)[0]
    return f"{base}_t" if len(base) == 1 else rf"\mathrm{{{base.replace('_', ' ')}}}_t"


def _signs(wires: Sequence[Wire], plan: Plan, taken: list[Box]) -> Iterator[Label]:
    """A minus beside the head of a wire that enters a sum with the other sign."""
    edges = {e.id: e for e in plan.graph.edges}
    for wire in wires:
        edge = edges.get(wire.id)
        if edge is not None and edge.negative:
            end, before = wire.points[-1], wire.points[-2]
            upright = abs(end.x - before.x) < 1e-6
            back = 1.0 if (before.y > end.y or before.x > end.x) else -1.0
            spots = [(side, far * back) for far in SIGN_FAR for side in SIGN_ASIDE]
            points = [Point(end.x + s, end.y + f) if upright else Point(end.x + f, end.y + s) for s, f in spots]
            free = (p for p in points if not any(_overlap(_box(p, *measure(SIGN), 1), t) for t in taken))
            at = next(free, points[0])  # a picture without the sign would be wrong, so it is drawn even in a crowd
            taken.append(_box(at, *measure(SIGN), 0))
            yield replace(SIGN, at=at, of=wire.id)


def _somewhere(text: str, wires: Sequence[Wire], taken: Sequence[Box]) -> Label | None:
    width, height = measure(Label(text, Point(0, 0), WIRE))
    for at in _candidates(wires, width, height):
        box = _box(at, width, height, AIR)
        if not any(_overlap(box, t) for t in taken):
            return Label(text, at, WIRE)
    return None


def _candidates(wires: Sequence[Wire], width: float, height: float) -> Iterator[Point]:
    """Beside the wires of a value, near its source first."""
    aside = STROKE / 2 + AIR + 1
    for step in (0, 1, 2, 3):
        for wire in wires:
            for a, b in list(pairwise(wire.points))[:3]:
                length = abs(a.x - b.x) + abs(a.y - b.y)
                far = min(length / 2, 14 + step * PITCH) if step < 3 else length / 2
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
