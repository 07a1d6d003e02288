r"""TikZ: a scene as a `tikzpicture`, to be `\input` into a paper, or as a LaTeX document of its own.

Labels are set by LaTeX in the fonts of the document, a line of words and formulas as one node (`lines`); everything
else is where the scene has it, to the hundredth of a point (1 unit = 1bp, y down).  One line per node and per wire,
styles and colours by role, so that the file can be edited by hand.  Both pdflatex and lualatex compile it, with nothing
but TikZ and amsmath.

To draw a new shape natively: a row in `NATIVE`; every other shape is drawn as its outline.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lstmgraph.diagram.layout.legend import GAP
from lstmgraph.diagram.outline import BOX_RADIUS, OUTLINE, outline
from lstmgraph.diagram.path import DOT_RADIUS, EPSILON, HEAD_LENGTH, HEAD_NOTCH, HEAD_WIDTH, STROKE, Route, is_straight
from lstmgraph.diagram.scene import UNSET, Box, Label, Legend, Node, Point, Scene, Shape, Wire
from lstmgraph.diagram.themes import Palette, Theme
from lstmgraph.diagram.typeset import measure, number
from lstmgraph.diagram.writers.latex import math_of, words_of
from lstmgraph.diagram.writers.lines import Held, Line, Lines
from lstmgraph.diagram.writers.names import token
from lstmgraph.diagram.writers.svg import DASH, DIMMED, FRAME_RADIUS, dimmed_first, legend_labels

NATIVE: dict[Shape, str] = {"circle": "ellipse", "ellipse": "ellipse", "box": f"rounded corners={number(BOX_RADIUS)}bp"}
COMMON = (
    r"size/.style 2 args={minimum width=#1bp, minimum height=#2bp}",
    r"pt/.style={font=\fontsize{#1bp}{#1bp}\selectfont}",
    r"every node/.style={inner sep=0bp}",
)
FIT = r"\def\fit#1#2{\setbox0=\hbox{#2}\ifdim\wd0>#1\relax\resizebox{#1}{!}{\box0}\else\box0\fi}"
ROOM = 0.8  # of the width of a round or a square symbol, for its label
PAPER = "#FFFFFF"  # a background of this colour is left to the paper
NOTES = r"\qquad "  # between notes in one line
ANCHORS: dict[tuple[Held, bool], str] = {  # where a line is held, and whether on its baseline
    ("left", True): ", anchor=base west",
    ("left", False): ", anchor=west",
    ("right", False): ", anchor=east",
    ("middle", False): "",
}
HEAD = (
    f"Stealth[length={number(HEAD_LENGTH)}bp, width={number(HEAD_WIDTH)}bp, "
    f"inset={number(HEAD_NOTCH)}bp, line width=0bp]"
)

SNIPPET = r"""% {title}
% In the preamble: \usepackage{{tikz}}, \usepackage{{amsmath}}.  In the text: \input{{this file}}, or, as wide as a
% column: \resizebox{{\columnwidth}}{{!}}{{\input{{this file}}}}.  Made for any fonts; Computer Modern needs
% \usepackage{{fix-cm}} or lmodern to come in every size.  1 unit = 1bp, y runs down.
\begingroup\globaldefs=1 \usetikzlibrary{{arrows.meta, shapes.geometric}}\endgroup % for the next figure too
{picture}"""

DOCUMENT = r"""% {title}
% Compile with pdflatex or lualatex: the page is as large as the picture.
\RequirePackage{{fix-cm}}
\documentclass{{article}}
\usepackage{{amsmath}}
\usepackage{{tikz}}
\usetikzlibrary{{arrows.meta, shapes.geometric}}
\usepackage[paperwidth={width}bp, paperheight={height}bp, margin=0bp, nohead, nofoot]{{geometry}}
\pagestyle{{empty}}
\setlength{{\parindent}}{{0pt}}
\setlength{{\topskip}}{{0pt}}
\begin{{document}}
{picture}\end{{document}}
"""


def write_tikz(scene: Scene, theme: Theme, mode: str = "auto") -> str:
    r"""The scene as a `tikzpicture`, to be `\input`.  `mode`: "dark" for the dark palette; "auto" is light."""
    return SNIPPET.format(title=_one_line(scene.title), picture=_Writer(scene, theme, mode).write())


def write_tex(scene: Scene, theme: Theme, mode: str = "auto") -> str:
    """The scene as a LaTeX document whose one page is the picture."""
    width, height = (number(side) for side in scene.size)
    picture = _Writer(scene, theme, mode).write()
    return DOCUMENT.format(title=_one_line(scene.title), width=width, height=height, picture=picture)


class _Writer:
    """One picture being written: its lines, and the styles and colours that they turn out to need."""

    def __init__(self, scene: Scene, theme: Theme, mode: str) -> None:
        self.scene, self.theme = scene, theme
        self.palette: Palette = theme.palette("dark" if mode == "dark" else "light")
        self.colours: dict[str, str] = {}
        self.styles: dict[str, str] = {}
        self.given: set[str] = set()
        self.lines = Lines(scene)

    def write(self) -> str:
        body = [f"  {line}" if line else "" for line in self._body()]
        styles = [f"  {style}," for style in (*COMMON, *(f"{name}/.style={{{s}}}" for name, s in self.styles.items()))]
        colours = [f"  \\definecolor{{{name}}}{{HTML}}{{{hex}}}" for name, hex in self.colours.items()]
        head = ["\\begin{tikzpicture}[x=1bp, y=-1bp,", f"  >={{{HEAD}}},", *styles, "]"]
        return "\n".join([*head, f"  {FIT} % no wider than #1", *colours, *body, "\\end{tikzpicture}", ""])

    def _body(self) -> Iterator[str]:
        yield from self._page()
        wires = dimmed_first((*self.scene.wires, *self.scene.trunks))
        yield from _group("wires", map(self._wire, wires))
        yield from _group("junctions", (
            f"\\fill[{self._line(d.role, d.lit)}] {_at(d.at)} circle[radius={number(DOT_RADIUS)}bp];"
            for d in sorted(self.scene.dots, key=lambda d: d.lit)
        ))  # fmt: skip
        yield from _group("nodes", map(self._node, self.scene.nodes))
        yield from _group("labels", map(self._line_of_text, self.lines.of(self.scene.labels)))
        for group in self.scene.legend:
            if group.entries:
                words = map(self._line_of_text, self.lines.of(legend_labels(group)))
                yield from _group(f"legend: {group.title}", [*words, *(self._node(e.sample) for e in group.entries)])
        yield from _group("legend: notes", self._notes(g for g in self.scene.legend if not g.entries))

    def _page(self) -> Iterator[str]:
        """The bounding box is the page, so that all frames of a walk have one size."""
        page = f"{_at(Point(0, 0))} rectangle {_at(Point(*self.scene.size))};"
        yield f"\\path[use as bounding box] {page}"
        if self.palette.background.upper() != PAPER:
            yield f"\\fill[{self._colour('page', self.palette.background)}] {page}"
        yield from _group("the cell's border", map(self._frame, self.scene.frames))

    def _frame(self, box: Box) -> str:
        paint = self.palette.container
        fill, draw = self._colour("container-fill", paint.fill), self._colour("container-line", paint.stroke)
        radius = min(FRAME_RADIUS, (box.right - box.left) / 4, (box.bottom - box.top) / 4)
        self.styles["container"] = f"fill={fill}, draw={draw}, line width={number(OUTLINE)}bp"
        corners = f"{_at(Point(box.left, box.top))} rectangle {_at(Point(box.right, box.bottom))}"
        return f"\\path[container, rounded corners={number(radius)}bp] {corners};"

    def _wire(self, wire: Wire) -> str:
        colour = self._line(wire.role, wire.lit)
        style = f"{token(wire.role)} wire" if wire.lit else "dimmed wire"
        self.styles[style] = f"draw={colour}, line width={number(STROKE if wire.lit else DIMMED * STROKE)}bp"
        dash = self._dash(wire)
        if dash:
            self.styles[f"{token(wire.role)} dash"] = f"dash pattern={dash}"
            style += f", {token(wire.role)} dash"
        said = f"{wire.source} to {wire.target}"
        return f"\\draw[{style}{', ->' if wire.arrow else ''}] {_path(_to_the_tip(wire))}; % {_one_line(said)}"

    def _node(self, node: Node) -> str:
        """A node of a shape that TikZ has is a node; else its outline, and on it a node without one."""
        role = token(node.role) if node.lit else "dimmed"
        style = f"{role} node"
        paint = self.palette.node(node.role, node.lit)
        fill, draw = self._colour(f"{role}-fill", paint.fill), self._colour(f"{role}-outline", paint.stroke)
        text = self._colour(f"{role}-text", paint.text)
        self.styles[style] = f"fill={fill}, draw={draw}, text={text}, line width={number(OUTLINE)}bp"
        size = f"size={{{number(node.width)}}}{{{number(node.height)}}}"
        size += f", pt={number(node.label.size)}" if node.label else ""
        inside = f"({self._name(node.id)}) at {_at(node.at)} {{{_inside(node, node.label) if node.label else ''}}};"
        if node.shape in NATIVE:
            return f"\\node[{style}, {NATIVE[node.shape]}, {size}] {inside}"
        return f"\\path[{style}] {_path(outline(node))} -- cycle node[{size}] {inside}"

    def _notes(self, notes: Iterable[Legend]) -> Iterator[str]:
        for line in self.lines.of([label for note in notes for label in legend_labels(note)], GAP):
            yield self._line_of_text(line, NOTES)

    def _line_of_text(self, line: Line, between: str = " ") -> str:
        label = line.labels[0]
        style = "dimmed words" if label.role in ("dimmed", "heading", UNSET) else "words"
        self.styles[style] = f"text={self._colour(token(style), self.palette.words(label.role))}"
        text = between.join(map(_text, line.labels))
        if line.tight:
            text = rf"\fit{{{number(line.room)}bp}}{{{text}}}"
        anchor = ANCHORS[line.held, line.on_baseline]
        return f"\\node[{style}, pt={number(label.size)}{anchor}] at {_at(line.at)} {{{text}}};"

    # ── styles and colours ──

    def _line(self, role: str, lit: bool) -> str:
        return self._colour(f"{token(role) if lit else 'dimmed'}-line", self.palette.wire(role, lit))

    def _colour(self, name: str, colour: str) -> str:
        self.colours[name] = colour.lstrip("#").upper()
        return name

    def _dash(self, wire: Wire) -> str:
        dash = self.theme.dashes.get(wire.role, DASH if wire.dashed else ())
        words = ("on", "off") * len(dash)
        return " ".join(f"{word} {number(STROKE * part)}bp" for word, part in zip(words, dash, strict=False))

    def _name(self, id: str) -> str:
        """A name for other commands of the paper to refer to; TikZ allows no brackets, points and commas in it."""
        base = name = token(id)
        k = 1
        while name in self.given:
            k += 1
            name = f"{base}-{k}"
        self.given.add(name)
        return name


def _inside(node: Node, label: Label) -> str:
    """The label of a node, which does not grow with it: what is too wide in the document's fonts is set smaller."""
    measured = measure(label)[0]
    room = max(measured, ROOM * node.width) if node.shape in NATIVE else measured
    return rf"\makebox[0bp]{{\fit{{{number(room)}bp}}{{{_text(label)}}}}}"


def _group(title: str, lines: Iterable[str]) -> list[str]:
    found = list(lines)
    return ["", f"% {_one_line(title)}", *found] if found else []


def _text(label: Label) -> str:
    return math_of(label.text) if label.math else words_of(label.text)


def _to_the_tip(wire: Wire) -> Route:
    """The route with its last piece as far as the tip; TikZ takes away what its arrowhead covers."""
    if not wire.arrow:
        return wire.route
    tip, last = wire.points[-1], wire.route[-1]
    return (*wire.route, last, tip, tip)


def _path(route: Route) -> str:
    """Straight pieces as lines, those that go on in one direction as one; the others as curves."""
    parts, ends = [_at(route[0])], [route[0]]
    for k in range(1, len(route), 3):
        piece = route[k - 1 : k + 3]
        if abs(piece[3].x - piece[0].x) + abs(piece[3].y - piece[0].y) < EPSILON:
            continue
        if is_straight(piece):
            if len(ends) > 1 and parts[-1].startswith("-- ") and is_straight((ends[-2], ends[-1], ends[-1], piece[3])):
                parts.pop(), ends.pop()
            parts.append(f"-- {_at(piece[3])}")
        else:
            parts.append(f".. controls {_at(piece[1])} and {_at(piece[2])} .. {_at(piece[3])}")
        ends.append(piece[3])
    return " ".join(parts)


def _at(point: Point) -> str:
    return f"({number(point.x)},{number(point.y)})"


def _one_line(text: str) -> str:
    return " ".join(text.split())
