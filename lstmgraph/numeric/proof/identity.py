"""Both sides of a claim, computed in some domain at some sizes: entry by entry, or along a random direction.

Along a direction v of what is derived by, gradients are right where the sum of all entries, each times v_e, is the
tangent of the loss.  The forward values that the Program computes are compared with the author's too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic

from sympy import MatrixSymbol

from lstmgraph.algebra.names import like
from lstmgraph.errors import UsageError
from lstmgraph.numeric.evaluate import number_of
from lstmgraph.numeric.proof.claims import Claim, Cotangents, Jacobians, Place, Tangents
from lstmgraph.numeric.proof.domain import Domain, E
from lstmgraph.numeric.proof.interpret import Interpreter
from lstmgraph.numeric.proof.scalars import Dual
from lstmgraph.numeric.proof.tangents import Matrix, Sizes, label
from lstmgraph.numeric.proof.tangents import Tangents as Forward

ALONG = None  # the one direction of tangents that are given, or drawn


@dataclass(frozen=True)
class Gap(Generic[E]):
    """An entry (from 1) and what the two sides differ by there: left minus right."""

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
        self.each = each if claim.directions == "any" else claim.directions == "each"
        self.shares: dict[Place, E] = {}
        given = {s.name: self.unknowns(s, s in claim.moving) for s in claim.forward.inputs}
        self.tangents = Forward(domain, sizes).run(claim.forward, given, claim.held)
        self.cotangents = {o: self.unknowns(seed, False) for o, seed in claim.seeds.items()}
        self.found = Interpreter(domain, sizes).run(claim.program, self._given(), claim.forward.definitions)

    def unknowns(self, symbol: MatrixSymbol, moving: bool) -> Matrix[Dual[E]]:
        """A matrix of unknowns; a moving one has a direction for each entry, or a share of the one direction."""
        rows, columns = self._shape(symbol)
        return [
            [
                self._unknown(Place(symbol.name, i, j), label(symbol.name, (rows, columns), i, j), moving)
                for j in range(columns)
            ]
            for i in range(rows)
        ]

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
        if isinstance(self.claim, Tangents):
            known |= {like(s, "dot").name: self._direction(s) for s in self.claim.moving}
        for s in self.claim.program.inputs:
            if s.name in self.tangents:
                known[s.name] = _values(self.tangents[s.name])
            elif s.name not in known:
                raise UsageError(f"{self.claim.program.name} takes {s}, which is no value of {self.claim.forward.name}")
        return known

    def _direction(self, symbol: MatrixSymbol) -> Matrix[E]:
        rows, columns = self._shape(symbol)
        return [[self.shares[Place(symbol.name, i, j)] for j in range(columns)] for i in range(rows)]

    def entries(self) -> Iterator[tuple[MatrixSymbol, int, int, E]]:
        """Every entry that the Program computes."""
        for name in self.claim.wanted:
            for i, row in enumerate(self.found[name.name]):
                for j, entry in enumerate(row):
                    yield name, i, j, entry

    # ── what an entry must be ──

    def expected(self, name: MatrixSymbol, i: int, j: int) -> E:
        """What an entry must be; of cotangents where there is a direction for each entry."""
        claim = self.claim
        if isinstance(claim, Tangents):
            return self.slope(Place(claim.names[name].name, i, j), ALONG)
        if isinstance(claim, Jacobians):
            of, by = claim.names[name]
            return self.slope(self._place(of, i), self._place(by, j))
        assert isinstance(claim, Cotangents)
        return self.pairing(Place(claim.names[name].name, i, j))

    def slope(self, place: Place, direction: Place | None) -> E:
        return self.tangents[place.name][place.row][place.column].slopes.get(direction, self.domain.zero)

    def _place(self, symbols: tuple[MatrixSymbol, ...], k: int) -> Place:
        """Entry k of values one below the other, each column below column."""
        for symbol in symbols:
            rows, columns = self._shape(symbol)
            if k < rows * columns:
                return Place(symbol.name, k % rows, k // rows)
            k -= rows * columns
        raise IndexError(f"{k} entries too many for {symbols}")

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

    # ── what must be zero ──

    def differences(self) -> Iterator[Gap[E]]:
        """The entries at which the claim does not hold, those of forward values first.  It takes `each` entry."""
        for gap in (*self.of_values(), *self.of_results()):
            if not self.domain.is_zero(gap.by):
                yield gap

    def of_results(self) -> Iterator[Gap[E]]:
        for name, i, j, entry in self.entries():
            yield Gap(name, i + 1, j + 1, self.domain.subtract(entry, self.expected(name, i, j)))

    def of_values(self) -> Iterator[Gap[E]]:
        """What the forward values that the Program computes differ by from those of the author's equations."""
        for target in (e.target for e in self.claim.program if e.target in self.claim.forward.definitions):
            pairs = zip(self.found[target.name], self.tangents[target.name], strict=True)
            for i, (row, wanted) in enumerate(pairs):
                for j, (entry, dual) in enumerate(zip(row, wanted, strict=True)):
                    yield Gap(target, i + 1, j + 1, self.domain.subtract(entry, dual.value))

    def along(self) -> E:
        """The claim along the direction, or for a random combination of all entries: what must be zero."""
        domain = self.domain
        if not isinstance(self.claim, Cotangents):
            return domain.total(domain.mul(domain.unknown(""), gap.by) for gap in self.of_results())
        names = self.claim.names
        shares = (domain.mul(e, self.shares[Place(names[name].name, i, j)]) for name, i, j, e in self.entries())
        return domain.subtract(domain.total(shares), self.pairing(ALONG))


def _values(matrix: Matrix[Dual[E]]) -> Matrix[E]:
    return [[dual.value for dual in row] for row in matrix]
