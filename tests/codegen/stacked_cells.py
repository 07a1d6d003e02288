"""Random cells of products with stacks, W @ concat(h[t-1], x[t]), as most papers draw an LSTM.

`random_cells.py` writes such products one by one.  Here they are of inputs, states of the step before, delays, values
computed before, parameters, small formulas and such products, in any order, some twice; stacks have names or none, some
are taken whole or in parts besides, and weights are turned or shared.
"""

from __future__ import annotations

import random
import re

ACTIVATIONS = ("sigmoid", "tanh", "sin", "relu", "silu")
GIVEN = {"x[t]": "X", "z[t]": "K", "x1[t-1]": "X", "h[t-1]": "H", "c[t-1]": "H", "m[t-1]": "K", "p": "K", "q": "X"}


class _Cell:
    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.lines = ["x1[t] = identity(x[t])"]
        self.sizes = {"x": "X", "z": "K", "x1": "X", "h": "H", "c": "H", "m": "K", "p": "K", "q": "X"}
        self.known = dict(GIVEN)
        self.stacks: dict[str, str] = {}
        self.weights: dict[tuple[str, str], str] = {}

    def member(self) -> tuple[str, str]:
        """A value and its size."""
        value, size = self.rng.choice([*self.known.items()])
        if self.rng.random() < 0.1:
            return self.product(size), size
        others = [v for v, s in self.known.items() if s == size]
        return (f"{self.rng.choice(others)} * {value}" if self.rng.random() < 0.15 else value), size

    def stack(self) -> tuple[str, str]:
        if self.stacks and self.rng.random() < 0.4:
            return self.rng.choice([*self.stacks.items()])
        members, sizes = zip(*(self.member() for _ in range(self.rng.randint(2, 4))), strict=True)
        text, size = f"concat({', '.join(members)})", " + ".join(sizes)
        if self.rng.random() < 0.5:
            name = f"u{len(self.stacks)}"
            self.lines.append(f"{name}[t] = {text}")
            self.sizes[name] = size
            self.stacks[f"{name}[t]"] = size
            return f"{name}[t]", size
        return text, size

    def product(self, rows: str) -> str:
        stack, size = self.stack()
        if (rows, size) in self.weights and self.rng.random() < 0.3:
            return f"{self.weights[rows, size]} @ {stack}"
        name, turned = f"W{len(self.sizes)}", self.rng.random() < 0.3
        self.sizes[name] = f'["{size}", "{rows}"]' if turned else f'["{rows}", "{size}"]'
        self.weights[rows, size] = f"{name}.T" if turned else name
        return f"{self.weights[rows, size]} @ {stack}"

    def formula(self, rows: str) -> str:
        text = self.product(rows)
        if self.rng.random() < 0.3:
            text += f" {self.rng.choice('+-')} {self.product(rows)}"
        if self.stacks and self.rng.random() < 0.15:
            text = f"({text}) * sum({self.rng.choice([*self.stacks])})"
        return text if self.rng.random() < 0.1 else f"{self.rng.choice(ACTIVATIONS)}({text})"

    def text(self) -> str:
        for k in range(self.rng.randint(2, 5)):
            rows = self.rng.choice("HHKX")
            self.lines.append(f"g{k}[t] = {self.formula(rows)}")
            self.sizes[f"g{k}"] = rows
            self.known[f"g{k}[t]"] = rows
        for state in "hcm":
            rows = self.sizes[state]
            gates = [v for v, s in self.known.items() if s == rows and v.startswith("g")]
            new = f"sin({self.rng.choice(gates)} + {state}[t-1])" if gates else self.formula(rows)
            self.lines.append(f"{state}[t] = {new}")
            self.known[f"{state}[t]"] = rows
        self.lines.append(f"y[t] = {self.formula('X')}")
        self.sizes["y"] = "X"
        lines = "\n".join(self.lines)
        used = re.findall(r"\w+", lines)
        given = "\n".join(f"{n} = {s if s.startswith('[') else repr(s)}" for n, s in self.sizes.items() if n in used)
        output = self.rng.choice("hcy")
        return f'name = "random"\noutput = "{output}"\nequations = """\n{lines}\n"""\n[sizes]\n{given}\n'


def stacked_text(number: int) -> str:
    """The text of the cell file that a number makes."""
    return _Cell(random.Random(number)).text()
