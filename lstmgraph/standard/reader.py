"""What the values of a cell are made of: polynomials of states and activations, and the terms of an activated layer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple

from sympy import Expr, Integer, MatAdd, MatMul, MatrixExpr, MatrixSymbol, Number

from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.names import Shape
from lstmgraph.cell import Cell, State
from lstmgraph.normal import is_activation
from lstmgraph.standard.forms import SINGLE, Block, Gate
from lstmgraph.standard.polynomial import MOST, ONE, Polynomial, added, atom, complement, times


class Differs(Exception):
    """In what a cell differs from a form."""


def is_layer(expr: MatrixExpr) -> bool:
    """Whether it is a function of each entry of a pre-activation, so that its rows are those of the function's rows."""
    return is_activation(expr) and isinstance(expr, n.Elementwise)


@dataclass
class Reader:
    """What the values of a cell are made of, looked up as far as it is needed: nothing is written out in full."""

    cell: Cell
    known: dict[MatrixExpr, Polynomial] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.states = {s.next for s in self.cell.states}

    def only_input(self) -> MatrixSymbol:
        if len(self.cell.inputs) != 1 or self.cell.inputs[0].shape[1] != 1:
            raise Differs(f"it has {len(self.cell.inputs)} inputs, not one vector")
        return self.cell.inputs[0]

    def states_of(self, count: int) -> tuple[State, State]:
        """The output's state, and the other one if there are two."""
        states = self.cell.states
        if len(states) != count:
            names = ", ".join(s.name for s in states)
            raise Differs(f"it carries {names or 'nothing'} from step to step, not {count} value{'s' * (count > 1)}")
        output = next((s for s in states if s.name == self.cell.output), None)
        if output is None or any(s.next.shape != output.next.shape or s.next.shape[1] != 1 for s in states):
            raise Differs(f"its output {self.cell.output} is no state of it, or its states are not vectors of one size")
        return output, next((s for s in states if s is not output), output)

    def resolved(self, expr: MatrixExpr) -> MatrixExpr:
        """What a value is, by its equation; next states keep their names."""
        if isinstance(expr, MatrixSymbol) and expr in self.cell.step.definitions and expr not in self.states:
            return self.resolved(self.cell.step.definitions[expr].value)
        if isinstance(expr, n.Identity):
            return self.resolved(expr.args[0])
        if isinstance(expr, n.Slice):
            inner = self.resolved(expr.args[0])
            if is_layer(inner):
                return inner.func(n.Slice(inner.args[0], *expr.args[1:]))
        return expr

    def defined(self, state: State) -> MatrixExpr:
        return self.resolved(self.cell.step.definitions[state.next].value)

    def polynomial(self, expr: MatrixExpr) -> Polynomial:
        expr = self.resolved(expr)
        if expr not in self.known:
            self.known[expr] = self._polynomial(expr)
        if len(self.known[expr]) > MOST or any(len(m) > MOST for m in self.known[expr]):
            raise Differs("its states are longer sums of products than those of any standard form")
        return self.known[expr]

    def _polynomial(self, expr: MatrixExpr) -> Polynomial:
        if isinstance(expr, MatAdd):
            return added(*map(self.polynomial, expr.args))
        if isinstance(expr, n.Hadamard):
            found: Polynomial = {(): ONE}
            for factor in expr.args:
                found = times(found, self.polynomial(factor))
            return found
        if isinstance(expr, n.OneMinus):
            return complement(self.polynomial(expr.args[0]))
        if isinstance(expr, n.Negative):
            return times({(): -ONE}, self.polynomial(expr.args[0]))
        if isinstance(expr, n.Fill) and isinstance(expr.value, Number):
            return added({(): expr.value})
        return atom(expr)

    # ── layers ──

    def terms(self, expr: MatrixExpr, sign: int = 1, rows: Shape | None = None) -> Iterator[Term]:
        """The terms of a pre-activation; of all its rows, or of those (start, count)."""
        expr = self.resolved(expr)
        match expr:
            case MatAdd():
                for part in expr.args:
                    yield from self.terms(part, sign, rows)
            case n.Negative():
                yield from self.terms(expr.args[0], -sign, rows)
            case n.Slice():
                start, count = expr.args[1:]
                yield from self.terms(expr.args[0], sign, (start + rows[0], rows[1]) if rows else (start, count))
            case MatMul():
                yield from self.products(self.block(expr.args[0], sign, rows), expr.args[1])
            case n.Hadamard() if len(expr.args) == 2 and not rows:  # rows of a reset are not the gate
                yield self.scaled(expr, sign)
            case _:
                yield Term("bias", self.block(expr, sign, rows))

    def products(self, weight: Block, operand: MatrixExpr) -> Iterator[Term]:
        """Of W [x; h'] it is one for x and one for h', each with its columns of W."""
        operand = self.resolved(operand)
        if not isinstance(operand, n.Concat):
            yield Term("product", weight, operand)
            return
        row, column = weight.start
        for part in operand.args:
            yield from self.products(replace(weight, start=(row, column), shape=(weight.shape[0], part.shape[0])), part)
            column = column + part.shape[0]

    def scaled(self, expr: MatrixExpr, sign: int) -> Term:
        """p ⊙ c, or r ⊙ (U h' + b')."""
        for factor, other in (expr.args, expr.args[::-1]):
            if any(is_layer(a) for m in self.polynomial(factor) for a in m):
                return Term("reset", None, factor, self.terms(other, sign))
        for factor, other in (expr.args, expr.args[::-1]):
            if factor in self.cell.parameters:
                return Term("peephole", self.block(factor, sign, None), self.resolved(other))
        raise Differs(f"the product {expr} in a gate is none that a standard form has")

    def block(self, expr: MatrixExpr, sign: int, rows: Shape | None) -> Block:
        expr = self.resolved(expr)
        if isinstance(expr, n.Slice):
            start, count = expr.args[1:]
            return self.block(expr.args[0], sign, (start + rows[0], rows[1]) if rows else (start, count))
        if expr not in self.cell.parameters:
            raise Differs(f"{expr} stands where a standard form has a parameter")
        zero: Expr = Integer(0)
        first, count = rows or (zero, expr.shape[0])
        return Block(expr, (first, zero), (count, expr.shape[1]), sign)

    def gate_in(self, found: Polynomial) -> tuple[MatrixExpr, int]:
        """The atom a of a polynomial a or 1 − a, and the sign that this is by: 1 − σ(x) = σ(−x)."""
        for layer in dict.fromkeys(a for m in found for a in m):
            if is_layer(layer):
                if found == atom(layer):
                    return layer, 1
                if found == complement(atom(layer)) and isinstance(layer, n.Sigmoid):
                    return layer, -1
        raise Differs("what a state is multiplied by is no gate a or 1 - a")

    def gate(self, layer: MatrixExpr, sign: int, sees: Sees) -> Gate:
        """The parts of an activated layer."""
        if not is_layer(layer):
            raise Differs(f"{layer} is no activation of a layer")
        parts: dict[str, list[Block]] = {name: [] for name in (*SINGLE, "biases", "recurrent_biases")}
        for name, block in sees.placed(self, self.terms(layer.args[0], sign)):
            parts[name].append(block)
            if len(parts[name]) > (1 if name in SINGLE else MOST):
                raise Differs("a gate has two products with one value")
        single = {name: next(iter(parts[name]), None) for name in SINGLE}
        biases = (tuple(parts[name]) for name in ("biases", "recurrent_biases"))
        return Gate(layer.func, single["input"], single["recurrent"], single["peephole"], *biases)


class Term(NamedTuple):
    """A term of a pre-activation: W v, p ⊙ v, a bias, or v ⊙ other terms, which are read when they are wanted."""

    kind: Literal["product", "peephole", "bias", "reset"]
    block: Block | None
    operand: MatrixExpr | None = None
    inner: Iterator[Term] = iter(())


@dataclass(frozen=True)
class Sees:
    """What a gate may see: the input, what it takes of the state before, a memory, and a reset after its product."""

    x: MatrixSymbol | None
    recurrent: Polynomial | None
    memory: MatrixSymbol | None = None
    reset: Polynomial | None = None

    def placed(self, reader: Reader, terms: Iterator[Term]) -> Iterator[tuple[str, Block]]:
        """Which part of a gate each term is."""
        for term in terms:
            if term.block is not None:
                yield self.part(reader, term), term.block
            elif self.reset is not None and reader.polynomial(term.operand) == self.reset:
                inside = Sees(None, atom(reader.cell.states[0].previous))
                for name, block in inside.placed(reader, term.inner):
                    yield ("recurrent_biases" if name == "biases" else name), block
            else:
                raise Differs(f"a gate has a factor {term.operand} inside")

    def part(self, reader: Reader, term: Term) -> str:
        if term.kind == "bias":
            return "biases"
        if term.kind == "peephole" and term.operand == self.memory:
            return "peephole"
        if term.kind == "product" and term.operand == self.x:
            return "input"
        if term.kind == "product" and reader.polynomial(term.operand) == self.recurrent:
            return "recurrent"
        raise Differs(f"a gate sees {term.operand}")
