"""Nothing on a page is a riddle: what is spelt in its formulas is the author's, or defined there, or in the legend.

What a page spells is heard where its names are spelt, so nothing here trusts what the page means to print.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from sympy import Expr, Integer, MatrixExpr, MatrixSymbol

from lstmgraph.algebra.names import Name, is_jacobian, name_of, quotient_of
from lstmgraph.algebra.nodes import operands
from lstmgraph.algebra.traverse import rebuild, symbols_in, walk
from lstmgraph.api.cell import Cell
from lstmgraph.calculus.counts import cost, count
from lstmgraph.notation import Notation
from lstmgraph.printing.explaining import Explanation
from lstmgraph.printing.programs import Page
from lstmgraph.printing.sections import HELPERS, shown
from lstmgraph.program import Equation
from tests.printing.forms import CELLS, FORMS, cell_of, page_of

every_cell = pytest.mark.parametrize("name", CELLS, ids=lambda name: Path(name).stem)
INDEXED = ("textbook", "reused", "stacked", "time", "tangent", "hessian")
EXPLAINED = ("textbook", "time", "last")
PAGES: dict[str, Callable[[str], str]] = {
    **{form: lambda name, form=form: str(page_of(name, form)) for form in FORMS},  # type: ignore[misc]
    **{
        f"{form}, index": lambda name, form=form: page_of(name, form).text("unicode", index=True)  # type: ignore[misc]
        for form in INDEXED
    },
    **{
        f"{form}, explained": lambda name, form=form: page_of(name, form).explain()  # type: ignore[misc,attr-defined]
        for form in EXPLAINED
    },
    "jacobian, steps": lambda name: str(cell_of(name).jacobian(steps=2)),
    "jacobian, any steps": lambda name: str(cell_of(name).jacobian(steps="G")),
}


# ── what a page says ──


def bare(name: Name) -> Name:
    """At step t, without the indices of an entry: a line of one step is that of all."""
    return replace(name if name.lag is None else name.at(0), entry=())


@dataclass
class Heard:
    """What is spelt, defined and in the legend."""

    spelt: set[Name] = field(default_factory=set)
    defined: set[Name] = field(default_factory=set)
    legend: set[Name] = field(default_factory=set)

    def says(self, symbols: Any, into: set[Name]) -> None:
        into |= {bare(name_of(s)) for s in symbols if isinstance(s, MatrixSymbol)}

    def listens(self, owner: type, method: str, hear: Callable[..., None]) -> Any:
        original = getattr(owner, method)

        def heard(this: Any, *args: Any, **options: Any) -> Any:
            hear(*args)
            return original(this, *args, **options)

        return patch.object(owner, method, heard)


def heard(printed: Callable[[], str]) -> Heard:
    """What is heard while a page is printed."""
    found = Heard()

    def spelling(name: MatrixSymbol | str, *_: object) -> None:
        found.spelt.add(bare(Name.parse(name if isinstance(name, str) else name.name)))

    def defining(what: Any, *_: object) -> None:
        found.says([getattr(what, "equation", what).target], found.defined)

    def telling(piece: object, *_: object) -> None:
        found.says([piece.target] if isinstance(piece, Equation) else [], found.defined)

    def noting(note: Any, *_: object) -> None:
        found.says(note.about, found.legend)

    with ExitStack() as stack:
        for owner, method, hear in (
            (Notation, "unicode", spelling),
            (Page, "row", defining),
            (Explanation, "row", defining),
            (Explanation, "piece", telling),
            (Page, "note", noting),
        ):
            stack.enter_context(found.listens(owner, method, hear))
        printed()
    return found


def riddles(found: Heard, cell: Cell) -> set[str]:
    """What a reader cannot know: the name, or that of which it is the Jacobian, or the cotangent."""
    lines = [s for e in cell.step for s in (e.target, *symbols_in(e.value))]
    authors = {name_of(s).base for s in (*lines, *cell.step.inputs)}
    directions = any(name.marks[:1] == ("dot",) for name in found.legend)

    def known(name: Name) -> bool:
        if not name.marks:
            return name.base in authors
        parameter = name.marks == ("dot",) and name.lag is None and directions  # which the legend tells in words
        return name in found.defined or name in found.legend or (parameter and name.base in authors)

    return {str(asked) for name in found.spelt for asked in asks(name) if not known(asked)}


def asks(name: Name) -> Iterator[Name]:
    """What one has to know of a name."""
    yield name
    if is_jacobian(name) and not quotient_of(name).whole:
        yield bare(quotient_of(name).of)
    if name.marks == ("bar", "part"):
        yield replace(name, marks=("part",))


@pytest.mark.parametrize("page", PAGES)
@every_cell
def test_every_name_is_defined_or_given(name: str, page: str) -> None:
    assert not riddles(heard(lambda: PAGES[page](name)), cell_of(name))


# ── as many multiplies as are counted ──


def written(expr: MatrixExpr, inlined: Any) -> MatrixExpr:
    """A value as it is printed."""
    if isinstance(expr, MatrixSymbol):
        return written(inlined[expr], inlined) if expr in inlined else expr
    return rebuild(expr, [written(o, inlined) for o in operands(expr)])


@pytest.mark.parametrize("form", ["textbook", "reused", "stacked", "both"])
@every_cell
def test_a_page_has_the_multiplies_that_are_counted(name: str, form: str) -> None:
    """Those of its lines as they are written; what the forward pass has computed stands above them."""
    page = page_of(name, form)
    view = shown(page._printed, page.shown)
    lines = [e for section in view.sections if section.title != HELPERS for e in section.equations]
    nodes = (node for e in lines for node in walk(written(e.value, view.inlined)))
    multiplies: Expr = sum((cost(node).multiplies for node in nodes), Integer(0))
    assert multiplies.expand() == count(page.stage("backward")).multiplies
