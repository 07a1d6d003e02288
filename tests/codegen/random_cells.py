"""Random small cells as the text of a cell file, with what the passes look for; and a hunt for those that go wrong.

A number makes a cell, always the same: `test_random.py` tries some.  To try new ones until the time is over:

    python -m tests.codegen.random_cells --way torch --minutes 20

What fails is printed; put it, made as small as it gets, into `odd/`, where every target is tried with it.

One to three states of different shapes, one or two inputs; gates of one form that share what they take, scalars and
vectors among them; products in the middle of a step; stacks, outer products, values that nobody uses.
To have more of a kind, add a row to `SCALARS`, `VECTORS` or `MATRICES`: how a value of that shape is made of others.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import TypeVar

from tests.codegen import equality
from tests.codegen.equality import BOUNDS, WAYS, Case, faults, sample_of

Choice = TypeVar("Choice")
Shape = tuple[str, ...]
SCALAR, H, K, X, MATRIX = ("1",), ("H",), ("K",), ("X",), ("H", "K")
SHAPES = (SCALAR, H, K, MATRIX)
ACTIVATIONS = ("sigmoid", "tanh", "sin", "softplus", "relu", "identity")


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
        made = self.one(*leaves) if self.deep > 3 or not self.some(0, 3) else self.one(*ways)
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
            shape = self.one(SCALAR, H, K)
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
    of = writer.one(H, K)
    return f"({writer.product(shape, f'({writer.expression(of)})', of)})"


def _inner(writer: Writer, _: Shape) -> str:
    of = writer.one(H, K)
    return f"(({writer.expression(of)}).T @ ({writer.expression(of)}))"


def _sum(writer: Writer, _: Shape) -> str:
    return f"sum({writer.expression(writer.one(H, K, MATRIX))})"


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


def cell_text(number: int) -> str:
    """The text of the cell file that a number makes."""
    writer = Writer(random.Random(number))
    shapes = [writer.one(*SHAPES) for _ in range(writer.some(1, 3))]
    shapes[0] = writer.one(H, H, K)
    states = {f"s{k}": shape for k, shape in enumerate(shapes)}
    inputs = {"x": X, "z": writer.one(H, X, SCALAR)} if writer.some(0, 1) else {"x": X}
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


# ── the hunt ──

CASES = (Case(2, 3, (2, 4, 3)), Case(3, 1, (1,)), Case(1, 2, (3, 2)), Case(3, 3, (3,)))


def wrong(way: str, path: Path, case: Case, dtype: str = "float64") -> list[str]:
    """What a target computes otherwise than the interpreter, of the cell in a file."""
    row, name = WAYS[way], str(path)
    found = row.run(name, sample_of(name, case, dtype), dtype)
    return faults(found, name, case, dtype, row.last, row.forward)


def forget() -> None:
    """Each cell is met once."""
    for name in ("cell_of", "functions_of", "sample_of", "wanted_of", "lost", "c_file", "c_functions", "torch_over_c"):
        getattr(equality, name).cache_clear()


def hunt(way: str, dtype: str, first: int, until: float) -> tuple[int, int]:
    """How many cells were tried until then, and how many of them fail, which are printed."""
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        for number in count(first):
            if time.monotonic() > until:
                return number - first, failed
            path = Path(folder) / f"{number}.toml"
            path.write_text(cell_text(number))
            case = CASES[number % len(CASES)]
            if said := _said(way, path, case, dtype):
                failed += 1
                print(f"# {number}, {way}, {case}, {dtype}\n{said}\n{path.read_text()}\n", flush=True)
            forget()
    raise AssertionError


def _said(way: str, path: Path, case: Case, dtype: str) -> str:
    """What is wrong, as comments."""
    try:
        said = "\n".join(wrong(way, path, case, dtype))
    except Exception:  # noqa: BLE001  whatever goes wrong is found
        said = traceback.format_exc(limit=-3)
    return "\n".join(f"# {line}" for line in said.splitlines())


def main() -> None:
    parser = argparse.ArgumentParser(description="Try random cells until the time is over; what fails is printed.")
    parser.add_argument("--way", choices=WAYS, required=True, help="how the generated code is run")
    parser.add_argument("--minutes", type=float, default=10.0, help="how long (default: 10)")
    parser.add_argument("--dtype", choices=BOUNDS, default="float64", help="in which type (default: float64)")
    parser.add_argument("--seed", type=int, help="the number of the first cell (default: a random one)")
    given = parser.parse_args()
    first = random.randrange(10**6, 10**12) if given.seed is None else given.seed
    tried, failed = hunt(given.way, given.dtype, first, time.monotonic() + 60 * given.minutes)
    print(f"# {tried} cells from {first}, {failed} wrong")


if __name__ == "__main__":
    main()
