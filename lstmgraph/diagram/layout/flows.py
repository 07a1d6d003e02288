"""What flows in a cell, for the plumbing style: each memory as a run of valves, joints and devices.

Derived from the graph alone.  A product with a gate is a valve, a sum is a joint where a branch comes in, every other
operation that takes what flows entry by entry is a device.  A branch is followed through its valves to its source; from
the new memory an outlet may lead to the output.  What reads the memory in another way (a projection, a norm) reads it
from the mouth of that outlet: it is an operation as in any other drawing, and no pipe leads through it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import count

from sympy import MatAdd

from lstmgraph.algebra.nodes import Divide, Elementwise, Hadamard, Maximum, Minimum, Power
from lstmgraph.diagram.extract import PRODUCT, SCALED, SHIFTED
from lstmgraph.diagram.graph import OPERATIONS, Edge, Graph, Node
from lstmgraph.diagram.layout.anatomy import Anatomy, anatomy
from lstmgraph.errors import UsageError
from lstmgraph.notation import unicode_of

HALF = 0.5  # how far a gate stands open that nobody set
LINEAR = ("add", "hadamard", "negative", "one_minus", SHIFTED, SCALED)  # a gate in these scales what flows
JOINTS = ("add", "weighted_sum")
PIPES = (Elementwise, Hadamard, MatAdd, Divide, Power, Maximum, Minimum)  # what takes its operands entry by entry


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
    """What comes in at a sum: its valves and devices from the joint outwards, and the value at its far end.

    Where a gate comes in by itself, or times what is learnt, it is a valve all the same: n + i is n + i * 1.  What is
    behind that valve is `water`, which is no node of the graph.
    """

    joint: str
    stops: tuple[Valve | Device, ...]
    source: str
    amount: float  # of it, before the first valve
    water: Node | None = None


@dataclass(frozen=True)
class Reading:
    """An operation outside of the pipes: what it reads, and what it takes besides with how far that stands open."""

    edge: Edge
    operands: tuple[tuple[Edge, float | None], ...] = ()


@dataclass(frozen=True)
class Outlet:
    """From a new memory to the output: through pipes first, then through operations outside of them."""

    stops: tuple[Valve | Device, ...]
    readings: tuple[Reading, ...]
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
    """The memories of a graph, that with the outlet last.  `gates` are values by base name, `opened` how far.

    Raises UsageError, which names it, for what valves, devices, joints and one outlet cannot show.
    """
    flows = _Flows(anatomy(graph), gates, opened)
    found = flows.runs()
    flows.check(found)
    return sorted(found, key=lambda run: run.outlet is not None)


def leaves(found: Iterable[Run]) -> Iterator[tuple[str, bool]]:
    """The values at the ends of the pipes, and whether they move a valve."""
    for run in found:
        inner = [s for b in run.stops if isinstance(b, Branch) for s in b.stops]
        yield from ((b.source, False) for b in run.stops if isinstance(b, Branch) and not b.water)
        for stop in (*run.stops, *inner, *(run.outlet.stops if run.outlet else ())):
            if isinstance(stop, Valve):
                yield stop.edge.source, True
            elif isinstance(stop, Device):
                yield from ((e.source, False) for e in stop.operands)


def beside(found: Iterable[Run]) -> Iterator[str]:
    """The values that operations outside of the pipes take besides what they read."""
    for run in found:
        for reading in run.outlet.readings if run.outlet else ():
            yield from (edge.source for edge, _ in reading.operands)


def taken(stop: Valve | Device | Reading) -> Sequence[Edge]:
    """What stands beside a pipe at a stop."""
    if isinstance(stop, Valve):
        return (stop.edge,)
    return stop.operands if isinstance(stop, Device) else [edge for edge, _ in stop.operands]


def _refused(what: str) -> UsageError:
    return UsageError(f"the plumbing cannot show {what}", hint="the style pipe draws every cell")


def unset(graph: Graph, gates: Collection[str], opened: Mapping[str, float]) -> frozenset[str]:
    """The ids of the gates that nobody set: they stand half open."""
    flows = _Flows(anatomy(graph), gates, opened)
    return frozenset(n.id for n in graph.nodes if flows.is_unset(n.id))


class _Flows:
    def __init__(self, a: Anatomy, gates: Collection[str], opened: Mapping[str, float]) -> None:
        self.a, self.gates, self.opened = a, gates, opened
        self.names: dict[str, list[str]] = {}
        given = {n.value: n.id for n in a.of_kind("input") if n.value}
        for value, id in {**given, **a.graph.values}.items():
            self.names.setdefault(id, []).append(value.split("[", maxsplit=1)[0])
        self.networks = {*a.activation, *a.activation.values()}
        self.pipes = self._pipes()
        self.on_pipe = {id for path in self.pipes.values() for id in path}

    def runs(self) -> list[Run]:
        found = []
        begin, path_out = self.way_out()
        for base, path in self.pipes.items():
            line = [self.a.previous[base], *path]
            stops = [s for before, op in zip(line, path, strict=False) for s in self.stops(before, op)]
            (last,) = self.a.into[self.a.next[base]]
            outlet = self.outlet(begin, path_out) if line[-1] == begin else None
            found.append(Run(base, line[0], last, tuple(stops), outlet))
        return found

    # ── where pipes run ──

    def _pipes(self) -> dict[str, list[str]]:
        """The operations on the way of each memory from its previous to its next value, no two on the same one."""
        found: dict[str, list[str]] = {}
        for base in self.a.graph.memories:
            closed = {id for path in found.values() for id in path}
            if base in self.a.previous and base in self.a.next:
                path = self._way(self.a.previous[base], self.a.next[base], closed, dry=False)
                if path is not None:
                    found[base] = path[1]
        return found

    def passes(self, edge: Edge) -> bool:
        """Whether water flows on through what an edge leads to: an operation entry by entry that is no network's."""
        node = self.a.node[edge.target]
        return edge.via is None and node.id not in self.networks and isinstance(node.expression, PIPES)

    def _way(self, start: str, end: str, closed: set[str], dry: bool) -> tuple[tuple[int, int], list[str]] | None:
        """The way with the fewest operations that no water flows through, none of them unless it may run `dry`.

        Of these ways the shortest; with the two numbers, and the operations on it.
        """
        order, done = count(), set[str]()
        queue: list[tuple[tuple[int, int], int, tuple[str, ...]]] = [((0, 0), next(order), (start,))]
        while queue:
            (outside, length), _, path = heappop(queue)
            at = path[-1]
            if at == end:
                return (outside, length), list(path[1:-1])
            if at in done:
                continue
            done.add(at)
            for edge in self.a.out[at]:
                inner = self.a.node[edge.target].kind in OPERATIONS
                wet = edge.target == end or (self.passes(edge) and not (dry and edge.negative))
                if edge.target not in closed and (inner or edge.target == end) and (wet or dry):
                    cost = (outside + (not wet), length + 1)
                    heappush(queue, (cost, next(order), (*path, edge.target)))
        return None

    def way_out(self) -> tuple[str, list[str]]:
        """The way from a new memory to the output, where the output is another value."""
        end = self.a.next.get(self.a.graph.output)
        if end is None or self.a.graph.output in self.pipes:
            return "", []
        fresh = [([self.a.previous[base], *path])[-1] for base, path in self.pipes.items()]
        ways = [(start, self._way(start, end, self.on_pipe, dry=True)) for start in fresh]
        found = [(way[0], start, way[1]) for start, way in ways if way is not None]
        return min(found, key=lambda one: one[0])[1:] if found else ("", [])

    def stops(self, before: str, op: str) -> list[Valve | Device | Branch]:
        """What an operation on a pipe is, `before` being where the pipe comes from."""
        carried, *rest = sorted(self.a.into[op], key=lambda e: e.source != before)
        operation = self.a.node[op].operation
        if rest and operation == "hadamard":
            valves = [e for e in rest if self.controls(e.source)]
            others = [e for e in rest if e not in valves]
            stops: list[Valve | Device | Branch] = [Valve(e, self.opening(e.source)) for e in valves]
            return [*stops, self.device(op, carried, others)] if others else stops
        if rest and operation in JOINTS and not any(e.negative for e in (carried, *rest)):
            return [self.branch(e) for e in rest]
        return [self.device(op, carried, rest)]

    def device(self, op: str, carried: Edge, rest: Sequence[Edge]) -> Device:
        if carried.negative:
            raise _refused(f"that {self.said(op)} takes water away: minus {self.said(carried.source)}")
        return Device(op, tuple(rest))

    def said(self, id: str) -> str:
        node = self.a.node[id]
        return node.value or node.title or id

    # ── what cannot be shown ──

    def check(self, found: Sequence[Run]) -> None:
        """Every memory has its pipe; every gate is at a valve, or is written at something else that is drawn."""
        if not found:
            return
        lost = [base for base in self.a.graph.memories if base not in self.pipes]
        if lost:
            raise _refused(f"the memory {lost[0]}: it does not run from step to step on a way of its own")
        output = self.a.graph.output
        if output not in self.pipes and not any(run.outlet for run in found):
            raise _refused(f"{output}[t]: no way leads there from a memory that has a pipe")
        ends = list(leaves(found))
        for id, moves in ends:
            if not moves and self.portion(id) is None and (gates := self.scaled_by(id)):
                raise _refused(f"the gate {gates[0]} in {self.said(id)}: no pipe leads there")
        for id in beside(found):
            if (gates := self.scaled_by(id)) and self.is_water(id):
                raise _refused(f"the gate {gates[0]} in {self.said(id)}: one outlet leads to the output, not two")
        drawn = [*(id for id, _ in ends), *beside(found)]
        shown = {name for id in drawn for inner in self.written(id) for name in self.names.get(inner, ())}
        missing = [name for name in self.gates if name not in shown]
        if missing:
            raise _refused(f"the gate {missing[0]}: it acts where no pipe leads")

    def is_water(self, id: str) -> bool:
        """Whether a memory is in a value that has no name, taken entry by entry."""
        if id in self.on_pipe or id in self.a.previous.values():
            return True
        named = self.a.node[id].value is not None
        return not named and any(self.passes(e) and self.is_water(e.source) for e in self.a.into[id])

    def written(self, id: str) -> Iterator[str]:
        """What the label of a value names: itself, or what its formula is made of."""
        yield id
        if self.a.node[id].value is None or self.a.node[id].operation == "one_minus":
            for edge in self.a.into[id]:
                yield from self.written(edge.source)

    def scaled_by(self, id: str) -> list[str]:
        """The gates by which a formula without a name scales something, entry by entry."""
        node = self.a.node[id]
        learnt = node.operation == PRODUCT and isinstance(node.expression, Hadamard)
        if node.value or self.is_gate(id) or not (node.operation in LINEAR or node.kind == "sum" or learnt):
            return []
        sources = [e.source for e in self.a.into[id]]
        own = [self.said(s) for s in sources if self.is_gate(s)]
        return [*own, *(gate for s in sources for gate in self.scaled_by(s))]

    # ── gates ──

    def controls(self, id: str) -> bool:
        """Whether a factor moves a valve: a gate, a share from 0 to 1 that has no name, or a formula with a gate."""
        node = self.a.node[id]
        if node.operation == "one_minus":
            return self.controls(self.a.into[id][0].source)
        return self.is_gate(id) or node.operation == "sigmoid" or bool(self.scaled_by(id))

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

    def is_unset(self, id: str) -> bool:
        if any(name in self.opened for name in self.names.get(id, ())):
            return False
        if self.a.node[id].operation == "one_minus":
            return self.is_unset(self.a.into[id][0].source)
        return self.is_gate(id)

    def portion(self, id: str) -> float | None:
        """How much comes from a source that is a matrix times a gate: as far as that is open."""
        if self.a.node[id].value is not None or self.a.node[id].operation != PRODUCT:
            return None
        source = self.a.into[id][0].source
        return self.opening(source) if self.is_gate(source) else None

    # ── ways ──

    def branch(self, edge: Edge) -> Branch:
        stops: list[Valve | Device] = []
        last = edge
        while found := self.stop(last.source):
            stops += found[0]
            last = found[1]
        if gated := self.let_in(last):
            valve, water = gated
            return Branch(edge.target, (*stops, valve), water.id, 1.0, water)
        amount = self.portion(last.source)
        return Branch(edge.target, tuple(stops), last.source, 1.0 if amount is None else amount)

    def let_in(self, edge: Edge) -> tuple[Valve, Node] | None:
        """Where a gate comes in by itself, or times what is learnt: its valve, and what is behind that."""
        node = self.a.node[edge.source]
        if self.is_gate(node.id):
            latex = "1"
        elif node.operation == PRODUCT and node.value is None and isinstance(node.expression, Hadamard):
            (edge,) = self.a.into[node.id]
            latex = edge.via or ""
        else:
            return None
        words = unicode_of(latex, spaced=True)
        water = Node(f"{words}>{edge.id}", "constant", latex, "constant", title=words)
        return (Valve(edge, self.opening(edge.source)), water) if latex and self.is_gate(edge.source) else None

    def stop(self, at: str) -> tuple[list[Valve | Device], Edge] | None:
        """What a branch comes through, and from where: the valves of a product, or a number that scales it."""
        operation, into = self.a.node[at].operation, self.a.into[at]
        if operation == SCALED and self.a.node[at].value is None:
            return [Device(at)], into[0]
        if operation != "hadamard" or not any(self.controls(e.source) for e in into):
            return None
        order = sorted(into, key=lambda e: (not self.is_gate(e.source), not self.controls(e.source)))
        return [Valve(e, self.opening(e.source)) for e in order[:-1]], order[-1]

    def outlet(self, start: str, path: Sequence[str]) -> Outlet:
        """What stands on the way from a new memory to the output."""
        stops: list[Valve | Device] = []
        readings: list[Reading] = []
        for before, op in zip([start, *path], path, strict=False):
            carried, *rest = sorted(self.a.into[op], key=lambda e: e.source != before)
            if readings or carried.negative or not self.passes(carried) or self.adds_scaled(op, rest):
                readings.append(Reading(carried, tuple((e, self.given(e.source)) for e in rest)))
                continue
            product = self.a.node[op].operation == "hadamard"
            valves = [e for e in rest if product and self.controls(e.source)]
            stops += [Valve(e, self.opening(e.source)) for e in valves]
            others = [e for e in rest if e not in valves]
            stops += [self.device(op, carried, others)] if others or not valves else []
        return Outlet(tuple(stops), tuple(readings), self.a.into[self.a.next[self.a.graph.output]][0])

    def adds_scaled(self, op: str, rest: Sequence[Edge]) -> bool:
        """Whether what is added here was let through by a gate, which would need a pipe of its own."""
        return self.a.node[op].operation in JOINTS and any(self.scaled_by(e.source) for e in rest)

    def given(self, id: str) -> float | None:
        return self.opening(id) if self.is_gate(id) else None
