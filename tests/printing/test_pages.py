"""Pages as their readers meet them, of all cells in all forms: in order, as GitHub takes them, scalars in front."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lstmgraph.algebra.names import MARKS, name_of
from lstmgraph.api.cell import Cell
from lstmgraph.api.formulas import Formulas
from lstmgraph.printing.sections import _used, shown
from tests.github import REFUSED, assert_github
from tests.printing.forms import CELLS, FORMS, cell_of, page_of

every_cell = pytest.mark.parametrize("name", CELLS, ids=lambda name: Path(name).stem)
every_form = pytest.mark.parametrize("form", FORMS)
ODD = """
w[t] = softmax(W @ x[t])
a[t] = sign(h[t-1]) * sum(w[t] * h[t-1])
h[t] = relu(a[t]) + identity(U @ h[t-1])
"""


# ── in order ──


def used_too_early(page: Formulas) -> list[str]:
    """The names that a line uses and a later line defines."""
    view = shown(page._printed, page.shown)
    lines = [equation for section in view.sections for equation in section.equations]
    late = {e.target for e in lines}
    found: list[str] = []
    for line in lines:
        found += [f"{line.target}: {used}" for used in _used(line.value, view.inlined) & late]
        late.remove(line.target)
    return found


@pytest.mark.parametrize("form", [form for form in FORMS if form != "last"])  # whose groups say when lines hold
@every_cell
def test_a_name_stands_before_it_is_used(name: str, form: str) -> None:
    assert not used_too_early(page_of(name, form))


@every_form
@every_cell
def test_every_name_is_defined_or_given(name: str, form: str) -> None:
    """Defined on the page, or of the forward equations by the author's name, or an input of the program."""
    page = page_of(name, form)
    view = shown(page._printed, page.shown)
    lines = [equation for section in view.sections for equation in section.equations]
    known = {line.target for line in lines} | {*page.inputs}
    known |= {e.target for e in page.stage("forward") if not {*name_of(e.target).marks} & {*MARKS}}
    steps = {name_of(s).at(0) for s in known}  # a name of another step is that of this one
    for line in lines:
        for used in _used(line.value, view.inlined) - known:
            assert name_of(used).at(0) in steps or not name_of(used).marks, f"{line.target}: {used}"


def test_what_is_reused_stands_before_its_first_use() -> None:
    lines = lines_of(Cell.of(cell_of("lstm")).gradient().reusing())
    assert lines.index("c̄[t-1]") < lines.index("δ_f")
    lines = lines_of(Cell.of(cell_of("peephole_lstm")).jacobian())
    assert lines.index("∂c[t]/∂h[t-1]") < lines.index("∂a_o[t]/∂h[t-1]")


def lines_of(page: Formulas) -> list[str]:
    return [line.split(" = ")[0].strip() for line in str(page).splitlines() if " = " in line]


# ── what GitHub takes ──


@every_form
@every_cell
def test_markdown_that_github_renders(name: str, form: str) -> None:
    assert_github(page_of(name, form).markdown)


def test_functions_that_tex_does_not_know() -> None:
    cell = Cell.from_equations(ODD, sizes={"x": "X", "h": "H"}, notations={"mine": {"w": r"\operatorname{w}"}})
    for notation in ("plain", "mine"):
        for page in (cell.gradient(notation=notation), cell.jacobian(notation=notation)):
            assert_github(page.markdown)
            assert r"\mathrm{" in page.markdown
            assert r"\operatorname{" in page.latex
    assert_github(cell.gradient().explain("markdown"))


@pytest.mark.parametrize("macro", REFUSED)
def test_a_refused_macro_is_seen(macro: str) -> None:
    with pytest.raises(AssertionError):
        assert_github(f"$$\n\\{macro}{{a}} &= b\n$$")


# ── scalars ──


@every_form
@every_cell
def test_no_dot_beside_a_vector(name: str, form: str) -> None:
    """A dot stands between scalars only; before a number a letter is one."""
    page = page_of(name, form)
    assert not re.search(r"\S · [^\d(]", str(page)), str(page)
    assert not re.search(r"\\cdot \D", page.latex)


def test_scalars_stand_in_front() -> None:
    text = """
f[t] = sigmoid(W @ x[t])
h[t] = f[t] * h[t-1] + (1 - f[t]) * (alpha * x[t]) + x[t] * 2 * beta
"""
    cell = Cell.from_equations(text, sizes={"x": "H", "h": "H"}, constants={"alpha": 1.5, "beta": 3})
    printed = str(cell.gradient())
    assert "f̄ = h̄ ⊙ (h[t-1] − α x[t])" in printed
    assert "x̄[t] = Wᵀ δ_f + α h̄ ⊙ (1 − f) + 2 β h̄" in printed
    assert "h[t] = f[t] ⊙ h[t-1] + α (1 − f[t]) ⊙ x[t] + 2 β x[t]" in str(cell)
    assert r"\bar{f}_{t} &= \bar{h}_{t} \odot (h_{t-1} - \alpha x_{t})" in cell.gradient().latex
