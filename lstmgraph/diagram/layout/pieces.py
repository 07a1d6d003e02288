"""The pieces of plumbing: walls, water, collars, valves, tanks, on a line that runs to the right or down.

A piece is put together from plain nodes, so every writer draws it.  Along a line, `s` goes the way from its beginning
and `n` to its side: a valve's wheel stands at the side of negative n (above, or to the left), water lies at the other
(below, or to the right).  To change the looks, change the sizes here; the colours are roles of the themes.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate, pairwise

from lstmgraph.diagram.boxes import label_box, node_box
from lstmgraph.diagram.layout.shapes import Form
from lstmgraph.diagram.path import finish
from lstmgraph.diagram.scene import UNSET, Label, Node, Point, Scene, Shape, Wire, moved
from lstmgraph.diagram.typeset import measure
from lstmgraph.notation import juxtaposed

SPACE = 14.0  # around the picture
BETWEEN = 8.0  # between two values that one operation takes
BORE = 44.0  # the inner width of a pipe
R = BORE / 2
WALL = 5.0
OUT = R + WALL  # from the middle to the outside
COLLAR = 9.0  # how wide a collar is, along the pipe
RISE = 26.0  # how far a wheel rises when its valve opens
BONNET = OUT + 16.0  # how high the housing of a plate is
WHEEL = (44.0, 8.0)
HUB = 5.0
CONTROL = 26.0  # the wire from a gate to an open wheel
GATE = Form("circle", 36, 36)
FAR = BONNET + 6 + RISE + WHEEL[1] + HUB + CONTROL + GATE.height / 2  # from the pipe to the middle of a gate
SURFACE = 0.7  # water keeps off the walls by that
LABEL = 11.0
MARK = 18.0  # from the tip of an arrow to the sign beside it
SIGN = 15.0  # its size
ASIDE = 9.0  # of that sign from the line
OLD, NEW = "old_water", "new_water"
BORDER = 1.2  # between two waters of one colour, in the other
LEAST = 10.5  # no layer of water that is thinner has a label
LEGIBLE = 0.55  # of its size, that a label has at least


@dataclass(frozen=True)
class Layer:
    """Water of one origin: its role, its share of the new memory, its name in LaTeX, how much it is, and of how much.

    A pipe holds 1 until at a joint more comes together; from there on it holds all of that, so layers that are as
    much are as thick, wherever they came in.
    """

    role: str
    amount: float
    name: str
    volume: float
    bore: float = 1.0

    @property
    def fills(self) -> float:
        """The part of the bore that it fills."""
        return self.volume / self.bore

    def scaled(self, share: float) -> Layer:
        return replace(self, amount=self.amount * share, volume=self.volume * share)

    def times(self, factor: str, share: float = 1.0) -> Layer:
        """The same behind a factor whose value nobody can say: it stands in the name."""
        return replace(self, name=_product(_factor(factor), _factor(self.name)), volume=self.volume * share)

    @property
    def label(self) -> str:
        amount = f"{self.amount:.2f}".rstrip("0").rstrip(".")
        return _product(amount, self.name)


def _product(left: str, right: str) -> str:
    """Two factors with a thin space between them; a factor of 1 is left out."""
    return next((one for one, other in ((left, right), (right, left)) if other == "1"), juxtaposed(left, right))


def _factor(text: str) -> str:
    """A formula as it stands in a product: in brackets where it is a sum, but for what is in brackets itself."""
    depth = 0
    for at, sign in enumerate(text):
        depth += (sign in "({[") - (sign in ")}]")
        if depth == 0 and at and sign in "+-":
            return f"({text})"
    return text


def mixed(layers: Sequence[Layer]) -> list[Layer]:
    """Layers that come together; where there is more than fits they share the bore."""
    bore = max(sum(layer.volume for layer in layers), *(layer.bore for layer in layers))
    return [replace(layer, bore=bore) for layer in layers]


def heights(layers: Sequence[Layer]) -> list[float]:
    """How high the layers reach, in points from the bottom."""
    return [at * (BORE - 2 * SURFACE) for at in accumulate(layer.fills for layer in layers)]


def _borders(layers: Sequence[Layer], tops: Sequence[float]) -> list[tuple[str, float]]:
    """Where two waters of one colour meet: the colour of the line between them, and how high it lies."""
    seen = [(layer, top) for layer, top in zip(layers, tops, strict=True) if layer.fills > 0]
    same = [(a, top) for (a, top), (b, _) in pairwise(seen) if a.role == b.role]
    return [(NEW if layer.role == OLD else OLD, top) for layer, top in same]


@dataclass
class Pieces:
    """What has been put down so far, from the back to the front."""

    walls: list[Node] = field(default_factory=list)
    water: list[Node] = field(default_factory=list)
    metal: list[Node] = field(default_factory=list)
    front: list[Node] = field(default_factory=list)
    wires: list[Wire] = field(default_factory=list)
    labels: list[Label] = field(default_factory=list)
    count: int = 0

    def nodes(self) -> tuple[Node, ...]:
        return (*self.walls, *self.water, *self.metal, *self.front)

    def name(self, what: str) -> str:
        self.count += 1
        return f"{what} {self.count}"

    def wire(self, id: str, source: str, target: str, role: str, points: Sequence[Point], title: str) -> None:
        self.wires += finish([Wire(id, source, target, role, tuple(points), (), title=title)])


@dataclass(frozen=True)
class Line:
    """A pipe's middle line, from `start` to the right, or down."""

    to: Pieces
    start: Point
    down: bool = False

    def at(self, s: float, n: float = 0.0) -> Point:
        return Point(self.start.x + n, self.start.y + s) if self.down else Point(self.start.x + s, self.start.y + n)

    def bar(
        self, into: list[Node], what: str, role: str, s: tuple[float, float], n: tuple[float, float],
        shape: Shape = "bar", title: str = "", of: str = "",
    ) -> Node:  # fmt: skip
        """A plain piece over a stretch of the line and of its side."""
        at = self.at((s[0] + s[1]) / 2, (n[0] + n[1]) / 2)
        along, across = s[1] - s[0], abs(n[1] - n[0])
        width, height = (across, along) if self.down else (along, across)
        node = Node(self.to.name(what), "plumbing", role, shape, at, width, height, None, title, of=of)
        into.append(node)
        return node

    def wall(self, side: int, s: tuple[float, float]) -> None:
        if s[1] > s[0]:
            self.bar(self.to.walls, "wall", "pipe", s, (side * R, side * OUT), "slab")

    def collar(self, s: float) -> None:
        """A flange: where two pieces of pipe are screwed together."""
        for side in (-1, 1):
            self.bar(self.to.metal, "collar", "valve", (s - COLLAR / 2, s + COLLAR / 2), (side * R, side * (OUT + 5)))

    def water(self, s: tuple[float, float], layers: Sequence[Layer], labelled: bool = False) -> None:
        """A stretch of pipe with what runs in it, the first layer at the bottom."""
        low, said = 0.0, {""}
        for layer, high in zip(layers, heights(layers), strict=True):
            if high - low > 0.01 and s[1] > s[0]:
                node = self.bar(self.to.water, "water", layer.role, s, self._band(low, high), "slab", layer.label)
                new = labelled and high - low >= LEAST and layer.label not in said
                label = _fitting(layer.label, node) if new else None
                self.to.water[-1] = replace(node, label=label, operation=layer.role)
                said.add(layer.label if new else "")
            low = high
        for role, high in _borders(layers, heights(layers)):
            if s[1] > s[0]:
                self.bar(self.to.water, "border", role, s, self._band(high - BORDER / 2, high + BORDER / 2))

    def _band(self, low: float, high: float) -> tuple[float, float]:
        return R - SURFACE - high, R - SURFACE - low

    def swell(self, s: tuple[float, float], before: Sequence[Layer], after: Sequence[Layer]) -> None:
        """The stretch over a branch: what comes in lies down under what was there, which it lifts."""
        old, new = heights(before), heights(after)
        borders = {high: role for role, high in _borders(after, new)}
        for layer, low, high in reversed(list(zip(after, [0.0, *old], new, strict=True))):
            if high in borders:  # what is drawn next leaves a line of it
                self._swollen(s, borders[high], low + BORDER, high + BORDER, "")
            self._swollen(s, layer.role, low, high, layer.label)

    def _swollen(self, s: tuple[float, float], role: str, low: float, high: float, title: str) -> None:
        if low > 0.01:
            self.bar(self.to.water, "water", role, s, self._band(0, low), "slab", title)
        if high - low > 0.01:
            self.bar(self.to.water, "water", role, s, self._band(low, high), "swell", title)

    def valve(self, s: float, share: float, title: str, of: str) -> Node:
        """A gate valve: its plate shuts off what does not pass, its wheel stands the higher the further it is open."""
        metal = self.to.metal
        shut = -R + (1 - share) * BORE
        self.bar(metal, "plate", "valve", (s - 4, s + 4), (-OUT, max(shut, -R + 1)), title=title, of=of)
        for side in (-22.0, 22.0):
            self.collar(s + side)
        self.bar(metal, "bonnet", "valve", (s - 16, s + 16), (-OUT - 8, -OUT), title=title, of=of)
        self.bar(metal, "bonnet", "valve", (s - 9, s + 9), (-BONNET, -OUT - 8), title=title, of=of)
        top = -BONNET - 6 - RISE * share
        self.bar(metal, "stem", "valve", (s - 2, s + 2), (top, -BONNET), title=title, of=of)
        half, thick = WHEEL[0] / 2, WHEEL[1]
        hub = self.bar(metal, "hub", "valve", (s - 5, s + 5), (top - thick - HUB, top), title=title, of=of)
        wheel = self.bar(metal, "wheel", "valve", (s - half, s + half), (top - thick, top), "box", title, of)
        metal[-1] = replace(wheel, operation="valve")
        return hub

    def control(self, s: float, wheel: Node, gate: Node, wire: str, words: str, sign: str = "") -> None:
        """The gate over its valve, and the line by which it moves the wheel.  `words` say how far it is open.

        `wheel` is what the line ends at: the hub of a valve, the port of a device, or an operation; `sign` stands
        beside that end.
        """
        wide = (gate.width - GATE.width) / 2 if self.down else 0.0
        where = self.at(s, -FAR - wide)
        placed = replace(gate, at=where, label=replace(gate.label, at=where) if gate.label else None)
        self.to.front.append(placed)
        begin = self.at(s, -FAR + GATE.height / 2)  # a wide gate reaches further out
        end = self._outer(wheel, begin)
        self.to.wire(wire, placed.id, wheel.id, "internal", (begin, end), gate.title)
        if sign:
            at = Point(end.x - MARK, end.y - ASIDE) if self.down else Point(end.x + ASIDE, end.y - MARK)
            self.to.labels.append(Label(sign, at, SIGN, of=wire))
        if words:
            label = Label(words, placed.at, LABEL, of=placed.id)
            far = (gate.height if self.down else gate.width) / 2 + self.words(words)
            x, y = placed.at
            width, height = measure(label)
            at = Point(x, y + far - height / 2) if self.down else Point(x + far - width / 2, y)
            self.to.labels.append(replace(label, at=at))

    def words(self, text: str) -> float:
        """How much room words beside a gate take along the line."""
        width, height = measure(Label(text, self.start, LABEL))
        return (height + 5 if self.down else width + 6) if text else 0.0

    def _outer(self, node: Node, begin: Point) -> Point:
        """Where a line from `begin` meets the side of a piece that is turned away from the pipe."""
        if self.down:
            return Point(node.at.x - node.width / 2, begin.y)
        return Point(begin.x, node.at.y - node.height / 2)


def with_unset(scene: Scene, gates: Collection[str]) -> Scene:
    """The scene in which it is told apart how far those of these gates stand open that nobody set."""
    ids = {n.id for n in scene.nodes if n.of in gates}
    labels = (replace(x, role=UNSET) if x.of in ids and x.text.startswith("=") else x for x in scene.labels)
    return replace(scene, labels=tuple(labels))


def _fitting(text: str, node: Node) -> Label | None:
    """A label in a layer of water, unless it would be too small to be read: the layer's title says it too."""
    label = Label(text, node.at, LABEL)
    width, height = measure(label)
    fits = min(1.0, 0.8 * node.height / height, 0.9 * node.width / width)
    return replace(label, size=round(LABEL * fits, 2)) if fits >= LEGIBLE else None


def apart(sizes: Sequence[tuple[float, float]]) -> list[float]:
    """The places of things beside one another, around the middle of all; of each how long it is, and its words."""
    at, places = 0.0, []
    for size, words in sizes:
        places.append(at + size / 2)
        at += size + words + BETWEEN
    middle = (places[-1] + sizes[-1][0] / 2) / 2 if sizes else 0.0
    return [place - middle for place in places]


def fitted(scene: Scene) -> Scene:
    """The scene so that it begins at the top left, with some space around it."""
    boxes = [*scene.frames, *map(node_box, scene.nodes), *map(label_box, scene.labels)]
    left, top = min(b.left for b in boxes) - SPACE, min(b.top for b in boxes) - SPACE
    right, bottom = max(b.right for b in boxes) + SPACE, max(b.bottom for b in boxes) + SPACE
    return replace(moved(scene, -left, -top), size=(right - left, bottom - top))
