"""Cells from papers, written as a stranger would write them: none of them was in mind when the reader was made."""

from __future__ import annotations

from pathlib import Path

import pytest

from lstmgraph.algebra.names import name_of
from lstmgraph.algebra.shapes import show_shape
from lstmgraph.normal import normal_form
from lstmgraph.reading import dumps, load, loads

PAPERS = sorted((Path(__file__).parent / "papers").glob("*.toml"))

# file: what its author would say of the sizes that he did not give
SIZES = {
    "attn": {"W_k": "(K, K + X)", "W_e": "(K, X)", "w": "(S)", "r": "(K)"},
    "brc": {"w_a": "(H)", "U": "(H, X)"},
    "cornn": {"W": "(M, M)", "V": "(M, D)", "z": "(M)"},
    "delta": {"w": "(1, 5)", "b": "scalar", "W_v": "(V, 5)", "y": "(V)"},
    "fastgrnn": {"U": "(H, H)", "b_z": "(H)"},
    "lem": {"W_y": "(M, M)", "dt2": "(M)"},
    "lstmp": {"W_rm": "(R, C)", "W_ir": "(C, R)", "w_oc": "(C)", "b_y": "(Y)"},
    "mlstm": {"w_i": "(X)", "b_f": "scalar", "m": "scalar", "n": "(H)", "W_v": "(H, X)", "h": "(H)"},
    "mogrifier": {"Q1": "(X, H)", "R1": "(H, X)"},
    "qrnn": {"x1": "(X)", "W_z1": "(H, X)"},
    "scrn": {"B": "(C, X)", "P": "(H, C)", "V": "(Y, C)"},
    "sru": {"W": "(D, D)", "v_f": "(D)"},
}


@pytest.mark.parametrize("path", PAPERS, ids=lambda path: path.stem)
def test_a_cell_of_a_paper(path: Path) -> None:
    cell = load(str(path))
    normal_form(cell.step).check()
    assert loads(dumps(cell)).equations == cell.equations
    found = {name_of(s).base: show_shape(s.shape) for s in (*cell.inputs, *cell.parameters, *cell.values.values())}
    expected = SIZES.get(path.stem, {})
    assert {name: found[name] for name in expected} == expected


def test_the_sizes_are_of_papers_that_are_there() -> None:
    assert set(SIZES) <= {path.stem for path in PAPERS}
