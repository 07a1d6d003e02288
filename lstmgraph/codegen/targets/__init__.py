"""Targets: what code can be generated for.

To add a target: a module here with a function that has the face of `Generate`, and a row in `TARGETS`.  The module is
imported when code is generated for its target: to list the targets takes no SymPy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple, Protocol, cast

if TYPE_CHECKING:
    from lstmgraph.codegen.plan import Plan


class Generate(Protocol):
    """Every target's `generate`: the text of a file, from a plan and the lines of its docstring."""

    def __call__(self, plan: Plan, about: Sequence[str]) -> str: ...


class Target(NamedTuple):
    """A line about it, the suffix of its files, and its module in this package."""

    words: str
    suffix: str
    module: str


TARGETS: Mapping[str, Target] = {
    "numpy": Target("a standalone NumPy file: step, forward, backward", ".py", "numpy"),
}


def generator(target: str) -> Generate:
    """The function that writes the file of one of the `TARGETS`."""
    return cast("Generate", import_module(f"{__name__}.{TARGETS[target].module}").generate)
