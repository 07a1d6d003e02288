"""What an equation says before its sizes are known: a small tree, each part with its place in the text.

`expressions.py` makes it, `sizes.py` finds the sizes and turns it into SymPy nodes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sympy import Rational

from lstmgraph.algebra.names import Name
from lstmgraph.algebra.nodes import signature_of
from lstmgraph.algebra.rules import RULES
from lstmgraph.algebra.shapes import parse_signature
from lstmgraph.errors import Place


@dataclass(frozen=True, eq=False)
class Number:
    """An exact number; it takes the shape that it is used in."""

    value: Rational
    place: Place


@dataclass(frozen=True, eq=False)
class Ref:
    """A named value: x[t], h[t-1], W_f."""

    name: Name
    place: Place


@dataclass(frozen=True, eq=False)
class Apply:
    """An operation (its class in `algebra.nodes`, or SymPy's) on its operands.

    It is `loose` if it is the left operand of an @ without brackets: f * W @ x is (f * W) @ x, perhaps by mistake.
    """

    operation: type
    args: tuple[Tree, ...]
    place: Place
    loose: bool = False


Tree = Number | Ref | Apply


@dataclass(frozen=True, eq=False)
class Definition:
    """One equation of the author's."""

    target: Ref
    value: Tree
    note: str
    place: Place


# How the operators of the language are spelt; everything else is called by its name.
SIGNS = {"matmul": "@", "hadamard": "*", "divide": "/", "power": "**", "add": "+", "negative": "-", "one_minus": "1 -"}


def spelling(operation: type) -> str:
    """What the author wrote for it: `@`, tanh, ..."""
    name = RULES[operation].name
    return SIGNS.get(name, name)


def broadcasts(operation: type) -> bool:
    """Whether it combines two or more operands entry by entry, so that a scalar may stand for any of them."""
    signature = parse_signature(signature_of(operation))
    every = {*signature.operands, signature.result}
    return len(every) == 1 and (len(signature.operands) > 1 or signature.repeats)


def references(tree: Tree) -> Iterator[Ref]:
    """The names in a tree, left to right."""
    if isinstance(tree, Ref):
        yield tree
    elif isinstance(tree, Apply):
        for arg in tree.args:
            yield from references(arg)
