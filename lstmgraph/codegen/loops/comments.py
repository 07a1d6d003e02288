"""What the header of a generated C file says of its functions."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence

from sympy import MatrixSymbol

from lstmgraph.codegen.arrays import array_axes


def comment(*sentences: str) -> list[str]:
    """The lines of a comment; a sentence that is empty is left out."""
    return textwrap.wrap("  ".join(filter(None, sentences)), 103, break_on_hyphens=False)


def shapes(lead: str, arrays: Mapping[str, MatrixSymbol]) -> str:
    """`xs is (T, B, X) and ys is (T, B, Y)`, of arrays with the axes `lead` in front of a sample's."""
    parts = [f"{name} is ({', '.join([lead, *map(str, array_axes(a.shape, True))])})" for name, a in arrays.items()]
    return in_words(parts)


def in_words(parts: Sequence[str]) -> str:
    """`a, b and c`"""
    return " and ".join(filter(None, [", ".join(parts[:-1]), *parts[-1:]]))


def sentence(text: str) -> str:
    return f"{text}." if text else ""
