"""Whether what is lit is what was asked for: all of a picture, or what a step computes and shows, and nothing else.

A step lights its operations, every line that enters or leaves one, and what comes from outside or goes there on such a
line.  Where values are only shown, the lines between them are lit.  Cotangents are lit over dimmed operations: which
way they run is looked at in `meaning`.
"""

from __future__ import annotations

from collections.abc import Iterator

from lstmgraph.diagram.asked import Frame
from lstmgraph.diagram.graph import OPERATIONS
from lstmgraph.diagram.layout.steps import passes
from lstmgraph.diagram.quality.edges import copies
from lstmgraph.diagram.quality.picture import Picture
from lstmgraph.diagram.scene import Label

STAGE = "stage"  # the role of labels that no step dims
SAID = {True: "lit", False: "dimmed"}


def mislit(picture: Picture) -> Iterator[str]:
    """Nodes, lines, dots and labels that are dimmed and should be lit, or the other way around."""
    scene = picture.scene
    if any(w.back for w in scene.wires):
        return
    nodes, lines = _wanted(picture)
    drawn = (*scene.wires, *scene.trunks)
    yield from (f"{n.id} is {SAID[n.lit]}" for n in scene.nodes if n.lit != (n.id in nodes))
    yield from (f"{w.id} is {SAID[w.lit]}" for w in drawn if w.lit != (w.id in lines))
    bright = [w for w in drawn if w.id in lines]
    for dot in scene.dots:
        if dot.lit != any(passes(w, dot.at) for w in bright):
            yield f"the dot at ({dot.at.x:g}, {dot.at.y:g}) is {SAID[dot.lit]}"
    leaving = {n.id for n in scene.nodes if n.kind == "next"}
    carried = {id for w in bright for id in (w.id, w.source)} | leaving & {w.target for w in bright}
    for label in scene.labels:
        if label.of and label.role != STAGE and _is_lit(label) != (label.of in carried):
            yield f"{label.text} of {label.of} is {SAID[_is_lit(label)]}"


def _is_lit(label: Label) -> bool:
    return label.role != "dimmed"


def _wanted(picture: Picture) -> tuple[set[str], set[str]]:
    """The nodes and the lines that should be lit: all of them where no steps were asked for."""
    scene, steps = picture.scene, picture.asked.steps
    if not steps:
        return {n.id for n in scene.nodes}, {w.id for w in (*scene.wires, *scene.trunks)}
    nodes: set[str] = set()
    lines: set[str] = set()
    for copy, frame in zip(copies(picture), steps, strict=False):  # what has no step should be dimmed
        some = _of_step(picture, copy, frame)
        nodes, lines = nodes | some[0], lines | some[1]
    return nodes, lines


def _of_step(picture: Picture, copy: str, frame: Frame) -> tuple[set[str], set[str]]:
    """What a step lights in one of the copies of the graph."""
    own = [n for n in picture.scene.nodes if n.id.startswith(copy)]
    computed = {n.id for n in own if n.kind in OPERATIONS and (n.of or n.id) in frame.computed}
    shown = {n.id for n in own if (n.of or n.id) in frame.shown}
    wires = [w for w in picture.scene.wires if {w.source, w.target} & computed or {w.source, w.target} <= shown]
    lines = [*wires, *(t for t in picture.scene.trunks if t.target in computed)]
    touched = {id for w in lines for id in (w.source, w.target)}
    beside = {n.id for n in own if n.id in touched and (n.kind not in OPERATIONS or n.id in shown)}
    return computed | beside, {w.id for w in lines}
