"""The pipe style: memories are straight lines along the top, networks in one row, x[t] and h[t-1] along the bottom.

The order of the columns is that of evaluation; a few variants (an operator on the pipe beside its gate instead of over
it) are routed and the one with the fewest crossings, then bends, then the shortest wires wins.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import pairwise

from lstmgraph.diagram.graph import Graph
from lstmgraph.diagram.layout.anatomy import Anatomy, anatomy
from lstmgraph.diagram.layout.budget import Budget, Spent, Unroutable, searched
from lstmgraph.diagram.layout.columns import Variant
from lstmgraph.diagram.layout.dress import dress
from lstmgraph.diagram.layout.pipe_places import GAP, PAD, ROW, Room
from lstmgraph.diagram.layout.pipe_wires import PipePlan
from lstmgraph.diagram.layout.plan import Plan, Solved, solve
from lstmgraph.diagram.layout.tracks import layered
from lstmgraph.diagram.scene import Scene

ASPECT = (1.62, 2.18)  # of the border: narrower pictures are widened, lower ones get higher rows
TRIES = 8  # how often the gaps are widened before giving up


def layout_pipe(graph: Graph, title: str = "", names: Mapping[str, str] | None = None, id: str = "pipe") -> Scene:
    """Lay a graph out along its pipes.  `names` gives the LaTeX of values, for the labels on wires."""
    return dress(_solved(graph), title, names or {}, id)


def _solved(graph: Graph) -> Solved:
    """In the grammar of pipes where there is one for the graph, else in layers."""
    if not searched(graph):
        return layered(graph, "pipe")
    a, budget = anatomy(graph), Budget()
    try:
        best = _with_room(a, Variant(), budget)
    except Unroutable:
        return layered(graph, "pipe")
    return _improved(a, best, budget)


def _improved(a: Anatomy, best: Solved, budget: Budget) -> Solved:
    """The best of the variants that there is time for."""
    seen = {_places(a, Variant())}
    for variant in _variants(a):
        if best.score()[0] <= _forced(a) or (variant.swapped[0] and not best.bends_too_often()):
            break
        try:
            places = _places(a, variant)
            if places not in seen:
                seen.add(places)
                best = min(best, _with_room(a, variant, budget), key=Solved.score)
        except Spent:
            break
        except Unroutable:
            continue
    return best


def _forced(a: Anatomy) -> int:
    """Crossings that no order avoids: the way of an output up across the pipes."""
    return len(a.pipes) if a.graph.output not in a.pipes else 0


def _variants(a: Anatomy) -> Iterator[Variant]:
    """First operators over the next network, then also two networks that do not need one another swapped."""
    if len(a.pipes) != 1:
        return
    sides = [frozenset[str](), *(frozenset((id,)) for id in next(iter(a.pipes.values())))]
    yield from (Variant(beside) for beside in sides[1:])
    sums = sorted((n.id for n in a.of_kind("sum")), key=a.index.__getitem__)
    for pair in pairwise(sums):
        if pair[0] not in a.behind(pair[1]):
            yield from (Variant(beside, pair) for beside in sides)


def _places(a: Anatomy, variant: Variant) -> tuple[tuple[str, tuple[int, int]], ...]:
    """Where a variant puts things: variants that put everything in the same place are one."""
    return tuple((s.id, s.at) for s in PipePlan(a, Room(), variant).build().spots.values())


def _with_room(a: Anatomy, variant: Variant, budget: Budget) -> Solved:
    """The plan with the least room in which all wires find a way."""
    for k in range(TRIES):
        room = Room(ROW + k, GAP + 2 * k, PAD + k)
        try:
            return solve(_balanced(a, room, variant), budget)
        except Spent:
            raise
        except Unroutable as error:
            last = error
    raise last


def _balanced(a: Anatomy, room: Room, variant: Variant) -> Plan:
    """A plan whose border has a pleasant aspect: the networks move apart, or the rows do."""
    plan = PipePlan(a, room, variant).build()
    for _ in range(48):
        width, height = plan.border.right - plan.border.left, plan.border.bottom - plan.border.top
        networks = len(a.of_kind("sum"))
        if width < ASPECT[0] * height and networks >= 3:
            room = replace(room, gap=room.gap + 1)
        elif width > ASPECT[1] * height:
            room = replace(room, row=room.row + 1)
        else:
            break
        plan = PipePlan(a, room, variant).build()
    return plan
