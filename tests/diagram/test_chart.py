"""Charts: every line can be told from the others without colour, every label is in the picture and hides nothing."""

from __future__ import annotations

import math
import re
from itertools import combinations
from xml.etree import ElementTree

import pytest

from lstmgraph.diagram import chart as module
from lstmgraph.diagram.chart import Chart, Line, look, write_chart
from lstmgraph.diagram.themes import load_theme, theme_names

SVG = "{http://www.w3.org/2000/svg}"


def line(slope: float, name: str, steps: int = 100, ends: float | None = None) -> Line:
    xs = [float(k) for k in range(steps + 1)]
    ys = [-math.inf if ends is not None and x > ends else slope * x for x in xs]
    return Line(xs, ys, [y - 0.5 for y in ys], [y + 0.5 for y in ys], name, r"\partial c_{t}", "vanishes")


def chart(*lines: Line) -> Chart:
    return Chart("A title", "below <it> & more", "steps back", "k", r"\lVert c \rVert_{2}", lines, "what it says")


FAN = chart(*(line(s, f"line {s}") for s in (-1.0, -0.5, -0.2, -0.1, -0.01, 0.0, 0.02, 0.1, 0.5)))


@pytest.mark.parametrize("theme", theme_names())
def test_it_is_a_picture_that_says_what_it_is(theme: str) -> None:
    root = ElementTree.fromstring(write_chart(FAN, load_theme(theme)))
    assert root.get("role") == "img"
    assert [e.text for e in root if e.tag in (f"{SVG}title", f"{SVG}desc")] == ["A title", "what it says"]
    assert not list(root.iter(f"{SVG}script"))
    words = {e.text for e in root.iter(f"{SVG}text")}
    assert {"below <it> & more", "steps back", "line -0.5", "1"} <= words


def test_dark_stands_in_a_media_query_where_the_mode_is_auto() -> None:
    theme = load_theme("default")
    auto, light, dark = (write_chart(FAN, theme, mode) for mode in ("auto", "light", "dark"))
    assert "prefers-color-scheme: dark" in auto
    assert "prefers-color-scheme" not in light + dark
    assert theme.dark.background in dark
    assert theme.dark.background not in light


def test_lines_are_told_apart_without_colour() -> None:
    looks = [look(k) for k in range(40)]
    assert len({(x.dash, x.marker) for x in looks}) == len(looks)


def drawn(what: Chart) -> tuple[module._Writer, list[module.Drawn], float]:
    writer = module._Writer(what, load_theme("default"), "auto", "x")
    lines = [writer.line(one, look(k), k) for k, one in enumerate(what.lines)]
    return writer, lines, writer.place_labels(lines)


@pytest.mark.parametrize(
    "what",
    [
        FAN,
        chart(*(line(-0.4, f"the same {k}") for k in range(14))),
        chart(line(0.0, "flat")),
        chart(line(-0.5, "zero", ends=20), line(-3.0, "at once"), line(0.3, "up")),
        chart(*(line(0.001 * k, f"near {k}") for k in range(9))),
    ],
    ids=["fan", "many", "one", "leaving", "near"],
)
def test_labels_are_in_the_picture_and_apart(what: Chart) -> None:
    writer, lines, room = drawn(what)
    width, height = module.LEFT + module.WIDE + module.RIGHT + room, writer.bottom + module.BOTTOM
    boxes = []
    for one in lines:
        left, right = min(t.x for t in one.texts), max(t.x + t.set.width for t in one.texts)
        top, bottom = min(t.y for t in one.texts), max(t.y + t.set.height for t in one.texts)
        assert 0 <= left < right <= width
        assert 30 <= top < bottom <= height
        boxes.append((left, top, right - left, bottom - top))
    assert not [pair for pair in combinations(boxes, 2) if module._overlap(*pair)]


def test_a_label_inside_hides_no_line() -> None:
    writer, lines, _ = drawn(chart(line(-0.5, "left"), line(0.0, "flat")))
    (box,) = [one.backing for one in lines if one.backing]
    points = [p for one in writer.chart.lines for p in writer.points(one)]
    assert not [p for p in points if box[0] < p[0] < box[0] + box[2] and box[1] < p[1] < box[1] + box[3]]


def test_the_axis_shows_one_and_no_more_than_is_left_of_a_float() -> None:
    for slopes in ((-9.0,), (9.0,), (-0.001,), (0.5, -0.5)):
        writer, _, _ = drawn(chart(*(line(s, str(s)) for s in slopes)))
        low, high = writer.decades
        assert module.DEEPEST <= low < 0 or low == 0 < high
        assert low <= 0 <= high <= module.HIGHEST
        assert 0 in writer.y_ticks()
        assert 2 <= len(writer.y_ticks()) <= 9
        assert 3 <= len(writer.x_ticks()) <= 8


def test_coordinates_are_finite() -> None:
    text = write_chart(chart(line(-0.5, "zero", ends=3), line(-50.0, "at once", ends=0)), load_theme("default"))
    assert not re.search(r"\b(nan|inf)\b", text)
