"""The pipe style: memories are straight lines along the top, networks in one row, x[t] and h[t-1] along the bottom.

The order of the columns is that of evaluation; a few variants (an operator on the pipe beside its gate instead of over
it) are routed and the one with the fewest crossings, then bends, then the shortest wires wins.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from lstmgraph.diagram.graph import Graph
from lstmgraph.diagram.layout.anatomy import Anatomy, anatomy
from lstmgraph.diagram.layout.dress import dress
from lstmgraph.diagram.layout.pipe_places import GAP, PAD, ROW, Room
from lstmgraph.diagram.layout.pipe_wires import PipePlan
from lstmgraph.diagram.layout.plan import Plan, Solved, solve
from lstmgraph.diagram.layout.router import Unroutable
from lstmgraph.diagram.scene import Scene

ASPECT = (1.62, 2.18)  # of the border: narrower pictures are widened, lower ones get higher rows
TRIES = 8  # how often the gaps are widened before giving up


def layout_pipe(graph: Graph, title: str = "", names: Mapping[str, str] | None = None, id: str = "pipe") -> Scene:
    """Lay a graph out along its pipes.  `names` gives the LaTeX of values, for the labels on wires."""
    best: Solved | None = None
    a = anatomy(graph)
    seen = set()
    for beside in _variants(a):
        places = _places(a, beside)
        if places in seen:
            continue
        seen.add(places)
        found = _with_room(a, beside)
        if best is None or found.score() < best.score():
            best = found
        if best.score()[0] <= _forced(a):
            break
    assert best is not None
    return dress(best, title, names or {}, id)


def _forced(a: Anatomy) -> int:
    """Crossings that no order avoids: the way of an output up across the pipes."""
    return len(a.pipes) if a.graph.output not in a.pipes else 0


def _variants(a: Anatomy) -> Iterator[frozenset[str]]:
    yield frozenset()
    if len(a.pipes) == 1:
        for id in next(iter(a.pipes.values())):
            yield frozenset((id,))


def _places(a: Anatomy, beside: frozenset[str]) -> tuple[tuple[str, tuple[int, int]], ...]:
    """Where a variant puts things: variants that put everything in the same place are one."""
    return tuple((s.id, s.at) for s in PipePlan(a, Room(), beside).build().spots.values())


def _with_room(a: Anatomy, beside: frozenset[str]) -> Solved:
    """The plan with the least room in which all wires find a way."""
    for k in range(TRIES):
        room = Room(ROW + k, GAP + 2 * k, PAD + k)
        try:
            return solve(_balanced(a, room, beside))
        except Unroutable as error:
            last = error
    raise last


def _balanced(a: Anatomy, room: Room, beside: frozenset[str]) -> Plan:
    """A plan whose border has a pleasant aspect: the networks move apart, or the rows do."""
    plan = PipePlan(a, room, beside).build()
    for _ in range(48):
        width, height = plan.border.right - plan.border.left, plan.border.bottom - plan.border.top
        networks = len(a.of_kind("sum"))
        if width < ASPECT[0] * height and networks >= 3:
            room = replace(room, gap=room.gap + 1)
        elif width > ASPECT[1] * height:
            room = replace(room, row=room.row + 1)
        else:
            break
        plan = PipePlan(a, room, beside).build()
    return plan
