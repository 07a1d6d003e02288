"""Random numbers to check a cell with, chosen so that a check means something.

A draw is good where every value is finite and of moderate size, and where no function sits near an *edge*: the kink
of relu, max or abs, the pole of a quotient or a logarithm.  Several draws are tried, with signs and without (a cell may
take logarithms or roots of anything), and the best one is kept.  Nothing here knows a cell: where the edges are follows
from the scalar formulas of the operations.

Exactly on a kink is not near it: random numbers meet one only where the cell always does, in all that is around them
too, such as max(a, a), or abs(relu(a)) where a is negative.  Nothing bends there, and no draw could be any better.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from itertools import combinations
from typing import NamedTuple

import numpy
import sympy as sp
from sympy import Expr, MatAdd, MatrixExpr, MatrixSymbol, Symbol

from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.build import is_number
from lstmgraph.algebra.names import name_of, symbol
from lstmgraph.algebra.rules import from_scalar
from lstmgraph.algebra.traverse import walk
from lstmgraph.cell import Cell
from lstmgraph.numeric.differences import MARGIN
from lstmgraph.numeric.evaluate import Array, evaluate, number_of
from lstmgraph.numeric.sequence import step_values
from lstmgraph.program import Equation, Program

DRAWS = 40
MODERATE = 30.0  # larger values are not wrong, but differences of them lose digits
ON = 1e-9  # so near to an edge is on it, but for rounding

# Whether it is on a pole, and how far its values are beyond moderate, or too near to an edge.
Badness = tuple[bool, float]
GOOD: Badness = (False, 1.0)
NEVER: Badness = (True, numpy.inf)


@dataclass(frozen=True)
class Sample:
    """Everything that a sequence and its gradients take, in the layout of `run_sequence`."""

    sizes: Mapping[Symbol, int]
    batch: int
    steps: int
    parameters: dict[str, Array]
    inputs: dict[str, Array]
    states: dict[str, Array]
    d_output: Array
    d_states: dict[str, Array]

    def __str__(self) -> str:
        sizes = "".join(f" {name}={number}" for name, number in self.sizes.items())
        return f"T={self.steps} B={self.batch}{sizes}"


def draw(cell: Cell, sizes: Mapping[Symbol, int], batch: int, steps: int, seed: int) -> Sample | None:
    """The best of several random samples, or None where the cell's values are finite in none of them."""
    batch = batch if cell.inputs or cell.states else 1  # nothing would differ between samples
    best: tuple[Badness, Sample] | None = None
    for k in range(DRAWS):
        sample = _draw(cell, sizes, batch, steps, numpy.random.default_rng([seed, k]), signed=k % 2 == 0)
        badness = _badness(cell, sample)
        if badness < (best[0] if best else NEVER):
            best = (badness, sample)
        if badness <= GOOD:
            break
    return best[1] if best else None


def _draw(
    cell: Cell, sizes: Mapping[Symbol, int], batch: int, steps: int, rng: numpy.random.Generator, signed: bool
) -> Sample:
    numbers = partial(_numbers, rng, sizes, signed)
    cotangents = partial(_numbers, rng, sizes, True)
    return Sample(
        sizes,
        batch,
        steps,
        {p.name: numbers(p) / numpy.sqrt(number_of(p.shape[1], sizes)) for p in cell.parameters},
        {name_of(x).base: numbers(x, steps, batch) for x in cell.inputs},
        {s.name: numbers(s.previous, batch) for s in cell.states},
        cotangents(cell.values[cell.output], steps, batch),
        {s.name: cotangents(s.next, batch) for s in cell.states},
    )


def _numbers(
    rng: numpy.random.Generator, sizes: Mapping[Symbol, int], signed: bool, symbol: MatrixSymbol, *lead: int
) -> Array:
    """Of a size around 1/2 to 1, so that nothing saturates; without signs all between 0.2 and 1."""
    shape = (*lead, *(number_of(side, sizes) for side in symbol.shape))
    return rng.uniform(-1, 1, shape) if signed else rng.uniform(0.2, 1, shape)


# ── how good a draw is ──


def _badness(cell: Cell, sample: Sample) -> Badness:
    """At most `GOOD` for a good draw; `NEVER` for one whose values are not finite."""
    program, kinks, poles = _probe(cell)
    states, on_pole, worst = sample.states, False, 0.0
    with numpy.errstate(all="ignore"):
        for t in range(sample.steps):
            values = evaluate(program, step_values(cell, sample.parameters, sample.inputs, states, t))
            states = {s.name: values[s.next.name] for s in cell.states}
            if not all(numpy.all(numpy.isfinite(v)) for v in values.values()):
                return NEVER
            near = min((_nearest(values[edge]) for edge in (*kinks, *poles)), default=numpy.inf)
            on_pole = on_pole or any(bool(numpy.any(numpy.abs(values[pole]) <= ON)) for pole in poles)
            largest = max(float(numpy.max(numpy.abs(v))) for v in values.values())
            worst = max(worst, largest / MODERATE, MARGIN / near)
    return on_pole, worst


def _nearest(distances: Array) -> float:
    """The smallest distance of those that are not on the edge."""
    distances = numpy.abs(distances)
    return float(numpy.min(distances, where=distances > ON, initial=numpy.inf))


@lru_cache(maxsize=16)
def _probe(cell: Cell) -> tuple[Program, list[str], list[str]]:
    """The step, with the distance of every operand to an edge as one more value; the names of those to kinks, and of
    those to poles."""
    nodes = dict.fromkeys(node for e in cell.step for node in walk(e.value))
    found = [edge for node in nodes for edge in edges(node)]
    extra = [Equation(symbol(f"part(edge.{k})", e.distance.shape), e.distance) for k, e in enumerate(found)]
    names: dict[bool, list[str]] = {True: [], False: []}
    for equation, edge in zip(extra, found, strict=True):
        names[edge.kink].append(equation.target.name)
    return replace(cell.step, equations=(*cell.step.equations, *extra)), names[True], names[False]


class Edge(NamedTuple):
    """What must not be zero for an operation to be smooth (a kink), or for it and its slope to be finite (a pole)."""

    distance: MatrixExpr
    kink: bool


def edges(node: MatrixExpr) -> tuple[Edge, ...]:
    """The edges of an operation."""
    if node.func in _EDGES:
        return (_EDGES[node.func](*node.args),)
    if not isinstance(node, n.Elementwise):
        return ()
    a = Symbol("a", real=True)
    found = _scalar_edges(node.func.scalar(a)).items()
    return tuple(Edge(from_scalar(formula, a, node.args[0]), kink) for formula, kink in found)


def _scalar_edges(formula: Expr) -> dict[Expr, bool]:
    """The formulas inside a scalar one that must not be zero and can be, and whether that is a kink."""
    found: dict[Expr, bool] = {}
    for part in sp.preorder_traversal(formula):
        if isinstance(part, (sp.Abs, sp.sign, sp.Heaviside)):
            found.setdefault(part.args[0], True)
        elif isinstance(part, (sp.Max, sp.Min)):
            found = {x - y: True for x, y in combinations(part.args, 2)} | found
        elif isinstance(part, sp.log):
            found[part.args[0]] = False
        elif isinstance(part, sp.Pow) and not (part.exp.is_Integer and part.exp.is_nonnegative):
            found[part.base] = False
    return {f: kink for f, kink in found.items() if not f.is_nonzero}


def _power_edge(base: MatrixExpr, exponent: MatrixExpr) -> Edge:
    value = exponent.args[0] if is_number(exponent) else sp.Rational(1, 2)
    return Edge(n.Fill(1, *base.shape) if value.is_Integer and value >= 0 else base, kink=False)


def _tie(a: MatrixExpr, b: MatrixExpr) -> Edge:
    return Edge(MatAdd(a, n.Negative(b)), kink=True)


# Of the operations that are not a scalar formula of one operand.
_EDGES: dict[type, Callable[..., Edge]] = {
    n.Divide: lambda _, below: Edge(below, kink=False),
    n.Power: _power_edge,
    n.Maximum: _tie,
    n.Minimum: _tie,
}
