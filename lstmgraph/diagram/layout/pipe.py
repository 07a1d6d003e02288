"""The pipe style: memories are straight lines along the top, networks in one row, x[t] and h[t-1] along the bottom.

The order of the columns is that of evaluation.  Where wires cross or bend too often, other arrangements are sketched,
and the best of them is drawn: fewest crossings, then bends, then the shortest wires.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import pairwise

from lstmgraph.diagram.graph import Graph
from lstmgraph.diagram.layout.anatomy import Anatomy, anatomy
from lstmgraph.diagram.layout.arrange import Arrangement, moves
from lstmgraph.diagram.layout.budget import Budget, Spent, Unroutable, searched
from lstmgraph.diagram.layout.columns import Columns, Variant
from lstmgraph.diagram.layout.dress import dress, uncrowded
from lstmgraph.diagram.layout.pipe_places import GAP, PAD, ROW, Room
from lstmgraph.diagram.layout.pipe_wires import PipePlan
from lstmgraph.diagram.layout.plan import Plan, Solved, solve
from lstmgraph.diagram.layout.tracks import layered
from lstmgraph.diagram.scene import Scene

ASPECT = (1.62, 2.18)  # of the border: narrower pictures are widened, lower ones get higher rows
WIDEST, HIGHEST = 20, 11  # gaps between networks and between rows, whatever the aspect
TRIES = 4  # how often the gaps are widened before giving up
SKETCHES = 50_000  # steps of the budget for other arrangements
SLACK = 280  # by how much a sketch may be worse before its values are laid a second time
MEAN_BENDS = 0.7  # of a wire: more is worth a search


def layout_pipe(graph: Graph, title: str = "", names: Mapping[str, str] | None = None, id: str = "pipe") -> Scene:
    """Lay a graph out along its pipes.  `names` gives the LaTeX of values, for the labels on wires."""
    return dress(_solved(graph), title, names or {}, id)


def _solved(graph: Graph) -> Solved:
    """In the grammar of pipes where there is one for the graph, else in layers."""
    if not searched(graph):
        return layered(graph, "pipe")
    a = anatomy(graph)
    try:
        return _with_room(a, _arranged(a), Budget())
    except Unroutable:
        return layered(graph, "pipe")


# ── which arrangement ──


class _Search:
    """Sketches arrangements and keeps the best."""

    def __init__(self, a: Anatomy) -> None:
        self.a, self.budget = a, Budget(SKETCHES)
        self.seen: set[object] = set()
        self.best: Arrangement | None = None
        self.sketch: Solved | None = None
        self.score = 1 << 60

    def better(self, arrangement: Arrangement) -> bool:
        """Whether an arrangement is better than the best so far, which it then is."""
        if arrangement.key() in self.seen:
            return False
        self.seen.add(arrangement.key())
        try:
            plan = PipePlan(self.a, Room(), arrangement).build()
            sketch = solve(plan, self.budget, sketch=True, limit=self.score + SLACK - _size(plan))
        except Spent:
            raise
        except Unroutable:
            return False
        score = _worth(sketch)
        if score >= self.score:
            return False
        self.best, self.sketch, self.score = arrangement, sketch, score
        return True

    def done(self) -> bool:
        """Whether nothing is left to be desired."""
        if self.sketch is None:
            return False
        crossings, excess, bends, _ = self.sketch.cost
        wires = len(self.sketch.plan.graph.edges)
        return not (self.sketch.lost or excess) and crossings <= _forced(self.a) and bends <= MEAN_BENDS * wires

    def troubled(self) -> list[str]:
        """Nodes at the ends of wires that cross others, bend too often or were not found."""
        if self.sketch is None:
            return []
        return [id for want in self.sketch.troubled() for id in (want.source, want.target)]


def _worth(sketch: Solved) -> int:
    crossings, excess, bends, length = sketch.cost
    found = len(sketch.lost) * 250 + crossings * 40 + excess * 60 + bends * 7 + length
    return found + _size(sketch.plan)


def _size(plan: Plan) -> int:
    """What a large picture is worth avoiding."""
    return int(plan.border.right - plan.border.left + 2 * (plan.border.bottom - plan.border.top))


def _arranged(a: Anatomy) -> Arrangement:
    """The best arrangement that there is time for."""
    first = Columns(a, Variant()).arrangement()
    search = _Search(a)
    try:
        search.better(first)
        if not search.done():
            _climb(a, search)
    except Spent:
        pass
    return search.best or first


def _climb(a: Anatomy, search: _Search) -> None:
    for variant in _variants(a):
        search.better(Columns(a, variant).arrangement())
        if search.done():
            return
    while search.best is not None and not search.done():
        if not any(search.better(move) for move in moves(a, search.best, search.troubled())):
            return


def _forced(a: Anatomy) -> int:
    """Crossings that no order avoids: the way of an output up across the pipes."""
    return len(a.pipes) if a.graph.output not in a.pipes else 0


def _variants(a: Anatomy) -> Iterator[Variant]:
    """First operators over the next network, then also two networks that do not need one another swapped."""
    sides = [frozenset[str](), *(frozenset((id,)) for path in a.pipes.values() for id in path)]
    yield Variant(late=True)
    yield from (Variant(beside, late=late) for late in (False, True) for beside in sides[1:])
    sums = sorted((n.id for n in a.of_kind("sum")), key=a.index.__getitem__)
    for pair in pairwise(sums):
        if pair[0] not in a.behind(pair[1]):
            yield from (Variant(beside, pair) for beside in sides)


# ── how much room ──


def _with_room(a: Anatomy, arrangement: Arrangement, budget: Budget) -> Solved:
    """The plan with the least room in which all wires find a way and all labels a place."""
    for k in range(TRIES):
        room = Room(ROW + k, GAP + 2 * k, PAD + k, 2 * k)
        try:
            return uncrowded(solve(_balanced(a, room, arrangement), budget))
        except Spent:
            raise
        except Unroutable as error:
            last = error
    raise last


def _balanced(a: Anatomy, room: Room, arrangement: Arrangement) -> Plan:
    """A plan whose border has a pleasant aspect: the networks move apart, or the rows do."""
    plan = PipePlan(a, room, arrangement).build()
    for _ in range(48):
        width, height = plan.border.right - plan.border.left, plan.border.bottom - plan.border.top
        networks = len(a.of_kind("sum"))
        if width < ASPECT[0] * height and networks >= 3 and room.gap < WIDEST:
            room = replace(room, gap=room.gap + 1)
        elif width > ASPECT[1] * height and room.row < HIGHEST:
            room = replace(room, row=room.row + 1)
        else:
            break
        plan = PipePlan(a, room, arrangement).build()
    return plan
