"""The text of equations: where each of its characters stands in the file, and its equations, one a line.

A line goes on while a bracket is open.  What follows `#` is a note on the equation of that line.  This module knows
nothing of what an equation means; `expressions.py` parses each of them.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from lstmgraph.errors import CellSyntaxError, Place
from lstmgraph.reading.mistakes import SPLIT

MAX_CHARACTERS = 200_000  # of a whole file; the largest cells in print have fewer than 3000
MAX_EQUATIONS = 250
MAX_LENGTH = 8_000  # of one equation
MAX_NESTING = 40

_OPENING, _CLOSING = "([{", ")]}"
_NEW_EQUATION = re.compile(r"[ \t]*\w+[ \t]*\[[ \t]*t[ \t]*\][ \t]*=(?!=)")


@dataclass(frozen=True)
class Text:
    """`text` is what the parser reads; its character k stands at `offsets[k]` of `whole`, the file it is from."""

    text: str
    source: str
    whole: str
    offsets: Sequence[int]

    @staticmethod
    def alone(text: str, source: str) -> Text:
        """Text that is a file of its own."""
        return Text(text, source, text, range(len(text) + 1))

    @cached_property
    def _lines(self) -> list[int]:
        return [0, *(m.end() for m in re.finditer("\n", self.whole))]

    def place(self, start: int, end: int | None = None) -> Place:
        """The place of text[start:end], cut where its line ends."""
        at = self._raw(start)
        line = bisect_right(self._lines, at) - 1
        begin = self._lines[line]
        stop = self.whole.find("\n", begin)
        content = self.whole[begin : stop if stop >= 0 else len(self.whole)]
        last = self._raw(end) if end is not None else at + 1
        width = max(1, min(last, begin + len(content)) - at)
        return Place(self.source, line + 1, at - begin + 1, content, width)

    def _raw(self, offset: int) -> int:
        return self.offsets[min(offset, len(self.offsets) - 1)] if self.offsets else 0


class Line(NamedTuple):
    """One equation: text[start:end] with what it says, and the comments beside it."""

    start: int
    end: int
    note: str


def require_text(given: object) -> None:
    """From Python anything may come."""
    if not isinstance(given, str):
        raise CellSyntaxError(
            f"a cell is read from text, not from {type(given).__name__}",
            hint='give equations as text: "h[t] = tanh(x[t])"',
        )


def split(text: Text) -> Iterator[Line]:
    """The equations of a text.  Raises CellSyntaxError for one that is too large, or a bracket that is left open."""
    _refuse_oddities(text)
    count, start = 0, 0
    while start < len(text.text):
        line, start = _take(text, start)
        if line is None:
            continue
        count += 1
        if count > MAX_EQUATIONS:
            raise CellSyntaxError(f"more than {MAX_EQUATIONS} equations", place=text.place(line.start))
        if line.end - line.start > MAX_LENGTH:
            raise CellSyntaxError(
                f"an equation of more than {MAX_LENGTH} characters",
                place=text.place(line.start),
                hint=SPLIT,
            )
        yield line


def _refuse_oddities(text: Text) -> None:
    if len(text.text) > MAX_CHARACTERS:
        raise CellSyntaxError(
            f"{text.source}: more than {MAX_CHARACTERS} characters: too large for the equations of a cell"
        )
    odd = re.search(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]", text.text.replace("\r\n", " \n"))
    if odd:
        where = text.place(odd.start(), odd.end())
        raise CellSyntaxError(f"a control character, {odd[0]!r}, in the equations", place=where)


def _take(text: Text, start: int) -> tuple[Line | None, int]:
    """The equation that begins at `start` (None for a line without one), and where the next line begins."""
    source, notes, opened = text.text, [], list[int]()
    at, end = start, start
    while at < len(source):
        char = source[at]
        if char == "#":
            stop = source.find("\n", at)
            stop = len(source) if stop < 0 else stop
            notes.append(source[at:stop].strip("# \t\r"))
            at = stop
            continue
        if char == "\n":
            if not opened:
                break
            _refuse_open_bracket(text, opened[-1], at + 1)
        elif not char.isspace():
            end = at + 1
        _track(text, opened, at)
        at += 1
    if opened:
        raise _never_closed(text, opened[-1])
    begin = start + len(source[start:end]) - len(source[start:end].lstrip())
    return (Line(begin, end, " ".join(filter(None, notes))) if begin < end else None), at + 1


def _track(text: Text, opened: list[int], at: int) -> None:
    """Keep `opened`, the places of the brackets that are open before the character at `at`."""
    char = text.text[at]
    if char in _OPENING:
        opened.append(at)
        if len(opened) > MAX_NESTING:
            raise CellSyntaxError(
                f"brackets nested more than {MAX_NESTING} deep",
                place=text.place(at),
                hint=SPLIT,
            )
    elif char in _CLOSING:
        if not opened or _OPENING.index(text.text[opened[-1]]) != _CLOSING.index(char):
            raise CellSyntaxError(f"this {char!r} closes nothing", place=text.place(at))
        opened.pop()


def _refuse_open_bracket(text: Text, bracket: int, at: int) -> None:
    if _NEW_EQUATION.match(text.text, at):
        raise _never_closed(text, bracket)


def _never_closed(text: Text, bracket: int) -> CellSyntaxError:
    opening = text.text[bracket]
    closing = _CLOSING[_OPENING.index(opening)]
    return CellSyntaxError(
        f"this {opening!r} is never closed", place=text.place(bracket), hint=f"a {closing!r} is missing"
    )
