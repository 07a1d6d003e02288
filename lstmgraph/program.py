"""Programs: ordered lists of short named equations, each name assigned once.

A cell's step is a Program, and so is everything a transform makes of it.  A Program knows nothing of files, drawings
or numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal, NamedTuple

from sympy import Eq, MatrixExpr, MatrixSymbol

from lstmgraph.algebra.names import Since, later, like
from lstmgraph.algebra.traverse import check_shapes, renamed, symbols_in
from lstmgraph.errors import CellNameError, Place, ShapeError

Stage = Literal["forward", "backward", "tangent", "through time", "unrolled", "jacobian"]


class Use(NamedTuple):
    """Where a value is used: in the equation of that target, as which operand of which, from outside in."""

    equation: MatrixSymbol
    path: tuple[int, ...]


class Term(NamedTuple):
    """A part of a cotangent: what one use of a value sends back to it; without a use, what arrives from outside.

    The cotangent that the use sends back has a name, `bar(target)` of its equation, or is `before`, a formula that was
    written in place of one.
    """

    value: MatrixExpr
    use: Use | None = None
    before: Term | None = None

    def chain(self) -> tuple[Term, ...]:
        """The terms from the one that starts from a cotangent with a name to this one."""
        return (*(self.before.chain() if self.before else ()), self)

    def later(self, k: int, since: Since = "t") -> Term:
        """The same term k steps later, counted from `since` then, with the use that sends it."""
        value = renamed(self.value, lambda s: later(s, k, since))
        use = self.use and Use(later(self.use.equation, k, since), self.use.path)
        return Term(value, use, self.before and self.before.later(k, since))


@dataclass(frozen=True)
class Equation:
    """`target` = `value`.

    `note` is the author's comment; `place` is where it was written; `origin` says of a cotangent which terms it is the
    sum of, and where each comes from (a transform that writes another value leaves it out); none of these takes part in
    equality.
    """

    target: MatrixSymbol
    value: MatrixExpr
    note: str = field(default="", compare=False)
    place: Place | None = field(default=None, compare=False)
    stage: Stage = "forward"
    origin: tuple[Term, ...] = field(default=(), compare=False, repr=False)

    def __str__(self) -> str:
        return f"{self.target} = {self.value}"

    def later(self, k: int, since: Since = "t") -> Equation:
        """The same equation k steps later, counted from `since` then, its terms with it."""
        value = renamed(self.value, lambda s: later(s, k, since))
        origin = tuple(term.later(k, since) for term in self.origin)
        return replace(self, target=later(self.target, k, since), value=value, origin=origin)

    def as_eq(self) -> Eq:
        """The same as SymPy's own equation."""
        return Eq(self.target, self.value, evaluate=False)


@dataclass(frozen=True)
class Program:
    """Equations in an order in which they can be evaluated.

    `inputs` are the symbols it takes, `outputs` what it is for.
    """

    name: str
    inputs: tuple[MatrixSymbol, ...]
    equations: tuple[Equation, ...]
    outputs: tuple[MatrixSymbol, ...]

    def __iter__(self) -> Iterator[Equation]:
        return iter(self.equations)

    def __len__(self) -> int:
        return len(self.equations)

    @cached_property
    def definitions(self) -> Mapping[MatrixSymbol, Equation]:
        return {e.target: e for e in self.equations}

    def stage(self, stage: Stage) -> tuple[Equation, ...]:
        return tuple(e for e in self.equations if e.stage == stage)

    def seed(self, output: MatrixSymbol) -> MatrixSymbol:
        """Of a gradient program: the input by which the cotangent of `output` arrives."""
        seed = like(output, "seed")
        return seed if seed in self.inputs else like(output, "bar")

    def needed_for(self, targets: Iterable[MatrixSymbol]) -> Program:
        """The same program without what those targets do not depend on."""
        targets = tuple(targets)
        wanted = set(targets)
        kept: list[Equation] = []
        for equation in reversed(self.equations):
            if equation.target in wanted:
                kept.append(equation)
                wanted |= symbols_in(equation.value)
        return replace(self, equations=tuple(reversed(kept)), outputs=targets)

    def check(self) -> Program:
        """Itself, or an error: a name assigned twice or used before it is there, or shapes that do not fit."""
        known = set(self.inputs)
        if len(known) < len(self.inputs):
            raise CellNameError(f"{self.name}: an input is listed twice")
        for equation in self.equations:
            self._check_equation(equation, known)
            known.add(equation.target)
        for output in self.outputs:
            if output not in known:
                raise CellNameError(f"{self.name}: the output {output} is never computed")
        return self

    def _check_equation(self, equation: Equation, known: set[MatrixSymbol]) -> None:
        if equation.target in known:
            raise CellNameError(f"{self.name}: {equation.target} is assigned twice", place=equation.place)
        for used in sorted(symbols_in(equation.value) - known, key=str):
            raise CellNameError(f"{self.name}: {used} is used before it is computed", place=equation.place)
        try:
            shape = check_shapes(equation.value)
        except ShapeError as error:
            raise ShapeError(f"{self.name}: {equation.target}: {error.message}", place=equation.place) from None
        if shape != equation.target.shape:
            raise ShapeError(
                f"{self.name}: {equation.target} has shape {equation.target.shape}, its value has {shape}",
                place=equation.place,
            )
