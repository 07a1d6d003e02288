r"""TikZ: a scene as a `tikzpicture`, to be `\input` into a paper, or as a LaTeX document of its own.

Labels are set by LaTeX in the fonts of the document; everything else is where the scene has it, to the hundredth of a
point (1 unit = 1bp, y down).  One line per node and per wire, styles and colours by role, so that the file can be
edited by hand.  Both pdflatex and lualatex compile it, with nothing but TikZ and amsmath.

To draw a new shape natively: a row in `NATIVE`; every other shape is drawn as its outline.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from lstmgraph.diagram.outline import BOX_RADIUS, OUTLINE, outline
from lstmgraph.diagram.path import DOT_RADIUS, EPSILON, HEAD_LENGTH, HEAD_NOTCH, HEAD_WIDTH, STROKE, Route, is_straight
from lstmgraph.diagram.scene import UNSET, Box, Label, Node, Point, Scene, Shape, Wire
from lstmgraph.diagram.themes import Palette, Theme
from lstmgraph.diagram.typeset import measure, number
from lstmgraph.diagram.writers.latex import math_of, words_of
from lstmgraph.diagram.writers.names import token
from lstmgraph.diagram.writers.svg import DASH, DIMMED, FRAME_RADIUS, dimmed_first, legend_labels

NATIVE: dict[Shape, str] = {"circle": "ellipse", "ellipse": "ellipse", "box": f"rounded corners={number(BOX_RADIUS)}bp"}
COMMON = (
    r"size/.style 2 args={minimum width=#1bp, minimum height=#2bp}",
    r"pt/.style={font=\fontsize{#1bp}{#1bp}\selectfont}",
    r"every node/.style={inner sep=0bp}",
)
FIT = r"\def\fit#1#2{\setbox0=\hbox{#2}\makebox[0bp]{\ifdim\wd0>#1\relax\resizebox{#1}{!}{\box0}\else\box0\fi}}"
ROOM = 0.8  # of the width of a round or a square symbol, for its label
PAPER = "#FFFFFF"  # a background of this colour is left to the paper
MIDDLE = 0.33  # from the baseline of words to their middle, half-way up a capital, in ems
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
        self.flush = _flush_left([*scene.labels, *(x for g in scene.legend for x in legend_labels(g))])

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
        yield from _group("labels", map(self._label, self.scene.labels))
        for group in self.scene.legend:
            entries = [self._node(e.sample) for e in group.entries]
            yield from _group(f"legend: {group.title}", [*map(self._label, legend_labels(group)), *entries])

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

    def _label(self, label: Label) -> str:
        style = "dimmed words" if label.role in ("dimmed", "heading", UNSET) else "words"
        self.styles[style] = f"text={self._colour(token(style), self.palette.words(label.role))}"
        anchor, at = "", label.at
        if not label.math:
            anchor, at = "base", Point(at.x, at.y + MIDDLE * label.size)
        if label in self.flush:
            anchor, at = "base west" if anchor else "west", Point(at.x - measure(label)[0] / 2, at.y)
        where = f", anchor={anchor}" if anchor else ""
        return f"\\node[{style}, pt={number(label.size)}{where}] at {_at(at)} {{{_text(label)}}};"

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
    return rf"\fit{{{number(room)}bp}}{{{_text(label)}}}"


def _flush_left(labels: Sequence[Label]) -> list[Label]:
    """Labels of different widths that begin on one line: LaTeX's fonts have other widths, and the line shall stay."""
    lefts: dict[float, set[float]] = {}
    for label in labels:
        width = measure(label)[0]
        lefts.setdefault(round(label.at.x - width / 2, 2), set()).add(round(width, 2))
    return [x for x in labels if len(lefts[round(x.at.x - measure(x)[0] / 2, 2)]) > 1]


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
