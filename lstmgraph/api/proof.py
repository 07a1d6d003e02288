"""What `cell.prove()` returns: a certificate of the cell's gradients, or of a Program that claims to compute them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from lstmgraph.errors import WrongType
from lstmgraph.numeric.proof import Certificate
from lstmgraph.program import Program

if TYPE_CHECKING:
    from lstmgraph.cell import Cell

STEPS = (2, 3)  # unrolled, that are proven too


def proven(
    cell: Cell, program: Program | None = None, progress: Callable[[str, int, int], None] = lambda *_: None
) -> Certificate:
    """A certificate of the gradients of one step, by default the cell's own, and of those through unrolled steps."""
    from lstmgraph import calculus
    from lstmgraph.numeric import proof

    if program is not None and not isinstance(program, Program):
        raise WrongType("the program to prove", program, ["a Program of gradients", "None"])
    whole = calculus.gradient(cell) if program is None else program.check()
    tasks = [proof.Task("one step", proof.Claim(cell.step, whole), *proof.ONE_STEP)]
    for steps in STEPS if program is None and cell.states else ():
        forward = calculus.unroll(cell, steps)
        wrt = [s for s in forward.inputs if s not in cell.constant_symbols]
        claim = proof.Claim(forward, calculus.vjp(forward, forward.outputs, wrt))
        tasks.append(proof.Task(f"{steps} steps unrolled", claim, *proof.SOME_STEPS))
    of = cell.title or cell.name
    what = "the gradients" if program is None else whole.name
    return proof.prove(cell, f"Certificate of {what} of {of}", tasks, progress=progress)
