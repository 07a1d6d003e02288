"""The graph that a drawing shows: operations and values, what feeds what, and the look.  No coordinates, no colours.

Built from a cell's equations (`extract`); every style lays out this same graph, so no style can lose or invent an
edge.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from lstmgraph.diagram.look import DEFAULT_LOOK, Look

if TYPE_CHECKING:
    from sympy import MatrixExpr

# What a node is.  `sum` is a one-layer network's weighted sum (W x + U h + p * c + b): the parameters that scale its
# operands belong to it.  `function` is a nonlinearity (sigma, tanh, exp, ...).  `operator` works on vectors element
# by element (x, +, 1-).
NodeKind = Literal["input", "previous", "next", "bias", "constant", "sum", "function", "operator"]

EXTERNAL: tuple[NodeKind, ...] = ("input", "previous", "next")  # enters or leaves a step
PARAMETERS: tuple[NodeKind, ...] = ("bias", "constant")
OPERATIONS: tuple[NodeKind, ...] = ("sum", "function", "operator")  # computed in a step

# What a value (the wire's colour) is, relative to the cell: a state is a *memory* if it is carried elementwise from
# step to step (a pipe), else the *output* side.
ValueKind = Literal["input", "previous_memory", "previous_output", "memory", "output", "bias", "internal"]


@dataclass(frozen=True)
class Node:
    """One operation or external value.

    `glyph` is LaTeX; `value` names the cell's value that this node computes, if it has one.
    """

    id: str
    kind: NodeKind
    glyph: str
    operation: str = ""  # the rule's name: "sigmoid", "hadamard", "add", ...
    value: str | None = (
        None  # canonical name, "f[t]", of the value that leaves here; None where the author gave no name
    )
    title: str = ""  # one line for people: the equation or what the value is
    owner: str = ""  # base name of the value whose equation this operation belongs to: "f"
    expression: object = field(default=None, compare=False, repr=False)  # what it computes, as a SymPy expression
    parts: tuple[object, ...] = field(default=(), compare=False, repr=False)  # expressions computed inside it
    shape: str = ""  # LaTeX, of the value that leaves here: "H", "H \\times X"


def base_of(node: Node) -> str:
    """The name of a node's value without its time: "c" of c[t-1] and of c[t]."""
    return (node.value or node.id).split("[", maxsplit=1)[0]


@dataclass(frozen=True)
class Edge:
    """The value of `source` is an operand of `target`.  `operand` is its position among the target's operands."""

    id: str
    source: str
    target: str
    operand: int
    kind: ValueKind
    via: str | None = None  # the parameter that scales it on the way into a sum: "W_f", "p_f"
    negative: bool = False
    mark: str = ""  # LaTeX to be shown at its arrow: "1", "2" where the order of operands matters
    via_shape: str = ""  # LaTeX, of the parameter `via`


@dataclass(frozen=True)
class Graph:
    """Nodes in order of evaluation, edges in order of (target, operand)."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    memories: tuple[str, ...]  # bases of the states that are pipes: ("c",)
    output: str  # base of the output state or value: "h"
    values: Mapping[str, str] = field(default_factory=dict)  # "h[t]" -> the node whose value it is; two may share one
    inside: Mapping[str, str] = field(default_factory=dict)  # a named value that no wire carries -> the node it is in
    texts: Mapping[str, str] = field(default_factory=dict)  # "h[t]" -> its LaTeX
    equations: Mapping[str, MatrixExpr] = field(default_factory=dict, compare=False, repr=False)  # "h[t]" -> its value
    look: Look = DEFAULT_LOOK  # for layouts: which forms nodes have, and what is written beside them

    def node(self, id: str) -> Node:
        return next(n for n in self.nodes if n.id == id)

    def into(self, id: str) -> tuple[Edge, ...]:
        return tuple(e for e in self.edges if e.target == id)

    def out_of(self, id: str) -> tuple[Edge, ...]:
        return tuple(e for e in self.edges if e.source == id)
