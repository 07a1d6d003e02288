"""The cell-block style: the memory is a big Cell in the centre, the data path runs upwards, gates stand beside it.

`block_grid` and `block_search` give every node its row and column, `block_plan` makes a plan of that, which is routed.
The best of several is drawn: of placements near the usual one, and where these have no clear picture, of others that
have little in common with it.  What has no fair picture of this kind at all is drawn in `tracks`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from lstmgraph.diagram.graph import Graph
from lstmgraph.diagram.layout.anatomy import Anatomy, anatomy
from lstmgraph.diagram.layout.block_grid import Grid, fill
from lstmgraph.diagram.layout.block_plan import GAP, PAD, Room, planned
from lstmgraph.diagram.layout.block_products import Products, folded, unfolded
from lstmgraph.diagram.layout.block_search import EFFORT, explore, search
from lstmgraph.diagram.layout.budget import Budget, Spent, Unroutable, searched
from lstmgraph.diagram.layout.dress import dress, uncrowded
from lstmgraph.diagram.layout.plan import Plan, Solved, solve
from lstmgraph.diagram.layout.tracks import layered
from lstmgraph.diagram.scene import Scene

ROUTING_STEPS = 120_000  # of the router, for all placements
HASTY = 5_000  # effort of a search where there is another way to draw the memory
TRIES = 8
ROOMS = 2  # that are tried for fewer bends
PLANAR = 24  # wires that cannot be expected to cross anywhere
CROSSED = 9  # further wires for one more crossing
KNOTTED = 3  # crossings for each that even the plain drawing has
WINDING = 0.5  # bends of a line, the mean: what has more may be simpler in another placement
TANGLED = 7  # wires for each crossing or third bend of a drawing that is still better than one without a Cell
ASPECT = (0.92, 1.18)


def layout_cell_block(
    graph: Graph, title: str = "", names: Mapping[str, str] | None = None, id: str = "block"
) -> Scene:
    """Lay a graph out around its memory.  `names` gives the LaTeX of values, for the labels on wires."""
    return dress(_solved(graph), title, names or {}, id)


def _solved(graph: Graph) -> Solved:
    """Around the memory where that gives a clear picture, if need be after a wider search; else in threads."""
    plain = layered(graph, "cell-block")
    if not searched(graph):
        return plain
    found, clear = list[Solved](), list[Solved]()
    for attempt in (_simplest, _explored):
        with suppress(Unroutable):
            found.append(attempt(graph, Budget(ROUTING_STEPS)))
            if _is_clear(found[-1], plain):
                clear.append(found[-1])
                if found[-1].mean_bends <= WINDING:
                    break
    return min(clear or filter(_is_fair, found), key=Solved.score, default=plain)


def _is_fair(found: Solved) -> bool:
    """Whether a drawing around the memory, if not clear, can be read: the plain one has no Cell, and inputs inside."""
    return found.cost[0] + found.third_bends <= len(found.plan.wants) // TANGLED and not found.too_bent


def _is_clear(found: Solved, plain: Solved) -> bool:
    """Whether a drawing around the memory is clear enough, seen beside the plain one, to search no further."""
    crossings = found.cost[0]
    wires = len(found.plan.wants)
    few = crossings <= KNOTTED * plain.cost[0] + max(0, wires - PLANAR) // CROSSED
    if not few or found.bends_too_often():
        return False
    return not crossings or crossings < layered(found.plan.graph, "pipe").cost[0]  # than without repeated inputs


def _simplest(graph: Graph, budget: Budget) -> Solved:
    """With all wires from the Cell; if they cross, with the old memory repeated like an input except on its loop.

    Beside several Cells there is no room for more than their loops.
    """
    whole = anatomy(graph)
    if not whole.aside():
        return _best(graph, whole.pipes, budget)
    if len(whole.pipes) > 1:
        return _best(graph, (), budget)
    with suppress(Unroutable):
        found = _best(graph, whole.pipes, budget, HASTY)
        if not (found.cost[0] or found.bends_too_often()):
            return found
        with suppress(Unroutable):
            return min(found, _best(graph, (), budget), key=Solved.score)
        return found
    return _best(graph, (), budget)


def _best(graph: Graph, wired: Collection[str], budget: Budget, effort: int = EFFORT) -> Solved:
    """The best of the placements near the first one that promise few crossings.

    All wires of the memories that are `wired` come from their Cells, of others only the loops.
    """
    rest, products = folded(graph, wired)
    a = anatomy(rest)
    a = a if wired else replace(a, repeated=a.aside())
    return _first_good(a, search(a, fill(a), effort), graph, products, budget)


def _explored(graph: Graph, budget: Budget) -> Solved:
    """The best of placements of many kinds; only the loops come from the Cells."""
    rest, products = folded(graph, ())
    a = anatomy(rest)
    a = replace(a, repeated=a.aside())
    return _first_good(a, explore(a), graph, products, budget)


def _first_good(a: Anatomy, grids: Sequence[Grid], graph: Graph, products: Products, budget: Budget) -> Solved:
    """The first of the placements whose drawing has nothing wrong with it, else the best."""
    found: list[Solved] = []
    for grid in grids:
        try:
            found.append(_with_room(a, grid, graph, products, budget))
        except Spent:
            break
        except Unroutable:
            continue
        if not (found[-1].cost[0] or found[-1].bends_too_often()):
            break
    if not found:
        raise Unroutable(a.graph.output)
    return min(found, key=Solved.score)


def _with_room(a: Anatomy, grid: Grid, graph: Graph, products: Products, budget: Budget) -> Solved:
    """With as much room as the wires need; with some more where that saves them bends."""
    found: list[Solved] = []
    for k in range(TRIES):
        try:
            solved = solve(_balanced(a, grid, Room(GAP + 2 * k, GAP + 2 * k, PAD + k)), budget)
            found.append(uncrowded(unfolded(solved, graph, products)))
        except Spent:
            break
        except Unroutable:
            continue
        if not found[-1].bends_too_often() or len(found) == ROOMS:
            break
    if not found:
        raise Unroutable(a.graph.output)
    return min(found, key=Solved.score)


def _balanced(a: Anatomy, grid: Grid, room: Room) -> Plan:
    """A plan with a nearly square border."""
    plan = planned(a, grid, room)
    for _ in range(24):
        width, height = plan.border.right - plan.border.left, plan.border.bottom - plan.border.top
        if width < ASPECT[0] * height:
            room = replace(room, across=room.across + 1)
        elif width > ASPECT[1] * height:
            room = replace(room, down=room.down + 1)
        else:
            break
        plan = planned(a, grid, room)
    return plan
