"""One product in the place of several: factors one below the other.

Three kinds belong together, found in the equations of every phase:

    W_f x, W_i x, ...             the same right factor: the rows of W x with W = [W_f; W_i; ...]
    δ_f xᵀ, δ_i xᵀ, ...           likewise: the rows of δ xᵀ with δ = [δ_f; δ_i; ...]
    U_fᵀ δ_f + U_iᵀ δ_i + ...     terms of one sum: Uᵀ δ

Values of which the sum over all steps is wanted (δ_f, δ_i, ... for biases) are rows of one sum, if they are neighbours
in a stack.  A stack of parameters is made once for a sequence.  In which order it is: `order`.  Two stacks of a step
that have values in common are rows of one:

    Wᵀ [δ_n; δ_z; δ_r],  Uᵀ [δ_z; δ_r; δ_u]:   the first three and the last three of [δ_n; δ_z; δ_r; δ_u]
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import groupby

from sympy import MatAdd, MatMul, MatrixExpr, MatrixSymbol, Transpose

from lstmgraph.algebra.build import is_outer_product, total
from lstmgraph.algebra.nodes import Concat, Slice
from lstmgraph.algebra.traverse import symbols_in, walk
from lstmgraph.codegen.passes.order import Chains, Order, in_runs
from lstmgraph.codegen.passes.rows import before_use, fresh, joint_name, replaced, rows, start_of_run, with_stacks
from lstmgraph.codegen.sweep import PHASES, Phase, Sweep, dependent, in_order
from lstmgraph.program import Equation

Lefts = dict[MatrixExpr, MatrixSymbol]  # the left factors of products, and in whose equation each stands first


def stack(sweep: Sweep) -> Sweep:
    """The same values, from as few products as can be."""
    return _stacked(_Stacking(sweep))


def stack_late(sweep: Sweep) -> Sweep:
    """`stack` of what waits for the step before, for a target that reads whole arrays faster than their parts."""
    return _stacked(_Stacking(sweep, PHASES[2:]))


def stack_steps(sweep: Sweep) -> Sweep:
    """`stack` of what is no sum over all steps, for a target whose products write into any array, as BLAS does.

    The gradient of a weight is then a product that writes it, where the rows of a stack would have to be copied.
    """
    return _stacked(_Stacking(sweep, stacks_sums=False))


def _stacked(stacking: _Stacking) -> Sweep:
    """With stacks that have values in common as rows of one.

    That takes another order of the values, in which the same values must be in the stacks.
    """
    sweep = stacking.run()
    if not (chains := stacking.overlaps(sweep)):
        return sweep
    families = frozenset(map(frozenset, stacking.stacks))
    again = replace(stacking, stacks={}, chains=chains, families=families)
    chained = again.run()
    return chained if families | {*map(frozenset, chains)} == {*map(frozenset, again.stacks)} else sweep


@dataclass
class _Stacking:
    sweep: Sweep
    phases: tuple[Phase, ...] = PHASES[1:]
    stacks_sums: bool = True
    stacks: dict[tuple[MatrixExpr, ...], Equation] = field(default_factory=dict)
    chains: Chains = ()
    families: frozenset[frozenset[MatrixExpr]] = frozenset()  # the stacks that may be rows of a chain

    def __post_init__(self) -> None:
        self.order, self.constant = Order(self.sweep, self.chains), self.sweep.constant()
        self.taken = {e.target for e in self.sweep.equations}
        self.in_loop = {e.target for e in self.sweep["loop"]}

    def run(self) -> Sweep:
        phases: dict[Phase, list[Equation]] = {}
        for phase in self.phases:
            equations = [replace(e, value=self.merged(e.value)) for e in self.sweep[phase]]
            phases[phase] = self.summed(self.shared(equations))
        return with_stacks(self.sweep.changed(phases), self.stacks.values())

    # ── products of one sum ──

    def merged(self, value: MatrixExpr) -> MatrixExpr:
        """A sum with one product Uᵀ δ."""
        pairs: dict[int, tuple[MatrixSymbol, MatrixSymbol]] = {}
        for k, term in enumerate(value.args if isinstance(value, MatAdd) else ()):
            pair = self.transposed(term)
            if pair and pair[1] not in {v for _, v in pairs.values()}:  # a stack has nothing twice
                pairs[k] = pair
        if len(pairs) < 2:
            return value
        ranks = self.order.places(v for _, v in pairs.values())
        weights, values = zip(*sorted(pairs.values(), key=lambda pair: ranks[pair[1]]), strict=True)
        whole = MatMul(Transpose(self.stacked(weights)), self.stacked(values))
        first = next(iter(pairs))
        terms = enumerate(value.args)
        return total(*(whole if k == first else t for k, t in terms if k == first or k not in pairs))

    def transposed(self, term: MatrixExpr) -> tuple[MatrixSymbol, MatrixSymbol] | None:
        """U and δ of Uᵀ δ.  What comes from the step before is computed nowhere in this one, so a stack copies it.

        A sum over all steps is in no stack of the values of a step."""
        if not isinstance(term, MatMul) or not isinstance(term.args[0], Transpose):
            return None
        weight, value = term.args[0].args[0], term.args[1]
        given = self.constant | self.sweep.carried.keys() | self.sweep.summed
        fits = weight in self.constant and isinstance(value, MatrixSymbol) and value not in given
        return (weight, value) if fits else None

    # ── products with the same right factor ──

    def shared(self, equations: list[Equation]) -> list[Equation]:
        """The equations with their products as rows of a few."""
        groups: dict[tuple[MatrixExpr, bool], Lefts] = {}
        for e in equations:
            for whole in (p for p in walk(e.value) if isinstance(p, MatMul)):
                left, right = whole.args
                weight = symbols_in(left) <= self.constant
                if not symbols_in(right) <= self.constant and (weight or self.saves(e, whole)):
                    groups.setdefault((right, weight), {}).setdefault(left, e.target)
        found: dict[MatrixExpr, MatrixExpr] = {}
        products: list[Equation] = []
        now = equations
        for (right, weight), every in groups.items():
            lefts = every if weight else self.free(every, right, now)
            members = self.sorted(lefts, weight)
            if self.is_worth_it(members, lefts):
                products.append(self.product(members, right, [lefts[m] for m in members]))
                found |= {MatMul(m, right): part for m, part in rows(products[-1].target, members)}
                new = [replace(e, value=replaced(e.value, found)) for e in equations]
                now = self.ordered(before_use(new, products))
        made = {e.target for e in self.stacks.values()}
        return [e for e in now if e.target not in made]

    def saves(self, e: Equation, whole: MatMul) -> bool:
        """Whether the product of a value can be one with others.

        Not an outer product, which is none, unless all steps are added up; nor that of a matrix and a vector, for which
        the matrix is read once: a stack of such would write all of them first.
        """
        left, right = whole.args
        alone = is_outer_product(whole) and e.target in self.in_loop - self.sweep.summed
        return isinstance(left, MatrixSymbol) and right.shape[1] != 1 and not alone

    def free(self, lefts: Lefts, right: MatrixExpr, equations: list[Equation]) -> Lefts:
        """The values that wait for none of the products they would be stacked for."""
        wanted = {MatMul(left, right) for left in lefts}
        late = dependent(equations, [e.target for e in equations if not wanted.isdisjoint(walk(e.value))])
        return {left: owner for left, owner in lefts.items() if left not in late}

    def is_worth_it(self, members: tuple[MatrixExpr, ...], owners: Lefts) -> bool:
        """Whether it saves more than it costs: two products as one do not pay for a value that each step writes twice.

        That is one that the loop makes, and that is in another stack with other neighbours.
        """
        if not self.stacks_sums and self.sweep.summed.issuperset(owners.values()):
            return False
        late = self.in_loop.intersection(members)
        others = [other.value.args for other in self.stacks.values() if not late.isdisjoint(other.value.args)]
        nested = all(start_of_run(members, other) is not None for other in others)
        return len(members) > 2 or (len(members) == 2 and nested)

    def ordered(self, equations: list[Equation]) -> list[Equation]:
        """With the stacks that these use, each equation after what it uses."""
        used = {s for e in equations for s in symbols_in(e.value)}
        return in_order([*(e for e in self.stacks.values() if e.target in used), *equations])

    def sorted(self, lefts: Lefts, weight: bool) -> tuple[MatrixExpr, ...]:
        """Weights in the order of the equations they stand in, values in their own."""
        ranks = self.order.places(lefts.values() if weight else lefts)
        return tuple(sorted(lefts, key=lambda left: ranks[lefts[left] if weight else left]))

    def product(self, members: tuple[MatrixExpr, ...], right: MatrixExpr, owners: list[MatrixSymbol]) -> Equation:
        value = MatMul(self.stacked(members), right)
        stage = next(e.stage for e in self.sweep.equations if e.target == owners[0])
        mark = "" if set(owners) <= self.sweep.summed else "part"
        return Equation(fresh(joint_name(owners, mark), value.shape, self.taken), value, stage=stage)

    # ── sums over the steps ──

    def summed(self, equations: list[Equation]) -> list[Equation]:
        """The equations with sums of neighbours in a stack as rows of one; a stack that is all of them comes first."""
        terms = {e.value: e for e in equations if e.target in self.sweep.summed and isinstance(e.value, MatrixSymbol)}
        found: dict[MatrixExpr, MatrixExpr] = {}
        new = []
        stacks = [s for s in self.stacks.values() if isinstance(s.value, Concat)]
        for made in sorted(stacks, key=lambda s: (not terms.keys() >= {*s.value.args}, -len(s.value.args))):
            parts = dict(rows(made.target, made.value.args))
            for members in _runs(made.value.args, terms.keys() - found.keys()):
                owners = [terms[m].target for m in members]
                first, count = parts[members[0]], sum(m.shape[0] for m in members)
                whole = len(members) == len(parts)
                value = made.target if whole else Slice(made.target, first.args[1], count)
                name = fresh(joint_name(owners), value.shape, self.taken)
                new.append(Equation(name, value, stage=terms[members[0]].stage))
                found |= dict(rows(name, members))
        done = {terms[m].target: part for m, part in found.items()}
        changed = (replace(e, value=done.get(e.target, e.value)) for e in equations)
        return before_use(changed, new)

    # ── stacks ──

    def stacked(self, members: tuple[MatrixExpr, ...]) -> MatrixSymbol:
        """The symbol of some values one below the other; of one, itself."""
        if len(members) == 1 and isinstance(members[0], MatrixSymbol):
            return members[0]
        if members not in self.stacks:
            symbols = [next(s for s in walk(m) if isinstance(s, MatrixSymbol)) for m in members]
            value = self.rows_of_chain(members) or Concat(*members)
            self.stacks[members] = Equation(fresh(joint_name(symbols), value.shape, self.taken), value)
        return self.stacks[members].target

    def rows_of_chain(self, members: tuple[MatrixExpr, ...]) -> MatrixExpr | None:
        """The values as rows of a stack of more."""
        chain = next((c for c in self.chains if start_of_run(members, c) is not None), members)
        if chain == members or frozenset(members) not in self.families:
            return None
        first = dict(rows(self.stacked(chain), chain))[members[0]]
        return Slice(first.args[0], first.args[1], Concat(*members).shape[0])

    def overlaps(self, done: Sweep) -> Chains:
        """The values of stacks of the loop of which two have some in common, and neither has all of the other."""
        chains: Chains = ()
        for stacks in _connected([m for m in self.stacks if self.in_loop.issuperset(m)]):
            ranks = self.order.places(v for members in stacks for v in members)
            families = [frozenset(members) for members in stacks]
            chain = in_runs(sorted(ranks, key=ranks.__getitem__), families)
            if len(chain) > max(map(len, families)) and not self.waits_for_itself(done, (*chains, chain)):
                chains = (*chains, chain)
        return chains

    def waits_for_itself(self, done: Sweep, chains: Chains) -> bool:
        """Whether some value would wait for a stack that holds it, if what takes a stack took all of its chain."""
        longer = {self.stacks[m].target: {*chain} for chain in chains for m in self.stacks if {*m} <= {*chain}}
        waiting = {e.target: longer.get(e.target, symbols_in(e.value)) for e in done["loop"]}
        while ready := [target for target, needs in waiting.items() if needs.isdisjoint(waiting)]:
            for target in ready:
                del waiting[target]
        return bool(waiting)


def _connected(stacks: Iterable[tuple[MatrixExpr, ...]]) -> list[list[tuple[MatrixExpr, ...]]]:
    """Stacks with what has a value in common with them, and what has one with that."""
    groups: list[list[tuple[MatrixExpr, ...]]] = []
    for stack in stacks:
        near = [g for g in groups if any(not set(stack).isdisjoint(other) for other in g)]
        groups = [g for g in groups if g not in near] + [[s for g in near for s in g] + [stack]]
    return groups


def _runs(values: tuple[MatrixExpr, ...], of: Collection[MatrixExpr]) -> Iterator[tuple[MatrixExpr, ...]]:
    """The longest runs of several values that stand beside one another and are all among others."""
    for fits, run in groupby(values, lambda v: v in of):
        members = tuple(run)
        if fits and len(members) > 1:
            yield members
