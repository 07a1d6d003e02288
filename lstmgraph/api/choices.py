"""What may be chosen of a drawing: the options, what each style has, what goes together with what.

To add an option: a row in `Choices`, of which the command `draw` makes its option, a keyword of `Cell.draw`, and the
code that reads it; styles that lack it say so in `STYLES`.  Everything here is said before anything is drawn, so it
imports nothing that draws.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from lstmgraph.api.catalogue import check_name
from lstmgraph.diagram.look import DETAILS, PARTS, Bias, Detail, Look
from lstmgraph.diagram.themes import load_theme
from lstmgraph.errors import UsageError, WrongType

if TYPE_CHECKING:
    from lstmgraph.cell import Cell

MODES = ("auto", "light", "dark")
LONGEST = 1000  # steps of a chain


class Also(NamedTuple):
    """What an option takes from Python besides text: in words, and whether a value is that."""

    words: str
    fits: Callable[[Any], bool]


@dataclass(frozen=True)
class Option:
    """A row: what `draw --help` says, how the option is given there, and what it takes.

    `metavar` is what stands for its value, `takes` what that is: text, a whole number (`span` says in words which), or
    one of some words; `also` what it takes in Python besides text.  `read` makes of what a caller gives what a field
    of `Choices` holds.  `see`: the command that lists what there is, which only the command line names.  `laid_over`:
    it is laid over a picture, or makes several of one.
    """

    name: str
    default: Any
    words: str
    metavar: str | None = None
    takes: type | tuple[str, ...] = str
    span: str = ""
    see: str = ""
    also: Also | None = None
    read: Callable[[Any], Any] | None = None
    laid_over: bool = False

    @property
    def taken(self) -> tuple[str, ...]:
        """What it takes, in words."""
        if isinstance(self.default, bool):
            return "True", "False"
        if isinstance(self.takes, tuple):
            return self.takes
        kinds = f"a whole number{self.span}" if self.takes is int else "text", self.also and self.also.words
        return (*filter(None, kinds), *(["None"] if self.default is None else []))

    def check(self, given: object) -> None:
        """Raises WrongType for a value of a type that it does not take."""
        if not (self.default is None if given is None else self._fits(given)):
            hint = self.words.split("  [")[0].rstrip(".")
            raise WrongType(f"the option {self.name}", given, self.taken, hint=hint)

    def _fits(self, given: object) -> bool:
        if isinstance(self.default, bool):
            return isinstance(given, bool)
        if self.takes is int:
            return isinstance(given, Integral) and not isinstance(given, bool)
        return isinstance(given, str) or (self.also is not None and self.also.fits(given))


def _row(default: Any, words: str, metavar: str | None = None, **more: Any) -> Any:
    return field(default=default, metadata={"words": words, "metavar": metavar, **more})


def _cell(given: Cell | str | None) -> Cell | None:
    from lstmgraph.api.cell import load

    return load(given) if isinstance(given, str) else given


def _is_cell(given: object) -> bool:
    from lstmgraph.cell import Cell

    return isinstance(given, Cell)


def _is_words(given: object) -> bool:
    return isinstance(given, Sequence) and all(isinstance(word, str) for word in given)


def _is_openings(given: object) -> bool:
    return isinstance(given, Mapping) and all(
        isinstance(gate, str) and isinstance(far, Real) and not isinstance(far, bool) for gate, far in given.items()
    )


def parts_to_show(given: str | Sequence[str] | None) -> tuple[str, ...] | None:
    """What an option asks to be written: "weights,shapes", "all", "none" or a list; None where it says nothing."""
    if given is None:
        return None
    words = [w.strip() for w in given.split(",")] if isinstance(given, str) else list(given)
    if words == ["all"]:
        return PARTS
    if "" in words:
        what = "the option show is empty" if len(words) == 1 else f"the option show has an empty part: {given!r}"
        raise UsageError(what, hint=f"none stands for nothing; parts: {', '.join(PARTS)}")
    if len(words) > 1 and (alone := next((w for w in words if w in ("all", "none")), None)):
        raise UsageError(f"{alone!r} stands alone, not beside other parts", hint=f"parts: {', '.join(PARTS)}")
    return () if words == ["none"] else tuple(words)


def openings(given: str | Mapping[str, float] | None) -> tuple[tuple[str, float], ...] | None:
    """How far gates stand open: "f=1,i=0", or a mapping.  Raises UsageError for text that is not that."""
    if given is None:
        return None
    if not isinstance(given, str):
        return tuple((name, float(far)) for name, far in given.items())
    found = []
    for part in given.split(","):
        name, equals, value = (word.strip() for word in part.partition("="))
        try:
            found.append((name, float(value)))
        except ValueError:
            equals = ""
        if not (name and equals):
            raise UsageError(f"{part.strip()!r} does not say how far a gate is open", hint="as in f=1,i=0.5")
        if name in dict(found[:-1]):
            raise UsageError(f"the gate {name} is given twice", hint=f"leave one of them out: {name}={value.strip()}")
    return tuple(found)


# fmt: off
@dataclass(frozen=True)
class Choices:
    """What a drawing shows, and how; see `api.cell.Cell.draw`."""

    style: str = _row("pipe", "pipe, cell-block, plumbing or dag.", "STYLE")
    walk: str | None = _row(None, "A walk through the cell.", "WALK", see="show CELL", laid_over=True)
    step: int | None = _row(
        None, "Light one step of the walk, the first is 1; all else is dimmed.", "K", takes=int,
        span=" from 1 on", laid_over=True)
    theme: str = _row("default", "Colours.", "THEME", see="list themes")
    notation: str | None = _row(
        None, "How names are typeset.  [default: the cell's own]", "NAME", see="list notations")
    mode: str = _row("auto", "auto: as the reader's screen.", takes=MODES)
    legend: bool = _row(True, "Say what the symbols mean.")
    equations: bool = _row(False, "Write the equations beside the picture, those of the step.", laid_over=True)
    detail: str | None = _row(
        None, "gates: one box a network; sums: its sum and its nonlinearity; full: every product and sum.  "
        "[default: the theme's]", "LEVEL")
    show: tuple[str, ...] | None = _row(
        None, "What is written beside the symbols: any of values,weights,shapes,bias, or all, or none.  "
        "[default: values,bias]", "PARTS", also=Also("a list of such", _is_words), read=parts_to_show)
    order: bool = _row(False, "Number the operations by stage of evaluation.", laid_over=True)
    unroll: int | None = _row(
        None, "N steps side by side, the middle one is t; style pipe.", "N", takes=int,
        span=f" from 1 to {LONGEST}", laid_over=True)
    against: Cell | None = _row(  # noqa: RUF009 - a row is a default that cannot change
        None, "Another cell: what only one of the two has is strong, the rest dimmed.", "CELL",
        also=Also("a Cell", _is_cell), read=_cell, laid_over=True)
    sheet: bool = _row(False, "All steps of the walk in a grid, with their titles and equations.", laid_over=True)
    backward: bool = _row(
        False, "The backward pass: cotangents against the arrows, with their formulas.", laid_over=True)
    open: tuple[tuple[str, float], ...] | None = _row(
        None, "How far gates stand open in the style plumbing: f=1,i=0; the others are half open.", "GATES",
        also=Also("a mapping of gates to numbers", _is_openings), read=openings, laid_over=True)

    def has(self, option: str) -> bool:
        return getattr(self, option) not in (None, False)
# fmt: on


OPTIONS = tuple(Option(f.name, f.default, **f.metadata) for f in fields(Choices))


ROWS = {row.name: row for row in OPTIONS}


def check_option(name: str, given: object) -> None:
    """Raises UnknownName for an option that does not exist, WrongType for a value of a type that it does not take."""
    ROWS[check_name("option", name, ROWS)].check(given)


def chosen(given: Mapping[str, Any]) -> Choices:
    """The choices that a caller's options make.

    Raises WrongType for a value of a type that an option does not take, UsageError for what cannot be read, UnknownName
    for an option or a cell that does not exist.
    """
    for name, value in given.items():
        check_option(name, value)
    readers = {name: row.read for name, row in ROWS.items() if row.read}
    return Choices(**{name: readers[name](value) if name in readers else value for name, value in given.items()})


class Style(NamedTuple):
    """A line about a style, and the options that it lacks."""

    words: str
    lacks: tuple[str, ...] = ()


# What only goes with drawings of nodes and wires in our own grammar.
_OF_NODES_AND_WIRES = ("walk", "step", "sheet", "detail", "show", "order", "unroll", "against", "backward")

STYLES = {
    "pipe": Style("what is carried from step to step runs straight through, the networks stand under it", ("open",)),
    "cell-block": Style(
        "the memory in the centre, gates around it; dashed lines carry values of the previous step", ("unroll", "open")
    ),
    "plumbing": Style("the memory as a water pipe, gates as valves that stand open or shut", _OF_NODES_AND_WIRES),
    "dag": Style(
        "every operation, parameter and number of the SymPy expressions; needs Graphviz", (*_OF_NODES_AND_WIRES, "open")
    ),
}

# Options that do not go together, and what to do instead.
EXCLUDES: tuple[tuple[str, str, str], ...] = (
    ("against", "walk", "a difference has no steps: draw the steps of each cell on its own"),
    ("against", "step", "a difference has no steps: draw the steps of each cell on its own"),
    ("against", "backward", "draw the backward pass of each cell on its own"),
    ("against", "sheet", "a difference has no steps: draw a sheet of each cell on its own"),
    ("against", "unroll", "draw the chain of each cell on its own"),
    ("against", "order", "number the operations of each cell on its own"),
    ("backward", "walk", "the walks go forward: leave one of them out"),
    ("backward", "step", "the walks go forward: leave one of them out"),
    ("backward", "sheet", "the walks go forward: leave one of them out"),
    ("backward", "order", "the numbers are those of the forward pass: leave one of them out"),
    ("backward", "unroll", "the backward pass is that of one step: leave one of them out"),
    ("sheet", "step", "a sheet shows all steps: leave one of them out"),
    ("sheet", "order", "number the operations of one step of the walk: choose the step"),
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
