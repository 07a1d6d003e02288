"""The rest of a share, with its digits: d - d σ(u) is d σ(-u), and d - d s of a switch s, which is 0 or 1, d (1 - s).

log(exp(a) + exp(b)) is computed as a + softplus(b - a), so that of what arrives, d, the chain rule gives b its share
d σ(b - a) and a what is left of it.  Where a is far below b that is next to nothing: a difference has no digits of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace

from sympy import MatAdd, MatrixExpr, MatrixSymbol

from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.build import negate, product, total
from lstmgraph.algebra.nodes import operands
from lstmgraph.algebra.traverse import rebuild
from lstmgraph.program import Equation

_OTHERS: Mapping[type, Callable[[MatrixExpr], MatrixExpr]] = {
    n.Sigmoid: lambda share: n.Sigmoid(negate(share.args[0])),
    n.Step: n.OneMinus,
}
Known = Mapping[MatrixSymbol, MatrixExpr]


def with_complements(equations: Iterable[Equation]) -> list[Equation]:
    """The same values, the differences of one and its share as products."""
    known: dict[MatrixSymbol, MatrixExpr] = {}
    found = []
    for e in equations:
        known[e.target] = _completed(e.value, known)
        found.append(e if known[e.target] == e.value else replace(e, value=known[e.target]))
    return found


def _completed(expr: MatrixExpr, known: Known) -> MatrixExpr:
    if isinstance(expr, MatrixSymbol):
        return expr
    own = operands(expr)
    inner = [_completed(o, known) for o in own]
    whole = rebuild(expr, inner) if inner != [*own] else expr
    found = _complement(whole, known) if isinstance(whole, MatAdd) else None
    return whole if found is None else _completed(found, known)


def _complement(whole: MatAdd, known: Known) -> MatrixExpr | None:
    """The sum with d σ(-u) in the place of d and of -d σ(u), of which both may have a name; of a switch likewise."""
    for term in whole.args:
        for left, other in _shares(_meant(term, known)):
            arrived = next((t for t in (negate(left), _meant(negate(left), known)) if t in whole.args), None)
            if arrived is not None:
                rest = list(whole.args)
                rest.remove(term)
                rest.remove(arrived)
                return total(product(arrived, other), *rest)
    return None


def _meant(term: MatrixExpr, known: Known) -> MatrixExpr:
    """What a name, or one with a minus, stands for."""
    if isinstance(term, n.Negative):
        return negate(_meant(term.args[0], known))
    return known.get(term, term)


def _shares(term: MatrixExpr) -> Iterator[tuple[MatrixExpr, MatrixExpr]]:
    """The d and the σ(-u) of d σ(u), for each sigmoid among the factors."""
    if isinstance(term, n.Negative):
        yield from ((negate(left), other) for left, other in _shares(term.args[0]))
    elif isinstance(term, n.Hadamard):
        for k, factor in enumerate(term.args):
            if type(factor) in _OTHERS:
                yield product(*term.args[:k], *term.args[k + 1 :]), _OTHERS[type(factor)](factor)
