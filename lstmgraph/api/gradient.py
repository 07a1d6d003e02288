"""What `cell.gradient()` returns: a Program of named equations that prints for a terminal, a paper, a notebook."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from sympy import MatrixSymbol

from lstmgraph.algebra.names import name_of
from lstmgraph.api.catalogue import FORMULAS, check_name, check_text
from lstmgraph.api.formulas import Formulas
from lstmgraph.errors import UsageError, WrongType
from lstmgraph.normal import normal_form
from lstmgraph.notation import get_notation
from lstmgraph.program import Program

if TYPE_CHECKING:
    from lstmgraph.api.cell import Cell


@dataclass(frozen=True, repr=False)
class Gradient(Formulas):
    """The backward pass of one step, as a Program: its forward equations (stage "forward"), then the backward ones.

    Inputs are those of the step and one cotangent for each of the cell's outputs; outputs are `grad(W_f)` for a
    parameter (its gradient), `bar(h)[t-1]` and `bar(x)[t]` for a previous state and an input (their cotangents).
    """

    words = "Gradients"
    form: str = ""  # what was made of the textbook form, in words

    @property
    def title(self) -> str:
        return super().title + (f", {self.form}" if self.form else "")

    def reusing(self) -> Gradient:
        """The same gradients with fewer multiplies: products of the forward pass, and common ones, are reused.

        Equal but for rounding; itself where nothing is saved.  `cell.counts()` says how much it is.
        """
        from lstmgraph import calculus

        return self._with(calculus.reusing(self, self.cell.step), "products reused")

    def stacked(self) -> Gradient:
        """The same gradients with the weights of gates that share an operand one below the other: one product each.

        W = [W_f; W_i; ...], and ∂L/∂W = δ xᵀ has the gradients of these as its rows.  Outputs stay as they are.
        """
        from lstmgraph import calculus

        return self._with(calculus.stacked(self), "gates stacked")

    def _with(self, program: Program, form: str) -> Gradient:
        if program is self:
            return self
        form = f"{self.form}, {form}" if self.form else form
        return replace(self, inputs=program.inputs, equations=program.equations, form=form)

    def explain(self, format: str = "unicode") -> str:
        """Every line with the rule that gives it and the forward equation that it comes from, by number and text.

        `format` is "unicode", "markdown", "latex" or "html", these two as whole documents.  Raises UnknownName, and
        UsageError for another form than the textbook's.
        """
        from lstmgraph.printing.explaining import print_derivation

        check_name("format", format, FORMULAS)
        if self.form:
            raise UsageError(f"gradients with {self.form} are not explained", hint="explain those of the textbook")
        title = f"{self.title}, line by line"
        return print_derivation(self._printed, normal_form(self.cell.step), format, self._style, title=title)

    @property
    def _printed(self) -> Program:
        return self._with_step

    @cached_property
    def seeds(self) -> Mapping[str, MatrixSymbol]:
        """For each output of the cell ("h", "c") the input through which its cotangent arrives."""
        return {name_of(output).base: self.seed(output) for output in self.cell.outputs}


def derived(cell: Cell, wrt: Sequence[str] | None, notation: str | None) -> Gradient:
    """The gradients of a cell."""
    from lstmgraph import calculus

    checked(cell, wrt, notation)
    program = calculus.gradient(cell, wrt)
    return Gradient(program.name, program.inputs, program.equations, program.outputs, cell, notation)


def checked(cell: Cell, wrt: Sequence[str] | None, notation: str | None) -> None:
    """Raises UsageError for what are no names, UnknownName for a notation that does not exist."""
    from lstmgraph.api.choices import check_option

    check_option("notation", notation)
    if wrt is not None and not isinstance(wrt, Sequence):
        raise WrongType("wrt", wrt, ["a name", "a list of names", "None"])
    for name in wrt or ():
        check_text("the name of what to derive by", name)
    get_notation(cell, notation)  # an unknown one is an error here, not when it is printed
