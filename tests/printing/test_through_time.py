"""Gradients through time in print: every line once, in its group, under a legend that is true."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from lstmgraph.calculus import gradient_unrolled, through_time
from lstmgraph.notation import get_notation, notation_names
from lstmgraph.printing import print_program
from lstmgraph.reading import library, load, loads

PAPERS = sorted((Path(__file__).parents[1] / "reading" / "papers").glob("*.toml"))
CELLS = [*library(), *map(str, PAPERS)]
SUFFIX = {"unicode": "txt", "latex": "tex", "markdown": "md"}


def recurrence(cell: str, dialect: str = "unicode", notation: str | None = None, **options: object) -> str:
    found = load(cell)
    program = through_time(found, **options)  # type: ignore[arg-type]
    return print_program(program, dialect, get_notation(found, notation), "through time")


@pytest.mark.parametrize("dialect", SUFFIX)
def test_golden(dialect: str, golden: Callable[[str, str], None]) -> None:
    golden(f"through-time-peephole_lstm.{SUFFIX[dialect]}", recurrence("peephole_lstm", dialect))
    golden(f"through-time-gru-last.{SUFFIX[dialect]}", recurrence("gru", dialect, loss="last", truncate=8))


def test_golden_unrolled(golden: Callable[[str, str], None]) -> None:
    cell = load("lstm")
    golden("unrolled-lstm.txt", print_program(gradient_unrolled(cell, 2), "unicode", get_notation(cell), "unrolled"))


@pytest.mark.parametrize("dialect", SUFFIX)
@pytest.mark.parametrize("name", CELLS, ids=lambda name: Path(name).stem)
def test_every_line_is_shown_once(name: str, dialect: str) -> None:
    cell = load(name)
    notation = get_notation(cell)
    spell = notation.unicode if dialect == "unicode" else notation.latex
    left = "{} = " if dialect == "unicode" else "{} &="
    for stage, program in (("through time", through_time(cell, "last", 4)), ("unrolled", gradient_unrolled(cell, 2))):
        text = print_program(program, dialect, notation, stage)  # type: ignore[arg-type]
        text = text.replace(" _{", "_{")
        for equation in program.stage(stage):  # type: ignore[arg-type]
            line = rf"^ *{re.escape(left.format(spell(equation.target)))}"
            assert len(re.findall(line, text, re.MULTILINE)) == 1, equation.target


@pytest.mark.parametrize("notation", notation_names())
def test_times_come_out_in_every_notation(notation: str) -> None:
    marks = {"plain": ("h̄[0]", "c̄[t+1]"), "greff": ("δy[0]", "δc[t+1]"), "gamma": ("ā⟨0⟩", "c̄⟨t+1⟩"), "olah": ("h̄[0]",)}
    text = recurrence("lstm", notation=notation)
    assert all(mark in text for mark in marks[notation]), text


# ── the legend ──


def test_what_the_legend_says_of_the_loss() -> None:
    every, last = recurrence("lstm"), recurrence("lstm", loss="last")
    assert "∂ℓ[t]/∂h[t]: what the loss of that step sends to h[t]; the whole loss is their sum over all steps" in every
    assert "∂ℓ[T]/∂h[T]: what the loss of that step sends to h[T]; no other step has one" in last
    assert "zero: no step follows the last, T" in every
    assert "zero: no step follows" not in last, "the last step has lines of its own"


def test_what_the_legend_says_of_the_initial_states() -> None:
    given, zero = recurrence("lstm"), recurrence("lstm", start="zero")
    assert "c[0], h[0]: the initial states; where they are zero, so is the term t = 1 in ∂L/∂U_f, ∂L/∂U_i" in given
    assert "the initial states, zero and not learnt; so the term t = 1 is zero in ∂L/∂U_f" in zero
    assert "∂L/∂U_f = Σ[t=2…T] δ_f[t] h[t-1]ᵀ" in zero
    assert "h̄[0] =" in given
    assert "h̄[0] =" not in zero
    only = loads('equations = "h[t] = sigmoid(h[t-1])"\nsizes = {h = "H"}')
    text = print_program(through_time(only), "unicode", get_notation(only), "through time")
    assert "h[0]: the initial states\n" in text


def test_a_cell_that_has_the_letters_of_time_gets_others() -> None:
    """Where T is a matrix the last step is N, and where ℓ is a state the loss of a step is e."""
    cell = loads('equations = "ell[t] = tanh(T @ x[t] + U @ ell[t-1])"\nsizes = {x = "X", ell = "H"}')
    text = print_program(through_time(cell, "last"), "unicode", get_notation(cell), "through time")
    assert "at the last step, t = N\nℓ̄[N] = ∂e[N]/∂ℓ[N]\n" in text
    assert "∂L/∂T = Σ[t=1…N] δ_ℓ[t] x[t]ᵀ" in text
    assert "x̄[t] = Tᵀ δ_ℓ[t]" in text
    every = print_program(through_time(cell), "latex", get_notation(cell), "through time")
    assert r"\sum_{t=1}^{N}" in every
    assert "for t = N down to 1" in every
    assert r"$\delta_{\ell,N+1}$: zero: no step follows the last, N" in every
    sized = loads('equations = "h[t] = tanh(W @ x[t] + U @ h[t-1])"\nsizes = {x = "T", h = "N"}')
    assert "Σ[t=1…K]" in print_program(through_time(sized), "unicode", get_notation(sized), "through time")


@pytest.mark.parametrize("loss", ["every", "last"])
@pytest.mark.parametrize("name", CELLS, ids=lambda name: Path(name).stem)
def test_the_legend_says_what_the_cotangent_of_every_state_is(name: str, loss: str) -> None:
    cell = load(name)
    program, notation = through_time(cell, loss), get_notation(cell)
    text = " ".join(print_program(program, "unicode", notation, "through time").split())
    told = text[: text.index("the derivative of the whole loss by")].split(": ")[-2].rpartition("] ")
    derived = {e.target.name: e.target for e in program.stage("through time")}
    states = [s for state in cell.states if (s := derived.get(f"bar({state.name})[t]"))]
    assert states
    assert {notation.unicode(s) for s in states} <= set(told[-1].split(", ")), told


def test_what_the_legend_says_of_truncation() -> None:
    text = recurrence("lstm", truncate=8)
    assert "[t mod 8 ≠ 0]: 0 where t is a multiple of 8, else 1: nothing goes back from one block of 8 steps" in text
    assert "h̄[t], c̄[t]: what truncation leaves of the derivative of the whole loss by h[t], c[t]" in text
    assert "h̄[t] = ∂ℓ[t]/∂h[t] + [t mod 8 ≠ 0] (U_fᵀ δ_f[t+1] + " in text


def test_a_value_without_a_name_is_defined_once_for_all_steps() -> None:
    text = recurrence("gru")
    assert re.findall(r"^s_g1\[.*?\] = ", text, re.MULTILINE) == ["s_g1[t] = "]


@pytest.mark.tex
@pytest.mark.parametrize("name", ["peephole_lstm", "slstm"])
def test_the_document_compiles(name: str, tmp_path: Path) -> None:
    cell = load(name)
    program, notation = through_time(cell, "last", 8), get_notation(cell, "greff")
    text = print_program(program, "latex", notation, "through time", standalone=True, title="Through time")
    (tmp_path / "a.tex").write_text(text, encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "a.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout.decode(errors="replace")[-2000:]
