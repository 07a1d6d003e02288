"""How rounding grows as gates saturate, textbook form and products reused: python benchmarks/saturation.py [--write]

For the elementwise part of the LSTM with peepholes, whose inputs are the pre-activations: that of one gate is set, all
else is random, and its cotangent is compared with the same in 60 digits, sample by sample.  Shown is the median
relative error of 400 samples, in units of the format's precision (2⁻²⁴, 2⁻⁵³); ∞ where the format has lost the value
(a relative error of one half or more).  Exits with 1 where reusing products errs four times as much as the textbook
form, where that has not lost the value.

`--write` puts the table into docs/counts.md.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import mpmath
import numpy as np

from lstmgraph import Cell
from lstmgraph.numeric.evaluate import evaluate
from lstmgraph.program import Program

EQUATIONS = """
f[t] = sigmoid(q_f[t])
i[t] = sigmoid(q_i[t])
g[t] = tanh(q_g[t])
c[t] = f[t] * c[t-1] + i[t] * g[t]
o[t] = sigmoid(q_o[t] + p_o * c[t])
h[t] = o[t] * tanh(c[t])
"""
GATES = ("f", "i", "g", "o")
PLACES = (-16.0, -8.0, 0.5, 4.0, 8.0, 12.0, 16.0)
SAMPLES = 400
DIGITS = 60
WORST = 4.0
FORMATS = {"float32": (np.float32, 2.0**-24), "float64": (np.float64, 2.0**-53)}
PAGE = Path(__file__).parents[1] / "docs" / "counts.md"
START, END = "<!-- benchmarks/saturation.py -->", "<!-- end of saturation -->"


def precise() -> ModuleType:
    """NumPy's functions for the interpreter, on arrays of numbers with many digits."""
    module = ModuleType("many_digits")
    module.__dict__.update({name: getattr(np, name) for name in ("where", "swapaxes", "broadcast_to", "abs", "sum")})
    module.__dict__.update({name: np.frompyfunc(getattr(mpmath, name), 1, 1) for name in ("exp", "tanh")})
    module.__dict__["float64"] = object
    module.__dict__["full"] = lambda shape, value, dtype=None: np.full(shape, mpmath.mpf(value), dtype=object)  # noqa: ARG005
    sys.modules[module.__name__] = module
    return module


def sample(program: Program, gate: str, place: float, dtype: Any) -> dict[str, Any]:
    """Each entry of a vector is a sample of its own."""
    rng = np.random.default_rng(7)
    values = {s.name: rng.uniform(-1.5, 1.5, (SAMPLES, 1)) for s in program.inputs}
    values["p_o"] *= 0  # it would move o's pre-activation
    values[f"q_{gate}[t]"] = place + rng.uniform(-0.25, 0.25, (SAMPLES, 1))
    return {name: value.astype(np.float32).astype(dtype) for name, value in values.items()}


def errors(program: Program, wanted: Any, given: Mapping[str, Any], target: str, unit: float) -> float:
    """The median relative error, in units of the precision."""
    with np.errstate(all="ignore"):
        found = evaluate(program, given)[target]
    relative = [abs(mpmath.mpf(float(f)) / w - 1) for f, w in zip(found[:, 0], wanted[:, 0], strict=True)]
    return float(np.median(np.array(relative, dtype=float))) / unit


def rows() -> list[tuple[str, float, list[float]]]:
    cell = Cell.from_equations(EQUATIONS, sizes={"c": "H"})
    textbook = cell.gradient()
    forms, xp = (textbook, textbook.reusing()), precise()
    found = []
    for gate in GATES:
        target = f"bar(q_{gate})[t]"
        for place in PLACES:
            exact = {
                k: np.frompyfunc(mpmath.mpf, 1, 1)(v) for k, v in sample(textbook, gate, place, np.float64).items()
            }
            wanted = evaluate(textbook, exact, xp)[target]
            numbers = []
            for dtype, unit in FORMATS.values():
                given = sample(textbook, gate, place, dtype)
                numbers += [errors(form, wanted, given, target, unit) for form in forms]
            found.append((gate, place, numbers))
    return found


def shown(number: float, unit: float) -> str:
    return "∞" if number * unit > 0.5 else f"{number:,.0f}" if number >= 10 else f"{number:.1f}"


def markdown(table: list[tuple[str, float, list[float]]]) -> str:
    units = [unit for _, unit in FORMATS.values() for _ in range(2)]
    heads = [f"{name}, {form}" for name in FORMATS for form in ("textbook", "reusing")]
    lines = [["δ of", "a about", *heads], ["---"] + ["---:"] * (1 + len(heads))]
    for gate, place, numbers in table:
        lines.append([gate, f"{place:g}", *(shown(x, u) for x, u in zip(numbers, units, strict=True))])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def worse(table: list[tuple[str, float, list[float]]]) -> list[str]:
    """Where reusing products errs much more."""
    units = [unit for _, unit in FORMATS.values()]
    return [
        f"{gate} at {place:g}"
        for gate, place, numbers in table
        for k, unit in enumerate(units)
        if numbers[2 * k] * unit < 0.5 and numbers[2 * k + 1] > WORST * max(numbers[2 * k], 1)
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--write", action="store_true", help=f"put the table into {PAGE.name}")
    given = parser.parse_args()
    mpmath.mp.dps = DIGITS
    table = rows()
    text = markdown(table)
    print(text, end="")
    if given.write:
        page = PAGE.read_text(encoding="utf-8")
        before, after = page.partition(START)[0], page.partition(END)[2]
        PAGE.write_text(f"{before}{START}\n\n{text}\n{END}{after}", encoding="utf-8")
    for place in worse(table):
        print(f"reusing products errs more than {WORST:g} times as much: {place}", file=sys.stderr)
    return 1 if worse(table) else 0


if __name__ == "__main__":
    sys.exit(main())
