"""What `cell.jacobian()` returns: the Jacobians of a step, or of several, as a Program that prints."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from lstmgraph.algebra.names import name_of
from lstmgraph.api.catalogue import check_text
from lstmgraph.api.choices import check_option, openings
from lstmgraph.api.formulas import Formulas
from lstmgraph.errors import UsageError, WrongType
from lstmgraph.notation import get_notation
from lstmgraph.program import Stage

if TYPE_CHECKING:
    from lstmgraph.api.cell import Cell

_LETTER = re.compile("[A-Za-z]")
LONGEST = 1000  # steps of a product that is written out


@dataclass(frozen=True, repr=False)
class Jacobian(Formulas):
    """The Jacobians of one step by the previous states: its forward equations, then those of stage "jacobian".

    Outputs are `jac(c.h)[t]` for ∂c[t]/∂h[t-1] and `jac(.)[t]` for all states by all states; over k steps
    `jac(..3)[t]`, and `along(c.c.3)[t]` for the way through c alone.  A matrix state is taken column below column.
    """

    shown: ClassVar[Stage] = "jacobian"
    words: ClassVar[str] = "Jacobians"


def derived(
    cell: Cell,
    of: Sequence[str] | None,
    by: Sequence[str] | None,
    steps: int | str,
    direct: bool,
    opened: object,
    notation: str | None,
) -> Jacobian:
    """The Jacobians of a cell; see `Cell.jacobian`."""
    from lstmgraph.calculus.jacobian import Request, jacobian
    from lstmgraph.limits import held

    check_option("notation", notation)
    for what, names in (("of", of), ("by", by)):
        for name in names or ():
            check_text(f"the name in {what}", name)
    _check(cell, steps, direct)
    if isinstance(steps, str):
        _check_letter(cell, steps, notation)
    get_notation(cell, notation)  # an unknown one is an error here, not when it is printed
    step = held(cell, gates_opened(opened)) if opened else None
    request = Request(tuple(of) if of else None, tuple(by) if by else None, steps, direct)
    program = jacobian(cell, request, step)
    return Jacobian(program.name, program.inputs, program.equations, program.outputs, cell, notation)


def _check(cell: Cell, steps: object, direct: bool) -> None:
    letter = isinstance(steps, str) and _LETTER.fullmatch(steps)
    if isinstance(steps, bool) or not (letter or isinstance(steps, int)):
        raise WrongType("steps", steps, ["a whole number", "a letter that stands for one"])
    if isinstance(steps, int) and not 1 <= steps <= LONGEST:
        raise UsageError(f"a product runs over 1 to {LONGEST} steps, not over {steps}", hint="steps=3")
    if direct and steps != 1:
        raise UsageError("the direct Jacobian is that of one step", hint="leave out the steps, or direct")
    if not cell.states:
        raise UsageError(f"{cell.name} has no states: nothing depends on the step before")


def _check_letter(cell: Cell, letter: str, notation: str | None) -> None:
    """Raises UsageError for a letter that means something in the cell, or in how it is printed."""
    sizes = {str(size) for size in cell.sizes}
    letters = {found.head for found in get_notation(cell, notation).letters.values()}
    symbols = (*cell.parameters, *cell.previous, *cell.inputs, *cell.constant_symbols)
    taken = {*sizes, *letters, *cell.values, *(name_of(s).base for s in symbols), "t", "T", "s"}
    if letter in taken:
        free = next((f"steps={other!r}" for other in "knmpqrjl" if other not in taken), "steps=3")
        raise UsageError(f"{letter} means something else there already", hint=f"another letter: {free}")


def gates_opened(opened: object) -> dict[str, float]:
    """The gates that are held, from text "f=1,i=0" or a mapping."""
    if not isinstance(opened, str | Mapping):
        raise WrongType("open", opened, ["text such as f=1,i=0", "a mapping of gates to numbers"])
    found = openings(opened)
    return dict(found) if found else {}
