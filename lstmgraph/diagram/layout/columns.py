"""The first arrangement of the pipe style: which operations stand one above another, in which order and how far apart.

Rows are counted upwards as levels: sums -1, activations 0, operators that rise from networks 1, 2, ...; pipes lie above
them; operators that hang from a new memory count down from the pipes (`depth`).  `arrange` has what is tried next.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from lstmgraph.diagram.layout.anatomy import Anatomy
from lstmgraph.diagram.layout.arrange import SUM_LEVEL, Arrangement
from lstmgraph.diagram.layout.arrange import Column as Placed
from lstmgraph.diagram.layout.terms import terms

ACTIVATION_LEVEL = 0
HIGHEST = 3  # level that a chain of operations rises to

Needs = list[dict[int, int]]  # for each column the least distance from columns left of it


@dataclass(frozen=True)
class Variant:
    """What may be tried: an operator on the pipe over the next network, two independent networks swapped, networks in
    the order in which they are needed and not in that of the equations.
    """

    beside: frozenset[str] = frozenset()
    swapped: tuple[str, str] = ("", "")
    late: bool = False


@dataclass
class Column:
    key: float  # order from left to right
    network: bool = False
    cells: dict[int, str] = field(default_factory=dict)  # level -> node
    pipes: dict[str, str] = field(default_factory=dict)  # memory -> node
    hanging: dict[int, str] = field(default_factory=dict)  # depth -> node

    def members(self) -> list[str]:
        return [*self.cells.values(), *self.pipes.values(), *self.hanging.values()]


class Columns:
    """Puts every operation in a column."""

    def __init__(self, a: Anatomy, variant: Variant) -> None:
        self.a, self.beside, self.swapped = a, variant.beside, dict([variant.swapped, variant.swapped[::-1]])
        self.late = variant.late
        self.all: list[Column] = []
        self.of: dict[str, Column] = {}
        self.level: dict[str, int] = {}
        self.depth: dict[str, int] = {}
        self._networks()
        parts = terms(a)
        for id in sorted(a.operations(), key=a.index.__getitem__):
            if id not in parts:
                self._place(id)
        self._order_pipes()
        self.all.sort(key=lambda c: c.key)

    def arrangement(self) -> Arrangement:
        """Everything in its place; what hangs from a pipe counted upwards like the rest."""
        top = 1 + max([0, *self.level.values(), *(d - 1 for d in self.depth.values())])
        while any(top - d in c.cells for c in self.all for d in c.hanging):
            top += 1
        columns = (Placed(c.cells | {top - d: id for d, id in c.hanging.items()}, c.pipes) for c in self.all)
        return Arrangement(
            tuple(columns), top - 1, tuple(self.a.pipes), tuple(b for b in self.a.previous if b not in self.a.pipes)
        )

    def _networks(self) -> None:
        keys = self._keys()
        for id in (n.id for n in self.a.graph.nodes if n.kind == "sum"):
            column = self._new(keys[self.swapped.get(id, id)], network=True)
            column.cells[SUM_LEVEL] = id
            self.of[id], self.level[id] = column, ACTIVATION_LEVEL
            if id in self.a.activation:
                self.of[self.a.activation[id]] = column
                column.cells[ACTIVATION_LEVEL] = self.a.activation[id]
                self.level[self.a.activation[id]] = ACTIVATION_LEVEL

    def _keys(self) -> dict[str, float]:
        """Where each network stands in the row."""
        index = self.a.index
        networks = sorted((n.id for n in self.a.of_kind("sum")), key=index.__getitem__)

        def needed(id: str) -> tuple[int, int]:
            users = [index[e.target] for e in self.a.out[self.a.activation.get(id, id)]]
            return min(users, default=index[id]), index[id]

        order = sorted(networks, key=needed) if self.late else networks
        return {id: float(index[place]) for id, place in zip(order, networks, strict=True)}

    def _new(self, key: float, network: bool = False) -> Column:
        column = Column(key, network)
        self.all.append(column)
        return column

    def _after(self, *columns: Column) -> Column:
        """A new column right of the given ones."""
        key = max([c.key for c in columns], default=-1.0)
        while any(abs(c.key - key) < 1e-6 for c in self.all):
            key += 1 / 1024
        return self._new(key)

    def _place(self, id: str) -> None:
        sources = [e.source for e in self.a.into[id] if e.source in self.of]
        if id in self.a.on_pipe:
            self._place_on_pipe(id, sources)
        elif id in self.a.hanging:
            self._hang(id, sources)
        else:
            self._raise(id, sources)

    def _place_on_pipe(self, id: str, sources: list[str]) -> None:
        base = self.a.on_pipe[id]
        path = self.a.pipes[base]
        below = [s for s in sources if s not in path]
        before = [self.of[p] for p in path[: path.index(id)] if p in self.of]
        column = self.of[below[-1]] if below else None
        if id in self.beside and column is not None:
            column = self._next_network(column)
        if column is None or column.pipes or column.hanging or any(column.key <= b.key for b in before):
            column = self._after(*before, *([column] if column else []))
        column.pipes[base] = id
        self.of[id] = column

    def _next_network(self, column: Column) -> Column:
        """The network right of a column, so that an operator on the pipe stands over that one."""
        right = [c for c in self.all if c.network and c.key > column.key]
        return min(right, key=lambda c: c.key, default=column)

    def _hang(self, id: str, sources: list[str]) -> None:
        above = [s for s in sources if s in self.depth]
        self.depth[id] = 1 + max((self.depth[s] for s in above), default=0)
        column = self.of[above[-1]] if above else None
        if column is None or any(d >= self.depth[id] for d in column.hanging):
            column = self._after(*(self.of[s] for s in sources))
        elif any(self.of[s].key > column.key for s in sources):
            column.key = self._after(*(self.of[s] for s in sources)).key
            self.all.pop()
        column.hanging[self.depth[id]] = id
        self.of[id] = column

    def _raise(self, id: str, sources: list[str]) -> None:
        column = self.of[sources[-1]] if sources else None
        level = 1 + max([self._seen_from(s, column) for s in sources], default=0)
        aside = len(sources) == 1 and len(self.a.out[sources[0]]) > 1
        if column is not None and not aside:
            level = self._above_between(sources, column, level)
        if column is not None and level > HIGHEST:  # a long chain goes on to the right
            column, level = self._after(column), max(1, *(self.level.get(s, 0) for s in sources[-1:]))
        elif column is None or aside or any(level <= k for k in column.cells) or (column.pipes and not column.network):
            column = self._after(*([column] if column else []))
        column.cells[level] = id
        self.of[id], self.level[id] = column, level

    def _above_between(self, sources: list[str], column: Column, level: int) -> int:
        """Operands that stand alone beside the column move next to it, over what stands between."""
        for source in sources:
            own = self.of[source]
            if own is column or own.network or len(own.members()) > 1:
                continue
            feeders = [self.of[e.source] for e in self.a.into[source] if e.source in self.of]
            between = [c for c in self.all if any(f.key < c.key < column.key for f in feeders) and c is not own]
            level = max([level, *(k + 1 for c in between for k in c.cells)])
            own.cells = {level: source}
            self.level[source] = level
            own.key = max([own.key, *(c.key for c in between)]) + 1 / 2048
        return level

    def _seen_from(self, source: str, column: Column | None) -> int:
        """The level that an operand takes up: an operator beside the column can come in at its own height."""
        level = self.level.get(source, 0)
        return level - 1 if self.of[source] is not column and level > 0 else level

    def _order_pipes(self) -> None:
        """Operators on a pipe stand from left to right in the order in which they change it."""
        for path in self.a.pipes.values():
            for before, id in itertools.pairwise(path):
                if self.of[before].key >= self.of[id].key:
                    column = self.of[id]
                    column.pipes.pop(self.a.on_pipe[id])
                    self.of[id] = self._after(self.of[before])
                    self.of[id].pipes[self.a.on_pipe[id]] = id
        self.all = [c for c in self.all if c.members()]


def spread(columns: Sequence[Placed], needs: Needs) -> list[int]:
    """The x of each column: networks at one pitch, the others between."""
    xs = _sweep(needs, {})
    networks = [k for k, c in enumerate(columns) if c.network]
    pitch = max([xs[b] - xs[a] for a, b in itertools.pairwise(networks)], default=0)
    fixed = {k: xs[networks[0]] + n * pitch for n, k in enumerate(networks)}
    xs = _sweep(needs, fixed)
    for a, b in itertools.pairwise(networks):
        slack = xs[b] - xs[a] - (_sweep(needs[: b + 1], {a: xs[a]})[b] - xs[a])
        for n, k in enumerate(range(a + 1, b), start=1):
            xs[k] += slack * n // (b - a)
    return xs


def _sweep(needs: Needs, fixed: Mapping[int, int]) -> list[int]:
    xs: list[int] = []
    for k, least in enumerate(needs):
        x = fixed.get(k, 0)
        for j, need in least.items():
            x = max(x, xs[j] + need)
        xs.append(x)
    return xs
