"""Two derived programs beside each other: which terms both have, and which only one of them.

Equations are the same where their targets are; terms where they are equal but for the order of factors and summands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from html import escape
from typing import TypeVar

from sympy import Basic, MatAdd, MatrixExpr, MatrixSymbol

from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.names import name_of
from lstmgraph.algebra.traverse import renamed
from lstmgraph.notation import Notation
from lstmgraph.printing.expressions import printer_of
from lstmgraph.printing.legend import MANY, Note
from lstmgraph.printing.programs import PAGES, Page, Row, escaped, escaped_in_markdown
from lstmgraph.printing.sections import Shown, shown
from lstmgraph.program import Program, Stage

BOTH, FIRST, SECOND = " ", "−", "+"
Terms = tuple[MatrixExpr, ...]
Item = TypeVar("Item")


@dataclass(frozen=True)
class Compared:
    """An equation of one program or of both, its terms in the order that each has."""

    target: MatrixSymbol
    both: Terms = ()
    first: Terms = ()
    second: Terms = ()


def compared(a: Program, b: Program, stage: Stage = "backward") -> list[tuple[str, list[Compared]]]:
    """The equations of two programs in groups, as they are shown."""
    return _Comparison(shown(a, stage), shown(b, stage)).sections()


Formula = Callable[[str], str]
# What becomes of words on a page.
_PLAIN: Mapping[str, Formula] = {"latex": escaped, "html": escape, "markdown": escaped_in_markdown}


def print_difference(
    a: Program,
    b: Program,
    dialect: str,
    notation: Notation,
    *,
    stage: Stage = "backward",
    title: str = "",
    called: tuple[str, str] = ("the first", "the second"),
    names: Iterable[tuple[str, str]] = (),
) -> str:
    """Two programs of one notation, which are `called` so; `names` are spelt ones of the second and what they are here.

    A sign before an equation or a part of one tells that only one program has it.
    """
    comparison = _Comparison(shown(a, stage), shown(b, stage))
    printer = printer_of(dialect, notation, "implicit", comparison.inlined)
    view = replace(comparison.a, inlined=comparison.inlined, notes=comparison.notes)
    plain = _PLAIN.get(dialect, str)
    page = _Page(
        printer,
        view,
        standalone=True,
        legend=True,
        title=title,
        comparison=comparison,
        called=(plain(called[0]), plain(called[1])),
        names=tuple(names),
        resized=tuple(_resized(a, b)),
    )
    return PAGES[dialect](page)


def _resized(a: Program, b: Program) -> Iterator[MatrixSymbol]:
    """What both programs take, in other sizes."""
    shapes = {s.name: s.shape for s in b.inputs}
    return (s for s in a.inputs if not name_of(s).marks and shapes.get(s.name, s.shape) != s.shape)


@dataclass(frozen=True)
class _Comparison:
    a: Shown
    b: Shown

    @property
    def inlined(self) -> Mapping[MatrixSymbol, MatrixExpr]:
        return {**self.b.inlined, **self.a.inlined}

    @property
    def notes(self) -> tuple[Note, ...]:
        """The legend of the first, and what is new in that of the second."""
        known = {_called(x) for note in self.a.notes for x in note.about}
        new = []
        for note in self.b.notes:
            kept = [k for k, x in enumerate(note.about) if _called(x) not in known]
            of = tuple(note.of[k] for k in kept) if len(note.of) == len(note.about) else note.of
            new += [replace(note, about=tuple(note.about[k] for k in kept), of=of)] if kept else []
        return (*self.a.notes, *new)

    def sections(self) -> list[tuple[str, list[Compared]]]:
        spelt = {e.target.name: e.target for side in (self.b, self.a) for s in side.sections for e in s.equations}
        ours, theirs = (
            {s.title: {spelt[e.target.name]: e.value for e in s.equations} for s in side.sections}
            for side in (self.a, self.b)
        )
        return [(t, list(self.group(ours.get(t, {}), theirs.get(t, {})))) for t in _merged(list(ours), list(theirs))]

    def group(
        self, ours: Mapping[MatrixSymbol, MatrixExpr], theirs: Mapping[MatrixSymbol, MatrixExpr]
    ) -> Iterator[Compared]:
        for target in _merged(list(ours), list(theirs)):
            first = _terms(ours[target]) if target in ours else ()
            second = list(_terms(theirs[target])) if target in theirs else []
            same: list[MatrixExpr] = []
            only: list[MatrixExpr] = []
            for term in first:
                found = next((s for s in second if self.key(s) == self.key(term)), None)
                (only if found is None else same).append(term)
                if found is not None:
                    second.remove(found)
            yield Compared(target, tuple(same), tuple(only), tuple(second))

    def key(self, expr: Basic) -> str:
        """Equal for what is equal but for the order of factors and summands."""
        return _key(renamed(expr, self.definition))

    def definition(self, symbol: MatrixSymbol) -> MatrixExpr:
        found = self.inlined.get(symbol)
        return symbol if found is None else renamed(found, self.definition)


def _called(what: MatrixSymbol | type) -> str | type:
    return what if isinstance(what, type) else what.name


def _merged(ours: list[Item], theirs: list[Item]) -> list[Item]:
    """Both lists in one: what only the second has stands behind what it stands behind there, and what only the first
    has before it.
    """
    found = list(ours)
    for k, item in enumerate(theirs):
        if item not in ours:
            at = found.index(theirs[k - 1]) + 1 if k else 0
            while at < len(found) and found[at] not in theirs:
                at += 1
            found.insert(at, item)
    return found


def _terms(value: MatrixExpr) -> Terms:
    return tuple(value.args) if isinstance(value, MatAdd) else (value,)


def _key(expr: Basic) -> str:
    if isinstance(expr, MatrixSymbol):
        return str(expr.name)  # whatever its sizes, which the legend tells
    parts = [_key(a) for a in (expr.args[:1] if isinstance(expr, n.Fill) else expr.args)]
    if isinstance(expr, (MatAdd, n.Hadamard)):
        parts.sort()
    return f"{type(expr).__name__}({', '.join(parts)})" if parts else str(expr)


@dataclass(frozen=True)
class _Page(Page):
    """A page whose rows are marked: in both programs, in the first one only, in the second one only."""

    comparison: _Comparison | None = None
    called: tuple[str, str] = ("", "")
    names: tuple[tuple[str, str], ...] = ()
    resized: tuple[MatrixSymbol, ...] = ()

    @cached_property
    def sections(self) -> list[tuple[str, list[Row]]]:
        assert self.comparison is not None
        found = [(title, [r for c in group for r in self.told(c)]) for title, group in self.comparison.sections()]
        return [(title, self.lined(rows)) for title, rows in found]

    def notes(self, formula: Formula = str) -> list[str]:
        signs = (self.printer.dialect.minus, SECOND)
        words = [f"{formula(sign)}: only in {name}" for sign, name in zip(signs, self.called, strict=True)]
        if self.names:
            pairs = ", ".join(f"{formula(theirs)} is {formula(ours)}" for theirs, ours in self.names)
            words.append(f"what {self.called[1]} calls otherwise: {pairs}")
        if self.resized:
            about = ", ".join(formula(self.printer.text(s)) for s in self.resized[:MANY])
            more = ", ..." if len(self.resized) > MANY else ""
            words.append(f"of another size in {self.called[1]}, which makes no difference here: {about}{more}")
        return [*words, *super().notes(formula)]

    def told(self, found: Compared) -> Iterator[Row]:
        left = self.printer.text(found.target)
        sides = ((BOTH, found.both), (FIRST, found.first), (SECOND, found.second))
        for mark, terms in sides:
            if terms:
                yield self.line("" if found.both and mark != BOTH else left, terms, mark)

    def line(self, left: str, terms: Terms, mark: str) -> Row:
        text = self.printer.text(terms[0] if len(terms) == 1 else MatAdd(*terms))
        if not left:
            minus = self.printer.dialect.minus
            text = f"{minus} {text.removeprefix(minus)}" if text.startswith(minus) else f"+ {text}"
        sign = mark if self.printer.dialect.name == "unicode" else mark.replace("−", "-")
        return Row(left, [text], "", sign)
