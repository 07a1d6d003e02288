"""Explanations and formulas as files: LaTeX that compiles, Markdown that GitHub renders, pages without scripts."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

import pytest

from lstmgraph.api.cell import Cell, load
from lstmgraph.api.formulas import Formulas
from lstmgraph.printing.mathml import mathml, mathml_table
from lstmgraph.printing.programs import Row
from lstmgraph.reading import library
from tests.github import assert_github
from tests.tex import compiled

PAPERS = sorted((Path(__file__).parents[1] / "reading" / "papers").glob("*.toml"))
CELLS = (*library(), *map(str, PAPERS))
each_cell = pytest.mark.parametrize("name", CELLS, ids=lambda name: Path(name).stem)
SPACE = "{http://www.w3.org/1998/Math/MathML}"
WORDS = """
    gate_in[t] = sigmoid(W_in @ x[t] + lambda_)
    c_tilde[t] = tanh(W_c_tilde @ x[t] + 2 * hidden[t-1])
    hidden[t] = gate_in[t] * c_tilde[t] + (1 - gate_in[t]) * hidden[t-1]
"""


@cache
def cell_of(name: str) -> Cell:
    if name == "words":
        return Cell.from_equations(WORDS, title="50% <b>of</b> a_b & {c}", sizes={"x": "X", "hidden": "H"})
    return load(name)


# ── LaTeX ──


@pytest.mark.tex
@pytest.mark.parametrize("engine", ["pdflatex", "lualatex"])
@pytest.mark.parametrize("name", ["peephole_lstm", "words"])
def test_an_explanation_compiles(engine: str, name: str, tmp_path: Path) -> None:
    log = compiled(engine, tmp_path, cell_of(name).gradient().explain("latex"))
    assert "Output written on paper.pdf" in log
    assert "Overfull \\hbox" not in log


@pytest.mark.tex
def test_every_explanation_compiles(tmp_path: Path) -> None:
    """All cells in one document, in the notation with the most scripts."""
    texts = [cell_of(name).gradient(notation="gamma").explain("latex") for name in CELLS]
    head, _, _ = texts[0].partition(r"\begin{document}")
    bodies = [text.partition(r"\begin{document}")[2].partition(r"\end{document}")[0] for text in texts]
    compiled("pdflatex", tmp_path, "\n".join([head, r"\begin{document}", *bodies, r"\end{document}"]))


@each_cell
def test_latex_is_ascii(name: str) -> None:
    assert cell_of(name).gradient().explain("latex").isascii()


# ── Markdown ──


@each_cell
def test_markdown_that_github_renders(name: str) -> None:
    """GitHub's Markdown goes first: it takes escaped punctuation apart, and underscores for emphasis."""
    text = cell_of(name).gradient().explain("markdown")
    assert_github(text)


def test_words_in_markdown() -> None:
    gradient = cell_of("words").gradient()
    assert_github(gradient.markdown)
    assert_github(gradient.explain("markdown"))
    assert r"2 \thinspace \mathrm{hidden} _{t-1}" in gradient.explain("markdown")


# ── HTML and MathML ──


@each_cell
def test_a_page_is_native_mathml_without_scripts(name: str) -> None:
    gradient = cell_of(name).gradient()
    for page in (gradient.explain("html"), gradient.text("html", numbered=True)):
        assert_page(page)
        assert "<code>" not in page, "a formula that could not be converted"


def assert_page(page: str) -> None:
    assert page.startswith('<!DOCTYPE html>\n<html lang="en">')
    tree = ElementTree.fromstring(well_formed(page))
    tags = {element.tag for element in tree.iter()}
    assert not {"script", "link", "img", "iframe"} & tags
    assert not re.search(r"https?://(?!www\.w3\.org/1998/Math/MathML)", page)
    assert (tree.findtext("head/title") or "").strip() == (tree.findtext("body/h1") or "").strip() != ""
    assert "prefers-color-scheme: dark" in page
    assert 'name="viewport"' in page
    ids = [element.get("id") for element in tree.iter() if element.get("id")]
    assert len(set(ids)) == len(ids)
    assert {a.get("href") for a in tree.iter("a")} <= {f"#{id}" for id in ids}


def well_formed(page: str) -> str:
    """As XML: void elements closed, named characters spelt."""
    text = page.removeprefix("<!DOCTYPE html>").replace("&nbsp;", " ")
    return re.sub(r"<(meta)([^>]*[^/])>", r"<\1\2/>", text)


KINDS: dict[str, Callable[[Cell], Formulas]] = {
    "through time": lambda cell: cell.through_time(loss="last"),
    "unrolled": lambda cell: cell.gradient_unrolled(2),
    "tangent": lambda cell: cell.tangent(wrt=["h"]),
    "Hessian": lambda cell: cell.hessian_vector(wrt=["h"]),
    "Jacobian": lambda cell: cell.jacobian(),
    "reusing": lambda cell: cell.gradient().reusing(),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["peephole_lstm", "slstm"])
def test_whatever_is_derived_is_a_page_and_a_block(kind: str, name: str) -> None:
    derived = KINDS[kind](cell_of(name))
    page = derived.text("html", numbered=True)
    assert_page(page)
    assert "<code>" not in page
    assert ElementTree.fromstring(derived.mathml).tag == f"{SPACE}math"


def test_what_browsers_set_otherwise_than_tex() -> None:
    """A function's name is no operator with space around it, bars are brackets, a circled dot is no large operator, and
    a bar over a word is as long as the word.
    """
    assert mathml(r"\overline{\mathrm{hidden}}_{t}").count("border-top") == 1
    text = mathml(r"\operatorname{softmax}(a) \odot \lvert b \rvert \, \mathbf{1}")
    assert "<mi>softmax</mi>" in text
    assert '<mo largeop="false">&#x02299;</mo>' in text
    assert text.count('fence="true"') == 2
    assert "&#x1D7CF;" in text


@pytest.mark.parametrize(
    ("latex", "spaces"),
    [
        (r"a_{t} \operatorname{step}(b)", 1),
        (r"\operatorname{diag}(a) \operatorname{sgn}(b)", 1),
        (r"\frac{1}{2} \tanh^{2}(b)", 1),
        (r"\left( \frac{a}{b} \right) \log(c) \exp(d)", 2),
        (r"a \odot \operatorname{step}(b) - \operatorname{sgn}(c)", 0),
        (r"\max(\tanh(a), \frac{\log(a)}{\exp(b)})", 0),
        (r"x_\max + x_{\mathrm{in}}", 0),
    ],
)
def test_a_function_has_a_thin_space_between_it_and_a_factor(latex: str, spaces: int) -> None:
    text = mathml(latex)
    assert text.count('<mspace width="0.167em" />') == spaces
    assert len(ElementTree.fromstring(text)) == 1
    for scripted in ElementTree.fromstring(text).iter(f"{SPACE}msub"):
        assert len(scripted) == 2


def test_a_title_is_escaped_in_a_page() -> None:
    page = cell_of("words").gradient().explain("html")
    assert_page(page)
    assert "50% &lt;b&gt;of&lt;/b&gt; a_b &amp; {c}" in page


def test_a_block_of_mathml_has_every_equation_aligned() -> None:
    gradient = cell_of("lstm").gradient()
    tree = ElementTree.fromstring(gradient.mathml)
    rows = list(tree.iter(f"{SPACE}mtr"))
    assert tree.tag == f"{SPACE}math"
    assert len(rows) == len(gradient.stage("backward"))
    assert all(len(row) == 2 and "right" in (row[0].get("style") or "") for row in rows)
    assert "eq-" not in gradient.mathml


def test_a_long_equation_goes_on_in_the_next_row() -> None:
    table = mathml_table([Row("a", ["b", "+ c"], "(7)"), Row("d", ["e"], "(8)")])
    rows = ElementTree.fromstring(table).findall(f"{SPACE}mtable/{SPACE}mtr")
    assert [row.get("id") for row in rows] == ["eq-7", None, "eq-8"]
    assert ["".join(row.itertext()) for row in rows] == ["(7)a=b", "+c", "(8)d=e"]
    assert len({len(row) for row in rows}) == 1


def test_bold_letters_and_bars_over_several() -> None:
    """Chromium knows no variants, and makes no bar longer."""
    text = mathml(r"\boldsymbol{\Delta t} + \boldsymbol{W} + \boldsymbol{\alpha} + \overline{\Delta t}")
    assert all(letter in text for letter in "𝜟𝒕𝑾𝜶")
    assert "bold-italic" not in text
    assert "border-top" in text
    assert "&#x02015;" not in text
