"""How few crossings a pipe drawing can have, proven: python benchmarks/bounds.py [CELL_OR_FILE ...]

Graphviz's `dot` may put inputs and outputs anywhere; a drawing in the pipe style has a border, and what a step takes
and gives stands around it: states on the left and, in the same order, on the right, inputs below, other outputs above
or on the right.  Some graphs can be drawn without crossings only where that is given up.  For each cell this prints the
crossings of the layout, those of `dot`, and the least that any drawing with such a border has, as far as it was looked
for.

A drawing with k crossings becomes one without if one of the two lines is cut at each of them; so where the graph, with
the border as a ring, is not planar however k lines are cut, there are more than k.  A line that is cut leaves its value
with some of its targets, or none.  Values that join on their way, at one place, are one line from there on: drawings
are looked at in which nothing joins, and in which all joins that the layout makes (`manners`).  Without arguments it
takes the cells of the library and of papers that do not stay below `dot`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from itertools import chain, combinations, permutations, product
from pathlib import Path

import networkx

from lstmgraph import load
from lstmgraph.diagram.graph import Graph
from lstmgraph.diagram.layout.anatomy import Anatomy, anatomy
from lstmgraph.diagram.layout.pipe_parts import Parts, manners
from lstmgraph.diagram.quality import Case
from lstmgraph.diagram.themes import load_theme
from lstmgraph.errors import LstmgraphError
from lstmgraph.reading import library

PAPERS = Path(__file__).parents[1] / "tests" / "reading" / "papers"
MOST = 2  # it is not asked whether there must be more crossings
Edges = frozenset[tuple[str, str]]


def least(graph: Graph, most: int = MOST) -> int:
    """The least crossings of a drawing with its inputs and outputs around a border; at most `most`, if it is more."""
    a = anatomy(graph)
    ways = dict.fromkeys([apart(graph), *(joined(graph, parts) for parts in manners(a))])
    return next((k for k in range(most) if any(fits(e, r, k) for e in ways for r in rings(a))), most)


def apart(graph: Graph) -> Edges:
    return frozenset((e.source, e.target) for e in graph.edges)


def joined(graph: Graph, parts: Parts) -> Edges:
    """The edges, those of values that join by way of where they do."""
    through = {(e.source, e.target) for e in graph.edges if e.source in parts.trunk and e.target in parts.joined}
    by_way = {(s, "join") for s, _ in through} | {("join", t) for _, t in through}
    return (apart(graph) - through) | by_way


def rings(a: Anatomy) -> Iterator[list[str]]:
    """What stands around the border, clockwise from the bottom left, in every order that the style allows."""
    inputs = [n.id for n in a.of_kind("input")]
    for states, exits, below in product(*map(permutations, (list(a.previous), a.exits(), inputs))):
        left = [a.previous[base] for base in states]
        right = [a.next[base] for base in reversed(states) if base in a.next]
        yield from ([*left, *outer, *below] for outer in merged(exits, right))


def merged(some: Sequence[str], others: Sequence[str]) -> Iterator[list[str]]:
    """Every way to put two rows into one that keeps the order of each."""
    count = len(some) + len(others)
    for places in combinations(range(count), len(some)):
        first, second = iter(some), iter(others)
        yield [next(first if k in places else second) for k in range(count)]


def fits(edges: Edges, ring: list[str], cuts: int) -> bool:
    """Whether the edges can be drawn inside a ring without a crossing once so many lines are cut."""
    if planar(edges, ring):
        return True
    return cuts > 0 and any(fits(cut, ring, cuts - 1) for cut in cut_once(edges, f" cut {cuts}"))


def cut_once(edges: Edges, piece: str) -> Iterator[Edges]:
    """Every way to cut one line of a value: some of its targets, or all, are left with a piece of their own."""
    for source in sorted({s for s, _ in edges}):
        targets = sorted(t for s, t in edges if s == source)
        some = chain.from_iterable(combinations(targets, n) for n in range(1, len(targets) + 1))
        for lost in some:
            yield edges - {(source, t) for t in lost} | {(source + piece, t) for t in lost}


def planar(edges: Edges, ring: list[str]) -> bool:
    graph = networkx.Graph([*edges, *zip(ring, ring[1:] + ring[:1], strict=True), *(("outside", id) for id in ring)])
    return bool(networkx.check_planarity(graph)[0])


def row(name: str, all_of_them: bool) -> str:
    """A line of the table; nothing for a cell that stays below `dot`, unless all are asked for."""
    drawing = load(name).draw("pipe")
    assert drawing.graph is not None
    case = Case(drawing.scene, drawing.graph, load_theme("default"), "pipe")
    here, rival = case.quality.crossings, case.rival
    if rival is None:
        return f"{Path(name).stem:<18}no dot here to compare with"
    if (here < rival or here == 0) and not all_of_them:
        return ""
    bound = least(drawing.graph)
    verdict = "cannot be below dot" if bound >= max(rival, 1) else "could be below dot, or it is not known"
    return f"{Path(name).stem:<18}{here:>9}{rival:>5}{bound:>10}   {verdict}"


def main(names: list[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("cells", nargs="*", help="cells of the library, or files; else all that do not stay below dot")
    asked = parser.parse_args(names).cells
    try:
        _ = [load(name) for name in asked]
    except LstmgraphError as error:
        parser.error(str(error))
    print(f"{'cell':<18}{'crossings':>9}{'dot':>5}{'at least':>10}")
    for name in asked or [*library(), *map(str, sorted(PAPERS.glob("*.toml")))]:
        if line := row(name, bool(asked)):
            print(line, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
