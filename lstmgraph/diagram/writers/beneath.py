"""A caption as lines of a terminal: its paragraphs in their order, a long one going on where a line is full.

To have wider lines: `WIDTH`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import groupby

from lstmgraph.diagram.scene import Label, Scene
from lstmgraph.diagram.writers.characters import columns_of

WIDTH = 96  # columns of a line
INDENT = "    "  # of a line that goes on
APART = 3  # columns between the cells of a row


def caption_lines(scene: Scene, text: Callable[[Label | None], str]) -> list[tuple[str, bool]]:
    """The lines, and whether each is lit; a blank line before every heading.  `text` says what a label is."""
    labels = sorted((x for x in scene.labels if x.caption[0]), key=lambda x: x.caption)
    cell = max((columns_of(text(x)) for x in labels if x.caption[1]), default=0) + APART
    found: list[tuple[str, bool]] = []
    for _, group in groupby(labels, key=lambda x: x.caption[0]):
        paragraph = list(group)
        if found and paragraph[0].role == "heading":
            found.append(("", True))
        pieces = [_padded(text(x), cell) if x.caption[1] else text(x) for x in paragraph]
        found += [(line, paragraph[0].role != "dimmed") for line in _wrapped(pieces, bool(paragraph[0].caption[1]))]
    return found


def _padded(text: str, columns: int) -> str:
    return text + " " * (columns - columns_of(text))


def _wrapped(pieces: Iterable[str], cells: bool) -> Iterator[str]:
    """Lines that are full: of whole cells, or of words."""
    words, between = (list(pieces), "") if cells else (" ".join(pieces).split(), " ")
    line = words[0] if words else ""
    for word in words[1:]:
        if columns_of((line + between + word).rstrip()) > WIDTH:
            yield line.rstrip()
            line = ("" if cells else INDENT) + word
        else:
            line += between + word
    yield line.rstrip()
