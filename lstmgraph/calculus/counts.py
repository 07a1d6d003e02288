"""How many operations a Program takes: multiplies, adds, divisions and transcendentals, as polynomials in its sizes.

The conventions, which give the usual numbers (the textbook backward pass of an LSTM step with peepholes has
8H² + 8HX + 22H multiplies):

- what is written is counted, each operation where it stands, for one sample; names are shared, nothing else is;
- an elementwise product of k factors has k - 1 multiplies an entry, in the order written; a number is a factor;
- a product of matrices (m, k) and (k, n) has m k n multiplies and m n (k - 1) adds, so an outer product H X and none;
- a square is one multiply, a whole power what repeated squaring takes, a negative power one division more;
- 1 - a is an add, as is each + or - between terms; a sign, a transpose, a slice, a stack and a fill are nothing;
- sigmoid, tanh, exp, sqrt, a broken power, ... are one transcendental an entry, whatever is inside; a softmax has an
  exponential and a division an entry and one sum; silu is a sigmoid and a multiply;
- comparisons (relu, step, max, sign, abs) are not counted.

To count a new operation: a row in `COSTS`.  An elementwise function without one is counted by its scalar formula.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import astuple, dataclass

import sympy as sp
from sympy import Add, Expr, Integer, MatAdd, MatMul, MatrixExpr, MatrixSymbol, Symbol, Transpose

from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.build import is_number
from lstmgraph.algebra.names import symbol
from lstmgraph.algebra.rules import vjp
from lstmgraph.algebra.traverse import rebuild, walk
from lstmgraph.cell import Cell
from lstmgraph.normal import normal_form
from lstmgraph.program import Equation, Program

ZERO = Integer(0)


@dataclass(frozen=True)
class Counts:
    """Numbers of operations, each a polynomial in sizes."""

    multiplies: Expr = ZERO
    adds: Expr = ZERO
    divisions: Expr = ZERO
    transcendentals: Expr = ZERO

    def __iter__(self) -> Iterator[Expr]:
        return iter(astuple(self))

    def __add__(self, other: Counts) -> Counts:
        return total([self, other])

    def times(self, factor: Expr | int) -> Counts:
        """As often as that."""
        return Counts(*((factor * number).expand() for number in self))

    def at(self, sizes: Mapping[Symbol, Expr | int]) -> Counts:
        """With other sizes, or numbers, for sizes."""
        return Counts(*(number.subs(sizes, simultaneous=True).expand() for number in self))


def total(counts: Iterable[Counts]) -> Counts:
    """Their sum."""
    columns = zip(*counts, strict=True)
    return Counts(*(Add(*column).expand() for column in columns))


# ── what an operation costs ──

Cost = Callable[[MatrixExpr], Counts]


def entries(node: MatrixExpr) -> Expr:
    return node.shape[0] * node.shape[1]


def each(**numbers: int) -> Cost:
    """So many operations for each entry of the result."""
    return lambda node: Counts(**{k: Integer(v) for k, v in numbers.items()}).times(entries(node))


def _matmul(node: MatrixExpr) -> Counts:
    left, right = node.args
    (m, k), n = left.shape, right.shape[1]
    return Counts(multiplies=m * k * n, adds=m * (k - 1) * n)


def _hadamard(node: MatrixExpr) -> Counts:
    return Counts(multiplies=(len(node.args) - 1) * entries(node))


def _add(node: MatrixExpr) -> Counts:
    return Counts(adds=(len(node.args) - 1) * entries(node))


def _power(node: MatrixExpr) -> Counts:
    exponent = node.args[1]
    if not is_number(exponent) or not exponent.value.is_Integer:
        return each(transcendentals=1)(node)
    return _whole_power(int(exponent.value)).times(entries(node))


def _whole_power(p: int) -> Counts:
    """By repeated squaring: a⁵ = a (a²)², three multiplies."""
    multiplies = max(0, abs(p).bit_length() + abs(p).bit_count() - 2)
    return Counts(multiplies=Integer(multiplies), divisions=Integer(p < 0))


def _softmax(node: MatrixExpr) -> Counts:
    size = entries(node)
    return Counts(adds=size - 1, divisions=size, transcendentals=size)


def _sum(node: MatrixExpr) -> Counts:
    return Counts(adds=entries(node.args[0]) - 1)


_FUNCTION = each(transcendentals=1)
_NOTHING = each()

COSTS: Mapping[type, Cost] = {
    n.Sigmoid: _FUNCTION,
    n.Tanh: _FUNCTION,
    n.Exp: _FUNCTION,
    n.Log: _FUNCTION,
    n.Sqrt: _FUNCTION,
    n.Softplus: _FUNCTION,
    n.Sin: _FUNCTION,
    n.Cos: _FUNCTION,
    n.Silu: each(multiplies=1, transcendentals=1),
    n.Relu: _NOTHING,
    n.Abs: _NOTHING,
    n.Sign: _NOTHING,
    n.Step: _NOTHING,
    n.Maximum: _NOTHING,
    n.Minimum: _NOTHING,
    n.Identity: _NOTHING,
    n.Negative: _NOTHING,
    n.OneMinus: each(adds=1),
    n.Reciprocal: each(divisions=1),
    n.Divide: each(divisions=1),
    n.Hadamard: _hadamard,
    n.Power: _power,
    n.Softmax: _softmax,
    n.Sum: _sum,
    n.Concat: _NOTHING,
    n.Slice: _NOTHING,
    n.Fill: _NOTHING,
    n.TimeSum: _NOTHING,  # of one step alone it is that step's term
    MatMul: _matmul,
    MatAdd: _add,
    Transpose: _NOTHING,
}


def cost(node: MatrixExpr) -> Counts:
    """What one operation costs, its operands given."""
    if isinstance(node, MatrixSymbol):
        return Counts()
    if node.func in COSTS:
        return COSTS[node.func](node)
    return _scalar_cost(node.func.scalar(Symbol("a", real=True))).times(entries(node))


def _scalar_cost(formula: Expr) -> Counts:
    """Of an elementwise function's meaning: softsign, a / (1 + |a|), is one add and one division."""
    inside = [_scalar_cost(a) for a in formula.args]
    if isinstance(formula, sp.Add):
        inside.append(Counts(adds=Integer(len(formula.args) - 1)))
    elif isinstance(formula, sp.Mul):
        above, below = formula.as_numer_denom()
        if below != 1:
            parts = [_scalar_cost(above), _scalar_cost(below), Counts(divisions=Integer(1))]
            return total(parts)
        inside.append(Counts(multiplies=Integer(len([a for a in formula.args if a != -1]) - 1)))
    elif isinstance(formula, sp.Pow):
        whole = formula.exp.is_Integer
        inside.append(_whole_power(int(formula.exp)) if whole else Counts(transcendentals=Integer(1)))
    elif isinstance(formula, sp.Function) and not isinstance(formula, _COMPARISONS):
        inside.append(Counts(transcendentals=Integer(1)))
    return total([Counts(), *inside])


_COMPARISONS = (sp.Abs, sp.sign, sp.Heaviside)


# ── of programs ──


def count(equations: Iterable[Equation]) -> Counts:
    """The operations of some equations; of a whole Program as of a stage of it."""
    return total([Counts(), *(cost(node) for e in equations for node in walk(e.value))])


def forward(cell: Cell) -> Program:
    """What computes the outputs of a step, each repeated part of it once."""
    return normal_form(cell.step).needed_for(cell.outputs)


def ceiling(cell: Cell) -> Expr:
    """Three times the multiplies of a step, and what the slopes of its functions take: at most so many do the step and
    all its gradients need.

    A product of two gives two in the backward pass, so a program of sums and products alone, with all its
    derivatives, has at most three times its multiplies (W. Baur, V. Strassen, The complexity of partial derivatives,
    Theoretical Computer Science 22, 1983).  To a function the theorem does not apply: here it adds the multiply by its
    slope and those that the slope takes as our rules state it.
    """
    return Add(*(_ceiling(node) for e in forward(cell) for node in walk(e.value))).expand()


def _ceiling(node: MatrixExpr) -> Expr:
    own = cost(node).multiplies
    if isinstance(node, (MatMul, n.Hadamard)):
        return 3 * own
    if isinstance(node, (MatrixSymbol, n.Fill)):
        return own
    named = [o if is_number(o) else symbol(f"part(in.{k})", o.shape) for k, o in enumerate(n.operands(node))]
    shares = vjp(rebuild(node, named), symbol("part(out)", node.shape), symbol("bar(out)", node.shape))
    return own + Add(*(cost(part).multiplies for share in shares for part in walk(share)))


def joining(cell: Cell, steps: Expr | int, batch: Expr | int) -> Counts:
    """What the backward pass of a sequence adds to that of its steps.

    The gradients of a parameter are summed over all steps and samples; where the output is a state, what reaches it
    from the loss at its own step is added to what comes from the next step.
    """
    everything = Integer(1) * steps * batch
    parameters = Add(*(entries(p) for p in cell.parameters))
    output = cell.values[cell.output]
    meeting = entries(output) if output in [s.next for s in cell.states] else Integer(0)
    return Counts(adds=((everything - 1) * parameters + (everything - batch) * meeting).expand())
