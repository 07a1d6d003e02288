"""Lighting parts of a scene: what touches what, and nothing moves."""

from __future__ import annotations

from lstmgraph.diagram.layout.pipe import layout_pipe
from lstmgraph.diagram.layout.steps import light, lit_parts
from tests.diagram.graphs import lstm


def test_a_step_lights_what_touches_it() -> None:
    scene = light(layout_pipe(lstm()), {"f", "f.1"})
    assert {n.id for n in scene.nodes if n.lit and n.kind in ("sum", "function", "operator")} == {"f", "f.1"}
    assert all(w.lit == bool({w.source, w.target} & {"f", "f.1"}) for w in scene.wires)
    assert {"x[t]", "h[t-1]"} <= {n.id for n in scene.nodes if n.lit}


def test_only_the_parts_that_are_named() -> None:
    bare = layout_pipe(lstm())
    scene = lit_parts(bare, {"f"}, {"f>c.1.0"})
    assert {n.id for n in scene.nodes if n.lit} == {"f"}
    assert [w.id for w in scene.wires if w.lit] == ["f>c.1.0"]
    assert not any(t.lit for t in scene.trunks)
    assert not any(d.lit for d in scene.dots)
    assert {(n.id, n.at) for n in scene.nodes} == {(n.id, n.at) for n in bare.nodes}


def test_a_trunk_is_lit_with_a_wire_that_runs_through_it() -> None:
    bare = layout_pipe(lstm())
    assert bare.trunks
    trunk = bare.trunks[0]
    wire = next(w for w in bare.wires if w.target == trunk.target and w.source == "x[t]")
    scene = lit_parts(bare, (), {wire.id})
    assert [t.id for t in scene.trunks if t.lit] == [trunk.id]
    assert {n.id for n in scene.nodes if n.lit} == {trunk.source}


def test_what_is_lit_is_painted_last() -> None:
    scene = lit_parts(layout_pipe(lstm()), (), {"f>c.1.0"})
    assert scene.wires[-1].id == "f>c.1.0"
