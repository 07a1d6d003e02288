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

from lstmgraph.diagram.typeset.outlines import UNIT, Letter, Outline, Placed, outline_of_math, shape_of, unbound, whole

SIZE = 100.0  # points to the em, at which everything is set
PRECISION = 6  # decimals of what ziafont writes
NUMBER = re.compile(r"-?\d*\.?\d+(?:e-?\d+)?")
COMMAND = re.compile(r"([MLQCHVZ])([^MLQCHVZ]*)")

BOLD = {ord("0") + k: 0x1D7CE + k for k in range(10)}

Absolute = list[tuple[str, tuple[float, ...]]]


def set_math(latex: str) -> Outline:
    """The outline of LaTeX.  Fails, in whatever way, for what ziamath cannot set."""
    with plain_paths() as ziamath:
        return outline_of_math(_placed(ziamath.Latex(unbound(_bold(latex)), size=SIZE).svgxml()))


def _bold(latex: str) -> str:
    r"""Bold digits as letters of their own: ziamath knows \mathbf for letters alone."""
    return re.sub(r"\\mathbf\{(\d+)\}", lambda m: m[1].translate(BOLD), latex)


@cache
def set_letter(letter: str) -> Letter:
    """A letter of words in the text font."""
    with plain_paths():
        text = _font().text(letter, size=SIZE)
        return Letter(whole(_units(text.getsize()[0])), tuple(_placed(text.svgxml())))


@cache
def _font() -> Any:
    """The text font: the upright of the font that sets the mathematics."""
    with as_file(files("ziamath") / "fonts" / "STIXTwoMath-Regular.ttf") as path:
        return import_module("ziafont").Font(str(path))


@contextmanager
def plain_paths() -> Iterator[Any]:
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


def _placed(svg: ElementTree.Element) -> Iterator[Placed]:
    """All paths and bars that are drawn."""
    for element in svg.iter():
        tag = element.tag.rpartition("}")[2]
        if tag == "path":
            commands = parsed(element.get("d", ""))
        elif tag == "rect":
            commands = _bar(*(_units(element.get(key, "0")) for key in ("x", "y", "width", "height")))
        else:
            continue
        if commands:
            yield from_start(commands)


def _units(length: str) -> float:
    return float(length) / SIZE / UNIT


def _bar(x: float, y: float, w: float, h: float) -> Absolute:
    return [("m", (x, y)), ("l", (x + w, y)), ("l", (x + w, y + h)), ("l", (x, y + h)), ("z", ())]


def parsed(d: str) -> Absolute:
    """Path data; a line to where the pen is already is left out."""
    commands: Absolute = []
    for name, arguments in COMMAND.findall(d):
        numbers = tuple(map(_units, NUMBER.findall(arguments)))
        if name == "L" and commands and commands[-1][1][-2:] == numbers:
            continue
        commands.append((name.lower(), numbers))
    return commands


def from_start(commands: Absolute) -> Placed:
    """The shape with its own starting point as the origin, so that a glyph is the same shape wherever it stands."""
    start = commands[0][1]
    relative = [(name, [n - start[k % 2] for k, n in enumerate(numbers)]) for name, numbers in commands]
    return Placed(shape_of(relative), whole(start[0]), whole(start[1]))
