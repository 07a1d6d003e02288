"""Steps: which parts of a scene are lit.  Nothing moves: only the `lit` flags and the painting order change.

The rule: an operation is lit if it is asked for; a wire is lit if it enters or leaves a lit operation; a node from or
to the outside is lit if a lit wire touches it.  Where values are only shown, such as the pipe of a memory, the wires
between them are lit, and their nodes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace

from lstmgraph.diagram.graph import EXTERNAL, PARAMETERS
from lstmgraph.diagram.scene import Dot, Label, Point, Scene, Wire

OUTSIDE = (*EXTERNAL, *PARAMETERS, "join", "cell")


def light(scene: Scene, operations: Collection[str], shown: Collection[str] = ()) -> Scene:
    """Only these operations (ids of graph nodes) lit, with what touches them, and what is only `shown`."""
    lit = {n.id for n in scene.nodes if n.kind not in OUTSIDE and (n.of or n.id) in operations}
    seen = {n.id for n in scene.nodes if (n.of or n.id) in shown}
    bright = {w.id for w in scene.wires if {w.source, w.target} & lit or {w.source, w.target} <= seen}
    touched = {end for w in scene.wires if w.id in bright for end in (w.source, w.target)}
    touched |= {end for w in scene.trunks if w.target in lit for end in (w.source, w.target)}
    outside = {n.id for n in scene.nodes if n.kind in OUTSIDE}
    return lit_parts(scene, lit | (seen | outside) & touched, bright, lambda trunk: trunk.target in lit)


def lit_parts(
    scene: Scene, nodes: Collection[str], wires: Collection[str], trunk: Callable[[Wire], bool] | None = None
) -> Scene:
    """Only these nodes and wires lit (ids of the scene); a trunk where a lit wire runs through it, if nothing else says
    so; labels and dots with their wires.
    """
    lit = tuple(replace(w, lit=w.id in wires) for w in scene.wires)
    is_lit = trunk or (lambda t: any(w.id in wires for w in through(scene, t)))
    trunks = tuple(replace(t, lit=is_lit(t)) for t in scene.trunks)
    bright = [w for w in (*lit, *trunks) if w.lit]
    leaving = {n.id for n in scene.nodes if n.kind == "next"}  # their labels stand beside them, not on a wire from them
    carried = {id for w in bright for id in (w.id, w.source, *({w.target} & leaving))}
    joins = {t.source for t in trunks if t.lit}
    return replace(
        scene,
        nodes=tuple(replace(n, lit=n.id in nodes or n.id in joins) for n in scene.nodes),
        wires=tuple(sorted(lit, key=lambda w: w.lit)),
        trunks=tuple(sorted(trunks, key=lambda w: w.lit)),
        dots=tuple(sorted((_lit_dot(d, bright) for d in scene.dots), key=lambda d: d.lit)),
        labels=tuple(_lit_label(label, carried) for label in scene.labels),
    )


def through(scene: Scene, trunk: Wire) -> list[Wire]:
    """The wires that run through a trunk to its target."""
    return [w for w in scene.wires if w.target == trunk.target and passes(w, trunk.points[0])]


def _lit_label(label: Label, lit: set[str]) -> Label:
    """A label on a wire goes with its wire."""
    return label if not label.of or label.of in lit else replace(label, role="dimmed")


def _lit_dot(dot: Dot, bright: list[Wire]) -> Dot:
    return replace(dot, lit=any(passes(w, dot.at) for w in bright))


def passes(wire: Wire, at: Point) -> bool:
    """Whether a wire runs through a point."""
    for a, b in zip(wire.points, wire.points[1:], strict=False):
        if (
            min(a.x, b.x) - 0.01 <= at.x <= max(a.x, b.x) + 0.01
            and min(a.y, b.y) - 0.01 <= at.y <= max(a.y, b.y) + 0.01
        ):
            return True
    return False
