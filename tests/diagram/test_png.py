"""PNG: the picture of our SVG, two pixels to the point, in a palette of its own."""

from __future__ import annotations

import io
import sys
from dataclasses import replace

import pytest

from lstmgraph.diagram.themes import load_theme
from lstmgraph.diagram.writers.png import write_png
from lstmgraph.errors import MissingExtra
from tests.diagram.demo import lstm as scene

Image = pytest.importorskip("PIL.Image")
pytest.importorskip("resvg_py")

THEME = load_theme("default")


def background(png: bytes) -> str:
    red, green, blue = Image.open(io.BytesIO(png)).convert("RGB").getpixel((1, 1))
    return f"#{red:02X}{green:02X}{blue:02X}"


def test_two_pixels_to_the_point() -> None:
    width, height = scene().size
    png = write_png(scene(), THEME)
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    assert Image.open(io.BytesIO(png)).size == (round(2 * width), round(2 * height))


def test_auto_is_light_and_dark_is_dark() -> None:
    assert write_png(scene(), THEME) == write_png(scene(), THEME, "light")
    assert background(write_png(scene(), THEME)) == THEME.light.background
    assert background(write_png(scene(), THEME, "dark")) == THEME.dark.background


def test_the_colours_are_those_of_the_theme() -> None:
    """The middle of a straight piece of the memory's wire has its colour exactly."""
    wire = next(w for w in scene().wires if w.role == "memory" and w.points[0].y == w.points[1].y)
    at = (wire.points[0].x + wire.points[1].x) / 2, wire.points[0].y
    pixel = Image.open(io.BytesIO(write_png(scene(), THEME))).convert("RGB").getpixel(tuple(round(2 * c) for c in at))
    assert "#{:02X}{:02X}{:02X}".format(*pixel) == THEME.light.wire("memory")


def test_a_label_without_an_outline_does_not_stop_it() -> None:
    drawn = scene()
    label = replace(drawn.labels[0], text="\x00\ue000", math=True)
    assert write_png(replace(drawn, labels=(label,)), THEME).startswith(b"\x89PNG")


def test_without_the_package_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    with pytest.raises(MissingExtra, match="resvg-py") as caught:
        write_png(scene(), THEME)
    assert "lstmgraph[images]" in caught.value.hint
