"""Themes are complete, and the default one can be read: contrast by WCAG, lines under three colour-blindnesses."""

from __future__ import annotations

import itertools
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from lstmgraph.diagram import themes
from lstmgraph.diagram.quality.colour import MODES, VISIONS, ciede2000, contrast, difference, lab, linear
from lstmgraph.diagram.themes import NODE_ROLES, WIRE_ROLES, Mode, Palette, load_theme, theme_names
from lstmgraph.errors import UnknownName

TEXT, LINE, APART = 4.5, 3.0, 10.0
ACCESSIBLE = ("default", "print")


def palette(theme: str, mode: Mode) -> Palette:
    return load_theme(theme).palette(mode)


def test_the_measures_are_right() -> None:
    assert contrast("#FFFFFF", "#000000") == pytest.approx(21)
    assert contrast("#767676", "#FFFFFF") == pytest.approx(4.54, abs=0.01)
    # Sharma, Wu and Dalal 2005, pairs 1, 7 and 17 of their test data
    assert ciede2000((50, 2.6772, -79.7751), (50, 0, -82.7485)) == pytest.approx(2.0425, abs=1e-4)
    assert ciede2000((50, 0, 0), (50, -1, 2)) == pytest.approx(2.3669, abs=1e-4)
    assert ciede2000((50, 2.5, 0), (73, 25, -18)) == pytest.approx(27.1492, abs=1e-4)
    # Red and green are far apart, and hardly for one who has no cones for green.
    assert difference("#B40000", "#507800") < 15 < ciede2000(lab("#B40000"), lab("#507800"))


@pytest.mark.parametrize("name", theme_names())
def test_every_theme_has_a_colour_for_every_role(name: str) -> None:
    theme = load_theme(name)
    for mode in MODES:
        colours = theme.palette(mode)
        painted = [c for paint in colours.nodes.values() for c in (paint.fill, paint.stroke, paint.text)]
        assert set(colours.nodes) >= set(NODE_ROLES)
        assert set(colours.wires) == set(WIRE_ROLES)
        for colour in [colours.background, colours.text, *colours.wires.values(), *painted]:
            assert len(linear(colour)) == 3
            assert colour == "#" + colour[1:].upper()
    assert set(theme.dashes) <= set(WIRE_ROLES)


@pytest.mark.parametrize("name", theme_names())
@pytest.mark.parametrize("mode", MODES)
def test_what_is_written_can_be_read_in_every_theme(name: str, mode: Mode) -> None:
    """The themes of others keep their pale lines, but their words must be there for everyone."""
    colours = palette(name, mode)
    assert contrast(colours.text, colours.background) >= TEXT
    assert contrast(colours.text, colours.container.fill) >= TEXT


@pytest.mark.parametrize("name", ACCESSIBLE)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("role", NODE_ROLES)
def test_nodes_stand_out(name: str, mode: Mode, role: str) -> None:
    colours = palette(name, mode)
    paint = colours.node(role)
    assert contrast(paint.text, paint.fill) >= TEXT
    for ground in (colours.background, colours.container.fill):
        assert contrast(paint.stroke, ground) >= LINE


@pytest.mark.parametrize("name", ACCESSIBLE)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("role", WIRE_ROLES)
def test_wires_stand_out(name: str, mode: Mode, role: str) -> None:
    colours = palette(name, mode)
    for ground in (colours.background, colours.container.fill):
        assert contrast(colours.wire(role), ground) >= LINE


@pytest.mark.parametrize("name", ACCESSIBLE)
@pytest.mark.parametrize("mode", MODES)
def test_what_is_dimmed_is_still_legible(name: str, mode: Mode) -> None:
    colours = palette(name, mode)
    grey = colours.dimmed
    for ground in (colours.background, colours.container.fill, grey.fill):
        assert contrast(grey.text, ground) >= TEXT
        assert contrast(grey.stroke, ground) >= LINE
    assert contrast(colours.container.stroke, colours.background) >= LINE
    assert colours.node("sum", lit=False) == grey
    assert colours.wire("memory", lit=False) == grey.stroke


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("vision", VISIONS)
def test_lines_of_different_meaning_are_told_apart(mode: Mode, vision: str) -> None:
    colours = palette("default", mode)
    lines = {role: colour for role, colour in colours.wires.items() if role != "trunk"}
    lines["dimmed"] = colours.dimmed.stroke
    for (one, a), (other, b) in itertools.combinations(lines.items(), 2):
        assert ciede2000(lab(a, vision), lab(b, vision)) >= APART, f"{one} and {other}"


def test_print_needs_no_colour() -> None:
    theme = load_theme("print")
    for colour in [*theme.light.wires.values(), *(p.fill for p in theme.light.nodes.values())]:
        assert colour[1:3] == colour[3:5] == colour[5:7]
    assert theme.light == theme.dark
    assert theme.dashes["previous_memory"] != theme.dashes["previous_output"]


@pytest.mark.parametrize("name", theme_names())
def test_every_pattern_of_dashes_has_a_name_of_its_own(name: str) -> None:
    """The legend explains it by that name."""
    theme = load_theme(name)
    assert len(set(theme.patterns.values())) == len(set(theme.dashes.values()))


def test_a_role_that_a_theme_does_not_know_has_a_colour() -> None:
    colours = palette("default", "light")
    assert colours.node("never heard of") == colours.nodes["function"]
    assert colours.wire("never heard of") == colours.wires["internal"]


def test_an_unknown_theme_is_named_with_a_way_out() -> None:
    with pytest.raises(UnknownName, match="did you mean 'default'"):
        load_theme("defualt")


def test_a_theme_may_be_like_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a file does not say is as in the other one, down to the single colour."""
    for name in ("default", "olah"):
        shutil.copy(themes.FOLDER / f"{name}.toml", tmp_path)
    (tmp_path / "test.toml").write_text(
        'like = "olah"\ntitle = "T"\n[look]\nforks = "dot"\n[light.nodes.sum]\nfill = "#FFFFFF"\n', encoding="utf-8"
    )
    monkeypatch.setattr(themes, "FOLDER", tmp_path)
    assert theme_names() == ("default", "olah", "test")
    other, own = load_theme("olah"), load_theme.__wrapped__("test")
    assert (own.title, own.look) == ("T", replace(other.look, forks="dot"))
    assert own.dark == other.dark
    assert own.light.nodes["sum"] == other.light.nodes["sum"]._replace(fill="#FFFFFF")
    assert {**own.light.nodes, "sum": None} == {**other.light.nodes, "sum": None}
    (tmp_path / "test.toml").write_text('like = "ohla"\n', encoding="utf-8")
    with pytest.raises(UnknownName, match="did you mean 'olah'"):
        load_theme.__wrapped__("test")
