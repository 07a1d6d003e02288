"""Cells of papers that none of the views was made for: each is shown, derived, printed and turned into code."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import lstmgraph
from lstmgraph.api.catalogue import code_targets
from lstmgraph.codegen import TARGETS
from lstmgraph.codegen.identifiers import class_name
from lstmgraph.notation import notation_names
from lstmgraph.printing import DIALECTS, print_program

PAPERS = sorted((Path(__file__).parent / "reading" / "papers").glob("*.toml"))


def test_there_are_papers() -> None:
    assert len(PAPERS) >= 19


@pytest.mark.parametrize("path", PAPERS, ids=lambda path: path.stem)
def test_every_view_that_is_text(path: Path) -> None:
    cell = lstmgraph.load(str(path))
    gradient = cell.gradient()
    learnt = {f"grad({p.name})" for p in cell.parameters}
    assert {s.name for s in gradient.outputs} >= learnt
    for notation in notation_names(cell):
        assert all(f"{name}[t]" in cell.show() for name in cell.values)
        styled = cell.gradient(notation=notation)
        for dialect in DIALECTS:
            lines = print_program(gradient, dialect, styled._style).splitlines()
            assert len(lines) >= len(learnt)
        assert cell.show(notation) != ""
    for target in code_targets():
        text = cell.code(target)
        if TARGETS[target].suffix == ".py":
            names = {n.name for n in ast.walk(ast.parse(text)) if isinstance(n, (ast.FunctionDef, ast.ClassDef))}
            given = {theirs.format(cell=class_name(cell.name)) for theirs in TARGETS[target].gives.values()}
            assert names >= given, target
        elif TARGETS[target].binary:
            assert f"{cell.name} (" in text
        else:
            assert all(f"_{word}(" in text for word in ("step", "forward", "backward")), target
