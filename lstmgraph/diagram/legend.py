"""Where the words of a legend stand: each to the right of its sample, all of a group on one left edge, the title above.

`place` puts groups side by side, `title_of` and `words_of` give the labels that writers draw and quality gates measure.
Samples keep the size that they have in the picture, so a column is as wide as its widest sample.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from lstmgraph.diagram.scene import Box, Entry, Label, Legend, Node, Point
from lstmgraph.diagram.typeset import measure

TITLE_SIZE = 11.5
WORDS_SIZE = 12.0
WORDS_GAP = 9.0  # between a sample and its words
COLUMN_GAP = 34.0
ROW_GAP = 9.0
TITLE_GAP = 12.0  # between the title and the first row


def title_of(group: Legend) -> Label:
    """The group's title, its left edge on that of the samples."""
    first = group.entries[0].sample
    label = Label(group.title, Point(0, 0), TITLE_SIZE, math=False, role="muted")
    left, _ = _column(group)
    x = left + measure(label)[0] / 2
    return replace(label, at=Point(x, first.at.y - first.height / 2 - TITLE_GAP - TITLE_SIZE * 0.35))


def words_of(group: Legend, entry: Entry) -> Label:
    """The meaning of one sample."""
    label = Label(entry.words, Point(0, 0), WORDS_SIZE, math=False)
    _, right = _column(group)
    return replace(label, at=Point(right + WORDS_GAP + measure(label)[0] / 2, entry.sample.at.y))


def labels(group: Legend) -> tuple[Label, ...]:
    """All words of a group."""
    return (title_of(group), *(words_of(group, entry) for entry in group.entries)) if group.entries else ()


def place(
    groups: Sequence[tuple[str, Sequence[tuple[Node, str]]]], left: float, top: float, width: float
) -> tuple[tuple[Legend, ...], Box]:
    """Groups of (sample, words) side by side from (left, top), in rows no wider than `width`; and the box they take."""
    placed: list[Legend] = []
    x, y, bottom, right = left, top, top, left
    for title, entries in groups:
        group = _stacked(title, entries, x, y)
        edge = _right(group)
        if edge > left + width and x > left:
            x, y = left, bottom + 2 * TITLE_GAP
            group = _stacked(title, entries, x, y)
            edge = _right(group)
        placed.append(group)
        last = group.entries[-1].sample
        x, bottom, right = edge + COLUMN_GAP, max(bottom, last.at.y + last.height / 2), max(right, edge)
    return tuple(placed), Box(left, top, right, bottom)


def _stacked(title: str, entries: Sequence[tuple[Node, str]], left: float, top: float) -> Legend:
    middle = left + max(node.width for node, _ in entries) / 2
    y = top + TITLE_SIZE * 0.7 + TITLE_GAP
    rows = []
    for node, words in entries:
        rows.append(Entry(_moved(node, Point(middle, y + node.height / 2)), words))
        y += node.height + ROW_GAP
    return Legend(title, tuple(rows))


def _moved(node: Node, at: Point) -> Node:
    if node.label is None:
        return replace(node, at=at)
    dx, dy = at.x - node.at.x, at.y - node.at.y
    return replace(node, at=at, label=replace(node.label, at=Point(node.label.at.x + dx, node.label.at.y + dy)))


def _column(group: Legend) -> tuple[float, float]:
    """The left and the right edge of the samples."""
    samples = [entry.sample for entry in group.entries]
    return min(s.at.x - s.width / 2 for s in samples), max(s.at.x + s.width / 2 for s in samples)


def _right(group: Legend) -> float:
    return max(label.at.x + measure(label)[0] / 2 for label in labels(group))
