"""Whether a line looks like what it carries: the role of its value, dashed as such values are, an arrowhead at its end.

What a value is, is found anew from the nodes of the graph: layouts take the roles of wires from the kinds of its edges.
"""

from __future__ import annotations

from collections.abc import Iterator

from lstmgraph.diagram.boxes import around
from lstmgraph.diagram.graph import PARAMETERS, Edge, Graph, Node, ValueKind, base_of
from lstmgraph.diagram.quality.edges import copies
from lstmgraph.diagram.quality.picture import Picture, ends
from lstmgraph.diagram.scene import COTANGENT_SUM, Wire, shown_by
from lstmgraph.diagram.summary import STEP

OLD = ("previous_memory", "previous_output")


class _Kinds:
    """What the values of a graph are to a reader, from its nodes and the names of their values."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.nodes = {n.id: n for n in graph.nodes}
        self.states = {base_of(n) for n in graph.nodes if n.kind == "previous"} | {graph.output}
        self.bases = {n.id: {base_of(n)} for n in graph.nodes}
        for value, id in graph.values.items():
            self.bases[id].add(value.partition("[")[0])

    def of(self, edge: Edge) -> ValueKind:
        """What the value on an edge is; a step of which only the outside is shown gives each of its values apart."""
        source = self.nodes[edge.source]
        if source.operation == STEP:
            return self._computed({base_of(self.nodes[edge.target])})
        return self._given(source) or self._computed(self.bases[source.id])

    def _given(self, node: Node) -> ValueKind | None:
        """What a node is that computes nothing; in a chain a next value is the previous one of the step after it."""
        if node.kind in ("previous", "next"):
            return "previous_memory" if base_of(node) in self.graph.memories else "previous_output"
        if node.kind in PARAMETERS:
            return "bias"
        return "input" if node.kind == "input" else None

    def _computed(self, bases: set[str]) -> ValueKind:
        if bases & {*self.graph.memories}:
            return "memory"
        return "output" if bases & self.states else "internal"


def _carried(picture: Picture) -> Iterator[tuple[Wire, ValueKind]]:
    """The wires that show an edge, and what the value is that it brings."""
    kinds = _Kinds(picture.graph)
    edges = {copy + e.id: e for copy in copies(picture) for e in picture.graph.edges}
    for wire in picture.scene.wires:
        if (edge := edges.get(shown_by(wire.id))) is not None:
            yield wire, kinds.of(edge)


# ── roles and dashes ──


def miscoloured(picture: Picture) -> Iterator[str]:
    """Wires, trunks and junction dots with the role of another value than theirs."""
    for wire, kind in _carried(picture):
        if wire.role != kind:
            yield f"{wire.id} is drawn as {wire.role}, not {kind}"
    for trunk in picture.scene.trunks:
        own = {w.role for w in _through(picture, trunk)} if _is_stub(picture, trunk) else {"trunk"}
        if {trunk.role} != own:
            yield f"the trunk from {trunk.source} to {trunk.target} is drawn as {trunk.role}"
    for dot in picture.scene.dots:
        lines = picture.segment_grid.near(around(dot.at, 1, 1))
        if lines and dot.role not in {picture.segments[k].wire.role for k in lines}:
            yield f"the dot at ({dot.at.x:g}, {dot.at.y:g}) is drawn as {dot.role}"


def misdashed(picture: Picture, expected: bool) -> Iterator[str]:
    """Lines of the previous step that are solid, and lines of this one that are dashed.

    A drawing that dashes nothing tells them apart in another way, unless dashes are `expected` of it.  A trunk may be
    dashed where all that runs through it is of the previous step.
    """
    lines = (*picture.scene.wires, *picture.scene.trunks)
    if not expected and not any(w.dashed for w in lines):
        return
    old = {wire.id: kind in OLD for wire, kind in _carried(picture)}
    for wire in picture.scene.wires:
        if wire.dashed != old.get(wire.id, wire.dashed):
            yield f"{wire.id} is {'dashed' if wire.dashed else 'solid'}"
    for trunk in picture.scene.trunks:
        if trunk.dashed and not all(old.get(w.id) for w in _through(picture, trunk)):
            yield f"the trunk from {trunk.source} to {trunk.target} is dashed"


def _is_stub(picture: Picture, trunk: Wire) -> bool:
    """Whether a trunk leads on from a small plus, with the sum of the cotangents of one value."""
    source = picture.nodes.get(trunk.source)
    return source is not None and source.kind == COTANGENT_SUM


def _through(picture: Picture, trunk: Wire) -> list[Wire]:
    """The wires that a trunk leads on."""
    if _is_stub(picture, trunk):
        return [w for w in picture.scene.wires if w.target == trunk.source]
    join, target = ends(trunk)
    found = [(w, picture.join_of(w)) for w in picture.scene.wires if ends(w)[1] == target]
    return [w for w, node in found if node is not None and node.id == join]


# ── arrowheads ──


def heads_astray(picture: Picture) -> Iterator[str]:
    """Lines that end at a node without an arrowhead; arrowheads where lines join, or at the wrong end.

    All that is lit runs one way: with the arrows of the graph, or against them with the cotangents.
    """
    for line in (*picture.scene.wires, *picture.scene.trunks):
        if line.arrow and not _enters(picture, line):
            yield f"an arrowhead at the end of {line.id}, which leads on"
        elif not line.arrow and _enters(picture, line):
            yield f"no arrowhead at the end of {line.id}"
    lit = [w for w in picture.scene.wires if w.lit]
    against = sum(w.back for w in lit) > len(lit) / 2
    wrong = (w for w in picture.scene.wires if w.back != (against and w.lit))
    yield from (f"an arrowhead at the beginning of {w.id}" for w in wrong)


def _enters(picture: Picture, line: Wire) -> bool:
    """Whether a line ends for good: neither where it joins others, nor behind a plus at which the arrows end."""
    target = picture.nodes.get(line.target)
    return target is not None and target.kind != "join" and not _is_stub(picture, line)
