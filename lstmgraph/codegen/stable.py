"""Formulas that overflow, or lose all digits, in the forms that do not.

Of a sum of positive multiples of exponentials, D = c exp(a) + d exp(b) + ..., which `exponentials` reads:

    log D                          log c + a + softplus(b - a + log(d / c)), and so on with a third one
    exp(a) / D                     sigmoid(a - log(d exp(b) + ...) + log c) / c
    exp(k) / D, D ** p             exp(k - log D), exp(p log D); p is no positive whole number
    (exp(j) - 3 exp(k)) / D        each term over D; (exp(a) - exp(b)) / (exp(a) + exp(b)) is tanh((a - b) / 2)
    x exp(k) / D, x / D            x times that
    exp(k) / D ** 2                exp(k) / D times 1 / D
    log(sum(exp(a)))               m + log(sum(exp(a - m))), m the mean of a by softmax(a): within log n of the largest
    exp(a) / sum(exp(a))           softmax(a); of a row likewise, of a matrix not

    log(sigmoid(a)), log(1 - ...)  -softplus(-a), -softplus(a); of products, quotients and powers of these likewise
    log(softmax(a))                a - log(sum(exp(a)))
    log(D / E), log(D ** p / E)    log D - log E, p log D - log E
    2 c sigmoid(a) - c             c tanh(a / 2)

This is done to the equations of a step, before their gradient is derived: so it is one of the stable form.  What of it
would be a difference without digits, `complements` makes a product.

To add a form: a function of an operation, and a row in `FORMS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sympy import Integer, MatAdd, MatMul, MatrixExpr, MatrixSymbol, Number, Rational

from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.build import is_number, negate, power, product, total, transpose
from lstmgraph.algebra.names import Shape
from lstmgraph.algebra.nodes import operands
from lstmgraph.algebra.traverse import rebuild, symbols_in, walk
from lstmgraph.codegen.exponentials import (
    Known,
    Linear,
    Term,
    Terms,
    as_column,
    combined,
    is_positive,
    less,
    linear,
    log_sum,
    log_sum_of_entries,
    scaled,
    seen,
    terms_of,
    times,
    written,
)

HALF = Rational(1, 2)


def stable(expr: MatrixExpr, known: Known) -> MatrixExpr:
    """The same value in stable form."""
    if isinstance(expr, MatrixSymbol):
        return expr
    whole = rebuild(expr, [stable(o, known) for o in operands(expr)])
    form = FORMS.get(whole.func)
    found = form(whole, known) if form is not None else None
    if found is None and isinstance(expr, n.Log):
        found = _log_of_written(expr, known)
    return found if found is not None and _keeps(found, whole, known) else whole


# ── logarithms ──


def _log(expr: MatrixExpr, known: Known) -> MatrixExpr | None:
    whole = _logarithm(expr.args[0], known)
    return written(whole, expr.shape) if whole is not None else None


def _log_of_written(expr: MatrixExpr, known: Known) -> MatrixExpr | None:
    """Where the operand in stable form is still exponential: the logarithm of its factors as the author wrote them."""
    (inside,) = expr.args
    if not _powers(inside) or not any(isinstance(part, n.Exp) for part in walk(stable(inside, known))):
        return None
    return _log(n.Log(_factors_stable(inside, known)), known)


def _factors_stable(expr: MatrixExpr, known: Known) -> MatrixExpr:
    """The factors of a product, quotient or power in stable form, and not itself."""
    if not _powers(expr):
        return stable(expr, known)
    return rebuild(expr, [_factors_stable(o, known) for o in operands(expr)])


def _logarithm(expr: MatrixExpr, known: Known) -> Linear | None:
    """That of a positive sum of exponentials, a sigmoid, 1 minus that, a softmax, and of products of these."""
    inner = seen(expr, known)
    if isinstance(inner, n.Sigmoid):
        return {n.Softplus(written(scaled(linear(inner.args[0]), -1), inner.shape)): Integer(-1)}
    if isinstance(inner, n.OneMinus) and isinstance(seen(inner.args[0], known), n.Sigmoid):
        return {n.Softplus(seen(inner.args[0], known).args[0]): Integer(-1)}
    if isinstance(inner, n.Softmax):
        a = inner.args[0]
        return combined(linear(a), {n.Fill(log_sum_of_entries(a), *a.shape): Integer(-1)})
    terms = terms_of(inner, known)
    if is_positive(terms):
        return log_sum(terms)
    parts = [(_of_number(f) or _logarithm(f, known), many) for f, many in _powers(inner)]
    if not parts or None in (part for part, _ in parts):
        return None
    return combined(*(scaled(part, many) for part, many in parts if part is not None))


def _powers(expr: MatrixExpr) -> list[tuple[MatrixExpr, Number | int]]:
    """The factors of a product or a quotient, or what a power is of, with their exponents."""
    if isinstance(expr, n.Divide):
        return [(expr.args[0], 1), (expr.args[1], -1)]
    if isinstance(expr, n.Reciprocal):
        return [(expr.args[0], -1)]
    if isinstance(expr, n.Power) and is_number(expr.args[1]):
        return [(expr.args[0], expr.args[1].value)]
    return [(factor, 1) for factor in expr.args] if isinstance(expr, n.Hadamard) else []


def _of_number(expr: MatrixExpr) -> Linear | None:
    return Term(expr.shape, expr.value, {}).logarithm if is_number(expr) and expr.value.is_positive else None


# ── quotients ──


def _reciprocal(expr: MatrixExpr, known: Known) -> MatrixExpr | None:
    return _over(n.Fill(1, *expr.shape), expr.args[0], known)


def _quotient(expr: MatrixExpr, known: Known) -> MatrixExpr | None:
    above, below = expr.args
    return _over(above, below, known)


def _power(expr: MatrixExpr, known: Known) -> MatrixExpr | None:
    """Of a sum: whole powers of its reciprocal, and others by its logarithm."""
    exponent = n.Fill(HALF, *expr.shape) if isinstance(expr, n.Sqrt) else expr.args[1]
    terms = terms_of(expr.args[0], known)
    if not is_number(exponent) or not is_positive(terms):
        return None
    if not exponent.value.is_Integer:
        return n.Exp(written(scaled(log_sum(terms), exponent.value), expr.shape))
    inverse = _over(n.Fill(1, *expr.shape), expr.args[0], known)
    return power(inverse, -exponent.value) if exponent.value < 0 and inverse is not None else None


def _over(above: MatrixExpr, below: MatrixExpr, known: Known) -> MatrixExpr | None:
    """What is exponential of the factors above over the sum below, times the others; over a power, one by one."""
    terms = terms_of(below, known)
    if not is_positive(terms):
        return _over_power(above, seen(below, known), known)
    split = _split(above, known)
    if split is not None:
        return product(*split[1], _sum_over(split[0], terms))
    factors = _factors(above, known)
    for k, factor in enumerate(factors):
        inside = _inside(seen(factor, known), seen(below, known), known)
        if inside is not None:
            return product(*factors[:k], inside, *factors[k + 1 :])
    return product(above, _share(Term(above.shape, Integer(1), {}), terms))


def _over_power(above: MatrixExpr, below: MatrixExpr, known: Known) -> MatrixExpr | None:
    """Over exp(a) + exp(b) as often as the power says."""
    if not isinstance(below, n.Power) or not is_number(below.args[1]):
        return None
    base, exponent = below.args[0], below.args[1].value
    if not exponent.is_Integer or exponent < 2 or not is_positive(terms_of(base, known)):
        return None
    once = _over(n.Fill(1, *above.shape), base, known)
    if once is None or _split(above, known) is None:
        return once and product(above, power(once, exponent))
    first = _over(above, base, known)
    return first and product(first, power(once, exponent - 1))


def _factors(expr: MatrixExpr, known: Known) -> tuple[MatrixExpr, ...]:
    whole = seen(expr, known)
    return whole.args if isinstance(whole, n.Hadamard) else (whole,)


def _inside(whole: MatrixExpr, below: MatrixExpr, known: Known) -> MatrixExpr | None:
    """A sum of entries, or a product of matrices, of exponentials: each of these over what is below, a scalar."""
    below = below.value if isinstance(below, n.Fill) else below
    if isinstance(whole, n.Fill) and isinstance(whole.value, MatrixExpr):
        inner = _inside(seen(whole.value, known), below, known)
        return inner and n.Fill(inner, *whole.shape)
    if below.shape != (1, 1) or not isinstance(whole, (n.Sum, MatMul)) or not _split(whole.args[-1], known):
        return None
    *left, right = whole.args
    return whole.func(*left, _over(right, n.Fill(below, *right.shape), known))


def _split(above: MatrixExpr, known: Known) -> tuple[Terms, list[MatrixExpr]] | None:
    """The factors that are sums of exponentials, as one, and the others; None where no exponential is among them."""
    exponential: Terms = [Term(above.shape, Integer(1), {})]
    others: list[MatrixExpr] = []
    for factor in _factors(above, known):
        more = times(exponential, terms_of(factor, known))
        exponential, others = (exponential, [*others, factor]) if more is None else (more, others)
    return None if all(t.is_number for t in exponential) else (exponential, others)


def _sum_over(above: Terms, below: Terms) -> MatrixExpr:
    """The terms of one over another: a number and a sigmoid, or a tanh, where those are two that both have."""
    shape = below[0].shape
    pairs = [(a.number / b.number, b) for a in above for b in below if a.exponent == b.exponent]
    if len(above) == len(below) == len(pairs) == 2:
        (most, a), (least, b) = sorted(pairs, key=lambda pair: -abs(pair[0]))
        between = less(a.logarithm, b.logarithm)
        if most == -least:
            return _tanh_of_half(most, between, shape)
        if most != least:
            rest = product(n.Fill(most - least, *shape), n.Sigmoid(written(between, shape)))
            return total(n.Fill(least, *shape), rest)
    return total(*(_share(t, below) for t in above))


def _share(of: Term, terms: Terms) -> MatrixExpr:
    """One term over a sum: by a sigmoid or a softmax where it is one of those of the sum."""
    for k, t in enumerate(terms):
        within = _within(of, t.column)
        if within or t.exponent == of.exponent:
            rest = [*terms[:k], *terms[k + 1 :]]
            share = [n.Sigmoid(written(less(t.logarithm, log_sum(rest)), of.shape))] if rest else []
            return product(n.Fill(of.number / t.number, *of.shape), *within, *share)
    return product(n.Fill(of.number, *of.shape), n.Exp(written(less(of.exponent, log_sum(terms)), of.shape)))


def _within(of: Term, column: MatrixExpr | None) -> list[MatrixExpr]:
    """exp(a) / sum(exp(a)), of a column or of a row, where the term is exp(a)."""
    if column is None or as_column(of.exponent, of.shape) != column:
        return []
    return [n.Softmax(column) if of.shape[1] == 1 else transpose(n.Softmax(column))]


# ── a tanh by a sigmoid ──


def _centred(expr: MatrixExpr, _: Known) -> MatrixExpr | None:
    """Of 2 c sigmoid(a) - c + ... the tanh: near 0 the sum has no digits of it."""
    terms = (n.Fill(1, *expr.shape), negate(expr.args[0])) if isinstance(expr, n.OneMinus) else expr.args
    numbers = [t.value for t in terms if is_number(t)]
    for k, term in enumerate(terms):
        ((value, many), *more) = linear(term).items() or [(term, 0)]
        if not more and isinstance(value, n.Sigmoid) and numbers == [-many / 2]:
            tanh = _tanh_of_half(many / 2, linear(value.args[0]), expr.shape)
            return total(*(tanh if j == k else t for j, t in enumerate(terms) if not is_number(t)))
    return None


def _tanh_of_half(number: Number, a: Linear, shape: Shape) -> MatrixExpr:
    """number * tanh(a / 2)"""
    sign = -1 if all(many < 0 for many in a.values()) else 1
    tanh = n.Tanh(written(scaled(a, sign * HALF), shape))
    return product(n.Fill(sign * number, *shape), tanh)


def _keeps(new: MatrixExpr, old: MatrixExpr, known: Known) -> bool:
    """Whether it is made of the same values: also one that cancels has a gradient."""
    there = symbols_in(new)
    waiting, found = [old], set(there)
    while waiting:
        gone = symbols_in(waiting.pop()) - found
        if not gone <= known.keys():
            return False
        found |= gone
        waiting += [known[s] for s in gone]
    return True


FORMS: Mapping[type, Callable[[MatrixExpr, Known], MatrixExpr | None]] = {
    n.Log: _log,
    n.Reciprocal: _reciprocal,
    n.Divide: _quotient,
    n.Power: _power,
    n.Sqrt: _power,
    MatAdd: _centred,
    n.OneMinus: _centred,
}
