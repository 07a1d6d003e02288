"""What of a program is shown, in which groups, and what a reader has to be told: no spelling and no layout.

A value that the author did not name is printed as its definition where that is one short operation; the others are
defined in a group of their own.  To add a line to the legend, write a function and put it into `_LEGEND`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from sympy import MatAdd, MatMul, MatrixExpr, MatrixSymbol, Transpose

from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.names import Name, name_of, symbol
from lstmgraph.algebra.traverse import symbols_in, walk
from lstmgraph.normal import is_light
from lstmgraph.printing.expressions import is_spread
from lstmgraph.program import Equation, Program, Stage


@dataclass(frozen=True)
class Note:
    """A line of the legend: the names or functions that it is about; {} in its words is the other list of names."""

    about: tuple[MatrixSymbol | type, ...]
    words: str
    of: tuple[MatrixSymbol, ...] = ()


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
    equations = tuple(e for e in equations if e.target not in inlined)
    groups = {title: tuple(e for e in equations if _group(e, program) == title) for title in GROUPS}
    helpers = _helpers(program, equations, inlined)
    sections = [Section("where", helpers), *(Section(title, found) for title, found in groups.items())]
    notes = [note for find in _LEGEND for note in find(program)]
    return Shown(_nonempty(sections), inlined, tuple(notes))


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
GROUPS = (_COTANGENTS, _TANGENTS, _BOTH, *(title for titles in _RESULTS.values() for title in titles))


def _group(equation: Equation, program: Program) -> str:
    name = name_of(equation.target)
    if equation.stage == "tangent" and not {"bar", "seed", "grad"} & {*name.marks}:
        return _TANGENTS
    if equation.target not in program.outputs:
        return _BOTH if equation.stage == "tangent" else _COTANGENTS
    return _RESULTS[equation.stage][0 if name.lag is None else 1 if name.lag < 0 else 2]


def _nonempty(sections: Iterable[Section]) -> tuple[Section, ...]:
    return tuple(s for s in sections if s.equations)


# ── values that the author did not name ──


def _is_unnamed(symbol: MatrixSymbol) -> bool:
    marks = name_of(symbol).marks
    return bool(marks) and marks[-1] in ("part", "pre") and len(marks) == 1


def _inlined(program: Program, equations: Iterable[Equation], everything: bool) -> dict[MatrixSymbol, MatrixExpr]:
    """The unnamed values to print as their definitions: all, or the short ones whose cotangent has no name; of their
    tangents those that are used once.
    """
    named = {name_of(e.target) for e in equations}
    short = {
        e.target: e.value
        for e in program.equations
        if _is_unnamed(e.target)
        and (everything or (_is_short(e.value) and name_of(e.target).marked("bar") not in named))
    }
    uses = Counter(x for e in program.stage("tangent") for x in walk(e.value))
    once = (e for e in program.stage("tangent") if uses[e.target] == 1 and not isinstance(e.value, MatAdd))
    return short | {e.target: e.value for e in once if name_of(e.target).marks == ("dot", "part")}


def _is_short(value: MatrixExpr) -> bool:
    """One function or product of one or two named values."""
    parts = n.operands(value)
    return not isinstance(value, (MatMul, MatAdd, Transpose)) and len(parts) <= 2 and all(map(is_light, parts))


def _helpers(
    program: Program, equations: Iterable[Equation], inlined: Mapping[MatrixSymbol, MatrixExpr]
) -> tuple[Equation, ...]:
    """The definitions of the unnamed values that the equations show, in order of evaluation."""
    wanted: set[MatrixSymbol] = set()
    for equation in equations:
        wanted |= symbols_in(equation.value)
        name = name_of(equation.target)
        if name.marks in (("bar", "part"), ("dot", "part")):
            wanted.add(symbol(replace(name, marks=("part",)), equation.target.shape))
    found = []
    for equation in reversed(program.equations):
        if equation.target in wanted and _is_unnamed(equation.target):
            wanted |= symbols_in(equation.value)
            found.append(equation)
    return tuple(e for e in reversed(found) if e.target not in inlined)


# ── the legend ──


def _arriving(program: Program) -> list[Note]:
    seeds = tuple(s for s in program.inputs if name_of(s).marks[:1] in (("seed",), ("bar",)))
    of = tuple(_unmarked(s) for s in seeds)
    return [Note(seeds, "what reaches {} from the loss and from the next step", of)] if seeds else []


def _deltas(program: Program) -> list[Note]:
    found = tuple(e.target for e in program.stage("backward") if name_of(e.target).marks == ("bar", "pre"))
    of = tuple(_unmarked(s) for s in found)
    words = (
        "the cotangents of the pre-activations of {}" if len(of) > 1 else "the cotangent of the pre-activation of {}"
    )
    return [Note(found, words, of)] if found else []


def _steps(program: Program) -> list[Note]:
    used = any(isinstance(x, n.Step) for e in program if e.stage != "forward" for x in walk(e.value))
    return [Note((n.Step,), "1 where its argument is positive, else 0")] if used else []


def _ones(program: Program) -> list[Note]:
    values = [e.value for e in program if e.stage != "forward"]
    sums = [x for value in values for x in walk(value) if isinstance(x, (MatAdd, n.Negative))]
    terms = [*values, *(o for x in sums for o in n.operands(x))]
    return [Note((n.Fill,), "before a scalar, a vector of ones")] if any(map(is_spread, terms)) else []


def _direction(program: Program) -> list[Note]:
    """Which direction is meant: of the states and inputs by name, of many parameters in a word."""
    given = [s for s in program.inputs if name_of(s).marks[:1] == ("dot",)]
    named = tuple(s for s in given if name_of(s).lag is not None or len(given) < 5)
    shown = named or tuple(given[:3])
    words = f"the direction in which {{}} change{'s' if len(shown) == 1 else ''}"
    if len(shown) < len(given):
        words += "; that of a parameter is its letter with a dot"
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


_LEGEND: tuple[Callable[[Program], list[Note]], ...] = (_direction, _arriving, _deltas, _rates, _hessian, _steps, _ones)


def _undotted(of: MatrixSymbol) -> MatrixSymbol:
    name = name_of(of)
    return symbol(replace(name, marks=name.marks[1:]), of.shape)


def _unmarked(of: MatrixSymbol) -> MatrixSymbol:
    name = name_of(of)
    return symbol(Name(name.base, name.lag), of.shape)
