"""What a sentence about a formula is made of: words, formulas, numbers of equations; a format spells each."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

from sympy import MatrixExpr

from lstmgraph.program import Equation


class Ref(NamedTuple):
    """The number of an equation, where it is mentioned; what is numbered follows."""

    number: int


class Slope(NamedTuple):
    """The derivative of a function, entry by entry."""

    function: type
    value: MatrixExpr


Piece: TypeAlias = str | MatrixExpr | Equation | Ref | Slope
Sentence: TypeAlias = tuple[Piece, ...]
