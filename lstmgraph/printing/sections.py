"""What of a program is shown, in which groups, and what a reader has to be told: no spelling and no layout.

A value that the author did not name is printed as its definition where that is one short operation; the others are
defined in a group of their own.  A new kind of derived program is a row in each table by stage, GROUPINGS here and
LEGENDS in `legend.py`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from sympy import MatAdd, MatMul, MatrixExpr, MatrixSymbol, Transpose

from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.maps import Blocks, Chain
from lstmgraph.algebra.names import STACKS, Name, is_jacobian, later, name_of, quotient_of, symbol
from lstmgraph.algebra.traverse import symbols_in, walk
from lstmgraph.normal import is_light
from lstmgraph.printing.legend import LEGENDS, Note
from lstmgraph.program import Equation, Program, Stage


@dataclass(frozen=True)
class Section:
    title: str
    equations: tuple[Equation, ...]


@dataclass(frozen=True)
class Shown:
    """The sections of a program, none of them empty; the symbols that are printed as their definitions; the legend."""

    sections: tuple[Section, ...]
    inlined: Mapping[MatrixSymbol, MatrixExpr]
    notes: tuple[Note, ...]


def shown(program: Program, stage: Stage) -> Shown:
    # what is the cotangent of which, in a Hessian's product, is told as well
    equations = tuple(e for e in program if e.stage != "forward") if stage == "tangent" else program.stage(stage)
    inlined = _inlined(program, equations, everything=stage == "forward")
    if stage == "forward":
        kept = tuple(e for e in equations if e.target not in inlined)
        return Shown(_nonempty([Section("", kept)]), inlined, ())
    if stage == "backward":
        inlined = _without_products(inlined, equations)
    equations = tuple(e for e in equations if e.target not in inlined and not _is_row_of_a_stack(e))
    where = Section(HELPERS, _helpers(program, equations, inlined, once=stage == "through time"))
    notes = tuple(note for find in LEGENDS[stage] for note in find(program))
    return Shown(_nonempty([where, *_grouped(program, equations, stage, inlined)]), inlined, notes)


def _grouped(
    program: Program, equations: Iterable[Equation], stage: Stage, inlined: Mapping[MatrixSymbol, MatrixExpr]
) -> list[Section]:
    """The equations by the title that each is given: titles in the order of GROUPS, after those that are not there.

    Where groups only sort, no equation stands in one before that in which a name is defined that it uses.
    """
    titles = {equation: GROUPINGS[stage](equation, program) for equation in equations}
    order = [
        *(t for t in dict.fromkeys(titles.values()) if t not in GROUPS),
        *(t for t in GROUPS if t in titles.values()),
    ]
    places = {equation.target: order.index(title) for equation, title in titles.items()}
    uses = {equation: _used(equation.value, inlined) & places.keys() for equation in titles}
    if stage in _USERS_MOVE:
        for equation, used in uses.items():
            places[equation.target] = max(places[equation.target], *(places[u] for u in used), 0)
    elif stage in _RESULTS_MOVE:
        for equation, used in reversed(uses.items()):
            places |= {u: min(places[u], places[equation.target]) for u in used}
    groups = [tuple(e for e in titles if places[e.target] == k) for k in range(len(order))]
    return [Section(title, group) for title, group in zip(order, groups, strict=True)]


def _used(value: MatrixExpr, inlined: Mapping[MatrixSymbol, MatrixExpr]) -> set[MatrixSymbol]:
    """The names in a value as it is printed."""
    return _reached(value, inlined) - inlined.keys()


def _reached(value: MatrixExpr, inlined: Mapping[MatrixSymbol, MatrixExpr]) -> set[MatrixSymbol]:
    """The names in a value, and those in what is printed in their places."""
    found = symbols_in(value)
    return found.union(*(_reached(inlined[s], inlined) for s in found & inlined.keys()))


HELPERS = "where"  # the title of the values that the author did not name


# ── groups ──

_COTANGENTS, _TANGENTS, _BOTH = "cotangents", "tangents", "tangents of the cotangents"
# The titles of an equation that is a result, by its stage: of a parameter, of a previous state, of a value at t.
_RESULTS: Mapping[Stage, tuple[str, str, str]] = {
    "backward": ("gradients of the parameters", "cotangents of the previous states", "cotangents of the inputs"),
    "tangent": (
        "the Hessian times the direction, by the parameters",
        "the same by the previous states",
        "the same by the inputs",
    ),
}
_JACOBIANS = ("within the step", "through one step", "through several steps")
_INITIAL = "cotangents of the initial states"
GROUPS = (
    _COTANGENTS,
    _TANGENTS,
    _BOTH,
    *(title for titles in _RESULTS.values() for title in titles),
    _INITIAL,
    *_JACOBIANS,
)


def _of_one_step(equation: Equation, program: Program) -> str:
    name = name_of(equation.target)
    if equation.stage == "tangent" and not {"bar", "seed", "grad"} & {*name.marks}:
        return _TANGENTS
    if equation.target not in program.outputs and not (name.marks[:1] == ("grad",) and {*STACKS} & {*name.marks}):
        return _BOTH if equation.stage == "tangent" else _COTANGENTS
    return _RESULTS[equation.stage][0 if name.lag is None else 1 if name.lag < 0 else 2]


def _of_a_recurrence(equation: Equation, program: Program) -> str:
    name = name_of(equation.target)
    if {equation.target, later(equation.target, 0)} & {*program.outputs}:
        return _RESULTS["backward"][0] if name.lag is None else _RESULTS["backward"][2] if name.since else _INITIAL
    at_last = {e.target for e in program.stage(equation.stage) if name_of(e.target).since == "T"}
    if name.since == "T":
        return "at the last step, t = T"
    if not at_last:
        return "from step t + 1 to step t, for t = T down to 1"
    return "before it, from step t + 1 to step t" if later(equation.target, 0, "T") in at_last else "at every step"


def _of_all_steps(equation: Equation, program: Program) -> str:
    name = name_of(equation.target)
    if equation.target not in program.outputs:
        return f"step {name.time}"
    return _RESULTS["backward"][0] if name.lag is None else _RESULTS["backward"][2] if name.lag else _INITIAL


def _of_jacobians(equation: Equation, program: Program) -> str:
    """A Jacobian that only others use is one within the step; a product over steps is one with a chain, or its part."""
    chained = {e.target for e in program.stage("jacobian") if isinstance(e.value, Chain)}
    if equation.target in chained or symbols_in(equation.value) & chained:
        return _JACOBIANS[2]
    whole = (e.value for e in program.stage("jacobian") if isinstance(e.value, (Blocks, Chain)))
    used = {s for value in whole for s in symbols_in(value)}
    return _JACOBIANS[equation.target in {*program.outputs, *used}]


GROUPINGS: Mapping[Stage, Callable[[Equation, Program], str]] = {
    "backward": _of_one_step,
    "tangent": _of_one_step,
    "through time": _of_a_recurrence,
    "unrolled": _of_all_steps,
    "jacobian": _of_jacobians,
}


# Where a result of a later group moves to the line that uses it, and where that line moves; in others a group says when
# its lines hold.
_RESULTS_MOVE: tuple[Stage, ...] = ("backward", "tangent")
_USERS_MOVE: tuple[Stage, ...] = ("jacobian",)


def _nonempty(sections: Iterable[Section]) -> tuple[Section, ...]:
    return tuple(s for s in sections if s.equations)


# ── values that the author did not name ──


_MADE = {("term",), *((mark,) for mark in STACKS)}  # the marks of forward values that only a gradient has


def _is_row_of_a_stack(equation: Equation) -> bool:
    """Whether it only says which rows of a stacked gradient are the gradient of one part."""
    value = equation.value
    whole = value.args[0] if isinstance(value, n.Slice) else None
    return isinstance(whole, MatrixSymbol) and bool({*STACKS} & {*name_of(whole).marks})


def is_unnamed(symbol: MatrixSymbol) -> bool:
    """Whether the normal form made up its name."""
    marks = name_of(symbol).marks
    return bool(marks) and marks[-1] in ("part", "pre") and len(marks) == 1


def _inlined(program: Program, equations: Iterable[Equation], everything: bool) -> dict[MatrixSymbol, MatrixExpr]:
    """The unnamed values to print as their definitions: all, or the short ones whose cotangent has no name; of their
    tangents those that are used once.
    """
    named = {_at_t(name_of(e.target)) for e in equations}
    derived = {str(quotient_of(name).of) for name in named if is_jacobian(name)}
    short = {
        e.target: e.value
        for e in program.equations
        if is_unnamed(e.target)
        and e.target.name not in derived
        and (everything or (_is_short(e.value) and _at_t(name_of(e.target)).marked("bar") not in named))
    }
    uses = Counter(x for e in program.stage("tangent") for x in walk(e.value))
    once = (e for e in program.stage("tangent") if uses[e.target] == 1 and not isinstance(e.value, MatAdd))
    found = short | {e.target: e.value for e in once if name_of(e.target).marks == ("dot", "part")}
    return {target: _followed(value, found) for target, value in found.items()}


def _followed(value: MatrixExpr, inlined: Mapping[MatrixSymbol, MatrixExpr]) -> MatrixExpr:
    """What is printed for a value that is another by name: 1 + a changes as a does."""
    while value in inlined:
        value = inlined[value]
    return value


_PRODUCTS = (n.Hadamard, n.Power, n.Divide)


def _without_products(
    inlined: Mapping[MatrixSymbol, MatrixExpr], equations: Iterable[Equation]
) -> dict[MatrixSymbol, MatrixExpr]:
    """Without the products of the forward pass that a gradient uses: written out they would be multiplied again.

    A textbook form has none of them, a form that reuses products is there to use them.
    """
    reached = {s for e in equations for s in _reached(e.value, inlined)}
    return {s: value for s, value in inlined.items() if not (s in reached and isinstance(value, _PRODUCTS))}


def _at_t(name: Name) -> Name:
    return name if name.lag is None else name.at(0)


def _is_short(value: MatrixExpr) -> bool:
    """One function or product of one or two named values."""
    parts = n.operands(value)
    return not isinstance(value, (MatMul, MatAdd, Transpose)) and len(parts) <= 2 and all(map(is_light, parts))


def _helpers(
    program: Program, equations: Iterable[Equation], inlined: Mapping[MatrixSymbol, MatrixExpr], once: bool = False
) -> tuple[Equation, ...]:
    """The definitions of the unnamed values that the equations show, in order of evaluation.

    `once`: those of step t stand for those of all steps.
    """
    wanted: set[MatrixSymbol] = set()
    for equation in equations:
        used = _reached(equation.value, inlined)
        wanted |= {symbol(_at_t(name_of(s)), s.shape) for s in used if is_unnamed(s)} if once else used
        name = name_of(equation.target)
        if name.marks in (("bar", "part"), ("dot", "part")):
            name = _at_t(name) if once else name
            wanted.add(symbol(replace(name, marks=("part",)), equation.target.shape))
        if is_jacobian(name):
            wanted |= {s for s in program.definitions if s.name == str(quotient_of(name).of)}
    found = []
    for equation in reversed(program.equations):
        is_made = equation.stage == "forward" and name_of(equation.target).marks[:1] in _MADE
        if equation.target in wanted and (is_made or is_unnamed(equation.target)):
            wanted |= symbols_in(equation.value)
            found.append(equation)
    return tuple(e for e in reversed(found) if e.target not in inlined)
