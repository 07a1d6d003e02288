"""Formulas read as sums of exponentials, c exp(a) + d exp(b) + ..., and what is made of these.

The weights c, d, ... are numbers.  A number alone is a multiple of exp(0), 2 ** a is exp(log(2) a), and sum(exp(a)) is
the exponential of its logarithm.  An exponent is a linear combination: those of exp(a) and exp(-2 * a) are multiples of
one value.  What a name stands for is seen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple, TypeGuard

from sympy import Integer, MatAdd, MatMul, MatrixExpr, MatrixSymbol, Number, Rational, log

from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.build import is_number, negate, product, total, transpose
from lstmgraph.algebra.names import Shape
from lstmgraph.algebra.traverse import walk

Known = Mapping[MatrixSymbol, MatrixExpr]  # what the equations before compute
Linear = Mapping[MatrixExpr, Number]  # values, and how many of each; a number is so many ones


class Term(NamedTuple):
    """number * exp(exponent); `column` is the a where exp(exponent) is sum(exp(a))."""

    shape: Shape
    number: Number
    exponent: Linear
    column: MatrixExpr | None = None

    @property
    def is_number(self) -> bool:
        return all(map(is_number, self.exponent))

    @property
    def logarithm(self) -> Linear:
        """That of a positive term."""
        return combined(self.exponent, {n.Fill(1, *self.shape): logarithm_of(self.number)})


def logarithm_of(number: Number) -> Number:
    """As near as a float64 is."""
    return Rational(repr(float(log(number))))


Terms = Sequence[Term]


def seen(expr: MatrixExpr, known: Known) -> MatrixExpr:
    """What a name stands for."""
    return known.get(expr, expr)


# ── linear combinations ──


def combined(*parts: Linear) -> Linear:
    """Their sum, without what cancels."""
    found: dict[MatrixExpr, Number] = {}
    for part in parts:
        for value, many in part.items():
            found[value] = found.get(value, Integer(0)) + many
    return {value: many for value, many in found.items() if many != 0}


def scaled(of: Linear, factor: Number | int) -> Linear:
    return {value: many * factor for value, many in of.items()}


def less(a: Linear, b: Linear) -> Linear:
    return combined(a, scaled(b, -1))


def linear(expr: MatrixExpr) -> Linear:
    """An expression as a combination of what is no sum and no multiple; a sum with a product of matrices is one value,
    which is computed once.
    """
    if is_number(expr):
        return combined({n.Fill(1, *expr.shape): expr.value})
    if isinstance(expr, MatAdd) and not has_product(expr):
        return combined(*map(linear, expr.args))
    if isinstance(expr, n.Negative):
        return scaled(linear(expr.args[0]), -1)
    if isinstance(expr, n.Divide) and is_number(expr.args[1]) and expr.args[1].value != 0:
        return scaled(linear(expr.args[0]), 1 / expr.args[1].value)
    numbers = [f.value for f in expr.args if is_number(f)] if isinstance(expr, n.Hadamard) else []
    if numbers and 0 not in numbers:
        rest = product(*(f for f in expr.args if not is_number(f)))
        return scaled(linear(rest), product_of(numbers)) if not is_number(rest) else {expr: Integer(1)}
    return {expr: Integer(1)}


def has_product(expr: MatrixExpr) -> bool:
    """Whether a product of matrices is in it."""
    return any(isinstance(part, MatMul) for part in walk(expr))


def product_of(numbers: Iterable[Number]) -> Number:
    whole: Number = Integer(1)
    for number in numbers:
        whole = whole * number
    return whole


def written(of: Linear, shape: Shape) -> MatrixExpr:
    """The expression: one that is added first, and a factor of all before a bracket."""
    if not of:
        return n.Fill(0, *shape)
    ordered = sorted(of.items(), key=lambda item: bool(item[1] < 0))
    sizes, negative = {abs(many) for many in of.values()}, bool(ordered[0][1] < 0)
    common = next(iter(sizes)) if len(sizes) == 1 else Integer(1)
    factor = -common if negative else common
    terms = [product(n.Fill(many / factor, *shape), value) for value, many in ordered]
    return product(n.Fill(factor, *shape), MatAdd(*terms) if len(terms) > 1 else terms[0])


def as_column(of: Linear, shape: Shape) -> MatrixExpr:
    """The expression of a column, or of a row the column that it is the transpose of."""
    rows, columns = shape
    return written(of, shape) if columns == 1 else written({transpose(a): k for a, k in of.items()}, (columns, rows))


# ── sums of exponentials ──


def terms_of(expr: MatrixExpr, known: Known) -> Terms | None:
    """The terms of such a sum, each exponent once; None of what is none."""
    expr = seen(expr, known)
    if is_number(expr):
        return [Term(expr.shape, expr.value, {})] if expr.value != 0 else None
    reader = _READERS.get(expr.func)
    return reader(expr, known) if reader is not None else None


def is_positive(terms: Terms | None) -> TypeGuard[Terms]:
    """Whether it is a sum of positive multiples, not of numbers alone."""
    return bool(terms) and all(t.number.is_positive for t in terms or ()) and not all(t.is_number for t in terms or ())


def log_sum(terms: Terms) -> Linear:
    """The logarithm of a positive sum: log(exp(a) + exp(b)) = a + softplus(b - a).

    A number is first, a product of matrices last: what is first is taken twice.
    """
    first, *rest = sorted(terms, key=lambda term: (not term.is_number, any(map(has_product, term.exponent))))
    whole = first.logarithm
    for term in rest:
        whole = combined(whole, {n.Softplus(written(less(term.logarithm, whole), term.shape)): Integer(1)})
    return whole


def log_sum_of_entries(a: MatrixExpr) -> MatrixExpr:
    """log(sum(exp(a))), by the mean of a that softmax(a) weights: within log n of the largest."""
    mean = n.Sum(n.Hadamard(n.Softmax(a), a))
    return total(mean, n.Log(n.Sum(n.Exp(total(a, negate(n.Fill(mean, *a.shape)))))))


def _exponential(expr: MatrixExpr, _: Known) -> Terms:
    return [Term(expr.shape, Integer(1), linear(expr.args[0]))]


def _sum(expr: MatrixExpr, known: Known) -> Terms | None:
    parts = [terms_of(term, known) for term in expr.args]
    return None if None in parts else _collected(t for part in parts for t in part or ())


def _negative(expr: MatrixExpr, known: Known) -> Terms | None:
    terms = terms_of(expr, known)
    return terms and [t._replace(number=-t.number) for t in terms]


def _collected(terms: Iterable[Term]) -> Terms | None:
    found: dict[frozenset[tuple[MatrixExpr, Number]], Term] = {}
    for t in terms:
        key = frozenset(t.exponent.items())
        found[key] = t._replace(number=t.number + found[key].number) if key in found else t
    return [t for t in found.values() if t.number != 0] or None


def times(a: Terms, b: Terms | None) -> Terms | None:
    """The product of two, if one of them is a single term."""
    if b is None or min(len(a), len(b)) > 1:
        return None
    (factor,), terms = (a, b) if len(a) == 1 else (b, a)
    return [
        t._replace(
            number=t.number * factor.number,
            exponent=combined(t.exponent, factor.exponent),
            column=None if factor.exponent else t.column,
        )
        for t in terms
    ]


def _product(expr: MatrixExpr, known: Known) -> Terms | None:
    whole: Terms | None = [Term(expr.shape, Integer(1), {})]
    for factor in expr.args:
        whole = whole and times(whole, terms_of(factor, known))
    return whole


def _read_power(expr: MatrixExpr, known: Known) -> Terms | None:
    """A power of a term, or of a positive number, which is exp(log(number) exponent)."""
    base, exponent = expr.args
    if is_number(exponent):
        return _power(terms_of(base, known), exponent.value)
    if not is_number(base) or not base.value.is_positive:
        return None
    return [Term(expr.shape, Integer(1), scaled(linear(exponent), logarithm_of(base.value)))]


def _power(terms: Terms | None, exponent: Number) -> Terms | None:
    """Of one term: with a number, a whole power."""
    if terms is None or len(terms) != 1 or (terms[0].number != 1 and not exponent.is_Integer):
        return None
    (t,) = terms
    return [Term(t.shape, t.number**exponent, scaled(t.exponent, exponent))]


def _quotient(expr: MatrixExpr, known: Known) -> Terms | None:
    below = _power(terms_of(expr.args[1], known), Integer(-1))
    return times(below, terms_of(expr.args[0], known)) if below else None


def _entries(expr: MatrixExpr, known: Known) -> Terms | None:
    """The sum of all entries of a column, or of a row."""
    terms = terms_of(expr.args[0], known)
    if not is_positive(terms) or 1 not in expr.args[0].shape:
        return None
    number = terms[0].number if len(terms) == 1 else Integer(1)
    column = as_column(terms[0].exponent if len(terms) == 1 else log_sum(terms), terms[0].shape)
    return [Term(expr.shape, number, {log_sum_of_entries(column): Integer(1)}, column)]


def _filled(expr: MatrixExpr, known: Known) -> Terms | None:
    """A scalar in every entry."""
    terms = terms_of(expr.value, known) if isinstance(expr.value, MatrixExpr) else None
    return terms and [
        t._replace(shape=expr.shape, exponent={_in_every_entry(v, expr.shape): many for v, many in t.exponent.items()})
        for t in terms
    ]


def _in_every_entry(scalar: MatrixExpr, shape: Shape) -> MatrixExpr:
    return n.Fill(scalar.args[0], *shape) if isinstance(scalar, n.Fill) else n.Fill(scalar, *shape)


_READERS: Mapping[type, Callable[[MatrixExpr, Known], Terms | None]] = {
    n.Exp: _exponential,
    MatAdd: _sum,
    n.Negative: lambda expr, known: _negative(expr.args[0], known),
    n.OneMinus: lambda expr, known: _sum(total(n.Fill(1, *expr.shape), negate(expr.args[0])), known),
    n.Hadamard: _product,
    n.Divide: _quotient,
    n.Reciprocal: lambda expr, known: _power(terms_of(expr.args[0], known), Integer(-1)),
    n.Power: _read_power,
    n.Sum: _entries,
    n.Fill: _filled,
}
