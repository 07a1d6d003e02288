"""No value is written over while somebody needs it: sweeps made at random are run in the arrays that `Places` gives."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import pytest
from sympy import Integer, MatAdd, MatrixExpr, MatrixSymbol

from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.names import symbol
from lstmgraph.algebra.traverse import symbols_in
from lstmgraph.codegen.places import Place, Places, atoms, meet
from lstmgraph.codegen.sweep import Phase, Sweep, swept
from lstmgraph.numeric.evaluate import evaluate
from lstmgraph.program import Equation, Program

T = 3


def column(name: str, height: int) -> MatrixSymbol:
    return symbol(name, (Integer(height), Integer(1)))


X = column("x[t]", 4)


# ── sweeps ──


def made(rng: random.Random) -> Sweep:
    """Two or three states, an input, and equations of all kinds that places have rules for."""
    states = {column(f"{k}[t-1]", 2): column(f"{k}[t]", 2) for k in "abc"[: rng.choice((2, 3))]}
    known, equations = [X, *states], list[Equation]()
    for k in range(rng.choice((4, 6, 9))):
        value = formula(rng, known, states)
        equations.append(Equation(column(f"v{k}[t]", int(value.shape[0])), value))
        known.append(equations[-1].target)
    for new in states.values():
        equations.append(Equation(new, formula(rng, known, states, 2)))
        known.append(new)
    wanted = (*rng.sample([e.target for e in equations], 2), *states.values())
    program = Program("p", (X, *states), tuple(equations), tuple(dict.fromkeys(wanted)))
    return swept(program, (), states).settled()


def formula(
    rng: random.Random, known: list[MatrixSymbol], states: Collection[MatrixSymbol], height: int | None = None
) -> MatrixExpr:
    height = height or rng.choice((2, 2, 4))
    fits = [part for s in known for part in parts(s) if part.shape[0] == height]
    one, other, third = rng.choice(fits[-rng.choice((3, len(fits))) :]), rng.choice(fits), rng.choice(fits)
    kinds = [n.Tanh(one), n.Sin(other), n.Hadamard(one, other), MatAdd(one, other)]
    kinds += [MatAdd(n.Hadamard(one, other), n.Cos(third)), *([one] if one not in states else [])]
    if height == 4:
        halves = [part for s in known for part in parts(s) if part.shape[0] == 2]
        kinds += [n.Concat(rng.choice(halves[-4:]), rng.choice(halves[-4:]))] * 3
    return rng.choice(kinds)


def parts(s: MatrixSymbol) -> Iterator[MatrixExpr]:
    yield s
    if s.shape[0] == 4:
        yield from (n.Slice(s, start, 2) for start in (0, 2))


# ── a run of one ──


@dataclass
class Run:
    """A sweep in its arrays: of T steps, of T + 1 for a state that all steps keep, or of the one that a step needs."""

    sweep: Sweep
    places: Places
    arrays: dict[MatrixSymbol, np.ndarray] = field(default_factory=dict)

    def rows(self, expr: MatrixExpr, t: int) -> np.ndarray:
        place = self.places.place(expr)
        assert place is not None
        return self.rows_of(place, t)

    def rows_of(self, place: Place, t: int) -> np.ndarray:
        root, traced = place.root, place.root in self.places.traced
        steps = T + 1 if traced else T if self.places.is_whole(root) else 1
        array = self.arrays.setdefault(root, np.full((steps, int(root.shape[0])), np.nan))
        return array[t + place.later if traced else t % steps, int(place.start) : int(place.start + place.count)]

    def all_steps(self, first: Mapping[MatrixSymbol, np.ndarray], xs: np.ndarray) -> None:
        for t in range(T):
            self.rows(X, t)[:] = xs[t]
        for prev, value in first.items():
            self.rows(prev, 0)[:] = value
        self.at_once("before")
        handed = [(prev, new) for prev, new in self.sweep.carried.items() if prev not in self.places.traced]
        for t in range(T):
            for e in self.sweep["loop"]:
                self.compute(e, t)
            values = [self.rows(new, t).copy() for _, new in handed]
            for (prev, _), value in zip(handed, values, strict=True):
                self.rows(prev, t + 1)[:] = value
        self.at_once("after")

    def at_once(self, phase: Phase) -> None:
        for e in self.sweep[phase]:
            for t in range(T):
                self.compute(e, t)

    def compute(self, e: Equation, t: int) -> None:
        """Of what is read nothing may be where the result goes, but the one value that this is computed over."""
        place = self.places.place(e.target)
        assert place is not None
        if self.places.is_view(e):
            return
        if isinstance(e.value, n.Concat):
            self.join(e.value, place, t)
            return
        here = [a for a in atoms(e.value) if meet(self.places.place(a), place)]
        assert not here or (len(here) == 1 and here[0] in self.places.over(e.value)), f"{e.target}"
        given = tuple(symbols_in(e.value))
        program = Program("p", given, (e,), (e.target,))
        found = evaluate(program, {s.name: self.rows(s, t)[:, None].copy() for s in given})
        self.rows_of(place, t)[:] = found[e.target.name][:, 0]

    def join(self, stack: MatrixExpr, place: Place, t: int) -> None:
        """Member by member, but for those that are there."""
        start = Integer(0)
        for member in stack.args:
            rows = place.rows(start, member.shape[0])
            if self.places.place(member) != rows:
                self.rows_of(rows, t)[:] = self.rows(member, t).copy()
            start += member.shape[0]


def values_of(sweep: Sweep, first: Mapping[MatrixSymbol, np.ndarray], xs: np.ndarray) -> list[dict[str, np.ndarray]]:
    """Those of each step, by name."""
    found: list[dict[str, np.ndarray]] = []
    states = {s.name: value[:, None] for s, value in first.items()}
    for x in xs:
        found.append({**evaluate(sweep.program, {**states, X.name: x[:, None]}), X.name: x[:, None]})
        states = {prev.name: found[-1][new.name] for prev, new in sweep.carried.items()}
    return found


@pytest.mark.parametrize("seed", range(200))
def test_what_is_kept_of_all_steps_is_right(seed: int) -> None:
    rng, numbers = random.Random(seed), np.random.default_rng(seed)
    sweep = made(rng)
    first, xs = {prev: numbers.uniform(0.1, 1, 2) for prev in sweep.carried}, numbers.uniform(0.1, 1, (T, 4))
    kept = frozenset(sweep.wanted[: rng.choice((2, len(sweep.wanted)))])
    batched = frozenset({X, *sweep.carried, *(e.target for e in sweep.equations)})
    run = Run(sweep, Places(sweep, frozenset({X}), kept, batched))
    run.all_steps(first, xs)
    for t, right in enumerate(values_of(sweep, first, xs)):
        for s in (X, *kept):
            np.testing.assert_array_equal(run.rows(s, t), right[s.name][:, 0], err_msg=str(s))
