"""Out of the loop with the parts of its equations that wait for no other step.

Of a sum in the loop the terms that do not wait become a value of their own, `proj(pre(f))[t]`: W_f x + b_f of
W_f x + U_f h[t-1] + b_f, which is then computed for all steps in one product.  `hoist_products` leaves b_f where it is:
where entries are fused, adding it in the loop costs nothing, and before it a run through the memory of all steps.
Likewise the factors of a product, `slope(bar(pre(f)))[t]`: c[t-1] f (1 - f) of c̄ c[t-1] f (1 - f), the slope of the
activation and what it meets; forward, `gain(h)[t]`.  What such a product is divided by is one, too, `scale(bar(s))[t]`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from sympy import MatAdd, MatMul, MatrixExpr, MatrixSymbol

from lstmgraph.algebra.build import negate, product, quotient, total
from lstmgraph.algebra.names import name_of
from lstmgraph.algebra.nodes import Fill, Hadamard, Negative, Reciprocal, operands
from lstmgraph.algebra.traverse import rebuild, symbols_in
from lstmgraph.codegen.passes.rows import fresh
from lstmgraph.codegen.sweep import Sweep
from lstmgraph.program import Equation


def hoist_terms(sweep: Sweep) -> Sweep:
    """Every sum in the loop with its early terms as one value from before it."""
    return _Hoisting(sweep, MatAdd, total, ("proj", "proj")).run()


def hoist_products(sweep: Sweep) -> Sweep:
    """`hoist_terms` of what differs from step to step, for a target that fuses what is in the loop."""
    return _Hoisting(sweep, MatAdd, total, ("proj", "proj"), stay=sweep.constant()).run()


def hoist_factors(sweep: Sweep) -> Sweep:
    """Every elementwise product in the loop with its early factors as one value from before it."""
    return _Hoisting(sweep, Hadamard, _multiple, ("gain", "slope")).run()


def _multiple(*factors: MatrixExpr) -> MatrixExpr:
    """Their product, a quotient where some are reciprocals and others are not."""
    whole = product(*factors)
    inner = whole.args[0] if isinstance(whole, Negative) else whole
    parts = inner.args if isinstance(inner, Hadamard) else ()
    below = [f.args[0] for f in parts if isinstance(f, Reciprocal)]
    if not below:
        return whole
    above = [f for f in parts if not isinstance(f, Reciprocal)]
    found = quotient(product(*above), product(*below)) if above else Reciprocal(product(*below))
    return found if inner is whole else Negative(found)


def _is_minus(value: MatrixExpr) -> bool:
    """Whether it is what the loop can take off as well."""
    return isinstance(value, Negative) and isinstance(value.args[0], (MatrixSymbol, Fill))


def _below(value: MatrixExpr) -> MatrixExpr | None:
    """What a reciprocal of more than a symbol, or a number, is that of."""
    below = value.args[0] if isinstance(value, Reciprocal) else None
    return None if isinstance(below, (MatrixSymbol, Fill)) else below


@dataclass
class _Hoisting:
    """`marks` are put before the name of a value for what is new of it: of one forward, of a cotangent."""

    sweep: Sweep
    kind: type
    join: Callable[..., MatrixExpr]
    marks: tuple[str, str]
    stay: frozenset[MatrixSymbol] = frozenset()
    new: dict[MatrixExpr, Equation] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.late = self.sweep.late() | {e.target for e in self.sweep["loop"]}
        self.constant = self.sweep.constant()
        self.taken = {e.target for e in self.sweep.equations}

    def run(self) -> Sweep:
        added = self.sweep.added()  # over all steps: what is one step's would be kept of all
        loop = [e if e in added else replace(e, value=self.split(e, e.value)) for e in self.sweep["loop"]]
        once = [e for e in self.new.values() if symbols_in(e.value) <= self.constant]
        before = [e for e in self.new.values() if e not in once]
        return self.sweep.changed(
            {"once": [*self.sweep["once"], *once], "before": [*self.sweep["before"], *before], "loop": loop}
        )

    def split(self, owner: Equation, expr: MatrixExpr) -> MatrixExpr:
        """The expression with a name for the early operands of each sum, or product, of which others are late."""
        if isinstance(expr, MatrixSymbol):
            return expr
        inner = [self.split(owner, o) for o in operands(expr)]
        if not isinstance(expr, self.kind):
            return rebuild(expr, inner)
        early = [k for k, p in enumerate(inner) if self.is_early(p)]  # by place: it may stand twice
        whole = self.join(*(inner[k] for k in early)) if early else None
        if whole is None or len(early) == len(inner) or isinstance(whole, MatrixSymbol) or not symbols_in(whole):
            return rebuild(expr, inner)
        if (below := _below(whole)) is not None:
            late = self.join(*(p for k, p in enumerate(inner) if k not in early))
            return quotient(late, self.named(owner, below, "scale"))
        if self.is_free(whole):
            return self.join(*inner)
        late = [p for k, p in enumerate(inner) if k not in early]
        at = 0 if all(isinstance(p, MatMul) for p in late) else early[0]  # gates are of one form in whatever order
        return self.join(*late[:at], self.early(owner, whole), *late[at:])

    def is_free(self, whole: MatrixExpr) -> bool:
        """Whether the loop takes it as it is, where a name would only fill an array."""
        named = isinstance(whole, Fill) and isinstance(whole.value, MatrixSymbol)
        filled = named or (isinstance(whole, Fill) and symbols_in(whole) <= self.constant)
        return filled or isinstance(whole, Reciprocal) or _is_minus(whole)

    def early(self, owner: Equation, whole: MatrixExpr) -> MatrixExpr:
        """A name for an early value; to take it off, and to have it in all entries, is left to the loop."""
        if isinstance(whole, Negative) and self.kind is MatAdd:
            return negate(self.early(owner, whole.args[0]))
        if isinstance(whole, Fill):
            return Fill(self.named(owner, whole.value), *whole.shape)
        return self.named(owner, whole)

    def is_early(self, value: MatrixExpr) -> bool:
        return value not in self.stay and self.late.isdisjoint(symbols_in(value))

    def named(self, owner: Equation, value: MatrixExpr, mark: str = "") -> MatrixSymbol:
        if value not in self.new:
            name = name_of(owner.target)
            mark = mark or self.marks["bar" in name.marks]
            name = fresh(name.marked(mark), value.shape, self.taken)
            self.new[value] = Equation(name, value, place=owner.place, stage=owner.stage)
        return self.new[value].target
