"""What beauty means where wires are laid: the costs that several stages of a search go by.

The estimate, the sketch and the router see more and more of a drawing, and must want the same of it: what two of them
count is here, what only one does stays there.  To change a taste, change a number.
"""

from __future__ import annotations

from typing import NamedTuple

STEP = 10  # one pitch of length
RAIL = 8  # one pitch along a rail row: the least a step can cost
BEND = 70
ANOTHER = 60  # a second port for the same value
FORK_BEND = 50  # a bend that the wire inherits from the tree which it leaves
FORK_EXCESS = 300  # a third bend
CROSS = 420
NEAR = 4  # one pitch beside a parallel wire of another value
DOORSTEP = 12  # in front of a node's port
MOST_BENDS = 2  # of a wire, where there is a way at all
EXCESS, TURN = 60, 7  # of all that is laid, in steps of length: a bend of a wire beyond two; every bend

Tally = tuple[int, int, int, int]  # crossings, bends of a wire beyond two, bends, length: see `Lattice.cost`


class Weights(NamedTuple):
    """What a wire that is not found and a crossing are worth, in steps of length."""

    lost: int
    crossing: int


ROUTER = Weights(250, 40)
# A sketch is there to choose between arrangements, which decide what has to cross; the router lays one of them, where
# most crossings are given and a long way around one is no gain.
SKETCH = Weights(400, 150)


def worth(weights: Weights, lost: int, laid: Tally) -> int:
    """How bad it is what is laid, and that so many wires are not."""
    crossings, excess, bends, length = laid
    return lost * weights.lost + crossings * weights.crossing + excess * EXCESS + bends * TURN + length
