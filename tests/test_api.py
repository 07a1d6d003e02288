"""The public face: lazy, few names, and a Cell whose views raise what they promise."""

from __future__ import annotations

import copy
import pickle
import re
import subprocess
import sys
from collections.abc import Callable
from inspect import isfunction
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any
from xml.etree import ElementTree

import graphviz
import numpy as np
import pytest
from sympy import MatrixSymbol

import lstmgraph
from lstmgraph import Cell, library, load, loads
from lstmgraph.api import coding, deriving
from lstmgraph.errors import CellError, UnknownName, UsageError
from lstmgraph.printing.mathml import mathml

LSTM = lstmgraph.load("lstm")


def test_every_public_name_is_there_and_no_other() -> None:
    assert set(dir(lstmgraph)) == set(lstmgraph.__all__)
    for name in lstmgraph.__all__:
        assert getattr(lstmgraph, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'lod'"):
        _ = lstmgraph.lod


@pytest.mark.parametrize("module", [deriving, coding])
def test_every_function_that_is_a_view_is_a_method(module: ModuleType) -> None:
    own = {name: f for name, f in vars(module).items() if isfunction(f) and f.__module__ == module.__name__}
    public = {name: f for name, f in own.items() if not name.startswith("_")}
    assert public
    assert public == {name: vars(Cell).get(name) for name in public}


def test_importing_loads_nothing_until_something_is_used() -> None:
    program = (
        "import sys, lstmgraph; assert 'sympy' not in sys.modules; dir(lstmgraph); lstmgraph.__version__;"
        "assert 'sympy' not in sys.modules; lstmgraph.load; assert 'sympy' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: lstmgraph.load("lstmm"), "there is no cell 'lstmm'"),
        (lambda: LSTM.draw(style="pip"), "did you mean 'pipe'"),
        (lambda: LSTM.draw(theme="shyan"), "did you mean 'shiyan'"),
        (lambda: LSTM.draw(notation="gama"), "did you mean 'gamma'"),
        (lambda: LSTM.draw(walk="step"), "did you mean 'steps'"),
        (lambda: LSTM.draw(mode="drak"), "did you mean 'dark'"),
        (lambda: LSTM.draw().data("sgv"), "did you mean 'svg'"),
        (lambda: LSTM.gradient("w_f"), "did you mean 'W_f'"),
        (lambda: LSTM.gradient(notation="gama"), "did you mean 'gamma'"),
        (lambda: LSTM.gradient().text("latx"), "did you mean 'latex'"),
        (lambda: LSTM.through_time("lsat"), "did you mean 'last'"),
        (lambda: LSTM.through_time(start="zeros"), "did you mean 'zero'"),
        (lambda: LSTM.through_time(notation="gama"), "did you mean 'gamma'"),
        (lambda: LSTM.gradient_unrolled(2, "w_f"), "did you mean 'W_f'"),
        (lambda: LSTM.lambdify("numpi"), "did you mean 'numpy'"),
        (lambda: LSTM.code("numpi"), "did you mean 'numpy'"),
        (lambda: LSTM.lambdify("numba"), "the target 'c' is compiled"),
        (lambda: LSTM.show("gama"), "did you mean 'gamma'"),
    ],
)
def test_unknown_names(call: object, words: str) -> None:
    with pytest.raises(UnknownName) as caught:
        call()  # type: ignore[operator]
    assert words in str(caught.value)


def test_counts_out_of_range_are_said() -> None:
    with pytest.raises(UsageError, match="the length of a block is a whole number from 1, got 0"):
        LSTM.through_time(truncate=0)
    with pytest.raises(UsageError, match="the number of steps is a whole number from 1, got 0"):
        LSTM.gradient_unrolled(0)


def test_steps_out_of_range_name_the_steps() -> None:
    for step in (0, 99, -1):
        with pytest.raises(UsageError, match="has the steps 1 to 7") as caught:
            LSTM.draw(step=step)
        assert "5 Squashed memory" in str(caught.value)
    with pytest.raises(UsageError, match="does not go with the style 'dag'"):
        LSTM.draw(style="dag", step=1)


def test_a_drawing_in_all_its_forms(tmp_path: Path) -> None:
    drawing = LSTM.draw()
    assert ElementTree.fromstring(drawing.svg).tag.endswith("svg")
    assert drawing.dot.startswith(("digraph", "//", "graph", "strict"))
    source = drawing.to_graphviz()
    assert isinstance(source, graphviz.Digraph)
    assert source.source.strip() == drawing.dot.strip()
    shown = drawing._repr_svg_()
    assert shown == drawing._repr_mimebundle_()["image/svg+xml"] == drawing._repr_svg_()
    (id,) = re.findall(r'<svg [^>]*id="([^"]*)"', shown)
    assert shown.replace(id, drawing.scene.id) == drawing.svg
    assert drawing.save(tmp_path / "a.svg").read_text(encoding="utf-8") == drawing.svg
    assert drawing.save(str(tmp_path / "a.DOT")).read_text(encoding="utf-8") == drawing.dot
    with pytest.raises(UsageError, match=r"no format has the suffix '\.gif'") as caught:
        drawing.save(tmp_path / "a.gif")
    assert ".svg" in str(caught.value)


@pytest.mark.parametrize("shown", [lambda cell: cell.draw(), lambda cell: cell.animate("steps")])
def test_two_versions_of_a_cell_can_be_in_one_notebook(shown: Callable[[Cell], Any]) -> None:
    """They have one name; were their ids the same, the second picture had the letters of the first."""
    old, new = (
        Cell.from_equations(f"h[t] = {f}(W @ x[t] + U @ h[t-1] + b)", sizes={"x": "X", "h": "H"}, name="mine")
        for f in ("tanh", "sigmoid")
    )
    pictures = [shown(cell)._repr_svg_() for cell in (old, new, old)]
    ids = [set(re.findall(r'\bid="([^"]*)"', picture)) for picture in pictures]
    styled = [set(re.findall(r"\.([\w-]+)\{", picture)) for picture in pictures]
    assert not ids[0] & ids[1]
    assert not styled[0] & styled[1]
    assert styled[0]
    assert pictures[0] == pictures[2]


def test_nothing_moves_between_the_frames_of_a_walk() -> None:
    frames = [LSTM.draw(step=k).scene for k in range(1, 7)]
    assert {tuple((n.id, n.at) for n in f.nodes) for f in frames} == {tuple((n.id, n.at) for n in frames[0].nodes)}
    lit = [{n.id for n in f.nodes if n.lit} for f in frames]
    assert all(a != b for a, b in pairwise(lit))
    assert len({f.id for f in frames}) == 6


def test_without_its_legend_a_drawing_is_the_same_but_lower() -> None:
    whole, bare = LSTM.draw().scene, LSTM.draw(legend=False).scene
    assert bare.nodes == whole.nodes
    assert whole.legend
    assert not bare.legend
    assert bare.size[1] < whole.size[1]
    assert all(n.at.y + n.height / 2 <= bare.size[1] for n in bare.nodes)


def test_a_gradient_prints_and_is_a_program() -> None:
    gradient = LSTM.gradient(wrt="W_f")
    assert [s.name for s in gradient.outputs] == ["grad(W_f)"]
    gradient.check()
    assert "∂L/∂W_f = δ_f x[t]ᵀ" in str(gradient)
    assert gradient.latex == gradient._repr_latex_()
    assert gradient.latex.startswith(r"\begin{align*}")
    assert gradient.markdown == gradient._repr_markdown_()
    assert {k: v.name for k, v in LSTM.gradient().seeds.items()} == {"c": "seed(c)[t]", "h": "bar(h)[t]"}
    assert "Γ" in str(LSTM.gradient(notation="gamma"))
    titles = [title for title, lines in LSTM.gradient().sections() if lines]
    assert titles[0] == "cotangents"


def test_gradients_through_time_print_and_are_programs() -> None:
    recurrence = LSTM.through_time(loss="last", truncate=8, notation="greff")
    recurrence.check()
    assert str(recurrence).startswith("Gradients through time of LSTM")
    assert "δy[T] = Δy[T]" in str(recurrence)
    assert recurrence.latex.startswith(r"\begin{align*}")
    assert [title for title, _ in recurrence.sections()][:2] == [
        "at the last step, t = T",
        "before it, from step t + 1 to step t",
    ]
    assert {o.name for o in recurrence.outputs} >= {"grad(W_f)", "bar(x)[t]", "bar(c)[0]"}
    assert repr(LSTM.through_time()).startswith("<ThroughTime of lstm: ")
    unrolled = LSTM.gradient_unrolled(3, wrt="h")
    assert [o.name for o in unrolled.check().outputs] == ["bar(h)[0]"]
    assert [title for title, _ in unrolled.sections()][:3] == ["step 3", "step 2", "step 1"]
    assert not [o for o in LSTM.gradient_unrolled(3, start="zero").outputs if o.name.endswith("[0]")]


def test_lambdified_functions_run_and_are_documented() -> None:
    functions = LSTM.lambdify()
    params = functions.init(np.random.default_rng(0), X=3, H=4)
    outputs, _, cache = functions.forward(params, np.ones((2, 5, 3)))
    assert outputs.shape == (2, 5, 4)
    d_params, _, _ = functions.backward(params, cache, np.ones_like(outputs))
    assert {k: v.shape for k, v in d_params.items()} == {k: v.shape for k, v in params.items()}
    assert all("(B" in (f.__doc__ or "") for f in (functions.step, functions.forward))
    assert functions.backward.__doc__
    assert repr(functions) == "Functions(step, forward, backward, init, shapes, source)"


def test_a_cell_from_text_goes_to_toml_and_back() -> None:
    text = "h[t] = tanh(W @ x[t] + U @ h[t-1])"
    cell = Cell.from_equations(text, name="elman", sizes={"x": "X", "h": "H"})
    again = lstmgraph.loads(cell.to_toml())
    assert isinstance(again, Cell)
    assert again.equations == cell.equations
    assert str(cell).startswith("elman\n")
    assert repr(cell) == "<Cell elman: h; 1 equations, 2 parameters>"
    assert r"\tanh" in cell._repr_latex_()
    assert Cell.from_sympy({e.target: e.value for e in cell.equations}, name="elman").equations == cell.equations


def test_a_wrong_cell_says_where() -> None:
    with pytest.raises(CellError) as caught:
        Cell.from_equations("h[t] = tanh(W @ x[t]", name="bad")
    assert str(caught.value).startswith("<bad>:1:")


def test_only_mathml_gets_into_a_page() -> None:
    assert mathml(r"\frac{a}{b}").startswith("<math")
    for hostile in (
        r"\text{<script>alert(1)</script>}",
        r"\text{<img src=x onerror=alert(1)>}",
        r"\href{javascript:1}{a}",
        "{",
    ):
        assert "<code>" in mathml(hostile) or "<script" not in mathml(hostile)
        assert "<script" not in mathml(hostile)
        assert "<img" not in mathml(hostile)
        assert "javascript" not in mathml(hostile) or mathml(hostile).startswith("<code>")


def test_equations_stand_beside_the_picture_and_over_the_legend() -> None:
    bare = LSTM.draw(walk="steps", step=1, legend=False).scene
    whole = LSTM.draw(walk="steps", step=1, equations=True).scene
    heading, *formulas = whole.labels[len(bare.labels) :]
    assert heading.text == bare.title
    assert [f.text.split("=")[0].strip() for f in formulas] == ["f_{t}"]
    right, legend = max(f.right for f in bare.frames), min(e.sample.at.y for e in whole.legend[0].entries)
    assert all(f.at.x > right and f.at.y < legend for f in formulas)


@pytest.mark.parametrize("name", ["", "2pow", "2 <b>\n", "a\n", "x" * 101, 7])
def test_a_name_that_could_not_be_read_again_is_refused(name: str) -> None:
    with pytest.raises(CellError, match="is not a name for a cell"):
        Cell.from_equations("h[t] = tanh(x[t])", sizes={"x": "X"}, name=name)


@pytest.mark.parametrize("given", [int, None, 3, ["h[t] = x[t]"], b"h[t] = x[t]"])
def test_what_is_no_text_is_no_cell(given: Any) -> None:
    for read in (Cell.from_equations, lstmgraph.loads):
        with pytest.raises(CellError, match="not from"):
            read(given)


@pytest.mark.parametrize("given", [[1], "H=3", 3, [("H", 3)], {3}])
def test_what_is_no_mapping_is_told(given: Any) -> None:
    text, x = "h[t] = a * tanh(W @ x[t])", MatrixSymbol("x[t]", 3, 1)
    for call, wanted in (
        (lambda: LSTM.code("c", sizes=given), "sizes takes a mapping from names to numbers"),
        (lambda: Cell.from_equations(text, sizes=given), "sizes takes a mapping from names to sizes"),
        (lambda: Cell.from_equations(text, constants=given), "constants takes a mapping from names to numbers"),
        (lambda: Cell.from_sympy({"h[t]": x}, constants=given), "constants takes a mapping from names to numbers"),
    ):
        with pytest.raises(UsageError, match=f"^{wanted}, not "):
            call()


@pytest.mark.onnx
@pytest.mark.parametrize("given", [[1], "H=3", 3])
def test_parameters_that_are_no_mapping_are_told(given: Any) -> None:
    with pytest.raises(UsageError, match=r"^params takes a mapping from names to arrays, not "):
        LSTM.code("onnx", params=given)


def test_short_words_in_a_terminal() -> None:
    assert repr(LSTM.draw()).startswith("<Drawing of LSTM: ")
    assert repr(LSTM.gradient("W_f")) == "<Gradient of lstm: 3 equations for grad(W_f)>"


@pytest.mark.parametrize("name", library())
def test_a_cell_is_what_its_file_says(name: str) -> None:
    cell = load(name)
    again = loads(cell.to_toml())
    assert cell == again == copy.deepcopy(cell) == pickle.loads(pickle.dumps(cell))
    assert hash(cell) == hash(again)
    assert cell != load("rnn" if name == "lstm" else "lstm")
