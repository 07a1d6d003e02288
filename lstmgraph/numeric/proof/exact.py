"""Claims proven exactly: as identities of polynomials, as long as a budget of products lasts.

The budget is counted and not timed, so that every machine proves the same.
"""

from __future__ import annotations

from collections.abc import Iterator

from lstmgraph.numeric.proof.certificate import Row
from lstmgraph.numeric.proof.domain import Redraw, TooLarge
from lstmgraph.numeric.proof.identity import Sides
from lstmgraph.numeric.proof.polynomials import Polynomials
from lstmgraph.numeric.proof.tangents import Sizes
from lstmgraph.numeric.proof.tasks import ENTRIES, Data, Task, choices, counted, few, has_too_many, sizes_text

BUDGET = 200_000  # products of two terms for one exact proof


def exact_rows(task: Task) -> Iterator[Row]:
    """identities of polynomials"""
    for sizes in choices(task.claim, task.exact):
        row = _exact(task, sizes)
        yield row
        if row.verdict != "proven":
            return


def _exact(task: Task, sizes: Sizes) -> Row:
    """First with named values as unknowns of their own, which is short; where that proves nothing, with all known."""
    try:
        if has_too_many(task.claim, sizes):
            raise TooLarge(f"more than {ENTRIES} entries")
        row = _identities(task, sizes, named=True)
        return row if row.verdict == "proven" else _identities(task, sizes, named=False)
    except TooLarge as found:
        return Row("exact", task.what, sizes_text(sizes), "not done", str(found))
    except Redraw:
        return Row("exact", task.what, sizes_text(sizes), "not done", "something is always divided by zero")


def _identities(task: Task, sizes: Sizes, named: bool) -> Row:
    domain = Polynomials(BUDGET, named)
    sides = Sides(task.claim, sizes, domain, each=True)
    entries, monomials = task.claim.entries(sizes), sum(domain.size(entry) for *_, entry in sides.entries())
    wrong = list(sides.differences())
    data: Data = {"results": len(task.claim.wanted), "entries": entries, "monomials": monomials}
    if wrong:
        texts = [f"{d.where}: off by {domain.spelling(domain.reduce(d.by))}" for d in wrong]
        details = f"{len(wrong)} of {entries} entries differ"
        return Row("exact", task.what, sizes_text(sizes), "FAILED", details, data, few(texts))
    details = f"{counted(data, 'results')}, {counted(data, 'entries')}, {counted(data, 'monomials')}"
    return Row("exact", task.what, sizes_text(sizes), "proven", details, data)
