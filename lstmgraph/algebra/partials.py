"""The Jacobian of every operation by each of its operands: one row an operation, in the language of `maps.py`.

`partials(node, out)` are ∂vec(out)/∂vec(operand) for each operand, in order, with as many rows as `out` has entries and
as many columns as the operand; `out` is the symbol of the node's own value.  What works entry by entry needs no formula
here: its Jacobian is diagonal, and what stands there is the cotangent of its row of RULES for a cotangent of ones.
A rule's docstring is its formula.  To add an operation that mixes entries: a function and a row of PARTIALS.
"""

from __future__ import annotations

from collections.abc import Callable

import sympy as sp
from sympy import Integer, MatAdd, MatMul, MatrixExpr, Transpose

from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.build import fill, negate, transpose
from lstmgraph.algebra.maps import as_map, commutation, diagonal, entries, eye, kron, ones, selector, summed
from lstmgraph.algebra.rules import vjp

Partials = tuple[MatrixExpr, ...]


def partials(node: MatrixExpr, out: MatrixExpr) -> Partials:
    """The Jacobian of an operation by each of its operands."""
    if isinstance(node, n.Elementwise):
        return _entrywise(node, out)
    return PARTIALS[node.func](node, out)


def _entrywise(node: MatrixExpr, out: MatrixExpr) -> Partials:
    """y_k = f(a_k, b_k, ...):  diag(∂y/∂a), diag(∂y/∂b), ..."""
    return tuple(diagonal(share) for share in vjp(node, out, fill(Integer(1), out.shape)))


def _matmul(node: MatrixExpr, _: MatrixExpr) -> Partials:
    """Y = A B:  Bᵀ ⊗ I,  I ⊗ A"""
    left, right = node.args
    return kron(as_map(transpose(right)), eye(left.shape[0])), kron(eye(right.shape[1]), as_map(left))


def _transpose(node: MatrixExpr, _: MatrixExpr) -> Partials:
    """Y = Aᵀ:  K"""
    return (commutation(node.args[0].shape),)


def _softmax(_: MatrixExpr, out: MatrixExpr) -> Partials:
    """y = softmax(a):  diag(y) - y yᵀ"""
    return (summed(diagonal(out), negate(MatMul(out, transpose(out)))),)


def _concat(node: MatrixExpr, out: MatrixExpr) -> Partials:
    """y = [a; b; ...]:  [I; 0], [0; I], ..., for each column"""
    before, found = sp.Integer(0), []
    for part in node.args:
        rows = part.shape[0]
        chosen = selector(before, rows, sp.expand(out.shape[0] - before - rows))
        found.append(kron(eye(out.shape[1]), chosen))
        before = before + rows
    return tuple(found)


def _slice(node: MatrixExpr, _: MatrixExpr) -> Partials:
    """y = a[i : i + n]:  [0; I; 0]ᵀ, for each column"""
    source, start, rows = node.args
    after = sp.expand(source.shape[0] - start - rows)
    return (kron(eye(source.shape[1]), transpose(selector(start, rows, after))),)


def _sum(node: MatrixExpr, _: MatrixExpr) -> Partials:
    """y = sum(a):  1ᵀ"""
    return (ones(Integer(1), entries(node.args[0].shape)),)


def _fill(node: MatrixExpr, out: MatrixExpr) -> Partials:
    """every entry of y is s:  1"""
    return (ones(entries(out.shape)),) if n.operands(node) else ()


PARTIALS: dict[type, Callable[[MatrixExpr, MatrixExpr], Partials]] = {
    n.Hadamard: _entrywise,
    n.Divide: _entrywise,
    n.Power: _entrywise,
    n.Maximum: _entrywise,
    n.Minimum: _entrywise,
    MatAdd: _entrywise,
    MatMul: _matmul,
    Transpose: _transpose,
    n.Softmax: _softmax,
    n.Concat: _concat,
    n.Slice: _slice,
    n.TimeSum: _entrywise,
    n.Sum: _sum,
    n.Fill: _fill,
}
