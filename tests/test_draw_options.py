"""The options of a drawing: what they make together, and what is refused with a way out."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import lstmgraph
from lstmgraph.api.animation import EXCLUDES as LACKED
from lstmgraph.api.choices import EXCLUDES, OPTIONS, STYLES, Option
from lstmgraph.cli.draw import command
from lstmgraph.diagram.quality import faults
from lstmgraph.diagram.scene import Scene
from lstmgraph.errors import UnknownName, UsageError, WrongType

PAGE = (Path(__file__).parents[1] / "docs" / "command-line.md").read_text(encoding="utf-8")

# A value for every option that the table names.
SOME: dict[str, Any] = {
    "against": "gru",
    "walk": "gamma",
    "step": 2,
    "sheet": True,
    "backward": True,
    "order": True,
    "unroll": 3,
}


def lstm() -> lstmgraph.Cell:
    return lstmgraph.load("lstm")


def texts(scene: Scene) -> set[str]:
    return {label.text for label in scene.labels}


def lit(scene: Scene) -> list[bool]:
    """Whether each part is lit."""
    found = [n.lit for n in scene.nodes] + [w.lit for w in (*scene.wires, *scene.trunks)]
    return found + [d.lit for d in scene.dots]


@pytest.mark.parametrize(("one", "other", "way_out"), EXCLUDES)
def test_what_does_not_go_together_is_said_with_a_way_out(one: str, other: str, way_out: str) -> None:
    with pytest.raises(UsageError, match=f"{one} and {other} do not go together") as caught:
        lstm().draw(**{name: SOME[name] for name in (one, other)})
    assert caught.value.hint == way_out


def test_names_that_do_not_exist() -> None:
    with pytest.raises(UnknownName, match="gruu"):
        lstm().draw(against="gruu")
    with pytest.raises(UnknownName, match="gama"):
        lstm().draw(walk="gama", sheet=True)
    with pytest.raises(UnknownName, match="gama"):
        lstm().animate("gama")


# ── the table of options ──


def test_every_option_is_a_keyword_of_draw_with_the_default_of_its_row() -> None:
    signature = inspect.signature(lstmgraph.Cell.draw)
    keywords = {p.name: p.default for p in signature.parameters.values() if p.name != "self"}
    assert keywords == {row.name: row.default for row in OPTIONS}


def test_every_option_is_one_of_the_command_and_in_its_documentation() -> None:
    given = {p.name: p for p in command.params}
    synopsis = next(line for line in PAGE.splitlines() if line.startswith("| `lstmgraph draw CELL"))
    for row in OPTIONS:
        assert given[row.name].default == row.default
        assert str(given[row.name].help).startswith(row.words.partition("  [")[0].rstrip("."))
        assert row.see in str(given[row.name].help)
        assert f"--{'no-' if row.default is True else ''}{row.name}" in synopsis


def test_the_tables_name_options_that_exist() -> None:
    names = {row.name for row in OPTIONS}
    assert {option for style in STYLES.values() for option in style.lacks} <= names
    assert {option for one, other, _ in EXCLUDES for option in (one, other)} <= names


# What no option takes, what none takes but those of text, whole numbers, and yes or no.
WRONG: dict[str, list[Any]] = {
    "text": [3, 2.5, True, b"pipe", ["pipe", 3], {"f": "1"}, {1: 1.0}, {"f": True}, object()],
    "whole number": ["1", "a", 2.5, True, [1]],
    "yes or no": ["yes", 1, 0, None, []],
}


def kind_of(row: Option) -> str:
    return "yes or no" if isinstance(row.default, bool) else "whole number" if row.takes is int else "text"


@pytest.mark.parametrize("row", OPTIONS, ids=lambda row: row.name)
def test_a_value_of_a_wrong_type_is_one_clear_error(row: Option) -> None:
    for wrong in [*WRONG[kind_of(row)], *([None] if row.default is not None else [])]:
        with pytest.raises(WrongType, match=f"the option {row.name} takes .*, not ") as caught:
            lstm().draw(**{row.name: wrong})
        assert all(kind in str(caught.value) for kind in row.taken)
        assert caught.value.given is wrong
        assert caught.value.hint in row.words
        if row.name not in LACKED:
            options: dict[str, Any] = {row.name: wrong}
            with pytest.raises(WrongType, match=f"the option {row.name} takes "):
                lstm().animate(**options)


def test_what_an_option_takes_is_said() -> None:
    def said(**given: Any) -> str:
        with pytest.raises(WrongType) as caught:
            lstm().draw(**given)
        return str(caught.value).splitlines()[0]

    assert said(theme=3) == "the option theme takes text, not 3"
    assert said(walk=3) == "the option walk takes text or None, not 3"
    assert said(mode=3) == "the option mode takes auto, light or dark, not 3"
    assert said(legend="no") == "the option legend takes True or False, not 'no'"
    assert said(unroll=2.5) == "the option unroll takes a whole number from 1 to 1000 or None, not 2.5"
    assert said(against=3) == "the option against takes text, a Cell or None, not 3"


def test_whole_numbers_and_lists_of_other_libraries_will_do() -> None:
    import numpy as np

    step: Any = np.int64(2)
    assert lstm().draw(step=step).svg == lstm().draw(step=2).svg
    opened = {"f": np.float64(1), "i": 0}
    assert lstm().draw("plumbing", open=opened).scene == lstm().draw("plumbing", open={"f": 1, "i": 0}).scene
    assert lstm().draw(show=("shapes", "bias")).svg == lstm().draw(show=["shapes", "bias"]).svg


def test_other_methods_say_it_too() -> None:
    cell = lstm()
    views: list[Callable[[Any], object]] = [
        cell.show, cell.code, cell.lambdify, cell.animate, cell.gradient().text, cell.draw().data,
        lambda wrong: cell.gradient(notation=wrong), lambda wrong: cell.gradient([wrong]),
        lambda wrong: cell.latex_of(cell.equations[0], wrong),
    ]  # fmt: skip
    for view in views:
        for wrong in (3, ["plain"]):
            with pytest.raises(WrongType, match=r"(?m)text.*, not (3|\['plain'\])$"):
                view(wrong)
    with pytest.raises(WrongType, match="wrt takes a name, a list of names or None, not 3"):
        cell.gradient(3)  # type: ignore[arg-type]
    with pytest.raises(UnknownName, match="no option 'themes'") as caught:
        cell.animate(themes="olah")
    assert caught.value.hint == "did you mean 'theme'?"


@pytest.mark.parametrize("given", ["", " ", ",bias", "bias,", ["bias", ""]])
def test_an_empty_part_is_not_none(given: Any) -> None:
    with pytest.raises(UsageError, match=r"the option show (is empty|has an empty part)") as caught:
        lstm().draw(show=given)
    assert "none stands for nothing; parts: values, " in caught.value.hint
    assert lstm().draw(show=[]).scene == lstm().draw(show="none").scene


# ── differences ──


@pytest.mark.parametrize("style", ["pipe", "cell-block"])
def test_the_larger_cell_is_drawn_once(style: str) -> None:
    drawings = [
        lstm().draw(style, against="peephole_lstm"),
        lstmgraph.load("peephole_lstm").draw(style, against=lstm()),
    ]
    for drawing in drawings:
        assert {w.id for w in drawing.scene.wires if w.lit} == {"c[t-1]>f.1.2", "c[t-1]>i.1.2", "c>o.1.2"}
        assert len(drawing.scene.frames) == 1
        assert "Only in peephole_lstm:" in texts(drawing.scene)
        assert "Nothing is only in lstm." in texts(drawing.scene)
        assert r"p_{f} \odot c_{t-1}" in texts(drawing.scene)
        assert "Only in peephole_lstm: p_f" in drawing.scene.description


def test_two_cells_that_differ_have_two_panels_with_headings() -> None:
    scene = lstm().draw(against="gru").scene
    assert len(scene.frames) == 2
    assert {"LSTM", "GRU, reset before the product", "Only in lstm: the state", "Only in gru:"} <= texts(scene)
    assert len({n.id for n in scene.nodes}) == len(scene.nodes)


def test_a_cell_against_itself_says_so() -> None:
    scene = lstm().draw(against="lstm").scene
    assert not any(lit(scene))
    assert any("the same cell" in text for text in texts(scene))


@pytest.mark.parametrize("style", ["pipe", "cell-block"])
@pytest.mark.parametrize("name", [n for n in lstmgraph.library() if n != "lstm"])
def test_every_cell_beside_the_lstm(name: str, style: str) -> None:
    scene = lstm().draw(style, against=name).scene
    assert any(lit(scene))
    width, height = scene.size
    assert all(0 < label.at.x < width and 0 < label.at.y < height for label in scene.labels)


# ── steps with their equations ──


@pytest.mark.parametrize("style", ["pipe", "cell-block"])
def test_seven_steps_in_gamma_notation(style: str) -> None:
    drawings = [lstm().draw(style, "gamma", k, notation="gamma", equations=True) for k in range(1, 8)]
    starts = [r"\Gamma_{f}", r"\tilde{c}", r"\Gamma_{u}", "c^", r"\tanh(c^", r"\Gamma_{o}", "a^"]
    equations = [next(x.text for x in d.scene.labels if x.math and not x.of) for d in drawings]
    assert [e.startswith(s) for e, s in zip(equations, starts, strict=True)] == [True] * 7, equations
    # Nothing moves from one to the next, and all are of one size.
    assert len({d.scene.size for d in drawings}) == 1
    assert len({tuple((n.id, n.at) for n in d.scene.nodes) for d in drawings}) == 1
    for drawing in drawings:
        assert drawing.graph is not None
        assert [f for f in faults(drawing.scene, drawing.graph) if "label" in f] == []


def test_the_equation_stands_right_of_a_low_picture() -> None:
    bare, step = lstm().draw(legend=False).scene, lstm().draw(step=1, equations=True, legend=False).scene
    equation = next(x for x in step.labels if "=" in x.text)
    assert equation.at.x > bare.size[0]
    assert step.size[1] == bare.size[1]


# ── a sheet, an animation ──


@pytest.mark.parametrize("style", ["pipe", "cell-block"])
def test_a_sheet_shows_every_step_once_and_one_legend(style: str) -> None:
    cell = lstm()
    drawing = cell.draw(style, "gamma", sheet=True)
    steps = cell.all_walks["gamma"]
    assert {f"{k}. {s.title}" for k, s in enumerate(steps, 1)} <= texts(drawing.scene)
    assert len(drawing.scene.frames) == len(steps)
    assert len({g.title for g in drawing.scene.legend}) == len(drawing.scene.legend)
    assert drawing.graph is not None
    assert faults(drawing.scene, drawing.graph) == []
    one = cell.draw(style, "gamma", 2).scene
    assert {w.id for w in drawing.scene.wires if w.lit and w.id.startswith("2:")} == {
        f"2:{w.id}" for w in one.wires if w.lit
    }


def test_the_first_walk_is_taken() -> None:
    assert texts(lstm().draw(sheet=True).scene) == texts(lstm().draw(walk="gamma", sheet=True).scene)


def test_a_theme_has_a_walk_of_its_own() -> None:
    olah = lstm().draw(theme="olah", step=1, equations=True).scene
    assert texts(olah) == texts(lstm().draw(theme="olah", walk="steps", step=1, equations=True).scene)
    assert texts(olah) != texts(lstm().draw(theme="olah", walk="gamma", step=1, equations=True).scene)
    assert lstm().animate(theme="olah").title.endswith("the walk steps")


def test_an_animation_has_every_step(tmp_path: Path) -> None:
    animation = lstm().animate("gamma", notation="gamma", equations=True)
    assert len(animation.frames) == 7
    assert animation.captions[0] == "1. Forget gate"
    assert animation.save(tmp_path / "walk.svg").read_text(encoding="utf-8") == animation.svg
    assert all(caption in animation.svg for caption in animation.captions)
    with pytest.raises(UsageError, match=r"an animation is an \.svg file"):
        animation.save(tmp_path / "walk.png")


@pytest.mark.parametrize("option", ["step", "sheet"])
def test_an_animation_is_all_of_a_walk(option: str) -> None:
    with pytest.raises(UsageError, match=f"animate and {option}"):
        lstm().animate("gamma", **{option: SOME[option]})


# ── the command ──


@pytest.mark.parametrize(
    "options",
    [
        ["--against", "peephole_lstm"],
        ["--backward"],
        ["--backward", "--equations", "--style", "cell-block"],
        ["--walk", "gamma", "--sheet"],
        ["--walk", "gamma", "--animate"],
    ],
    ids=" ".join,
)
def test_the_command_writes_a_file(options: list[str], tmp_path: Path) -> None:
    file = tmp_path / "a.svg"
    result = CliRunner().invoke(command, ["lstm", *options, "-o", str(file)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert file.read_text(encoding="utf-8").startswith("<svg")


def test_drawings_of_a_cell_in_one_page_share_no_id() -> None:
    """However they differ, and whatever is the same in them: ids and the classes of the dark palette are their own."""
    ways: list[dict[str, Any]] = [
        {}, {"theme": "shiyan"}, {"mode": "dark"}, {"legend": False}, {"order": True}, {"show": "all"},
        {"show": "none"}, {"detail": "full"}, {"equations": True}, {"unroll": 3}, {"step": 2}, {"walk": "steps"},
        {"walk": "steps", "step": 2}, {"sheet": True}, {"backward": True}, {"against": "gru"}, {"notation": "gamma"},
        {"style": "cell-block"}, {"style": "plumbing", "open": "f=1"}, {"style": "plumbing", "open": "f=0"},
    ]  # fmt: skip
    found = [set(re.findall(r' id="([^"]+)"', lstm().draw(**way).svg)) for way in ways]
    for k, one in enumerate(found):
        assert one
        for other in found[k + 1 :]:
            assert not one & other


def test_a_chain_with_shapes_writes_each_once() -> None:
    drawing = lstm().draw(unroll=3, show="values,shapes,weights,bias")
    assert drawing.graph is not None
    assert faults(drawing.scene, drawing.graph) == []


def test_the_command_says_that_an_animation_is_an_svg() -> None:
    result = CliRunner().invoke(command, ["lstm", "--animate", "-o", "a.png"])
    assert isinstance(result.exception, UsageError)
    assert "an animation is an .svg file, not .png" in str(result.exception)
    assert "name it a.svg, or draw one step of the walk in that format" in result.exception.hint


@pytest.mark.parametrize(("option", "numbers"), [("unroll", "from 1 to 1000"), ("step", "from 1 on")])
@pytest.mark.parametrize("wrong", ["abc", "2.5", ""])
def test_the_command_says_which_whole_numbers_there_are(option: str, numbers: str, wrong: str) -> None:
    result = CliRunner().invoke(command, ["lstm", f"--{option}", wrong])
    assert result.exit_code == 2
    assert f"'--{option}': {wrong!r} is not a whole number {numbers}" in result.output


def test_a_walk_with_the_name_of_a_notation_is_told_in_it() -> None:
    assert any(r"\Gamma" in text for text in texts(lstm().draw(walk="gamma", step=1, equations=True).scene))
    plain = lstm().draw(walk="gamma", step=1, equations=True, notation="plain").scene
    assert not any(r"\Gamma" in text for text in texts(plain))


def test_a_step_that_computes_nothing_is_captioned_with_what_it_shows() -> None:
    cell = lstmgraph.load("peephole_lstm")
    shown = r"c_{t-1},\; f_{t} \odot c_{t-1},\; c_{t}"
    assert shown in texts(cell.draw(walk="shi_yan", step=1, equations=True).scene)
    assert shown in texts(cell.draw(walk="shi_yan", sheet=True).scene)
    assert shown not in texts(cell.draw(walk="shi_yan", step=2, equations=True).scene)


def test_titles_of_steps_begin_with_a_capital() -> None:
    assert lstmgraph.load("lstm").draw(walk="steps", step=1).scene.title == "LSTM, step 1: Forget gate"
    assert "1. Forget gate" in texts(lstmgraph.load("lstm").draw(walk="steps", sheet=True).scene)
    bare = lstmgraph.Cell.from_equations("h[t] = tanh(W @ x[t])", sizes={"x": "X", "h": "H"})
    assert bare.draw(walk="steps", step=1).scene.title.endswith("step 1: h")


@pytest.mark.parametrize("show", ["shapes", "all"])
@pytest.mark.parametrize("name", ["lstm", "gru", "peephole_lstm_full", "slstm"])
def test_every_product_of_a_cell_block_has_room_for_its_shape(name: str, show: str) -> None:
    report = lstmgraph.load(name).draw("cell-block", detail="full", show=show).quality()
    assert report.ok, report.text()
