"""A plan: nodes on the lattice and the wires that are wanted, before any wire is routed.

Styles fill a plan; `solve` routes it.  `Spot` is a node with a place, `Want` a wire with the sides it may use.  A
*trunk* is the way of values that always go to the same sums together: they join at a `join` spot and run as one line
from there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from lstmgraph.diagram.graph import Edge, Graph, Node
from lstmgraph.diagram.layout.budget import Budget
from lstmgraph.diagram.layout.costs import MOST_BENDS, RAIL, Tally
from lstmgraph.diagram.layout.lattice import Cell, Demand, Lattice
from lstmgraph.diagram.layout.router import route_all
from lstmgraph.diagram.layout.shapes import DOWN, LEFT, PITCH, RIGHT, UP, Form, Port, ports, role_of
from lstmgraph.diagram.path import Route, simplify
from lstmgraph.diagram.scene import Box, Point, again

Sides = tuple[tuple[int, int, int], ...]  # (side, offset, extra cost)

ANY: Sides = ((UP, 0, 0), (RIGHT, 0, 0), (DOWN, 0, 0), (LEFT, 0, 0))
NOWHERE = Box(0, 0, 0, 0)
MARGIN = 6  # lattice steps around everything, room for wires that go round
MEAN_BENDS = 0.7  # of an edge: more is hard to follow
THIRD = 3  # crossings that a third bend of a wire counts for


@dataclass
class Spot:
    """A node with a place."""

    id: str
    form: Form
    at: Cell
    role: str
    kind: str
    node: Node | None = None  # the graph node it shows
    of: str = ""
    outside: bool = False  # stands outside the border
    glyph: str = ""  # instead of the graph node's


@dataclass
class Want:
    """A wire: an edge of the graph, or the part of one up to or after a join."""

    id: str
    source: str
    target: str
    starts: Sides
    goals: Sides
    role: str
    rank: int = 5
    edge: Edge | None = None
    dashed: bool = False
    net: str = ""  # wires of one net may share their way; by default those of one source
    direct: str = ""  # see `lattice.Demand`


@dataclass
class Plan:
    graph: Graph
    style: str
    spots: dict[str, Spot] = field(default_factory=dict)
    wants: list[Want] = field(default_factory=list)
    through: dict[str, tuple[str, str]] = field(default_factory=dict)  # edge id -> (wire to the join, wire from it)
    rails: list[int] = field(default_factory=list)  # rows that horizontal wires prefer
    border: Box = NOWHERE  # in lattice steps

    def stand(
        self, node: Node, form: Form, at: Cell, wires: Sequence[Edge], outside: bool = False, name: str = ""
    ) -> Spot:
        """Put a graph node somewhere, under another name where it is repeated; its `wires` say what its value is."""
        role = role_of(node, wires[0].kind if wires else "internal")
        of = node.id if name else ""
        return self.put(Spot(name or node.id, form, at, role, node.kind, node, of=of, outside=outside))

    def put(self, spot: Spot) -> Spot:
        self.spots[spot.id] = spot
        return spot

    def shift(self) -> tuple[int, int]:
        """Move everything so that it lies inside the lattice; returns the lattice's size."""
        boxes = [(s.at, s.form.reach()) for s in self.spots.values()]
        left = min([a[0] - r[0] for a, r in boxes] + [int(self.border.left)]) - MARGIN
        top = min([a[1] - r[1] for a, r in boxes] + [int(self.border.top)]) - MARGIN
        right = max([a[0] + r[0] for a, r in boxes] + [int(self.border.right)]) + MARGIN
        bottom = max([a[1] + r[1] for a, r in boxes] + [int(self.border.bottom)]) + MARGIN
        for spot in self.spots.values():
            spot.at = spot.at[0] - left, spot.at[1] - top
        self.rails = [y - top for y in self.rails]
        b = self.border
        self.border = Box(b.left - left, b.top - top, b.right - left, b.bottom - top)
        return right - left + 1, bottom - top + 1


@dataclass
class Solved:
    """A plan with its wires."""

    plan: Plan
    routes: dict[str, tuple[Point, ...]]  # wire -> its corners and ends
    nets: dict[str, int]  # net name -> its number
    cost: Tally = (0, 0, 0, 0)  # see `Lattice.cost`
    lost: frozenset[str] = frozenset()  # wires that were not found, in a sketch
    crossed: frozenset[str] = frozenset()  # wires that cross others or bend too often

    def score(self) -> tuple[float, int, int]:
        """Crossings, bends, length.

        A third bend counts as one crossing, as THIRD where it is not a trunk's; so do two bends more than lines should
        have together.
        """
        crossings, excess, bends, length = self.cost
        return crossings + self.third_bends + (THIRD - 1) * excess + self.too_bent / 2, bends, length

    @cached_property
    def third_bends(self) -> int:
        """By how many bends single lines have more than two."""
        return sum(max(0, len(line) - 2 - MOST_BENDS) for line in self._lines)

    @property
    def bar_bends(self) -> bool:
        """Whether lines bend a third time where no wire does: at the bar that they join at, which no search changes."""
        return self.third_bends > 0 and not self.cost[1]

    @cached_property
    def too_bent(self) -> float:
        """By how many bends all lines together have more than they should."""
        lines = self._lines
        return max(0.0, sum(len(line) - 2 for line in lines) - MEAN_BENDS * len(lines))

    @cached_property
    def mean_bends(self) -> float:
        """How often a line bends, in the mean."""
        lines = self._lines
        return sum(len(line) - 2 for line in lines) / max(1, len(lines))

    @cached_property
    def _lines(self) -> list[Route]:
        """The line of each edge, as far as it was found: the part of a trunk that it runs through is its own too."""
        ids = [id for e in self.plan.graph.edges for id in (e.id, again(e.id))]
        found = [simplify(self.routes[id]) for id in ids if id in self.routes]
        for parts in self.plan.through.values():
            if all(part in self.routes for part in parts):
                x, y = self.plan.spots["join"].at
                first, second = (self.routes[part] for part in parts)
                found.append(simplify([*first, Point(x * PITCH, y * PITCH), *second]))
        return found

    def troubled(self) -> list[Want]:
        """Wires that were not found, bend too often or cross others."""
        return [w for w in self.plan.wants if w.id in self.lost or w.id in self.crossed]

    def bends_too_often(self) -> bool:
        """Whether a line has a third bend, or all together have too many."""
        return self.third_bends > 0 or self.too_bent > 0


def solve(plan: Plan, budget: Budget, sketch: bool = False, limit: int = 1 << 60) -> Solved:
    """Route every wire of a plan; raises `Unroutable`.

    A sketch is made in a fraction of the time, without the wires that need more than two bends: they are `lost`.
    It is given up, `Unroutable`, when it is worse than a `limit` from the first.
    """
    lattice = Lattice(*plan.shift(), budget)
    for row in plan.rails:
        lattice.row_cost[row] = RAIL
    for spot in plan.spots.values():
        lattice.cover(spot.at, spot.form.reach())
    _doors(plan, lattice)
    nets: dict[str, int] = {}
    demands = []
    for want in plan.wants:
        number = nets.setdefault(want.net or want.source, len(nets) + 1)
        demands.append(
            Demand(
                want.id,
                number,
                _ports(plan.spots[want.source], want.starts, lattice),
                _ports(plan.spots[want.target], want.goals, lattice),
                want.rank,
                want.direct,
            )
        )
    route_all(lattice, demands, sketch, limit)
    laid = [d for d in demands if lattice.laid(d)]
    lost = frozenset(d.id for d in demands if not lattice.laid(d))
    crossed = frozenset(d.id for d in laid if lattice.troubled(d.net, d.id))
    return Solved(plan, {d.id: _points(lattice, d) for d in laid}, nets, lattice.cost(), lost, crossed)


def _points(lattice: Lattice, demand: Demand) -> tuple[Point, ...]:
    net = lattice.nets[demand.net]
    cells = lattice.path(demand.net, demand.id)
    return (net.roots[cells[0]].at, *(Point(x * PITCH, y * PITCH) for x, y in cells), net.ends[demand.id].port.at)


def _doors(plan: Plan, lattice: Lattice) -> None:
    """Wires stay inside the border; those from and to the outside go straight through it."""
    left, top, right, bottom = (int(v) for v in plan.border)
    lattice.wall(left, top, right, bottom)
    for spot in plan.spots.values():
        if not spot.outside:
            continue
        (x, y), (rx, ry) = spot.at, spot.form.reach()
        if x < left:
            lattice.door((x + rx + 1, y), RIGHT, left - x - rx)
        elif x > right:
            lattice.door((x - rx - 1, y), LEFT, x - rx - right)
        elif y < top:
            lattice.door((x, y + ry + 1), DOWN, top - y - ry)
        else:
            lattice.door((x, y - ry - 1), UP, y - ry - bottom)


def _ports(spot: Spot, sides: Sides, lattice: Lattice) -> tuple[tuple[Port, int], ...]:
    found = []
    for side, offset, cost in sides:
        port = ports(spot.id, spot.form, spot.at, side, (offset,))[0]
        lattice.doorstep.add(*port.access)
        found.append((port, cost))
    return tuple(found)
