"""Where the entries of a TOML file stand: tomllib gives their values, but not their places.

Only for text that tomllib has accepted; so this scanner need not judge it, only find its keys and step over its values.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from lstmgraph.errors import Place
from lstmgraph.reading.text import Text

Path = tuple[str | int, ...]

_KEY = re.compile(r"""\s*(?:"(?P<quoted>[^"\n]*)"|'(?P<literal>[^'\n]*)'|(?P<bare>[\w-]+))\s*(?P<dot>\.)?""")
_STRING = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}(?!")|' + r"'''.*?'{3,5}(?!')|" + r'"(?:\\.|[^"\\\n])*"|' + r"'[^'\n]*'", re.DOTALL
)
_ESCAPES = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r", '"': '"', "\\": "\\"}


class Positions:
    """`keys` and `values` are the offsets of every entry's key and value, by path: ("walks", "gamma", 0, "title")."""

    def __init__(self, text: str, source: str) -> None:
        self.file = Text.alone(text, source)
        self.text = text
        self.keys: dict[Path, int] = {}
        self.values: dict[Path, int] = {}
        self.table: Path = ()
        self.counts: dict[Path, int] = {}
        at = 0
        while at < len(text):
            at = self._line(at)

    def __call__(self, *path: str | int) -> Place | None:
        """The place of an entry's key, or of the table that it is in."""
        for end in range(len(path), 0, -1):
            if path[:end] in self.keys:
                start = self.keys[path[:end]]
                word = re.compile(r"""[\w-]+|"[^"\n]*"|'[^'\n]*'""").match(self.text, start)
                return self.file.place(start, word.end() if word else None)
        return None

    def _line(self, at: int) -> int:
        """Read what begins at the start of a line; the start of the next one."""
        while at < len(self.text) and self.text[at] in " \t":
            at += 1
        first = self.text[at : at + 1]
        if first in ("", "\n"):
            return at + 1
        if first == "#":
            return self._end_of_line(at)
        if first == "[":
            return self._header(at)
        path, equals = self._key(at)
        for end in range(1, min(len(path), 9) + 1):
            self.keys.setdefault((*self.table, *path[:end]), at)
        start = equals + 1
        while self.text[start : start + 1] in (" ", "\t"):
            start += 1
        self.values[(*self.table, *path)] = start
        return self._value(start)

    def _header(self, at: int) -> int:
        many = self.text.startswith("[[", at)
        start = at + (2 if many else 1)
        path, end = self._key(start)
        path = self._indexed(path)
        if many:
            self.counts[path] = self.counts.get(path, -1) + 1
            path = (*path, self.counts[path])
        self.table = path
        self.keys.setdefault(path, start)
        return self._end_of_line(end)

    def _indexed(self, path: Path) -> Path:
        """[walks.gamma.x] after [[walks.gamma]] is about its latest element."""
        done: Path = ()
        for k, part in enumerate(path):
            done = (*done, part)
            if done in self.counts and k < len(path) - 1:
                done = (*done, self.counts[done])
        return done

    def _key(self, at: int) -> tuple[Path, int]:
        parts: list[str | int] = []
        while match := _KEY.match(self.text, at):
            parts.append(next(g for g in (match["quoted"], match["literal"], match["bare"]) if g is not None))
            at = match.end()
            if not match["dot"]:
                break
        return tuple(parts), at

    def _value(self, at: int) -> int:
        depth = 0
        while at < len(self.text):
            char = self.text[at]
            if char in "\"'":
                match = _STRING.match(self.text, at)
                at = match.end() if match else at + 1
                continue
            if char == "#":
                at = self._end_of_line(at) - 1
                continue
            depth += (char in "[{") - (char in "]}")
            at += 1
            if char == "\n" and depth <= 0:
                return at
        return at

    def _end_of_line(self, at: int) -> int:
        stop = self.text.find("\n", at)
        return len(self.text) if stop < 0 else stop + 1

    def string(self, path: Path, value: str) -> Text:
        """The string at `path` with the place of each of its characters."""
        start = self.values.get(path)
        offsets = None if start is None else _offsets(self.text, start, value)
        if offsets is None:
            return Text.alone(value, self.file.source)
        return Text(value, self.file.source, self.text, offsets)


def _offsets(text: str, start: int, value: str) -> Sequence[int] | None:
    """The offset in `text` of each character of the TOML string at `start`; None if it does not read as `value`."""
    quotes = next((q for q in ('"""', "'''", '"', "'") if text.startswith(q, start)), None)
    if quotes is None:
        return None
    at = start + len(quotes)
    if len(quotes) == 3 and text[at : at + 1] == "\n":
        at += 1
    offsets = []
    for char in value:
        if quotes[0] == '"' and text[at] == "\\":
            at = _skip_joins(text, at)
        offsets.append(at)
        if quotes[0] == '"' and text[at] == "\\":
            width = {"u": 6, "U": 10}.get(text[at + 1], 2)
            if width == 2 and _ESCAPES.get(text[at + 1]) != char:
                return None
            at += width
        elif text[at] != char:
            return None
        else:
            at += 1
    return [*offsets, at]


def _skip_joins(text: str, at: int) -> int:
    """Past backslashes at the end of a line, which join it with the next."""
    while match := re.compile(r"\\[ \t]*\n\s*").match(text, at):
        at = match.end()
    return at
