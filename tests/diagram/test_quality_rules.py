"""Every rule of the table is seen to fail, on a good drawing that is spoilt on purpose."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from math import inf

import pytest

import lstmgraph
from lstmgraph.diagram import path
from lstmgraph.diagram.asked import Asked, Frame
from lstmgraph.diagram.graph import Graph
from lstmgraph.diagram.layout.cell_block import layout_cell_block
from lstmgraph.diagram.layout.legend import with_legend
from lstmgraph.diagram.layout.pipe import layout_pipe
from lstmgraph.diagram.layout.steps import light
from lstmgraph.diagram.order import badge, numbered
from lstmgraph.diagram.outline import OUTLINE
from lstmgraph.diagram.path import STROKE, finish, straight
from lstmgraph.diagram.quality import RULES, Case, Gate, Rule, faults, measure, report, score, shape_of, shortfalls
from lstmgraph.diagram.quality.overlaps import CORNER
from lstmgraph.diagram.quality.picture import Picture
from lstmgraph.diagram.quality.rival import rival_crossings
from lstmgraph.diagram.scene import Dot, Entry, Label, Legend, Node, Point, Scene, Wire
from lstmgraph.diagram.themes import load_theme
from lstmgraph.diagram.turning import turned
from lstmgraph.diagram.typeset import measure as measure_label
from lstmgraph.diagram.writers.svg import write_svg
from tests.diagram.graphs import gru, lstm, peephole_lstm, rnn

Patch = pytest.MonkeyPatch
Spoil = Callable[[Case, Patch], Case]


@pytest.fixture(scope="module")
def good() -> Case:
    graph = lstm()
    scene, theme = with_legend(layout_pipe(graph, "LSTM")), load_theme("default")
    file = write_svg(scene, theme)
    return Case(scene, graph, theme, "pipe", (light(scene, {"f", "f.1"}), light(scene, {"c"})), (file, file))


@pytest.fixture(scope="module")
def block() -> Case:
    return Case(layout_cell_block(lstm(), "LSTM"), lstm(), load_theme("default"), "cell-block")


# ── how to spoil a drawing ──


def drawn(case: Case, **what: object) -> Case:
    return replace(case, scene=replace(case.scene, **what))  # type: ignore[arg-type]


def wire(case: Case, id: str) -> Wire:
    return next(w for w in case.scene.wires if w.id == id)


def node(case: Case, id: str) -> Node:
    return next(n for n in case.scene.nodes if n.id == id)


def rewired(case: Case, id: str, **what: object) -> Case:
    """The case with another wire, its route as it must be."""
    other = replace(wire(case, id), **what)  # type: ignore[arg-type]
    if "points" in what and "route" not in what:
        (other,) = finish([other])
    return drawn(case, wires=tuple(other if w.id == id else w for w in case.scene.wires))


def changed(case: Case, id: str, **what: object) -> Case:
    return drawn(
        case,
        nodes=tuple(replace(n, **what) if n.id == id else n for n in case.scene.nodes),  # type: ignore[arg-type]
    )


def shifted(case: Case, id: str, dx: float, dy: float) -> Case:
    at = node(case, id).at
    return changed(case, id, at=Point(at.x + dx, at.y + dy))


def labelled(case: Case, *labels: Label) -> Case:
    return drawn(case, labels=(*case.scene.labels, *labels))


def without(case: Case, *ids: str) -> Case:
    return drawn(case, nodes=tuple(n for n in case.scene.nodes if n.id not in ids))


def jogged(points: tuple[Point, ...], count: int) -> tuple[Point, ...]:
    """A straight wire with so many bends more, back on its line."""
    a, b = points[0], points[-1]
    upright = abs(a.x - b.x) < 1e-6
    found = [a]
    for k in range(count // 2):
        t, aside = (k + 1) / (count // 2 + 1), 3.0 if k % 2 == 0 else 0.0
        if upright:
            y = a.y + t * (b.y - a.y)
            found += [Point(found[-1].x, y), Point(a.x + aside, y)]
        else:
            x = a.x + t * (b.x - a.x)
            found += [Point(x, found[-1].y), Point(x, a.y + aside)]
    return (*found, Point(b.x, found[-1].y) if not upright else Point(found[-1].x, b.y))


def on_arc(case: Case) -> Label:
    """A label on the curve of a wire, too small to be on its straight pieces."""
    route = next(w.route for w in case.scene.wires if any(not path.is_straight(p) for p in pieces(w)))
    piece = next(p for p in (route[k - 1 : k + 3] for k in range(1, len(route), 3)) if not path.is_straight(p))
    middle = Point(*(sum(p[k] * w for p, w in zip(piece, (1, 3, 3, 1), strict=True)) / 8 for k in (0, 1)))
    return Label(".", middle, 1.0)


def pieces(wire: Wire) -> list[tuple[Point, ...]]:
    return [wire.route[k - 1 : k + 3] for k in range(1, len(wire.route), 3)]


def unfinished(case: Case) -> Case:
    """Every route straight through every crossing."""
    return drawn(case, wires=tuple(replace(w, route=straight(w.points)) for w in case.scene.wires))


def all_jogged(case: Case) -> Case:
    return drawn(case, wires=tuple(replace(w, points=jogged(w.points, 2)) for w in case.scene.wires))


def across(case: Case, count: int) -> Case:
    """Wires of one value, each across the pipe."""
    at = wire(case, "c[t-1]>c.1.1").points[0]
    lines = [(Point(at.x + 9 * k, at.y - 9), Point(at.x + 9 * k, at.y + 9)) for k in range(1, count + 1)]
    more = [replace(wire(case, "f>c.1.0"), id=f"more{k}", points=points) for k, points in enumerate(lines)]
    return drawn(case, wires=(*case.scene.wires, *finish(more)))


def twice(case: Case) -> Case:
    """A wire over the pipe and back, in its middle."""
    a, b = wire(case, "c.1>c.0").points
    x, y = (a.x + b.x) / 2, a.y
    points = Point(x - 20, y + 30), Point(x - 20, y - 20), Point(x + 20, y - 20), Point(x + 20, y + 30)
    return rewired(case, "f>c.1.0", points=points)


def touched(case: Case) -> Case:
    """A wire that ends in the middle of the pipe."""
    a, b = wire(case, "c[t-1]>c.1.1").points[:2]
    end = Point((a.x + b.x) / 2, a.y)
    return rewired(case, "f>c.1.0", points=(Point(end.x, end.y + 40), end))


def close_ended(case: Case) -> Case:
    """A corner just before the tip."""
    tip = wire(case, "f>c.1.0").points[-1]
    return rewired(case, "f>c.1.0", points=(Point(tip.x - 40, tip.y + 10), Point(tip.x, tip.y + 10), tip))


def bent(case: Case) -> Wire:
    """A wire of two pieces."""
    return next(w for w in case.scene.wires if len(w.points) == 3 and w.source in case.picture.nodes)


def bulging(case: Case, id: str) -> Case:
    """A wire from end to end in a wide curve."""
    a, *_, b = wire(case, id).route
    return rewired(case, id, route=(a, Point(a.x + 60, a.y - 40), Point(b.x + 60, b.y + 40), b))


def slanting(case: Case) -> Case:
    """A wire of two pieces that takes the shortest way to the last stretch before its tip."""
    start, corner, tip = bent(case).points
    near = Point(*(c + 0.4 * (t - c) for c, t in zip(corner, tip, strict=True)))
    return rewired(case, bent(case).id, route=straight([start, near, bent(case).route[-1]]))


def around(case: Case, id: str) -> Case:
    """A wire that takes the way around the whole picture."""
    (start, *_, end), (width, height) = wire(case, id).points, case.scene.size
    points = [start, Point(start.x, height - 4), Point(width - 4, height - 4), Point(width - 4, end.y), end]
    return rewired(case, id, points=tuple(points))


def repainted(case: Case, before: str, after: str) -> Case:
    """The case in a file with something else in it."""
    file = case.files[0]
    assert before in file
    return replace(case, files=(file.replace(before, after),))


def squared(case: Case) -> Case:
    """A corner that was rounded, square."""
    wire = next(w for w in case.scene.wires if len(w.points) == 3 and w.points[1] not in w.route)
    return rewired(case, wire.id, route=straight([*wire.points[:2], wire.route[-1]]))


def ghost(case: Case, **what: object) -> Case:
    """A node more, where there is room for it, that no line reaches."""
    more = replace(node(case, "f"), id="ghost", at=Point(3, 3), **what)  # type: ignore[arg-type]
    return drawn(case, nodes=(*case.scene.nodes, more))


def reading(case: Case, id: str, other: str) -> Case:
    """A node that carries the label of another one."""
    texts = {n.id: n.label.text for n in case.scene.nodes if n.label is not None}
    label = node(case, id).label
    assert label is not None
    return changed(case, id, label=replace(label, text=texts[other]))


def turned_around(case: Case, mirrored: bool = False, flipped: bool = False) -> Case:
    """Everything from right to left, or from top to bottom."""
    width, height = case.scene.size

    def point(p: Point) -> Point:
        return Point(width - p.x if mirrored else p.x, height - p.y if flipped else p.y)

    return drawn(case, nodes=tuple(replace(n, at=point(n.at)) for n in case.scene.nodes))


def named(case: Case, of: str, at: Point) -> Case:
    """The name of a value, somewhere else."""
    labels = case.scene.labels
    assert any(x.of == of for x in labels)
    return drawn(case, labels=tuple(replace(x, at=at) if x.of == of else x for x in labels))


def reworded(case: Case, of: str, text: str) -> Case:
    """Something else in a label."""
    labels = case.scene.labels
    assert any(x.of == of for x in labels)
    return drawn(case, labels=tuple(replace(x, text=text) if x.of == of else x for x in labels))


def humped(case: Case, id: str) -> Case:
    """A wire that is lifted in its middle, as over another one."""
    a, *_, b = wire(case, id).route
    x, up = (a.x + b.x) / 2, a.y - path.HOP
    points = [a, Point(x - 5, a.y), Point(x - 5, up), Point(x + 5, up), Point(x + 5, a.y), b]
    return rewired(case, id, route=straight(points))


def beside_border(case: Case, far: float) -> Case:
    """A wire out of the left side of its node and so far outside of the border, up to its target."""
    source, target, x = node(case, "f"), node(case, "c.1"), case.scene.frames[0].left - far
    points = (source.at.x - source.width / 2, source.at.y), (x, source.at.y), (x, target.at.y + 9)
    return rewired(case, "f>c.1.0", points=tuple(Point(*p) for p in (*points, (target.at.x, target.at.y + 9))))


def entries(case: Case, kept: Callable[[Entry], bool]) -> Case:
    """The case with fewer entries of its legend."""
    groups = [replace(g, entries=tuple(e for e in g.entries if kept(e))) for g in case.scene.legend]
    return drawn(case, legend=tuple(groups))


def noted(case: Case, note: str) -> Case:
    return drawn(case, legend=(*case.scene.legend, Legend(note, ())))


def pale(case: Case, **what: object) -> Case:
    """The theme with other colours in its light palette."""
    assert case.theme is not None
    return replace(case, theme=replace(case.theme, light=replace(case.theme.light, **what)))  # type: ignore[arg-type]


def alike(case: Case) -> Case:
    assert case.theme is not None
    return pale(case, wires=dict.fromkeys(case.theme.light.wires, case.theme.light.text))


def sized(monkeypatch: Patch, name: str, strokes: float, case: Case) -> Case:
    """The case in a file with other arrowheads."""
    monkeypatch.setattr(path, name, strokes * STROKE)
    assert case.theme is not None
    return replace(case, files=(write_svg(case.scene, case.theme),))


def widened(case: Case, by: float) -> Case:
    frame = case.scene.frames[0]
    return drawn(case, frames=(frame._replace(right=frame.right + by),))


SPOILT: dict[str, Spoil] = {
    "missing": lambda c, _: drawn(c, wires=c.scene.wires[1:]),
    "extra": lambda c, _: drawn(c, wires=(*c.scene.wires, replace(c.scene.wires[0], id="f>nowhere"))),
    "astray": lambda c, _: rewired(c, "f>c.1.0", target="c.2"),
    "missing_nodes": lambda c, _: without(c, "f"),
    "extra_nodes": lambda c, _: ghost(c),
    "mislabelled": lambda c, _: reading(c, "f", "g"),
    "misnamed": lambda c, _: named(c, "f", Point(0, 0)),
    "misspelt": lambda c, _: reworded(c, "f", "i_t"),
    "missigned": lambda c, _: labelled(c, Label("-", wire(c, "f>c.1.0").points[0], 9, of="f>c.1.0")),
    "misnumbered": lambda c, _: drawn(c, labels=[x for x in numbered(c.scene, c.graph).labels if x.of != "f"]),
    "unframed": lambda c, _: widened(c, -c.scene.size[0] / 2),
    "intruding": lambda c, _: shifted(c, "x[t]", 0, -60),
    "turned_over": lambda c, _: turned_around(c, mirrored=True),
    "upside_down": lambda c, _: turned_around(c, flipped=True),
    "through_nodes": lambda c, _: rewired(
        c, "f>c.1.0", points=(Point(0, node(c, "g").at.y), Point(500, node(c, "g").at.y))
    ),
    "node_overlaps": lambda c, _: changed(c, "f", at=node(c, "i").at),
    "label_overlaps": lambda c, _: labelled(c, Label("f", node(c, "i").at, 11)),
    "arc_overlaps": lambda c, _: labelled(c, on_arc(c)),
    "oversized": lambda c, _: changed(c, "f", label=Label(r"\mathrm{softplus}", node(c, "f").at, 15)),
    "head_overlaps": lambda c, _: drawn(
        c, dots=(*c.scene.dots, Dot(wire(c, "c[t-1]>c.1.1").points[-1]._replace(), "memory"))
    ),
    "outside": lambda c, _: drawn(c, size=(c.scene.size[0] - 40, c.scene.size[1])),
    "oblique": lambda c, _: rewired(c, "f>c.1.0", points=(Point(0, 0), Point(10, 10))),
    "misdrawn": lambda c, _: rewired(c, "f>c.1.0", route=tuple(Point(p.x, p.y + 6) for p in wire(c, "f>c.1.0").route)),
    "falsely_bridged": lambda c, _: humped(c, "c[t-1]>c.1.1"),
    "along_border": lambda c, _: beside_border(c, 0),
    "out_and_back": lambda c, _: beside_border(c, 12),
    "sharp": lambda c, _: squared(c),
    "shared_lines": lambda c, _: rewired(
        c, "f>c.1.0", points=tuple(Point(p.x, p.y + 3) for p in wire(c, "c[t-1]>c.1.1").points)
    ),
    "touching": lambda c, _: touched(c),
    "crossings": lambda c, _: across(c, 2),
    "dot": lambda c, _: replace(c, graph=rnn()),
    "twisted": lambda c, _: twice(c),
    "unbridged": lambda c, _: unfinished(c),
    "dashed_hops": lambda c, _: rewired(c, "h>h[t]'.0@up", dashed=True),
    "most_bends": lambda c, _: rewired(c, "f>c.1.0", points=jogged(wire(c, "c[t-1]>c.1.1").points, 4)),
    "mean_bends": lambda c, _: all_jogged(c),
    "longest_way": lambda c, _: around(c, "f>c.1.0"),
    "bent_pipes": lambda c, _: rewired(c, "c[t-1]>c.1.1", points=jogged(wire(c, "c[t-1]>c.1.1").points, 2)),
    "smallest_head": lambda c, patch: sized(patch, "HEAD_WIDTH", 2.5, c),
    "largest_head": lambda c, patch: sized(patch, "HEAD_LENGTH", 5.5, c),
    "straight_end": lambda c, _: close_ended(c),
    "heads_astray": lambda c, _: rewired(c, "f>c.1.0", arrow=False),
    "worst_pitch": lambda c, _: shifted(c, "f.1", 24, 0),
    "off_line": lambda c, _: shifted(c, "f", 1, 0),
    "enclosed": lambda c, _: widened(c, 400),
    "loopless": lambda c, _: rewired(c, "c[t-1]>c.1.1", source="c[t-1]"),
    "smallest_gap": lambda c, _: changed(
        c, "f", at=Point(node(c, "f.1").at.x, node(c, "f.1").at.y - node(c, "f.1").height / 2 - 7 - 18)
    ),
    "smallest_padding": lambda c, _: drawn(
        c, frames=(c.scene.frames[0]._replace(top=node(c, "c").at.y - node(c, "c").height / 2 - 11),)
    ),
    "aspect": lambda c, _: widened(c, 400),
    "filled": lambda c, _: drawn(c, size=(c.scene.size[0], c.scene.size[1] * 1.8)),
    "smallest_text": lambda c, _: labelled(c, Label("f", Point(2, 2), 6.7)),
    "text_ratio": lambda c, _: labelled(c, Label("f", Point(2, 2), 6)),
    "text_contrast": lambda c, _: pale(c, text="#777777"),
    "line_contrast": lambda c, _: pale(c, background="#222222"),
    "unpainted": lambda c, _: repainted(c, 'stroke-width="1.2"', 'stroke-width="0"'),
    "least_difference": lambda c, _: alike(c),
    "dots_astray": lambda c, _: drawn(c, dots=c.scene.dots[1:]),
    "misdashed": lambda c, _: rewired(c, "f>c.1.0", dashed=True),
    "miscoloured": lambda c, _: rewired(c, "f>c.1.0", role="memory"),
    "mislit": lambda c, _: rewired(c, "f>c.1.0", lit=False),
    "legend_astray": lambda c, _: entries(c, lambda e: e.sample.operation != "sigmoid"),
    "untold": lambda c, _: drawn(c, title=""),
    "uncaptioned": lambda c, _: replace(c, asked=Asked(equations=("f_{t}",))),
    "repeated": lambda c, _: replace(c, frames=(c.frames[0], c.frames[0])),
    "moved": lambda c, _: replace(c, frames=(c.scene, shifted(c, "f", 8, 0).scene)),
    "unlike": lambda c, _: replace(c, files=("one", "other")),
}
EACH = [pytest.param(r, id=r.name, marks=[pytest.mark.dot] if r.name == "dot" else []) for r in RULES]


@pytest.mark.parametrize("rule", EACH)
def test_a_rule_fails_on_a_drawing_that_breaks_it(
    rule: Rule, good: Case, block: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = block if rule.gate(good) is None else good
    assert score(rule, case).inside is True
    bad = score(rule, SPOILT[rule.name](case, monkeypatch))
    assert bad.inside is False
    assert all(line.startswith(f"{rule.name}: ") for line in bad.complaints())
    assert list(bad.complaints())


def test_each_rule_is_spoilt_and_named_once() -> None:
    assert list(SPOILT) == [rule.name for rule in RULES]


# ── more ways to break the same rule ──

MORE: dict[str, tuple[str, Spoil]] = {
    "a wire twice": ("extra", lambda c, _: drawn(c, wires=(*c.scene.wires, c.scene.wires[0]))),
    "an end in the air": (
        "astray",
        lambda c, _: rewired(
            c, "f>c.1.0", points=(*wire(c, "f>c.1.0").points[:-1], wire(c, "f>c.1.0").points[-1]._replace(y=999))
        ),
    ),
    "an end in the corner around a circle": (
        "astray",
        lambda c, _: rewired(
            c,
            "f>c.1.0",
            points=(
                *wire(c, "f>c.1.0").points[:-1],
                Point(node(c, "c.1").at.x - node(c, "c.1").width / 2, node(c, "c.1").at.y + node(c, "c.1").height / 2),
            ),
        ),
    ),
    "through its own node": (
        "through_nodes",
        lambda c, _: rewired(
            c, "f>c.1.0", points=(node(c, "f").at._replace(y=node(c, "f").at.y + 9), *wire(c, "f>c.1.0").points[1:])
        ),
    ),
    "a label across an ellipse": (
        "oversized",
        lambda c, _: changed(c, "f", shape="ellipse", width=52, label=Label(r"(\cdot)-\frac12", node(c, "f").at, 13)),
    ),
    "a dot on a node": ("node_overlaps", lambda c, _: drawn(c, dots=(Dot(node(c, "f").at, "internal"),))),
    "a label on a label": ("label_overlaps", lambda c, _: labelled(c, replace(c.scene.labels[0], size=9.0))),
    "a label on a wire": (
        "label_overlaps",
        lambda c, _: labelled(c, Label("f", wire(c, "c[t-1]>c.1.1").points[0]._replace(x=100), 11)),
    ),
    "a label on the border": ("label_overlaps", lambda c, _: labelled(c, Label("f", Point(*c.scene.frames[0][:2]), 9))),
    "a label on a head": (
        "head_overlaps",
        lambda c, _: labelled(c, Label("f", wire(c, "c[t-1]>c.1.1").points[-1]._replace(), 11)),
    ),
    "two heads": (
        "head_overlaps",
        lambda c, _: rewired(c, "f>c.1.0", points=tuple(Point(p.x, p.y + 1) for p in wire(c, "c[t-1]>c.1.1").points)),
    ),
    "a head on another wire": ("head_overlaps", lambda c, _: touched(c)),
    "a label outside": ("outside", lambda c, _: labelled(c, Label("f", Point(-1, 50), 9))),
    "a trunk that runs aslant": (
        "oblique",
        lambda c, _: drawn(c, trunks=tuple(replace(t, points=(Point(0, 0), Point(9, 9))) for t in c.scene.trunks)),
    ),
    "a straight wire in a wide curve": ("misdrawn", lambda c, _: bulging(c, "f>c.1.0")),
    "a shortcut past a corner": ("misdrawn", lambda c, _: slanting(c)),
    "no node at an end of a line": ("missing_nodes", lambda c, _: without(c, "x[t]")),
    "a second node of a value, at no line": ("extra_nodes", lambda c, _: ghost(c, of="f")),
    "a node twice": ("extra_nodes", lambda c, _: drawn(c, nodes=(*c.scene.nodes, c.scene.nodes[0]))),
    "a trunk that begins nowhere": (
        "extra_nodes",
        lambda c, _: drawn(c, nodes=(*c.scene.nodes, replace(node(c, "f"), id="ghost", kind="join"))),
    ),
    "an input that reads as the old output": ("mislabelled", lambda c, _: reading(c, "x[t]", "h[t-1]")),
    "a node that reads nothing": ("mislabelled", lambda c, _: changed(c, "c", label=None)),
    "a name at the line of another value": (
        "misnamed",
        lambda c, _: named(c, "f", next(x.at for x in c.scene.labels if x.of == "i")),
    ),
    "a name of nothing": ("misnamed", lambda c, _: labelled(c, replace(c.scene.labels[0], of="nothing"))),
    "a value without its name": (
        "misspelt",
        lambda c, _: drawn(c, labels=tuple(x for x in c.scene.labels if x.of != "f")),
    ),
    "no names at all": ("misspelt", lambda c, _: drawn(c, labels=())),
    "a number of another stage": (
        "misnumbered",
        lambda c, _: reworded(drawn(c, labels=numbered(c.scene, c.graph).labels), "c.1", badge(1)),
    ),
    "a drawing that is dimmed": (
        "mislit",
        lambda c, _: drawn(
            c,
            wires=tuple(replace(w, lit=False) for w in c.scene.wires),
            nodes=tuple(replace(n, lit=False) for n in c.scene.nodes),
        ),
    ),
    "a step in which what is lit is dimmed": (
        "mislit",
        lambda c, _: drawn(
            c,
            nodes=tuple(replace(n, lit=not n.lit) for n in light(c.scene, {"f", "f.1"}).nodes),
            wires=light(c.scene, {"f", "f.1"}).wires,
        ),
    ),
    "no border": ("unframed", lambda c, _: drawn(c, frames=())),
    "an old memory inside the border": ("intruding", lambda c, _: shifted(c, "c[t-1]", 60, 0)),
    "a picture upside down": ("turned_over", lambda c, _: turned_around(c, flipped=True)),
    "both lines hop": (
        "unbridged",
        lambda c, _: drawn(c, wires=tuple(replace(w, route=w.route[:1] * 4) for w in c.scene.wires)),
    ),
    "a line that is dashed by its role": (
        "dashed_hops",
        lambda c, _: replace(rewired(c, "h>h[t]'.0@up", role="previous_output"), theme=load_theme("print")),
    ),
    "a trunk without a head": (
        "heads_astray",
        lambda c, _: drawn(c, trunks=tuple(replace(t, arrow=False) for t in c.scene.trunks)),
    ),
    "a head at the wrong end": (
        "heads_astray",
        lambda c, _: drawn(c, wires=(turned(c.scene.wires[0]), *c.scene.wires[1:])),
    ),
    "a head in a join": (
        "heads_astray",
        lambda c, _: drawn(c, trunks=(*c.scene.trunks, replace(c.scene.trunks[0], target="join"))),
    ),
    "a trunk as one of its values": (
        "miscoloured",
        lambda c, _: drawn(c, trunks=tuple(replace(t, role="input") for t in c.scene.trunks)),
    ),
    "a dot as another value": (
        "miscoloured",
        lambda c, _: drawn(c, dots=tuple(replace(d, role="bias") for d in c.scene.dots)),
    ),
    "a dashed trunk": (
        "misdashed",
        lambda c, _: drawn(c, trunks=tuple(replace(t, dashed=True) for t in c.scene.trunks)),
    ),
    "a legend that was asked for": (
        "legend_astray",
        lambda c, _: replace(drawn(c, legend=()), asked=Asked(legend=True)),
    ),
    "an entry for nothing": ("legend_astray", lambda c, _: without(c, "f", "i", "o")),
    "a symbol in another shape": ("legend_astray", lambda c, _: changed(c, "f", shape="box")),
    "a symbol in another colour": ("legend_astray", lambda c, _: changed(c, "f", role="tanh")),
    "dashes without a note": ("legend_astray", lambda c, _: rewired(c, "c[t-1]>c.1.1", dashed=True)),
    "a pattern without a note": ("legend_astray", lambda c, _: replace(c, theme=load_theme("print"))),
    "a note without dashes": ("legend_astray", lambda c, _: noted(c, "Dashed: values of the previous step")),
    "a note without dots": ("legend_astray", lambda c, _: noted(c, "Dotted: output of the previous step")),
    "a dot and no fork": ("dots_astray", lambda c, _: drawn(c, dots=(*c.scene.dots, Dot(Point(1, 1), "memory")))),
    "a node across the border": ("smallest_padding", lambda c, _: changed(c, "f", at=Point(*c.scene.frames[0][:2]))),
    "a row a little off": ("off_line", lambda c, _: shifted(c, "i", 0, 2)),
    "a wire that moves": (
        "moved",
        lambda c, _: replace(c, frames=(c.scene, rewired(c, "f>c.1.0", points=(Point(0, 0), Point(9, 0))).scene)),
    ),
}


@pytest.mark.parametrize("way", MORE)
def test_other_ways_to_break_a_rule(way: str, good: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    name, spoil = MORE[way]
    rule = next(r for r in RULES if r.name == name)
    assert score(rule, good).inside is True
    assert score(rule, spoil(good, monkeypatch)).inside is False


SAID_AT_ARROWS = {"-": "+", "1": "2", "2": "1", "U": "V"}  # and what is wrong there


@pytest.fixture(scope="module")
def signed() -> Case:
    """A minus, operands in order and a parameter that nobody would guess, each at its arrow."""
    equations = "c[t] = tanh(U * c[t-1] + x[t]) - sigmoid(c[t-1])\nh[t] = sigmoid(c[t]) ** x[t]"
    drawing = lstmgraph.Cell.from_equations(equations, name="case", sizes=dict.fromkeys("xch", "H")).draw()
    assert drawing.graph is not None
    return Case(drawing.scene, drawing.graph, None, drawing.style)


@pytest.mark.parametrize("text", SAID_AT_ARROWS)
def test_what_is_written_at_an_arrow_is_what_happens_to_its_value(signed: Case, text: str) -> None:
    (label,) = (x for x in signed.scene.labels if x.text == text)
    others = tuple(x for x in signed.scene.labels if x is not label)
    assert signed.quality.missigned == ()
    for changed_labels in (others, (*others, replace(label, text=SAID_AT_ARROWS[text]))):
        (complaint,) = drawn(signed, labels=changed_labels).quality.missigned
        assert complaint.startswith(f"{label.of} ")


SHAPES = [("circle", 36), ("ellipse", 52), ("pentagon", 36), ("teardrop", 36), ("box", 36)]


@pytest.mark.parametrize(("shape", "width"), SHAPES)
def test_a_label_in_the_corner_of_its_box_is_outside_of_a_shape_without_one(good: Case, shape: str, width: int) -> None:
    """Within the rectangle around the node, but across its outline; in its middle the same label is inside."""
    at = node(good, "f").at
    label = Label(r"\tanh", at, 6)
    wide, high = measure_label(label)
    corner = replace(label, at=Point(at.x - width / 2 + wide / 2 + 1, at.y + 18 - high / 2 - 1))
    for placed, found in ((label, ()), (corner, ("f",))):
        assert changed(good, "f", shape=shape, width=width, height=36, label=placed).quality.oversized == found


def test_a_label_that_touches_the_outline_is_not_inside(good: Case) -> None:
    at = node(good, "f").at
    label = Label("x", at, 10)
    width, height = (n + OUTLINE - 2 * CORNER for n in measure_label(label))
    for size, found in ((width, ()), (width - 0.1, ("f",))):
        assert changed(good, "f", shape="slab", width=size, height=height, label=label).quality.oversized == found


NUMBERS = ("0.5", "0.75", "1/3", "0.000001", "0.123456789", "123456789.5")


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("equation", ["h[t] = x[t] - {}", "h[t] = {} * x[t]", "h[t] = tanh(x[t]) + {}"])
def test_numbers_stay_inside_what_they_are_written_in(number: str, equation: str) -> None:
    cell = lstmgraph.Cell.from_equations(equation.format(number), name="case", sizes={"x": "H", "h": "H"})
    drawing = cell.draw()
    assert drawing.graph is not None
    assert measure(drawing.scene, drawing.graph).oversized == ()
    written = [n.label for n in drawing.scene.nodes if n.label and n.kind == "operator"]
    assert all(label.size >= 0.6 * 15 for label in written)


def test_a_step_that_is_lit_as_its_operations_are_is_no_fault(good: Case) -> None:
    for computed, shown in (({"f", "f.1"}, ()), ((), {"c[t-1]", "c.1", "c", "c[t]'"})):
        asked = Asked(steps=(Frame(frozenset(computed), frozenset(shown)),))
        step = replace(good, scene=light(good.scene, computed, shown), asked=asked)
        assert step.quality.mislit == ()
        assert replace(step, asked=Asked()).quality.mislit
        assert replace(step, scene=good.scene).quality.mislit


@pytest.mark.parametrize(("id", "what"), [("h[t]'", "is below"), ("x[t]@o.1", "is above the border")])
def test_one_node_at_the_wrong_end_of_a_cell_block_is_seen(block: Case, id: str, what: str) -> None:
    far = 999.0 if what == "is below" else -node(block, id).at.y
    complaints = shifted(block, id, 0, far).quality.upside_down
    assert any(line.startswith(f"{id} {what}") for line in complaints)


@pytest.mark.parametrize("id", ["c[t-1]>i.1.2", "c>o.1.2", "c>h.2.0"])
def test_a_peephole_or_the_new_memory_is_no_loop(id: str) -> None:
    """Other wires may leave the Cell, or start at the old memory repeated: the loop alone is what counts."""
    graph = peephole_lstm()
    case = Case(layout_cell_block(graph), graph, style="cell-block")
    rule = next(r for r in RULES if r.name == "loopless")
    assert case.loopless == ()
    assert rewired(case, id, source="c[t-1]").loopless == ()
    lost = rewired(case, "c[t-1]>c.1.1", source="c[t-1]")
    assert lost.loopless == ("c",)
    assert score(rule, replace(lost, style="pipe")).value is None


# ── what is no fault ──


def test_a_crossing_that_hops_once_is_bridged(good: Case) -> None:
    assert [len(Picture(good.scene, good.graph).crossings), *measure(good.scene, good.graph).unbridged] == [1]
    assert len(measure(unfinished(good).scene, good.graph).unbridged) == 1


def test_what_is_more_than_two_strokes_away_is_no_fault(good: Case) -> None:
    box = node(good, "f")
    for away, near in ((2 * STROKE + STROKE / 2 + 0.01, False), (2 * STROKE + STROKE / 2 - 0.1, True)):
        x = box.at.x + box.width / 2 + away
        bad = rewired(good, "g>c.2.1", points=(Point(x, box.at.y - 5), Point(x, box.at.y + 5)))
        assert ("g>c.2.1 and f" in measure(bad.scene, bad.graph).through_nodes) is near


def test_gates_for_some_styles_and_cells_hold_only_there(good: Case) -> None:
    wide = widened(good, 400)
    rule = next(r for r in RULES if r.name == "aspect")
    assert score(rule, wide).inside is False
    assert score(rule, replace(wide, style="plumbing")).inside is None
    assert score(rule, replace(wide, graph=rnn())).inside is None
    rule = next(r for r in RULES if r.name == "text_contrast")
    shown = score(rule, replace(good, theme=load_theme("shiyan")))
    assert (shown.inside, shown.gate) == (True, Gate(low=1.8))
    assert shown.value == pytest.approx(1.87, abs=0.01)
    assert score(rule, replace(good, theme=None)).value is None


def test_cells_are_known_by_their_structure() -> None:
    assert [shape_of(g()) for g in (lstm, peephole_lstm, gru, rnn)] == ["LSTM", "peephole LSTM", "GRU", ""]


def test_copies_of_a_graph_are_each_complete(good: Case) -> None:
    from lstmgraph.diagram.compose import grid

    pair = grid([good.scene, good.scene], 2)
    assert faults(pair, good.graph) == []
    fewer = replace(pair, wires=pair.wires[1:])
    assert measure(fewer, good.graph).missing == (pair.wires[0].id,)


def test_pictures_below_one_another_are_looked_at_one_by_one(good: Case) -> None:
    from lstmgraph.diagram.compose import grid

    assert measure(grid([good.scene, good.scene], 1), good.graph).turned_over == ()
    fewer = without(good, "f").scene
    assert measure(grid([good.scene, fewer], 1), good.graph).missing_nodes == ("2:f",)


def test_a_picture_of_one_node_has_figures() -> None:
    scene = Scene("x", "", "", (50, 50), (), (), (), (), ())
    quality = measure(scene, Graph((), (), (), ""))
    assert (quality.smallest_gap, quality.filled, quality.smallest_padding) == (inf, None, None)
    assert faults(scene, Graph((), (), (), "")) == []


# ── the table ──


@pytest.mark.parametrize(
    ("gate", "text", "within", "without"),
    [
        (Gate(high=0), "0", 0, 1),
        (Gate(high=2), "≤ 2", 2, 2.01),
        (Gate(low=4.5), "≥ 4.5", inf, 4.4),
        (Gate(1.6, 2.2), "1.6 to 2.2", 1.6, 2.3),
    ],
)
def test_a_gate_says_what_it_holds(gate: Gate, text: str, within: float, without: float) -> None:
    assert (str(gate), gate.holds(within), gate.holds(without)) == (text, True, False)


def test_faults_are_what_is_wrong_in_any_drawing_and_shortfalls_every_gate(
    good: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    bent = SPOILT["most_bends"](good, monkeypatch)
    assert any(line.startswith("most_bends: 4, not ≤ 2") for line in shortfalls(bent))
    assert not any(line.startswith("most_bends") for line in faults(bent.scene, bent.graph))
    assert faults(drawn(good, wires=good.scene.wires[1:]).scene, good.graph) == [f"missing: {good.scene.wires[0].id}"]


@pytest.mark.dot
def test_a_report_sets_ours_beside_the_gates_and_drawings_by_hand(good: Case) -> None:
    fine = report(good.scene, good.graph, good.theme, good.style)
    assert fine.ok, fine.text()
    lines = fine.text().splitlines()
    crossings = next(line for line in lines if line.startswith("crossings of different values"))
    assert crossings.split()[-5:] == ["≤", "1", "Olah", "1", "yes"]
    duel = next(line for line in lines if line.startswith("fewer crossings than Graphviz dot"))
    shown = f"1 (dot {rival_crossings(good.graph)})"  # its figure for this graph, so none for drawings by hand
    assert re.split(" {2,}", duel) == ["fewer crossings than Graphviz dot, or both 0", shown, "fewer, or 0", "yes"]
    assert len({line.rstrip().endswith(("yes", "-")) for line in lines[3:]}) == 1
    bad = report(drawn(good, wires=good.scene.wires[1:]).scene, good.graph, good.theme, good.style, title="bad")
    assert not bad.ok
    assert bad.text().startswith("bad\n")
    assert bad.text().endswith(f"missing: {good.scene.wires[0].id}\n")
    assert "| edges of the equations that are not drawn | 1 | 0 |  | NO |" in bad.markdown()


def test_without_graphviz_its_row_says_so(good: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    from lstmgraph.diagram.quality import measured
    from lstmgraph.errors import MissingExtra

    def missing(graph: Graph) -> int:
        raise MissingExtra("no dot")

    monkeypatch.setattr(measured, "rival_crossings", missing)
    without = report(good.scene, good.graph, good.theme, good.style)
    row = next(s for s in without.scores if s.rule.name == "dot")
    assert (row.inside, row.shown) == (None, "not measured: no dot")
    assert without.ok


@pytest.mark.parametrize("name", ["lstm", "peephole_lstm", "gru"])
def test_a_network_drawn_as_one_box_changes_nothing_about_what_the_cell_is(name: str) -> None:
    whole, boxes = (lstmgraph.load(name).draw(detail=detail).graph for detail in ("sums", "gates"))
    assert whole is not None
    assert boxes is not None
    assert shape_of(boxes) == shape_of(whole) != ""


@pytest.mark.parametrize("name", ["lstm", "peephole_lstm", "gru"])
def test_a_chain_is_measured_by_its_step(name: str) -> None:
    one, chain = (lstmgraph.load(name).draw(unroll=steps) for steps in (1, 5))
    assert one.graph is not None
    assert chain.graph is not None
    alone, long = (Case(d.scene, d.graph, None, d.style) for d in (one, chain) if d.graph is not None)
    assert long.shape == alone.shape == shape_of(one.graph) != ""
    assert long.quality.crossings_a_step == alone.quality.crossings == long.quality.crossings / 5
    crossings = next(rule for rule in RULES if rule.name == "crossings")
    assert score(crossings, long).inside is True
