"""The cell file, there and back."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import MatAdd

from lstmgraph.algebra.names import size, symbol
from lstmgraph.algebra.nodes import Fill, Slice
from lstmgraph.cell import Cell, WalkStep
from lstmgraph.errors import CellError
from lstmgraph.program import Equation
from lstmgraph.reading import dumps, from_equations, library, load, loads
from lstmgraph.reading.assemble import Parts
from lstmgraph.reading.toml import _KEYS

FULL = '''
name    = "small"
title   = "A small \\"cell\\""
sources = ["A", "B \\\\ C"]
output  = "y"

equations = """
c[t] = k * c[t-1] + tanh(W @ x[t])   # memory
y[t] = sigmoid(c[t]) * c[t]          # "output" \\\\ end
"""

[sizes]
x = 3
c = ["H", 1]

[constants]
k = 0.5

[roles]
y = "output"

[notation.mine]
c = '\\tilde{c}'
W = "V"

[[walks.mine]]
title    = "First"
computes = ["tanh(W @ x[t])", "sigmoid(c[t])"]
shows    = ["c[t-1]"]

[[walks.mine]]
computes = ["y"]
'''


def same(one: Cell, other: Cell) -> None:
    """Every field, and the notes, which equations do not compare."""
    for field in fields(Cell):
        assert getattr(one, field.name) == getattr(other, field.name), field.name
    assert [e.note for e in one.equations] == [e.note for e in other.equations]


def test_every_key() -> None:
    cell = loads(FULL)
    assert (cell.name, cell.title, cell.output) == ("small", 'A small "cell"', "y")
    assert cell.sources == ("A", "B \\ C")
    assert cell.constants == {"k": 0.5}
    assert cell.roles_given == {"y": "output"}
    assert cell.notations == {"mine": {"c": r"\tilde{c}", "W": "V"}}
    assert [e.note for e in cell.equations] == ["memory", '"output" \\ end']
    assert [str(s) for s in cell.sizes] == ["H"]
    first, second = cell.walks["mine"]
    assert (first.title, second.title) == ("First", "y")
    assert [str(x) for x in first.computed] == ["Tanh(W*x[t])", "Sigmoid(c[t])"]
    assert [str(x) for x in (*first.shown, *second.computed)] == ["c[t-1]", "y[t]"]
    same(loads(dumps(cell)), cell)


def test_every_key_is_a_field() -> None:
    assert {field for field, _ in _KEYS.values()} == {f.name for f in fields(Parts)} - {"where"}


def test_only_equations_are_needed(tmp_path: Path) -> None:
    path = tmp_path / "my cell.v2.toml"
    path.write_text('equations = "s[t] = s[t-1] + x[t]"\nsizes.x = "X"', encoding="utf-8")
    cell = load(str(path))
    assert (cell.name, cell.output, cell.title, dict(cell.walks)) == ("my_cell_v2", "s", "", {})
    assert loads('equations = "y[t] = tanh(1)"').values["y"].shape == (1, 1)


def test_a_list_of_equations_and_a_single_source() -> None:
    cell = loads('sources = "A"\nequations = ["y[t] = x[t]", "z[t] = y[t]"]\nsizes = {x = "X"}')
    assert (cell.sources, cell.output) == (("A",), "z")


def test_windows_lines_and_a_byte_order_mark() -> None:
    same(loads("\ufeff" + FULL.replace("\n", "\r\n")), loads(FULL))


@pytest.mark.parametrize("name", library())
def test_the_library_survives_being_written(name: str) -> None:
    cell = load(name)
    text = dumps(cell)
    same(loads(text), cell)
    assert dumps(loads(text)) == text


def test_a_default_walk_is_there() -> None:
    walk = load("lstm").all_walks["steps"]
    assert [s.computes for s in walk] == [("f",), ("i",), ("g",), ("c",), ("o",), ("h",)]
    assert walk[0].title == "forget gate"


def test_a_cell_without_given_sizes_is_written_with_those_it_needs() -> None:
    H = size("H")
    x, W, y, z = (symbol(name, (H, H)) for name in ("x[t]", "W", "y[t]", "z[t]"))
    cell = Cell("outer", (Equation(y, Fill(2, H, H)), Equation(z, MatAdd(x, W))), "y")
    again = loads(dumps(cell))
    assert again.equations == cell.equations
    assert 'x = ["H", "H"]' in dumps(cell)


def test_what_the_language_cannot_say_is_an_error() -> None:
    H, one = size("H"), size(1)
    x = symbol("x[t]", (H, one))
    with pytest.raises(CellError, match="no spelling"):
        dumps(Cell("part", (Equation(symbol("y[t]", (size(2), one)), Slice(x, 0, 2)),), "y"))


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
notes = texts.map(lambda s: " ".join("".join(c if c.isprintable() else " " for c in s).replace("#", "").split()))
letters = st.sampled_from(["y", r"\tilde{y}", r"\mathrm{out}_1", "ψ", r"\Gamma_{u}", "a'", '"'])
names = st.from_regex(r"[a-zA-Z][a-zA-Z0-9]{0,3}", fullmatch=True).filter(lambda s: s != "t" and s != "step")


@settings(max_examples=60)
@given(texts, st.lists(texts, max_size=2), notes, st.dictionaries(names, letters, max_size=1), texts, st.floats(-9, 9))
def test_any_text_survives(
    title: str, sources: list[str], note: str, notation: dict[str, str], step: str, constant: float
) -> None:
    cell = from_equations(
        f"y[t] = k * x[t]  # {note}",
        sizes={"x": "X"},
        constants={"k": constant},
        title=title,
        sources=sources,
        notations={key: {"y": value} for key, value in notation.items()},
        walks={"w": [WalkStep(step, ("y",))]},
    )
    same(loads(dumps(cell)), cell)
    assert cell.equations[0].note == note
