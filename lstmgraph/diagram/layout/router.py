"""Routes all wires of a plan: one after the other, then each value again with all others in place.

When a wire finds no way, its value goes first in the next round; when that does not help either, `Unroutable` asks the
layout for more room.
"""

from __future__ import annotations

from collections.abc import Sequence

from lstmgraph.diagram.layout.budget import Spent, Unroutable
from lstmgraph.diagram.layout.lattice import Demand, Lattice

ROUNDS = 6
POLISH = 2
MANY = 40  # wires: from here on one round of polishing has to do


def route_all(lattice: Lattice, demands: Sequence[Demand]) -> None:
    """Lay every demand on the lattice."""
    order = _by_net(demands)
    for _ in range(ROUNDS):
        failed = _attempt(lattice, order)
        if not failed:
            break
        order = sorted(order, key=lambda wires: wires[0].net not in failed)
    else:
        raise Unroutable(", ".join(sorted(d.id for wires in order for d in wires if wires[0].net in failed)))
    for _ in range(POLISH if len(demands) < MANY else 1):
        try:
            improved = [_improve(lattice, wires, demands) for wires in order]
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


def _attempt(lattice: Lattice, order: list[list[Demand]]) -> set[int]:
    """One round from nothing; the nets that could not be laid."""
    for number in list(lattice.nets):
        lattice.lift(number)
    failed = {d.net for wires in order for d in wires if d.direct and not lattice.route(d)}
    for wires in order:
        failed |= {d.net for d in wires if not d.direct and not lattice.route(d)}
    return failed


def _improve(lattice: Lattice, wires: list[Demand], demands: Sequence[Demand]) -> bool:
    """Lay one value's wires again, nearest or farthest end first; keep the best."""
    number = wires[0].net
    if not _troubled(lattice, number):
        return False
    best, better = _score(lattice, demands), False
    direct = [d for d in wires if d.direct]
    searched = [d for d in wires if not d.direct]
    for order in [searched, searched[::-1]] if len(searched) > 1 else [searched]:
        old = _snapshot(lattice)
        lattice.lift(number)
        try:
            laid = all(lattice.route(d) for d in (*direct, *order))
        except Spent:
            _restore(lattice, old)
            raise
        if laid and (score := _score(lattice, demands)) < best:
            best, better = score, True
        else:
            _restore(lattice, old)
    return better


def _troubled(lattice: Lattice, number: int) -> bool:
    """Whether a value's wires cross others or bend more often than twice."""
    net = lattice.nets[number]
    if any(net.bends[last] > 1 for last, _ in net.ends.values()):
        return True
    return any(0 < lattice.flat[at] != lattice.upright[at] > 0 for at in net.parent)


_State = tuple[list[int], list[int], dict[tuple[str, int, int], int], dict[int, object]]


def _snapshot(lattice: Lattice) -> _State:
    return lattice.flat[:], lattice.upright[:], dict(lattice.taken), dict(lattice.nets)


def _restore(lattice: Lattice, state: _State) -> None:
    lattice.flat, lattice.upright, lattice.taken = state[0], state[1], state[2]
    lattice.nets = dict(state[3])  # type: ignore[arg-type]


def _score(lattice: Lattice, demands: Sequence[Demand]) -> int:
    crossings, excess, bends, length = lattice.cost(demands)
    return crossings * 40 + excess * 40 + bends * 7 + length
