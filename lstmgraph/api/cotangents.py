"""The cotangents of a graph: the name of each node's, its formula, and what each edge sends back to its source.

The names and the equations are those of `calculus.gradient`; here they are brought to the nodes and edges of a drawing.
An operation whose value nobody named has a cotangent without a name: a formula in those around it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property

from sympy import MatAdd, MatrixExpr, MatrixSymbol

from lstmgraph import calculus
from lstmgraph.algebra.build import is_number, total
from lstmgraph.algebra.names import like, name_of
from lstmgraph.algebra.nodes import Divide, Hadamard, Reciprocal, operands
from lstmgraph.algebra.rules import vjp
from lstmgraph.algebra.traverse import rebuild
from lstmgraph.cell import Cell
from lstmgraph.diagram.graph import Edge, Graph, Node
from lstmgraph.program import Program


@dataclass(frozen=True)
class Cotangents:
    """Of the values of a graph's nodes, each in terms of the named ones."""

    cell: Cell
    graph: Graph

    @cached_property
    def program(self) -> Program:
        return calculus.gradient(self.cell, every=True)

    def name(self, node: Node) -> MatrixSymbol | None:
        """What the cotangent of a node's value is called, if it has a name; of a value that leaves, what arrives."""
        symbol = self._symbols.get(node.id)
        if symbol is None or node.kind == "constant":
            return None
        if node.kind == "next" and like(symbol, "seed") in self._known:
            return like(symbol, "seed")
        mark = "grad" if name_of(symbol).lag is None else "bar"
        return like(symbol, mark) if like(symbol, mark) in self._known else None

    def formula(self, node: Node) -> MatrixExpr | None:
        """What the cotangent of a node's value is: the sum of what its uses send back; None if that is nothing."""
        if node.kind == "next" and (arriving := self.name(node)) is not None:
            return arriving
        uses = {e.target: e for e in self.graph.out_of(node.id)}
        sent = [s for e in uses.values() if (s := self.share(e)) is not None]
        return total(*sent) if sent else None

    def share(self, edge: Edge) -> MatrixExpr | None:
        """What an edge sends back to its source; None where nothing does."""
        target, source = self._nodes[edge.target], self._nodes[edge.source]
        if source.kind == "constant":
            return None
        if target.kind == "next":
            return self.formula(target)
        arriving = self._arriving(target)
        if arriving is None or not isinstance(target.expression, MatrixExpr):
            return None
        whole, out = self._regrouped(target), self._value(target)
        others = {self._nodes[e.source].expression for e in self.graph.into(target.id) if e.source != source.id}
        sent = [s for value in self._values(source) for s in _sent(whole, out, arriving, value, others)]
        sent = [s for s in sent if not is_number(s, 0)]
        return total(*sent) if sent else None

    # ── which symbol is whose ──

    @cached_property
    def _nodes(self) -> dict[str, Node]:
        return {n.id: n for n in self.graph.nodes}

    @cached_property
    def _known(self) -> set[MatrixSymbol]:
        return {*self.program.inputs, *(e.target for e in self.program.stage("backward"))}

    @cached_property
    def _symbols(self) -> dict[str, MatrixSymbol]:
        """The symbol of each node's value: the author's, or that of the normal form."""
        named = {s.name: s for s in (*self.cell.inputs, *self.cell.previous, *self.cell.values.values())}
        unnamed = {whole: symbol for symbol, whole in self._expanded.items()}
        found = {}
        for node in self.graph.nodes:
            if node.value in named:
                found[node.id] = named[node.value or ""]
            elif isinstance(node.expression, MatrixSymbol):
                found[node.id] = node.expression
            elif node.expression in unnamed:
                found[node.id] = unnamed[node.expression]
        return found

    @cached_property
    def _expanded(self) -> Mapping[MatrixSymbol, MatrixExpr]:
        """The values that the author did not name, in those that he did."""
        found: dict[MatrixSymbol, MatrixExpr] = {}
        for equation in self.program.stage("forward"):
            if name_of(equation.target).marks:
                found[equation.target] = _replaced(equation.value, found)
        return found

    def _regrouped(self, node: Node) -> MatrixExpr:
        """The expression of a node as it is drawn; terms of a sum on a pipe that are a network are one operand."""
        whole = _drawn(node.expression)
        if not isinstance(whole, MatAdd) or node.kind != "operator":
            return whole
        terms = list(whole.args)
        for layer in (self._nodes[e.source].expression for e in self.graph.into(node.id)):
            if isinstance(layer, MatAdd) and layer not in terms and not Counter(layer.args) - Counter(terms):
                terms = [*(Counter(terms) - Counter(layer.args)).elements(), layer]
        return MatAdd(*terms)

    def _arriving(self, node: Node) -> MatrixExpr | None:
        """The cotangent of a node's value as its operands see it: its name, or its formula."""
        return self.name(node) or self.formula(node)

    def _values(self, node: Node) -> list[MatrixExpr]:
        """All that a node's value is called in the equations, or the expression that it is; the latter last."""
        names = [s for v, s in self._names.items() if self.graph.values.get(v) == node.id]
        own = self._symbols.get(node.id)
        both = [*names, *([own] if own is not None else [])]
        return list(dict.fromkeys([*both, *([node.expression] if isinstance(node.expression, MatrixExpr) else [])]))

    @cached_property
    def _names(self) -> dict[str, MatrixSymbol]:
        return {s.name: s for s in self.cell.values.values()}

    def _value(self, node: Node) -> MatrixExpr:
        """The value of an operation where its derivative uses it: by the author's name if there is one."""
        symbol = self._symbols.get(node.id)
        if symbol is not None and not name_of(symbol).marks:
            return symbol
        return _drawn(node.expression)


def _drawn(expr: MatrixExpr) -> MatrixExpr:
    """A quotient as it is drawn: a product with a reciprocal."""
    return Hadamard(expr.args[0], Reciprocal(expr.args[1])) if isinstance(expr, Divide) else expr


def _sent(
    whole: MatrixExpr, out: MatrixExpr, arriving: MatrixExpr, value: MatrixExpr, others: Collection[object]
) -> list[MatrixExpr]:
    """What an expression with the value `out` sends back to each place where `value` stands in it, outside `others`."""
    if whole == value:
        return [arriving]
    if isinstance(whole, MatrixSymbol) or whole in others:
        return []
    found: list[MatrixExpr] = []
    for operand, share in zip(operands(whole), vjp(whole, out, arriving), strict=False):
        found += _sent(operand, operand, share, value, others)
    return found


def _replaced(expr: MatrixExpr, by: Mapping[MatrixSymbol, MatrixExpr]) -> MatrixExpr:
    if isinstance(expr, MatrixSymbol):
        return by.get(expr, expr)
    return rebuild(expr, [_replaced(o, by) for o in operands(expr)])
