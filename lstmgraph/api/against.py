"""What `cell.gradient_against(other)` returns: the backward passes of two cells, term by term."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sympy import Basic, MatrixExpr, MatrixSymbol, Symbol

from lstmgraph.algebra.names import Name, name_of, symbol
from lstmgraph.algebra.traverse import renamed
from lstmgraph.api.catalogue import FORMULAS, check_name
from lstmgraph.api.matching import matched
from lstmgraph.cell import Cell as Core
from lstmgraph.notation import Notation, get_notation
from lstmgraph.program import Equation, Program

if TYPE_CHECKING:
    from lstmgraph.api.cell import Cell


@dataclass(frozen=True, repr=False)
class GradientDifference:
    """Two gradients in the names of the first cell.

    `names` are the other cell's names where they differ, with what they are called here; `first` and `second` are the
    gradient Programs, of which `text` tells what is in both, only in the first (−), only in the second (+).
    """

    cell: Cell
    other: Cell
    first: Program
    second: Program
    names: Mapping[str, str]
    notation: str | None = None

    @property
    def title(self) -> str:
        return f"Gradients of {self.cell.title or self.cell.name} against {self.other.title or self.other.name}"

    def __str__(self) -> str:
        return self.text("unicode").rstrip("\n")

    def __repr__(self) -> str:
        return f"<GradientDifference of {self.cell.name} and {self.other.name}>"

    def text(self, format: str) -> str:
        """Every equation of either as "unicode", "markdown", "latex" or "html".  Raises UnknownName."""
        from lstmgraph.printing.differences import print_difference

        check_name("format", format, FORMULAS)
        form = "unicode" if format == "unicode" else "latex"
        spell = (getattr(get_notation(self.other, self.notation), form), getattr(self._style, form))
        names = [(spell[0](their), spell[1](our)) for their, our in self.names.items()]
        same = self.cell.name == self.other.name
        one, two = ("the first ", "the second ") if same else ("", "")
        called = (one + self.cell.name, two + self.other.name)
        style = self._style
        return print_difference(self.first, self.second, format, style, title=self.title, called=called, names=names)

    def _repr_markdown_(self) -> str:
        return self.text("markdown")

    def terms(self) -> list[tuple[MatrixSymbol, tuple[MatrixExpr, ...], tuple[MatrixExpr, ...]]]:
        """For each equation that differs its target, the terms of the first only, and those of the second only."""
        from lstmgraph.printing.differences import compared

        found = (c for _, group in compared(self.first, self.second) for c in group)
        return [(c.target, c.first, c.second) for c in found if c.first or c.second]

    @property
    def _style(self) -> Notation:
        """The notation of the first cell, which knows the letters that only the other one has as well."""
        ours, theirs = (get_notation(c, self.notation) for c in (self.cell, self.other))
        return replace(
            ours,
            letters={**theirs.letters, **ours.letters},
            indices={**theirs.indices, **ours.indices},
            computed=ours.computed | theirs.computed,
        )


def against(cell: Cell, other: Cell, notation: str | None) -> GradientDifference:
    """The gradients of two cells, with the names of the first."""
    first, second = cell.gradient(notation=notation), other.gradient()
    found = matched(cell, other)
    known = {*cell.values, *(s.name for s in cell.step.inputs), *(name_of(s).base for s in cell.step.inputs)}
    fresh = {b: f"{b}_prime" for b in _bases(other) if b not in found and b in known}
    translated = _Translation(first, {**found, **fresh}, _sizes(cell, other, found)).run(second)
    return GradientDifference(cell, other, first, translated, {b: a for b, a in found.items() if a != b}, notation)


def _bases(cell: Core) -> list[str]:
    return [name_of(s).base for s in (*cell.step.inputs, *cell.values.values())]


def _sizes(cell: Core, other: Core, found: Mapping[str, str]) -> dict[Basic, Basic]:
    """The sizes of the other cell, as they are called here."""
    ours = {name_of(s).base: s for s in (*cell.values.values(), *cell.step.inputs)}
    sizes: dict[Basic, Basic] = {}
    for theirs in (*other.values.values(), *other.step.inputs):
        if (our := ours.get(found.get(name_of(theirs).base, ""))) is not None:
            for a, b in zip(our.shape, theirs.shape, strict=True):
                if isinstance(b, Symbol):
                    sizes.setdefault(b, a)
    return sizes


class _Translation:
    """A program with other names; a value that its author did not name is called as one with the same definition."""

    def __init__(self, model: Program, bases: Mapping[str, str], sizes: Mapping[Basic, Basic]) -> None:
        self.bases, self.sizes = dict(bases), sizes
        self.parts = {name_of(e.target).base: e.value for e in model if name_of(e.target).marks == ("part",)}

    def run(self, program: Program) -> Program:
        equations = tuple(map(self.equation, program))
        inputs, outputs = (tuple(map(self.symbol, group)) for group in (program.inputs, program.outputs))
        return Program(program.name, inputs, equations, outputs)

    def equation(self, equation: Equation) -> Equation:
        value = renamed(equation.value.xreplace(dict(self.sizes)), self.symbol)
        name = name_of(equation.target)
        if name.marks == ("part",):
            self.bases[name.base] = self.part(name.base, value)
        return Equation(self.symbol(equation.target), value, stage=equation.stage)

    def part(self, base: str, value: MatrixExpr) -> str:
        owner = self.bases.get(base.partition(".")[0], base.partition(".")[0])
        same = next((b for b, v in self.parts.items() if v == value and b.partition(".")[0] == owner), None)
        if same:
            return same
        count = sum(b.partition(".")[0] == owner for b in self.parts)
        self.parts[f"{owner}.{count + 1}"] = value
        return f"{owner}.{count + 1}"

    def symbol(self, given: MatrixSymbol) -> MatrixSymbol:
        name: Name = name_of(given)
        shape = tuple(side.xreplace(dict(self.sizes)) for side in given.shape)
        return symbol(replace(name, base=self.bases.get(name.base, name.base)), (shape[0], shape[1]))
