"""What a memory does when its gates are held open, shut, or part of the way: f = 1, i = 0 leaves c[t] = c[t-1].

A *gate* here is a value of the step by which a memory, what is added to it, or what is made of it is multiplied; a mask
m that is an input is one where 1 - m is such a factor too.
`settled` takes what somebody wants opened and adds what follows from it (a coupled gate 1 - i), `remaining` gives the
equations that are left.  Algebra on a cell: no drawing, no numbers other than those of the gates.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import lru_cache

from sympy import Float, Integer, MatAdd, MatMul, MatrixExpr, MatrixSymbol, Number, Rational, factorint

from lstmgraph.algebra.build import fill, is_number, negate, product, total
from lstmgraph.algebra.names import name_of
from lstmgraph.algebra.nodes import (
    Divide,
    Elementwise,
    Fill,
    Hadamard,
    Identity,
    Maximum,
    Minimum,
    Negative,
    OneMinus,
    operands,
)
from lstmgraph.algebra.traverse import rebuild, symbols_in, walk
from lstmgraph.cell import Cell
from lstmgraph.errors import UnknownName, UsageError
from lstmgraph.program import Equation, Program
from lstmgraph.roles import memories, roles

Opened = Mapping[str, float]

# Through these a gate acts on a memory; a memory flows on through functions of single entries as well.
_LINEAR: tuple[type, ...] = (Hadamard, MatAdd, Negative, OneMinus, Divide, Identity, Fill)
_FLOWS: tuple[type, ...] = (*_LINEAR, Elementwise, Maximum, Minimum)


@lru_cache(maxsize=128)
def gates(cell: Cell) -> tuple[str, ...]:
    """The names of the gates, in order of evaluation.

    Raises UsageError for a cell that has no memory: nothing flows there that a gate could stop.
    """
    if not memories(cell):
        raise UsageError(
            f"{cell.name} carries no memory: no state reaches its next value without passing through a network",
            hint="lstm and gru have one",
        )
    found = {base for e in _flow(cell) for base in _factors(cell, e.value)}
    for equation in reversed(cell.step.equations):  # a coupled gate opens and shuts the one that it follows
        if name_of(equation.target).base in found and isinstance(equation.value, OneMinus):
            found |= {name_of(s).base for s in symbols_in(equation.value)} & set(openable(cell))
    return tuple(base for base in openable(cell) if base in found)


@lru_cache(maxsize=128)
def openable(cell: Cell) -> Mapping[str, MatrixSymbol]:
    """What may be a gate, by base name: what a step is given, and what it computes, in order of evaluation."""
    return {name_of(s).base: s for s in (*cell.inputs, *(e.target for e in cell.step))}


def settled(cell: Cell, opened: Opened) -> dict[str, float]:
    """How far each gate stands open that was given, or that follows from those: with f = 1 - i, what i is from f.

    Raises UnknownName for what is no gate of the cell, UsageError for a gate that acts on no memory, for a number
    outside of 0 to 1, for gates that contradict one another, and for a cell without a memory.
    """
    known = gates(cell)
    for name, value in opened.items():
        if name not in known:
            raise _no_gate_here(cell, name)
        if not 0 <= value <= 1:
            raise UsageError(f"a gate is open by 0 (shut) to 1 (open), not by {value:g}", hint=f"{name}=0.5")
    found = dict(opened)
    coupled = [(name_of(e.target).base, e.value.args[0]) for e in cell.step if isinstance(e.value, OneMinus)]
    for one, other in (*coupled, *reversed(coupled)):
        if isinstance(other, MatrixSymbol):
            _couple(found, one, name_of(other).base)
    return {name: found[name] for name in known if name in found}


def _no_gate_here(cell: Cell, name: str) -> UsageError:
    """Why something cannot be opened: it is no gate, or one that acts on no memory on its way."""
    if roles(cell).get(name) != "gate":
        return UnknownName("gate", name, gates(cell), of=cell.name)
    return UsageError(
        f"{name} is a gate of {cell.name}, but the plumbing does not show it: it acts on no pipe",
        hint=f"known: {', '.join(gates(cell))}" if gates(cell) else "the style pipe draws every cell",
    )


def _couple(found: dict[str, float], one: str, other: str) -> None:
    """Of two gates that add up to 1, the one that is not given."""
    for known, wanted in ((one, other), (other, one)):
        if known in found:
            value = float(1 - Rational(str(found[known])))
            if abs(found.setdefault(wanted, value) - value) > 1e-9:
                raise UsageError(
                    f"{one} = 1 - {other}: {one} = {found[one]:g} and {other} = {found[other]:g} contradict each other",
                    hint=f"leave one of them out: {known}={found[known]:g}",
                )


def remaining(cell: Cell, opened: Opened) -> tuple[Equation, ...]:
    """The equation of each memory that is left, and that of the output where one of its gates was given.

    Values between the old and the new memory are written out, so that the equation says what becomes of the memory;
    candidates keep their names.  Raises what `settled` raises.
    """
    numbers = {openable(cell)[base]: _number(value) for base, value in settled(cell, opened).items()}
    inner = _between(cell, set(numbers))
    left = []
    for equation in _flow(cell):
        base = name_of(equation.target).base
        if base in memories(cell) or (base == cell.output and _uses(equation.value, inner) & set(numbers)):
            left.append(Equation(equation.target, _decimals(_left(equation.value, numbers, inner))))
    return tuple(left)


def held(cell: Cell, opened: Opened) -> Program:
    """The step with gates held at these numbers: their own equations are gone, and what they leave is tidied.

    Raises what `settled` raises.
    """
    numbers = {openable(cell)[base]: _number(value) for base, value in settled(cell, opened).items()}
    left = [replace(e, value=_decimals(_left(e.value, numbers, {}))) for e in cell.step if e.target not in numbers]
    return replace(cell.step, equations=tuple(left))


def _number(value: float) -> Number:
    return Integer(int(value)) if value == int(value) else Rational(str(value))


# ── where a memory flows ──


def _flow(cell: Cell) -> list[Equation]:
    """The equations that a memory passes through, entry by entry, between its old and its new value and after that.

    The output's is one of them also where it takes the memory in another way: its gates are gates all the same.  So are
    those of what the output projects: r[t] = W @ m[t].
    """
    reached: set[MatrixExpr] = {*_old(cell)}
    found = []
    for equation in cell.step:
        if _passes(equation.value, reached, _FLOWS) or equation.target in {*_next(cell), cell.values[cell.output]}:
            reached.add(equation.target)
            found.append(equation)
    return [e for e in found if _leads_out(cell, e, found)]


def _next(cell: Cell) -> set[MatrixSymbol]:
    return {cell.values[base] for base in memories(cell)}


def _shown(cell: Cell) -> set[MatrixSymbol]:
    """The output, and what its equation uses."""
    output = cell.values[cell.output]
    return {output}.union(*(symbols_in(e.value) for e in cell.step if e.target == output))


def _leads_out(cell: Cell, equation: Equation, flow: list[Equation]) -> bool:
    """Whether it is a memory, the output or what that is made of, or such an equation uses it entry by entry."""
    if equation.target in {*_next(cell), *_shown(cell)}:
        return True
    return any(
        _passes(e.value, {equation.target}, _FLOWS) and _leads_out(cell, e, flow) for e in flow if e is not equation
    )


def _passes(expr: MatrixExpr, reached: set[MatrixExpr], through: tuple[type, ...]) -> bool:
    if expr in reached:
        return True
    return isinstance(expr, through) and any(_passes(o, reached, through) for o in operands(expr))


def _factors(cell: Cell, expr: MatrixExpr) -> Iterator[str]:
    """The gates among the factors of the products in an expression.

    A factor is one if its role says so, if it is one number for every entry, or if a memory is the other factor: then
    it cannot be the candidate.  An input is one if it is a mask: only a share has a rest.
    """
    kinds, masks = roles(cell), _masks(cell)
    for node in walk(expr):
        if isinstance(node, (Hadamard, Divide)):
            factors = node.args if isinstance(node, Hadamard) else node.args[:1]
            scales_memory = any(isinstance(f, MatrixSymbol) and f in _old(cell) for f in factors)
            for factor in factors:
                inner = _bare(factor)
                if inner in masks:
                    yield name_of(inner).base
                elif isinstance(inner, MatrixSymbol) and inner in cell.values.values() and inner not in cell.outputs:
                    base = name_of(inner).base
                    if scales_memory or isinstance(factor, Fill) or kinds.get(base) == "gate":
                        yield base


def _masks(cell: Cell) -> set[MatrixExpr]:
    """The inputs of which one minus them, entry by entry or one number for every entry, is a factor."""
    factors = (f for e in cell.step for x in walk(e.value) if isinstance(x, Hadamard) for f in x.args)
    bare = {_bare(f) for f in factors if any(isinstance(x, OneMinus) for x in walk(f))}
    return bare & {*cell.inputs}


def _bare(factor: MatrixExpr) -> MatrixExpr:
    """The value in a factor such as 1 - z, or a scalar for every entry."""
    inner = factor.args[0] if isinstance(factor, (OneMinus, Fill)) else factor
    return _bare(inner) if inner is not factor and isinstance(inner, MatrixExpr) else inner


def _old(cell: Cell) -> set[MatrixSymbol]:
    return {s.previous for s in cell.states if s.name in memories(cell)}


def _between(cell: Cell, given: set[MatrixSymbol]) -> dict[MatrixSymbol, MatrixExpr]:
    """Values without a role that take a memory or a gate further, entry by entry: written out in what is left."""
    reached: set[MatrixExpr] = {*given, *_old(cell)}
    found: dict[MatrixSymbol, MatrixExpr] = {}
    for equation in cell.step:
        if equation.target not in given and _passes(equation.value, reached, _LINEAR):
            reached.add(equation.target)
            if equation.target not in cell.outputs:
                found[equation.target] = equation.value
    return found


def _uses(expr: MatrixExpr, inner: Mapping[MatrixSymbol, MatrixExpr]) -> set[MatrixSymbol]:
    """The symbols of an expression in which what is written out is."""
    used = set(symbols_in(expr))
    return used.union(*(_uses(inner[s], inner) for s in used if s in inner))


# ── what is left of an expression ──


def _left(
    expr: MatrixExpr, numbers: Mapping[MatrixSymbol, Number], inner: Mapping[MatrixSymbol, MatrixExpr]
) -> MatrixExpr:
    """The expression with numbers for gates, tidied from the leaves up."""
    if isinstance(expr, MatrixSymbol):
        if expr in numbers:
            return fill(numbers[expr], expr.shape)
        return _left(inner[expr], numbers, inner) if expr in inner else expr
    parts = [_left(o, numbers, inner) for o in operands(expr)]
    return _tidied(rebuild(expr, parts) if parts else expr, parts)


def _tidied(node: MatrixExpr, parts: list[MatrixExpr]) -> MatrixExpr:
    """An operation on tidied operands."""
    shape = node.shape
    if isinstance(node, Hadamard):
        return product(*parts)
    if isinstance(node, MatAdd):
        return _sum(parts)
    if isinstance(node, MatMul) and any(is_number(p, 0) for p in parts):
        return fill(Integer(0), shape)
    if isinstance(node, Divide) and is_number(parts[1]) and not is_number(parts[1], 0):
        return product(parts[0], fill(1 / parts[1].value, shape))
    if isinstance(node, Divide) and is_number(parts[0], 0):
        return parts[0]
    if isinstance(node, Fill) and parts and is_number(parts[0]):
        return fill(parts[0].value, shape)
    if isinstance(node, Negative):
        return negate(parts[0]) if not is_number(parts[0]) else fill(-parts[0].value, shape)
    if isinstance(node, Elementwise) and is_number(parts[0]):
        value = type(node).scalar(parts[0].value)
        return fill(value, shape) if isinstance(value, Number) and value.is_finite else node
    return node


def _sum(terms: list[MatrixExpr]) -> MatrixExpr:
    """The sum with its numbers added up, at the end."""
    number = sum((t.value for t in terms if is_number(t)), Integer(0))
    others = [t for t in terms if not is_number(t)]
    return total(*others, *([fill(number, terms[0].shape)] if number or not others else []))


def _decimals(expr: MatrixExpr) -> MatrixExpr:
    """Fractions that are short decimals as these: 0.3 was given, and not 3/10."""
    if is_number(expr):
        value = expr.value
        short = isinstance(value, Rational) and value.q != 1 and set(factorint(value.q)) <= {2, 5}
        return fill(Float(value), expr.shape) if short else expr
    parts = [_decimals(o) for o in operands(expr)]
    return rebuild(expr, parts) if parts else expr
