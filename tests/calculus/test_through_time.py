"""The form of recurrences through time; that their values are right is tested in tests/numeric."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lstmgraph.algebra.names import name_of, size, symbol
from lstmgraph.algebra.nodes import Fill, TimeSum
from lstmgraph.algebra.traverse import symbols_in
from lstmgraph.calculus import gradient, gradient_unrolled, reindexed, through_time
from lstmgraph.errors import UnknownName, UsageError
from lstmgraph.reading import from_equations, library, load, loads

PAPERS = Path(__file__).parents[1] / "reading" / "papers"


@pytest.mark.parametrize("loss", ["every", "last"])
@pytest.mark.parametrize("name", library())
def test_everything_is_derived_and_checked(name: str, loss: str) -> None:
    cell = load(name)
    program = through_time(cell, loss, 3).check()
    grads = [f"grad({p.name})" for p in cell.parameters]
    inputs = [f"bar({name_of(x).base})[t]" for x in cell.inputs]
    states = [f"bar({s.name})[0]" for s in cell.states]
    assert {o.name for o in program.outputs} == {*grads, *inputs, *states}
    gradient_unrolled(cell, 3, loss).check()


def test_the_recurrence_reads_as_in_the_literature() -> None:
    program = through_time(load("rnn"))
    lines = {e.target.name: str(e.value) for e in program}
    total = next(e.value for e in program if e.target.name == "bar(h)[t]")
    assert [str(term) for term in total.args] == ["loss(h)[t]", "U.T*bar(pre(h))[t+1]"], "the loss first, as people do"
    assert lines["bar(pre(h))[t]"] == "Hadamard(bar(h)[t], OneMinus(Power(h[t], Fill(2, H, 1))))"
    assert lines["grad(U)"] == "TimeSum(bar(pre(h))[t]*h[t-1].T, 1, T)"
    assert lines["bar(h)[0]"] == "U.T*bar(pre(h))[1]"


def test_an_output_that_is_no_state_has_nothing_from_the_next_step() -> None:
    equations = "h[t] = tanh(W @ x[t] + U @ h[t-1])\ny[t] = V @ h[t]"
    cell = from_equations(equations, sizes={"x": "X", "h": "H", "y": "Y"}, output="y")
    lines = {e.target.name: e.value for e in through_time(cell)}
    assert str(lines["bar(y)[t]"]) == "loss(y)[t]"
    assert [str(term) for term in lines["bar(h)[t]"].args] == ["V.T*bar(y)[t]", "U.T*bar(pre(h))[t+1]"]


def test_what_has_no_loss_before_the_last_step_is_zero() -> None:
    cell = loads('output = "y"\nequations = """\nh[t] = x[t] * h[t-1]\ny[t] = tanh(h[t])\n"""\nsizes = {x="H"}')
    lines = {e.target.name: e.value for e in through_time(cell, "last")}
    assert lines["bar(y)[t]"] == Fill(0, *cell.values["y"].shape)
    assert str(lines["bar(y)[T]"]) == "loss(y)[T]"


def test_what_is_zero_before_the_last_step_is_in_no_other_line() -> None:
    """DeltaNet reads its memory by an output that is no state: the query's matrix has work at the last step alone."""
    program = through_time(load(str(PAPERS / "delta.toml")), "last")
    lines = {e.target.name: e.value for e in program}
    assert [str(term) for term in lines["bar(S)[t]"].args] == ["bar(part(S.1))[t+1]*k[t+1].T", "bar(S)[t+1]"]
    assert str(lines["bar(S)[T]"]) == "bar(y)[T]*part(y.1)[T].T"
    assert str(lines["grad(W_q)"]) == "bar(part(y.1))[T]*x[T].T"
    assert isinstance(lines["grad(W_k)"], TimeSum)
    assert len(lines["bar(x)[T]"].args) == len(lines["bar(x)[t]"].args) + 1
    nothing = {e.target.name for e in program if e.value == Fill(0, *e.target.shape)}
    assert nothing == {"bar(y)[t]", "bar(part(y.1))[t]"}
    used = {s.name for e in program.stage("through time") for s in symbols_in(e.value)}
    assert not used & nothing


def test_the_loss_of_the_last_step_may_see_the_states_after_it() -> None:
    lines = {e.target.name: e.value for e in through_time(load("lstm"), final=True)}
    assert str(lines["bar(h)[T]"]) == "loss(h)[T]"
    assert str(lines["bar(c)[T]"].args[0]) == "loss(c)[T]"
    assert "loss(c)" not in str(lines["bar(c)[t]"])
    assert str(lines["bar(h)[t]"].args[0]) == "loss(h)[t]"
    unrolled = gradient_unrolled(load("lstm"), 2, "last", final=True)
    assert {s.name for s in unrolled.inputs if name_of(s).marks == ("loss",)} == {"loss(h)[2]", "loss(c)[2]"}


def test_a_line_keeps_what_it_is_the_sum_of() -> None:
    """Each term with the use that sends it, one step later where the step after it does."""
    lines = {e.target.name: e for e in through_time(load("peephole_lstm"), truncate=4)}
    own, first, *_, last = lines["bar(c)[t]"].origin
    assert [own.use and own.use.equation.name, last.use and last.use.equation.name] == ["pre(o)[t]", "c[t+1]"]
    assert [t.use and t.use.equation.name for t in first.chain()] == ["h[t]", "part(h.1)[t]"]
    assert "block(4)" in str(last.value)
    loss, *_ = lines["bar(h)[t]"].origin
    assert (loss.use, str(loss.value)) == (None, "loss(h)[t]")
    assert [t.use and t.use.equation.name for t in lines["grad(U_f)"].origin] == ["pre(f)[t]"]
    assert [t.use and t.use.equation.name for t in lines["bar(c)[0]"].origin] == ["pre(f)[1]", "pre(i)[1]", "c[1]"]


def test_a_parameter_that_nothing_depends_on_has_no_sum() -> None:
    cell = loads(
        'output = "h"\nequations = """\nh[t] = tanh(W @ x[t])\ny[t] = V @ h[t]\n"""\nsizes = {x="X", h="H", y=2}'
    )
    lines = {e.target.name: e.value for e in through_time(cell)}
    assert isinstance(lines["grad(W)"], TimeSum)
    assert lines["grad(V)"] == Fill(0, *cell.parameters[1].shape)


def test_sums_count_their_steps() -> None:
    a, b = (symbol(name, (size(2), size(1))) for name in ("a[t]", "b[t-1]"))
    found = reindexed(TimeSum(a, 2), 1)
    assert str(found) == "TimeSum(a[t+1], 1, T - 1)"
    assert reindexed(found, -1) == TimeSum(a, 2)
    assert str(reindexed(TimeSum(b), 1)) == "TimeSum(b[t], 0, T - 1)"
    assert TimeSum(a).func(*TimeSum(a).args) == TimeSum(a)


def test_it_has_as_many_lines_as_one_step_has() -> None:
    cell = load("peephole_lstm")
    assert len(through_time(cell).stage("through time")) == len(gradient(cell).stage("backward")) + 1  # h's total


def test_wrong_choices() -> None:
    cell = load("rnn")
    with pytest.raises(UnknownName, match="did you mean 'last'"):
        through_time(cell, "lats")
    with pytest.raises(UnknownName, match="did you mean 'zero'"):
        through_time(cell, start="zeros")
    for length in (0, -1, 2.0, True):
        with pytest.raises(UsageError, match="a whole number from 1"):
            through_time(cell, truncate=length)  # type: ignore[arg-type]
        with pytest.raises(UsageError, match="a whole number from 1"):
            gradient_unrolled(cell, length)  # type: ignore[arg-type]


def test_it_is_the_same_under_any_hash_seed() -> None:
    derive = f"print(through_time(load({str(PAPERS / 'mlstm.toml')!r}), 'last', 2))"
    code = f"from lstmgraph.calculus import *; from lstmgraph.reading import load; {derive}"

    def run(seed: str) -> str:
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
        return done.stdout

    assert run("1") == run("2") == run("3") == run("4")
