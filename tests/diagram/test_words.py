"""Drawings in words."""

import re
from collections.abc import Callable

import pytest

from lstmgraph.algebra.spoken import LONGEST
from lstmgraph.api.cell import Cell
from lstmgraph.api.cell import load as cell_of
from lstmgraph.diagram.extract import extract
from lstmgraph.diagram.layout.cell_block import layout_cell_block
from lstmgraph.diagram.layout.pipe import layout_pipe
from lstmgraph.diagram.scene import Scene
from lstmgraph.diagram.words import description, edge_title
from lstmgraph.reading import library, load, loads, read

GRAPH = extract(load("peephole_lstm"), lambda s: s.name)


def test_every_value_says_its_equation() -> None:
    text = description(GRAPH)
    assert "f[t] is the sigmoid of the sum of 4 values: W_f times x[t], U_f times h[t-1], " in text
    assert "h[t] is the elementwise product of o[t] and the hyperbolic tangent of c[t]." in text
    assert text.endswith("c[t] leaves the step. h[t] leaves the step.")


def test_cells_that_differ_in_one_equation_are_told_differently() -> None:
    text, *_ = read("gru")
    swapped = text.replace("z[t] * h[t-1] + (1 - z[t]) * g[t]", "(1 - z[t]) * h[t-1] + z[t] * g[t]")
    one, other = (description(extract(loads(t), lambda s: s.name)) for t in (text, swapped))
    assert "h[t] is the sum of the elementwise product of z[t] and h[t-1], and" in one
    assert "h[t] is the sum of the elementwise product of one minus z[t] and h[t-1], and" in other


@pytest.mark.parametrize("told", [lambda c: c.draw().scene, lambda c: c.draw(backward=True).scene])
def test_no_two_cells_are_told_alike_and_none_at_length(told: Callable[[Cell], Scene]) -> None:
    """A sentence is no longer than its bound and the name that it begins with."""
    texts = {name: told(cell_of(name)).description for name in library()}
    assert len(set(texts.values())) == len(texts)
    assert max(len(line) for text in texts.values() for line in text.split(". ")) < LONGEST + 60


def test_the_backward_pass_is_told_in_cotangents() -> None:
    told = cell_of("lstm").draw(backward=True).scene.description
    assert "The cotangent of h[t] is what reaches h[t] from outside the step." in told
    assert (
        "The cotangent of o[t] is the elementwise product of the cotangent of h[t] and the hyperbolic tangent" in told
    )
    assert "The gradient of b_f is the cotangent of the pre-activation of f[t]." in told
    assert "o[t] is the sigmoid" not in told
    whole = cell_of("lstm").draw(backward=True, equations=True).scene.description
    assert whole.startswith(f"{told} The step: f[t] is the sigmoid of ")


def test_every_wire_says_what_runs_there() -> None:
    titles = {e.id: edge_title(GRAPH, e) for e in GRAPH.edges}
    assert titles["h[t-1]>f.1.1"] == "h[t-1], scaled by U_f, to f[t]"
    for scene in (layout_pipe(GRAPH), layout_cell_block(GRAPH)):
        assert all(w.title == titles[w.id] for w in scene.wires if w.id in titles)
        assert scene.description == description(GRAPH)


def test_what_runs_in_a_trunk_and_what_leaves() -> None:
    scene = cell_of("lstm").draw().scene
    assert {w.id: w.title for w in scene.trunks}["join>f.1"] == "x[t] and h[t-1] to f[t]"
    assert {n.id: n.title for n in scene.nodes}["join"] == "x[t] and h[t-1], joined"
    titles = {w.id: w.title for w in scene.wires}
    assert titles["h>h[t]'.0"] == titles["h>h[t]'.0@up"] == "h[t] leaves the step"


def test_titles_are_no_latex() -> None:
    titles = {w.id: w.title for w in cell_of("lstm").draw(notation="gamma").scene.wires}
    assert titles["x[t]>f.1.0"] == "x[t], scaled by W_f, to f[t]"


@pytest.mark.parametrize("style", ["pipe", "cell-block"])
@pytest.mark.parametrize("theme", ["default", "olah"])
@pytest.mark.parametrize("cell", ["lstm", "peephole_lstm", "gru", "slstm"])
def test_nodes_are_read_in_order_of_computation(cell: str, theme: str, style: str) -> None:
    """In a scene and in its file: an operation after all that it takes, from inside and from outside."""
    drawing = cell_of(cell).draw(style, theme=theme)
    assert drawing.graph is not None
    turns = {n.id: k for k, n in enumerate(drawing.graph.nodes)}
    outside = {n.id for n in drawing.graph.nodes if n.kind in ("input", "previous", "bias", "constant")}
    read = [n.of or n.id for n in drawing.scene.nodes]
    assert re.findall(r' data-node="([^"]*)"', drawing.svg) == [id.replace(">", "&gt;") for id in read]
    computed = [turns[id] for id in read if id in turns and id not in outside]
    assert computed == sorted(computed)
    place = {n.id: k for k, n in enumerate(drawing.scene.nodes)}
    cells = {n.id for n in drawing.scene.nodes if n.kind == "cell"}  # a memory of both steps, read once
    assert all(place[w.source] < place[w.target] or {w.source, w.target} & cells for w in drawing.scene.wires)
