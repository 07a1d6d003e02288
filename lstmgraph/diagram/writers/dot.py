"""DOT: the scene for Graphviz, every position pinned, so that Graphviz draws the picture of our own SVG.

`layout=nop2` among the graph's attributes makes `dot`, notebooks and viz.js take positions and splines as they are.  A
page without border, as the outermost cluster, keeps the coordinates; each container is a cluster in it.  What Graphviz
lacks it replaces: a teardrop is a circle, labels are text in Unicode, and arrowheads are its own, at our tips.  Its
fonts are not known and a formula on one line is wider than typeset: text is as small as the room for it asks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from lstmgraph.diagram.outline import OUTLINE, largest
from lstmgraph.diagram.path import DOT_RADIUS, STROKE
from lstmgraph.diagram.scene import Box, Dot, Label, Node, Point, Scene, Shape, Wire
from lstmgraph.diagram.themes import Palette, Theme
from lstmgraph.diagram.typeset import measure
from lstmgraph.diagram.writers.characters import UNICODE, text_of
from lstmgraph.diagram.writers.lines import Held, Line, Lines
from lstmgraph.diagram.writers.names import Names
from lstmgraph.diagram.writers.svg import DIMMED, FONTS, clean, dimmed_first, legend_labels
from lstmgraph.diagram.writers.widths import widest

if TYPE_CHECKING:
    import graphviz

INCH = 72.0
ARROW = 0.6  # Graphviz adds the width of the stroke to its head; this gives ours
MINUS = re.compile(r"(?<!\w)-|-(?!\w)")  # but in an index on the line, such as ⟨t-1⟩: that is to be narrow
PENTAGON = 1.1  # Graphviz's pentagon does not reach the lower side of its box: a taller one comes near both
# Where the middle of a line is, in its widths from where it is held, and how Graphviz justifies it.
HELD: dict[Held, tuple[float, str]] = {"left": (0.5, r"\l"), "middle": (0.0, ""), "right": (-0.5, r"\r")}
SHAPES: dict[Shape, str] = {
    "bar": "box",
    "box": "box",
    "circle": "ellipse",
    "ellipse": "ellipse",
    "panel": "box",
    "pentagon": "pentagon",
    "slab": "box",
    "swell": "box",
    "teardrop": "ellipse",
}


def write_dot(scene: Scene, theme: Theme, mode: str = "auto") -> str:
    """The scene as DOT text.  `mode`: "dark" for the dark palette; DOT has no automatic one, so "auto" is light."""
    return str(to_graphviz(scene, theme, mode).source)


def to_graphviz(scene: Scene, theme: Theme, mode: str = "auto") -> graphviz.Digraph:
    """The scene as a graph of the `graphviz` package, to be changed or rendered there."""
    return _Writer(scene, theme.palette("dark" if mode == "dark" else "light"), theme).write()


class _Writer:
    """One graph being written."""

    def __init__(self, scene: Scene, palette: Palette, theme: Theme) -> None:
        self.scene, self.palette, self.theme = scene, palette, theme
        self.names = Names(scene.id)
        self.height = scene.size[1]

    def write(self) -> graphviz.Digraph:
        import graphviz

        graph = graphviz.Digraph(self.scene.id, comment=_one_line(self.scene.title))
        graph.attr("graph", layout="nop2", outputorder="edgesfirst", pad="0", bgcolor=self.palette.background,
                   fontname=FONTS, tooltip=_text(self.scene.title))  # fmt: skip
        graph.attr("node", fixedsize="shape", style="filled", penwidth=f"{OUTLINE:g}", fontname=FONTS, margin="0")
        graph.attr("edge", penwidth=f"{STROKE:g}", arrowsize=f"{ARROW:g}")
        with graph.subgraph(name="cluster_page") as page:
            width, height = self.scene.size
            page.attr(bb=self._box(Box(0, 0, width, height)), peripheries="0", style="invis", label="",
                      id=self.names.id("page", "page"))  # fmt: skip
            self._page(page)
        for wire in dimmed_first((*self.scene.wires, *self.scene.trunks)):
            self._wire(graph, wire)
        return graph

    def _page(self, page: graphviz.Digraph) -> None:
        """Nodes outside of containers, containers with what lies in them, then everything else.

        Graphviz paints edges in the order of their nodes: with the dimmed ones first, and where several values join
        last, what is lit lies on top and trunks cover the wires that they stand for.
        """
        left = sorted(self.scene.nodes, key=lambda n: (n.lit, n.kind == "join"))
        insides = []
        for frame in self.scene.frames:
            insides.append([n for n in left if _holds(frame, n.at)])
            left = [n for n in left if n not in insides[-1]]
        for node in left:
            self._node(page, node, node.id)
        for k, (frame, inside) in enumerate(zip(self.scene.frames, insides, strict=True)):
            self._frame(page, frame, k, inside)
        for k, dot in enumerate(self.scene.dots):
            self._dot(page, dot, k)
        self._text(page)
        for group in self.scene.legend:
            for entry in group.entries:
                self._node(page, entry.sample, f"legend {group.title}, {entry.words}", kind="sample")

    def _frame(self, page: graphviz.Digraph, box: Box, k: int, inside: list[Node]) -> None:
        paint = self.palette.container
        with page.subgraph(name=f"cluster_cell_{k + 1}") as cluster:
            cluster.attr(bb=self._box(box), style="rounded,filled", fillcolor=paint.fill, color=paint.stroke, label="",
                         peripheries="1", penwidth=f"{OUTLINE:g}",
                         id=self.names.id("container", f"cell-{k + 1}"))  # fmt: skip
            for node in inside:
                self._node(cluster, node, node.id)

    def _node(self, graph: graphviz.Digraph, node: Node, name: str, kind: str = "node") -> None:
        paint = self.palette.node(node.role, node.lit)
        graph.node(
            _name(name),
            label=_text(_word(node.label) if node.label else ""),
            fontsize=f"{_size(node, node.label) if node.label else 14:.4g}",
            shape=SHAPES[node.shape],
            style="rounded,filled" if node.shape == "box" else "filled",
            fillcolor=paint.fill, color=paint.stroke, fontcolor=paint.text, tooltip=_text(node.title or node.id),
            id=self.names.id(kind, name), **{"class": self.names.classes(node.role, node.lit)},
            **self._place(node.at, node.width, node.height * (PENTAGON if node.shape == "pentagon" else 1)),
        )  # fmt: skip

    def _dot(self, graph: graphviz.Digraph, dot: Dot, k: int) -> None:
        colour, name = self.palette.wire(dot.role, dot.lit), f"junction {k + 1}"
        place = self._place(dot.at, 2 * DOT_RADIUS, 2 * DOT_RADIUS)
        graph.node(name, label="", shape="circle", fillcolor=colour, color=colour, penwidth="0",
                   id=self.names.id("junction", name), **place)  # fmt: skip

    def _text(self, page: graphviz.Digraph) -> None:
        """All lines of text; those of one kind beside the picture stay of one size, the least that one of them asks."""
        lines = dict(self._lines())
        alike = {name: _kind(line) if line.on_baseline else name for name, line in lines.items()}
        scales: dict[object, float] = dict.fromkeys(alike.values(), 1.0)
        for name, line in lines.items():
            scales[alike[name]] = min(scales[alike[name]], line.room / _needed(line))
        for name, line in lines.items():
            self._line(page, line, name, scales[alike[name]])

    def _lines(self) -> Iterator[tuple[str, Line]]:
        """By their names."""
        lines = Lines(self.scene)
        yield from ((f"label {k}", line) for k, line in enumerate(lines.of(self.scene.labels), 1))
        for group in self.scene.legend:
            found = enumerate(lines.of(legend_labels(group)))
            yield from ((f"legend {group.title}, line {k}", line) for k, line in found)

    def _line(self, graph: graphviz.Digraph, line: Line, name: str, scale: float) -> None:
        label = line.labels[0]
        width = max(line.width, min(line.room, _needed(line)))
        aside, justified = HELD[line.held]
        at = Point(line.at.x + aside * width, label.at.y)
        graph.node(_name(name), label=_text(_words(line)) + justified, shape="plaintext", style="",
                   fontsize=f"{label.size * scale:.3g}", fontcolor=self.palette.words(label.role),
                   id=self.names.id("label", name), **self._place(at, width, measure(label)[1]))  # fmt: skip

    def _wire(self, graph: graphviz.Digraph, wire: Wire) -> None:
        style = self.theme.patterns.get(wire.role, "dashed" if wire.dashed else "solid")
        tip = f"e,{self._at(wire.points[-1])} " if wire.arrow else ""
        graph.edge(
            _name(wire.source), _name(wire.target),
            pos=tip + " ".join(self._at(p) for p in wire.route),
            color=self.palette.wire(wire.role, wire.lit), style=style,
            penwidth=f"{STROKE if wire.lit else DIMMED * STROKE:g}", dir="forward" if wire.arrow else "none",
            tooltip=_text(wire.title or f"{wire.source} → {wire.target}"), id=self.names.id("edge", wire.id),
            **{"class": self.names.classes(wire.role, wire.lit)},
        )  # fmt: skip

    # ── coordinates: Graphviz counts y upwards ──

    def _at(self, point: Point) -> str:
        return f"{_decimal(point.x)},{_decimal(self.height - point.y)}"

    def _box(self, box: Box) -> str:
        return f"{self._at(Point(box.left, box.bottom))},{self._at(Point(box.right, box.top))}"

    def _place(self, at: Point, width: float, height: float) -> dict[str, str]:
        return {"pos": self._at(at), "width": _decimal(width / INCH), "height": _decimal(height / INCH)}


def _decimal(value: float) -> str:
    return f"{value:.4f}".rstrip("0").rstrip(".") if round(value, 4) else "0"


def _holds(box: Box, at: Point) -> bool:
    return box.left < at.x < box.right and box.top < at.y < box.bottom


def _kind(line: Line) -> tuple[float, bool, bool]:
    """What a reader expects of one size: headings, words, formulas, the cells of a table."""
    first = line.labels[0]
    return first.size, all(label.math for label in line.labels), first.caption[1] > 0


def _word(label: Label) -> str:
    text = text_of(label, UNICODE)
    return MINUS.sub("\N{MINUS SIGN}", text) if label.math else text


def _words(line: Line) -> str:
    return " ".join(map(_word, line.labels))


def _needed(line: Line) -> float:
    """How wide a line becomes, at most, in common fonts."""
    return widest(_words(line)) * line.labels[0].size


def _size(node: Node, label: Label) -> float:
    """The size at which a label is inside of its node in any of them, too."""
    width, height = widest(_word(label)) * label.size, measure(label)[1]
    return label.size * min(1.0, largest(width, height, node.shape, (node.width, node.height), OUTLINE / 2))


def _name(name: str) -> str:
    """A node's name; a colon would be read as the beginning of a port."""
    return name.replace(":", "∶")


def _one_line(text: str) -> str:
    return clean(" ".join(text.split()))


def _text(text: str) -> str:
    """Text that DOT takes literally: no escapes, no HTML."""
    import graphviz

    quoted: str = graphviz.nohtml(graphviz.escape(_one_line(text)))  # of a class that says so: do not copy it
    return quoted
