"""Routes all wires of a plan: one after the other, then each value again with all others in place.

A wire takes the cheapest way with at most two bends; only where there is none in the end, any way at all.  When a wire
finds no way, its value goes first in the next round; when nothing helps, `Unroutable` asks the layout for more room.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lstmgraph.diagram.layout import maze, patterns
from lstmgraph.diagram.layout.budget import Spent, Unroutable
from lstmgraph.diagram.layout.costs import ROUTER, worth
from lstmgraph.diagram.layout.lattice import Demand, Lattice, Net

ROUNDS = 4
FEW = 3  # lost wires: for more, nobody makes way before the rest is as good as it gets
SKETCH_ROUNDS = 2  # rounds of a sketch
POLISH = 2
MANY = 40  # wires: from here on one round of polishing has to do


def route_all(lattice: Lattice, demands: Sequence[Demand], sketch: bool = False, limit: int = 1 << 60) -> None:
    """Lay every demand on the lattice; in a sketch, those that two bends are enough for."""
    order = _by_net(demands)
    best: tuple[int, list[Net]] | None = None
    for _ in range(SKETCH_ROUNDS if sketch else ROUNDS):
        lost = _attempt(lattice, order, limit)
        score = _score(lattice, demands)
        if best is None or score < best[0]:
            best = score, list(lattice.nets.values())
        if not lost:
            break
        order = sorted(order, key=lambda wires: wires[0].net not in lost)
    if best is not None:
        if best[0] > limit:
            raise Unroutable("worse than what is known")
        _restore(lattice, best[1])
    lost_wires = [d for d in demands if not lattice.laid(d)]
    for demand in lost_wires if len(lost_wires) <= FEW else []:
        _make_way(lattice, demand, order, patterns.route)
    _polish(lattice, order, 1 if sketch or len(demands) >= MANY else POLISH)
    if not sketch:
        _complete(lattice, order, demands)


def _polish(lattice: Lattice, order: list[list[Demand]], rounds: int) -> None:
    for _ in range(rounds):
        try:
            improved = [_improve(lattice, wires) for wires in order]
        except Spent:  # what is laid is whole
            break
        if not any(improved):
            break


def _complete(lattice: Lattice, order: list[list[Demand]], demands: Sequence[Demand]) -> None:
    """What two bends were not enough for, any way at all; if there is none, what is in the way is laid after it."""
    for wires in order:
        for demand in wires:
            if not lattice.laid(demand) and not maze.route(lattice, demand):
                _make_way(lattice, demand, order, _any_way)
    missing = [d.id for d in demands if not lattice.laid(d)]
    if missing:
        raise Unroutable(", ".join(sorted(missing)))


def _any_way(lattice: Lattice, demand: Demand) -> bool:
    return patterns.route(lattice, demand) or maze.route(lattice, demand)


def _make_way(
    lattice: Lattice, demand: Demand, order: list[list[Demand]], find: Callable[[Lattice, Demand], bool]
) -> bool:
    """Lay one other value after a wire that found no way; whether that helps."""
    for wires in order:
        number = wires[0].net
        old = lattice.lift(number) if number != demand.net else None
        if old is None:
            continue
        again = [d for d in wires if d.id in old.ends]
        before = lattice.net(demand.net).copy()
        straight = all(lattice.straight(d) for d in again if d.direct)
        if straight and find(lattice, demand):
            if all(find(lattice, d) for d in again if not d.direct):
                return True
            _replace(lattice, demand.net, before)
        _replace(lattice, number, old)
    return False


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


def _attempt(lattice: Lattice, order: list[list[Demand]], limit: int) -> set[int]:
    """One round from nothing; the nets that could not be laid with two bends."""
    for number in list(lattice.nets):
        lattice.lift(number)
    lost = {d.net for wires in order for d in wires if d.direct and not lattice.straight(d)}
    for wires in order:
        for demand in wires:
            if not demand.direct and not patterns.route(lattice, demand):
                lost.add(demand.net)
        if worth(ROUTER, len(lost), (lattice.crossings(), 0, 0, 0)) > limit:
            raise Unroutable("worse than what is known")
    return lost


def _improve(lattice: Lattice, wires: list[Demand]) -> bool:
    """Lay one value's wires again, nearest or farthest end first; keep the best."""
    number = wires[0].net
    if number not in lattice.nets or (all(map(lattice.laid, wires)) and not _troubled(lattice, number)):
        return False
    best, better = _value(lattice, number, wires), False
    searched = [d for d in wires if not d.direct]
    for order in [searched, searched[::-1]] if len(searched) > 1 else [searched]:
        old = lattice.lift(number)
        try:
            for demand in wires:
                if demand.direct:
                    lattice.straight(demand)
            for demand in order:
                patterns.route(lattice, demand)
        except Spent:
            _replace(lattice, number, old)
            raise
        value = _value(lattice, number, wires)
        if value < best:
            best, better = value, True
        else:
            _replace(lattice, number, old)
    return better


def _troubled(lattice: Lattice, number: int) -> bool:
    """Whether a value's wires cross others or bend more often than once."""
    net = lattice.nets[number]
    return any(end.bends > 1 for end in net.ends.values()) or net.is_crossed(lattice.along)


def _replace(lattice: Lattice, number: int, old: Net | None) -> None:
    lattice.lift(number)
    if old is not None:
        lattice.put_back(old)


def _restore(lattice: Lattice, nets: list[Net]) -> None:
    for number in list(lattice.nets):
        lattice.lift(number)
    for net in nets:
        lattice.put_back(net)


def _score(lattice: Lattice, demands: Sequence[Demand]) -> int:
    return worth(ROUTER, len(demands) - sum(len(net.ends) for net in lattice.nets.values()), lattice.cost())


def _value(lattice: Lattice, number: int, wires: Sequence[Demand]) -> int:
    """The part of `_score` that changes when one value is laid in another way."""
    return worth(ROUTER, sum(not lattice.laid(d) for d in wires), lattice.cost_of(number))
