"""Graphs written by hand, for tests of layouts that must not depend on reading equations."""

from __future__ import annotations

from lstmgraph.diagram.graph import Edge, Graph, Node, ValueKind

GLYPHS = {
    "sigmoid": r"\sigma",
    "hadamard": r"\times",
    "add": "+",
    "one_minus": "1-",
    "reciprocal": "1/",
    "negative": "-",
    "maximum": r"\max",
}


class Sketch:
    """Notes down a graph in the order in which it is told."""

    def __init__(
        self, memories: tuple[str, ...], output: str, states: tuple[str, ...], inputs: tuple[str, ...] = ("x",)
    ) -> None:
        self.memories, self.output, self.states = memories, output, states
        self.nodes: list[Node] = []
        self.edges: list[Edge] = []
        self.kinds: dict[str, ValueKind] = {}
        self.biases = 0
        for base in inputs:
            self.node(f"{base}[t]", "input", f"{base}_t", "input", value=f"{base}[t]")
        for base in states:
            kind: ValueKind = "previous_memory" if base in memories else "previous_output"
            what = f"previous_{self.what(base)}"
            self.node(f"{base}[t-1]", "previous", f"{base}_{{t-1}}", kind, what, value=f"{base}[t-1]")

    def what(self, base: str) -> str:
        """What a value is that leaves a step or comes from the one before."""
        if base in self.memories:
            return "memory_and_output" if base == self.output else "memory"
        return "output" if base == self.output else "state"

    def node(
        self, id: str, kind: str, glyph: str, value_kind: ValueKind, operation: str = "", value: str | None = None
    ) -> str:
        self.nodes.append(Node(id, kind, glyph, operation, value, title=id))  # type: ignore[arg-type]
        self.kinds[id] = value_kind
        return id

    def feed(self, target: str, sources: tuple[str, ...], via: str | None = None) -> None:
        for k, source in enumerate(sources):
            self.edges.append(Edge(f"{source}>{target}.{k}", source, target, k, self.kinds[source], via))

    def sum(self, id: str, *sources: str, biases: int = 1) -> str:
        self.node(id, "sum", "+", "internal", "sum")
        names = list(sources)
        for _ in range(biases):
            names.append(self.node(f"b{self.biases}", "bias", str(self.biases), "bias"))
            self.biases += 1
        self.feed(id, tuple(names), "W")
        return id

    def do(self, id: str, operation: str, *sources: str, value: str | None = None) -> str:
        """A function (one operand, a word as glyph) or an operator."""
        kind = "operator" if operation in GLYPHS and operation != "sigmoid" else "function"
        base = (value or "").split("[")[0]
        value_kind: ValueKind = (
            "memory" if base in self.memories else "output" if base in (self.output, *self.states) else "internal"
        )
        self.node(id, kind, GLYPHS.get(operation, rf"\mathrm{{{operation}}}"), value_kind, operation, value)
        self.feed(id, sources)
        return id

    def net(self, name: str, operation: str, *sources: str, biases: int = 1, value: str | None = None) -> str:
        return self.do(
            f"{name}", operation, self.sum(f"{name}.1", *sources, biases=biases), value=value or f"{name}[t]"
        )

    def end(self, **nexts: str) -> Graph:
        for base, source in nexts.items():
            id = self.node(f"{base}[t]'", "next", f"{base}_t", self.kinds[source], self.what(base), f"{base}[t]")
            self.feed(id, (source,))
        return Graph(tuple(self.nodes), tuple(self.edges), self.memories, self.output)


def rnn() -> Graph:
    s = Sketch((), "h", ("h",))
    return s.end(h=s.net("h", "tanh", "x[t]", "h[t-1]"))


def lstm() -> Graph:
    return _lstm(peepholes=False)


def peephole_lstm() -> Graph:
    return _lstm(peepholes=True)


def _lstm(peepholes: bool) -> Graph:
    s = Sketch(("c",), "h", ("h", "c"))
    old = ("c[t-1]",) if peepholes else ()
    f = s.net("f", "sigmoid", "x[t]", "h[t-1]", *old)
    i = s.net("i", "sigmoid", "x[t]", "h[t-1]", *old)
    g = s.net("g", "tanh", "x[t]", "h[t-1]")
    kept = s.do("c.1", "hadamard", f, "c[t-1]")
    new = s.do("c.2", "hadamard", i, g)
    c = s.do("c", "add", kept, new, value="c[t]")
    o = s.net("o", "sigmoid", "x[t]", "h[t-1]", *((c,) if peepholes else ()))
    h = s.do("h", "hadamard", o, s.do("h.2", "tanh", c), value="h[t]")
    return s.end(h=h, c=c)


def gru() -> Graph:
    s = Sketch(("h",), "h", ("h",))
    z = s.net("z", "sigmoid", "x[t]", "h[t-1]")
    r = s.net("r", "sigmoid", "x[t]", "h[t-1]")
    n = s.net("n", "tanh", "x[t]", s.do("n.1.2", "hadamard", r, "h[t-1]"))
    return _mix(s, z, n)


def gru_reset_after() -> Graph:
    s = Sketch(("h",), "h", ("h",))
    z = s.net("z", "sigmoid", "x[t]", "h[t-1]")
    r = s.net("r", "sigmoid", "x[t]", "h[t-1]")
    inner = s.sum("n.1.2.2", "h[t-1]")
    n = s.net("n", "tanh", "x[t]", s.do("n.1.2", "hadamard", r, inner))
    return _mix(s, z, n)


def _mix(s: Sketch, z: str, n: str) -> Graph:
    new = s.do("h.1", "hadamard", s.do("h.1.1", "one_minus", z), n)
    h = s.do("h", "add", new, s.do("h.2", "hadamard", z, "h[t-1]"), value="h[t]")
    return s.end(h=h)


def cifg() -> Graph:
    s = Sketch(("c",), "h", ("h", "c"))
    f = s.net("f", "sigmoid", "x[t]", "h[t-1]")
    g = s.net("g", "tanh", "x[t]", "h[t-1]")
    i = s.do("i", "one_minus", f, value="i[t]")
    c = s.do("c", "add", s.do("c.1", "hadamard", f, "c[t-1]"), s.do("c.2", "hadamard", i, g), value="c[t]")
    o = s.net("o", "sigmoid", "x[t]", "h[t-1]")
    return s.end(h=s.do("h", "hadamard", o, s.do("h.2", "tanh", c), value="h[t]"), c=c)


def slstm() -> Graph:
    s = Sketch(("c", "n", "m"), "h", ("h", "c", "n", "m"))
    z = s.net("z", "tanh", "x[t]", "h[t-1]")
    o = s.net("o", "sigmoid", "x[t]", "h[t-1]")
    a = s.sum("a", "x[t]", "h[t-1]")
    b = s.sum("b", "x[t]", "h[t-1]")
    kept = s.do("m.1", "add", b, "m[t-1]")
    m = s.do("m", "maximum", kept, a, value="m[t]")
    i = s.do("i", "exp", s.do("i.1", "add", a, m), value="i[t]")
    f = s.do("f", "exp", s.do("f.1", "add", kept, m), value="f[t]")
    c = s.do("c", "add", s.do("c.1", "hadamard", f, "c[t-1]"), s.do("c.2", "hadamard", i, z), value="c[t]")
    n = s.do("n", "add", s.do("n.1", "hadamard", f, "n[t-1]"), i, value="n[t]")
    h = s.do("h", "hadamard", o, s.do("h.2", "hadamard", c, s.do("h.2.2", "reciprocal", n)), value="h[t]")
    return s.end(h=h, c=c, n=n, m=m)


def indrnn() -> Graph:
    s = Sketch((), "h", ("h",))
    return s.end(h=s.net("h", "relu", "x[t]", "h[t-1]"))


def eight_gates() -> Graph:
    """Two memories, eight gates, two inputs, an operator of three operands, an output that is not a state."""
    s = Sketch(("c", "d"), "y", ("h", "c", "d"), ("x", "u"))
    gates = [s.net(f"g{k}", "sigmoid", "x[t]", "h[t-1]", *(("u[t]",) if k % 2 else ())) for k in range(8)]
    c = s.do(
        "c", "add", s.do("c.1", "hadamard", gates[0], "c[t-1]"), s.do("c.2", "hadamard", *gates[1:4]), value="c[t]"
    )
    d = s.do(
        "d",
        "add",
        s.do("d.1", "hadamard", gates[4], "d[t-1]"),
        s.do("d.2", "hadamard", gates[5], gates[6]),
        value="d[t]",
    )
    h = s.do("h", "hadamard", gates[7], s.do("h.2", "tanh", s.do("h.2.1", "add", c, d)), value="h[t]")
    y = s.net("y", "softmax", h, value="y[t]")
    return s.end(h=h, c=c, d=d, y=y)


def copies() -> Graph:
    """One equation; a memory that is never changed; a state that is the last input."""
    s = Sketch(("k",), "h", ("h", "k", "p"))
    h = s.do("h", "hadamard", "x[t]", s.do("h.2", "add", "h[t-1]", "p[t-1]", "k[t-1]"), value="h[t]")
    return s.end(h=h, k="k[t-1]", p="x[t]")


def many_operands() -> Graph:
    """An operator of five operands, the same value used twice, a chain of functions."""
    s = Sketch(("c",), "h", ("h", "c"))
    a, b, d, e = (s.net(name, "sigmoid", "x[t]", "h[t-1]") for name in "abde")
    c = s.do("c", "add", "c[t-1]", a, b, d, e, value="c[t]")
    square = s.do("h.1", "hadamard", c, c)
    return s.end(h=s.do("h", "tanh", s.do("h.2", "exp", square), value="h[t]"), c=c)


ALL = {
    f.__name__: f
    for f in (
        rnn, lstm, peephole_lstm, gru, gru_reset_after, cifg, slstm, indrnn, eight_gates, copies, many_operands,
    )
}  # fmt: skip
