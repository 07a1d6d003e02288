"""What a drawing looks like beyond its colours: forms of operations, how biases and forks are drawn, what is written.

A theme's file gives a `Look` in its table `[look]`; options of a drawing replace parts of it.  To add a property: a
field here with its default, a line of `CHOICES` where it takes one of a few words, and the place that reads it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

from lstmgraph.diagram.scene import Shape

# How far the equations are taken apart: one node a network; its sum and its nonlinearity; every product and every sum.
Detail = Literal["gates", "sums", "full"]
# A bias under its parameter's name; under its number (0, 1, ... in order of evaluation); not at all: it is inside its
# network then.
Bias = Literal["name", "number", "none"]
# Where a value goes on to several places: a dot; or the line divides in a curve, and joining lines meet in one.
Forks = Literal["dot", "curve"]
# What may be written beside the symbols, by `show`.
Part = Literal["values", "weights", "shapes", "bias"]

DETAILS: tuple[Detail, ...] = get_args(Detail)
PARTS: tuple[Part, ...] = get_args(Part)
CHOICES: Mapping[str, tuple[str, ...]] = {"detail": DETAILS, "bias": get_args(Bias), "forks": get_args(Forks)}


@dataclass(frozen=True)
class Look:
    """The looks of a drawing.  `shapes`: (operation or kind, shape) where that is not what `shapes.form_of` takes."""

    shapes: tuple[tuple[str, Shape], ...] = (("sigmoid", "teardrop"), ("tanh", "pentagon"))
    detail: Detail = "sums"
    bias: Bias = "name"
    forks: Forks = "dot"
    values: bool = True  # the names of values, f[t], on their wires
    weights: bool = False  # the parameters that scale a value, at its arrow into a sum
    sizes: bool = False  # the shapes of values and of parameters, beside their names

    def shape_of(self, *names: str) -> Shape | None:
        """The shape that is given for the first of these operations or kinds that has one."""
        table = dict(self.shapes)
        return next((table[name] for name in names if name in table), None)


DEFAULT_LOOK = Look()


def read_look(table: Mapping[str, Any]) -> Look:
    """The look that a theme's file gives; ValueError for what no look has."""
    known = {f.name for f in fields(Look)}
    if unknown := sorted(set(table) - known):
        raise ValueError(f"[look] has no {unknown[0]!r}; it has {', '.join(sorted(known))}")
    for name, words in CHOICES.items():
        if table.get(name, words[0]) not in words:
            raise ValueError(f"[look] {name} is one of {', '.join(words)}, not {table[name]!r}")
    values = dict(table)
    if "shapes" in values:
        values["shapes"] = tuple(_shape(name, shape) for name, shape in values["shapes"].items())
    return Look(**values)


def _shape(name: str, shape: str) -> tuple[str, Shape]:
    if shape not in get_args(Shape):
        raise ValueError(f"[look] shapes: {name} is one of {', '.join(get_args(Shape))}, not {shape!r}")
    return name, shape  # type: ignore[return-value]
