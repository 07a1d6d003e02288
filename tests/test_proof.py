"""`Cell.prove`: every cell, every form of its derivatives, and what is wrong is not proven."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from sympy import MatrixExpr, MatrixSymbol

import lstmgraph
from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.build import negate
from lstmgraph.algebra.rules import RULES
from lstmgraph.api.claims import claims_of
from lstmgraph.api.proof import FORMS
from lstmgraph.calculus import gradient, gradient_unrolled, hessian_vector, reusing, stacked, tangent, through_time
from lstmgraph.cell import Cell
from lstmgraph.errors import UnknownName, UsageError, WrongType
from lstmgraph.numeric.proof import Certificate, Claim, Row, Task
from lstmgraph.numeric.proof.exact import exact_rows
from lstmgraph.numeric.proof.points import random_rows
from lstmgraph.program import Equation, Program
from lstmgraph.reading import library, load, loads

PAPERS = sorted((Path(__file__).parent / "reading" / "papers").glob("*.toml"))
CELLS = {**{name: name for name in library()}, **{path.stem: str(path) for path in PAPERS}}
GOOD = {"proven", "holds"}


def findings(
    claim: Claim, exact: Sequence[tuple[int, ...]] = ((1,),), random: Sequence[tuple[int, ...]] = ()
) -> list[Row]:
    task = Task("it", claim, exact, random)
    return [*exact_rows(task), *random_rows(task)]


def claim_of(cell: Cell, program: Program) -> Claim:
    (claim,) = claims_of(cell, program)
    return claim


@pytest.mark.parametrize("name", CELLS.values(), ids=CELLS)
def test_the_gradients_of_every_cell_are_proven(name: str) -> None:
    cell = load(name)
    rows = findings(claim_of(cell, gradient(cell)), ((1,),), ((3, 2, 4),))
    assert [row.verdict for row in rows] == ["proven", "holds"]
    assert claim_of(cell, through_time(cell)).program.check().outputs
    assert rows[0].data["results"] == len(cell.parameters) + len(cell.previous) + len(cell.inputs)


TRANSFORMS: dict[str, Callable[[Cell], Program]] = {
    "through time": through_time,
    "through time, last loss": lambda cell: through_time(cell, "last"),
    "through time, from zeros": lambda cell: through_time(cell, start="zero"),
    "unrolled": lambda cell: gradient_unrolled(cell, 2),
    "unrolled, last loss": lambda cell: gradient_unrolled(cell, 2, "last"),
    "tangents": tangent,
    "tangents by some": lambda cell: tangent(cell, [cell.parameters[0].name, cell.states[0].name]),
    "Hessian": hessian_vector,
    "Hessian of a curved loss": lambda cell: hessian_vector(cell, curved=True),
    "reusing products": lambda cell: reusing(gradient(cell), cell.step),
    "gates stacked": lambda cell: stacked(gradient(cell)),
    "some gradients": lambda cell: gradient(cell, [cell.parameters[0].name]),
}


@pytest.mark.parametrize("name", ["gru", "rnn", "peephole_lstm"])
@pytest.mark.parametrize("form", TRANSFORMS)
def test_every_form_is_proven(name: str, form: str) -> None:
    cell = load(name)
    exact = ((1,),) if name == "rnn" or "time" not in form else ()
    rows = findings(claim_of(cell, TRANSFORMS[form](cell)), exact, ((2, 3),))
    assert rows
    assert {row.verdict for row in rows} <= GOOD, rows


def without(program: Program, at: int) -> Program:
    """The Program with one equation negated."""
    equations = list(program.equations)
    equations[at] = replace(equations[at], value=negate(equations[at].value))
    return replace(program, equations=tuple(equations))


@pytest.mark.parametrize("form", TRANSFORMS)
def test_every_line_of_a_form_matters(form: str) -> None:
    cell = load("rnn")
    program = TRANSFORMS[form](cell)
    derived = [k for k, e in enumerate(program) if e.stage != "forward"]
    assert derived
    for k in derived:
        (row,) = findings(claim_of(cell, without(program, k)), (), ((2, 3),))
        assert row.verdict == "FAILED", program.equations[k]
        assert row.differences


def test_a_forward_value_that_is_wrong_is_named() -> None:
    cell = load("rnn")
    exact, random = findings(claim_of(cell, without(gradient(cell), 0)), ((1,),), ((2, 3),))
    assert exact.verdict == random.verdict == "FAILED"
    assert exact.differences[0].startswith("h[t]")


@pytest.mark.parametrize("cls", [n.Tanh, n.Hadamard], ids=lambda cls: cls.__name__)
def test_a_broken_rule_of_forward_mode_is_seen(cls: type, monkeypatch: pytest.MonkeyPatch) -> None:
    rule = RULES[cls]

    def wrong(node: MatrixExpr, out: MatrixExpr, dots: Sequence[MatrixExpr]) -> MatrixExpr:
        return negate(rule.jvp(node, out, dots)) if rule.jvp else dots[0]

    monkeypatch.setitem(RULES, cls, rule._replace(jvp=wrong))
    cell = load("gru")
    rows = findings(claim_of(cell, tangent(cell)), ((1,),), ((2, 3),))
    assert [row.verdict for row in rows] == ["FAILED", "FAILED"]
    assert rows[1].differences[0].startswith("dot(h)[t]")


# ── certificates ──


@pytest.fixture(scope="module")
def certificate() -> Certificate:
    return lstmgraph.load("rnn").prove()


def test_a_certificate_says_what_was_proven_and_what_was_tested(certificate: Certificate) -> None:
    assert certificate.passed
    proven = [row for row in certificate.rows if row.verdict == "proven"]
    assert {row.what for row in proven} == set(FORMS)
    assert {"X=1 H=1", "X=2 H=3"} <= {row.sizes for row in proven}
    assert all(row.data["log10_error"] < -20 for row in certificate.level("random"))  # type: ignore[operator]
    assert next(row.what for row in certificate.level("numbers")) == "derived = differences"
    assert certificate.summary.startswith("proven")
    assert certificate == lstmgraph.load("rnn").prove()


def test_a_certificate_as_text_as_markdown_and_as_json(certificate: Certificate) -> None:
    assert str(certificate) == certificate.text("text").rstrip("\n")
    assert "What operations are taken for\n  tanh: " in certificate.text()
    assert "| one step | X=2 H=3 | proven |" in certificate.text("markdown")
    whole = json.loads(certificate.text("json"))
    assert whole["passed"] is True
    assert len(whole["rows"]) == len(certificate.rows)
    with pytest.raises(UnknownName, match="did you mean 'markdown'"):
        certificate.text("markdwn")


def test_progress_is_told() -> None:
    told: list[tuple[str, int, int]] = []
    lstmgraph.load("indrnn").prove(progress=lambda *what: told.append(what))
    assert told[0][0].startswith("indrnn: one step")
    assert told[-1][1] >= told[-1][2]


def test_what_is_wrong_is_not_proven() -> None:
    cell = lstmgraph.load("rnn")
    program = cell.gradient("W")
    failed = cell.prove(without(program, -1))
    assert not failed.passed
    assert failed.summary.startswith("NOT PROVEN: 2 of")
    by = "2 x[t] h[t]^2 bar(h)[t] - 2 x[t] bar(h)[t]"  # minus twice what is right
    assert failed.failed[0].differences == (f"grad(W), entry (1, 1): off by {by}",)
    assert "`grad(W)" in failed.text("markdown")


def test_that_numbers_agree_is_said_where_nothing_is_proven() -> None:
    """exp(a + b) is exp(a) exp(b): right, by a relation that a proof does not use."""
    cell = lstmgraph.loads('equations = "h[t] = exp(a * h[t-1] + b * x[t])"\nsizes = {h = 1, x = 1, a = 1, b = 1}')
    program = cell.gradient()
    a, h, b, x = (next(s for s in cell.step.inputs if s.name == name) for name in ("a", "h[t-1]", "b", "x[t]"))
    split = n.Hadamard(n.Exp(n.Hadamard(a, h)), n.Exp(n.Hadamard(b, x)))

    def rewritten(e: Equation) -> Equation:
        return replace(e, value=split) if e.target.name == "h[t]" else e

    certificate = cell.prove(replace(program, equations=tuple(map(rewritten, program.equations))))
    assert not certificate.passed
    assert "the numbers agree" in certificate.summary


def test_what_is_no_gradient_is_refused() -> None:
    cell = lstmgraph.load("rnn")
    with pytest.raises(WrongType, match="the program to prove takes a Program of gradients"):
        cell.prove("rnn")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=r"h\[t\] is not the cotangent of an input"):
        cell.prove(cell.step)
    with pytest.raises(UsageError, match="which is no value of rnn"):
        cell.prove(_of_another(cell))


def _of_another(cell: Cell) -> Program:
    """It takes a value that the cell does not have."""
    (grad,) = gradient(cell, ["b"]).outputs
    other = MatrixSymbol("q[t]", *grad.shape)
    return Program("other", (other,), (Equation(grad, other),), (grad,))


ODD = {
    "no states": "h[t] = tanh(W @ x[t] + b)",
    "kinks": "h[t] = maximum(relu(W @ x[t]), abs(U @ h[t-1])) + minimum(x[t] ** 2, sign(h[t-1]))",
    "powers": "h[t] = (x[t] ** 2 + 1) ** 0.5 * x[t] ** p + sqrt(h[t-1]) ** 3",
    "quotients": "h[t] = softmax(W @ x[t]) / (1 + exp(h[t-1])) - x[t] / sum(h[t-1])",
    "a kink of a kink": "h[t] = abs(relu(x[t] - h[t-1])) + step(h[t-1]) * relu(maximum(x[t], h[t-1]))",
    "a number on one side of a kink": "h[t] = h[t-1] + minimum(x[t], 1 - h[t-1]) * step(h[t-1] - 0.5)",
    "functions": "h[t] = sin(x[t]) * cos(h[t-1]) + softplus(x[t]) * silu(h[t-1]) + log(x[t])",
}


@pytest.mark.parametrize("equation", ODD.values(), ids=ODD)
def test_odd_cells(equation: str) -> None:
    cell = loads(f'output = "h"\nequations = "{equation}"\nsizes = {{x = "H", h = "H"}}')
    rows = findings(claim_of(cell, gradient(cell)), ((1,), (2,)), ((3,),))
    assert [row.verdict for row in rows] == ["proven", "proven", "holds"]


def test_a_value_that_is_a_number_has_one_sign_throughout() -> None:
    """On one side of its kink h[1] is 1, and 1 - 0.5 is positive, whichever number was met first."""
    cell = loads('equations = "h[t] = (h[t-1] + minimum(x[t], 1 - h[t-1])) * step(h[t-1] - 0.5)"\nsizes = {h = 1}')
    rows = findings(FORMS["2 steps unrolled"].claim(cell), ((1,),), ((1,),))
    assert {row.verdict for row in rows} == {"proven", "holds"}


def test_what_never_has_a_value_is_not_proven() -> None:
    cell = loads('equations = "h[t] = h[t-1] / (x[t] - x[t])"\nsizes = {x = "H"}')
    rows = findings(claim_of(cell, gradient(cell)), ((1,),), ((2,),))
    assert [row.verdict for row in rows] == ["not done", "not done"]
    assert "divided by zero" in rows[0].details


def test_constants_are_any_numbers() -> None:
    cell = loads('equations = "h[t] = h[t-1] ** a + x[t] * a"\nsizes = {x = "H", h = "H"}\nconstants = {a = 1.5}')
    assert findings(claim_of(cell, gradient(cell)))[0].verdict == "proven"
