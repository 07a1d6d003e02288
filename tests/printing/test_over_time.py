"""An explanation through time is true: a term is what the place that it names sends, at the step that it names.

Two steps follow one another with numbers for all values.  Each term of a line is derived again from what it claims, by
central differences of its forward equation through the reference interpreter, at step t or at the one after it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy
import pytest
from sympy import MatrixSymbol

from lstmgraph.algebra.names import later, name_of
from lstmgraph.algebra.nodes import Fill
from lstmgraph.algebra.traverse import symbols_in
from lstmgraph.api.cell import load
from lstmgraph.calculus import through_time
from lstmgraph.normal import normal_form
from lstmgraph.numeric.evaluate import evaluate, number_of
from lstmgraph.numeric.sample import draw
from lstmgraph.numeric.sequence import run_sequence
from lstmgraph.printing.breaking import width_of
from lstmgraph.printing.derivations import Derivation, derivation
from lstmgraph.printing.over_time import time_of
from lstmgraph.program import Equation, Program, Term
from lstmgraph.reading import library
from tests.github import assert_github
from tests.printing.test_derivations import close, sent_back, value_of
from tests.printing.test_explaining import assert_page
from tests.tex import compiled

PAPERS = sorted((Path(__file__).parents[1] / "reading" / "papers").glob("*.toml"))
CELLS = (*library(), *map(str, PAPERS))
each_cell = pytest.mark.parametrize("name", CELLS, ids=lambda name: Path(name).stem)
KINDS: dict[str, dict[str, Any]] = {
    "every": {},
    "last": {"loss": "last"},
    "cut": {"truncate": 4},
    "final, from zeros": {"final": True, "start": "zero"},
}
Values = dict[str, Any]


@cache
def told(name: str, kind: str) -> tuple[Program, Program, Derivation]:
    cell = load(name)
    program, forward = through_time(cell, **KINDS[kind]), normal_form(cell.step)
    return program, forward, derivation(cell.through_time(**KINDS[kind])._printed, forward, "through time")


@cache
def steps(name: str) -> tuple[Values, Values]:
    """Every forward value of two steps, by its name at step t, and any number for every cotangent."""
    cell = load(name)
    sizes = {size: 2 + k for k, size in enumerate(sorted(cell.sizes, key=str))}
    sample = draw(cell, sizes, 1, 2, 0)
    assert sample is not None
    forward, rng = normal_form(cell.step), numpy.random.default_rng(1)
    found = []
    for given in run_sequence(cell, sample.parameters, sample.inputs, sample.states, 2):
        values = {**given, **evaluate(forward, given)}
        for value in (*forward.inputs, *(e.target for e in forward)):
            for mark in ("bar", "loss"):
                shape = [1, *(number_of(side, sizes) for side in value.shape)]
                values[str(name_of(value).marked(mark))] = rng.normal(size=shape)
        found.append(values)
    return found[0], found[1]


def zeroed(name: str, kind: str) -> Values:
    """The values of step t, without the cotangents that are said to be zero there."""
    zero = {e.target.name for e in told(name, kind)[0].stage("through time") if e.value == Fill(0, *e.target.shape)}
    return {k: 0 * v if k in zero else v for k, v in steps(name)[0].items()}


def value_there(s: MatrixSymbol, name: str, kind: str) -> Any:
    """Of a symbol of a line, of step t or the one after it; the last one and step 1 are as step t with all losses."""
    time = name_of(s)
    if time.marks == ("block",):
        return numpy.ones((1, 1))
    if time.since == "t" and time.lag != 1:
        return zeroed(name, kind)[s.name]
    here, after = steps(name)
    return (after if time.since == "t" else here)[later(s, -1 if time.lag == 1 or not time.since else 0).name]


def number(name: str, kind: str, line: Term | Equation) -> Any:
    used = {*symbols_in(line.value), *told(name, kind)[1].inputs}
    values = {s.name: value_there(s, name, kind) for s in used}
    return value_of(line.value, Program("", tuple(used), (), ()), values)


def claimed(name: str, kind: str, term: Term) -> Any:
    """What the use of a term sends, at the step at which it is."""
    assert term.use
    time = time_of(term)
    values = zeroed(name, kind) if (time.since, time.lag) == ("t", 0) else steps(name)[time.since == "t"]
    return sent(term.later(-(time.lag or 0)), told(name, kind)[1], values)


def sent(term: Term, forward: Program, values: Values) -> Any:
    assert term.use
    cotangent = sent(term.before, forward, values) if term.before else values[f"bar({base_of(term.use.equation)})[t]"]
    return sent_back(term.use, cotangent, forward, values)


def base_of(target: MatrixSymbol) -> str:
    return str(name_of(target)).removesuffix("[t]")


def false_lines(name: str, kind: str, lines: tuple[Equation, ...]) -> Iterator[str]:
    for line in lines:
        terms = [number(name, kind, term) for term in line.origin]
        if line.origin and not close(sum(terms), number(name, kind, line)):
            yield f"{line} is not the sum of its terms"
        for term, value in zip(line.origin, terms, strict=True):
            if term.use and not close(value, claimed(name, kind, term)):
                yield f"{line}: {term.value} is not what {term.use} sends"


@pytest.mark.parametrize("kind", KINDS)
@each_cell
def test_every_term_is_what_its_place_sends_at_its_step(name: str, kind: str) -> None:
    assert not list(false_lines(name, kind, told(name, kind)[0].stage("through time")))


def test_a_term_of_the_wrong_step_is_seen() -> None:
    program, *_ = told("peephole_lstm", "every")
    line = program.definitions[next(e.target for e in program if e.target.name == "bar(c)[t]")]
    *own, last = line.origin
    assert last.use
    wrong = last._replace(use=last.use._replace(equation=later(last.use.equation, -1)))
    assert len(list(false_lines("peephole_lstm", "every", (replace(line, origin=(*own, wrong)),)))) == 1
    assert len(list(false_lines("peephole_lstm", "every", (replace(line, origin=tuple(own)),)))) == 1


# ── the words ──


def reasons(name: str, **options: Any) -> str:
    """The explanation on one line, from the first group of lines on."""
    return re.sub(r"\s+", " ", load(name).through_time(**options).explain())


def test_what_comes_from_the_next_step_is_said_to() -> None:
    text = reasons("lstm")
    assert (
        "c̄[t] = h̄[t] ⊙ o[t] ⊙ (1 − tanh²(c[t])) + c̄[t+1] ⊙ f[t+1] sum of uses: c[t] feeds (6) h[t] and (4) c[t+1];"
        " no step follows the last one, where nothing arrives from it - "
    ) in text
    assert (
        "- U_fᵀ δ_f[t+1]: what step t + 1 sends to h[t]: matrix product for U_f h[t], in the pre-activation of"
        " (1) one step later, f[t+1] = σ(W_f x[t+1] + U_f h[t] + b_f)"
    ) in text
    assert "; from the loss of that step ∂ℓ[t]/∂h[t]" in text
    assert "- c̄[1] ⊙ f[1]" not in text
    assert (
        "c̄[0] = c̄[1] ⊙ f[1] what step 1 sends to c[0]: product rule for f[1] ⊙ c[0], from (4) at step 1, c[1] =" in text
    )


def test_what_is_summed_and_which_term_is_zero() -> None:
    given, zero = reasons("gru"), reasons("gru", start="zero")
    each = "every step uses U_g, so the gradient is the sum over the steps; in each, matrix product for U_g s_g1[t], in"
    for text in (given, zero):
        assert each in text
        assert "sum over the steps: what all steps use gets the sum of what every one of them sends to it" in text
    tail = re.compile(r"∂L/∂U_g = .*? (?=\(\d+\) ∂L)")
    assert re.search(tail, given)[0].rstrip().endswith("; the term t = 1 is zero where h[0] is")  # type: ignore[index]
    assert re.search(tail, zero)[0].rstrip().endswith("; the sum begins with t = 2, as h[0] is zero")  # type: ignore[index]


def test_what_is_said_of_the_last_step() -> None:
    text = reasons("lstm", loss="last")
    assert "h̄[T] = ∂ℓ[T]/∂h[T] from the loss of that step; no step follows the last, so nothing else arrives" in text
    assert "from (6) at the last step, h[T] = o[T] ⊙ tanh(c[T]); no step follows the last" in text
    delta = reasons(str(PAPERS[[p.stem for p in PAPERS].index("delta")]), loss="last")
    assert "ȳ[t] = 0 no loss reaches y[t] before the last step" in delta
    assert "only the last step sends anything to W_q: matrix product, from (10) at the last step, s_y1[T] =" in delta


def test_what_is_said_of_truncation() -> None:
    text = reasons("rnn", truncate=8)
    assert (
        "- [t mod 8 ≠ 0] Uᵀ δ_h[t+1]: what step t + 1 sends to h[t], within a block of 8 steps: matrix product" in text
    )
    assert "truncation: nothing goes back from the first step of a block to the last one of the block before it" in text


@each_cell
def test_every_line_is_numbered_and_fits(name: str) -> None:
    kind = "cut"
    text = load(name).through_time(**KINDS[kind]).explain()
    assert max(map(width_of, text.splitlines())) <= 100
    count = [int(n) for n in re.findall(r"^ *\((\d+)\)  ", text, re.MULTILINE)]
    program, _, found = told(name, kind)
    assert count == [*range(1, len(program.stage("through time")) + len(found.forward) + 1)]


# ── files ──


@pytest.mark.tex
def test_every_explanation_compiles(tmp_path: Path) -> None:
    """All cells in one document, in the notation with the most scripts."""
    kinds = [*KINDS.values()] * len(CELLS)
    texts = [load(c).through_time(**k, notation="gamma").explain("latex") for c, k in zip(CELLS, kinds, strict=False)]
    head, _, _ = texts[0].partition(r"\begin{document}")
    bodies = [text.partition(r"\begin{document}")[2].partition(r"\end{document}")[0] for text in texts]
    compiled("pdflatex", tmp_path, "\n".join([head, r"\begin{document}", *bodies, r"\end{document}"]))


@pytest.mark.parametrize("name", ["peephole_lstm", "gru", "slstm", str(PAPERS[0])], ids=lambda name: Path(name).stem)
def test_markdown_and_pages(name: str) -> None:
    recurrence = load(name).through_time(loss="last", truncate=4)
    assert_github(recurrence.explain("markdown"))
    assert_page(recurrence.explain("html"))
    assert "<code>" not in recurrence.explain("html")
