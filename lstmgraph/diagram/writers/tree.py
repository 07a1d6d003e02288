"""A graph in characters as trees: for each value that has a name, or that is used twice, the expression it comes from.

For scenes whose lines run in all directions, which no characters can show (the style `dag`).  What has a tree of its
own is written by its name in the others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace

from lstmgraph.diagram.scene import Label, Scene
from lstmgraph.diagram.writers.beneath import caption_lines

EQUALS = " = "  # between the name of a value and its operation
BRANCHES = {True: ("├─ ", "╰─ ", "│  "), False: ("|- ", "`- ", "|  ")}


def tree(scene: Scene, text: Callable[[Label | None], str], unicode: bool = True) -> str:
    """The scene's trees, in order of evaluation, and under them its labels; `text` says what a label is."""
    trees = _Trees(scene, text, BRANCHES[unicode])
    found = ["\n".join(trees.tree(id)) for id in trees.names]
    return "\n\n".join([*found, *filter(None, ["\n".join(_lines(scene, text))])]) + "\n"


class _Trees:
    def __init__(self, scene: Scene, text: Callable[[Label | None], str], branches: tuple[str, str, str]) -> None:
        self.branches = branches
        self.shown: dict[str, str] = {}  # an operation or a value, without its name
        self.names: dict[str, str] = {}  # of what has a tree of its own
        self.into: dict[str, list[str]] = {n.id: [] for n in scene.nodes}
        for wire in scene.wires:
            self.into[wire.target].append(wire.source)
        uses = Counter(wire.source for wire in scene.wires)
        for node in scene.nodes:
            name, _, operation = node.label.text.rpartition(EQUALS) if node.label else ("", "", "")
            self.shown[node.id] = text(replace(node.label, text=operation) if node.label else None)
            if node.label and name:
                self.names[node.id] = text(replace(node.label, text=name))
            elif self.into[node.id] and uses[node.id] != 1:
                self.names[node.id] = f"({len(self.names) + 1})"

    def tree(self, id: str) -> Iterator[str]:
        yield f"{self.names[id]}{EQUALS}{self.shown[id]}"
        yield from self.under(id)

    def under(self, id: str, indent: str = "") -> Iterator[str]:
        on, last, beside = self.branches
        for k, source in enumerate(self.into[id]):
            ends = k == len(self.into[id]) - 1
            yield indent + (last if ends else on) + self.names.get(source, self.shown[source])
            if source not in self.names:
                yield from self.under(source, indent + (" " * len(beside) if ends else beside))


def _lines(scene: Scene, text: Callable[[Label | None], str]) -> Iterator[str]:
    """The labels in lines, as they stand in the picture, then its caption."""
    rows: dict[float, list[Label]] = {}
    placed = [label for label in scene.labels if not label.caption[0]]
    for label in sorted(placed, key=lambda x: (round(x.at.y), x.at.x)):
        rows.setdefault(round(label.at.y), []).append(label)
    yield from (" ".join(map(text, row)) for row in rows.values())
    yield from (line for line, _ in caption_lines(scene, text))
