"""A cell that is a standard operator, as that operator.

Its weights are those of all gates, one below the other, in the operator's order; they are stacked once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sympy import MatrixExpr, Transpose

from lstmgraph.algebra.build import negate, total
from lstmgraph.algebra.names import Shape
from lstmgraph.algebra.nodes import Concat, Fill, Slice
from lstmgraph.cell import Cell
from lstmgraph.codegen.graphs.lowering import lower
from lstmgraph.codegen.graphs.parts import Node, Tensor
from lstmgraph.codegen.graphs.scope import Scope, Whole
from lstmgraph.standard import ONNX, Block, Gate, Standard, standard

# The functions that an operator can have in the place of its own, and what it calls them.
Functions = Mapping[type, str]

_GATES = {"lstm": ("f", "g"), "gru": ("z", "n"), "rnn": ("h",)}  # one role of each function


def operator_of(cell: Cell, whole: Whole, functions: Functions) -> Operator | None:
    """The operator that a cell is, where its functions are among these, and its size is known."""
    found = standard(cell)
    if found is None or not all(f in functions for f in _functions(found)):
        return None
    size = whole.fixed(found.h.next.shape[0])
    return Operator(found, [functions[f] for f in _functions(found)], size) if size is not None else None


def _functions(found: Standard) -> list[type[MatrixExpr]]:
    functions = [found.gates[role].activation for role in _GATES[found.form]]
    return [*functions, found.squash] if found.squash is not None else functions


@dataclass(frozen=True)
class Operator:
    """A standard form, what its functions are called, and its size H."""

    found: Standard
    functions: list[str]
    size: int

    def add(self, scope: Scope, states: Mapping[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        """Adds its nodes.  Returns the outputs of all steps, and the last states by name."""
        found, whole = self.found, scope.whole
        names = {"h": found.h.name} | ({"c": found.c.name} if found.c else {})
        first = [scope.called(scope.unsqueezed(states[s], 0), f"initial_{k}").name for k, s in names.items()]
        inputs = [scope.values[found.x].name, *self.weights(scope), "", *first]
        if found.peepholes:
            inputs.append(self.stacked(scope, "P", ONNX[found.form].peepholes, [g.peephole for g in self.gates("P")]))
        outputs = [whole.fresh(word) for word in ("Y", *(f"Y_{k}" for k in names))]
        scope.nodes.append(Node(self.row.name, tuple(inputs), tuple(outputs), self.attributes))
        shape = (found.h.next.shape[0], found.h.next.shape[1])
        every, *last = (Tensor(name, shape, batched=True) for name in outputs)
        return scope.squeezed(every, 1), {
            name: scope.squeezed(t, 0) for name, t in zip(names.values(), last, strict=True)
        }

    @property
    def row(self) -> Any:
        return ONNX[self.found.form]

    @property
    def attributes(self) -> dict[str, Any]:
        how: dict[str, Any] = {"hidden_size": self.size}
        if tuple(self.functions) != self.row.functions:
            how["activations"] = self.functions
        if self.found.reset_after:
            how["linear_before_reset"] = 1
        return how

    def gates(self, part: str = "") -> list[Gate]:
        roles = self.row.peepholes if part == "P" else self.row.gates
        return [self.found.gates[role] for role in roles]

    # ── weights ──

    def weights(self, scope: Scope) -> Iterable[str]:
        """W, R and B; no name where there is no bias."""
        roles = self.row.gates
        yield self.stacked(scope, "W", roles, [gate.input for gate in self.gates()])
        yield self.stacked(scope, "R", roles, [gate.recurrent for gate in self.gates()])
        if any(gate.biases or gate.recurrent_biases for gate in self.gates()):
            inside, outside = zip(*map(_biases, self.gates()), strict=True)
            yield self.stacked(scope, "B", roles, [*inside, *outside])
        else:
            yield ""

    def stacked(self, scope: Scope, letter: str, roles: Iterable[str], parts: Iterable[Part]) -> str:
        """One below the other, with the axis of directions in front."""
        h, x = self.found.h.next.shape[0], self.found.x.shape[0]
        columns = {"W": x, "R": h}.get(letter, self.found.h.next.shape[1])
        values = [_value(part, (h, columns)) for part in parts]
        scope.owner = f"{letter}_{''.join(roles)}"
        tensor = lower(scope, Concat(*values) if len(values) > 1 else values[0])
        if columns == 1 and letter in "WR":
            tensor = scope.unsqueezed(tensor, -1)
        return scope.called(scope.unsqueezed(tensor, 0), scope.owner).name


Part = Block | tuple[Block, ...] | None


def _biases(gate: Gate) -> tuple[Part, Part]:
    """Those of the input's side and of the state's; of two that are added, one on each."""
    if gate.recurrent_biases:
        return gate.biases, gate.recurrent_biases
    return gate.biases[:1], gate.biases[1:]


def _value(part: Part, shape: Shape) -> MatrixExpr:
    """The formula of a part of a gate: of a missing one, zeros."""
    blocks = part if isinstance(part, tuple) else (part,) if part is not None else ()
    return total(*map(_block, blocks)) if blocks else Fill(0, *shape)


def _block(block: Block) -> MatrixExpr:
    """Rows and columns of a parameter, with its sign."""
    (top, left), (rows, columns) = block.start, block.shape
    value: MatrixExpr = block.parameter
    if rows != value.shape[0]:
        value = Slice(value, top, rows)
    if columns != value.shape[1]:
        value = Transpose(Slice(Transpose(value), left, columns))
    return value if block.sign > 0 else negate(value)
