"""One direction of a sequence as a graph: what is done once and for all steps as nodes, the loop as a Scan over a step.

A Scan's body takes the values of its own step, which are slices, and what is carried; parameters it takes from outside.
What is needed of all steps afterwards it gives once more under another name: a body's outputs have to differ (with one
name twice onnxruntime computes zeros).  Where nothing but states and parameters is used in the loop, it scans numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sympy import MatrixSymbol

from lstmgraph.algebra.names import name_of
from lstmgraph.algebra.traverse import symbols_in
from lstmgraph.codegen.graphs.lowering import add
from lstmgraph.codegen.graphs.parts import BATCH, STEPS, Graph, Node, Tensor, Value
from lstmgraph.codegen.graphs.scope import Scope
from lstmgraph.codegen.sweep import Sweep
from lstmgraph.program import Equation


@dataclass
class Loop:
    """A sweep as nodes of `outer`.  `first` are the tensors of what is carried into the first step.

    `handed` is what the Scan carries: what has to wait, and what it makes anyway, of which it then has the last one.
    """

    sweep: Sweep
    outer: Scope
    first: dict[MatrixSymbol, Tensor]

    def __post_init__(self) -> None:
        self.whole, self.names = self.outer.whole, self.outer.whole.names
        sweep, self.late = self.sweep, self.sweep.late()
        made = {e.target for e in sweep["loop"]}
        self.handed = {s: new for s, new in sweep.carried.items() if new in made or s not in sweep.delayed}
        self.outer.starts = {sweep.carried[s]: self.first[s] for s in sweep.delayed}
        self.given: set[str] = set()

    def run(self) -> dict[MatrixSymbol, Tensor]:
        """The values of all steps are in `outer` then; given are the last ones of what is carried."""
        add(Scope(self.whole, 0, self.outer.values, owner="once"), self.sweep["once"])
        add(self.outer, self.sweep["before"])
        last = self.loop() if self.handed else {}
        add(self.outer, self.sweep["after"])
        return {new: last[new] if s in self.handed else self.end(new) for s, new in self.sweep.carried.items()}

    def end(self, s: MatrixSymbol) -> Tensor:
        """What a value of all steps is at the last one."""
        every = self.outer.full(self.outer.values[s], batched=True)
        self.outer.owner = self.last_name(s)
        return self.outer.op("Gather", [every], every.shape, [self.whole.constant(("scalar", -1), "last", -1)], axis=0)

    def last_name(self, s: MatrixSymbol) -> str:
        return self.names.fresh(f"{name_of(s).base}_{STEPS}", ("last", name_of(s).base))

    def loop(self) -> dict[MatrixSymbol, Tensor]:
        """Adds the Scan."""
        constant = self.sweep.constant()
        used = dict.fromkeys([*_used(self.sweep["loop"]), *self.handed.values()])
        early = (s for s in used if s not in self.late and s not in constant)
        inputs = [s for s in early if self.outer.values[s].batched]
        body = self.body(inputs)
        inputs = inputs or list(self.sweep.inputs[:1])
        kept = self.kept()
        results = [self.output(body, s) for s in (*self.handed.values(), *kept)]
        given = [_value(t) for t in self.inside(inputs).values()]
        last = {s: self.last_name(s) for s in self.handed.values()}
        first = [self.first[s].name for s in self.handed]
        scanned = [self.outer.values[s].name for s in inputs]
        if not inputs:
            given, scanned = [*given, Value(self.whole.fresh("t"), (), "whole")], [self.whole.times]
        how = {"body": Graph("step", given, results, body.nodes), "num_scan_inputs": len(scanned)}
        outputs = [*last.values(), *(self.names.plural(s) for s in kept)]
        self.outer.nodes.append(Node("Scan", (*first, *scanned), tuple(outputs), how))
        for s in kept:
            self.outer.values[s] = Tensor(self.names.plural(s), _shape(s), True)
        return {s: Tensor(name, _shape(s), True) for s, name in last.items()}

    def body(self, inputs: Sequence[MatrixSymbol]) -> Scope:
        body = Scope(self.whole, 1, {**self.outer.values, **self.inside(inputs)})
        add(body, self.sweep["loop"])
        return body

    def inside(self, inputs: Iterable[MatrixSymbol]) -> dict[MatrixSymbol, Tensor]:
        """What the body is given: values of the step before, and its own step of what is there of all steps."""
        carried = {s: Tensor(self.names[s], _shape(s), True) for s in self.handed}
        return carried | {s: replace(self.outer.values[s], name=self.names[s]) for s in inputs}

    def kept(self) -> list[MatrixSymbol]:
        """What is needed of all steps, and is there of one step only."""
        inside = {*self.sweep.recurrent, *(e.target for e in self.sweep["loop"])}
        needed = dict.fromkeys([*self.sweep.wanted, *_used(self.sweep["after"])])
        return [s for s in needed if s in inside]

    def output(self, body: Scope, s: MatrixSymbol) -> Value:
        """An output of the body, under a name that no other output and no input has."""
        body.owner = self.names[s]
        wish = f"{self.names[s]}_out"
        tensor = body.called(body.full(body.values[s], batched=True), wish)
        if tensor.name in self.given or not any(tensor.name in node.outputs for node in body.nodes):
            tensor = replace(tensor, name=body.node("Identity", [tensor.name], self.whole.fresh(wish)))
        self.given.add(tensor.name)
        return _value(tensor)


def _value(tensor: Tensor) -> Value:
    """What goes into the body or out of it."""
    return Value(tensor.name, (BATCH, *tensor.axes))


def _shape(s: MatrixSymbol) -> tuple[Any, Any]:
    return (s.shape[0], s.shape[1])


def _used(equations: Iterable[Equation]) -> list[MatrixSymbol]:
    found = (s for e in equations for s in sorted(symbols_in(e.value), key=str))
    return list(dict.fromkeys(found))
