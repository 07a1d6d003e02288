"""Two backward passes term by term: what is in both is not told apart, what is in one only is."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from sympy import MatAdd

import lstmgraph
from lstmgraph.algebra.nodes import Hadamard
from lstmgraph.api.matching import matched
from lstmgraph.cli.grad import command
from lstmgraph.errors import UnknownName, UsageError
from lstmgraph.printing.differences import _key, _terms, compared

PAPERS = sorted(map(str, (Path(__file__).parent / "reading" / "papers").glob("*.toml")))
CELLS = [*lstmgraph.library(), *PAPERS]
SUFFIX = {"unicode": "txt", "latex": "tex", "markdown": "md"}
RENAMED = {"f": "keep", "i": "gate_in", "g": "n", "o": "read", "c": "m", "h": "y", "x": "u", "H": "D", "X": "N"}


def renamed(cell: lstmgraph.Cell) -> lstmgraph.Cell:
    """The same cell under other names: values, parameters by their subscripts, sizes."""
    text = cell.to_toml()
    for old, new in RENAMED.items():
        text = re.sub(rf"(?<![A-Za-z_]){old}(?=\[t|\b *= *\")", new, text)
        text = re.sub(rf"\b([WUbp])_{old}\b", rf"\1_{new}", text)
        text = re.sub(rf'"{old}"', f'"{new}"', text)
    return lstmgraph.loads(re.sub(r"(?ms)^\[(notation|walk|roles).*?(?=^\[(?!notation|walk|roles)|\Z)", "", text))


@pytest.mark.parametrize("format", SUFFIX)
@pytest.mark.parametrize(("one", "two"), [("lstm", "peephole_lstm"), ("gru", "gru_reset_after")])
def test_golden(one: str, two: str, format: str, golden: Callable[[str, str], None]) -> None:
    text = lstmgraph.load(one).gradient_against(two).text(format)
    golden(f"against-{one}-{two}.{SUFFIX[format]}", text)


def test_what_peepholes_add() -> None:
    terms = {target.name: (a, b) for target, a, b in lstmgraph.load("lstm").gradient_against("peephole_lstm").terms()}
    assert set(terms) == {"bar(c)[t]", "bar(c)[t-1]", "grad(p_f)", "grad(p_i)", "grad(p_o)"}
    assert not any(first for first, _ in terms.values())
    assert [str(t) for t in terms["bar(c)[t-1]"][1]] == [
        "Hadamard(bar(pre(f))[t], p_f)",
        "Hadamard(bar(pre(i))[t], p_i)",
    ]


def test_what_a_coupled_gate_takes_away_and_adds() -> None:
    terms = {target.name: (a, b) for target, a, b in lstmgraph.load("lstm").gradient_against("cifg").terms()}
    assert {"grad(W_f)", "grad(U_f)", "grad(b_f)", "bar(pre(f))[t]"} <= {
        t for t, (a, b) in terms.items() if a and not b
    }
    assert {"bar(f)[t]", "bar(i)[t]"} == {t for t, (a, b) in terms.items() if b and not a}


@pytest.mark.parametrize("name", CELLS, ids=lambda name: Path(name).stem)
def test_a_cell_against_itself_has_no_difference(name: str) -> None:
    cell = lstmgraph.load(name)
    difference = cell.gradient_against(cell)
    assert difference.terms() == []
    assert not difference.names


@pytest.mark.parametrize("name", ["lstm", "peephole_lstm", "cifg", "lstm97"])
def test_names_are_found_by_structure_and_role(name: str) -> None:
    """A cell and the same one with other names, for gates, states, inputs, parameters and sizes, are the same."""
    cell = lstmgraph.load(name)
    other = renamed(cell)
    assert {s.name for s in other.states} == {"m", "y"}
    difference = cell.gradient_against(other)
    difference.second.check()
    assert difference.names.items() >= {"m": "c", "y": "h", "u": "x", "W_read": "W_o", "b_gate_in": "b_i"}.items()
    assert difference.terms() == []


@pytest.mark.parametrize("other", CELLS, ids=lambda name: Path(name).stem)
def test_every_term_is_told_once(other: str) -> None:
    """In both or in one: together they are the equations of each cell, in its own names and in those of the other."""
    cell = lstmgraph.load("gru")
    found = cell.gradient_against(lstmgraph.load(other))
    found.second.check()
    told = {c.target.name: c for _, group in compared(found.first, found.second) for c in group}
    for equation in found.first.stage("backward"):
        parts = told[equation.target.name]
        assert sorted(map(_key, parts.both + parts.first)) == sorted(map(_key, _terms(equation.value)))
    for equation in found.second.stage("backward"):
        parts = told[equation.target.name]
        assert len(parts.both + parts.second) == len(_terms(equation.value))
    assert len(set(matched(cell, found.other).values())) == len(matched(cell, found.other))


def test_the_order_of_factors_and_summands_is_no_difference() -> None:
    cell = lstmgraph.load("lstm")
    a, b = cell.values["f"], cell.values["i"]
    assert _key(Hadamard(a, MatAdd(a, b))) == _key(Hadamard(MatAdd(b, a), a))
    assert _key(Hadamard(a, a)) != _key(Hadamard(a, b))


PROJECTED = """
i[t] = sigmoid(W_i @ x[t] + R_i @ r[t-1] + b_i)
c[t] = (1 - i[t]) * c[t-1] + i[t] * tanh(W_z @ x[t] + R_z @ r[t-1])
r[t] = P @ c[t]
"""


def test_other_sizes_are_no_difference_and_told_once() -> None:
    one = lstmgraph.Cell.from_equations(PROJECTED, sizes={"x": "X", "c": "H", "r": "N"})
    other = lstmgraph.Cell.from_equations(PROJECTED.replace("P @", "tanh(b) *"), sizes={"x": "X", "r": "H"})
    lines = one.gradient_against(other).text("unicode").splitlines()
    assert not [line for line in lines if line.startswith("−") and "+" + line[1:] in lines]
    assert any(line.strip() == "∂L/∂R_i = δ_i r[t-1]ᵀ" for line in lines)
    assert sum("of another size in" in line and "r[t-1], R_i, R_z" in line for line in lines) == 1
    assert sum("what reaches" in line for line in lines) == 1


def test_signs_are_not_only_colours() -> None:
    difference = lstmgraph.load("gru").gradient_against("gru_reset_after")
    lines = difference.text("unicode").splitlines()
    assert any(line.startswith("−  ∂L/∂U_g = ") for line in lines)
    assert any(line.startswith("+ ∂L/∂b_hn = ") for line in lines)
    assert r"\tag*{$-$}" in difference.text("latex")
    assert r"\tag*{$+$}" in difference.text("markdown")
    assert "<mtext>+</mtext>" in difference.text("html")


def test_a_notebook_shows_it() -> None:
    difference = lstmgraph.load("gru").gradient_against("mgu")
    assert difference._repr_markdown_() == difference.text("markdown")
    counts = lstmgraph.load("rnn").counts()
    assert counts._repr_html_() == f"<pre>{counts}</pre>"
    with pytest.raises(UsageError, match="U is a parameter of rnn"):
        lstmgraph.load("rnn").counts(steps="U")


def test_the_command() -> None:
    result = CliRunner().invoke(command, ["gru", "--against", "mgu"])
    assert result.output == lstmgraph.load("gru").gradient_against("mgu").text("unicode")
    result = CliRunner().invoke(command, ["gru", "--against", "mgu", "--index"])
    assert isinstance(result.exception, UsageError)
    assert "--against and --index do not go together" in str(result.exception)
    with pytest.raises(UnknownName, match="gruu"):
        lstmgraph.load("gru").gradient_against("gruu")
