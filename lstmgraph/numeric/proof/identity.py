"""The identity that makes a Program the gradient of another one, entry by entry or along a random direction.

For cotangents (seeds) s of the outputs y, and for every entry e of what is derived by:

    sum of s_k * (derivative of y_k by e, by scalar calculus)  -  (what the Program computes for e)  =  0

Along a direction v it is the sum of these, each times v_e.  The forward values of both are compared too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic

from sympy import MatrixSymbol

from lstmgraph.algebra.names import like, name_of
from lstmgraph.errors import UsageError
from lstmgraph.numeric.evaluate import number_of
from lstmgraph.numeric.proof.domain import Domain, E
from lstmgraph.numeric.proof.interpret import Interpreter
from lstmgraph.numeric.proof.scalars import Dual
from lstmgraph.numeric.proof.tangents import Matrix, Sizes, Tangents
from lstmgraph.program import Program


@dataclass(frozen=True)
class Claim:
    """`forward` are the equations as their author wrote them, `program` computes cotangents of some of its inputs."""

    forward: Program
    program: Program

    def derived(self) -> dict[MatrixSymbol, MatrixSymbol]:
        """What is derived by, and the name of its cotangent, in the order of the inputs.

        Raises UsageError where the Program computes something else.
        """
        names = {like(s, "grad" if name_of(s).lag is None else "bar"): s for s in self.forward.inputs}
        for output in self.program.outputs:
            if output not in names:
                raise UsageError(f"{self.program.name}: {output} is not the cotangent of an input")
        wanted = {names[o]: o for o in self.program.outputs}
        return {s: wanted[s] for s in self.forward.inputs if s in wanted}

    def seeds(self) -> dict[MatrixSymbol, MatrixSymbol]:
        """For each output whose cotangent the Program takes, the name of that; those of the others are 0."""
        pairs = {o: self.program.seed(o) for o in self.forward.outputs}
        return {o: seed for o, seed in pairs.items() if seed in self.program.inputs}


@dataclass(frozen=True)
class Difference(Generic[E]):
    """An entry (from 1) at which the two sides are not the same; `by` is left minus right."""

    name: MatrixSymbol
    row: int
    column: int
    by: E

    @property
    def where(self) -> str:
        """The name and the entry: grad(W_f), entry (2, 3)."""
        rows, columns = self.name.shape
        if rows == columns == 1:
            return str(self.name.name)
        place = str(self.row) if columns == 1 else f"({self.row}, {self.column})"
        return f"{self.name.name}, entry {place}"


class Sides(Generic[E]):
    """Both sides of the identity at some sizes, in some domain."""

    def __init__(self, claim: Claim, sizes: Sizes, domain: Domain[E], each: bool) -> None:
        self.claim, self.sizes, self.domain, self.each = claim, sizes, domain, each
        self.derived, self.seeds = claim.derived(), claim.seeds()
        self.directions: dict[tuple[str, int, int], E] = {}
        given = {s.name: self.unknowns(s, s in self.derived) for s in claim.forward.inputs}
        self.tangents = Tangents(domain, sizes).run(claim.forward, given)
        self.cotangents = {o: self.unknowns(seed, False) for o, seed in self.seeds.items()}
        self.found = Interpreter(domain, sizes).run(claim.program, self._given())

    def unknowns(self, symbol: MatrixSymbol, moving: bool) -> Matrix[Dual[E]]:
        """A matrix of unknowns; a moving one has a direction for each entry, or a share of the one direction."""
        rows, columns = (number_of(side, self.sizes) for side in symbol.shape)

        def entry(i: int, j: int) -> Dual[E]:
            value = self.domain.unknown(f"{symbol.name}[{i + 1},{j + 1}]")
            if not moving:
                return Dual(value)
            share = self.domain.one if self.each else self.domain.unknown("")
            self.directions[symbol.name, i, j] = share
            return Dual(value, {(symbol.name, i, j) if self.each else None: share})

        return [[entry(i, j) for j in range(columns)] for i in range(rows)]

    def _given(self) -> dict[str, Matrix[E]]:
        """What the Program takes: seeds, and values of the forward equations."""
        known = {self.seeds[o].name: m for o, m in self.cotangents.items()}
        for s in self.claim.program.inputs:
            if s.name in self.tangents:
                known[s.name] = self.tangents[s.name]
            elif s.name not in known:
                raise UsageError(f"{self.claim.program.name} takes {s}, which is no value of {self.claim.forward.name}")
        return {name: values(m) for name, m in known.items()}

    def expected(self, direction: tuple[str, int, int] | None) -> E:
        """The sum of seeds times tangents of outputs."""
        domain = self.domain
        terms = [
            domain.mul(seed.value, out.slopes[direction])
            for o, matrix in self.cotangents.items()
            for seeds, outs in zip(matrix, self.tangents[o.name], strict=True)
            for seed, out in zip(seeds, outs, strict=True)
            if direction in out.slopes
        ]
        return domain.total(terms)

    def entries(self) -> Iterator[tuple[MatrixSymbol, int, int, E]]:
        """Every entry that the Program computes."""
        for name in self.derived.values():
            for i, row in enumerate(self.found[name.name]):
                for j, entry in enumerate(row):
                    yield name, i, j, entry

    def differences(self) -> Iterator[Difference[E]]:
        """The entries at which the identity does not hold, those of forward values first."""
        yield from self.of_values()
        sources = {o: s.name for s, o in self.derived.items()}
        for name, i, j, entry in self.entries():
            by = self.domain.subtract(entry, self.expected((sources[name], i, j)))
            if not self.domain.is_zero(by):
                yield Difference(name, i + 1, j + 1, by)

    def of_values(self) -> Iterator[Difference[E]]:
        """The forward values that are not those of the author's equations."""
        for target in (e.target for e in self.claim.program if e.target in self.claim.forward.definitions):
            pairs = zip(self.found[target.name], self.tangents[target.name], strict=True)
            for i, (row, wanted) in enumerate(pairs):
                for j, (entry, dual) in enumerate(zip(row, wanted, strict=True)):
                    by = self.domain.subtract(entry, dual.value)
                    if not self.domain.is_zero(by):
                        yield Difference(target, i + 1, j + 1, by)

    def along(self) -> E:
        """The identity along the random direction: what must be zero."""
        sources = {o: s.name for s, o in self.derived.items()}
        shares = (self.domain.mul(e, self.directions[sources[name], i, j]) for name, i, j, e in self.entries())
        return self.domain.subtract(self.domain.total(shares), self.expected(None))


def values(matrix: Matrix[Dual[E]]) -> Matrix[E]:
    return [[dual.value for dual in row] for row in matrix]


def count_entries(claim: Claim, sizes: Sizes) -> int:
    """How many entries the gradients have at some sizes."""
    return sum(number_of(o.shape[0], sizes) * number_of(o.shape[1], sizes) for o in claim.derived().values())
