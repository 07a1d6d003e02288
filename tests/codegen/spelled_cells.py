"""Random cells in other words: names as papers have them and such as generated code has itself; signs, numbers.

`random_cells.py` names values so that nothing can clash, and has few numbers.  Here names are of few letters, numbered,
with indices, or words of generated code, sizes among them; and many values have a sign, a factor or a divisor.
"""

from __future__ import annotations

import random
import re

from tests.codegen.random_cells import CONSTANTS, cell_text

LETTERS = ("W", "U", "b", "f", "i", "c", "h", "x", "d", "p", "n", "R", "s", "k", "alpha", "B", "T", "H1", "g", "z", "v")
ENDINGS = ("", "_1", "_2", "_3", "2", "1", "_x", "_h", "_x_1", "_x1", "_f", "_i_2", "_0", "0", "s", "_", "_all", "_T")
WORDS = (
    "work", "state", "states", "params", "xs", "hs", "cache", "out", "outs", "steps", "forward", "backward", "self",
    "np", "jnp", "torch", "jax", "gates", "size", "real", "d_x", "d_h", "delta_h", "n", "N", "j", "k", "m",
    "grads", "weights", "pre", "rest", "acc", "total", "int_", "M_PI", "EOF", "zeros", "dtype", "batch", "time", "seed",
    "I", "E", "S", "Q", "pi", "beta", "gamma", "zeta", "Id", "one", "result", "later", "first", "before", "after",
    "inputs", "initial", "final", "a", "A", "carry", "body", "init", "T", "B", "t0", "len", "sum_", "main",
)  # fmt: skip
SIZES = (
    ("H", "K", "X"),
    ("N", "D", "M"),
    ("n", "m", "d"),
    ("H1", "H2", "H3"),
    ("B_1", "T_1", "S"),
    ("E", "I", "Q"),
    ("h", "w", "x"),
)
SPELLED = (
    "(-{})", "(-{})", "(-(-{}))", "(2 * {})", "(-3 * {})", "({} / 3)", "({} / (-2))", "(0.1 * {})", "(-0.25 * {})",
    "(1.5e-3 * {})", "(2 * {} / 7)", "(-(-{} * 2))", "(1e2 * {} / 64)", "(-({} - 1))", "({} - 2)", "(1 - {})",
    "(-{} / 4)", "(0.7 - {} / 3)", "(1 - (-{}))", "(-(1 - {}))", "(1.0 * {})", "({} * (-1))", "(-k0 * {})", "({} / k1)",
)  # fmt: skip
VALUE = re.compile(r"\b[a-z]+\d*\[t(?:-1)?\]|\bp\d+\b|\bboth\[t\]")
WORD = re.compile(r"\b[A-Za-z]\w*\b")
FEW = 6  # one value in so many has something beside it


def spelled_text(number: int) -> str:
    """The text of the cell file that a number makes; not all can be read."""
    rng = random.Random(number)
    head, _, sizes = cell_text(number).partition("[sizes]\n")
    lines = [_with_signs(rng, line) if "[t] =" in line else line for line in head.splitlines()]
    given = [line for line in lines if not line.startswith("constants")]
    used = [f"{name} = {value}" for name, value in CONSTANTS.items() if any(name in line for line in lines)]
    names = dict(zip("HKX", rng.choice(SIZES), strict=True))
    names |= _names(rng, [*re.findall(r"^(\w+) =", sizes, re.MULTILINE), *CONSTANTS], {"is", "x", *names.values()})
    text = "\n".join([*given, *([f"constants = {{{', '.join(used)}}}"] if used else []), "[sizes]", sizes])
    return WORD.sub(lambda word: names.get(word[0], word[0]), text)


def _with_signs(rng: random.Random, line: str) -> str:
    target, _, value = line.partition(" = ")
    return f"{target} = " + VALUE.sub(
        lambda found: found[0] if rng.randrange(FEW) else rng.choice(SPELLED).format(found[0]), value
    )


def _names(rng: random.Random, old: list[str], taken: set[str]) -> dict[str, str]:
    """A new name for each, of few letters, so that many differ in their endings alone."""
    letters = rng.sample(LETTERS, 4)
    found = {}
    for name in old:
        while (word := _word(rng, letters)) in taken:
            pass
        taken.add(word)
        found[name] = word
    return found


def _word(rng: random.Random, letters: list[str]) -> str:
    return rng.choice(letters) + rng.choice(ENDINGS) if rng.randrange(3) else rng.choice(WORDS)
