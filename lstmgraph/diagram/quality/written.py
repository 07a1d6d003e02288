"""Whether what is written beside lines and operations is what the graph says: names of values, signs, numbers.

Where it stands is looked at in `named`.  Labels of a value have the id of its node, labels at an arrow that of the
wire; to check another kind of label, say what it has to be here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from lstmgraph.diagram.backward import SUM_OF
from lstmgraph.diagram.graph import OPERATIONS, Edge, Graph, Node
from lstmgraph.diagram.layout.labels import value_text, weight_text
from lstmgraph.diagram.order import badge, stages
from lstmgraph.diagram.quality.edges import copies
from lstmgraph.diagram.quality.picture import Picture, ends
from lstmgraph.diagram.scene import COTANGENT_SUM, Wire
from lstmgraph.diagram.scene import Node as Drawn

STAGE = "stage"  # the role of a number
ADDED = r"+\,"  # before what a Cell adds that arrives on no line
APART = r",\,"  # between what is written in one label


def misspelt(picture: Picture) -> Iterator[str]:
    """Lines with the name of another value than theirs, and named values without a name that the look asks for; in a
    backward pass the same of cotangents.
    """
    if any(w.back for w in picture.scene.wires):
        yield from _misspelt_cotangents(picture)
        return
    meant = _meant(picture)
    said = [x for x in picture.scene.labels if x.of in meant and x.role != STAGE]
    for label in said:
        texts = _texts(picture.graph, meant[label.of])
        if label.text not in texts:
            yield f"{label.of} is called {label.text}, not {texts[0] or 'anything'}"
    if picture.graph.look.values:
        inner = [w for w in picture.scene.wires if w.target in meant and meant[w.target].kind != "next"]
        used, named = dict.fromkeys(w.source for w in inner), {x.of for x in said}
        bare = [id for id in used if id in meant and _is_named(meant[id]) and id not in named]
        yield from (f"{id} has no name on its line" for id in bare)


def _misspelt_cotangents(picture: Picture) -> Iterator[str]:
    """Names of no cotangent, and operations at which a whole cotangent arrives without its name."""
    names, meant = picture.asked.cotangents, _meant(picture)
    said = {x.of: x.text for x in picture.scene.labels if x.of in meant}
    for id, text in said.items():
        if text.removeprefix(SUM_OF).removeprefix(ADDED) not in names.values():
            yield f"{id} is called {text}"
    for node in picture.scene.nodes:
        if node.kind in OPERATIONS and node.id in names and node.id not in said and _is_whole(picture, node):
            yield f"{node.id} has no cotangent on its line"


def _is_whole(picture: Picture, node: Drawn) -> bool:
    """Whether all that flows back to an operation arrives there on lit lines."""
    ends = {node.id, *(n.id for n in picture.scene.nodes if n.kind == COTANGENT_SUM and n.of == node.id)}
    sent = [w for w in picture.scene.wires if w.lit and w.id.startswith(f"{node.id}>")]
    return bool(sent) and all(w.target in ends for w in sent)


def missigned(picture: Picture) -> Iterator[str]:
    """Arrows beside which something else is written than what happens to their values: a minus, the place among the
    operands where their order matters, and the parameters that scale them, where the look asks for those.
    """
    asked: dict[str, dict[str, None]] = {}
    wires = {w.id: w for w in picture.scene.wires}
    for copy in copies(picture):
        for edge in picture.graph.edges:
            if (id := copy + edge.id) in wires:
                for line, text in ((id, _sign(edge)), (_line(picture, wires[id]), weight_text(picture.graph, edge))):
                    asked.setdefault(line, {}).update({text: None} if text else {})
    said: dict[str, list[str]] = {}
    lines = {w.id for w in (*picture.scene.wires, *picture.scene.trunks)}
    for label in picture.scene.labels:
        if label.of in lines:
            said.setdefault(label.of, []).append(label.text)
    for id in dict.fromkeys((*asked, *said)):
        wanted, found = (APART.join(texts.get(id, ())) for texts in (asked, said))
        if wanted != found:
            yield f"{id} reads {found or 'nothing'}, not {wanted or 'nothing'}"


def misnumbered(picture: Picture) -> Iterator[str]:
    """Operations with another number than that of their stage, or without one where numbers were asked for."""
    said = {x.of: x.text for x in picture.scene.labels if x.role == STAGE}
    if not (said or picture.asked.order):
        return
    order = stages(picture.graph)
    for id, node in _meant(picture).items():
        wanted = badge(order[node.id]) if node.id in order else ""
        if said.get(id, "") != wanted:
            yield f"{id} is numbered {said.get(id) or 'nothing'}, not {wanted or 'nothing'}"


def _meant(picture: Picture) -> dict[str, Node]:
    """For each node of the scene that of the graph for which it stands."""
    known = {copy + n.id: n for copy in copies(picture) for n in picture.graph.nodes}
    return {n.id: known[id] for n in picture.scene.nodes if (id := n.of or n.id) in known}


def _is_named(node: Node) -> bool:
    return node.kind in OPERATIONS and node.value is not None


def _texts(graph: Graph, node: Node) -> tuple[str, ...]:
    """What may be written at the lines of a node, or beside one that is given: a name alone, or with its shape."""
    if not _is_named(node):
        return (node.shape,)
    return value_text(graph, node, {}), value_text(graph, replace(node, shape=""), {})


def _sign(edge: Edge) -> str:
    return ("-" if edge.negative else "") + edge.mark


def _line(picture: Picture, wire: Wire) -> str:
    """The line at whose arrow a wire ends: its own, or the trunk that it has joined."""
    return wire.id if picture.join_of(wire) is None else picture.trunks[ends(wire)[1]].id
