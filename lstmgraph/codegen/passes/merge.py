"""A product that is only a factor of another one is written in that, and so are its terms if it is a sum of products.

    d_z = d_h (h[t-1] - g),   δ_z = d_z z (1 - z)
    δ_z = d_h (h[t-1] - g) z (1 - z)

so that all factors which wait for no other step are one, made for all steps at once (`hoist_factors`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from sympy import MatAdd, MatrixExpr

from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.build import product, total
from lstmgraph.algebra.traverse import symbols_in
from lstmgraph.codegen.passes.rows import used_in
from lstmgraph.codegen.sweep import Sweep
from lstmgraph.program import Equation


def merge(sweep: Sweep) -> Sweep:
    """Every product in the loop with the factors of its late factor, if nobody else takes that."""
    return _Merging(sweep).run()


@dataclass
class _Merging:
    sweep: Sweep

    def __post_init__(self) -> None:
        self.late, self.uses = self.sweep.late(), used_in(self.sweep)
        self.made = {e.target: e.value for e in self.sweep["loop"]}

    def run(self) -> Sweep:
        kept: list[Equation] = []
        for e in self.sweep["loop"]:
            value, gone = self.merged(e.value)
            kept = [*(k for k in kept if k.target != gone), replace(e, value=value)]
            self.made[e.target] = value
        return self.sweep.changed({"loop": kept})

    def merged(self, value: MatrixExpr) -> tuple[MatrixExpr, MatrixExpr | None]:
        """A product with its late factor written out, and that factor."""
        factors = value.args if isinstance(value, n.Hadamard) else ()
        late = [f for f in factors if self.is_late(f)]
        if len(late) != 1 or self.uses[late[0]] != 1 or late[0] not in self.made:
            return value, None
        inner = self.made[late[0]]
        terms = inner.args if isinstance(inner, MatAdd) else (inner,)
        if not all(self.is_multiple(term) for term in terms):
            return value, None
        rest = [f for f in factors if f != late[0]]
        return total(*(product(term, *rest) for term in terms)), late[0]

    def is_multiple(self, term: MatrixExpr) -> bool:
        """Whether a term is a product with a factor that waits for no other step."""
        inner = term.args[0] if isinstance(term, n.Negative) else term
        factors = inner.args if isinstance(inner, n.Hadamard) else ()
        return any(not self.is_late(f) and symbols_in(f) for f in factors)

    def is_late(self, factor: MatrixExpr) -> bool:
        return not self.late.isdisjoint(symbols_in(factor))
