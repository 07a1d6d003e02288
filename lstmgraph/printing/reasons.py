"""The rules of differentiation in words, one row for each operation.

A function that is applied to every entry needs no row: its rule is the chain rule, and its slope is in the one table
of rules.  `tests/printing/test_derivations.py` holds that every other operation has one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from sympy import MatAdd, MatMul, MatrixSymbol, Transpose

from lstmgraph.algebra import nodes as n


class Reason(NamedTuple):
    """The name of a rule, and what it says: what an operand gets when a cotangent reaches the operation's value."""

    name: str
    says: str


CHAIN = Reason(
    "chain rule",
    "the operand of a function gets the cotangent times the function's slope, which is written in terms of the"
    " function's own value where that is simplest",
)
_TIE = "; of equal ones the second gets it"
_MINUS = Reason("minus sign", "what is subtracted gets the negative cotangent")

# Through time.
ACROSS = Reason(
    "from step t + 1 to step t",
    "what a step sends to the state before it is, one step earlier, what arrives at that state from the step after it",
)
OVER_ALL = Reason("sum over the steps", "what all steps use gets the sum of what every one of them sends to it")
BLOCKS = Reason("truncation", "nothing goes back from the first step of a block to the last one of the block before it")

REASONS: Mapping[type, Reason] = {
    MatAdd: Reason("sum rule", "every term of a sum gets the cotangent as it is"),
    n.Hadamard: Reason("product rule", "every factor gets the cotangent times all other factors"),
    MatMul: Reason(
        "matrix product",
        "the left factor gets the cotangent times the right one transposed, the right factor the left one transposed"
        " times the cotangent",
    ),
    Transpose: Reason("transpose", "what is transposed gets the transpose of the cotangent"),
    n.OneMinus: _MINUS,
    n.Negative: _MINUS,
    n.Reciprocal: Reason("reciprocal rule", "the operand gets minus the cotangent times the square of the value"),
    n.Divide: Reason(
        "quotient rule",
        "the numerator gets the cotangent over the denominator, the denominator minus the cotangent times the quotient,"
        " over the denominator",
    ),
    n.Power: Reason(
        "power rule",
        "the base gets the cotangent times the exponent times the base to the exponent less one; an exponent that is no"
        " number gets the cotangent times the power times the logarithm of the base",
    ),
    n.Maximum: Reason("maximum", "the larger operand gets the cotangent, the other one nothing" + _TIE),
    n.Minimum: Reason("minimum", "the smaller operand gets the cotangent, the other one nothing" + _TIE),
    n.Softmax: Reason(
        "softmax rule",
        "the operand gets the value times the difference of the cotangent and the sum of all entries of cotangent times"
        " value",
    ),
    n.Concat: Reason("concatenation", "every part gets its own rows of the cotangent"),
    n.Slice: Reason("slice", "the rows that were taken get the cotangent, the others nothing"),
    n.Sum: Reason("sum of entries", "every entry gets the cotangent"),
    n.Fill: Reason("broadcast", "what stands in every entry gets the sum of the cotangent's entries"),
    n.TimeSum: Reason("sum over time", "what is summed gets the cotangent at every step"),
    MatrixSymbol: Reason("copy", "another name for a value gets the same cotangent"),
}


def reason(operation: type) -> Reason:
    """The rule by which the operands of an operation get their cotangents."""
    return REASONS.get(operation, CHAIN)
