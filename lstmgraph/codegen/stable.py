"""Formulas that overflow, or lose all digits, in the forms that do not.

    log(1 + exp(a))                softplus(a)
    log(exp(a) + exp(b))           a + softplus(b - a)
    log(sum(exp(a)))               c + log(sum(exp(a - c))), c the mean of a by softmax(a): within log n of the largest
    log(sigmoid(a)), log(1 - ...)  -softplus(-a), -softplus(a)
    log(softmax(a))                a - log(sum(exp(a)))
    log(exp(a))                    a
    1 / (1 + exp(-a))              sigmoid(a)
    exp(a) / (exp(a) + exp(b))     sigmoid(a - b)
    exp(a) / sum(exp(a))           softmax(a)

This is done to the equations of a step, before their gradient is derived: so it is one of the stable form.  What is
exp(a) may stand in an equation of its own, and a number is the exponential of its logarithm.

To add a form: a function of an operation, and a row in `FORMS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import reduce

from sympy import MatAdd, MatrixExpr, MatrixSymbol, log

from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.build import is_number, negate, product, total
from lstmgraph.algebra.nodes import operands
from lstmgraph.algebra.traverse import rebuild

Known = Mapping[MatrixSymbol, MatrixExpr]  # what the equations before compute


def stable(expr: MatrixExpr, known: Known) -> MatrixExpr:
    """The same value in stable form."""
    if isinstance(expr, MatrixSymbol):
        return expr
    whole = rebuild(expr, [stable(o, known) for o in operands(expr)])
    form = FORMS.get(whole.func)
    return (form(whole, known) if form is not None else None) or whole


def _seen(expr: MatrixExpr, known: Known) -> MatrixExpr:
    """What a name stands for."""
    return known.get(expr, expr)


def exponents(expr: MatrixExpr, known: Known) -> list[MatrixExpr] | None:
    """The a, b, ... of exp(a) + exp(b) + ..., if it is such a sum; of a number its logarithm."""
    expr = _seen(expr, known)
    if isinstance(expr, MatAdd):
        parts = [exponents(term, known) for term in expr.args]
        return None if None in parts else [a for part in parts for a in part or ()]
    if isinstance(expr, n.Exp):
        return [expr.args[0]]
    if is_number(expr) and expr.value.is_positive:
        return [n.Fill(log(expr.value).n(17) if expr.value != 1 else 0, *expr.shape)]
    return None


def _minus(a: MatrixExpr, b: MatrixExpr) -> MatrixExpr:
    return a if is_number(b, 0) else negate(b) if is_number(a, 0) else total(a, negate(b))


def log_sum(terms: Sequence[MatrixExpr]) -> MatrixExpr:
    """log(exp(a) + exp(b) + ...), numbers first."""
    ordered = sorted(terms, key=lambda term: not is_number(term))
    return reduce(lambda a, b: total(a, n.Softplus(_minus(b, a))), ordered)


def log_sum_of_entries(a: MatrixExpr) -> MatrixExpr:
    mean = n.Sum(n.Hadamard(n.Softmax(a), a))
    return total(mean, n.Log(n.Sum(n.Exp(_minus(a, n.Fill(mean, *a.shape))))))


def _of_entries(expr: MatrixExpr, known: Known) -> MatrixExpr | None:
    """The column a of sum(exp(a)), in one entry or in all of several."""
    expr = _seen(expr, known)
    if isinstance(expr, n.Fill) and isinstance(expr.value, MatrixExpr):
        return _of_entries(expr.value, known)
    inner = _seen(expr.args[0], known) if isinstance(expr, n.Sum) else None
    return inner.args[0] if isinstance(inner, n.Exp) and inner.shape[1] == 1 else None


# ── the forms ──


def _log(expr: MatrixExpr, known: Known) -> MatrixExpr | None:
    inner = _seen(expr.args[0], known)
    if isinstance(inner, n.Exp):
        return inner.args[0]
    if isinstance(inner, n.Sigmoid):
        return negate(n.Softplus(negate(inner.args[0])))
    if isinstance(inner, n.OneMinus) and isinstance(_seen(inner.args[0], known), n.Sigmoid):
        return negate(n.Softplus(_seen(inner.args[0], known).args[0]))
    if isinstance(inner, n.Softmax):
        a = inner.args[0]
        return _minus(a, n.Fill(log_sum_of_entries(a), *a.shape))
    column = _of_entries(inner, known)
    if column is not None:
        whole = log_sum_of_entries(column)
        return whole if inner.shape == whole.shape else n.Fill(whole, *inner.shape)
    terms = exponents(inner, known)
    return log_sum(terms) if terms is not None and len(terms) > 1 and not all(map(is_number, terms)) else None


def _reciprocal(expr: MatrixExpr, known: Known) -> MatrixExpr | None:
    return _share(n.Fill(0, *expr.shape), expr.args[0], known)


def _quotient(expr: MatrixExpr, known: Known) -> MatrixExpr | None:
    """Of a product over a sum of exponentials, the exponential among its factors over that."""
    above, below = _seen(expr.args[0], known), expr.args[1]
    factors = above.args if isinstance(above, n.Hadamard) else (above,)
    for k, factor in enumerate(factors):
        inner = _seen(factor, known)
        a = inner.args[0] if isinstance(inner, n.Exp) else n.Fill(0, *expr.shape) if is_number(inner, 1) else None
        share = _share(a, below, known) if a is not None else None
        if share is not None:
            return product(*factors[:k], share, *factors[k + 1 :])
    return None


def _share(a: MatrixExpr, below: MatrixExpr, known: Known) -> MatrixExpr | None:
    """exp(a) over a sum of exponentials of which it is one."""
    if _of_entries(below, known) == a:
        return n.Softmax(a)
    terms = exponents(below, known)
    if terms is None or len(terms) < 2 or a not in terms or all(map(is_number, terms)):
        return None
    rest = list(terms)
    rest.remove(a)
    return n.Sigmoid(_minus(a, log_sum(rest)))


FORMS: Mapping[type, Callable[[MatrixExpr, Known], MatrixExpr | None]] = {
    n.Log: _log,
    n.Reciprocal: _reciprocal,
    n.Divide: _quotient,
}
