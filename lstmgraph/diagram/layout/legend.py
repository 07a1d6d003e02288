"""The legend: what occurs in this diagram and nothing else, in groups, under the picture.

A legend of a few symbols is a plain list, without the headings of its groups.  To explain a new kind
of node: its place in a group of a `Key`, and its words.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import NamedTuple

from lstmgraph.algebra.rules import RULES
from lstmgraph.diagram.detail import MARK, NETWORK
from lstmgraph.diagram.layout.shapes import PITCH
from lstmgraph.diagram.layout.steps import through
from lstmgraph.diagram.order import CIRCLED
from lstmgraph.diagram.outline import OUTLINE, largest
from lstmgraph.diagram.scene import COTANGENT_SUM, JOIN_SUM, UNSET, Entry, Label, Legend, Node, Point, Scene
from lstmgraph.diagram.typeset import measure, roomy

SIZE = 10.0
SCALE = 0.6  # of the samples
SMALL = 12.0  # what is no higher is not made smaller
LEAST = 7.5  # of their labels
LONGEST = 200.0  # no sample is made longer for its label
LARGEST = 20.0  # no sample is higher
ROW = 23.0  # from a line to the next, the same in all columns
NOTE = 15.0  # the same of notes
GAP = 18.0  # between columns
NARROWEST = 360.0  # has room for it, however small the picture is
SPACE = 14.0  # beside it
FEW = 7  # symbols: a legend of no more has no headings
WORTH = 0.75  # a group is divided between columns where that makes the legend so much lower

WATER = ("old_water", "new_water")  # of the plumbing style

# What that is called which leaves a step or enters it, before the words that say which step it is of.
STATES = {
    "memory": "memory",
    "memory_and_output": "memory and output",
    "output": "output",
    "state": "state",
    "value": "value",
}


def _states(handed: str, left: str) -> dict[str, str]:
    """What enters a step and what leaves it, with these words after what it is."""
    before = {f"previous_{what}": f"{words} {handed}" for what, words in STATES.items()}
    return before | {what: f"{words} {left}" for what, words in STATES.items()}


MEETING = "sum of the cotangents that meet there"

# What an operation or a value is called; an operation of the table of rules by the words of its row.
WORDS = (
    {rule.name: rule.words for rule in RULES.values()}
    | _states("of the previous step", "of this step")
    | {
        "input": "input",
        "add": "elementwise sum",
        "inner_product": "inner product of two vectors",
        "gate": "gate: its value opens a valve",
        "operand": "value that a device takes",
        "valve": "valve, seen by its wheel: open by the gate's value",
        "old_water": "water of the previous step",
        "new_water": "new water",
        COTANGENT_SUM: MEETING,
        JOIN_SUM: MEETING,
    }
)


class Key(NamedTuple):
    """How a kind of drawing is explained.

    `groups` in their order: a group takes nodes by what `_group` says of them.  `words` are those of nodes of a kind,
    whatever their operation; `what`: those of operations and values, where they are not as in `WORDS`.  `lit`: samples
    are lit, also where the picture dims what they explain.  `plain`: a few symbols are a plain list.  `dimmed`: what it
    means that a line is; `joined`: that a line is lit in which not all values are; `repeated`: that a value leaves at
    several places; `parting`: that more than one line leaves a sum; `dashed`: what runs on dashed lines.
    """

    groups: tuple[tuple[str, tuple[str, ...]], ...]
    words: Mapping[str, str]
    what: Mapping[str, str] = MappingProxyType({})
    lit: bool = True
    plain: bool = True
    dimmed: str = ""
    joined: str = ""
    repeated: str = ""
    parting: str = ""
    dashed: str = "Dashed: values of the previous step"


FORWARD = Key(
    (
        ("Inputs", ("input", "previous")),
        ("Outputs", ("next",)),
        ("Memory", ("cell",)),
        ("Networks", ("network",)),
        ("Nonlinearities", ("function",)),
        ("Parameters", ("bias", "constant")),
        ("Vector operations", ("sum", "operator", "join")),
        ("Plumbing", ("gate", "operand", "valve", *WATER)),
    ),
    {"cell": "memory, from step to step", "join": "joined values"},
)
CHAIN = FORWARD._replace(what=_states("that enters a step", "that leaves a step"))
BACKWARD = Key(
    (
        ("Arriving from the loss and the next step", ("next",)),
        ("Memory", ("cell",)),
        ("Handed to the previous step", ("previous",)),
        ("Handed to inputs and biases", ("input", "bias")),
        ("Sums", (COTANGENT_SUM, "join")),
        ("Operations of the step, dimmed", ("network", "function", "sum", "operator", "constant")),
    ),
    {"cell": "cotangents of the memory, new and old", "join": "joined values, which part there"},
    lit=False,
    plain=False,
    dimmed="Dimmed lines: nothing flows back",
    repeated="A cotangent that leaves at several places is the sum of what leaves there",
    parting="Two arrows from one sum: values that were joined, each with its own part",
    dashed="Dashed: what is handed to the previous step",
)
AGAINST = FORWARD._replace(
    dimmed="Dimmed: what both cells have",
    joined="A line of joined values is strong where one of them is; the text says which",
)
Sample = tuple[Node, str]  # a node and its meaning
Group = tuple[str, list[Sample]]


class _Piece(NamedTuple):
    """A group, or the part of it that stands in one column."""

    title: str
    samples: list[Sample]
    headed: bool  # whether the title stands over it
    row: int  # of its first sample


Columns = list[list[_Piece]]
# What labels of a role say, where that is not plain.
NOTES = {
    "stage": f"{CIRCLED[0]}, {CIRCLED[1]}, ...: order of evaluation; equal numbers at the same time",
    "weight": "At an arrow: what scales the value there",
    "order": "1, 2 at arrows: order of operands",
    "shape": "After a colon, or beside a symbol: the shape",
    UNSET: "In grey: no value was given, so the gate stands half open",
    "continued": "→ where a row ends and begins: what stands beside it goes on in the next row",
}


def with_legend(scene: Scene, key: Key = FORWARD, patterns: Mapping[str, str] = MappingProxyType({})) -> Scene:
    """The scene with its legend, and higher by as much as that needs; as it is where there is nothing to explain.

    `patterns`: how wires of a role are drawn, where that is not solid: "dashed".
    """
    width, top = max(scene.size[0], NARROWEST), scene.size[1]
    groups = list(_groups(scene, key))
    if not groups:
        return scene
    columns = _arranged(groups, width - 3 * PITCH, key.plain)
    found = _placed(groups, columns, top)
    rows = max(piece.row + len(piece.samples) for column in columns for piece in column)
    notes, bottom = _noted(_notes(scene, key, patterns), width - 3 * PITCH, top + rows * ROW)
    legend = (*found, *notes)
    return replace(scene, legend=legend, size=(max(scene.size[0], _right(legend) + SPACE), bottom + 2 * PITCH))


def _right(legend: Sequence[Legend]) -> float:
    """Where a legend ends on the right."""
    words = (x for g in legend for x in (g.heading, *(e.label for e in g.entries)) if x)
    return max(x.at.x + measure(x)[0] / 2 for x in words)


def _groups(scene: Scene, key: Key) -> Iterator[Group]:
    """The groups that occur, with one sample for each meaning; more where one is drawn in several ways."""
    for title, kinds in key.groups:
        seen: dict[tuple[str, str], Node] = {}
        for node in sorted(scene.nodes, key=lambda n: n.kind == "join"):  # the sign of a wire comes last
            if _group(node) in kinds:
                seen.setdefault((meaning(node, key), _way(node)), node)
        if seen:
            meanings = [words for words, _ in seen]
            yield _title(title, meanings), [(_sample(node, key), words) for (words, _), node in seen.items()]


def _way(node: Node) -> str:
    """How an operation is drawn that may be one on values or a network; a plus has the colour of what meets there."""
    return node.role if node.kind in ("sum", "operator") else ""


# ── columns ──


def _arranged(groups: Sequence[Group], width: float, plain: bool) -> Columns:
    """Columns as low as they can be in this width; groups stay whole, unless dividing them saves much."""
    if plain and sum(len(samples) for _, samples in groups) <= FEW:
        return _lowest(groups, width, divide=True, heading=0)[0]
    whole, rows = _lowest(groups, width, divide=False)
    divided, fewer = _lowest(groups, width, divide=True)
    return divided if fewer <= WORTH * rows else whole


def _lowest(groups: Sequence[Group], width: float, divide: bool, heading: int = 1) -> tuple[Columns, int]:
    every = sum(heading + len(samples) for _, samples in groups)
    for rows in range(1 + heading, every):
        columns = _flow(groups, rows, divide, heading)
        if columns and sum(map(_width, columns)) + GAP * (len(columns) - 1) <= width:
            return columns, rows
    return _flow(groups, every, divide=False, heading=heading), every


def _flow(groups: Sequence[Group], rows: int, divide: bool, heading: int) -> Columns:
    """The groups from top to bottom, column by column; nothing if one is too long and may not be divided.

    `heading`: how many rows a heading takes.
    """
    columns: Columns = [[]]
    used = 0
    for title, samples in groups:
        length = heading + len(samples)
        if not divide and length > rows:
            return []
        least = 1 + 2 * heading  # a heading is not left alone with one of several
        if used and used + length > rows and not (divide and used + least <= rows):
            columns.append([])
            used = 0
        left = samples
        while left:
            if left is not samples:
                columns.append([])
                used = 0
            first = used + heading
            here, left = left[: rows - first], left[rows - first :]
            columns[-1].append(_Piece(title, here, bool(heading) and here[0] is samples[0], first))
            used = first + len(here)
    return columns


def _width(column: Sequence[_Piece]) -> float:
    titles = [roomy(_heading(piece.title)) for piece in column if piece.headed]
    return max([*titles, *(_across(column) + PITCH + _words(w) for p in column for _, w in p.samples)])


def _across(column: Sequence[_Piece]) -> float:
    """How wide the samples of a column are."""
    return max(node.width for piece in column for node, _ in piece.samples)


def _words(text: str) -> float:
    return roomy(Label(text, Point(0, 0), SIZE, math=False))


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
            if piece.headed:
                headings[piece.title] = _from(_heading(piece.title), x, y - ROW)
            for k, (node, words) in enumerate(piece.samples):
                entries[piece.title].append(_entry(node, words, Point(x + across / 2, y + k * ROW), x + across + PITCH))
        x += _width(column) + GAP
    return [Legend(title, tuple(entries[title]), headings.get(title)) for title, _ in groups]


def _from(label: Label, left: float, y: float) -> Label:
    return replace(label, at=Point(left + measure(label)[0] / 2, y))


def _entry(node: Node, words: str, at: Point, left: float) -> Entry:
    label = _from(Label(words, at, SIZE, math=False), left, at.y)
    inner = replace(node.label, at=at) if node.label else None
    return Entry(replace(node, id=f"legend-{node.id}", at=at, label=inner), words, label)


def _sample(node: Node, key: Key) -> Node:
    """The node in small; lit where a step dims it in the picture and it means the same."""
    node = replace(node, lit=node.lit or key.lit)
    if node.operation in WATER:
        return replace(node, width=LARGEST, height=LARGEST / 2, label=None)
    scale = 1.0 if node.height <= SMALL else min(SCALE, LARGEST / node.height)
    label = replace(node.label, size=max(LEAST, round(node.label.size * scale, 2))) if node.label else None
    small = node.width * scale, node.height * scale
    if label and node.shape == "circle" and largest(*measure(label), node.shape, small, OUTLINE) < 1:
        scale = LARGEST / node.height  # its name needs all of it
        fit = largest(*measure(label), node.shape, (node.width * scale, LARGEST), OUTLINE)
        label = replace(label, size=round(label.size * min(1.0, fit), 2))
    width = node.width * scale
    if label and node.shape in ("ellipse", "box"):  # a small sample of something long may be longer in proportion
        width = max(width, measure(label)[0] + LEAST)
        while width < LONGEST and largest(*measure(label), node.shape, (width, node.height * scale), OUTLINE) < 1:
            width += PITCH / 2
    return replace(node, width=width, height=node.height * scale, label=label)


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


def _notes(scene: Scene, key: Key, patterns: Mapping[str, str]) -> Iterator[str]:
    for role, pattern in patterns.items():
        if any(wire.role == role for wire in scene.wires):
            yield f"{pattern.capitalize()}: {', '.join(_carried(scene, key, role))}"
    if any(wire.dashed and wire.role not in patterns for wire in scene.wires):
        yield key.dashed
    if key.dimmed and not all(wire.lit for wire in scene.wires):
        yield key.dimmed
    if key.joined and any(t.lit and not all(w.lit for w in through(scene, t)) for t in scene.trunks):
        yield key.joined
    leaving = [n.of or n.id for n in scene.nodes if n.kind in ("input", "previous", "cell") and n.lit]
    if key.repeated and len(set(leaving)) < len(leaving):
        yield key.repeated
    if key.parting and any(node.operation == JOIN_SUM for node in scene.nodes):
        yield key.parting
    own = [label for label in scene.labels if label.of or label.role == "continued"]
    roles = {"order" if label.text.lstrip("-").isdigit() else label.role for label in own}
    yield from (note for role, note in NOTES.items() if role in roles)


def _carried(scene: Scene, key: Key, role: str) -> list[str]:
    """What runs on the wires of a role: what their beginnings are called, as far as these are outside."""
    sources = {wire.source for wire in scene.wires if wire.role == role}
    found = [meaning(n, key) for n in scene.nodes if n.id in sources and n.kind == "previous"]
    return sorted(set(found)) or [_called(role, key)]


def _group(node: Node) -> str:
    if node.kind == "plumbing":
        return node.operation
    return "network" if node.operation.endswith(NETWORK) else node.kind


def _title(title: str, meanings: list[str]) -> str:
    return "Biases" if all(m.partition(":")[0] == "bias" for m in meanings) else title


def title_of(node: Node, group: Legend, key: Key) -> str:
    """The title of the group in which a node is explained, beside what stands there with it."""
    title = next((title for title, kinds in key.groups if _group(node) in kinds), "")
    return _title(title, [entry.words for entry in group.entries])


def meaning(node: Node, key: Key) -> str:
    """What a node is, in the words of the legend."""
    if node.kind in key.words and node.operation != JOIN_SUM:
        return key.words[node.kind]
    what = node.operation or node.kind
    if what.endswith(NETWORK):
        what = what.removesuffix(NETWORK)
        return f"{WORDS.get(what, what)} of a weighted sum"
    if node.label and node.label.text.startswith(MARK):
        return f"{_called(what, key)}: {node.title}"
    return _called(what, key)


def _called(what: str, key: Key) -> str:
    return key.what.get(what) or WORDS.get(what, what.replace("_", " "))
