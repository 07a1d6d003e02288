"""An arrangement of the pipe style, which operation stands in which column at which height, and what may be tried.

Arrangements are values: a move makes a new one.  A new kind of move is one more generator in `Moves.of`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import combinations, pairwise, permutations

from lstmgraph.diagram.graph import PARAMETERS
from lstmgraph.diagram.layout.anatomy import Anatomy
from lstmgraph.diagram.layout.terms import terms

SUM_LEVEL = -1
BESIDE = -2  # on the row of the networks, without being one
OVER = 100  # over the lowest pipe, OVER + 1 over the next one
NEEDED = 8  # networks out of order that one counts for which stands before what it needs
SIDEWAYS = 6  # the same for an output that leaves to the right
LINES = 3  # up to here every order of the pipes is tried, beyond only neighbours are swapped


@dataclass(frozen=True)
class Column:
    """Operations that stand one above another."""

    cells: Mapping[int, str] = field(default_factory=dict)  # level -> node
    pipes: Mapping[str, str] = field(default_factory=dict)  # memory -> node

    @property
    def network(self) -> bool:
        """Whether it stands on the row of networks."""
        return SUM_LEVEL in self.cells

    def members(self) -> list[str]:
        return [*self.cells.values(), *self.pipes.values()]

    def taken(self, base: str | None, height: int) -> bool:
        """Whether something stands on that pipe or, without one, at that height."""
        return base in self.pipes if base else height in self.cells or (height == BESIDE and self.network)


@dataclass(frozen=True)
class Arrangement:
    columns: tuple[Column, ...]  # from left to right
    levels: int  # rows between the activations (level 0) and the pipes
    order: tuple[str, ...]  # the pipes from the lowest to the highest
    rails: tuple[str, ...] = ()  # states that run along the bottom, from the highest to the lowest
    above: frozenset[str] = frozenset()  # what leaves upward near where it is computed, and not at the right end
    beside: frozenset[str] = frozenset()  # what leaves to the right instead
    aside: frozenset[str] = frozenset()  # inputs that stand left of what they feed first, and not under it
    raised: str = ""  # the state that runs along the row of the networks, and not along the bottom

    def key(self) -> tuple[object, ...]:
        """Equal for arrangements that put everything in the same place."""
        columns = tuple((tuple(sorted(c.cells.items())), tuple(sorted(c.pipes.items()))) for c in self.columns)
        return columns, self.levels, self.order, self.rails, self.above, self.beside, self.aside, self.raised

    def where(self, id: str) -> int:
        """The column of a node; -1 for what stands in none."""
        return next((k for k, c in enumerate(self.columns) if id in c.cells.values() or id in c.pipes.values()), -1)

    def level(self, id: str) -> int | None:
        return next((level for c in self.columns for level, other in c.cells.items() if other == id), None)


Move = Callable[[], Arrangement]


class Moves:
    """What may be tried with the arrangements of one graph."""

    def __init__(self, a: Anatomy) -> None:
        self.a = a
        self.pipes = [pair for path in a.pipes.values() for pair in pairwise(path)]
        self.needs = {n.id: a.behind(n.id) for n in a.of_kind("sum")}
        self.fixed = {*a.activation.values(), *terms(a).values()} | {n for n in self.needs if not _loose(a, n)}

    def of(self, now: Arrangement, troubled: Iterable[str] = ()) -> Iterator[Move]:
        """What could be better: first what stands at the ends of wires that cross or bend too often."""
        everything = [id for column in now.columns for id in column.members()]
        ids = list(dict.fromkeys(id for id in (*troubled, *everything) if now.where(id) >= 0))
        yield from (partial(replace, now, order=lines) for lines in _other_orders(now.order))
        yield from (partial(replace, now, rails=lines) for lines in _other_orders(now.rails))
        yield from _networks_swapped(now)
        yield from (partial(replace, now, above=now.above ^ {n.id}) for n in self.a.of_kind("next"))
        yield from (partial(replace, now, beside=now.beside ^ {id}) for id in self.a.exits())
        yield from (partial(replace, now, aside=now.aside ^ {n.id}) for n in self.a.of_kind("input"))
        yield from (partial(replace, now, raised=base) for base in ("", *now.rails) if base != now.raised)
        for id in (id for id in ids if id not in self.fixed):
            yield from _elsewhere(self.a, now, id)
        for id in ids:
            yield from _columns_moved(now, now.where(id))

    def oddities(self, now: Arrangement) -> int:
        """How many pairs of networks do not stand in the order in which they are evaluated, and what leaves sideways; a
        network that another one needs counts several times.
        """
        order = [column.cells[SUM_LEVEL] for column in now.columns if column.network]
        pairs = [(x, y) for x, y in combinations(order, 2) if self.a.index[x] > self.a.index[y]]
        return sum(NEEDED if y in self.needs[x] else 1 for x, y in pairs) + SIDEWAYS * len(now.beside)

    def holds(self, now: Arrangement) -> bool:
        """Whether pipes run from left to right."""
        of = {id: k for k, column in enumerate(now.columns) for id in column.members()}
        return not any(of[x] >= of[y] for x, y in self.pipes)


def _other_orders(lines: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    if len(lines) <= LINES:
        yield from (order for order in permutations(lines) if order != lines)
        return
    for k in range(len(lines) - 1):
        order = list(lines)
        order[k : k + 2] = order[k + 1], order[k]
        yield tuple(order)


def _elsewhere(a: Anatomy, now: Arrangement, id: str) -> Iterator[Move]:
    """An operation in another column or at another height: where its neighbours are, or beside them."""
    own = now.where(id)
    neighbours = [e.source for e in a.into[id]] + [e.target for e in a.out[id]]
    near = {now.where(other) for other in neighbours} - {-1} | {own}
    base = a.on_pipe.get(id)
    low, high = max(0, min(near) - 1), min(len(now.columns) - 1, max(near) + 1)
    level = now.level(id)
    between = range(OVER, OVER + len(now.order) - 1)
    heights = [*range(now.levels + 1), BESIDE, *between] if base is None else [0]
    for k in sorted(range(low, high + 1), key=lambda k: (min(abs(k - n) for n in near), abs(k - own), k)):
        for height in sorted(heights, key=lambda h: abs(h - (level or 0))):
            if not now.columns[k].taken(base, height):
                yield partial(_put, now, id, k, base, height, new=False)
            if k in near or k == high:
                yield partial(_put, now, id, k, base, height, new=True)
    if base is None:
        yield partial(_put, replace(now, levels=now.levels + 1), id, own, None, now.levels + 1, new=False)


def _loose(a: Anatomy, id: str) -> bool:
    """Whether a sum needs no place in the row of networks: nothing comes to it from below, its own biases apart."""
    sources = [a.node[e.source].kind for e in a.into[id]]
    return id not in a.activation and all(kind in ("operator", "function", *PARAMETERS) for kind in sources)


def _put(now: Arrangement, id: str, k: int, base: str | None, height: int, *, new: bool) -> Arrangement:
    """The arrangement with a node in column k, or in a new one left of it."""
    columns = [_without(c, id) for c in now.columns]
    if new:
        columns.insert(k, Column())
    target = columns[k]
    if base is not None:
        columns[k] = replace(target, pipes={**target.pipes, base: id})
    else:
        columns[k] = replace(target, cells={**target.cells, height: id})
    return replace(now, columns=tuple(c for c in columns if c.members()))


def _without(column: Column, id: str) -> Column:
    if id not in column.members():
        return column
    cells = {level: other for level, other in column.cells.items() if other != id}
    return replace(column, cells=cells, pipes={b: other for b, other in column.pipes.items() if other != id})


def _networks_swapped(now: Arrangement) -> Iterator[Move]:
    """Two neighbouring networks, while what stands above them stays."""
    networks = [k for k, column in enumerate(now.columns) if column.network]
    for k, m in pairwise(networks):
        yield partial(_swapped, now, k, m)


def _swapped(now: Arrangement, k: int, m: int) -> Arrangement:
    columns = list(now.columns)
    columns[k], columns[m] = _with_network(columns[k], columns[m]), _with_network(columns[m], columns[k])
    return replace(now, columns=tuple(columns))


def _with_network(column: Column, other: Column) -> Column:
    """A column with the network of another one."""
    cells = {level: id for level, id in column.cells.items() if level > 0}
    return replace(column, cells=cells | {level: id for level, id in other.cells.items() if level <= 0})


def _columns_moved(now: Arrangement, k: int) -> Iterator[Move]:
    """A whole column one or two places further left or right."""
    for to in (k - 1, k + 1, k - 2, k + 2):
        if 0 <= to < len(now.columns):
            yield partial(_moved, now, k, to)


def _moved(now: Arrangement, k: int, to: int) -> Arrangement:
    columns = list(now.columns)
    columns.insert(to, columns.pop(k))
    return replace(now, columns=tuple(columns))
