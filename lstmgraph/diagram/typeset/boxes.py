"""Boxes of glyphs, and how they are put together: the rules of the font's MATH table, as ziamath reads them.

Lengths are in units of the em of the whole label.  A script's box is made at the size of its level: its pieces have
glyphs of their own, and its operators no space around them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

from lstmgraph.diagram.typeset.outlines import Shape, known_row, scaled, shape_at, shape_of

SCALE = 0.7  # of a script
SPACE = 10.00002 * 1.333 / 10 / 18 * 1e5  # the thinnest of spaces: what ziamath makes of an eighteenth of an em
# The font's constants, for a label of its full size.
SUB_DOWN, SUB_TOP, SUB_DROP = 21000, 36800, 16000
SUP_UP, SUP_BOTTOM, SUP_DROP, GAP = 36000, 12000, 23000, 15000
AXIS, RULE, OVER_GAP, FRACTION, FRACTION_GAP = 25800, 6800, 17500, 64000, 15000
FORMS = ("none", "prefix", "infix", "postfix")  # of an operator: where in its row it stands

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
    """A shape in its place: from the beginning of the box, and from the baseline down."""

    shape: Shape
    x: float
    y: float


@dataclass(frozen=True)
class Box:
    """Something set: how far it moves the pen, the bounds of its ink (up is positive), and its shapes."""

    kind: str  # letter, function, number, operator, limits, accent, row, scripts, fraction, space, text
    advance: float
    left: float
    right: float
    bottom: float
    top: float
    first: End | None
    last: End | None
    ink: tuple[Ink, ...]
    attach: float = 0  # where the subscript of an accented letter begins, if that is not where its box ends
    spaces: tuple[tuple[float, float], ...] = ()  # of an operator, before and after, in each of the `FORMS`


# ── pieces ──


@cache
def piece(token: str, level: int, variant: str = "") -> Box:
    """A measured piece, at the size of that level of scripts.  Raises NotComposed."""
    found = known_row("atoms", token + "\t" + ("1" if level else "0") + variant)
    if found is None:
        raise NotComposed
    kind, measures, first, last, spaces, glyphs = found.split("\t")
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


# ── rows ──


def row(boxes: Sequence[Box], level: int) -> Box:
    """Side by side, with the spaces of operators, of which scripts have none.  Raises NotComposed for no boxes."""
    if not boxes:
        raise NotComposed
    if not level:
        boxes = [spaced(box, _form(k, len(boxes))) for k, box in enumerate(boxes)]
        boxes = [_apart(box, boxes[k - 1] if k else None) for k, box in enumerate(boxes)]
    pen, placed = 0.0, []
    for box in boxes:
        placed.append((pen, box))
        pen += box.advance
    return Box(
        "row",
        pen,
        min(x + box.left for x, box in placed),
        max(0.0, *(x + box.right for x, box in placed)),
        min(box.bottom for box in boxes),
        max(box.top for box in boxes),
        boxes[0].first,
        boxes[-1].last,
        tuple(ink for x, box in placed for ink in _moved(box, x, 0)),
    )


def name(letters: Sequence[Box]) -> Box:
    """The name of an operator: one operator of several letters."""
    together = row([replace(letter, spaces=()) for letter in letters], 1)
    return replace(together, kind="operator", left=letters[0].left, spaces=letters[0].spaces)


def spaced(box: Box, form: str) -> Box:
    """An operator with its spaces; anything else as it is."""
    if not box.spaces:
        return box
    before, after = box.spaces[FORMS.index(form)]
    right = before + max(box.right, box.advance + after)
    return replace(box, right=right, advance=right, ink=_moved(box, before, 0), spaces=())


def _form(k: int, count: int) -> str:
    return "none" if count == 1 else "prefix" if k == 0 else "postfix" if k == count - 1 else "infix"


def _apart(box: Box, before: Box | None) -> Box:
    """A fraction stands off from what is before it."""
    if box.kind != "fraction" or before is None:
        return box
    x = SPACE * (2 if before.kind == "fraction" else 3)
    return replace(box, advance=box.advance + x, right=box.right + x, ink=_moved(box, x, 0))


def _moved(box: Box, x: float, y: float) -> tuple[Ink, ...]:
    return tuple(Ink(ink.shape, x + ink.x, y + ink.y) for ink in box.ink)


# ── scripts ──


def scripts(base: Box, sub: Box | None, sup: Box | None, scale: float) -> Box:
    """A base with a subscript, a superscript or both; `scale` is that of the base."""
    if sub and sup:
        return _both(base, sub, sup, scale)
    if sub:
        kern, y = _below(base, sub, scale)
        x = (base.attach or base.advance) + kern
        return _one(base, sub, x, y, x + sub.advance)
    if sup:
        slant, y = _above(base, sup, scale)
        x = base.advance + slant
        return _one(base, sup, x, y, x + _width(base, sup, scale))
    return base


def _one(base: Box, script: Box, x: float, y: float, end: float) -> Box:
    right = max(end, base.right, x + script.right)
    return Box(
        "scripts",
        right,
        min(base.left, x + script.left),
        right,
        min(base.bottom, script.bottom - y),
        max(base.top, script.top - y),
        base.first,
        script.last,
        (*base.ink, *_moved(script, x, y)),
    )


def _both(base: Box, sub: Box, sup: Box, scale: float) -> Box:
    """The scripts give way to each other, each by half of what they lack."""
    (kern, down), (slant, up) = _below(base, sub, scale), _above(base, sup, scale)
    lack = max(0.0, scale * GAP - (down - sub.top - (up - sup.bottom)))
    down, up = down + lack / 2, up - lack / 2
    low, high = base.advance + kern, base.advance + slant
    right = max(low + sub.advance, high + _width(base, sup, scale))
    return Box(
        "scripts",
        right,
        base.left,
        right,
        min(-base.bottom, sub.bottom - down),  # with this sign in ziamath
        max(base.top, sup.top - up),
        base.first,
        sup.last,
        (*base.ink, *_moved(sub, low, down), *_moved(sup, high, up)),
    )


def _width(base: Box, sup: Box, scale: float) -> float:
    """Of a superscript, which is followed by a space where its base is a function."""
    return sup.right + (2 * SPACE * scale if base.kind == "function" else 0)


def _below(base: Box, sub: Box, scale: float) -> tuple[float, float]:
    """How far from the end of its base a subscript begins, and how far down."""
    if base.last is None or sub.first is None:
        raise NotComposed
    height = base.last.bottom - SUB_DOWN + sub.first.top * SCALE
    kern = min(_kern(base.last.kern, h) + _kern(sub.first.kern, h) for h in (height, SUB_DOWN))
    down = float(SUB_DOWN)
    if base.kind not in ("letter", "function", "number") and not base.attach:
        down = max(down, sub.first.top - SUB_TOP, SUB_DROP - base.bottom / scale)
    return scale * kern, scale * down


def _above(base: Box, sup: Box, scale: float) -> tuple[float, float]:
    """How far from the end of its base a superscript begins, and how far down: up is negative."""
    if base.last is None or sup.first is None:
        raise NotComposed
    up = max(SUP_UP, SUP_BOTTOM - sup.first.bottom, base.top / scale - SUP_DROP)
    return scale * base.last.slant, -scale * up


def _kern(kern: Kern, height: float) -> int:
    for k in range(1, len(kern), 2):
        if kern[k] > height:
            return kern[k - 1]
    return kern[-1] if kern else 0


# ── lines ──


def fraction(over: Box, under: Box) -> Box:
    """One over the other, each in the middle, in a label's full size."""
    up = max(FRACTION, AXIS + FRACTION_GAP - over.bottom + RULE / 2)
    down = max(FRACTION, FRACTION_GAP - AXIS + under.top + RULE / 2)
    width = max(over.right, under.right)
    ink = (
        *_moved(over, (width - (over.right - over.left)) / 2, -up),
        *_moved(under, (width - (under.right - under.left)) / 2, down),
        _bar(-AXIS - RULE / 2, width, RULE),
    )
    right = width + 3 * SPACE
    return Box("fraction", right, 0, right, under.bottom - down, up + over.top, over.first, None, ink)


def overline(base: Box, scale: float) -> Box:
    """A line over a box, as long as that is wide."""
    rule, gap = scale * RULE, scale * OVER_GAP
    width = base.right - base.left
    top = base.top + gap + rule
    ink = (*base.ink, _bar(-base.top - gap - rule / 2, width, rule))
    right = max(width, base.right)
    return Box("accent", right, min(0, base.left), right, base.bottom, top, base.first, base.last, ink, base.advance)


def _bar(y: float, width: float, height: float) -> Ink:
    corners = [("m", (0, 0)), ("l", (width, 0)), ("l", (width, height)), ("l", (0, height)), ("z", ())]
    return Ink(shape_of(corners), 0, y)
