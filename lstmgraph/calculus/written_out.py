"""A recurrence through time for a number of steps: every line of every step written out.

What `through_time` says once this says for the steps T, ..., 1, with numbers for times.  It is the recurrence itself
and not another derivation, so whatever judges a Program of gradients can judge the recurrence.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from sympy import Integer, MatrixExpr, MatrixSymbol

from lstmgraph.algebra.build import fill, total
from lstmgraph.algebra.names import later, name_of, symbol
from lstmgraph.algebra.nodes import TimeSum, operands
from lstmgraph.algebra.traverse import rebuild, renamed, symbols_in
from lstmgraph.calculus.losses import check_count
from lstmgraph.program import Equation, Program

COTANGENTS = {"bar", "seed", "loss"}  # marks of what is 0 after the last step


def written_out(recurrence: Program, steps: int) -> Program:
    """A recurrence for `steps` steps: outputs are `grad(W)`, `bar(x)[k]` for each, `bar(h)[0]`.

    Where it is truncated, `block(8)[k]` is what lets through, or not, what step k + 1 sends to step k.
    """
    check_count("the number of steps", steps)
    return _Writer(recurrence, steps).program()


def blocks_in(recurrence: Program) -> list[int]:
    """The lengths of the blocks between which a recurrence is truncated."""
    used = {s for e in recurrence for s in symbols_in(e.value)}
    return sorted(int(name_of(s).base) for s in used if _is_block(s))


def _is_block(symbol: MatrixSymbol) -> bool:
    return name_of(symbol).marks == ("block",)


@dataclass(frozen=True)
class _Writer:
    recurrence: Program
    steps: int

    def program(self) -> Program:
        forward, lines = [*self.forward()], [*self.backward(), *self.sums(), *self.start()]
        own = {e.target for e in (*forward, *lines)}
        used = {s for e in (*forward, *lines) for s in symbols_in(e.value)} - own
        blocks = [self.block(s) for s in sorted(used, key=str) if _is_block(s)]
        beyond = [self.beyond(s) for s in sorted(used, key=str) if name_of(s).lag == self.steps + 1]
        equations = (*blocks, *forward, *beyond, *lines)
        inputs = {s for e in equations for s in symbols_in(e.value)}.union(self.given()) - {e.target for e in equations}
        outputs = tuple(dict.fromkeys(self.at(o, k) for o in self.recurrence.outputs for k in self.times))
        name = f"{self.recurrence.name}_{self.steps}_steps"
        return Program(name, tuple(sorted(inputs, key=str)), equations, outputs)

    def given(self) -> Iterator[MatrixSymbol]:
        """What the recurrence takes at step t, at every step."""
        known = [s for s in self.recurrence.inputs if (name_of(s).lag or 0) <= 0 and not _is_block(s)]
        return (self.at(s, k) for s in known for k in self.times)

    def beyond(self, symbol: MatrixSymbol) -> Equation:
        """There is no step T + 1: its cotangents are 0, and their factors those of step T, which always have values."""
        cotangent = COTANGENTS & set(name_of(symbol).marks)
        value = fill(Integer(0), symbol.shape) if cotangent else later(symbol, -1, "")
        return Equation(symbol, value, stage="through time")

    def block(self, symbol: MatrixSymbol) -> Equation:
        """1 within a block, 0 at its last step."""
        name = name_of(symbol)
        return Equation(symbol, fill(Integer(int((name.lag or 0) % int(name.base) > 0)), symbol.shape))

    @property
    def times(self) -> range:
        return range(1, self.steps + 1)

    def forward(self) -> Iterator[Equation]:
        for k in self.times:
            yield from (self.moved(e, k) for e in self.lines("t") if e.stage == "forward")

    def backward(self) -> Iterator[Equation]:
        """From the last step to the first; at the last one a line for T in the place of that for t."""
        last = {self.at(e.target, self.steps): e for e in self.lines("T")}
        for k in reversed(self.times):
            for e in self.lines("t"):
                if e.stage != "forward":
                    yield self.moved(last.get(self.at(e.target, k), e), k)

    def sums(self) -> Iterator[Equation]:
        """What has no time: a sum over time is one of its terms."""
        for e in self.recurrence:
            if name_of(e.target).lag is None:
                yield replace(e, value=self.summed(e.value))

    def summed(self, value: MatrixExpr) -> MatrixExpr:
        if not isinstance(value, TimeSum):
            if isinstance(value, MatrixSymbol):  # of the last step, where no other one adds to it
                return self.at(value, self.steps)
            return rebuild(value, [*map(self.summed, operands(value))])
        term, first = value.args[0], int(value.args[1])
        terms = [self.expr_at(term, k) for k in self.times if k >= first]
        return total(*terms) if terms else fill(Integer(0), value.shape)

    def start(self) -> Iterator[Equation]:
        """What is said of step 0 only; values of step 1 that have no name of the author's are there already."""
        return (e for e in self.lines("") if e.stage != "forward")

    def lines(self, since: str) -> list[Equation]:
        """What is said of step t, of the last one, or of step 0; lines for t+1 are those for t again."""
        names = ((e, name_of(e.target)) for e in self.recurrence)
        return [e for e, name in names if name.lag == 0 and name.since == since]

    def moved(self, equation: Equation, k: int) -> Equation:
        return replace(equation, target=self.at(equation.target, k), value=self.expr_at(equation.value, k), origin=())

    def expr_at(self, value: MatrixExpr, k: int) -> MatrixExpr:
        return renamed(value, lambda s: self.at(s, k))

    def at(self, value: MatrixSymbol, k: int) -> MatrixSymbol:
        """A value at step k; what is said of the last step, of step 1 or of no step stays there."""
        name = name_of(value)
        if _is_block(value):
            return symbol(name.at(k, ""), value.shape)
        if name.lag is None or not name.since:
            return value
        return later(value, self.steps if name.since == "T" else k, "")
