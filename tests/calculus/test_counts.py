"""Operation counts, against arithmetic that counts itself, and against what is known of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from sympy import Integer, MatrixExpr, Symbol

from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.names import size, symbol
from lstmgraph.algebra.rules import RULES
from lstmgraph.algebra.traverse import symbols_in
from lstmgraph.api.cell import Cell
from lstmgraph.api.counts import at_sizes, table
from lstmgraph.calculus import gradient, reusing, unroll, vjp
from lstmgraph.calculus.counts import COSTS, Counts, ceiling, cost, count, forward
from lstmgraph.cell import Cell as CoreCell
from lstmgraph.errors import LstmgraphError
from lstmgraph.numeric.evaluate import OPERATIONS, evaluate
from lstmgraph.printing.polynomials import polynomial
from lstmgraph.program import Equation, Program
from lstmgraph.reading import library, load, loads
from tests.calculus import counting
from tests.numeric.test_operations import draw, example

PAPERS = sorted(str(p) for p in (Path(__file__).parents[1] / "reading" / "papers").glob("*.toml"))
CELLS = [*library(), *PAPERS]
X, H = size("X"), size("H")


@pytest.fixture(autouse=True)
def units(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where numbers count, composite functions are what the conventions say."""
    for cls, function in counting.UNITS.items():
        monkeypatch.setitem(OPERATIONS, cls, _either(function, OPERATIONS[cls]))


def _either(ours: Callable[..., Any], usual: Callable[..., Any]) -> Callable[..., Any]:
    def operation(xp: ModuleType, *operands: Any) -> Any:
        return (ours if xp is counting else usual)(xp, *operands)

    return operation


def executed(program: Program, values: Mapping[str, Any]) -> Counts:
    """What the interpreter really does."""
    counting.TALLY.clear()
    evaluate(program, {name: counting.numbers(a) for name, a in values.items()}, counting)
    return Counts(**{what: Integer(number) for what, number in counting.TALLY.items()})


def numbers(program: Program, sizes: Mapping[Symbol, int]) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    return {s.name: rng.uniform(0.2, 1, [int(side.subs(sizes)) for side in s.shape]) for s in program.inputs}


def small(cell: CoreCell) -> dict[Symbol, int]:
    return {z: (3, 2, 5)[k % 3] for k, z in enumerate(cell.sizes)}


# ── what is counted is what is done ──


@pytest.mark.parametrize("name", CELLS, ids=lambda name: Path(name).stem)
def test_the_polynomials_are_what_the_interpreter_does(name: str) -> None:
    cell = load(name)
    derived = gradient(cell)
    for program in (forward(cell), derived, reusing(derived, cell.step)):
        assert executed(program, numbers(program, small(cell))) == count(program).at(small(cell))


@pytest.mark.parametrize("cls", RULES, ids=lambda cls: RULES[cls].name)
def test_every_operation_is_counted(cls: type) -> None:
    node = example(cls)
    assert executed(of_one(node), draw(node)) == cost(node)


@pytest.mark.parametrize("cls", [cls for cls in COSTS if any(cost(example(cls)))], ids=lambda cls: RULES[cls].name)
def test_a_wrong_row_is_seen(cls: type, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(COSTS, cls, lambda node: Counts(multiplies=Integer(1)))
    assert executed(of_one(example(cls)), draw(example(cls))) != cost(example(cls))


def test_an_operation_without_a_row_is_counted_by_its_formula() -> None:
    class Softsign(n.Elementwise):
        scalar = staticmethod(lambda a: a / (1 + abs(a)))

    assert cost(Softsign(symbol("a", (H, X)))) == Counts(adds=H * X, divisions=H * X)
    for cls in (n.Sin, n.Exp, n.Abs, n.Sign, n.OneMinus, n.Identity, n.Reciprocal):  # both ways say the same
        stripped = type("Stripped", (n.Elementwise,), {"scalar": staticmethod(cls.scalar)})
        assert cost(stripped(symbol("a", (H, X)))) == cost(cls(symbol("a", (H, X)))), cls


@pytest.mark.parametrize("exponent", [-2, -1, 1, 2, 3, 5, 7])
def test_powers_take_repeated_squaring(exponent: int) -> None:
    node = n.Power(symbol("a", (size(2), size(1))), n.Fill(exponent, 2, 1))
    assert executed(of_one(node), {"a": np.array([[0.5], [2.0]])}) == cost(node)


def of_one(node: MatrixExpr) -> Program:
    out = symbol("y", node.shape)
    return Program("one", tuple(sorted(symbols_in(node), key=str)), (Equation(out, node),), (out,))


# ── what is known ──


def test_the_textbook_backward_pass_of_the_lstm_with_peepholes() -> None:
    """By hand: 16 H in the deltas and c̄, 3 H for the gradients of the peepholes, 3 H in c̄[t-1]."""
    backward = count(gradient(load("peephole_lstm")).stage("backward"))
    assert polynomial(backward.multiplies) == "8H² + 8HX + 22H"
    assert backward.transcendentals == backward.divisions == 0
    assert count(forward(load("peephole_lstm"))).multiplies == 4 * H**2 + 4 * H * X + 6 * H


@pytest.mark.parametrize("name", CELLS, ids=lambda name: Path(name).stem)
def test_both_passes_stay_below_three_times_the_forward_one_and_slopes(name: str) -> None:
    cell = load(name)
    both = count(forward(cell)).multiplies + count(gradient(cell).stage("backward")).multiplies
    slack = (ceiling(cell) - both).expand()
    assert all(c > 0 for c in slack.as_coefficients_dict().values()) or slack == 0


def test_the_bound_is_reached_and_is_three_for_sums_and_products() -> None:
    bilinear = loads('equations = "h[t] = (W @ x[t]) * h[t-1] + x[t]"\nsizes = {x = "H"}')
    assert ceiling(bilinear) == 3 * count(forward(bilinear)).multiplies
    cell = load("peephole_lstm")
    both = count(forward(cell)).multiplies + count(gradient(cell).stage("backward")).multiplies
    assert ceiling(cell) == both == 12 * H**2 + 12 * H * X + 28 * H


# The multiplies of a cotangent through a function, by hand: by the slope, and within it.
SLOPES = {"sigmoid": 2, "tanh": 2, "exp": 1, "relu": 1, "softplus": 1, "sin": 1, "cos": 1, "log": 1, "abs": 1}


@pytest.mark.parametrize("function", SLOPES)
def test_what_slopes_take(function: str) -> None:
    cell = loads(f'equations = "h[t] = {function}(x[t])"\nsizes = {{x = "H"}}')
    assert ceiling(cell) == SLOPES[function] * H


def test_a_forward_pass_and_its_gradient_share_what_both_need() -> None:
    cell = load("lstm")
    own, derived = forward(cell), gradient(cell)
    joint = {e.target: e for e in (*own, *derived)}
    assert count(joint.values()).multiplies == count(own).multiplies + count(derived.stage("backward")).multiplies


@pytest.mark.parametrize(("name", "unseeded"), [("lstm", H), ("min_gru", 0)])
def test_two_steps_unrolled_take_what_a_sequence_takes(name: str, unseeded: Any) -> None:
    """The loss takes h of every step; the LSTM's last c gets nothing from it, which is one add less."""
    cell = Cell.of(load(name))
    two = unroll(cell, 2)
    outputs = [s for s in two.outputs if s.name in ("h[t]", "h[t+1]")]
    backward = count(vjp(two, outputs, [s for s in two.inputs if s not in cell.constant_symbols]).stage("backward"))
    counted = cell.counts(steps=2)
    assert count(two.equations) == counted.forward
    assert (backward + Counts(adds=Integer(1) * unseeded)) == counted.backward


def test_a_batch_adds_up_the_gradients_of_the_parameters() -> None:
    cell = Cell.of(load("lstm"))
    parameters = sum(p.shape[0] * p.shape[1] for p in cell.parameters)
    three, one = cell.counts(batch=3).backward, cell.counts().backward
    assert three == one.times(3) + Counts(adds=2 * parameters)


def test_letters_for_steps_and_samples() -> None:
    counted = Cell.of(load("rnn")).counts(steps="T", batch="B")
    T, B = size("T"), size("B")
    assert counted.forward.multiplies == (B * T * (H**2 + H * X)).expand()
    assert counted.backward.adds.coeff(T, 0) == -(H**2 + H * X + H + B * H)
    assert counted.at({"T": 7, "B": 3}).forward == Cell.of(load("rnn")).counts(7, 3).forward


# ── the table ──


def test_the_table_of_several_cells_at_sizes() -> None:
    cells = [Cell.of(load(name)).counts() for name in ("rnn", "lstm")]
    text = table(at_sizes(cells, {"H": 128, "X": 64}))
    assert "rnn\n  multiplies" in text
    assert "24,576" in text
    assert "98,688" in str(cells[1].at({"H": 128, "X": 64}))


def test_the_ratio() -> None:
    lstm = Cell.of(load("lstm")).counts()
    assert lstm.ratio() == lstm.ratio("reusing") == 3
    assert lstm.at({"H": 1, "X": 1}).ratio() == (4 + 4 + 3 + 8 + 8 + 16) / 11


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda c: c.counts().at({"K": 3}), "there is no size 'K' in lstm"),
        (lambda c: c.counts().at({"H": 0}), "the size H is at least 1"),
        (lambda c: c.counts(steps=0), "steps is at least 1"),
        (lambda c: c.counts(steps=2.5), "a whole number"),
        (lambda c: c.counts(batch="H"), "H is a size of lstm"),
        (lambda c: c.counts(steps="N", batch="N"), "steps and batch are both N"),
    ],
)
def test_mistakes(call: Callable[[Cell], object], message: str) -> None:
    with pytest.raises(LstmgraphError, match=message):
        call(Cell.of(load("lstm")))


@pytest.mark.parametrize(
    ("expr", "text"),
    [
        (8 * H**2 + 22 * H + 8 * H * X, "8H² + 8HX + 22H"),
        (H - X, "H − X"),
        (-X + 1, "−X + 1"),
        (Integer(1234567), "1,234,567"),
        (2 * size("n_hid") ** 2 * X, "2·X·n_hid²"),
        (Integer(0), "0"),
    ],
)
def test_polynomials_as_people_write_them(expr: Any, text: str) -> None:
    assert polynomial(expr) == text
