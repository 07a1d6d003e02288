"""Searches for an arrangement of the pipe style with few crossings and bends.

Three steps, each a tenth as many and ten times as dear: very many arrangements are estimated (`estimate`), the most
promising are sketched, the best sketches are what `pipe` draws.  To try more of each, change a number below.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from operator import itemgetter
from random import Random

from lstmgraph.diagram.layout.anatomy import Anatomy
from lstmgraph.diagram.layout.arrange import Arrangement, moves
from lstmgraph.diagram.layout.budget import Budget, Spent, Unroutable
from lstmgraph.diagram.layout.columns import Columns, Variant
from lstmgraph.diagram.layout.estimate import WIDTH, Estimate, Link, Places, Port
from lstmgraph.diagram.layout.pipe_places import Room
from lstmgraph.diagram.layout.pipe_wires import PipePlan
from lstmgraph.diagram.layout.plan import Plan, Sides, Solved, Want, solve
from lstmgraph.diagram.layout.shapes import DOWN

EFFORT = 6_000  # wires that may be estimated
STARTS = 2  # of the first arrangements, from which it goes on
KICKS, KICK = 2, 2  # how often the best is disturbed, and by how many moves
LARGE = 11  # what a step of width is worth in an estimate
SKETCHED = 7  # the most promising arrangements, which are sketched
STEPS = 40_000  # of the budget for sketches
SLACK = 280  # by how much a sketch may be worse before its values are laid a second time
CROSSING = 60  # what one is worth in a sketch, in steps of length
PATIENCE = 2_500  # of these, without anything better, after which it ends
ROOMS = (0, 2)  # for a sketch
FEW = 2  # lost wires for which the larger one is tried
DRAWN = 3  # arrangements that are worth drawing in full
MEAN_BENDS = 0.7  # of a wire: more is worth a search
BELOW = 3.0  # from the middle of a sum to where values enter it
COLUMNS = WIDTH // 2 - 8  # that an estimate has room for


def arranged(a: Anatomy) -> list[Arrangement]:
    """The best arrangements that there is time for, the best first."""
    first = Columns(a, Variant()).arrangement()
    sketches = _Sketches(a)
    try:
        if not (sketches.suffices(first) or any(map(sketches.suffices, _Climb(a).promising(first)))):
            sketches.refine()
    except Spent:
        pass
    return [*sketches.best(), first]


# ── estimates ──


class _Climb:
    """Goes from arrangement to arrangement, each of which promises to be better."""

    def __init__(self, a: Anatomy) -> None:
        self.a, self.left = a, EFFORT
        self.estimates: dict[object, Estimate] = {}
        self.seen: set[object] = set()
        self.known: list[tuple[int, int, Arrangement]] = []  # (estimate, number, what)
        self.random = Random(1)  # always the same numbers

    def promising(self, first: Arrangement) -> Iterator[Arrangement]:
        """What was found, the most promising first."""
        for arrangement in (first, *(Columns(self.a, v).arrangement() for v in _variants(self.a))):
            self._estimate(arrangement, 1 << 60)
        for cost, _, arrangement in sorted(self.known, key=itemgetter(0, 1))[:STARTS]:
            self._climb(cost, arrangement)
        for _ in range(KICKS):
            if self.left > 0 and self.known:
                self._kick(min(self.known, key=itemgetter(0, 1))[2])
        distinct = {cost: arrangement for cost, _, arrangement in reversed(self.known)}  # the first of each
        yield from (distinct[cost] for cost in sorted(distinct)[:SKETCHED])

    def _kick(self, now: Arrangement) -> None:
        """Some moves at random, and on from there."""
        for _ in range(KICK):
            now = self.random.choice([*moves(self.a, now, []), now])
        cost = self._estimate(now, 1 << 60)
        if cost is not None:
            self._climb(cost, now)

    def _climb(self, cost: int, now: Arrangement) -> None:
        """To a better one as long as there is any."""
        moved = True
        while moved and self.left > 0:
            moved = False
            tried = list(moves(self.a, now, []))
            self.random.shuffle(tried)
            for other in tried:
                found = self._estimate(other, cost)
                if found is not None and found < cost:
                    cost, now, moved = found, other, True
                    break
                if self.left <= 0:
                    break

    def _estimate(self, arrangement: Arrangement, limit: int) -> int | None:
        """What an arrangement promises to cost; None where that is the limit or more, or was asked before."""
        if arrangement.key() in self.seen:
            return None
        self.seen.add(arrangement.key())
        try:
            plan = PipePlan(self.a, Room(), arrangement).build()
        except Unroutable:
            return None
        places = _places(plan)
        if len({x for x, _ in places.values()}) > COLUMNS:
            return None
        large = LARGE * size(plan)
        estimate = self._of(plan)
        before = estimate.spent
        cost = large + estimate.cost(places, limit=limit - large)[0]
        self.left -= estimate.spent - before
        if cost >= limit:
            return None
        self.known.append((cost, len(self.known), arrangement))
        return cost

    def _of(self, plan: Plan) -> Estimate:
        """The estimate for the wires of a plan: arrangements mostly want the same."""
        key = tuple((w.id, w.starts, w.goals) for w in plan.wants)
        if key not in self.estimates:
            self.estimates[key] = Estimate(_links(plan.wants), _room(plan.wants))
        return self.estimates[key]


def _places(plan: Plan) -> Places:
    """Where the nodes of a plan stand, and where values enter the sums from below."""
    places = {id: (float(s.at[0]), float(-s.at[1])) for id, s in plan.spots.items()}
    for want in plan.wants:
        if (door := _door(want)) is not None:
            x, y = places[want.target]
            places[_entry(want)] = x + door, y - BELOW
    return places


def _door(want: Want) -> int | None:
    """The offset by which a value enters a sum from below, if that is what it wants most."""
    side, offset, _ = want.goals[0]
    among_others = side == DOWN and not want.direct and len(want.goals) > 1
    return offset if among_others or want.source == "join" else None


def _entry(want: Want) -> str:
    return want.target if _door(want) is None else f"{want.target} {want.goals[0][1]}"


def _links(wants: list[Want]) -> list[Link]:
    """The values of a plan and where they go."""
    nets: dict[tuple[str, str], list[Want]] = {}
    for want in wants:
        nets.setdefault((want.net or want.source, want.source), []).append(want)
    return [
        Link(
            "/".join(key),
            key[1],
            tuple((side, 0, cost) for side, cost in _by_side(s for w in several for s in w.starts).items()),
            tuple((_entry(w), _by_side(w.goals)) for w in several),
        )
        for key, several in nets.items()
    ]


def _by_side(sides: Iterator[tuple[int, int, int]] | Sides) -> dict[int, int]:
    """What the cheapest port of each side costs, the cheapest side first."""
    found: dict[int, int] = {}
    for side, _, cost in sorted(sides, key=itemgetter(2)):
        found.setdefault(side, cost)
    return found


def _room(wants: list[Want]) -> dict[Port, int]:
    """How many values each side of a node has room for."""
    ports: dict[Port, set[int]] = {}
    for want in wants:
        for side, offset, _ in want.goals:
            ports.setdefault((want.target, side, 0), set()).add(offset)
    return {port: len(offsets) for port, offsets in ports.items()}


def _variants(a: Anatomy) -> Iterator[Variant]:
    """First operators over the next network, then also two networks that do not need one another swapped."""
    sides = [frozenset[str](), *(frozenset((id,)) for path in a.pipes.values() for id in path)]
    yield Variant(late=True)
    yield from (Variant(beside, late=late) for late in (False, True) for beside in sides[1:])
    sums = sorted((n.id for n in a.of_kind("sum")), key=a.index.__getitem__)
    for pair in pairwise(sums):
        if pair[0] not in a.behind(pair[1]):
            yield from (Variant(beside, pair) for beside in sides)


# ── sketches ──


class _Sketches:
    """Sketches arrangements and keeps them, with what they are worth."""

    def __init__(self, a: Anatomy) -> None:
        self.a, self.budget = a, Budget(STEPS)
        self.seen: set[object] = set()
        self.known: list[tuple[int, int, Arrangement]] = []  # (how bad, number, what)
        self.score = 1 << 60
        self.first: Solved | None = None  # the best sketch
        self.since = STEPS  # the budget when it was found

    def refine(self) -> None:
        """Goes on from the best sketch, most of all with what stands at wires that cross or bend too often."""
        better = True
        self.since = self.budget.left
        while better and self.first is not None:
            before, better = self.score, False
            for other in moves(self.a, self.best()[0], _ends(self.first)):
                if other.key() in self.seen:
                    continue
                if self.suffices(other) or self.since - self.budget.left > PATIENCE:
                    return
                better = self.score < before
                if better:
                    break

    def best(self) -> list[Arrangement]:
        return [arrangement for _, _, arrangement in sorted(self.known, key=itemgetter(0, 1))[:DRAWN]]

    def suffices(self, arrangement: Arrangement) -> bool:
        """Whether a sketch of an arrangement leaves nothing to be desired."""
        self.seen.add(arrangement.key())
        sketch = self._sketch(arrangement)
        if sketch is None:
            return False
        self.known.append((_worth(sketch), len(self.known), arrangement))
        if _worth(sketch) < self.score:
            self.score, self.first, self.since = _worth(sketch), sketch, self.budget.left
        crossings, excess, bends, _ = sketch.cost
        few = bends <= MEAN_BENDS * len(sketch.plan.graph.edges)
        return not (sketch.lost or excess) and crossings <= _forced(self.a) and few

    def _sketch(self, arrangement: Arrangement) -> Solved | None:
        """A sketch that may be better than the best so far; in more room if a wire or two are lost."""
        best = None
        for room in map(Room.larger, ROOMS):
            plan = PipePlan(self.a, room, arrangement).build()
            try:
                sketch = solve(plan, self.budget, sketch=True, limit=self.score + SLACK - size(plan))
            except Spent:
                raise
            except Unroutable:
                continue
            best = min(best or sketch, sketch, key=_worth)
            if not 0 < len(sketch.lost) <= FEW:
                break
        return best


def _ends(sketch: Solved) -> list[str]:
    """Nodes at the ends of wires that cross others, bend too often or were not found."""
    return [id for want in sketch.troubled() for id in (want.source, want.target)]


def _worth(sketch: Solved) -> int:
    crossings, excess, bends, length = sketch.cost
    found = len(sketch.lost) * 250 + crossings * CROSSING + excess * 60 + bends * 7 + length
    return found + size(sketch.plan)


def size(plan: Plan) -> int:
    """What a large picture is worth avoiding."""
    return int(plan.border.right - plan.border.left + 2 * (plan.border.bottom - plan.border.top))


def _forced(a: Anatomy) -> int:
    """Crossings that no order avoids: the way of an output up across a pipe."""
    return 1 if len(a.pipes) == 1 and a.graph.output not in a.pipes else 0
