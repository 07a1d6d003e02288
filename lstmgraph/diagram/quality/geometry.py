"""What is near what without looking at all pairs, and how much of a line lies inside a node."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lstmgraph.diagram.boxes import UNSEEN, meet
from lstmgraph.diagram.scene import Box, Node, Point

CELL = 96.0  # the side of a square of the grid


def length_inside(a: Point, b: Point, node: Node) -> float:
    """How much of a horizontal or vertical segment lies inside a node: a circle or ellipse as it is, else its box."""
    along, across = (0, 1) if abs(a.y - b.y) < UNSEEN else (1, 0)
    half = (node.width / 2, node.height / 2)
    off = abs(a[across] - node.at[across]) / half[across]
    if off >= 1:
        return 0.0
    reach = half[along] * ((1 - off * off) ** 0.5 if node.shape in ("circle", "ellipse") else 1.0)
    low, high = node.at[along] - reach, node.at[along] + reach
    return min(max(a[along], b[along]), high) - max(min(a[along], b[along]), low)


class Grid:
    """Boxes by the squares of the plane that they touch."""

    def __init__(self, boxes: Sequence[Box]) -> None:
        self.boxes = boxes
        self.squares: dict[tuple[int, int], list[int]] = {}
        for k, box in enumerate(boxes):
            for square in _squares(box):
                self.squares.setdefault(square, []).append(k)

    def near(self, box: Box, air: float = 0.0) -> list[int]:
        """The numbers of the boxes that meet `box` with `air` around it, in order."""
        wide = Box(box.left - air, box.top - air, box.right + air, box.bottom + air)
        found = {k for square in _squares(wide) for k in self.squares.get(square, ())}
        return [k for k in sorted(found) if meet(self.boxes[k], wide)]

    def pairs(self, air: float = 0.0) -> Iterator[tuple[int, int]]:
        """The pairs of boxes that are nearer to one another than `air`."""
        for k, box in enumerate(self.boxes):
            yield from ((k, other) for other in self.near(box, air) if other > k)


def _squares(box: Box) -> Iterator[tuple[int, int]]:
    for column in range(int(box.left // CELL), int(box.right // CELL) + 1):
        for row in range(int(box.top // CELL), int(box.bottom // CELL) + 1):
            yield column, row
