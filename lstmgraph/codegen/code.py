"""A piece of generated code and what is known of its value.

Pieces are joined with as few parentheses as they need, and a long line is broken at the terms of its sum.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from itertools import groupby
from textwrap import TextWrapper

from sympy import MatrixExpr

from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.names import Shape

WIDTH = 110

WHOLE = 10**6  # whole numbers from here on are written as floating ones: frameworks want them 32 bits long at most
LARGEST = 65504  # of the numbers that a call takes as an argument, in 16 bits, too


class Level(IntEnum):
    """How tightly an expression's outermost operator binds.  A product @ is set in parentheses next to a *."""

    SUM = 1
    MATMUL = 2
    PRODUCT = 3
    UNARY = 4
    POWER = 5
    ATOM = 6


def minus_of(text: str) -> str:
    """A product with a minus: in C two of these are a decrement."""
    return f"-({text})" if text.startswith("-") else f"-{text}"


@dataclass(frozen=True)
class Code:
    """`shape` is that of one sample's value.  `batched`: there is one for each sample, else one for all.

    `thin`: all entries are equal and the array has only one, which broadcasts.  `literal`: it is a Python number.
    `breaks` is (head, lines, tail) where a long line may be broken.
    """

    text: str
    level: Level
    shape: Shape
    batched: bool = False
    thin: bool = False
    literal: bool = False
    breaks: tuple[str, tuple[str, ...], str] = ("", (), "")

    @property
    def form(self) -> str:
        """S for a scalar, V for a vector, R for a row, M for a matrix."""
        rows, columns = self.shape
        return {(True, True): "S", (False, True): "V", (True, False): "R"}.get((rows == 1, columns == 1), "M")

    @property
    def is_one(self) -> bool:
        """Whether it is one number for all entries and samples."""
        return self.literal or (self.thin and not self.batched)

    def at(self, level: Level) -> str:
        """The text, in parentheses if it binds less tightly than that."""
        return self.text if self.level >= level else f"({self.text})"

    def respell(self, text: str, level: Level = Level.ATOM) -> Code:
        """The same value, spelled otherwise."""
        return replace(self, text=text, level=level, breaks=("", (), ""))


def transposed(text: str) -> str:
    """The transpose of an array of two axes: of W.T it is W, of the rows W.T[:H] the columns W[:, :H]."""
    if rows := re.fullmatch(r"(.*)\.T\[([^\[\],]*:[^\[\],]*)\]", text):
        return f"{rows[1]}[:, {rows[2]}]"
    return text.removesuffix(".T") if text.endswith(".T") else f"{text}.T"


def condition(switch: MatrixExpr) -> tuple[MatrixExpr, str]:
    """Of what a value must be kept by (`Kept`): what is compared with 0, and how."""
    shut = isinstance(switch, n.OneMinus)
    step = switch.args[0] if shut else switch
    return (step.args[0], "<= 0" if shut else "> 0") if isinstance(step, n.Step) else (switch, "!= 0")


def joined(operator: str, level: Level, parts: list[Code], shape: Shape) -> Code:
    """The elementwise `a * b * c` or `a / b`; NumPy broadcasts what is shared, or thin."""
    first, *rest = parts
    texts = [first.at(level), *(p.at(Level(level + 1)) for p in rest)]
    lines = (texts[0], *(f"{operator.lstrip()}{text}" for text in texts[1:]))
    return replace(elementwise(operator.join(texts), level, parts, shape), breaks=("(", lines, ")"))


def elementwise(text: str, level: Level, parts: list[Code], shape: Shape) -> Code:
    """The value of an elementwise operation on `parts`."""
    batched, thin, literal = any(p.batched for p in parts), all(p.thin for p in parts), all(p.literal for p in parts)
    return Code(text, level, shape, batched, thin, literal)


def call(before: str, operand: Code, after: str) -> Code:
    """`before(operand)after` around one operand; a long operand may be broken into lines."""
    _, lines, _ = operand.breaks
    breaks = (before, lines, after) if operand.breaks[0] in {"", "("} else ("", (), "")
    return replace(operand, text=f"{before}{operand.text}{after}", level=Level.ATOM, literal=False, breaks=breaks)


def assignment(target: str, code: Code, indent: int = 4, sign: str = " = ", end: str = "") -> str:
    """`target = code`, on several lines if it is long and can be broken."""
    pad = " " * indent
    line = f"{pad}{target}{sign}{code.text}{end}"
    head, lines, tail = code.breaks
    if len(line) <= WIDTH or not lines:
        return line
    inner = "".join(f"{pad}    {part}\n" for part in lines)
    return f"{pad}{target}{sign}{head}\n{inner}{pad}{tail}{end}"


def listed(head: str, parts: Sequence[str], tail: str, broken: bool = False) -> list[str]:
    """`head` a, b, c `tail`: on one line if it fits and is not to be `broken`, else as many parts to a line as do."""
    alone = "," if len(parts) == 1 and tail.startswith(")") else ""  # as a tuple of one has to be written
    line = f"    {head}{', '.join(parts)}{alone}{tail}"
    if len(line) <= WIDTH and not broken:
        return [line]
    inner = filled(", ".join(part.replace(" ", chr(0)) for part in parts) + ",", WIDTH - 8)
    return [f"    {head}", *(f"        {text.replace(chr(0), ' ')}" for text in inner), f"    {tail}"]


def together(pairs: Mapping[str, str], indent: int) -> list[str]:
    """`a, b = c, d` for what stands so far in, on several lines if it is long."""
    line = f"{', '.join(pairs)} = {', '.join(pairs.values())}"
    if len(line) <= WIDTH - indent:
        return [line]
    left, right = (filled(", ".join(part), WIDTH - indent - 4) for part in (pairs, pairs.values()))
    return ["(", *(f"    {text}" for text in left), ") = (", *(f"    {text}" for text in right), ")"]


def unpacked(pairs: Sequence[tuple[str, str]], source: str, turn: str) -> list[str]:
    """`W_f, U_f = (params[name] for name in ("W_f", "U_f"))`; what belongs to one gate stays on one line."""
    lines: list[str] = []
    waiting: list[tuple[str, str]] = []
    for _, group in groupby(pairs, key=lambda pair: pair[1].rpartition("_")[2]):
        more = [*waiting, *group]
        if waiting and len(_unpack_line(more, source, turn)) > WIDTH:
            lines.append(_unpack_line(waiting, source, turn))
            more = more[len(waiting) :]
        waiting = more
    return [*lines, _unpack_line(waiting, source, turn)] if waiting else lines


def _unpack_line(pairs: Sequence[tuple[str, str]], source: str, turn: str) -> str:
    names, keys = zip(*pairs, strict=True)
    if len(names) == 1:
        return f'    {names[0]} = {source}["{keys[0]}"]{turn}'
    quoted = ", ".join(f'"{key}"' for key in keys)
    return f"    {', '.join(names)} = ({source}[name]{turn} for name in ({quoted}))"


def wrapped(parts: Iterable[str]) -> list[str]:
    """As many parts to a line as there is room for."""
    words = ", ".join(part.replace(" ", "\0") for part in parts) + ","
    return [f"    {line}".replace("\0", " ") for line in filled(words, WIDTH - 8)]


def filled(text: str, width: int) -> list[str]:
    """Lines of at most so many letters, but for a word that is longer: a name stays whole."""
    return TextWrapper(width, break_long_words=False, break_on_hyphens=False).wrap(text)
