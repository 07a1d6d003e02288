"""What a reader of derived formulas has to be told: the names that appear in them, in words, without their spelling.

To add a line to a legend, write a function from the program to its lines and put it into the rows of LEGENDS.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from sympy import MatAdd, MatrixSymbol

from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.maps import Blocks, Chain, Commutation, Kron, Ones, Vec
from lstmgraph.algebra.names import STACKS, Name, later, name_of, quotient_of, size, stack_of, symbol
from lstmgraph.algebra.traverse import walk
from lstmgraph.algebra.zero import is_zero, zeros
from lstmgraph.printing.expressions import is_spread
from lstmgraph.program import Equation, Program, Stage

MANY = 6  # of names in a line


@dataclass(frozen=True)
class Note:
    """A line of the legend: the names or functions that it is about; {} in its words is the other list of names."""

    about: tuple[MatrixSymbol | type, ...]
    words: str
    of: tuple[MatrixSymbol, ...] = ()


def _derived(program: Program) -> tuple[Equation, ...]:
    return tuple(e for e in program if e.stage != "forward")


def _at_t(name: Name) -> Name:
    return name if name.lag is None else name.at(0)


def _arriving(program: Program) -> list[Note]:
    seeds = tuple(s for s in program.inputs if name_of(s).marks[:1] in (("seed",), ("bar",)))
    of = tuple(_unmarked(s) for s in seeds)
    return [Note(seeds, "what reaches {} from the loss and from the next step", of)] if seeds else []


def _deltas(program: Program) -> list[Note]:
    targets = (e.target for e in _derived(program) if name_of(e.target).marks == ("bar", "pre"))
    found = tuple(dict.fromkeys(symbol(_at_t(name_of(s)), s.shape) for s in targets))
    of = tuple(_unmarked(s) for s in found)
    words = (
        "the cotangents of the pre-activations of {}" if len(of) > 1 else "the cotangent of the pre-activation of {}"
    )
    return [Note(found, words, of)] if found else []


def _terms(program: Program) -> list[Note]:
    """Products with names: which, or, where there are many, the first of them."""
    found = [e.target for e in program if name_of(e.target).marks == ("term",)]
    more = ", ..." if len(found) > MANY else ""
    return [Note(tuple(found[:MANY]), f"products that are used again{more}")] if found else []


def _stacks(program: Program) -> list[Note]:
    """What a stack is made of that no equation defines: that of the biases."""
    notes = []
    for gradient in (e.target for e in program if name_of(e.target).marks[:1] == ("grad",)):
        name = name_of(gradient)
        stack = symbol(replace(name, marks=name.marks[1:]), gradient.shape)
        if {*STACKS} & {*name.marks} and stack not in program.definitions:
            parts = tuple(symbol(Name(base), gradient.shape) for base in stack_of(name).parts)
            notes.append(Note((stack,), "{} one below the other", parts))
    return notes


def _steps(program: Program) -> list[Note]:
    used = any(isinstance(x, n.Step) for e in _derived(program) for x in walk(e.value))
    return [Note((n.Step,), "1 where its argument is positive, else 0")] if used else []


def _ones(program: Program) -> list[Note]:
    values = [e.value for e in _derived(program)]
    sums = [x for value in values for x in walk(value) if isinstance(x, (MatAdd, n.Negative, n.TimeSum))]
    terms = [*values, *(o for x in sums for o in n.operands(x))]
    return [Note((n.Fill,), "before a scalar, a vector of ones")] if any(map(is_spread, terms)) else []


def _direction(program: Program) -> list[Note]:
    """Which direction is meant: of the states and inputs by name, of many parameters in a word."""
    given = [s for s in program.inputs if name_of(s).marks[:1] == ("dot",)]
    named = tuple(s for s in given if name_of(s).lag is not None or len(given) < 5)
    shown = named or tuple(given[:3])
    words = f"the direction in which {{}} change{'s' if len(shown) == 1 else ''}"
    if len(shown) < len(given):
        words += "; that of a parameter is its letter with the same mark"
    return [Note(shown, words, tuple(map(_undotted, shown)))] if given else []


def _rates(program: Program) -> list[Note]:
    found = tuple(e.target for e in program.stage("tangent") if name_of(e.target).marks == ("dot", "pre"))
    words = "the tangents of the pre-activations of {}" if len(found) > 1 else "the tangent of the pre-activation of {}"
    return [Note(found, words, tuple(map(_unmarked, found)))] if found else []


def _hessian(program: Program) -> list[Note]:
    found = tuple(e.target for e in program.stage("tangent") if name_of(e.target).marks == ("dot", "grad"))[:1]
    seeds = tuple(s for s in program.inputs if name_of(s).marks[:1] in (("seed",), ("bar",)))
    moved = any(name_of(s).marks[:2] in (("dot", "seed"), ("dot", "bar")) for s in program.inputs)
    words = "the Hessian of L times the direction" + ("" if moved else ", with {} held fixed")
    return [Note(found, words, seeds)] if found else []


# ── through time ──


def _totals(program: Program) -> list[Note]:
    """The cotangents of what leaves a step: what has a loss or goes on to the next, and all states."""
    outside = [s for s in program.inputs if name_of(s).marks == ("loss",) or _is_from_after(s, ("bar",))]
    bases = {name_of(s).base for s in (*outside, *_previous(program))}
    names = (_at_t(name_of(e.target)) for e in _derived(program) if name_of(e.target).marks == ("bar",))
    shapes = {_at_t(name_of(e.target)): e.target.shape for e in _derived(program)}
    found = tuple(symbol(name, shapes[name]) for name in dict.fromkeys(names) if name.base in bases)
    cut = "what truncation leaves of " if any(name_of(s).marks == ("block",) for s in program.inputs) else ""
    words = f"{cut}the derivative of the whole loss by {{}}"
    return [Note(found, words, tuple(map(_unmarked, found)))] if found else []


def _previous(program: Program) -> tuple[MatrixSymbol, ...]:
    """The states of the step before."""
    return tuple(s for s in program.inputs if name_of(s).lag == -1 and not name_of(s).marks)


def _is_from_after(value: MatrixSymbol, marks: tuple[str, ...]) -> bool:
    """Whether it is the value with these marks of step t + 1."""
    name = name_of(value)
    return (name.since, name.lag, name.marks) == ("t", 1, marks)


def _losses(program: Program) -> list[Note]:
    """What the losses send: that of every step, or of one alone; apart what only the last of several sees."""
    losses = [s for s in program.inputs if name_of(s).marks == ("loss",)]
    times = Counter(name_of(s).base for s in losses)
    many = [s for s in losses if times[name_of(s).base] > 1 or name_of(s).time == "t"]
    here = tuple(dict.fromkeys(symbol(_at_t(name_of(s)), s.shape) for s in many))
    alone = tuple(s for s in losses if s not in many)
    words = {here: "; the whole loss is their sum over all steps", alone: "" if many else "; no other step has one"}
    return [
        Note(found, f"what the loss of that step sends to {{}}{more}", tuple(map(_unmarked, found)))
        for found, more in words.items()
        if found
    ]


def _after_the_last(program: Program) -> list[Note]:
    """What is zero because no step follows: only where the last step has no lines of its own."""
    after = [s for s in program.inputs if (name_of(s).since, name_of(s).lag) == ("t", 1) and name_of(s).marks]
    if not after or any(name_of(e.target).since == "T" for e in _derived(program)):
        return []
    return [Note(tuple(later(s, 0, "T") for s in after), "zero: no step follows the last, T")]


def _blocks(program: Program) -> list[Note]:
    words = "0 where t is a multiple of {}, else 1: nothing goes back from one block of {} steps to the one before it"
    blocks = [s for s in program.inputs if name_of(s).marks == ("block",)]
    return [Note((s,), words.replace("{}", name_of(s).base)) for s in blocks]


def _initial(program: Program) -> list[Note]:
    """What a sequence starts from, and which sums lose a term where that is zero."""
    states = _previous(program)
    if not states:
        return []
    vanishing = zeros(((e.target, e.value) for e in program.stage("forward")), states)
    sums = [e for e in _derived(program) if isinstance(e.value, n.TimeSum)]
    fewer = tuple(e.target for e in sums if is_zero(e.value, vanishing))
    given = not any(later(s, 1, "") in program.definitions for s in states)
    whole = "the initial states" + ("" if given else ", zero and not learnt")
    short = (
        ("; where they are zero, so is the term t = 1 in {}" if given else "; so the term t = 1 is zero in {}")
        if fewer
        else ""
    )
    return [Note(tuple(later(s, 1, "") for s in states), whole + short, fewer)]


def _undotted(of: MatrixSymbol) -> MatrixSymbol:
    name = name_of(of)
    return symbol(replace(name, marks=name.marks[1:]), of.shape)


def _unmarked(of: MatrixSymbol) -> MatrixSymbol:
    name = name_of(of)
    return symbol(replace(name, marks=()), of.shape)


Finder = Callable[[Program], list[Note]]
_ANY: tuple[Finder, ...] = (_steps, _ones)
# ── Jacobians ──


def _states(program: Program) -> list[Note]:
    whole = [e.target for e in program.stage("jacobian") if quotient_of(name_of(e.target)).whole]
    if not whole:
        return []
    blocks = (e.value for e in program.stage("jacobian") if isinstance(e.value, Blocks))
    named = (s for b in blocks for row in b.grid for s in row if isinstance(s, MatrixSymbol) and name_of(s).lag == 0)
    states = dict.fromkeys(symbol(quotient_of(name_of(s)).of, (s.shape[0], size(1))) for s in named)
    return [Note((whole[0],), "by all states, one below the other: {}", tuple(states))]


def _held(program: Program) -> list[Note]:
    words = {"direct": "with all other values of the step held", "alone": "through this state alone, others held"}
    marked = {mark: [o for o in program.outputs if name_of(o).marks[0] == mark] for mark in words}
    return [Note(tuple(found), words[mark]) for mark, found in marked.items() if found]


def _maps(program: Program) -> list[Note]:
    used = {type(x) for e in program.stage("jacobian") for x in walk(e.value)}
    return [Note((cls,), words) for cls, words in _MAP_WORDS.items() if cls in used]


_MAP_WORDS: Mapping[type, str] = {
    Ones: "a vector of ones",
    Vec: "the columns of a matrix, one below the other",
    Kron: "the Kronecker product",
    Commutation: "what takes the vec of a matrix to that of its transpose",
    Chain: "the latest step first",
}


LEGENDS: Mapping[Stage, tuple[Finder, ...]] = {
    "backward": (_arriving, _deltas, _terms, _stacks, *_ANY),
    "tangent": (_direction, _arriving, _deltas, _rates, _hessian, *_ANY),
    "through time": (_totals, _losses, _deltas, _after_the_last, _blocks, _initial, *_ANY),
    "unrolled": (_losses, _deltas, *_ANY),
    "jacobian": (_states, _held, _maps, _steps),
}
