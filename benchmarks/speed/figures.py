"""What is measured, and how it is chosen what is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import NamedTuple, Protocol

from benchmarks.speed.problem import CELLS, DIRECTIONS, DTYPES, SIZES, STEP_CASE
from benchmarks.speed.rows import rows_of

THREADS = (1, 2)
LONG = "D"


class Setting(NamedTuple):
    """What one process measures; no `rows` are all."""

    threads: int
    dtype: str
    cells: tuple[str, ...]
    cases: tuple[str, ...]
    rows: tuple[str, ...]
    seconds: float


class Figure(NamedTuple):
    """The seconds of a row, in a case, in a direction; the `note` says in what it is not the same cell."""

    cell: str
    dtype: str
    threads: int
    case: str
    direction: str
    row: str
    seconds: float
    note: str = ""


class Table(NamedTuple):
    """What the figures of one table have in common."""

    cell: str
    direction: str
    dtype: str
    threads: int

    @property
    def title(self) -> str:
        threads = "one thread" if self.threads == 1 else f"{self.threads} threads"
        return f"{self.cell}, {self.direction}, {self.dtype}, {threads}"


@dataclass
class Found:
    """All figures; the rows that were left out, with the reason; and those that compute something else."""

    figures: list[Figure] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def merged(self, before: Found) -> Found:
        """With the figures of an earlier run, but for those that were measured again, in the order of a whole run."""
        figures = [*{figure[:-2]: figure for figure in (*before.figures, *self.figures)}.values()]
        left_out, wrong = ([*before.left_out, *self.left_out], [*before.wrong, *self.wrong])
        return Found(sorted(figures, key=place), left_out, wrong)

    def tables(self) -> dict[Table, list[Figure]]:
        found: dict[Table, list[Figure]] = {}
        for figure in self.figures:
            table = Table(figure.cell, figure.direction, figure.dtype, figure.threads)
            found.setdefault(table, []).append(figure)
        return found


def place(figure: Figure) -> tuple[int, ...]:
    """Where a figure stands among all: what is of no library comes last."""
    lists: Sequence[tuple[object, Sequence[object]]] = (
        (figure.threads, THREADS),
        (figure.dtype, [*DTYPES]),
        (figure.cell, CELLS),
        (figure.direction, DIRECTIONS),
        (figure.case, [*SIZES]),
        (figure.row, [*rows_of(figure.case)]),
    )
    return tuple(known.index(name) if name in known else len(known) for name, known in lists)


class Chosen(Protocol):
    """What the command was given: nothing of a kind is all of it."""

    cell: Sequence[str]
    case: Sequence[str]
    dtype: Sequence[str]
    threads: Sequence[int]
    row: Sequence[str]
    seconds: float


def settings(given: Chosen) -> Iterator[Setting]:
    """A process for each number of threads and type: all cells in one thread and float32, the first one in float64 and
    in two threads, too; all that is chosen.

    In single steps there is nothing to do for a second thread, and `LONG` takes minutes in float64.
    """
    for threads, dtype in product(given.threads or THREADS, given.dtype or DTYPES):
        besides = (threads != THREADS[0] and not given.threads) + (dtype != "f32" and not given.dtype)
        if besides < 2:
            cells = given.cell or CELLS[: 1 if besides else len(CELLS)]
            short = [case for case in SIZES if case != LONG or dtype == "f32" or given.dtype]
            cases = [case for case in given.case or short if case != STEP_CASE or threads == 1]
            yield Setting(threads, dtype, tuple(cells), tuple(cases), tuple(given.row), given.seconds)
