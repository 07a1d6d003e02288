"""The legend: what occurs in this diagram and nothing else, in groups, under the picture."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from lstmgraph.algebra.rules import RULES
from lstmgraph.diagram.detail import NETWORK
from lstmgraph.diagram.layout.shapes import PITCH
from lstmgraph.diagram.order import CIRCLED
from lstmgraph.diagram.scene import Entry, Label, Legend, Node, Point, Scene
from lstmgraph.diagram.typeset import measure

SIZE = 10.0
SCALE = 0.65  # of the samples
LEAST = 7.5  # of their labels
LARGEST = 26.0  # no sample is larger
GAP = 18.0  # between columns
LINE = 5.0  # between rows

# Columns of groups, one above another; a group takes nodes by what `_group` says of them.
COLUMNS: tuple[tuple[tuple[str, tuple[str, ...]], ...], ...] = (
    (("Inputs", ("input", "previous")),),
    (("Outputs", ("next",)), ("Memory", ("cell",))),
    (("Networks", ("network",)), ("Nonlinearities", ("function",)), ("Parameters", ("bias", "constant"))),
    (("Vector operations", ("sum", "operator", "join", "cotangent_sum")),),
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
    "inner_product": "inner product of two vectors",
    "cell": "memory, from step to step",
    "cotangent_sum": "sum of cotangents, where a value forked",
}
Group = tuple[str, list[tuple[Node, str]]]  # a title, and samples with their meanings
DASHED = "Dashed: values of the previous step"
# What labels of a role say, where that is not plain.
NOTES = {
    "stage": f"{CIRCLED[0]}, {CIRCLED[1]}, ...: order of evaluation; equal numbers at the same time",
    "weight": "At an arrow: what scales the value there",
    "order": "1, 2 at arrows: order of operands",
    "shape": "After a colon, or beside a symbol: the shape",
}


def with_legend(scene: Scene) -> Scene:
    """The scene with its legend, and higher by as much as that needs."""
    width, top = max(scene.size[0], 360.0), scene.size[1]
    found: list[Legend] = []
    x, y, deepest = 2 * PITCH, top, top
    for groups in _columns(scene):
        wide = max(_width(title, entries) for title, entries in groups)
        if x > 2 * PITCH and x + wide > width - PITCH:
            x, y = 2 * PITCH, deepest + GAP
        bottom = y
        for title, entries in groups:
            placed, end = _column(title, entries, x, bottom)
            found.append(placed)
            bottom = end + (GAP / 2 if entries else 0)
            deepest = max(deepest, end)
        x += wide + GAP
    return replace(scene, legend=tuple(found), size=(width, deepest + 2 * PITCH))


def _columns(scene: Scene) -> Iterator[list[Group]]:
    """For each group that occurs, one sample node for each meaning; notes last."""
    for column in COLUMNS:
        found: list[Group] = []
        for title, groups in column:
            seen: dict[str, Node] = {}
            for node in scene.nodes:
                if _group(node) in groups:
                    seen.setdefault(_meaning(node), node)
            if seen:
                found.append((_title(title, list(seen)), [(node, words) for words, node in seen.items()]))
        if found:
            yield found
    notes: list[Group] = [(note, []) for note in _notes(scene)]
    if notes:
        yield notes


def _notes(scene: Scene) -> Iterator[str]:
    if any(wire.dashed for wire in scene.wires):
        yield DASHED
    roles = {"order" if label.text.lstrip("-").isdigit() else label.role for label in scene.labels if label.of}
    yield from (note for role, note in NOTES.items() if role in roles)


def _group(node: Node) -> str:
    return "network" if node.operation.endswith(NETWORK) else node.kind


def _title(title: str, meanings: list[str]) -> str:
    return "Biases" if meanings == ["bias"] else title


def _meaning(node: Node) -> str:
    what = node.kind if node.kind in ("cell", "join") else node.operation or node.kind
    if what.endswith(NETWORK):
        what = what.removesuffix(NETWORK)
        return f"{WORDS.get(what, what)} of a weighted sum"
    return WORDS.get(what, what.replace("_", " "))


def _width(title: str, entries: list[tuple[Node, str]]) -> float:
    words = [measure(Label(w, Point(0, 0), SIZE, math=False))[0] for _, w in entries]
    heading = measure(Label(title, Point(0, 0), SIZE + 1, math=False))[0]
    return max(heading, max((_sample(n).width for n, _ in entries), default=0) + PITCH + max(words, default=0))


def _sample(node: Node) -> Node:
    """The node in small, and lit: a step dims it in the picture, where it means the same."""
    scale = min(SCALE, LARGEST / node.height)
    label = replace(node.label, size=max(LEAST, round(node.label.size * scale, 2))) if node.label else None
    return replace(node, width=node.width * scale, height=node.height * scale, label=label, lit=True)


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
