"""Reverse mode, symbolically: the gradients of a Program as a Program.

The result holds the forward equations (in normal form, so that the derivative of a function can be told by its value)
followed by backward ones, each short and named: the cotangent of f[t] is `bar(f)[t]`, that of its pre-activation
`bar(pre(f))[t]` (printed as a delta), the gradient of a parameter `grad(W_f)`.  Nothing is inlined but a cotangent
that is used once, on its way into a pre-activation, because people write those two lines as one: delta_f = c_bar *
c_prev * f * (1 - f).

What arrives at an output from outside the step (from the loss, and from step t+1) is a *seed*.  It is simply
`bar(h)[t]` where the step itself does not use h[t] again; where it does (the c[t] of an LSTM feeds h[t]), what
arrives is `seed(c)[t]` and `bar(c)[t]` is the total.

Every backward equation keeps its `origin`: the terms that it is the sum of, each with the use of the value that sent
it.

The local rules are those of `algebra/rules.py`; this module knows no operation by name.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sympy import Integer, MatrixExpr, MatrixSymbol

from lstmgraph.algebra.build import fill, gathered, is_number
from lstmgraph.algebra.names import like, name_of
from lstmgraph.algebra.nodes import Elementwise, operands
from lstmgraph.algebra.rules import vjp as operand_cotangents
from lstmgraph.cell import Cell
from lstmgraph.errors import UnknownName
from lstmgraph.normal import is_activation, normal_form
from lstmgraph.program import Equation, Program, Term, Use


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
            raise UnknownName("parameter, state or input", name, choices, of=cell.name)
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
        self.sent: dict[MatrixSymbol, list[Term]] = {}
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
        terms = self.arriving(equation.target)
        if not terms:
            return
        cotangent, before = self.cotangent(equation, terms)
        shares = self.shares(equation.value, equation.target, cotangent)
        self.send((s, Term(share, Use(equation.target, path), before)) for s, share, path in shares)

    def arriving(self, target: MatrixSymbol) -> list[Term]:
        """What is sent to a value, the seed first where it is an output."""
        sent = self.sent.get(target, [])
        if target not in self.outputs:
            return sent
        seed = like(target, "seed" if sent else "bar")
        self.seeds[target] = seed
        if target not in self.program.definitions:
            self.sent[target] = [Term(seed), *sent]
        return [Term(seed), *sent]

    def cotangent(self, equation: Equation, terms: list[Term]) -> tuple[MatrixExpr, Term | None]:
        """The cotangent of an equation's target, named unless one product of it goes into one pre-activation.

        The second is what was written in place of a name, if something was.
        """
        value, whole = equation.value, gathered(*(t.value for t in terms))
        activation = is_activation(value) and isinstance(value, Elementwise)
        asked = self.every and not name_of(equation.target).marks
        if len(terms) == 1 and (isinstance(whole, MatrixSymbol) or (activation and not asked)):
            return whole, terms[0] if terms[0].use else None
        named = like(equation.target, "bar")
        self.backward.append(Equation(named, whole, place=equation.place, stage="backward", origin=tuple(terms)))
        return named, None

    def shares(
        self, value: MatrixExpr, out: MatrixExpr, ct: MatrixExpr, path: tuple[int, ...] = ()
    ) -> list[tuple[MatrixSymbol, MatrixExpr, tuple[int, ...]]]:
        """(symbol, what it is sent, where it stands) for every use of a symbol in `value`, in the author's order."""
        if isinstance(value, MatrixSymbol):
            return [(value, ct, path)]
        found = []
        pairs = zip(operands(value), operand_cotangents(value, out, ct), strict=False)
        for k, (operand, share) in enumerate(pairs):
            found += self.shares(operand, operand, share, (*path, k))
        return found

    def send(self, terms: Iterable[tuple[MatrixSymbol, Term]]) -> None:
        """Put what this equation sends before what later equations sent: terms come out in the author's order."""
        new: dict[MatrixSymbol, list[Term]] = {}
        for symbol, term in terms:
            if not is_number(term.value, 0):
                new.setdefault(symbol, []).append(term)
        for symbol, sent in new.items():
            self.sent[symbol] = sent + self.sent.get(symbol, [])

    def result(self, symbol: MatrixSymbol) -> MatrixSymbol:
        """The equation of a gradient that was asked for; zero where nothing depends on it."""
        target, terms = gradient_symbol(symbol), self.sent.get(symbol, [])
        value = gathered(*(t.value for t in terms)) if terms else fill(Integer(0), symbol.shape)
        if value != target:
            self.backward.append(Equation(target, value, stage="backward", origin=tuple(terms)))
        return target
