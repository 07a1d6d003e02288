"""What a proof takes each operation for, and why nothing false can be proven so.

Let K be the field of rational functions of the entries of all inputs.  Wherever the cell has a value, its values and
derivatives are those of elements of K with functions of them added: exp u, log u, tanh u, ... of elements u that were
there before.  A derivation is known on a function as soon as it is known on its argument, by the function's own
derivative, which SymPy states.  A proof replaces each such function value by an indeterminate and keeps that
derivation.  An identity that holds for all values of the indeterminates holds for these values too, so a proof in
indeterminates is a proof.  The converse fails only where an identity needs a relation between functions of different
arguments, as exp(a + b) = exp(a) exp(b): such a gradient could be right and not be proven.  The rules of this package
need none.

- Sums, products, matrix products, transposes, concatenation, rows, fillings: entries are polynomials in entries.
- Quotients: 1 / d is an indeterminate r with r d = 1.  What is proven holds where no divisor is zero.
- exp u: an indeterminate E with dE = E du; exp(-u) is 1 / E.  The sigmoid is 1 / (1 + exp(-u)), silu, softplus and
  softmax are their own formulas in exp: y' = y (1 - y) is a theorem here and not an assumption.
- log, tanh, sin, cos: an indeterminate for each argument; log' u = 1 / u and so on as SymPy has them.
- Whole powers are products; a rational power is one of a root w, w ** q = u, so q w ** (q - 1) dw = du.  (Modulo a
  prime w is independent of u: not every residue has a root.  That proves more, and could fail to prove.)
- u ** v with a v that is no number: an indeterminate P, dP = P (v du / u + log(u) dv), and u ** (v + n) = P u ** n for
  whole n.  What is proven holds for positive u; at 0 ** 0 nothing is said.
- relu, abs, max, min, sign, step: the step of u is an s with s s = s (0 or 1, both cases are proven; modulo a prime it
  is drawn) that does not change nearby, ds = 0, and the step of -u is 1 - s.  What is proven holds where u is not zero,
  that is: not at the kink, and not at a tie.  There the rules take one side, as PyTorch does; nothing is proven of it.
- Constants of a cell are indeterminates: what is proven holds for all their values.

To add an operation: a row of TREATMENT, with words for a certificate.
"""

from __future__ import annotations

from collections.abc import Iterable

from sympy import MatAdd, MatMul, Transpose

from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.rules import RULES
from lstmgraph.algebra.traverse import walk
from lstmgraph.program import Program

POLYNOMIAL = "polynomials in their operands' entries"
EXPONENTIAL = "rational in exp, which is one indeterminate for each argument, exp' = exp"
FUNCTION = "one indeterminate for each argument, with SymPy's derivative"
QUOTIENT = "1/d is an indeterminate r with r d = 1"
POWER = "products, and roots w with w^q = u; other powers are indeterminates, with the derivative of exp(v log u)"
ROOT = "an indeterminate w with w^2 = u"
STEP = "s u and the like with s = 0 or 1 by the side of a kink, both taken"
LOGARITHM = "the logarithm is an indeterminate for each argument, and so is exp in it"

TREATMENT: dict[type, str] = {
    MatMul: POLYNOMIAL,
    MatAdd: POLYNOMIAL,
    Transpose: POLYNOMIAL,
    n.Hadamard: POLYNOMIAL,
    n.OneMinus: POLYNOMIAL,
    n.Negative: POLYNOMIAL,
    n.Identity: POLYNOMIAL,
    n.Concat: POLYNOMIAL,
    n.Slice: POLYNOMIAL,
    n.Sum: POLYNOMIAL,
    n.TimeSum: POLYNOMIAL,  # of one step, its term
    n.Fill: POLYNOMIAL,
    n.Sigmoid: EXPONENTIAL,
    n.Silu: EXPONENTIAL,
    n.Softmax: EXPONENTIAL,
    n.Exp: EXPONENTIAL,
    n.Softplus: LOGARITHM,
    n.Tanh: FUNCTION,
    n.Log: FUNCTION,
    n.Sin: FUNCTION,
    n.Cos: FUNCTION,
    n.Divide: QUOTIENT,
    n.Reciprocal: QUOTIENT,
    n.Power: POWER,
    n.Sqrt: ROOT,
    n.Relu: STEP,
    n.Abs: STEP,
    n.Sign: STEP,
    n.Step: STEP,
    n.Maximum: STEP,
    n.Minimum: STEP,
}
# What is excluded from what is proven, by how an operation is treated.
LIMITS = {
    QUOTIENT: "where no divisor is zero",
    POWER: "where a base is positive, unless the exponent is a whole number",
    ROOT: "where what is under a root is positive",
    STEP: "away from kinks and ties: no argument of abs, relu, sign or step is 0, no two of max or min are equal",
}


def used(program: Program) -> dict[str, list[str]]:
    """How the operations of a Program are treated: words, and the operations' names; plain arithmetic last."""
    found: dict[str, list[str]] = {}
    for cls in operations(program):
        words = TREATMENT.get(cls, FUNCTION)
        found.setdefault(words, []).append(RULES[cls].name)
    return {words: sorted(found[words]) for words in sorted(found, key=lambda w: (w == POLYNOMIAL, w))}


def operations(program: Program) -> list[type]:
    nodes: Iterable[type] = (node.func for e in program for node in walk(e.value))
    return [cls for cls in dict.fromkeys(nodes) if cls in RULES]


def limits(program: Program) -> list[str]:
    """Where nothing is proven."""
    return [LIMITS[words] for words in used(program) if words in LIMITS]
