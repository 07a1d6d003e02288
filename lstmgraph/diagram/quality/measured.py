"""Every figure that is measured on a scene, as one record; and a case: all that a rule may look at.

A new figure is a function in one of the modules beside this one, a field here, and a row in `rules`.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from math import ceil

from lstmgraph.diagram.asked import NOTHING, Asked
from lstmgraph.diagram.detail import NETWORK
from lstmgraph.diagram.graph import Graph, Node
from lstmgraph.diagram.quality import (
    border,
    colour,
    edges,
    explained,
    inked,
    lines,
    meaning,
    named,
    overlaps,
    painted,
    places,
    told,
    written,
)
from lstmgraph.diagram.quality.lit import mislit
from lstmgraph.diagram.quality.picture import Picture
from lstmgraph.diagram.quality.rival import rival_crossings
from lstmgraph.diagram.quality.twists import twisted
from lstmgraph.diagram.scene import Scene
from lstmgraph.diagram.themes import Theme
from lstmgraph.errors import MissingExtra


@dataclass(frozen=True)
class Quality:
    """What a scene's geometry is like.  Tuples list what is wrong, in words; lengths are points."""

    missing: tuple[str, ...]  # edges of the graph that are not drawn
    extra: tuple[str, ...]  # wires that are no edge of the graph, or drawn twice
    astray: tuple[str, ...]  # wires that do not begin and end at the outlines of the nodes of their edge
    missing_nodes: tuple[str, ...]  # nodes of the graph that are not drawn
    extra_nodes: tuple[str, ...]  # nodes that are none of the graph, or drawn twice, or connected to nothing
    mislabelled: tuple[str, ...]  # nodes with the glyph of another one
    misnamed: tuple[str, ...]  # labels that are not nearest to the line that they name
    misspelt: tuple[str, ...]  # names of other values, named values without a name
    missigned: tuple[str, ...]  # arrows without the sign, number or parameter of their value, or with another one
    misnumbered: tuple[str, ...]  # operations with the number of another stage
    unframed: tuple[str, ...]  # operations outside of the border
    intruding: tuple[str, ...]  # inputs and states inside of the border
    turned_over: tuple[str, ...]  # time from right to left, inputs above, pipes below
    upside_down: tuple[str, ...]  # outputs below anything else, what is given above the border
    node_overlaps: tuple[str, ...]
    label_overlaps: tuple[str, ...]
    arc_overlaps: tuple[str, ...]  # labels on bridges and rounded corners
    oversized: tuple[str, ...]  # nodes too small for their label
    head_overlaps: tuple[str, ...]
    through_nodes: tuple[str, ...]  # a wire through or within 2 strokes of a node that it does not touch
    outside: tuple[str, ...]  # what the picture's edge cuts off
    oblique: tuple[str, ...]
    misdrawn: tuple[str, ...]  # a wire that is painted elsewhere than it runs
    falsely_bridged: tuple[str, ...]  # lines that hop where nothing crosses them
    along_border: tuple[str, ...]  # lines on the border, or less than 2 strokes beside it
    out_and_back: tuple[str, ...]  # lines that leave the border and come back
    sharp: tuple[str, ...]  # corners that are not rounded, though nothing forks there
    shared_lines: tuple[str, ...]  # segments of different values on one line, or less than 2 strokes apart
    touching: tuple[str, ...]  # a wire that turns or ends on the line of another value
    unbridged: tuple[str, ...]  # crossings where not exactly one line hops
    twisted: tuple[str, ...]  # lines that cross twice and need not
    heads_astray: tuple[str, ...]  # ends without an arrowhead, arrowheads at no end
    miscoloured: tuple[str, ...]  # lines with the role of another value than theirs
    mislit: tuple[str, ...]  # dimmed lines of a lit operation, lit lines of dimmed ones
    dots_astray: tuple[str, ...]  # forks without a dot, dots without a fork
    bent_pipes: tuple[str, ...]  # memories that do not run straight through
    off_line: tuple[str, ...]  # nodes nearly in one row or column
    enclosed: tuple[str, ...]  # what a step is given and stands inside a border all the same
    crossings: int  # of different values, in one of the copies of the graph
    crossings_a_step: int  # the same in one step of a chain
    longest_way: float  # the length of a line by the distance of its ends and half the way around a node
    most_bends: int
    mean_bends: float
    straight_end: float | None  # the shortest straight piece before a tip, in lengths of an arrowhead
    smallest_gap: float  # between nodes
    smallest_padding: float | None  # between the border and what is inside it
    worst_pitch: float | None  # of a row of networks, largest by smallest
    aspect: float  # of the border, width by height
    smallest_text: float | None  # in points
    filled: float | None  # of the page, its width or its height
    untold: tuple[str, ...]  # what has no title or description
    uncaptioned: tuple[str, ...]  # equations that are not beside the picture and were asked for
    text_ratio: float  # the smallest text by the main label


def measure(scene: Scene, graph: Graph, asked: Asked = NOTHING) -> Quality:
    """Every figure of a scene that shows a graph, and what was asked for besides."""
    return figures(Picture(scene, graph, asked))


def figures(picture: Picture) -> Quality:
    """The same of what is prepared for measuring."""
    scene, graph = picture.scene, picture.graph
    bends = [lines.bends(w) for w in scene.wires]
    return Quality(
        missing=tuple(edges.missing(picture)),
        extra=tuple(edges.extra(picture)),
        astray=tuple(edges.astray(picture)),
        missing_nodes=tuple(edges.missing_nodes(picture)),
        extra_nodes=tuple(edges.extra_nodes(picture)),
        mislabelled=tuple(named.mislabelled(picture)),
        misnamed=tuple(named.misnamed(picture)),
        misspelt=tuple(written.misspelt(picture)),
        missigned=tuple(written.missigned(picture)),
        misnumbered=tuple(written.misnumbered(picture)),
        unframed=tuple(places.unframed(picture)),
        intruding=tuple(places.intruding(picture)),
        turned_over=tuple(places.turned_over(picture)),
        upside_down=tuple(places.upside_down(picture)),
        node_overlaps=tuple(overlaps.node_overlaps(picture)),
        label_overlaps=tuple(overlaps.label_overlaps(picture)),
        arc_overlaps=tuple(overlaps.arc_overlaps(picture)),
        oversized=tuple(overlaps.oversized(picture)),
        head_overlaps=tuple(overlaps.head_overlaps(picture)),
        through_nodes=tuple(overlaps.through_nodes(picture)),
        outside=tuple(overlaps.outside(picture)),
        oblique=tuple(painted.oblique(picture)),
        misdrawn=tuple(painted.misdrawn(picture)),
        falsely_bridged=tuple(painted.falsely_bridged(picture)),
        along_border=tuple(border.along_border(picture)),
        out_and_back=tuple(border.out_and_back(picture)),
        sharp=tuple(painted.sharp(picture)),
        shared_lines=tuple(lines.shared_lines(picture)),
        touching=tuple(lines.touching(picture)),
        unbridged=tuple(lines.unbridged(picture)),
        twisted=tuple(twisted(picture)),
        heads_astray=tuple(meaning.heads_astray(picture)),
        miscoloured=tuple(meaning.miscoloured(picture)),
        mislit=tuple(mislit(picture)),
        dots_astray=tuple(lines.dots_astray(picture)),
        bent_pipes=tuple(lines.bent_pipes(picture)),
        off_line=tuple(places.off_line(picture)),
        enclosed=tuple(places.enclosed(picture)),
        crossings=ceil(len(picture.crossings) / len(edges.copies(picture))),
        crossings_a_step=ceil(len(picture.crossings) / len(edges.copies(picture)) / len(edges.steps(graph))),
        longest_way=lines.longest_way(picture),
        most_bends=max(bends, default=0),
        mean_bends=sum(bends) / max(1, len(bends)),
        straight_end=min((far for far, _ in lines.straight_ends(picture)), default=None),
        smallest_gap=places.smallest_gap(picture),
        smallest_padding=places.smallest_padding(picture),
        worst_pitch=places.worst_pitch(picture),
        aspect=next(iter(places.aspects(picture)), 0.0),
        smallest_text=places.smallest_text(picture),
        filled=places.filled(picture),
        untold=tuple(told.untold(picture)),
        uncaptioned=tuple(told.uncaptioned(picture)),
        text_ratio=places.text_ratio(picture),
    )


# What a cell is by its structure: the operations of a step, and how many memories go into networks.
SHAPES: dict[str, tuple[dict[str, int], int]] = {
    "LSTM": ({"sum": 4, "sigmoid": 3, "tanh": 2, "hadamard": 3, "add": 1}, 0),
    "peephole LSTM": ({"sum": 4, "sigmoid": 3, "tanh": 2, "hadamard": 3, "add": 1}, 3),
    "GRU": ({"sum": 3, "sigmoid": 2, "tanh": 1, "hadamard": 3, "one_minus": 1, "add": 1}, 2),
}


def shape_of(graph: Graph) -> str:
    """Which of `SHAPES` a graph, or a step of a chain, is, "" if none: some gates are meant for these cells alone."""
    steps = len(edges.steps(graph))
    parts = {n.id: _operations(n) for n in graph.nodes}
    counted = Counter(operation for found in parts.values() for operation in found)
    memories = sum(e.kind in ("memory", "previous_memory") and "sum" in parts[e.target] for e in graph.edges)
    for name, (operations, peepholes) in SHAPES.items():
        wanted = {operation: steps * count for operation, count in operations.items()}, steps * peepholes
        if (counted, memories) == wanted and len(graph.memories) == 1:
            return name
    return ""


def _operations(node: Node) -> tuple[str, ...]:
    """The operations that a node of a graph stands for: a network drawn as one box is a sum and what comes after it."""
    if node.operation.endswith(NETWORK):
        return "sum", node.operation.removesuffix(NETWORK)
    if node.kind == "sum":
        return ("sum",)
    return (node.operation,) if node.kind in ("function", "operator") else ()


@dataclass(frozen=True, eq=False)
class Case:
    """A picture, and what else rules look at; what is not given is not measured.

    `frames`: the scenes of one walk.  `files`: the same drawing as SVG, written again and again by other processes.
    `asked`: what the picture has to show besides the graph.
    """

    scene: Scene
    graph: Graph
    theme: Theme | None = None
    style: str = ""
    frames: tuple[Scene, ...] = ()
    files: tuple[str, ...] = ()
    asked: Asked = NOTHING

    @cached_property
    def picture(self) -> Picture:
        return Picture(self.scene, self.graph, self.asked)

    @cached_property
    def quality(self) -> Quality:
        return figures(self.picture)

    @cached_property
    def shape(self) -> str:
        return shape_of(self.graph)

    @cached_property
    def rival(self) -> int | None:
        """The crossings of `dot` on the same graph; None where there is no `dot`."""
        try:
            return rival_crossings(self.graph)
        except MissingExtra:
            return None

    @cached_property
    def beaten(self) -> tuple[str, ...] | None:
        """Nothing where there are fewer crossings than `dot` has, or none in both."""
        if self.rival is None:
            return None
        ours = self.quality.crossings
        return () if ours < self.rival or ours == self.rival == 0 else (f"{ours} crossings, dot has {self.rival}",)

    @cached_property
    def duel(self) -> str:
        return "not measured: no dot" if self.rival is None else f"{self.quality.crossings} (dot {self.rival})"

    @cached_property
    def loopless(self) -> tuple[str, ...] | None:
        """Memories whose old value does not leave their Cell; only the cell-block has Cells."""
        return tuple(edges.loopless(self.picture)) if self.style == "cell-block" else None

    @cached_property
    def misdashed(self) -> tuple[str, ...]:
        """Old values with solid lines and new ones with dashed lines."""
        return tuple(meaning.misdashed(self.picture, expected=self.style == "cell-block"))

    @cached_property
    def dashed_hops(self) -> tuple[str, ...]:
        """Dashed lines that hop over solid ones, as the theme draws them."""
        return tuple(lines.dashed_hops(self.picture, self.theme.dashes if self.theme else {}))

    @cached_property
    def legend_astray(self) -> tuple[str, ...] | None:
        """What the legend leaves out, and explains for nothing; None where there is none, and none was asked for."""
        if not (self.asked.legend or self.scene.legend):
            return None
        return tuple(explained.legend_astray(self.scene, self.theme.patterns if self.theme else None))

    @cached_property
    def text_contrast(self) -> float | None:
        return colour.text_contrast(self.scene, self.theme) if self.theme else None

    @cached_property
    def line_contrast(self) -> float | None:
        return colour.line_contrast(self.scene, self.theme) if self.theme else None

    @cached_property
    def least_difference(self) -> float | None:
        return colour.least_difference(self.scene, self.theme) if self.theme else None

    @cached_property
    def heads(self) -> tuple[float, ...]:
        """Length and width of every arrowhead that the first file paints, in strokes."""
        return tuple(inked.head_sizes(self.files[0])) if self.files else ()

    @cached_property
    def smallest_head(self) -> float | None:
        return min(self.heads, default=None)

    @cached_property
    def largest_head(self) -> float | None:
        return max(self.heads, default=None)

    @cached_property
    def unpainted(self) -> tuple[str, ...] | None:
        return tuple(inked.unpainted(self.files[0])) if self.files else None

    @cached_property
    def repeated(self) -> tuple[str, ...] | None:
        return tuple(places.repeated(self.frames)) if len(self.frames) > 1 else None

    @cached_property
    def moved(self) -> tuple[str, ...] | None:
        return tuple(places.moved(self.frames)) if len(self.frames) > 1 else None

    @cached_property
    def unlike(self) -> tuple[str, ...] | None:
        """The files that are not the same as the first one, by number."""
        unlike = (f"file {k}" for k, text in enumerate(self.files, 1) if text != self.files[0])
        return tuple(unlike) if len(self.files) > 1 else None
