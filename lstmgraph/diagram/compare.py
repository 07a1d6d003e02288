"""Two graphs beside each other: what both have, and what only one has.

Nodes are paired one to one, and an edge is in both where its ends are paired and it is scaled in the same way.  Names
do not matter: of all pairings the one is looked for in which most edges are in both, and where that leaves a choice,
the one in which names agree, then roles.  Two graphs that differ in names alone are the same graph: that is found
first, by refining colours (Weisfeiler and Leman).  The search is a hill climb, deterministic, and the same for (A, B)
and (B, A).  A state is one thing, what a step is handed and what it hands on: both are paired, or neither is.

To let more count as the same: `_kind_of` for nodes, `_label` for edges.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from lstmgraph.diagram.detail import NETWORK
from lstmgraph.diagram.graph import EXTERNAL, Edge, Graph, Node, base_of

SAME_NAME, SAME_ROLE, SAME_PLACE, PAIRED = 0.5, 0.2, 0.05, 0.02  # what a pair is worth, in edges
ROUNDS = 12  # of the hill climb, at most

Pairs = dict[str, str]


@dataclass(frozen=True)
class Part:
    """What only one of two graphs has: ids of its nodes and edges.

    `nameless`: ids of nodes that both have, of which only this graph's computes a value with a name.
    """

    nodes: frozenset[str]
    edges: frozenset[str]
    nameless: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.nodes or self.edges)


def only(a: Graph, b: Graph, roles_a: Mapping[str, str], roles_b: Mapping[str, str]) -> tuple[Part, Part]:
    """What only `a` has and what only `b` has.  `roles` say what values are to a reader, by base name."""
    left, right, pairs, shared = _paired(a, b, roles_a, roles_b)
    ours, theirs = {e.id for e, _ in shared}, {e.id for _, e in shared}
    back = {v: u for u, v in pairs.items()}
    return _rest(a, left, right, pairs, ours), _rest(b, right, left, back, theirs)


def both(
    a: Graph, b: Graph, roles_a: Mapping[str, str], roles_b: Mapping[str, str]
) -> tuple[list[tuple[Node, Node]], list[tuple[Edge, Edge]]]:
    """The nodes and edges that both have, in pairs: what is called how in each."""
    left, right, pairs, shared = _paired(a, b, roles_a, roles_b)
    return [(left.nodes[u], right.nodes[v]) for u, v in pairs.items()], shared


def _paired(
    a: Graph, b: Graph, roles_a: Mapping[str, str], roles_b: Mapping[str, str]
) -> tuple[_Side, _Side, Pairs, list[tuple[Edge, Edge]]]:
    left, right = _Side(_looped(a), roles_a), _Side(_looped(b), roles_b)
    if right.key < left.key:  # one order for (a, b) and (b, a)
        right, left, pairs, shared = _paired(b, a, roles_b, roles_a)
        return left, right, {v: u for u, v in pairs.items()}, [(e, o) for o, e in shared]
    pairs = _Search(left, right).run()
    return left, right, pairs, _shared_edges(left, right, pairs)


def _looped(graph: Graph) -> Graph:
    """The graph in which what leaves as a state enters as that state: its next value is its previous one."""
    states = _states(graph)
    edges = [replace(e, target=states.get(e.target, e.target)) for e in graph.edges]
    return replace(graph, nodes=tuple(n for n in graph.nodes if n.id not in states), edges=tuple(edges))


def _states(graph: Graph) -> dict[str, str]:
    """For the next value of each state the node of its previous one."""
    before = {base_of(n): n.id for n in graph.nodes if n.kind == "previous"}
    return {n.id: before[base_of(n)] for n in graph.nodes if n.kind == "next" and base_of(n) in before}


def _rest(graph: Graph, side: _Side, other: _Side, pairs: Pairs, edges: set[str]) -> Part:
    states = _states(graph)
    return Part(
        frozenset(n.id for n in graph.nodes if states.get(n.id, n.id) not in pairs),
        frozenset(e.id for e in graph.edges if e.id not in edges),
        frozenset(u for u, v in pairs.items() if side.nodes[u].value and not other.nodes[v].value),
    )


# ── what may be the same ──


def _kind_of(node: Node) -> Hashable:
    """Only nodes of one kind are paired; a symbol's name is no part of it, a number is."""
    if node.kind in ("bias", *EXTERNAL):
        return node.kind
    if node.kind == "sum":  # with its nonlinearity inside or without
        return node.kind, node.operation if node.operation.endswith(NETWORK) else ""
    if node.kind == "constant":
        return node.kind, _numbers(node.expression)
    return node.kind, node.operation, _numbers(*getattr(node.expression, "args", ()))


def _numbers(*expressions: object) -> tuple[str, ...]:
    """The numbers that fill an operand: 2 in 2x; a constant with a name is one that the cell's file chooses."""
    values = (getattr(e, "value", None) for e in expressions)
    return tuple(str(v) if getattr(v, "is_number", False) else "constant" for v in values if v is not None)


def _label(edge: Edge) -> Hashable:
    """Only edges with one label are the same: scaled by a matrix or by a vector, the sign, the place among operands."""
    scaled = None if edge.via is None else r"\times" in edge.via_shape
    return scaled, edge.negative, edge.mark


@dataclass(frozen=True)
class _Side:
    """A graph with what the search asks of it."""

    graph: Graph
    roles: Mapping[str, str]

    @cached_property
    def key(self) -> tuple[object, ...]:
        return len(self.graph.nodes), [n.id for n in self.graph.nodes], [e.id for e in self.graph.edges]

    @cached_property
    def nodes(self) -> dict[str, Node]:
        return {n.id: n for n in self.graph.nodes}

    @cached_property
    def kinds(self) -> dict[str, Hashable]:
        return {n.id: _kind_of(n) for n in self.graph.nodes}

    @cached_property
    def between(self) -> dict[tuple[str, str], list[Edge]]:
        found: dict[tuple[str, str], list[Edge]] = defaultdict(list)
        for e in self.graph.edges:
            found[e.source, e.target].append(e)
        return dict(found)

    @cached_property
    def labels(self) -> dict[tuple[str, str], Counter[Hashable]]:
        return {ends: Counter(map(_label, edges)) for ends, edges in self.between.items()}

    @cached_property
    def ends(self) -> dict[str, list[tuple[str, str]]]:
        """For each node the (source, target) of its edges."""
        return {n.id: [ends for ends in self.between if n.id in ends] for n in self.graph.nodes}

    def role(self, node: Node) -> str:
        if node.kind in EXTERNAL:
            return node.operation
        return self.roles.get(node.value.split("[")[0], "") if node.value else ""


# ── graphs that differ in names alone ──


def _refined(a: _Side, b: _Side, colours: list[dict[str, int]]) -> list[dict[str, int]]:
    """Colours of both sides until they tell no more nodes apart: equal ones for nodes whose surroundings are equal."""
    while True:
        names: dict[Hashable, int] = {}
        new = []
        for side, colour in zip((a, b), colours, strict=True):
            around: dict[str, list[str]] = {id: [] for id in colour}
            for e in side.graph.edges:
                around[e.source].append(repr(("to", _label(e), colour[e.target])))
                around[e.target].append(repr(("from", _label(e), colour[e.source])))
            keys = {id: (colour[id], *sorted(around[id])) for id in colour}
            new.append({id: names.setdefault(key, len(names)) for id, key in keys.items()})
        if len(set(new[0].values()) | set(new[1].values())) == len(set(colours[0].values()) | set(colours[1].values())):
            return new
        colours = new


def _renaming(a: _Side, b: _Side) -> Pairs | None:
    """The pairing in which all nodes and edges are in both, if refinement finds one."""
    if len(a.graph.nodes) != len(b.graph.nodes) or len(a.graph.edges) != len(b.graph.edges):
        return None
    kinds: dict[Hashable, int] = {}
    colours = [{id: kinds.setdefault(kind, len(kinds)) for id, kind in side.kinds.items()} for side in (a, b)]
    while True:
        colours = _refined(a, b, colours)
        classes = [_classes(c) for c in colours]
        if {k: len(v) for k, v in classes[0].items()} != {k: len(v) for k, v in classes[1].items()}:
            return None
        tied = next((k for k, members in classes[0].items() if len(members) > 1), None)
        if tied is None:
            break
        mine = classes[0][tied][0]
        theirs = max(classes[1][tied], key=lambda theirs: _liking(a, b, mine, theirs))
        fresh = max(colours[0].values()) + 1
        colours[0][mine] = colours[1][theirs] = fresh
    pairs = {members[0]: classes[1][k][0] for k, members in classes[0].items()}
    return pairs if len(_shared_edges(a, b, pairs)) == len(a.graph.edges) else None


def _classes(colours: Mapping[str, int]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for id, colour in colours.items():
        found.setdefault(colour, []).append(id)
    return found


def _liking(a: _Side, b: _Side, mine: str, theirs: str) -> float:
    """What speaks for a pair besides its edges."""
    one, other = a.nodes[mine], b.nodes[theirs]
    worth = PAIRED + SAME_PLACE * (mine == theirs)
    if one.value and other.value:
        worth += SAME_NAME * (one.value == other.value) + SAME_ROLE * (a.role(one) == b.role(other) != "")
    return worth


# ── graphs that differ ──


@dataclass
class _Search:
    """The best pairing that a hill climb finds from several beginnings."""

    a: _Side
    b: _Side
    likes: dict[tuple[str, str], float] = field(init=False)
    partners: dict[str, list[str]] = field(init=False)

    def run(self) -> Pairs:
        whole = _renaming(self.a, self.b)
        if whole is not None:
            return whole
        ids = [(u, v) for u in self.a.nodes for v in self.b.nodes if self.a.kinds[u] == self.b.kinds[v]]
        self.likes = {(u, v): _liking(self.a, self.b, u, v) for u, v in ids}
        self.partners = {u: [] for u in self.a.nodes}
        for u, v in ids:
            self.partners[u].append(v)
        named, outside = self.by_name(lambda n: n.value is not None), self.by_name(lambda n: n.kind in EXTERNAL)
        starts: tuple[Pairs, ...] = (named, outside, {})
        return self.pruned(max((self.climbed(s) for s in starts), key=self.worth))

    def by_name(self, wanted: Callable[[Node], bool]) -> Pairs:
        """The wanted nodes that have one name in both."""
        taken = {n.value: n.id for n in self.b.graph.nodes if n.value and n.kind != "next" and wanted(n)}
        found = {n.id: taken[n.value] for n in self.a.graph.nodes if n.value in taken and n.kind != "next"}
        return {u: v for u, v in found.items() if (u, v) in self.likes}

    def worth(self, pairs: Pairs) -> float:
        shared = sum(self.common(pairs, ends) for ends in self.a.between)
        return shared + sum(self.likes[pair] for pair in pairs.items())

    def common(self, pairs: Pairs, ends: tuple[str, str]) -> int:
        """How many of the edges between two nodes are in both."""
        theirs = self.b.labels.get((pairs.get(ends[0], ""), pairs.get(ends[1], "")))
        return _overlap(self.a.labels[ends], theirs) if theirs else 0

    def gain(self, pairs: Pairs, u: str, v: str) -> float:
        """What another pair would add."""
        found = self.likes[u, v]
        for source, target in self.a.ends[u]:
            theirs = (v if source == u else pairs.get(source, ""), v if target == u else pairs.get(target, ""))
            if theirs in self.b.labels:
                found += _overlap(self.a.labels[source, target], self.b.labels[theirs])
        return found

    def grown(self, pairs: Pairs) -> Pairs:
        """With more pairs, the most rewarding first, as long as one adds an edge or a role."""
        pairs, used = dict(pairs), set(pairs.values())
        gains = {
            (u, v): self.gain(pairs, u, v)
            for u in self.a.nodes
            if u not in pairs
            for v in self.partners[u]
            if v not in used
        }
        while gains:
            u, v = max(gains, key=lambda pair: gains[pair])
            if gains[u, v] < SAME_ROLE:
                break
            pairs[u] = v
            gains = {pair: gain for pair, gain in gains.items() if pair[0] != u and pair[1] != v}
            near = {end for ends in self.a.ends[u] for end in ends}
            gains |= {pair: self.gain(pairs, *pair) for pair in gains if pair[0] in near}
        return pairs

    def climbed(self, pairs: Pairs) -> Pairs:
        pairs = self.grown(pairs)
        height = self.worth(pairs)
        for _ in range(ROUNDS):
            better = next(((p, w) for p in self.moves(pairs) if (w := self.worth(p)) > height + 1e-9), None)
            if better is None:
                return pairs
            pairs, height = better
        return pairs

    def moves(self, pairs: Pairs) -> Iterator[Pairs]:
        """One node paired anew, its equation or all around it let go; what that displaces finds its own place."""
        for u in self.a.nodes:
            for v in self.partners[u]:
                if pairs.get(u) != v:
                    for reach in (_network, _surroundings):
                        near, far = reach(self.a, u), reach(self.b, v)
                        yield self.grown({**{x: y for x, y in pairs.items() if x not in near and y not in far}, u: v})

    def pruned(self, pairs: Pairs) -> Pairs:
        """Without the operations of which no edge is in both: to be of one kind is not enough."""
        while True:
            alone = [
                u
                for u in pairs
                if self.a.nodes[u].kind not in EXTERNAL and not any(self.common(pairs, ends) for ends in self.a.ends[u])
            ]
            if not alone:
                return pairs
            pairs = {u: v for u, v in pairs.items() if u not in alone}


def _overlap(mine: Counter[Hashable], theirs: Counter[Hashable]) -> int:
    return sum(min(count, theirs[label]) for label, count in mine.items())


def _network(side: _Side, id: str) -> set[str]:
    """A node with the operations and biases of its equation."""
    owner = side.nodes[id].owner
    return {id} | {n.id for n in side.graph.nodes if owner and n.owner == owner}


def _surroundings(side: _Side, id: str) -> set[str]:
    """The same, with the equations of what feeds the node and of what it feeds."""
    touched = {end for ends in side.ends[id] for end in ends if side.nodes[end].kind not in EXTERNAL}
    return set().union(*(_network(side, end) for end in sorted(touched | {id})))


# ── edges in both ──


def _shared_edges(a: _Side, b: _Side, pairs: Pairs) -> list[tuple[Edge, Edge]]:
    """Edges between paired nodes with one label, if the parameters on them are paired one to one as well."""
    found: list[tuple[Edge, Edge]] = []
    for (source, target), edges in a.between.items():
        left = list(b.between.get((pairs.get(source, ""), pairs.get(target, "")), ()))
        for edge in edges:
            same = [e for e in left if _label(e) == _label(edge)]
            if same:
                other = max(same, key=lambda e: e.via == edge.via)
                left.remove(other)
                found.append((edge, other))
    return [(e, other) for e, other in found if (e.via, other.via) in _one_to_one(found)]


def _one_to_one(found: Iterable[tuple[Edge, Edge]]) -> set[tuple[str | None, str | None]]:
    """Which parameter is which: a matrix that one cell uses twice is not the two matrices of another."""
    counts = Counter((e.via, other.via) for e, other in found)
    order = sorted(counts, key=lambda pair: (-counts[pair], pair[0] != pair[1], str(pair)))
    kept: set[tuple[str | None, str | None]] = set()
    for mine, theirs in order:
        if mine is None or not any(mine == m or theirs == t for m, t in kept):
            kept.add((mine, theirs))
    return kept
