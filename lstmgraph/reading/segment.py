"""One equation as Python sees it: its syntax tree, and the place of every part of that in the author's file."""

from __future__ import annotations

import ast
import re
import warnings
from unicodedata import normalize

from lstmgraph.errors import CellSyntaxError, Place
from lstmgraph.reading import mistakes
from lstmgraph.reading.text import Line, Text

_WORD = re.compile(r"[^\W\d]\w*")
_FOREIGN = re.compile(r"[^\w\s()\[\].,+\-*/@=<>:!&~]")


class Segment:
    """`source` is the equation without its notes, each character where it is in the text."""

    def __init__(self, text: Text, line: Line) -> None:
        self.text, self.line = text, line
        written = text.text[line.start : line.end]
        without_notes = re.sub(r"#[^\n]*", lambda m: " " * len(m[0]), written)
        self.source = without_notes.translate(mistakes.ACCEPTED)
        self.lines = self.source.split("\n")
        self.starts = [0]
        for row in self.lines:
            self.starts.append(self.starts[-1] + len(row) + 1)

    # ── places and errors ──

    def offset(self, line: int, column: int) -> int:
        """The offset of what ast calls line and column (which counts bytes)."""
        row = self.lines[line - 1]
        return self.starts[line - 1] + (column if row.isascii() else len(row.encode()[:column].decode(errors="ignore")))

    def span(self, node: ast.expr | ast.stmt) -> tuple[int, int]:
        return self.offset(node.lineno, node.col_offset), self.offset(node.end_lineno or 1, node.end_col_offset or 0)

    def place(self, node: ast.expr | ast.stmt) -> Place:
        start, end = self.span(node)
        return self.text.place(self.line.start + start, self.line.start + end)

    def error(self, node: ast.expr | ast.stmt, message: str, hint: str = "") -> CellSyntaxError:
        return CellSyntaxError(message, place=self.place(node), hint=hint)

    def error_at(self, offset: int, message: str, hint: str = "", width: int = 1) -> CellSyntaxError:
        at = self.line.start + offset
        return CellSyntaxError(message, place=self.text.place(at, at + width), hint=hint)

    def parsed(self) -> ast.stmt:
        """The equation's one statement, as Python sees it."""
        foreign = _FOREIGN.search(self.source)
        odd = next((k for k, c in enumerate(self.source) if c in mistakes.CHARACTERS), None)
        if odd is not None:
            raise self.error_at(
                odd, f"{self.source[odd]!r} is not in the language", mistakes.CHARACTERS[self.source[odd]]
            )
        if foreign:
            hint = "names are letters, digits and _ (c_tilde); how they are typeset is said in [notation.NAME]"
            raise self.error_at(foreign.start(), f"{foreign[0]!r} is not in the language", hint)
        for word in _WORD.finditer(self.source):
            usual = normalize("NFKC", word[0])
            if usual != word[0] and usual.isidentifier():  # Python would read it as that other name, silently
                hint = f"write {usual}; how a name is typeset is said in [notation.NAME]"
                message = f"{word[0]} has a letter that is another way to write {usual}"
                raise self.error_at(word.start(), message, hint, len(word[0]))
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                body = ast.parse(self.source).body
        except SyntaxError as error:
            at, width, message, hint = mistakes.explain_syntax(self.source, error)
            raise self.error_at(at, message, hint, width) from None
        except (ValueError, RecursionError, MemoryError, OverflowError):
            raise self.error_at(0, "too deeply nested, or not an equation", mistakes.SPLIT) from None
        if len(body) != 1:
            raise self.error_at(0, "one equation a line")
        return body[0]
