"""Each rule is seen to fail on a scene made bad on purpose."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lstmgraph.diagram.graph import Graph
from lstmgraph.diagram.layout.pipe import layout_pipe
from lstmgraph.diagram.quality import faults, measure
from lstmgraph.diagram.scene import Label, Point, Scene, Wire
from tests.diagram.graphs import lstm


@pytest.fixture(scope="module")
def graph() -> Graph:
    return lstm()


@pytest.fixture(scope="module")
def scene(graph: Graph) -> Scene:
    return layout_pipe(graph)


def changed(scene: Scene, id: str, **what: object) -> Scene:
    return replace(scene, wires=tuple(replace(w, **what) if w.id == id else w for w in scene.wires))  # type: ignore[arg-type]


def wire(scene: Scene, id: str) -> Wire:
    return next(w for w in scene.wires if w.id == id)


def test_a_good_scene_has_no_faults(scene: Scene, graph: Graph) -> None:
    assert faults(scene, graph) == []


@pytest.mark.parametrize("id", ["x[t]>f.1.0", "c[t-1]>c.1.1", "h>h[t]'.0", "b0>f.1.2"])
def test_a_dropped_edge_is_missing(scene: Scene, graph: Graph, id: str) -> None:
    bad = replace(scene, wires=tuple(w for w in scene.wires if w.id != id))
    assert measure(bad, graph).missing == (id,)


def test_an_invented_or_doubled_wire_is_extra(scene: Scene, graph: Graph) -> None:
    one = wire(scene, "f>c.1.0")
    bad = replace(scene, wires=(*scene.wires, replace(one, id="f>nowhere"), one))
    assert measure(bad, graph).extra == ("f>nowhere", "f>c.1.0")


def test_a_wire_to_another_node_is_astray(scene: Scene, graph: Graph) -> None:
    assert measure(changed(scene, "f>c.1.0", target="c.2"), graph).astray == ("f>c.1.0",)


def test_a_wire_that_ends_in_the_air_is_astray(scene: Scene, graph: Graph) -> None:
    points = wire(scene, "f>c.1.0").points
    short = (*points[:-1], Point(points[-1].x, points[-1].y + 9))
    assert measure(changed(scene, "f>c.1.0", points=short), graph).astray == ("f>c.1.0",)


def test_nodes_on_top_of_each_other(scene: Scene, graph: Graph) -> None:
    at = {n.id: n.at for n in scene.nodes}
    bad = replace(
        scene, nodes=tuple(replace(n, at=Point(at["i"].x + 20, at["i"].y)) if n.id == "f" else n for n in scene.nodes)
    )
    assert measure(bad, graph).node_overlaps


def test_a_label_on_a_wire_or_a_node(scene: Scene, graph: Graph) -> None:
    middle = wire(scene, "f>c.1.0").points
    on_wire = Label("f", Point(middle[0].x, (middle[0].y + middle[-1].y) / 2), 11)
    on_node = Label("f", scene.nodes[0].at, 11)
    bad = measure(replace(scene, labels=(on_wire, on_node)), graph).label_overlaps
    assert "f and wire f>c.1.0" in bad
    assert f"f and node {scene.nodes[0].id}" in bad


def test_a_sign_that_looks_like_a_line_under_a_name(scene: Scene, graph: Graph) -> None:
    name = Label("m_t", Point(400, -40), 12)
    for high, found in ((-40 + 9, ("m_t and -",)), (-40 - 9, ("m_t and -",)), (-40 + 14, ())):
        sign = Label("-", Point(400, high), 12)
        assert measure(replace(scene, labels=(name, sign)), graph).label_overlaps == found
    beside = Label("-", Point(400 + 14, -40), 12)
    assert measure(replace(scene, labels=(name, beside)), graph).label_overlaps == ()


def test_a_wire_through_a_node(scene: Scene, graph: Graph) -> None:
    at = next(n.at for n in scene.nodes if n.id == "g")
    bad = changed(scene, "f>c.1.0", points=(Point(0, at.y), Point(500, at.y)))
    assert "f>c.1.0 and g" in measure(bad, graph).through_nodes


def test_an_oblique_wire(scene: Scene, graph: Graph) -> None:
    bad = changed(scene, "f>c.1.0", points=(Point(0, 0), Point(10, 10)))
    assert measure(bad, graph).oblique == ("f>c.1.0",)


@pytest.mark.parametrize("apart", [0.0, 3.0])
def test_two_values_on_one_line(scene: Scene, graph: Graph, apart: float) -> None:
    points = tuple(Point(p.x, p.y + apart) for p in wire(scene, "c[t-1]>c.1.1").points)
    bad = changed(scene, "f>c.1.0", points=points)
    assert any("c[t-1]>c.1.1" in line for line in measure(bad, graph).shared_lines)


def test_crossings_and_bends_are_counted(scene: Scene, graph: Graph) -> None:
    before = measure(scene, graph)
    top = scene.frames[0]
    at = wire(scene, "f>c.1.0").points[0]
    across = (
        Point(top.left, at.y - 30),
        Point(at.x + 12, at.y - 30),
        Point(at.x + 12, at.y - 29),
        Point(at.x + 13, at.y - 29),
    )
    after = measure(changed(scene, "i>c.2.0", points=across), graph)
    assert after.crossings == before.crossings + 1
    assert after.most_bends == max(before.most_bends, 2)
