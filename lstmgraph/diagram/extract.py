"""From a cell's equations to the graph that drawings show.

The graph is what the equations say and nothing else: a weighted sum with its parameters is one node, every other
operation is one node, and an edge is the use of a value.  A quotient is drawn as a product with a reciprocal and a
difference as a sum with a negative operand.  A memory that is carried through a weighted sum stays on its line: what
scales it and adds to it are operators, and what is added is a network.  Where the order of operands matters and cannot
be seen from what they are, it is written at their arrows.

With `products` a weighted sum is taken apart: every product with a parameter is a node of its own.  Coarser graphs are
made from this one (`detail`).  To draw a new operation there is nothing to do here: its glyph is in its row of the
table.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from sympy import MatAdd, MatMul, MatrixExpr, MatrixSymbol, Number, Transpose, latex

from lstmgraph.algebra.build import is_decimal, total
from lstmgraph.algebra.names import name_of
from lstmgraph.algebra.nodes import (
    Concat,
    Divide,
    Elementwise,
    Fill,
    Hadamard,
    Identity,
    Negative,
    OneMinus,
    Power,
    Reciprocal,
    Softmax,
    Sum,
    as_written,
)
from lstmgraph.algebra.rules import RULES
from lstmgraph.algebra.traverse import apart, symbols_in
from lstmgraph.cell import Cell
from lstmgraph.diagram.graph import PARAMETERS, Edge, Graph, Node, NodeKind, ValueKind
from lstmgraph.program import Equation
from lstmgraph.roles import carrying, memories

Typeset = Callable[[MatrixSymbol], str]
Describe = Callable[[Equation | MatrixExpr], str]
Formula = Callable[[MatrixExpr], str]

PRODUCT = "product_with_a_parameter"  # what an operation is called that scales a value by something learnt
SCALED, SHIFTED = "product_with_a_number", "sum_with_a_number"  # by, or with, what is known beforehand


def extract(
    cell: Cell, typeset: Typeset, describe: Describe = str, formula: Formula = str, products: bool = False
) -> Graph:
    """The graph of a cell.

    `typeset` gives a symbol's LaTeX, `formula` that of an expression of parameters, `describe` the text of an
    equation or an expression, for titles.  `products` draws the terms of weighted sums as nodes.
    """
    return _Extraction(cell, typeset, describe, formula, products).run()


@dataclass(frozen=True)
class _Operand:
    """A value on its way into an operation: where it comes from, and what happens to it on the way."""

    source: str
    via: str | None = None
    negative: bool = False
    mark: str = ""
    via_shape: str = ""


class _Term(NamedTuple):
    """A term of a weighted sum: the value, what scales it, its sign."""

    expr: MatrixExpr
    by: MatrixExpr | None
    negative: bool


class _Extraction:
    def __init__(self, cell: Cell, typeset: Typeset, describe: Describe, formula: Formula, products: bool) -> None:
        self.cell, self.typeset, self.describe, self.formula = cell, typeset, describe, formula
        self.products = products
        self.nodes: dict[str, Node] = {}
        self.edges: list[Edge] = []
        self.apart = apart(e.value for e in cell.equations)
        self.made: dict[MatrixExpr, str] = {}  # expression or symbol -> the node whose value it is
        self.terms: set[str] = set()  # ids of the terms of a sum that is taken apart
        self.owner = ""
        self.memories = memories(cell)
        self.carrying = carrying(cell)
        self.states = {s.name for s in cell.states}

    def run(self) -> Graph:
        for symbol in (*self.cell.inputs, *self.cell.previous):
            self.external(symbol, "input" if name_of(symbol).lag == 0 else "previous")
        for equation in self.cell.step:
            self.define(equation)
        for target in self.leaving():
            self.leave(target)
        order = {id: k for k, id in enumerate(self.nodes)}
        edges = sorted(self.edges, key=lambda e: (order[e.target], e.operand))
        return Graph(
            tuple(self.nodes.values()),
            tuple(replace(e, kind=self.value_kind(e.source)) for e in edges),
            self.memories,
            self.cell.output,
            {target.name: self.made[target] for target in self.cell.values.values()},
            equations={e.target.name: e.value for e in self.cell.step},
            texts={target.name: self.typeset(target) for target in self.cell.values.values()},
        )

    # ── values that come from or go outside ──

    def external(self, symbol: MatrixSymbol, kind: NodeKind) -> None:
        what = "input" if kind == "input" else f"previous_{self.what(symbol)}"
        self.nodes[symbol.name] = Node(
            symbol.name, kind, self.typeset(symbol), what, symbol.name, symbol.name, shape=shape_of(symbol)
        )
        self.made[symbol] = symbol.name

    def leaving(self) -> list[MatrixSymbol]:
        """The outputs, and every value that nothing uses: a value that ends nowhere is shown too."""
        used = {s for e in self.cell.equations for s in symbols_in(e.value)}
        return [t for t in self.cell.values.values() if t in self.cell.outputs or t not in used]

    def leave(self, target: MatrixSymbol) -> None:
        """The node outside to which a value leaves; its id ends in `'`: an operation may be called h[t] too."""
        id = target.name + "'"
        self.nodes[id] = Node(
            id, "next", self.typeset(target), self.what(target), target.name, target.name, shape=shape_of(target)
        )
        self.connect(id, [_Operand(self.made[target])])

    def what(self, value: MatrixSymbol) -> str:
        """What a value is that leaves a step or comes from the one before."""
        base = name_of(value).base
        if base in self.memories:
            return "memory_and_output" if base == self.cell.output else "memory"
        return "output" if base == self.cell.output else "state" if base in self.states else "value"

    def parameter(self, expr: MatrixExpr, into: str, place: int, what: str = "parameter") -> str:
        """An operand in which there is no value of the step: the bias of a weighted sum, a parameter, a constant."""
        id = f"{into}.p{place + 1}"
        kind: NodeKind = "constant" if self.is_constant(expr) else "bias"
        shape = "" if kind == "constant" else shape_of(expr)
        self.nodes[id] = self.node(id, kind, self.tex(expr), what if kind == "bias" else kind, expr, shape)
        return id

    def node(self, id: str, kind: NodeKind, glyph: str, operation: str, expr: MatrixExpr, shape: str) -> Node:
        """A node for an expression of the equation in hand."""
        title = self.describe(expr)
        return Node(id, kind, glyph, operation, title=title, owner=self.owner, expression=expr, shape=shape)

    # ── equations ──

    def define(self, equation: Equation) -> None:
        self.owner = name_of(equation.target).base
        source = self.value(equation.value, self.owner)
        self.made[equation.target] = source
        node = self.nodes[source]
        if node.owner == self.owner and node.value is None:
            self.nodes[source] = replace(node, value=equation.target.name, title=self.describe(equation))

    def value(self, expr: MatrixExpr, id: str) -> str:
        """The id of the node that computes an expression: `id` if it is new; what that needs is `id.1`, `id.2`, ..."""
        if expr not in self.made:
            if self.is_parameter(expr):
                return self.parameter(expr, id, 0)
            if isinstance(expr, (Identity, Fill)):  # the same value, so no operation to draw
                return self.value(expr.args[0], id)
            kind, operation, glyph, found = self.operation(expr, id)
            self.nodes[id] = self.node(id, kind, glyph, operation, expr, shape_of(expr))
            self.connect(id, found)
            self.made[expr] = id
        return self.made[expr]

    def part(self, expr: MatrixExpr, id: str, place: int, what: str = "parameter") -> _Operand:
        """One operand of the node `id`; `what` it is called where it is a parameter."""
        if isinstance(expr, Negative):
            inner = self.part(expr.args[0], id, place, what)
            return replace(inner, negative=not inner.negative)
        if isinstance(expr, (Identity, Fill)) and isinstance(expr.args[0], Negative) and not self.is_parameter(expr):
            return self.part(expr.args[0], id, place, what)
        if self.is_parameter(expr):
            return _Operand(self.parameter(expr, id, place, what))
        return _Operand(self.value(expr, f"{id}.{place + 1}"))

    def connect(self, target: str, found: Sequence[_Operand]) -> None:
        for k, o in enumerate(found):
            id = f"{o.source}>{target}.{k}"
            self.edges.append(Edge(id, o.source, target, k, "internal", o.via, o.negative, o.mark, o.via_shape))

    # ── what kind of node an expression is ──

    def operation(self, expr: MatrixExpr, id: str) -> tuple[NodeKind, str, str, list[_Operand]]:
        """Kind, name, glyph and operands of the node for an expression."""
        if self.is_weighted(expr):
            return self.on_pipe(expr, id) if expr in self.carrying else self.network(expr, id)
        rule = RULES[expr.func]
        if isinstance(expr, (Elementwise, Softmax, Sum)) and not rule.infix:
            return "function", rule.name, rule.glyph, [self.part(expr.args[0], id, 0)]
        if isinstance(expr, (Hadamard, MatAdd, Power)):
            return self.scaled(expr, id)
        if isinstance(expr, Divide):
            product = Hadamard(expr.args[0], Reciprocal(expr.args[1]))
            self.carrying |= {product} if expr in self.carrying else set()
            return self.operation(product, id)
        if isinstance(expr, MatMul):
            return self.matrix_product(expr, id)
        found = [self.value_operand(a, id, k) for k, a in enumerate(as_written(expr, self.apart))]
        return "operator", rule.name, rule.glyph, _in_order(found) if isinstance(expr, Concat) else found

    def on_pipe(self, expr: MatrixExpr, id: str) -> tuple[NodeKind, str, str, list[_Operand]]:
        """What scales a memory by something learnt, or adds to it: an operator, which takes in a weighted sum."""
        if (pair := self.split(expr)) is not None:
            return self.by_parameter(expr, pair, id)
        rule = RULES[expr.func]
        if isinstance(expr, Negative):
            return "operator", rule.name, rule.glyph, [self.value_operand(expr.args[0], id, 0)]
        layer, added = self.layer(expr), list(expr.args)
        if layer:
            place = expr.args.index(layer[0])
            added = [a for a in added if a not in layer]
            added.insert(place - sum(a in layer for a in expr.args[:place]), total(*layer))
        return "operator", rule.name, rule.glyph, [self.part(a, id, k) for k, a in enumerate(added)]

    def layer(self, expr: MatrixExpr) -> list[MatrixExpr]:
        """The terms of a sum on a pipe that are a network: what is weighted, and the biases; a bias alone is none."""
        rest = [a for a in expr.args if a not in self.carrying]
        found = [a for a in rest if self.is_weighted(a) or self.is_parameter(a)]
        if not all(map(self.is_parameter, found)):
            return found
        return rest if 0 < len(found) < len(rest) else []

    def by_parameter(
        self, expr: MatrixExpr, pair: tuple[MatrixExpr, MatrixExpr], id: str
    ) -> tuple[NodeKind, str, str, list[_Operand]]:
        """A product with something learnt as an operator, which names it."""
        parameter, value = pair
        glyph = self.factor(parameter) + (r"\odot" if isinstance(expr, Hadamard) else "")
        operand = self.value_operand(value, id, 0)
        return "operator", PRODUCT, glyph, [replace(operand, via_shape=shape_of(parameter))]

    def network(self, expr: MatrixExpr, id: str) -> tuple[NodeKind, str, str, list[_Operand]]:
        """The sum of a one-layer network; taken apart, its terms are nodes of their own."""
        if self.products and id in self.terms and (pair := self.split(expr)) is not None:
            return self.by_parameter(expr, pair, id)
        if self.products and isinstance(expr, MatAdd):
            self.terms |= {f"{id}.{k}" for k in range(1, len(expr.args) + 1)}
            return "sum", "weighted_sum", "+", [self.part(a, id, k, "bias") for k, a in enumerate(expr.args)]
        terms = [t for a in (expr.args if isinstance(expr, MatAdd) else (expr,)) for t in self.weighted(a)]
        alone = terms[0].by if len(terms) == 1 else None
        operation = "weighted_sum" if len(terms) > 1 else PRODUCT
        glyph = "+" if alone is None else self.tex(alone)
        return "sum", operation, glyph, [self.weighted_operand(t, id, k) for k, t in enumerate(terms)]

    def matrix_product(self, expr: MatMul, id: str) -> tuple[NodeKind, str, str, list[_Operand]]:
        """A product of two values: of vectors an inner or an outer one, whose transpose goes without saying.

        The order is written at the arrows, but for an inner product, where it is no matter.
        """
        vectors = all(1 in a.shape for a in expr.args)
        parts = [a.args[0] if vectors and isinstance(a, Transpose) else a for a in expr.args]
        found = [self.part(a, id, k) for k, a in enumerate(parts)]
        if not vectors:
            return "operator", RULES[MatMul].name, r"\bullet", _in_order(found)
        if expr.args[0].shape[1] == 1:
            return "operator", "outer_product", r"\otimes", _in_order(found)
        return "operator", "inner_product", r"\langle\cdot,\cdot\rangle", found

    def value_operand(self, expr: MatrixExpr, id: str, place: int) -> _Operand:
        """An operand of an operation that cannot take a minus sign on its way in."""
        if isinstance(expr, Negative):
            return _Operand(self.value(expr, f"{id}.{place + 1}"))
        return self.part(expr, id, place)

    def scaled(self, expr: MatrixExpr, id: str) -> tuple[NodeKind, str, str, list[_Operand]]:
        """A product, sum or power; with a number it is an operation on the other operand: 2x, 1+, squared."""
        name, glyph = RULES[expr.func].name, RULES[expr.func].glyph
        fixed = [a for a in expr.args if self.is_constant(a)]
        others = [a for a in expr.args if a not in fixed]
        if isinstance(expr, Power):
            if fixed == [expr.args[1]]:
                return "operator", name, rf"(\cdot)^{{{self.tex(fixed[0])}}}", [self.value_operand(others[0], id, 0)]
            return "operator", name, "a^b", _in_order([self.value_operand(a, id, k) for k, a in enumerate(expr.args)])
        if fixed and len(others) == 1:
            if isinstance(expr, MatAdd):
                return self.shifted(fixed, others[0], id)
            glyph = r"\,".join(map(self.factor, fixed)) + r"\times"
            return "operator", SCALED, glyph, [self.value_operand(others[0], id, 0)]
        take = self.part if isinstance(expr, MatAdd) else self.value_operand
        return "operator", name, glyph, [take(a, id, k) for k, a in enumerate(expr.args)]

    def shifted(
        self, fixed: Sequence[MatrixExpr], other: MatrixExpr, id: str
    ) -> tuple[NodeKind, str, str, list[_Operand]]:
        """A value and numbers: 1+ or 2-, and with a minus before a number (.)-1."""
        bare = [a.value if isinstance(a, Fill) and isinstance(a.value, Negative) else a for a in fixed]
        taken = [a.args[0] for a in bare if isinstance(a, Negative)]
        added = [a for a in bare if not isinstance(a, Negative)]
        if not taken:
            inner, sign = (other.args[0], "-") if isinstance(other, Negative) else (other, "+")
            return "operator", SHIFTED, "+".join(map(self.tex, added)) + sign, [self.value_operand(inner, id, 0)]
        glyph = r"(\cdot)" + "".join(f"+{self.tex(a)}" for a in added) + "".join(f"-{self.tex(a)}" for a in taken)
        return "operator", SHIFTED, glyph, [self.value_operand(other, id, 0)]

    # ── weighted sums ──

    def is_parameter(self, expr: MatrixExpr) -> bool:
        return all(name_of(s).lag is None for s in symbols_in(expr))

    def is_constant(self, expr: MatrixExpr) -> bool:
        return all(s.name in self.cell.constants for s in symbols_in(expr))

    def is_weighted(self, expr: MatrixExpr) -> bool:
        """Whether it is a one-layer network's sum: it scales a value by something learnt, or adds a bias."""
        if isinstance(expr, MatAdd):
            return any(self.is_weighted(a) or (self.is_parameter(a) and not self.is_constant(a)) for a in expr.args)
        if isinstance(expr, Negative):
            return self.is_weighted(expr.args[0])
        return self.split(expr) is not None

    def split(self, expr: MatrixExpr) -> tuple[MatrixExpr, MatrixExpr] | None:
        """(parameter, value) of a term such as W x or p * c; None where a term is not such a product."""
        if not isinstance(expr, (MatMul, Hadamard)):
            return None
        learnt = [a for a in expr.args if self.is_parameter(a)]
        values = [a for a in expr.args if not self.is_parameter(a)]
        if len(values) != 1 or all(self.is_constant(a) for a in learnt):
            return None
        return (learnt[0] if len(learnt) == 1 else expr.func(*learnt)), values[0]

    def weighted(self, term: MatrixExpr, negative: bool = False) -> list[_Term]:
        """What a term brings into a sum: one value, but a term such as W [h; x] brings two."""
        if isinstance(term, Negative):
            return self.weighted(term.args[0], not negative)
        pair = self.split(term)
        if pair is None:
            return [_Term(term, None, negative)]
        values = pair[1].args if isinstance(pair[1], Concat) and isinstance(term, MatMul) else (pair[1],)
        return [_Term(v, pair[0], negative) for v in values]

    def weighted_operand(self, term: _Term, id: str, place: int) -> _Operand:
        operand = self.part(term.expr, id, place, "parameter" if isinstance(term.expr, Fill) else "bias")
        negative = operand.negative != term.negative
        if term.by is None:
            return replace(operand, negative=negative)
        scale = term.by.value if isinstance(term.by, Fill) else term.by
        shape = shape_of(scale) if isinstance(scale, MatrixExpr) else "1"
        return replace(operand, negative=negative, via=self.tex(term.by), via_shape=shape)

    # ── words ──

    def value_kind(self, id: str) -> ValueKind:
        """What the value of a node is to the reader."""
        node = self.nodes[id]
        if node.kind == "input":
            return "input"
        if node.kind in PARAMETERS:
            return "bias"
        for state in self.cell.states:
            if node.id == state.previous.name:
                return "previous_memory" if state.name in self.memories else "previous_output"
        bases = {name_of(t).base for t, made in self.made.items() if made == id and isinstance(t, MatrixSymbol)}
        if bases & set(self.memories):
            return "memory"
        return "output" if bases & {self.cell.output, *(s.name for s in self.cell.states)} else "internal"

    def tex(self, expr: MatrixExpr) -> str:
        """A parameter, a number, or a formula of these, as LaTeX: for glyphs and for what scales an edge."""
        if isinstance(expr, MatrixSymbol):
            return self.typeset(expr)
        if isinstance(expr, Fill):
            return _number(expr.value) if isinstance(expr.value, Number) else self.tex(expr.value)
        return self.formula(expr)

    def factor(self, expr: MatrixExpr) -> str:
        """The same as it stands before a times sign."""
        inner = expr.value if isinstance(expr, Fill) else expr
        return rf"({self.tex(expr)})" if isinstance(inner, (MatAdd, OneMinus, Negative)) else self.tex(expr)


def shape_of(expr: MatrixExpr) -> str:
    """The shape of a value as LaTeX: the length of a column, rows and columns of anything else."""
    rows, columns = (str(latex(n)) for n in expr.shape)
    return rows if columns == "1" else rf"{rows} \times {columns}"


def _in_order(found: Sequence[_Operand]) -> list[_Operand]:
    """Operands whose order matters and cannot be seen from what they are: numbered at their arrows."""
    return [replace(o, mark=str(k)) for k, o in enumerate(found, 1)] if len(found) > 1 else list(found)


def _number(value: Number) -> str:
    return f"{float(value):g}" if is_decimal(value) else str(latex(value))
