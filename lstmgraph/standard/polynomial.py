"""Expressions as polynomials: elementwise products of atoms, and their coefficients."""

from __future__ import annotations

from sympy import Integer, MatrixExpr, Number

Monomial = tuple[MatrixExpr, ...]
Polynomial = dict[Monomial, Number]
ONE = Integer(1)
MOST = 8  # monomials, and factors of one: no form has as many


def atom(factor: MatrixExpr) -> Polynomial:
    return {(factor,): ONE}


def added(*parts: Polynomial) -> Polynomial:
    found: Polynomial = {}
    for monomial, number in (item for part in parts for item in part.items()):
        found[monomial] = found.get(monomial, Integer(0)) + number
    return {m: c for m, c in found.items() if c != 0}


def times(a: Polynomial, b: Polynomial) -> Polynomial:
    products = ({tuple(sorted((*m, *k), key=str)): c * d} for m, c in a.items() for k, d in b.items())
    return added(*products)


def split(a: Polynomial, factor: MatrixExpr) -> tuple[Polynomial, Polynomial]:
    """What is multiplied by a factor, and what is left."""
    inside, outside = dict[Monomial, Number](), dict[Monomial, Number]()
    for monomial, number in a.items():
        if monomial.count(factor) == 1:
            inside[tuple(m for m in monomial if m != factor)] = number
        else:
            outside[monomial] = number
    return inside, outside


def complement(a: Polynomial) -> Polynomial:
    return added({(): ONE}, times({(): -ONE}, a))
