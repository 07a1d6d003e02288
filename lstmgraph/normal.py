"""The normal form of a Program: every value that a derivative or a machine needs has a name.

The author writes `h[t] = o[t] * tanh(c[t])`; here that is `part(h.1)[t] = tanh(c[t])`, `h[t] = o[t] * part(h.1)[t]`.
After this pass an equation is a nonlinear function of named values, or a sum of products of named values.  Nothing is
inlined later, so no program ever grows by more than its equations.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from sympy import MatAdd, MatMul, MatrixExpr, MatrixSymbol, Transpose

from lstmgraph.algebra.names import Name, name_of, symbol
from lstmgraph.algebra.nodes import Concat, Elementwise, Fill, Hadamard, Negative, OneMinus, Softmax, operands
from lstmgraph.algebra.traverse import rebuild, walk
from lstmgraph.program import Equation, Program

# Written where they are used: naming 1 - z or the transpose of W would only make formulas longer.
_LIGHT = (OneMinus, Negative, Transpose, Fill)
# Linear, or bilinear in named values: may stand as a term of a sum.
_TERMS = (MatMul, Hadamard, *_LIGHT)


def is_light(expr: MatrixExpr) -> bool:
    """Whether an expression may be an operand without a name of its own."""
    if isinstance(expr, MatrixSymbol):
        return True
    return isinstance(expr, _LIGHT) and all(isinstance(o, (MatrixSymbol, Fill)) for o in operands(expr))


def _is_alone(expr: MatrixExpr) -> bool:
    """Whether it is a stack of one value, which is that value."""
    return isinstance(expr, Concat) and len(expr.args) == 1


def is_activation(expr: MatrixExpr) -> bool:
    """A function whose operand is called a pre-activation: sigmoid, tanh, ..., but not 1 - a and -a."""
    return isinstance(expr, (Elementwise, Softmax)) and not isinstance(expr, _LIGHT)


def normal_form(program: Program) -> Program:
    """The same values under the same names, and names for the parts in between."""
    return replace(program, equations=tuple(_Namer(program).run()))


def _products_taken_twice(program: Program) -> set[MatrixExpr]:
    """The products of matrices that several operations take: each is computed once."""
    different = dict.fromkeys(node for e in program for node in walk(e.value))
    times = Counter(o for node in different for o in operands(node) if isinstance(o, MatMul))
    return {whole for whole, many in times.items() if many > 1}


class _Namer:
    def __init__(self, program: Program) -> None:
        self.program = program
        self.equations: list[Equation] = []
        self.known: dict[MatrixExpr, MatrixSymbol] = {}
        self.twice = _products_taken_twice(program)
        self.owner: Equation
        self.count = 0

    def run(self) -> list[Equation]:
        for equation in self.program:
            self.owner, self.count = equation, 0
            if is_activation(equation.value):
                argument = self.operand(equation.value.args[0], mark="pre")
                value = rebuild(equation.value, [argument])
            else:
                value = self.body(equation.value)
            self.equations.append(replace(equation, value=value))
            self.known.setdefault(equation.value, equation.target)
        return self.equations

    def body(self, expr: MatrixExpr) -> MatrixExpr:
        """The right-hand side of an equation: a sum of terms, or one operation on light operands."""
        if _is_alone(expr):
            return self.body(expr.args[0])
        if isinstance(expr, (MatAdd, Concat)):
            return expr.func(*(self.term(a) for a in expr.args))
        if isinstance(expr, MatrixSymbol):
            return expr
        return rebuild(expr, [self.operand(o) for o in operands(expr)])

    def term(self, expr: MatrixExpr) -> MatrixExpr:
        if isinstance(expr, Negative):
            return Negative(self.term(expr.args[0]))
        if isinstance(expr, _TERMS) and expr not in self.known and expr not in self.twice:
            return rebuild(expr, [self.operand(o) for o in operands(expr)])
        return self.operand(expr)

    def operand(self, expr: MatrixExpr, mark: str = "part") -> MatrixExpr:
        """The expression itself if it is light, else the name that it has or is given here."""
        if _is_alone(expr):
            return self.operand(expr.args[0], mark)
        if is_light(expr):
            return expr
        if isinstance(expr, _LIGHT):
            return rebuild(expr, [self.operand(o) for o in operands(expr)])
        if expr not in self.known:
            value = self.body(expr)
            self.known[expr] = symbol(self.new_name(mark), expr.shape)
            self.equations.append(Equation(self.known[expr], value, place=self.owner.place))
        return self.known[expr]

    def new_name(self, mark: str) -> Name:
        owner = name_of(self.owner.target)
        if mark == "pre":
            return owner.marked("pre")
        self.count += 1
        return replace(owner, base=f"{owner.base}.{self.count}", marks=("part", *owner.marks))
