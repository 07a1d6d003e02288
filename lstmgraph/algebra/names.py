"""What the name of a symbol says: whose value it is, at which step, and what was made of it.

A symbol is a plain `sympy.MatrixSymbol`, so that a SymPy user can take it away; its name is text in this small grammar:

    x[t]   h[t-1]   W_f            an input, a previous state, a parameter
    pre(f)[t]   part(h.1)[t]       a value that the author did not name: f's pre-activation, the first part of h
    x[T]   bar(h)[0]               a value at the last step; before the first one
    bar(h)[t-1]   seed(c)[t]       a cotangent; what arrives of it from outside this step
    loss(h)[t]                     what arrives of it from the loss of that step
    block(8)                       1 within a block of 8 steps, 0 where t ends one: what truncation lets through
    grad(W_f)                      a gradient: the cotangent of a parameter
    dot(h)[t]   dot(W_f)           a tangent: the rate of change along a direction
    W_f{j,k}   h{X+j}[t-1]         an entry: its row and column, or the one of them that there is
    bar(pre(f))[t]                 marks nest; this one prints as a delta, dot(bar(pre(f)))[t] as one with a dot
    jac(c.h)[t]                    a Jacobian: ∂c[t]/∂h[t-1]; jac(c.h.3)[t] is ∂c[t]/∂h[t-3]
    jac(c.h.0k)[t]                 ∂c[t]/∂h[t-k], k a letter
    jac(.)[t]                      that of all states by all states
    direct(c.h)[t]                 the same with all other values of the step held
    alone(c.c.3)[t]                the same through c alone: all other states held
    term(c.1)[t]                   a product that has a name because it is used more than once
    stack(W_f.W_i)                 values one below the other, as a letter; some(W_f.W_i) with an index
    some(2.W_f.W_i)                the second stack of a program

Identifiers of a cell cannot contain parentheses or points, so no author's name can collide with one of ours.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal, NamedTuple, cast

from sympy import Expr, Integer, MatrixSymbol, Symbol

STACKS = ("stack", "some")
MARKS = ("bar", "seed", "loss", "grad", "dot", "pre", "part", "term", *STACKS, "block", "jac", "direct", "alone")
JACOBIANS = MARKS[-3:]
_FORM = re.compile(
    r"(?P<marks>(?:\w+\()*)(?P<base>[\w.]+)\)*(?P<entry>\{[^{}]*\})?"
    r"(?P<time>\[(?:(?P<since>[tT])(?P<lag>[+-]\d+)?|(?P<step>\d+))\])?"
)

Shape = tuple[Expr, Expr]
Since = Literal["t", "T", ""]


@dataclass(frozen=True)
class Name:
    """`base` is the author's identifier, `lag` the step (0 is t, None no time), `marks` from outside in.

    The step is counted from `since`: from "t", from the last one "T", or, where that is "", from 0.  `entry` are the
    indices of an entry.
    """

    base: str
    lag: int | None = None
    marks: tuple[str, ...] = ()
    since: Since = "t"
    entry: tuple[str, ...] = ()

    @property
    def time(self) -> str:
        """The step as text, t-1 or T or 0; nothing for what has none."""
        if self.lag is None:
            return ""
        return str(self.lag) if not self.since else f"{self.since}{self.lag:+d}" if self.lag else self.since

    def __str__(self) -> str:
        time = "" if self.lag is None else f"[{self.time}]"
        entry = f"{{{','.join(self.entry)}}}" if self.entry else ""
        return "".join(f"{m}(" for m in self.marks) + self.base + ")" * len(self.marks) + entry + time

    def marked(self, mark: str) -> Name:
        return Name(self.base, self.lag, (mark, *self.marks), self.since)

    def at(self, lag: int | None, since: Since = "t") -> Name:
        return Name(self.base, lag, self.marks, since)

    @staticmethod
    @lru_cache(maxsize=4096)
    def parse(text: str) -> Name:
        """The inverse of `str`.  Raises ValueError on text outside the grammar."""
        match = _FORM.fullmatch(text)
        if not match or text.count("(") != text.count(")"):
            raise ValueError(f"not the name of a symbol: {text!r}")
        marks = tuple(match["marks"].split("(")[:-1])
        entry = tuple(match["entry"][1:-1].split(",")) if match["entry"] else ()
        if match["time"] is None:
            return Name(match["base"], None, marks, entry=entry)
        since = cast("Since", match["since"] or "")
        return Name(match["base"], int(match["lag"] or match["step"] or 0), marks, since, entry)


def name_of(symbol: MatrixSymbol) -> Name:
    """The parsed name of a symbol."""
    return Name.parse(symbol.name)


def symbol(name: Name | str, shape: Shape) -> MatrixSymbol:
    """The symbol of that name and shape (rows, columns)."""
    return MatrixSymbol(str(name), *shape)


class Quotient(NamedTuple):
    """What the name of a Jacobian says: of what, by what, so many steps earlier (0: of the same step), or a letter."""

    of: Name
    by: str
    steps: int | str

    @property
    def whole(self) -> bool:
        """Whether it is the Jacobian of all states by all states."""
        return not self.by


def jacobian_name(of: Name, by: str, steps: int | str = 1, mark: str = "jac") -> Name:
    """The name of ∂of/∂by, `by` a value so many steps earlier; with an empty base and `by`, that of all states."""
    count = f".0{steps}" if isinstance(steps, str) else f".{steps}" if steps != 1 else ""
    base = f"{of.base}.{by}{count}"
    return replace(of, base=base, marks=(mark, *of.marks))


def quotient_of(name: Name) -> Quotient:
    """The inverse of `jacobian_name`."""
    parts = name.base.split(".")
    last, steps = parts[-1], cast("int | str", 1)
    if last[:1].isdigit() and len(parts) > 2:
        steps = int(last) if last.isdigit() else last[1:]
        parts.pop()
    return Quotient(Name(".".join(parts[:-1]), name.lag, name.marks[1:]), parts[-1], steps)


class Stacked(NamedTuple):
    """What the name of a stack says: its mark, what it is made of, which of a program's stacks it is."""

    mark: str
    parts: tuple[str, ...]
    number: int


def stack_name(parts: Sequence[Name], mark: str, number: int) -> Name:
    """The name of values of one kind one below the other."""
    base = ".".join([*([str(number)] if number > 1 else []), *(part.base for part in parts)])
    return replace(parts[0], base=base, marks=(mark, *parts[0].marks))


def stack_of(name: Name) -> Stacked:
    """The inverse of `stack_name`, whatever other marks there are."""
    number = re.match(r"\d+", name.base)
    parts = re.findall(r"[^\W\d]\w*(?:\.\d+)*", name.base)
    return Stacked(next(m for m in name.marks if m in STACKS), tuple(parts), int(number[0]) if number else 1)


def is_jacobian(name: Name) -> bool:
    return name.marks[:1] in {(mark,) for mark in JACOBIANS}


@lru_cache(maxsize=4096)
def like(original: MatrixSymbol, mark: str) -> MatrixSymbol:
    """A symbol of the same shape and step with one more mark: `like(h, "bar")`."""
    return symbol(name_of(original).marked(mark), original.shape)


@lru_cache(maxsize=4096)
def later(value: MatrixSymbol, k: int, since: Since = "t") -> MatrixSymbol:
    """The same value k steps later, counted from `since` then; what has no time is the same at all times."""
    name = name_of(value)
    if name.lag is None or (k == 0 and name.since == since):
        return value
    return symbol(name.at(name.lag + k, since), value.shape)


@lru_cache(maxsize=256)
def size(text: str | int) -> Expr:
    """A size: a whole number, or a symbol such as H that stands for one."""
    if isinstance(text, int):
        return Integer(text)
    return Symbol(text, integer=True, positive=True)
