r"""Labels put together from measured pieces, just as ziamath would set them, without loading it.

A piece (a row of `atoms.tsv`) is a letter, an accented letter, an operator or a function's name; `boxes` puts rows,
scripts and fractions of them together.  What has other parts (a root, brackets that grow) is not composed: `composed`
says None, and a typesetter has to be loaded.

To have more pieces: `tokens` in `benchmarks/pieces.py`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from lstmgraph.diagram.typeset.boxes import (
    SCALE,
    Box,
    NotComposed,
    fraction,
    name,
    overline,
    piece,
    row,
    scripts,
    spaced,
)
from lstmgraph.diagram.typeset.outlines import Outline, Placed, outline_of_math, unbound, whole

NESTED = r"\s*\{(?:[^{}]|\\?\w*\{[^{}]*\})*\}"  # an argument, with one group in it at most
TOKEN = re.compile(rf"\\(?:mathrm|operatorname|text|bar|tilde|hat|check|dot){NESTED}|\\[A-Za-z]+|\\.|\d+|\S")
WORD = re.compile(r"\\mathrm\s*\{([A-Za-z ]+)\}")
NAME = re.compile(r"\\operatorname\s*\{([A-Za-z0-9]+)\}")
LENGTH = re.compile(r"\d\s*(?:in|mm|cm|pt|em|ex|pc|bp|dd|cc|sp|mu)")  # as which a number before letters is read
SCRIPTED = ("letter", "function", "number", "operator", "accent", "row")  # kinds that have scripts beside them


def composed(latex: str) -> Outline | None:
    """The outline of LaTeX, if all its parts are known."""
    if LENGTH.search(latex):
        return None
    try:
        box = _Reader(TOKEN.findall(unbound(latex))).whole()
    except NotComposed:
        return None
    return outline_of_math(Placed(ink.shape, whole(ink.x), whole(ink.y)) for ink in box.ink) if box.ink else None


class _Reader:
    """Reads tokens, and sets what it reads at its level of scripts."""

    def __init__(self, tokens: Sequence[str]) -> None:
        self.tokens, self.at = tokens, 0
        self.in_fraction = False

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
        return row(boxes, level)

    def scripted(self, level: int) -> Box:
        """A part with its scripts."""
        base, token = self.part(level), self.tokens[self.at - 1]
        sub, sup = self.script("_", level + 1), self.script("^", level + 1)
        if sub is None and sup is None:
            return base
        if base.kind == "function":
            base = piece(token, level, "^")
        if self.peek() in ("_", "^", "'") or base.kind not in SCRIPTED:
            raise NotComposed
        return scripts(spaced(base, "prefix"), sub, sup, SCALE**level)

    def script(self, sign: str, level: int) -> Box | None:
        if self.peek() != sign:
            return None
        self.at += 1
        return self.group(level)

    def part(self, level: int) -> Box:
        """A group, a fraction, a number, a name, or a piece."""
        if self.peek() == "{":
            return self.group(level)
        token = self.peek()
        self.at += 1
        if token == r"\frac":
            return self.fraction(level)
        if token == r"\overline":
            return overline(self.group(level), SCALE**level)
        if token.isdecimal():
            return replace(row([piece(digit, level) for digit in token], level), kind="number")
        if word := WORD.fullmatch(token):
            return row([piece(rf"\mathrm{{{letter}}}", level) for letter in word[1].replace(" ", "")], level)
        if level == 0 and (found := NAME.fullmatch(token)):
            return name([piece(rf"\operatorname{{{letter}}}", 0) for letter in found[1]])
        return piece(token, level)

    def fraction(self, level: int) -> Box:
        """Neither inside of another nor in a script: there it would be smaller."""
        if level or self.in_fraction:
            raise NotComposed
        self.in_fraction = True
        over, under = self.group(0), self.group(0)
        self.in_fraction = False
        return fraction(over, under)

    def group(self, level: int) -> Box:
        self.skip("{")
        box = self.row(level)
        self.skip("}")
        return box

    def skip(self, sign: str) -> None:
        if self.peek() != sign:
            raise NotComposed
        self.at += 1

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""
