"""`Cell.prove`: every cell, every form of its derivatives, and what is wrong is not proven."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from sympy import Integer, MatrixExpr, MatrixSymbol

import lstmgraph
from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.build import negate
from lstmgraph.algebra.nodes import operands
from lstmgraph.algebra.rules import RULES
from lstmgraph.algebra.traverse import rebuild
from lstmgraph.api.claims import claims_of
from lstmgraph.api.proof import FORMS
from lstmgraph.calculus import gradient, gradient_unrolled, hessian_vector, reusing, stacked, tangent, through_time
from lstmgraph.calculus.jacobian import Request, jacobian
from lstmgraph.cell import Cell
from lstmgraph.errors import UnknownName, UsageError, WrongType
from lstmgraph.numeric.proof import Certificate, Claim, Cotangents, Row, Task
from lstmgraph.numeric.proof.certificate import Level, Verdict
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
    "through time, final states": lambda cell: through_time(cell, "last", final=True),
    "through time, by some": lambda cell: through_time(cell, wrt=[cell.parameters[0].name]),
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


# ── what arrives, and what is left out ──


def ignoring(program: Program, seed: str) -> Program:
    """The Program without a cotangent that arrives."""
    (gone,) = (s for s in program.inputs if s.name == seed)
    equations = tuple(replace(e, value=_without(e.value, gone)) for e in program)
    return replace(program, equations=equations, inputs=tuple(s for s in program.inputs if s != gone))


def _without(value: MatrixExpr, gone: MatrixSymbol) -> MatrixExpr:
    if value == gone:
        return n.Fill(Integer(0), *gone.shape)
    return rebuild(value, [_without(o, gone) for o in operands(value)]) if operands(value) else value


@pytest.mark.parametrize("wrt", [None, ["W_f", "W_i"]])
def test_gradients_that_ignore_what_arrives_are_wrong(wrt: list[str] | None) -> None:
    cell = lstmgraph.load("lstm")
    certificate = cell.prove(ignoring(cell.gradient(wrt), "seed(c)[t]"))
    assert not certificate.passed
    assert {row.verdict for row in certificate.level("exact")} == {"FAILED"}
    assert {row.verdict for row in certificate.level("random")} == {"FAILED"}
    assert "c[t], h[t]" in certificate.claim


def test_a_loss_that_sees_less_is_said_to() -> None:
    cell = lstmgraph.load("lstm")
    alone = ignoring(cell.gradient(["W_f"]), "seed(c)[t]")
    certificate = cell.prove(alone, of="h")
    assert certificate.passed
    assert "for a loss that sees h[t] alone" in certificate.limits
    assert not cell.prove(alone, of=["h", "c"]).passed
    with pytest.raises(UnknownName, match="no output 'x' in lstm"):
        cell.prove(alone, of="x")
    with pytest.raises(UsageError, match="said of a program"):
        cell.prove(of="h")


def test_a_loss_of_the_last_step_is_a_limit_and_one_that_was_lost_is_wrong() -> None:
    cell = lstmgraph.load("rnn")
    last = cell.prove(cell.gradient_unrolled(3, loss="last"))
    assert last.passed
    assert last.limits == ("for a loss that sees h[3] alone",)
    final = cell.prove(cell.gradient_unrolled(2, final=True))
    assert (final.passed, final.limits) == (True, ())
    every = cell.prove(cell.gradient_unrolled(3))
    assert (every.passed, every.limits) == (True, ())
    assert not cell.prove(ignoring(cell.gradient_unrolled(3), "loss(h)[1]")).passed


def test_a_loss_of_the_last_states_too() -> None:
    cell = lstmgraph.load("lstm")
    claim = claim_of(cell, through_time(cell, "last", final=True))
    assert isinstance(claim, Cotangents)
    assert [s.name for s in claim.seeds] == ["h[3]", "c[3]"]
    assert [row.verdict for row in findings(claim, (), ((1, 2),))] == ["holds"]
    lost = ignoring(through_time(cell, "every", final=True), "loss(c)[T]")
    assert [s.name for s in claim_of(cell, lost).seeds] == ["h[1]", "h[2]", "h[3]"]


def test_what_does_not_change_along_a_direction_is_a_limit() -> None:
    cell = lstmgraph.load("rnn")
    assert cell.prove(cell.tangent(["W", "h"])).limits == ("while x[t], U, b do not change",)
    assert cell.prove(cell.tangent()).limits == ()


def test_a_program_without_results_is_refused() -> None:
    cell = lstmgraph.load("rnn")
    with pytest.raises(UsageError, match="computes nothing, so there is nothing to prove"):
        cell.prove(cell.gradient().needed_for([]))


# ── truncation ──


@pytest.mark.parametrize("start", ["given", "zero"])
@pytest.mark.parametrize("loss", ["every", "last"])
@pytest.mark.parametrize("truncate", [1, 2, 4])
def test_recurrences_that_are_truncated(truncate: int, loss: str, start: str) -> None:
    cell = load("gru")
    claim = claim_of(cell, through_time(cell, loss, truncate, start))
    (row,) = findings(claim, (), ((1, 2),))
    assert row.verdict == "holds"
    assert claim.limits[0] == f"for gradients that are cut between blocks of {truncate} steps"


def test_a_cut_in_one_state_only_is_wrong() -> None:
    cell = load("lstm")
    program, whole = through_time(cell, truncate=2), through_time(cell)
    half = [w if e.target.name == "bar(c)[t]" else e for e, w in zip(program, whole, strict=True)]
    assert half != list(program)
    rows = findings(claim_of(cell, replace(program, equations=tuple(half))), (), ((1, 2),))
    assert [row.verdict for row in rows] == ["FAILED"]


def test_a_size_that_only_the_states_have() -> None:
    """From zeros no input tells how large they are."""
    cell = loads('equations = "h[t] = a * h[t-1] + sum(x[t])"\nsizes = {x = "X", h = "H", a = 1}')
    rows = findings(claim_of(cell, through_time(cell, start="zero")), ((1,),), ((2, 3),))
    assert [row.verdict for row in rows] == ["proven", "holds"]


def test_the_step_after_the_last_one_divides_by_nothing() -> None:
    """What a step sends back may have a divisor of that step; after the last one there is none."""
    cell = loads('equations = """n[t] = a * x[t] + 1\nh[t] = b * h[t-1] / n[t]"""\nsizes = {x = "H", h = "H"}')
    rows = findings(claim_of(cell, through_time(cell)), ((1,),), ((2,),))
    assert [row.verdict for row in rows] == ["proven", "holds"]


# ── Jacobians ──


@pytest.mark.parametrize("name", [name for name in CELLS if load(CELLS[name]).states])
def test_the_jacobians_of_every_cell_are_proven(name: str) -> None:
    cell = load(CELLS[name])
    (claim,) = claims_of(cell, jacobian(cell, Request()))
    rows = findings(claim, ((1,),), ((1, 2, 2, 1),))
    assert [row.verdict for row in rows] == ["proven", "holds"]


ASKED = {
    "two steps": Request(steps=2),
    "some": Request(of=("f", "h"), by=("x", "c")),
    "direct": Request(direct=True),
}


@pytest.mark.parametrize("asked", ASKED.values(), ids=ASKED)
def test_all_kinds_of_jacobians(asked: Request) -> None:
    cell = load("peephole_lstm")
    claims = claims_of(cell, jacobian(cell, asked))
    assert len(claims) == (4 if asked.steps == 2 else 1)
    for claim in claims:
        assert {row.verdict for row in findings(claim, ((1,),), ((1, 2),))} <= GOOD


def test_what_is_held_is_said_of_the_form_in_which_it_is() -> None:
    cell = lstmgraph.load("indrnn")
    held = "for each value's own equation, all other values of the step held"
    assert held in cell.prove(cell.jacobian(direct=True)).limits
    two = lstmgraph.load("lstm").jacobian(steps=2)
    found = lstmgraph.load("lstm").prove(two)
    assert found.limits[0] == "alone(c.c.2)[t]: through c alone, all other states held"
    assert found.passed


@pytest.mark.parametrize("asked", ASKED.values(), ids=ASKED)
def test_every_line_of_a_jacobian_matters(asked: Request) -> None:
    cell = load("lstm")
    program = jacobian(cell, asked)
    for k in (k for k, e in enumerate(program) if e.stage == "jacobian" and "Fill(0" not in str(e.value)):
        rows = [row for c in claims_of(cell, without(program, k)) for row in findings(c, (), ((1, 2),))]
        assert "FAILED" in {row.verdict for row in rows}, program.equations[k]


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


def row(level: Level, verdict: Verdict, what: str = "it", **data: int) -> Row:
    return Row(level, what, "", verdict, "", data)


SUMMARIES: dict[str, tuple[bool, list[Row], str]] = {
    "nothing at all": (False, [], "NOT PROVEN: nothing could be decided of it"),
    "nothing done": (
        False,
        [row("exact", "not done"), row("random", "not done")],
        "NOT PROVEN: nothing could be decided",
    ),
    "numbers only": (False, [row("exact", "not done"), row("numbers", "passed", "n")], "NOT PROVEN: nothing could be"),
    "a form left": (
        False,
        [row("exact", "proven"), row("exact", "not done", "that")],
        "NOT PROVEN: nothing could be decided of that",
    ),
    "one wrong": (False, [row("exact", "proven"), row("random", "FAILED")], "NOT PROVEN: 1 of 2"),
    "all exact": (True, [row("exact", "proven"), row("random", "holds", "it")], "proven exactly at small sizes, and"),
    "exact, with sides left": (
        True,
        [row("exact", "proven"), row("random", "holds", kinks=7, sides_tried=8)],
        "proven exactly at small sizes, and but for the error probability that is stated at larger ones on the ",
    ),
    "exact alone": (True, [row("exact", "proven")], "proven exactly at small sizes"),
    "one at random": (
        True,
        [row("exact", "proven"), row("exact", "not done", "that"), row("random", "holds", "that")],
        "proven exactly: it; only but for the error probability that is stated: that",
    ),
    "sides left": (
        True,
        [row("exact", "proven"), row("random", "holds", "that", kinks=7, sides_tried=8)],
        "proven exactly: it; only but for the error probability that is stated on the sides of kinks ",
    ),
}


@pytest.mark.parametrize(("passed", "rows", "words"), SUMMARIES.values(), ids=SUMMARIES)
def test_the_summary_says_what_is_exact(passed: bool, rows: list[Row], words: str) -> None:
    certificate = Certificate("title", "claim", tuple(rows), {}, ())
    assert certificate.passed == passed
    assert certificate.summary.startswith(words)


def test_an_exponent_that_does_not_fit_is_not_decided() -> None:
    """a ** 65536 is not b, whatever the exact part has room for."""
    cell = loads('equations = "h[t] = a * x[t] ** 65536 + b * h[t-1]"\nsizes = {h = 1, x = 1, a = 1, b = 1}')
    program = gradient(cell, ["a"])
    wrong = replace(program, equations=tuple(replace(e, value=cell.previous[0]) for e in program.stage("backward")))
    exact, *random = findings(
        claim_of(cell, replace(wrong, inputs=(*program.inputs, *cell.previous))), ((1,),), ((1,),)
    )
    assert (exact.verdict, exact.details) == ("not done", "exponents beyond 65535")
    assert [row.verdict for row in random] == ["FAILED"]
    right = lstmgraph.Cell.of(cell).prove()
    assert right.passed
    assert right.summary.startswith(
        "proven exactly: nothing; only but for the error probability that is stated: one step"
    )


def test_another_seed_has_other_points_and_the_same_certificate() -> None:
    cell = lstmgraph.load("indrnn")
    assert cell.prove(seed=7).rows == cell.prove().rows


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
