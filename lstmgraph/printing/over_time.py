"""What is said of a line because it is one of many steps: where its terms come from, what is summed, what is zero.

A line of one step has nothing of it.  To say more, add words where a kind of line is told apart (`Recurrence.says`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from sympy import MatrixExpr, MatrixSymbol

from lstmgraph.algebra.build import is_number
from lstmgraph.algebra.names import Name, Since, later, name_of
from lstmgraph.algebra.nodes import TimeSum
from lstmgraph.algebra.traverse import renamed, symbols_in, walk
from lstmgraph.algebra.zero import is_zero, zeros
from lstmgraph.printing.reasons import ACROSS, BLOCKS, OVER_ALL, Reason
from lstmgraph.printing.sentences import Sentence
from lstmgraph.program import Equation, Program, Term

HERE = Name("", 0)  # the time of what is said of step t


@dataclass(frozen=True)
class OverTime:
    """Words before the reason of a line and after it, or in its place where the line is zero; the rules in them."""

    lead: Sentence = ()
    tail: Sentence = ()
    nothing: Sentence = ()
    rules: tuple[Reason, ...] = ()


AT_ONCE = OverTime()  # of a line of one step


def time_of(term: Term) -> Name:
    """At which step a term is sent; of the last step or of step 1 as that."""
    if term.use is None:
        return HERE
    name = name_of(term.use.equation)
    return Name("", name.lag, (), name.since)


def moved(expr: MatrixExpr, k: int, since: Since) -> MatrixExpr:
    """What is said of step t, said of the step k steps later."""
    return renamed(expr, lambda s: later(s, k, since))


def at_all_steps(inlined: Mapping[MatrixSymbol, MatrixExpr], program: Program) -> Mapping[MatrixSymbol, MatrixExpr]:
    """The same definitions also for every other step that a program speaks of."""
    named = (name_of(s) for e in program for s in (e.target, *symbols_in(e.value)))
    times = dict.fromkeys((n.lag, n.since) for n in named if n.lag is not None)
    return {later(s, k, since): moved(value, k, since) for k, since in times for s, value in inlined.items()} | {
        **inlined
    }


def at_step(time: Name) -> str:
    """Words between the number of an equation and the equation as it is at that step."""
    if time.since == "t":
        return "one step later, " if time.lag else ""
    return "at the last step, " if time.since else f"at step {time.time}, "


def sent_by(time: Name, to: MatrixSymbol | None, term: MatrixExpr) -> Sentence:
    """`what step t + 1 sends to h[t]: `, of what another step sends."""
    name = name_of(to) if to is not None else HERE
    if time == HERE or name.lag in (None, time.lag):
        return ()
    block = next((s for s in walk(term) if isinstance(s, MatrixSymbol) and name_of(s).marks == ("block",)), None)
    cut = f", within a block of {name_of(block).base} steps" if block is not None else ""
    return (f"what step {time.time.replace('+', ' + ')} sends to ", to or "", f"{cut}: ")


class Recurrence:
    """Says what there is to say of each line of a recurrence."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.is_one = any(e.stage == "through time" for e in program)

    @cached_property
    def states(self) -> Sequence[MatrixSymbol]:
        return [s for s in self.program.inputs if name_of(s).lag == -1 and not name_of(s).marks]

    def vanishing(self, states: Sequence[MatrixSymbol]) -> set[MatrixSymbol]:
        """What is zero where these initial states are."""
        return zeros(((e.target, e.value) for e in self.program.stage("forward")), states)

    @cached_property
    def special(self) -> set[MatrixSymbol]:
        """The lines that have one of their own for the last step."""
        targets = (e.target for e in self.program.stage("through time"))
        return {later(s, 0) for s in targets if name_of(s).since == "T"}

    def says(self, equation: Equation, of: MatrixSymbol) -> OverTime:
        if not self.is_one:
            return AT_ONCE
        name = name_of(equation.target)
        if name.lag is None:
            return self.of_a_sum(equation, of)
        if name.since == "T":
            return self.of_the_last(of)
        return self.of_each(equation, of) if name.since else AT_ONCE

    def of_a_sum(self, equation: Equation, of: MatrixSymbol) -> OverTime:
        value = equation.value
        if is_number(value, 0):
            return AT_ONCE
        if not isinstance(value, TimeSum):
            return OverTime(("only the last step sends anything to ", of, ": "))
        lead: Sentence = ("every step uses ", of, ", so the gradient is the sum over the steps; in each, ")
        tail: Sentence = ()
        if is_zero(value.args[0], self.vanishing(self.states)):
            start = [s for s in self.states if is_zero(value.args[0], self.vanishing([s]))]
            named: Sentence = (later(start[0], 1, ""), " is") if start else ("all initial states are",)
            tail = ("; the sum begins with t = 2, as ", *named, " zero")
            if value.args[1] == 1:
                tail = ("; the term t = 1 is zero where ", *named)
        return OverTime(lead, tail, rules=(OVER_ALL,))

    def of_the_last(self, of: MatrixSymbol) -> OverTime:
        """Of a state: that nothing comes from a step after it."""
        carried = later(of, -1) in self.states
        tail: Sentence = ("; no step follows the last, so nothing else arrives",) if carried else ()
        return OverTime(tail=tail, rules=(ACROSS,) if carried else ())

    def of_each(self, equation: Equation, of: MatrixSymbol) -> OverTime:
        if equation.target in self.special:
            nothing: Sentence = ("no loss reaches ", of, " before the last step")
            return OverTime(nothing=nothing, rules=self.across(equation))
        after = any(time_of(term).lag == 1 for term in equation.origin)
        tail: Sentence = ("; no step follows the last one, where nothing arrives from it",) if after else ()
        return OverTime(tail=tail, rules=self.across(equation))

    def across(self, equation: Equation) -> tuple[Reason, ...]:
        after = [term for term in equation.origin if time_of(term).lag == 1]
        cut = any(name_of(s).marks == ("block",) for term in after for s in symbols_in(term.value))
        return (*([ACROSS] if after else []), *([BLOCKS] if cut else []))
