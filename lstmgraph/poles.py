"""Gradients in numbers where a slope is infinite, of a value that does not move there.

sqrt(relu(a)) is 0 for all a below 0, and so is its derivative: the slope of the root, 1 / (2 * 0), times that of relu,
which is 0.  Printed that is the chain rule; in numbers it is inf * 0 = NaN.  So where a way back divides by what a
relu, maximum, minimum or abs makes exactly 0, `without_poles` has it divide by 1 instead: what comes of that is
multiplied by 0.  Anywhere else the numbers are the same to the last digit.

At the kink itself, as of sqrt(abs(h[t-1])) where h starts from zeros, that is the derivative 0.
"""

from __future__ import annotations

from dataclasses import replace

from sympy import MatAdd, MatrixExpr, MatrixSymbol, Transpose, sign

from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.build import is_number, product
from lstmgraph.algebra.names import later
from lstmgraph.algebra.traverse import rebuild, walk
from lstmgraph.program import Equation, Program

_SWITCHES = (n.Relu, n.Maximum, n.Minimum, n.Abs)
# What may be 0 because an operand is.
_MOVED = (n.Identity, n.Negative, n.Fill, n.Slice, n.Concat, n.Sum, Transpose)
_HANDS_ON = (*_MOVED, MatAdd, n.OneMinus, n.Hadamard, n.Divide, n.Power, n.Sqrt, n.Tanh, n.Sin)


def without_poles(program: Program) -> Program:
    """The same program; what is not of its forward stage divides by nothing that a switch makes 0."""
    if not any(isinstance(node, _SWITCHES) for e in program for node in walk(e.value)):
        return program
    guard = _Guard(program)
    return replace(program, equations=tuple(map(guard.equation, program)))


def _divisor(node: MatrixExpr) -> int | None:
    """Which operand must not be 0, if one of them must not; of a power to what is computed the base."""
    if isinstance(node, n.Power) and is_number(node.args[1]) and node.args[1].value >= 0:
        return None
    return _DIVISOR.get(node.func)


_DIVISOR: dict[type, int] = {n.Reciprocal: 0, n.Divide: 1, n.Power: 0}


class _Guard:
    def __init__(self, program: Program) -> None:
        self.known = {e.target: e.value for e in program}
        nodes = [node for e in program.stage("forward") for node in walk(e.value)]
        self.forward = {*nodes}
        divisions = (node for node in nodes if not isinstance(node, n.Power) or is_number(node.args[1]))
        self.divisors = {node.args[at] for node in divisions if (at := _divisor(node)) is not None}
        self.switched: set[MatrixSymbol] = set()
        while new := {s for s, value in self.known.items() if self.is_switched(value)} - self.switched:
            self.switched |= new

    def equation(self, e: Equation) -> Equation:
        return e if e.stage == "forward" else replace(e, value=self.guarded(e.value))

    def guarded(self, expr: MatrixExpr) -> MatrixExpr:
        operands = [self.guarded(o) for o in n.operands(expr)]
        if (at := _divisor(expr)) is not None and expr not in self.forward:
            operands[at] = self.divisor(operands[at])
        return rebuild(expr, operands) if operands else expr

    def divisor(self, expr: MatrixExpr) -> MatrixExpr:
        """What forward divides by is other than 0 anyway; of factors each by itself: 2 (y + 1 where y is 0)."""
        if expr in self.divisors or not self.is_switched(expr) or self.sign(expr) == 1:
            return expr
        if isinstance(expr, n.Hadamard):
            return product(*map(self.divisor, expr.args))
        return MatAdd(expr, n.OneMinus(n.Step(expr if self.sign(expr) == 0 else n.Abs(expr))))

    def is_switched(self, expr: MatrixExpr) -> bool:
        """Whether a relu or the like may make it 0; of a state before the step, the step before."""
        if isinstance(expr, MatrixSymbol):
            return expr in self.switched or later(expr, 1) in self.switched
        if isinstance(expr, _HANDS_ON):
            return any(map(self.is_switched, n.operands(expr)))
        return isinstance(expr, _SWITCHES)

    def sign(self, expr: MatrixExpr) -> int:
        """1 of what is positive, 0 of what is never negative, -1 of what may be; nothing is known of a state."""
        if isinstance(expr, MatrixSymbol):
            return self.sign(self.known[expr]) if expr in self.known else -1
        if is_number(expr):
            return int(sign(expr.value))
        signs = list(map(self.sign, n.operands(expr)))
        if isinstance(expr, MatAdd):
            return max(signs) if min(signs) >= 0 else -1
        if isinstance(expr, (n.Maximum, n.Relu, n.Abs, n.Sqrt)):
            return max([*signs] if isinstance(expr, n.Maximum) else [*signs, 0])
        if isinstance(expr, _POSITIVE):
            return 1
        return min(signs) if isinstance(expr, _KEEPS_SIGN) else -1


_KEEPS_SIGN = (n.Identity, n.Fill, n.Slice, n.Concat, n.Sum, Transpose, n.Hadamard, n.Divide, n.Power, n.Minimum)
_POSITIVE = (n.Exp, n.Sigmoid, n.Softplus, n.Softmax)
