"""What may be chosen of a drawing: the options, what each style has, what goes together with what.

To add an option: a field of `Choices`, its words in `Cell.draw` and in the command `draw`, and the styles that lack it
in `STYLES`.  Everything here is said before anything is drawn, so it imports nothing that draws.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple, cast

from lstmgraph.api.catalogue import check_name
from lstmgraph.diagram.look import DETAILS, PARTS, Bias, Detail, Look
from lstmgraph.diagram.themes import load_theme
from lstmgraph.errors import UsageError

if TYPE_CHECKING:
    from lstmgraph.cell import Cell

MODES = ("auto", "light", "dark")
LONGEST = 1000  # steps of a chain


@dataclass(frozen=True)
class Choices:
    """What a drawing shows, and how; see `api.cell.Cell.draw`."""

    style: str = "pipe"
    walk: str | None = None
    step: int | None = None
    theme: str = "default"
    notation: str | None = None
    mode: str = "auto"
    legend: bool = True
    equations: bool = False
    detail: str | None = None
    show: tuple[str, ...] | None = None
    order: bool = False
    unroll: int | None = None
    against: Cell | None = None
    sheet: bool = False
    backward: bool = False
    open: tuple[tuple[str, float], ...] | None = None

    def has(self, option: str) -> bool:
        return getattr(self, option) not in (None, False)


class Style(NamedTuple):
    """A line about a style, and the options that it lacks."""

    words: str
    lacks: tuple[str, ...] = ()


_LAID_OVER = ("walk", "step", "sheet", "detail", "show", "order", "unroll", "against", "backward")

STYLES = {
    "pipe": Style("what is carried from step to step runs straight through, the networks stand under it", ("open",)),
    "cell-block": Style(
        "the memory in the centre, gates around it; dashed lines carry values of the previous step", ("unroll", "open")
    ),
    "plumbing": Style("the memory as a water pipe, gates as valves that stand open or shut (--open)", _LAID_OVER),
    "dag": Style(
        "every operation, parameter and number of the SymPy expressions; needs Graphviz", (*_LAID_OVER, "open")
    ),
}

# Options that do not go together, and what to do instead.
EXCLUDES: tuple[tuple[str, str, str], ...] = (
    ("against", "walk", "a difference has no steps: draw the steps of each cell on its own"),
    ("against", "step", "a difference has no steps: draw the steps of each cell on its own"),
    ("against", "backward", "draw the backward pass of each cell on its own"),
    ("against", "sheet", "a difference has no steps: draw a sheet of each cell on its own"),
    ("against", "unroll", "draw the chain of each cell on its own"),
    ("backward", "walk", "the walks go forward: leave one of them out"),
    ("backward", "step", "the walks go forward: leave one of them out"),
    ("backward", "sheet", "the walks go forward: leave one of them out"),
    ("backward", "order", "the numbers are those of the forward pass: leave one of them out"),
    ("backward", "unroll", "the backward pass is that of one step: leave one of them out"),
    ("sheet", "step", "a sheet shows all steps: leave one of them out"),
    ("sheet", "unroll", "a walk goes through one step: leave one of them out"),
    ("walk", "unroll", "a walk goes through one step: leave one of them out"),
    ("step", "unroll", "a walk goes through one step: leave one of them out"),
)


def check(choices: Choices) -> None:
    """Raises UnknownName for a name that does not exist, UsageError for what does not go together."""
    check_name("style", choices.style, STYLES)
    load_theme(choices.theme)
    check_name("mode", choices.mode, MODES)
    for option in STYLES[choices.style].lacks:
        if choices.has(option):
            having = ", ".join(name for name, style in STYLES.items() if option not in style.lacks)
            message = f"the option {option} does not go with the style {choices.style!r}"
            raise UsageError(message, hint=f"it goes with: {having}")
    for one, other, way_out in EXCLUDES:
        if choices.has(one) and choices.has(other):
            raise UsageError(f"the options {one} and {other} do not go together", hint=way_out)
    if choices.unroll is not None and not 1 <= choices.unroll <= LONGEST:
        raise UsageError(f"a chain of {choices.unroll} steps cannot be drawn", hint=f"from 1 to {LONGEST}")
    if choices.detail is not None:
        check_name("detail", choices.detail, DETAILS)
    for part in choices.show or ():
        check_name("part to show", part, PARTS)


def look_of(choices: Choices) -> Look:
    """The look of the theme, with what the options change."""
    look = load_theme(choices.theme).look
    if choices.detail is not None:
        look = replace(look, detail=cast("Detail", choices.detail))
    parts = choices.show
    if parts is None:  # a network that is one box has its bias inside
        return replace(look, bias="none") if look.detail == "gates" else look
    bias: Bias = "none" if "bias" not in parts else "name" if look.bias == "none" else look.bias
    return replace(look, bias=bias, values="values" in parts, weights="weights" in parts, sizes="shapes" in parts)


def parts_to_show(given: str | Sequence[str] | None) -> tuple[str, ...] | None:
    """What an option asks to be written: "weights,shapes", "all", "none" or a list; None where it says nothing."""
    if given is None:
        return None
    words = [w.strip() for w in given.split(",")] if isinstance(given, str) else list(given)
    if words == ["all"]:
        return PARTS
    if len(words) > 1 and (alone := next((w for w in words if w in ("all", "none")), None)):
        raise UsageError(f"{alone!r} stands alone, not beside other parts", hint=f"parts: {', '.join(PARTS)}")
    return () if words in (["none"], [""]) else tuple(words)


def openings(given: str | Mapping[str, float] | None) -> tuple[tuple[str, float], ...] | None:
    """How far gates stand open: "f=1,i=0", or a mapping.  Raises UsageError for text that is not that."""
    if given is None:
        return None
    if not isinstance(given, str):
        return tuple(given.items())
    found = []
    for part in given.split(","):
        name, equals, value = (word.strip() for word in part.partition("="))
        try:
            found.append((name, float(value)))
        except ValueError:
            equals = ""
        if not (name and equals):
            raise UsageError(f"{part.strip()!r} does not say how far a gate is open", hint="as in --open f=1,i=0.5")
    return tuple(found)
