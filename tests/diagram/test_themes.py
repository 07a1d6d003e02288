"""Themes are complete, and the default one can be read: contrast by WCAG, lines under three colour-blindnesses."""

from __future__ import annotations

import itertools
from math import atan2, cos, degrees, exp, hypot, radians, sin, sqrt

import pytest

from lstmgraph.diagram.themes import NODE_ROLES, WIRE_ROLES, Mode, Palette, load_theme, theme_names
from lstmgraph.errors import UnknownName

TEXT, LINE, APART = 4.5, 3.0, 10.0
ACCESSIBLE = ("default", "print")
MODES: tuple[Mode, ...] = ("light", "dark")

# Machado, Oliveira and Fernandes 2009, severity 1, on linear RGB.
VISIONS = {
    "normal": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deuteranopia": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "tritanopia": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}
TO_XYZ = ((0.4124564, 0.3575761, 0.1804375), (0.2126729, 0.7151522, 0.0721750), (0.0193339, 0.1191920, 0.9503041))
WHITE = (0.95047, 1.0, 1.08883)


def linear(colour: str) -> list[float]:
    values = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    return [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in values]


def contrast(a: str, b: str) -> float:
    low, high = sorted(sum(w * v for w, v in zip(TO_XYZ[1], linear(c), strict=True)) for c in (a, b))
    return (high + 0.05) / (low + 0.05)


def lab(colour: str, vision: str) -> tuple[float, float, float]:
    seen = [sum(m * v for m, v in zip(row, linear(colour), strict=True)) for row in VISIONS[vision]]
    seen = [min(1.0, max(0.0, v)) for v in seen]
    xyz = [sum(m * v for m, v in zip(row, seen, strict=True)) / w for row, w in zip(TO_XYZ, WHITE, strict=True)]
    x, y, z = (t ** (1 / 3) if t > 216 / 24389 else (24389 / 27 * t + 16) / 116 for t in xyz)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def delta(p: tuple[float, float, float], q: tuple[float, float, float]) -> float:
    """CIEDE2000."""
    chroma = (hypot(*p[1:]) + hypot(*q[1:])) / 2
    g = 0.5 * (1 - sqrt(chroma**7 / (chroma**7 + 25**7)))
    (l1, a1, b1), (l2, a2, b2) = ((c[0], (1 + g) * c[1], c[2]) for c in (p, q))
    c1, c2 = hypot(a1, b1), hypot(a2, b2)
    h1, h2 = degrees(atan2(b1, a1)) % 360, degrees(atan2(b2, a2)) % 360
    grey = c1 * c2 < 1e-12
    dh = 0.0 if grey else (h2 - h1 + 180) % 360 - 180
    mean_h = h1 + h2 if grey else (h1 + dh / 2) % 360
    light, c = (l1 + l2) / 2, (c1 + c2) / 2
    t = 1 - 0.17 * cos(radians(mean_h - 30)) + 0.24 * cos(radians(2 * mean_h))
    t += 0.32 * cos(radians(3 * mean_h + 6)) - 0.2 * cos(radians(4 * mean_h - 63))
    sl, sc, sh = 1 + 0.015 * (light - 50) ** 2 / sqrt(20 + (light - 50) ** 2), 1 + 0.045 * c, 1 + 0.015 * c * t
    twist = -2 * sqrt(c**7 / (c**7 + 25**7)) * sin(radians(60 * exp(-(((mean_h - 275) / 25) ** 2))))
    parts = (l2 - l1) / sl, (c2 - c1) / sc, 2 * sqrt(c1 * c2) * sin(radians(dh / 2)) / sh
    return sqrt(sum(part**2 for part in parts) + twist * parts[1] * parts[2])


def palette(theme: str, mode: Mode) -> Palette:
    return load_theme(theme).palette(mode)


def test_the_measures_are_right() -> None:
    assert contrast("#FFFFFF", "#000000") == pytest.approx(21)
    assert contrast("#767676", "#FFFFFF") == pytest.approx(4.54, abs=0.01)
    # Sharma, Wu and Dalal 2005, pairs 1, 7 and 17 of their test data
    assert delta((50, 2.6772, -79.7751), (50, 0, -82.7485)) == pytest.approx(2.0425, abs=1e-4)
    assert delta((50, 0, 0), (50, -1, 2)) == pytest.approx(2.3669, abs=1e-4)
    assert delta((50, 2.5, 0), (73, 25, -18)) == pytest.approx(27.1492, abs=1e-4)


@pytest.mark.parametrize("name", theme_names())
def test_every_theme_has_a_colour_for_every_role(name: str) -> None:
    theme = load_theme(name)
    for mode in MODES:
        colours = theme.palette(mode)
        painted = [c for paint in colours.nodes.values() for c in (paint.fill, paint.stroke, paint.text)]
        assert set(colours.nodes) == set(NODE_ROLES)
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
        assert delta(lab(a, vision), lab(b, vision)) >= APART, f"{one} and {other}"


def test_print_needs_no_colour() -> None:
    theme = load_theme("print")
    for colour in [*theme.light.wires.values(), *(p.fill for p in theme.light.nodes.values())]:
        assert colour[1:3] == colour[3:5] == colour[5:7]
    assert theme.light == theme.dark
    assert theme.dashes["previous_memory"] != theme.dashes["previous_output"]


def test_a_role_that_a_theme_does_not_know_has_a_colour() -> None:
    colours = palette("default", "light")
    assert colours.node("never heard of") == colours.nodes["function"]
    assert colours.wire("never heard of") == colours.wires["internal"]


def test_an_unknown_theme_is_named_with_a_way_out() -> None:
    with pytest.raises(UnknownName, match="did you mean 'default'"):
        load_theme("defualt")
