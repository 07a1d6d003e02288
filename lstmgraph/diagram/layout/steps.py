"""Steps: which parts of a scene are lit.  Nothing moves: only the `lit` flags and the painting order change.

The rule: an operation is lit if it is asked for; a wire is lit if it enters or leaves a lit operation; a node from or
to the outside is lit if a lit wire touches it.  Where values are only shown, such as the pipe of a memory, the wires
between them are lit, and their nodes.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from lstmgraph.diagram.scene import Dot, Label, Node, Point, Scene, Wire

OUTSIDE = ("input", "previous", "next", "bias", "constant", "join", "cell")


def light(scene: Scene, operations: Collection[str], shown: Collection[str] = ()) -> Scene:
    """Only these operations (ids of graph nodes) lit, with what touches them, and what is only `shown`."""
    lit = {n.id for n in scene.nodes if n.kind not in OUTSIDE and (n.of or n.id) in operations}
    seen = {n.id for n in scene.nodes if (n.of or n.id) in shown}
    wires = tuple(replace(w, lit=bool({w.source, w.target} & lit) or {w.source, w.target} <= seen) for w in scene.wires)
    trunks = tuple(replace(w, lit=w.target in lit) for w in scene.trunks)
    touched = {end for w in (*wires, *trunks) if w.lit for end in (w.source, w.target)}
    bright = [w for w in (*wires, *trunks) if w.lit]
    return replace(
        scene,
        nodes=tuple(_lit_node(n, n.id in lit or n.id in seen & touched, n.id in touched) for n in scene.nodes),
        wires=tuple(sorted(wires, key=lambda w: w.lit)),
        trunks=tuple(sorted(trunks, key=lambda w: w.lit)),
        dots=tuple(sorted((_lit_dot(d, bright) for d in scene.dots), key=lambda d: d.lit)),
        labels=tuple(_lit_label(label, {id for w in bright for id in (w.id, w.source)}) for label in scene.labels),
    )


def _lit_node(node: Node, lit: bool, touched: bool) -> Node:
    return replace(node, lit=lit or (node.kind in OUTSIDE and touched))


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
