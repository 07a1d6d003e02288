"""Random small cells as the text of a cell file, with what the passes look for.

One to three states of different shapes, one or two inputs; gates of one form that share what they take, scalars and
vectors among them; products in the middle of a step; stacks, outer products, values that nobody uses.
To have more of a kind, add a row to `SCALARS`, `VECTORS` or `MATRICES`: how a value of that shape is made of others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from hypothesis import strategies as st

Shape = tuple[str, ...]
SCALAR, H, K, X, MATRIX = ("1",), ("H",), ("K",), ("X",), ("H", "K")
SHAPES = (SCALAR, H, K, MATRIX)
ACTIVATIONS = ("sigmoid", "tanh", "sin", "softplus", "relu", "identity")


@dataclass
class Writer:
    """`values` are those that can be taken, with their shapes; `sizes` those of everything that has a name."""

    draw: st.DrawFn
    values: dict[str, Shape] = field(default_factory=dict)
    sizes: dict[str, Shape] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    deep: int = 0

    def one(self, *choices: str) -> str:
        return self.draw(st.sampled_from(choices))

    def some(self, low: int, high: int) -> int:
        return self.draw(st.integers(low, high))

    def parameter(self, *shape: str) -> str:
        name = f"p{len(self.sizes)}"
        self.sizes[name] = shape
        return name

    def there(self, *shapes: Shape) -> list[str]:
        return [value for value, shape in self.values.items() if shape in shapes]

    def vector(self) -> tuple[str, Shape]:
        value = self.one(*self.there(H, K, X))
        return value, self.values[value]

    # ── expressions ──

    def expression(self, shape: Shape) -> str:
        """A value of that shape, of few operations."""
        self.deep += 1
        leaves = self.there(shape) or [self.parameter(*shape)]
        ways = (MATRICES if shape == MATRIX else SCALARS if shape == SCALAR else VECTORS).values()
        made = self.one(*leaves) if self.deep > 3 or not self.some(0, 3) else self.draw(st.sampled_from([*ways]))
        text = made if isinstance(made, str) else made(self, shape)
        self.deep -= 1
        return text

    def product(self, shape: Shape, value: str, of: Shape) -> str:
        """A weight times a vector."""
        return f"{self.parameter(*of)}.T @ {value}" if shape == SCALAR else f"{self.parameter(*shape, *of)} @ {value}"

    def affine(self, shape: Shape, taken: list[tuple[str, Shape]]) -> str:
        terms = [self.product(shape, value, of) for value, of in taken]
        return " + ".join([*terms, *([self.parameter(*shape)] if self.some(0, 1) else [])])

    # ── equations ──

    def equation(self, name: str, shape: Shape, value: str) -> None:
        self.lines.append(f"{name}[t] = {value}")
        self.sizes[name] = self.values[f"{name}[t]"] = shape

    def gates(self, at: int) -> None:
        """Values that are computed alike: of the same vectors, or of the same shape."""
        taken = [self.vector() for _ in range(self.some(1, 3))]
        activation = self.one(*ACTIVATIONS)
        for k in range(self.some(1, 3)):
            shape = self.draw(st.sampled_from([SCALAR, H, K]))
            self.equation(f"g{at}{k}", shape, f"{activation}({self.affine(shape, taken)})")


def _both(writer: Writer, shape: Shape) -> str:
    return f"({writer.expression(shape)} {writer.one('+', '-', '*')} {writer.expression(shape)})"


def _scaled(writer: Writer, shape: Shape) -> str:
    return f"({writer.expression(SCALAR)} * {writer.expression(shape)})"


def _activation(writer: Writer, shape: Shape) -> str:
    return f"{writer.one(*ACTIVATIONS)}({writer.expression(shape)})"


def _affine(writer: Writer, shape: Shape) -> str:
    return f"({writer.affine(shape, [writer.vector() for _ in range(writer.some(1, 3))])})"


def _in_the_middle(writer: Writer, shape: Shape) -> str:
    of = writer.draw(st.sampled_from([H, K]))
    return f"({writer.product(shape, f'({writer.expression(of)})', of)})"


def _inner(writer: Writer, _: Shape) -> str:
    of = writer.draw(st.sampled_from([H, K]))
    return f"(({writer.expression(of)}).T @ ({writer.expression(of)}))"


def _sum(writer: Writer, _: Shape) -> str:
    return f"sum({writer.expression(writer.draw(st.sampled_from([H, K, MATRIX])))})"


def _of_matrix(writer: Writer, shape: Shape) -> str:
    turn, of = ("", K) if shape == H else (".T", H)
    return f"(({writer.expression(MATRIX)}){turn} @ ({writer.expression(of)}))"


def _outer(writer: Writer, _: Shape) -> str:
    return f"(({writer.expression(H)}) @ ({writer.expression(K)}).T)"


def _joined(writer: Writer, shape: Shape) -> str:
    a, b = writer.expression(H), writer.expression(K)
    return f"({writer.parameter(*shape, 'H + K')} @ {writer.one(*ACTIVATIONS)}(concat({a}, {b})))"


def _softmax(writer: Writer, shape: Shape) -> str:
    return f"softmax({writer.expression(shape)})"


def _largest(writer: Writer, shape: Shape) -> str:
    return f"{writer.one('maximum', 'minimum')}({writer.expression(shape)}, {writer.expression(shape)})"


Way = Callable[[Writer, Shape], str]
ANY: Mapping[str, Way] = {"both": _both, "scaled": _scaled, "activation": _activation}
SCALARS: Mapping[str, Way] = {**ANY, "affine": _affine, "middle": _in_the_middle, "inner": _inner, "sum": _sum}
VECTORS: Mapping[str, Way] = {
    **ANY,
    "affine": _affine,
    "middle": _in_the_middle,
    "of a matrix": _of_matrix,
    "joined": _joined,
    "softmax": _softmax,
    "largest": _largest,
}
MATRICES: Mapping[str, Way] = {**ANY, "outer": _outer}


@st.composite
def cells(draw: st.DrawFn) -> str:
    """The text of a cell file."""
    writer = Writer(draw)
    shapes = [draw(st.sampled_from(SHAPES)) for _ in range(writer.some(1, 3))]
    shapes[0] = draw(st.sampled_from([H, H, K]))
    states = {f"s{k}": shape for k, shape in enumerate(shapes)}
    inputs = {"x": X, "z": draw(st.sampled_from([H, X, SCALAR]))} if writer.some(0, 1) else {"x": X}
    writer.sizes |= inputs | states
    writer.values |= {f"{x}[t]": shape for x, shape in inputs.items()}
    writer.values |= {f"{s}[t-1]": shape for s, shape in states.items()}
    for k, (name, shape) in enumerate(states.items()):
        if writer.some(0, 2):
            writer.gates(k)
        writer.equation(name, shape, f"{writer.one('tanh', 'sigmoid', 'sin')}({writer.expression(shape)})")
    outputs = [name for name in states if states[name] in (H, K)]
    return file_text(writer.lines, writer.sizes, writer.one(*outputs))


def file_text(lines: list[str], sizes: Mapping[str, Shape], output: str) -> str:
    """With the sizes of what is used."""
    equations = "\n".join(lines)
    used = {name: shape for name, shape in sizes.items() if name in set(_words(equations))}
    rows = [f"{name} = {_size(shape)}" for name, shape in used.items()]
    head = ['name = "random"', f'output = "{output}"', f'equations = """\n{equations}\n"""', "[sizes]"]
    return "\n".join([*head, *rows])


def _words(text: str) -> list[str]:
    return "".join(c if c.isalnum() else " " for c in text).split()


def _size(shape: Shape) -> str:
    numbers = [side if side.isdigit() else f'"{side}"' for side in shape]
    return numbers[0] if len(numbers) == 1 else f"[{', '.join(numbers)}]"
