"""The cheapest way for one more wire whatever its bends: a search over all points of the lattice (A*).

`patterns` is tried first: what it finds is drawn with fewer bends, and in a fraction of the time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from heapq import heappop, heappush

from lstmgraph.diagram.layout.costs import BEND, CROSS, DOORSTEP, FORK_BEND, FORK_EXCESS, MOST_BENDS, NEAR, RAIL, STEP
from lstmgraph.diagram.layout.lattice import Cell, Demand, Lattice, Net, Piece, corners
from lstmgraph.diagram.layout.shapes import DELTAS, Port

FIELD = 16  # making the tables of a search takes as long as a step for each so many points


def route(lattice: Lattice, demand: Demand) -> bool:
    """Find a wire and lay it; False where there is no way."""
    net = lattice.net(demand.net)
    goals = {
        _index(lattice, port.access) * 4 + (port.out + 2) % 4: (port, cost)
        for port, cost in lattice.goals(demand, net)
        if port.access not in net.tree
    }
    if not goals:
        return False
    came: dict[int, int] = {}
    last = _search(lattice, net, _starts(lattice, demand, net), goals, came)
    if last is None or not _simple(last, came):
        return False
    states = [last]
    while came[states[-1]] != -1:
        states.append(came[states[-1]])
    first = states[-1]
    ports = (p for p, _ in demand.starts if _index(lattice, p.access) == first >> 2 and p.out == first & 3)
    cells = corners(_cell(lattice, s >> 2) for s in reversed(states))
    lattice.lay(net, demand, cells, next(ports, None), goals[last][0])
    return True


def _starts(lattice: Lattice, demand: Demand, net: Net) -> list[tuple[int, int]]:
    """States to search from, with what they cost: anywhere on the tree, or every free port of the source."""
    if not net.pieces:
        return [(_index(lattice, p.access) * 4 + p.out, cost) for p, cost in lattice.starts(demand)]
    found = []
    for cell, piece in _points(net):
        if not lattice.foreign(cell, net) and not net.arrives(cell):
            inherited = piece.bends * FORK_BEND
            for way in range(4):
                if way != (piece.way + 2) % 4:
                    turn = way != piece.way
                    many = FORK_EXCESS if turn and piece.bends >= MOST_BENDS else 0
                    found.append((_index(lattice, cell) * 4 + way, inherited + many + (BEND if turn else 0)))
    return found


def _points(net: Net) -> list[tuple[Cell, Piece]]:
    """The points of a tree, each with the piece by which the value gets there."""
    found: dict[Cell, Piece] = {}
    for piece in net.pieces:
        (x, y), (dx, dy) = piece.start, DELTAS[piece.way]
        for k in range(abs(piece.end[0] - x) + abs(piece.end[1] - y) + 1):
            found.setdefault((x + dx * k, y + dy * k), piece)
    return list(found.items())


def _owners(lattice: Lattice, upright: int) -> list[int]:
    """The number of the net that runs through each point."""
    found = [0] * (lattice.width * lattice.height)
    for net in lattice.nets.values():
        for y, bits in net.layers[upright].rows.items():
            for x in range(bits.bit_length()):
                if bits >> x & 1:
                    found[y * lattice.width + x] = net.number
    return found


def _index(lattice: Lattice, cell: Cell) -> int:
    return cell[1] * lattice.width + cell[0]


def _cell(lattice: Lattice, index: int) -> Cell:
    return index % lattice.width, index // lattice.width


def _search(  # noqa: C901, PLR0912  the inner loop of a search: a call in it would cost a third more
    lattice: Lattice,
    net: Net,
    starts: list[tuple[int, int]],
    goals: Mapping[int, tuple[Port, int]],
    came: dict[int, int],
) -> int | None:
    """The last state of the cheapest path; `came` tells how to get there."""
    own, flat, upright = net.number, _owners(lattice, 0), _owners(lattice, 1)
    tree = {_index(lattice, cell) for cell, _ in _points(net)}
    covered, doorstep = _spread(lattice.covered.rows, lattice.width), _spread(lattice.doorstep.rows, lattice.width)
    prices, offsets = _prices(lattice, doorstep), (1, lattice.width, -1, -lattice.width)
    left = _bound(lattice, [(_cell(lattice, state >> 2), cost) for state, (_, cost) in goals.items()])
    best = [1 << 60] * (4 * len(flat))
    queue: list[tuple[int, int, int]] = []
    budget = lattice.budget
    pops = budget.left - len(flat) // FIELD
    for state, cost in starts:
        if cost < best[state]:
            best[state] = cost
            came[state] = -1
            heappush(queue, (cost + left(state >> 2), state, cost))
    while queue and pops >= 0:
        pops -= 1
        _, state, cost = heappop(queue)
        if state < 0:  # a goal with its own cost paid
            budget.spend(budget.left - pops)
            return ~state
        if cost > best[state]:
            continue
        if state in goals:
            heappush(queue, (cost + goals[state][1], ~state, cost))
        at, way = state >> 2, state & 3
        fixed = flat[at] not in (0, own) or upright[at] not in (0, own)  # at a crossing one goes straight on
        for turn in (way,) if fixed else (way, (way + 1) & 3, (way + 3) & 3):
            to = at + offsets[turn]
            along, across = (upright, flat) if turn & 1 else (flat, upright)
            if covered[to] or along[to] or across[to] == own or to in tree or along[at] not in (0, own):
                continue
            side = offsets[(turn + 1) & 3]
            total = cost + prices[turn & 1][to]
            if across[to]:
                if doorstep[to]:
                    continue  # no crossing under an arrowhead
                total += CROSS
            if along[to + side] not in (0, own) or along[to - side] not in (0, own):
                total += NEAR
            if turn != way:
                total += BEND
            reached = to * 4 + turn
            if total < best[reached]:
                best[reached] = total
                came[reached] = state
                heappush(queue, (total + left(to), reached, total))
    budget.spend(budget.left - pops)
    return None


def _spread(rows: list[int], width: int) -> list[int]:
    """Rows of bits as one list of zeros and ones."""
    return [row >> x & 1 for row in rows for x in range(width)]


def _prices(lattice: Lattice, doorstep: list[int]) -> tuple[list[int], list[int]]:
    """What a step to each point costs, sideways and up or down."""
    door = [DOORSTEP if d else 0 for d in doorstep]
    rows = [cost for cost in lattice.row_cost for _ in range(lattice.width)]
    return [r + d for r, d in zip(rows, door, strict=True)], [STEP + d for d in door]


def _bound(lattice: Lattice, ends: list[tuple[Cell, int]]) -> Callable[[int], int]:
    """A lower bound of what is left to pay from a point to the nearest end."""
    width, known = lattice.width, [-1] * (lattice.width * lattice.height)

    def left(at: int) -> int:
        if known[at] < 0:
            y, x = divmod(at, width)
            known[at] = min(
                (abs(x - a) + abs(y - b)) * RAIL + c + (BEND if a != x and b != y else 0) for (a, b), c in ends
            )
        return known[at]

    return left


def _simple(last: int, came: dict[int, int]) -> bool:
    """Whether a path passes no point twice: one that crosses itself is no tree."""
    seen: set[int] = set()
    while last != -1:
        if last >> 2 in seen:
            return False
        seen.add(last >> 2)
        last = came[last]
    return True
