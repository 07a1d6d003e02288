"""The pipe style: memories are straight lines along the top, networks in one row, x[t] and h[t-1] along the bottom.

The order of the columns is that of evaluation.  Where wires cross or bend too often, other arrangements are sketched,
and the best of them is drawn: fewest crossings, then bends, then the shortest wires.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise, takewhile
from operator import itemgetter

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
SKETCHES = 40_000  # steps of the budget for other arrangements
SLACK = 280  # by how much a sketch may be worse before its values are laid a second time
PATIENCE = 9_000  # steps without anything better after which a search ends
FEW = 2  # lost wires for which more room is tried
DRAWN = 3  # arrangements that are drawn in full until one has no third bend
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
        return _drawn(a, _arranged(a))
    except Unroutable:
        return layered(graph, "pipe")


def _drawn(a: Anatomy, arrangements: Sequence[Arrangement]) -> Solved:
    """The first arrangement whose wires all have at most two bends when they are drawn; else the best drawing."""
    best, budget = None, Budget()
    for arrangement in arrangements:
        try:
            solved = _with_room(a, arrangement, budget)
        except Unroutable:
            continue
        best = min(best or solved, solved, key=Solved.score)
        if not solved.bends_too_often():
            break
    if best is None:
        raise Unroutable
    return best


# ── which arrangement ──


class _Search:
    """Sketches arrangements and keeps the best."""

    def __init__(self, a: Anatomy) -> None:
        self.a, self.budget = a, Budget(SKETCHES)
        self.seen: set[object] = set()
        self.known: list[tuple[int, int, Arrangement]] = []  # (how bad, number, what)
        self.best: Arrangement | None = None
        self.sketch: Solved | None = None
        self.score = 1 << 60
        self.since = self.budget.left  # the budget when the best was found

    def better(self, arrangement: Arrangement) -> bool:
        """Whether an arrangement is better than the best so far, which it then is."""
        if arrangement.key() in self.seen:
            return False
        self.seen.add(arrangement.key())
        sketch = self._sketch(arrangement)
        if sketch is None:
            return False
        self.known.append((_worth(sketch), len(self.known), arrangement))
        if _worth(sketch) >= self.score:
            return False
        self.best, self.sketch, self.score = arrangement, sketch, _worth(sketch)
        self.since = self.budget.left
        return True

    def _sketch(self, arrangement: Arrangement) -> Solved | None:
        """A sketch that may be better than the best so far; in a little more room if a wire or two are lost."""
        best = None
        for room in (Room(), Room(ROW + 1, GAP + 2)):
            plan = PipePlan(self.a, room, arrangement).build()
            try:
                sketch = solve(plan, self.budget, sketch=True, limit=self.score + SLACK - _size(plan))
            except Spent:
                raise
            except Unroutable:
                continue
            best = min(best or sketch, sketch, key=_worth)
            if not 0 < len(sketch.lost) <= FEW:
                break
        return best

    def patient(self) -> bool:
        """Whether it is likely that something better is still found."""
        return self.sketch is None or bool(self.sketch.lost) or self.since - self.budget.left < PATIENCE

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


def _arranged(a: Anatomy) -> list[Arrangement]:
    """The best arrangements that there is time for, the best first."""
    first = Columns(a, Variant()).arrangement()
    search = _Search(a)
    try:
        search.better(first)
        if not search.done():
            _climb(a, search)
    except Spent:
        pass
    return [arrangement for _, _, arrangement in sorted(search.known, key=itemgetter(0, 1))[:DRAWN]] or [first]


def _climb(a: Anatomy, search: _Search) -> None:
    for variant in _variants(a):
        search.better(Columns(a, variant).arrangement())
        if search.done():
            return
    while search.best is not None and not search.done():
        tried = takewhile(lambda _: search.patient(), moves(a, search.best, search.troubled()))
        if not any(map(search.better, tried)):
            return


def _forced(a: Anatomy) -> int:
    """Crossings that no order avoids: the way of an output up across a pipe."""
    return 1 if len(a.pipes) == 1 and a.graph.output not in a.pipes else 0


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
    """The plan with the least room in which all wires find a way, if possible with two bends, and labels a place."""
    best, last = None, Unroutable()
    for k in range(TRIES):
        room = Room(ROW + k, GAP + 2 * k, PAD + k, 2 * k)
        try:
            solved = uncrowded(solve(_balanced(a, room, arrangement), budget))
        except Spent as error:
            last = error
            break
        except Unroutable as error:
            last = error
            continue
        best = min(best or solved, solved, key=Solved.score)
        if not solved.bends_too_often():
            break
    if best is None:
        raise last
    return best


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
