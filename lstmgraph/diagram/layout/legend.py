"""The legend: what occurs in this diagram and nothing else, in groups, under the picture."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from lstmgraph.algebra.rules import RULES
from lstmgraph.diagram.layout.shapes import PITCH
from lstmgraph.diagram.scene import Entry, Label, Legend, Node, Point, Scene
from lstmgraph.diagram.typeset import measure

SIZE = 10.0
SCALE = 0.65  # of the samples
LEAST = 7.5  # of their labels
LARGEST = 26.0  # no sample is larger
GAP = 18.0  # between columns
LINE = 5.0  # between rows

GROUPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Inputs", ("input", "previous")),
    ("Outputs", ("next",)),
    ("Memory", ("cell",)),
    ("Nonlinearities", ("function",)),
    ("Parameters", ("bias", "constant")),
    ("Vector operations", ("sum", "operator", "join")),
)
# What an operation or a value is called; an operation of the table of rules by the words of its row.
WORDS = {rule.name: rule.words for rule in RULES.values()} | {
    "input": "input",
    "previous_memory": "memory of the previous step",
    "previous_memory_and_output": "memory and output of the previous step",
    "previous_output": "output of the previous step",
    "previous_state": "state of the previous step",
    "memory": "memory of this step",
    "memory_and_output": "memory and output of this step",
    "output": "output of this step",
    "state": "state of this step",
    "value": "value of this step",
    "add": "elementwise sum",
    "join": "joined values",
    "cell": "memory, from step to step",
}
DASHED = "Dashed: values of the previous step"


def with_legend(scene: Scene) -> Scene:
    """The scene with its legend, and higher by as much as that needs."""
    groups = list(_groups(scene))
    width, top = max(scene.size[0], 360.0), scene.size[1]
    found: list[Legend] = []
    x, y, deepest = 2 * PITCH, top, top
    for title, entries in groups:
        wide = _width(title, entries)
        if x > 2 * PITCH and x + wide > width - PITCH:
            x, y = 2 * PITCH, deepest + GAP
        placed, bottom = _column(title, entries, x, y)
        found.append(placed)
        x, deepest = x + wide + GAP, max(deepest, bottom)
    return replace(scene, legend=tuple(found), size=(width, deepest + 2 * PITCH))


def _groups(scene: Scene) -> Iterator[tuple[str, list[tuple[Node, str]]]]:
    """For each group that occurs, one sample node for each meaning."""
    for title, kinds in GROUPS:
        seen: dict[str, Node] = {}
        for node in scene.nodes:
            if node.kind in kinds:
                seen.setdefault(_meaning(node), node)
        if seen:
            yield title, [(node, words) for words, node in seen.items()]
    if any(wire.dashed for wire in scene.wires):
        yield DASHED, []


def _meaning(node: Node) -> str:
    what = node.kind if node.kind in ("cell", "join") else node.operation or node.kind
    return WORDS.get(what, what.replace("_", " "))


def _width(title: str, entries: list[tuple[Node, str]]) -> float:
    words = [measure(Label(w, Point(0, 0), SIZE, math=False))[0] for _, w in entries]
    heading = measure(Label(title, Point(0, 0), SIZE + 1, math=False))[0]
    return max(heading, max((_sample(n).width for n, _ in entries), default=0) + PITCH + max(words, default=0))


def _sample(node: Node) -> Node:
    """The node in small."""
    scale = min(SCALE, LARGEST / node.height)
    label = replace(node.label, size=max(LEAST, round(node.label.size * scale, 2))) if node.label else None
    return replace(node, width=node.width * scale, height=node.height * scale, label=label)


def _column(title: str, entries: list[tuple[Node, str]], x: float, y: float) -> tuple[Legend, float]:
    heading = Label(title, Point(0, 0), SIZE + 1, math=False, role="heading")
    width, height = measure(heading)
    heading = replace(heading, at=Point(x + width / 2, y + height / 2))
    y += height + 2 * LINE
    across = max((_sample(n).width for n, _ in entries), default=0)
    placed = []
    for node, words in ((_sample(n), w) for n, w in entries):
        at = Point(x + across / 2, y + node.height / 2)
        label = Label(words, at, SIZE, math=False)
        label = replace(label, at=Point(x + across + PITCH + measure(label)[0] / 2, at.y))
        inner = replace(node.label, at=at) if node.label else None
        placed.append(Entry(replace(node, id=f"legend-{node.id}", at=at, label=inner), words, label))
        y += node.height + LINE
    return Legend(title, tuple(placed), heading), y
