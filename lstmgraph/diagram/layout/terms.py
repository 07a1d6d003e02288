"""The terms of weighted sums that are taken apart: products with a parameter that one sum alone uses.

A term is part of its network: it stands below its sum, among the biases, or beside it where its value comes down from a
pipe.  Derived from the graph alone.
"""

from __future__ import annotations

from collections.abc import Mapping

from lstmgraph.diagram.extract import PRODUCT
from lstmgraph.diagram.graph import base_of
from lstmgraph.diagram.layout.anatomy import Anatomy


def terms(a: Anatomy) -> dict[str, str]:
    """Each term and its sum."""
    found = {}
    for node in a.of_kind("operator"):
        into, targets = a.into[node.id], [e.target for e in a.out[node.id]]
        if node.operation == PRODUCT and len(into) == 1 == len(targets) and a.node[targets[0]].kind == "sum":
            found[node.id] = targets[0]
    return found


def wings(a: Anatomy, of: Mapping[str, str]) -> dict[str, dict[int, str]]:
    """For each sum the terms beside it, by side (-1 left, 1 right): those of values on a pipe."""
    found: dict[str, dict[int, str]] = {}
    for term, sum in of.items():
        sides = found.setdefault(sum, {})
        if _from_pipe(a, a.into[term][0].source) and len(sides) < 2:
            sides[1 if sides else -1] = term
    return found


def _from_pipe(a: Anatomy, id: str) -> bool:
    return id in a.on_pipe or (a.node[id].kind == "previous" and base_of(a.node[id]) in a.pipes)
