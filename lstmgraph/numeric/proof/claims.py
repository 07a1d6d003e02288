"""What a Program of derivatives claims to compute, by the names of its outputs: cotangents, tangents or Jacobians.

Reverse mode: for cotangents (seeds) s of the outputs y, and every entry e of what is derived by,

    (what the Program computes for e)  =  sum of s_k * (derivative of y_k by e, by scalar calculus)

Forward mode: for tangents v of what is derived by, each entry of `dot(y)` is the derivative of that entry of y along v.
A Jacobian: entry (i, j) is the derivative of entry i by entry j, a matrix being taken column below column.

To add a kind: a subclass of `Claim`, and its marks in `KINDS`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar, Literal, NamedTuple

from sympy import MatrixSymbol

from lstmgraph.algebra.names import JACOBIANS, Name, like, name_of, quotient_of
from lstmgraph.errors import UsageError
from lstmgraph.numeric.evaluate import number_of
from lstmgraph.numeric.proof.tangents import Held, Sizes
from lstmgraph.program import Program

SEEDS = ("seed", "loss", "bar")  # by which a cotangent arrives: the first of these that the Program takes
Directions = Literal["each", "one", "any"]


class Place(NamedTuple):
    """An entry of a value: its name, row and column from 0."""

    name: str
    row: int
    column: int


@dataclass(frozen=True)
class Claim(ABC):
    """`forward` are the equations as their author wrote them; `program` computes derivatives of their values.

    `held` says in which equations which values do not change; `limits` in words what that, and the like, leaves out.
    Raises UsageError where the Program computes something else, or nothing.
    """

    forward: Program
    program: Program
    held: Held = field(default_factory=dict)
    limits: tuple[str, ...] = ()

    kind: ClassVar[str]
    directions: ClassVar[Directions]  # that tangents are taken along: those of all entries, one, or either will do

    def __post_init__(self) -> None:
        for output in self.program.outputs:
            if output not in self.names:
                raise UsageError(f"{self.program.name}: {output} is not {self.kind} of {self.forward.name}")

    @property
    @abstractmethod
    def names(self) -> Mapping[MatrixSymbol, object]:
        """What a Program could compute."""

    @property
    @abstractmethod
    def moving(self) -> tuple[MatrixSymbol, ...]:
        """The inputs that are derived by."""

    @property
    @abstractmethod
    def words(self) -> str:
        """What is claimed, as a sentence."""

    @cached_property
    def wanted(self) -> tuple[MatrixSymbol, ...]:
        """What the Program computes, in the order of the forward equations."""
        return tuple(name for name in self.names if name in self.program.outputs)

    @property
    def seeds(self) -> Mapping[MatrixSymbol, MatrixSymbol]:
        """For each output whose cotangent arrives, the name of that; those of the others are 0."""
        return {}

    def entries(self, sizes: Sizes) -> int:
        """How many entries the results have together."""
        return sum(number_of(o.shape[0], sizes) * number_of(o.shape[1], sizes) for o in self.wanted)


@dataclass(frozen=True)
class Cotangents(Claim):
    """The cotangents of some inputs, for a loss that sees the values in `of` (None: all outputs).

    A cotangent that the Program does not take arrives all the same.
    """

    of: tuple[MatrixSymbol, ...] | None = None

    kind: ClassVar[str] = "the cotangent of an input"
    directions: ClassVar[Directions] = "any"

    @cached_property
    def names(self) -> Mapping[MatrixSymbol, MatrixSymbol]:
        return {like(s, "grad" if name_of(s).lag is None else "bar"): s for s in self.forward.inputs}

    @cached_property
    def moving(self) -> tuple[MatrixSymbol, ...]:
        return tuple(self.names[name] for name in self.wanted)

    @cached_property
    def seeds(self) -> Mapping[MatrixSymbol, MatrixSymbol]:
        of = self.forward.outputs if self.of is None else self.of
        return {o: next((s for s in seeds_of(o) if s in self.program.inputs), like(o, SEEDS[0])) for o in of}

    @property
    def words(self) -> str:
        return f"The gradients of any linear function of {_listed(self.seeds)} by {_listed(self.moving)}."


@dataclass(frozen=True)
class Tangents(Claim):
    """The tangents of some values, along directions of some inputs."""

    kind: ClassVar[str] = "the tangent of a value"
    directions: ClassVar[Directions] = "one"

    @cached_property
    def names(self) -> Mapping[MatrixSymbol, MatrixSymbol]:
        return {like(s, "dot"): s for s in (*self.forward.inputs, *(e.target for e in self.forward))}

    @cached_property
    def moving(self) -> tuple[MatrixSymbol, ...]:
        return tuple(s for s in self.forward.inputs if like(s, "dot") in self.program.inputs)

    @property
    def words(self) -> str:
        return f"The tangents of {_listed(self.names[o] for o in self.wanted)}, as {_listed(self.moving)} change."


class Parts(NamedTuple):
    """Of a Jacobian: the values whose derivatives are its rows, the inputs by which they are its columns."""

    of: tuple[MatrixSymbol, ...]
    by: tuple[MatrixSymbol, ...]


NO_PARTS = Parts((), ())


@dataclass(frozen=True)
class Jacobians(Claim):
    """The Jacobians of some values by some inputs; that of all states has the `states` for its rows and columns."""

    states: Parts = NO_PARTS

    kind: ClassVar[str] = "a Jacobian"
    directions: ClassVar[Directions] = "each"

    @cached_property
    def names(self) -> Mapping[MatrixSymbol, Parts]:
        found = ((o, self.parts(o)) for o in self.program.outputs)
        return {o: parts for o, parts in found if parts is not None}

    def parts(self, output: MatrixSymbol) -> Parts | None:
        """What a name says, if there is such a value, and such an input that many steps before."""
        name = name_of(output)
        if name.marks[:1] not in {(m,) for m in JACOBIANS}:
            return None
        asked = quotient_of(name)
        if asked.whole:
            return self.states
        if isinstance(asked.steps, str):  # over a number of steps that is a letter nothing is known
            return None
        before = str(Name(asked.by, (asked.of.lag or 0) - asked.steps))
        of = [e.target for e in self.forward if e.target.name == str(asked.of)]
        by = [s for s in self.forward.inputs if s.name == before]
        return Parts(tuple(of), tuple(by)) if of and by else None

    @cached_property
    def moving(self) -> tuple[MatrixSymbol, ...]:
        return tuple(dict.fromkeys(s for name in self.wanted for s in self.names[name].by))

    @property
    def words(self) -> str:
        of = dict.fromkeys(s for name in self.wanted for s in self.names[name].of)
        return f"The Jacobians of {_listed(of)} by {_listed(self.moving)}."


KINDS: Mapping[str, type[Claim]] = {"dot": Tangents, **dict.fromkeys(JACOBIANS, Jacobians)}


def kind_of(program: Program) -> type[Claim]:
    """What a Program claims to compute; cotangents, if it does not say.  Raises UsageError where that is nothing."""
    if not program.outputs:
        raise UsageError(
            f"{program.name} computes nothing, so there is nothing to prove",
            hint="its outputs are to be grad(W), bar(x)[t], bar(h)[t-1], dot(h)[t] or jac(c.h)[t]",
        )
    kinds = {KINDS.get("".join(name_of(o).marks[:1]), Cotangents) for o in program.outputs}
    return kinds.pop() if len(kinds) == 1 else Cotangents


def seeds_of(output: MatrixSymbol) -> Iterator[MatrixSymbol]:
    """The names by which the cotangent of a value may arrive."""
    return (like(output, mark) for mark in SEEDS)


def _listed(symbols: object) -> str:
    return ", ".join(s.name for s in symbols) or "nothing"  # type: ignore[attr-defined]
