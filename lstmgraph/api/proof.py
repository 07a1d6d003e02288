"""What `cell.prove()` returns: a certificate of the cell's gradients, or of a Program that claims to compute them.

To add a form to what is proven of every cell: a row of `FORMS`.  What a Program of one's own is compared with follows
from its names: see `claims.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from lstmgraph.api.claims import claims_of, cotangents, recurrence
from lstmgraph.errors import UsageError, WrongType
from lstmgraph.numeric.proof import Certificate, Claim, Cotangents, Tangents, Task
from lstmgraph.program import Program

if TYPE_CHECKING:
    from lstmgraph.cell import Cell

Numbers = tuple[int, ...]
LADDER: Sequence[Numbers] = ((1,), (1, 2), (2, 3, 4, 5, 6), (3, 4, 5, 6, 7))  # of sizes, exactly
SHORT: Sequence[Numbers] = ((1,), (1, 2))
LARGE: Sequence[Numbers] = ((5, 7, 4, 6, 3, 8),)  # at random points
MIDDLE: Sequence[Numbers] = ((3, 5, 4, 2, 6),)


class Form(NamedTuple):
    """A claim about every cell, and the sizes at which it is proven exactly, and at random points."""

    claim: Callable[[Cell], Claim]
    exact: Sequence[Numbers]
    random: Sequence[Numbers]


def _one_step(cell: Cell) -> Claim:
    from lstmgraph import calculus

    return cotangents(cell, calculus.gradient(cell))


def _steps(cell: Cell, steps: int) -> Claim:
    from lstmgraph.calculus import vjp
    from lstmgraph.calculus.unroll import unrolled

    forward = unrolled(cell, steps)
    fixed = set(cell.constant_symbols)
    return Cotangents(forward, vjp(forward, forward.outputs, [s for s in forward.inputs if s not in fixed]))


def _recurrence(cell: Cell, steps: int) -> Claim:
    from lstmgraph import calculus

    return recurrence(cell, calculus.through_time(cell), steps)


def _tangents(cell: Cell) -> Claim:
    from lstmgraph import calculus

    return Tangents(cell.step, calculus.tangent(cell))


FORMS: Mapping[str, Form] = {
    "one step": Form(_one_step, LADDER, LARGE),
    "2 steps unrolled": Form(lambda cell: _steps(cell, 2), SHORT, MIDDLE),
    "3 steps unrolled": Form(lambda cell: _steps(cell, 3), SHORT[:1], MIDDLE),
    "recurrence, T=2": Form(lambda cell: _recurrence(cell, 2), SHORT, ()),
    "recurrence, T=3": Form(lambda cell: _recurrence(cell, 3), SHORT[:1], MIDDLE),
    "tangents of one step": Form(_tangents, SHORT, MIDDLE),
}
ONE_STEP_ONLY = ("one step", "tangents of one step")  # of a cell without states


def proven(
    cell: Cell,
    program: Program | None = None,
    of: Sequence[str] | None = None,
    seed: int = 0,
    progress: Callable[[str, int, int], None] = lambda *_: None,
) -> Certificate:
    """A certificate of the gradients of a cell in all forms, or of another Program of derivatives."""
    from lstmgraph.numeric import proof

    name = cell.title or cell.name
    if program is None:
        if of is not None:
            raise UsageError("the outputs that a loss sees are said of a program", hint="give one, or leave out of=")
        title = f"Certificate of the gradients of {name}"
        return proof.prove(cell, title, list(_tasks(cell)), seed=seed, progress=progress)
    if not isinstance(program, Program):
        raise WrongType("the program to prove", program, ["a Program of gradients", "None"])
    title = f"Certificate: {getattr(program, 'title', '') or f'{program.name}, of {name}'}"
    return proof.prove(cell, title, tasks_of(cell, program, of), seed=seed, progress=progress)


def tasks_of(cell: Cell, program: Program, of: Sequence[str] | None = None) -> list[Task]:
    """What is to be proven of a Program: all that it claims."""
    claims = claims_of(cell, program.check(), of)
    words = ["the program"] if len(claims) == 1 else [", ".join(o.name for o in claim.wanted) for claim in claims]
    return [Task(what, claim, LADDER, LARGE) for what, claim in zip(words, claims, strict=True)]


def _tasks(cell: Cell) -> Iterator[Task]:
    for what, form in FORMS.items():
        if cell.states or what in ONE_STEP_ONLY:
            yield Task(what, form.claim(cell), form.exact, form.random)
