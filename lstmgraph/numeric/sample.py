"""Random numbers to check a cell with, chosen so that a check means something.

A draw is good where every value is finite and of moderate size, and where no function sits near an *edge*: the kink
of relu, max or abs, the pole of a quotient or a logarithm.  Several draws are tried, with signs and without (a cell may
take logarithms or roots of anything), and the best one is kept.  Nothing here knows a cell: where the edges are follows
from the scalar formulas of the operations.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from itertools import combinations

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
    best: tuple[float, Sample] | None = None
    for k in range(DRAWS):
        sample = _draw(cell, sizes, batch, steps, numpy.random.default_rng([seed, k]), signed=k % 2 == 0)
        badness = _badness(cell, sample)
        if badness < (best[0] if best else numpy.inf):
            best = (badness, sample)
        if badness <= 1:
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


def _badness(cell: Cell, sample: Sample) -> float:
    """At most 1 for a good draw: how far its values are beyond moderate, or too near to an edge; inf if not finite."""
    program, distances = _probe(cell)
    states, worst = sample.states, 0.0
    with numpy.errstate(all="ignore"):
        for t in range(sample.steps):
            values = evaluate(program, step_values(cell, sample.parameters, sample.inputs, states, t))
            states = {s.name: values[s.next.name] for s in cell.states}
            near = min((float(numpy.min(numpy.abs(values[d]))) for d in distances), default=numpy.inf)
            largest = max(float(numpy.max(numpy.abs(v))) for v in values.values())
            if not all(numpy.all(numpy.isfinite(v)) for v in values.values()):
                return numpy.inf
            worst = max(worst, largest / MODERATE, MARGIN / max(near, 1e-9))
    return worst


@lru_cache(maxsize=16)
def _probe(cell: Cell) -> tuple[Program, tuple[str, ...]]:
    """The step, with the distance of every operand to an edge as one more value, and the names of these."""
    nodes = dict.fromkeys(node for e in cell.step for node in walk(e.value))
    found = [distance for node in nodes for distance in edges(node)]
    extra = [Equation(symbol(f"part(edge.{k})", d.shape), d) for k, d in enumerate(found)]
    return replace(cell.step, equations=(*cell.step.equations, *extra)), tuple(e.target.name for e in extra)


def edges(node: MatrixExpr) -> tuple[MatrixExpr, ...]:
    """What must not be zero for an operation to be smooth and finite."""
    if node.func in _EDGES:
        return (_EDGES[node.func](*node.args),)
    if not isinstance(node, n.Elementwise):
        return ()
    a = Symbol("a", real=True)
    return tuple(from_scalar(formula, a, node.args[0]) for formula in _scalar_edges(node.func.scalar(a)))


def _scalar_edges(formula: Expr) -> list[Expr]:
    """The formulas inside a scalar one that must not be zero, without those that cannot be."""
    found = []
    for part in sp.preorder_traversal(formula):
        if isinstance(part, (sp.Abs, sp.sign, sp.Heaviside, sp.log)):
            found.append(part.args[0])
        elif isinstance(part, (sp.Max, sp.Min)):
            found += [x - y for x, y in combinations(part.args, 2)]
        elif isinstance(part, sp.Pow) and not (part.exp.is_Integer and part.exp.is_nonnegative):
            found.append(part.base)
    return [f for f in dict.fromkeys(found) if not f.is_nonzero]


def _power_edge(base: MatrixExpr, exponent: MatrixExpr) -> MatrixExpr:
    value = exponent.args[0] if is_number(exponent) else sp.Rational(1, 2)
    return n.Fill(1, *base.shape) if value.is_Integer and value >= 0 else base


# Of the operations that are not a scalar formula of one operand.
_EDGES: dict[type, Callable[..., MatrixExpr]] = {
    n.Divide: lambda _, below: below,
    n.Power: _power_edge,
    n.Maximum: lambda a, b: MatAdd(a, n.Negative(b)),
    n.Minimum: lambda a, b: MatAdd(a, n.Negative(b)),
}
