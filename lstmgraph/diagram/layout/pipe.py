"""The pipe style: memories are straight lines along the top, networks in one row, x[t] and h[t-1] along the bottom.

The order of the columns is that of evaluation.  Where wires cross or bend too often, other arrangements are sketched,
and the best of them is drawn: fewest crossings, then bends, then the shortest wires.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from operator import itemgetter

from lstmgraph.diagram.graph import Graph
from lstmgraph.diagram.layout.anatomy import Anatomy, anatomy
from lstmgraph.diagram.layout.arrange import Arrangement
from lstmgraph.diagram.layout.budget import SEARCH_STEPS, Budget, Spent, Unroutable, searched
from lstmgraph.diagram.layout.dress import dress, uncrowded
from lstmgraph.diagram.layout.pipe_parts import Parts, manners
from lstmgraph.diagram.layout.pipe_places import Room
from lstmgraph.diagram.layout.pipe_search import TASTES
from lstmgraph.diagram.layout.pipe_wires import PipePlan
from lstmgraph.diagram.layout.plan import Plan, Solved, solve
from lstmgraph.diagram.layout.remembered import remembered
from lstmgraph.diagram.layout.tracks import layered
from lstmgraph.diagram.scene import Scene

ASPECT = (1.62, 2.18)  # of the border: narrower pictures are widened, lower ones get higher rows
WIDEST, HIGHEST = 20, 11  # gaps between networks and between rows, whatever the aspect
TRIES = 4  # how often the gaps are widened before giving up
ROOMS = 3  # that are tried for fewer bends


def layout_pipe(graph: Graph, title: str = "", names: Mapping[str, str] | None = None, id: str = "pipe") -> Scene:
    """Lay a graph out along its pipes.  `names` gives the LaTeX of values, for the labels on wires."""
    return dress(_solved(graph), title, names or {}, id)


def _solved(graph: Graph) -> Solved:
    """In the grammar of pipes where there is one for the graph, else in layers."""
    if not searched(graph):
        return layered(graph, "pipe")
    found = list[Solved]()
    for parts in _most_promising(anatomy(graph)):
        for taste in TASTES:
            with suppress(Unroutable):
                found.append(_drawn(parts, remembered(parts, taste).arrangements))
                if not found[-1].bends_too_often() or found[-1].bar_bends:
                    break
        if found:
            break
    return min(found, key=Solved.score) if found else layered(graph, "pipe")


def _most_promising(a: Anatomy) -> list[Parts]:
    """Old memories stay on their pipes, or one of them comes down to join what the networks take; the best first.

    What comes down bends a third time on its way into each network, so that has to save some crossings.
    """
    scores = list[tuple[float, Parts]]()
    for parts in manners(a):
        if all(score > len(parts.joined) for score, _ in scores):
            scores.append((remembered(parts, TASTES[0]).score, parts))
    return [parts for _, parts in sorted(scores, key=itemgetter(0))]


def _drawn(parts: Parts, arrangements: Sequence[Arrangement]) -> Solved:
    """The first arrangement whose wires all have at most two bends when they are drawn; else the best drawing.

    The last one is what the search began with: only where no other can be drawn.
    """
    best = None
    for k, arrangement in enumerate(arrangements):
        if best and k == len(arrangements) - 1:
            break
        try:
            solved = _with_room(parts, arrangement, Budget(SEARCH_STEPS // len(arrangements)))
        except Unroutable:
            continue
        best = min(best or solved, solved, key=Solved.score)
        if not solved.bends_too_often():
            break
    if best is None:
        raise Unroutable
    return best


# ── how much room ──


def _with_room(parts: Parts, arrangement: Arrangement, budget: Budget) -> Solved:
    """The plan with the least room in which all wires find a way; with some more where that saves them a third bend."""
    found, last = list[Solved](), Unroutable()
    for k in range(TRIES):
        try:
            found.append(uncrowded(solve(_balanced(parts, Room.larger(k), arrangement), budget)))
        except Spent as error:
            last = error
            break
        except Unroutable as error:
            last = error
            continue
        if not found[-1].cost[1] or len(found) == ROOMS:
            break
    if not found:
        raise last
    return min(found, key=Solved.score)


def _balanced(parts: Parts, room: Room, arrangement: Arrangement) -> Plan:
    """A plan whose border has a pleasant aspect: the networks move apart, or the rows do."""
    plan = PipePlan(parts, room, arrangement).build()
    for _ in range(48):
        width, height = plan.border.right - plan.border.left, plan.border.bottom - plan.border.top
        networks = len(parts.a.of_kind("sum"))
        if width < ASPECT[0] * height and networks >= 3 and room.gap < WIDEST:
            room = replace(room, gap=room.gap + 1)
        elif width > ASPECT[1] * height and room.row < HIGHEST:
            room = replace(room, row=room.row + 1)
        else:
            break
        plan = PipePlan(parts, room, arrangement).build()
    return plan
