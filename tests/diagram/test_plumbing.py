"""The plumbing style: what flows is what the equations say, and every piece has its place."""

from __future__ import annotations

import itertools
from collections import Counter
from functools import cache
from pathlib import Path

import pytest
from sympy import MatrixExpr

from lstmgraph import Cell as PublicCell
from lstmgraph import load as load_cell
from lstmgraph.api.scenes import PLUMBED, graph_of
from lstmgraph.cell import Cell
from lstmgraph.diagram.extract import extract
from lstmgraph.diagram.graph import Graph
from lstmgraph.diagram.layout.anatomy import anatomy
from lstmgraph.diagram.layout.flows import Branch, Device, Run, Valve, runs
from lstmgraph.diagram.layout.legend import WORDS, with_legend
from lstmgraph.diagram.layout.pieces import BORE, SURFACE, Layer, heights, mixed
from lstmgraph.diagram.layout.plumbing import layout_plumbing
from lstmgraph.diagram.scene import Box, Label, Node, Scene
from lstmgraph.diagram.themes import load_theme, theme_names
from lstmgraph.diagram.typeset import measure
from lstmgraph.diagram.writers.dot import write_dot
from lstmgraph.diagram.writers.svg import write_svg
from lstmgraph.errors import UnknownName, UsageError
from lstmgraph.limits import gates, settled
from lstmgraph.notation import get_notation
from lstmgraph.printing import print_expr
from lstmgraph.reading import from_equations, library, load
from lstmgraph.roles import memories

PAPERS = sorted((Path(__file__).parents[1] / "reading" / "papers").glob("*.toml"))
WITH_MEMORY = [name for name in library() if memories(load(name))]
FULL = BORE - 2 * SURFACE


@cache
def made(name: str) -> tuple[Cell, Graph, dict[str, str]]:
    cell = load(name)
    names = get_notation(cell)
    return cell, graph_of(cell, names, PLUMBED), written(cell)


def written(cell: Cell) -> dict[str, str]:
    names = get_notation(cell)
    values = {v.name: names.latex(v) for v in (*cell.inputs, *cell.previous, *cell.values.values())}
    unnamed = [
        n for n in graph_of(cell, names, PLUMBED).nodes if n.value is None and isinstance(n.expression, MatrixExpr)
    ]
    return values | {n.id: print_expr(n.expression, "latex", names) for n in unnamed}


def invented(equations: str, **opened: float) -> Scene:
    """The plumbing of a cell with these equations, everything as wide as its state."""
    cell = from_equations(
        equations, name="case", sizes={s: "H" for s in ("h", "r", "o", "x", "c", "d") if f"{s}[t" in equations}
    )
    graph = graph_of(cell, get_notation(cell), PLUMBED)
    return layout_plumbing(graph, gates(cell), settled(cell, opened), "", written(cell))


def said(scene: Scene, *kinds: str) -> list[str]:
    return sorted(n.label.text for n in scene.nodes if n.kind in kinds and n.label)


def drawn(name: str, **opened: float) -> Scene:
    cell, graph, names = made(name)
    return layout_plumbing(graph, gates(cell), settled(cell, opened), cell.title, names)


def flows(name: str, **opened: float) -> list[Run]:
    cell, graph, _ = made(name)
    return runs(graph, gates(cell), settled(cell, opened))


def box(node: Node) -> Box:
    w, h = node.width / 2, node.height / 2
    return Box(node.at.x - w, node.at.y - h, node.at.x + w, node.at.y + h)


def label_box(label: Label) -> Box:
    w, h = measure(label)
    return Box(label.at.x - w / 2, label.at.y - h / 2, label.at.x + w / 2, label.at.y + h / 2)


def meet(a: Box, b: Box) -> bool:
    return a.left < b.right and b.left < a.right and a.top < b.bottom and b.top < a.bottom


def water(scene: Scene, *roles: str) -> list[Node]:
    return [n for n in scene.nodes if n.role in (roles or ("old_water", "new_water")) and n.shape == "slab"]


def at_the_mouth(scene: Scene, role: str) -> float:
    """How much of the bore the water of a role fills where the memory leaves, to the right of everything else."""
    right = max(box(n).right for n in water(scene))
    return sum(n.height for n in water(scene, role) if abs(box(n).right - right) < 0.01) / FULL


# ── what flows ──


def test_an_lstm_has_three_valves_and_a_joint() -> None:
    (run,) = flows("lstm", f=0.7, i=0.4, o=1)
    forget, branch = run.stops
    assert isinstance(forget, Valve)
    assert isinstance(branch, Branch)
    assert (forget.edge.source, forget.opening) == ("f", 0.7)
    (new,) = branch.stops
    assert isinstance(new, Valve)
    assert (new.edge.source, new.opening, branch.source, branch.joint) == ("i", 0.4, "g", "c")
    assert run.outlet is not None
    squash, out = run.outlet.stops
    assert isinstance(squash, Device)
    assert isinstance(out, Valve)
    assert (squash.node, out.edge.source, out.opening) == ("h.2", "o", 1)


def test_a_gru_has_one_gate_for_two_valves() -> None:
    (run,) = flows("gru", z=0.3)
    keep, branch = run.stops
    assert isinstance(keep, Valve)
    assert isinstance(branch, Branch)
    (new,) = branch.stops
    assert isinstance(new, Valve)
    assert (keep.opening, new.opening, branch.source) == (0.3, 0.7, "g")
    assert run.outlet is None


@pytest.mark.parametrize("name", WITH_MEMORY)
def test_every_gate_is_a_valve_or_a_source(name: str) -> None:
    cell, graph, _ = made(name)
    base = {id: value.split("[")[0] for value, id in graph.values.items()}
    seen = set()
    for run in flows(name):
        stops = [*run.stops, *(run.outlet.stops if run.outlet else ())]
        stops += [inner for s in run.stops if isinstance(s, Branch) for inner in s.stops]
        sources = [s.edge.source for s in stops if isinstance(s, Valve)] + [
            s.source for s in stops if isinstance(s, Branch)
        ]
        made_of = {n.id: n.operation for n in graph.nodes}
        one_minus = [graph.into(s)[0].source for s in sources if made_of.get(s) == "one_minus"]
        seen |= {base[s] for s in (*sources, *one_minus) if s in base}
    assert set(gates(cell)) <= seen


@pytest.mark.parametrize("name", WITH_MEMORY)
def test_the_stops_are_the_operations_on_the_pipe(name: str) -> None:
    _, graph, _ = made(name)
    pipes = anatomy(graph).pipes
    for run in flows(name):
        on = [
            s.node if isinstance(s, Device) else s.joint if isinstance(s, Branch) else s.edge.target for s in run.stops
        ]
        assert on == pipes[run.memory]


def paper(name: str) -> str:
    return next(str(p) for p in PAPERS if p.stem == name)


# What stands under the mouth of the outlet, and what it takes besides: none of it takes the memory entry by entry.
READINGS = {
    "attn": [("transpose", []), ("matmul", ["w"])],
    "lstmp": [("product_with_a_parameter", [])],
    "mlstm": [("matmul", ["q"]), ("hadamard", ["o"]), ("hadamard", ["h.2"])],
    "scrn": [("product_with_a_parameter", []), ("weighted_sum", ["y.1.1"]), ("softmax", [])],
    "sru": [("add", ["h.2"])],
}


@pytest.mark.parametrize("name", READINGS)
def test_what_reads_a_memory_in_another_way_stands_outside_of_the_pipes(name: str) -> None:
    _, graph, _ = made(paper(name))
    (outlet,) = (run.outlet for run in flows(paper(name)) if run.outlet)
    found = [(graph.node(r.edge.target).operation, [e.source for e, _ in r.operands]) for r in outlet.readings]
    assert found == READINGS[name]
    scene = drawn(paper(name))
    (mouth,) = (n for n in scene.nodes if n.id.startswith("mouth"))
    nodes = {n.id: n for n in scene.nodes}
    line = [mouth, *(nodes[r.edge.target] for r in outlet.readings), nodes[outlet.edge.target]]
    for above, under in itertools.pairwise(line):
        assert box(above).bottom + 16 <= box(under).top
        assert above.at.x == under.at.x
        assert any((w.source, w.target) == (above.id, under.id) for w in scene.wires)
    assert not [n for n in water(scene) if n.at.y > mouth.at.y and n.at.x == mouth.at.x]


@pytest.mark.parametrize("name", [n for n in READINGS if n not in ("attn", "scrn")])
def test_gates_that_act_outside_of_the_pipes_say_how_far_they_are_open(name: str) -> None:
    cell, *_ = made(paper(name))
    gate = gates(cell)[-1]
    scene = drawn(paper(name), **{gate: 0.25})
    assert "=0.25" in {label.text for label in scene.labels}


def test_a_projection_reads_what_flows_out_and_no_shorter_way_through_a_gate_is_taken() -> None:
    (run,) = flows(paper("lstmp"), o=0.3)
    assert run.outlet is not None
    assert [type(s) for s in run.outlet.stops] == [Device, Valve]
    assert drawn(paper("lstmp"), o=0.3).description.endswith(
        "From there water flows through tanh, then the valve o[t] (0.3 open) to what reads it: "
        "r[t] = W_rm m[t]. That gives r[t]."
    )


def test_no_pipe_leads_through_a_network() -> None:
    scene = invented("c[t] = c[t-1] + x[t]\nh[t] = tanh(u * c[t] + W @ x[t])")
    (mouth,) = (n for n in scene.nodes if n.id.startswith("mouth"))
    under = sorted((n.at.y, n.operation) for n in scene.nodes if n.at.x == mouth.at.x and n.at.y > mouth.at.y)
    assert [operation for _, operation in under] == ["weighted_sum", "tanh", "output"]


def test_what_takes_water_away_reads_it_outside() -> None:
    scene = invented("o[t] = sigmoid(O @ x[t])\nc[t] = o[t] * c[t-1] + x[t]\nh[t] = tanh(x[t] - c[t])")
    (mouth,) = (n for n in scene.nodes if n.id.startswith("mouth"))
    (wire,) = (w for w in scene.wires if w.source == mouth.id)
    (sign,) = (label for label in scene.labels if label.of == wire.id)
    assert sign.text == "-"
    assert wire.points[0].y < sign.at.y < wire.points[-1].y


def test_a_weighted_sum_on_a_pipe_is_a_joint() -> None:
    (run,) = flows(paper("scrn"))
    scaled, branch = run.stops
    assert isinstance(scaled, Device)
    assert isinstance(branch, Branch)
    assert r"((1 - \alpha) B) x_{t}" in said(drawn(paper("scrn")), "source")


def test_a_gate_times_what_is_learnt_comes_in_as_far_as_it_is_open() -> None:
    (run,) = flows(paper("ltc"), f=0.25)
    (branch,) = (s for s in run.stops if isinstance(s, Branch))
    (valve,) = branch.stops
    assert isinstance(valve, Valve)
    assert (valve.edge.source, valve.opening, branch.amount) == ("f", 0.25, 1.0)
    assert r"\mathrm{dt} \, A" in said(drawn(paper("ltc")), "source")


def test_a_gate_that_comes_in_by_itself_has_a_valve_before_a_water_of_ones() -> None:
    for opening, left in ((0.3, "0.3"), (1.0, "1")):
        scene = drawn("slstm", i_prime=opening)
        assert "1" in said(scene, "source")
        assert [n.of for n in scene.nodes if n.kind == "gate"].count("i_prime") == 2  # at n, and at c
        assert left in said(scene, "plumbing")


def test_a_gate_times_a_matrix_comes_in_as_far_as_it_is_open() -> None:
    equations = "i[t] = sigmoid(V @ x[t])\nc[t] = i[t] * c[t-1] + W @ i[t]"
    cell = from_equations(equations, name="case", output="c", sizes={"x": "X", "c": "H", "i": "H"})
    graph = graph_of(cell, get_notation(cell), PLUMBED)
    (run,) = runs(graph, gates(cell), {"i": 0.25})
    assert [(s.amount, s.stops) for s in run.stops if isinstance(s, Branch)] == [(0.25, ())]


MASKED = "c[t] = m[t] * tanh(W @ x[t] + U @ c[t-1]) + (1 - m[t]) * c[t-1]"


@pytest.mark.parametrize("size", ["H", 1])
def test_a_mask_that_the_step_is_given_moves_both_valves(size: str | int) -> None:
    cell = from_equations(MASKED, name="case", output="c", sizes={"x": "X", "c": "H", "m": size})
    graph = graph_of(cell, get_notation(cell), PLUMBED)
    assert gates(cell) == ("m",)
    (run,) = runs(graph, gates(cell), {"m": 0.25})
    (kept, branch) = run.stops
    assert isinstance(kept, Valve)
    assert isinstance(branch, Branch)
    assert [kept.opening, *(s.opening for s in branch.stops if isinstance(s, Valve))] == [0.75, 0.25]


def test_a_mask_is_opened_by_name() -> None:
    sizes = {"x": "X", "c": "H", "m": 1}
    drawing = PublicCell.from_equations(MASKED, name="case", output="c", sizes=sizes).draw("plumbing", open="m=0")
    assert {r"m_{t} = 0", "c_{t} = c_{t-1}"} <= {x.text for x in drawing.scene.labels}
    with pytest.raises(UnknownName, match="known: m"):
        PublicCell.from_equations(MASKED, name="case", output="c", sizes=sizes).draw("plumbing", open="x=0")


def test_pipes_of_several_memories_end_on_one_line() -> None:
    for name in ("slstm", paper("lem"), paper("mlstm"), paper("cornn")):
        scene = half_open(name)
        tanks = [n for n in scene.nodes if n.kind == "next" and n.shape == "box"]
        assert len(tanks) > 1
        assert len({(n.at.x, n.width) for n in tanks}) == 1
        assert scene.frames[0].right < min(box(n).left for n in tanks)


@pytest.mark.parametrize("name", ["lstm", *map(paper, ("cornn", "lstmp", "ltc", "mlstm"))])
def test_no_label_is_too_small_to_be_read(name: str) -> None:
    scene = half_open(name)
    labels = [n.label for n in scene.nodes if n.label] + list(scene.labels)
    assert min(label.size for label in labels) >= 6


def test_unset_gates_stand_half_open() -> None:
    (run,) = flows("lstm")
    assert isinstance(run.stops[0], Valve)
    assert run.stops[0].opening == 0.5


# ── the water ──


@pytest.mark.parametrize(
    ("opened", "old", "new"),
    [
        ({"f": 1, "i": 0}, 1, 0),
        ({"f": 0, "i": 1}, 0, 1),
        ({"f": 0, "i": 0}, 0, 0),
        ({"f": 0.25, "i": 0.5}, 0.25, 0.5),
        ({"f": 1, "i": 1}, 0.5, 0.5),  # more than fits: it shares the bore
        ({"f": 0.75, "i": 0.75}, 0.5, 0.5),
    ],
)
def test_the_content_follows_the_valves(opened: dict[str, float], old: float, new: float) -> None:
    scene = drawn("lstm", **opened)
    if old + new > 0:
        assert at_the_mouth(scene, "old_water") == pytest.approx(old, abs=0.01)
        assert at_the_mouth(scene, "new_water") == pytest.approx(new, abs=0.01)
    else:
        tank = max(box(n).right for n in scene.nodes if n.kind == "previous")
        assert max(box(n).right for n in water(scene, "old_water")) < tank + 100


def test_behind_a_shut_valve_the_pipe_is_empty() -> None:
    scene = drawn("lstm", f=0, i=1)
    plate = next(n for n in scene.nodes if n.id.startswith("plate") and n.of == "c.1")
    assert plate.height > BORE
    assert max(box(n).right for n in water(scene, "old_water")) < plate.at.x


def test_a_wheel_rises_as_its_valve_opens() -> None:
    wheels = []
    for f in (0, 0.5, 1):
        scene = drawn("lstm", f=f)
        wheel = next(n for n in scene.nodes if n.id.startswith("wheel") and n.of == "c.1")
        tank = next(n for n in scene.nodes if n.kind == "previous")
        wheels.append(tank.at.y - wheel.at.y)
    assert wheels[0] < wheels[1] < wheels[2]


def test_layers_share_the_bore() -> None:
    fits, flood = ([Layer("a", n, "", n), Layer("b", m, "", m)] for n, m in ((0.5, 0.25), (1, 3)))
    assert heights(mixed(fits)) == pytest.approx([FULL / 2, 0.75 * FULL])
    assert heights(mixed(flood)) == pytest.approx([FULL / 4, FULL])
    assert [layer.amount for layer in mixed(flood)] == [1, 3]
    assert heights([]) == []


def test_behind_a_half_open_valve_a_full_pipe_is_half_full() -> None:
    """Also where more came together than the pipe holds."""
    for gate in (0.25, 1):
        scene = drawn("lstm", f=gate, i=gate, o=0.5)
        outlet = [n for n in water(scene) if n.height > n.width or n.at.y > scene.size[1] * 0.75]
        lowest = max(box(n).bottom for n in outlet)
        across = sum(n.width for n in outlet if abs(box(n).bottom - lowest) < 0.01)
        assert across == pytest.approx(0.5 * min(1, 2 * gate) * FULL, abs=0.01)


def test_layers_say_what_they_are_without_colour() -> None:
    said = [n.label.text for n in water(drawn("lstm", f=0.5, i=0.3)) if n.label]
    assert sorted(said) == [r"0.3\,g_{t}", r"0.5\,c_{t-1}"]


# ── the drawing ──

EVERY = [*WITH_MEMORY, *(str(p) for p in PAPERS if memories(load(str(p))))]


@cache
def half_open(name: str) -> Scene:
    return drawn(name)


# What takes several values at one place, on a pipe that runs to the right, one that hangs, and under a mouth.
SEVERAL = {
    "a formula beside a name": "s[t] = tanh(W @ c[t-1])\na[t] = c[t-1] - s[t] + s[t] * w[t]\nc[t] = a[t] + x[t]",
    "two formulas": "c[t] = maximum(c[t-1], x[t] * w[t] + tanh(x[t]), sin(x[t]) * cos(w[t]))",
    "all minus": "c[t] = c[t-1] - x[t] - w[t] - x[t] * w[t] - sin(x[t])",
    "on the way out": "c[t] = c[t-1] + x[t]\nh[t] = maximum(c[t], x[t] * w[t], tanh(w[t]), sin(x[t]))",
    "minus on the way out": "c[t] = c[t-1] + x[t]\nh[t] = sin(c[t] - x[t] - w[t] * x[t])",
    "under a mouth": (
        "o[t] = sigmoid(W @ x[t])\nf[t] = sigmoid(F @ x[t])\nc[t] = f[t] * c[t-1] + x[t]\n"
        "h[t] = o[t] * softmax(c[t]) * f[t] * sin(x[t])"
    ),
    "a long number": "c[t] = c[t-1] * 0.123456789 + x[t]",
}


@pytest.mark.parametrize("equations", SEVERAL.values(), ids=SEVERAL)
def test_several_values_at_one_place_have_room_and_signs_stand_at_their_arrows(equations: str) -> None:
    scene = invented(equations)
    assert_sound(scene)
    wires = {w.id: w for w in scene.wires}
    for sign in (label for label in scene.labels if label.text == "-"):
        near = min(wires.values(), key=lambda w: abs(w.points[-1].x - sign.at.x) + abs(w.points[-1].y - sign.at.y))
        assert near.id == sign.of
    if "-" not in equations.replace("t-1", ""):
        return
    assert {label.of for label in scene.labels if label.text == "-"}


@pytest.mark.parametrize("name", EVERY)
def test_every_cell_with_a_pipe_is_drawn_soundly(name: str) -> None:
    assert_sound(half_open(name))


def assert_sound(scene: Scene) -> None:
    """Nothing twice, nothing on top of another, nothing outside of the picture."""
    assert [id for id, k in Counter(n.id for n in scene.nodes).items() if k > 1] == []
    assert [id for id, k in Counter(w.id for w in scene.wires).items() if k > 1] == []
    solid = [n for n in scene.nodes if n.kind in ("previous", "next", "source", "gate", "function", "operator")]
    for a, b in itertools.combinations(solid, 2):
        assert not meet(box(a), box(b)), f"{a.id} and {b.id}"
    for label in scene.labels:
        others = [label_box(x) for x in scene.labels if x is not label] + [box(n) for n in scene.nodes]
        assert not any(meet(label_box(label), other) for other in others), label.text
    for n in scene.nodes:
        found = box(n)
        assert found.left >= 0
        assert found.top >= 0
        assert found.right <= scene.size[0]
        assert found.bottom <= scene.size[1]


@pytest.mark.parametrize("name", EVERY)
def test_what_is_inside_stands_inside_the_border(name: str) -> None:
    scene = half_open(name)
    frame = scene.frames[0]
    for n in scene.nodes:
        if n.kind in ("source", "gate", "function", "operator"):
            found = box(n)
            assert frame.left + 8 < found.left
            assert found.right < frame.right - 8
            assert frame.top + 8 < found.top
            assert found.bottom < frame.bottom - 8
        elif n.kind in ("previous", "next"):
            assert not meet(box(n), frame) or n.kind == "previous"


@pytest.mark.parametrize("name", EVERY)
def test_wires_are_edges_of_the_graph_and_meet_their_nodes(name: str) -> None:
    scene = half_open(name)
    _, graph, _ = made(name)
    edges = {e.id: e for e in graph.edges}
    nodes = {n.id: n for n in scene.nodes}
    for wire in scene.wires:
        edge = edges[wire.id]
        source, target = nodes[wire.source], nodes[wire.target]
        assert (source.of or source.id) == edge.source
        for node, at in ((source, wire.points[0]), (target, wire.points[-1])):
            found = box(node)
            assert found.left - 0.01 <= at.x <= found.right + 0.01
            assert found.top - 0.01 <= at.y <= found.bottom + 0.01
    left = {w.target for w in scene.wires if nodes[w.target].kind == "next"}
    tanks = {n.id for n in scene.nodes if n.kind == "next" and n.shape == "box"}
    assert left | tanks == {n.id for n in scene.nodes if n.kind == "next"}
    assert {nodes[id].id.split("[")[0] for id in tanks} == set(graph.memories)


@pytest.mark.parametrize("name", EVERY)
def test_the_pipe_of_a_memory_runs_through_the_border_to_the_next_step(name: str) -> None:
    scene = half_open(name)
    for tank in (n for n in scene.nodes if n.kind == "next" and n.shape == "box"):
        assert box(tank).left > scene.frames[0].right
        here = [n for n in scene.nodes if n.role in ("pipe", "old_water", "new_water") and abs(n.at.y - tank.at.y) < 30]
        through = [n for n in here if abs(box(n).right - box(tank).left) < 0.01]
        assert sum(n.role == "pipe" for n in through) == 2
        assert any(n.role != "pipe" for n in through)
        assert all(box(n).left < scene.frames[0].right for n in through)
    assert not [n for n in scene.nodes if n.id.startswith("mouth") and n.width < n.height]


@pytest.mark.parametrize("theme", theme_names())
def test_all_writers_draw_it_in_every_theme(theme: str) -> None:
    scene = drawn("lstm", f=0.3)
    assert "new_water" in write_svg(scene, load_theme(theme)) or "new-water" in write_svg(scene, load_theme(theme))
    assert "new-water" in write_dot(scene, load_theme(theme))


def test_print_tells_the_waters_apart() -> None:
    paints = load_theme("print").light.nodes
    grey = [int(paints[role].fill[1:3], 16) for role in ("new_water", "old_water", "valve")]
    assert grey[1] - grey[0] > 60
    assert grey[2] - grey[1] > 60


@pytest.mark.parametrize(
    ("equations", "label"),
    [
        ("(sin(x[t]) + 1) * x[t]", r"(\sin(x_{t}) + 1) \odot x_{t}"),
        ("sin(x[t])", r"\sin(x_{t})"),
        ("r[t] * (W @ x[t])", "W x_{t}"),
    ],
)
def test_values_without_a_name_are_written_out(equations: str, label: str) -> None:
    scene = invented(f"r[t] = sigmoid(V @ x[t])\nh[t] = r[t] * h[t-1] + {equations}")
    (source,) = (n for n in scene.nodes if n.kind == "source")
    assert source.label
    assert source.label.text == label
    assert measure(source.label)[0] < source.width


def test_a_formula_that_contains_a_gate_moves_a_valve() -> None:
    scene = invented("r[t] = sigmoid(V @ x[t])\nh[t] = r[t] * h[t-1] + (2 * (1 - r[t]) + 3) * x[t]")
    assert said(scene, "source") == ["x_{t}"]
    gate = next(n for n in scene.nodes if n.kind == "gate" and n.shape == "box")
    assert gate.label
    assert gate.label.text == r"2 (1 - r_{t}) + 3"
    assert sum(n.operation == "valve" for n in scene.nodes) == 2
    assert r"0.5\,h_{t-1}" in said(scene, "plumbing")
    assert r"(2 (1 - r_{t}) + 3)\,x_{t}" in said(scene, "plumbing")


def test_a_number_is_a_device_and_stands_before_the_water() -> None:
    scene = invented("h[t] = 0.9 * h[t-1] + 0.1 * tanh(V @ x[t])")
    assert len(said(scene, "operator")) == 2
    frac = [text for text in said(scene, "plumbing") if text.endswith("h_{t-1}")]
    assert frac
    assert frac != ["h_{t-1}"]


def test_a_number_for_every_entry_is_a_gate() -> None:
    cell = from_equations(
        "i[t] = exp(w.T @ x[t])\nh[t] = h[t-1] + i[t] * (V @ x[t])", name="case", sizes={"h": "H", "x": "X", "i": 1}
    )
    assert gates(cell) == ("i",)


TWO = "o[t] = sigmoid(O @ x[t])\nr[t] = sigmoid(R @ x[t])\nc[t] = o[t] * c[t-1] + x[t]\nd[t] = r[t] * d[t-1] + x[t]\n"


@pytest.mark.parametrize(
    ("equations", "words"),
    [
        (TWO + "h[t] = o[t] * tanh(c[t]) + r[t] * tanh(d[t])", r"the gate r\[t\] in .*: one outlet"),
        (TWO + "h[t] = tanh(O @ x[t])", r"cannot show h\[t\]: no way leads there"),
        (
            "o[t] = sigmoid(O @ x[t])\nh[t] = h[t-1] + tanh(o[t] * x[t] - x[t]) + (o[t] * x[t] - x[t])",
            "the gate o.*no pipe",
        ),
        (
            "k[t] = sigmoid(K @ x[t])\nf[t] = sigmoid(F @ x[t])\nh[t] = k[t]*(f[t]*h[t-1] + x[t]) + (1 - k[t])*h[t-1]",
            "the gate f.*no pipe leads there",
        ),
        ("o[t] = sigmoid(O @ x[t])\nh[t] = x[t] - o[t] * h[t-1]", "takes water away"),
        ("h[t] = h[t-1] + sin(x[t]) * cos(x[t]) * tanh(x[t]) * exp(x[t]) * sin(x[t] + tanh(x[t]))", "no room"),
    ],
)
def test_what_cannot_be_shown_is_refused_by_name(equations: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        invented(equations)


def test_two_waters_of_one_colour_have_a_line_between_them() -> None:
    scene = invented("h[t] = h[t-1] + x[t] + tanh(V @ x[t])")
    lines = [n for n in scene.nodes if n.id.startswith("border")]
    assert lines
    assert {n.role for n in lines} == {"old_water"}
    assert not [n for n in drawn("lstm").nodes if n.id.startswith("border")]


def test_water_of_another_memory_is_old_too() -> None:
    scene = invented("c[t] = c[t-1] + x[t]\nh[t] = h[t-1] + c[t-1]")
    roles = {n.of: n.role for n in scene.nodes if n.kind == "source"}
    assert roles == {"x[t]": "new_water", "c[t-1]": "old_water"}


def test_the_legend_explains_valve_gate_and_waters() -> None:
    words = [e.words for group in with_legend(drawn("lstm")).legend if group.title == "Plumbing" for e in group.entries]
    assert sorted(words) == sorted(WORDS[what] for what in ("gate", "valve", "old_water", "new_water"))


def test_it_is_described_in_words() -> None:
    assert drawn("lstm", f=1, i=0, o=0.5).description == (
        "c[t-1] flows through the valve f[t] (open) to c[t]. g[t] comes in through the valve i[t] (shut). "
        "From there water flows through tanh, then the valve o[t] (0.5 open) to h[t]."
    )


def test_a_gate_is_given_once() -> None:
    with pytest.raises(UsageError, match="the gate f is given twice"):
        load_cell("lstm").draw("plumbing", open="f=1,i=0,f=0")


def test_a_graph_without_a_memory_is_refused() -> None:
    graph = extract(load("rnn"), lambda symbol: symbol.name)
    with pytest.raises(UsageError, match="there is no plumbing"):
        layout_plumbing(graph, (), {})


def test_it_is_told_which_gates_nobody_set() -> None:
    """Grey, and explained; with all gates set there is nothing to explain.  1 - z follows from z."""

    def unset(name: str, opened: dict[str, float]) -> tuple[set[str], bool]:
        scene = load_cell(name).draw("plumbing", open=opened or None).scene
        gates = {n.id: n.of for n in scene.nodes if n.kind == "gate"}
        notes = [group.title for group in scene.legend if not group.entries]
        return {gates[x.of] for x in scene.labels if x.role == "unset"}, any("stands half open" in n for n in notes)

    assert unset("lstm", {}) == ({"f", "i", "o"}, True)
    assert unset("lstm", {"f": 1}) == ({"i", "o"}, True)
    assert unset("lstm", {"f": 1, "i": 0, "o": 0.5}) == (set(), False)
    assert unset("gru", {"z": 0.5}) == (set(), False)
    assert unset("gru", {}) == ({"z", "h.2.1"}, True)
    grey = load_theme("default").light
    assert grey.words("unset") == grey.words("heading") != grey.words("text")


def test_a_formula_has_air_in_its_box() -> None:
    box = next(n for n in load_cell("gru").draw("plumbing").scene.nodes if n.kind == "gate" and n.shape == "box")
    assert box.label is not None
    assert box.width - measure(box.label)[0] >= 8


# ── joints one after the other, and factors that are no gates ──


def thickness(scene: Scene) -> dict[str, float]:
    """How thick the layers are where the memory leaves, from the top, by role and place."""
    right = max(box(n).right for n in water(scene))
    leaving = sorted((n for n in water(scene) if abs(box(n).right - right) < 0.01), key=lambda n: n.at.y)
    return {f"{n.role} {k}": n.height for k, n in enumerate(leaving)}


def test_layers_that_are_as_much_are_as_thick_wherever_they_came_in() -> None:
    """c + a + g, added at two joints: each is a third of what flows on, not a quarter, a quarter and a half."""
    scene = invented(
        "f[t] = sigmoid(V @ x[t])\na[t] = c[t-1] + tanh(W @ x[t])\nc[t] = f[t] * a[t] + sin(U @ x[t])", f=1
    )
    found = list(thickness(scene).values())
    assert len(found) == 3
    assert max(found) - min(found) < 1.5, found  # the line where two waters of one colour meet is part of one


def test_what_is_no_gate_is_multiplied_by_a_device_and_shuts_nothing() -> None:
    scene = invented("c[t] = a * tanh(W @ x[t]) * c[t-1] * y[t]")
    assert [n.operation for n in scene.nodes if n.kind == "operator"] == ["hadamard"]
    assert not [n for n in scene.nodes if n.kind == "wheel"]
    assert at_the_mouth(scene, "old_water") > 0.95
