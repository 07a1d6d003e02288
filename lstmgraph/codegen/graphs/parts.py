"""Nodes, graphs and tensors as plain data, in ONNX's vocabulary."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from sympy import Expr, Integer

from lstmgraph.algebra.names import Shape
from lstmgraph.codegen.arrays import array_axes

STEPS, BATCH = "T", "B"  # what the two axes before a value's own are called


@dataclass(frozen=True)
class Node:
    """An operator, what it takes and gives by name, and its attributes, a `Graph` among them."""

    op: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any] = field(default_factory=dict)

    def renamed(self, old: str, new: str) -> Node:
        inputs = tuple(new if name == old else name for name in self.inputs)
        outputs = tuple(new if name == old else name for name in self.outputs)
        inner = {k: v.renamed(old, new) if isinstance(v, Graph) else v for k, v in self.attributes.items()}
        return replace(self, inputs=inputs, outputs=outputs, attributes=inner)

    @property
    def used(self) -> Iterator[str]:
        """What it takes, and what its inner graphs take from outside."""
        yield from self.inputs
        for graph in self.attributes.values():
            if isinstance(graph, Graph):
                yield from graph.used


@dataclass(frozen=True)
class Value:
    """What goes in or out: a name, the axes (sizes, or the names of those in front), and what its entries are."""

    name: str
    axes: tuple[Expr | str, ...]
    kind: Literal["real", "whole", "truth"] = "real"


@dataclass(frozen=True)
class Graph:
    """`constants` are floats, in the model's type, and whole numbers, or lists of them."""

    name: str
    inputs: Sequence[Value]
    outputs: Sequence[Value]
    nodes: Sequence[Node]
    constants: Mapping[str, float | int | list[int]] = field(default_factory=dict)

    @property
    def used(self) -> Iterator[str]:
        yield from (name for node in self.nodes for name in node.used)
        yield from (value.name for value in self.outputs)

    def renamed(self, old: str, new: str) -> Graph:
        return replace(self, nodes=[node.renamed(old, new) for node in self.nodes])


@dataclass(frozen=True)
class Tensor:
    """A value of a graph.  `shape` is that of one sample's value.

    `batched`: there is one for each sample, whose axes are in front; else one for all.  `thin`: all entries are equal
    and the tensor has only one, which broadcasts.
    """

    name: str
    shape: Shape
    batched: bool = False
    thin: bool = False

    @property
    def form(self) -> str:
        """S for a scalar, V for a vector, R for a row, M for a matrix."""
        rows, columns = self.shape
        return {(True, True): "S", (False, True): "V", (True, False): "R"}.get((rows == 1, columns == 1), "M")

    @property
    def axes(self) -> tuple[Expr, ...]:
        """The sizes of its own axes, without those in front."""
        axes = array_axes(self.shape, self.batched)
        return axes if not self.thin else (Integer(1),) * len(axes) if self.batched else ()


def used_by(nodes: Iterable[Node]) -> set[str]:
    return {name for node in nodes for name in node.used}
