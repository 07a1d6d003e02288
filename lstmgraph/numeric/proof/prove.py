"""Proves claims at a ladder of sizes, and puts together what it found.

Exactly (`exact.py`) from all sizes 1 upwards; at random points modulo a prime (`points.py`) at larger sizes, and at the
first sizes at which it could not be done exactly; and in float64 by the comparisons of `numeric.check`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from lstmgraph.algebra.names import like
from lstmgraph.cell import Cell
from lstmgraph.numeric.check import FRAMEWORKS, check, installed
from lstmgraph.numeric.proof.certificate import Certificate, Row, Verdict
from lstmgraph.numeric.proof.claims import Claim, Cotangents
from lstmgraph.numeric.proof.exact import exact_rows
from lstmgraph.numeric.proof.points import random_rows
from lstmgraph.numeric.proof.tasks import Task, choices, few
from lstmgraph.numeric.proof.treatment import limits, used

Progress = Callable[[str, int, int], None]


def prove(
    cell: Cell,
    title: str,
    tasks: Sequence[Task],
    *,
    torch: bool | None = None,
    seed: int = 0,
    progress: Progress = lambda *_: None,
) -> Certificate:
    """A certificate of the first task's Program, as gradients of one step, and of the others.

    `seed` is that of the random points.  Raises UsageError where a Program is not one of gradients, or holds what a
    proof cannot compute.
    """
    rows: list[Row] = []
    for k, task in enumerate(tasks):
        progress(f"{cell.name}: {task.what}, {exact_rows.__doc__}", 2 * k, 2 * len(tasks) + 1)
        exact = [*exact_rows(task)]
        progress(f"{cell.name}: {task.what}, {random_rows.__doc__}", 2 * k + 1, 2 * len(tasks) + 1)
        stopped = [*choices(task.claim, task.exact)][len(exact) - 1 : len(exact)]
        undone = stopped if exact and exact[-1].verdict == "not done" else []
        rows += [*exact, *random_rows(task, undone, seed)]
    first = tasks[0].claim
    progress(f"{cell.name}: in numbers", 2 * len(tasks), 2 * len(tasks) + 1)
    rows += _tested(cell, first, torch)
    progress("", 1, 1)
    where = (*limits(first.forward), *_limits(tasks))
    return Certificate(title, first.words, tuple(rows), used(first.forward), where)


def _limits(tasks: Sequence[Task]) -> Iterator[str]:
    """What the claims leave out; of several with the one that does."""
    for task in tasks:
        yield from (words if len(tasks) == 1 else f"{task.what}: {words}" for words in task.claim.limits)


# ── in numbers ──


def _tested(cell: Cell, claim: Claim, torch: bool | None) -> Iterator[Row]:
    """What `check` finds, the worst of all sizes for each comparison."""
    program = claim.program
    if not isinstance(claim, Cotangents):
        yield Row("numbers", "through time", "", "not done", "these are no gradients")
        return
    needed = [like(s, "bar") for s in (*cell.previous, *cell.inputs)]
    missing = [s.name for s in needed if s not in program.outputs]
    if claim.forward != cell.step or missing:
        note = f"through time it takes {', '.join(missing)} too" if missing else "these are not the cell's equations"
        yield Row("numbers", "through time", "", "not done", note)
        return
    report = check(cell, program, torch=torch)
    for what in dict.fromkeys(row.what for row in report.rows):
        rows = [row for row in report.rows if row.what == what]
        worst = max(rows, key=lambda row: (not row.passed, row.error))
        verdict: Verdict = "passed" if all(row.passed for row in rows) else "FAILED"
        data = {"largest_error": worst.error, "bound": worst.bound, "samples": len(rows)}
        details = f"largest difference {worst.error:.1e} of {len(rows)} samples (bound {worst.bound:.0e})"
        wrong = tuple(f"{row.worst}: {row.error:.1e} at {row.sizes}" for row in rows if not row.passed)
        yield Row("numbers", what, worst.sizes, verdict, details, data, few(wrong))
    for name in FRAMEWORKS:
        if not installed(name):
            yield Row("numbers", f"derived = {name} autograd", "", "not done", f"{name} is not installed")
