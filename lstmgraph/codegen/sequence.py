"""Both directions of a cell over a sequence, as sweeps: forward, and back through time.

Backward, what reaches an output of a step comes from the loss of that step and from the step after it,

    bar(h)[t] = loss(h)[t] + carry(h)[t],

and the step before takes the cotangents of the previous states as what is carried to it.  Values of the forward sweep
that the backward one takes are `saved`.

A value is *shared* where it is one for all steps and samples: a parameter, or what is computed of parameters only.  The
cotangent of a shared value is the sum of those of all steps and samples (`summed`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

from sympy import Expr, Integer, MatrixExpr, MatrixSymbol

from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.build import is_number, is_outer_product, total
from lstmgraph.algebra.names import like, name_of, symbol
from lstmgraph.algebra.nodes import operands
from lstmgraph.algebra.rules import RULES
from lstmgraph.algebra.traverse import rebuild, renamed, symbols_in, walk
from lstmgraph.cell import Cell
from lstmgraph.codegen.complements import with_complements
from lstmgraph.codegen.fold import folded
from lstmgraph.codegen.sums import with_sums_apart
from lstmgraph.codegen.sweep import Sweep, dependent, in_order, swept
from lstmgraph.errors import UsageError
from lstmgraph.normal import normal_form
from lstmgraph.poles import with_switches
from lstmgraph.program import Equation, Program

CHEAP = (n.OneMinus, n.Negative, n.Identity, n.Reciprocal)  # not worth a name


@dataclass(frozen=True)
class Sequence:
    """`saved` are the forward values that the backward sweep takes."""

    cell: Cell
    forward: Sweep
    backward: Sweep
    saved: tuple[MatrixSymbol, ...]

    def kept(self) -> Expr:
        """How many numbers of a step of one sample the backward sweep takes; a state's array holds both its values."""
        same = {s.next: s.previous for s in self.cell.states}
        arrays = dict.fromkeys(same.get(s, s) for s in self.saved if s not in self.forward.constant())
        return sum((s.shape[0] * s.shape[1] for s in arrays), Integer(0))


def sequence(cell: Cell, gradient: Program) -> Sequence:
    """The two sweeps of a cell, of a gradient in whatever form: textbook, or with products reused.

    Raises UsageError where the gradient lacks what back-propagation through time hands on.
    """
    check_complete(cell, gradient)
    gradient = with_switches(gradient, cell.step, cell.constants)
    forward = _forward(cell, gradient)
    backward = _backward(cell, gradient, forward)
    constants = (*cell.parameters, *cell.constant_symbols)
    timed = dependent(forward, (*cell.inputs, *cell.previous))
    shared = {*constants, *(e.target for e in forward if e.target not in timed)}
    sums = {e.target for e in backward if _is_summed(e.target, shared)}
    totals = dependent(backward, sums)
    backward = replace(backward, equations=tuple(_without_second_sums(backward, totals)))
    backward = replace(backward, equations=tuple(_without_repeated_sums(backward, totals)))
    backward, summed = with_sums_apart(backward, sums, shared)
    used = {s for e in backward for s in symbols_in(e.value)}
    computed = (*cell.inputs, *cell.previous, *(e.target for e in forward))
    saved = tuple(s for s in computed if s in used)
    wanted = tuple(dict.fromkeys((*cell.outputs, *(s for s in saved if s in forward.definitions))))
    once = tuple(s for s in saved if s not in timed)
    numbers = {s: cell.constants[s.name] for s in cell.constant_symbols}
    return Sequence(
        cell,
        replace(
            swept(forward.needed_for(wanted), constants, {s.previous: s.next for s in cell.states}), numbers=numbers
        ),
        replace(swept(backward, (*constants, *once), _carried(cell), summed), numbers=numbers),
        saved,
    )


def check_complete(cell: Cell, gradient: Program) -> None:
    marks = dict.fromkeys(cell.parameters, "grad") | dict.fromkeys((*cell.previous, *cell.inputs), "bar")
    for wanted, mark in marks.items():
        if like(wanted, mark) not in gradient.outputs:
            raise UsageError(
                f"{cell.name}: the gradient with respect to {wanted} is missing",
                hint="back-propagation through time hands all of them on: take the gradient of everything",
            )


def _forward(cell: Cell, gradient: Program) -> Program:
    """The step in normal form, with what else the gradient has put into its forward stage."""
    step = normal_form(cell.step)
    more = [e for e in gradient.stage("forward") if e.target not in step.definitions]
    return replace(step, equations=tuple(map(_without_second_name, in_order((*step.equations, *more)))))


def _without_second_name(e: Equation) -> Equation:
    """What has a second name is the value itself: who writes over a value looks for its names."""
    return replace(e, value=e.value.args[0]) if isinstance(e.value, n.Identity) else e


def _backward(cell: Cell, gradient: Program, forward: Program) -> Program:
    """The backward stage of a gradient, with what its seeds are the sum of, by the functions of the step."""
    arriving: dict[MatrixSymbol, MatrixExpr] = {}
    following = {s.next: like(s.next, "carry") for s in cell.states}
    for output in cell.outputs:
        parts = [like(output, "loss")] if output == cell.values[cell.output] else []
        arriving[gradient.seed(output)] = total(*parts, *([following[output]] if output in following else []))
    alone = {seed: value for seed, value in arriving.items() if isinstance(value, MatrixSymbol)}
    equations = (
        *(Equation(seed, value, stage="backward") for seed, value in arriving.items() if seed not in alone),
        *(replace(e, value=renamed(e.value, lambda s: alone.get(s, s))) for e in gradient.stage("backward")),
    )
    known = with_complements(map(_without_known, equations))
    equations = tuple(map(_without_second_name, _without_repeats(known, forward)))
    computed = {e.target for e in equations}
    inputs = dict.fromkeys(s for e in equations for s in sorted(symbols_in(e.value), key=str) if s not in computed)
    return Program(f"{cell.name}_backward", tuple(inputs), equations, gradient.outputs)


def _without_known(e: Equation) -> Equation:
    """With what is known computed: the logarithm of a number that the derivative of 2 ** a has, a sum of one entry."""
    calls = [part for part in walk(e.value) if isinstance(part, (n.Elementwise, n.Sum)) and type(part) not in CHEAP]
    known = any(is_number(c.args[0]) or (isinstance(c, n.Sum) and c.args[0].shape == c.shape) for c in calls)
    return replace(e, value=folded(e.value)) if known else e


def _without_repeats(equations: Iterable[Equation], forward: Iterable[Equation]) -> Iterator[Equation]:
    """With a name for every function that one takes twice of a value, as the slope of silu does the sigmoid.

    What the step has computed has its name: cos(a) in the slope of sin(a), where both are taken.
    """
    named: dict[MatrixExpr, MatrixSymbol] = {e.value: e.target for e in forward if _is_function(e.value)}
    for e in equations:
        parts = Counter(filter(_is_function, walk(e.value)))
        for part in (p for p, uses in parts.items() if uses > 1 and isinstance(p.args[0], MatrixSymbol)):
            if part not in named:
                named[part] = symbol(name_of(part.args[0]).marked(RULES[part.func].name), part.shape)
                yield Equation(named[part], part, stage=e.stage)
        yield replace(e, value=_by_names(e.value, named))


def _is_function(expr: MatrixExpr) -> bool:
    return isinstance(expr, n.Elementwise) and type(expr) not in CHEAP


def _without_second_sums(backward: Program, summed: AbstractSet[MatrixSymbol]) -> Iterator[Equation]:
    """With one sum over all steps of what several of them are the sum of, as the gradients of a gate's two biases."""
    first: dict[MatrixExpr, MatrixSymbol] = {}
    for e in backward:
        counts = e.target in summed and bool(symbols_in(e.value))  # a number is as short
        owner = first.setdefault(e.value, e.target) if counts else e.target
        yield e if owner == e.target else replace(e, value=owner)


def _without_repeated_sums(backward: Program, summed: AbstractSet[MatrixSymbol]) -> Iterator[Equation]:
    """With one sum over all steps for every outer product that several of them take, as where two weights that are
    made of others meet one vector: the sum that it is, or one of its own.
    """
    equations = [e for e in backward if e.target in summed]
    uses = Counter(part for e in equations for part in {*filter(is_outer_product, walk(e.value))})
    alone = {e.value: e for e in reversed(equations)}
    named: dict[MatrixExpr, MatrixSymbol] = {}
    for e in backward:
        repeated = [p for p in dict.fromkeys(walk(e.value)) if uses[p] > 1] if e.target in summed else []
        for part in (p for p in repeated if p not in named):
            name = name_of(e.target).marked("share")
            while (target := symbol(name, part.shape)) in named.values():
                name = name.marked("share")
            owner = alone.get(part) or Equation(target, part, stage=e.stage)
            named[part] = owner.target
            yield owner
        if e.target not in named.values():
            yield replace(e, value=_by_names(e.value, named)) if repeated else e


def _by_names(expr: MatrixExpr, named: Mapping[MatrixExpr, MatrixSymbol]) -> MatrixExpr:
    if expr in named or isinstance(expr, MatrixSymbol):
        return named.get(expr, expr)
    return rebuild(expr, [_by_names(o, named) for o in operands(expr)])


def _carried(cell: Cell) -> dict[MatrixSymbol, MatrixSymbol]:
    return {like(s.next, "carry"): like(s.previous, "bar") for s in cell.states}


def _is_summed(value: MatrixSymbol, shared: set[MatrixSymbol]) -> bool:
    """Whether a value of the backward sweep is the cotangent of a shared value."""
    name = name_of(value)
    return name.marks[:1] == ("grad",) or (
        name.marks[:1] == ("bar",) and str(replace(name, marks=name.marks[1:])) in {s.name for s in shared}
    )
