"""Which wires the pipe style wants, and by which ports they may leave and enter.

A pipe and the parts of a network are joined by straight lines; everything else is left to the router.
"""

from __future__ import annotations

from lstmgraph.diagram.graph import Edge, base_of
from lstmgraph.diagram.layout.pipe_places import Places
from lstmgraph.diagram.layout.plan import ANY, Plan, Sides, Want
from lstmgraph.diagram.layout.shapes import CIRCLE, DOWN, LEFT, RIGHT, UP
from lstmgraph.diagram.scene import again


class PipePlan(Places):
    """The whole plan of a pipe drawing."""

    def build(self) -> Plan:
        self.placed()
        self._wants()
        return self.plan

    def _wants(self) -> None:
        ways: dict[str, str] = {}
        for edge in self.a.graph.edges:
            if edge.target in self.parts.joined and edge.source in self.parts.trunk:
                self._through_trunk(edge, ways)
            else:
                goals = self._goals(edge)
                self._want(edge.id, edge.source, edge.target, self._starts(edge.source), goals, edge)
        for edge, name in self.parts.ups:
            if name:
                up: Sides = ((DOWN, 0, 0),)
                self._want(again(edge.id), edge.source, name, self._starts(edge.source), up, edge)

    def _want(self, id: str, source: str, target: str, starts: Sides, goals: Sides, edge: Edge) -> None:
        rank = self._rank(edge)
        direct = self._direct(edge) if target == edge.target else ""
        if direct:
            starts, goals = starts[:1], goals[:1]
        self.plan.wants.append(Want(id, source, target, starts, goals, edge.kind, rank, edge, direct=direct))

    def _direct(self, edge: Edge) -> str:
        """Stretches of a pipe are straight lines; a network is one unit, so nothing runs between its parts."""
        if self.a.activation.get(edge.source) == edge.target:
            return "closed"
        if self.a.node[edge.source].kind in ("bias", "constant") and edge.target in self.parts.slots:
            return "closed"
        if edge.source in self.parts.terms:
            return "closed"
        base = self.parts.on_pipe.get(edge.target) or base_of(self.a.node[edge.target])
        if base in self.a.pipes and self._on_line(edge.target):
            line = [self.a.previous[base], *self.a.pipes[base], self.a.next[base]]
            if edge.source == line[line.index(edge.target) - 1]:
                before = [e for e in self.a.into[edge.target] if e.source == edge.source]
                return "open" if before[0] is edge else ""
        return ""

    def _through_trunk(self, edge: Edge, ways: dict[str, str]) -> None:
        if edge.source not in ways:
            ways[edge.source] = f"{edge.source}>join"
            self._want(
                ways[edge.source], edge.source, "join", self._starts(edge.source), self._join_sides(edge.source), edge
            )
        name = f"join>{edge.target}"
        if all(w.id != name for w in self.plan.wants):
            goals: Sides = ((DOWN, self.parts.slots[edge.target]["trunk"], 0),)
            first = edge.target == self.first_joined() and not (self.parts.bar and self.parts.tapped)
            way: Sides = ((UP, max([at for _, at in self.parts.bar.values()], default=0), 0),)
            way = way if first else ((RIGHT, 0, 0),)
            net, direct = ("join, first stop", "closed") if first else ("join", "")
            self.plan.wants.append(
                Want(name, "join", edge.target, way, goals, "trunk", 3, edge, net=net, direct=direct)
            )
        self.plan.through[edge.id] = ways[edge.source], name

    def _join_sides(self, source: str) -> Sides:
        if len(self.parts.trunk) == 2:
            kinds = [self.a.node[v].kind for v in self.parts.trunk]
            return (
                ((LEFT, 0, 0),)
                if self.a.node[source].kind == "previous" and kinds.count("previous") == 1
                else ((DOWN, 0, 0), (LEFT, 0, 5))
            )
        return ((*self.parts.bar[source], 0),)

    def _rank(self, edge: Edge) -> int:
        if edge.source in self.parts.on_pipe or edge.target in self.parts.on_pipe:
            both = self._on_line(edge.source) and self._on_line(edge.target)
            return 0 if both else 4
        if self.a.node[edge.target].kind == "next" and self.a.node[edge.source].kind == "previous":
            return 0
        return {"bias": 1, "constant": 1, "sum": 2}.get(self.a.node[edge.source].kind, 5)

    def _on_line(self, id: str) -> bool:
        return id in self.parts.on_pipe or (
            base_of(self.a.node[id]) in self.a.pipes and self.a.node[id].kind in ("previous", "next")
        )

    def _starts(self, id: str) -> Sides:
        node = self.a.node[id]
        if id in self.parts.terms:
            side = self._side(id)
            return ((RIGHT if side < 0 else LEFT, 0, 0),) if side else ((UP, 0, 0),)
        if node.kind == "previous" or id in self.parts.on_pipe:
            return ((RIGHT, 0, 0),)
        if node.kind in ("input", "bias"):
            return ((UP, 0, 0),)
        if node.kind == "sum":
            return ((UP, 0, 0), (RIGHT, 0, 60), (LEFT, 0, 60))
        if id in self.a.hanging:
            return ((DOWN, 0, 0), (RIGHT, 0, 0), (LEFT, 0, 20), (UP, 0, 40))
        return ((UP, 0, 0), (RIGHT, 0, 5), (LEFT, 0, 5), (DOWN, 0, 40))

    def _goals(self, edge: Edge) -> Sides:
        node = self.a.node[edge.target]
        if self.a.activation.get(edge.source) == node.id:
            return ((DOWN, 0, 0),)
        if node.kind == "next":
            upward = node.id in self.a.exits() and node.id not in self.arrangement.beside
            return ((DOWN, 0, 0),) if upward else ((LEFT, 0, 0),)
        if node.id in self.parts.terms:
            return self._into_term(edge)
        if node.kind == "sum" and self._side(edge.source):
            return ((LEFT if self._side(edge.source) < 0 else RIGHT, 0, 0),)
        if node.kind == "sum":
            slot = self.parts.slots[node.id].get(edge.id)
            if slot is not None:
                return self._from_below(edge, slot)
            free = (k for k in (-2, 2) if k not in self.parts.slots[node.id].values())
            return ((LEFT, 0, 0), (RIGHT, 0, 10), (UP, -3, 60), (UP, 3, 60), *((DOWN, k, 30) for k in free))
        if node.id in self.parts.on_pipe:
            return self._pipe_goals(edge)
        if self.parts.forms[node.id].width > 40:
            below: Sides = tuple((DOWN, k, 0) for k in (0, -2, 2))
            return (*below, (LEFT, 0, 10), (RIGHT, 0, 10), (UP, 0, 10), (UP, -2, 10), (UP, 2, 10))
        return ANY

    def _side(self, id: str) -> int:
        """On which side of its sum a term stands: -1, 1, or 0 below it."""
        beside = self.parts.beside(self.parts.terms.get(id, ""))
        return next((side for side, term in beside.items() if term == id), 0)

    def _into_term(self, edge: Edge) -> Sides:
        """A rail comes from below, a pipe from above; another operation has to come down beside the sum."""
        side = self._side(edge.target)
        if side:
            return ((UP, 0, 0), (LEFT if side < 0 else RIGHT, 0, 10), (DOWN, 0, 30))
        if self.parts.is_rail(edge.source):
            return ((DOWN, 0, 0), (LEFT, 0, 40), (RIGHT, 0, 40))
        return ((LEFT, 0, 0), (RIGHT, 0, 10), (DOWN, 0, 20))

    def _from_below(self, edge: Edge, slot: int) -> Sides:
        """A sum's own place for an operand; inputs and states may change places, or enter from the side."""
        if self.a.node[edge.source].kind in ("bias", "constant") or edge.source in self.parts.terms:
            return ((DOWN, slot, 0),)
        mine = {e.id for e in self.parts.bottom[edge.target] if self.a.node[e.source].kind not in ("bias", "constant")}
        mine -= {self.a.out[term][0].id for term in self.parts.terms}
        others = (at for name, at in self.parts.slots[edge.target].items() if name in mine and name != edge.id)
        return ((DOWN, slot, 0), *((DOWN, at, 10) for at in others), (LEFT, 0, 40), (RIGHT, 0, 50))

    def _pipe_goals(self, edge: Edge) -> Sides:
        path = self.a.pipes[self.parts.on_pipe[edge.target]]
        k = path.index(edge.target)
        before = path[k - 1] if k else self.a.previous[self.parts.on_pipe[edge.target]]
        if edge.source == before:
            return ((LEFT, 0, 0), (UP, 0, 300), (DOWN, 0, 300))
        count = len(self.a.into[edge.target]) - 1
        if self.parts.forms[edge.target].width > CIRCLE.width:
            return tuple((DOWN, 2 * n - count + 1, 0) for n in range(count))
        return ((DOWN, 0, 0), (UP, 0, 150))
