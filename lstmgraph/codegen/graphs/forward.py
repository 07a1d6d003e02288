"""A cell over a sequence as a graph: its inputs and outputs, and between them a standard operator or a Scan.

xs, h_0     a sequence (T, B, X), initial states (B, H); parameters by their own names
hs, h_T     the output of every step, the states after the last one
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from sympy import Expr, Integer, MatrixExpr, MatrixSymbol, Symbol

from lstmgraph.algebra.names import Shape
from lstmgraph.cell import Cell
from lstmgraph.codegen.arrays import array_axes
from lstmgraph.codegen.graphs.looping import Loop
from lstmgraph.codegen.graphs.operators import Functions, operator_of
from lstmgraph.codegen.graphs.parts import BATCH, STEPS, Graph, Node, Tensor, Value, used_by
from lstmgraph.codegen.graphs.scope import Scope, Whole
from lstmgraph.codegen.identifiers import Names, identifiers
from lstmgraph.codegen.passes import Passes, passed
from lstmgraph.codegen.passes.gather import rows_of
from lstmgraph.codegen.passes.rows import replaced
from lstmgraph.codegen.plan import Plan
from lstmgraph.codegen.sequence import sequence
from lstmgraph.codegen.sweep import Sweep


@dataclass(frozen=True)
class Draft:
    """A graph, the sizes that it fixes, and how many of its first nodes depend on parameters only."""

    graph: Graph
    sizes: Mapping[Symbol, Expr]
    once: int


def forward(plan: Plan, passes: Passes, sizes: Mapping[Symbol, Expr], dtype: str, functions: Functions) -> Draft:
    """The graph of a cell.  `functions` are those of standard operators; without any there is none."""
    cell = plan.cell
    sweep = sequence(cell, plan.gradient).forward
    sweep = passed(replace(sweep, wanted=(cell.values[cell.output],)).pruned(), passes)
    sweep = _without_views(sweep).pruned()
    definitions = {e.target: e for e in sweep.equations}
    own = (*cell.parameters, *cell.inputs, *cell.previous, *cell.outputs)
    symbols = dict.fromkeys((*own, *sweep.program.inputs, *definitions))
    ends = _Ends(cell, Names(identifiers(symbols, definitions, (), avoiding=())))
    outer = ends.scope(sizes, dtype)
    found = operator_of(cell, outer.whole, functions)
    if found is not None:
        output, last = found.add(outer, ends.states)
    else:
        last = Loop(sweep, outer, {s.previous: ends.states[s.name] for s in cell.states}).run()
        output = outer.values[cell.values[cell.output]]
        last = {s.name: last[s.next] for s in cell.states}
    return ends.draft(outer, output, last)


def _without_views(sweep: Sweep) -> Sweep:
    """With rows of a value taken where they are used: in the loop, of the value's own step."""
    views: dict[MatrixExpr, MatrixExpr] = {e.target: e.value for e in sweep["before"] if rows_of(e.value) is not None}
    return sweep.changed({"loop": [replace(e, value=replaced(e.value, views)) for e in sweep["loop"]]})


@dataclass
class _Ends:
    """What goes in and what comes out."""

    cell: Cell
    names: Names

    def __post_init__(self) -> None:
        self.states = {
            s.name: Tensor(self.names.fresh(f"{s.name}_0", ("first", s.name)), _shape(s.next), True)
            for s in self.cell.states
        }
        self.length = self.names.fresh(STEPS, "length")

    def scope(self, sizes: Mapping[Symbol, Expr], dtype: str) -> Scope:
        """All steps at once, with what is given."""
        cell, names = self.cell, self.names
        values = {p: Tensor(names[p], _shape(p)) for p in cell.parameters}
        values |= {x: Tensor(names.plural(x), _shape(x), True) for x in cell.inputs}
        given = [(t.name, t.axes) for p, t in values.items() if not t.batched]
        given += [(t.name, (Symbol(STEPS), Symbol(BATCH), *t.axes)) for t in values.values() if t.batched]
        given += [(t.name, (Symbol(BATCH), *t.axes)) for t in self.states.values()]
        whole = Whole(names, sizes, given, dtype)
        scope = Scope(whole, 2, values)
        numbers = {s.name: s for s in cell.constant_symbols}
        values |= {numbers[k]: Tensor(whole.number(float(v)), _shape(numbers[k])) for k, v in cell.constants.items()}
        self.count(scope)
        return scope

    def count(self, scope: Scope) -> None:
        """The numbers of steps and of samples, as tensors."""
        whole = scope.whole
        whole.steps, whole.batch = whole.fresh("steps"), whole.fresh("batch")
        xs = self.names.plural(self.cell.inputs[0]) if self.cell.inputs else ""
        if xs:
            whole.times = xs
        else:
            whole.times = whole.fresh("times")
            numbers = [whole.constant(("scalar", k), f"number_{k}", k) for k in (0, 1)]
            scope.node("Range", [numbers[0], self.length, numbers[1]], whole.times)
        scope.node("Shape", [whole.times], whole.steps, start=0, end=1)
        if xs:
            scope.node("Shape", [xs], whole.batch, start=1, end=2)
        elif self.states:
            scope.node("Shape", [next(iter(self.states.values())).name], whole.batch, start=0, end=1)
        else:
            whole.batch = whole.whole(1)

    def draft(self, scope: Scope, output: Tensor, last: Mapping[str, Tensor]) -> Draft:
        """The graph, without what nobody uses."""
        cell, whole = self.cell, scope.whole
        scope.owner = name = self.names.plural(cell.values[cell.output])
        every = scope.full(output, True)
        if every.name != output.name == name:  # the one entry of each makes room for all of them
            scope.rename(name, whole.part(name))
        batch = BATCH if cell.inputs or cell.states else Integer(1)  # else nothing tells how many
        results = [self.result(scope, every, name, (STEPS, batch))]
        results += [self.result(scope, last[s.name], self.last_name(s.name), (BATCH,)) for s in cell.states]
        nodes = [*whole.once, *scope.nodes]
        while (needed := _needed(nodes, results)) != nodes:
            nodes = needed
        used = used_by(nodes) | {r.name for r in results}
        constants = {k: v for k, v in whole.constants.items() if k in used}
        once = sum(node in whole.once for node in nodes)
        return Draft(Graph(cell.name, self.given(), results, nodes, constants), whole.sizes, once)

    def last_name(self, state: str) -> str:
        return self.names.fresh(f"{state}_{STEPS}", ("last", state))

    def result(self, scope: Scope, tensor: Tensor, name: str, lead: tuple[Expr | str, ...]) -> Value:
        """An output of the graph under its name."""
        if tensor.name in scope.whole.nameless:
            scope.rename(tensor.name, name)
        elif tensor.name != name:
            scope.node("Identity", [tensor.name], name)
        return Value(name, (*lead, *tensor.axes))

    def given(self) -> list[Value]:
        """The inputs of the graph: sequences, states, parameters."""
        cell = self.cell
        found = [Value(self.names.plural(x), (STEPS, BATCH, *array_axes(_shape(x), True))) for x in cell.inputs]
        found = found or [Value(self.length, (), "whole")]
        found += [Value(t.name, (BATCH, *t.axes)) for t in self.states.values()]
        return [*found, *(Value(self.names[p], array_axes(_shape(p), False)) for p in cell.parameters)]


def _needed(nodes: list[Node], results: list[Value]) -> list[Node]:
    used = used_by(nodes) | {r.name for r in results}
    return [node for node in nodes if not used.isdisjoint(node.outputs)]


def _shape(s: MatrixSymbol) -> Shape:
    return (s.shape[0], s.shape[1])
