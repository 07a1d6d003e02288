"""Searches for an arrangement of the pipe style with few crossings and bends.

Three steps, each a tenth as many and ten times as dear: very many arrangements are estimated (`estimate`), the most
promising are sketched, the best sketches are what `pipe` draws.  To try more of each, change a number below.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from math import inf
from operator import itemgetter
from random import Random

from lstmgraph.diagram.layout.anatomy import Anatomy
from lstmgraph.diagram.layout.arrange import Arrangement, Moves
from lstmgraph.diagram.layout.budget import Budget, Spent, Unroutable
from lstmgraph.diagram.layout.columns import Columns, Variant
from lstmgraph.diagram.layout.costs import SKETCH, worth
from lstmgraph.diagram.layout.estimate import WIDTH, Coarse, Estimate, Link, Port
from lstmgraph.diagram.layout.pipe_parts import Parts
from lstmgraph.diagram.layout.pipe_places import Places, Room
from lstmgraph.diagram.layout.pipe_wires import PipePlan
from lstmgraph.diagram.layout.plan import THIRD, Plan, Sides, Solved, Want, solve
from lstmgraph.diagram.layout.shapes import DOWN
from lstmgraph.diagram.path import simplify

EFFORT = 12_000  # wires that may be estimated
STARTS = 2  # of the first arrangements, from which it goes on
NEARBY, WIDE = 1_000, 3_000  # of the effort for what is beside a sketch; where wires bend too often
KICKS, KICK = 4, 2  # how often the best is disturbed, and by how many moves
TASTES = (1_500, 2_500)  # what a wire without a way is worth in an estimate; what one finds another may miss
LARGE = 8  # what a step of width is worth in an estimate
SKETCHED, MOST_SKETCHED = 5, 15  # the most promising arrangements, which are sketched
SKETCH_STEPS = 30_000  # of the budget for sketches
SLACK = 280  # by how much a sketch may be worse before its values are laid a second time
PATIENCE = 1_500  # of these, without anything better, after which it ends
LONGER = 9_000  # the same where wires bend too often
SKETCH_ROOMS = (0, 2)  # for a sketch
FEW = 2  # lost wires for which the larger one is tried
DRAWN = 3  # arrangements that are worth drawing in full
ODD = 6  # what two networks out of the order of evaluation are worth
BENT = 30  # what a bend more than there should be is worth
BELOW = 3.0  # from the middle of a sum to where values enter it
COLUMNS = WIDTH // 2 - 8  # that an estimate has room for


@dataclass(frozen=True)
class Found:
    """The best arrangements that there was time for, the best first; the `score` that the drawing of that one promises
    to have.
    """

    arrangements: list[Arrangement]
    score: float


def arranged(parts: Parts, taste: int = TASTES[0]) -> Found:
    """What a search finds."""
    first = Columns(parts.a, Variant()).arrangement()
    sketches, climb = _Sketches(parts), _Climb(parts, taste)
    try:
        if not (sketches.suffices(first) or any(map(sketches.suffices, sketches.while_cheap(climb.promising(first))))):
            sketches.refine(climb)
    except Spent:
        pass
    return Found([*sketches.best(), first], sketches.promise())


# ── estimates ──


class _Climb:
    """Goes from arrangement to arrangement, each of which promises to be better."""

    def __init__(self, parts: Parts, taste: int) -> None:
        self.parts, self.a, self.moves, self.left = parts, parts.a, Moves(parts.a), EFFORT
        self.taste = taste
        self.estimates: dict[object, tuple[Estimate, list[Want]]] = {}
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
        yield from (distinct[cost] for cost in sorted(distinct)[:MOST_SKETCHED])

    def beside(self, now: Arrangement, troubled: list[str], effort: int) -> list[Arrangement]:
        """What one move leads to, the most promising first: of all that `troubled` operations can do, and of lines."""
        self.left, found = effort, list[tuple[int, int, Arrangement]]()
        for number, move in enumerate(self.moves.of(now, troubled)):
            other = move()
            cost = self._estimate(other, 1 << 60, again=True)
            if cost is not None:
                found.append((cost, number, other))
            if self.left <= 0:
                break
        return [other for _, _, other in sorted(found, key=itemgetter(0, 1))]

    def _kick(self, now: Arrangement) -> None:
        """Some moves at random, and on from there."""
        for _ in range(KICK):
            kicked = self.random.choice(list(self.moves.of(now)))()
            now = kicked if self.moves.holds(kicked) else now
        cost = self._estimate(now, 1 << 60)
        if cost is not None:
            self._climb(cost, now)

    def _climb(self, cost: int, now: Arrangement) -> None:
        """To a better one as long as there is any."""
        moved = True
        while moved and self.left > 0:
            moved = False
            tried = list(self.moves.of(now))
            self.random.shuffle(tried)
            for move in tried:
                other = move()
                found = self._estimate(other, cost)
                if found is not None and found < cost:
                    cost, now, moved = found, other, True
                    break
                if self.left <= 0:
                    break

    def _estimate(self, arrangement: Arrangement, limit: int, again: bool = False) -> int | None:
        """What an arrangement promises to cost; None where that is the limit or more, or if it was asked before."""
        key = arrangement.key()
        if key in self.seen and not again:
            return None
        self.seen.add(key)
        if not self.moves.holds(arrangement):
            return None
        try:
            places = Places(self.parts, Room(), arrangement)
            plan = places.placed()
        except Unroutable:
            return None
        estimate, wants = self._of(arrangement, places.first_joined())
        at = _places(plan, wants)
        if len({x for x, _ in at.values()}) > COLUMNS:
            return None
        large = LARGE * (size(plan) + ODD * self.moves.oddities(arrangement))
        before = estimate.spent
        cost = large + estimate.cost(at, limit=limit - large)[0]
        self.left -= estimate.spent - before
        if cost >= limit:
            return None
        self.known.append((cost, len(self.known), arrangement))
        return cost

    def _of(self, arrangement: Arrangement, first: str) -> tuple[Estimate, list[Want]]:
        """The estimate for the wires of an arrangement; which are wanted depends on the `first` sum on the trunk and on
        what leaves to the right.
        """
        key = first, arrangement.beside
        if key not in self.estimates:
            wants = PipePlan(self.parts, Room(), arrangement).build().wants
            self.estimates[key] = Estimate(_links(wants), _room(wants), self.taste, _doors(wants)), wants
        return self.estimates[key]


def _places(plan: Plan, wants: list[Want]) -> Coarse:
    """Where the nodes of a plan stand, and where values enter the sums from below."""
    places = {id: (float(s.at[0]), float(-s.at[1])) for id, s in plan.spots.items()}
    for want in wants:
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


def _doors(wants: list[Want]) -> dict[str, str]:
    return {_entry(want): want.target for want in wants if _door(want) is not None}


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

    def __init__(self, parts: Parts) -> None:
        self.parts, self.a, self.moves, self.budget = parts, parts.a, Moves(parts.a), Budget(SKETCH_STEPS)
        self.seen: set[object] = set()
        self.known: list[tuple[int, int, Arrangement]] = []  # (how bad, number, what)
        self.score = 1 << 60
        self.first: Solved | None = None  # the best sketch
        self.since = SKETCH_STEPS  # the budget when it was found
        self.spent: dict[object, int] = {}  # what was sketched, with what that took: arrangements may look the same

    def while_cheap(self, arrangements: Iterable[Arrangement]) -> Iterator[Arrangement]:
        """The first few, and more of them as long as three quarters of the budget are left."""
        for number, arrangement in enumerate(arrangements):
            if number < SKETCHED or self.budget.left > SKETCH_STEPS * 3 // 4:
                yield arrangement

    def refine(self, climb: _Climb) -> None:
        """Goes on from the best sketch: next is what promises most among all that is beside it."""
        self.since = self.budget.left
        best: Arrangement | None = None
        while self.first is not None and self.best()[0] is not best:
            best = self.best()[0]
            for other in climb.beside(best, _ends(self.first), WIDE if self._bent() else NEARBY):
                if other.key() in self.seen:
                    continue
                if self.suffices(other) or self.since - self.budget.left > (LONGER if self._bent() else PATIENCE):
                    return
                if self.best()[0] is not best:
                    break

    def _bent(self) -> bool:
        """Whether wires of the best sketch bend too often."""
        return self.first is not None and bool(self.first.lost or self.first.too_bent)

    def promise(self) -> float:
        """What the best sketch says of a drawing: a wire that it has no way for will bend a third time."""
        return self.first.score()[0] + THIRD * len(self.first.lost) if self.first else inf

    def best(self) -> list[Arrangement]:
        """The best, each of another worth: what is worth the same is mostly the same but for a trifle."""
        distinct = {
            worth: arrangement for worth, _, arrangement in sorted(self.known, key=itemgetter(0, 1), reverse=True)
        }
        return [distinct[worth] for worth in sorted(distinct)[:DRAWN]]

    def suffices(self, arrangement: Arrangement) -> bool:
        """Whether a sketch of an arrangement leaves nothing to be desired."""
        self.seen.add(arrangement.key())
        sketch = self._sketch(arrangement)
        if sketch is None:
            return False
        worth = _worth(sketch) + ODD * self.moves.oddities(arrangement)
        self.known.append((worth, len(self.known), arrangement))
        if worth < self.score:
            self.score, self.first, self.since = worth, sketch, self.budget.left
        crossings, excess, _, _ = sketch.cost
        return not (sketch.lost or excess or sketch.too_bent) and crossings <= _forced(self.a)

    def _sketch(self, arrangement: Arrangement) -> Solved | None:
        """A sketch that may be better than the best so far and is a new one; in more room if a wire or two are lost."""
        best, before, looks = None, self.budget.left, None
        for room in map(Room.larger, SKETCH_ROOMS):
            try:
                plan = PipePlan(self.parts, room, arrangement).build()
                looks = looks or _looks(plan)
                if looks in self.spent:
                    self.budget.spend(self.spent[looks])
                    return None
                sketch = solve(plan, self.budget, sketch=True, limit=self.score + SLACK - size(plan))
            except Spent:
                raise
            except Unroutable:
                continue
            best = min(best or sketch, sketch, key=_worth)
            if not 0 < len(sketch.lost) <= FEW:
                break
        self.spent[looks] = before - self.budget.left
        return best


def _looks(plan: Plan) -> object:
    """Equal for plans of one graph that are the same picture."""
    wants = ((w.id, w.starts, w.goals, w.rank, w.direct) for w in plan.wants)
    return tuple((s.id, s.at) for s in plan.spots.values()), tuple(wants), plan.border


def _ends(sketch: Solved) -> list[str]:
    """Nodes at the ends of wires that cross others or were not found; of all that bend, where there are many bends."""
    bent = [w for w in sketch.plan.wants if w.id in sketch.routes and len(simplify(sketch.routes[w.id])) > 2]
    return [id for want in sketch.troubled() + (bent if sketch.too_bent else []) for id in (want.source, want.target)]


def _worth(sketch: Solved) -> int:
    return worth(SKETCH, len(sketch.lost), sketch.cost) + round(BENT * sketch.too_bent) + size(sketch.plan)


def size(plan: Plan) -> int:
    """What a large picture is worth avoiding."""
    return int(plan.border.right - plan.border.left + 2 * (plan.border.bottom - plan.border.top))


def _forced(a: Anatomy) -> int:
    """Crossings that no order avoids: the way of an output up across a pipe."""
    return 1 if len(a.pipes) == 1 and a.graph.output not in a.pipes else 0
