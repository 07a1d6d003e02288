"""What `cell.tangent()` and `cell.hessian_vector()` return: forward mode, as Programs that print."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from lstmgraph.api.formulas import Formulas
from lstmgraph.api.gradient import checked
from lstmgraph.program import Program

if TYPE_CHECKING:
    from lstmgraph.api.cell import Cell


@dataclass(frozen=True, repr=False)
class Tangent(Formulas):
    """The tangents of one step: its forward equations (stage "forward"), each followed by its tangent's ("tangent").

    Inputs are those of the step and the direction: `dot(W_f)` for a parameter, `dot(h)[t-1]` for a previous state,
    `dot(x)[t]` for an input.  Outputs are `dot(h)[t]` for each output of the cell.
    """

    shown = "tangent"
    words = "Tangents"


@dataclass(frozen=True, repr=False)
class HessianVector(Formulas):
    """A Hessian-vector product of one step: the gradients (stages "forward", "backward"), their tangents ("tangent").

    Inputs are those of `Gradient` and the direction; outputs are `dot(grad(W_f))` for a parameter, `dot(bar(h))[t-1]`
    for a previous state, `dot(bar(x))[t]` for an input.  The Hessian is that of the loss L = <seeds, outputs> with the
    seeds held fixed; with `curved` the tangents of the seeds are inputs too, and add what a curved loss adds.
    """

    shown = "tangent"
    words = "Hessian-vector product"

    @property
    def _printed(self) -> Program:
        return self._with_step


Kind = TypeVar("Kind", bound=Formulas)


def tangent(cell: Cell, wrt: Sequence[str] | None, notation: str | None) -> Tangent:
    """The tangents of a cell's outputs along a direction in the names of `wrt`."""
    from lstmgraph import calculus

    return _derived(Tangent, calculus.tangent, cell, wrt, notation)


def hessian_vector(cell: Cell, wrt: Sequence[str] | None, notation: str | None, curved: bool) -> HessianVector:
    """The Hessian in the names of `wrt`, times a direction in them."""
    from lstmgraph import calculus

    return _derived(
        HessianVector, lambda cell, wrt: calculus.hessian_vector(cell, wrt, bool(curved)), cell, wrt, notation
    )


def _derived(
    kind: type[Kind],
    transform: Callable[[Cell, Sequence[str] | None], Program],
    cell: Cell,
    wrt: Sequence[str] | None,
    notation: str | None,
) -> Kind:
    checked(cell, wrt, notation)
    program = transform(cell, wrt)
    return kind(program.name, program.inputs, program.equations, program.outputs, cell, notation)
