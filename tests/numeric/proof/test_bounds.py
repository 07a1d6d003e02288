"""The error probability: bounds against SymPy's degrees, the figure by hand, and how often a false claim passes.

Modulo 101 chance is large enough to be counted.
"""

from __future__ import annotations

import math
import re
from collections.abc import Hashable
from dataclasses import replace
from itertools import combinations

import pytest
import sympy as sp
from sympy import Rational

from lstmgraph.algebra.build import total
from lstmgraph.calculus import gradient
from lstmgraph.cell import Cell
from lstmgraph.numeric.proof import Cotangents, Task
from lstmgraph.numeric.proof.bounds import FRACTIONS, Bounds
from lstmgraph.numeric.proof.domain import Domain, E, Redraw
from lstmgraph.numeric.proof.identity import Sides
from lstmgraph.numeric.proof.points import degree_of, gap_at, log10_error, random_rows
from lstmgraph.numeric.proof.primes import PrimeField
from lstmgraph.program import Program
from lstmgraph.reading import loads


class Symbolic(Domain[sp.Expr]):
    """Rational functions of SymPy: what a computation with numbers stands for, on one side of every kink.

    It notes what must not vanish: what is divided by, and what tells two arguments of a function apart.
    """

    def __init__(self) -> None:
        super().__init__()
        self.zero, self.one = sp.Integer(0), sp.Integer(1)
        self.divisors: set[sp.Expr] = set()
        self.calls: dict[str, set[sp.Expr]] = {}

    def number(self, value: Rational) -> sp.Expr:
        return value

    def unknown(self, label: str) -> sp.Expr:
        return sp.Dummy(label or "u")

    def bit(self, label: str) -> sp.Expr:
        return self.one

    def add(self, a: sp.Expr, b: sp.Expr) -> sp.Expr:
        return sp.cancel(a + b)

    def mul(self, a: sp.Expr, b: sp.Expr) -> sp.Expr:
        return sp.cancel(a * b)

    def inverse(self, a: sp.Expr) -> sp.Expr:
        if a == 0:
            raise Redraw
        self.divisors.add(sp.fraction(sp.together(a))[0])
        return sp.cancel(1 / a)

    def key(self, a: sp.Expr) -> Hashable:
        return str(a), a

    def is_zero(self, a: sp.Expr) -> bool:
        return bool(a == 0)

    def sign(self, a: sp.Expr) -> int | None:
        return int(sp.sign(a)) if a.is_number else None

    def function(self, name: str, *arguments: sp.Expr) -> sp.Expr:
        self.calls.setdefault(name, set()).update(arguments[:1])
        return super().function(name, *arguments)

    def root(self, base: sp.Expr, degree: int) -> sp.Expr:
        self.calls.setdefault(f"root{degree}", set()).add(base)
        return super().root(base, degree)

    def apart(self) -> list[sp.Expr]:
        return [a - b for found in self.calls.values() for a, b in combinations(found, 2)]


def degree(expr: sp.Expr) -> int:
    """That of the numerator, in all unknowns together."""
    above = sp.fraction(sp.cancel(expr))[0]
    return int(sp.Poly(above, *above.free_symbols).total_degree()) if above.free_symbols else 0


def cell_of(equations: str) -> Cell:
    """A cell of scalars."""
    sizes = ", ".join(f"{name} = 1" for name in sorted({*re.findall(r"\b[xhabc]\b", equations)}))
    return loads(f'output = "h"\nequations = """{equations}"""\nsizes = {{{sizes}}}')


def off(cell: Cell, by: str, of: str = "grad(a)") -> Program:
    """Its gradients, one of them off by an expression."""
    extra = cell_of(f"h[t] = {by}").step.equations[-1].value
    program = gradient(cell)
    equations = [replace(e, value=total(e.value, extra)) if e.target.name == of else e for e in program]
    inputs = dict.fromkeys((*program.inputs, *cell.step.inputs))
    return replace(program, inputs=tuple(inputs), equations=tuple(equations))


CELLS = {
    "a quotient in a function": "h[t] = tanh(x[t] / (h[t-1] ** 5 + 1)) * a",
    "functions of quotients": "h[t] = tanh(a / x[t]) + tanh(x[t] / (x[t] + a)) * h[t-1]",
    "gates": "c[t] = sigmoid(a * x[t])\nh[t] = c[t] * h[t-1] + (1 - c[t]) * tanh(x[t] + a)",
    "sums of quotients": "h[t] = a / (x[t] + 1) + a / (h[t-1] + 2) + x[t] / 3",
    "quotients of quotients": "h[t] = 1 / (a + 1 / (x[t] + 1 / h[t-1]))",
    "exponentials": "h[t] = exp(a * x[t]) * exp(-(a * x[t])) + exp(a * h[t-1]) / (1 + exp(x[t]))",
    "powers": "h[t] = x[t] ** a + x[t] ** (a + 1) / (1 + h[t-1]) + (x[t] + h[t-1]) ** 3",
    "roots": "h[t] = sqrt(a * x[t]) * h[t-1] + sqrt(x[t])",
    "kinks": "h[t] = maximum(a * x[t], h[t-1]) + relu(a / h[t-1])",
}


@pytest.mark.parametrize("equations", CELLS.values(), ids=CELLS)
@pytest.mark.parametrize("by", ["0", "tanh(a) / (a + x[t])"])
def test_the_bound_holds_for_what_sympy_finds(equations: str, by: str) -> None:
    """Of the identity, where it does not hold, and of all that must not vanish together."""
    cell = cell_of(equations)
    claim = Cotangents(cell.step, off(cell, by) if by != "0" else gradient(cell))
    domain = Symbolic()
    sides = Sides(claim, {}, domain, each=False)
    left = sides.along()
    assert (left == 0) == (by == "0")
    truth = degree(left) + sum(map(degree, domain.divisors)) + sum(map(degree, domain.apart()))
    assert degree_of(claim, {}).degree >= truth > 0


def test_an_argument_is_told_from_another_by_a_polynomial_of_the_degree_of_its_divisor() -> None:
    """x / (h^5 + 1) - y / (g^5 + 1) has degree 6 above the line."""
    domain = Bounds()
    arguments = []
    for _ in range(2):
        x, h = domain.unknown("x"), domain.unknown("h")
        arguments.append(domain.mul(x, domain.inverse(domain.add(domain.power(h, 5), domain.one))))
    for argument in arguments:
        domain.function("tanh", argument)
    assert domain.apart.degree >= 6
    assert domain.accidents().degree >= 6 + 2 * 5


def test_the_sum_of_quotients_counts_every_divisor() -> None:
    """1 / g_1 + ... + 1 / g_n has degree n - 1 above the line, and n different divisors."""
    domain = Bounds()
    whole = domain.total(domain.inverse(domain.add(domain.unknown(""), domain.one)) for _ in range(9))
    assert whole.above.degree == 8
    assert sorted(domain.divisors[k].degree for k in whole.below) == [1] * 9
    assert whole.above.height >= math.log2(9 * 2**8)
    assert domain.accidents().degree == 9


def build(domain: Domain[E]) -> E:
    """(a + 2 b / 3) (a - b) ** 3 + 5 a, of degree 4."""
    a, b = domain.unknown("a"), domain.unknown("b")
    first = domain.add(a, domain.mul(domain.number(Rational(2, 3)), b))
    whole = domain.mul(first, domain.power(domain.subtract(a, b), 3))
    return domain.add(whole, domain.mul(domain.integer(5), a))


def test_heights_hold() -> None:
    above = sp.fraction(sp.together(build(Symbolic())))[0]
    coefficients = sp.Poly(above, *above.free_symbols).coeffs()
    bound = build(Bounds()).above
    assert bound.degree == 4
    assert math.log2(sum(abs(int(c)) for c in coefficients)) <= bound.height < 10


def test_what_is_remembered_is_counted_in_pairs_and_kinks_by_fractions() -> None:
    domain = Bounds()
    a = [domain.unknown("") for _ in range(4)]
    for argument in a:
        domain.function("tanh", argument)
        domain.function("tanh", argument)
    assert (domain.remembered, domain.kinks) == (4, 0)
    assert domain.accidents().degree == 6 * 6 + 4
    domain.step(a[0])
    assert domain.accidents().degree == 6 * 10 + 5 + FRACTIONS
    assert FRACTIONS >= 2**41


# ── the figure ──


def test_the_figure_by_hand() -> None:
    """3 / (99 - 3), of 99 numbers from 2 to 100."""
    assert log10_error(3, 101) == pytest.approx(math.log10(3 / 96))
    assert log10_error(60, 101) == 0
    assert log10_error(31584, 2**89 - 1) == pytest.approx(-22.29, abs=0.01)


@pytest.mark.parametrize("equations", [CELLS["gates"], CELLS["kinks"]])
def test_the_printed_figure_is_that_of_the_degree_and_the_prime(equations: str) -> None:
    cell = cell_of(equations)
    claim = Cotangents(cell.step, gradient(cell))
    (row,) = random_rows(Task("it", claim, (), ((1,),)))
    d, p = int(row.data["degree"]), 2**127 - 1
    assert row.data["prime"] == "2^127-1"
    assert d == degree_of(claim, {}).degree
    figure = math.ceil(math.log10(sp.Rational(d, p - 2 - d)))
    assert row.data["log10_error"] == figure
    assert f"error probability below 10^{figure}" in row.details


FALSE = {
    "never": ("x[t] * h[t-1]", 0.0),
    "at two of 99 numbers": ("(x[t] - 2) * (x[t] - 3)", 2 / 99),
    "at three of 99": ("(x[t] - 2) * (x[t] - 3) * (x[t] - 4)", 3 / 99),
    "where two numbers are the same": ("(x[t] - h[t-1]) * (x[t] - a)", 2 / 99),
    "at one of those that are not drawn again": ("(x[t] - 3) / ((x[t] - 2) * (x[t] - 4))", 1 / 97),
    "where two arguments are, or two values": ("tanh(x[t]) - tanh(h[t-1])", 2 / 99),
    "where arguments are opposite": ("exp(x[t]) - 1 / exp(h[t-1])", 2 / 99),
}


@pytest.mark.parametrize(("by", "truth"), FALSE.values(), ids=FALSE)
def test_a_false_gradient_passes_as_often_as_it_must_and_never_more(by: str, truth: float) -> None:
    cell, samples = cell_of("h[t] = a * x[t] + h[t-1]"), 1500
    claim = Cotangents(cell.step, off(cell, by))
    gaps = []
    for seed in range(samples):
        try:
            gaps.append(gap_at(claim, {}, PrimeField(101, seed)))
        except Redraw:
            continue
    passed = gaps.count(0) / len(gaps)
    deviation = 3.5 * math.sqrt(max(truth, 1 / samples) / samples)
    assert abs(passed - truth) < deviation
    assert truth <= 10 ** log10_error(degree_of(claim, {}).degree, 101)


# ── kinks ──


def wrong_on_one_side(size: int) -> Cotangents:
    """relu with the slope 1 throughout."""
    cell = loads(f'equations = "h[t] = relu(x[t]) + h[t-1]"\nsizes = {{x = {size}, h = {size}}}')
    program = gradient(cell)
    ct = next(s for s in program.inputs if s.name == "bar(h)[t]")
    equations = [replace(e, value=ct) if e.target.name == "bar(x)[t]" else e for e in program]
    return Cotangents(cell.step, replace(program, equations=tuple(equations)))


@pytest.mark.parametrize("size", [1, 2, 7, 20])
def test_kinks_are_seen_on_both_sides(size: int) -> None:
    (row,) = random_rows(Task("it", wrong_on_one_side(size), (), ((1,),)))
    assert row.verdict == "FAILED"
    assert row.differences[0].startswith("bar(x)[t]")


@pytest.mark.parametrize(("size", "tried", "words"), [(2, 4, "all 4 choices"), (7, 8, "8 of up to 2^7 choices")])
def test_how_many_sides_were_tried_is_said(size: int, tried: int, words: str) -> None:
    cell = loads(f'equations = "h[t] = relu(x[t]) + h[t-1]"\nsizes = {{x = {size}, h = {size}}}')
    (row,) = random_rows(Task("it", Cotangents(cell.step, gradient(cell)), (), ((1,),)))
    assert row.verdict == "holds"
    assert (row.data["kinks"], row.data["sides_tried"]) == (size, tried)
    assert words in row.details
    assert row.partial == ("nothing is said of the others" in row.details) == (size == 7)


def test_a_side_without_values_is_said_to_be_one() -> None:
    cell = cell_of("h[t] = x[t] / step(h[t-1])")
    (row,) = random_rows(Task("it", Cotangents(cell.step, gradient(cell)), (), ((1,),)))
    assert row.verdict == "holds"
    assert "all 2 choices of sides, 1 of them without values" in row.details
