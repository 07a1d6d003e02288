"""The standard forms and their parts, as data, and the order of parts in the operators of ONNX."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from sympy import MatrixExpr, MatrixSymbol

from lstmgraph.algebra.names import Shape
from lstmgraph.cell import State

Form = Literal["lstm", "gru", "rnn"]


@dataclass(frozen=True)
class Block:
    """`sign` times some rows and columns of a parameter: those from `start`, as many as `shape` says."""

    parameter: MatrixSymbol
    start: Shape
    shape: Shape
    sign: int = 1

    @property
    def whole(self) -> bool:
        """Whether it is all of the parameter."""
        return bool(self.shape == self.parameter.shape)


@dataclass(frozen=True)
class Gate:
    """activation(input x + recurrent h' + peephole ⊙ c + biases); a part that is None, or no bias, is zero.

    Shapes are (H, X), (H, H), (H, 1), (H, 1).  Several biases are added.  `recurrent_biases` are those inside the
    reset of a GRU that resets after the product.
    """

    activation: type[MatrixExpr]
    input: Block | None = None
    recurrent: Block | None = None
    peephole: Block | None = None
    biases: tuple[Block, ...] = ()
    recurrent_biases: tuple[Block, ...] = ()

    @property
    def blocks(self) -> tuple[Block, ...]:
        parts = (self.input, self.recurrent, self.peephole, *self.biases, *self.recurrent_biases)
        return tuple(p for p in parts if p is not None)


SINGLE = ("input", "recurrent", "peephole")


@dataclass(frozen=True)
class Standard:
    """`gates` by their roles: of an lstm i, f, g, o, of a gru r, z, n, of an rnn h.

    `squash` is the function of c in an lstm's output.  `c` is the state of an lstm that is not its output.
    """

    form: Form
    gates: Mapping[str, Gate]
    x: MatrixSymbol
    h: State
    c: State | None = None
    squash: type[MatrixExpr] | None = None
    reset_after: bool = False

    @property
    def peepholes(self) -> bool:
        return any(gate.peephole is not None for gate in self.gates.values())

    @property
    def blocks(self) -> tuple[Block, ...]:
        return tuple(b for gate in self.gates.values() for b in gate.blocks)

    @property
    def tied(self) -> tuple[MatrixSymbol, ...]:
        """The parameters that stand for the same part of several gates, in order of first use."""
        places = [(b.parameter, b.start) for b in self.blocks]
        return tuple(dict.fromkeys(p for p, start in places if places.count((p, start)) > 1))


class Operator(NamedTuple):
    """An operator of ONNX: its name, and the roles in the order in which W, R and B (Wb, then Rb) hold them, and P.

    `functions` are those that it has unless it is told otherwise: of the gates, of the layer, of the output.
    """

    name: str
    gates: tuple[str, ...]
    functions: tuple[str, ...]
    peepholes: tuple[str, ...] = ()


ONNX: Mapping[Form, Operator] = {
    "lstm": Operator("LSTM", ("i", "o", "f", "g"), ("Sigmoid", "Tanh", "Tanh"), ("i", "o", "f")),
    "gru": Operator("GRU", ("z", "r", "n"), ("Sigmoid", "Tanh")),
    "rnn": Operator("RNN", ("h",), ("Tanh",)),
}
