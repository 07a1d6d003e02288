"""SVG: a scene as one self-contained picture for browsers, papers, notebooks and converters.

Every element carries presentation attributes, so a converter that knows no style sheet draws the right picture; the
dark palette stands only inside a media query.  Labels are outlines, with their text laid over them invisibly, to be
searched, selected and read aloud.  Order in the file is order of painting, and within a kind order of computation.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from lstmgraph.diagram.ink import ink
from lstmgraph.diagram.outline import OUTLINE, outline
from lstmgraph.diagram.path import DOT_RADIUS, STROKE, Route, arrowhead, is_straight
from lstmgraph.diagram.scene import Box, Dot, Label, Legend, Node, Point, Scene, Wire
from lstmgraph.diagram.themes import Palette, Theme
from lstmgraph.diagram.typeset import number, typeset
from lstmgraph.diagram.writers.glyphs import Glyphs
from lstmgraph.diagram.writers.names import Names, token

DIMMED = 0.6  # how much thinner a line is that a step leaves in the background
FRAME_RADIUS = 16.0
REACH = 10.0  # how near the pointer must come to a wire for its tooltip
DASH = (3.2, 2.2)  # in strokes: a value of the previous step, where it is drawn dashed
FONTS = "STIX Two Text, STIX, Times New Roman, serif"
NOT_XML = "[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"

Colours = dict[str, str]  # SVG property -> colour
ColoursOf = Callable[[Palette], Colours]


def write_svg(scene: Scene, theme: Theme, mode: str = "auto") -> str:
    """The scene as SVG text.  `mode`: light, dark, or auto for what the reader's system prefers."""
    return SvgWriter(scene, theme, mode).write()


class SvgWriter:
    """One file being written, and the classes that its dark palette needs."""

    def __init__(self, scene: Scene, theme: Theme, mode: str) -> None:
        self.scene, self.theme, self.mode = scene, theme, mode
        self.names = Names(scene.id)
        self.prefix = self.names.prefix
        self.palette = theme.palette("dark" if mode == "dark" else "light")
        self.glyphs = Glyphs(self.prefix)
        self.dark: dict[str, Colours] = {}

    def write(self) -> str:
        root = self.begin()
        self.draw(root, self.scene)
        self.legend(root)
        return self.end(root)

    def begin(self) -> Element:
        """The root, the page and the containers."""
        root = self._root()
        self._background(root)
        for k, frame in enumerate(self.scene.frames):
            self._frame(root, frame, k)
        return root

    def draw(self, parent: Element, scene: Scene) -> None:
        """What is in the containers and around them: of the whole scene, or of a part of it."""
        wires = SubElement(parent, "g", {"fill": "none", "stroke": "none", "stroke-linejoin": "round"})
        for wire, parts, head in _strokes(scene):
            self._wire(wires, wire, parts, head)
        for dot in sorted(scene.dots, key=lambda d: d.lit):
            self._dot(parent, dot)
        for node in scene.nodes:
            self._node(parent, node)
        for label in scene.labels:
            self.words(parent, label)

    def words(self, parent: Element, label: Label) -> None:
        self._label(parent, label, self._words(label.role))

    def legend(self, root: Element) -> None:
        for group in self.scene.legend:
            self._legend(root, group)

    def end(self, root: Element, more: str = "") -> str:
        """The file, with its outlines, the rules for the dark palette, and more rules."""
        self._style(root, more)
        root.insert(2, self.glyphs.defs())
        ElementTree.indent(root, " ")
        return ElementTree.tostring(root, encoding="unicode") + "\n"

    # ── the parts ──

    def _root(self) -> Element:
        width, height = (number(side) for side in self.scene.size)
        title, desc = f"{self.prefix}-title", f"{self.prefix}-desc"
        root = Element("svg", {
            "xmlns": "http://www.w3.org/2000/svg", "width": width, "height": height,
            "viewBox": f"0 0 {width} {height}", "role": "img", "id": self.prefix, "class": f"{self.prefix}-diagram",
            "aria-labelledby": title, "aria-describedby": desc, "font-family": FONTS,
        })  # fmt: skip
        SubElement(root, "title", id=title).text = clean(self.scene.title)
        SubElement(root, "desc", id=desc).text = clean(self.scene.description)
        return root

    def _background(self, root: Element) -> None:
        width, height = (number(side) for side in self.scene.size)
        paint = self._paint("page", lambda palette: {"fill": palette.background})
        SubElement(root, "rect", {"x": "0", "y": "0", "width": width, "height": height, **paint})

    def _frame(self, root: Element, box: Box, k: int) -> None:
        group = SubElement(root, "g", self._group("container", "", f"cell-{k + 1}"))
        radius = number(min(FRAME_RADIUS, (box.right - box.left) / 4, (box.bottom - box.top) / 4))
        SubElement(group, "rect", {
            "x": number(box.left), "y": number(box.top), "rx": radius, "ry": radius,
            "width": number(box.right - box.left), "height": number(box.bottom - box.top),
            "stroke-width": number(OUTLINE),
            **self._paint("frame", lambda p: {"fill": p.container.fill, "stroke": p.container.stroke}),
        })  # fmt: skip

    def _wire(self, root: Element, wire: Wire, parts: tuple[Route, ...], head: bool) -> None:
        """The whole route, unpainted, for the pointer to find; then what no other wire paints of it, and the head."""
        ends = {"data-from": self.names.id("node", wire.source), "data-to": self.names.id("node", wire.target)}
        group = SubElement(root, "g", self._group("edge", wire.role, wire.id, wire.lit) | ends)
        SubElement(group, "title").text = clean(wire.title or f"{wire.source} → {wire.target}")
        reach = {"stroke-width": number(REACH), "pointer-events": "stroke"}
        SubElement(group, "path", {"d": path_data(wire.route), **reach})
        if parts:
            paint = self._coloured(f"line-{wire.role}", wire.lit, lambda p: {"stroke": p.wire(wire.role, wire.lit)})
            SubElement(group, "path", {"d": "".join(map(path_data, parts)), **self._line(wire), **paint})
        if head:
            paint = self._coloured(f"head-{wire.role}", wire.lit, lambda p: {"fill": p.wire(wire.role, wire.lit)})
            SubElement(group, "polygon", {"points": points_data(arrowhead(wire)), **paint})

    def _dot(self, root: Element, dot: Dot) -> None:
        paint = self._coloured(f"head-{dot.role}", dot.lit, lambda p: {"fill": p.wire(dot.role, dot.lit)})
        place = {"cx": number(dot.at.x), "cy": number(dot.at.y), "r": number(DOT_RADIUS)}
        SubElement(root, "circle", place | paint)

    def _node(self, parent: Element, node: Node, sample: bool = False) -> None:
        kind = "sample" if sample else "node"
        group = SubElement(parent, "g", self._group(kind, node.role, node.id, node.lit))
        if not sample:
            group.set("data-node", clean(node.of or node.id))
        if node.title:
            SubElement(group, "title").text = clean(node.title)
        paint = self._coloured(f"node-{node.role}", node.lit, lambda p: _shape(p, node))
        SubElement(group, "path", {"d": path_data(outline(node)) + "z", "stroke-width": number(OUTLINE), **paint})
        if node.label:
            ink = self._coloured(f"ink-{node.role}", node.lit, lambda p: {"fill": p.node(node.role, node.lit).text})
            self._label(group, node.label, ink)

    def _label(self, parent: Element, label: Label, ink: dict[str, str]) -> None:
        """The glyphs, and over them the text, which is not painted."""
        box = typeset(label.text, label.size, label.math)
        left, top = label.at.x - box.width / 2, label.at.y - box.height / 2
        place = {"x": number(left), "y": number(top + box.baseline), "font-size": number(label.size)}
        if box.glyphs:
            self.glyphs.shown(parent, box.glyphs, left, top, label.size).attrib.update(ink)
            # Paint that cannot be seen, not none: a browser lets its user select only what is painted.
            ink = {"fill-opacity": "0", "textLength": number(box.width), "lengthAdjust": "spacingAndGlyphs"}
        SubElement(parent, "text", place | ink).text = clean(box.text)

    def _legend(self, root: Element, group: Legend) -> None:
        element = SubElement(root, "g", self._group("legend", "", group.title))
        for label in legend_labels(group):
            self._label(element, label, self._words(label.role))
        for entry in group.entries:
            self._node(element, entry.sample, sample=True)

    # ── names and colours ──

    def _group(self, kind: str, role: str, name: str, lit: bool = True) -> dict[str, str]:
        return {"class": f"{kind} {self.names.classes(role, lit)}".rstrip(), "id": self.names.id(kind, name)}

    def _coloured(self, name: str, lit: bool, colours: ColoursOf) -> dict[str, str]:
        """Presentation attributes for something that a step may dim."""
        return self._paint(name if lit else f"{name.partition('-')[0]}-dimmed", colours)

    def _paint(self, name: str, colours: ColoursOf) -> dict[str, str]:
        """Presentation attributes and the class under which the dark palette finds them."""
        shown = colours(self.palette)
        if self.mode != "auto" or self.theme.light == self.theme.dark:
            return shown
        name = f"{self.prefix}-{token(name)}"
        self.dark[name] = colours(self.theme.dark)
        return {"class": name, **shown}

    def _words(self, role: str) -> dict[str, str]:
        return self._paint(f"text-{role}", lambda palette: {"fill": palette.words(role)})

    def _line(self, wire: Wire) -> dict[str, str]:
        """Its width, which converters do not inherit well, and its dashes."""
        dash = self.theme.dashes.get(wire.role, DASH if wire.dashed else ())
        dashes = {"stroke-dasharray": " ".join(number(STROKE * part) for part in dash)} if dash else {}
        return {"stroke-width": number(STROKE if wire.lit else DIMMED * STROKE), **dashes}

    def _style(self, root: Element, more: str) -> None:
        rules = "".join(f".{name}{{{_declared(colours)}}}" for name, colours in sorted(self.dark.items()))
        dark = f"@media (prefers-color-scheme: dark){{{rules}}}" if rules else ""
        if dark or more:
            style = Element("style")
            style.text = dark + more
            root.insert(2, style)


def _strokes(scene: Scene) -> list[tuple[Wire, tuple[Route, ...], bool]]:
    """Wires and trunks in order of painting, each with what it paints and whether the head is its own to paint."""
    wires, trunks = dimmed_first(scene.wires), dimmed_first(scene.trunks)
    under = {(lit, trunk.points[-1]) for trunk in trunks for lit in (trunk.lit, False)}
    strokes = [
        (wire, parts, wire.arrow and (wire.lit, wire.points[-1]) not in under)
        for wire, parts in zip(wires, ink(wires, trunks), strict=True)
    ]
    strokes += [(trunk, parts, trunk.arrow) for trunk, parts in zip(trunks, ink(trunks), strict=True)]
    return sorted(strokes, key=lambda stroke: stroke[0].lit)


def path_data(route: Route) -> str:
    """SVG path data of a Bezier route; its straight pieces are written as lines."""
    parts = [f"M{_pair(route[0])}"]
    for k in range(1, len(route), 3):
        piece = route[k - 1 : k + 3]
        parts.append(f"L{_pair(piece[3])}" if is_straight(piece) else "C" + " ".join(_pair(p) for p in piece[1:]))
    return "".join(parts)


def legend_labels(group: Legend) -> list[Label]:
    """The words of a group, its heading first."""
    return [label for label in (group.heading, *(entry.label for entry in group.entries)) if label]


def points_data(route: Iterable[Point]) -> str:
    return " ".join(_pair(p).replace(" ", ",") for p in route)


def _pair(point: Point) -> str:
    return f"{number(point.x)} {number(point.y)}"


def _shape(palette: Palette, node: Node) -> Colours:
    paint = palette.node(node.role, node.lit)
    return {"fill": paint.fill, "stroke": paint.stroke}


def dimmed_first(wires: Iterable[Wire]) -> list[Wire]:
    """What is lit is painted over what is dimmed, where they share a stretch."""
    return sorted(wires, key=lambda wire: wire.lit)


def _declared(colours: Colours) -> str:
    return ";".join(f"{name}:{colour}" for name, colour in colours.items())


def clean(text: str) -> str:
    """Without the characters that XML cannot hold; the tree escapes the rest.

    All that can be printed can be held; the pattern, which is slow to compile, is for what is left.
    """
    return text if text.isprintable() else re.sub(NOT_XML, "\N{REPLACEMENT CHARACTER}", text)
