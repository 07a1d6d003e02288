"""The plumbing style: a memory as a water pipe, gates as valves, a sum as a T-joint where new water comes in.

Old water comes from the previous step; each valve lets through as much of it as its gate says; at a joint a branch from
below adds the candidate's water, which lies down under the old one and lifts it; what there is then is the new memory.
Behind it an outlet may lead through more valves to the output; operations that no water flows through stand under its
mouth.  What flows is found in `flows`, how a piece looks is said in `pieces`; here the pieces are put together, for any
cell that has a memory.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from lstmgraph.diagram.extract import SCALED
from lstmgraph.diagram.graph import Edge, Graph
from lstmgraph.diagram.graph import Node as Operation
from lstmgraph.diagram.layout.flow_words import description, how_far, how_open
from lstmgraph.diagram.layout.flows import Branch, Device, Outlet, Reading, Run, Valve, runs, taken, unset
from lstmgraph.diagram.layout.labels import inside
from lstmgraph.diagram.layout.pieces import (
    ASIDE,
    COLLAR,
    FAR,
    GATE,
    LABEL,
    NEW,
    OLD,
    OUT,
    SIGN,
    Layer,
    Line,
    Pieces,
    R,
    apart,
    fitted,
    mixed,
    with_unset,
)
from lstmgraph.diagram.layout.shapes import EXTERNAL, Form, form_of, role_of
from lstmgraph.diagram.scene import Box, Label, Node, Point, Scene
from lstmgraph.diagram.typeset import measure
from lstmgraph.errors import UsageError

VALVE = 58.0  # from the beginning of a valve's stretch to its middle, and on to the end
DEVICE = 40.0  # the same of a device
BEGIN = 40.0  # from the tank to the first stretch
AFTER = 36.0  # from a joint to what comes next
MIXED = 108.0  # of the pipe where the layers have their labels, if these are no longer
END = 40.0  # from the last stretch to the mouth
MOUTH = 44.0  # from the mouth of an outlet to the value that leaves
READ = 32.0  # from there to an operation outside of the pipes, and to the next
BEYOND = 56.0  # of a memory's pipe, from its last stretch through the border to the tank of the next step
TANK = Form("box", 62, 62)
SOURCE = Form("box", 76, 48)
AROUND = 12.0  # around what stands at a stop, along a pipe that runs to the right
CAP = 7.0  # how thick the end of a pipe is
PAD = 16.0  # from what is inside to the border
LONGEST = 300.0  # no label is longer
RIM = 8.0  # how much narrower a formula is than its box
TEXT = 13.0  # the size of a label that needs more room than its piece has
APART = 30.0  # between two memories, and between what hangs from one
ORIGIN = Point(0, 0)

Taken = Sequence[tuple[Edge, float | None]]  # what a stop takes besides, with how far that stands open


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
    of values ("f[t]") and, by the id of its node, that of what has no name.  Raises UsageError for a graph without a
    memory, and for one with something that cannot be shown.
    """
    found = runs(graph, gates, opened)
    if not found:
        raise UsageError("no memory of this cell runs from step to step on a way of its own: there is no plumbing")
    end = max(_Plumbing(graph, names or {}).put(found))
    drawing = _Plumbing(graph, names or {}, end)
    drawing.put(found)
    return with_unset(drawing.scene(id, title, description(found, graph)), unset(graph, gates, opened))


class _Plumbing:
    """One drawing being put together, a memory under the other, each at least as long as `least`."""

    def __init__(self, graph: Graph, names: Mapping[str, str], least: float = 0.0) -> None:
        self.graph, self.names, self.least = graph, names, least
        self.to = Pieces()
        self.node = {n.id: n for n in graph.nodes}
        self.below = 0.0  # how far to the right something hangs from the pipe
        self.deepest = 0.0
        self.exits: list[tuple[Edge, str, Point]] = []  # what leaves: the edge, the piece from which, and the place

    # ── what things are called ──

    def name(self, id: str) -> str:
        """The LaTeX of a value, or of what computes it where it has no name."""
        node = self.node[id]
        return self.names.get(node.value or node.id, node.glyph)

    def words(self, id: str) -> str:
        return self.node[id].value or self.node[id].title or id

    def form(self, id: str, usual: Form) -> Form:
        """The form of what bears the name of a value: wider than usual where it is a formula."""
        width = measure(Label(self.name(id), Point(0, 0), TEXT))[0]
        if width > LONGEST:
            raise UsageError(
                f"the plumbing has no room for a formula as long as {self.words(id)}",
                hint="give it a name of its own in the equations, or choose the style pipe",
            )
        return (
            usual if width <= usual.width * 0.86 else Form("box", 2 * math.ceil((width + RIM) / 1.72 + 1), usual.height)
        )

    def reach(self, line: Line, stop: Valve | Device) -> float:
        """From the beginning of a stop to its middle, and from there to its end."""
        least = VALVE if isinstance(stop, Valve) else DEVICE
        if isinstance(stop, Device) and not line.down:
            least = max(least, form_of(self.node[stop.node], 1, wide_sums=False).width / 2 + AROUND)
        return max(least, self.span(line, [(e, None) for e in taken(stop)]) / 2 + (4 if line.down else AROUND))

    def beside(self, line: Line, operands: Taken) -> list[tuple[float, float]]:
        """How long the gates and values at a stop are along the line, and the words of each."""
        forms = [self.form(edge.source, GATE) for edge, _ in operands]
        words = [line.words(how_far(opening)) for _, opening in operands]
        return [(f.height if line.down else f.width, w) for f, w in zip(forms, words, strict=True)]

    def span(self, line: Line, operands: Taken) -> float:
        """How long a stop is for what it takes to have its place."""
        sizes = self.beside(line, operands)
        ends = [at + size / 2 + words for at, (size, words) in zip(apart(sizes), sizes, strict=True)]
        return 2 * max(ends, default=0.0)

    def behind(self, stop: Valve | Device, layers: Sequence[Layer]) -> list[Layer]:
        """What flows behind a stop."""
        if isinstance(stop, Device):
            node = self.node[stop.node]
            if node.operation == SCALED:
                return [layer.times(node.glyph.removesuffix(r"\times")) for layer in layers]
            return [replace(layer, name=self.name(stop.node), amount=1.0) for layer in layers]
        if stop.opening is None:
            return [layer.times(self.name(stop.edge.source), stop.share) for layer in layers]
        return [layer.scaled(stop.share) for layer in layers]

    def gate(self, edge: Edge) -> Node:
        """The gate of a valve, to be put somewhere."""
        node = self.node[edge.source]
        form = self.form(edge.source, GATE)
        label = inside(self.name(edge.source), replace(form, width=form.width - RIM * (form != GATE)), ORIGIN)
        return _node(f"{node.id}@{edge.target}", "gate", role_of(node, edge.kind), form, label, node, of=node.id)

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
        start, at = at, at + max([MIXED, *(measure(Label(x.label, ORIGIN, LABEL))[0] // 0.9 + 1 for x in layers)])
        line.water((start, at), layers, labelled=True)
        if run.outlet:
            at = self.drain(line, run.outlet, at, layers, gaps)
        end = max(self.least, at + END / 2)
        line.water((at, end + BEYOND), layers)
        self.shell(line, end + BEYOND, gaps)
        line.collar(end + PAD)
        self.next(run.next, Point(end + BEYOND + TANK.width / 2, y), TANK)
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
        middle = at + self.reach(line, stop)
        end = 2 * middle - at
        passed = self.behind(stop, layers)
        line.water((at, middle - 4), layers)
        line.water((middle - 4, end), passed)
        if isinstance(stop, Device):
            self.device(line, stop, middle)
        else:
            self.valve(line, stop, middle)
        return end, passed

    def valve(self, line: Line, valve: Valve, s: float) -> None:
        gate = self.gate(valve.edge)
        said = self.words(valve.edge.source)
        title = said if valve.opening is None else f"{said}: {how_open(valve.opening)}"
        wheel = line.valve(s, valve.share, title, valve.edge.target)
        line.control(s, wheel, gate, valve.edge.id, how_far(valve.opening))

    def device(self, line: Line, device: Device, s: float) -> None:
        """An operation on the pipe, and beside it what else it takes."""
        self.operation(device.node, line.at(s), form_of(self.node[device.node], 1, wide_sums=False))
        for side in (-1, 1):
            line.collar(s + side * (self.reach(line, device) - 8))
        shifts = apart(self.beside(line, [(e, None) for e in device.operands]))
        for shift, edge in zip(shifts, device.operands, strict=True):
            hub = line.bar(self.to.metal, "port", "valve", (s + shift - 3, s + shift + 3), (-OUT - 9, -OUT))
            self.operand(line, s + shift, hub, edge)

    def operation(self, id: str, at: Point, form: Form) -> Node:
        """An operation as it stands in any drawing."""
        node = self.node[id]
        placed = _node(id, node.kind, role_of(node, "internal"), form, inside(node.glyph, form, at), node, at)
        self.to.front.append(placed)
        return placed

    def operand(self, line: Line, s: float, to: Node, edge: Edge, opening: float | None = None) -> None:
        """What an operation takes besides, and the line from it."""
        gate = replace(self.gate(edge), operation="operand")
        line.control(s, to, gate, edge.id, how_far(opening), "-" if edge.negative else "")

    # ── what comes in, what goes out ──

    def hanging(self, stops: Sequence[Valve | Device | Reading]) -> float:
        """How far to the left of a vertical pipe its gates reach."""
        edges = [e for s in stops for e in taken(s)]
        return max((FAR - GATE.width / 2 + self.form(e.source, GATE).width for e in edges), default=0.0)

    def place(self, at: float, stops: Sequence[Valve | Device | Reading], half: float) -> float:
        """The middle of a vertical pipe that hangs from a run, `half` as wide, beside what hangs there already."""
        x = max(at + AFTER, self.below + max(half, self.hanging(stops)) + PAD)
        self.below = x + half + APART / 2
        return x

    def joint(self, line: Line, branch: Branch, at: float, layers: list[Layer]) -> tuple[float, list[Layer]]:
        """A branch from below; returns where the run goes on, and with what in it."""
        if branch.water:
            self.node[branch.source] = branch.water
        source = self.form(branch.source, SOURCE)
        x = self.place(at, branch.stops, source.width / 2)
        down = Line(self.to, line.at(x, R), down=True)
        s = COLLAR + 16.0
        spans = []
        for stop in branch.stops:
            far = self.reach(down, stop)
            spans.append((s, s + 2 * far, stop))
            s += 2 * far
        s += 0 if spans else APART / 2
        role = OLD if self.node[branch.source].kind == "previous" else NEW
        coming = [Layer(role, 1.0, self.name(branch.source), branch.amount)]
        low = s
        for start, end, stop in reversed(spans):
            passed = self.upwards(down, stop, start, end, low, coming)
            low, coming = start, passed
        down.water((0, low), coming)
        self.stem(down, s)
        self.tank(branch.source, down.at(s + SOURCE.height / 2), source, role, "source", branch.joint)
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
        passed = self.behind(stop, coming)
        line.water((middle + 4, low), coming)
        line.water((start, middle + 4), passed)
        if isinstance(stop, Device):
            self.device(line, stop, middle)
        else:
            self.valve(line, stop, middle)
        return passed

    def drain(self, line: Line, outlet: Outlet, at: float, layers: list[Layer], gaps: list[float]) -> float:
        """The way down from the new memory to the output; returns where the run goes on."""
        x = self.place(at, (*outlet.stops, *outlet.readings), SOURCE.width / 2)
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
        first = outlet.readings[0].edge if outlet.readings else outlet.edge
        cap = down.bar(self.to.metal, "mouth", "valve", (s - CAP, s), (-OUT - 5, OUT + 5), of=first.source)
        left, s = self.read(down, outlet.readings, cap.id, s)
        self.deepest = max(self.deepest, down.at(s).y)
        self.exits.append((outlet.edge, left, down.at(s)))
        return x + AFTER

    def read(self, line: Line, readings: Sequence[Reading], source: str, s: float) -> tuple[str, float]:
        """The operations under a mouth, one after the other; returns the last piece, and where it ends."""
        for reading in readings:
            node = self.node[reading.edge.target]
            form = form_of(node, 1, wide_sums=False)
            high = form.height if len(reading.operands) < 2 else self.span(line, reading.operands)
            begin, s = s, s + READ + high
            middle = s - high / 2
            tall = form if high == form.height else Form("box", form.width, high)
            placed = self.operation(node.id, line.at(middle), tall)
            ends = line.at(begin), line.at(s - high)
            self.to.wire(reading.edge.id, source, placed.id, reading.edge.kind, ends, node.title)
            if reading.edge.negative:
                self.to.labels.append(Label("-", line.at((begin + s - high) / 2, ASIDE), SIGN, of=reading.edge.id))
            shifts = apart(self.beside(line, reading.operands))
            for shift, (edge, opening) in zip(shifts, reading.operands, strict=True):
                self.operand(line, middle + shift, placed, edge, opening)
            source = placed.id
        return source, s

    def next(self, edge: Edge, at: Point, form: Form) -> None:
        """A value that leaves."""
        node = self.node[edge.target]
        self.to.front.append(_node(node.id, "next", edge.kind, form, inside(self.name(node.id), form, at), node, at))

    def tank(self, id: str, at: Point, form: Form, role: str, kind: str, joint: str = "") -> None:
        """Where water comes from."""
        label = inside(self.name(id), form, at)
        name, of = (f"{id}@{joint}", id) if joint else (id, "")
        self.to.front.append(_node(name, kind, role, form, label, self.node[id], at, of))

    # ── the whole ──

    def scene(self, id: str, title: str, description: str) -> Scene:
        inside_of = [n for n in self.to.nodes() if n.kind not in ("previous", "next")]
        top = min(n.at.y - n.height / 2 for n in inside_of)
        bottom = max([self.deepest, *(n.at.y + n.height / 2 for n in inside_of)])
        border = Box(PAD, top - PAD, self.least + PAD, bottom + PAD)
        for edge, source, at in self.exits:
            self.leave(edge, source, at, border)
        nodes, wires, labels = self.to.nodes(), tuple(self.to.wires), tuple(self.to.labels)
        return fitted(Scene(id, title, description, (0, 0), (border,), nodes, wires, (), labels))

    def leave(self, edge: Edge, source: str, begin: Point, border: Box) -> None:
        """The value that leaves, outside of the border, and the arrow to it."""
        at = Point(begin.x, border.bottom + MOUTH - 8)
        tip = Point(at.x, at.y - EXTERNAL.height / 2)
        self.to.wire(edge.id, source, edge.target, edge.kind, (begin, tip), self.node[edge.target].title)
        self.next(edge, at, EXTERNAL)


def _node(
    id: str, kind: str, role: str, form: Form, label: Label | None, shown: Operation, at: Point = ORIGIN, of: str = ""
) -> Node:
    """A node of the scene for one of the graph."""
    width, height = form.width, form.height
    operation = "" if kind == "gate" else shown.operation
    return Node(id, kind, role, form.shape, at, width, height, label, shown.title, operation=operation, of=of)
