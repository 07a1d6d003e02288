"""On every page a name stands for one symbol: of all cells, nasty ones among them, in all forms and notations."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from sympy import MatrixSymbol

from lstmgraph.notation import Time, get_notation, notation_names
from lstmgraph.printing.programs import OF_ONE_STEP
from lstmgraph.program import Program
from tests.printing.forms import CELLS, FORMS, cell_of, page_of


def doubles(program: Program, spell: Callable[[MatrixSymbol], str]) -> dict[str, list[str]]:
    """What is spelt as several symbols are."""
    found: dict[str, list[str]] = defaultdict(list)
    for symbol in dict.fromkeys((*program.inputs, *(e.target for e in program))):
        found[spell(symbol)].append(symbol.name)
    return {text: names for text, names in found.items() if len(names) > 1}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", CELLS, ids=lambda name: Path(name).stem)
def test_every_name_stands_for_one_symbol(name: str, form: str) -> None:
    cell = cell_of(name)
    program = page_of(name, form)
    time: Time = "implicit" if program.equations[-1].stage in OF_ONE_STEP else "explicit"
    for notation in notation_names(cell):
        style = get_notation(cell, notation)
        assert not doubles(program, style.latex), notation
        assert not doubles(program, partial(style.unicode, time=time)), notation
