"""The figures as tables of Markdown, which are read as they are, too."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from benchmarks.speed.bounds import Line, judged, shown
from benchmarks.speed.figures import Figure, Found, Table
from benchmarks.speed.problem import CASES, ONE_STEP, STEP_CASE
from benchmarks.speed.rows import BY_HAND, GENERATED_C, LIMIT

# What the figures of a table are divided by: a word for the column, and the row.
Ratios = tuple[tuple[str, str], ...]
RATIOS: Ratios = (("× products", LIMIT), ("× by hand", BY_HAND))
STEP_RATIOS: Ratios = (("× C", GENERATED_C),)


BOUNDS_TITLE = "What the figures are held to, in f32 and one thread: measured, and in brackets the most that it may be"


def text_of(found: Found) -> str:
    """All tables, then the bounds, then what was left out, and what was wrong."""
    blocks = [titled(table.title, lines_of(table, figures)) for table, figures in found.tables().items()]
    if bounds := [*judged(found.figures)]:
        blocks.append(titled(BOUNDS_TITLE, bounds_of(bounds)))
    blocks += [f"Left out: {words}." for words in dict.fromkeys(found.left_out)]
    blocks += [f"WRONG: {words}." for words in dict.fromkeys(found.wrong)]
    return "\n\n".join(blocks) + "\n"


def titled(title: str, lines: Sequence[Sequence[str]]) -> str:
    return f"**{title}**\n\n{markdown(lines)}"


def lines_of(table: Table, figures: Sequence[Figure]) -> list[list[str]]:
    """A line for each row; for each case the microseconds, and the ratios."""
    times = {(f.row, f.case): f.seconds for f in figures}
    names = {f.row: f"{f.row} ({f.note})" if f.note else f.row for f in figures}
    cases = dict.fromkeys(f.case for f in figures)
    ratios = STEP_RATIOS if table.direction == ONE_STEP else RATIOS
    ratios = tuple((word, row) for word, row in ratios if row in names)
    heads = [head for case in cases for head in (f"{case} µs", *(word for word, _ in ratios))]
    return [["", *heads], *([name, *cells_of(row, times, cases, ratios)] for row, name in names.items())]


def cells_of(row: str, times: Mapping[tuple[str, str], float], cases: Iterable[str], ratios: Ratios) -> Iterator[str]:
    for case in cases:
        seconds = times.get((row, case))
        yield microseconds(seconds)
        for _, other in ratios:
            yield times_text(seconds, times.get((other, case)))


def microseconds(seconds: float | None) -> str:
    if seconds is None:
        return ""
    number = 1e6 * seconds
    return f"{number:.0f}" if number >= 100 else f"{number:.1f}" if number >= 10 else f"{number:.2f}"


def times_text(seconds: float | None, other: float | None) -> str:
    return f"{seconds / other:.2f}" if seconds and other else ""


def bounds_of(lines: Iterable[Line]) -> list[list[str]]:
    cases = (*CASES, STEP_CASE)
    table = [["", "beside", "cell", "direction", *cases, ""]]
    for line in lines:
        bound = line.bound
        measured = {case: f"{shown(value):.2f} ({bound.at_most[case]:g})" for case, value in line.measured.items()}
        cells = [measured.get(case, "") for case in cases]
        table.append([bound.row, bound.beside or "1 µs", line.cell, bound.direction, *cells, line.verdict])
    return table


def markdown(lines: Sequence[Sequence[str]]) -> str:
    """A table with its columns in line: the first one left, numbers right."""
    widths = [max(3, *map(len, column)) for column in zip(*lines, strict=True)]
    ruler = [f"{'-' * (width - 1)}{':' if k else '-'}" for k, width in enumerate(widths)]
    return "\n".join(row(line, widths) for line in [lines[0], ruler, *lines[1:]])


def row(texts: Sequence[str], widths: Sequence[int]) -> str:
    cells = [text.rjust(w) if k else text.ljust(w) for k, (text, w) in enumerate(zip(texts, widths, strict=True))]
    return f"| {' | '.join(cells)} |"
