"""Forward mode, symbolically: the tangents of a Program as a Program, and Hessian-vector products made of it.

Every equation y = f(a, b) is followed by that of its tangent, the rate at which y changes while the inputs move along a
direction: `dot(y)` from `dot(a)` and `dot(b)`.  Nothing is inlined, and what does not change has no tangent.

A Hessian-vector product is forward mode over reverse mode (Pearlmutter, Fast exact multiplication by the Hessian,
Neural Computation 6, 1994): the tangents of a gradient Program.  Each sweep has its own names: the tangent of the
cotangent `bar(pre(f))[t]` is `dot(bar(pre(f)))[t]`.

The local rules are those of `algebra/rules.py`; this module knows no operation by name.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sympy import Integer, MatrixExpr, MatrixSymbol

from lstmgraph.algebra.build import fill, is_number
from lstmgraph.algebra.names import like
from lstmgraph.algebra.nodes import operands
from lstmgraph.algebra.rules import jvp as value_tangent
from lstmgraph.calculus.vjp import chosen, vjp
from lstmgraph.cell import Cell
from lstmgraph.errors import UnknownName
from lstmgraph.normal import normal_form
from lstmgraph.program import Equation, Program


def tangent(cell: Cell, wrt: Sequence[str] | None = None) -> Program:
    """The tangents of a cell's outputs while the names in `wrt` ("W_f", "x", "h": its previous value) change.

    Inputs are those of the step and `dot(W_f)`, `dot(x)[t]`, `dot(h)[t-1]`; outputs `dot(h)[t]` for each output of the
    cell.  By default everything changes.  Raises UnknownName for a name that is none of these.
    """
    return jvp(normal_form(cell.step), chosen(cell, wrt), cell.outputs)


def hessian_vector(cell: Cell, wrt: Sequence[str] | None = None, curved: bool = False) -> Program:
    """The Hessian of one step's loss times the direction `dot(W_f)`, `dot(x)[t]`, ...: see `hvp`."""
    return hvp(cell.step, cell.outputs, chosen(cell, wrt), curved)


def jvp(program: Program, wrt: Sequence[MatrixSymbol], of: Sequence[MatrixSymbol] | None = None) -> Program:
    """The tangents of `of`, by default of the outputs, given those of the inputs `wrt`; other inputs stand still.

    The equations are taken as they are: in `normal_form` no value is computed twice.  Raises UnknownName for a symbol
    in `wrt` that is no input.
    """
    for symbol in wrt:
        if symbol not in program.inputs:
            raise UnknownName("input", symbol.name, [s.name for s in program.inputs], of=program.name)
    return _Sweep(wrt).run(program, tuple(program.outputs if of is None else of))


def hvp(program: Program, of: Sequence[MatrixSymbol], wrt: Sequence[MatrixSymbol], curved: bool = False) -> Program:
    """The product of a Hessian with the direction `dot(...)` of `wrt`: `dot(grad(W))`, `dot(bar(h))[t-1]`, ...

    The Hessian is that of L = <seeds, of>, with the seeds held fixed.  A loss l(of) that is itself curved has seeds
    that change: with `curved` their tangents are inputs too (`dot(bar(h))[t]`), and where they are l'' times the
    tangents of `of` (which `jvp` gives) the result is the whole Hessian of l.
    """
    gradient = vjp(program, of, wrt)
    seeds = [s for s in gradient.inputs if s not in program.inputs] if curved else []
    return jvp(gradient, [*wrt, *seeds])


class _Sweep:
    """One pass from the first equation to the last; `dots` are the tangents that are not zero."""

    def __init__(self, wrt: Sequence[MatrixSymbol]) -> None:
        self.dots = {symbol: like(symbol, "dot") for symbol in wrt}

    def run(self, program: Program, of: tuple[MatrixSymbol, ...]) -> Program:
        inputs = (*program.inputs, *self.dots.values())
        equations = tuple(e for equation in program for e in self.push(equation))
        still = [Equation(like(o, "dot"), _zero(o), stage="tangent") for o in of if o not in self.dots]
        whole = Program(f"{program.name}_jvp", inputs, (*equations, *still), ())
        return whole.needed_for(like(o, "dot") for o in of)

    def push(self, equation: Equation) -> Iterator[Equation]:
        """An equation, and that of its tangent."""
        yield equation
        found = self.tangent(equation.value, equation.target)
        if not is_number(found, 0):
            self.dots[equation.target] = like(equation.target, "dot")
            yield Equation(self.dots[equation.target], found, place=equation.place, stage="tangent")

    def tangent(self, expr: MatrixExpr, out: MatrixExpr) -> MatrixExpr:
        """The tangent of an expression whose value is called `out`."""
        if isinstance(expr, MatrixSymbol):
            return self.dots.get(expr, _zero(expr))
        dots = [self.tangent(o, o) for o in operands(expr)]
        if all(is_number(d, 0) for d in dots):
            return _zero(expr)
        return value_tangent(expr, out, dots)


def _zero(like_this: MatrixExpr) -> MatrixExpr:
    return fill(Integer(0), like_this.shape)
