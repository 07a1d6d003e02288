"""From points to characters: each coordinate of a scene gets a column, or a row, with as few of them as will do.

What stands on one coordinate stays on one column, what is left of something stays left of it, and what lies apart
stays apart by at least a blank column, or in another row.  So a scene keeps its shape while its empty space goes.
Things (`Item`) say where they begin and end as coordinates with an offset in characters: a node reaches two columns to
each side of its centre, whatever its width in points.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from lstmgraph.diagram.scene import Box

NEAR = 0.01  # coordinates that are nearer are one
BLANK = 1  # blank columns between things that stand side by side


class Edge(NamedTuple):
    """A place so many characters beyond a coordinate."""

    at: float
    off: int = 0


@dataclass(frozen=True)
class Span:
    """From the least of the low edges to the greatest of the high ones."""

    low: tuple[Edge, ...]
    high: tuple[Edge, ...]


@dataclass(frozen=True)
class Item:
    """A thing on the page: its box in points, and its columns and rows; a line may cross other lines."""

    box: Box
    columns: Span
    rows: Span
    line: bool = False


class Rule(NamedTuple):
    """The place of `high` is at least `apart` beyond the place of `low`."""

    low: float
    high: float
    apart: int


@dataclass(frozen=True)
class Places:
    """The column, or row, of each coordinate."""

    at: dict[float, int]

    def of(self, edge: Edge) -> int:
        return self.at[key(edge.at)] + edge.off

    def span(self, span: Span) -> tuple[int, int]:
        return min(map(self.of, span.low)), max(map(self.of, span.high))


def key(value: float) -> float:
    return round(value, 2) + 0.0


def compact(items: Sequence[Item], columns: Iterable[Rule], rows: Iterable[Rule]) -> tuple[Places, Places]:
    """The columns and rows of all coordinates of the items, under the rules given besides."""
    across, down = [*columns], [*rows, *_below(items)]
    for a, b in _level(items):
        if a.box.right < b.box.left - NEAR or b.box.right < a.box.left - NEAR:
            first, second = (a, b) if a.box.right < b.box.left else (b, a)
            across += rules(first.columns, second.columns, 1 + BLANK)
        elif a.line and b.line:
            across += _inside((a.box.left, a.box.right), (b.box.left, b.box.right))
            down += _inside((a.box.top, a.box.bottom), (b.box.top, b.box.bottom))
    return (
        _solved([e for i in items for e in (*i.columns.low, *i.columns.high)], across),
        _solved([e for i in items for e in (*i.rows.low, *i.rows.high)], down),
    )


def _below(items: Sequence[Item]) -> list[Rule]:
    """What begins below the end of other things comes in a later row.

    Not a rule for every pair, which are many: between two coordinates stands the end of all that is above it.
    """
    ends: dict[float, list[Edge]] = {}
    for item in items:
        end = max(item.box.bottom, *(e.at for e in item.rows.high)) if item.rows.high else item.box.bottom
        ends.setdefault(key(end) + NEAR / 2, []).extend(item.rows.high)
    order = sorted(ends)
    found = [Rule(a, b, 0) for a, b in pairwise(order)]
    found += [Rule(key(edge.at), end, edge.off) for end in order for edge in ends[end]]
    for item in items:
        begin = min(key(item.box.top), *(key(e.at) for e in item.rows.low))
        before = bisect_left(order, begin)
        found += [Rule(order[before - 1], key(e.at), 1 - e.off) for e in item.rows.low] if before else []
    return found


def _level(items: Sequence[Item]) -> Iterator[tuple[Item, Item]]:
    """All pairs that have some height in common."""
    active: list[Item] = []
    for item in sorted(items, key=lambda i: (i.box.top, i.box)):
        active = [other for other in active if other.box.bottom >= item.box.top - NEAR]
        yield from ((other, item) for other in active)
        active.append(item)


def rules(first: Span, second: Span, apart: int) -> list[Rule]:
    """The second thing begins at least so much beyond the end of the first."""
    return [Rule(key(a.at), key(b.at), apart + a.off - b.off) for a in first.high for b in second.low]


def _inside(a: tuple[float, float], b: tuple[float, float]) -> list[Rule]:
    """An end of one that lies inside the other does so in characters too: a crossing never becomes a corner."""
    found = []
    for outer, inner in ((a, b), (b, a)):
        for end in {key(e) for e in inner}:
            if key(outer[0]) < end < key(outer[1]):
                found += [Rule(key(outer[0]), end, 1), Rule(end, key(outer[1]), 1)]
    return found


def _solved(edges: list[Edge], given: list[Rule]) -> Places:
    """Half-way between the least places that the rules allow and the greatest, so that slack is on both sides."""
    order = sorted({key(e.at) for e in edges} | {x for rule in given for x in rule[:2]})
    tight: dict[tuple[float, float], int] = dict.fromkeys(pairwise(order), 0)
    for low, high, apart in given:
        if low < high:
            tight[low, high] = max(apart, tight.get((low, high), apart))
    before, after = dict.fromkeys(order, 0), dict.fromkeys(order, 0)  # how far things reach beyond their coordinate
    for at, off in edges:
        before[key(at)] = max(before[key(at)], -off)
        after[key(at)] = max(after[key(at)], off)
    least = dict(before)
    for (low, high), apart in sorted(tight.items()):
        least[high] = max(least[high], least[low] + apart)
    end = max((least[at] + after[at] for at in order), default=0)
    most = {at: end - after[at] for at in order}
    for (low, high), apart in sorted(tight.items(), key=lambda item: item[0][::-1], reverse=True):
        most[low] = min(most[low], most[high] - apart)
    return Places({at: (least[at] + most[at]) // 2 for at in order})
