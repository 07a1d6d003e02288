"""Passes over a sequence: after each the same values come out, for every cell, and what it is for has happened."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import FunctionType, ModuleType

import numpy as np
import pytest
from sympy import MatAdd, MatMul, Symbol, Transpose

from lstmgraph import Cell, library, load
from lstmgraph.algebra.names import symbol
from lstmgraph.algebra.nodes import Concat, Divide, Fill, Hadamard, Negative, Sigmoid, Tanh
from lstmgraph.algebra.traverse import symbols_in, walk
from lstmgraph.calculus.reuse import reusing
from lstmgraph.calculus.vjp import gradient
from lstmgraph.codegen import passes as catalogue
from lstmgraph.codegen.computed import computed
from lstmgraph.codegen.loops import layout
from lstmgraph.codegen.passes import (
    add_up,
    again,
    bias,
    blend,
    broadcast,
    collect,
    divide,
    even,
    gather,
    halve,
    hoist_factors,
    hoist_products,
    hoist_terms,
    last,
    merge,
    minus,
    outside,
    pack,
    passed,
    place,
    place_parts,
    precise,
    recompute,
    recompute_in_loop,
    rest,
    sink,
    split,
    split_products,
    spread,
    stack,
    stack_late,
    stack_steps,
    turn,
    unsigned,
    widen,
)
from lstmgraph.codegen.passes.inline import inline
from lstmgraph.codegen.sequence import Sequence, sequence
from lstmgraph.codegen.shown import operations
from lstmgraph.codegen.sweep import PHASES, Sweep, dependent, in_order, needed_by
from lstmgraph.codegen.targets import jax, numpy, onnx, torch
from lstmgraph.numeric.evaluate import evaluate
from lstmgraph.program import Equation

ARCHITECTURE = Path(__file__).parents[2] / "docs" / "architecture.md"
PAPERS = sorted(map(str, (Path(__file__).parents[1] / "reading" / "papers").glob("*.toml")))
CELLS = [*library(), *PAPERS]
ODD = Path(__file__).parent / "odd"


PASSES = {
    "precise": precise,
    "outside": outside,
    "minus": minus,
    "blend": blend,
    "terms": hoist_terms,
    "rest": rest,
    "divide": divide,
    "spread": spread,
    "merge": merge,
    "factors": hoist_factors,
    "again": again,
    "stack": stack,
    "stack_steps": stack_steps,
    "pack": pack,
    "place": place,
    "parts": place_parts,
    "gather": gather,
    "widen": widen,
    "turn": turn,
    "broadcast": broadcast,
    "inline": inline,
    "sink": sink,
    "last": last,
}


# Those that others do not start from, and those of both directions.
ALONE = (bias, even, halve, collect, unsigned, stack_late, split_products)
BOTH = (split, add_up, recompute, recompute_in_loop)


def sequence_of(cell: Cell, reused: bool = False) -> Sequence:
    return sequence(cell, reusing(gradient(cell), cell.step) if reused else gradient(cell))


def one_by_one(sweep: Sweep) -> dict[str, Sweep]:
    """A sweep after each pass; packing starts from the stacked one, and what leaves less to do from none."""
    found: dict[str, Sweep] = {"products": hoist_products(sweep)}
    for name, change in PASSES.items():
        found[name] = change(found["stack"] if name in {"pack", "place", "parts"} else sweep)
        sweep = found[name]
    return found


def alone(sweep: Sweep) -> dict[str, Sweep]:
    """A sweep after each of the other passes."""
    return {change.__name__: change(sweep) for change in ALONE}


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
        for pass_name, after in (one_by_one(sweep) | alone(sweep)).items():
            found = evaluate(after.check().program.check(), inputs)
            for wanted in (*sweep.wanted, *sweep.carried.values()):
                error = np.abs(found[wanted.name] - before[wanted.name]).max()
                assert error <= 1e-12 * max(1, np.abs(before[wanted.name]).max()), (pass_name, wanted)


@pytest.mark.parametrize("change", BOTH, ids=lambda change: change.__name__)
@pytest.mark.parametrize("name", CELLS)
def test_every_pass_of_both_directions_keeps_the_values(name: str, change: Callable[[Sequence], Sequence]) -> None:
    both = sequence_of(load(name))
    assert_same_values(both, change(both))


def assert_same_values(before: Sequence, after: Sequence) -> None:
    """Both directions compute the same, the way back from what each has kept of the way there."""
    there = [arrays(before.forward), arrays(before.backward)]
    results = []
    for both in (before, after):
        forward = evaluate(both.forward.check().program.check(), there[0])
        known = there[1] | there[0] | forward
        inputs = {s.name: known[s.name] for s in both.backward.program.inputs}
        results.append((forward, evaluate(both.backward.check().program.check(), inputs)))
    wanted = [
        {*before.forward.carried.values(), *before.cell.outputs},
        {*before.backward.wanted, *before.backward.carried.values()},
    ]
    for symbols, old, new in zip(wanted, *results, strict=True):
        for s in symbols:
            np.testing.assert_allclose(new[s.name], old[s.name], rtol=1e-11, atol=1e-12, err_msg=str(s))


def test_every_pass_is_evaluated() -> None:
    names = {change.__name__ for change in (*PASSES.values(), *ALONE, *BOTH, hoist_products)}
    catalogued = {name for name in catalogue.__all__ if isinstance(getattr(catalogue, name), FunctionType)}
    assert names == catalogued - {"passed", "passed_both"}


@pytest.mark.parametrize("name", CELLS)
def test_only_what_waits_and_is_waited_for_is_in_the_loop(name: str) -> None:
    both = sequence_of(load(name))
    for sweep in (both.forward, both.backward):
        timed = dependent(sweep.equations, (*sweep.inputs, *sweep.carried))
        late, needed = sweep.late(), needed_by(sweep.equations, sweep.recurrent.values())
        where = {e.target: p for p in PHASES for e in sweep[p]}
        for target, phase in where.items():
            assert (phase == "once") == (target not in timed), target
            assert (phase == "loop") == (target in late and target in needed), target
            assert (phase == "after") == (target in late | sweep.summed & timed and target not in needed), target


@pytest.mark.parametrize("name", library())
def test_the_gradients_of_weights_are_never_in_the_loop(name: str) -> None:
    backward = sequence_of(load(name)).backward
    assert not backward.summed & {e.target for e in backward["loop"]}
    assert backward.summed


def products(sweep: Sweep, phase: str) -> int:
    return sum(isinstance(p, MatMul) for e in sweep[phase] for p in walk(e.value))  # type: ignore[index]


def stacked(name: str) -> tuple[Sweep, Sweep]:
    both = sequence_of(load(name))
    forward, backward = one_by_one(both.forward), one_by_one(both.backward)
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
    loop = one_by_one(sequence_of(load("lstm")).forward)["pack"]["loop"]
    values = [e.value for e in loop]
    assert [v.shape[0] for v in values if isinstance(v, Sigmoid)] == [3 * Symbol("H", integer=True, positive=True)]
    assert sum(isinstance(v, Tanh) for v in values) == 2
    assert sum(v.is_MatAdd for v in values) == 2, "the pre-activations, and the cell state"


def test_places_are_given_where_a_target_can_write_to_them() -> None:
    both = sequence_of(load("lstm"))
    loops = {name: one_by_one(both.backward)[name]["loop"] for name in ("pack", "place")}
    joined = {
        name: [e for e in loop if e.value.is_MatMul or len(symbols_in(e.value)) > 1] for name, loop in loops.items()
    }
    assert len(joined["place"]) == len(joined["pack"]) - 2, "δ_g, δ_i and δ_f are one product"
    joins = [p for e in loops["place"] for p in walk(e.value) if isinstance(p, Concat)]
    assert sorted(len(set(p.args)) for p in joins) == [1, 2], "c̄ three times; δ_o and the pack of the others"


@pytest.mark.parametrize(("name", "way"), [("slstm", "backward"), (f"{ODD}/shared_by_gates.toml", "forward")])
def test_a_target_that_makes_new_arrays_makes_none_for_a_pack(name: str, way: str) -> None:
    """Two calls are less than one of both and one that puts side by side what both take."""
    cell = computed(load(name))
    sweep: Sweep = getattr(sequence(cell, gradient(cell)), way)
    joined = {
        module: [p for e in passed(sweep, module.PASSES[way])["loop"] for p in walk(e.value) if isinstance(p, Concat)]
        for module in (torch, numpy)
    }
    assert len(joined[torch]) == (way == "backward"), "the cotangents that one product takes"
    assert len(joined[numpy]) > len(joined[torch])


def test_a_scalar_that_several_meet_is_in_all_entries() -> None:
    """Of [a; b] / [n; n] no stack is made."""
    text = "a[t] = sum(p * h[t-1]) / n\nb[t] = sum(x[t] * h[t-1]) / n\nh[t] = x[t] * a[t] + h[t-1] * b[t]"
    cell = Cell.from_equations(text, name="c", sizes={"x": "H", "h": "H"}, output="h", constants={"n": 4})
    values = [e.value for e in place_parts(sequence_of(cell).forward)["loop"]]
    assert [v.args[1] for v in values if v.func is Divide] == [Fill(cell.constant_symbols[0], 2, 1)]


def test_a_product_that_is_a_term_of_one_sum_is_written_there() -> None:
    """Of a GRU: U h for r and z into the sum of both, and what was hoisted starts from the biases."""
    before = one_by_one(sequence_of(load("gru")).forward)["pack"]
    after = inline(before)
    assert [e.value for e in before["loop"] if e.value.is_MatMul]
    assert not [e.value for e in after["loop"] if e.value.is_MatMul]
    assert products(after, "loop") == products(before, "loop")
    assert len(after.equations) < len(before.equations)


def test_a_scalar_in_all_entries_is_written_where_products_take_it() -> None:
    """The cotangent of a sum; what a function takes is made before, even if a product takes it too."""
    text = "h[t] = x[t] / sqrt(sum((p * x[t]) ** 2) + h[t-1] ** 2) + h[t-1]"
    cell = Cell.from_equations(text, name="norm", sizes={"x": "H", "h": "H"}, output="h")
    before = sequence_of(cell).backward
    (made,) = (e for e in before.equations if isinstance(e.value, Fill))
    after = broadcast(before).definitions
    assert after.keys() == before.definitions.keys() - {made.target.name}
    assert made.value in after["bar(part(h.1))[t]"].args
    x, y = made.target, symbol("y", made.target.shape)
    for value in (Hadamard(x, x), MatAdd(x, y), Divide(y, x), Negative(x), Divide(Negative(x), y), Tanh(x)):
        also = before.changed({"after": [*before["after"], Equation(symbol("other", x.shape), value)]})
        written = {e.target.name for e in also.equations} - {e.target.name for e in broadcast(also).equations}
        assert written == (set() if isinstance(value, Tanh) else {x.name})
    in_a_function = (
        replace(e, value=Tanh(made.target)) if made.target in symbols_in(e.value) else e for e in before["after"]
    )
    changed = before.changed({"after": [*in_a_function]})
    assert broadcast(changed) == changed


def test_a_number_above_and_below_is_one() -> None:
    """The slope of sqrt(1 + h²) is 2 h / (2 sqrt(...)): no product with 2 is left."""
    text = "h[t] = sqrt(1 + h[t-1] ** 2) + x[t]"
    cell = Cell.from_equations(text, name="root", sizes={"x": "H", "h": "H"}, output="h")
    (slope,) = (e.value for e in passed(sequence_of(cell).backward, (divide, spread, hoist_factors))["before"])
    assert isinstance(slope, Divide)
    assert not [p for p in walk(slope) if isinstance(p, Fill)]


# ── the passes of targets ──


@pytest.mark.parametrize("target", [numpy, jax], ids=["numpy", "jax"])
@pytest.mark.parametrize("name", CELLS)
def test_the_passes_of_a_target_keep_the_values(name: str, target: ModuleType) -> None:
    both = sequence_of(load(name))
    for sweep, passes in ((both.forward, target.PASSES["forward"]), (both.backward, target.PASSES["backward"])):
        inputs = arrays(sweep)
        before = evaluate(sweep.program, inputs)
        after = sweep
        for change in passes:
            after = change(after)
            found = evaluate(after.check().program.check(), inputs)
            for wanted in (*sweep.wanted, *sweep.carried.values()):
                error = np.abs(found[wanted.name] - before[wanted.name]).max()
                assert error <= 1e-12 * max(1, np.abs(before[wanted.name]).max()), (change.__name__, wanted)


@pytest.mark.parametrize(
    ("name", "forward", "backward"),
    [
        ("rnn", (5, 3), (5, 3)),
        ("lstm", (25, 10), (30, 7)),
        ("peephole_lstm", (31, 17), (36, 7)),
        ("gru", (20, 12), (23, 9)),
        ("gru_reset_after", (21, 12), (23, 7)),
    ],
)
def test_how_many_operations_are_left_in_the_loop(
    name: str, forward: tuple[int, int], backward: tuple[int, int]
) -> None:
    both = sequence_of(load(name))
    found = {
        direction: (operations(sweep), operations(passed(sweep, passes)))
        for direction, sweep, passes in (
            ("forward", both.forward, numpy.PASSES["forward"]),
            ("backward", both.backward, numpy.PASSES["backward"]),
        )
    }
    assert found == {"forward": forward, "backward": backward}


def test_a_half_goes_into_the_parameters() -> None:
    sweep = halve(sequence_of(load("rnn")).forward)
    assert sweep == sequence_of(load("rnn")).forward, "it has no sigmoid"
    sweep = halve(sequence_of(load("lstm")).forward)
    halves = {str(e.target) for e in sweep["once"]}
    assert halves == {f"half({p}_{gate})" for p in "WUb" for gate in "fio"}
    pre = sweep.definitions["pre(f)[t]"]
    assert {str(s) for s in symbols_in(pre)} == {"half(W_f)", "half(U_f)", "half(b_f)", "x[t]", "h[t-1]"}
    assert not any(isinstance(p, Sigmoid) for e in sweep.equations for p in walk(e.value))


def test_a_sigmoid_whose_logarithm_is_taken_stays_one() -> None:
    text = "m[t] = sigmoid(W @ x[t])\nh[t] = log(m[t]) + h[t-1]"
    cell = Cell.from_equations(text, name="logs", sizes={"x": "X", "h": "H"}, output="h")
    sweep = halve(sequence_of(cell).forward)
    assert any(isinstance(e.value, Sigmoid) for e in sweep.equations)


def test_multiples_of_one_cotangent_are_collected() -> None:
    """In a peephole LSTM c̄[t-1] is a multiple of c̄."""
    sweep = collect(sequence_of(load("peephole_lstm")).backward)
    value = sweep.definitions["bar(c)[t-1]"]
    assert [str(s) for s in value.args if s in sweep.late()] == ["bar(c)[t]"]


def test_gathered_sums_are_one() -> None:
    """x-projection and recurrent product of all gates are added in one call, peepholes to those that have them."""
    sweep = passed(sequence_of(load("peephole_lstm")).forward, (hoist_terms, stack, place))
    sums = [sum(e.value.is_MatAdd for e in s["loop"]) for s in (sweep, gather(sweep))]
    assert sums == [4, 4]
    whole = next(e for e in gather(sweep)["loop"] if e.value.is_MatAdd and e.value.args[1].is_MatMul)
    assert whole.value.shape[0] == 4 * Symbol("H", integer=True, positive=True)


def test_activations_of_neighbouring_rows_are_one() -> None:
    sweep = passed(sequence_of(load("peephole_lstm")).forward, (halve, hoist_terms, stack, place, gather))
    calls = [sum(isinstance(e.value, Tanh) for e in s["loop"]) for s in (sweep, widen(sweep))]
    assert calls == [4, 3], "of f, i and g; of o, which waits for c; of c"


def test_weights_of_a_step_are_transposed_before_it() -> None:
    """A stack only so; none of them twice; the products of the other phases stay."""
    before = stack_late(hoist_terms(sequence_of(load("peephole_lstm")).forward))
    after = turn(before)
    assert [str(e.target) for e in before["once"]] == ["some(U_f.U_i.U_g.U_o)"]
    assert [str(e.target) for e in after["once"]] == ["turned(some(U_f.U_i.U_g.U_o))"]
    factors = [p.args[0] for e in after["loop"] for p in walk(e.value) if p.is_MatMul]
    assert factors == [Transpose(after["once"][0].target)]
    assert after["before"] == before["before"]
    assert turn(after) == after


def test_what_waits_for_no_step_is_left_in_pieces() -> None:
    sweep = hoist_terms(sequence_of(load("lstm")).forward)
    assert [products(s, "before") for s in (stack(sweep), stack_late(sweep))] == [1, 4]
    assert [products(s, "loop") for s in (stack(sweep), stack_late(sweep))] == [1, 1]


def test_gradients_of_weights_may_stay_products_of_their_own() -> None:
    sweep = hoist_terms(sequence_of(load("lstm")).backward)
    joint, own = stack(sweep), stack_steps(sweep)
    assert [products(s, "loop") for s in (sweep, joint, own)] == [4, 1, 1]
    assert [products(s, "after") for s in (sweep, joint, own)] == [12, 3, 9], "d_x is one, of each weight its gradient"


def test_what_is_one_for_all_steps_is_added_in_the_loop() -> None:
    cell = load("gru_reset_after")
    sweep = hoist_products(sequence_of(cell).forward)
    biases = {p for p in cell.parameters if p.shape[1] == 1}
    used = {phase: {s for e in sweep[phase] for s in symbols_in(e.value)} & biases for phase in PHASES}
    assert used == {"once": set(), "before": set(), "loop": biases, "after": set()}
    assert [products(sweep, phase) for phase in PHASES] == [0, 3, 3, 0]


def test_in_order_puts_each_after_what_it_uses() -> None:
    equations = sequence_of(load("lstm")).forward["loop"]
    assert in_order(reversed(equations)) != list(reversed(equations))
    known = {e.target for e in equations}
    for e in in_order(reversed(equations)):
        assert known.isdisjoint(symbols_in(e.value) - {e.target}) or symbols_in(e.value).isdisjoint(known)
        known.discard(e.target)


def test_the_architecture_names_every_pass_and_no_other() -> None:
    inside = f"{catalogue.__name__}."
    found = {name for name in catalogue.__all__ if vars(catalogue)[name].__module__.startswith(inside)}
    table = ARCHITECTURE.read_text(encoding="utf-8").partition("| passes | what they are for |")[2].partition("\n\n")[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    assert sorted(re.findall(r"`(\w+)`", "".join(rows))) == sorted(found)


def test_every_pass_is_one_of_some_target() -> None:
    inside = f"{catalogue.__name__}."
    found = {name for name in catalogue.__all__ if vars(catalogue)[name].__module__.startswith(inside)}
    ways = [module.PASSES for module in (numpy, torch, jax, onnx, layout)]
    taken = {change.__name__ for way in ways for changes in way.values() for change in changes}
    assert found == taken
