"""Whole programs in print: the right lines, in the right groups, in forms that LaTeX and GitHub take."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sympy import MatrixSymbol

from lstmgraph.api.cell import Cell
from lstmgraph.calculus import gradient
from lstmgraph.notation import get_notation, notation_names
from lstmgraph.printing import print_equation, print_program
from lstmgraph.printing.breaking import broken, width_of
from lstmgraph.reading import library, load, loads
from tests.github import assert_github
from tests.tex import compiled

CELLS = library()
Golden = Callable[[str, str], None]
SUFFIX = {"unicode": "txt", "latex": "tex", "markdown": "md"}


def gradients(cell: str, dialect: str = "unicode", notation: str = "plain", **options: Any) -> str:
    found = load(cell)
    return print_program(gradient(found), dialect, get_notation(found, notation), **options)


# ── what is shown ──


@pytest.mark.parametrize("dialect", SUFFIX)
@pytest.mark.parametrize("cell", ["peephole_lstm", "gru"])
def test_golden(cell: str, dialect: str, golden: Golden) -> None:
    golden(f"printing-{cell}.{SUFFIX[dialect]}", gradients(cell, dialect))


def test_golden_document(golden: Golden) -> None:
    text = gradients("lstm", "latex", "gamma", standalone=True, numbered=True, title="LSTM & co")
    golden("printing-lstm-document.tex", text)


def test_the_textbook_lines() -> None:
    lines = [line.strip() for line in gradients("peephole_lstm").splitlines()]
    assert "δ_f = c̄ ⊙ c[t-1] ⊙ f ⊙ (1 − f)" in lines
    assert "∂L/∂W_f = δ_f x[t]ᵀ" in lines
    assert "∂L/∂b_f = δ_f" in lines
    assert any(re.fullmatch(r"c̄ = c̄⁺ \+ .*h̄ ⊙ o ⊙ \(1 − tanh²\(c\)\).*", line) for line in lines)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("dialect", SUFFIX)
def test_every_backward_equation_is_shown_once(cell: str, dialect: str) -> None:
    found = load(cell)
    program, notation = gradient(found), get_notation(found)
    text = print_program(program, dialect, notation).replace(" _{", "_{")
    left = "{}" if dialect == "unicode" else "{} &"
    implicit: Callable[[MatrixSymbol], str] = partial(notation.unicode, time="implicit")
    spell = implicit if dialect == "unicode" else notation.latex
    for equation in program.stage("backward"):
        assert len(re.findall(rf"^ *{re.escape(left.format(spell(equation.target)))} ?= ?", text, re.MULTILINE)) == 1


@pytest.mark.parametrize("cell", CELLS)
def test_names_that_the_author_did_not_give_are_defined(cell: str) -> None:
    found = load(cell)
    program, notation = gradient(found), get_notation(found)
    text = print_program(program, "unicode", notation)
    body = text.partition("\n\n")[2]
    for equation in program.stage("forward"):
        if "(" in equation.target.name:
            name = re.escape(notation.unicode(equation.target, "implicit"))
            if re.search(rf"(?<![\w∂]){name}(?!\w)", body):
                assert re.search(rf"^ *{name} = ", body, re.MULTILINE), equation


def test_the_forward_stage_gives_the_authors_equations_back() -> None:
    cell = load("gru")
    notation = get_notation(cell)
    text = print_program(gradient(cell), "unicode", notation, stage="forward")
    printed = {line.strip() for line in text.splitlines()}
    assert {print_equation(e, "unicode", notation) for e in cell.equations[:3]} <= printed
    assert "z[t] = σ(W_z x[t] + U_z h[t-1] + b_z)" in printed


def test_the_legend_says_what_arrives() -> None:
    text = gradients("peephole_lstm")
    assert "c̄⁺, h̄: what reaches c[t], h[t] from the loss and from the next step" in text
    assert "step: 1 where its argument is positive, else 0" in gradients("indrnn")
    assert "step:" not in text
    assert "the cotangent of the pre-activation of h[t]" in gradients("rnn")


def test_without_a_legend_there_are_only_equations() -> None:
    text = gradients("peephole_lstm", legend=False)
    assert all(" = " in line for line in text.splitlines() if line)
    latex = gradients("peephole_lstm", "latex", legend=False)
    assert latex.startswith("\\begin{align*}\n")
    assert latex.count("\\begin") == 1
    assert "%" not in latex


def test_a_cell_of_words_and_hats() -> None:
    cell = loads(
        'name = "words"\noutput = "hidden"\nequations = """\n'
        "gate_in[t] = sigmoid(W_in @ x[t] + lambda_)\n"
        "c_tilde[t] = tanh(W_c_tilde @ x[t] + 2 * hidden[t-1])\n"
        'hidden[t] = gate_in[t] * c_tilde[t] + (1 - gate_in[t]) * hidden[t-1]\n"""\n[sizes]\nx = "X"\nhidden = "H"\n'
    )
    notation = get_notation(cell)
    first, second, _ = cell.equations
    assert print_equation(first, "unicode", notation) == "gate_in[t] = σ(W_in x[t] + λ)"
    assert print_equation(second, "latex", notation) == (
        r"\tilde{c}_{t} = \tanh(W_{\tilde{c}} x_{t} + 2 \, \mathrm{hidden}_{t-1})"
    )
    assert "δ_c̃ = " in print_program(gradient(cell), "unicode", notation)


# ── layout ──


def test_equal_signs_stand_under_each_other() -> None:
    for block in gradients("gru").split("\n\n")[1:]:
        rows = [line for line in block.splitlines() if " = " in line]
        assert len({width_of(row.partition(" = ")[0]) for row in rows}) == 1


@pytest.mark.parametrize("dialect", ["unicode", "latex", "markdown"])
def test_long_equations_break(dialect: str) -> None:
    narrow = gradients("peephole_lstm", dialect, width=40, legend=False)
    wide = gradients("peephole_lstm", dialect, width=100, legend=False)
    assert len(narrow.splitlines()) > len(wide.splitlines())
    if dialect == "unicode":
        assert max(map(width_of, narrow.splitlines())) <= 40
        assert narrow.split() == wide.split()
    else:
        assert "&\\quad {}+ " in narrow


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("a + b", ["a + b"]),
        ("aaaa + bbbb − cccc", ["aaaa + bbbb", "− cccc"]),
        ("aaaa ⊙ (b + c) ⊙ ddd", ["aaaa", "⊙ (b + c)", "⊙ ddd"]),
        ("tanh(aaaa + bbbb + c)", ["tanh(aaaa", "+ bbbb + c)"]),
        (r"\frac{aaaaaa + bbbbbbbbb}{c}", [r"\frac{aaaaaa + bbbbbbbbb}{c}"]),
        (r"\left( aaaaa + bbbbb \right) + c", [r"\left( aaaaa + bbbbb \right)", "+ c"]),
    ],
)
def test_where_a_line_breaks(text: str, lines: list[str]) -> None:
    assert broken(text, 12) == lines


def test_combining_characters_take_no_column() -> None:
    assert width_of("c̄⁺ ⊙ ĩ̄") == 6
    assert width_of(r"\bar{c}_{t}^{+}") == 4


def test_numbers() -> None:
    assert gradients("gru", numbered=True).count("(5)\n") == 1
    assert "\\tag{5}" in gradients("gru", "markdown", numbered=True)
    latex = gradients("peephole_lstm", "latex", numbered=True, width=40)
    rows = [line for line in latex.splitlines() if "&" in line]
    numbered = [row for row in rows if "\\notag" not in row]
    assert len(numbered) == len(gradient(load("peephole_lstm")).stage("backward")) < len(rows)


# ── what LaTeX and GitHub take ──


@pytest.mark.parametrize("notation", notation_names())
@pytest.mark.parametrize("cell", CELLS)
def test_latex_is_balanced(cell: str, notation: str) -> None:
    for options in ({}, {"standalone": True}, {"numbered": True, "width": 50}):
        text = gradients(cell, "latex", notation, **options)
        assert_latex(text)
        assert text.isascii()


def assert_latex(text: str) -> None:
    depth = 0
    for brace in re.findall(r"(?<!\\)[{}]", text):
        depth += 1 if brace == "{" else -1
        assert depth >= 0
    assert depth == 0
    opened: list[str] = []
    for kind, name in re.findall(r"\\(begin|end)\{([a-z*]+)\}", text):
        assert kind == "begin" or opened.pop() == name
        opened += [name] if kind == "begin" else []
    assert not opened
    assert text.count(r"\left") == text.count(r"\right")
    for line in text.splitlines():
        assert line.count("&") <= 1
    no_double_superscript(text)


def no_double_superscript(text: str) -> None:
    """TeX stops at a^{b}^{c} and at a'^{c}."""
    group = r"\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*\}"
    assert not re.search(rf"\^{group}(?:_{group})?\^", text)
    assert not re.search(rf"_{group}(?:\^{group})?_", text)
    assert "'" not in re.sub(r"%.*", "", text)


@pytest.mark.parametrize("text", [r"x^{t}^{2}", r"x_{a}_{b}", r"x^{\langle t\rangle}_{a}^{2}", "f'^{2}"])
def test_a_double_script_is_seen(text: str) -> None:
    with pytest.raises(AssertionError):
        no_double_superscript(text)


@pytest.mark.parametrize("cell", CELLS)
def test_markdown_that_github_renders(cell: str) -> None:
    assert_github(gradients(cell, "markdown", numbered=True))


def test_a_title_is_escaped() -> None:
    title = "50% of _a_ & {c} <x> $5 α"
    text = gradients("rnn", "latex", standalone=True, title=title)
    assert r"\section*{\raggedright 50\% of \_a\_ \& \{c\} \textless{}x\textgreater{} \$5 $\alpha$}" in text
    text = gradients("rnn", "markdown", title=title)
    assert text.startswith(r"## 50% of \_a\_ &amp; \{c\} &lt;x&gt; \$5 α" + "\n")
    assert load_cell("rnn", title).gradient().explain("markdown").startswith(r"## Gradients of 50% of \_a\_ &amp;")


@pytest.mark.tex
@pytest.mark.parametrize("engine", ["pdflatex", "lualatex"])
def test_a_title_is_set_as_it_is(engine: str, tmp_path: Path) -> None:
    title = "50% of _a_ & {c} <x> $5 | α − Ω ~ ^ \\ " + "a long word of a title " * 5
    assert "Overfull" not in compiled(engine, tmp_path, gradients("rnn", "latex", standalone=True, title=title))


def load_cell(name: str, title: str) -> Cell:
    return Cell.of(replace(load(name), title=title))


@pytest.mark.parametrize("dialect", ["latex", "unicode", "markdown"])
def test_an_equation_of_a_large_cell_takes_no_more_work_than_one_of_a_small(
    dialect: str, calls: Callable[[Callable[[], object]], int]
) -> None:
    """How long it takes: benchmarks/derive.py."""

    def work(name: str) -> float:
        cell = load(name)
        program, notation = gradient(cell), get_notation(cell)
        return calls(lambda: print_program(program, dialect, notation)) / len([*program])

    assert work("peephole_lstm") < 2 * work("rnn")
