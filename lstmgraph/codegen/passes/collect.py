"""One product in the place of several whose sum it is.

Backward, what a cell state hands on is a sum of parts that are all multiples of one cotangent:

    δ_f = c̄ s_f,   δ_i = c̄ s_i,   c̄[t-1] = δ_f p_f + δ_i p_i + c̄ f = c̄ (s_f p_f + s_i p_i + f)

where the factor in brackets waits for no other step, so that it is made for all steps at once (`hoist_factors`).  Two
terms that are there already are added as fast as one of them is multiplied: they stay.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from sympy import MatAdd, MatrixExpr, MatrixSymbol

from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.build import negate, product, total
from lstmgraph.algebra.traverse import symbols_in
from lstmgraph.codegen.passes.rows import used_in
from lstmgraph.codegen.sweep import Sweep

Multiple = tuple[MatrixSymbol, MatrixExpr]  # of a late value, and the early factor


def collect(sweep: Sweep) -> Sweep:
    """Every sum in the loop with the multiples of one late value as one product; none that nobody takes any more."""
    collecting = _Collecting(sweep)
    return sweep.changed({"loop": [replace(e, value=collecting.collected(e.value)) for e in sweep["loop"]]}).pruned()


@dataclass
class _Collecting:
    sweep: Sweep

    def __post_init__(self) -> None:
        self.late, self.uses = self.sweep.late(), used_in(self.sweep)
        self.made = {e.target: e.value for e in self.sweep["loop"]}

    def collected(self, value: MatrixExpr) -> MatrixExpr:
        if not isinstance(value, MatAdd):
            return value
        chains = [self.multiples(term) for term in value.args]
        shared: dict[MatrixSymbol, list[int]] = {}
        for k, multiples in enumerate(chains):
            for of, _ in multiples:
                shared.setdefault(of, []).append(k)
        most = max(shared, key=lambda of: len(shared[of]), default=None)
        if most is None or not self.is_gain([value.args[k] for k in shared[most]]):
            return value
        at = shared[most]  # by place: a sum may have a term twice
        whole = product(most, total(*(next(factor for of, factor in chains[k] if of == most) for k in at)))
        return self.collected(
            total(*(whole if k == at[0] else term for k, term in enumerate(value.args) if k == at[0] or k not in at))
        )

    def is_gain(self, terms: list[MatrixExpr]) -> bool:
        """Whether their one product takes fewer operations than they do, with what is made for them alone."""
        bare = (t.args[0] if isinstance(t, n.Negative) else t for t in terms)
        return len(terms) - 2 + sum(not isinstance(t, MatrixSymbol) or self.uses[t] == 1 for t in bare) > 0

    def multiples(self, term: MatrixExpr) -> list[Multiple]:
        """The late values that a term is an early multiple of: one in it, then what that one is a multiple of."""
        found = self.multiple(term)
        chain: list[Multiple] = []
        while found is not None:
            chain.append(found)
            inner = self.multiple(self.made[found[0]]) if found[0] in self.made else None
            found = inner and (inner[0], product(inner[1], found[1]))
        return chain

    def multiple(self, term: MatrixExpr) -> Multiple | None:
        if isinstance(term, n.Negative):
            inner = self.multiple(term.args[0])
            return inner and (inner[0], negate(inner[1]))
        factors = term.args if isinstance(term, n.Hadamard) else (term,)
        late = [f for f in factors if not self.late.isdisjoint(symbols_in(f))]
        if len(late) != 1 or not isinstance(late[0], MatrixSymbol):
            return None
        early = [f for f in factors if f is not late[0]]
        return late[0], product(*early) if early else n.Fill(1, *term.shape)
