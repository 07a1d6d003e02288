"""Searches for places of gates and operators around the memory: those with few crossings and bends, by estimate.

The start is what `block_grid.fill` says, or grows from its centre.  One piece after the other (a gate with its
activation, an operator, a Cell beside the first) goes to the place where the whole costs least, until nothing moves or
the effort is used up.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from random import Random

from lstmgraph.diagram.graph import Edge, base_of
from lstmgraph.diagram.layout.anatomy import Anatomy, cell_id
from lstmgraph.diagram.layout.block_grid import ACTIVATIONS, SUMS, Grid, Hint, externals, fill, inner_ends, paths
from lstmgraph.diagram.layout.estimate import BLOCKED, FAR, ROUND, Coarse, Estimate, Laid, Link, Port
from lstmgraph.diagram.layout.plan import Sides
from lstmgraph.diagram.layout.shapes import DOWN, LEFT, RIGHT, UP

EFFORT = 15_000  # links that may be routed in one search
LOOKS = (12,), (6, 12)  # places that are tried for an operator until nothing moves: in one search, in the next
KICK = 24  # places that one is chosen from to search on from there
KICKED = 4  # a free search takes something apart so often that it does something else only every so many times
FARTHER = 0.5  # how often another piece, farther away, is taken out with them
MIRRORED = 0.4  # how often a search begins again with a gate on the other side
KEPT = 3  # placements that are worth routing
PATHS = 6  # ways down from the Cell that an exploration tries
WIDE, EACH = 50_000, 6_000  # its effort, and that of one search in it
SLACK = 1.15  # how much more than the best a beginning may cost at most for a search to go on from there
ROUTED = 6  # of all that it finds
GROW = 10  # places that are tried for an operator while a placement grows

SIDEWAYS: Sides = tuple((side, k, abs(k)) for side in (RIGHT, LEFT) for k in (0, -1, 1))
OLD: Sides = (*SIDEWAYS, (DOWN, -1, 30), (DOWN, 1, 30))
NEW: Sides = ((UP, 0, 0), *((side, k, 5) for side in (RIGHT, LEFT) for k in (-1, 0, 1)))
INTO: Sides = ((DOWN, 0, 0), (LEFT, 0, 100), (RIGHT, 0, 100))


@dataclass(frozen=True)
class Draft:
    """Where everything stands, and on which side of the border the inputs of operators do."""

    at: Coarse
    side: dict[str, int]

    def places(self, outs: dict[str, str]) -> Coarse:
        found = dict(self.at)
        for id, side in self.side.items():
            if id not in self.at:
                continue
            column, row = self.at[id]
            found[f"in:{id}"] = {LEFT: (-FAR, row), RIGHT: (FAR, row), DOWN: (column, -FAR)}[side]
        return found | {out: (self.at[source][0], FAR) for out, source in outs.items() if source in self.at}


def search(a: Anatomy, grid: Grid, effort: int = EFFORT) -> list[Grid]:
    """Placements that promise few crossings, the most promising first."""
    one = Search(a, grid)
    return [found for _, found in one.run(one.filled(), effort)]


def explore(a: Anatomy) -> list[Grid]:
    """The same from many beginnings: for each way down from the Cell, all placed at once and piece by piece."""
    searches = [Search(a, fill(a, path), free=True) for path in itertools.islice(paths(a), PATHS)]

    def left() -> int:
        return WIDE - sum(one.estimate.spent for one in searches)

    grown = [(one.grown(), one) for one in searches if left() > WIDE // 2]
    grown.sort(key=lambda start: start[1].cost(start[0])[0])
    filled = [(one.filled(), one) for one in searches]
    found: dict[int, Grid] = {}  # by what they cost: mirrored placements cost the same
    for first, one in (start for pair in itertools.zip_longest(grown, filled) for start in pair if start):
        if left() > 0:
            found = dict(one.run(first, min(left(), EACH))) | found
    return [found[cost] for cost in sorted(found)[:ROUTED]]


class Search:
    """`free`: networks may stand below, and be left and entered on any side."""

    def __init__(self, a: Anatomy, grid: Grid, free: bool = False) -> None:
        self.a, self.grid, self.free, self.effort = a, grid, free, 0
        self.outs: dict[str, str] = {}
        self.estimate = Estimate(*self._links())
        self.near = {id: self._neighbours(id) for id in grid.at}
        self.gates = set(grid.gates.values())
        self.pieces = self._pieces()
        self.found: dict[int, tuple[Draft, dict[str, Laid]]] = {}  # cost -> where a search came to
        self.random = Random(1)  # always the same numbers

    def filled(self) -> Draft:
        """Everything where the grid has it."""
        return Draft(dict(self.grid.at), dict(self.grid.side))

    def cost(self, draft: Draft) -> tuple[int, dict[str, Laid], Draft]:
        return (*self.estimate.cost(draft.places(self.outs)), draft)

    def run(self, first: Draft, effort: int) -> list[tuple[int, Grid]]:
        """The best placements that a search comes to, with what they cost."""
        self.effort = self.estimate.spent + effort
        best = self.cost(first)
        for k in itertools.count():
            if self._is_clean(*best[:2]) or self.estimate.spent >= self.effort:
                break
            if k < len(LOOKS):
                cost, laid, tried = self.cost(first)
            else:
                cost, laid, tried = self.cost(self._elsewhere(k, best[2]))
                if self.free and cost > best[0] * SLACK:
                    continue
            best = min(best, self._settled(cost, laid, tried, LOOKS[k % len(LOOKS)]), key=lambda f: f[0])
        self.found[best[0]] = best[2], best[1]
        return [(cost, self._grid(*self.found[cost])) for cost in sorted(self.found)[:KEPT]]

    def _elsewhere(self, k: int, draft: Draft) -> Draft:
        return self._regrown(draft) if self.free and self.pieces and k % KICKED else self._kicked(draft)

    def _settled(
        self, cost: int, laid: dict[str, Laid], draft: Draft, looks: tuple[int, ...]
    ) -> tuple[int, dict[str, Laid], Draft]:
        """Each piece where it is best, as long as that helps."""
        for look in looks:
            moving = True
            while moving and self.estimate.spent < self.effort:
                moving = False
                for piece in self.pieces:
                    better = self._move(draft, piece, cost, laid, look)
                    if better is not None:
                        cost, laid, draft = better
                        moving = True
                self.found.setdefault(cost, (draft, laid))
        return cost, laid, draft

    def _kicked(self, draft: Draft) -> Draft:
        """Somewhere else to search from: a gate on the other side with what it feeds, or two pieces anywhere."""
        if self.random.random() < MIRRORED:
            gates = [p for p in self.pieces if p[0] in self.gates and draft.side.get(p[0]) != DOWN]
            if gates:
                return self._mirrored(draft, self.random.choice(gates))
        for _ in range(2):
            if self.pieces:
                piece = self.random.choice(self.pieces)
                draft = self.random.choice(list(self._moves(draft, piece, KICK)) or [draft])
        return draft

    def _mirrored(self, draft: Draft, gate: tuple[str, ...]) -> Draft:
        turned, waiting = {gate[0]}, [gate[-1]]
        free = {p[0] for p in self.pieces} - self.gates
        while waiting:
            targets = {e.target for e in self.a.out[waiting.pop()]} & free - turned
            turned |= targets
            waiting += sorted(targets)
        for id in sorted(turned):
            column, row = draft.at[id]
            piece = gate if id == gate[0] else (id,)
            others = {at for p, at in draft.at.items() if p not in piece}
            while (-column, row) in others:
                row += 1 / 64
            at = _gate(piece, 1 if column < 0 else -1, row) if id == gate[0] else {id: (-column, row)}
            swap = {LEFT: RIGHT, RIGHT: LEFT, DOWN: DOWN}
            side = {id: swap[draft.side[id]]} if id in draft.side else {}
            draft = Draft(draft.at | at, draft.side | side)
        return draft

    @staticmethod
    def _is_clean(cost: int, laid: dict[str, Laid]) -> bool:
        """Whether every wire has its way and none is in the way of another."""
        return cost == sum(line.cost for line in laid.values()) and all(line.cost < BLOCKED for line in laid.values())

    def grown(self) -> Draft:
        """The centre, and everything else put beside it piece by piece."""
        draft = Draft({id: self.grid.at[id] for id in self.grid.at if id in self.grid.centre}, dict(self.grid.side))
        return self._joined(draft, self.pieces)

    def _regrown(self, draft: Draft) -> Draft:
        """Somewhere else to search from: a piece, some beside it and perhaps one more, taken out and put back."""
        piece = self.random.choice(self.pieces)
        ends = {n for id in piece for n in self.near[id]}
        beside = [p for p in self.pieces if p != piece and not ends.isdisjoint(p)]
        others = [p for p in self.pieces if p != piece and p not in beside]
        self.random.shuffle(beside)
        chosen = [piece, *beside[: self.random.randint(1, 4)]]
        if others and self.random.random() < FARTHER:
            chosen.append(self.random.choice(others))
        self.random.shuffle(chosen)
        gone = {id for p in chosen for id in p}
        rest = {id: at for id, at in draft.at.items() if id not in gone}
        return self._joined(Draft(rest, draft.side), chosen)

    def _joined(self, draft: Draft, pieces: Sequence[tuple[str, ...]]) -> Draft:
        """A draft with more pieces, each where it costs least beside those before it."""
        lines: dict[str, Laid] = {}
        for piece in pieces:
            before = draft.places(self.outs)
            best: tuple[int, dict[str, Laid], Draft] | None = None
            some = self.estimate.among(
                {
                    *before,
                    *piece,
                    *(f"in:{id}" for id in piece),
                    *(out for out, source in self.outs.items() if source in piece),
                }
            )
            for tried in self._moves(draft, piece, GROW):
                places = tried.places(self.outs)
                known = lines if _same_lines(before, places) else None
                price, laid = some.cost(places, known, frozenset(piece), best[0] if best else 1 << 60)
                if best is None or price < best[0]:
                    best = price, laid, tried
            self.estimate.spent += some.spent
            if best is not None:
                _, lines, draft = best
        return draft

    # ── what is to be routed ──

    def _links(self) -> tuple[list[Link], dict[Port, int]]:
        targets: dict[str, dict[str, dict[int, int]]] = {}
        start: dict[str, tuple[str, Sides]] = {}
        room: dict[Port, int] = {}
        for edge in self.a.graph.edges:
            for key, source, exits, target, entries in self._parts(edge):
                start[key] = source, exits
                targets.setdefault(key, {})[target] = {side: extra for side, _, extra in entries}
        for id in self.grid.gates.values():
            room |= {(id, UP, 0): 2, (id, DOWN, 0): 2}
        lines = {f"in:{id}": min(2, len(externals(self.a, id))) for id in self.grid.bottom}
        return [Link(key, *start[key], tuple(to.items()), lines.get(key, 1)) for key, to in targets.items()], room

    def _parts(self, edge: Edge) -> Iterator[tuple[str, str, Sides, str, Sides]]:
        """(key, source, exits, target, entries) of what is drawn between the nodes of the grid for an edge."""
        a, node = self.a, self.a.node[edge.target]
        if node.kind == "next":
            yield from self._leaving(edge)
        elif edge in externals(a, edge.target):
            yield f"in:{edge.target}", f"in:{edge.target}", ROUND, edge.target, ROUND
        else:
            yield (*self._start(edge), edge.target, self._entries(edge))

    def _leaving(self, edge: Edge) -> Iterator[tuple[str, str, Sides, str, Sides]]:
        a, base = self.a, base_of(self.a.node[edge.target])
        if base not in a.pipes:
            if edge.source in self.grid.at or edge.source in a.fresh:
                key, source, exits = self._start(edge)
                self.outs[f"out:{edge.id}"] = source
                yield key, source, exits, f"out:{edge.id}", ((DOWN, 0, 0),)
            return
        if edge.source in self.grid.at:
            yield edge.source, edge.source, self._exits(edge.source), cell_id(base), INTO
        if base == a.graph.output:
            self.outs[f"out:{edge.id}"] = cell_id(base)
            yield f"up:{base}", cell_id(base), ((UP, 0, 0),), f"out:{edge.id}", ((DOWN, 0, 0),)

    def _start(self, edge: Edge) -> tuple[str, str, Sides]:
        a, node = self.a, self.a.node[edge.source]
        if node.kind == "previous":
            return edge.id, cell_id(base_of(node)), OLD
        if edge.source in a.fresh:
            return edge.id, cell_id(a.fresh[edge.source]), NEW
        return edge.source, edge.source, self._exits(edge.source)

    def _exits(self, id: str) -> Sides:
        gate = next((s for s in self.grid.gates.values() if self.a.activation.get(s, s) == id), None)
        return ROUND if gate is None or self.free else ((RIGHT, 0, 0), (LEFT, 0, 0))

    def _entries(self, edge: Edge) -> Sides:
        id = edge.target
        if id in self.grid.bottom:
            return (LEFT, 0, 0), (RIGHT, 0, 0)
        return ((UP, 0, 0), (DOWN, 0, 0)) if id in self.grid.gates.values() and not self.free else ROUND

    # ── moving ──

    def _pieces(self) -> list[tuple[str, ...]]:
        own = {self.a.activation[s] for s in self.gates if s in self.a.activation}
        free = [id for id in self.grid.at if id not in self.grid.centre and id not in own]
        return [(id, self.a.activation[id]) if id in self.gates and id in self.a.activation else (id,) for id in free]

    def _move(
        self, draft: Draft, piece: tuple[str, ...], cost: int, laid: dict[str, Laid], look: int
    ) -> tuple[int, dict[str, Laid], Draft] | None:
        """The best place for a piece, if it is better than where it stands."""
        best: tuple[int, dict[str, Laid], Draft] | None = None
        moved = frozenset([*piece, *(f"in:{id}" for id in piece)])
        for tried in self._moves(draft, piece, look):
            if self.estimate.spent > self.effort:
                break
            places = tried.places(self.outs)
            known = laid if _same_lines(draft.places(self.outs), places) else None
            limit = best[0] if best else cost
            price, lines = self.estimate.cost(places, known, moved, limit)
            if price < limit:
                best = price, lines, tried
        return best

    def _moves(self, draft: Draft, piece: tuple[str, ...], look: int) -> Iterator[Draft]:
        id = piece[0]
        others = {p: at for p, at in draft.at.items() if p not in piece}
        if id in self.gates:
            taken = {at for p, at in others.items() if abs(at[0]) == SUMS}
            for row in _between(sorted({r for _, r in others.values()})):
                for side in (-1, 1):
                    if (side * SUMS, row) not in taken:
                        way = RIGHT if side > 0 else LEFT
                        yield Draft(draft.at | _gate(piece, side, row), draft.side | {id: way})
            if self.free:
                for at in _below(piece, others):
                    yield Draft(draft.at | at, draft.side | {id: DOWN})
            return
        for place in self._nearest(id, others)[:look]:
            at = draft.at | {id: place}
            sides = [draft.side | {id: s} for s in (LEFT, RIGHT, DOWN)] if id in draft.side else [draft.side]
            yield from (Draft(at, s) for s in sides)

    def _nearest(self, id: str, others: Coarse) -> list[tuple[float, float]]:
        """Free places between the gates, those with short wires first."""
        inner = sorted({c for c, _ in others.values() if abs(c) < ACTIVATIONS})
        columns, rows = [c for c in _between(inner) if c != 0], _between(sorted({r for _, r in others.values()}))
        ends = [others[n] for n in self.near[id] if n in others]
        cx, cy = {c: k for k, c in enumerate(columns)}, {r: k for k, r in enumerate(rows)}
        ends_at = [(cx.get(c, 0 if c < 0 else len(columns)), cy[r]) for c, r in ends]
        lined = {c for c, _ in ends}, {r for _, r in ends}

        def far(place: tuple[float, float]) -> tuple[int, float, float]:
            x, y = cx[place[0]], cy[place[1]]
            straight = (place[0] in lined[0]) + (place[1] in lined[1])
            return sum(abs(x - u) + abs(y - v) for u, v in ends_at) - 2 * straight, *place

        taken = set(others.values())
        return sorted(((c, r) for c in columns for r in rows if (c, r) not in taken), key=far)

    def _neighbours(self, id: str) -> list[str]:
        a = self.a
        cells = {cell_id(base): base for base in a.pipes}
        if id in cells:
            base = cells[id]
            ends = [e.target for e in a.out[a.previous[base]]] + [e.source for e in a.into[a.next[base]]]
            fresh = [e.target for f, b in a.fresh.items() if b == base for e in a.out[f]]
            return [n for n in (*ends, *fresh) if n in self.grid.at]
        return [n for n in inner_ends(a, id) if n in self.grid.at]

    def _hints(self, laid: dict[str, Laid]) -> dict[str, Hint]:
        found = {}
        for edge in self.a.graph.edges:
            for key, _, _, target, _ in self._parts(edge):
                (_, out, offset), *ends = laid[key].ports
                back = next((side for id, side, _ in ends if id == target), None)
                if back is not None and not key.startswith(("in:", "up:")):
                    found[edge.id] = Hint(out, offset, back)
        return found

    def _grid(self, draft: Draft, laid: dict[str, Laid]) -> Grid:
        low = {id for id in self.gates if draft.side.get(id) == DOWN}
        gates = {
            (1 if draft.at[id][0] > 0 else -1, draft.at[id][1]): id for id in self.grid.gates.values() if id not in low
        }
        bottom, hints = self.grid.bottom | low, self._hints(laid)
        return replace(self.grid, at=dict(draft.at), gates=gates, bottom=bottom, side=dict(draft.side), hints=hints)


def _gate(piece: tuple[str, ...], side: int, row: float) -> Coarse:
    return dict(zip(piece, ((side * SUMS, row), (side * ACTIVATIONS, row)), strict=False))


def _below(piece: tuple[str, ...], others: Coarse) -> Iterator[Coarse]:
    """A network in the lowest row, its activation above it."""
    rows = sorted({r for _, r in others.values()})
    columns = _between(sorted({c for c, _ in others.values() if abs(c) < ACTIVATIONS}))
    taken = set(others.values())
    for low, high in ((rows[0], rows[1] if len(rows) > 1 else rows[0] + 1), (rows[0] - 1, rows[0])):
        for column in columns:
            places = [(column, low), (column, high)][: len(piece)]
            if column and not taken & {*places}:
                yield dict(zip(piece, places, strict=True))


def _between(lines: list[float]) -> list[float]:
    """Lines, the places between them and one beyond each end."""
    middles = [(a + b) / 2 for a, b in itertools.pairwise(lines)]
    return sorted([lines[0] - 1, *lines, *middles, lines[-1] + 1])


def _same_lines(a: Coarse, b: Coarse) -> bool:
    """Whether rows and columns keep their numbers, so that lines may stay."""
    return all(sorted({p[axis] for p in a.values()}) == sorted({p[axis] for p in b.values()}) for axis in (0, 1))
