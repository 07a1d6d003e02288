"""Lines that cross for nothing, and lines that do not look like what they carry: on small scenes, and on whole ones."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

import lstmgraph
from lstmgraph.api.drawing import Drawing
from lstmgraph.diagram.asked import Asked
from lstmgraph.diagram.graph import ValueKind
from lstmgraph.diagram.path import straight
from lstmgraph.diagram.quality import Case, explained, lines, meaning, measure, score
from lstmgraph.diagram.quality.picture import Picture
from lstmgraph.diagram.quality.rules import RULES
from lstmgraph.diagram.quality.twists import twisted
from lstmgraph.diagram.scene import Point, Scene
from lstmgraph.diagram.themes import load_theme
from tests.diagram.test_quality_figures import picture, wire

LEVEL = wire("level", "a", (0, 100), (300, 100))  # crossed by the others
DASHES = load_theme("print").dashes


def case(drawing: Drawing) -> Case:
    assert drawing.graph is not None
    return Case(drawing.scene, drawing.graph, load_theme(drawing.theme), drawing.style, asked=drawing.asked)


def with_wire(scene: Scene, id: str, **what: Any) -> Scene:
    return replace(scene, wires=tuple(replace(w, **what) if w.id == id else w for w in scene.wires))


# ── lines that cross twice ──


def test_a_line_that_goes_over_another_and_comes_back_is_twisted() -> None:
    over = wire("over", "b", (50, 200), (50, 50), (250, 50), (250, 200))
    assert list(twisted(picture(wires=[LEVEL, over]))) == ["level and over, 2 times"]
    assert list(twisted(picture(wires=[over, LEVEL]))) == ["level and over, 2 times"]
    assert not list(twisted(picture(wires=[LEVEL, replace(over, source="a")])))
    once = wire("once", "b", (50, 200), (50, 50), (250, 50))
    assert not list(twisted(picture(wires=[LEVEL, once])))


def test_three_crossings_are_two_too_many() -> None:
    snake = wire("snake", "b", (50, 200), (50, 50), (150, 50), (150, 150), (250, 150), (250, 50))
    assert list(twisted(picture(wires=[LEVEL, snake]))) == ["level and snake, 3 times"]


@pytest.mark.parametrize(
    ("fork", "found"),
    [
        (((150, 50), (150, 80)), 1),  # to the inside: it can be reached from the other way
        (((150, 50), (150, 20)), 0),  # to the outside
        (((50, 160), (20, 160)), 1),  # before the crossings
    ],
)
def test_what_forks_off_to_the_outside_is_a_reason_to_cross(fork: tuple[tuple[float, float], ...], found: int) -> None:
    over = wire("over", "b", (50, 200), (50, 50), (250, 50), (250, 200))
    branch = wire("branch", "b", *fork)
    assert len(list(twisted(picture(wires=[LEVEL, over, branch])))) == found


def test_a_fork_of_the_other_line_is_a_reason_too() -> None:
    over = wire("over", "b", (50, 200), (50, 50), (250, 50), (250, 200))
    for end, found in ((150, 0), (70, 1)):
        branch = wire("branch", "a", (150, 100), (150, end))
        assert len(list(twisted(picture(wires=[LEVEL, over, branch])))) == found


def test_branches_of_a_rail_may_each_cross_the_same_line() -> None:
    """One line below another, and what both lead to above: the lower one crosses the upper one at each branch."""
    rail = [wire(f"to {x}", "b", (0, 150), (x, 150), (x, 50)) for x in (50, 150, 250)]
    assert not list(twisted(picture(wires=[LEVEL, *rail])))


def test_a_branch_that_crosses_and_comes_back_beside_its_line_is_twisted() -> None:
    stem = wire("stem", "b", (50, 300), (50, 250), (350, 250))
    over = wire("over", "b", (50, 300), (50, 50), (250, 50), (250, 200))
    assert list(twisted(picture(wires=[LEVEL, stem, over]))) == ["level and over, 2 times"]


# ── dashed lines that hop ──


def crossing(hops: str, dashed: str) -> Picture:
    """A level line and an upright one; some are dashed, one hops."""
    level, upright = (
        wire(name, name, a, b, dashed=name in dashed)
        for name, a, b in (("level", (0, 100), (200, 100)), ("upright", (100, 0), (100, 200)))
    )
    (start, end), around = level.points, [Point(90, 100), Point(90, 90), Point(110, 90), Point(110, 100)]
    if hops == "level":
        level = replace(level, route=straight([start, *around, end]))
    else:
        upright = replace(upright, route=straight([Point(y, x) for x, y in (start, *around, end)]))
    return picture(wires=[level, upright])


@pytest.mark.parametrize(
    ("hops", "dashed", "wrong"),
    [
        ("level", "level", 1),
        ("upright", "upright", 1),
        ("upright", "level", 0),
        ("level", "upright", 0),
        ("level", "level upright", 0),
        ("level", "", 0),
    ],
)
def test_of_a_dashed_line_and_a_solid_one_the_solid_one_hops(hops: str, dashed: str, wrong: int) -> None:
    shown = crossing(hops, dashed)
    assert len(shown.crossings) == 1
    assert len(list(lines.dashed_hops(shown, {}))) == wrong


def test_a_theme_may_dash_what_is_solid() -> None:
    shown = crossing("level", "")
    dotted = replace(shown.scene, wires=tuple(replace(w, role="previous_output") for w in shown.scene.wires[:1]))
    both = Picture(replace(dotted, wires=(*dotted.wires, shown.scene.wires[1])), shown.graph)
    assert not list(lines.dashed_hops(both, {}))
    assert len(list(lines.dashed_hops(both, DASHES))) == 1


# ── colours and dashes of values ──


@pytest.mark.parametrize("style", ["pipe", "cell-block"])
@pytest.mark.parametrize("cell", ["lstm", "gru", "slstm", "indrnn"])
def test_any_line_in_the_colour_of_another_value_is_seen(style: str, cell: str) -> None:
    shown = case(lstmgraph.load(cell).draw(style, notation="plain"))
    roles = list(dict.fromkeys(w.role for w in shown.scene.wires))
    assert shown.quality.miscoloured == ()
    for line in shown.scene.wires:
        for role in [r for r in roles if r != line.role]:
            spoilt = with_wire(shown.scene, line.id, role=role)
            found = list(meaning.miscoloured(Picture(spoilt, shown.graph)))
            assert f"{line.id} is drawn as {role}, not {line.role}" in found


def test_what_a_value_is_does_not_come_from_the_kinds_of_the_edges() -> None:
    """Layouts take the roles of wires from there: where extraction is wrong, the drawing is."""
    shown = case(lstmgraph.load("lstm").draw(notation="plain"))
    swapped: dict[str, ValueKind] = {"memory": "internal", "previous_memory": "memory"}
    wrong = replace(shown.graph, edges=tuple(replace(e, kind=swapped.get(e.kind, e.kind)) for e in shown.graph.edges))
    scene = replace(shown.scene, wires=tuple(replace(w, role=swapped.get(w.role, w.role)) for w in shown.scene.wires))
    spoilt = {w.id for w, old in zip(scene.wires, shown.scene.wires, strict=True) if w.role != old.role}
    assert spoilt
    assert {line.split(" is drawn")[0] for line in measure(scene, wrong).miscoloured} >= spoilt


def test_in_a_chain_the_value_of_one_step_is_the_previous_one_of_the_next() -> None:
    shown = case(lstmgraph.load("lstm").draw(unroll=3, notation="plain"))
    id = next(w.id for w in shown.scene.wires if w.id.startswith("2:c[t-1]>"))
    assert shown.quality.miscoloured == ()
    assert measure(with_wire(shown.scene, id, role="memory"), shown.graph).miscoloured


@pytest.mark.parametrize("cell", ["lstm", "peephole_lstm_full", "gru", "slstm"])
@pytest.mark.parametrize("backward", [False, True])
def test_any_line_that_is_dashed_or_solid_in_the_wrong_way_is_seen(cell: str, backward: bool) -> None:
    shown = case(lstmgraph.load(cell).draw("cell-block", notation="plain", backward=backward))
    assert shown.misdashed == ()
    assert {w.dashed for w in shown.scene.wires} == {True, False}
    for line in shown.scene.wires:
        spoilt = replace(shown, scene=with_wire(shown.scene, line.id, dashed=not line.dashed))
        assert spoilt.misdashed == (f"{line.id} is {'solid' if line.dashed else 'dashed'}",)


def test_a_cell_block_without_any_dash_is_wrong_and_a_pipe_is_not() -> None:
    shown = case(lstmgraph.load("lstm").draw("cell-block"))
    solid = replace(shown, scene=replace(shown.scene, wires=tuple(replace(w, dashed=False) for w in shown.scene.wires)))
    assert len(solid.misdashed) == sum(w.dashed for w in shown.scene.wires) > 0
    assert replace(solid, style="pipe").misdashed == ()


def test_a_trunk_of_old_and_new_values_is_solid() -> None:
    shown = case(lstmgraph.load("lstm").draw(notation="plain"))
    old = {w.id for w in shown.scene.wires if w.role in meaning.OLD}
    scene = replace(shown.scene, wires=tuple(replace(w, dashed=w.id in old) for w in shown.scene.wires))
    dashed = replace(scene, trunks=tuple(replace(t, dashed=True) for t in scene.trunks))
    assert replace(shown, scene=scene).misdashed == ()
    assert replace(shown, scene=dashed).misdashed == tuple(
        f"the trunk from {t.source} to {t.target} is dashed" for t in scene.trunks
    )


def test_the_line_on_from_a_sum_of_cotangents_has_the_colour_of_its_value() -> None:
    shown = case(lstmgraph.load("gru").draw("cell-block", notation="plain", backward=True))
    stubs = [t for t in shown.scene.trunks if t.source.startswith("sum-")]
    assert stubs
    spoilt = replace(shown.scene, trunks=tuple(replace(t, role="bias") for t in shown.scene.trunks))
    assert len(measure(spoilt, shown.graph).miscoloured) == len(shown.scene.trunks)


# ── arrowheads ──


@pytest.mark.parametrize("options", [{}, {"style": "cell-block"}, {"unroll": 2}, {"backward": True}])
def test_any_line_without_its_arrowhead_is_seen(options: dict[str, Any]) -> None:
    shown = case(lstmgraph.load("lstm").draw(notation="plain", **options))
    assert shown.quality.heads_astray == ()
    for line in shown.scene.wires:
        spoilt = Picture(with_wire(shown.scene, line.id, arrow=False), shown.graph)
        assert list(meaning.heads_astray(spoilt)) == [f"no arrowhead at the end of {line.id}"]


def test_in_a_backward_pass_no_lit_line_runs_forward_and_no_dimmed_one_back() -> None:
    shown = case(lstmgraph.load("slstm").draw(notation="plain", backward=True))
    for line in (w for w in shown.scene.wires if w.lit):
        spoilt = Picture(with_wire(shown.scene, line.id, lit=False), shown.graph)
        assert list(meaning.heads_astray(spoilt)) == [f"an arrowhead at the beginning of {line.id}"]


def test_where_lines_part_there_is_no_arrowhead() -> None:
    shown = case(lstmgraph.load("lstm").draw(notation="plain", backward=True))
    plain = [t for t in shown.scene.trunks if not t.arrow]
    assert plain
    spoilt = replace(shown.scene, trunks=tuple(replace(t, arrow=True) for t in shown.scene.trunks))
    assert len(measure(spoilt, shown.graph).heads_astray) == len(plain)


# ── legends ──


@pytest.mark.parametrize("theme", ["default", "shiyan", "olah", "print"])
@pytest.mark.parametrize("options", [{"style": "cell-block"}, {"style": "pipe"}, {"backward": True}, {"unroll": 2}])
def test_any_entry_or_note_that_is_left_out_is_seen(theme: str, options: dict[str, Any]) -> None:
    shown = case(lstmgraph.load("peephole_lstm").draw(notation="plain", theme=theme, **options))
    assert shown.legend_astray == ()
    for k, group in enumerate(shown.scene.legend):
        others = [*shown.scene.legend[:k], *shown.scene.legend[k + 1 :]]
        about_lines = group.title.startswith(("Dashed", "Dotted"))
        if group.entries or about_lines:
            assert replace(shown, scene=replace(shown.scene, legend=tuple(others))).legend_astray


def test_every_step_of_a_walk_is_explained() -> None:
    cell = lstmgraph.load("lstm")
    for style in ("pipe", "cell-block"):
        for step in range(1, 6):
            shown = case(cell.draw(style, step=step))
            assert (shown.legend_astray, shown.quality.heads_astray, shown.misdashed) == ((), (), ())


def test_a_legend_is_judged_where_there_is_one_or_should_be() -> None:
    without = case(lstmgraph.load("lstm").draw(legend=False))
    rule = next(r for r in RULES if r.name == "legend_astray")
    assert without.legend_astray is None
    assert score(rule, without).inside is None
    assert replace(without, asked=Asked(legend=True)).legend_astray == ("there is no legend",)
    empty = Scene("x", "", "", (9, 9), (), (), (), (), ())
    assert list(explained.legend_astray(empty, {})) == []


def test_quality_knows_whether_a_legend_was_asked_for() -> None:
    drawing = lstmgraph.load("lstm").draw()
    assert drawing.quality().ok
    bare = replace(drawing, scene=replace(drawing.scene, legend=()))
    assert [s.rule.name for s in bare.quality().broken] == ["legend_astray"]
    assert replace(bare, asked=Asked()).quality().ok


def test_what_a_theme_dashes_is_judged_only_where_the_theme_is_known() -> None:
    shown = case(lstmgraph.load("lstm").draw(theme="print"))
    assert shown.legend_astray == replace(shown, theme=None).legend_astray == ()
    assert replace(shown, theme=load_theme("default")).legend_astray
