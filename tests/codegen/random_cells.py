"""Random small cells as the text of a cell file, with what the passes look for.

A number makes a cell, always the same: `test_random.py` tries some, `hunt.py` new ones.

One to three states of different shapes, none to three inputs; gates of one form that share what they take, scalars and
vectors among them; multiples of one value, entry by entry; products in the middle of a step; stacks, matrices, rows;
parameters that are taken twice; values that nobody uses, or that are another by a second name; delay lines; states
of which only the sum is taken; outputs that are no state.
To have more of a kind, add a row to `SCALARS`, `VECTORS`, `ROWS` or `MATRICES`: how such a value is made of others.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

Choice = TypeVar("Choice")
Shape = tuple[str, ...]
SCALAR, H, K, X, BOTH = ("1",), ("H",), ("K",), ("X",), ("H + K",)
ROW, MATRIX, TURNED, SQUARE = ("1", "H"), ("H", "K"), ("K", "H"), ("H", "H")
SHAPES = (SCALAR, H, H, K, K, X, BOTH, ROW, MATRIX, TURNED, SQUARE)
ACTIVATIONS = ("sigmoid", "tanh", "sin", "softplus", "relu", "identity", "silu", "cos", "abs", "step", "sign")
CONSTANTS = {"k0": 0.7, "k1": -1.5}


@dataclass
class Writer:
    """`values` are those that can be taken, with their shapes; `sizes` those of everything that has a name."""

    rng: random.Random
    values: dict[str, Shape] = field(default_factory=dict)
    sizes: dict[str, Shape] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    deep: int = 0

    def one(self, *choices: Choice) -> Choice:
        return self.rng.choice(choices)

    def some(self, low: int, high: int) -> int:
        return self.rng.randint(low, high)

    def parameter(self, *shape: str) -> str:
        same = [name for name, known in self.sizes.items() if name.startswith("p") and known == shape]
        if same and not self.some(0, 5):
            return self.one(*same)
        name = f"p{len(self.sizes)}"
        self.sizes[name] = shape
        return name

    def there(self, *shapes: Shape) -> list[str]:
        return [value for value, shape in self.values.items() if shape in shapes]

    def vector(self) -> tuple[str, Shape]:
        value = self.one(*self.there(H, K, X, BOTH))
        return value, self.values[value]

    # ── expressions ──

    def expression(self, shape: Shape) -> str:
        """A value of that shape, of few operations."""
        self.deep += 1
        leaves = self.there(shape) or [self.parameter(*shape)]
        ways = WAYS_TO.get(shape, VECTORS).values()
        made = self.one(*leaves) if self.deep > 3 or not self.some(0, 3) else self.one(*ways)
        text = made if isinstance(made, str) else made(self, shape)
        self.deep -= 1
        return text

    def product(self, shape: Shape, value: str, of: Shape) -> str:
        """A weight times a vector, which a scalar may scale."""
        text = f"{self.parameter(*of)}.T @ {value}" if shape == SCALAR else f"{self.parameter(*shape, *of)} @ {value}"
        scalars = self.there(SCALAR)
        return text if not scalars or self.some(0, 3) else f"{self.one(*scalars)} * ({text})"

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
            shape = self.one(SCALAR, H, K)
            self.equation(f"g{at}{k}", shape, f"{activation}({self.affine(shape, taken)})")

    def entrywise(self, at: int, shape: Shape) -> None:
        """Values of one, each by weights for its entries."""
        value = self.one(*self.there(shape))
        for k in range(self.some(2, 3)):
            self.equation(f"e{at}{k}", shape, f"{self.one(*ACTIVATIONS)}({self.parameter(*shape)} * {value})")


def _both(writer: Writer, shape: Shape) -> str:
    return f"({writer.expression(shape)} {writer.one('+', '-', '*')} {writer.expression(shape)})"


def _scaled(writer: Writer, shape: Shape) -> str:
    parts = (writer.expression(SCALAR), writer.expression(shape))
    a, b = parts if writer.some(0, 1) else reversed(parts)
    return f"({a} {writer.one('*', '*', '+', '-')} {b})"


def _activation(writer: Writer, shape: Shape) -> str:
    return f"{writer.one(*ACTIVATIONS)}({writer.expression(shape)})"


def _numbered(writer: Writer, shape: Shape) -> str:
    """With a number, or a constant."""
    forms = (
        "(1 - {})",
        "(-{})",
        "(2 * {})",
        "({} / 3)",
        "({} - 0.5)",
        "({} * k0)",
        "(k1 + {})",
        "({}) ** 2",
        "({}) ** 3",
    )
    return writer.one(*forms).format(writer.expression(shape))


def _positive(writer: Writer, shape: Shape) -> str:
    forms = ("exp(sin({}))", "(1 + ({}) ** 2)", "sigmoid({})", "(1 + abs({}))", "(2 + cos({}))", "exp(-softplus({}))")
    return writer.one(*forms).format(writer.expression(shape))


def _of_positive(writer: Writer, shape: Shape) -> str:
    """What has poles, away from them."""
    forms = (
        "log({})",
        "sqrt({})",
        "(1 / {})",
        "({}) ** 0.5",
        "({}) ** (-1)",
        "({}) ** sin({})",
        "({1} / {0})",
        "({1} / {0})",
    )
    return (
        writer.one(*forms)
        .replace("{}", "{0}", 1)
        .replace("{}", "{1}")
        .format(_positive(writer, shape), writer.expression(shape))
    )


def _stable(writer: Writer, shape: Shape) -> str:
    """Forms that code computes otherwise than they are written."""
    forms = (
        "log(1 + exp({0}))",
        "log(exp({0}) + exp({1}))",
        "(1 / (1 + exp(-({0}))))",
        "log(sigmoid({0}))",
        "log(exp({0}))",
        "(2 / (1 + exp(-({0}))) - 1)",
        "(({1}) / (2 + exp({0})))",
        "((exp({0}) - 2 * exp({1})) / (exp({0}) + 3 * exp({1})))",
        "log(0.5 * (2 + exp({0})))",
        "(exp({0}) + exp({1})) ** (-2)",
    )
    return writer.one(*forms).format(writer.expression(shape), writer.expression(shape))


def _affine(writer: Writer, shape: Shape) -> str:
    return f"({writer.affine(shape, [writer.vector() for _ in range(writer.some(1, 3))])})"


def _in_the_middle(writer: Writer, shape: Shape) -> str:
    of = writer.one(H, K)
    return f"({writer.product(shape, f'({writer.expression(of)})', of)})"


def _turned_weight(writer: Writer, shape: Shape) -> str:
    """By the transpose of a weight, or by two weights."""
    of = writer.one(H, K)
    if writer.some(0, 1):
        return f"({writer.parameter(*of, *shape)}.T @ ({writer.expression(of)}))"
    return f"({writer.parameter(*shape, *H)} @ {writer.parameter(*H, *of)} @ ({writer.expression(of)}))"


def _inner(writer: Writer, _: Shape) -> str:
    of = writer.one(H, K)
    return f"(({writer.expression(of)}).T @ ({writer.expression(of)}))"


def _sum(writer: Writer, _: Shape) -> str:
    return f"sum({writer.expression(writer.one(SCALAR, H, K, MATRIX))})"


def _log_sum(writer: Writer, _: Shape) -> str:
    return f"log(sum(exp({writer.expression(writer.one(H, K))})))"


def _of_matrix(writer: Writer, shape: Shape) -> str:
    if shape not in {H, K}:
        return _in_the_middle(writer, shape)
    matrix, turned, of = (MATRIX, TURNED, K) if shape == H else (TURNED, MATRIX, H)
    left = writer.expression(matrix) if writer.some(0, 1) else f"({writer.expression(turned)}).T"
    return f"(({left}) @ ({writer.expression(of)}))"


def _of_row(writer: Writer, shape: Shape) -> str:
    return f"({writer.expression(ROW)}).T" if shape == H else _in_the_middle(writer, shape)


def _stack(writer: Writer) -> str:
    """The members at once, or one more of the kind in between."""
    return f"concat({writer.expression(H)}, {writer.expression(K)})"


def _joined(writer: Writer, shape: Shape) -> str:
    if shape == BOTH:
        return _stack(writer)
    return f"({writer.parameter(*shape, *BOTH)} @ {writer.one(*ACTIVATIONS)}({_stack(writer)}))"


def _softmax(writer: Writer, shape: Shape) -> str:
    inner = writer.expression(shape)
    return writer.one("softmax({0})", "softmax({0})", "log(softmax({0}))", "(exp({0}) / sum(exp({0})))").format(inner)


def _largest(writer: Writer, shape: Shape) -> str:
    values = (writer.expression(shape) for _ in range(writer.some(2, 3)))
    return f"{writer.one('maximum', 'minimum')}({', '.join(values)})"


def _outer(writer: Writer, shape: Shape) -> str:
    a, b = ((side,) for side in shape)
    return f"(({writer.expression(a)}) @ ({writer.expression(b)}).T)"


def _transposed(writer: Writer, shape: Shape) -> str:
    return f"({writer.expression((shape[1], shape[0]) if shape != ROW else H)}).T"


def _weighted(writer: Writer, shape: Shape) -> str:
    """A matrix by a weight, from the left or the right."""
    a, b = shape
    inner = writer.expression(shape)
    return f"({writer.parameter(a, a)} @ ({inner}))" if writer.some(0, 1) else f"(({inner}) @ {writer.parameter(b, b)})"


def _three(writer: Writer, shape: Shape) -> str:
    """A product of three matrices of a step."""
    turned = (shape[1], shape[0])
    return f"(({writer.expression(shape)}) @ ({writer.expression(turned)}) @ ({writer.expression(shape)}))"


def _row_of_matrix(writer: Writer, _: Shape) -> str:
    return f"(({writer.expression(K)}).T @ ({writer.expression(TURNED)}))"


Way = Callable[[Writer, Shape], str]
ANY: Mapping[str, Way] = {
    "both": _both,
    "scaled": _scaled,
    "activation": _activation,
    "numbered": _numbered,
    "positive": _positive,
    "of positive": _of_positive,
    "stable": _stable,
    "largest": _largest,
}
SCALARS: Mapping[str, Way] = {
    **ANY,
    "affine": _affine,
    "middle": _in_the_middle,
    "inner": _inner,
    "sum": _sum,
    "log sum": _log_sum,
}
VECTORS: Mapping[str, Way] = {
    **ANY,
    "affine": _affine,
    "affine again": _affine,
    "middle": _in_the_middle,
    "turned weight": _turned_weight,
    "of a matrix": _of_matrix,
    "of a row": _of_row,
    "joined": _joined,
    "softmax": _softmax,
}
MATRICES: Mapping[str, Way] = {
    **ANY,
    "outer": _outer,
    "transposed": _transposed,
    "weighted": _weighted,
    "three": _three,
}
ROWS: Mapping[str, Way] = {**ANY, "transposed": _transposed, "of a matrix": _row_of_matrix}
WAYS_TO: Mapping[Shape, Mapping[str, Way]] = {SCALAR: SCALARS, ROW: ROWS} | dict.fromkeys(
    (MATRIX, TURNED, SQUARE), MATRICES
)


def cell_text(number: int) -> str:
    """The text of the cell file that a number makes: of the first cell of which all sizes can be told."""
    rng = random.Random(number)
    while (text := _text(Writer(rng))) is None:
        pass
    return text


def _text(writer: Writer) -> str | None:
    shapes = SHAPES if writer.some(0, 2) else (writer.one(*SHAPES),)
    states = {f"s{k}": writer.one(*shapes) for k in range(writer.some(1, 3))}
    inputs = {name: writer.one(X, X, *SHAPES) for name in "xyz"[: writer.one(0, 1, 1, 1, 2, 2, 3)]}
    writer.sizes |= inputs | states
    writer.values |= {f"{x}[t]": shape for x, shape in inputs.items()}
    writer.values |= {f"{s}[t-1]": shape for s, shape in states.items()}
    if not writer.there(H, K, X, BOTH):
        writer.values[writer.parameter(*H)] = H
    lines = _delay_lines(writer, states)
    before = {name: f"{name}[t-1]" for name in states} | _only_as_a_sum(writer, states)
    for k, (name, shape) in enumerate(states.items()):
        if writer.some(0, 2):
            writer.gates(k)
        if not writer.some(0, 2):
            writer.entrywise(k, shape)
        writer.equation(name, shape, _next(writer, before[name], shape))
    for name, of in lines.items():
        writer.lines.insert(writer.some(0, len(writer.lines)), f"{name}[t] = identity({of}[t-1])")
    made = [name for name in writer.sizes if f"{name}[t]" in writer.values and name not in inputs]
    text = file_text(writer.lines, writer.sizes, writer.one(*made, *lines))
    return text if '"H + K"' not in text or '"H"' in text or '"K"' in text else None


def _delay_lines(writer: Writer, states: Mapping[str, Shape]) -> dict[str, str]:
    """States that are another state of the step before, or one of these: h[t-2], h[t-3]."""
    found: dict[str, str] = {}
    for k in range(writer.one(0, 0, 0, 1, 2, 3)):
        name, of = f"l{k}", writer.one(*states, *found)
        shape = writer.sizes[of]
        writer.sizes[name] = writer.values[f"{name}[t-1]"] = shape
        found[name] = of
    return found


def _only_as_a_sum(writer: Writer, states: Mapping[str, Shape]) -> dict[str, str]:
    """What states of one shape are taken as: an equation of their sum."""
    (shape, *others) = states.values()
    if len(states) == 1 or {*others} != {shape} or writer.some(0, 1):
        return {}
    before = [f"{name}[t-1]" for name in states]
    writer.equation("both", shape, f"{writer.one(*ACTIVATIONS)}({' + '.join(before)})")
    for value in before:
        del writer.values[value]
    return dict.fromkeys(states, "both[t]")


def _next(writer: Writer, before: str, shape: Shape) -> str:
    """The new value of a state: of moderate size."""
    a, b = writer.expression(shape), writer.expression(shape)
    turned = shape == SQUARE and writer.some(0, 1)
    forms = (
        "{f}({a})",
        "{f}({a})",
        "{f}({a})",
        "({h} * sigmoid({a}) + (1 - sigmoid({a})) * {f}({b}))",
        "({h} + 0.1 * {f}({a}))",
    )
    same = writer.one(*writer.there(shape))
    form = f"identity({same})" if not writer.some(0, 7) else writer.one(*forms)
    return form.format(f=writer.one("tanh", "sigmoid", "sin"), a=a, b=b, h=f"{before}.T" if turned else before)


def file_text(lines: list[str], sizes: Mapping[str, Shape], output: str) -> str:
    """With the sizes of what is used."""
    equations = "\n".join(lines)
    used = {name: shape for name, shape in sizes.items() if name in set(_words(equations))}
    rows = [f"{name} = {_size(shape)}" for name, shape in used.items()]
    constants = [f"{name} = {value}" for name, value in CONSTANTS.items() if name in _words(equations)]
    head = ['name = "random"', f'output = "{output}"', f'equations = """\n{equations}\n"""']
    head += [f"constants = {{{', '.join(constants)}}}"] if constants else []
    return "\n".join([*head, "[sizes]", *rows])


def _words(text: str) -> list[str]:
    return "".join(c if c.isalnum() else " " for c in text).split()


def _size(shape: Shape) -> str:
    numbers = [side if side.isdigit() else f'"{side}"' for side in shape]
    return numbers[0] if len(numbers) == 1 else f"[{', '.join(numbers)}]"
