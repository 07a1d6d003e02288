"""Sigmoids by the hyperbolic tangent: sigmoid(a) = (1 + tanh(a / 2)) / 2, which is one call and overflows nowhere.

The half goes into the parameters, once: pre(f)[t] = W_f x[t] + U_f h[t-1] + b_f is computed with W_f / 2, U_f / 2 and
b_f / 2.  A half is exact in binary numbers, so nothing is lost.  Gates that are a tanh already are then of one form
with those that were a sigmoid, and can be packed with them.

What is near 0 has an absolute error then, as everything near 1 has anyway.  So a sigmoid stays one where a logarithm or
a quotient is taken of it, or of what is made of it by products and sums, in this step or a later one, or where it is a
factor of an exponential (`_Relative`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import prod

from sympy import MatAdd, MatMul, MatrixExpr, MatrixSymbol, Rational, Transpose

from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.names import name_of
from lstmgraph.algebra.nodes import operands
from lstmgraph.algebra.traverse import symbols_in, walk
from lstmgraph.codegen.passes.rows import fresh
from lstmgraph.codegen.sweep import PHASES, Phase, Sweep
from lstmgraph.program import Equation

HALF = Rational(1, 2)
# Operations that make much of a small difference where an operand is near 0; of a quotient that is the divisor.
_RELATIVE: dict[type, int] = {n.Log: 0, n.Reciprocal: 0, n.Divide: 1, n.Power: 0, n.Sqrt: 0}
_CHAINED = (
    *(n.Hadamard, n.Divide, n.Negative, n.Identity, n.Slice, n.Concat, n.Fill, n.Sum, Transpose, MatMul, MatAdd),
    *(n.Relu, n.Abs, n.Maximum, n.Minimum),
)


def halve(sweep: Sweep) -> Sweep:
    """Every sigmoid by the hyperbolic tangent of half its operand."""
    return _Halving(sweep).run()


class _Relative:
    """The values whose relative error counts."""

    def __init__(self, sweep: Sweep) -> None:
        self.sweep, self.values = sweep, {e.target: e.value for e in sweep.equations}
        self.constant = sweep.constant()

    def found(self) -> set[MatrixSymbol]:
        parts = [part for value in self.values.values() for part in walk(value) if type(part) in _RELATIVE]
        near = [p for p in parts if not _is_product(p) and self.is_near(p.args[_RELATIVE[type(p)]])]
        beside = [o for value in self.values.values() for part in walk(value) for o in self.beside_large(part)]
        waiting = [s for o in (*(o for part in near for o in operands(part)), *beside) for s in self.chained(o)]
        found: set[MatrixSymbol] = set()
        while waiting:
            s = waiting.pop()
            if s not in found:
                found.add(s)
                made = self.sweep.carried.get(s, self.values.get(s))
                waiting += self.chained(made) if made is not None else []
        return found

    def beside_large(self, part: MatrixExpr) -> list[MatrixExpr]:
        """The factors of a product beside what an exponential may have made large."""
        if not isinstance(part, (n.Hadamard, MatMul)):
            return []
        large = [self.is_large(o) for o in part.args]
        return [o for k, o in enumerate(part.args) if any(large[:k] + large[k + 1 :])]

    def is_large(self, expr: MatrixExpr) -> bool:
        return any(end in self.large or self.is_steep(end) for end in _ends(expr))

    @cached_property
    def large(self) -> set[MatrixExpr]:
        """The values to which exponentials are passed on, of this step and of those before."""
        before = {new: prev for prev, new in self.sweep.carried.items()}
        ends = {s: list(_ends(value)) for s, value in self.values.items()}
        new = {s for s, found in ends.items() if any(map(self.is_steep, found))}
        found: set[MatrixExpr] = set()
        while new:
            found |= new | {before[s] for s in new if s in before}
            new = {s for s, parts in ends.items() if not found.isdisjoint(parts)} - found
        return found

    def is_steep(self, expr: MatrixExpr) -> bool:
        """Whether it is an exponential of what is of a step, and may be above 0."""
        if not isinstance(expr, n.Exp) or symbols_in(expr) <= self.constant:
            return False
        return self.sign(expr.args[0]) >= 0 and not self.is_below_largest(expr.args[0])

    def sign(self, expr: MatrixExpr) -> int:
        """1 of what is never below 0, -1 of what is never above, 0 of what may be either."""
        expr = self.values.get(expr, expr)
        if isinstance(expr, (n.Exp, n.Softplus, n.Sigmoid, n.Relu, n.Abs)):
            return 1
        if isinstance(expr, n.Negative):
            return -self.sign(expr.args[0])
        if isinstance(expr, n.Fill) and not operands(expr):
            return 1 if expr.value >= 0 else -1
        if isinstance(expr, (n.Hadamard, n.Divide, n.Fill, MatMul)):
            return prod(map(self.sign, operands(expr)))
        return 0

    def is_below_largest(self, expr: MatrixExpr) -> bool:
        """Whether it is one of some values less the largest of them, as the gates of a stabilised memory are."""
        terms = list(self.terms(expr))
        taken = [largest for sign, largest in terms if sign < 0 and isinstance(largest, n.Maximum)]
        rest = {(sign, t) for sign, t in terms if t not in taken}
        return len(taken) == 1 and any(rest == {*self.terms(a)} for a in taken[0].args)

    def terms(self, expr: MatrixExpr, sign: int = 1) -> Iterator[tuple[int, MatrixExpr]]:
        """The terms of a sum, and of the sums that these are, with their signs."""
        expr = self.values.get(expr, expr)
        if isinstance(expr, (MatAdd, n.Negative)):
            for o in operands(expr):
                yield from self.terms(o, -sign if isinstance(expr, n.Negative) else sign)
        else:
            yield sign, expr

    def chained(self, expr: MatrixExpr) -> list[MatrixSymbol]:
        """What passes its relative error on: not into a sum with a number, nor through an activation."""
        if isinstance(expr, MatrixSymbol):
            return [expr]
        if not (isinstance(expr, _CHAINED) or _is_product(expr)) or self.is_away(expr):
            return []
        return [s for operand in operands(expr) for s in self.chained(operand)]

    def is_near(self, expr: MatrixExpr) -> bool:
        """Whether a step may have it near 0."""
        return not symbols_in(expr) <= self.constant and not self.is_away(expr)

    def is_away(self, expr: MatrixExpr) -> bool:
        """Whether something is away from 0 by a number that it is the sum with, or the larger of."""
        expr = self.values.get(expr, expr)
        if isinstance(expr, (n.Sqrt, n.Power)) or (isinstance(expr, n.Fill) and operands(expr)):
            return self.is_away(expr.args[0])
        return isinstance(expr, (MatAdd, n.Maximum)) and any(map(self.is_fixed, operands(expr)))

    def is_fixed(self, expr: MatrixExpr) -> bool:
        """Whether it is a number, or a scalar that the step does not compute: not one that may itself be near 0."""
        return isinstance(expr, n.Fill) and all(o in self.constant for o in operands(expr))


def _ends(expr: MatrixExpr) -> Iterator[MatrixExpr]:
    """What an expression is made of by products and sums."""
    if not isinstance(expr, _CHAINED) and not _is_product(expr):
        yield expr
        return
    for o in operands(expr):
        yield from _ends(o)


def _is_product(expr: MatrixExpr) -> bool:
    """Whether a power is one of products: what is off near 0 is off by less in its square."""
    exponent = expr.args[1] if isinstance(expr, n.Power) else None
    return isinstance(exponent, n.Fill) and bool(exponent.value.is_Integer and exponent.value.is_positive)


@dataclass
class _Halving:
    sweep: Sweep
    halves: dict[MatrixSymbol, Equation] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.constant = self.sweep.constant()
        self.taken = {e.target for e in self.sweep.equations}
        self.uses = Counter(s for e in self.sweep.equations for s in walk(e.value) if isinstance(s, MatrixSymbol))
        self.relative = _Relative(self.sweep).found()
        self.definitions = {e.target: e for e in self.sweep.equations}

    def run(self) -> Sweep:
        chosen = [e for phase in PHASES[1:] for e in self.sweep[phase] if self.is_chosen(e)]
        inner = {e.value.args[0] for e in chosen if self.is_scaled(e.value.args[0])}
        phases: dict[Phase, list[Equation]] = {}
        for phase in PHASES[1:]:
            phases[phase] = []
            for e in self.sweep[phase]:
                if e in chosen:
                    phases[phase] += self.by_tanh(e, inner)
                else:
                    phases[phase].append(replace(e, value=self.half(e.value)) if e.target in inner else e)
        return self.sweep.changed(phases | {"once": [*self.sweep["once"], *self.halves.values()]})

    def is_chosen(self, e: Equation) -> bool:
        """Whether it is a gate; the sigmoid in a slope of silu is all that there is of it far out."""
        slope = name_of(e.target).marks[:1] == ("sigmoid",)
        return isinstance(e.value, n.Sigmoid) and e.target not in self.relative and not slope

    def is_scaled(self, operand: MatrixExpr) -> bool:
        """Whether half of an operand can be computed in its place."""
        known = self.definitions.get(operand)
        wanted = {*self.sweep.wanted, *self.sweep.carried.values()}
        return known is not None and operand not in self.constant | wanted and self.uses[operand] == 1

    def by_tanh(self, e: Equation, inner: set[MatrixSymbol]) -> list[Equation]:
        """The tanh and the sigmoid by it: half of that, if it is the operand of the next one."""
        half, operand = n.Fill(HALF, *e.target.shape), e.value.args[0]
        part = n.Fill(HALF**2, *e.target.shape) if e.target in inner else half
        turned = fresh(name_of(e.target).marked("tanh"), e.target.shape, self.taken)
        tanh = n.Tanh(operand if operand in inner else n.Hadamard(half, operand))
        return [replace(e, target=turned, value=tanh), replace(e, value=MatAdd(n.Hadamard(part, turned), part))]

    # ── half of a value ──

    def half(self, value: MatrixExpr) -> MatrixExpr:
        """Half of it: of each term the half of a parameter, if it has one."""
        if isinstance(value, MatAdd):
            return MatAdd(*map(self.half, value.args))
        if isinstance(value, n.Negative):
            return n.Negative(self.half(value.args[0]))
        if isinstance(value, MatrixSymbol) and value in self.constant:
            return self.half_of(value)
        if isinstance(value, (MatMul, n.Hadamard)):
            at = next((k for k, a in enumerate(value.args) if self.is_parameter(a)), None)
            if at is not None:
                return value.func(*value.args[:at], self.half_of(value.args[at]), *value.args[at + 1 :])
        return n.Hadamard(n.Fill(HALF, *value.shape), value)

    def is_parameter(self, factor: MatrixExpr) -> bool:
        return isinstance(factor, MatrixSymbol) and factor in self.constant and bool(operands(factor) == ())

    def half_of(self, parameter: MatrixSymbol) -> MatrixSymbol:
        if parameter not in self.halves:
            name = fresh(name_of(parameter).marked("half"), parameter.shape, self.taken)
            value = n.Hadamard(n.Fill(HALF, *parameter.shape), parameter)
            self.halves[parameter] = Equation(name, value)
        return self.halves[parameter].target
