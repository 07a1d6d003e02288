"""Sigmoids by the hyperbolic tangent: sigmoid(a) = (1 + tanh(a / 2)) / 2, which is one call and overflows nowhere.

The half goes into the parameters, once: pre(f)[t] = W_f x[t] + U_f h[t-1] + b_f is computed with W_f / 2, U_f / 2 and
b_f / 2.  A half is exact in binary numbers, so nothing is lost.  Gates that are a tanh already are then of one form
with those that were a sigmoid, and can be packed with them.

What is near 0 has an absolute error then, as everything near 1 has anyway.  So a sigmoid stays one where a logarithm or
a quotient is taken of it, or of what it makes small (`extremes`), in this step or a later one, or where it is a factor
beside what may be as large as an exponential, or beside a large number.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from sympy import MatAdd, MatMul, MatrixExpr, MatrixSymbol, Rational

from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.build import is_number
from lstmgraph.algebra.names import name_of
from lstmgraph.algebra.nodes import operands
from lstmgraph.codegen.passes.extremes import relative
from lstmgraph.codegen.passes.rows import fresh, used_in
from lstmgraph.codegen.sweep import PHASES, Phase, Sweep
from lstmgraph.program import Equation

HALF = Rational(1, 2)


def halve(sweep: Sweep) -> Sweep:
    """Every sigmoid by the hyperbolic tangent of half its operand."""
    return _Halving(sweep).run()


@dataclass
class _Halving:
    sweep: Sweep
    halves: dict[MatrixSymbol, Equation] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.constant = self.sweep.constant()
        self.taken = {e.target for e in self.sweep.equations}
        self.zeros = {e.target for e in self.sweep["once"] if is_number(e.value, 0)}
        self.made, self.uses = self.taken - self.sweep.delayed, used_in(self.sweep)
        self.relative = relative(self.sweep)

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
        """Whether half of an operand can be computed in its place: it is computed here, and nobody else takes it."""
        return operand in self.made and self.uses[operand] == 1

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
            return value if value in self.zeros else self.half_of(value)
        if isinstance(value, (MatMul, n.Hadamard)):
            at = next((k for k, a in enumerate(value.args) if self.is_parameter(a)), None)
            if at is not None:
                return value.func(*value.args[:at], self.half_of(value.args[at]), *value.args[at + 1 :])
        if is_number(value):
            return n.Fill(HALF * value.value, *value.shape)
        return n.Hadamard(n.Fill(HALF, *value.shape), value)

    def is_parameter(self, factor: MatrixExpr) -> bool:
        return isinstance(factor, MatrixSymbol) and factor in self.constant and bool(operands(factor) == ())

    def half_of(self, parameter: MatrixSymbol) -> MatrixSymbol:
        if parameter not in self.halves:
            name = fresh(name_of(parameter).marked("half"), parameter.shape, self.taken)
            value = n.Hadamard(n.Fill(HALF, *parameter.shape), parameter)
            self.halves[parameter] = Equation(name, value)
        return self.halves[parameter].target
