"""What flows in a cell, said in words: the description of a plumbing, and how far its valves are open."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lstmgraph.diagram.graph import Graph
from lstmgraph.diagram.layout.flows import Branch, Device, Run, Valve


def description(found: Sequence[Run], graph: Graph) -> str:
    """The drawing in words."""
    return " ".join(line for run in found for line in _said(run, graph))


def how_open(opening: float) -> str:
    return {0.0: "shut", 1.0: "open"}.get(opening, f"{opening:g} open")


def how_far(opening: float | None) -> str:
    """What is written beside a gate: nothing where nobody can say."""
    return "" if opening is None else f"={opening:g}"


def _said(run: Run, graph: Graph) -> Iterator[str]:
    node = {n.id: n for n in graph.nodes}

    def valves(stops: Sequence[Valve | Device | Branch]) -> str:
        said = [
            f"the valve {node[s.edge.source].value or node[s.edge.source].title}"
            + ("" if s.opening is None else f" ({how_open(s.opening)})")
            if isinstance(s, Valve)
            else node[s.node].operation.replace("_", " ")
            for s in stops
            if not isinstance(s, Branch)
        ]
        return " through " + ", then ".join(said) if said else ""

    yield f"{run.previous} flows{valves(run.stops)} to {node[run.next.target].value}."
    for stop in run.stops:
        if isinstance(stop, Branch):
            source = stop.water or node[stop.source]
            yield f"{source.value or source.title} comes in{valves(stop.stops)}."
    if run.outlet:
        read = [node[r.edge.target].title or node[r.edge.target].operation for r in run.outlet.readings]
        until = f" to what reads it: {'; then '.join(read)}. That gives" if read else " to"
        yield f"From there water flows{valves(run.outlet.stops)}{until} {node[run.outlet.edge.target].value}."
