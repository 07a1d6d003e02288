"""Proves claims at a ladder of sizes, and puts together what it found.

Exactly (`polynomials.py`) from all sizes 1 upwards as long as a budget of products lasts, which is counted and not
timed, so that every machine proves the same; at random points modulo a prime (`primes.py`) at larger sizes; and in
float64 by the comparisons of `numeric.check`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import cycle, islice
from typing import NamedTuple, TypeVar

from sympy import Symbol

from lstmgraph.algebra.names import like
from lstmgraph.cell import Cell
from lstmgraph.numeric.check import FRAMEWORKS, check, installed
from lstmgraph.numeric.evaluate import number_of
from lstmgraph.numeric.proof.certificate import Certificate, Row, Verdict
from lstmgraph.numeric.proof.domain import Redraw, TooLarge
from lstmgraph.numeric.proof.identity import Claim, Sides
from lstmgraph.numeric.proof.polynomials import Polynomials
from lstmgraph.numeric.proof.primes import Bounded, PrimeField, exponent_for
from lstmgraph.numeric.proof.tangents import Sizes
from lstmgraph.numeric.proof.treatment import limits, used

BUDGET = 200_000  # products of two terms for one exact proof
ENTRIES = 20_000  # of all values together: more are not tried
SHOWN = 4  # differences that are written out
TRIALS, SIDES = 2, 8  # points modulo a prime; where a kink has sides that are drawn
DRAWS = 20  # of a point, until nothing is divided by zero

T = TypeVar("T")
Numbers = tuple[int, ...]
Progress = Callable[[str, int, int], None]


class Task(NamedTuple):
    """A claim, in words what it is about, and the numbers that the size symbols get in turn, for both proofs."""

    what: str
    claim: Claim
    exact: Sequence[Numbers]
    random: Sequence[Numbers]


def prove(
    cell: Cell, title: str, tasks: Sequence[Task], *, torch: bool | None = None, progress: Progress = lambda *_: None
) -> Certificate:
    """A certificate of the first task's Program, as gradients of one step, and of the others.

    Raises UsageError where a Program is not one of gradients, or holds what a proof cannot compute.
    """
    rows: list[Row] = []
    for k, task in enumerate(tasks):
        for part, finder in enumerate((exact_rows, random_rows)):
            progress(f"{cell.name}: {task.what}, {finder.__doc__}", 2 * k + part, 2 * len(tasks) + 1)
            rows += finder(task)
    first = tasks[0].claim
    progress(f"{cell.name}: in numbers", 2 * len(tasks), 2 * len(tasks) + 1)
    rows += _tested(cell, first, torch)
    progress("", 1, 1)
    return Certificate(title, _words(first), tuple(rows), used(first.forward), tuple(limits(first.forward)))


def _words(claim: Claim) -> str:
    derived = ", ".join(s.name for s in claim.moving) or "nothing"
    if claim.by_tangents:
        return f"The tangents of {', '.join(s.name for s in claim.wanted.values())}, as {derived} change."
    return (
        f"The gradients of any linear function of {', '.join(o.name for o in claim.seeds) or 'nothing'} by {derived}."
    )


# ── exactly ──


def exact_rows(task: Task) -> Iterator[Row]:
    """identities of polynomials"""
    for sizes in _choices(task.claim, task.exact):
        row = _exact(task, sizes)
        yield row
        if row.verdict != "proven":
            return


def _exact(task: Task, sizes: Sizes) -> Row:
    """First with named values as unknowns of their own, which is short; where that proves nothing, with all known."""
    try:
        if _values(task.claim, sizes) > ENTRIES:
            raise TooLarge
        row = _identities(task, sizes, named=True)
        return row if row.verdict == "proven" else _identities(task, sizes, named=False)
    except TooLarge:
        return Row("exact", task.what, _sizes(sizes), "not done", f"more than {BUDGET} products of terms")
    except Redraw:
        return Row("exact", task.what, _sizes(sizes), "not done", "something is always divided by zero")


def _identities(task: Task, sizes: Sizes, named: bool) -> Row:
    domain = Polynomials(BUDGET, named)
    sides = Sides(task.claim, sizes, domain, each=True)
    entries, monomials = task.claim.entries(sizes), sum(domain.size(entry) for *_, entry in sides.entries())
    wrong = list(sides.differences())
    data = {"results": len(task.claim.wanted), "entries": entries, "monomials": monomials}
    if wrong:
        texts = [f"{d.where}: off by {domain.spelling(domain.reduce(d.by))}" for d in wrong]
        details = f"{len(wrong)} of {entries} entries differ"
        return Row("exact", task.what, _sizes(sizes), "FAILED", details, data, _few(texts))
    details = f"{_count(data, 'results')}, {_count(data, 'entries')}, {_count(data, 'monomials')}"
    return Row("exact", task.what, _sizes(sizes), "proven", details, data)


# ── at random points ──


def random_rows(task: Task) -> Iterator[Row]:
    """random points modulo a prime"""
    for sizes in _choices(task.claim, task.random):
        try:
            yield _random(task, sizes) if _values(task.claim, sizes) <= ENTRIES else _many(task, sizes)
        except Redraw:
            note = "no point without a division by zero was found"
            yield Row("random", task.what, _sizes(sizes), "not done", note)


def _many(task: Task, sizes: Sizes) -> Row:
    return Row("random", task.what, _sizes(sizes), "not done", f"more than {ENTRIES} entries")


def _random(task: Task, sizes: Sizes) -> Row:
    """Bounds first, then the prime that they ask for, then the trials."""
    bounded = _drawn(lambda seed: _bounded(task.claim, sizes, seed), 0)
    exponent = exponent_for(bounded.height)
    if not exponent:
        note = f"coefficients may be larger than 2^{bounded.height:.0f}"
        return Row("random", task.what, _sizes(sizes), "not done", note)
    trials = SIDES if bounded.sides else TRIALS
    for k in range(trials):
        seed, value = _drawn(lambda seed: (seed, _along(task.claim, sizes, exponent, seed)), (k + 1) * DRAWS)
        if value:
            return _located(task, sizes, exponent, seed)
    return _likely(task, sizes, bounded, exponent, trials)


class Bounding(NamedTuple):
    """What one computation with bounds found.

    `degree` bounds that of the identity, and of every difference of two arguments that could be taken for the same;
    `height` is the binary logarithm of the largest coefficient in them.
    """

    degree: int
    height: float
    sides: int


def _bounded(claim: Claim, sizes: Sizes, seed: int) -> Bounding:
    domain = Bounded(PrimeField(127, seed))
    sides = Sides(claim, sizes, domain, each=False)
    whole = domain.worst(sides.along())
    pairs = domain.functions * (domain.functions - 1) // 2
    return Bounding(
        whole.degree + pairs * domain.arguments.degree, max(whole.height, domain.arguments.height + 1), domain.sides
    )


def _along(claim: Claim, sizes: Sizes, exponent: int, seed: int) -> int:
    """What the identity leaves at a point; a forward value that differs counts too."""
    sides = Sides(claim, sizes, PrimeField(exponent, seed), each=False)
    return sides.along() or int(any(True for _ in sides.of_values()))


def _drawn(at: Callable[[int], T], first: int) -> T:
    """The first point, of a few, at which nothing is divided by zero.  Raises Redraw where there is none."""
    for seed in range(first, first + DRAWS):
        with suppress(Redraw):
            return at(seed)
    raise Redraw


def _likely(task: Task, sizes: Sizes, bounding: Bounding, exponent: int, trials: int) -> Row:
    logarithm = trials * (math.log10(max(bounding.degree, 1)) - exponent * math.log10(2))
    entries = task.claim.entries(sizes)
    data: dict[str, int | float | str] = {
        "results": len(task.claim.wanted),
        "entries": entries,
        "degree": bounding.degree,
        "prime": f"2^{exponent}-1",
        "trials": trials,
        "log10_error": math.ceil(logarithm),
    }
    details = (
        f"{_count(data, 'results')}, {_count(data, 'entries')}; degree up to {bounding.degree}, prime {data['prime']}, "
        f"{trials} trials: error probability below 10^{math.ceil(logarithm)}"
    )
    if bounding.sides:
        data["sides"] = bounding.sides
        details += ", on the sides drawn of all kinks"
    return Row("random", task.what, _sizes(sizes), "holds", details, data)


def _located(task: Task, sizes: Sizes, exponent: int, seed: int) -> Row:
    """The entries at which the identity does not hold at a point where it did not."""
    sides = Sides(task.claim, sizes, PrimeField(exponent, seed), each=True)
    texts = [d.where for d in sides.differences()]
    entries = task.claim.entries(sizes)
    details = f"{len(texts)} of {entries} entries differ at a random point modulo 2^{exponent}-1"
    if sides.domain.roots:
        details += "; roots were taken for independent of what is under them"
    data: dict[str, int | float | str] = {"entries": entries, "prime": f"2^{exponent}-1"}
    return Row("random", task.what, _sizes(sizes), "FAILED", details, data, _few(texts))


# ── in numbers ──


def _tested(cell: Cell, claim: Claim, torch: bool | None) -> Iterator[Row]:
    """What `check` finds, the worst of all sizes for each comparison."""
    program = claim.program
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
        yield Row("numbers", what, worst.sizes, verdict, details, data, _few(wrong))
    for name in FRAMEWORKS:
        if not installed(name):
            yield Row("numbers", f"derived = {name} autograd", "", "not done", f"{name} is not installed")


# ── sizes ──


def _choices(claim: Claim, rungs: Sequence[Numbers]) -> Iterator[Sizes]:
    """The size symbols of a claim, in order of use, get the numbers of a rung in turn; each choice once."""
    symbols = _symbols(claim)
    seen: set[tuple[int, ...]] = set()
    for rung in rungs:
        numbers = tuple(islice(cycle(rung), len(symbols)))
        if numbers not in seen:
            seen.add(numbers)
            yield dict(zip(symbols, numbers, strict=True))


def _symbols(claim: Claim) -> list[Symbol]:
    sides = [side for s in claim.forward.inputs for side in s.shape]
    return list(dict.fromkeys(z for side in sides for z in sorted(side.free_symbols, key=str)))


def _values(claim: Claim, sizes: Sizes) -> int:
    """How many entries all values have together."""
    symbols = (*claim.forward.inputs, *(e.target for e in claim.program))
    return sum(number_of(s.shape[0], sizes) * number_of(s.shape[1], sizes) for s in symbols)


def _sizes(sizes: Sizes) -> str:
    return " ".join(f"{z}={number}" for z, number in sizes.items())


def _count(data: Mapping[str, int | float | str], what: str) -> str:
    """1 entry, 2 entries"""
    one = {"results": "result", "entries": "entry", "monomials": "monomial"}[what]
    return f"{data[what]} {one if data[what] == 1 else what}"


def _few(texts: Sequence[str]) -> tuple[str, ...]:
    more = len(texts) - SHOWN
    return (*texts[:SHOWN], *([f"and {more} more"] if more > 0 else []))
