"""Setting labels afresh, which takes ziamath for mathematics and ziafont for words, both in STIX Two.

Both are imported when the first label needs them.  Their SVG is taken apart into shapes, one for each glyph and bar.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from importlib.resources import as_file, files
from typing import Any
from xml.etree import ElementTree

from lstmgraph.diagram.typeset.outlines import UNIT, Letter, Outline, Placed, Shape, outline_of_math

SIZE = 100.0  # points to the em, at which everything is set
PRECISION = 6  # decimals of what ziafont writes
NUMBER = re.compile(r"-?\d*\.?\d+(?:e-?\d+)?")
DIGIT = re.compile("[0-9]")
LARGE = re.compile("[3-9]|[0-9][0-9]")  # a number that is not small
LEVELS = ("#", "x_{#}", "x_{x_{#}}")  # where a digit can stand
COMMAND = re.compile(r"([MLQCHVZ])([^MLQCHVZ]*)")

Absolute = list[tuple[str, tuple[int, ...]]]


def set_math(latex: str) -> Outline:
    """The outline of LaTeX.  Fails, in whatever way, for what ziamath cannot set.

    Formulas that differ in their numbers only, as those of a long chain (h[t+1], h[t+2], ...), are set once, with
    zeros, which are then replaced: all digits are of one width.  Where not all zeros can be found the formula is set
    as it is, and so are those with small numbers: there are few of them.
    """
    digits = DIGIT.findall(latex) if LARGE.search(latex) else []
    pattern = DIGIT.sub("0", latex) if digits else latex
    zeros = _zeros(pattern) if digits else {}
    if len(zeros) != len(digits):
        return outline_of_math(_glyphs(latex))
    glyphs = list(_glyphs(pattern))
    for digit, (k, level) in zip(digits, zeros.items(), strict=True):
        zero, own = _glyphs(level.replace("#", "0"))[-1], _glyphs(level.replace("#", digit))[-1]
        glyphs[k] = Placed(own.shape, glyphs[k].x + own.x - zero.x, glyphs[k].y + own.y - zero.y)
    return outline_of_math(glyphs)


@cache
def _glyphs(latex: str) -> tuple[Placed, ...]:
    with _plain_paths() as ziamath:
        return tuple(_placed(ziamath.Latex(_unbound(latex), size=SIZE).svgxml()))


@cache
def _zeros(latex: str) -> dict[int, str]:
    """Which glyphs of a formula are zeros, each with its level: small digits have shapes of their own."""
    shapes = {_glyphs(level.replace("#", "0"))[-1].shape: level for level in LEVELS}
    return {k: shapes[glyph.shape] for k, glyph in enumerate(_glyphs(latex)) if glyph.shape in shapes}


@cache
def set_letter(letter: str) -> Letter:
    """A letter of words in the text font."""
    with _plain_paths():
        text = _font().text(letter, size=SIZE)
        return Letter(_units(float(text.getsize()[0])), tuple(_placed(text.svgxml())))


@cache
def _font() -> Any:
    """The text font: the upright of the font that sets the mathematics."""
    with as_file(files("ziamath") / "fonts" / "STIXTwoMath-Regular.ttf") as path:
        return import_module("ziafont").Font(str(path))


@contextmanager
def _plain_paths() -> Iterator[Any]:
    """ziamath, set to glyphs as exact paths in absolute coordinates.  The switches are global, and not ours: they are
    put back."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its own deprecations, which would be errors under `-W error`
        ziamath: Any = import_module("ziamath")  # by name: it is untyped, and start-up is faster without it
        fonts: Any = import_module("ziafont").config
        before = ziamath.config.svg2, fonts.precision
        ziamath.config.svg2, fonts.precision = False, PRECISION
        try:
            yield ziamath
        finally:
            ziamath.config.svg2, fonts.precision = before


def _unbound(latex: str) -> str:
    """An operator without a right operand is a symbol, and gets no space: "1-" is set as "1{-}"."""
    return re.sub(r"([-+=])\s*$", r"{\1}", latex)


def _placed(svg: ElementTree.Element) -> Iterator[Placed]:
    """All paths and bars that are drawn."""
    for element in svg.iter():
        tag = element.tag.rpartition("}")[2]
        if tag == "path":
            commands = _parsed(element.get("d", ""))
        elif tag == "rect":
            commands = _bar(*(_units(float(element.get(key, "0"))) for key in ("x", "y", "width", "height")))
        else:
            continue
        if commands:
            yield _from_start(commands)


def _units(length: float) -> int:
    return round(length / SIZE / UNIT)


def _bar(x: int, y: int, w: int, h: int) -> Absolute:
    return [("M", (x, y)), ("L", (x + w, y)), ("L", (x + w, y + h)), ("L", (x, y + h)), ("Z", ())]


def _parsed(d: str) -> Absolute:
    """Path data; a line to where the pen is already is left out."""
    commands: Absolute = []
    for name, arguments in COMMAND.findall(d):
        numbers = tuple(_units(float(n)) for n in NUMBER.findall(arguments))
        if name == "L" and commands and commands[-1][1][-2:] == numbers:
            continue
        commands.append((name, numbers))
    return commands


def _from_start(commands: Absolute) -> Placed:
    """The shape with its own starting point as the origin, so that a glyph is the same shape wherever it stands."""
    x, y = commands[0][1]
    xs, ys = _bounds(commands)
    return Placed(Shape(min(xs) - x, min(ys) - y, max(xs) - x, max(ys) - y, _relative(commands)), x, y)


def _relative(commands: Absolute) -> str:
    parts = []
    pen = start = commands[0][1]
    for name, numbers in commands:
        steps = [n - pen[k % 2] for k, n in enumerate(numbers)]
        parts.append(name.lower() + " ".join(map(str, steps)))
        pen = numbers[-2:] or start
        start = pen if name == "M" else start
    return "".join(parts)


def _bounds(commands: Absolute) -> tuple[list[int], list[int]]:
    """All x and all y that the ink reaches: end points, and the extremes of the curves."""
    xs: list[int] = []
    ys: list[int] = []
    pen = (0, 0)
    for _, numbers in commands:
        if not numbers:
            continue
        controls = [pen, *zip(numbers[::2], numbers[1::2], strict=True)]
        xs += _reach([c[0] for c in controls[len(controls) == 2 :]])
        ys += _reach([c[1] for c in controls[len(controls) == 2 :]])
        pen = controls[-1]
    return xs, ys


def _reach(controls: list[int]) -> list[int]:
    """Where a curve with these control values can get: exact for lines and quadratics, the hull for cubics."""
    if len(controls) != 3:
        return controls
    a, b, c = controls
    bend = a - 2 * b + c
    t = (a - b) / bend if bend else -1.0
    inner = [round((1 - t) ** 2 * a + 2 * t * (1 - t) * b + t * t * c)] if 0 < t < 1 else []
    return [a, c, *inner]
