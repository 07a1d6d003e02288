"""How large each kind of node is, where its ports are, and how far other wires keep away: all tables of sizes.

Everything stands on a square lattice of `PITCH` points, so two wires are never closer than one pitch.  A node's *reach*
is the number of lattice steps around its centre that foreign wires may not use.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from math import ceil, floor, sqrt

from lstmgraph.diagram.detail import NETWORK
from lstmgraph.diagram.graph import EXTERNAL as OUTSIDE
from lstmgraph.diagram.graph import PARAMETERS, Node
from lstmgraph.diagram.look import DEFAULT_LOOK, Look
from lstmgraph.diagram.outline import largest
from lstmgraph.diagram.path import STROKE
from lstmgraph.diagram.scene import Label, Point, Shape
from lstmgraph.diagram.typeset import measure

PITCH = 8.0
MAIN = 15.0  # the size of a value's name in its node
CLEARANCE = 2 * STROKE + STROKE / 2 + 1  # from a node's outline to the middle of a foreign wire

RIGHT, DOWN, LEFT, UP = 0, 1, 2, 3
DELTAS = ((1, 0), (0, 1), (-1, 0), (0, -1))  # one lattice step to each side


@dataclass(frozen=True)
class Form:
    """The look and the size of a node, in points."""

    shape: Shape
    width: float
    height: float

    def reach(self) -> tuple[int, int]:
        return self._reach

    @cached_property
    def _reach(self) -> tuple[int, int]:
        return reach(self.width), reach(self.height)


@dataclass(frozen=True)
class Port:
    """Where one value may enter or leave: `at` on the outline in points, `access` on the lattice, `out` the way out."""

    key: tuple[str, int, int]  # node, side, offset
    at: Point
    access: tuple[int, int]
    out: int


@cache
def reach(size: float) -> int:
    return floor((size / 2 + CLEARANCE) / PITCH - 1e-9)


CIRCLE = Form("circle", 32, 32)
EXTERNAL = Form("circle", 36, 36)
BIAS = Form("circle", 20, 20)
CELL = Form("circle", 80, 80)
MEMORY = r"\text{Cell}"  # what a Cell reads that is alone; others the name of their value
JOIN = Form("circle", 8, 8)
ELLIPSE = Form("ellipse", 52, 32)
SUM = Form("box", 68, 36)
SMALL_SUM = Form("box", 36, 36)
BOTH = ("memory_and_output", "previous_memory_and_output")  # operations of states that are both
NAMED = 6  # characters that fit into a circle outside
WIDEST = 260  # of all nodes
LEGIBLE = {"box": 0.6, "ellipse": 0.6, "circle": 0.8}  # of its size, that what is written in a node has at least
AIR = {"ellipse": 2.0}  # from a label to the outline around it, by shape
CLOSE = 0.8  # the same of other shapes
OWN_COLOUR = ("sigmoid", "tanh")  # functions that themes tell apart


def form_of(node: Node, operands: int, wide_sums: bool, look: Look = DEFAULT_LOOK) -> Form:
    """The form of a graph node; more operands than a circle has sides make it a box."""
    if node.kind in OUTSIDE:
        return _wide(EXTERNAL, node.glyph, "ellipse") if glyph_length(node.glyph) > NAMED else EXTERNAL
    if node.kind in PARAMETERS:
        return BIAS
    if node.kind == "sum":
        form = SUM if wide_sums or operands > 5 else SMALL_SUM
        return _wide(form, node.glyph, "box") if glyph_length(node.glyph) > 3 else form
    if node.kind == "function":
        return _function(look.shape_of(node.operation, "function") or "box", node.glyph)
    wide = glyph_length(node.glyph) > 3
    if operands > 3:
        return Form("box", max(68.0, 16.0 * operands + 4), 36)
    if look.shape_of(node.operation) == "box":
        return SUM if wide_sums or wide else SMALL_SUM
    return _wide(ELLIPSE, node.glyph, "ellipse") if wide else CIRCLE


def _function(shape: Shape, glyph: str) -> Form:
    """A nonlinearity with that written in it."""
    if shape == "ellipse":
        return CIRCLE if measure(Label(glyph, Point(0, 0), MAIN))[0] < 20 else _wide(ELLIPSE, glyph, "ellipse")
    return Form(shape, 52 if shape == "box" and glyph_length(glyph) > 4 else 36, 36)


def _wide(least: Form, glyph: str, shape: Shape) -> Form:
    """The least form, or one of another shape as wide as it must be for what is written in it to be legible."""
    size = measure(Label(glyph, Point(0, 0), MAIN))
    widths = range(int(least.width), WIDEST + 1, 2 * int(PITCH))
    forms = [least, *(Form(shape, width, least.height) for width in widths)]
    return next((form for form in forms if scale_in(form, *size) >= LEGIBLE[form.shape]), forms[-1])


def apart(one: Form, other: Form) -> int:
    """How many lattice steps two nodes stand apart at least, side by side outside."""
    return ceil((one.width + other.width) / 2 / PITCH + 1)


def scale_in(form: Form, width: float, height: float) -> float:
    """By how much something of that size may be scaled in the middle of a form, with a little air around it."""
    return largest(width, height, form.shape, (form.width, form.height), AIR.get(form.shape, CLOSE))


def glyph_length(latex: str) -> int:
    """Roughly how many characters wide a piece of LaTeX is."""
    words, k, count = latex.replace("operatorname", "").replace("mathrm", ""), 0, 0
    while k < len(words):
        if words[k] == "\\":
            k += 1
            while k < len(words) and words[k].isalpha():
                k += 1
            count += 1
            continue
        count += words[k] not in "{}^_ ,;!"
        k += 1
    return count


def role_of(node: Node, kind: str) -> str:
    """What a theme colours a node by; `kind` is the kind of the value that it stands for."""
    if node.kind in OUTSIDE:
        return node.operation if node.operation in BOTH else kind
    if node.kind == "function":
        return node.operation if node.operation in OWN_COLOUR else "function"
    if node.operation.endswith(NETWORK):
        own = node.operation.removesuffix(NETWORK) in OWN_COLOUR
        return node.operation if own else "network"
    if node.operation == "add":
        return "add"
    return {"constant": "bias"}.get(node.kind, node.kind)


def ports(id: str, form: Form, at: tuple[int, int], side: int, offsets: tuple[int, ...]) -> list[Port]:
    """The ports of a node on one side, at lattice offsets along that side."""
    across = form.reach()[0 if side in (RIGHT, LEFT) else 1]
    dx, dy = DELTAS[side]
    found = []
    for offset in offsets:
        access = (at[0] + dx * (across + 1) + (0 if dx else offset), at[1] + dy * (across + 1) + (0 if dy else offset))
        depth = _depth(form, side, offset * PITCH)
        point = Point(
            at[0] * PITCH + (dx * depth if dx else offset * PITCH),
            at[1] * PITCH + (dy * depth if dy else offset * PITCH),
        )
        found.append(Port((id, side, offset), point, access, side))
    return found


def _depth(form: Form, side: int, offset: float) -> float:
    """From the centre to the outline, at an offset along a side."""
    width, height = (form.width, form.height) if side in (RIGHT, LEFT) else (form.height, form.width)
    if form.shape in ("circle", "ellipse") and offset:
        return width / 2 * sqrt(max(0.0, 1 - (2 * offset / height) ** 2))
    return width / 2
