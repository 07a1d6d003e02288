"""Random cells, changed: other sizes, another output, values of the step before where those of this step were.

What `random_cells.py` makes has two sizes that differ, and takes of the step before only states.  Here sizes may be
numbers, the same, or made of one another, and any value of the step before may be taken.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping

from sympy import sympify

from tests.codegen.random_cells import cell_text

SIDES = (("1", "K"), ("H", "1"), ("H", "H"), ("2", "K"), ("2*H", "H"), ("H", "2*H"), ("H", "H + 1"), ("3", "2"))
REFERENCE = re.compile(r"\b(\w+)\[t(?:-1)?\]")
MOVED = 2  # references, at most


def changed_text(number: int) -> str:
    """The text of the cell file that a number makes; not all can be read."""
    rng = random.Random(number)
    head, _, sizes = cell_text(number).partition("[sizes]\n")
    shapes = dict(re.findall(r"(\w+) = (.*)", sizes))
    lines = head.splitlines()
    made = [line.partition("[t] =")[0] for line in lines if "[t] =" in line]
    for _ in range(rng.randint(0, MOVED)):
        lines = _moved(rng, lines, made, shapes)
    if rng.randint(0, 1):
        lines = [f'output = "{rng.choice(made)}"' if line.startswith("output") else line for line in lines]
    h, k = rng.choice(SIDES)
    found = re.sub(r'"([^"]*)"', lambda side: _size(side[1], {"H": h, "K": k}), sizes)
    return "\n".join([*lines, "[sizes]", found])


def _size(text: str, sides: Mapping[str, str]) -> str:
    size = sympify(re.sub(r"\w+", lambda name: f"({sides.get(name[0], name[0])})", text))
    return str(size) if size.is_Integer else f'"{size}"'


def _moved(rng: random.Random, lines: list[str], made: list[str], shapes: Mapping[str, str]) -> list[str]:
    """With one reference to another value of that shape, of the step before where it is not there yet."""
    at = rng.choice([k for k, line in enumerate(lines) if "[t] =" in line])
    target, _, value = lines[at].partition(" = ")
    found = [m for m in REFERENCE.finditer(value) if m[1] in made]
    if not found:
        return lines
    old = rng.choice(found)
    new = rng.choice([name for name in made if shapes.get(name) == shapes.get(old[1])])
    late = made.index(new) >= made.index(target.removesuffix("[t]")) or rng.randint(0, 1)
    text = f"{target} = {value[: old.start()]}{new}[t{'-1' * bool(late)}]{value[old.end() :]}"
    return [*lines[:at], text, *lines[at + 1 :]]
