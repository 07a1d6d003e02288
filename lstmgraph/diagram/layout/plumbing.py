"""The plumbing style: a memory as a water pipe, gates as valves, a sum as a T-joint where new water comes in.

Old water comes from the previous step; each valve lets through as much of it as its gate says; at a joint a branch from
below adds the candidate's water, which lies down under the old one and lifts it; what there is then is the new memory.
Behind it an outlet may lead through more valves to the output.  What flows is found in `flows`, how a piece looks is
said in `pieces`; here the pieces are put together, for any cell that has a memory.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from lstmgraph.diagram.compose import moved
from lstmgraph.diagram.graph import Edge, Graph
from lstmgraph.diagram.ground import around, of_label
from lstmgraph.diagram.layout.flows import Branch, Device, Outlet, Run, Valve, runs
from lstmgraph.diagram.layout.labels import inside
from lstmgraph.diagram.layout.pieces import COLLAR, FAR, GATE, OUT, Layer, Line, Pieces, R, mixed
from lstmgraph.diagram.layout.shapes import EXTERNAL, Form, form_of, glyph_length, role_of
from lstmgraph.diagram.scene import Box, Node, Point, Scene
from lstmgraph.errors import UsageError

VALVE = 58.0  # from the beginning of a valve's stretch to its middle, and on to the end
DEVICE = 40.0  # the same of a device
BEGIN = 40.0  # from the tank to the first stretch
AFTER = 36.0  # from a joint to what comes next
MIXED = 108.0  # of the pipe where the layers have their labels
END = 40.0  # from the last stretch to the mouth
MOUTH = 44.0  # from the mouth of a pipe to the value that leaves
TANK = Form("box", 62, 62)
SOURCE = Form("box", 76, 48)
CAP = 7.0  # how thick the end of a pipe is
PAD = 16.0  # from what is inside to the border
DOTS = r"\cdots"
SHORT, LONG = 5, 9  # names of values are written out up to such lengths: log(f), v x k
SPACE = 14.0  # around the picture
APART = 30.0  # between two memories, and between what hangs from one
OLD, NEW = "old_water", "new_water"


def layout_plumbing(
    graph: Graph,
    gates: Collection[str],
    opened: Mapping[str, float],
    title: str = "",
    names: Mapping[str, str] | None = None,
    id: str = "plumbing",
) -> Scene:
    """The plumbing of a cell.

    `gates` are the values that are drawn as gates, by base name ("f"), and `opened` says how far some of them stand
    open, from 0 to 1; the others stand half open (see `lstmgraph.limits`, which checks both).  `names` gives the LaTeX
    of values ("f[t]").  Raises UsageError for a graph without a memory.
    """
    found = runs(graph, gates, opened)
    if not found:
        raise UsageError("no memory of this cell runs from step to step on a way of its own: there is no plumbing")
    end = max(_Plumbing(graph, names or {}).put(found))
    drawing = _Plumbing(graph, names or {}, end)
    drawing.put(found)
    return drawing.scene(id, title, _description(found, graph))


class _Plumbing:
    """One drawing being put together, a memory under the other, each at least as long as `least`."""

    def __init__(self, graph: Graph, names: Mapping[str, str], least: float = 0.0) -> None:
        self.graph, self.names, self.least = graph, names, least
        self.to = Pieces()
        self.node = {n.id: n for n in graph.nodes}
        self.below = 0.0  # how far to the right something hangs from the pipe
        self.deepest = 0.0
        self.mouths: list[tuple[Edge, Point, bool]] = []  # where water leaves: the edge, the place, whether downwards

    # ── what things are called ──

    def name(self, id: str) -> str:
        """The LaTeX of a value, or of what computes it where it has no name."""
        node = self.node[id]
        if node.value:
            return self.names.get(node.value, node.glyph if node.kind != "function" else node.value.split("[")[0])
        inner = [self.operand(e.source) for e in self.graph.into(id)]
        if node.kind == "function":
            return rf"{node.glyph}({inner[0] if glyph_length(inner[0]) < SHORT else DOTS})"
        written = rf"\,{node.glyph}\,".join(inner) if len(inner) > 1 else " ".join([node.glyph, *inner])
        formula = node.kind == "operator" or len(inner) == 1
        return written if formula and DOTS not in written and glyph_length(written) < LONG else node.glyph

    def operand(self, id: str) -> str:
        """The same within the name of an operation: in brackets if it is an operation without a name itself."""
        node, name = self.node[id], self.name(id)
        return rf"({name})" if node.kind in ("operator", "sum") and not node.value and name != node.glyph else name

    def words(self, id: str) -> str:
        return self.node[id].value or self.node[id].title or id

    def gate(self, edge: Edge) -> Node:
        """The gate of a valve, to be put somewhere."""
        node = self.node[edge.source]
        where = Point(0, 0)
        label = inside(self.name(edge.source), GATE, where)
        role = role_of(node, edge.kind)
        of = node.id
        return Node(
            f"{node.id}@{edge.target}", "gate", role, "circle", where, GATE.width, GATE.height, label, node.title, of=of
        )

    # ── one memory ──

    def put(self, found: Sequence[Run]) -> list[float]:
        """Draws all memories; returns where they end."""
        top, ends = 0.0, []
        for run in found:
            ends.append(self.run(run, top))
            top = self.deepest + APART
        return ends

    def run(self, run: Run, top: float) -> float:
        """Draws a memory under what is drawn already; returns where it ends."""
        above = FAR + GATE.height / 2 if any(isinstance(s, (Valve, Device)) for s in run.stops) else OUT
        y = top + above
        self.below, self.deepest = PAD + APART / 2, y + OUT + 5
        line = Line(self.to, Point(0, y))
        layers = [Layer(OLD, 1.0, self.name(run.previous), 1.0)]
        gaps: list[float] = []
        at = begin = BEGIN if isinstance(run.stops[0] if run.stops else None, Branch) else BEGIN / 2
        line.water((0, begin), layers)
        for stop in run.stops:
            if isinstance(stop, Branch):
                at, layers = self.joint(line, stop, at, layers)
                gaps.append(at - AFTER)
            else:
                at, layers = self.stop(line, stop, at, layers)
        line.water((at, at + MIXED), layers, labelled=True)
        at += MIXED
        if run.outlet:
            at = self.drain(line, run.outlet, at, layers, gaps)
        end = max(self.least, at + END / 2)
        line.water((at, end), layers)
        self.shell(line, end, gaps)
        self.mouths.append((run.next, line.at(end), False))
        self.tank(run.previous, Point(-TANK.width / 2, y), TANK, OLD, "previous")
        return end

    def shell(self, line: Line, end: float, gaps: Sequence[float]) -> None:
        """The walls of a run, open where something branches off."""
        line.wall(-1, (0, end))
        starts = [0.0, *(x + R for x in gaps)]
        ends = [*(x - R for x in gaps), end]
        for s in zip(starts, ends, strict=True):
            line.wall(1, s)
        for x in gaps:
            for side in (-1, 1):
                line.collar(x + side * (OUT + COLLAR / 2 + 6))
        line.collar(COLLAR / 2)
        line.collar(end - COLLAR / 2)

    def stop(self, line: Line, stop: Valve | Device, at: float, layers: list[Layer]) -> tuple[float, list[Layer]]:
        """A valve or a device from `at` on, in the direction of the water; what flows behind it."""
        if isinstance(stop, Device):
            line.water((at, at + 2 * DEVICE), layers)
            self.device(line, stop, at + DEVICE)
            return at + 2 * DEVICE, layers
        passed = [layer.scaled(stop.share) for layer in layers]
        line.water((at, at + VALVE - 4), layers)
        line.water((at + VALVE - 4, at + 2 * VALVE), passed)
        self.valve(line, stop, at + VALVE)
        return at + 2 * VALVE, passed

    def valve(self, line: Line, valve: Valve, s: float) -> None:
        gate = self.gate(valve.edge)
        said = self.words(valve.edge.source)
        title = said if valve.opening is None else f"{said}: {_open(valve.opening)}"
        wheel = line.valve(s, valve.share, title, valve.edge.target)
        line.control(s, wheel, gate, valve.edge.id, "" if valve.opening is None else f"={valve.opening:g}")

    def device(self, line: Line, device: Device, s: float) -> None:
        """An operation on the pipe, and beside it what else it takes."""
        node = self.node[device.node]
        form = form_of(node, 1, wide_sums=False)
        at = line.at(s)
        label = inside(node.glyph, form, at)
        self.to.front.append(
            Node(
                node.id,
                node.kind,
                role_of(node, "internal"),
                form.shape,
                at,
                form.width,
                form.height,
                label,
                node.title,
                operation=node.operation,
            )
        )
        for side in (-1, 1):
            line.collar(s + side * (DEVICE - 8))
        for k, edge in enumerate(device.operands):
            gate = self.gate(edge)
            sign = "-" if edge.negative else ""
            shift = (k - (len(device.operands) - 1) / 2) * (GATE.width + 8)
            hub = line.bar(self.to.metal, "port", "valve", (s + shift - 3, s + shift + 3), (-OUT - 9, -OUT))
            line.control(s + shift, hub, gate, edge.id, sign)

    # ── what comes in, what goes out ──

    def hanging(self, stops: Sequence[Valve | Device]) -> float:
        """How far to the left of a vertical pipe its gates reach."""
        return FAR + GATE.width / 2 if any(isinstance(s, Valve) or s.operands for s in stops) else SOURCE.width / 2

    def place(self, at: float, stops: Sequence[Valve | Device]) -> float:
        """The middle of a vertical pipe that hangs from a run, beside what hangs there already."""
        x = max(at + AFTER, self.below + self.hanging(stops) + PAD)
        self.below = x + max(OUT + 6, SOURCE.width / 2) + APART / 2
        return x

    def joint(self, line: Line, branch: Branch, at: float, layers: list[Layer]) -> tuple[float, list[Layer]]:
        """A branch from below; returns where the run goes on, and with what in it."""
        x = self.place(at, branch.stops)
        down = Line(self.to, line.at(x, R), down=True)
        s = COLLAR + 16.0
        spans = []
        for stop in branch.stops:
            far = VALVE if isinstance(stop, Valve) else DEVICE
            spans.append((s, s + 2 * far, stop))
            s += 2 * far
        s += 0 if spans else APART / 2
        coming = [Layer(NEW, branch.amount, self.name(branch.source), branch.amount)]
        low = s
        for start, end, stop in reversed(spans):
            passed = self.upwards(down, stop, start, end, low, coming)
            low, coming = start, passed
        down.water((0, low), coming)
        self.stem(down, s)
        self.tank(branch.source, down.at(s + SOURCE.height / 2), SOURCE, NEW, "source", branch.joint)
        self.deepest = max(self.deepest, down.at(s + SOURCE.height).y)
        stream = coming[0].fills * 2 * R
        together = mixed([*coming, *layers])
        line.water((at, x + R - stream), layers)
        line.swell((x + R - stream, x + R), layers, together)
        line.water((x + R, x + AFTER), together)
        return x + AFTER, together

    def stem(self, line: Line, end: float) -> None:
        """The walls of a vertical pipe, and the collars at its ends."""
        for side in (-1, 1):
            line.wall(side, (0, end))
        line.collar(COLLAR / 2 + OUT - R + 6)
        line.collar(end - COLLAR / 2)

    def upwards(
        self, line: Line, stop: Valve | Device, start: float, end: float, low: float, coming: list[Layer]
    ) -> list[Layer]:
        """A stop of a branch, in which the water rises from `low`; what flows above it."""
        middle = (start + end) / 2
        if isinstance(stop, Device):
            line.water((start, low), coming)
            self.device(line, stop, middle)
            return coming
        passed = [layer.scaled(stop.share) for layer in coming]
        line.water((middle + 4, low), coming)
        line.water((start, middle + 4), passed)
        self.valve(line, stop, middle)
        return passed

    def drain(self, line: Line, outlet: Outlet, at: float, layers: list[Layer], gaps: list[float]) -> float:
        """The way down from the new memory to the output; returns where the run goes on."""
        x = self.place(at, outlet.stops)
        gaps.append(x)
        line.water((at, x + AFTER), layers)
        down = Line(self.to, line.at(x, R), down=True)
        s = COLLAR + 16.0
        flowing = layers
        down.water((0, s), flowing)
        for stop in outlet.stops:
            s, flowing = self.stop(down, stop, s, flowing)
        down.water((s, s + END / 2), flowing)
        s += END / 2
        self.stem(down, s)
        self.deepest = max(self.deepest, down.at(s).y)
        self.mouths.append((outlet.edge, down.at(s), True))
        return x + AFTER

    def tank(self, id: str, at: Point, form: Form, role: str, kind: str, joint: str = "") -> None:
        """Where water comes from."""
        node = self.node[id]
        label = inside(self.name(id), form, at)
        name, of = (f"{id}@{joint}", id) if joint else (id, "")
        self.to.front.append(
            Node(
                name,
                kind,
                role,
                form.shape,
                at,
                form.width,
                form.height,
                label,
                node.title,
                operation=node.operation,
                of=of,
            )
        )

    # ── the whole ──

    def scene(self, id: str, title: str, description: str) -> Scene:
        inside_of = [n for n in self.to.nodes() if n.kind != "previous"]
        right = max(n.at.x + n.width / 2 for n in inside_of)
        top = min(n.at.y - n.height / 2 for n in inside_of)
        bottom = max([self.deepest, *(n.at.y + n.height / 2 for n in inside_of)])
        border = Box(PAD, top - PAD, right + PAD, bottom + PAD)
        for edge, mouth, down in self.mouths:
            self.leave(edge, mouth, down, border)
        return _fitted(
            Scene(
                id,
                title,
                description,
                (0, 0),
                (border,),
                self.to.nodes(),
                tuple(self.to.wires),
                (),
                tuple(self.to.labels),
            )
        )

    def leave(self, edge: Edge, mouth: Point, down: bool, border: Box) -> None:
        """The value that leaves, outside of the border, and the arrow to it from the mouth of its pipe."""
        node = self.node[edge.target]
        far = EXTERNAL.width / 2
        at = Point(mouth.x, border.bottom + MOUTH - 8) if down else Point(border.right + MOUTH - 8, mouth.y)
        line = Line(self.to, mouth, down)
        cap = line.bar(self.to.metal, "mouth", "valve", (-CAP, 0), (-OUT - 5, OUT + 5), of=edge.source)
        tip = Point(at.x, at.y - far) if down else Point(at.x - far, at.y)
        self.to.wire(edge.id, cap.id, node.id, edge.kind, (mouth, tip), node.title)
        label = inside(self.name(node.id), EXTERNAL, at)
        self.to.front.append(
            Node(
                node.id,
                "next",
                edge.kind,
                "circle",
                at,
                EXTERNAL.width,
                EXTERNAL.height,
                label,
                node.title,
                operation=node.operation,
            )
        )


def _fitted(scene: Scene) -> Scene:
    """The scene so that it begins at the top left, with some space around it."""
    boxes = [*scene.frames, *(around(n.at, n.width, n.height) for n in scene.nodes), *map(of_label, scene.labels)]
    left, top = min(b.left for b in boxes) - SPACE, min(b.top for b in boxes) - SPACE
    right, bottom = max(b.right for b in boxes) + SPACE, max(b.bottom for b in boxes) + SPACE
    return replace(moved(scene, -left, -top), size=(right - left, bottom - top))


def _description(found: Sequence[Run], graph: Graph) -> str:
    """The drawing in words."""
    return " ".join(line for run in found for line in _said(run, graph))


def _open(opening: float) -> str:
    return {0.0: "shut", 1.0: "open"}.get(opening, f"{opening:g} open")


def _said(run: Run, graph: Graph) -> Iterator[str]:
    node = {n.id: n for n in graph.nodes}

    def valves(stops: Sequence[Valve | Device | Branch]) -> str:
        said = [
            f"the valve {node[s.edge.source].value or node[s.edge.source].title}"
            + ("" if s.opening is None else f" ({_open(s.opening)})")
            if isinstance(s, Valve)
            else node[s.node].operation.replace("_", " ")
            for s in stops
            if not isinstance(s, Branch)
        ]
        return " through " + ", then ".join(said) if said else ""

    yield f"{run.previous} flows{valves(run.stops)} to {node[run.next.target].value}."
    for stop in run.stops:
        if isinstance(stop, Branch):
            yield f"{node[stop.source].value or node[stop.source].title} comes in{valves(stop.stops)}."
    if run.outlet:
        yield f"From there water flows{valves(run.outlet.stops)} to {node[run.outlet.edge.target].value}."
