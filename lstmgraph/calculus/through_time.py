"""Gradients through time as a recurrence, derived once: of constant size, however many steps there are.

The loss is L = l_1 + ... + l_T, where l_t sees the cell's output of step t; or it is l_T alone.  From the gradient of
one step (`vjp`) follows what goes from step t + 1 to step t: the cotangent that one step sends to a previous state is,
one step later, what reaches that state from the step after it.  So

    bar(h)[t]   = loss(h)[t] + what bar(h)[t-1] is, with t + 1 for t
    grad(W)     = the sum over t = 1, ..., T of what it is in one step (a `TimeSum`)
    bar(h)[0]   = what bar(h)[t-1] is, with 1 for t: the cotangent of what the sequence starts from

Values of step t + 1 are inputs of the Program, as are those of step 1 in lines of the last kind; at t = T there is no
step t + 1, and its cotangents are zero.  If the loss is that of the last step, the lines in which it takes part are
there twice: for T, without the step after it, and for the steps before, without the loss.

Truncation, in blocks of K steps that do not overlap: nothing goes back from the first step of a block to the last one
of the block before it.  `block(K)` is 0 there, where K divides t, and else 1; states go forward all the same.

See P. Werbos, Backpropagation through time: what it does and how to do it, 1990; for truncation R. Williams, J. Peng,
An efficient gradient-based algorithm for on-line training of recurrent network trajectories, 1990.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

from sympy import Integer, MatAdd, MatrixExpr, MatrixSymbol

from lstmgraph.algebra.build import fill, is_number, product, total
from lstmgraph.algebra.names import Name, later, like, name_of, size, symbol
from lstmgraph.algebra.nodes import TimeSum
from lstmgraph.algebra.traverse import renamed, symbols_in, walk
from lstmgraph.algebra.zero import is_zero, zeros
from lstmgraph.calculus.losses import LOSSES, STARTS, check_choice, check_count
from lstmgraph.calculus.unroll import shifted
from lstmgraph.calculus.vjp import gradient
from lstmgraph.cell import Cell
from lstmgraph.program import Equation, Program


def through_time(cell: Cell, loss: str = "every", truncate: int | None = None, start: str = "given") -> Program:
    """All gradients of a sequence of steps, each line once: a Program whose stage "through time" is the recurrence.

    Its outputs are `grad(W)` for each parameter, `bar(x)[t]` for each input and, unless the initial states are "zero",
    `bar(h)[0]` for each state.  A sum whose first term vanishes then, because the initial state is a factor of it,
    begins with the second one.

    Raises UnknownName for another loss or start, UsageError where the length of a block is no whole number from 1.
    """
    check_choice("loss", loss, LOSSES)
    check_choice("start", start, STARTS)
    if truncate is not None:
        check_count("the length of a block", truncate)
    return _Recurrence(cell, loss, truncate, start).program()


def reindexed(total: TimeSum, k: int) -> TimeSum:
    """The same sum with t + k for t.

    The sum of a[t] b[t-1] over t = 2, ..., T is, with k = 1, that of a[t+1] b[t] over t = 1, ..., T - 1.
    """
    term, first, last = total.args
    return TimeSum(renamed(term, lambda s: later(s, k)), first - k, last - k)


@dataclass(frozen=True)
class _Recurrence:
    cell: Cell
    loss: str
    truncate: int | None
    start: str

    @cached_property
    def step(self) -> Program:
        return gradient(self.cell)

    @cached_property
    def sent(self) -> Mapping[MatrixSymbol, MatrixExpr]:
        """What each cotangent is in one step."""
        return {e.target: e.value for e in self.step.stage("backward")}

    @cached_property
    def totals(self) -> Mapping[MatrixSymbol, _Total]:
        """What the cotangent of each output consists of; where one step takes it as given, of nothing of its own."""
        previous = {s.next: s.previous for s in self.cell.states}
        found = {}
        for output in self.cell.outputs:
            target, seed = like(output, "bar"), self.step.seed(output)
            whole = self.sent.get(target, seed)
            own = [p for p in (whole.args if isinstance(whole, MatAdd) else [whole]) if p != seed]
            loss = [like(output, "loss")] if output == self.cell.values[self.cell.output] else []
            after = [self.after(previous[output])] if output in previous else []
            found[target] = _Total(loss, own, [a for a in after if not is_number(a, 0)])
        return found

    def after(self, previous: MatrixSymbol) -> MatrixExpr:
        """What reaches a state from step t + 1: what that step sends to its previous value."""
        sent = renamed(self.sent[like(previous, "bar")], lambda s: later(s, 1))
        if self.truncate is None or is_number(sent, 0):
            return sent
        block = symbol(Name(str(self.truncate), None, ("block",)), (size(1), size(1)))
        return product(fill(block, sent.shape), sent)

    def program(self) -> Program:
        lines = [*self.last(), *self.each(), *self.results()]
        lines = [replace(e, stage="through time", place=None) for e in lines]
        forward = (*self.step.stage("forward"), *self.unnamed(lines))
        outputs = tuple(e.target for e in self.results())
        given = _inputs(self.cell.step.inputs, (*forward, *lines))
        return Program(f"{self.cell.name}_through_time", given, (*forward, *lines), outputs)

    # ── lines of the recurrence ──

    def last(self) -> Iterator[Equation]:
        """What is different at the last step, T, where no other step has a loss."""
        for target, part in self.computed():
            if part and self.loss == "last" and (part.loss or part.after):
                yield shifted(Equation(target, _sum(target, part.loss, part.own)), 0, "T")

    def each(self) -> Iterator[Equation]:
        """From step t + 1 to step t."""
        for target, part in self.computed():
            if part is None:
                yield Equation(target, self.sent[target])
            else:
                loss = part.loss if self.loss == "every" else []
                yield Equation(target, _sum(target, loss, part.own, part.after))

    def computed(self) -> Iterator[tuple[MatrixSymbol, _Total | None]]:
        """The cotangents within a step in an order of evaluation, those first that one step takes as given."""
        used = {s for value in self.sent.values() for s in symbols_in(value)}
        given = [target for target in self.totals if target not in self.sent and target in used]
        for target in (*given, *(t for t in self.sent if t not in self.step.outputs)):
            yield target, self.totals.get(target)

    def results(self) -> Iterator[Equation]:
        """The gradients of the parameters as sums, the cotangents of the inputs, those of the initial states."""
        vanishing = zeros(((e.target, e.value) for e in self.step.stage("forward")), self.cell.previous)
        for target in self.step.outputs:
            value, name = self.sent[target], name_of(target)
            if name.lag is None:
                first = 2 if self.start == "zero" and is_zero(value, vanishing) else 1
                yield Equation(target, value if is_number(value, 0) else TimeSum(value, first))
            elif name.lag == 0:
                yield Equation(target, value)
            elif self.start == "given":
                yield shifted(Equation(target, value), 1, "")

    def unnamed(self, lines: Iterable[Equation]) -> list[Equation]:
        """What defines the values that the author did not name, at the other steps than t where the lines use them."""
        forward = {e.target: e for e in self.step.stage("forward")}
        found: dict[MatrixSymbol, Equation] = {}
        for used in (s for e in lines for s in walk(e.value) if isinstance(s, MatrixSymbol)):
            self.define(used, forward, found)
        return list(found.values())

    def define(
        self, used: MatrixSymbol, forward: Mapping[MatrixSymbol, Equation], found: dict[MatrixSymbol, Equation]
    ) -> None:
        name = name_of(used)
        if name.lag is None or used in forward or used in found or not set(name.marks[:1]) & {"pre", "part"}:
            return
        here = forward[symbol(name.at(0), used.shape)]
        there = shifted(here, name.lag, name.since)
        for operand in sorted(symbols_in(there.value), key=str):
            self.define(operand, forward, found)
        found[used] = there


class _Total(NamedTuple):
    """The terms of an output's cotangent: from the loss of the step, from within the step, from the step after it."""

    loss: list[MatrixSymbol]
    own: list[MatrixExpr]
    after: list[MatrixExpr]


def _sum(target: MatrixSymbol, *terms: Sequence[MatrixExpr]) -> MatrixExpr:
    found = [t for group in terms for t in group]
    return total(*found) if found else fill(Integer(0), target.shape)


def _inputs(first: Sequence[MatrixSymbol], equations: Sequence[Equation]) -> tuple[MatrixSymbol, ...]:
    """The inputs of one step, then what else the equations use without computing it, in order of use."""
    computed = {e.target for e in equations}
    used = [s for e in equations for s in walk(e.value) if isinstance(s, MatrixSymbol)]
    return tuple(dict.fromkeys([*first, *(s for s in used if s not in computed)]))
