"""Passes over a sequence: after each the same values come out, for every cell, and what it is for has happened."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sympy import MatMul, Symbol

from lstmgraph import Cell, library, load
from lstmgraph.algebra.nodes import Concat, Sigmoid, Tanh
from lstmgraph.algebra.traverse import symbols_in, walk
from lstmgraph.calculus.reuse import reusing
from lstmgraph.calculus.vjp import gradient
from lstmgraph.codegen.passes.gather import gather
from lstmgraph.codegen.passes.hoist import hoist_factors, hoist_terms
from lstmgraph.codegen.passes.inline import inline
from lstmgraph.codegen.passes.pack import pack
from lstmgraph.codegen.passes.stack import stack
from lstmgraph.codegen.sequence import Sequence, sequence
from lstmgraph.codegen.sweep import PHASES, Sweep, dependent, needed_by
from lstmgraph.numeric.evaluate import evaluate

PAPERS = sorted(map(str, (Path(__file__).parents[1] / "reading" / "papers").glob("*.toml")))
CELLS = [*library(), *PAPERS]


def place_and_pack(sweep: Sweep) -> Sweep:
    return pack(sweep, placing=True)


PASSES = {
    "terms": hoist_terms,
    "factors": hoist_factors,
    "stack": stack,
    "pack": pack,
    "place": place_and_pack,
    "gather": gather,
    "inline": inline,
}


def sequence_of(cell: Cell, reused: bool = False) -> Sequence:
    return sequence(cell, reusing(gradient(cell), cell.step) if reused else gradient(cell))


def passed(sweep: Sweep) -> dict[str, Sweep]:
    """A sweep after each pass; both kinds of packing start from the stacked one."""
    found: dict[str, Sweep] = {}
    for name, change in PASSES.items():
        found[name] = change(found["stack"] if name == "place" else sweep)
        sweep = found[name]
    return found


def arrays(sweep: Sweep) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    inputs = sweep.program.inputs
    sizes = sorted({z for s in inputs for side in s.shape for z in side.free_symbols}, key=str)
    numbers: dict[Symbol, int] = {z: 2 + k for k, z in enumerate(sizes)}
    shapes = {s.name: tuple(int(side.subs(numbers)) for side in s.shape) for s in inputs}
    return {name: rng.uniform(0.1, 0.9, shape) for name, shape in shapes.items()}


@pytest.mark.parametrize("reused", [False, True], ids=["textbook", "reused"])
@pytest.mark.parametrize("name", CELLS)
def test_every_pass_keeps_the_values(name: str, reused: bool) -> None:
    both = sequence_of(load(name), reused)
    for sweep in (both.forward, both.backward):
        inputs = arrays(sweep)
        before = evaluate(sweep.program, inputs)
        for pass_name, after in passed(sweep).items():
            found = evaluate(after.program.check(), inputs)
            for wanted in (*sweep.wanted, *sweep.carried.values()):
                error = np.abs(found[wanted.name] - before[wanted.name]).max()
                assert error <= 1e-12 * max(1, np.abs(before[wanted.name]).max()), (pass_name, wanted)


@pytest.mark.parametrize("name", CELLS)
def test_only_what_waits_and_is_waited_for_is_in_the_loop(name: str) -> None:
    both = sequence_of(load(name))
    for sweep in (both.forward, both.backward):
        timed = dependent(sweep.equations, (*sweep.inputs, *sweep.carried))
        late, needed = sweep.late(), needed_by(sweep.equations, sweep.carried.values())
        where = {e.target: p for p in PHASES for e in sweep[p]}
        for target, phase in where.items():
            assert (phase == "once") == (target not in timed), target
            assert (phase == "loop") == (target in late and target in needed), target
            assert (phase == "after") == (target in late and target not in needed), target


@pytest.mark.parametrize("name", library())
def test_the_gradients_of_weights_are_never_in_the_loop(name: str) -> None:
    backward = sequence_of(load(name)).backward
    assert not backward.summed & {e.target for e in backward["loop"]}
    assert backward.summed


def products(sweep: Sweep, phase: str) -> int:
    return sum(isinstance(p, MatMul) for e in sweep[phase] for p in walk(e.value))  # type: ignore[index]


def stacked(name: str) -> tuple[Sweep, Sweep]:
    both = sequence_of(load(name))
    forward, backward = passed(both.forward), passed(both.backward)
    return forward["stack"], backward["stack"]


@pytest.mark.parametrize(
    ("name", "forward", "backward"), [("lstm", 1, 1), ("peephole_lstm", 1, 1), ("gru", 2, 2), ("gru_reset_after", 1, 1)]
)
def test_gates_share_the_products_of_a_step(name: str, forward: int, backward: int) -> None:
    """One with all of U; in a GRU one more with the reset state, which is computed in the middle of the step."""
    there, back = stacked(name)
    assert products(there, "loop") == forward
    assert products(back, "loop") == backward
    assert products(there, "before") == 1
    assert products(back, "after") <= 1 + len({p.args[1] for e in back["after"] for p in walk(e.value) if p.is_MatMul})


def test_gates_of_an_lstm_are_packed_by_activation() -> None:
    """All four pre-activations are one sum; f, i and o one sigmoid beside the tanh of g."""
    loop = passed(sequence_of(load("lstm")).forward)["pack"]["loop"]
    values = [e.value for e in loop]
    assert [v.shape[0] for v in values if isinstance(v, Sigmoid)] == [3 * Symbol("H", integer=True, positive=True)]
    assert sum(isinstance(v, Tanh) for v in values) == 2
    assert sum(v.is_MatAdd for v in values) == 2, "the pre-activations, and the cell state"


def test_places_are_given_where_a_target_can_write_to_them() -> None:
    both = sequence_of(load("lstm"))
    loops = {name: passed(both.backward)[name]["loop"] for name in ("pack", "place")}
    joined = {
        name: [e for e in loop if e.value.is_MatMul or len(symbols_in(e.value)) > 1] for name, loop in loops.items()
    }
    assert len(joined["place"]) == len(joined["pack"]) - 2, "δ_g, δ_i and δ_f are one product"
    joins = [p for e in loops["place"] for p in walk(e.value) if isinstance(p, Concat)]
    assert sorted(len(set(p.args)) for p in joins) == [1, 2], "c̄ three times; δ_o and the pack of the others"


def test_a_product_that_is_a_term_of_one_sum_is_written_there() -> None:
    """Of a GRU: U h for r and z into the sum of both, and what was hoisted starts from the biases."""
    before = passed(sequence_of(load("gru")).forward)["pack"]
    after = inline(before)
    assert [e.value for e in before["loop"] if e.value.is_MatMul]
    assert not [e.value for e in after["loop"] if e.value.is_MatMul]
    assert products(after, "loop") == products(before, "loop")
    assert len(after.equations) < len(before.equations)
