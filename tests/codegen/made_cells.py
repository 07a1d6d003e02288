"""Random cells, most of which is made of parameters alone: decays, rates, shares that are taken again and again.

In what `random_cells.py` makes nearly everything waits for a step.  Here a few values are made of parameters and of one
another, so that each is taken oftener than once, mostly as a factor or under a line; then there is one state of them.
"""

from __future__ import annotations

import random

from tests.codegen.random_cells import SCALAR, H, Shape, Writer, X, file_text

FORMS = (
    "{a} * {b}",
    "{a} * {b}",
    "{a} / {below}",
    "({a} - 1) / {below}",
    "exp(-{a} ** 2)",
    "{f}({a})",
    "{f}({a} + {b})",
    "{a} - {f}({b})",
)
STATES = (
    "{a} * s[t-1] + {b} * {c}",
    "{a} * s[t-1] + (1 - {a}) / {below} * {c}",
    "{f}({a} * s[t-1]) + {b} / {below} * {c}",
)


BELOW = ("(2 + cos({0}))", "(1 + {0} ** 2)", "exp(sin({0}))", "sigmoid({0})", "(0.5 + {0} ** 2)")
FUNCTIONS = ("sin", "tanh", "exp", "sigmoid", "softplus", "cos")
LATE = 3  # values: the last ones are taken, or most would never be


def made_text(number: int) -> str:
    """The text of the cell file that a number makes, always the same."""
    writer = Writer(random.Random(number))
    for shape in (H, writer.one(SCALAR, H), writer.one(SCALAR, H)):
        writer.values[writer.parameter(*shape)] = shape
    for k in range(writer.some(2, 4)):
        shape = writer.one(SCALAR, H, H, H) if writer.there(SCALAR) else H
        writer.equation(f"m{k}", shape, _form(writer, FORMS, shape))
    writer.sizes |= {"x": X, "s": H}
    taken = writer.product(H, "x[t]", X) if writer.some(0, 2) else f"{_late(writer, H)} * p0"
    writer.equation("s", H, _form(writer, STATES, H, f"({taken})"))
    return file_text(writer.lines, writer.sizes, "s")


def _late(writer: Writer, *shapes: Shape) -> str:
    return writer.one(*writer.there(*shapes)[-LATE:])


def _form(writer: Writer, forms: tuple[str, ...], shape: Shape, taken: str = "") -> str:
    """A formula of a value of that shape and of others that may stand beside it: of the same shape, or scalars."""
    value = _late(writer, shape) if writer.some(0, 3) else writer.expression(shape)
    other, under = (_late(writer, shape, SCALAR) for _ in range(2))
    below = writer.one(*BELOW).format(under)
    return writer.one(*forms).format(a=value, b=other, c=taken, f=writer.one(*FUNCTIONS), below=below)
