"""What `cell.gradient()` returns: a Program of named equations that prints for a terminal, a paper, a notebook."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from sympy import MatrixSymbol

from lstmgraph.algebra.names import name_of
from lstmgraph.api.catalogue import FORMULAS, check_name, check_text
from lstmgraph.errors import WrongType
from lstmgraph.notation import Notation, get_notation
from lstmgraph.program import Program

if TYPE_CHECKING:
    from lstmgraph.api.cell import Cell


@dataclass(frozen=True)
class Gradient(Program):
    """The backward pass of one step, as a Program: its forward equations (stage "forward"), then the backward ones.

    Every equation is a SymPy MatrixSymbol and what it equals.  Inputs are those of the step and one cotangent for
    each of the cell's outputs; outputs are `grad(W_f)` for a parameter (its gradient), `bar(h)[t-1]` and `bar(x)[t]`
    for a previous state and an input (their cotangents).  `print(gradient)` shows the backward equations in `notation`.
    """

    cell: Cell = field(repr=False, compare=False)
    notation: str | None = None

    def __str__(self) -> str:
        return self.text("unicode").rstrip("\n")

    def text(self, format: str) -> str:
        """The backward equations as "unicode", "latex" (a whole document) or "markdown".  Raises UnknownName."""
        from lstmgraph.printing import print_program

        check_name("format", format, FORMULAS)
        title = f"Gradients of {self.cell.title or self.cell.name}"
        return print_program(self, format, self._style, standalone=True, title=title)

    @property
    def latex(self) -> str:
        """The backward equations as one `align*` environment, for a paper; `text("latex")` is a whole document."""
        from lstmgraph.printing import print_program

        return print_program(self, "latex", self._style, legend=False)

    @property
    def markdown(self) -> str:
        """The backward equations for Markdown, as GitHub and notebooks show it."""
        return self.text("markdown")

    def sections(self) -> list[tuple[str, list[str]]]:
        """The backward equations in groups, as `print` shows them: (title, LaTeX of each)."""
        from lstmgraph.printing.dialects import DIALECTS
        from lstmgraph.printing.expressions import Printer
        from lstmgraph.printing.sections import shown

        view = shown(self, "backward")
        printer = Printer(DIALECTS["latex"], self._style, inlined=view.inlined)
        return [
            (section.title, [f"{printer.text(e.target)} = {printer.text(e.value)}" for e in section.equations])
            for section in view.sections
        ]

    @cached_property
    def seeds(self) -> Mapping[str, MatrixSymbol]:
        """For each output of the cell ("h", "c") the input through which its cotangent arrives."""
        return {name_of(output).base: self.seed(output) for output in self.cell.outputs}

    @property
    def _style(self) -> Notation:
        return get_notation(self.cell, self.notation)

    def __repr__(self) -> str:
        asked = ", ".join(o.name for o in self.outputs[:4]) + (", ..." if len(self.outputs) > 4 else "")
        return f"<Gradient of {self.cell.name}: {len(self.stage('backward'))} equations for {asked or 'nothing'}>"

    def _repr_latex_(self) -> str:
        return self.latex

    def _repr_markdown_(self) -> str:
        return self.markdown


def derived(cell: Cell, wrt: Sequence[str] | None, notation: str | None) -> Gradient:
    """The gradients of a cell."""
    from lstmgraph import calculus
    from lstmgraph.api.choices import check_option

    check_option("notation", notation)
    if wrt is not None and not isinstance(wrt, Sequence):
        raise WrongType("wrt", wrt, ["a name", "a list of names", "None"])
    for name in wrt or ():
        check_text("the name of what to derive by", name)
    get_notation(cell, notation)  # an unknown one is an error here, not when it is printed
    program = calculus.gradient(cell, wrt)
    return Gradient(program.name, program.inputs, program.equations, program.outputs, cell, notation)
