"""Threads: any graph as straight lines side by side, with few crossings.

Every node has a column of its own, in order of evaluation.  A value runs along its row from its source to its last
target, which stands on that row too if it can; so chains become straight lines, *threads*.  To any other target the
value drops across, which is one bend.  What only one node needs, a bias or a repeated input, stands right beside it
(a *satellite*).  The threads are ordered, and the columns within what depends on what, for few crossings.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from lstmgraph.diagram.graph import Edge, Graph, Node

EFFORT = 60_000  # drops that may be looked at while ordering
CROSS = 100  # a crossing, in threads that are passed
OUTER = ("input", "previous")
SATELLITES = ("bias", "constant")


@dataclass
class Thread:
    """Units on one row; `first` and `last` are the columns where its line begins and ends."""

    units: list[str]
    first: int
    last: int


@dataclass(frozen=True)
class Drop:
    """A value goes across from its thread to a unit of another."""

    edge: Edge
    source: int  # thread
    target: int
    column: int


@dataclass
class Threading:
    """Columns and threads, with the order of the threads across."""

    columns: list[str]
    threads: list[Thread]
    of: dict[str, int]  # unit -> its thread
    drops: list[Drop]
    order: list[int] = field(default_factory=list)
    crossings: int = 0

    def cost(self, order: list[int], limit: int = 1 << 60) -> int:
        """Crossings, and threads that are passed; from the limit on it is not counted any further."""
        below, rank = [0], [0] * len(order)
        for k, thread in enumerate(order):
            below.append(below[-1] | 1 << thread)
            rank[thread] = k
        total = 0
        for source, target, covering in self.spans:
            low, high = rank[source], rank[target]
            if low > high:
                low, high = high, low
            total += CROSS * (below[high] & ~below[low + 1] & covering).bit_count() + high - low
            if total >= limit:
                break
        return total

    def __post_init__(self) -> None:
        self.spans = []  # of each drop: from which thread to which, and those that run through its column
        for drop in self.drops:
            found = (k for k, t in enumerate(self.threads) if t.first < drop.column < t.last)
            self.spans.append((drop.source, drop.target, sum(1 << k for k in found)))


class Threads:
    """The units of a graph; with `repeat`, what comes from outside is drawn anew for each target."""

    def __init__(self, graph: Graph, repeat: bool) -> None:
        self.graph, self.repeat, self.spent = graph, repeat, 0
        self.node: dict[str, Node] = {n.id: n for n in graph.nodes}
        self.source: dict[str, str] = {e.id: e.source for e in graph.edges}  # edge -> unit that it starts from
        self.beside: dict[str, tuple[str, int]] = {}  # satellite -> (its unit, -1 or 1: the side across)
        self.copies: dict[str, str] = {}  # unit -> the node that it repeats
        self.into: dict[str, list[Edge]] = {n.id: [] for n in graph.nodes}
        self.out: dict[str, list[Edge]] = {n.id: [] for n in graph.nodes}
        for edge in graph.edges:
            self.into[edge.target].append(edge)
            self.out[edge.source].append(edge)
        self._repeat()

    # ── what stands beside its only target ──

    def _repeat(self) -> None:
        for node in self.graph.nodes:
            kinds = (*SATELLITES, *OUTER) if self.repeat else SATELLITES
            for edge in self.out[node.id]:
                alone = len(self.out[node.id]) == 1
                if node.kind in kinds and self.node[edge.target].kind != "next" and (alone or self.repeat):
                    self.source[edge.id] = node.id if alone else f"{node.id}@{edge.target}.{edge.operand}"
                    self.copies[self.source[edge.id]] = node.id

    def near(self, id: str) -> list[Edge]:
        """The edges from satellites and other copies into a unit."""
        return [e for e in self.into.get(id, []) if self.source[e.id] in self.copies]

    def inner(self, id: str) -> list[Edge]:
        return [e for e in self.into.get(id, []) if self.source[e.id] not in self.copies]

    # ── arranging ──

    def best(self) -> Threading:
        """The one with the fewest crossings that is found."""
        order = self._evaluation()
        best = self._arranged(order)
        moving = True
        while moving and best.crossings and self.spent < EFFORT:
            moving = False
            for tried in self._shifts(order):
                if self.spent >= EFFORT:
                    break
                found = self._arranged(tried)
                if found.cost(found.order) < best.cost(best.order):
                    best, order, moving = found, tried, True
                    break
        return best

    def _evaluation(self) -> list[str]:
        """Operations in order, each as late as what it feeds allows, so that lines are short."""
        missing = {id: len(self.inner(id)) for id in self.into}
        plain = [n.id for n in self.graph.nodes if n.kind not in (*SATELLITES, *OUTER, "next")]
        ready = [n.id for n in self.graph.nodes if not missing[n.id]]
        done: list[str] = []
        while ready:
            id = ready.pop(0)
            done.append(id)
            fed = [e.target for e in self.out[id] if self.source[e.id] not in self.copies]
            new = []
            for target in fed:
                missing[target] -= 1
                if not missing[target]:
                    new.append(target)
            ready = new + ready if id in plain else ready + new
        return [id for id in done if id in plain]

    def _shifts(self, order: list[str]) -> Iterator[list[str]]:
        """Each operation at other places that its operands and its targets allow."""
        at = {id: k for k, id in enumerate(order)}
        for id in order:
            low = max([-1, *(at[e.source] for e in self.inner(id) if e.source in at)]) + 1
            high = min([len(order), *(at[e.target] for e in self.out[id] if e.target in at)]) - 1
            rest = [n for n in order if n != id]
            for k in (low, high, (low + high) // 2):
                if k != at[id]:
                    yield [*rest[:k], id, *rest[k:]]

    def _arranged(self, order: list[str]) -> Threading:
        sources = [n.id for n in self.graph.nodes if self._is_source(n)]
        columns = list(sources)
        for id in order:
            columns += [*self._settle(id), id]
        columns += [n.id for n in self.graph.nodes if n.kind == "next"]
        found = self._threaded(columns)
        found.order = self._ordered(found)
        found.crossings = found.cost(found.order) // CROSS
        return found

    def _is_source(self, node: Node) -> bool:
        """Whether a node is drawn once, before everything else."""
        if node.kind not in (*SATELLITES, *OUTER):
            return False
        return node.id not in self.copies and (
            not self.out[node.id] or any(self.source[e.id] == node.id for e in self.out[node.id])
        )

    def _settle(self, id: str) -> list[str]:
        """Put satellites on both sides of a unit where nothing else comes in there; the copies that are left over."""
        near, inner = self.near(id), self.inner(id)
        ahead = 0 if inner else 1  # what comes in straight
        if len(near) > 2 + ahead or len(inner) > 1 or (inner and not self._may_continue(id)):
            return [self.source[e.id] for e in near]
        for edge, side in zip(near[ahead:], (-1, 1), strict=False):
            self.beside[self.source[edge.id]] = id, side
        return [self.source[e.id] for e in near[:ahead]]

    def _may_continue(self, id: str) -> bool:
        """Whether the only inner operand of a unit ends here, so that it comes in straight."""
        edge = self.inner(id)[0]
        return len([e for e in self.out[edge.source] if self.source[e.id] == edge.source]) == 1

    def _threaded(self, columns: list[str]) -> Threading:
        at = {id: k for k, id in enumerate(columns)}
        targets: dict[str, list[Edge]] = {id: [] for id in columns}
        for edge in self.graph.edges:
            if self.source[edge.id] in at:
                targets[self.source[edge.id]].append(edge)
        straight: dict[str, Edge] = {}
        for id in columns:
            ends = sorted(targets[id], key=lambda e: at[e.target])
            if ends and [e.target for e in ends].count(ends[-1].target) == 1:
                last = ends[-1]
                if last.target not in straight or self._prefers(last, straight[last.target]):
                    straight[last.target] = last
        threads, of = self._chains(columns, straight, targets, at)
        drops = [
            Drop(e, of[id], of[e.target], at[e.target])
            for id in columns
            for e in targets[id]
            if straight.get(e.target) is not e
        ]
        return Threading(columns, threads, of, drops)

    def _prefers(self, new: Edge, old: Edge) -> bool:
        """Which operand comes in straight: a memory before anything else, a copy last, else the one evaluated last."""
        memory = ("previous_memory", "memory")
        rank = [(self.source[e.id] not in self.copies, e.kind in memory) for e in (new, old)]
        return rank[0] >= rank[1]

    @staticmethod
    def _chains(
        columns: list[str], straight: dict[str, Edge], targets: dict[str, list[Edge]], at: dict[str, int]
    ) -> tuple[list[Thread], dict[str, int]]:
        threads: list[Thread] = []
        of: dict[str, int] = {}
        ends = {e.id for e in straight.values()}
        follows = {e.target: id for id in columns for e in targets[id] if e.id in ends}
        for id in columns:
            if id in follows:
                of[id] = of[follows[id]]
                threads[of[id]].units.append(id)
            else:
                of[id] = len(threads)
                threads.append(Thread([id], at[id], at[id]))
            threads[of[id]].last = max([at[id], *(at[e.target] for e in targets[id])])
        return threads, of

    def _ordered(self, found: Threading) -> list[int]:
        """Each thread where it costs least, as long as that helps."""
        order = list(range(len(found.threads)))
        best, moving = found.cost(order), True
        while moving and self.spent < EFFORT:
            moving = False
            for thread in range(len(order)):
                rest = [t for t in order if t != thread]
                for k in range(len(order)):
                    tried = [*rest[:k], thread, *rest[k:]]
                    cost = found.cost(tried, best)
                    if cost < best:
                        best, order, moving = cost, tried, True
                self.spent += len(order) * len(found.drops)
        return order
