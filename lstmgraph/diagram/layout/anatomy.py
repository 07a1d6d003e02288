"""What the parts of a graph are to a layout: pipes, networks, operators that hang from a new memory.

Derived from the graph alone, for any cell; both styles start from this.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from lstmgraph.diagram.graph import Edge, Graph, Node, base_of


@dataclass
class Anatomy:
    graph: Graph
    node: dict[str, Node] = field(default_factory=dict)
    into: dict[str, list[Edge]] = field(default_factory=dict)
    out: dict[str, list[Edge]] = field(default_factory=dict)
    index: dict[str, int] = field(default_factory=dict)
    previous: dict[str, str] = field(default_factory=dict)  # base -> node id
    next: dict[str, str] = field(default_factory=dict)
    pipes: dict[str, list[str]] = field(default_factory=dict)  # memory -> the operators on it, in order
    activation: dict[str, str] = field(default_factory=dict)  # sum -> its nonlinearity
    fresh: dict[str, str] = field(default_factory=dict)  # node that computes a memory -> the memory
    hanging: set[str] = field(default_factory=set)  # operations on values derived from a new memory
    repeated: frozenset[str] = frozenset()  # edges from an old memory that a layout draws as if it were an input

    @property
    def on_pipe(self) -> dict[str, str]:
        return {id: base for base, path in self.pipes.items() for id in path}

    def of_kind(self, *kinds: str) -> list[Node]:
        return [n for n in self.graph.nodes if n.kind in kinds]

    def operations(self) -> list[str]:
        """Operations that are neither sums nor activations of sums, in order of evaluation."""
        own = set(self.activation.values())
        return [n.id for n in self.graph.nodes if n.kind in ("function", "operator") and n.id not in own]

    def aside(self) -> frozenset[str]:
        """The edges from old memories that are not on the way to the new ones."""
        loops = {(self.previous[base], path[0]) for base, path in self.pipes.items() if path}
        old = {self.previous[base] for base in self.pipes}
        return frozenset(e.id for e in self.graph.edges if e.source in old and (e.source, e.target) not in loops)

    def behind(self, id: str) -> set[str]:
        """Everything that a node needs, directly or not."""
        found: set[str] = set()
        waiting = [id]
        while waiting:
            sources = {e.source for e in self.into[waiting.pop()]} - found
            found |= sources
            waiting += sorted(sources)
        return found

    def exits(self) -> list[str]:
        """Next nodes that are not the next value of a state: they only leave."""
        return [n.id for n in self.of_kind("next") if base_of(n) not in self.previous]


def cell_id(base: str) -> str:
    """Of the Cell that shows a memory."""
    return f"cell:{base}"


def anatomy(graph: Graph) -> Anatomy:
    found = Anatomy(graph)
    for k, node in enumerate(_in_order(graph)):
        found.node[node.id], found.index[node.id] = node, k
        found.into[node.id], found.out[node.id] = [], []
        if node.kind in ("previous", "next"):
            (found.previous if node.kind == "previous" else found.next)[base_of(node)] = node.id
    for edge in graph.edges:
        found.into[edge.target].append(edge)
        found.out[edge.source].append(edge)
    _find_activations(found)
    _find_pipes(found)
    _find_hanging(found)
    return found


def _in_order(graph: Graph) -> list[Node]:
    """Nodes in order of evaluation, whatever order the graph lists them in; ties in the graph's order."""
    waiting = {n.id: {e.source for e in graph.edges if e.target == n.id} for n in graph.nodes}
    done: list[Node] = []
    left = list(graph.nodes)
    while left:
        node = next((n for n in left if not waiting[n.id]), left[0])
        left.remove(node)
        done.append(node)
        for sources in waiting.values():
            sources.discard(node.id)
    return done


def _find_activations(a: Anatomy) -> None:
    for node in a.of_kind("sum"):
        out = a.out[node.id]
        if len(out) == 1 and a.node[out[0].target].kind == "function":
            a.activation[node.id] = out[0].target


def _find_pipes(a: Anatomy) -> None:
    """The shortest elementwise way from each memory's previous to its next value."""
    own = set(a.activation.values())
    used: set[str] = set()
    for base in a.graph.memories:
        start, end = a.previous.get(base), a.next.get(base)
        if start is None or end is None:
            continue
        path = way(a, start, end, used | own)
        if path is not None:
            a.pipes[base] = path
            used |= set(path)
            if path:
                a.fresh[path[-1]] = base


def way(a: Anatomy, start: str, end: str, closed: set[str]) -> list[str] | None:
    came: dict[str, str] = {start: ""}
    queue = deque([start])
    while queue:
        at = queue.popleft()
        if at == end:
            path = []
            while came[at]:
                at = came[at]
                path.append(at)
            return path[-2::-1] if len(path) > 1 else []
        for edge in a.out[at]:
            kind = a.node[edge.target].kind
            if (
                edge.target not in came
                and edge.target not in closed
                and (kind in ("operator", "function") or edge.target == end)
            ):
                came[edge.target] = at
                queue.append(edge.target)
    return None


def _find_hanging(a: Anatomy) -> None:
    on_pipe = a.on_pipe
    own = set(a.activation.values())
    for id in sorted(a.node, key=a.index.__getitem__):
        if a.node[id].kind not in ("function", "operator") or id in on_pipe or id in own:
            continue
        sources = [e.source for e in a.into[id]]
        if any(s in a.hanging or s in a.fresh for s in sources):
            a.hanging.add(id)
