"""What flows in a cell, for the plumbing style: each memory as a run of valves, joints and devices.

Derived from the graph alone.  A product with a gate is a valve, a sum is a joint where a branch comes in, everything
else on the way is a device.  A branch is followed through its valves to its source; from the new memory an outlet may
lead to the output.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from lstmgraph.diagram.graph import Edge, Graph
from lstmgraph.diagram.layout.anatomy import Anatomy, anatomy, way

HALF = 0.5  # how far a gate stands open that nobody set


@dataclass(frozen=True)
class Valve:
    """A product: `edge` brings the gate's value to it, which is how far it stands open; None where nobody can say."""

    edge: Edge
    opening: float | None

    @property
    def share(self) -> float:
        """What passes."""
        return HALF if self.opening is None else self.opening


@dataclass(frozen=True)
class Device:
    """Another operation on the way, with what it takes besides."""

    node: str
    operands: tuple[Edge, ...] = ()


@dataclass(frozen=True)
class Branch:
    """What comes in at a sum: its valves and devices from the joint outwards, and the value at its far end."""

    joint: str
    stops: tuple[Valve | Device, ...]
    source: str
    amount: float  # of it, before the first valve


@dataclass(frozen=True)
class Outlet:
    """From a new memory to the output."""

    stops: tuple[Valve | Device, ...]
    edge: Edge  # into the output


@dataclass(frozen=True)
class Run:
    """One memory from its previous value to its next."""

    memory: str
    previous: str
    next: Edge
    stops: tuple[Valve | Device | Branch, ...]
    outlet: Outlet | None


def runs(graph: Graph, gates: Collection[str], opened: Mapping[str, float]) -> list[Run]:
    """The memories of a graph, that with the outlet last.  `gates` are values by base name, `opened` how far."""
    found = _Flows(anatomy(graph), gates, opened).runs()
    return sorted(found, key=lambda run: run.outlet is not None)


class _Flows:
    def __init__(self, a: Anatomy, gates: Collection[str], opened: Mapping[str, float]) -> None:
        self.a, self.gates, self.opened = a, gates, opened
        self.names: dict[str, list[str]] = {}
        for value, id in a.graph.values.items():
            self.names.setdefault(id, []).append(value.split("[", maxsplit=1)[0])
        self.used: set[str] = set(a.on_pipe) | set(a.activation.values())

    def runs(self) -> list[Run]:
        found = []
        for base, path in self.a.pipes.items():
            line = [self.a.previous[base], *path]
            stops = [s for before, op in zip(line, path, strict=False) for s in self.stops(before, op)]
            (last,) = self.a.into[self.a.next[base]]
            found.append(Run(base, line[0], last, tuple(stops), self.outlet(line[-1])))
        return found

    def stops(self, before: str, op: str) -> list[Valve | Device | Branch]:
        """What an operation on a pipe is, `before` being where the pipe comes from."""
        carried, *rest = sorted(self.a.into[op], key=lambda e: e.source != before)
        operation = self.a.node[op].operation
        if rest and operation == "hadamard":
            return [Valve(e, self.opening(e.source)) for e in rest]
        if rest and operation == "add" and not any(e.negative for e in (carried, *rest)):
            return [self.branch(e) for e in rest]
        return [Device(op, tuple(rest))]

    # ── gates ──

    def is_gate(self, id: str) -> bool:
        if any(name in self.gates for name in self.names.get(id, ())):
            return True
        return self.a.node[id].operation == "one_minus" and self.is_gate(self.a.into[id][0].source)

    def opening(self, id: str) -> float | None:
        """How far a gate stands open; one minus another gate by what that leaves."""
        given = [self.opened[name] for name in self.names.get(id, ()) if name in self.opened]
        if given:
            return given[0]
        if self.a.node[id].operation == "one_minus":
            other = self.opening(self.a.into[id][0].source)
            return None if other is None else round(1 - other, 9)
        return HALF if self.is_gate(id) else None

    # ── ways ──

    def branch(self, edge: Edge) -> Branch:
        stops: list[Valve | Device] = []
        at = edge.source
        while self.a.node[at].operation == "hadamard" and any(self.is_gate(e.source) for e in self.a.into[at]):
            *factors, carried = sorted(self.a.into[at], key=lambda e: not self.is_gate(e.source))
            stops += [Valve(e, self.opening(e.source)) for e in factors]
            at = carried.source
        amount = self.opening(at) if self.is_gate(at) else 1.0
        return Branch(edge.target, tuple(stops), at, 1.0 if amount is None else amount)

    def outlet(self, start: str) -> Outlet | None:
        """The elementwise way from a new memory to the output, where the output is another value."""
        end = next((n.id for n in self.a.of_kind("next") if n.id == f"{self.a.graph.output}[t]'"), None)
        if end is None or self.a.graph.output in self.a.pipes:
            return None
        path = way(self.a, start, end, self.used)
        if not path:
            return None
        self.used |= set(path)
        stops: list[Valve | Device] = []
        for before, op in zip([start, *path], path, strict=False):
            rest = [e for e in self.a.into[op] if e.source != before]
            valves = self.a.node[op].operation == "hadamard" and all(self.is_gate(e.source) for e in rest)
            stops += [Valve(e, self.opening(e.source)) for e in rest] if rest and valves else [Device(op, tuple(rest))]
        return Outlet(tuple(stops), self.a.into[end][0])
