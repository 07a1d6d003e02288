"""What `cell.through_time()` and `cell.gradient_unrolled(3)` return: the gradients of a sequence, as formulas."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lstmgraph.api.catalogue import FORMULAS, check_name
from lstmgraph.api.formulas import Formulas
from lstmgraph.api.gradient import checked
from lstmgraph.normal import normal_form
from lstmgraph.program import Program

if TYPE_CHECKING:
    from lstmgraph.api.cell import Cell


@dataclass(frozen=True, repr=False)
class ThroughTime(Formulas):
    """The gradients of a sequence of T steps, of constant size in T: what goes from step t + 1 to step t, and sums.

    Outputs are `grad(W_f)` for a parameter, `bar(x)[t]` for an input and `bar(h)[0]` for what a state starts from.
    Inputs are those of step t, `loss(h)[t]`, which is the loss's derivative by the output there, and values of step
    t + 1 and of step 1, which are what the same lines say for those steps.
    """

    words = "Gradients through time"
    shown = "through time"

    def explain(self, format: str = "unicode") -> str:
        """Every line with the rule that gives it, the forward equation that it comes from, and the step that sends it.

        `format` is "unicode", "markdown", "latex" or "html", these two as whole documents.  Raises UnknownName.
        """
        from lstmgraph.printing.explaining import print_derivation

        check_name("format", format, FORMULAS)
        forward, title = normal_form(self.cell.step), f"{self.title}, line by line"
        return print_derivation(self._printed, forward, format, self._style, self.shown, title=title)

    @property
    def _printed(self) -> Program:
        return self._with_step


@dataclass(frozen=True, repr=False)
class Unrolled(Formulas):
    """The gradients of steps 1 to T, each written out: `bar(h)[2]` is the cotangent of the output of step 2."""

    words = "Gradients through unrolled steps"
    shown = "unrolled"


def recurrence(
    cell: Cell,
    loss: str,
    truncate: int | None,
    start: str,
    notation: str | None,
    wrt: Sequence[str] | None = None,
    final: bool = False,
) -> ThroughTime:
    """The recurrence of a cell."""
    from lstmgraph import calculus

    checked(cell, wrt, notation)
    program = calculus.through_time(cell, loss, truncate, start, wrt, final)
    return ThroughTime(program.name, program.inputs, program.equations, program.outputs, cell, notation)


def unrolled(
    cell: Cell,
    steps: int,
    wrt: Sequence[str] | None,
    loss: str,
    start: str,
    notation: str | None,
    final: bool = False,
) -> Unrolled:
    """The gradients of so many steps of a cell."""
    from lstmgraph import calculus

    checked(cell, wrt, notation)
    program = calculus.gradient_unrolled(cell, steps, loss, wrt, start, final)
    return Unrolled(program.name, program.inputs, program.equations, program.outputs, cell, notation)
