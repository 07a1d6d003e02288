"""Looks: themes that are more than colours, and labels by option, of which none is dropped."""

from functools import cache
from typing import Any

import pytest

from lstmgraph.api.cell import Cell, load
from lstmgraph.api.choices import Choices, look_of
from lstmgraph.api.drawing import Drawing
from lstmgraph.api.scenes import graph_of
from lstmgraph.diagram.boxes import gap, label_box
from lstmgraph.diagram.ground import head, of_wire
from lstmgraph.diagram.layout.dress import dress
from lstmgraph.diagram.layout.labels import weight_text
from lstmgraph.diagram.layout.legend import ROW
from lstmgraph.diagram.layout.tracks import layered
from lstmgraph.diagram.look import DEFAULT_LOOK, PARTS, Look, read_look
from lstmgraph.diagram.path import distance
from lstmgraph.diagram.quality import faults
from lstmgraph.diagram.themes import load_theme, theme_names
from lstmgraph.diagram.typeset import measure
from lstmgraph.errors import UnknownName, UsageError
from lstmgraph.notation import get_notation
from lstmgraph.reading import library

STYLES = ("pipe", "cell-block")
SOME = ("lstm", "peephole_lstm_full", "gru")
every_style = pytest.mark.parametrize("style", STYLES)
every_cell = pytest.mark.parametrize("name", library())


@cache
def drawn(name: str, style: str = "pipe", theme: str = "default", show: str | None = None, detail: str = "") -> Drawing:
    return load(name).draw(style, theme=theme, show=show, detail=detail or None)


def words(drawing: Drawing) -> dict[str, list[str]]:
    return {g.title: [e.words for e in g.entries] for g in drawing.scene.legend}


# ── looks of themes ──


def test_a_look_is_read() -> None:
    table = {"detail": "gates", "forks": "curve", "shapes": {"tanh": "ellipse"}, "values": False}
    look = read_look(table)
    assert look == Look((("tanh", "ellipse"),), "gates", forks="curve", values=False)
    assert look.shape_of("exp", "tanh") == "ellipse"
    assert look.shape_of("exp") is None
    assert read_look({}) == DEFAULT_LOOK


@pytest.mark.parametrize(
    ("table", "fault"),
    [
        ({"detial": "gates"}, "has no 'detial'"),
        ({"detail": "gate"}, "detail is one of gates, sums, full"),
        ({"bias": "numbers"}, "bias is one of name, number, none"),
        ({"shapes": {"tanh": "hexagon"}}, "tanh is one of"),
    ],
)
def test_a_look_that_is_none(table: dict[str, object], fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        read_look(table)


@every_style
@pytest.mark.parametrize("name", SOME)
@pytest.mark.parametrize("theme", [n for n in theme_names() if load_theme(n).look != DEFAULT_LOOK])
def test_every_look_draws_cells(theme: str, name: str, style: str) -> None:
    drawing = drawn(name, style, theme)
    assert drawing.graph is not None
    assert faults(drawing.scene, drawing.graph) == []


def test_shi_yan() -> None:
    drawing = drawn("peephole_lstm_full", theme="shiyan")
    nodes = {n.id: n for n in drawing.scene.nodes}
    assert {nodes[id].shape for id in ("f", "i", "o")} == {"teardrop"}
    assert {nodes[id].shape for id in ("g", "h.2")} == {"pentagon"}
    assert nodes["c"].shape == "box"
    assert nodes["c.1"].shape == "circle"
    biases = [n for n in drawing.scene.nodes if n.kind == "bias"]
    assert [n.label.text for n in biases if n.label] == ["0", "1", "2", "3"]
    assert [n.title for n in biases] == ["b_f", "b_i", "b_g", "b_o"]
    assert list(words(drawing)) == ["Inputs", "Outputs", "Nonlinearities", "Biases", "Vector operations"]
    lefts = [min(e.sample.at.x for e in g.entries) for g in drawing.scene.legend]
    assert abs(lefts[2] - lefts[3]) < 8, "biases stand under the nonlinearities"


def test_olah() -> None:
    drawing = drawn("lstm", theme="olah")
    networks = [n for n in drawing.scene.nodes if n.kind == "sum"]
    assert [(n.label.text if n.label else "", n.shape) for n in networks] == [
        (r"\sigma", "box"),
        (r"\sigma", "box"),
        (r"\tanh", "box"),
        (r"\sigma", "box"),
    ]
    assert not [n for n in drawing.scene.nodes if n.kind == "bias"]
    assert drawing.scene.dots == ()
    palette = load_theme("olah").light
    assert {palette.node(n.role) for n in networks} == {palette.nodes["network"]}
    pointwise = {palette.node(n.role) for n in drawing.scene.nodes if n.kind in ("operator", "function")}
    assert pointwise == {palette.nodes["operator"]}
    assert words(drawing)["Networks"] == ["sigmoid of a weighted sum", "hyperbolic tangent of a weighted sum"]


def test_a_fork_without_room_for_a_curve_has_a_dot() -> None:
    drawing = drawn("gru", theme="olah")
    assert drawing.graph is not None
    assert 0 < len(drawing.scene.dots) < len(drawn("gru").scene.dots)


def test_options_override_the_look() -> None:
    assert drawn("lstm", theme="olah", detail="sums").graph == load("lstm").draw(theme="olah", detail="sums").graph
    assert [n for n in drawn("lstm", theme="olah", show="bias").scene.nodes if n.kind == "bias"]
    assert not [n for n in drawn("lstm", theme="shiyan", show="values").scene.nodes if n.kind == "bias"]
    assert not [n for n in drawn("lstm", detail="gates").scene.nodes if n.kind == "bias"]


# ── labels by option ──


@every_style
@pytest.mark.parametrize("name", SOME)
@pytest.mark.parametrize(("detail", "show"), [("gates", "all"), ("sums", "all"), ("full", "all"), ("sums", "weights")])
def test_every_promised_label_is_there(show: str, detail: str, name: str, style: str) -> None:
    drawing = drawn(name, style, show=show, detail=detail)
    scene, graph = drawing.scene, drawing.graph
    assert graph is not None
    assert faults(scene, graph) == []
    written = " ".join(x.text for x in scene.labels if x.role == "weight")
    assert all(text in written for e in graph.edges if (text := weight_text(graph, e)))
    named = {x.of for x in scene.labels if x.role == "text"}
    inside = {id for id in graph.values.values() if any(graph.node(e.target).kind != "next" for e in graph.out_of(id))}
    assert inside <= named if show == "all" else not named
    assert all(n.title.strip() for n in scene.nodes)
    assert all(w.title.strip() for w in (*scene.wires, *scene.trunks))
    assert len({n.id for n in scene.nodes}) == len(scene.nodes)
    shapes = [x for x in scene.labels if x.role == "shape"]
    outside = {n.id for n in graph.nodes if n.kind in ("input", "previous", "bias")}
    assert len(shapes) >= len(outside) if show == "all" else not shapes


@every_style
@pytest.mark.parametrize("name", ["lstm", "peephole_lstm_full", "gru"])
def test_a_weight_stands_nearest_to_its_own_arrow(name: str, style: str) -> None:
    scene = drawn(name, style, show="values,weights,bias").scene
    for label in (x for x in scene.labels if x.role == "weight"):
        wires = (*scene.wires, *scene.trunks)
        far = {w.id: min(gap(label_box(label), box) for box in of_wire(w)) for w in wires}
        merged = {w.id for w in scene.wires if w.target == next(v.target for v in wires if v.id == label.of)}
        assert far[label.of] < min(d for id, d in far.items() if id != label.of and id not in merged), label.text


@every_style
def test_marks_stand_nearest_to_their_own_arrows(style: str) -> None:
    from lstmgraph.api.cell import Cell

    cell = Cell.from_equations(
        "C[t] = C[t-1] + x[t] @ h[t-1].T\nh[t] = (C[t] @ C[t-1]) @ x[t]", sizes={"x": "H", "h": "H"}, output="h"
    )
    scene = cell.draw(style).scene
    marks = [x for x in scene.labels if x.text in ("1", "2")]
    assert len(marks) == 6
    for mark in marks:
        far = {w.id: min(gap(label_box(mark), box) for box in of_wire(w)) for w in scene.wires}
        assert far[mark.of] == min(far.values())


def test_what_differs_in_the_weights_looks_different() -> None:
    def texts(name: str) -> set[str]:
        return {x.text for x in drawn(name, show="weights").scene.labels}

    assert any("p_{f}" in text for text in texts("peephole_lstm"))
    assert any("P_{f}" in text for text in texts("peephole_lstm_full"))


def test_shapes() -> None:
    scene = drawn("lstm", "cell-block", show="values,weights,shapes").scene
    texts = {x.text for x in scene.labels}
    assert {r"W_{f} : H \times X", r"U_{f} : H \times H", "f_{t} : H", "X", "H"} <= texts
    assert {"At an arrow: what scales the value there", "After a colon, or beside a symbol: the shape"} <= set(
        words(drawn("lstm", show="all"))
    )


def test_nothing_is_written_if_nothing_is_asked_for() -> None:
    scene = drawn("lstm", show="none").scene
    assert scene.labels == ()
    assert not [n for n in scene.nodes if n.kind == "bias"]
    assert "Biases" not in {g.title for g in scene.legend}


@every_style
@every_cell
def test_layers_have_room_for_every_label(name: str, style: str) -> None:
    cell = load(name)
    graph = graph_of(cell, get_notation(cell), look_of(Choices(show=PARTS)))
    assert faults(dress(layered(graph, style), "", {}, "x"), graph) == []


# ── choosing ──


def test_parts_can_be_given_as_a_list() -> None:
    assert load("rnn").draw(show=["weights", "bias"]).svg == load("rnn").draw(show="weights, bias").svg
    assert load("rnn").draw(show=PARTS).svg == load("rnn").draw(show="all").svg


@pytest.mark.parametrize(
    ("choice", "hint"),
    [({"show": "weihgts"}, "weights"), ({"detail": "gate"}, "gates")],
)
def test_an_unknown_choice(choice: dict[str, str], hint: str) -> None:
    with pytest.raises(UnknownName) as error:
        load("rnn").draw(**choice)  # type: ignore[arg-type]
    assert hint in str(error.value.hint)


@pytest.mark.parametrize("parts", ["all,bias", "none,values"])
def test_all_and_none_stand_alone(parts: str) -> None:
    with pytest.raises(UsageError, match="stands alone"):
        load("rnn").draw(show=parts)


@pytest.mark.parametrize("choice", [{"show": "all"}, {"detail": "gates"}, {"order": True}])
def test_the_dag_has_no_such_choice(choice: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="does not go with the style 'dag'"):
        load("rnn").draw("dag", **choice)  # type: ignore[arg-type]


# ── factors that nobody would guess, labels and legends ──

STEP = "g[t] = tanh(W @ x[t] + U @ h[t-1] + b)\n"


@pytest.mark.parametrize(
    ("line", "sizes", "named"),
    [
        ("h[t] = g[t] * (zeta * (1 - g[t]) + nu)", {"zeta": 1, "nu": 1}, {r"\zeta"}),
        ("h[t] = tanh(gamma * g[t] + beta)", {}, {r"\gamma"}),
        ("h[t] = tanh(gamma * (V @ x[t]) + R @ g[t] + beta)", {}, {r"\gamma"}),
        ("h[t] = tanh(V @ x[t] + p * h[t-1] + d)", {}, set()),
        ("h[t] = tanh(A @ (V @ x[t]) + R @ g[t] + d)", {"V": (2, "X")}, {"A"}),
    ],
)
def test_a_factor_outside_the_plain_pattern_is_named(line: str, sizes: dict[str, int | str], named: set[str]) -> None:
    drawing = Cell.from_equations(STEP + line, sizes={"x": "X", "h": "H", "g": "H", **sizes}, output="h").draw()
    assert {x.text for x in drawing.scene.labels if x.role == "weight"} == named
    assert ("At an arrow: what scales the value there" in words(drawing)) is bool(named)


@every_style
@pytest.mark.parametrize("name", ["lstm", "gru"])
def test_names_of_values_keep_off_their_arrowheads(name: str, style: str) -> None:
    scene = drawn(name, style).scene
    labels = [x for x in scene.labels if x.role == "text"]
    assert labels
    assert min(gap(label_box(x), head(w)) for x in labels for w in scene.wires if w.arrow) > 2.4
    assert {x.size for x in labels} == {12.0}


def test_weights_are_written_in_one_manner() -> None:
    weights = [x for x in drawn("lstm", show="all").scene.labels if x.role == "weight"]
    assert len({x.size for x in weights}) == 1
    assert len({x.text.count(r",\,") for x in weights}) == 1


@every_style
def test_a_few_symbols_are_explained_in_a_plain_list(style: str) -> None:
    """The picture remains the main thing."""
    for name, plain in (("rnn", True), ("indrnn", True), ("lstm", False)):
        bare, scene = load(name).draw(style, legend=False).scene, drawn(name, style).scene
        groups = [g for g in scene.legend if g.entries]
        assert {g.heading is None for g in groups} == {plain}, name
        assert scene.size[1] - bare.size[1] < (0.36 if plain else 0.5) * bare.size[1]


@every_style
@every_cell
def test_a_legend_explains_what_is_drawn_and_nothing_else(name: str, style: str) -> None:
    scene = drawn(name, style).scene
    samples = {e.sample.id.removeprefix("legend-"): e.words for g in scene.legend for e in g.entries}
    nodes = {n.id: n for n in scene.nodes}
    assert set(samples) <= set(nodes)
    assert len(set(samples.values())) == len(samples)

    def look(id: str) -> tuple[str, str, str]:
        return nodes[id].kind, nodes[id].operation, nodes[id].shape

    explained = {look(id) for id in samples}
    assert {look(id)[:2] for id in nodes} == {kind[:2] for kind in explained}


@every_style
@every_cell
def test_the_rows_of_a_legend_are_common_to_all_columns(name: str, style: str) -> None:
    legend = drawn(name, style).scene.legend
    groups = [g for g in legend if g.entries]
    ys = {round(e.sample.at.y, 3) for g in groups for e in g.entries} | {
        round(g.heading.at.y, 3) for g in groups if g.heading
    }
    assert all(round((y - min(ys)) % ROW, 3) in (0.0, ROW) for y in ys)
    assert all(g.heading and g.heading.at.y > max(ys) for g in legend if not g.entries), "notes stand under all"


@pytest.mark.parametrize(
    ("name", "choices", "said"),
    [
        ("lstm", {}, ["Dashed: memory of the previous step", "Dotted: output of the previous step"]),
        ("gru", {}, ["Dashed: memory and output of the previous step"]),
        ("rnn", {}, ["Dotted: output of the previous step"]),
        ("gru", {"style": "cell-block"}, ["Dashed: memory of the previous step"]),
        ("lstm", {"unroll": 2}, ["Dashed: memory that enters a step", "Dotted: output that enters a step"]),
    ],
)
def test_the_legend_explains_the_dashes_of_a_theme(name: str, choices: dict[str, Any], said: list[str]) -> None:
    def notes(theme: str) -> list[str]:
        return [g.title for g in load(name).draw(theme=theme, **choices).scene.legend if not g.entries]

    assert [note for note in notes("print") if note.startswith(("Dashed", "Dotted"))] == said
    assert not [note for note in notes("shiyan") if note.startswith("Dotted")]


FORMULAS = """
a[t] = tanh(W_a @ x[t] + U_a @ h[t-1] + U_b @ log(v_b))
h[t] = sigmoid(W_o @ x[t] + U_o @ h[t-1] + U_b @ (v_b * v_c) + b_o + b_out) * a[t]
"""


@pytest.mark.parametrize("choices", [{}, {"style": "cell-block"}, {"detail": "full"}])
def test_a_bias_that_is_a_long_formula_has_a_mark_which_the_legend_explains(choices: dict[str, Any]) -> None:
    cell = Cell.from_equations(FORMULAS, sizes={"x": "X", "h": "H", "U_b": ("H", "K")})
    scene = cell.draw(**choices).scene
    (group,) = (g for g in scene.legend if g.title == "Biases")
    marks = {e.sample.label.text: e.words for e in group.entries if e.sample.label}
    assert marks == {r"\ast_{1}": "bias: U_b log(v_b)", r"\ast_{2}": "bias: U_b (v_b ⊙ v_c)", "b_{o}": "bias"}
    titles = {n.title for n in scene.nodes if n.label and n.label.text in marks}
    assert titles == {"U_b log(v_b)", "U_b (v_b ⊙ v_c)", "b_o"}
    for node in [n for n in scene.nodes if n.kind == "bias"] + [e.sample for e in group.entries]:
        assert node.label is not None
        assert measure(node.label)[0] <= node.width


def test_a_single_mark_has_no_number_and_numbered_biases_need_none() -> None:
    cell = Cell.from_equations("h[t] = tanh(W @ x[t] + U @ h[t-1] + b_one + b_two)", sizes={"x": "X", "h": "H"})
    glyphs = {n.label.text for n in cell.draw().scene.nodes if n.kind == "bias" and n.label}
    assert glyphs == {r"b_{\mathrm{one}}", r"b_{\mathrm{two}}"}
    cell = Cell.from_equations("h[t] = tanh(W @ x[t] + U @ h[t-1] + V @ log(b))", sizes={"x": "X", "h": "H", "b": "K"})
    assert [n.label.text for n in cell.draw().scene.nodes if n.kind == "bias" and n.label] == [r"\ast"]
    assert [n.label.text for n in cell.draw(theme="shiyan").scene.nodes if n.kind == "bias" and n.label] == ["0"]


def test_a_fork_has_a_dot_or_curves_and_never_both() -> None:
    """Of the two ways on at the end of a line one had no room for a curve: both are square then."""
    scene = load("gru").draw(theme="olah").scene
    assert scene.dots
    for dot in scene.dots:
        turning = [w for w in scene.wires if any(distance(p, dot.at) < 1 for p in w.points[1:-1])]
        assert turning
        assert all(any(distance(p, dot.at) < 1 for p in w.route[::3]) for w in turning)


def test_what_olah_draws_purple_is_purple_in_every_cell() -> None:
    """There h is the output; in a GRU it is the memory too, which other themes show."""
    for name in ("lstm", "gru", "rnn"):
        for theme, alike in (("olah", True), ("default", name != "gru")):
            scene = load(name).draw(theme=theme).scene
            for mode in ("light", "dark"):
                palette = load_theme(theme).palette(mode)
                ends = {n.id: palette.node(n.role) for n in scene.nodes if n.id in ("h[t-1]", "h[t]'")}
                usual = {"h[t-1]": palette.node("previous_output"), "h[t]'": palette.node("output")}
                assert (ends == usual) is alike, (name, theme, mode)
