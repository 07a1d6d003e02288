"""The legend: what occurs in this diagram and nothing else, in groups, under the picture."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from lstmgraph.algebra.rules import RULES
from lstmgraph.diagram.detail import NETWORK
from lstmgraph.diagram.layout.shapes import PITCH
from lstmgraph.diagram.order import CIRCLED
from lstmgraph.diagram.scene import Entry, Label, Legend, Node, Point, Scene
from lstmgraph.diagram.typeset import measure

SIZE = 10.0
SCALE = 0.6  # of the samples
LEAST = 7.5  # of their labels
LARGEST = 20.0  # no sample is higher
ROW = 23.0  # from a line to the next, the same in all columns
NOTE = 15.0  # the same of notes
GAP = 18.0  # between columns
NARROWEST = 360.0  # however small the picture is
WORTH = 0.75  # a group is divided between columns where that makes the legend so much lower

WATER = ("old_water", "new_water")  # of the plumbing style

# Groups in their order; a group takes nodes by what `_group` says of them.
GROUPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Inputs", ("input", "previous")),
    ("Outputs", ("next",)),
    ("Memory", ("cell",)),
    ("Networks", ("network",)),
    ("Nonlinearities", ("function",)),
    ("Parameters", ("bias", "constant")),
    ("Vector operations", ("sum", "operator", "join", "cotangent_sum")),
    ("Plumbing", ("gate", "operand", "valve", *WATER)),
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
    "gate": "gate: its value opens a valve",
    "operand": "value that a device takes",
    "valve": "valve, seen by its wheel: open by the gate's value",
    "old_water": "water of the previous step",
    "new_water": "new water",
    "cotangent_sum": "sum of cotangents, where a value forked",
}
Sample = tuple[Node, str]  # a node and its meaning
Group = tuple[str, list[Sample]]


class _Piece(NamedTuple):
    """A group, or the part of it that stands in one column."""

    title: str
    samples: list[Sample]
    begins: bool  # whether it has the title
    row: int  # of the title, or of the place where it would be


Columns = list[list[_Piece]]
DASHED = "Dashed: values of the previous step"
# What labels of a role say, where that is not plain.
NOTES = {
    "stage": f"{CIRCLED[0]}, {CIRCLED[1]}, ...: order of evaluation; equal numbers at the same time",
    "weight": "At an arrow: what scales the value there",
    "order": "1, 2 at arrows: order of operands",
    "shape": "After a colon, or beside a symbol: the shape",
}


def with_legend(scene: Scene) -> Scene:
    """The scene with its legend, and higher by as much as that needs; as it is where there is nothing to explain."""
    width, top = max(scene.size[0], NARROWEST), scene.size[1]
    groups = list(_groups(scene))
    if not groups:
        return scene
    columns = _arranged(groups, width - 3 * PITCH)
    found = _placed(groups, columns, top)
    rows = max((piece.row + 1 + len(piece.samples) for column in columns for piece in column), default=0)
    notes, bottom = _noted(_notes(scene), width - 3 * PITCH, top + rows * ROW)
    return replace(scene, legend=(*found, *notes), size=(width, bottom + 2 * PITCH))


def _groups(scene: Scene) -> Iterator[Group]:
    """The groups that occur, with one sample for each meaning."""
    for title, groups in GROUPS:
        seen: dict[str, Node] = {}
        for node in scene.nodes:
            if _group(node) in groups:
                seen.setdefault(_meaning(node), node)
        if seen:
            yield _title(title, list(seen)), [(_sample(node), words) for words, node in seen.items()]


# ── columns ──


def _arranged(groups: Sequence[Group], width: float) -> Columns:
    """Columns as low as they can be in this width; groups stay whole, unless dividing them saves much."""
    whole, rows = _lowest(groups, width, divide=False)
    divided, fewer = _lowest(groups, width, divide=True)
    return divided if fewer <= WORTH * rows else whole


def _lowest(groups: Sequence[Group], width: float, divide: bool) -> tuple[Columns, int]:
    every = sum(1 + len(samples) for _, samples in groups)
    for rows in range(2, every):
        columns = _flow(groups, rows, divide)
        if columns and sum(map(_width, columns)) + GAP * (len(columns) - 1) <= width:
            return columns, rows
    return _flow(groups, every, divide=False), every


def _flow(groups: Sequence[Group], rows: int, divide: bool) -> Columns:
    """The groups from top to bottom, column by column; nothing if one is too long and may not be divided."""
    columns: Columns = [[]]
    used = 0
    for title, samples in groups:
        length = 1 + len(samples)
        if not divide and length > rows:
            return []
        if used and used + length > rows and not (divide and used + 3 <= rows):
            columns.append([])
            used = 0
        left = samples
        while left:
            if left is not samples:
                columns.append([])
                used = 0
            here, left = left[: rows - used - 1], left[rows - used - 1 :]
            columns[-1].append(_Piece(title, here, len(left) + len(here) == len(samples), used))
            used += 1 + len(here)
    return columns


def _width(column: Sequence[_Piece]) -> float:
    titles = [measure(_heading(piece.title))[0] for piece in column if piece.begins]
    return max([*titles, *(_across(column) + PITCH + _words(w) for p in column for _, w in p.samples)])


def _across(column: Sequence[_Piece]) -> float:
    """How wide the samples of a column are."""
    return max(node.width for piece in column for node, _ in piece.samples)


def _words(text: str) -> float:
    return measure(Label(text, Point(0, 0), SIZE, math=False))[0]


def _heading(text: str) -> Label:
    return Label(text, Point(0, 0), SIZE + 1, math=False, role="heading")


def _placed(groups: Sequence[Group], columns: Columns, top: float) -> list[Legend]:
    """The groups in their places: all lines of all columns are on common rows."""
    entries: dict[str, list[Entry]] = {title: [] for title, _ in groups}
    headings: dict[str, Label] = {}
    x = 2 * PITCH
    for column in columns:
        across = _across(column)
        for piece in column:
            y = top + (piece.row + 0.5) * ROW
            if piece.begins:
                headings[piece.title] = _from(_heading(piece.title), x, y)
            for k, (node, words) in enumerate(piece.samples, 1):
                entries[piece.title].append(_entry(node, words, Point(x + across / 2, y + k * ROW), x + across + PITCH))
        x += _width(column) + GAP
    return [Legend(title, tuple(entries[title]), headings[title]) for title, _ in groups]


def _from(label: Label, left: float, y: float) -> Label:
    return replace(label, at=Point(left + measure(label)[0] / 2, y))


def _entry(node: Node, words: str, at: Point, left: float) -> Entry:
    label = _from(Label(words, at, SIZE, math=False), left, at.y)
    inner = replace(node.label, at=at) if node.label else None
    return Entry(replace(node, id=f"legend-{node.id}", at=at, label=inner), words, label)


def _sample(node: Node) -> Node:
    """The node in small, and lit: a step dims it in the picture, where it means the same."""
    if node.operation in WATER:
        return replace(node, width=LARGEST, height=LARGEST / 2, label=None, lit=True)
    scale = min(SCALE, LARGEST / node.height)
    label = replace(node.label, size=max(LEAST, round(node.label.size * scale, 2))) if node.label else None
    return replace(node, width=node.width * scale, height=node.height * scale, label=label, lit=True)


# ── notes, under all columns ──


def _noted(notes: Iterable[str], width: float, top: float) -> tuple[list[Legend], float]:
    """The notes, as many side by side as there is room for, and where they end."""
    found: list[Legend] = []
    x, y = 0.0, top + NOTE
    for note in notes:
        wide = measure(_heading(note))[0]
        if x and x + wide > width:
            x, y = 0.0, y + NOTE
        found.append(Legend(note, (), _from(_heading(note), 2 * PITCH + x, y)))
        x += wide + GAP
    return found, y + NOTE / 2 if found else top


def _notes(scene: Scene) -> Iterator[str]:
    if any(wire.dashed for wire in scene.wires):
        yield DASHED
    roles = {"order" if label.text.lstrip("-").isdigit() else label.role for label in scene.labels if label.of}
    yield from (note for role, note in NOTES.items() if role in roles)


def _group(node: Node) -> str:
    if node.kind == "plumbing":
        return node.operation
    return "network" if node.operation.endswith(NETWORK) else node.kind


def _title(title: str, meanings: list[str]) -> str:
    return "Biases" if meanings == ["bias"] else title


def _meaning(node: Node) -> str:
    what = node.kind if node.kind in ("cell", "join") else node.operation or node.kind
    if what.endswith(NETWORK):
        what = what.removesuffix(NETWORK)
        return f"{WORDS.get(what, what)} of a weighted sum"
    return WORDS.get(what, what.replace("_", " "))
