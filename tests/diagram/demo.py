"""Hand-made scenes for the tests of themes and writers."""

from __future__ import annotations

from dataclasses import replace

from lstmgraph.diagram.path import finish, junctions
from lstmgraph.diagram.scene import Box, Entry, Label, Legend, Node, Point, Scene, Shape, Wire
from lstmgraph.diagram.typeset import measure

NETWORKS = {"f": (150, "sigmoid"), "i": (250, "sigmoid"), "g": (350, "tanh"), "o": (450, "sigmoid")}
GLYPHS = {"sigmoid": r"\sigma", "tanh": r"\tanh"}
SHAPES: dict[str, Shape] = {"sigmoid": "teardrop", "tanh": "pentagon"}
PIPE, MIX, LAYER, SUM, RAIL, FLOOR = 60, 118, 190, 250, 318, 334


def node(id: str, role: str, shape: Shape, x: float, y: float, glyph: str, width: float, height: float) -> Node:
    size = 11.5 if glyph == r"\tanh" else 17 if glyph in (r"\sigma", r"\times", "+") else 14
    label = Label(glyph, Point(x, y), size)
    return Node(id, "operator", role, shape, Point(x, y), width, height, label, title=f"{id} & <co>")


def value(id: str, role: str, x: float, y: float, glyph: str) -> Node:
    return node(id, role, "circle", x, y, glyph, 38, 38)


def operator(id: str, x: float, y: float, glyph: str) -> Node:
    return node(id, "operator", "circle", x, y, glyph, 26, 26)


def wire(source: str, target: str, role: str, *points: tuple[float, float], dashed: bool = False) -> Wire:
    return Wire(f"{source}>{target}", source, target, role, tuple(Point(*p) for p in points), (), dashed=dashed)


def lstm_nodes() -> list[Node]:
    nodes = [
        value("c[t-1]", "previous_memory", 30, PIPE, "c_{t-1}"),
        value("h[t-1]", "previous_output", 30, RAIL, "h_{t-1}"),
        value("x[t]", "input", 100, 394, "x_t"),
    ]
    for k, (name, (x, role)) in enumerate(NETWORKS.items()):
        nodes.append(node(f"b_{name}", "bias", "circle", x + 24, 290, str(k), 19, 19))
        nodes.append(node(f"sum_{name}", "sum", "box", x, SUM, "+", 68, 32))
        nodes.append(node(f"{name}[t]", role, SHAPES[role], x, LAYER, GLYPHS[role], 36, 36))
    nodes += [
        operator("f*c", 150, PIPE, r"\times"),
        operator("i*g", 350, MIX, r"\times"),
        operator("+", 350, PIPE, "+"),
        node("tanh_c", "tanh", "pentagon", 530, MIX, r"\tanh", 36, 36),
        operator("o*tanh", 530, LAYER, r"\times"),
        value("c[t]", "memory", 660, PIPE, "c_t"),
        value("h[t]", "output", 660, RAIL, "h_t"),
        value("h[t]^", "output", 590, -30, r"\tilde{h}_t"),
    ]
    return nodes


def lstm_wires() -> list[Wire]:
    wires = []
    for name, (x, _) in NETWORKS.items():
        wires += [
            wire("h[t-1]", f"sum_{name}", "previous_output", (49, RAIL), (x - 24, RAIL), (x - 24, SUM + 16)),
            wire("x[t]", f"sum_{name}", "input", (100, 375), (100, FLOOR + 6), (x, FLOOR + 6), (x, SUM + 16)),
            wire(f"b_{name}", f"sum_{name}", "bias", (x + 24, 280.5), (x + 24, SUM + 16)),
            wire(f"sum_{name}", f"{name}[t]", "internal", (x, SUM - 16), (x, LAYER + 18)),
        ]
    wires += [
        wire("c[t-1]", "f*c", "previous_memory", (49, PIPE), (137, PIPE)),
        wire("c[t-1]", "sum_f", "previous_memory", (49, PIPE), (88, PIPE), (88, SUM), (116, SUM)),
        wire(
            "c[t-1]", "sum_i", "previous_memory", (49, PIPE), (88, PIPE), (88, 222), (200, 222), (200, SUM), (216, SUM)
        ),
        wire("f[t]", "f*c", "internal", (150, LAYER - 18), (150, PIPE + 13)),
        wire("i[t]", "i*g", "internal", (250, LAYER - 18), (250, MIX), (337, MIX)),
        wire("g[t]", "i*g", "internal", (350, LAYER - 18), (350, MIX + 13)),
        wire("i*g", "+", "internal", (350, MIX - 13), (350, PIPE + 13)),
        wire("f*c", "+", "internal", (163, PIPE), (337, PIPE)),
        wire("+", "c[t]", "memory", (363, PIPE), (641, PIPE)),
        wire("+", "sum_o", "memory", (363, PIPE), (400, PIPE), (400, SUM), (416, SUM)),
        wire("+", "tanh_c", "memory", (363, PIPE), (530, PIPE), (530, MIX - 18)),
        wire("tanh_c", "o*tanh", "internal", (530, MIX + 18), (530, LAYER - 13)),
        wire("o[t]", "o*tanh", "internal", (468, LAYER), (517, LAYER)),
        wire("o*tanh", "h[t]", "output", (530, LAYER + 13), (530, RAIL), (641, RAIL)),
        wire("o*tanh", "h[t]^", "output", (530, LAYER + 13), (530, RAIL), (590, RAIL), (590, -11)),
    ]
    return wires


def moved(scene: Scene, dx: float, dy: float) -> Scene:
    """The same picture elsewhere."""

    def at(p: Point) -> Point:
        return Point(p.x + dx, p.y + dy)

    def label(found: Label) -> Label:
        return replace(found, at=at(found.at))

    nodes = [replace(n, at=at(n.at), label=n.label and label(n.label)) for n in scene.nodes]
    wires = [replace(w, points=tuple(map(at, w.points)), route=tuple(map(at, w.route))) for w in scene.wires]
    frames = [Box(b.left + dx, b.top + dy, b.right + dx, b.bottom + dy) for b in scene.frames]
    dots = [replace(d, at=at(d.at)) for d in scene.dots]
    labels = [label(found) for found in scene.labels]
    return replace(
        scene, nodes=tuple(nodes), wires=tuple(wires), frames=tuple(frames), dots=tuple(dots), labels=tuple(labels)
    )


def lstm(dashed: bool = False, lit: frozenset[str] | None = None) -> Scene:
    """A peephole LSTM in the manner of a pipe.  `lit`: the nodes that a step lights, all if None."""
    nodes = [replace(n, lit=lit is None or n.id in lit) for n in lstm_nodes()]
    on = {n.id for n in nodes if n.lit}
    wires = [
        replace(w, dashed=dashed and w.role.startswith("previous"), lit=w.source in on and w.target in on, title=w.id)
        for w in lstm_wires()
    ]
    labels = [
        Label("f_t", Point(139, 132), 12),
        Label("i_t", Point(239, 150), 12),
        Label(r"\tilde{c}_t", Point(338, 150), 12),
        Label("o_t", Point(492, LAYER - 10), 12),
    ]
    frame = Box(70, 20, 615, 362)
    words = "x[t] feeds <everything> & more."
    scene = Scene("demo-pipe", "LSTM with peepholes", words, (700, 460), (frame,), tuple(nodes), finish(wires),
                  junctions(wires), tuple(labels))  # fmt: skip
    scene = moved(scene, 16, 76)
    nodes_by_id = {n.id: replace(n, lit=True) for n in scene.nodes}
    groups = (
        group("Inputs", 24, [(nodes_by_id["x[t]"], "Input"), (nodes_by_id["c[t-1]"], "Memory of the previous step")]),
        group("Outputs", 254, [(nodes_by_id["c[t]"], "Memory"), (nodes_by_id["h[t]"], "Output")]),
        group("Nonlinearities", 380, [(nodes_by_id["f[t]"], "Sigmoid"), (nodes_by_id["g[t]"], "Hyperbolic tangent")]),
        group("Vector operations", 560, [(nodes_by_id["f*c"], "Product"), (nodes_by_id["+"], "Sum")]),
    )
    return replace(scene, legend=groups, size=(722, 650))


def group(title: str, left: float, entries: list[tuple[Node, str]]) -> Legend:
    """A column of the legend."""

    def flush(text: str, x: float, y: float, role: str = "text") -> Label:
        label = Label(text, Point(x, y), 12, math=False, role=role)
        return replace(label, at=Point(x + measure(label)[0] / 2, y))

    rows, wide = [], max(node.width for node, _ in entries)
    for k, (sample, words) in enumerate(entries):
        at = Point(left + wide / 2, 556 + 50 * k)
        label = sample.label and replace(sample.label, at=at)
        rows.append(Entry(replace(sample, at=at, label=label), words, flush(words, left + wide + 9, at.y)))
    return Legend(title, tuple(rows), flush(title, left, 520, "heading"))
