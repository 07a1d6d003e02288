"""SVG and DOT show the same scene; the SVG is sound XML, accessible, and alone in whatever page it stands."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace
from functools import cache
from math import dist
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import pytest

import lstmgraph
from lstmgraph.diagram.boxes import around
from lstmgraph.diagram.extract import extract
from lstmgraph.diagram.layout.cell_block import layout_cell_block
from lstmgraph.diagram.layout.pipe import layout_pipe
from lstmgraph.diagram.outline import OUTLINE, room
from lstmgraph.diagram.path import arrowhead, straight
from lstmgraph.diagram.scene import Label, Node, Point, Scene, Wire
from lstmgraph.diagram.themes import Mode, load_theme, theme_names
from lstmgraph.diagram.typeset import measure
from lstmgraph.diagram.writers import FORMATS, writer
from lstmgraph.diagram.writers.dot import to_graphviz, write_dot
from lstmgraph.diagram.writers.svg import dimmed_first, legend_labels, path_data, write_svg
from lstmgraph.reading import library, load
from tests.diagram.demo import lstm

SVG = "{http://www.w3.org/2000/svg}"
NUMBER = re.compile(r"-?\d*\.?\d+(?:e-?\d+)?")
STEP = frozenset({"c[t-1]", "h[t-1]", "x[t]", "b_f", "sum_f", "f[t]", "f*c"})


@cache
def scene(kind: str = "whole") -> Scene:
    return lstm(dashed=kind == "dashed", lit=STEP if kind == "step" else None)


def parsed(made: Scene, theme: str = "default", mode: str = "auto") -> Element:
    return ElementTree.fromstring(write_svg(made, load_theme(theme), mode))


def groups(root: Element, kind: str) -> list[Element]:
    return [g for g in root.iter(f"{SVG}g") if g.get("class", "").split()[:1] == [kind]]


def control_points(d: str) -> list[tuple[float, ...]]:
    """The control points of path data with M, L and C; a line is a cubic whose handles are at its thirds."""
    points: list[tuple[float, ...]] = []
    for name, arguments in re.findall(r"([MLC])([^MLCz]*)", d):
        numbers = [float(n) for n in NUMBER.findall(arguments)]
        given = list(zip(numbers[::2], numbers[1::2], strict=True))
        if name == "L":
            for end in given:
                start = points[-1]
                points += [tuple(a + t * (b - a) for a, b in zip(start, end, strict=True)) for t in (1 / 3, 2 / 3, 1)]
        else:
            points += given
    return points


def middle(points: list[tuple[float, ...]]) -> tuple[float, float]:
    xs, ys = zip(*points, strict=True)
    return (min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2


# ── SVG ──


def test_the_formats_are_the_writers() -> None:
    suffixes = [s for row in FORMATS.values() for s in row.suffixes]
    assert len(suffixes) == len(set(suffixes))
    for name in FORMATS:
        assert writer(name)(scene(), load_theme("default"))


def test_the_picture_says_what_it_is() -> None:
    root = parsed(scene())
    assert root.tag == f"{SVG}svg"
    assert root.get("role") == "img"
    assert root.get("viewBox") == "0 0 722 650"
    title, desc = root[0], root[1]
    assert (title.tag, title.text) == (f"{SVG}title", "LSTM with peepholes")
    assert (desc.tag, desc.text) == (f"{SVG}desc", "x[t] feeds <everything> & more.")
    assert root.get("aria-labelledby") == title.get("id")
    assert root.get("aria-describedby") == desc.get("id")


def test_every_node_and_every_wire_is_a_group_with_its_ends() -> None:
    root, made = parsed(scene()), scene()
    nodes = {g.get("data-node"): g.get("id") for g in groups(root, "node")}
    assert list(nodes) == [n.id for n in made.nodes]
    ends = [(g.get("data-from"), g.get("data-to")) for g in groups(root, "edge")]
    assert ends == [(nodes[w.source], nodes[w.target]) for w in made.wires]


def test_order_of_reading_is_order_of_computation_even_when_some_is_dimmed() -> None:
    made = scene("step")
    root = parsed(made)
    titles = [g[0].text for g in groups(root, "edge")]
    assert titles == [w.title for w in made.wires if not w.lit] + [w.title for w in made.wires if w.lit]
    assert [g.get("data-node") for g in groups(root, "node")] == [n.id for n in made.nodes]


def test_the_tooltip_of_a_wire_is_found_five_points_beside_it() -> None:
    made = scene()
    routes = [edge.findall(f"{SVG}path")[0] for edge in groups(parsed(made), "edge")]
    assert [p.get("d") for p in routes] == [path_data(w.route) for w in made.wires]
    assert {(p.get("stroke-width"), p.get("pointer-events"), p.get("stroke")) for p in routes} == {
        ("10", "stroke", None)
    }


def test_every_group_has_a_tooltip() -> None:
    root = parsed(scene())
    for kind in ("node", "edge"):
        assert all(g[0].tag == f"{SVG}title" and g[0].text for g in groups(root, kind))
    assert "f[t] & <co>" in [g[0].text for g in groups(root, "node")]


@pytest.mark.parametrize("theme", theme_names())
def test_ids_and_classes_are_the_diagrams_own(theme: str) -> None:
    first = write_svg(scene(), load_theme(theme))
    second = write_svg(replace(scene(), id="another: one"), load_theme(theme))
    ids = [re.findall(r'\bid="([^"]+)"', text) for text in (first, second)]
    assert len(ids[0]) == len(set(ids[0])) > 50
    assert not set(ids[0]) & set(ids[1])
    for text, prefix in ((first, "demo-pipe"), (second, "another-one")):
        names = {n for found in re.findall(r'class="([^"]+)"', text) for n in found.split()}
        selected = set(re.findall(r"\.([\w-]+)\{", text))
        assert all(n.startswith(prefix + "-") for n in selected)
        assert {n for n in names if not n.startswith(prefix + "-")} <= {"node", "edge", "container", "legend", "sample"}
        assert selected <= names


def test_ids_stay_apart_where_names_differ_only_in_signs() -> None:
    a, b = (replace(scene().nodes[0], id=id) for id in ("h[t]", "h(t)"))
    root = parsed(replace(scene(), nodes=(a, b), wires=()))
    assert [g.get("id") for g in groups(root, "node")] == ["demo-pipe-node-h-t", "demo-pipe-node-h-t-2"]


def test_presentation_attributes_are_enough() -> None:
    """Without any style sheet everything that is painted has its colours: the light ones."""
    root = parsed(scene())
    style = root.find(f"{SVG}style")
    assert style is not None
    root.remove(style)
    for element in painted(root):
        assert element.get("fill") or element.get("stroke"), ElementTree.tostring(element)
        assert element.get("style") is None
    light = load_theme("default").light
    lines = {p.get("stroke") for g in groups(root, "edge") for p in g.iter(f"{SVG}path")} - {None}
    assert lines == {light.wire(w.role) for w in scene().wires}


def painted(root: Element) -> list[Element]:
    """What is seen: neither what is defined for others to show, nor what only the pointer finds, nor text."""
    defined = {e for defs in root.iter(f"{SVG}defs") for e in defs.iter()}
    tags = {f"{SVG}{tag}" for tag in ("path", "rect", "circle", "polygon", "use")}
    return [e for e in root.iter() if e.tag in tags and e not in defined and not e.get("pointer-events")]


def test_the_dark_palette_is_only_in_the_media_query() -> None:
    text = write_svg(scene(), load_theme("default"))
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)
    assert style
    assert re.fullmatch(r"@media \(prefers-color-scheme: dark\)\{(\.[\w-]+\{[^{}]+\})+\}", style[1])
    dark = load_theme("default").dark
    assert f".demo-pipe-line-memory{{stroke:{dark.wires['memory']}}}" in style[1]
    assert dark.background in style[1]
    assert dark.wires["memory"] not in text.replace(style[0], "")


def test_light_and_dark_alone_need_no_style_sheet() -> None:
    modes: tuple[Mode, ...] = ("light", "dark")
    for mode in modes:
        root = parsed(scene(), mode=mode)
        assert root.find(f"{SVG}style") is None
        page = root.find(f"{SVG}rect")
        assert page is not None
        assert page.get("fill") == load_theme("default").palette(mode).background
    assert parsed(scene(), "print").find(f"{SVG}style") is None


def test_auto_in_the_dark_is_dark() -> None:
    """What the media query makes of the automatic file is what the dark file has."""
    auto, dark = parsed(scene("step")), parsed(scene("step"), mode="dark")
    style = auto.find(f"{SVG}style")
    assert style is not None
    rules = {
        name: dict(pair.split(":") for pair in body.split(";"))
        for name, body in re.findall(r"\.([\w-]+)\{([^{}]+)\}", style.text or "")
    }
    auto.remove(style)
    for ours, theirs in zip(auto.iter(), dark.iter(), strict=True):
        for name in ours.get("class", "").split():
            for key, value in rules.get(name, {}).items():
                ours.set(key, value)
        for key in ("fill", "stroke"):
            assert ours.get(key) == theirs.get(key), ElementTree.tostring(ours)


def test_the_text_of_every_label_is_there_and_invisible() -> None:
    root = parsed(scene())
    texts = list(root.iter(f"{SVG}text"))
    assert {"h_(t-1)", "σ", "c̃_t", "Memory of the previous step"} <= {t.text for t in texts}
    assert all(t.get("fill-opacity") == "0" for t in texts)


def test_an_outline_is_in_the_file_once() -> None:
    """A label is there once, and so is a glyph, whatever it is part of; all that is referred to is there."""
    root = parsed(scene())
    defs = root.find(f"{SVG}defs")
    assert defs is not None
    glyphs = [path.get("d") for path in defs.iter(f"{SVG}path")]
    assert len(glyphs) == len(set(glyphs)) > 20
    labels = [tuple((use.get("href"), use.get("x"), use.get("y")) for use in g) for g in defs.iter(f"{SVG}g")]
    assert len(labels) == len(set(labels)) > 10
    used = {use.get("href", "").removeprefix("#") for use in root.iter(f"{SVG}use")}
    assert used == {e.get("id") for e in defs}
    shown = [use.get("href") for use in painted(root) if use.tag == f"{SVG}use"]
    assert len(shown) > len(set(shown)) + 5  # sums, sigmoids, the labels of the legend's samples


def test_what_cannot_be_set_is_written_by_the_viewer(monkeypatch: pytest.MonkeyPatch) -> None:
    from lstmgraph.diagram import typeset

    monkeypatch.setattr(typeset, "_outline", lambda text, math: None)
    typeset.typeset.cache_clear()
    root = parsed(replace(scene(), labels=(Label("r_{quit}", Point(5, 5), 10),), nodes=(), legend=()))
    typeset.typeset.cache_clear()
    (text,) = root.iter(f"{SVG}text")
    assert text.text == "r_quit"
    assert text.get("fill") == load_theme("default").light.text


def test_hostile_text_stays_text() -> None:
    made = scene()
    evil = '"/><script>alert(1)</script>\x00\x0b\ud800&#'
    wires = (replace(made.wires[0], id=evil, title=evil), *made.wires[1:])
    nodes = (replace(made.nodes[0], title=evil, label=Label(evil, Point(9, 9), 9, math=False)), *made.nodes[1:])
    root = parsed(replace(made, id=evil, title=evil, description=evil, wires=wires, nodes=nodes))
    assert not list(root.iter(f"{SVG}script"))
    assert root[0].text == evil.replace("\x00", "\ufffd").replace("\x0b", "\ufffd").replace("\ud800", "\ufffd")


def test_dashes_mean_the_previous_step() -> None:
    edges = groups(parsed(scene("dashed")), "edge")
    dashed = {g[0].text for g in edges if g.find(f"{SVG}path[@stroke-dasharray]") is not None}
    assert dashed == {w.title for w in scene().wires if w.role.startswith("previous")}
    assert not [p for p in parsed(scene()).iter(f"{SVG}path") if p.get("stroke-dasharray")]
    assert [p for p in parsed(scene(), "print").iter(f"{SVG}path") if p.get("stroke-dasharray")]


def test_no_stretch_is_painted_twice() -> None:
    """The painted parts are as long as the union of the routes, and the routes are all there for the pointer."""
    root, made = parsed(scene()), scene()
    edges = groups(root, "edge")
    assert [g.findall(f"{SVG}path")[0].get("d") for g in edges] == [path_data(w.route) for w in made.wires]
    painted = [tuple(sorted(c)) for g in edges for c in stretches(g.findall(f"{SVG}path")[1].get("d", ""))]
    assert len(painted) == len(set(painted))
    for k, (a, b) in enumerate(painted):
        for c, d in painted[k + 1 :]:
            for x, y in ((0, 1), (1, 0)):
                same_line = a[y] == b[y] == c[y] == d[y]
                assert not (same_line and min(b[x], d[x]) - max(a[x], c[x]) > 0.02), (a, b, c, d)
    for source in {w.source for w in made.wires}:
        whole = {c for w in made.wires if w.source == source for c in covered(path_data(w.route), 1)}
        mine = [g for g, w in zip(edges, made.wires, strict=True) if w.source == source]
        assert {c for g in mine for c in covered(g.findall(f"{SVG}path")[1].get("d", ""), 0)} >= whole


def stretches(d: str) -> list[tuple[tuple[float, ...], tuple[float, ...]]]:
    """The straight pieces of path data."""
    found = []
    for part in d.split("M")[1:]:
        points = control_points("M" + part)
        for k in range(0, len(points) - 1, 3):
            a, b = points[k], points[k + 3]
            if a[0] == b[0] or a[1] == b[1]:
                found.append((a, b))
    return found


def covered(d: str, margin: int) -> set[tuple[int, int]]:
    """The whole points that straight pieces pass, some at their ends aside."""
    found = set()
    for (ax, ay), (bx, by) in stretches(d):
        steps = max(1, int(max(abs(bx - ax), abs(by - ay))))
        along = range(margin, steps + 1 - margin)
        found |= {(round(ax + (bx - ax) * k / steps), round(ay + (by - ay) * k / steps)) for k in along}
    return found


def test_a_trunk_is_painted_once_and_has_the_only_head() -> None:
    tip, join = Point(90, 10), Point(30, 10)

    def to_tip(source: str, start: Point) -> Wire:
        points = (start, join, tip)
        return Wire(f"{source}>t", source, "t", "input", points, straight((start, join, Point(83, 10))))

    trunk = Wire("join>t", "join", "t", "trunk", (join, tip), straight((join, Point(83, 10))))
    nodes = tuple(replace(scene().nodes[0], id=id) for id in ("a", "b", "t", "join"))
    wires = (to_tip("a", Point(0, 10)), to_tip("b", Point(30, 60)))
    made = replace(scene(), nodes=nodes, wires=wires, trunks=(trunk,), dots=(), labels=(), legend=())
    one, other, common = groups(parsed(made), "edge")
    assert [g.findall(f"{SVG}path")[1].get("d") for g in (one, other, common)] == [
        "M0 10L30 10", "M30 60L30 10", "M30 10L83 10",
    ]  # fmt: skip
    assert [g.find(f"{SVG}polygon") is not None for g in (one, other, common)] == [False, False, True]
    dimmed = replace(made, trunks=(replace(trunk, lit=False),))
    first, one, _ = groups(parsed(dimmed), "edge")
    assert "demo-pipe-dimmed" in first.get("class", "")
    assert one.findall(f"{SVG}path")[1].get("d") == "M0 10L30 10L83 10"
    assert one.find(f"{SVG}polygon") is not None


def test_a_step_dims_and_moves_nothing() -> None:
    whole, step = parsed(scene()), parsed(scene("step"))
    grey = load_theme("default").light.dimmed

    def shapes(root: Element, kind: str) -> dict[str, list[str | None]]:
        return {
            str(g.get("id")): [e.get("points") or e.get("d") for e in g if not (kind == "edge" and e.get("stroke"))]
            for g in groups(root, kind)
        }

    for kind in ("node", "edge"):
        assert shapes(whole, kind) == shapes(step, kind)
    dimmed = [g for g in groups(step, "node") if "demo-pipe-dimmed" in g.get("class", "")]
    assert len(dimmed) == len(scene().nodes) - len(STEP)
    assert all(g.find(f"{SVG}path").get("stroke") == grey.stroke for g in dimmed)  # type: ignore[union-attr]


def test_dimmed_lines_are_thinner() -> None:
    made = scene("step")
    lit = {wire.id: wire.lit for wire in made.wires}
    assert set(lit.values()) == {True, False}
    widths: dict[bool, set[float]] = {True: set(), False: set()}
    for wire, group in zip(dimmed_first(made.wires), groups(parsed(made), "edge"), strict=True):
        lines = [p for p in group.findall(f"{SVG}path") if p.get("stroke")]
        widths[wire.lit] |= {float(p.get("stroke-width", "")) for p in lines}
    assert max(widths[False]) < min(widths[True])
    edges = [edge for edge in write_dot(made, load_theme("default")).splitlines() if "->" in edge]
    pens = [float(width) for edge in edges for width in re.findall(r'penwidth="?([\d.]+)', edge)]
    assert len(pens) == len(made.wires)
    assert sorted(set(pens)) == [min(widths[False]), min(widths[True])]


def test_text_that_no_file_can_hold_is_replaced() -> None:
    made = replace(scene(), title="a \ud800 title")
    for write in (write_svg, write_dot):
        assert "a \N{REPLACEMENT CHARACTER} title" in write(made, load_theme("default")).encode().decode()


def test_heads_are_polygons_at_the_tips() -> None:
    for group, wire in zip(groups(parsed(scene()), "edge"), scene().wires, strict=True):
        polygon = group.find(f"{SVG}polygon")
        assert polygon is not None
        points = [tuple(map(float, p.split(","))) for p in polygon.get("points", "").split()]
        assert all(dist(p, q) < 0.01 for p, q in zip(points, arrowhead(wire), strict=True))
    assert "marker" not in write_svg(scene(), load_theme("default"))


def test_the_same_scene_gives_the_same_bytes_under_any_hash_seed() -> None:
    code = (
        "from tests.diagram.demo import lstm; from lstmgraph.diagram.themes import load_theme as t\n"
        "from lstmgraph.diagram.writers import FORMATS, writer; import hashlib\n"
        "made = [writer(name)(lstm(), t('default')) for name in FORMATS]\n"
        "print([hashlib.sha256(m if isinstance(m, bytes) else m.encode()).hexdigest() for m in made])"
    )
    root = str(Path(__file__).parents[2])
    runs = {
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": seed, "PYTHONPATH": root},
            capture_output=True, text=True, check=True,
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert len(runs) == 1


# ── DOT ──


def rendered(dot: str, made: Scene, format: str, theme: str = "default") -> str:
    source = write_dot(made, load_theme(theme))
    done = subprocess.run([dot, f"-T{format}"], input=source, capture_output=True, text=True, check=True)
    assert not [line for line in done.stderr.splitlines() if "Fontconfig" not in line], done.stderr
    return done.stdout


def drawn_by_graphviz(text: str) -> tuple[dict[str, list[tuple[float, ...]]], dict[str, tuple[float, ...]]]:
    """From Graphviz's SVG: the points of each edge, the centre of each node, by id, in our coordinates."""
    root = ElementTree.fromstring(text)
    page = root[0]
    shift = re.search(r"translate\(([-\d.]+)[ ,]([-\d.]+)\)", page.get("transform", ""))
    assert shift
    dx, dy = float(shift[1]), float(shift[2])
    routes: dict[str, list[tuple[float, ...]]] = {}
    centres: dict[str, tuple[float, ...]] = {}
    for group in page.iter(f"{SVG}g"):
        kind, id = (group.get("class") or "anchor").split()[0], str(group.get("id"))
        if kind == "edge":
            path = next(group.iter(f"{SVG}path"))
            routes[id] = [(x + dx, y + dy) for x, y in control_points(path.get("d", ""))]
        elif kind == "node":
            for shape in group.iter():
                if shape.tag == f"{SVG}ellipse":
                    centres[id] = float(shape.get("cx", "")) + dx, float(shape.get("cy", "")) + dy
                elif shape.tag == f"{SVG}path":
                    x, y = middle(control_points(shape.get("d", "")))
                    centres[id] = x + dx, y + dy
    return routes, centres


def agreeing_routes(dot: str, made: Scene) -> tuple[Element, dict[str, tuple[float, ...]]]:
    """Our SVG, and Graphviz's centres, after every route was found within half a point of ours."""
    routes, centres = drawn_by_graphviz(rendered(dot, made, "svg"))
    ours = parsed(made)
    edges = {str(g.get("id")): control_points(g.find(f"{SVG}path").get("d", "")) for g in groups(ours, "edge")}  # type: ignore[union-attr]
    assert edges
    assert routes.keys() == edges.keys()
    for id, route in edges.items():
        assert len(route) == len(routes[id])
        assert max(dist(p, q) for p, q in zip(route, routes[id], strict=True)) < 0.5, id
    return ours, centres


@pytest.mark.dot
@pytest.mark.parametrize("style", ["pipe", "cell-block"])
@pytest.mark.parametrize("name", library())
def test_graphviz_draws_the_routes_of_every_cell(dot: str, name: str, style: str) -> None:
    make = {"pipe": layout_pipe, "cell-block": layout_cell_block}[style]
    agreeing_routes(dot, make(extract(load(name), lambda symbol: symbol.name.split("[")[0])))


@pytest.mark.dot
@pytest.mark.parametrize("kind", ["whole", "dashed", "step"])
def test_graphviz_draws_the_same_picture(dot: str, kind: str) -> None:
    """Every route and every centre within half a point of our own SVG's, both read from the files."""
    made = scene(kind)
    ours, centres = agreeing_routes(dot, made)
    round_ones = {n.id for n in made.nodes if n.shape != "pentagon"}
    compared = 0
    for group in groups(ours, "node"):
        if group.get("data-node") in round_ones:
            at = middle(control_points(group.find(f"{SVG}path").get("d", "")))  # type: ignore[union-attr]
            assert dist(at, centres[str(group.get("id"))]) < 0.5
            compared += 1
    assert compared == len(round_ones) == len(made.nodes) - 2


@pytest.mark.dot
def test_graphviz_too_paints_what_is_lit_on_top(dot: str) -> None:
    """Of the wires that leave one node, and so run over one another, the lit ones come last."""
    made = scene("step")
    text = rendered(dot, made, "svg")
    lit = {w.id: w.lit for w in made.wires}
    order = list(drawn_by_graphviz(text)[0])
    places = {g.get("id"): w.id for g, w in zip(groups(parsed(made), "edge"), dimmed_first(made.wires), strict=True)}
    for source in ("h[t-1]", "x[t]", "c[t-1]"):
        shades = [lit[places[id]] for id in order if places[id].startswith(f"{source}>")]
        assert shades == sorted(shades)
        assert set(shades) == {True, False}


@pytest.mark.dot
def test_graphviz_agrees_about_positions_in_its_json(dot: str) -> None:
    made = scene()
    data = json.loads(rendered(dot, made, "json"))
    assert data["bb"] == "0,0,722,650"
    at = {o["name"]: tuple(map(float, o["pos"].split(","))) for o in data["objects"] if "pos" in o}
    for node in made.nodes:
        assert dist(at[node.id], (node.at.x, 650 - node.at.y)) < 0.5
    names = {o["_gvid"]: o["name"] for o in data["objects"]}
    edges = sorted((names[e["tail"]], names[e["head"]]) for e in data["edges"])
    assert edges == sorted((w.source, w.target) for w in made.wires)
    (cell,) = (o for o in data["objects"] if o["name"] == "cluster_cell_1")
    (frame,) = made.frames
    box = [float(n) for n in cell["bb"].split(",")]
    assert box == pytest.approx([frame.left, 650 - frame.bottom, frame.right, 650 - frame.top], abs=0.5)
    assert cell["id"] == "demo-pipe-container-cell-1"


@pytest.mark.dot
def test_graphviz_keeps_labels_and_hostile_names_as_text(dot: str) -> None:
    label = Label("<b>&\\N", Point(60, 60), 9, math=False)
    a = replace(scene().nodes[0], id="a:b", label=label, title="<i> & \\N", at=Point(60, 60))
    b = replace(scene().nodes[1], id='say "x"', title="<b>bold</b>", at=Point(160, 60))
    points = (Point(80, 60), Point(140, 60))
    wire = Wire("e", a.id, b.id, "input", points, (points[0], points[0], points[1], points[1]), arrow=False)
    made = replace(scene(), nodes=(a, b), wires=(wire,), dots=(), labels=(), legend=())
    text = rendered(dot, made, "svg")
    routes, centres = drawn_by_graphviz(text)
    assert set(centres) == {"demo-pipe-node-a-b", "demo-pipe-node-say-x"}
    assert len(routes) == 1
    assert "&lt;b&gt;&amp;\\N" in text
    assert "&lt;b&gt;bold&lt;/b&gt;" in text  # a title like a tag is no HTML of Graphviz


@pytest.mark.dot
@pytest.mark.parametrize("theme", theme_names())
def test_dot_has_the_colours_of_the_theme(theme: str) -> None:
    light, dark = (write_dot(scene(), load_theme(theme), mode) for mode in ("auto", "dark"))
    assert load_theme(theme).light.background in light
    assert load_theme(theme).dark.background in dark


def test_the_graph_is_one_of_the_graphviz_package() -> None:
    graph = to_graphviz(scene(), load_theme("default"))
    assert type(graph).__name__ == "Digraph"
    assert "layout=nop2" in graph.source
    assert graph.source == write_dot(scene(), load_theme("default"))


def test_the_wheel_of_graphviz_draws_it_too() -> None:
    """pygraphviz bundles a much newer Graphviz: its routes agree with ours as well."""
    pygraphviz = pytest.importorskip("pygraphviz")
    graph = pygraphviz.AGraph(string=write_dot(scene(), load_theme("default")))
    routes, _ = drawn_by_graphviz(graph.draw(format="svg", prog="nop2").decode())
    ours = groups(parsed(scene()), "edge")
    for group in ours:
        route = control_points(group.find(f"{SVG}path").get("d", ""))  # type: ignore[union-attr]
        assert max(dist(p, q) for p, q in zip(route, routes[str(group.get("id"))], strict=True)) < 0.5


# ── elsewhere ──


def test_a_converter_paints_it() -> None:
    """resvg, which knows no media query, finds the light picture: the page white, the memory's wire in its colour."""
    resvg_py = pytest.importorskip("resvg_py")
    png = bytes(resvg_py.svg_to_bytes(svg_string=write_svg(scene(), load_theme("default"))))
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    assert (int.from_bytes(png[16:20], "big"), int.from_bytes(png[20:24], "big")) == (722, 650)


def test_path_data_writes_straight_pieces_as_lines() -> None:
    third = (Point(0, 0), Point(1, 0), Point(2, 0), Point(3, 0))
    assert path_data(third) == "M0 0L3 0"
    assert path_data((Point(0, 0), Point(0, 2), Point(3, 2), Point(3, 0))) == "M0 0C0 2 3 2 3 0"


@pytest.mark.parametrize("shape", ["circle", "box", "teardrop", "pentagon", "ellipse"])
def test_every_shape_meets_the_wires_at_the_middles_of_its_sides(shape: str) -> None:
    from lstmgraph.diagram.outline import outline
    from tests.diagram.test_path import sampled

    node = Node("n", "operator", "sum", shape, Point(50, 50), 36, 32, None)  # type: ignore[arg-type]
    points = sampled(outline(node), 40)
    assert dist(points[0], points[-1]) < 1e-6
    for port in ((50, 34), (68, 50), (50, 66), (32, 50)):
        assert min(dist(p, port) for p in points) < 0.8, port
    assert all(31.99 <= p.x <= 68.01 and 33.99 <= p.y <= 66.01 for p in points)


@pytest.mark.dot
def test_indices_in_circles_are_as_narrow_as_the_circles(dot: str) -> None:
    made = lstmgraph.load("lstm").draw().scene
    states = {n.id for n in made.nodes if n.kind in ("previous", "next", "input")}
    source = write_dot(made, load_theme("default"))
    assert "c_(t-1)" not in source
    assert "cₜ₋₁" in source
    drawn = json.loads(rendered(dot, made, "json"))["objects"]
    widths = {x["name"]: x["_ldraw_"] for x in drawn if x.get("name") in states}
    assert len(widths) == len(states)
    for node in made.nodes:
        for piece in widths.get(node.id, ()):
            assert piece["op"] != "T" or piece["width"] <= node.width


@pytest.mark.dot
@pytest.mark.parametrize("cell", ["lstm", "gru_reset_after"])
def test_text_beside_a_picture_keeps_clear_of_everything(dot: str, cell: str) -> None:
    """On one line a fraction is wider than it is typeset, and fonts may be wider than ours."""
    made = lstmgraph.load(cell).draw(backward=True, legend=True).scene
    samples = [entry.sample for group in made.legend for entry in group.entries]
    drawn = json.loads(rendered(dot, made, "json"))["objects"]
    lines = [x for x in drawn if x.get("name", "").startswith(("label", "legend")) and x["shape"] == "plaintext"]
    spans = [_span(piece) for line in lines for piece in line["_ldraw_"] if piece["op"] == "T"]
    words = sum(len(legend_labels(group)) for group in made.legend)
    assert len(spans) == len(lines) > words > 10
    things = [(made.size[1] - n.at.y, n.at.x - n.width / 2, n.at.x + n.width / 2) for n in samples]
    for row, left, right in spans:
        assert left >= 0
        assert right <= made.size[0]
        beside = [(a, b) for y, a, b in (*spans, *things) if abs(y - row) < 5 and (y, a, b) != (row, left, right)]
        assert all(b <= left or right <= a for a, b in beside), (row, left, right)


def _span(piece: dict[str, Any]) -> tuple[float, float, float]:
    """The row of a piece of text, and from where to where it goes."""
    at, row = piece["pt"]
    left = at - {"l": 0, "c": piece["width"] / 2, "r": piece["width"]}[piece["align"]]
    return row, left, left + piece["width"]


@pytest.mark.dot
def test_what_is_beside_a_picture_is_of_one_size(dot: str) -> None:
    """The cells of the table are the narrowest: what is no table is larger."""
    sizes = sizes_of_text(dot, lstmgraph.load("lstm").draw(backward=True, legend=True).scene)
    legend = {size for name, (_, size) in sizes.items() if "line" in name and not name.endswith("line 0")}
    assert len(legend) == 1
    beside = {text: size for name, (text, size) in sizes.items() if name.startswith("label")}
    table = {size for text, size in beside.items() if text.startswith("∂L/∂")}
    formulas = {size for text, size in beside.items() if " = " in text and "∂" not in text}
    assert len(table) == len(formulas) == 1
    assert max(table) < max(formulas) < beside["LSTM: the backward pass"]


@pytest.mark.dot
@pytest.mark.parametrize("cell", ["gru", "lstm", "tests/reading/papers/brc.toml"])
def test_text_between_two_symbols_is_legible(dot: str, cell: str) -> None:
    """It stands in the middle, and scripts of Unicode are known to be narrow."""
    sizes = sizes_of_text(dot, lstmgraph.load(cell).draw(style="cell-block", backward=True).scene)
    assert len(sizes) > 20
    assert min(size for _, size in sizes.values()) >= 6


@pytest.mark.dot
@pytest.mark.parametrize(
    ("cell", "options"),
    [
        ("lstm", {"notation": "gamma"}),
        ("lstm", {"detail": "full", "show": "all"}),
        ("tests/reading/papers/rhn.toml", {}),
    ],
)
def test_text_in_a_symbol_stays_in_it(dot: str, cell: str, options: dict[str, Any]) -> None:
    """On one line an index is larger than it is typeset: b_f reached over its circle, tanh over its pentagon."""
    made = lstmgraph.load(cell).draw(**options).scene
    drawn = {x["name"]: x for x in json.loads(rendered(dot, made, "json"))["objects"] if "pos" in x}
    labelled = [node for node in made.nodes if node.label]
    assert len(labelled) > 10
    for node in labelled:
        width = max(piece["width"] for piece in drawn[node.id]["_ldraw_"] if piece["op"] == "T")
        assert node.label
        assert room(around(node.at, width, measure(node.label)[1]), node) > -OUTLINE / 2, node.id


@pytest.mark.dot
def test_a_minus_is_no_hyphen(dot: str) -> None:
    """But in an index on the line, which is to be narrow."""
    sizes = sizes_of_text(dot, lstmgraph.load("gru").draw(equations=True, notation="gamma").scene)
    texts = [text for text, _ in sizes.values()]
    assert any("(1 − " in text for text in texts)
    assert "1−" in texts
    assert sum("⟨t-1⟩" in text for text in texts) > 2


def sizes_of_text(dot: str, made: Scene) -> dict[str, tuple[str, float]]:
    """What Graphviz writes, and how large, by the names of its nodes."""
    found = {}
    for x in json.loads(rendered(dot, made, "json"))["objects"]:
        written = [piece["text"] for piece in x.get("_ldraw_", ()) if piece["op"] == "T"]
        if written:
            found[x["name"]] = written[0], float(x["fontsize"])
    return found
