"""What a check found, as a table."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One comparison at one choice of sizes.  `error` is relative to the largest entry; `worst` names where it is."""

    what: str
    sizes: str
    error: float
    bound: float
    worst: str = ""
    note: str = ""

    @property
    def passed(self) -> bool:
        return self.error <= self.bound  # False for nan


@dataclass(frozen=True)
class Report:
    """All comparisons of one check."""

    title: str
    rows: tuple[Row, ...]

    @property
    def passed(self) -> bool:
        return bool(self.rows) and all(row.passed for row in self.rows)

    def __str__(self) -> str:
        head = ("check", "sizes", "largest error", "bound", "in", "")
        cells = [head, *(_cells(row) for row in self.rows)]
        widths = [max(len(line[k]) for line in cells) for k in range(len(head))]
        lines = ["  ".join(map(_padded, line, widths, range(len(head)))).rstrip() for line in cells]
        return "\n".join([self.title, "", *lines, "", self.summary])

    @property
    def summary(self) -> str:
        failed = sum(not row.passed for row in self.rows)
        if failed:
            return f"{failed} of {len(self.rows)} checks FAILED"
        return f"all {len(self.rows)} checks passed" if self.rows else "nothing was checked"


def _cells(row: Row) -> tuple[str, ...]:
    verdict = "passed" if row.passed else "FAILED"
    return (
        row.what,
        row.sizes,
        f"{row.error:.1e}",
        f"{row.bound:.0e}",
        row.worst,
        f"{verdict}: {row.note}" if row.note else verdict,
    )


def _padded(text: str, width: int, column: int) -> str:
    return text.rjust(width) if column in {2, 3} else text.ljust(width)
