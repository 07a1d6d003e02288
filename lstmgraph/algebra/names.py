"""What the name of a symbol says: whose value it is, at which step, and what was made of it.

A symbol is a plain `sympy.MatrixSymbol`, so that a SymPy user can take it away; its name is text in this small grammar:

    x[t]   h[t-1]   W_f            an input, a previous state, a parameter
    pre(f)[t]   part(h.1)[t]       a value that the author did not name: f's pre-activation, the first part of h
    bar(h)[t-1]   seed(c)[t]       a cotangent; what arrives of it from outside this step
    grad(W_f)                      a gradient: the cotangent of a parameter
    dot(h)[t]   dot(W_f)           a tangent: the rate of change along a direction
    bar(pre(f))[t]                 marks nest; this one prints as a delta, dot(bar(pre(f)))[t] as one with a dot

Identifiers of a cell cannot contain parentheses or points, so no author's name can collide with one of ours.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache

from sympy import Expr, Integer, MatrixSymbol, Symbol

MARKS = ("bar", "seed", "grad", "dot", "pre", "part")
_FORM = re.compile(r"(?P<marks>(?:\w+\()*)(?P<base>[\w.]+)\)*(?P<time>\[t(?P<lag>[+-]\d+)?\])?")

Shape = tuple[Expr, Expr]


@dataclass(frozen=True)
class Name:
    """`base` is the author's identifier, `lag` the step (0 is t, None no time), `marks` from outside in."""

    base: str
    lag: int | None = None
    marks: tuple[str, ...] = ()

    def __str__(self) -> str:
        time = "" if self.lag is None else "[t]" if self.lag == 0 else f"[t{self.lag:+d}]"
        return "".join(f"{m}(" for m in self.marks) + self.base + ")" * len(self.marks) + time

    def marked(self, mark: str) -> Name:
        return replace(self, marks=(mark, *self.marks))

    def at(self, lag: int | None) -> Name:
        return replace(self, lag=lag)

    @staticmethod
    @lru_cache(maxsize=4096)
    def parse(text: str) -> Name:
        """The inverse of `str`.  Raises ValueError on text outside the grammar."""
        match = _FORM.fullmatch(text)
        if not match or text.count("(") != text.count(")"):
            raise ValueError(f"not the name of a symbol: {text!r}")
        lag = None if match["time"] is None else int(match["lag"] or 0)
        return Name(match["base"], lag, tuple(match["marks"].split("(")[:-1]))


def name_of(symbol: MatrixSymbol) -> Name:
    """The parsed name of a symbol."""
    return Name.parse(symbol.name)


def symbol(name: Name | str, shape: Shape) -> MatrixSymbol:
    """The symbol of that name and shape (rows, columns)."""
    return MatrixSymbol(str(name), *shape)


def like(original: MatrixSymbol, mark: str) -> MatrixSymbol:
    """A symbol of the same shape and step with one more mark: `like(h, "bar")`."""
    return symbol(name_of(original).marked(mark), original.shape)


@lru_cache(maxsize=256)
def size(text: str | int) -> Expr:
    """A size: a whole number, or a symbol such as H that stands for one."""
    if isinstance(text, int):
        return Integer(text)
    return Symbol(text, integer=True, positive=True)
