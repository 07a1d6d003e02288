"""What it means that a Program computes derivatives of another one, entry by entry or along a random direction.

Reverse mode: for cotangents (seeds) s of the outputs y, and every entry e of what is derived by,

    (what the Program computes for e)  =  sum of s_k * (derivative of y_k by e, by scalar calculus)

and along a direction v the sum of these, each times v_e.  Forward mode: for tangents v of what is derived by, each
entry of `dot(y)` is the derivative of that entry of y along v.  The forward values of both are compared too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Generic

from sympy import MatrixSymbol

from lstmgraph.algebra.names import like, name_of
from lstmgraph.errors import UsageError
from lstmgraph.numeric.evaluate import number_of
from lstmgraph.numeric.proof.domain import Domain, E
from lstmgraph.numeric.proof.interpret import Interpreter
from lstmgraph.numeric.proof.scalars import Dual
from lstmgraph.numeric.proof.tangents import Matrix, Sizes, Tangents, label
from lstmgraph.program import Program

Place = tuple[str, int, int]  # an entry of an input: its name, row and column
ALONG = None  # the one direction of tangents that are given, or drawn
SEEDS = ("seed", "loss", "bar")  # by which a cotangent arrives: the first of these that the Program takes


@dataclass(frozen=True)
class Claim:
    """`forward` are the equations as their author wrote them; `program` computes cotangents of some of its inputs, or
    tangents of some of its values.  Raises UsageError where it computes something else."""

    forward: Program
    program: Program

    def __post_init__(self) -> None:
        for output in self.program.outputs:
            if output not in self.names:
                kind = "the tangent of a value" if self.by_tangents else "the cotangent of an input"
                raise UsageError(f"{self.program.name}: {output} is not {kind} of {self.forward.name}")

    @property
    def by_tangents(self) -> bool:
        """Whether it is about forward mode."""
        marks = {name_of(o).marks[:1] for o in self.program.outputs}
        return marks == {("dot",)}

    @cached_property
    def names(self) -> Mapping[MatrixSymbol, MatrixSymbol]:
        """What a Program could compute, and of what it is the derivative."""
        if self.by_tangents:
            values = (*self.forward.inputs, *(e.target for e in self.forward))
            return {like(s, "dot"): s for s in values}
        return {like(s, "grad" if name_of(s).lag is None else "bar"): s for s in self.forward.inputs}

    @cached_property
    def wanted(self) -> Mapping[MatrixSymbol, MatrixSymbol]:
        """What the Program computes, and of what it is the derivative, in the order of the forward equations."""
        return {name: s for name, s in self.names.items() if name in self.program.outputs}

    @cached_property
    def moving(self) -> tuple[MatrixSymbol, ...]:
        """The inputs that are derived by."""
        if self.by_tangents:
            return tuple(s for s in self.forward.inputs if like(s, "dot") in self.program.inputs)
        return tuple(self.wanted.values())

    @cached_property
    def seeds(self) -> Mapping[MatrixSymbol, MatrixSymbol]:
        """For each output whose cotangent the Program takes, the name of that; those of the others are 0."""
        if self.by_tangents:
            return {}
        taken = {o: [s for s in (like(o, m) for m in SEEDS) if s in self.program.inputs] for o in self.forward.outputs}
        return {o: found[0] for o, found in taken.items() if found}

    def entries(self, sizes: Sizes) -> int:
        """How many entries the results have together."""
        return sum(number_of(o.shape[0], sizes) * number_of(o.shape[1], sizes) for o in self.wanted)


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
    """Both sides of a claim at some sizes, in some domain: for `each` entry, or along one direction."""

    def __init__(self, claim: Claim, sizes: Sizes, domain: Domain[E], each: bool) -> None:
        self.claim, self.sizes, self.domain = claim, sizes, domain
        self.each = each and not claim.by_tangents
        self.shares: dict[Place, E] = {}
        given = {s.name: self.unknowns(s, s in claim.moving) for s in claim.forward.inputs}
        self.tangents = Tangents(domain, sizes).run(claim.forward, given)
        self.cotangents = {o: self.unknowns(seed, False) for o, seed in claim.seeds.items()}
        self.found = Interpreter(domain, sizes).run(claim.program, self._given(), claim.forward.definitions)

    def unknowns(self, symbol: MatrixSymbol, moving: bool) -> Matrix[Dual[E]]:
        """A matrix of unknowns; a moving one has a direction for each entry, or a share of the one direction."""
        shape = self._shape(symbol)
        entries = [
            [((symbol.name, i, j), label(symbol.name, shape, i, j)) for j in range(shape[1])] for i in range(shape[0])
        ]
        return [[self._unknown(place, text, moving) for place, text in row] for row in entries]

    def _shape(self, symbol: MatrixSymbol) -> tuple[int, int]:
        return number_of(symbol.shape[0], self.sizes), number_of(symbol.shape[1], self.sizes)

    def _unknown(self, place: Place, text: str, moving: bool) -> Dual[E]:
        value = self.domain.unknown(text)
        if not moving:
            return Dual(value)
        self.shares[place] = self.domain.one if self.each else self.domain.share(f"dot({text})")
        return Dual(value, {place if self.each else ALONG: self.shares[place]})

    def _given(self) -> dict[str, Matrix[E]]:
        """What the Program takes: seeds, directions, and values of the forward equations."""
        known = {self.claim.seeds[o].name: _values(m) for o, m in self.cotangents.items()}
        if self.claim.by_tangents:
            known |= {like(s, "dot").name: self._direction(s) for s in self.claim.moving}
        for s in self.claim.program.inputs:
            if s.name in self.tangents:
                known[s.name] = _values(self.tangents[s.name])
            elif s.name not in known:
                raise UsageError(f"{self.claim.program.name} takes {s}, which is no value of {self.claim.forward.name}")
        return known

    def _direction(self, symbol: MatrixSymbol) -> Matrix[E]:
        rows, columns = self._shape(symbol)
        return [[self.shares[symbol.name, i, j] for j in range(columns)] for i in range(rows)]

    def entries(self) -> Iterator[tuple[MatrixSymbol, int, int, E]]:
        """Every entry that the Program computes."""
        for name in self.claim.wanted:
            for i, row in enumerate(self.found[name.name]):
                for j, entry in enumerate(row):
                    yield name, i, j, entry

    def expected(self, name: MatrixSymbol, i: int, j: int) -> E:
        """What an entry must be: of a tangent, or of a cotangent."""
        source = self.claim.wanted[name].name
        if self.claim.by_tangents:
            return self.tangents[source][i][j].slopes.get(ALONG, self.domain.zero)
        return self.pairing((source, i, j))

    def pairing(self, direction: Place | None) -> E:
        """The sum of seeds times tangents of outputs."""
        pairs = (
            (seed.value, out.slopes[direction])
            for o, matrix in self.cotangents.items()
            for seeds, outs in zip(matrix, self.tangents[o.name], strict=True)
            for seed, out in zip(seeds, outs, strict=True)
            if direction in out.slopes
        )
        return self.domain.total(self.domain.mul(seed, slope) for seed, slope in pairs)

    def differences(self) -> Iterator[Difference[E]]:
        """The entries at which the claim does not hold, those of forward values first.  It takes `each` entry."""
        yield from self.of_values()
        for name, i, j, entry in self.entries():
            by = self.domain.subtract(entry, self.expected(name, i, j))
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
        """The claim along the direction, or for a random combination of tangents: what must be zero."""
        domain = self.domain
        if self.claim.by_tangents:
            gaps = (domain.subtract(entry, self.expected(name, i, j)) for name, i, j, entry in self.entries())
            return domain.total(domain.mul(domain.unknown(""), gap) for gap in gaps)
        shares = (domain.mul(e, self.shares[self.claim.wanted[name].name, i, j]) for name, i, j, e in self.entries())
        return domain.subtract(domain.total(shares), self.pairing(ALONG))


def _values(matrix: Matrix[Dual[E]]) -> Matrix[E]:
    return [[dual.value for dual in row] for row in matrix]
