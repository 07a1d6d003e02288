"""What a step takes of the one before it and all steps have at once: found, and left where it is by the passes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sympy import MatAdd, MatMul, MatrixExpr, MatrixSymbol, Symbol, Transpose

from lstmgraph.algebra.nodes import Hadamard, Negative, Tanh
from lstmgraph.calculus import gradient
from lstmgraph.codegen.loops.nests import Kinds
from lstmgraph.codegen.passes import add_up, hoist_terms, sink
from lstmgraph.codegen.passes.bounds import UNKNOWN, bounds
from lstmgraph.codegen.sequence import sequence
from lstmgraph.codegen.sums import totals
from lstmgraph.codegen.sweep import PHASES, Sweep, dependent, swept
from lstmgraph.errors import CellNameError
from lstmgraph.program import Equation, Program
from tests.codegen.equality import CELLS, cell_of

H = Symbol("H", integer=True, positive=True)
a, g, h, x = (MatrixSymbol(f"{name}[t]", H, 1) for name in "aghx")
g_before, h_before = (MatrixSymbol(f"{name}[t-1]", H, 1) for name in "gh")
M, M_before, R, W = (MatrixSymbol(name, H, H) for name in ("M[t]", "M[t-1]", "R", "W"))
p = MatrixSymbol("p", H, 1)
PREVIOUS = {h: h_before, g: g_before, M: M_before}


def sweep_of(*equations: tuple[MatrixSymbol, MatrixExpr], summed: tuple[MatrixSymbol, ...] = ()) -> Sweep:
    """One that carries those of h, g and M that it computes; x is an input, W and p are parameters."""
    carried = {PREVIOUS[target]: target for target, _ in equations if target in PREVIOUS}
    made = tuple(Equation(target, value) for target, value in equations)
    outputs = (*carried.values(), *summed)
    return swept(Program("s", (W, p, x, *carried), made, outputs), (W, p), carried, frozenset(summed))


def where(sweep: Sweep, value: MatrixSymbol) -> str:
    (phase,) = [phase for phase in PHASES if value in {e.target for e in sweep[phase]}]
    return phase


@pytest.mark.parametrize("name", CELLS)
def test_the_loop_hands_on_what_goes_in_a_circle_and_what_is_between_two(name: str) -> None:
    """All else that a step takes from the one before it is there before the loop, or after it."""
    cell = cell_of(name)
    both = sequence(cell, gradient(cell))
    for sweep in (both.forward, both.backward):
        equations, carried = sweep.settled().equations, sweep.carried
        takers = {p: {q for q, v in carried.items() if v in dependent(equations, [p])} for p in carried}
        reached = {p: takers[p] for p in carried}
        for _ in carried:
            reached = {p: found.union(*map(takers.__getitem__, found)) for p, found in reached.items()}
        circles = {p for p in carried if p in reached[p]}
        onward = {p for p in carried if circles & {p, *reached[p]}}
        assert {*sweep.recurrent} == onward & circles.union(*(reached[c] for c in circles))
        assert {e.target for p in PHASES for e in sweep[p]} - {e.target for e in equations} == sweep.delayed


OUTER = (M, MatMul(x, Transpose(x)))  # of all steps at once, and so is the one before it


def test_a_value_that_is_taken_before_it_is_delayed_is_an_error() -> None:
    sweep = sweep_of((g, Tanh(x)), (h, MatAdd(g_before, Tanh(h_before))))
    assert sweep.check().delayed == frozenset({g_before})
    with pytest.raises(CellNameError, match=r"g\[t-1\] is used for h\[t\] before it is there"):
        sweep.settled().check()


def test_what_is_delayed_is_made_in_no_loop_that_alone_takes_it() -> None:
    """A matrix of the step before, of which all steps are there."""
    sweep = sink(sweep_of(OUTER, (h, MatMul(M_before, Tanh(h_before)))))
    assert where(sweep, M_before) == "before"
    assert where(sweep, h) == "loop"


def test_a_sum_of_delayed_matrices_is_added_up_after_the_loop() -> None:
    """The loop has nothing of it that it would not keep."""
    back = sweep_of(OUTER, (h, MatMul(W, Tanh(h_before))), (R, Hadamard(M_before, Tanh(M_before))), summed=(R,))
    both = replace(sequence(cell_of("rnn"), gradient(cell_of("rnn"))), backward=back)
    assert where(add_up(both).backward, R) == "after"


def test_a_delayed_value_is_one_of_each_sample_whatever_it_is_made_of() -> None:
    """Before the first step it is what the caller gives."""
    sweep = sweep_of((g, p), (h, MatAdd(g_before, Tanh(h_before))))
    batched = Kinds(sweep, frozenset()).batched
    assert (batched[g], batched[g_before]) == (False, True)


@pytest.mark.parametrize(
    ("taken", "early"), [(Negative(x), False), (Negative(Hadamard(p, x)), True)], ids=["a value", "a product"]
)
def test_what_the_loop_takes_off_is_no_negative_array_before_it(taken: MatrixExpr, early: bool) -> None:
    sweep = hoist_terms(sweep_of((h, Tanh(MatAdd(MatMul(W, h_before), taken)))))
    assert bool(sweep["before"]) is early
    assert not any(isinstance(e.value, Negative) for e in sweep["before"])


def test_of_a_delayed_state_the_same_is_known_as_of_one_that_the_loop_hands_on() -> None:
    handed = sweep_of((a, Hadamard(h_before, p)), (h, Tanh(MatMul(W, a))))
    delayed = sweep_of((a, Hadamard(h_before, p)), (h, Tanh(MatMul(W, x))))
    assert not handed.delayed
    assert delayed.delayed == frozenset({h_before})
    assert bounds(delayed)[h_before] == bounds(handed)[h_before] != UNKNOWN


def test_all_steps_of_a_delayed_value_are_there_though_only_a_sum_takes_it() -> None:
    """That of a state that is made of a parameter: its gradient is the sum over the steps."""
    back = sequence(cell_of("constant_before"), gradient(cell_of("constant_before"))).backward
    assert back.delayed
    assert totals(back).isdisjoint(back.delayed)
