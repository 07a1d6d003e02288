"""Through time: the recurrence, unrolled steps, differences and PyTorch's autograd agree, for every cell there is.

Truncation is held against its definition: each block on its own, started from the states that the one before it left.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import MatAdd, MatrixExpr

from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.names import Name, name_of, symbol
from lstmgraph.algebra.traverse import rebuild, renamed, symbols_in
from lstmgraph.calculus import gradient, gradient_unrolled, through_time
from lstmgraph.calculus.written_out import written_out
from lstmgraph.cell import Cell
from lstmgraph.numeric.check import AUTOGRAD_BOUND, largest_error
from lstmgraph.numeric.differences import DIFFERENCES_BOUND, by_autograd, by_differences
from lstmgraph.numeric.sample import Sample, draw
from lstmgraph.numeric.sequence import Cotangents, run_sequence
from lstmgraph.numeric.through_time import run_unrolled
from lstmgraph.program import Equation, Program
from lstmgraph.reading import from_equations, library, load, loads

PAPERS = sorted((Path(__file__).parents[1] / "reading" / "papers").glob("*.toml"))
CELLS = [*library(), *map(str, PAPERS)]
LOSSES: tuple[str, ...] = ("every", "last")
SAME = 1e-12


def sampled(cell: Cell, steps: int, loss: str, batch: int = 2, final: bool = False) -> Sample:
    """A sequence whose loss is a random linear function of the outputs that it sees, `final`: of the last states."""
    sizes = {z: k % 2 + 2 for k, z in enumerate(cell.sizes)}
    sample = draw(cell, sizes, batch, steps, 1)
    assert sample is not None
    if loss == "last":
        sample.d_output[:-1] = 0
    return sample if final else replace(sample, d_states={name: 0 * d for name, d in sample.d_states.items()})


def recurrent(cell: Cell, recurrence: Program, sample: Sample) -> Cotangents:
    forward = run_sequence(cell, sample.parameters, sample.inputs, sample.states, sample.steps)
    return run_unrolled(cell, written_out(recurrence, sample.steps), forward, sample.d_output, sample.d_states)


def unrolled(cell: Cell, sample: Sample, loss: str, final: bool = False) -> Cotangents:
    forward = run_sequence(cell, sample.parameters, sample.inputs, sample.states, sample.steps)
    program = gradient_unrolled(cell, sample.steps, loss, final=final).check()
    return run_unrolled(cell, program, forward, sample.d_output, sample.d_states)


def error(found: Cotangents, wanted: Cotangents) -> float:
    flat = [{f"{f.name} {k}": v for f in fields(c) for k, v in getattr(c, f.name).items()} for c in (found, wanted)]
    assert set(flat[0]) <= set(flat[1])
    return largest_error(flat[0], {k: flat[1][k] for k in flat[0]})[0]


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("name", CELLS, ids=lambda name: Path(name).stem)
def test_the_recurrence_is_the_unrolled_gradient_and_both_are_right(name: str, loss: str) -> None:
    cell = load(name)
    recurrence = through_time(cell, loss)
    for steps in (1, 2, 4):
        sample = sampled(cell, steps, loss, batch=1 + steps % 2)
        found = recurrent(cell, recurrence, sample)
        assert set(found.parameters) == {p.name for p in cell.parameters}
        assert set(found.inputs) == {name_of(x).base for x in cell.inputs}
        assert set(found.states) == {s.name for s in cell.states}
        assert error(found, unrolled(cell, sample, loss)) < SAME
        if steps == 2:  # for more, PyTorch below is quicker
            assert error(found, by_differences(cell, sample)) < DIFFERENCES_BOUND


@pytest.mark.torch
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("name", CELLS, ids=lambda name: Path(name).stem)
def test_autograd_sees_the_same(name: str, loss: str) -> None:
    cell = load(name)
    sample = sampled(cell, 4, loss)
    assert error(recurrent(cell, through_time(cell, loss), sample), by_autograd(cell, sample)) < AUTOGRAD_BOUND


@pytest.mark.torch
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("name", CELLS, ids=lambda name: Path(name).stem)
def test_a_loss_that_sees_the_last_states_too(name: str, loss: str) -> None:
    cell = load(name)
    recurrence = through_time(cell, loss, final=True).check()
    for steps in (1, 3):
        sample = sampled(cell, steps, loss, final=True)
        found = recurrent(cell, recurrence, sample)
        assert error(found, by_autograd(cell, sample)) < AUTOGRAD_BOUND
        assert error(found, unrolled(cell, sample, loss, final=True)) < SAME


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("name", ["lstm", "gru", str(PAPERS[3])], ids=lambda name: Path(name).stem)
def test_only_what_is_asked_for(name: str, loss: str) -> None:
    """The same values, from the lines that they need and no others."""
    cell = load(name)
    sample = sampled(cell, 3, loss)
    whole = recurrent(cell, through_time(cell, loss), sample)
    parameter, (state, *_), (x, *_) = cell.parameters[0].name, cell.states, cell.inputs
    for wrt in ([parameter], [state.name], [name_of(x).base, parameter]):
        program = through_time(cell, loss, wrt=wrt).check()
        found = recurrent(cell, program, sample)
        assert {*found.parameters, *found.inputs, *found.states} == {*wrt}
        assert error(found, whole) == 0
        assert len(program) < len(through_time(cell, loss))
        used = {s.name for e in program for s in symbols_in(e.value)}
        used |= {
            symbol(name_of(s).at(0), s.shape).name for e in program for s in symbols_in(e.value) if name_of(s).time
        }
        lines = [e.target for e in program.stage("through time") if e.target not in program.outputs]
        assert {symbol(name_of(s).at(0), s.shape).name for s in lines} <= used | {o.name for o in program.outputs}


# ── cells of other shapes, and random ones ──

ODD = {
    "an output that is no state, and is used again": '''
output = "y"
equations = """
h[t] = tanh(W @ x[t] + U @ h[t-1])
y[t] = sigmoid(V @ h[t])
q[t] = q[t-1] * y[t] + h[t] * y[t]
"""
sizes = {x = "X", h = "H", y = "H"}''',
    "states of other widths, no bias, two inputs": '''
output = "s"
equations = """
m[t] = m[t-1] / 2 + P @ x[t]
s[t] = tanh(Q @ concat(m[t], s[t-1]) + u[t])
"""
sizes = {x = "X", m = "M", s = "H"}''',
    "a matrix, a scalar": '''
output = "h"
equations = """
a[t] = sigmoid(sum(w * x[t]) + a[t-1])
C[t] = a[t] * C[t-1] + x[t] @ h[t-1].T
h[t] = tanh(C[t].T @ x[t])
"""
sizes = {x = "X", h = "H", a = 1}''',
    "no input": """
equations = "h[t] = sin(U @ h[t-1] + b)"
sizes = {h = "H"}""",
    "no state": """
equations = "h[t] = softmax(W @ x[t])"
sizes = {x = "X", h = "H"}""",
    "a state that nothing needs": '''
output = "h"
equations = """
h[t] = tanh(W @ x[t])
k[t] = k[t-1] + h[t]
"""
sizes = {x = "X", h = "H"}''',
    "an output that only copies what came in": '''
output = "y"
equations = """
y[t] = identity(h[t-1])
h[t] = W @ x[t] + y[t-1]
"""
sizes = {x = "X", h = "H"}''',
    "a previous state in a function": """
equations = "h[t] = tanh(h[t-1]) * (W @ x[t]) + exp(h[t-1] * p)"
sizes = {x = "X", h = "H"}""",
}


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("text", ODD.values(), ids=ODD)
def test_cells_of_any_shape(text: str, loss: str) -> None:
    cell = loads(text)
    for final in (False, True):
        sample = sampled(cell, 3, loss, final=final)
        found = recurrent(cell, through_time(cell, loss, final=final).check(), sample)
        assert error(found, unrolled(cell, sample, loss, final)) < SAME
        assert error(found, by_differences(cell, sample)) < DIFFERENCES_BOUND


FORMS = (
    "tanh({} + {})",
    "{} * {}",
    "sin({}) + {}",
    "sigmoid({}) * {}",
    "(1 - {}) - {} / 2",
    "W @ {} + b * {}",
    "U @ {} - {}",
)


@st.composite
def random_cells(draw: st.DrawFn) -> Cell:
    """A handful of equations of one width; each value may be used before and after it is computed."""
    count = draw(st.integers(1, 5))
    lines = []
    for k in range(count):
        usable = ["x[t]", *(f"v{j}[t]" for j in range(k)), *(f"v{j}[t-1]" for j in range(count))]
        parts = [draw(st.sampled_from(FORMS)).format(*draw(st.tuples(*[st.sampled_from(usable)] * 2))) for _ in "ab"]
        lines.append(f"v{k}[t] = tanh({parts[0]}) * ({parts[1]}) / 2")
    output = f"v{draw(st.integers(0, count - 1))}"
    text = "\n".join(lines)
    sizes = {name: "H" for name in ("x", *(f"v{k}" for k in range(count))) if f"{name}[" in text}
    return from_equations(text, sizes=sizes, output=output)


@settings(max_examples=10)
@given(random_cells(), st.sampled_from(LOSSES))
def test_random_cells(cell: Cell, loss: str) -> None:
    sample = sampled(cell, 3, loss, batch=1)
    found = recurrent(cell, through_time(cell, loss).check(), sample)
    assert error(found, unrolled(cell, sample, loss)) < SAME
    assert error(found, by_differences(cell, sample)) < DIFFERENCES_BOUND


# ── truncation, and initial states that are zero ──


def by_blocks(cell: Cell, sample: Sample, length: int) -> Cotangents:
    """Truncation by its definition: every block is a sequence of its own, from states that are given numbers."""
    found: list[Cotangents] = []
    states = sample.states
    for first in range(0, sample.steps, length):
        count = min(length, sample.steps - first)
        here = slice(first, first + count)
        inputs = {name: x[here] for name, x in sample.inputs.items()}
        block = replace(sample, steps=count, inputs=inputs, states=states, d_output=sample.d_output[here])
        found.append(by_autograd(cell, block))
        end = run_sequence(cell, sample.parameters, inputs, states, count)[-1]
        states = {s.name: end[s.next.name] for s in cell.states}
    return Cotangents(
        {name: sum(c.parameters[name] for c in found) for name in sample.parameters},
        {name: np.concatenate([c.inputs[name] for c in found]) for name in sample.inputs},
        found[0].states,
    )


@pytest.mark.torch
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize(
    "name", ["lstm", "peephole_lstm", "gru", "slstm", str(PAPERS[0])], ids=lambda name: Path(name).stem
)
def test_truncation_is_what_it_is_defined_as(name: str, loss: str) -> None:
    cell = load(name)
    for length, steps in ((1, 3), (2, 5), (3, 6), (9, 4)):
        sample = sampled(cell, steps, loss)
        found = recurrent(cell, through_time(cell, loss, length).check(), sample)
        assert error(found, by_blocks(cell, sample, length)) < AUTOGRAD_BOUND


@pytest.mark.parametrize("name", library())
def test_from_zero_states_nothing_is_lost_with_the_first_terms(name: str) -> None:
    cell = load(name)
    sample = sampled(cell, 3, "every")
    zero = replace(sample, states={k: 0 * v for k, v in sample.states.items()})
    recurrence = through_time(cell, start="zero").check()
    found = recurrent(cell, recurrence, zero)
    assert not found.states
    assert error(found, by_differences(cell, zero)) < DIFFERENCES_BOUND
    begun = {e.target.name: e.value.args[1] for e in recurrence if isinstance(e.value, n.TimeSum)}
    one = replace(zero, steps=1, inputs={k: x[:1] for k, x in zero.inputs.items()}, d_output=zero.d_output[:1])
    first = recurrent(cell, through_time(cell), one).parameters
    for p in cell.parameters:
        assert begun[f"grad({p.name})"] == 1 or not np.any(first[p.name]), "only terms that are zero are left out"


def test_which_sums_begin_with_the_second_step() -> None:
    """Those of which the initial state is a factor, whether it is one of the cell's own or of a part of it."""
    recurrence = through_time(load("gru"), start="zero")
    later_begun = [e.target.name for e in recurrence if isinstance(e.value, n.TimeSum) and e.value.args[1] == 2]
    assert later_begun == ["grad(U_r)", "grad(U_z)", "grad(U_g)"]
    exponential = loads('equations = "h[t] = U @ exp(h[t-1]) + W @ tanh(h[t-1])"\nsizes = {h = "H"}')
    sums = [e for e in through_time(exponential, start="zero") if isinstance(e.value, n.TimeSum)]
    assert {e.target.name: e.value.args[1] for e in sums} == {"grad(U)": 1, "grad(W)": 2}


# ── each part of a recurrence matters: without it the gradients are wrong ──


def changed(program: Program, change: Callable[[Equation], Equation]) -> Program:
    return replace(program, equations=tuple(change(e) if e.stage == "through time" else e for e in program))


def one_term_less(e: Equation) -> Equation:
    return replace(e, value=MatAdd(*e.value.args[:-1])) if e.target.name == "bar(c)[t]" else e


def values_of_t(e: Equation) -> Equation:
    forward = [s for s in symbols_in(e.value) if name_of(s) == Name(name_of(s).base, 1)]
    return replace(e, value=renamed(e.value, lambda s: symbol(name_of(s).at(0), s.shape) if s in forward else s))


def shorter_sum(e: Equation) -> Equation:
    return replace(e, value=n.TimeSum(e.value.args[0], 2)) if isinstance(e.value, n.TimeSum) else e


def without_blocks(e: Equation) -> Equation:
    return replace(e, value=unblocked(e.value))


def unblocked(value: MatrixExpr) -> MatrixExpr:
    if isinstance(value, n.Fill) and n.operands(value) and name_of(value.args[0]).marks == ("block",):
        return n.Fill(1, *value.shape)
    return rebuild(value, [unblocked(o) for o in n.operands(value)]) if n.operands(value) else value


@pytest.mark.parametrize("change", [one_term_less, values_of_t, shorter_sum, without_blocks])
def test_a_broken_recurrence_is_seen(change: Callable[[Equation], Equation]) -> None:
    cell = load("peephole_lstm")
    sample = sampled(cell, 4, "every")
    right = through_time(cell, truncate=2 if change is without_blocks else None)
    wanted = recurrent(cell, right, sample)
    assert error(recurrent(cell, changed(right, change), sample), wanted) > 1e-3


def test_the_lines_of_the_last_step_are_used() -> None:
    cell = load("lstm")
    sample = sampled(cell, 3, "last")
    right = through_time(cell, "last")
    without = replace(right, equations=tuple(e for e in right if name_of(e.target).since != "T"))
    assert not np.any(recurrent(cell, without, sample).parameters["W_f"])
    assert np.any(recurrent(cell, right, sample).parameters["W_f"])


def test_it_is_of_constant_size_and_the_unrolled_of_linear() -> None:
    cell = load("peephole_lstm")
    assert len(through_time(cell).stage("through time")) < len(gradient(cell).stage("backward")) + len(cell.states) + 1
    lengths = [len(gradient_unrolled(cell, steps)) for steps in (2, 3, 4)]
    assert lengths[2] - lengths[1] == lengths[1] - lengths[0]
