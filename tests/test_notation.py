"""Names in every notation: as LaTeX that typesets, as terminal text, and never two alike."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from sympy import MatrixSymbol

from lstmgraph.algebra.names import JACOBIANS, MARKS, name_of
from lstmgraph.calculus import gradient, hessian_vector
from lstmgraph.cell import Cell
from lstmgraph.errors import CellSyntaxError, UnknownName
from lstmgraph.notation import get_notation, letter, notation_names, plain, unicode_of
from lstmgraph.reading import library, load, loads

CELLS = library()
NOTATIONS = notation_names()

# An author with habits: words, Greek, hats in three spellings, digits, names that the notations use themselves.
AWKWARD = """
name = "awkward"
output = "h"
equations = '''
f_hat[t] = sigmoid(W_f_hat @ x[t] + U_f_hat @ h[t-1] + b_in)
fhat[t] = sigmoid(W_f @ x[t] + alpha2)
gate_in[t] = sigmoid(W_gate_in @ x1[t] + lambda_)
a[t] = tanh(Gamma_u @ x[t] + delta_f)
y[t] = tanh(W_y @ h[t-1] + a_f)
h_tilde[t] = tanh(W_h_tilde @ h[t-1] + s_h1)
h[t] = f_hat[t] * fhat[t] * h[t-1] + gate_in[t] * a[t] * y[t] * h_tilde[t]
'''
[sizes]
x = "X"
x1 = "X"
h = "H"
"""


def awkward() -> Cell:
    return loads(AWKWARD)


def symbols_of(cell: Cell) -> list[MatrixSymbol]:
    """Every symbol that a program of the cell may show."""
    programs = (cell.step, gradient(cell), hessian_vector(cell, curved=True))
    found = [s for program in programs for s in (*program.inputs, *(e.target for e in program))]
    return list(dict.fromkeys(found))


# ── identifiers ──


@pytest.mark.parametrize(
    ("identifier", "latex", "unicode"),
    [
        ("f", "f", "f"),
        ("W_f", "W_{f}", "W_f"),
        ("W_hn", r"W_{\mathrm{hn}}", "W_hn"),
        ("b_in", r"b_{\mathrm{in}}", "b_in"),
        ("gate", r"\mathrm{gate}", "gate"),
        ("gate_in", r"\mathrm{gate}_{\mathrm{in}}", "gate_in"),
        ("alpha", r"\alpha", "α"),
        ("eps", r"\varepsilon", "ε"),
        ("epsilon", r"\varepsilon", "ε"),
        ("W_eps", r"W_{\varepsilon}", "W_ε"),
        ("eps_hat", r"\hat{\varepsilon}", "ε̂"),
        ("epsbar", r"\bar{\varepsilon}", "ε̄"),
        ("Gamma_f", r"\Gamma_{f}", "Γ_f"),
        ("Γ_f", r"\Gamma_{f}", "Γ_f"),
        ("W_alpha", r"W_{\alpha}", "W_α"),
        ("lambda_", r"\lambda", "λ"),
        ("alpha2", r"\alpha_{2}", "α₂"),
        ("x1", "x_{1}", "x₁"),
        ("x12", "x_{12}", "x₁₂"),
        ("W_f2", "W_{f2}", "W_f2"),
        ("W_f_1", "W_{f,1}", "W_f₁"),
        ("c_tilde", r"\tilde{c}", "c̃"),
        ("h_hat", r"\hat{h}", "ĥ"),
        ("htilde", r"\tilde{h}", "h̃"),
        ("alphabar", r"\bar{\alpha}", "ᾱ"),
        ("W_f_hat", r"\hat{W}_{f}", "Ŵ_f"),
        ("memory_tilde", r"\widetilde{\mathrm{memory}}", "m̃ẽm̃õr̃ỹ"),
        ("tilde", r"\mathrm{tilde}", "tilde"),
        ("that", r"\hat{t}", "t̂"),
        ("_", "_", "_"),
    ],
)
def test_an_identifier(identifier: str, latex: str, unicode: str) -> None:
    found = plain(identifier)
    assert (found.latex(), found.unicode()) == (latex, unicode)


@pytest.mark.parametrize(
    ("snippet", "unicode"),
    [
        (r"\tilde{C}", "C̃"),
        (r"\tilde C", "C̃"),
        (r"\Gamma_f", "Γ_f"),
        (r"\Gamma_{f}", "Γ_f"),
        ("i'", "i′"),
        (r"\bar{c}^{+}", "c̄⁺"),
        (r"\mathrm{gate}_{12}", "gate₁₂"),
        (r"\delta \bar{o}", "δō"),
        (r"\frac{\partial L}{\partial W_{f}}", "∂L/∂W_f"),
        (r"\mathbf{W}_{xf}", "W_xf"),
        (r"\unheardof", "unheardof"),
    ],
)
def test_a_snippet_in_a_terminal(snippet: str, unicode: str) -> None:
    assert letter(snippet).unicode() == unicode
    assert unicode_of(letter(snippet).latex()) == unicode


@pytest.mark.parametrize("snippet", [r"\tilde{C", "C}", "", "  ", "a_"])
def test_a_broken_snippet(snippet: str) -> None:
    with pytest.raises(ValueError, match=r"unbalanced|nothing|script"):
        letter(snippet)


def test_a_broken_snippet_is_an_error_that_names_the_cell() -> None:
    cell = replace(loads(AWKWARD), notations={"mine": {"a": r"\tilde{a"}})
    with pytest.raises(CellSyntaxError, match="awkward: how a is typeset: unbalanced"):
        get_notation(cell, "mine")


# ── symbols ──


@pytest.mark.parametrize(
    ("name", "latex", "unicode", "implicit"),
    [
        ("f[t]", "f_{t}", "f[t]", "f"),
        ("x[t]", "x_{t}", "x[t]", "x[t]"),
        ("c[t-1]", "c_{t-1}", "c[t-1]", "c[t-1]"),
        ("W_f", "W_{f}", "W_f", "W_f"),
        ("pre(f)[t]", "a_{f,t}", "a_f[t]", "a_f"),
        ("part(h.1)[t]", "s_{h1,t}", "s_h1[t]", "s_h1"),
        ("bar(c)[t]", r"\bar{c}_{t}", "c̄[t]", "c̄"),
        ("bar(x)[t]", r"\bar{x}_{t}", "x̄[t]", "x̄[t]"),
        ("bar(h)[t-1]", r"\bar{h}_{t-1}", "h̄[t-1]", "h̄[t-1]"),
        ("seed(c)[t]", r"\bar{c}_{t}^{+}", "c̄⁺[t]", "c̄⁺"),
        ("bar(pre(f))[t]", r"\delta_{f,t}", "δ_f[t]", "δ_f"),
        ("grad(W_f)", r"\frac{\partial L}{\partial W_{f}}", "∂L/∂W_f", "∂L/∂W_f"),
    ],
)
def test_plain(name: str, latex: str, unicode: str, implicit: str) -> None:
    notation = get_notation(load("peephole_lstm"))
    assert notation.latex(name) == latex
    assert notation.unicode(name) == unicode
    assert notation.unicode(name, "implicit") == implicit


def test_a_bar_over_another_accent_is_a_long_one() -> None:
    notation = get_notation(load("slstm"))
    assert notation.latex("bar(i_tilde)[t]") == r"\overline{\tilde{i}}_{t}"
    assert notation.unicode("bar(i_tilde)[t]", "implicit") == "\N{LATIN SMALL LETTER I WITH TILDE}\N{COMBINING MACRON}"


@pytest.mark.parametrize(
    ("notation", "name", "latex", "unicode"),
    [
        ("olah", "c[t-1]", "C_{t-1}", "C[t-1]"),
        ("olah", "g[t]", r"\tilde{C}_{t}", "C̃[t]"),
        ("olah", "W_g", "W_{C}", "W_C"),
        ("gamma", "f[t]", r"\Gamma_{f}^{\langle t\rangle}", "Γ_f⟨t⟩"),
        ("gamma", "i[t]", r"\Gamma_{u}^{\langle t\rangle}", "Γ_u⟨t⟩"),
        ("gamma", "h[t-1]", r"a^{\langle t-1\rangle}", "a⟨t-1⟩"),
        ("gamma", "g[t]", r"\tilde{c}^{\langle t\rangle}", "c̃⟨t⟩"),
        ("gamma", "bar(pre(f))[t]", r"\delta_{f}^{\langle t\rangle}", "δ_f⟨t⟩"),
        ("gamma", "pre(f)[t]", r"z_{f}^{\langle t\rangle}", "z_f⟨t⟩"),  # a is the output
        ("greff", "h[t]", "y^{t}", "y[t]"),
        ("greff", "U_f", "R_{f}", "R_f"),
        ("greff", "U_g", "R_{z}", "R_z"),
        ("greff", "bar(c)[t]", r"\delta c^{t}", "δc[t]"),
        ("greff", "grad(W_f)", r"\delta W_{f}", "δW_f"),
    ],
)
def test_the_papers_notations(notation: str, name: str, latex: str, unicode: str) -> None:
    found = get_notation(load("lstm"), notation)
    assert (found.latex(name), found.unicode(name)) == (latex, unicode)


@pytest.mark.parametrize(
    ("notation", "name", "latex"),
    [
        ("gamma", "gate_in[t]", r"\Gamma_{\mathrm{gate}_{\mathrm{in}}}^{\langle t\rangle}"),
        ("gamma", "a[t]", r"\tilde{a}^{\langle t\rangle}"),
        ("gamma", "pre(f_hat)[t]", r"z_{\Gamma_{\hat{f}}}^{\langle t\rangle}"),  # z of f-hat is that of fhat
        ("plain", "bar(pre(y))[t]", r"\Delta_{y,t}"),  # the author has a delta
        ("greff", "h[t]", "h^{t}"),  # y is the author's own
        ("gamma", "W_h_tilde", r"W_{\tilde{h}}"),
        ("olah", "h_tilde[t]", r"\tilde{h}_{t}"),  # it has its tilde
        ("plain", "fhat[t]", r"\hat{f}_{t}^{\prime}"),
        ("plain", "W_f_hat", r"W_{\hat{f}}"),
    ],
)
def test_a_cell_that_no_notation_knows(notation: str, name: str, latex: str) -> None:
    assert get_notation(awkward(), notation).latex(name) == latex


def test_a_name_that_clashes_gets_one_prime_more_than_it_has() -> None:
    cell = loads("""
equations = '''
f_hat_prime_prime[t] = tanh(W @ x[t])
fhat_prime_prime[t] = tanh(f_hat_prime_prime[t])
'''
sizes.x = "X"
sizes.fhat_prime_prime = "H"
""")
    notation = get_notation(cell)
    assert notation.latex("f_hat_prime_prime[t]") == r"\hat{f}_{t}^{\prime \prime}"
    assert notation.latex("fhat_prime_prime[t]") == r"\hat{f}_{t}^{\prime \prime \prime}"


def test_the_cells_own_table_goes_first_and_may_be_a_notation_of_its_own() -> None:
    cell = loads(AWKWARD + '[notation.mine]\na = "\\\\mathbf{q}"\nW_f = "V"\n')
    assert "mine" in notation_names(cell)
    assert "mine" not in notation_names()
    notation = get_notation(cell, "mine")
    assert notation.latex("a[t]") == r"\mathbf{q}_{t}"
    assert notation.latex("W_f") == "V"
    assert notation.latex("y[t]") == "y_{t}"


def test_the_cells_plain_table_holds_where_a_notation_says_nothing() -> None:
    cell = loads(AWKWARD + '[notation.plain]\na = "j"\nW_f = "V"\n')
    assert get_notation(cell, "greff").latex("a[t]") == "j^{t}"
    assert get_notation(cell, "greff").latex("W_f") == "V"
    assert get_notation(cell, "olah").latex("a[t]") == r"\tilde{j}_{t}"


def test_an_unknown_notation() -> None:
    with pytest.raises(UnknownName, match=r"did you mean 'gamma'"):
        get_notation(load("lstm"), "gama")


# ── every cell in every notation ──


@pytest.mark.parametrize("notation", NOTATIONS)
@pytest.mark.parametrize("name", [*CELLS, "awkward"])
def test_no_two_names_are_alike(name: str, notation: str) -> None:
    cell = awkward() if name == "awkward" else load(name)
    found = get_notation(cell, notation)
    symbols = symbols_of(cell)
    spellings: list[Callable[[MatrixSymbol], str]] = [
        found.latex,
        found.unicode,
        partial(found.unicode, time="implicit"),
    ]
    for spell in spellings:
        texts = [spell(s) for s in symbols]
        doubles = {(t, s.name) for t, s in zip(texts, symbols, strict=True) if texts.count(t) > 1}
        assert not doubles


@pytest.mark.parametrize("notation", NOTATIONS)
def test_every_name_typesets(notation: str) -> None:
    """ziamath, which draws the labels, takes all of them, and no LaTeX is left in terminal text."""
    spelt: dict[str, str] = {}
    for cell in (awkward(), *map(load, ("peephole_lstm", "slstm", "gru_reset_after"))):
        found = get_notation(cell, notation)
        spelt |= {found.latex(s): found.unicode(s) for s in symbols_of(cell)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # ziamath's own, when it is imported
        ziamath: Any = importlib.import_module("ziamath")
    assert len(spelt) > 100
    for latex in spelt:
        ziamath.Latex(latex).getsize()
    assert not [text for text in spelt.values() if set(text) & set("\\{}^$")]


@pytest.mark.parametrize("notation", NOTATIONS)
def test_every_mark_has_a_spelling(notation: str) -> None:
    found = get_notation(load("lstm"), notation)
    assert {*MARKS, "delta", "along", "states", "weights"} == {*found.marks, *JACOBIANS}, (
        "Jacobians are written as fractions"
    )


def test_a_name_is_read_from_a_symbol_or_its_text() -> None:
    cell = load("lstm")
    notation = get_notation(cell)
    for symbol in cell.step.inputs:
        assert notation.latex(symbol) == notation.latex(symbol.name)
        assert notation.letter(name_of(symbol)).latex() in notation.latex(symbol)
