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

from sympy import Integer, MatrixExpr, MatrixSymbol

from lstmgraph.algebra.build import fill, gathered, is_number, product, total
from lstmgraph.algebra.names import Name, later, like, name_of, size, symbol
from lstmgraph.algebra.nodes import TimeSum
from lstmgraph.algebra.traverse import renamed, symbols_in, walk
from lstmgraph.algebra.zero import is_zero, without, zeros
from lstmgraph.calculus.losses import LOSSES, STARTS, check_choice, check_count
from lstmgraph.calculus.vjp import chosen, gradient, gradient_symbol
from lstmgraph.cell import Cell
from lstmgraph.program import Equation, Program, Term


def through_time(
    cell: Cell,
    loss: str = "every",
    truncate: int | None = None,
    start: str = "given",
    wrt: Sequence[str] | None = None,
    final: bool = False,
) -> Program:
    """All gradients of a sequence of steps, each line once: a Program whose stage "through time" is the recurrence.

    Its outputs are `grad(W)` for each parameter, `bar(x)[t]` for each input and, unless the initial states are "zero",
    `bar(h)[0]` for each state; or those of the names in `wrt`, where a state's name stands for its initial value.  A
    sum whose first term vanishes because the initial state is a factor of it and is zero begins with the second one.
    With `final` the loss of the last step sees the states after it too: `loss(c)[T]`.

    Raises UnknownName for another loss or start, or a name that is none of these, UsageError where the length of a
    block is no whole number from 1.
    """
    check_choice("loss", loss, LOSSES)
    check_choice("start", start, STARTS)
    if truncate is not None:
        check_count("the length of a block", truncate)
    asked = [s for s in chosen(cell, wrt) if wrt is not None or start == "given" or s not in cell.previous]
    return _Recurrence(cell, loss, truncate, start, final, [gradient_symbol(s) for s in asked], wrt is None).program()


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
    final: bool
    asked: Sequence[MatrixSymbol]
    whole: bool  # whether every line is wanted

    @cached_property
    def step(self) -> Program:
        return gradient(self.cell)

    @cached_property
    def sent(self) -> Mapping[MatrixSymbol, Equation]:
        """What each cotangent is in one step."""
        return {e.target: e for e in self.step.stage("backward")}

    @cached_property
    def totals(self) -> Mapping[MatrixSymbol, _Total]:
        """What the cotangent of each output consists of; where one step takes it as given, of nothing of its own."""
        previous = {s.next: s.previous for s in self.cell.states}
        found = {}
        for output in self.cell.outputs:
            target, seed = like(output, "bar"), self.step.seed(output)
            own = [t for t in self.sent[target].origin if t.value != seed] if target in self.sent else []
            loss, seen = Term(like(output, "loss")), output == self.cell.values[self.cell.output]
            each = [loss] if seen and self.loss == "every" else []
            last = [loss] if seen or (self.final and output in previous) else []
            after = self.after(previous[output]) if output in previous else []
            found[target] = _Total(each, last, own, after)
        return found

    def after(self, previous: MatrixSymbol) -> list[Term]:
        """What reaches a state from step t + 1: what that step sends to its previous value."""
        return [term.later(1) for term in self.sent[like(previous, "bar")].origin]

    @property
    def block(self) -> MatrixSymbol | None:
        """What truncation leaves of it: everything, or nothing."""
        return symbol(Name(str(self.truncate), None, ("block",)), (size(1), size(1))) if self.truncate else None

    def program(self) -> Program:
        lines = [replace(e, stage="through time", place=None) for e in self.lines()]
        lines = lines if self.whole else _needed(lines, self.asked)
        forward = (*self.zero_states(), *self.step.stage("forward"), *self.unnamed(lines))
        given = _inputs(self.cell.step.inputs, (*forward, *lines))
        return Program(f"{self.cell.name}_through_time", given, (*forward, *lines), tuple(self.targets()))

    def zero_states(self) -> Iterator[Equation]:
        """What the sequence starts from where that is no input."""
        for state in self.cell.previous if self.start == "zero" else ():
            yield Equation(later(state, 1, ""), fill(Integer(0), state.shape))

    # ── lines of the recurrence ──

    def lines(self) -> list[Equation]:
        """Those of the last step that differ there, those from step t + 1 to step t, and the results."""
        before, last = _Zeros(), _Zeros()
        each, different = list[Equation](), list[Equation]()
        for target, part in self.computed():
            here = before.line(target, self.terms(target, part), self.block)
            there = last.line(target, self.terms(target, part, last=True), self.block)
            each.append(here)
            if here.value != there.value:
                different.append(there.later(0, "T"))
        results = [e for target in self.asked for e in self.result(target, before, last)]
        return [*different, *each, *results]

    def terms(self, target: MatrixSymbol, part: _Total | None, last: bool = False) -> tuple[list[Term], list[Term]]:
        """The terms of a cotangent, and apart those that arrive from the step after it.

        Where the loss of the last step sees more than others do, the last step has lines of its own, and these nothing
        from a step after it.
        """
        if part is None:
            return list(self.sent[target].origin), []
        if last and (self.final or self.loss == "last"):
            return [*part.last, *part.own], []
        return [*part.each, *part.own], part.after

    def computed(self) -> Iterator[tuple[MatrixSymbol, _Total | None]]:
        """The cotangents within a step in an order of evaluation, those first that one step takes as given."""
        used = {s for e in self.sent.values() for s in symbols_in(e.value)}
        given = [target for target in self.totals if target not in self.sent and target in used]
        for target in (*given, *(t for t in self.sent if t not in self.step.outputs)):
            yield target, self.totals.get(target)

    def targets(self) -> Iterator[MatrixSymbol]:
        """What is computed in the end: the gradients of the parameters, cotangents of inputs and of initial states."""
        for target in self.asked:
            yield later(target, 1, "") if (name_of(target).lag or 0) < 0 else target

    def result(self, target: MatrixSymbol, before: _Zeros, last: _Zeros) -> Iterator[Equation]:
        """The gradient of a parameter as a sum, the cotangent of an input, or that of an initial state."""
        whole, name = self.sent[target], name_of(target)
        if name.lag is None:
            yield self.over_time(whole, before, last)
        elif name.lag < 0:
            yield whole.later(1, "")
        else:
            here, there = (zeros.line(target, self.terms(target, None)) for zeros in (before, last))
            if here.value != there.value:
                yield there.later(0, "T")
            yield here

    def over_time(self, whole: Equation, before: _Zeros, last: _Zeros) -> Equation:
        """The sum of a gradient over the steps; where only the last one has something to add, that alone."""
        if before.has(whole.value) and last.has(whole.value):
            return replace(whole, value=fill(Integer(0), whole.target.shape), origin=())
        if before.has(whole.value):
            return replace(whole.later(0, "T"), target=whole.target)
        vanishing = zeros(((e.target, e.value) for e in self.step.stage("forward")), self.cell.previous)
        first = 2 if self.start == "zero" and is_zero(whole.value, vanishing) else 1
        return replace(whole, value=TimeSum(whole.value, first))

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
        there = here.later(name.lag, name.since)
        for operand in sorted(symbols_in(there.value), key=str):
            self.define(operand, forward, found)
        found[used] = there


class _Total(NamedTuple):
    """The terms of an output's cotangent: from the loss of a step, and from that of the last one, from within the step,
    from the step after it.
    """

    each: list[Term]
    last: list[Term]
    own: list[Term]
    after: list[Term]


class _Zeros:
    """The cotangents of a step that are zero whatever the values are, because no loss reaches them."""

    def __init__(self) -> None:
        self.known: set[MatrixSymbol] = set()

    def has(self, value: MatrixExpr) -> bool:
        return is_zero(value, self.known)

    def left(self, value: MatrixExpr) -> MatrixExpr:
        return without(value, self.known)

    def line(
        self, target: MatrixSymbol, terms: tuple[list[Term], list[Term]], block: MatrixSymbol | None = None
    ) -> Equation:
        """A cotangent as what is left of the sum of its terms, those after the step within the block only."""
        own = [t._replace(value=self.left(t.value)) for t in terms[0] if not self.has(t.value)]
        after = terms[1]
        rest = total(*(t.value for t in after)) if after else fill(Integer(0), target.shape)
        if block is not None and after:
            mask = fill(block, target.shape)
            rest, after = product(mask, rest), [t._replace(value=product(mask, t.value)) for t in after]
        value = gathered(*(t.value for t in own), rest)
        if is_number(value, 0):
            self.known.add(target)
        return Equation(target, value, origin=(*own, *after))


def _needed(lines: Sequence[Equation], results: Iterable[MatrixSymbol]) -> list[Equation]:
    """The lines that the results depend on, at whatever step; of initial states those of results alone."""
    results = set(results)
    ends = {later(s, 1, "") for s in results if (name_of(s).lag or 0) < 0}
    wanted, kept = {s for s in results if (name_of(s).lag or 0) == 0}, [e for e in lines if e.target in ends]
    known = -1
    while len(kept) > known:
        known = len(kept)
        wanted |= {_at_t(s) for e in kept for s in symbols_in(e.value)}
        kept = [e for e in lines if e.target in ends or (name_of(e.target).since and _at_t(e.target) in wanted)]
    return kept


def _at_t(value: MatrixSymbol) -> MatrixSymbol:
    name = name_of(value)
    return value if name.lag is None else symbol(name.at(0), value.shape)


def _inputs(first: Sequence[MatrixSymbol], equations: Sequence[Equation]) -> tuple[MatrixSymbol, ...]:
    """The inputs of one step, then what else the equations use without computing it, in order of use."""
    computed = {e.target for e in equations}
    used = [s for e in equations for s in walk(e.value) if isinstance(s, MatrixSymbol)]
    return tuple(dict.fromkeys([*first, *(s for s in used if s not in computed)]))
