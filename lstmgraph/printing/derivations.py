"""Where every line of a backward pass comes from: its forward equations by number, the rules that gave each term.

What is told here is what `calculus` has recorded (`Equation.origin`) and what the forward equations say, in pieces that
any format can spell.  The rules in words are in `reasons.py`, the layouts in `explaining.py`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, count, groupby, zip_longest
from typing import NamedTuple

from sympy import MatAdd, MatrixExpr, MatrixSymbol

from lstmgraph.algebra.names import Name, like, name_of, symbol
from lstmgraph.algebra.nodes import Elementwise, operands
from lstmgraph.algebra.rules import slope
from lstmgraph.algebra.traverse import symbols_in, walk
from lstmgraph.printing.legend import Note
from lstmgraph.printing.over_time import (
    AT_ONCE,
    HERE,
    OverTime,
    Recurrence,
    at_all_steps,
    at_step,
    moved,
    sent_by,
    time_of,
)
from lstmgraph.printing.reasons import CHAIN, Reason, reason
from lstmgraph.printing.sections import HELPERS, is_unnamed, shown
from lstmgraph.printing.sentences import Piece, Ref, Sentence, Slope
from lstmgraph.program import Equation, Program, Stage, Term, Use


class Step(NamedTuple):
    """From the cotangent of the value of a numbered equation to that of an operand in it, by rules from outside in.

    `uses` are the places in the normal form that lead there, `term` the one that they enter of a sum of several, unless
    that is the operand itself; `gives` is the cotangent that is not written down by itself.  All of it is said of step
    t; `time` is the step that is meant.
    """

    line: Line
    uses: tuple[Use, ...]
    rules: tuple[tuple[Reason, Slope | None], ...]
    term: MatrixExpr | None = None
    gives: Equation | None = None
    time: Name = HERE

    @property
    def meant(self) -> Equation:
        """The numbered equation at the step that is meant."""
        return self.line.equation.later(self.time.lag or 0, self.time.since)


class Part(NamedTuple):
    """A term of a cotangent and the steps that lead to it; without steps it arrives from outside."""

    value: MatrixExpr
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Line:
    """A numbered equation; of a backward one `of` is the value whose cotangent it is, the sum of `parts`.

    `over_time` is what else is said of it where there are many steps.
    """

    number: int
    equation: Equation
    of: MatrixSymbol | None = None
    parts: tuple[Part, ...] = ()
    over_time: OverTime = AT_ONCE


@dataclass(frozen=True)
class Derivation:
    forward: tuple[Line, ...]
    sections: tuple[tuple[str, tuple[Line, ...]], ...]
    rules: tuple[Reason, ...]
    notes: tuple[Note, ...]
    inlined: Mapping[MatrixSymbol, MatrixExpr]


def derivation(program: Program, forward: Program, stage: Stage = "backward") -> Derivation:
    """Of the backward lines of `program`, one step's or through time, derived from `forward`, in normal form."""
    view = shown(program, stage)
    helpers = {e.target for s in view.sections if s.title == HELPERS for e in s.equations}
    numbers = count(1)
    uses = Counter(node for e in forward for node in walk(e.value) if isinstance(node, MatrixSymbol))
    lines = tuple(Line(next(numbers), e) for e in forward if _stands_alone(e.target, helpers, uses))
    teller, recurrence = _Teller(forward, lines), Recurrence(program)
    sections = tuple(
        (s.title, tuple(_line(next(numbers), e, teller, recurrence) for e in s.equations))
        for s in view.sections
        if s.title != HELPERS
    )
    found = [line for _, section in sections for line in section]
    told = chain.from_iterable(part.steps for line in found for part in line.parts)
    rules = dict.fromkeys(rule for step in told for rule, _ in step.rules)
    rules |= dict.fromkeys(rule for line in found for rule in line.over_time.rules)
    return Derivation(lines, sections, tuple(rules), view.notes, at_all_steps(teller.inlined, program))


def _line(number: int, equation: Equation, teller: _Teller, recurrence: Recurrence) -> Line:
    of = _cotangent_of(equation.target)
    return Line(number, equation, of, teller.parts(equation), recurrence.says(equation, of))


def _stands_alone(target: MatrixSymbol, helpers: set[MatrixSymbol], uses: Mapping[MatrixSymbol, int]) -> bool:
    """Whether a value has an equation of its own in print: the author's, what is shown by name, what is used twice."""
    return not is_unnamed(target) or target in helpers or uses[target] > 1


def _cotangent_of(target: MatrixSymbol) -> MatrixSymbol:
    name = name_of(target)
    return symbol(replace(name, marks=name.marks[1:]), target.shape)


class _Teller:
    """Knows in which numbered equation every value of the normal form is computed."""

    def __init__(self, forward: Program, lines: Sequence[Line]) -> None:
        self.forward = forward
        self.homes = {line.equation.target: line for line in lines}
        self.inlined = {e.target: e.value for e in forward if e.target not in self.homes}
        for equation in reversed(forward.equations):
            for used in symbols_in(equation.value) & self.inlined.keys():
                self.homes[used] = self.homes[equation.target]

    def parts(self, equation: Equation) -> tuple[Part, ...]:
        return tuple(Part(term.value, tuple(self.steps(term))) for term in equation.origin)

    def steps(self, term: Term) -> Iterator[Step]:
        """One for each numbered equation that the way leads through."""
        time = time_of(term)
        terms = [t for t in term.later(-(time.lag or 0)).chain() if t.use]
        groups = [list(found) for _, found in groupby(terms, key=lambda t: self.homes[_use(t).equation].number)]
        for found, after in zip_longest(groups, groups[1:]):
            uses = tuple(map(_use, found))
            gives = Equation(like(_use(after[0]).equation, "bar"), found[-1].value) if after else None
            yield Step(self.homes[uses[0].equation], uses, tuple(self.rules(uses)), self.entered(uses[0]), gives, time)

    def entered(self, use: Use) -> MatrixExpr | None:
        """The term of a sum through which a use goes on."""
        value = self.forward.definitions[use.equation].value
        return operands(value)[use.path[0]] if isinstance(value, MatAdd) and len(use.path) > 1 else None

    def rules(self, uses: Iterable[Use]) -> list[tuple[Reason, Slope | None]]:
        """Those of the operations on the way; that of a sum is told only where it is the only one."""
        nodes = [(node, out) for use in uses for node, out in self.passed(use)]
        telling = [(node, out) for node, out in nodes if not isinstance(node, MatAdd)] or nodes[:1]
        return [_rule(node, out) for node, out in telling]

    def passed(self, use: Use) -> list[tuple[MatrixExpr, MatrixExpr]]:
        """The operations from the value of an equation down to the operand, each with what its value is called."""
        node = self.forward.definitions[use.equation].value
        found = [(node, use.equation)]
        for k in use.path:
            node = operands(node)[k]
            found.append((node, node))
        return found[:-1] or found


def _rule(node: MatrixExpr, out: MatrixExpr) -> tuple[Reason, Slope | None]:
    found = reason(node.func)
    told = found is CHAIN and isinstance(node, Elementwise)
    return found, Slope(node.func, slope(node, out)) if told else None


def _use(term: Term) -> Use:
    assert term.use is not None
    return term.use


# ── in words ──

_TIMES = {1: "", 2: " twice"}


def sentences(line: Line) -> list[Sentence]:
    """Why a line is as it is: one sentence, or one about the sum and one for each of its terms."""
    lead, tail = line.over_time.lead, line.over_time.tail
    if not line.parts:
        return [line.over_time.nothing or ("no output changes with ", _named(line.of))]
    if len(line.parts) == 1:
        return [(*lead, *_why(line.parts[0], line.of), *tail)]
    told = [(part.value, ": ", *_why(part, line.of)) for part in line.parts if part.steps]
    return [(*lead, *_sum_of_uses(line), *tail), *told]


def _sum_of_uses(line: Line) -> Sentence:
    """`sum of uses: c feeds (4) o and (6) h; from outside c̄⁺`."""
    last = [(part.steps[-1].line.number, part.steps[-1].meant.target) for part in line.parts if part.steps]
    times = Counter(last)
    feeds: list[Sentence] = [
        (Ref(number), target, _TIMES.get(n, f" {n} times")) for (number, target), n in times.items()
    ]
    outside = [part.value for part in line.parts if not part.steps]
    told: Sentence = ("sum of uses: ", _named(line.of), " feeds ", *_listed(feeds)) if feeds else ()
    return (*told, "; ", *_from_outside(outside), " ", *_listed([(v,) for v in outside])) if outside else told


def _from_outside(values: Sequence[MatrixExpr]) -> Sentence:
    losses = all(isinstance(v, MatrixSymbol) and name_of(v).marks[:1] == ("loss",) for v in values)
    return ("from the loss of that step",) if losses else ("from outside",)


def _why(part: Part, of: MatrixSymbol | None) -> Sentence:
    if not part.steps:
        return _from_outside([part.value])
    pieces = [*sent_by(part.steps[0].time, of, part.value)]
    for k, step in enumerate(part.steps):
        pieces += ["; then " if k else "", *_step(step)]
    return tuple(pieces)


def _step(step: Step) -> Iterator[Piece]:
    k, since = step.time.lag or 0, step.time.since
    for place, (rule, found) in enumerate(step.rules):
        yield ", then " if place else ""
        yield rule.name
        yield from (" with ", found._replace(value=moved(found.value, k, since))) if found else ()
        yield from (" for ", moved(step.term, k, since)) if step.term is not None and not place else ()
    inside = name_of(step.uses[0].equation).marks == ("pre",) and step.uses[0].equation != step.line.equation.target
    yield ", in the pre-activation of " if inside else ", from "
    yield Ref(step.line.number)
    yield at_step(step.time)
    yield step.meant
    if step.gives:
        yield ", gives "
        yield step.gives.later(k, since)


def _listed(items: Sequence[Sentence]) -> Iterator[Piece]:
    for k, item in enumerate(items):
        yield "" if not k else " and " if k == len(items) - 1 else ", "
        yield from item


def _named(value: MatrixSymbol | None) -> MatrixSymbol:
    assert value is not None
    return value
