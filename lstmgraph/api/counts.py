"""What `cell.counts()` returns: the operations of a step and of its gradients, how they compare, and as a table.

The conventions are those of `calculus/counts.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from math import inf
from typing import TYPE_CHECKING

from sympy import Expr, Integer, Poly, Symbol

from lstmgraph.algebra.names import size
from lstmgraph.calculus.counts import Counts
from lstmgraph.errors import UnknownName, UsageError, WrongType

if TYPE_CHECKING:
    from lstmgraph.api.cell import Cell

Number = int | str  # of steps or samples: a number, or a letter that stands for one


@dataclass(frozen=True)
class OperationCounts:
    """Of the step of one sample, or of T steps of B samples; each a `Counts`, of polynomials in sizes.

    `forward` is the step, `backward` are all its gradients as derived, `reusing` those that reuse products.  `ceiling`
    bounds the multiplies of both passes: three times those of the step (W. Baur, V. Strassen, The complexity of partial
    derivatives, Theoretical Computer Science 22, 1983), and what the slopes of its functions take by our rules.
    """

    cell: Cell
    forward: Counts
    backward: Counts
    reusing: Counts
    ceiling: Expr

    @property
    def columns(self) -> Mapping[str, Counts]:
        return {"forward": self.forward, "backward": self.backward, "reusing": self.reusing}

    @property
    def sizes(self) -> Mapping[str, Symbol]:
        """The letters of the polynomials, by name."""
        used = [z for counts in self.columns.values() for number in counts for z in number.free_symbols]
        return {str(z): z for z in sorted({*self.cell.sizes, *used}, key=str)}

    def at(self, sizes: Mapping[str, int]) -> OperationCounts:
        """With numbers for sizes: {"H": 128, "X": 64}.  Raises UnknownName for a size that there is not."""
        known = self.sizes
        for name, number in sizes.items():
            if name not in known:
                raise UnknownName("size", name, known, of=self.cell.name)
            _check_number(f"the size {name}", number)
        numbers = {known[name]: Integer(number) for name, number in sizes.items()}
        forward, backward, reusing = (counts.at(numbers) for counts in self.columns.values())
        return OperationCounts(self.cell, forward, backward, reusing, self.ceiling.subs(numbers).expand())

    def ratio(self, column: str = "backward") -> float:
        """The multiplies of both passes to those of the step; where sizes are open, for large ones."""
        own = _leading(self.forward.multiplies)
        both = _leading(self.forward.multiplies + self.columns[column].multiplies)
        return inf if both[0] > own[0] or not own[1] else float(both[1] / own[1])

    def __str__(self) -> str:
        return table([self])

    def _repr_html_(self) -> str:
        return f"<pre>{escape(str(self))}</pre>"


def counted(cell: Cell, steps: Number | None = None, batch: Number | None = None) -> OperationCounts:
    """The operations of a cell's step, or of so many steps of so many samples; a letter leaves a number open."""
    from lstmgraph import calculus
    from lstmgraph.calculus import counts

    gradient = calculus.gradient(cell)
    forms = (gradient, calculus.reusing(gradient, cell.step))
    T, B = (_number(cell, what, given) for what, given in (("steps", steps), ("batch", batch)))
    if T == B and not T.is_number:
        raise UsageError(f"steps and batch are both {T}", hint="give them different letters")
    times, more = Integer(1) * T * B, counts.joining(cell, T, B)
    backward, reusing = (counts.count(form.stage("backward")).times(times) + more for form in forms)
    forward = counts.count(counts.forward(cell)).times(times)
    return OperationCounts(cell, forward, backward, reusing, (times * counts.ceiling(cell)).expand())


def at_sizes(counts: Sequence[OperationCounts], sizes: Mapping[str, int]) -> list[OperationCounts]:
    """Each with the numbers for those sizes that it has.  Raises UnknownName for a size that none has."""
    known = {name for c in counts for name in c.sizes}
    for name in sizes:
        if name not in known:
            raise UnknownName("size", name, known)
    return [c.at({name: number for name, number in sizes.items() if name in c.sizes}) for c in counts]


def _number(cell: Cell, what: str, given: Number | None) -> Expr:
    if given is None:
        return Integer(1)
    if isinstance(given, str) and given.isidentifier():
        if given in map(str, cell.sizes):
            raise UsageError(f"{given} is a size of {cell.name}", hint=f"call the {what} by another letter")
        if given in (p.name for p in cell.parameters):
            raise UsageError(f"{given} is a parameter of {cell.name}", hint=f"call the {what} by another letter")
        return size(given)
    _check_number(what, given)
    return Integer(given)


def _check_number(what: str, given: object) -> None:
    if isinstance(given, bool) or not isinstance(given, int):
        raise WrongType(what, given, ["a whole number"])
    if given < 1:
        raise UsageError(f"{what} is at least 1, got {given}")


def _leading(number: Expr) -> tuple[int, Expr]:
    """With all sizes alike, the highest power and its coefficient."""
    one = Symbol("size")
    powers = Poly(number.subs(dict.fromkeys(number.free_symbols, one)).expand(), one)
    return powers.degree(), powers.LC()


# ── the table ──

TITLES = ("", "forward", "backward", "reusing products")
QUANTITIES = ("multiplies", "adds", "divisions", "transcendentals")


def table(counts: Iterable[OperationCounts]) -> str:
    """A block for each cell: what there is of each kind of operation, then the multiplies of both passes."""
    blocks = [(c, [*(row for q in QUANTITIES if (row := _row(c, q))), *_both(c)]) for c in counts]
    rows = [TITLES, *(row for _, found in blocks for row in found)]
    widths = [max(len(row[k]) for row in rows) for k in range(len(TITLES))]
    lines = [_aligned(TITLES, widths)]
    for c, found in blocks:
        lines += ["", c.cell.name, *(_aligned(row, widths) for row in found)]
    return "\n".join(lines)


def _row(counts: OperationCounts, quantity: str) -> tuple[str, ...] | None:
    from lstmgraph.printing.polynomials import polynomial

    numbers = [getattr(c, quantity) for c in counts.columns.values()]
    return (f"  {quantity}", *map(polynomial, numbers)) if any(numbers) else None


def _both(counts: OperationCounts) -> list[tuple[str, ...]]:
    """The multiplies of both passes, their bound, and their ratio to those of the forward pass (by the theorem, 3)."""
    from lstmgraph.printing.polynomials import polynomial

    forms = [c for c in counts.columns if c != "forward"]
    sums = [(counts.forward.multiplies + counts.columns[c].multiplies).expand() for c in forms]
    return [
        ("  multiplies of both", "", *map(polynomial, sums)),
        ("  3 × forward + slopes", "", polynomial(counts.ceiling), ""),
        *([("  both / forward", "", *(f"{counts.ratio(c):.3g}" for c in forms))] if counts.forward.multiplies else []),
    ]


def _aligned(row: tuple[str, ...], widths: list[int]) -> str:
    first, *rest = row
    cells = [first.ljust(widths[0]), *(text.rjust(w) for text, w in zip(rest, widths[1:], strict=True))]
    return "  ".join(cells).rstrip()
