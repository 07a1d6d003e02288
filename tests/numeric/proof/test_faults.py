"""A derivative rule that is wrong is seen: each row of RULES is broken on purpose, in several ways.

A new row is covered as it is; an operation without a signature needs a line in `EXAMPLES`.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sympy import Integer, MatrixExpr, Transpose

from lstmgraph.algebra import nodes as n
from lstmgraph.algebra import rules
from lstmgraph.algebra.build import fill, is_number, negate, product
from lstmgraph.algebra.names import size, symbol
from lstmgraph.algebra.rules import RULES
from lstmgraph.algebra.shapes import parse_signature
from lstmgraph.calculus import gradient
from lstmgraph.cell import Cell
from lstmgraph.numeric.proof import Cotangents, Row, Task
from lstmgraph.numeric.proof.exact import exact_rows
from lstmgraph.numeric.proof.points import random_rows
from lstmgraph.program import Equation

Shares = tuple[MatrixExpr, ...]
TWO = size(2)
EXAMPLES: dict[type, MatrixExpr] = {
    n.Fill: n.Fill(symbol("W0", (size(1), size(1))), TWO, TWO),
    n.Slice: n.Slice(symbol("W0", (TWO, TWO)), 1, 1),
}


def cell_of(cls: type) -> Cell:
    """A cell whose only equation is the operation on parameters W0, W1, ..., of two rows and columns where it can."""
    if cls in EXAMPLES:
        value = EXAMPLES[cls]
    else:
        signature = parse_signature(n.signature_of(cls))
        shapes = signature.spread(max(len(signature.operands), 3 if signature.repeats else 1))
        sizes = [[size(1 if side == "1" else 2) for side in shape] for shape in shapes]
        value = cls(*(symbol(f"W{k}", (rows, columns)) for k, (rows, columns) in enumerate(sizes)))
    return Cell("probe", (Equation(symbol("h[t]", value.shape), value),), "h")


def wrong_sign(node: MatrixExpr, ct: MatrixExpr, shares: Shares) -> Shares:
    return tuple(s if is_number(s, 0) else negate(s) for s in shares)


def missing_factor(node: MatrixExpr, ct: MatrixExpr, shares: Shares) -> Shares:
    return tuple(ct if s.shape == ct.shape else fill(Integer(1), s.shape) for s in shares)


def doubled(node: MatrixExpr, ct: MatrixExpr, shares: Shares) -> Shares:
    return tuple(product(fill(Integer(2), s.shape), s) for s in shares)


def swapped(node: MatrixExpr, ct: MatrixExpr, shares: Shares) -> Shares:
    return shares[::-1] if shares[0].shape == shares[-1].shape else shares


def transposed(node: MatrixExpr, ct: MatrixExpr, shares: Shares) -> Shares:
    def same(share: MatrixExpr) -> bool:
        return share.shape[0] != share.shape[1] or share.shape[0] == 1 or isinstance(share, n.Fill)

    return tuple(s if same(s) else Transpose(s) for s in shares)


FAULTS = (wrong_sign, missing_factor, doubled, swapped, transposed)


def breaks(rule: rules.Rule, fault: Callable[[MatrixExpr, MatrixExpr, Shares], Shares]) -> rules.Rule:
    """The rule with a fault in what it sends to the operands."""

    def vjp(node: MatrixExpr, out: MatrixExpr, ct: MatrixExpr) -> Shares:
        right = rule.vjp(node, out, ct) if rule.vjp else (product(ct, rules.slope(node, out)),)
        return fault(node, ct, right)

    return rule._replace(vjp=vjp)


def findings(cell: Cell, program: object = None) -> list[Row]:
    task = Task("one step", Cotangents(cell.step, program or gradient(cell)), ((1,), (2, 3)), ((3, 2),))  # type: ignore[arg-type]
    return [*exact_rows(task), *random_rows(task)]


@pytest.mark.parametrize("cls", RULES, ids=lambda cls: cls.__name__)
def test_a_right_rule_is_proven(cls: type) -> None:
    rows = findings(cell_of(cls))
    assert [row.verdict for row in rows] == ["proven", "holds"]


@pytest.mark.parametrize("cls", RULES, ids=lambda cls: cls.__name__)
def test_a_broken_rule_is_seen(cls: type, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exactly and modulo a prime, and both name the parameter and the entry."""
    cell, rule = cell_of(cls), RULES[cls]
    right = gradient(cell)
    seen = []
    for fault in FAULTS:
        monkeypatch.setitem(RULES, cls, breaks(rule, fault))
        wrong = gradient(cell)
        monkeypatch.setitem(RULES, cls, rule)
        if wrong == right:  # what is the same when it is transposed, ...
            continue
        exact, random = findings(cell, wrong)
        assert exact.verdict == random.verdict == "FAILED", fault.__name__
        for row in (exact, random):
            assert row.differences[0].startswith("grad(W")
            assert "entry" in row.differences[0] or cell.parameters[0].shape == (1, 1)
        seen.append(fault.__name__)
    assert seen


CELLS = {
    "gate": "h[t] = sigmoid(W @ x[t] + U @ h[t-1] + b) * tanh(c[t])\nc[t] = V @ h[t-1]",
    "kink": "h[t] = maximum(relu(W @ x[t]), abs(U @ h[t-1]))\n",
}


@pytest.mark.parametrize("equations", CELLS.values(), ids=CELLS)
def test_a_rule_broken_in_one_operand_names_that_parameter(equations: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second operand of a matrix product only: what is left of it is right, and said to be."""
    from lstmgraph.reading import loads

    cell = loads(f'output = "h"\nequations = """\n{equations}\n"""\nsizes = {{x = "X", h = "H"}}')
    rule = RULES[next(cls for cls in RULES if cls.__name__ == "MatMul")]
    left_only = breaks(rule, lambda _, __, shares: (negate(shares[0]), shares[1]))
    monkeypatch.setitem(RULES, next(cls for cls in RULES if RULES[cls] is rule), left_only)
    wrong = gradient(cell)
    rows = [row for row in findings(cell, wrong) if row.verdict == "FAILED"]
    assert len(rows) == 2
    assert all(d.startswith(("grad(W)", "grad(U)", "grad(V)", "and ")) for row in rows for d in row.differences)
