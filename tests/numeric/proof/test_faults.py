"""A derivative rule that is wrong is seen: each row of RULES is broken on purpose, in several ways.

A new row is covered as it is; an operation without a signature needs a line in `EXAMPLES`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import pytest
from sympy import Integer, MatAdd, MatrixExpr, Transpose

from lstmgraph.algebra import nodes as n
from lstmgraph.algebra import rules
from lstmgraph.algebra.build import fill, is_number, negate, product, total, transpose
from lstmgraph.algebra.names import size, symbol
from lstmgraph.algebra.partials import PARTIALS
from lstmgraph.algebra.rules import RULES
from lstmgraph.algebra.shapes import parse_signature
from lstmgraph.algebra.traverse import renamed
from lstmgraph.api.claims import claims_of
from lstmgraph.calculus import gradient, tangent
from lstmgraph.calculus.jacobian import Request, jacobian
from lstmgraph.cell import Cell
from lstmgraph.numeric.proof import Claim, Cotangents, Row, Tangents, Task
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
    return verdicts(Cotangents(cell.step, program or gradient(cell)))  # type: ignore[arg-type]


def verdicts(claim: Claim) -> list[Row]:
    task = Task("one step", claim, ((1,), (2, 3)), ((3, 2),))
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


# ── forward mode ──

Tangent = Callable[[MatrixExpr, MatrixExpr], MatrixExpr]


def dropped(node: MatrixExpr, dot: MatrixExpr) -> MatrixExpr:
    """Without the share of the last operand, or without a factor."""
    if dot.func is MatAdd:
        return total(*dot.args[:-1])
    if isinstance(dot, n.TimeSum):  # of one step, that is its term
        return dot
    return next((a for a in dot.args if isinstance(a, MatrixExpr) and a.shape == dot.shape), dot)


TANGENT_FAULTS: tuple[Tangent, ...] = (
    lambda _, dot: dot if is_number(dot, 0) else negate(dot),
    lambda _, dot: product(fill(Integer(2), dot.shape), dot),
    lambda _, dot: Transpose(dot) if dot.shape[0] == dot.shape[1] != 1 and not isinstance(dot, n.Fill) else dot,
    dropped,
)


def breaks_forward(rule: rules.Rule, fault: Tangent) -> rules.Rule:
    def jvp(node: MatrixExpr, out: MatrixExpr, dots: Sequence[MatrixExpr]) -> MatrixExpr:
        return fault(node, rule.jvp(node, out, dots) if rule.jvp else product(rules.slope(node, out), dots[0]))

    return rule._replace(jvp=jvp)


@pytest.mark.parametrize("cls", RULES, ids=lambda cls: cls.__name__)
def test_a_broken_rule_of_forward_mode_is_seen(cls: type, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exactly and modulo a prime; an operation whose tangent is 0 in itself has nothing to break."""
    cell, rule = cell_of(cls), RULES[cls]
    right = tangent(cell)
    assert [row.verdict for row in verdicts(Tangents(cell.step, right))] == ["proven", "holds"]
    seen = 0
    for fault in TANGENT_FAULTS:
        monkeypatch.setitem(RULES, cls, breaks_forward(rule, fault))
        wrong = tangent(cell)
        monkeypatch.setitem(RULES, cls, rule)
        if wrong == right or is_number(wrong.equations[-1].value, 0):
            continue
        assert [row.verdict for row in verdicts(Tangents(cell.step, wrong))] == ["FAILED", "FAILED"], fault
        seen += 1
    assert seen or is_number(right.equations[-1].value, 0)


# ── Jacobians ──


def of_a_state(cls: type) -> Cell:
    """The cell with its first parameter as the previous state, of which the operation is the next value."""
    probe = cell_of(cls)
    value = next(e for e in probe.step).value
    first = probe.parameters[0]
    h, s = symbol("h[t]", value.shape), symbol("s[t]", first.shape)
    renaming = {first: symbol("s[t-1]", first.shape)}
    equations = (Equation(h, renamed(value, lambda x: renaming.get(x, x))), Equation(s, renaming[first]))
    return Cell("probe", equations, "h")


def negated(part: MatrixExpr) -> MatrixExpr:
    return part if is_number(part, 0) else negate(part)


def turned(part: MatrixExpr) -> MatrixExpr:
    return transpose(part) if part.shape[0] == part.shape[1] else part


def twice(part: MatrixExpr) -> MatrixExpr:
    return product(fill(Integer(2), part.shape), part)


def broken(
    rule: Callable[[MatrixExpr, MatrixExpr], Shares],
    fault: Callable[[MatrixExpr], MatrixExpr],
    node: MatrixExpr,
    out: MatrixExpr,
) -> Shares:
    return tuple(map(fault, rule(node, out)))


@pytest.mark.parametrize("cls", PARTIALS, ids=lambda cls: cls.__name__)
def test_a_broken_partial_is_seen(cls: type, monkeypatch: pytest.MonkeyPatch) -> None:
    cell, rule = of_a_state(cls), PARTIALS[cls]
    asked = Request(of=("h",), by=("s",))
    right = jacobian(cell, asked)
    (claim,) = claims_of(cell, right)
    assert [row.verdict for row in verdicts(claim)] == ["proven", "holds"]
    seen = 0
    for fault in (negated, twice, turned):
        monkeypatch.setitem(PARTIALS, cls, partial(broken, rule, fault))
        wrong = jacobian(cell, asked)
        monkeypatch.setitem(PARTIALS, cls, rule)
        if wrong == right:
            continue
        (claim,) = claims_of(cell, wrong)
        found = [row.verdict for row in verdicts(claim)]
        assert found == ["FAILED", "FAILED"] or (fault is turned and found == ["proven", "holds"])  # it is symmetric
        seen += found[0] == "FAILED"
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
