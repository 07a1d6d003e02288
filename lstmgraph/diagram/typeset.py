r"""Labels as outlines: a string of LaTeX, or words, becomes the path of its glyphs and its size.

A figure then looks the same in every viewer, and layouts know the size of every label.  Mathematics is set by ziamath,
words by ziafont, both in STIX Two, and both imported only when the first label is set.  What cannot be set as
mathematics is set as words, and what cannot be set at all is left to the viewer (`path` is empty): a label never stops
a drawing.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.resources import as_file, files
from typing import Any
from xml.etree import ElementTree

from lstmgraph.diagram.scene import Label
from lstmgraph.notation import unicode_of

DESIGN = 100.0  # labels are set once at this size and scaled
WORD_TOP, WORD_BOTTOM = -88.0, 22.0  # the box of words: one height for all, its middle half-way up a capital
DIGIT = re.compile("[0-9]")
LARGE = re.compile("[3-9]|[0-9][0-9]")
LEVELS = ("x_{#}", "#", "x_{x_{#}}")  # where a digit can stand
SAME = 0.1  # two outlines at this distance at most, at the design size, are those of one glyph
NUMBER = re.compile(r"-?\d*\.?\d+(?:e-?\d+)?")
COMMAND = re.compile(r"([MLQCHVZ])([^MLQCHVZ]*)")

Command = tuple[str, tuple[float, ...]]


@dataclass(frozen=True)
class Typeset:
    """A label's box, with its corner (left, top) at (0, 0); `baseline` is measured from the top.

    The box of mathematics is that of its ink; words all have the same height, so that lines of them stand evenly.
    """

    width: float
    height: float
    baseline: float
    path: str  # SVG path data within the box, empty where nothing could be set
    text: str  # the same in plain Unicode

    @property
    def depth(self) -> float:
        return self.height - self.baseline


@dataclass(frozen=True)
class _Outline:
    """Commands with absolute coordinates, origin on the baseline, and the bounds of the ink."""

    commands: tuple[Command, ...]
    left: float
    top: float
    right: float
    bottom: float


def plain_text(latex: str) -> str:
    """A label of mathematics in Unicode: for search, screen readers, DOT, and where it cannot be typeset."""
    try:
        return unicode_of(latex)
    except ValueError:  # unbalanced braces
        return latex


def measure(label: Label) -> tuple[float, float]:
    """Width and height of a label, in points."""
    width, height, _ = _box(label.text, label.size, label.math)
    return width, height


@cache
def typeset(text: str, size: float, math: bool = True) -> Typeset:
    """The label at `size` points to the em."""
    outline, box = _outline(text, math), _box(text, size, math)
    path = _compact(outline, size / DESIGN) if outline else ""
    return Typeset(*box, path, plain_text(text) if math else text)


def _box(text: str, size: float, math: bool) -> tuple[float, float, float]:
    """Width, height and baseline."""
    outline, scale = _outline(text, math), size / DESIGN
    if outline is None:  # a width to reckon with; the viewer's font decides
        return 0.55 * size * len(plain_text(text) if math else text), size, 0.78 * size
    return scale * (outline.right - outline.left), scale * (outline.bottom - outline.top), -scale * outline.top


def _compact(outline: _Outline, scale: float) -> str:
    """Relative path data in hundredths; the pen is counted in them too, so that rounding does not add up."""
    parts: list[str] = []
    pen, start, last = (0, 0), (0, 0), ""
    for name, numbers in outline.commands:
        if name == "Z":
            parts.append("z")
            pen, last = start, "z"
            continue
        at = [round(100 * scale * (n - (outline.top if k % 2 else outline.left))) for k, n in enumerate(numbers)]
        steps = "".join(_step(n - pen[k % 2]) for k, n in enumerate(at))
        parts.append(steps if name == last else name.lower() + steps.removeprefix(" "))
        pen, last = (at[-2], at[-1]), name
        start = pen if name == "M" else start
    return "".join(parts)


@cache
def _step(hundredths: int) -> str:
    """A number after another: a minus sign separates as well as a space, and zero before a point says nothing."""
    text = number(hundredths / 100).replace("0.", ".", 1) if abs(hundredths) < 100 else number(hundredths / 100)
    return text if text.startswith("-") else " " + text


def number(value: float) -> str:
    """Two decimals at most, the shortest way to write them; never "-0"."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


@cache
def _outline(text: str, math: bool) -> _Outline | None:
    if not text.strip():
        return _Outline((), 0.0, 0.0, 0.0, 0.0)
    attempts = [(_set_math, text), (_set_words, plain_text(text))] if math else [(_set_words, text)]
    for setter, source in attempts:
        try:
            commands = setter(source)
        except Exception:  # noqa: BLE001  a typesetter may fail in any way on somebody's label
            continue
        if commands:
            xs, ys = _bounds(commands)
            top, bottom = (min(ys), max(ys)) if math else (WORD_TOP, WORD_BOTTOM)
            return _Outline(tuple(commands), min(xs), top, max(xs), bottom)
    return None


def _set_math(latex: str) -> list[Command]:
    return [command for glyph in _glyphs(latex) for command in glyph]


def _glyphs(latex: str) -> list[list[Command]]:
    """The glyphs one by one.  Formulas that differ in their numbers only, as in a long chain, are set once.

    Digits are all of one width, so that of the formula with zeros the zeros are replaced; where they cannot all be
    found, it is set as it is, and so are small numbers: there are few of them.
    """
    digits = DIGIT.findall(latex)
    zeros = _zeros(DIGIT.sub("0", latex)) if LARGE.search(latex) else {}
    if len(zeros) != len(digits):
        return _set_glyphs(latex)
    glyphs = list(_set_glyphs(DIGIT.sub("0", latex)))
    for digit, (k, (level, scale, x, y)) in zip(digits, zeros.items(), strict=True):
        glyphs[k] = [(name, _fitted(at, scale, x, y)) for name, at in _digit(digit, level)]
    return glyphs


@cache
def _zeros(latex: str) -> dict[int, tuple[str, float, float, float]]:
    """Which glyphs of a formula are zeros, with level, scale and place."""
    return {k: found for k, glyph in enumerate(_set_glyphs(latex)) if (found := _zero(glyph))}


def _fitted(at: tuple[float, ...], scale: float, x: float, y: float) -> tuple[float, ...]:
    return tuple(scale * n + (y if k % 2 else x) for k, n in enumerate(at))


def _digit(digit: str, level: str) -> list[Command]:
    return _set_glyphs(level.replace("#", digit))[-1]


def _zero(glyph: list[Command]) -> tuple[str, float, float, float] | None:
    """Level, scale and place of a glyph that is a zero; None for any other.  Small digits have their own outlines."""
    for level in LEVELS:
        zero = _digit("0", level)
        if [name for name, _ in zero] != [name for name, _ in glyph]:
            continue
        (xs, ys), (own_xs, own_ys) = _bounds(zero), _bounds(glyph)
        scale = (max(own_ys) - min(own_ys)) / (max(ys) - min(ys))
        x, y = min(own_xs) - scale * min(xs), min(own_ys) - scale * min(ys)
        pairs = zip((_fitted(at, scale, x, y) for _, at in zero), (at for _, at in glyph), strict=True)
        if all(abs(a - b) < SAME for fitted, at in pairs for a, b in zip(fitted, at, strict=True)):
            return level, scale, x, y
    return None


@cache
def _set_glyphs(latex: str) -> list[list[Command]]:
    with _plain_paths() as ziamath:
        return _from_svg(ziamath.Latex(_unbound(latex), size=DESIGN).svgxml())


def _set_words(words: str) -> list[Command]:
    """Letter by letter, each set once.  (No kerning: ziafont misreads this font's, and the gaps grow along a line.)"""
    commands: list[Command] = []
    pen = 0.0
    for letter in words:
        glyph, advance = _glyph(letter)
        commands += [(name, tuple(n + pen * (k % 2 == 0) for k, n in enumerate(at))) for name, at in glyph]
        pen += advance
    return commands


@cache
def _glyph(letter: str) -> tuple[list[Command], float]:
    with _plain_paths():
        text = _font().text(letter, size=DESIGN)
        return [command for glyph in _from_svg(text.svgxml()) for command in glyph], float(text.getsize()[0])


@cache
def _font() -> Any:
    """The text font: the upright of the font that sets the mathematics."""
    with as_file(files("ziamath") / "fonts" / "STIXTwoMath-Regular.ttf") as path:
        return import_module("ziafont").Font(str(path))


@contextmanager
def _plain_paths() -> Iterator[Any]:
    """ziamath, set to glyphs as paths in absolute coordinates.  The switch is global, and not ours: it is put back."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its own deprecations, which would be errors under `-W error`
        ziamath: Any = import_module("ziamath")  # by name: it is untyped, and start-up is faster without it
        before, ziamath.config.svg2 = ziamath.config.svg2, False
        try:
            yield ziamath
        finally:
            ziamath.config.svg2 = before


def _unbound(latex: str) -> str:
    """An operator without a right operand is a symbol, and gets no space: "1-" is set as "1{-}"."""
    return re.sub(r"([-+=])\s*$", r"{\1}", latex)


def _from_svg(svg: ElementTree.Element) -> list[list[Command]]:
    """The outlines of all paths and bars, one by one."""
    found: list[list[Command]] = []
    for element in svg.iter():
        tag = element.tag.rpartition("}")[2]
        if tag == "path":
            found.append(_parsed(element.get("d", "")))
        elif tag == "rect":
            x, y, w, h = (float(element.get(key, "0")) for key in ("x", "y", "width", "height"))
            found.append([("M", (x, y)), ("L", (x + w, y)), ("L", (x + w, y + h)), ("L", (x, y + h)), ("Z", ())])
    return found


def _parsed(d: str) -> list[Command]:
    """Path data; a line to where the pen is already is left out."""
    commands: list[Command] = []
    for name, arguments in COMMAND.findall(d):
        numbers = tuple(float(n) for n in NUMBER.findall(arguments))
        if name == "L" and commands and commands[-1][1][-2:] == numbers:
            continue
        commands.append((name, numbers))
    return commands


def _bounds(commands: list[Command]) -> tuple[list[float], list[float]]:
    """All x and all y that the ink reaches: end points, and the extremes of the curves."""
    xs: list[float] = []
    ys: list[float] = []
    pen = (0.0, 0.0)
    for _, numbers in commands:
        if not numbers:
            continue
        controls = [pen, *zip(numbers[::2], numbers[1::2], strict=True)]
        xs += _reach([c[0] for c in controls[len(controls) == 2 :]])
        ys += _reach([c[1] for c in controls[len(controls) == 2 :]])
        pen = controls[-1]
    return xs, ys


def _reach(controls: list[float]) -> list[float]:
    """Where a curve with these control values can get: exact for lines and quadratics, the hull for cubics."""
    if len(controls) != 3:
        return controls
    a, b, c = controls
    bend = a - 2 * b + c
    t = (a - b) / bend if bend else -1.0
    inner = [(1 - t) ** 2 * a + 2 * t * (1 - t) * b + t * t * c] if 0 < t < 1 else []
    return [a, c, *inner]
