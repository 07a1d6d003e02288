"""What a drawing was asked to show besides its graph is missed where it is not there; and what else a scene can lack.

Each drawing is inside the gates, is spoilt in one way, and breaks the rule that is for it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

import lstmgraph
from lstmgraph.api.drawing import Drawing
from lstmgraph.diagram.asked import Asked
from lstmgraph.diagram.boxes import node_box
from lstmgraph.diagram.quality import RULES, Case, score, shortfalls
from lstmgraph.diagram.quality.places import filled
from lstmgraph.diagram.scene import Box, Dot, Label, Point, Scene
from lstmgraph.diagram.themes import Palette, load_theme

PLAIN: dict[str, Any] = {"notation": "plain"}
BLOCK = {"style": "cell-block"}
GATES = {"style": "cell-block", "step": 2}
NO: Any = ()
Change = Callable[[Scene], Scene]


@cache
def _drawn(cell: str, options: tuple[tuple[str, Any], ...]) -> Drawing:
    return lstmgraph.load(cell).draw(**{**PLAIN, **dict(options)})


def case(options: dict[str, Any], cell: str = "lstm") -> Case:
    drawing = _drawn(cell, tuple(options.items()))
    assert drawing.graph is not None
    return Case(
        drawing.scene,
        drawing.graph,
        load_theme(drawing.theme),
        drawing.style,
        files=(drawing.svg,),
        asked=drawing.asked,
    )


def nodes(**what: object) -> Change:
    return lambda s: replace(s, nodes=tuple(replace(n, **what) for n in s.nodes))  # type: ignore[arg-type]


def node(id: str, **what: object) -> Change:
    return lambda s: replace(s, nodes=tuple(replace(n, **what) if n.id == id else n for n in s.nodes))  # type: ignore[arg-type]


def called(id: str, text: str) -> Change:
    def change(scene: Scene) -> Scene:
        (label,) = (n.label for n in scene.nodes if n.id == id)
        assert label is not None
        return node(id, label=replace(label, text=text))(scene)

    return change


def everything_lit(scene: Scene) -> Scene:
    lit: dict[str, Any] = {
        kind: tuple(replace(x, lit=True) for x in getattr(scene, kind)) for kind in ("nodes", "wires", "trunks")
    }
    return replace(scene, **lit, dots=tuple(replace(d, lit=True) for d in scene.dots))


def without(dropped: Callable[[Label], bool]) -> Change:
    return lambda s: replace(s, labels=tuple(x for x in s.labels if not dropped(x)))


def legend(changed: Callable[[Any], Any]) -> Change:
    return lambda s: replace(s, legend=tuple(changed(g) for g in s.legend))


def renamed_group(group: Any) -> Any:
    return replace(group, title="Outputs") if group.title == "Inputs" else group


def swapped_words(group: Any) -> Any:
    words = [e.words for e in group.entries][::-1]
    labels = [e.label for e in group.entries]
    pairs = zip(group.entries, words, labels, strict=True)
    return replace(group, entries=tuple(replace(e, words=w, label=replace(label, text=w)) for e, w, label in pairs))


def unwritten(group: Any) -> Any:
    return replace(group, entries=tuple(replace(e, label=None) for e in group.entries))


def regrouped(scene: Scene) -> Scene:
    """An entry in the group of others, without the heading of its own."""
    one, two, *rest = (g for g in scene.legend if g.entries)
    return replace(scene, legend=(replace(one, entries=(*one.entries, *two.entries)), *rest))


def across(scene: Scene) -> Scene:
    """What a gate is given, at the other side of the picture; its lines go there too."""
    width = scene.size[0]
    given = {n.id for n in scene.nodes if n.kind in ("input", "previous", "bias") and n.id.endswith("@i.1")}
    assert given
    moved = tuple(replace(n, at=Point(width - node_box(n).left, n.at.y)) if n.id in given else n for n in scene.nodes)
    at = {n.id: n.at for n in moved}
    wires = tuple(replace(w, points=(at[w.source], *w.points[1:])) if w.source in given else w for w in scene.wires)
    return replace(scene, nodes=moved, wires=wires)


def smaller(scene: Scene) -> Scene:
    return replace(scene, size=(2 * scene.size[0], scene.size[1]))


SPOILT: dict[str, tuple[dict[str, Any], str, Change]] = {
    "everything lit in a step": ({"step": 3}, "mislit", everything_lit),
    "everything lit in a step of a cell-block": (GATES, "mislit", everything_lit),
    "everything lit in a sheet": ({"sheet": True}, "mislit", everything_lit),
    "everything dimmed in a step": ({"step": 3}, "mislit", nodes(lit=False)),
    "an operation dimmed, and no step": ({}, "mislit", node("f", lit=False)),
    "names lit in a step": (
        {"step": 3},
        "mislit",
        lambda s: replace(s, labels=tuple(replace(x, role="text") for x in s.labels)),
    ),
    "no numbers": ({"order": True}, "misnumbered", without(lambda x: x.role == "stage")),
    "no equations": ({"equations": True}, "uncaptioned", without(lambda x: bool(x.caption[0]))),
    "one equation less": ({"equations": True}, "uncaptioned", without(lambda x: x.text.startswith("o_{t} ="))),
    "no equations of a step": ({"equations": True, "step": 2}, "uncaptioned", without(lambda x: bool(x.caption[0]))),
    "no equations of a sheet": ({"sheet": True}, "uncaptioned", without(lambda x: bool(x.caption[0]))),
    "no equations of a backward pass": ({"backward": True}, "uncaptioned", without(lambda x: bool(x.caption[0]))),
    "no names of cotangents on lines": ({"backward": True}, "misspelt", without(lambda x: bool(x.of))),
    "another cotangent's name": (
        {"backward": True},
        "misspelt",
        lambda s: replace(s, labels=tuple(replace(x, text="f_t") if x.of == "f" else x for x in s.labels)),
    ),
    "no cotangent in a node": ({"backward": True}, "mislabelled", called("x[t]", "x_t")),
    "nothing in a node": ({"backward": True}, "mislabelled", node("h[t-1]", label=None)),
    "no cotangent in a Cell": ({**BLOCK, "backward": True}, "mislabelled", called("cell:c", r"\text{Cell}")),
    "a Cell with another name": (BLOCK, "mislabelled", called("cell:c", r"\text{Gate}")),
    "a plus that is none": (
        {**BLOCK, "backward": True},
        "mislabelled",
        called("cell:c-sum-1", r"\times"),
    ),
    "inputs on the wrong side": (BLOCK, "upside_down", across),
    "no title": ({}, "untold", lambda s: replace(s, title="")),
    "no description": ({}, "untold", lambda s: replace(s, description="")),
    "a value that is not described": ({}, "untold", lambda s: replace(s, description="f[t] is open.")),
    "nodes without titles": ({}, "untold", nodes(title="")),
    "lines without titles": ({}, "untold", lambda s: replace(s, wires=tuple(replace(w, title="") for w in s.wires))),
    "trunks without titles": (
        {},
        "untold",
        lambda s: replace(s, trunks=tuple(replace(w, title="") for w in s.trunks)),
    ),
    "a page much too wide": ({}, "filled", smaller),
    "a wrong group": ({}, "legend_astray", legend(renamed_group)),
    "an entry in another group": ({}, "legend_astray", regrouped),
    "the words of others": ({}, "legend_astray", legend(swapped_words)),
    "no words": ({}, "legend_astray", legend(unwritten)),
    "a heading of another group": (
        {},
        "legend_astray",
        legend(lambda g: replace(g, heading=replace(g.heading, text="Memory"))),
    ),
    "a border outside": ({}, "outside", lambda s: replace(s, wires=(), frames=(Box(0, 0, s.size[0] + 1, 9),))),
    "a trunk outside": (
        {},
        "outside",
        lambda s: replace(s, wires=(), trunks=(replace(s.trunks[0], points=(Point(-9, 9), Point(9, 9))),)),
    ),
    "a dot outside": ({}, "outside", lambda s: replace(s, wires=(), dots=(Dot(Point(-1, 50), "input"),))),
    "a node outside": ({}, "outside", lambda s: replace(node("x[t]", at=Point(5, 50))(s), wires=())),
}


@pytest.mark.parametrize("way", SPOILT)
def test_what_was_asked_for_is_missed_where_it_is_not_there(way: str) -> None:
    options, name, spoil = SPOILT[way]
    good = case(options)
    rule = next(r for r in RULES if r.name == name)
    assert score(rule, good).inside is True
    bad = replace(good, scene=spoil(good.scene))
    assert score(rule, bad).inside is False
    assert any(line.startswith(f"{name}: ") for line in shortfalls(bad))


def test_a_drawing_knows_what_it_was_asked_for() -> None:
    cell = lstmgraph.load("lstm")
    plain = cell.draw(**PLAIN).asked
    assert plain == Asked(legend=True)
    assert cell.draw(order=True, legend=False).asked == Asked(order=True)
    equations = cell.draw(equations=True, **PLAIN).asked.equations
    assert equations == tuple(f"{name}_{{t}}" for name in "figcoh")
    assert len(cell.draw(walk="steps", step=1).asked.steps) == 1
    assert len(cell.draw(sheet=True).asked.steps) == len(next(iter(cell.all_walks.values())))


@pytest.mark.parametrize("what", ["dots", "labels", "trunks", "frames", "nodes", "wires"])
def test_frames_are_alike_in_all_that_has_a_place(what: str) -> None:
    whole = case({})
    less, none = (replace(whole.scene, **{what: kept}) for kept in (getattr(whole.scene, what)[1:], NO))
    assert replace(whole, frames=(whole.scene, whole.scene)).moved == ()
    assert replace(whole, frames=(whole.scene, less)).moved
    assert replace(whole, frames=(none, whole.scene)).moved


def test_a_caption_may_differ_from_frame_to_frame() -> None:
    frames = tuple(case({"step": k, "equations": True}).scene for k in (1, 2, 3))
    whole = replace(case({"step": 1, "equations": True}), frames=frames)
    assert (whole.moved, whole.repeated) == ((), ())


# ── what can be seen ──


def pale(shown: Case, **what: object) -> Case:
    """The case in a theme with other colours in its light palette."""
    assert shown.theme is not None
    palette: Palette = replace(shown.theme.light, **what)  # type: ignore[arg-type]
    return replace(shown, theme=replace(shown.theme, light=palette))


def bare(shown: Case, **kept: object) -> Case:
    """Nothing but a part of the scene."""
    scene = replace(shown.scene, nodes=(), wires=(), trunks=(), dots=(), labels=(), frames=(), legend=())
    return replace(shown, scene=replace(scene, **kept))  # type: ignore[arg-type]


def test_the_words_of_a_legend_are_held_to_the_contrast_of_text() -> None:
    shown = case({})
    only = bare(shown, legend=shown.scene.legend)
    assert only.text_contrast is not None
    assert only.text_contrast >= 4.5
    for where, colour in (("text", "#eeeeee"), ("background", "#222222")):
        assert (pale(only, **{where: colour}).text_contrast or 0) < 4.5
    grey = pale(only, dimmed=shown.theme.light.dimmed._replace(text="#dddddd"))  # type: ignore[union-attr]
    assert (grey.text_contrast or 0) < 4.5  # its headings


def test_text_in_the_border_is_held_to_the_contrast_with_its_ground() -> None:
    shown = case({})
    within = bare(shown, labels=shown.scene.labels, frames=shown.scene.frames)
    dark = shown.theme.light.container._replace(fill="#444444")  # type: ignore[union-attr]
    assert (within.text_contrast or 0) >= 4.5
    assert (pale(within, container=dark).text_contrast or 0) < 4.5


@pytest.mark.parametrize("part", ["wires", "trunks", "dots"])
def test_lines_trunks_and_dots_are_held_to_the_contrast_of_lines(part: str) -> None:
    shown = case({"step": 2})
    assert shown.theme is not None
    only = bare(shown, **{part: getattr(shown.scene, part)})
    assert (only.line_contrast or 0) >= 3
    for role in {x.role for x in getattr(shown.scene, part) if x.lit}:
        spoilt = pale(only, wires={**shown.theme.light.wires, role: "#eeeeee"})
        assert (spoilt.line_contrast or 0) < 3


def test_an_outline_in_the_legend_is_held_to_the_contrast_of_lines() -> None:
    shown = case({})
    assert shown.theme is not None
    only = bare(shown, legend=shown.scene.legend)
    sums = {**shown.theme.light.nodes, "sum": shown.theme.light.nodes["sum"]._replace(stroke="#eeeeee")}
    assert (only.line_contrast or 0) >= 3
    assert (pale(only, nodes=sums).line_contrast or 0) < 3


@pytest.mark.parametrize("theme", ["default", "olah", "shiyan", "print"])
def test_an_outline_in_the_colour_of_its_ground_is_no_outline(theme: str) -> None:
    shown = case({"theme": theme, "mode": "light"})
    assert shown.theme is not None
    assert shown.unpainted == ()
    paints = shown.theme.light.nodes
    ground = shown.theme.light.container.fill
    unseen = {role: paint._replace(stroke=ground) for role, paint in paints.items()}
    assert score(next(r for r in RULES if r.name == "line_contrast"), pale(shown, nodes=unseen)).inside is False
    stroke = next(n for n in shown.scene.nodes if n.kind == "operator").role
    for hidden in ("none", ground):
        file = shown.files[0].replace(f'stroke="{shown.theme.light.node(stroke).stroke}"', f'stroke="{hidden}"')
        assert replace(shown, files=(file,)).unpainted


def test_an_empty_page_has_no_share() -> None:
    assert filled(bare(case({})).picture) is None
