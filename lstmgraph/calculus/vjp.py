"""Reverse mode, symbolically: the gradients of a Program as a Program.

The result holds the forward equations (in normal form, so that the derivative of a function can be told by its value)
followed by backward ones, each short and named: the cotangent of f[t] is `bar(f)[t]`, that of its pre-activation
`bar(pre(f))[t]` (printed as a delta), the gradient of a parameter `grad(W_f)`.  Nothing is inlined but a cotangent
that is used once, on its way into a pre-activation, because people write those two lines as one: delta_f = c_bar *
c_prev * f * (1 - f).

What arrives at an output from outside the step (from the loss, and from step t+1) is a *seed*.  It is simply
`bar(h)[t]` where the step itself does not use h[t] again; where it does (the c[t] of an LSTM feeds h[t]), what
arrives is `seed(c)[t]` and `bar(c)[t]` is the total.

The local rules are those of `algebra/rules.py`; this module knows no operation by name.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sympy import Integer, MatrixExpr, MatrixSymbol

from lstmgraph.algebra.build import fill, is_number, total
from lstmgraph.algebra.names import like, name_of
from lstmgraph.algebra.nodes import Elementwise, operands
from lstmgraph.algebra.rules import vjp as operand_cotangents
from lstmgraph.cell import Cell
from lstmgraph.errors import UnknownName
from lstmgraph.normal import is_activation, normal_form
from lstmgraph.program import Equation, Program


def gradient(cell: Cell, wrt: Sequence[str] | None = None, every: bool = False) -> Program:
    """All gradients of one step of a cell, or those with respect to the names in `wrt` ("W_f", "x", "h").

    A state's name asks for the cotangent of its previous value.  `every` names the cotangent of every value that the
    author named, also where it is used once.  Raises UnknownName for a name that is none of these.
    """
    return vjp(cell.step, cell.outputs, chosen(cell, wrt), every)


def chosen(cell: Cell, wrt: Sequence[str] | None) -> tuple[MatrixSymbol, ...]:
    """The symbols of the names in `wrt`, each once; all parameters, previous states and inputs where it is None.

    Raises UnknownName for a name that is none of these.
    """
    choices = {name_of(s).base: s for s in (*cell.parameters, *cell.previous, *cell.inputs)}
    names = tuple(choices) if wrt is None else tuple(dict.fromkeys(wrt))
    for name in names:
        if name not in choices:
            raise UnknownName(f"parameter, state or input of {cell.name}", name, choices)
    return tuple(choices[name] for name in names)


def vjp(program: Program, of: Sequence[MatrixSymbol], wrt: Sequence[MatrixSymbol], every: bool = False) -> Program:
    """The cotangents of `wrt`, given those of `of`, as a Program that computes the forward values on the way."""
    return _Sweep(normal_form(program), of, wrt, every).run()


def gradient_symbol(symbol: MatrixSymbol) -> MatrixSymbol:
    """`grad(W)` for a parameter, `bar(h)[t-1]` for a value."""
    return like(symbol, "grad" if name_of(symbol).lag is None else "bar")


class _Sweep:
    """One pass from the last equation to the first, collecting what each value's uses send back to it."""

    def __init__(
        self, program: Program, of: Sequence[MatrixSymbol], wrt: Sequence[MatrixSymbol], every: bool = False
    ) -> None:
        self.program, self.of, self.wrt, self.every = program, of, wrt, every
        self.outputs = frozenset(of)  # of many steps there are many
        self.sent: dict[MatrixSymbol, list[MatrixExpr]] = {}
        self.seeds: dict[MatrixSymbol, MatrixSymbol] = {}
        self.backward: list[Equation] = []

    def run(self) -> Program:
        for equation in reversed(self.program.equations):
            self.pull(equation)
        for output in self.of:  # an output that is a previous state or an input itself
            if output not in self.program.definitions:
                self.arriving(output)
        results = [self.result(symbol) for symbol in self.wrt]
        inputs = (*self.program.inputs, *(self.seeds[o] for o in dict.fromkeys(self.of)))
        whole = Program(f"{self.program.name}_vjp", inputs, (*self.program.equations, *self.backward), ())
        return whole.needed_for(results)

    def pull(self, equation: Equation) -> None:
        """Send the cotangent of an equation's target back to the operands of its value."""
        contributions = self.arriving(equation.target)
        if not contributions:
            return
        cotangent = self.cotangent(equation, contributions)
        self.send(self.shares(equation.value, equation.target, cotangent))

    def arriving(self, target: MatrixSymbol) -> list[MatrixExpr]:
        """What is sent to a value, the seed first where it is an output."""
        sent = self.sent.get(target, [])
        if target not in self.outputs:
            return sent
        seed = like(target, "seed" if sent else "bar")
        self.seeds[target] = seed
        if target not in self.program.definitions:
            self.sent[target] = [seed, *sent]
        return [seed, *sent]

    def cotangent(self, equation: Equation, contributions: list[MatrixExpr]) -> MatrixExpr:
        """The cotangent of an equation's target, named unless one product of it goes into one pre-activation."""
        value, whole = equation.value, total(*contributions)
        once = len(contributions) == 1 and is_activation(value) and isinstance(value, Elementwise)
        asked = self.every and not name_of(equation.target).marks
        if isinstance(whole, MatrixSymbol) or (once and not asked):
            return whole
        named = like(equation.target, "bar")
        self.backward.append(Equation(named, whole, place=equation.place, stage="backward"))
        return named

    def shares(self, value: MatrixExpr, out: MatrixExpr, ct: MatrixExpr) -> list[tuple[MatrixSymbol, MatrixExpr]]:
        """(symbol, what it is sent) for every use of a symbol in `value`, in the author's order."""
        if isinstance(value, MatrixSymbol):
            return [(value, ct)]
        found = []
        for operand, share in zip(operands(value), operand_cotangents(value, out, ct), strict=False):
            found += self.shares(operand, operand, share)
        return found

    def send(self, shares: Iterable[tuple[MatrixSymbol, MatrixExpr]]) -> None:
        """Put what this equation sends before what later equations sent: terms come out in the author's order."""
        new: dict[MatrixSymbol, list[MatrixExpr]] = {}
        for symbol, share in shares:
            if not is_number(share, 0):
                new.setdefault(symbol, []).append(share)
        for symbol, expressions in new.items():
            self.sent[symbol] = expressions + self.sent.get(symbol, [])

    def result(self, symbol: MatrixSymbol) -> MatrixSymbol:
        """The equation of a gradient that was asked for; zero where nothing depends on it."""
        target = gradient_symbol(symbol)
        value = total(*self.sent.get(symbol, [fill(Integer(0), symbol.shape)]))
        if value != target:
            self.backward.append(Equation(target, value, stage="backward"))
        return target
