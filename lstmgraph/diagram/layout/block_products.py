"""Products of a parameter and a repeated input: they stand right beside that input, so nothing is searched for them.

`folded` leaves them out of the graph that is laid out: there the input feeds the sum.  `unfolded` puts each where its
input stood, and the input behind it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from math import ceil

from lstmgraph.diagram.graph import Edge, Graph, base_of
from lstmgraph.diagram.layout.labels import CLEAR, widest_weight
from lstmgraph.diagram.layout.plan import Solved, Spot, Want
from lstmgraph.diagram.layout.shapes import DELTAS, DOWN, LEFT, PITCH, RIGHT, UP, form_of, ports, role_of
from lstmgraph.diagram.path import HEAD_LENGTH

APART = 3  # lattice steps between an input and its product
Products = dict[str, tuple[Edge, Edge]]  # edge of the folded graph -> the edges into and from the product


def folded(graph: Graph, inside: Collection[str]) -> tuple[Graph, Products]:
    """A graph without the operators that take one value from outside to one sum; memories `inside` are not outside."""
    node = {n.id: n for n in graph.nodes}
    into: dict[str, list[Edge]] = {n.id: [] for n in graph.nodes}
    out: dict[str, list[Edge]] = {n.id: [] for n in graph.nodes}
    for edge in graph.edges:
        into[edge.target].append(edge)
        out[edge.source].append(edge)
    found: dict[str, tuple[Edge, Edge]] = {}  # by the product
    for product in (n for n in graph.nodes if n.kind == "operator"):
        if len(into[product.id]) == len(out[product.id]) == 1:
            (first,), (second,) = into[product.id], out[product.id]
            source = node[first.source]
            outside = source.kind == "input" or (source.kind == "previous" and base_of(source) not in inside)
            if outside and node[second.target].kind == "sum":
                found[product.id] = first, second
    edges = [e for e in graph.edges if e.target not in found]
    short = tuple(
        replace(e, source=found[e.source][0].source, kind=found[e.source][0].kind) if e.source in found else e
        for e in edges
    )
    rest = replace(graph, nodes=tuple(n for n in graph.nodes if n.id not in found), edges=short)
    return rest, {second.id: (first, second) for first, second in found.values()}


def unfolded(solved: Solved, graph: Graph, products: Products) -> Solved:
    """The drawing of a folded graph with its products."""
    solved.plan.graph = graph
    for want in list(solved.plan.wants):
        if want.id in products:
            _unfold(solved, want, *products[want.id])
    return solved


def _unfold(solved: Solved, want: Want, first: Edge, second: Edge) -> None:
    plan = solved.plan
    node, outer = plan.graph.node(first.target), plan.spots[want.source]
    form, way = form_of(node, 1, wide_sums=False, look=plan.graph.look), _inward(solved, outer)
    axis, (dx, dy) = way & 1, DELTAS[way]
    near = max(0, form.reach()[axis] - outer.form.reach()[axis])
    far = near + form.reach()[axis] + _apart(plan.graph, first, axis == 0) + outer.form.reach()[axis]
    (x, y) = outer.at
    role = role_of(node, second.kind)
    spot = plan.put(Spot(node.id, form, (x - dx * near, y - dy * near), role, node.kind, node, outside=True))
    outer.at = x - dx * far, y - dy * far
    start = ports(outer.id, outer.form, outer.at, way, (0,))[0]
    end = ports(spot.id, form, spot.at, (way + 2) % 4, (0,))[0]
    leave = ports(spot.id, form, spot.at, way, (0,))[0]
    solved.routes[first.id] = start.at, end.at
    solved.routes[second.id] = leave.at, *solved.routes[second.id][1:]
    solved.nets[spot.id] = len(solved.nets) + 1
    plan.wants.append(Want(first.id, outer.id, spot.id, (), (), first.kind, edge=first, dashed=want.dashed))
    want.source, want.net, want.role, want.edge, want.dashed = spot.id, spot.id, second.kind, second, False


def _apart(graph: Graph, edge: Edge, across: bool) -> int:
    """Lattice steps between an input and its product: what is written over a line across has to fit there."""
    width = widest_weight(graph, [edge]) if across else 0.0
    return max(APART, ceil((HEAD_LENGTH + width + 2 * CLEAR) / PITCH)) if width else APART


def _inward(solved: Solved, spot: Spot) -> int:
    """The way from a place outside to the border."""
    (x, y), border = spot.at, solved.plan.border
    if x < border.left:
        return RIGHT
    if x > border.right:
        return LEFT
    return DOWN if y < border.top else UP
