"""What the pipe style makes of a graph before anything has a place: the forms of its nodes, what enters a sum from
below and where, what stands beside a sum, which values run as one trunk, what leaves by itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, combinations
from math import ceil

from lstmgraph.diagram.graph import Edge, Node, base_of
from lstmgraph.diagram.layout.anatomy import Anatomy
from lstmgraph.diagram.layout.shapes import BIAS, DOWN, LEFT, PITCH, UP, Form, apart, form_of, role_of
from lstmgraph.diagram.layout.terms import terms, wings
from lstmgraph.diagram.scene import again

TRUNK = 2  # place of a trunk among the operands of a sum, see `_from_left`
JOINED = 4  # values that run as one line, at most
TERMS = 5  # from one term of a sum to the next
WING = 3  # between a sum and a term beside it


class Parts:
    """Derived from the graph alone, once for all arrangements; `tapped` are old memories that come down from their
    pipes and run as rails.
    """

    def __init__(self, a: Anatomy, tapped: frozenset[str] = frozenset()) -> None:
        self.a, self.tapped = a, tapped
        self.on_pipe = a.on_pipe
        self.terms = terms(a)
        self.wings = wings(a, self.terms)
        self.bottom = self._bottom_operands()
        self.forms = {n.id: self._form(n.id) for n in a.graph.nodes}
        self.trunk, self.joined = self._trunk()
        self.bar = self._bar() if len(self.trunk) > 2 else {}
        self.slots = {id: self._slots(id) for id in self.bottom}
        self.reaches = {id: self._reaches(id) for id in self.forms}
        self.roles = {n.id: self._role(n) for n in a.graph.nodes}
        self.ups = self._ups()

    def _form(self, id: str) -> Form:
        node = self.a.node[id]
        return form_of(node, len(self.a.into[id]), wide_sums=True, look=self.a.graph.look)

    def _role(self, node: Node) -> str:
        wires = self.a.out[node.id] or self.a.into[node.id]
        return role_of(node, wires[0].kind if wires else "internal")

    def is_rail(self, id: str) -> bool:
        """Inputs, biases and previous outputs come from below; memories come from the pipe."""
        node = self.a.node[id]
        if node.kind == "previous":
            return base_of(node) not in self.a.pipes or id in self.tapped
        return node.kind in ("input", "bias", "constant")

    def _bottom_operands(self) -> dict[str, list[Edge]]:
        """For each sum the edges that enter it from below."""
        beside = {term for sides in self.wings.values() for term in sides.values()}
        below = {id for id in self.terms if id not in beside}
        return {
            n.id: [e for e in self.a.into[n.id] if self.is_rail(e.source) or e.source in below]
            for n in self.a.of_kind("sum")
        }

    def _trunk(self) -> tuple[list[str], list[str]]:
        """(values, sums): rail values, a state among them, that go to several sums together and so run as one line."""
        rails = [n.id for n in self.a.of_kind("previous", "input") if self.is_rail(n.id)]
        fed = {r: {s for s, edges in self.bottom.items() if any(e.source == r for e in edges)} for r in rails}
        best: tuple[tuple[int, int], list[str], list[str]] = ((0, 0), [], [])
        for values in chain.from_iterable(combinations(rails, n) for n in range(2, JOINED + 1)):
            sums = set.intersection(*map(fed.__getitem__, values))
            gain = len(sums) * (len(values) - 1), len(sums)
            if len(sums) > 1 and gain > best[0] and any(self.a.node[v].kind == "previous" for v in values):
                best = gain, list(values), sorted(sums, key=self.a.index.__getitem__)
        return best[1], best[2]

    def _bar(self) -> dict[str, tuple[int, int]]:
        """(side, offset) by which each of more than two values enters the bar at which a trunk begins.

        A state runs straight into its left end, an old memory comes down on it, further states and the inputs come up
        from below, the inputs as far apart as they stand.
        """
        states = [v for v in self.trunk if self.a.node[v].kind == "previous" and v not in self.tapped]
        inputs = [v for v in self.trunk if self.a.node[v].kind == "input"]
        at = [2 * k for k in range(len(states[1:]))]
        for before, v in zip([None, *inputs], inputs, strict=False):
            at.append(at[-1] + (3 if before is None else self.apart(before, v)) if at else 0)
        middle = at[-1] // 2 if at else 0
        below = {v: (DOWN, x - middle) for v, x in zip([*states[1:], *inputs], at, strict=True)}
        above = {v: (UP, -middle) for v in self.trunk if v in self.tapped}
        return below | above | dict.fromkeys(states[:1], (LEFT, 0))

    def apart(self, one: str, other: str) -> int:
        """How far apart two nodes stand at least side by side outside."""
        return apart(self.forms[one], self.forms[other])

    def bar_form(self) -> Form:
        """The bar, a little longer than from its first port to its last."""
        return Form("box", 16 * max(abs(at) for _, at in self.bar.values()) + 16, 8)

    def _slots(self, id: str) -> dict[str, int]:
        """Offsets of the operands along the bottom of a sum; the trunk or the first input stands in the middle."""
        edges = self.bottom[id]
        rest = [e for e in edges if not (id in self.joined and e.source in self.trunk)]
        named = [(self._from_left(e.source), e.operand, e.id) for e in rest]
        names = [name for _, _, name in sorted(named + ([(TRUNK, 0, "trunk")] if id in self.joined else []))]
        source = {e.id: e.source for e in rest}
        places = {}
        at = 0
        for before, name in zip([None, *names], names, strict=False):
            at += 0 if before is None else self._apart(source.get(before, ""), source.get(name, ""))
            places[name] = at
        inputs = [e.id for e in rest if self._origin(e.source).kind == "input"]
        middle = places.get("trunk", places[inputs[0]] if inputs else 0) if places else 0
        if any(e.source in self.terms for e in rest):
            middle = (min(places.values()) + max(places.values())) // 2
        places = {name: x - middle for name, x in places.items()}
        extent = max([abs(x) for x in places.values()], default=0)
        if extent > 3:
            self.forms[id] = Form("box", max(16 * extent + 36, self.forms[id].width), 36)
        return places

    def _origin(self, id: str) -> Node:
        """Where an operand of a sum comes from, the product apart that scales it."""
        return self.a.node[self.a.into[id][0].source if id in self.terms else id]

    def _from_left(self, id: str) -> int:
        """The order of operands along the bottom of a sum: what comes down from other operations first."""
        return {"previous": 1, "input": 3, "constant": 4, "bias": 4}.get(self._origin(id).kind, 0)

    def _apart(self, *sources: str) -> int:
        """How far apart two operands of a sum enter from below."""
        wide = [self.forms[s].width for s in sources if s in self.terms]
        small = sum(s in self.a.node and self.a.node[s].kind in ("bias", "constant") for s in sources)
        if len(wide) + small == 2 and wide:
            return max(TERMS, ceil((sum(wide) / 2 + small * BIAS.width / 2 + PITCH) / PITCH))
        return 4 if small == 2 else 3 if wide else 2

    def _reaches(self, id: str) -> tuple[int, int]:
        """How far a node reaches to the left and to the right, with the terms beside it."""
        beside = {side: self.aside(id, term) + self.forms[term].reach()[0] for side, term in self.beside(id).items()}
        own = self.forms[id].reach()[0]
        return beside.get(-1, own), beside.get(1, own)

    def beside(self, id: str) -> dict[int, str]:
        return self.wings.get(id, {})

    def aside(self, id: str, term: str) -> int:
        """From a sum to a term beside it."""
        return self.forms[id].reach()[0] + WING + self.forms[term].reach()[0]

    def below(self, id: str) -> int:
        """Room under a network for its arrows and what is written beside them."""
        look = self.a.graph.look
        labels = id in self.slots and (look.weights or look.sizes)
        return int(id in self.terms) + (2 if id in self.joined else 0) + (2 if labels else 0)

    def extra_rails(self) -> int:
        return sum(1 for n in self.a.of_kind("input") if n.id not in self.trunk and len(self.a.out[n.id]) > 1)

    def _ups(self) -> list[tuple[Edge, str]]:
        """What leaves by itself: values that are no states; the output once more if at most one pipe is in its way."""
        found = []
        for node in self.a.of_kind("next"):
            edge = self.a.into[node.id][0]
            if node.id in self.a.exits():
                found.append((edge, ""))
            elif base_of(node) == self.a.graph.output and (base_of(node) in self.a.pipes or len(self.a.pipes) <= 1):
                found.append((edge, again(node.id)))
        return found


def manners(a: Anatomy) -> Iterator[Parts]:
    """What a graph's parts may be: old memories stay on their pipes, or one comes down to join what networks take."""
    yield Parts(a)
    for base in a.pipes:
        parts = Parts(a, frozenset({a.previous[base]}))
        if parts.tapped <= {*parts.trunk}:
            yield parts
