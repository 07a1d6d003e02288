r"""Measures the pieces of labels, as ziamath sets them, for `lstmgraph/diagram/typeset/composing.py`.

A piece is measured on its own and inside a subscript, whose glyphs may be others; a function also under a superscript.
`benchmarks/outlines.py` writes the table.
"""

from __future__ import annotations

import string
from collections.abc import Iterator
from typing import Any, NamedTuple

from lstmgraph.diagram.order import CIRCLED
from lstmgraph.diagram.typeset.boxes import FORMS
from lstmgraph.diagram.typeset.outlines import Shape
from lstmgraph.diagram.typeset.setting import from_start, parsed, plain_paths
from lstmgraph.notation.letters import GREEK

SIZE = 100.0
SIGNS = [*"+-=<>()[],;:/!@", r"\,"]
COMMANDS = ["cdot", "times", "odot", "otimes", "oplus", "circ", "bullet", "top", "prime", "langle", "rangle", "partial"]
COMMANDS += ["star", "ast", "infty", "sum", "le", "ge", "neq", "approx", "to", "in", "ell", "exp", "log", "max", "min"]
COMMANDS += ["sin", "cos", "ln", "tanh", "det", "div", "surd", "oslash", "mid", "forall"]
ACCENTS = ("bar", "tilde", "hat", "check", "dot")

KINDS = {"mi": "letter", "mn": "number", "mo": "operator", "mover": "accent", "mspace": "space", "mtext": "text"}


class Piece(NamedTuple):
    """A row of the table; `glyphs` are in their places."""

    token: str
    variant: str
    fields: tuple[str, ...]
    glyphs: tuple[tuple[Shape, float, float], ...]


def tokens() -> list[str]:
    """All that is measured."""
    letters = [*string.ascii_letters, *(f"\\{name}" for name in GREEK)]
    found = {*letters, *string.digits, *SIGNS, *(f"\\{name}" for name in COMMANDS)}
    found |= {rf"\{accent}{{{letter}}}" for accent in ACCENTS for letter in letters}
    found |= {rf"\bar{{\tilde{{{letter}}}}}" for letter in letters}
    found |= {rf"\mathrm{{{letter}}}" for letter in string.ascii_letters}
    found |= {rf"\text{{{words}}}" for words in (*CIRCLED, "Cell")}
    found |= {rf"\operatorname{{{letter}}}" for letter in string.ascii_letters + string.digits}
    return sorted(found)


def pieces() -> Iterator[Piece]:
    """Every piece, measured."""
    with plain_paths() as ziamath:
        for token in tokens():
            alone = _core(ziamath.Latex(token, size=SIZE).node)
            if alone is None:
                continue
            yield _measured(token, "0", alone, 1.0)
            yield _measured(token, "1", _core(_scripts(ziamath.Latex(f"x_{{{token}}}", size=SIZE).node).nodes[1]), 0.7)
            if _kind(alone) == "function":
                yield _measured(token, "0^", _scripts(ziamath.Latex(f"{token}^{{2}}", size=SIZE).node).nodes[0], 1.0)


def _core(node: Any) -> Any:
    """The node inside of rows of one; None for what stretches with its neighbours, or is none."""
    while node.mtag == "mrow" and len(node.nodes) == 1:
        node = node.nodes[0]
    return None if node.mtag == "mrow" or node.params.get("stretchy") == "true" else node


def _scripts(node: Any) -> Any:
    while node.mtag == "mrow":
        node = node.nodes[0]
    return node


def _kind(node: Any) -> str:
    if node.params.get("movablelimits") == "true":
        return "limits"
    if node.mtag == "mi" and len(node.element.text or "") > 1:
        return "function"
    return KINDS[node.mtag]


def _measured(token: str, variant: str, node: Any, scale: float) -> Piece:
    """A node as a row; `scale` is that of its script."""
    to_units = 1000 / scale
    leaves = list(_leaves(node, 0.0, 0.0))
    advance, right, spaces = node.xadvance(), node.bbox.xmax, ""
    if node.mtag == "mo" and variant == "0":  # bare: its spaces depend on where it stands
        leaves = [(x - _spaces(node, node.form)[0], y, leaf) for x, y, leaf in leaves]
        advance, right = (max(x + reach(leaf) for x, _, leaf in leaves) for reach in (_advance, _right))
        spaces = " ".join(_short(to_units * gap) for form in FORMS for gap in _spaces(node, form))
    attach = node.base_xadvance if node.mtag == "mover" and node._isaccent else 0.0
    box = advance, node.bbox.xmin, right, node.bbox.ymin, node.bbox.ymax, attach
    measures = " ".join(_short(to_units * n) for n in box)
    first, last = _end(node, node.firstglyph(), "topleft"), _end(node, node.lastglyph(), "bottomright")
    glyphs = tuple(glyph for x, y, leaf in leaves for glyph in _glyph(leaf, to_units * x, to_units * y))
    return Piece(token, variant, (_kind(node), measures, first, last, spaces), glyphs)


def _advance(leaf: Any) -> float:
    return float(leaf.xadvance())


def _right(leaf: Any) -> float:
    return float(leaf.bbox.xmax)


def _glyph(leaf: Any, x: float, y: float) -> Iterator[tuple[Shape, float, float]]:
    """The shape of a glyph, where it is drawn, at the full size; nothing for a space."""
    drawn = leaf.glyph.place(0, 0, SIZE)
    commands = parsed(drawn.get("d", "")) if drawn is not None else []
    if commands:
        shape, at_x, at_y = from_start(commands)
        yield shape, x + at_x, y + at_y


def _leaves(node: Any, x: float, y: float) -> Iterator[tuple[float, float, Any]]:
    """The glyphs under a node, and where they are drawn."""
    for (dx, dy), child in zip(node.nodexy, node.nodes, strict=True):
        if hasattr(child, "glyph"):
            yield x + dx, y + dy, child
        else:
            yield from _leaves(child, x + dx, y + dy)


def _spaces(node: Any, form: str) -> tuple[float, float]:
    """What an operator has before and after it where it has that form."""
    from ziamath import operators

    params = {**operators.get_params(node.string, form), **node.element.attrib}
    return node.size_px(params.get("lspace", "0")), node.size_px(params.get("rspace", "0"))


def _end(node: Any, glyph: Any, corner: str) -> str:
    """How high a glyph reaches, its slant, and its kerns at that corner."""
    if glyph is None:
        return ""
    math, box = node.font.math, glyph.path.bbox
    record = math.kernInfo.glyph(glyph.index) if math.kernInfo else None
    table = getattr(record, corner, None)
    heights, kerns = getattr(table, "heights", []), getattr(table, "kernvalues", [])
    steps = [n for pair in zip(kerns, heights, strict=False) for n in pair] + list(kerns[-1:])
    slant = math.italicsCorrection.getvalue(glyph.index) or 0
    return " ".join(_short(100 * n) for n in (box.ymin, box.ymax, slant, *steps))


def _short(value: float) -> str:
    return f"{value:.8g}"
