"""The cells that come with lstmgraph, and where else cells are loaded from."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest

from lstmgraph.errors import CellError, UnknownName, UsageError
from lstmgraph.reading import library, load, loads, read
from lstmgraph.roles import roles

# name: states, inputs, number of parameters, roles of the values
EXPECTED = {
    "cifg": ("c h", 9),
    "gru": ("h", 9),
    "gru_reset_after": ("h", 10),
    "indrnn": ("h", 3),
    "lstm": ("c h", 12),
    "lstm97": ("c h", 9),
    "mgu": ("h", 6),
    "min_gru": ("h", 2),
    "peephole_lstm": ("c h", 15),
    "peephole_lstm_full": ("c h", 15),
    "rnn": ("h", 3),
    "slstm": ("m c n h", 12),
}


def test_the_library_has_these_cells() -> None:
    assert library() == tuple(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_a_cell_of_the_library(name: str) -> None:
    cell = load(name)
    states, parameters = EXPECTED[name]
    assert cell.name == name
    assert " ".join(s.name for s in cell.states) == states
    assert [str(x) for x in cell.inputs] == ["x[t]"]
    assert len(cell.parameters) == parameters
    assert cell.output == "h"
    assert [str(s) for s in cell.sizes] == ["X", "H"]
    assert cell.title
    assert cell.sources
    assert all(e.note for e in cell.equations)
    assert set(roles(cell)) == {"x", *cell.values}


def test_the_walks_of_the_two_documents() -> None:
    assert [s.title for s in load("peephole_lstm").walks["shi_yan"]] == [
        "Memory pipe",
        "Forget valve",
        "New-memory valve and new memory",
        "The two valves and the sum",
        "Output",
    ]
    pipe = load("peephole_lstm").walks["shi_yan"][0]
    assert pipe.computed == ()
    assert [str(s) for s in pipe.shown] == ["c[t-1]", "Hadamard(f[t], c[t-1])", "c[t]"]
    steps = load("lstm").walks["gamma"]
    assert [str(s.computed[0]) for s in steps] == ["f[t]", "g[t]", "i[t]", "c[t]", "Tanh(c[t])", "o[t]", "h[t]"]


@pytest.mark.parametrize("name", ["lstm", "peephole_lstm"])
def test_the_notations_of_the_documents(name: str) -> None:
    notations = load(name).notations
    assert set(notations) == {"olah", "gamma", "greff"}
    assert (notations["olah"]["c"], notations["gamma"]["i"], notations["greff"]["g"]) == ("C", r"\Gamma_u", "z")


def test_a_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('equations = "y[t] = x[t]"\nsizes.x = "X"', encoding="utf-8")
    assert load(str(path)).name == "mine"
    path.write_text('equations = "y[t] = x(t)"', encoding="utf-8")
    with pytest.raises(CellError) as caught:
        load(str(path))
    assert str(caught.value).startswith(f"{path}:1:21: ")


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b'equations = "y[t] = x[t]"\nsizes.x = 2')))
    assert load("-").equations == loads('equations = "y[t] = x[t]"\nsizes.x = 2').equations


@pytest.mark.parametrize(
    ("given", "kind", "hint"),
    [
        ("lsmt", UnknownName, "did you mean 'lstm'?"),
        ("", UnknownName, "known: cifg"),
        ("lstm.toml", UsageError, "the library has 'lstm'"),
        ("nowhere/cell.toml", UsageError, "standard input"),
        ("a\0b", UnknownName, "known"),
        ("x" * 5000, UnknownName, "known"),
    ],
)
def test_what_is_not_there(given: str, kind: type[UsageError], hint: str) -> None:
    with pytest.raises(kind) as caught:
        load(given)
    assert hint in caught.value.hint
    assert caught.value.exit_code == 2


def test_the_names_of_the_library_need_no_sympy() -> None:
    code = "import sys, lstmgraph.reading as r; assert r.library() and r.read('lstm'); sys.exit('sympy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_reading_gives_the_text() -> None:
    text, source, name = read("lstm")
    assert (source, name) == ("lstm.toml", "lstm")
    assert "f[t] * c[t-1] + i[t] * g[t]" in text
