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
- relu, abs, max, min, sign, step: the step of u is an s with s s = s that does not change nearby, ds = 0; the step of
  -u is 1 - s.  It is 0 or 1, and both cases are proven; modulo a prime only those that are tried.  What is proven holds
  where u is not zero, that is: not at the kink, and not at a tie.  There the rules take one side, as PyTorch does;
  nothing is proven of it.
- Constants of a cell are indeterminates: what is proven holds for all their values.

To add an operation: a row of TREATMENT, with words for a certificate.  An elementwise function needs none: its scalar
formula says what it is taken for.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import sympy as sp
from sympy import MatAdd, MatMul, Transpose

from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.rules import RULES
from lstmgraph.algebra.traverse import walk
from lstmgraph.program import Program

POLYNOMIAL = "polynomials in their operands' entries"
EXPONENTIAL = "rational in exp, an indeterminate E for each argument with E' = E"
FUNCTION = "an indeterminate for each argument, with SymPy's derivative"
QUOTIENT = "1/d is an indeterminate r with r d = 1"
POWER = "products for whole exponents, else an indeterminate with the derivative of exp(v log u)"
ROOT = "an indeterminate w with w^q = u"
STEP = "s u and the like with s = 0 or 1 by the side of the kink, for both"

TREATMENT: dict[type, str] = {
    MatMul: POLYNOMIAL,
    MatAdd: POLYNOMIAL,
    Transpose: POLYNOMIAL,
    n.Hadamard: POLYNOMIAL,
    n.Concat: POLYNOMIAL,
    n.Slice: POLYNOMIAL,
    n.Sum: POLYNOMIAL,
    n.TimeSum: POLYNOMIAL,  # of one step, its term
    n.Fill: POLYNOMIAL,
    n.Softmax: EXPONENTIAL,
    n.Divide: QUOTIENT,
    n.Power: POWER,
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
ORDER = (EXPONENTIAL, FUNCTION, QUOTIENT, ROOT, POWER, STEP, POLYNOMIAL)  # of a certificate


def used(program: Program) -> dict[str, list[str]]:
    """How the operations of a Program are treated: words, and the operations' names; plain arithmetic last."""
    classes = [c for c in dict.fromkeys(node.func for e in program for node in walk(e.value)) if c in RULES]
    names = {words: sorted(RULES[cls].name for cls in classes if words in treated(cls)) for words in ORDER}
    return {words: found for words, found in names.items() if found}


def limits(program: Program) -> list[str]:
    """Where what is proven holds."""
    return [LIMITS[words] for words in used(program) if words in LIMITS]


@lru_cache(maxsize=128)
def treated(cls: type) -> tuple[str, ...]:
    """What an operation is taken for; an elementwise function by the parts of its scalar formula."""
    if cls in TREATMENT or not issubclass(cls, n.Elementwise):
        return (TREATMENT[cls],)
    parts = sp.preorder_traversal(cls.scalar(sp.Symbol("a", real=True)))
    return tuple(dict.fromkeys(words for part in parts for words in _treated(part))) or (POLYNOMIAL,)


def _treated(part: sp.Expr) -> Iterator[str]:
    if isinstance(part, sp.exp):
        yield EXPONENTIAL
    elif isinstance(part, (sp.Abs, sp.sign, sp.Heaviside, sp.Max, sp.Min)):
        yield STEP
    elif isinstance(part, sp.Function):
        yield FUNCTION
    elif isinstance(part, sp.Pow) and not part.exp.is_Integer:
        yield ROOT if part.exp.is_Rational else POWER
    elif isinstance(part, sp.Pow) and part.exp.is_negative and not part.base.is_nonzero:
        yield QUOTIENT
