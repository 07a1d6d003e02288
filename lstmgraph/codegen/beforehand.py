"""What a loop finds made: numbers, factors, ones, arrays for what fits nowhere else, and views of stacks."""

from __future__ import annotations

from re import findall
from typing import TYPE_CHECKING

from lstmgraph.algebra.names import Shape
from lstmgraph.codegen.code import Code, Level

if TYPE_CHECKING:
    from lstmgraph.codegen.direction import Direction

NUMBERS = {"-1": "minus", "0": "zero", "0.5": "half", "1": "one", "2": "two"}


def scratch(side: Direction, whole: bool, shape: Shape, k: int) -> str:
    """A name for what does not fit in its place; in the loop that of an array made before."""
    name = side.new_name("part", (shape, k, whole))
    if not whole:
        side.fixed.setdefault(name, side.empty(shape))
    return name


def fixed(side: Direction, code: Code) -> str:
    """A factor of all steps: a name, for it would be made anew in each.

    A number as well: a call with an array of none but one entry is faster than one with a Python number.
    """
    if code.text.isidentifier():
        return code.text
    word = code.text.removesuffix(".T")
    wish = f"{word}_T" if word.isidentifier() else NUMBERS.get(code.text, "number" if code.literal else "factor")
    name = side.new_name(wish, code.text)
    side.fixed.setdefault(name, f"np.array({code.text}, {side.like}.dtype)" if code.literal else code.text)
    return name


def ones(side: Direction, length: str) -> str:
    """A row of ones."""
    name = side.new_name("ones", ("ones", length))
    side.fixed.setdefault(name, f"np.ones((1, {length}), {side.like}.dtype)")
    return name


def folded(side: Direction, whole: bool, code: Code, parts: int) -> str:
    """An array as several below one another."""
    text = code.at(Level.ATOM)
    if code.thin:
        return f"{text}[:, None]" if whole else text
    if whole and code.batched:
        return f"{text}.reshape(T, {parts}, -1, B)"
    view = f"{text}.reshape({parts}, -1, {'B' if code.batched or is_repeated(side, code) else '1'})"
    if whole:  # outside the loop, before which those that have names are made
        return view
    name = side.new_name(f"{code.text}_by_{parts}" if code.text.isidentifier() else "part", (code.text, parts))
    if code.text in side.views:
        side.views[name] = f"{side.views[code.text]}.reshape(T, {parts}, -1, B)"
    else:
        side.fixed.setdefault(name, view)
    return name


def is_repeated(side: Direction, code: Code) -> bool:
    """Whether what is the same for all samples is there once for each: what is made of such a vector is, too."""
    return not {side.names[s] for s in side.repeated}.isdisjoint(findall(r"\w+", code.text))
