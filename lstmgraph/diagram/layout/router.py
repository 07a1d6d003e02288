"""Routes all wires of a plan: one after the other, then each value again with all others in place.

A wire takes the cheapest way with at most two bends; only where there is none, any way at all.  When a wire finds no
way, or none with two bends, its value goes first in the next round; when nothing helps, `Unroutable` asks the layout
for more room.
"""

from __future__ import annotations

from collections.abc import Sequence

from lstmgraph.diagram.layout import maze, patterns
from lstmgraph.diagram.layout.budget import Spent, Unroutable
from lstmgraph.diagram.layout.lattice import MOST_BENDS, Demand, Lattice

ROUNDS = 6
POLISH = 2
MANY = 40  # wires: from here on one round of polishing has to do


def route_all(lattice: Lattice, demands: Sequence[Demand], sketch: bool = False) -> None:
    """Lay every demand on the lattice; in a sketch, those that two bends are enough for."""
    order = _by_net(demands)
    best: tuple[int, _State] | None = None
    for _ in range(ROUNDS):
        try:
            failed, poor = _attempt(lattice, order, sketch)
        except Spent:
            if best is None:
                raise
            break
        if sketch or not failed:
            score = _score(lattice, demands)
            if best is not None and score >= best[0]:
                break
            best = score, _snapshot(lattice)
            if not failed | poor:
                break
        order = sorted(order, key=lambda wires: wires[0].net not in failed | poor)
    if best is None:
        raise Unroutable(", ".join(sorted(d.id for wires in order for d in wires if wires[0].net in failed)))
    _restore(lattice, best[1])
    _polish(lattice, order, demands, sketch)


def _polish(lattice: Lattice, order: list[list[Demand]], demands: Sequence[Demand], sketch: bool) -> None:
    for _ in range(POLISH if len(demands) < MANY and not sketch else 1):
        try:
            improved = [_improve(lattice, wires, demands, sketch) for wires in order]
        except Spent:  # what is laid is whole
            break
        if not any(improved):
            break


def _by_net(demands: Sequence[Demand]) -> list[list[Demand]]:
    """Demands of one value together, values in order of their lowest rank."""
    groups: dict[int, list[Demand]] = {}
    for demand in demands:
        groups.setdefault(demand.net, []).append(demand)
    return sorted((sorted(g, key=_distance) for g in groups.values()), key=_urgency)


def _urgency(wires: list[Demand]) -> tuple[int, int]:
    """Straight lines are laid before anything else, so they do not make the rest of their value urgent."""
    return min((d.rank for d in wires if not d.direct), default=0), wires[0].net


def _distance(demand: Demand) -> tuple[bool, int, int, str]:
    length = min(
        abs(a.access[0] - b.access[0]) + abs(a.access[1] - b.access[1])
        for a, _ in demand.starts
        for b, _ in demand.goals
    )
    return not demand.direct, demand.rank, length, demand.id


def _attempt(lattice: Lattice, order: list[list[Demand]], sketch: bool) -> tuple[set[int], set[int]]:
    """One round from nothing; the nets that could not be laid, and those that bend too often."""
    for number in list(lattice.nets):
        lattice.lift(number)
    failed = {d.net for wires in order for d in wires if d.direct and not _route(lattice, d, sketch)}
    poor: set[int] = set()
    for wires in order:
        failed |= {d.net for d in wires if not d.direct and not _route(lattice, d, sketch)}
        poor |= {d.net for d in wires if d.net not in failed and lattice.bends(d.net, d.id) > MOST_BENDS}
    return failed, poor


def _route(lattice: Lattice, demand: Demand, sketch: bool) -> bool:
    """Find a wire and lay it; False where there is no way."""
    if demand.direct:
        return lattice.straight(demand)
    return patterns.route(lattice, demand) or (not sketch and maze.route(lattice, demand))


def _improve(lattice: Lattice, wires: list[Demand], demands: Sequence[Demand], sketch: bool) -> bool:
    """Lay one value's wires again, nearest or farthest end first; keep the best."""
    number = wires[0].net
    lost = sum(not lattice.laid(d) for d in wires)
    if not lost and not _troubled(lattice, number):
        return False
    best, better = _score(lattice, demands), False
    direct = [d for d in wires if d.direct]
    searched = [d for d in wires if not d.direct]
    for order in [searched, searched[::-1]] if len(searched) > 1 else [searched]:
        old = _snapshot(lattice)
        lattice.lift(number)
        try:
            left = sum(not _route(lattice, d, sketch) for d in (*direct, *order))
        except Spent:
            _restore(lattice, old)
            raise
        if left <= lost and (score := _score(lattice, demands)) < best:
            best, better = score, True
        else:
            _restore(lattice, old)
    return better


def _troubled(lattice: Lattice, number: int) -> bool:
    """Whether a value's wires cross others or bend more often than once."""
    return any(lattice.bends(number, wire) > 1 for wire in lattice.nets[number].ends) or lattice.crossings(number) > 0


_State = tuple[list[int], list[int], list[list[int]], dict[tuple[str, int, int], int], dict[int, object]]


def _snapshot(lattice: Lattice) -> _State:
    bits = [lines[:] for layer in lattice.along for lines in (layer.rows, layer.cols)]
    return lattice.flat[:], lattice.upright[:], bits, dict(lattice.taken), dict(lattice.nets)


def _restore(lattice: Lattice, state: _State) -> None:
    """Everything as it was; a state may be restored more than once."""
    lattice.flat, lattice.upright, lattice.taken = state[0][:], state[1][:], dict(state[3])
    rows, cols, up_rows, up_cols = (lines[:] for lines in state[2])
    lattice.along[0].rows, lattice.along[0].cols = rows, cols
    lattice.along[1].rows, lattice.along[1].cols = up_rows, up_cols
    lattice.nets = dict(state[4])  # type: ignore[arg-type]


def _score(lattice: Lattice, demands: Sequence[Demand]) -> int:
    crossings, excess, bends, length = lattice.cost(demands)
    lost = sum(not lattice.laid(d) for d in demands)
    return lost * 200 + crossings * 40 + excess * 60 + bends * 7 + length
