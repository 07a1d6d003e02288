"""Every error that lstmgraph raises on purpose: what is wrong, where, and a way out.

`str(error)` is the whole message for a person; the command line prints it and exits with `exit_code`.  To add a kind
of error, subclass the nearest one: the exit code comes with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from reprlib import repr as shortened
from typing import Any


@dataclass(frozen=True)
class Place:
    """A stretch of somebody's text: `line` and `column` count from 1, `text` is the line, `width` what to mark."""

    source: str
    line: int
    column: int
    text: str = ""
    width: int = 1

    def __str__(self) -> str:
        return f"{self.source}:{self.line}:{self.column}"

    def caret(self) -> str:
        """The line with a caret under the place; long lines are cut around it, which … shows."""
        start = max(0, self.column - 60)
        end = start + 110
        shown = "".join(c if c.isprintable() else " " for c in self.text[start:end])
        before, after = "…" if start else "", "…" if end < len(self.text) else ""
        indent = len(before) + self.column - 1 - start
        width = max(1, min(self.width, len(before + shown) - indent))
        return f"    {before}{shown}{after}\n    {' ' * indent}^{'~' * (width - 1)}"


class LstmgraphError(Exception):
    """The root.  `hint` says what to do about it."""

    exit_code = 1

    def __init__(self, message: str, *, place: Place | None = None, hint: str = "") -> None:
        super().__init__(message)
        self.message, self.place, self.hint = message, place, hint

    def __str__(self) -> str:
        lines = [f"{self.place}: {self.message}" if self.place else self.message]
        if self.place and self.place.text:
            lines.append(self.place.caret())
        if self.hint:
            lines.append(f"hint: {self.hint}")
        return "\n".join(lines)


class UsageError(LstmgraphError):
    """The call cannot be understood: a wrong name, option or argument."""

    exit_code = 2


INSTEAD = {"dtype": ["code of the others takes the type of its parameters"]}


class UnknownOption(UsageError):
    """`target` has no `option` of Python's; those in `having` have."""

    def __init__(self, target: str, option: str, having: Sequence[str], *, spelled: str = "") -> None:
        self.target, self.option, self.having = target, option, having
        hint = "; ".join([f"targets that have it: {', '.join(having)}", *INSTEAD.get(option, ())])
        super().__init__(f"the target {target!r} has no option {spelled or repr(option)}", hint=hint)


class WrongType(UsageError):
    """`what` ("the option step") is given something of a type that is none of those that it `takes`."""

    def __init__(self, what: str, given: object, takes: Sequence[str], *, hint: str = "") -> None:
        self.what, self.given, self.takes = what, given, takes
        listed = " or ".join(filter(None, (", ".join(takes[:-1]), takes[-1])))
        super().__init__(f"{what} takes {listed}, not {shortened(given)}", hint=hint)


def mapping(what: str, given: object, to: str) -> Mapping[str, Any]:
    """What is given, nothing where that is None.  Raises WrongType unless it is a mapping from names `to` something."""
    if given is not None and not isinstance(given, Mapping):
        raise WrongType(what, given, [f"a mapping from names to {to}"])
    return given or {}


# What is asked for by a name, is not there on purpose, and what to take instead.
MISSED = {
    ("target", "numba"): "the target 'c' is compiled: numba takes longer than it, and than NumPy for many samples "
    "(measured: docs/speed.md, the row 'numba, by hand')",
}


class UnknownName(UsageError):
    """`given` is none of the `known` names of that `kind` ("cell", "style", "size", ...), maybe those `of` a cell."""

    def __init__(
        self, kind: str, given: str, known: Iterable[str], *, place: Place | None = None, of: str = ""
    ) -> None:
        self.kind, self.given, self.known = kind, given, sorted(known)
        hint = MISSED.get((kind, given)) or suggestion(str(given), self.known)
        super().__init__(f"there is no {kind} {given!r}{of and f' in {of}'}", place=place, hint=hint)


class CellError(LstmgraphError):
    """The definition of a cell is wrong."""

    exit_code = 3


class CellSyntaxError(CellError):
    """The text of a cell cannot be read: TOML, or an equation outside the language."""


class CellNameError(CellError):
    """A name in a cell is unknown, defined twice, or used in a cycle."""


class ShapeError(CellError):
    """Shapes that do not fit, or sizes that stay open."""


class ArrayError(UsageError):
    """An array that is given is none of finite real numbers."""


class ArrayShapeError(ArrayError, ShapeError):
    """The shape of an array that is given does not fit: the array is wrong (as of any argument), not the cell."""


class MissingExtra(LstmgraphError):
    """Something optional that is not installed is needed."""

    exit_code = 2  # 1 is for checks that failed: a script must be able to tell


class CheckFailed(LstmgraphError):
    """A check ran and found a difference that is out of bounds."""


def suggestion(given: str, known: Iterable[str]) -> str:
    """The way out for a misspelt name: the nearest known one, else all of them."""
    import difflib  # slow to load, and needed by mistakes only

    names = sorted(known)
    near = difflib.get_close_matches(given.lower(), [n.lower() for n in names], n=1, cutoff=0.6)
    match = next((n for n in names if near and n.lower() == near[0]), None)
    if match:
        return f"did you mean {match!r}?"
    return f"known: {', '.join(names)}" if names else "there are none"
