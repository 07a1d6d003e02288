"""Gradients in numbers where a slope is infinite: what a switch shuts is 0.

sqrt(relu(a)) is 0 for all a below 0, and so is its derivative.  The chain rule, as it is printed, multiplies the slope
of the root by that of relu, which in numbers is inf * 0 = NaN.  So in numbers a product with a switch (step, 1 - step,
sign) of what may be infinite is `Kept`: what is multiplied where the switch is not 0, else 0.  That is what frameworks
do; and where there are no infinities it is the product.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from sympy import MatAdd, MatrixExpr, MatrixSymbol, Transpose, sign

from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.build import is_number, product
from lstmgraph.algebra.names import later, like, name_of
from lstmgraph.algebra.traverse import rebuild, symbols_in, walk
from lstmgraph.normal import normal_form
from lstmgraph.program import Equation, Program

_DIVISOR: dict[type, int] = {n.Reciprocal: 0, n.Divide: 1, n.Power: 0}  # which operand must not be 0
_PRODUCTS = (n.Hadamard, n.Divide)
_SWITCHES = (n.Step, n.Sign)
_POSITIVE = (n.Exp, n.Sigmoid, n.Softplus, n.Softmax)
_KEEPS_SIGN = (n.Identity, n.Fill, n.Slice, n.Concat, n.Sum, Transpose, n.Hadamard, n.Divide, n.Power, n.Minimum)


def with_switches(program: Program, step: Program, constants: Mapping[str, float]) -> Program:
    """The same program, where what is not of its forward stage has no product of 0 and what may be infinite.

    It is a gradient of `step`; `constants` are those of its inputs whose values are known, by name.
    """
    if not any(isinstance(node, _SWITCHES) for e in program for node in walk(e.value)):
        return program
    step = normal_form(step)
    poles = _Poles({e.target: e.value for e in (*step, *program)}, _sums(step))
    poles.settle_signs({s: int(sign(constants[s.name])) for s in program.inputs if s.name in constants}, program.inputs)
    while True:
        known = len(poles.infinite)
        equations = tuple(map(poles.switched, program))
        poles.infinite |= {later(s, 1) for s in poles.infinite if name_of(s).lag == -1}  # it reaches the step before
        if len(poles.infinite) == known:
            return replace(program, equations=equations)


def _sums(step: Program) -> set[MatrixSymbol]:
    """The cotangents of what is the same at all steps: of a sequence there is the sum of them, which no step shuts."""
    timed = {s for s in step.inputs if name_of(s).lag is not None}
    shared = []
    for e in step:
        if timed.isdisjoint(symbols_in(e.value)):
            shared.append(e.target)
        else:
            timed.add(e.target)
    return {like(s, "bar") for s in shared}


def _divisor(node: MatrixExpr) -> MatrixExpr | None:
    """What must not be 0: of a power its base, unless it is to a number that is not negative."""
    if isinstance(node, n.Power) and is_number(node.args[1]) and node.args[1].value >= 0:
        return None
    return node.args[_DIVISOR[node.func]] if node.func in _DIVISOR else None


@dataclass
class _Poles:
    """`known` is what each value is."""

    known: dict[MatrixSymbol, MatrixExpr]
    sums: set[MatrixSymbol]
    infinite: set[MatrixSymbol] = field(default_factory=set)
    shutting: dict[MatrixSymbol, list[MatrixExpr]] = field(default_factory=dict)
    signs: dict[MatrixSymbol, int] = field(default_factory=dict)

    def settle_signs(self, given: Mapping[MatrixSymbol, int], inputs: Iterable[MatrixSymbol]) -> None:
        """A state is never negative if its next value is not wherever it is not itself: the first one is 0, or such."""
        states = {s: new for s in inputs if name_of(s).lag == -1 and (new := later(s, 1)) in self.known}
        while True:
            self.signs = {**dict.fromkeys(states, 0), **given}
            kept = {s: new for s, new in states.items() if self.sign(new) >= 0}
            if kept == states:
                return
            states = kept

    def switched(self, e: Equation) -> Equation:
        value = e.value if e.stage == "forward" else self.kept(e.value)
        if self.may_be_infinite(value):
            self.infinite.add(e.target)
        return e if value == e.value else replace(e, value=value)

    def kept(self, expr: MatrixExpr) -> MatrixExpr:
        if not isinstance(expr, _PRODUCTS):
            operands = [self.kept(o) for o in n.operands(expr)]
            return rebuild(expr, operands) if operands else expr
        whole = self.inside(expr)
        shut = (s for f in _factors(whole) if self.may_be_infinite(_without(whole, [f])) for s in self.switches(f))
        switches = list(dict.fromkeys(shut))
        value = _without(whole, [s for s in switches if _is_0_or_1(s)])
        for switch in switches:
            value = n.Kept(value, switch.args[0] if isinstance(switch, n.Sign) else switch)
        return value

    def inside(self, expr: MatrixExpr) -> MatrixExpr:
        """A product or a quotient, with what is kept in its factors and in what divides it."""
        above = expr.args[:1] if isinstance(expr, n.Divide) else expr.args
        factors = [self.inside(f) if isinstance(f, _PRODUCTS) else self.kept(f) for f in above]
        return rebuild(expr, [*factors, *map(self.kept, expr.args[len(above) :])])

    def switches(self, factor: MatrixExpr) -> list[MatrixExpr]:
        """What in a factor, or in what it is the name of, is 0 where something is shut."""
        if isinstance(factor, MatrixSymbol):
            if factor not in self.shutting:
                made_of = () if factor in self.sums else _factors(self.known.get(factor))
                found = (s for f in made_of for s in self.switches(f))
                self.shutting[factor] = [factor] if self.is_relu(factor) else list(dict.fromkeys(found))
            return self.shutting[factor]
        alone = _is_0_or_1(factor) or isinstance(factor, n.Sign)
        return [factor] if alone or (isinstance(factor, MatAdd) and all(map(self.may_be_shut, factor.args))) else []

    def may_be_shut(self, term: MatrixExpr) -> bool:
        bare = term.args[0] if isinstance(term, n.Negative) else term
        return any(map(self.switches, _factors(bare)))

    def may_be_infinite(self, expr: MatrixExpr) -> bool:
        if isinstance(expr, MatrixSymbol):
            return expr in self.infinite
        divisor = _divisor(expr)
        if divisor is not None and self.sign(divisor) < 1:
            return True
        return any(map(self.may_be_infinite, n.operands(expr)))

    def is_relu(self, expr: MatrixExpr) -> bool:
        return isinstance(self.known.get(expr, expr), n.Relu)

    def sign(self, expr: MatrixExpr) -> int:
        """1 of what is positive, 0 of what is never negative, -1 of what may be; nothing is known of what is given."""
        if isinstance(expr, MatrixSymbol):
            if expr not in self.signs:
                self.signs[expr] = self.sign(self.known[expr]) if expr in self.known else -1
            return self.signs[expr]
        if is_number(expr):
            return int(sign(expr.value))
        signs = list(map(self.sign, n.operands(expr)))
        if isinstance(expr, MatAdd):
            return max(signs) if min(signs) >= 0 else -1
        if isinstance(expr, n.Maximum):
            return max(signs)
        if isinstance(expr, (n.Relu, n.Abs, n.Sqrt)) or (isinstance(expr, n.Power) and is_number(expr.args[1], 2)):
            return max(0, signs[0])
        if isinstance(expr, _POSITIVE):
            return 1
        return min(signs) if isinstance(expr, _KEEPS_SIGN) else -1


def _is_0_or_1(expr: MatrixExpr) -> bool:
    return isinstance(expr.args[0] if isinstance(expr, n.OneMinus) else expr, n.Step)


def _factors(expr: MatrixExpr | None) -> tuple[MatrixExpr, ...]:
    """Those of a product, or of what is above in a quotient."""
    if isinstance(expr, n.Divide):
        return _factors(expr.args[0])
    if isinstance(expr, n.Hadamard):
        return tuple(f for part in expr.args for f in _factors(part))
    return () if expr is None else (expr,)


def _without(expr: MatrixExpr, some: list[MatrixExpr]) -> MatrixExpr:
    """A product, or a quotient, without some of its factors."""
    if isinstance(expr, n.Divide):
        return n.Divide(_without(expr.args[0], some), expr.args[1])
    if isinstance(expr, n.Hadamard):
        return product(*(_without(f, some) for f in expr.args))
    return n.Fill(1, *expr.shape) if expr in some else expr
