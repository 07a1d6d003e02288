r"""Labels put together from measured pieces, just as ziamath would set them, without loading it.

A piece (`atoms.tsv`) is a letter, an accented letter, an operator or a function's name.  Rows, subscripts and
superscripts of pieces follow the rules of the font's MATH table, as ziamath reads them.  What has other parts (a
root, a matrix) is not composed: `composed` says None, and a typesetter has to be loaded.

To have more pieces: `pieces` in `benchmarks/outlines.py`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

from lstmgraph.diagram.typeset.outlines import (
    Outline,
    Placed,
    Shape,
    known_row,
    outline_of_math,
    scaled,
    shape_at,
    shape_of,
    unbound,
    whole,
)

SCALE = 0.7  # of a script
SPACE = 10.00002 * 1.333 / 10 / 18 * 1e5  # the thinnest of spaces, in units
SUB_DOWN, SUB_TOP, SUB_DROP = 21000, 36800, 16000  # the font's constants, in units of its em
AXIS, RULE, OVER_GAP, FRACTION, FRACTION_GAP = 25800, 6800, 17500, 64000, 15000
SUP_UP, SUP_BOTTOM, SUP_DROP, GAP = 36000, 12000, 23000, 15000
TOKEN = re.compile(
    r"\\(?:mathrm|operatorname|text|bar|tilde|hat|check|dot)\s*\{(?:[^{}]|\\?\w*\{[^{}]*\})*\}|\\[A-Za-z]+|\\.|\d+|\S"
)
WORD = re.compile(r"\\mathrm\s*\{([A-Za-z ]+)\}")
LENGTH = re.compile(r"\d\s*(?:in|mm|cm|pt|em|ex|pc|bp|dd|cc|sp|mu)")  # as which a number before letters is read
NAME = re.compile(r"\\operatorname\s*\{([A-Za-z0-9]+)\}")
SCRIPTED = ("mi", "function", "mn", "mo", "accent", "mrow")
FORMS = ("none", "prefix", "infix", "postfix")

Kern = tuple[int, ...]  # kern, height, kern, height, ... kern: from bottom to top


class NotComposed(Exception):
    """The label has a part that is not among the pieces."""


@dataclass(frozen=True)
class End:
    """The first or the last glyph of a box: how high it reaches, its slant, and how a script is moved towards it."""

    bottom: float
    top: float
    slant: int
    kern: Kern


@dataclass(frozen=True)
class Ink:
    """A glyph in its place: from the beginning of the box, and from the baseline down."""

    shape: Shape
    x: float
    y: float


@dataclass(frozen=True)
class Box:
    """Something set, in units: how far it moves the pen, its box (up is positive), and its glyphs."""

    kind: str  # mi, function, mn, mo, accent, mrow, scripts, mspace
    advance: float
    left: float
    right: float
    bottom: float
    top: float
    first: End | None
    last: End | None
    ink: tuple[Ink, ...]
    attach: float = 0  # where the subscript of an accented letter begins
    spaces: tuple[tuple[float, float], ...] = ()  # of an operator, before and after, in each of the `FORMS`


def composed(latex: str) -> Outline | None:
    """The outline of LaTeX, if all its parts are known."""
    if LENGTH.search(latex):
        return None
    try:
        box = _Row(TOKEN.findall(unbound(latex))).whole()
    except NotComposed:
        return None
    return outline_of_math(Placed(ink.shape, whole(ink.x), whole(ink.y)) for ink in box.ink) if box.ink else None


# ── reading ──


class _Row:
    """Reads tokens, and sets what it reads."""

    def __init__(self, tokens: Sequence[str]) -> None:
        self.tokens, self.at = tokens, 0
        self.inside = False  # of a fraction

    def whole(self) -> Box:
        box = self.row(0)
        if self.at < len(self.tokens):
            raise NotComposed
        return box

    def row(self, level: int) -> Box:
        """Up to the end of the group."""
        boxes: list[Box] = []
        while self.peek() not in ("", "}"):
            boxes.append(self.scripted(level))
        return _row(boxes, level)

    def scripted(self, level: int) -> Box:
        """A part with its scripts."""
        base, token = self.part(level), self.tokens[self.at - 1]
        sub = self.script("_", level + 1)
        sup = self.script("^", level + 1)
        if sub is None and sup is None:
            return base
        if base.kind == "function":
            base = _piece(token, level, "^")
        base = _spaced(base, FORMS.index("prefix"))
        if self.peek() in ("_", "^", "'") or base.kind not in SCRIPTED:
            raise NotComposed
        return _scripts(base, sub, sup, SCALE**level)

    def script(self, sign: str, level: int) -> Box | None:
        if self.peek() != sign:
            return None
        self.at += 1
        return self.group(level)

    def part(self, level: int) -> Box:
        """A group, a number, or a piece."""
        token = self.peek()
        if token == "{":
            self.at += 1
            box = self.row(level)
            if self.peek() != "}":
                raise NotComposed
            self.at += 1
            return box
        self.at += 1
        if token == r"\frac":
            return self.fraction(level)
        if token == r"\overline":
            return _overline(self.group(level), SCALE**level)
        if token.isdecimal():
            return replace(_row([_piece(digit, level) for digit in token], level), kind="mn")
        if word := WORD.fullmatch(token):
            return _row([_piece(rf"\mathrm{{{letter}}}", level) for letter in word[1].replace(" ", "")], level)
        if name := NAME.fullmatch(token):
            return _named([_piece(rf"\operatorname{{{letter}}}", level) for letter in name[1]], level)
        return _piece(token, level)

    def fraction(self, level: int) -> Box:
        if level or self.inside:
            raise NotComposed
        self.inside = True
        over, under = self.group(level), self.group(level)
        self.inside = False
        return _fraction(over, under)

    def group(self, level: int) -> Box:
        if self.peek() != "{":
            raise NotComposed
        return self.part(level)

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""


# ── setting ──


@cache
def _piece(token: str, level: int, variant: str = "") -> Box:
    """A measured piece, at the size of that level of scripts.  Scripts have glyphs of their own."""
    row = known_row("atoms", token + "\t" + ("1" if level else "0") + variant)
    if row is None:
        raise NotComposed
    kind, measures, first, last, spaces, glyphs = row.split("\t")
    scale = SCALE**level
    advance, left, right, bottom, top, attach = (scale * float(n) for n in measures.split())
    numbers = iter(glyphs.split())
    ink = tuple(
        Ink(scaled(shape_at(int(index)), scale), scale * float(x), scale * float(y))
        for index, x, y in zip(numbers, numbers, numbers, strict=True)
    )
    gaps = [scale * float(n) for n in spaces.split()]
    pairs = tuple(zip(gaps[::2], gaps[1::2], strict=True))
    return Box(kind, advance, left, right, bottom, top, _end(first), _end(last), ink, attach, pairs)


@cache
def _end(text: str) -> End | None:
    if not text:
        return None
    bottom, top, slant, *kern = text.split()
    return End(float(bottom), float(top), int(slant), tuple(map(int, kern)))


def _row(boxes: Sequence[Box], level: int) -> Box:
    """Side by side, with the spaces of operators, of which scripts have none."""
    if not boxes:
        raise NotComposed
    if not level:
        boxes = [_spaced(box, _form(k, len(boxes))) for k, box in enumerate(boxes)]
        boxes = [_apart(box, boxes[k - 1] if k else None) for k, box in enumerate(boxes)]
    pen, starts = 0.0, []
    for box in boxes:
        starts.append(pen)
        pen += box.advance
    return Box(
        "mrow",
        pen,
        min(x + box.left for x, box in zip(starts, boxes, strict=True)),
        max(0.0, *(x + box.right for x, box in zip(starts, boxes, strict=True))),
        min(box.bottom for box in boxes),
        max(box.top for box in boxes),
        boxes[0].first,
        boxes[-1].last,
        tuple(ink for x, box in zip(starts, boxes, strict=True) for ink in _moved(box, x, 0)),
    )


def _named(letters: Sequence[Box], level: int) -> Box:
    """The name of an operator: one operator of several letters."""
    if level:
        raise NotComposed
    row = _row([replace(letter, spaces=()) for letter in letters], 1)
    return replace(row, kind="mo", left=letters[0].left, spaces=letters[0].spaces)


def _form(k: int, count: int) -> int:
    return 0 if count == 1 else 1 if k == 0 else 3 if k == count - 1 else 2


def _spaced(box: Box, form: int) -> Box:
    if not box.spaces:
        return box
    before, after = box.spaces[form]
    right = max(before + box.right, before + box.advance + after)
    return replace(box, right=right, advance=right, ink=_moved(box, before, 0), spaces=())


def _apart(box: Box, before: Box | None) -> Box:
    """A fraction stands off from what is before it."""
    if box.kind != "fraction" or before is None:
        return box
    x = SPACE * (2 if before.kind == "fraction" else 3)
    return replace(box, advance=box.advance + x, right=box.right + x, ink=_moved(box, x, 0))


def _moved(box: Box, x: float, y: float) -> tuple[Ink, ...]:
    return tuple(replace(ink, x=x + ink.x, y=y + ink.y) for ink in box.ink)


def _scripts(base: Box, sub: Box | None, sup: Box | None, scale: float) -> Box:
    """A base with a subscript, a superscript or both: the font's distances at the scale of the base."""
    start = base.attach if base.attach and sup is None else base.advance
    right_of = over = (0.0, 0.0)
    reach, bottoms, tops = [], [base.bottom], [base.top]
    if sub:
        right_of = _below(base, sub, scale)
        reach.append(start + right_of[0] + sub.advance)
    if sup:
        over = _above(base, sup, scale)
        more = scale * 2 * SPACE if base.kind == "function" else 0
        reach.append(start + over[0] + sup.right + more)
    if sub and sup:
        missing = scale * GAP - (right_of[1] - sub.top - (over[1] - sup.bottom))
        if missing > 0:
            right_of, over = (right_of[0], right_of[1] + missing / 2), (over[0], over[1] - missing / 2)
        bottoms = [-base.bottom]  # as ziamath has it
    else:
        reach.append(base.right)
    ink = list(base.ink)
    lefts = [base.left]
    for script, (x, y) in ((sub, right_of), (sup, over)):
        if script:
            ink += _moved(script, start + x, y)
            lefts += [start + x + script.left] if not (sub and sup) else []
            reach += [start + x + script.right] if not (sub and sup) else []
            bottoms.append(script.bottom - y)
            tops.append(script.top - y)
    if sub and sup:
        bottoms, tops = bottoms[:2], [base.top, tops[2]]
    right = max(reach)
    last = (sup or sub or base).last
    return Box("scripts", right, min(lefts), right, min(bottoms), max(tops), base.first, last, tuple(ink))


def _fraction(over: Box, under: Box) -> Box:
    """One over the other, each in the middle; only as large as on its own."""
    up = max(FRACTION, AXIS + FRACTION_GAP - over.bottom + RULE / 2)
    down = max(FRACTION, FRACTION_GAP - AXIS + under.top + RULE / 2)
    width = max(over.right, under.right)
    ink = (
        *_moved(over, (width - (over.right - over.left)) / 2, -up),
        *_moved(under, (width - (under.right - under.left)) / 2, down),
        _bar(0, -AXIS - RULE / 2, width, RULE),
    )
    right = width + 3 * SPACE
    return Box("fraction", right, 0, right, under.bottom - down, up + over.top, over.first, None, ink)


def _overline(base: Box, scale: float) -> Box:
    """A line over a box, as long as it is wide."""
    up = base.top + scale * (OVER_GAP + RULE / 2)
    width = base.right - base.left
    ink = (*base.ink, _bar(0, -up, width, scale * RULE))
    right = max(width, base.right)
    top = up + scale * RULE / 2
    return Box("accent", right, min(0, base.left), right, base.bottom, top, base.first, base.last, ink, base.advance)


def _bar(x: float, y: float, width: float, height: float) -> Ink:
    corners = [("m", (0, 0)), ("l", (width, 0)), ("l", (width, height)), ("l", (0, height)), ("z", ())]
    return Ink(shape_of(corners), x, y)


def _below(base: Box, sub: Box, scale: float) -> tuple[float, float]:
    """Where a subscript begins, from the end of its base, and how far down."""
    if base.last is None or sub.first is None:
        raise NotComposed
    height = base.last.bottom - SUB_DOWN + sub.first.top * SCALE
    kern = min(_kern(base.last.kern, h) + _kern(sub.first.kern, h) for h in (height, SUB_DOWN))
    down = float(SUB_DOWN)
    if base.kind not in ("mi", "function", "mn") and not base.attach:
        down = max(down, sub.first.top - SUB_TOP, SUB_DROP - base.bottom / scale)
    return scale * kern, scale * down


def _above(base: Box, sup: Box, scale: float) -> tuple[float, float]:
    """Where a superscript begins, from the end of its base, and how far down: up is negative."""
    if base.last is None or sup.first is None:
        raise NotComposed
    up = max(SUP_UP, SUP_BOTTOM - sup.first.bottom, base.top / scale - SUP_DROP)
    return scale * base.last.slant, -scale * up


def _kern(kern: Kern, height: float) -> int:
    """The kern at a height."""
    for k in range(1, len(kern), 2):
        if kern[k] > height:
            return kern[k - 1]
    return kern[-1] if kern else 0
