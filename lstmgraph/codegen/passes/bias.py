"""What is the same at all steps in a sum of the loop is one bias, its last term (`bias`).

    pre(f)[t] = W_f x[t] + U_f h[t-1] + b + 1        becomes        pre(f)[t] = W_f x[t] + U_f h[t-1] + bias(f)
    pre(i)[t] = U_i h[t-1] + W_i x[t]                               pre(i)[t] = W_i x[t] + U_i h[t-1] + zeros

with bias(f) = b + 1, made once.  Of gates alike all have one, or none, and their terms are in one order (`even`): so
they are one call (`pack`), however each of them is written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from sympy import Integer, MatAdd, MatMul, MatrixExpr, MatrixSymbol

from lstmgraph.algebra.build import total
from lstmgraph.algebra.names import Name, name_of
from lstmgraph.algebra.nodes import Fill
from lstmgraph.algebra.traverse import symbols_in
from lstmgraph.codegen.passes.order import form
from lstmgraph.codegen.passes.rows import fresh
from lstmgraph.codegen.sweep import Sweep
from lstmgraph.program import Equation


def bias(sweep: Sweep) -> Sweep:
    """Every sum in the loop that has a product with one constant term at most."""
    biases = _Biases(sweep)
    return biases.changed(biases.together)


def even(sweep: Sweep) -> Sweep:
    """`bias`, and sums of products with the same values in the same order, all of them with a bias or none."""
    biases = _Biases(sweep)
    return biases.changed(biases.evened)


@dataclass(frozen=True)
class _Gate:
    """A sum of the loop: what differs from step to step, each with its form, and what is the same at all of them."""

    equation: Equation
    timed: Sequence[tuple[str, MatrixExpr]]
    same: Sequence[MatrixExpr]


@dataclass
class _Biases:
    sweep: Sweep
    made: dict[MatrixExpr, Equation] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.constant = self.sweep.constant()
        others = (*self.sweep.inputs, *self.sweep.carried, *(e.target for e in self.sweep.equations))
        self.taken = {*self.constant, *others}
        self.late = self.sweep.late() | {e.target for e in self.sweep["loop"]}

    def changed(self, change: Callable[[_Gate, Sequence[_Gate]], MatrixExpr]) -> Sweep:
        alike: dict[tuple[str, ...], list[_Gate]] = {}
        for gate in self.gates():
            alike.setdefault(tuple(sorted(kind for kind, _ in gate.timed)), []).append(gate)
        new = {g.equation.target: change(g, gates) for gates in alike.values() for g in gates}
        loop = [replace(e, value=new.get(e.target, e.value)) for e in self.sweep["loop"]]
        return self.sweep.changed({"once": [*self.sweep["once"], *self.made.values()], "loop": loop})

    def gates(self) -> Iterator[_Gate]:
        for e in self.sweep["loop"]:
            terms = e.value.args if isinstance(e.value, MatAdd) else ()
            same = [term for term in terms if symbols_in(term) <= self.constant]
            timed = [(form(term, symbols_in(term) - self.constant), term) for term in terms if term not in same]
            if any(isinstance(term, MatMul) for _, term in timed):
                yield _Gate(e, timed, same)

    def together(self, gate: _Gate, _: Sequence[_Gate]) -> MatrixExpr:
        if len(gate.same) < 2:
            return gate.equation.value
        return MatAdd(*(term for _, term in gate.timed), self.bias(gate))

    def evened(self, gate: _Gate, alike: Sequence[_Gate]) -> MatrixExpr:
        """Its terms in the order of the first one alike, with a bias where any has one that the others have not.

        That is if it is added before the loop: in there zeros would be one operation more.
        """
        order = [kind for kind, _ in alike[0].timed]
        timed = [term for _, term in sorted(gate.timed, key=lambda term: order.index(term[0]))]
        is_early = any(self.late.isdisjoint(symbols_in(term)) for term in timed)
        is_even = len({tuple(map(form, g.same)) for g in alike}) == 1 or not is_early
        return MatAdd(*timed, *(gate.same if is_even and len(gate.same) < 2 else [self.bias(gate)]))

    def bias(self, gate: _Gate) -> MatrixSymbol:
        e = gate.equation
        value = total(*gate.same) if gate.same else Fill(Integer(0), *e.target.shape)
        if isinstance(value, MatrixSymbol):
            return value
        if value not in self.made:
            name = Name(name_of(e.target).base, marks=("bias",)) if gate.same else Name("zeros")
            self.made[value] = Equation(fresh(name, e.target.shape, self.taken), value, place=e.place, stage=e.stage)
        return self.made[value].target
