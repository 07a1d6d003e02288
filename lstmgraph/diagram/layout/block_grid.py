"""Rows and columns of the cell-block: the centre column, the forget loop, gates to both sides, the rest between.

Rows count upwards, columns to the right; the centre is column 0.  Keys of `Grid.at` are ids of nodes and of Cells.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import NamedTuple

from lstmgraph.diagram.graph import OPERATIONS, Edge, base_of
from lstmgraph.diagram.layout.anatomy import Anatomy, cell_id
from lstmgraph.diagram.layout.shapes import DOWN, LEFT, RIGHT

ACTIVATIONS, SUMS = 50.0, 51.0  # columns of the gates; the columns between hold operators
INNER = (1.0, 2.0, 3.0, 4.0)


class Hint(NamedTuple):
    """How a wire should leave and arrive."""

    out: int  # side
    offset: int  # -1, 0 or 1: which port of the side
    back: int


@dataclass
class Grid:
    at: dict[str, tuple[float, float]] = field(default_factory=dict)
    gates: dict[tuple[int, float], str] = field(default_factory=dict)  # (side, row) -> sum
    bottom: set[str] = field(default_factory=set)  # sums whose inputs stand below
    centre: set[str] = field(default_factory=set)  # what stands on the data path
    hints: dict[str, Hint] = field(default_factory=dict)  # edge -> how its wire should run
    side: dict[str, int] = field(default_factory=dict)  # node -> the side of the border where its inputs are repeated
    repeated: dict[str, str] = field(default_factory=dict)  # edge -> the repeated input that it starts from


def fill(a: Anatomy, path: list[str] | None = None) -> Grid:
    """A place for every operation; `path`, one of `paths`, is what stands under the Cell."""
    grid = Grid()
    below = path if path is not None else next(paths(a))
    main = a.fresh.get(below[0]) if below else next(iter(_main_memories(a)), None)
    for row, id in enumerate(reversed(below)):
        grid.at[id] = 0.0, float(row)
    if below and is_network(a, below[-1]):
        grid.bottom.add(below[-1])
    top = len(below)
    if main is not None:
        grid.at[cell_id(main)] = 0.0, float(top)
        _loop(a, grid, main, top)
        for k, id in enumerate(_ascend(a, main, grid), start=1):
            grid.at[id] = 0.0, float(top + k)
    grid.centre = {id for id, (column, _) in grid.at.items() if column == 0}
    _other_cells(a, grid, main, top)
    _rest(a, grid)
    for id, (column, _) in grid.at.items():
        if id in a.node and externals(a, id):
            grid.side[id] = DOWN if id in grid.bottom else LEFT if column < 0 else RIGHT
    return grid


def is_external(a: Anatomy, edge: Edge) -> bool:
    """Whether a value comes from outside, so that it is repeated wherever it is needed."""
    node = a.node[edge.source]
    if node.kind == "previous":
        return base_of(node) not in a.pipes or edge.id in a.repeated
    return node.kind in ("input", "bias", "constant")


def externals(a: Anatomy, id: str) -> list[Edge]:
    """The operands of a node that are repeated outside, in the order x, h, bias."""
    rank = {"input": 0, "previous": 1, "constant": 2, "bias": 2}
    found = [e for e in a.into[id] if is_external(a, e) and a.node[id].kind != "next"]
    return sorted(found, key=lambda e: (rank[a.node[e.source].kind], e.operand))


def is_network(a: Anatomy, id: str) -> bool:
    """Whether a node is a sum of inputs, with its own place in the outermost columns."""
    kinds = {a.node[e.source].kind for e in externals(a, id)}
    return a.node[id].kind == "sum" and bool(kinds & {"input", "previous"} or (kinds and id in a.activation))


def inner_ends(a: Anatomy, id: str) -> list[str]:
    """What the wires of a node go to inside the border: other nodes, and Cells for previous and for new memories."""
    sources = [e.source for e in a.into[id] if not is_external(a, e)]
    targets = [e.target for e in a.out[a.activation.get(id, id)]]
    cells = {a.previous[base]: base for base in a.pipes} | a.fresh
    nexts = {a.next[base]: base for base in a.pipes}
    found = [cell_id(cells[s]) if s in cells else s for s in sources]
    return found + [cell_id(nexts[t]) if t in nexts else t for t in targets]


def _main_memories(a: Anatomy) -> list[str]:
    """The output if that is a memory, then those that the output is made of, then the others."""
    memories = [m for m in a.graph.memories if m in a.pipes]
    return sorted(memories, key=lambda m: 0 if m == a.graph.output else 1 if _ascend(a, m, Grid()) else 2)


def _foot(a: Anatomy, main: str | None) -> str | None:
    """What the centre column hangs from: the operator that computes the memory, or else the output."""
    if main is not None:
        return next((id for id, base in a.fresh.items() if base == main), None)
    target = a.next.get(a.graph.output)
    return a.into[target][0].source if target else None


def paths(a: Anatomy) -> Iterator[list[str]]:
    """Ways from the foot of the centre column down to a network, the likeliest first: the data path, gates aside.

    Any memory may have the centre: first one way for each, then the next of each.
    """
    mains: list[str | None] = [*_main_memories(a)]
    feet = [_foot(a, main) for main in mains or [None]]
    ways = [_descents(a, [foot]) for foot in feet if foot is not None and _is_operation(a, foot)]
    found = (path for some in zip_longest(*ways) for path in some if path)
    yield from found if ways else iter([[]])


def _descents(a: Anatomy, chain: list[str]) -> Iterator[list[str]]:
    id = chain[-1]
    sources = dict.fromkeys(e.source for e in a.into[id] if e.source not in a.on_pipe or id not in a.on_pipe)
    inner = [s for s in sources if _is_operation(a, s) and s not in a.hanging and s not in a.fresh and s not in chain]
    if a.node[id].kind == "sum" or not inner:
        yield chain
        return
    inner.reverse()
    for source in sorted(inner, key=lambda s: a.node[s].operation == "sigmoid"):
        yield from _descents(a, [*chain, source])


def _is_operation(a: Anatomy, id: str) -> bool:
    return a.node[id].kind in OPERATIONS


def _ascend(a: Anatomy, main: str, grid: Grid) -> list[str]:
    """From the memory up to the output: the shortest way through operations that hang from it."""
    foot = _foot(a, main)
    end = a.next.get(a.graph.output)
    if foot is None or end is None or a.graph.output == main:
        return []
    queue, seen = deque([[foot]]), {foot}
    while queue:
        path = queue.popleft()
        for edge in a.out[path[-1]]:
            if edge.target == end:
                return path[1:]
            follows = edge.target in a.hanging or _only_scales(a, edge.target)
            if follows and edge.target not in grid.at and edge.target not in seen:
                seen.add(edge.target)
                queue.append([*path, edge.target])
    return []


def _only_scales(a: Anatomy, id: str) -> bool:
    """Whether a weighted sum has one operand, biases aside: a product with a parameter."""
    return a.node[id].kind == "sum" and sum(a.node[e.source].kind != "bias" for e in a.into[id]) == 1


def _loop(a: Anatomy, grid: Grid, base: str, row: int) -> None:
    """The operators that the old memory goes through stand right of the Cell."""
    column, way = grid.at[cell_id(base)][0] + 1.0, a.pipes[base][:-1]
    for k, id in enumerate(reversed(way)):
        if id not in grid.at:
            grid.at[id] = (column + max(0, k - 1), float(row - 1 if k == 0 and len(way) > 1 else row))


def _other_cells(a: Anatomy, grid: Grid, main: str | None, row: int) -> None:
    """Further memories stand beside the first, each with its own operators around it."""
    others = [m for m in a.pipes if m != main]
    for k, base in enumerate(others, start=1):
        column = 10.0 * ((k + 1) // 2) * (1 if k % 2 else -1)
        grid.at[cell_id(base)] = column, float(row)
        foot = _foot(a, base)
        if foot is not None and foot not in grid.at:
            grid.at[foot] = column, float(row - 1)
        _loop(a, grid, base, row)


def _rest(a: Anatomy, grid: Grid) -> None:
    """Gates and operators, those first that have a neighbour in place."""
    own = {act for id, act in a.activation.items() if is_network(a, id)}
    waiting = [id for id in a.index if a.node[id].kind in OPERATIONS and id not in grid.at and id not in own]
    while waiting:
        id = min(waiting, key=lambda n: (_loneliness(a, grid, n), a.index[n]))
        waiting.remove(id)
        if is_network(a, id) and a.activation.get(id) not in grid.at:
            _gate(a, grid, id)
        else:
            _between(a, grid, id)


def _loneliness(a: Anatomy, grid: Grid, id: str) -> int:
    """0: what it feeds is in place; 1: what feeds it is; 2: nothing is."""
    out = a.out[a.activation.get(id, id)]
    if any(_spot(a, grid, e.target) for e in out):
        return 0
    return 1 if any(_spot(a, grid, e.source) for e in a.into[id]) else 2


def _spot(a: Anatomy, grid: Grid, id: str) -> tuple[float, float] | None:
    """Where a node stands, if it does; previous and next memories are their Cell."""
    node = a.node[id]
    if node.kind in ("previous", "next"):
        return grid.at.get(cell_id(base_of(node))) if base_of(node) in a.pipes else None
    return grid.at.get(id)


def _gate(a: Anatomy, grid: Grid, id: str) -> None:
    """A network goes to the side of what it feeds, in the nearest free row."""
    near = [s for e in a.out[a.activation.get(id, id)] if (s := _spot(a, grid, e.target))]
    column, row = near[0] if near else (0.0, 0.0)
    rows = sorted({r for _, r in grid.at.values()} | {row})
    candidates = [*rows, *(rows[-1] + k for k in range(1, 30)), *(rows[0] - k for k in range(1, 30))]
    sides = (1, -1) if column > 0 else (-1, 1)
    side, place = min(
        ((s, r) for r in candidates for s in sides if (s, r) not in grid.gates),
        key=lambda c: (abs(c[1] - row) + (1.5 if c[0] != sides[0] else 0), c[1]),
    )
    grid.gates[side, place] = id
    grid.at[id] = side * SUMS, place
    if id in a.activation:
        grid.at[a.activation[id]] = side * ACTIVATIONS, place


def _between(a: Anatomy, grid: Grid, id: str) -> None:
    """An operator goes to the free place nearest to its neighbours."""
    ends = [e.source for e in a.into[id]] + [e.target for e in a.out[id]]
    near = [s for e in ends if (s := _spot(a, grid, e))] or [(0.0, 0.0)]
    taken = set(grid.at.values())
    rows = sorted({r for _, r in grid.at.values()} | {0.0})
    middle = sum(r for _, r in near) / len(near)
    side = 1 if sum(c for c, _ in near) > 0 else -1
    free = (
        (s * c, r)
        for c in INNER
        for r in [*rows, rows[-1] + 1, rows[0] - 1]
        for s in (side, -side)
        if (s * c, r) not in taken
    )
    grid.at[id] = min(free, key=lambda p: (abs(p[1] - middle) + abs(p[0]) + (0 if p[0] * side > 0 else 1.5), p))
