"""How much searching a drawing may cost, counted in steps of the search and not in seconds, so that every machine
draws the same picture; and the two ways in which a search for wires ends without one.
"""

from __future__ import annotations

from lstmgraph.diagram.graph import OPERATIONS, Graph

SEARCH_STEPS = 400_000  # to route the best arrangements of one search
LARGEST = 90  # nodes: beyond, no search finds a picture with a few crossings, so none is tried


def searched(graph: Graph) -> bool:
    """Whether a style's own grammar is worth trying: it needs operations, and not too many."""
    return len(graph.nodes) <= LARGEST and any(n.kind in OPERATIONS for n in graph.nodes)


class Unroutable(Exception):
    """There is no room for a wire or a node, or no place for it in the grammar of a style."""


class Spent(Unroutable):
    """The budget is used up: more room is no help."""


class Budget:
    """Steps that are left to one drawing."""

    def __init__(self, steps: int = SEARCH_STEPS) -> None:
        self.given = self.left = steps

    def spend(self, steps: int) -> None:
        self.left -= steps
        if self.left < 0:
            raise Spent(f"no wires found within {self.given} steps")
