r"""Labels as outlines: a string of LaTeX, or words, becomes the path of its glyphs and its size.

A figure then looks the same in every viewer, and layouts know the size of every label.  What common labels look like is
known from tables (`outlines`); any other label is set when it is asked for (`setting`).  What cannot be set as
mathematics is set as words, and what cannot be set at all is left to the viewer (without `glyphs`): a label never stops
a drawing.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

from lstmgraph.diagram.scene import Label
from lstmgraph.diagram.typeset.composing import composed
from lstmgraph.diagram.typeset.outlines import (
    EMPTY,
    UNIT,
    Letter,
    Outline,
    commands,
    known_letter,
    known_math,
    outline_of_math,
    outline_of_words,
)
from lstmgraph.notation import unicode_of

WIDER = 1.06  # lines in Computer Modern are wider than ours by as much


class Glyph(NamedTuple):
    """A shape of a label, in thousandths of the em: its path data, and where that starts in the label's box."""

    path: str
    x: int
    y: int


class Typeset(NamedTuple):
    """A label's box, with its corner (left, top) at (0, 0); `baseline` is measured from the top.

    The box of mathematics is that of its ink; words all have the same height, so that lines of them stand evenly.
    """

    width: float
    height: float
    baseline: float
    glyphs: tuple[Glyph, ...]  # empty where nothing could be set
    text: str  # the same in plain Unicode

    @property
    def depth(self) -> float:
        return self.height - self.baseline


def plain_text(latex: str) -> str:
    """A label of mathematics in Unicode: for search, screen readers, DOT, and where it cannot be typeset."""
    try:
        return unicode_of(latex, spaced=True)
    except ValueError:  # unbalanced braces
        return latex


def measure(label: Label) -> tuple[float, float]:
    """Width and height of a label, in points."""
    width, height, _ = _box(label.text, label.size, label.math)
    return width, height


def roomy(label: Label) -> float:
    """The width to leave for a line of text, which a LaTeX document sets in its own fonts."""
    return WIDER * measure(label)[0]


@cache
def typeset(text: str, size: float, math: bool = True) -> Typeset:
    """The label at `size` points to the em."""
    outline, box = _outline(text, math), _box(text, size, math)
    return Typeset(*box, _glyphs(outline) if outline else (), plain_text(text) if math else text)


def asked() -> tuple[tuple[str, bool], ...]:
    """Every label that this process has measured or set: the text, and whether it is mathematics."""
    return tuple(_OUTLINES)


def number(value: float) -> str:
    """Two decimals at most, the shortest way to write them; never "-0"."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


# ── outlines ──

_OUTLINES: dict[tuple[str, bool], Outline | None] = {}


def _outline(text: str, math: bool) -> Outline | None:
    key = text, math
    if key not in _OUTLINES:
        _OUTLINES[key] = _found(text, math)
    return _OUTLINES[key]


def _found(text: str, math: bool) -> Outline | None:
    """The outline from the tables, else as set afresh; None where nothing can set it."""
    if not text.strip():
        return EMPTY
    attempts: list[tuple[Callable[[str], Outline], str]] = [(_words, plain_text(text) if math else text)]
    for setter, source in [(_math, text), *attempts] if math else attempts:
        try:
            outline = setter(source)
        except Exception:  # noqa: BLE001  a typesetter may fail in any way on somebody's label
            continue
        if outline.shapes:
            return outline_of_math(outline.shapes) if math else outline
    return None


def _math(latex: str) -> Outline:
    found = known_math(latex) or composed(latex)
    if found is None:
        from lstmgraph.diagram.typeset.setting import set_math

        found = set_math(latex)
    return found


def _words(words: str) -> Outline:
    return outline_of_words(map(_letter, words))


def _letter(letter: str) -> Letter:
    found = known_letter(letter)
    if found is None:
        from lstmgraph.diagram.typeset.setting import set_letter

        found = set_letter(letter)
    return found


def _box(text: str, size: float, math: bool) -> tuple[float, float, float]:
    """Width, height and baseline."""
    outline, scale = _outline(text, math), size * UNIT
    if outline is None:  # a width to reckon with; the viewer's font decides
        return 0.55 * size * len(plain_text(text) if math else text), size, 0.78 * size
    return scale * (outline.right - outline.left), scale * (outline.bottom - outline.top), -scale * outline.top


# ── path data ──


def _glyphs(outline: Outline) -> tuple[Glyph, ...]:
    left, top = outline.left, outline.top
    return tuple(Glyph(_drawn(s.path), _thousandths(x - left), _thousandths(y - top)) for s, x, y in outline.shapes)


def _thousandths(units: int) -> int:
    return round(units * UNIT * 1000)


@cache
def _drawn(path: str) -> str:
    """Relative path data of a shape.  Where the pen is exactly, and where it is in what is written, are both followed,
    so that rounding does not add up."""
    parts: list[str] = []
    x = y = start_x = start_y = 0
    last = ""
    for name, steps in commands(path):
        numbers = iter(steps)
        written = ""
        for dx, dy in zip(numbers, numbers, strict=True):
            written += _step(x, x + dx) + _step(y, y + dy)
        x, y = (x + dx, y + dy) if steps else (start_x, start_y)
        if name == "m":
            start_x, start_y = x, y
        parts.append(written if name == last != "m" else name + written.removeprefix(" "))
        last = name
    return "".join(parts)


def _step(before: int, after: int) -> str:
    """A number after another: a minus sign separates as well as a space."""
    step = _thousandths(after) - _thousandths(before)
    return f"{step}" if step < 0 else f" {step}"
