"""The unrolled chain: copies of the drawing of one step side by side, each handing on to the next what it carries.

The step is laid out once; `chain` moves it and renames what depends on the time.  The value that leaves one cell and
enters the next is one node between them.  A long chain is folded into rows, read like lines of text: what ends a row
stands again at the beginning of the next one, a small arrow beside it both times; no wire runs back across the page.
`detailed="middle"` draws the step t in full and every other one as a box.

To draw the steps that are not shown in detail in another way, change `summary`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate
from math import ceil, log
from typing import Literal

from lstmgraph.diagram.boxes import label_box
from lstmgraph.diagram.compose import union
from lstmgraph.diagram.graph import EXTERNAL, Graph, base_of
from lstmgraph.diagram.layout.dress import SPACE
from lstmgraph.diagram.layout.labels import inside, refitted
from lstmgraph.diagram.layout.shapes import Form
from lstmgraph.diagram.scene import Label, Node, Point, Scene, Wire, moved
from lstmgraph.diagram.summary import summary
from lstmgraph.diagram.typeset import measure
from lstmgraph.diagram.unrolled import Step, Typeset, chain_of, middle, unrolled

Detail = Literal["all", "middle"]

ONE_LINE = 4  # so many steps are never folded
ASPECT = 1.45  # of a folded chain, between 16:10 and 4:3
RAGGED = 0.45  # what a last row that is empty would count, against the logarithm of the aspect
ROW_GAP = 12.0  # between the rows of a folded chain
GAP = 8.0  # between steps that hand nothing on in a straight line
ORIGIN = Point(0, 0)
LETTER = "A"  # a step that is not shown in detail
ON = "→"  # beside what goes on in the next row, and beside what comes from the row before
ON_SIZE = 18.0
ON_GAP = 5.0


def chain(
    scene: Scene,
    graph: Graph,
    steps: int,
    typeset: Typeset,
    columns: int | None = None,
    detailed: Detail = "all",
) -> tuple[Scene, Graph]:
    """`steps` steps as one scene, and the graph that it shows.

    `scene` and `graph` are those of one step in the pipe style, without a legend; `typeset` gives the LaTeX of a value
    by its name ("h[t+1]").  The middle step is t.  A chain of more than four steps is folded into rows, the whole of
    about the shape of a page; `columns` says how many steps a row has instead.
    """
    if steps < 1 or (columns is not None and columns < 1):
        raise ValueError(f"a chain has at least 1 step and 1 column, got {steps} and {columns}")
    parts = _parts(scene, graph, steps, typeset, detailed)
    wide = columns or _columns(parts)
    rows = [parts[k : k + wide] for k in range(0, steps, wide)]
    line = parts[0].template.scene.size[1] + ROW_GAP
    copies = [copy for k, row in enumerate(rows) for copy in _row(row, k * line)]
    marks = [mark for k, row in enumerate(rows) for mark in _marks(row, k * line, k > 0, k < len(rows) - 1)]
    size = max(map(_length, rows)), len(rows) * line - ROW_GAP
    whole = replace(union(copies), size=size, description=_description(scene, parts))
    return _with_marks(whole, marks), unrolled([p.step for p in parts])


@dataclass(frozen=True)
class _Template:
    """What is drawn of a step, ready to be copied: one scene for all steps, with room for their widest labels."""

    scene: Scene
    graph: Graph

    @cached_property
    def places(self) -> Mapping[str, Node]:
        return {n.id: n for n in self.scene.nodes}

    @cached_property
    def handed(self) -> Mapping[str, str]:
        """The next value of each state, and the previous value that it is one step later."""
        before = {base_of(n): n.id for n in self.graph.nodes if n.kind == "previous"}
        return {n.id: before[base_of(n)] for n in self.graph.nodes if n.kind == "next" and base_of(n) in before}

    @cached_property
    def joined(self) -> bool:
        """Whether all that is handed on leaves a step at the height at which it enters the next one."""
        return self.pitch > 0

    @cached_property
    def pitch(self) -> float:
        """How far the next copy stands from this one, where they are joined; else 0."""
        ends = [(self.places[a].at, self.places[b].at) for a, b in self.handed.items()]
        far = {(round(a.x - b.x, 3), round(a.y - b.y, 3)) for a, b in ends}
        across, down = min(far) if len(far) == 1 else (0.0, 1.0)
        return 0.0 if down else across

    @property
    def width(self) -> float:
        return self.pitch or self.scene.size[0] - 2 * SPACE + GAP


@dataclass(frozen=True)
class _Part:
    """A step, and what is drawn of it."""

    step: Step
    template: _Template

    def copy(self, begins: bool, ends: bool) -> Scene:
        """The step's part of the chain; at the beginning and at the end of a row with what it is handed and hands on.

        In between, that is drawn once: by the step that it enters.
        """
        dropped = set() if ends else set(self.template.handed)
        ids = {n.id: self._id(n.id, begins) for n in self.template.scene.nodes}
        nodes = [self._node(n, ids) for n in self.template.scene.nodes if n.id not in dropped]
        return replace(
            self.template.scene,
            nodes=tuple(nodes),
            wires=tuple(self._wire(w, ids) for w in self.template.scene.wires),
            trunks=tuple(self._wire(w, ids) for w in self.template.scene.trunks),
            labels=tuple(self._label(x, ids) for x in self.template.scene.labels if x.of not in dropped),
        )

    def _id(self, id: str, begins: bool) -> str:
        """What enters is the node that left the step before; at the beginning of a row it stands there once more."""
        return self.step.prefixed(id) if begins else self.step.id(id)

    def _node(self, node: Node, ids: Mapping[str, str]) -> Node:
        meant = self.step.id(node.of or node.id)
        title = self.step.words(node.title)
        label = self._glyph(node) if node.kind in EXTERNAL else node.label
        return replace(node, id=ids[node.id], of=meant if meant != ids[node.id] else "", title=title, label=label)

    def _glyph(self, node: Node) -> Label | None:
        """The name of a value, at this step, as large as fits."""
        shown = self.template.graph.node(node.of or node.id)
        return inside(self.step.glyph(shown), Form(node.shape, node.width, node.height), node.at)

    def _wire(self, wire: Wire, ids: Mapping[str, str]) -> Wire:
        title = self.step.words(wire.title)
        source, target = ids[wire.source], ids[wire.target]
        return replace(wire, id=self.step.prefixed(wire.id), source=source, target=target, title=title)

    def _label(self, label: Label, ids: Mapping[str, str]) -> Label:
        of = ids.get(label.of) or (self.step.prefixed(label.of) if label.of else "")
        text = _name(self.template.graph, label.of, self.step) if label.of in ids else ""
        return replace(label, text=text or label.text, of=of)


def _name(graph: Graph, id: str, step: Step) -> str:
    """What stands on the wires of a node: its values at a step; nothing where it has none."""
    return " = ".join(step.typeset(step.later(v)) for v, made in graph.values.items() if made == id)


# ── the steps ──


def _parts(scene: Scene, graph: Graph, steps: int, typeset: Typeset, detailed: Detail) -> list[_Part]:
    """Every step with what is drawn of it, the label's places found once for all."""
    full = _Template(scene, graph)
    hides = detailed == "middle" and any(n.kind not in EXTERNAL for n in graph.nodes)  # else there is nothing inside
    other = _Template(*summary(scene, graph, LETTER)) if hides else full
    shown = [full if k == middle(steps) else other for k in range(1, steps + 1)]
    chained = chain_of([t.graph for t in shown], typeset)
    wide = _Template(refitted(scene, _widest(graph, chained)), graph)
    return [_Part(step, wide if t is full else t) for step, t in zip(chained, shown, strict=True)]


def _widest(graph: Graph, steps: Sequence[Step]) -> dict[str, str]:
    """The widest name that each value has in the chain: one of the first, of the step t, or of the last."""
    some = [s for s in (steps[0], steps[middle(len(steps)) - 1], steps[-1]) if s.graph is graph]
    names = {id: [_name(graph, id, s) for s in some] for id in dict.fromkeys(graph.values.values())}
    return {id: max(found, key=lambda text: measure(Label(text, ORIGIN, 1.0))[0]) for id, found in names.items()}


# ── rows ──


def _row(parts: Sequence[_Part], top: float) -> Iterator[Scene]:
    """Steps side by side."""
    offsets = [0.0, *accumulate(p.template.width for p in parts)]
    last = len(parts) - 1
    for k, part in enumerate(parts):
        alone = not part.template.joined
        yield moved(part.copy(alone or k == 0, alone or k == last), offsets[k], top)


def _marks(parts: Sequence[_Part], top: float, begins: bool, ends: bool) -> Iterator[Label]:
    """Arrows beside what a row takes from the row before, if it does, and beside what it hands on to the next one."""
    first, last = parts[0].template, parts[-1].template
    if begins:
        yield from (_mark(first.places[id], -1, 0.0, top) for id in first.handed.values())
    if ends:
        left = _length(parts) - last.scene.size[0]
        yield from (_mark(last.places[id], 1, left, top) for id in last.handed)


def _mark(node: Node, side: int, left: float, top: float) -> Label:
    mark = Label(ON, ORIGIN, ON_SIZE, role="continued")
    aside = side * (node.width / 2 + ON_GAP + measure(mark)[0] / 2)
    return replace(mark, at=Point(node.at.x + left + aside, node.at.y + top))


def _with_marks(scene: Scene, marks: Sequence[Label]) -> Scene:
    """The scene with them, wider by what they need at both sides."""
    boxes = [label_box(mark, ON_GAP) for mark in marks]
    left = max((-box.left for box in boxes), default=0.0)
    right = max((box.right - scene.size[0] for box in boxes), default=0.0)
    wider = replace(scene, labels=(*scene.labels, *marks), size=(scene.size[0] + left + right, scene.size[1]))
    return moved(wider, left, 0.0) if marks else scene


def _length(parts: Sequence[_Part]) -> float:
    return sum(p.template.width for p in parts[:-1]) + parts[-1].template.scene.size[0]


def _columns(parts: Sequence[_Part]) -> int:
    """The length of the rows with which the whole is nearest to the shape of a page, and its last row well filled."""
    count = len(parts)
    if count <= ONE_LINE:
        return count
    high = parts[0].template.scene.size[1] + ROW_GAP

    def off(columns: int) -> float:
        rows = ceil(count / columns)
        return abs(log(_length(parts[:columns]) / (rows * high) / ASPECT)) + RAGGED * (rows - count / columns)

    return min(range(1, count + 1), key=off)


def _description(scene: Scene, parts: Sequence[_Part]) -> str:
    """The chain in words: one step stands for all."""
    first, last = parts[0].step.shift, parts[-1].step.shift
    span = f"{len(parts)} steps, from t{first:+d} to t{last:+d}".replace("t+0", "t")
    return f"{span}: what leaves a step as its state enters the next one. Each step: {scene.description}"
