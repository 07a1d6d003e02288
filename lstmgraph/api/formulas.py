"""A derived Program that prints, in the notation of its cell, for a terminal, a paper, a notebook.

What a transform makes of a cell is a subclass here: it says which stage of the Program is shown and under which title.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar

from lstmgraph.api.catalogue import FORMULAS, check_name
from lstmgraph.normal import normal_form
from lstmgraph.notation import Notation, get_notation
from lstmgraph.program import Equation, Program, Stage

if TYPE_CHECKING:
    from lstmgraph.api.cell import Cell


@dataclass(frozen=True, repr=False)
class Formulas(Program):
    """Every equation is a SymPy MatrixSymbol and what it equals.  `print` shows those of one stage in `notation`."""

    cell: Cell = field(repr=False, compare=False)
    notation: str | None = None

    shown: ClassVar[Stage] = "backward"
    words: ClassVar[str] = "Formulas"

    @property
    def title(self) -> str:
        return f"{self.words} of {self.cell.title or self.cell.name}"

    def __str__(self) -> str:
        return self.text("unicode").rstrip("\n")

    def text(self, format: str, numbered: bool = False, index: bool = False) -> str:
        """The equations as "unicode", "markdown", "latex" or "html", these two as whole documents.

        `index` adds to each equation the same entry by entry, with indices and sums.  Raises UnknownName.
        """
        from lstmgraph.printing import print_program

        check_name("format", format, FORMULAS)
        style, title = self._style, self.title
        return print_program(
            self._printed, format, style, self.shown, standalone=True, title=title, numbered=numbered, index=index
        )

    @property
    def latex(self) -> str:
        """The equations as one `align*` environment, for a paper; `text("latex")` is a whole document."""
        from lstmgraph.printing import print_program

        return print_program(self._printed, "latex", self._style, self.shown, legend=False)

    @property
    def markdown(self) -> str:
        """The equations for Markdown, as GitHub and notebooks show it."""
        return self.text("markdown")

    @property
    def mathml(self) -> str:
        """The equations as one MathML block, for a page of your own; `text("html")` is a whole document."""
        from lstmgraph.printing.programs import print_mathml

        return print_mathml(self._printed, self._style, self.shown)

    def sections(self) -> list[tuple[str, list[str]]]:
        """The equations in groups, as `print` shows them: (title, LaTeX of each)."""
        from lstmgraph.printing.dialects import DIALECTS
        from lstmgraph.printing.expressions import Printer
        from lstmgraph.printing.sections import shown

        view = shown(self._printed, self.shown)
        printer = Printer(DIALECTS["latex"], self._style, inlined=view.inlined)
        return [
            (
                self._style.said(section.title),
                [f"{printer.text(e.target)} = {printer.text(e.value)}" for e in section.equations],
            )
            for section in view.sections
        ]

    @property
    def _printed(self) -> Program:
        """The program with the definition of every name in it: one that it does not compute may be in another name."""
        return self

    @property
    def _with_step(self) -> Program:
        """With all equations of the step: a cotangent is named after its value, also where that is not needed."""
        forward = _merged(self.stage("forward"), normal_form(self.cell.step).equations)
        return replace(self, equations=(*forward, *(e for e in self if e.stage != "forward")))

    @property
    def _style(self) -> Notation:
        return get_notation(self.cell, self.notation)

    def __repr__(self) -> str:
        asked = ", ".join(o.name for o in self.outputs[:4]) + (", ..." if len(self.outputs) > 4 else "")
        count = len(self.stage(self.shown))
        return f"<{type(self).__name__} of {self.cell.name}: {count} equations for {asked or 'nothing'}>"

    def _repr_latex_(self) -> str:
        return self.latex

    def _repr_markdown_(self) -> str:
        return self.markdown


def _merged(computed: Sequence[Equation], step: Sequence[Equation]) -> Iterator[Equation]:
    """What is computed, and between that, in its place, what else there is in a step."""
    known, rest = {e.target for e in computed}, list(step)
    own = {e.target for e in step}
    for equation in computed:
        while equation.target in own and rest and rest[0].target != equation.target:
            if (other := rest.pop(0)).target not in known:
                yield other
        yield equation
    yield from (e for e in rest if e.target not in known)
