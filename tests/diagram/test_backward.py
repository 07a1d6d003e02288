"""The backward pass over a picture: the same lines, turned around, each with its own formula."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy
import pytest
from sympy import MatrixSymbol

import lstmgraph
from lstmgraph import calculus
from lstmgraph.algebra.names import name_of, symbol
from lstmgraph.api.cotangents import Cotangents
from lstmgraph.diagram.backward import SUM, forward
from lstmgraph.diagram.extract import extract
from lstmgraph.diagram.path import arrowhead, distance
from lstmgraph.diagram.quality import faults
from lstmgraph.diagram.scene import Label, Point, Scene
from lstmgraph.diagram.typeset import measure
from lstmgraph.numeric.evaluate import evaluate
from lstmgraph.program import Equation, Program

PAPERS = sorted((Path(__file__).parents[1] / "reading" / "papers").glob("*.toml"))
CELLS = [*lstmgraph.library(), *map(str, PAPERS)]
STYLES = ("pipe", "cell-block")


def stem(name: str) -> str:
    return Path(name).stem


def edge_of(id: str) -> str:
    return id.removesuffix("@up")


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("name", CELLS, ids=stem)
def test_the_backward_picture_is_as_good_as_the_forward_one(name: str, style: str) -> None:
    cell = lstmgraph.load(name)
    ahead, back = cell.draw(style), cell.draw(style, backward=True)
    assert ahead.graph is not None
    # What it has of its own are the arrowheads, which are measured below.
    known = set(faults(ahead.scene, ahead.graph))
    again = [f for f in faults(forward(back.scene), ahead.graph) if not f.startswith("head_overlaps")]
    assert [f for f in again if f not in known] == []
    lines = {w.id: (w.source, w.target, w.points) for w in ahead.scene.wires}
    assert {w.id: (w.source, w.target, w.points) for w in forward(back.scene).wires} == lines
    for wire in back.scene.wires:
        head = arrowhead(wire)
        for label in back.scene.labels:
            assert not overlap(head, label), f"{wire.id} and {label.text}"


def overlap(points: Sequence[Point], label: Label) -> bool:
    width, height = measure(label)
    left, top = label.at.x - width / 2, label.at.y - height / 2
    return all(
        min(p[k] for p in points) < low + side - 0.01 and low + 0.01 < max(p[k] for p in points)
        for k, low, side in ((0, left, width), (1, top, height))
    )


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("name", CELLS, ids=stem)
def test_every_wire_with_a_cotangent_is_turned_around(name: str, style: str) -> None:
    cell = lstmgraph.load(name)
    ahead, back = cell.draw(style), cell.draw(style, backward=True)
    assert ahead.graph is not None
    sent = Cotangents(cell, ahead.graph)
    flowing = {e.id for e in ahead.graph.edges if sent.share(e) is not None}
    assert {edge_of(w.id) for w in back.scene.wires if w.lit} == flowing
    lines = {w.id: w for w in ahead.scene.wires}
    for wire in back.scene.wires:
        old = lines[wire.id]
        if wire.lit:
            assert (wire.source, wire.target, wire.points) == (old.target, old.source, old.points[::-1])
            assert wire.arrow
            assert distance(wire.route[-1], wire.points[-1]) > 0
            assert wire.route[0] == wire.points[0]
        else:
            assert (wire.source, wire.points, wire.route) == (old.source, old.points, old.route)


@pytest.mark.parametrize("name", CELLS, ids=stem)
def test_nothing_moves_and_operations_are_dimmed(name: str) -> None:
    cell = lstmgraph.load(name)
    ahead, back = cell.draw().scene, cell.draw(backward=True).scene
    places = {n.id: (n.at, n.width, n.height) for n in back.nodes if n.kind != SUM}
    assert places == {n.id: (n.at, n.width, n.height) for n in ahead.nodes}
    assert not any(n.lit for n in back.nodes if n.kind in ("sum", "function", "operator"))


def test_forks_are_sums() -> None:
    cell = lstmgraph.load("peephole_lstm")
    ahead, back = cell.draw().scene, cell.draw(backward=True).scene
    assert not back.dots
    assert [(n.at, n.label.text) for n in back.nodes if n.kind == SUM and n.label] == [(d.at, "+") for d in ahead.dots]


def labels(scene: Scene) -> set[str]:
    return {x.text for x in scene.labels} | {n.label.text for n in scene.nodes if n.label}


def test_names_as_the_notation_has_them() -> None:
    plain = labels(lstmgraph.load("lstm").draw(backward=True).scene)
    assert {
        r"\bar{f}_{t}",
        r"\delta_{f,t}",
        r"\bar{c}_{t}^{+}",
        r"\bar{c}_{t-1}",
        r"\bar{x}_{t}",
        r"\bar{b}_{f}",
    } <= plain
    gamma = labels(lstmgraph.load("lstm").draw(backward=True, notation="gamma").scene)
    assert r"\bar{\Gamma}_{f}^{\langle t\rangle}" in gamma


def test_every_wire_tells_its_own_formula() -> None:
    scene = lstmgraph.load("lstm").draw(backward=True).scene
    titles = {w.id: w.title for w in scene.wires}
    assert titles["f>c.1.0"] == "c̄[t] ⊙ c[t-1], back to f"
    assert titles["c[t-1]>c.1.1"] == "c̄[t] ⊙ f[t], back to c[t-1]"
    nodes = {n.id: n.title for n in scene.nodes}
    assert nodes["c"] == "c̄[t] = h̄[t] ⊙ o[t] ⊙ (1 − tanh²(c[t])) + c̄⁺[t]"


def test_constants_get_nothing_back() -> None:
    cell = lstmgraph.load(str(next(p for p in PAPERS if p.stem == "mogrifier")))
    scene = cell.draw(backward=True).scene
    constants = {n.id for n in scene.nodes if n.kind == "constant"}
    assert constants
    assert not any(w.lit for w in scene.wires if {w.source, w.target} & constants)


# ── the formulas are right: computed one after the other they give the gradients ──


def from_formulas(cell: lstmgraph.Cell) -> Program:
    """The forward equations, and then the cotangent of every node as the drawing has it, the last node first."""
    graph = extract(cell, lambda s: s.name)
    cotangents = Cotangents(cell, graph)
    forward_pass = cotangents.program.stage("forward")
    known = {e.target for e in forward_pass}
    found: list[Equation] = []
    for node in reversed(graph.nodes):
        name, value = cotangents.name(node), cotangents.formula(node)
        if name is None or value is None or name == value or name in known:
            continue
        known.add(name)
        found.append(Equation(name, value))
    return Program(cell.name, cotangents.program.inputs, (*forward_pass, *found), ())


def random_values(program: Program) -> dict[str, numpy.ndarray]:
    rng = numpy.random.default_rng(0)

    def shape(s: MatrixSymbol) -> list[int]:
        sizes = {z: 2 + k for k, z in enumerate(sorted(set().union(*(i.shape for i in program.inputs)), key=str))}
        return [int(side) if side.is_number else sizes[side] for side in s.shape]

    return {s.name: rng.uniform(0.2, 0.9, shape(s)) for s in program.inputs}


@pytest.mark.parametrize("name", lstmgraph.library())
def test_the_formulas_give_the_gradients(name: str) -> None:
    cell = lstmgraph.load(name)
    whole = calculus.gradient(cell)
    values = random_values(whole)
    expected, found = evaluate(whole, values), evaluate(from_formulas(cell), values)
    outside = [symbol(name_of(s).marked("bar"), s.shape) for s in (*cell.inputs, *cell.previous)]
    for target in outside:
        numpy.testing.assert_allclose(found[target.name], expected[target.name], rtol=1e-9)


@pytest.mark.parametrize("name", ["lstm", "gru"])
def test_what_reaches_an_output_from_outside_enters_once(name: str) -> None:
    """`h̄[t]` is all of it: the output that is drawn again upward takes no second share, and no plus stands there."""
    scene = lstmgraph.load(name).draw(backward=True).scene
    entering = [w.id for w in scene.wires if w.lit and w.source.startswith("h[t]'")]
    assert entering == ["h>h[t]'.0"]
    sums = [n for n in scene.nodes if n.kind == SUM]
    forked = {w.id for w in scene.wires if not w.lit and w.id.endswith("@up")}
    assert forked == {"h>h[t]'.0@up"}
    start = next(w for w in scene.wires if w.id in forked)
    assert not any(n.at in start.points for n in sums)


def test_the_gradients_of_one_gate_stand_in_one_column() -> None:
    for style in STYLES:
        scene = lstmgraph.load("lstm").draw(style, backward=True, legend=False).scene
        for gate in "figo":
            edges = {
                round(x.at.x - measure(x)[0] / 2)
                for x in scene.labels
                if any(f"{p}_{{{gate}}}" in x.text.split("=")[0] for p in "WUb") and "partial" in x.text
            }
            assert len(edges) == 1, gate


def test_the_cell_says_what_it_takes_from_outside_and_what_leaves_it() -> None:
    found = labels(lstmgraph.load("lstm").draw("cell-block", backward=True).scene)
    assert {r"\bar{c}_{t}", r"+\,\bar{c}_{t}^{+}", r"\bar{c}_{t-1}"} <= found
    assert "Cell" not in found
