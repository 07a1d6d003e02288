"""Whether a picture can be seen: contrast by WCAG 2, and lines told apart by people who see colours differently.

Contrasts are ratios, from 1 to 21.  Differences are CIEDE2000, the smallest over normal sight and the three simulated
colour-blindnesses of Machado, Oliveira and Fernandes (2009) at full severity.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import combinations
from math import atan2, cos, degrees, exp, hypot, inf, radians, sin, sqrt

from lstmgraph.diagram.scene import Label, Scene, Wire
from lstmgraph.diagram.themes import Mode, Palette, Theme

Lab = tuple[float, float, float]

MODES: tuple[Mode, ...] = ("light", "dark")
NAMED = ("input", "previous", "bias", "constant")  # kinds of nodes that say what the lines are that leave them
VISIONS = {
    "normal": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deuteranopia": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "tritanopia": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}
TO_XYZ = ((0.4124564, 0.3575761, 0.1804375), (0.2126729, 0.7151522, 0.0721750), (0.0193339, 0.1191920, 0.9503041))
WHITE = (0.95047, 1.0, 1.08883)


# ── what occurs in a scene ──


def text_contrast(scene: Scene, theme: Theme) -> float:
    """The smallest contrast of anything that is written, over both modes."""
    pairs = (pair for mode in MODES for pair in _texts(scene, theme.palette(mode)))
    return min((contrast(*pair) for pair in pairs), default=inf)


def line_contrast(scene: Scene, theme: Theme) -> float:
    """The smallest contrast of a line, an outline or a border with what it is drawn on, over both modes."""
    pairs = (pair for mode in MODES for pair in _lines(scene, theme.palette(mode)))
    return min((contrast(*pair) for pair in pairs), default=inf)


def least_difference(scene: Scene, theme: Theme) -> float:
    """The smallest difference of lines of different meaning that have no second cue; infinite where all have one.

    A second cue is another pattern of dashes, or that both meanings are named wherever they occur.
    """
    looks = dict.fromkeys((w.role, w.lit, _dash(w, theme)) for w in scene.wires)
    named = _named_roles(scene)
    pairs = [
        (one, other)
        for one, other in combinations(looks, 2)
        if one[0] != other[0] and one[1] and other[1] and one[2] == other[2] and not {one[0], other[0]} <= named
    ]
    palettes = [theme.palette(mode) for mode in MODES]
    return min((difference(p.wire(a[0]), p.wire(b[0])) for p in palettes for a, b in pairs), default=inf)


def _grounds(scene: Scene, palette: Palette) -> tuple[str, ...]:
    return (palette.background, palette.container.fill) if scene.frames else (palette.background,)


def _texts(scene: Scene, palette: Palette) -> Iterator[tuple[str, str]]:
    """Pairs of ink and ground."""
    samples = [e.sample for g in scene.legend for e in g.entries]
    for role, lit in dict.fromkeys((n.role, n.lit) for n in (*scene.nodes, *samples) if n.label):
        paint = palette.node(role, lit)
        yield paint.text, paint.fill
    for role in dict.fromkeys(label.role for label in _labels(scene)):
        yield from ((palette.words(role), ground) for ground in _grounds(scene, palette))


def _labels(scene: Scene) -> Iterator[Label]:
    yield from scene.labels
    for group in scene.legend:
        yield from (label for label in (group.heading, *(e.label for e in group.entries)) if label)


def _lines(scene: Scene, palette: Palette) -> Iterator[tuple[str, str]]:
    inks = [palette.wire(w.role, w.lit) for w in (*scene.wires, *scene.trunks)]
    samples = [e.sample for g in scene.legend for e in g.entries]
    inks += [palette.node(n.role, n.lit).stroke for n in (*scene.nodes, *samples)]
    inks += [palette.wire(d.role, d.lit) for d in scene.dots]
    for ink in dict.fromkeys(inks):
        yield from ((ink, ground) for ground in _grounds(scene, palette))
    if scene.frames:
        yield palette.container.stroke, palette.background


def _dash(wire: Wire, theme: Theme) -> tuple[float, ...] | bool:
    return theme.dashes.get(wire.role, wire.dashed)


def _named_roles(scene: Scene) -> set[str]:
    """The roles whose every line leaves a node with its name, enters one, or has a label on it."""
    named = {label.of for label in scene.labels}
    named |= {n.id for n in scene.nodes if n.kind in NAMED}
    ends = {n.id for n in scene.nodes if n.kind == "next"}
    nameless = {w.role for w in scene.wires if w.source not in named and w.target not in ends}
    return {w.role for w in scene.wires} - nameless


# ── measures of colours ──


def linear(colour: str) -> tuple[float, ...]:
    """Red, green and blue of "#RRGGBB" as amounts of light, from 0 to 1."""
    values = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    return tuple(v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in values)


@cache
def contrast(a: str, b: str) -> float:
    """The contrast ratio of WCAG 2, from 1 to 21."""
    low, high = sorted(sum(w * v for w, v in zip(TO_XYZ[1], linear(c), strict=True)) for c in (a, b))
    return (high + 0.05) / (low + 0.05)


@cache
def difference(a: str, b: str) -> float:
    """The smallest CIEDE2000 difference of two colours, over normal sight and three simulated colour-blindnesses."""
    return min(ciede2000(lab(a, vision), lab(b, vision)) for vision in VISIONS)


@cache
def lab(colour: str, vision: str = "normal") -> Lab:
    """A colour in CIELAB, as one with that sight sees it."""
    seen = [sum(m * v for m, v in zip(row, linear(colour), strict=True)) for row in VISIONS[vision]]
    seen = [min(1.0, max(0.0, v)) for v in seen]
    xyz = [sum(m * v for m, v in zip(row, seen, strict=True)) / w for row, w in zip(TO_XYZ, WHITE, strict=True)]
    x, y, z = (t ** (1 / 3) if t > 216 / 24389 else (24389 / 27 * t + 16) / 116 for t in xyz)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def ciede2000(p: Lab, q: Lab) -> float:
    """The difference of two colours of CIELAB."""
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
