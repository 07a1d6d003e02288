"""Rows are made, checked against the interpreter, and timed in rounds that go through all of them in turn.

So whatever else the machine does meets all of them.  A turn is as many calls as fill a few milliseconds: a short call
is not timed with caches that another row has left.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from statistics import median
from typing import NamedTuple

from benchmarks.speed.problem import Call, Prepare, Problem, Row, Wanted
from lstmgraph.errors import MissingExtra, UnknownName, UsageError

# Of the largest difference, relative to the largest entry.  Sums over all steps and samples are of 3200 terms: in
# float32, added in order, they lose more than the 5e-6 that the tests allow at small sizes.
BOUNDS = {"f32": 2e-5, "f64": 1e-12}
TURN = 4e-3  # seconds
ROUNDS = 3  # at least

Say = Callable[[str], None]


class Wrong(NamedTuple):
    """A row that computes something else than the interpreter: it is not timed."""

    row: str
    error: float
    what: str

    def __str__(self) -> str:
        return f"{self.row} is not the interpreter's: {self.what} is off by {self.error:.0e} of its largest entry"


def prepared(p: Problem, rows: Mapping[str, Prepare], say: Say) -> dict[str, Row]:
    """What each row runs; one that has no such cell, or lacks a package, is left out."""
    found = {}
    for name, prepare in rows.items():
        try:
            row = prepare(p)
        except (ImportError, MissingExtra, UnknownName, UsageError) as error:
            say(f"{name}: {str(error).splitlines()[0]}")
            continue
        if row is not None:
            found[name] = row
    return found


def wrong(p: Problem, rows: Mapping[str, Row], wanted: Wanted) -> list[Wrong]:
    """Runs every row once; those whose values or gradients are not the interpreter's."""
    found = [Wrong(name, *row.worst(wanted)) for name, row in rows.items()]
    return [row for row in found if not row.error <= BOUNDS[p.dtype]]


def timed(calls: Mapping[str, Call], seconds: float) -> dict[str, float]:
    """The median seconds of a call of each; none of them is called for the first time."""
    first = {name: turn(call, 1) for name, call in calls.items()}
    counts = {name: max(1, round(TURN / once)) for name, once in first.items()}
    times = {name: [once] if counts[name] == 1 else [] for name, once in first.items()}
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or any(len(found) < ROUNDS for found in times.values()):
        for name, call in calls.items():
            times[name].append(turn(call, counts[name]))
    return {name: median(found) for name, found in times.items()}


def turn(call: Call, count: int) -> float:
    """The mean seconds of so many calls, one after the other."""
    start = time.perf_counter()
    for _ in range(count):
        call()
    return (time.perf_counter() - start) / count
