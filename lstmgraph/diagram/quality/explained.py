"""Whether the legend explains what occurs in the drawing, all of it and nothing else."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping

from lstmgraph.diagram.layout.legend import BACKWARD, CHAIN, FORWARD, Key, meaning, title_of
from lstmgraph.diagram.scene import COTANGENT_SUM, JOIN_SUM, Legend, Node, Scene

KEYS = (FORWARD, CHAIN, BACKWARD)  # one of them explains the whole picture
WORDS = ("dashed", "dotted")  # of lines: what a note about them begins with


def legend_astray(scene: Scene, patterns: Mapping[str, str] | None) -> Iterator[str]:
    """Symbols, dashes and dots of lines that the legend leaves out, or explains as something else, and what it explains
    that does not occur.

    `patterns`: how wires of a role are drawn, where a theme says so: "dashed"; None where no theme is known, so that
    lines cannot be judged.
    """
    if scene.nodes and not scene.legend:
        yield "there is no legend"
        return
    yield from min(([*_misworded(scene, key)] for key in KEYS), key=len)
    samples = {_look(e.sample): e.sample for g in scene.legend for e in g.entries}
    shown = {_look(n): n for n in scene.nodes}
    yield from (f"{_named(n)} is not explained" for look, n in shown.items() if look not in samples)
    yield from (f"{_named(n)} is explained and does not occur" for look, n in samples.items() if look not in shown)
    if patterns is not None:
        drawn, told = _drawn(scene, patterns), {_note(g) for g in scene.legend}
        yield from (f"{word} lines are not explained" for word in WORDS if word in drawn - told)
        yield from (f"{word} lines are explained and do not occur" for word in WORDS if word in told - drawn)


def _misworded(scene: Scene, key: Key) -> Iterator[str]:
    """Entries with other words than those of what they show, or in another group, and what is not written at all."""
    for group in scene.legend:
        if group.heading is not None and group.heading.text != group.title:
            yield f"the heading of {group.title} is {group.heading.text}"
        for entry in group.entries:
            said, meant = entry.label.text if entry.label else "nothing", meaning(entry.sample, key)
            if said != meant:
                yield f"{_named(entry.sample)} is explained as {said}, not {meant}"
        if any(group.title != title_of(e.sample, group, key) for e in group.entries):
            yield f"{group.title} is not the group of all that stands there"


def _look(node: Node) -> Hashable:
    """What tells a symbol from others: a step may light it or not, and a sum of cotangents has its value's colour."""
    if node.operation in (COTANGENT_SUM, JOIN_SUM):
        return COTANGENT_SUM  # in a dot or along a bar
    shape = "circle" if node.shape == "ellipse" else node.shape  # a wide one
    return node.kind if node.kind == "cell" else node.operation or node.kind, node.role, shape


def _named(node: Node) -> str:
    return f"{node.operation or node.kind} as {node.shape} ({node.role})"


def _drawn(scene: Scene, patterns: Mapping[str, str]) -> set[str]:
    """How lines are drawn that are not solid."""
    lines = (*scene.wires, *scene.trunks)
    return {patterns.get(w.role, "dashed") for w in lines if w.role in patterns or w.dashed}


def _note(group: Legend) -> str:
    """What a note is about."""
    word = group.title.partition(":")[0].lower()
    return word if not group.entries and word in WORDS else ""
