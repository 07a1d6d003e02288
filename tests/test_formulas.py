"""What `grad` and its options print: of every cell, in every format; what is refused."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

import lstmgraph
from lstmgraph.api.formulas import Formulas
from lstmgraph.cli.grad import command
from lstmgraph.errors import UnknownName, UsageError, WrongType
from lstmgraph.notation import notation_names
from lstmgraph.printing.breaking import width_of

Golden = Callable[[str, str], None]
PAPERS = sorted(map(str, (Path(__file__).parent / "reading" / "papers").glob("*.toml")))
CELLS = [*lstmgraph.library(), *PAPERS]
SUFFIX = {"unicode": "txt", "latex": "tex", "markdown": "md"}
KINDS: dict[str, Callable[[lstmgraph.Cell], Formulas]] = {
    "tangent": lambda cell: cell.tangent(),
    "hessian": lambda cell: cell.hessian_vector(),
}

every_cell = pytest.mark.parametrize("name", CELLS, ids=lambda name: Path(name).stem)
every_kind = pytest.mark.parametrize("kind", KINDS)


# ── forward mode ──


@pytest.mark.parametrize("format", SUFFIX)
def test_golden_tangents(format: str, golden: Golden) -> None:
    golden(f"tangent-lstm.{SUFFIX[format]}", lstmgraph.load("lstm").tangent().text(format))


@pytest.mark.parametrize("format", SUFFIX)
def test_golden_hessian(format: str, golden: Golden) -> None:
    product = lstmgraph.load("gru").hessian_vector(["U_z", "h", "x"])
    golden(f"hessian-gru.{SUFFIX[format]}", product.text(format))


@every_kind
@every_cell
def test_every_equation_is_shown_once(name: str, kind: str) -> None:
    """In a terminal, aligned; but for the tangents that are printed where they are used."""
    cell = lstmgraph.load(name)
    found = KINDS[kind](cell)
    text = found.text("unicode")
    left = [line.split(" = ")[0].strip() for line in text.splitlines() if " = " in line]
    assert len(left) == len(set(left))
    for equation in found.stage("tangent"):
        spelt = found._style.unicode(equation.target, "implicit")
        assert spelt in left or not re.search(rf"(?<!\w){re.escape(spelt)}(?!\w)", text), equation.target
    for block in text.split("\n\n")[1:]:
        rows = [line for line in block.splitlines() if " = " in line]
        assert len({width_of(row.partition(" = ")[0]) for row in rows}) <= 1


@every_kind
@pytest.mark.parametrize("notation", notation_names())
def test_marks_on_marks(kind: str, notation: str) -> None:
    """Dots over bars over letters of any kind, in every notation, without a command that is left over."""
    cell = lstmgraph.loads(
        'output = "h"\nequations = """\ngate_in[t] = sigmoid(W_in @ x[t] + lambda_)\n'
        "c_tilde[t] = tanh(W_c @ x[t] + beta * (U @ h[t-1]))\n"
        'h[t] = gate_in[t] * c_tilde[t] + (1 - gate_in[t]) * h[t-1]\n"""\n[sizes]\nx = "X"\nh = "H"\nbeta = 1\n'
    )
    found = KINDS[kind](cell)
    notated = type(found)(found.name, found.inputs, found.equations, found.outputs, cell, notation)
    assert "\\" not in notated.text("unicode")
    assert notated.latex.count("{") == notated.latex.count("}")


def test_dots_of_names() -> None:
    text = lstmgraph.load("lstm").hessian_vector().latex
    for spelt in (
        r"\dot{a}_{f,t}",
        r"\dot{\bar{c}}_{t}",
        r"\dot{\delta}_{f,t}",
        r"\frac{\partial \dot{L}}{\partial W_{f}}",
    ):
        assert spelt in text
    assert "δ̇_f = c̄̇ ⊙ c[t-1] ⊙ f ⊙ (1 − f)" in lstmgraph.load("lstm").hessian_vector().text("unicode")


@pytest.mark.parametrize("kind", ["tangent", "hessian_vector"])
def test_wrong_names_are_refused(kind: str) -> None:
    derive = getattr(lstmgraph.load("lstm"), kind)
    with pytest.raises(UnknownName, match="did you mean 'W_f'"):
        derive("Wf")
    with pytest.raises(UnknownName, match="did you mean 'greff'"):
        derive(notation="gref")
    with pytest.raises(WrongType):
        derive(wrt=3)


# ── the command ──


def test_the_options_of_the_command() -> None:
    for option, method in {"--tangent": "tangent", "--hessian": "hessian_vector"}.items():
        result = CliRunner().invoke(command, ["rnn", option, "--wrt", "U"])
        assert result.output == getattr(lstmgraph.load("rnn"), method)("U").text("unicode")


def test_one_derivation_at_a_time() -> None:
    result = CliRunner().invoke(command, ["rnn", "--tangent", "--hessian"])
    assert isinstance(result.exception, UsageError)
    assert "--tangent and --hessian do not go together" in str(result.exception)
