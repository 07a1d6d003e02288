"""What `cell.prove()` returns: a certificate of the cell's gradients, or of a Program that claims to compute them.

To add a form to what is proven of every cell: a row of `FORMS`.  What a Program of one's own is compared with follows
from its names: see `forward_of`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from lstmgraph.algebra.names import name_of
from lstmgraph.algebra.nodes import TimeSum
from lstmgraph.algebra.traverse import walk
from lstmgraph.errors import WrongType
from lstmgraph.numeric.proof import Certificate, Claim, Task
from lstmgraph.program import Program

if TYPE_CHECKING:
    from lstmgraph.cell import Cell

STEPS = 3  # for which a recurrence that is given is written out
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

    return Claim(cell.step, calculus.gradient(cell))


def _steps(cell: Cell, steps: int) -> Claim:
    from lstmgraph.calculus import vjp
    from lstmgraph.calculus.unroll import unrolled

    forward = unrolled(cell, steps)
    fixed = set(cell.constant_symbols)
    return Claim(forward, vjp(forward, forward.outputs, [s for s in forward.inputs if s not in fixed]))


def _recurrence(cell: Cell, steps: int) -> Claim:
    from lstmgraph import calculus
    from lstmgraph.calculus.unroll import unrolled
    from lstmgraph.calculus.written_out import written_out

    return Claim(unrolled(cell, steps), written_out(calculus.through_time(cell), steps))


def _tangents(cell: Cell) -> Claim:
    from lstmgraph import calculus

    return Claim(cell.step, calculus.tangent(cell))


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
    cell: Cell, program: Program | None = None, progress: Callable[[str, int, int], None] = lambda *_: None
) -> Certificate:
    """A certificate of the gradients of a cell in all forms, or of another Program of derivatives."""
    from lstmgraph.numeric import proof

    of = cell.title or cell.name
    if program is None:
        return proof.prove(cell, f"Certificate of the gradients of {of}", list(_tasks(cell)), progress=progress)
    if not isinstance(program, Program):
        raise WrongType("the program to prove", program, ["a Program of gradients", "None"])
    task = Task("the program", claim_of(cell, program.check()), LADDER, LARGE)
    return proof.prove(cell, f"Certificate of {program.name}, of {of}", [task], progress=progress)


def _tasks(cell: Cell) -> Iterator[Task]:
    for what, form in FORMS.items():
        if cell.states or what in ONE_STEP_ONLY:
            yield Task(what, form.claim(cell), form.exact, form.random)


def claim_of(cell: Cell, program: Program) -> Claim:
    """What a Program is to be compared with, by its names.

    A recurrence through time is written out for some steps (from zeros, if one of its sums leaves out the first step);
    numbers as times (`bar(x)[2]`, `bar(h)[0]`) say how many steps of the cell are meant, t+1, t+2 likewise;
    `dot(grad(W))` is the tangent of the gradient of a step.
    """
    from lstmgraph import calculus
    from lstmgraph.calculus.unroll import unrolled
    from lstmgraph.calculus.written_out import written_out

    sums = [node for e in program for node in walk(e.value) if isinstance(node, TimeSum)]
    if sums:
        start = "given" if all(node.args[1] == 1 for node in sums) else "zero"
        return Claim(unrolled(cell, STEPS, start), written_out(program, STEPS))
    outputs = [name_of(o) for o in program.outputs]
    if any(name.marks[:1] == ("dot",) and len(name.marks) > 1 for name in outputs):
        return Claim(calculus.gradient(cell), program)
    times = [
        (name.lag, name.since) for name in map(name_of, (*program.inputs, *program.outputs)) if name.lag is not None
    ]
    if not all(since for _, since in times):
        return Claim(unrolled(cell, max(lag for lag, since in times if not since)), program)
    last = max((lag for lag, _ in times), default=0)
    return Claim(calculus.unroll(cell, last + 1) if last > 0 else cell.step, program)
