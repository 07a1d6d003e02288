"""Scenes put together: renamed, side by side, in a grid, under a heading.  Captions are `caption`.

Every function takes scenes and returns a scene, so whatever a writer can draw can be composed, again and again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import log

from lstmgraph.diagram.scene import Label, Point, Scene, Wire, moved
from lstmgraph.diagram.typeset import measure

GAP = 24.0  # between scenes
MARGIN = 14.0  # around words
HEADING = 14.0  # its size
IDEAL = 1.6  # width to height of a whole picture: a page has room for it, and a screen
HOLE = 0.35  # what an empty place counts, against the logarithm of the shape


def prefixed(scene: Scene, prefix: str) -> Scene:
    """The same scene with every id under a prefix; a node still stands `of` the graph's node that it stood for."""

    def wire(w: Wire) -> Wire:
        return replace(w, id=prefix + w.id, source=prefix + w.source, target=prefix + w.target)

    return replace(
        scene,
        nodes=tuple(replace(n, id=prefix + n.id, of=n.of or n.id) for n in scene.nodes),
        wires=tuple(map(wire, scene.wires)),
        trunks=tuple(map(wire, scene.trunks)),
        labels=tuple(replace(x, of=prefix + x.of if x.of else "") for x in scene.labels),
    )


def grid(scenes: Sequence[Scene], columns: int) -> Scene:
    """Scenes in rows of so many columns, a shorter row in the middle, each under the prefix of its number.

    The first one's words are the whole's.
    """
    columns = min(columns, len(scenes))
    wide = max(s.size[0] for s in scenes) + GAP
    rows = [scenes[k : k + columns] for k in range(0, len(scenes), columns)]
    placed: list[Scene] = []
    top = 0.0
    for row in rows:
        left = (columns - len(row)) * wide / 2
        for k, scene in enumerate(row):
            placed.append(moved(prefixed(scene, f"{len(placed) + 1}:"), left + k * wide, top))
        top += max(s.size[1] for s in row) + GAP
    size = wide * columns - GAP, top - GAP
    return replace(union(placed), size=size)


def union(scenes: Sequence[Scene]) -> Scene:
    """Scenes that share a plane; the first one's id, words and legend are the whole's."""
    return replace(
        scenes[0],
        size=(max(s.size[0] for s in scenes), max(s.size[1] for s in scenes)),
        frames=tuple(f for s in scenes for f in s.frames),
        nodes=tuple(n for s in scenes for n in s.nodes),
        wires=tuple(w for s in scenes for w in s.wires),
        dots=tuple(d for s in scenes for d in s.dots),
        labels=tuple(x for s in scenes for x in s.labels),
        trunks=tuple(w for s in scenes for w in s.trunks),
    )


def best_columns(scenes: Sequence[Scene], ideal: float = IDEAL) -> int:
    """Of how many columns a grid of these scenes has nearly the ideal shape and few empty places."""
    wide, high = max(s.size[0] for s in scenes) + GAP, max(s.size[1] for s in scenes) + GAP

    def off(columns: int) -> float:
        rows = -(-len(scenes) // columns)
        return abs(log(columns * wide / (rows * high) / ideal)) + HOLE * (rows * columns - len(scenes))

    return min(range(1, len(scenes) + 1), key=lambda n: (off(n), n))


def headed(scene: Scene, heading: str) -> Scene:
    """The scene under a heading."""
    label = Label(heading, Point(0, 0), HEADING, math=False)
    width, height = measure(label)
    below = moved(scene, 0, MARGIN + height)
    placed = replace(label, at=Point(MARGIN + width / 2, MARGIN + height / 2))
    wide = max(scene.size[0], width + 2 * MARGIN)
    return replace(below, labels=(*below.labels, placed), size=(wide, scene.size[1] + MARGIN + height))
