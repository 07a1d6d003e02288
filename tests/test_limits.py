"""What is left of a memory when its gates are held: exact at the limits, right by numbers in between."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sympy import MatAdd, MatrixSymbol

from lstmgraph.algebra.names import name_of, symbol
from lstmgraph.algebra.nodes import Fill, Tanh
from lstmgraph.algebra.traverse import check_shapes, symbols_in, walk
from lstmgraph.cell import Cell
from lstmgraph.errors import UnknownName, UsageError
from lstmgraph.limits import gates, remaining, settled
from lstmgraph.notation import get_notation
from lstmgraph.numeric.evaluate import Array, Values, evaluate
from lstmgraph.printing import print_equation
from lstmgraph.program import Equation, Program
from lstmgraph.reading import from_equations, library, load
from lstmgraph.roles import memories, roles

PAPERS = sorted((Path(__file__).parent / "reading" / "papers").glob("*.toml"))
WITH_MEMORY = [name for name in library() if memories(load(name))]


def left(name: str, **opened: float) -> list[str]:
    paper = next((str(p) for p in PAPERS if p.stem == name), name)
    cell = load(paper)
    return [print_equation(e, "unicode", get_notation(cell)) for e in remaining(cell, opened)]


@pytest.mark.parametrize("name", ["lstm", "peephole_lstm", "peephole_lstm_full"])
def test_an_lstm_keeps_or_replaces_its_memory(name: str) -> None:
    cell = load(name)
    (kept,) = remaining(cell, {"f": 1, "i": 0})
    assert (kept.target, kept.value) == (cell.values["c"], cell.state("c").previous)
    (replaced,) = remaining(cell, {"f": 0, "i": 1})
    assert replaced.value == cell.values["g"]
    (both,) = remaining(cell, {"f": 1, "i": 1})
    assert both.value == MatAdd(cell.state("c").previous, cell.values["g"])
    (nothing,) = remaining(cell, {"f": 0, "i": 0})
    assert nothing.value == Fill(0, *cell.values["c"].shape)


@pytest.mark.parametrize(
    ("name", "keeps", "replaces", "candidate"),
    [
        ("gru", {"z": 1}, {"z": 0}, "g"),
        ("gru_reset_after", {"z": 1}, {"z": 0}, "n"),
        ("mgu", {"f": 0}, {"f": 1}, "g"),
        ("min_gru", {"z": 0}, {"z": 1}, "g"),
        ("cifg", {"f": 1}, {"f": 0}, "g"),
        ("cifg", {"i": 0}, {"i": 1}, "g"),
    ],
)
def test_coupled_gates_follow(name: str, keeps: dict[str, float], replaces: dict[str, float], candidate: str) -> None:
    cell = load(name)
    (memory,) = memories(cell)
    assert [e.value for e in remaining(cell, keeps)] == [cell.state(memory).previous]
    assert [e.value for e in remaining(cell, replaces)] == [cell.values[candidate]]


def test_the_output_has_a_valve_too() -> None:
    cell = load("lstm")
    memory, output = remaining(cell, {"f": 1, "i": 0, "o": 1})
    assert output.value == Tanh(cell.values["c"])
    assert memory.value == cell.state("c").previous


@pytest.mark.parametrize(
    ("name", "opened", "expected"),
    [
        ("lstm", {"f": 0.3, "i": 0.5}, ["c[t] = 0.3 c[t-1] + 0.5 g[t]"]),
        ("lstm", {"f": 1}, ["c[t] = c[t-1] + i[t] ⊙ g[t]"]),
        ("cifg", {"i": 0.3}, ["c[t] = 0.7 c[t-1] + 0.3 g[t]"]),
        ("lstm97", {"i": 0, "o": 0}, ["c[t] = c[t-1]", "h[t] = 0"]),
        ("qrnn", {"f": 1}, ["c[t] = c[t-1]"]),
        ("lem", {"dt_bar": 0, "dt2": 0}, ["z[t] = z[t-1]", "y[t] = y[t-1]"]),
        ("rhn", {"t1": 0, "t2": 0}, ["s[t] = s[t-1]"]),
        (
            "slstm",
            {"f_prime": 1, "i_prime": 0},
            ["m[t] = max(log(f[t]) + m[t-1], ĩ[t])", "c[t] = c[t-1]", "n[t] = n[t-1]"],
        ),
    ],
)
def test_what_is_printed(name: str, opened: dict[str, float], expected: list[str]) -> None:
    assert left(name, **opened) == expected


@pytest.mark.parametrize("name", WITH_MEMORY)
@pytest.mark.parametrize("value", [0.0, 0.25, 1.0])
def test_it_computes_what_the_cell_computes_with_such_gates(name: str, value: float) -> None:
    """Against the interpreter: the cell's own equation with the numbers put in for the gates."""
    cell = load(name)
    first = gates(cell)[0]
    random = np.random.default_rng(7)
    symbols = dict.fromkeys(
        s for e in cell.equations for s in (*walk(e.value), e.target) if isinstance(s, MatrixSymbol)
    )
    world = {s.name: random.uniform(0.1, 0.9, (3, 3 if s.shape[1] != 1 else 1)) for s in symbols}
    for base, number in settled(cell, {first: value}).items():
        world[cell.values[base].name] = np.full((3, 1), number)
    own = {e.target: e for e in cell.equations}
    for equation in remaining(cell, {first: value}):
        mine, theirs = (_value(e, tuple(symbols), world) for e in (equation, own[equation.target]))
        np.testing.assert_allclose(np.broadcast_to(mine, (3, 1)), theirs, rtol=1e-12)


def _value(equation: Equation, symbols: tuple[MatrixSymbol, ...], world: Values) -> Array:
    """An equation's value, everything that it uses being given."""
    target = symbol("result[t]", equation.target.shape)
    program = Program("one", symbols, (Equation(target, equation.value),), (target,))
    return evaluate(program, world)[target.name]


@pytest.mark.parametrize("path", PAPERS, ids=lambda p: p.stem)
def test_cells_of_papers(path: Path) -> None:
    cell = load(str(path))
    if not memories(cell):
        return
    for value in (0, 0.5, 1):
        for equation in remaining(cell, dict.fromkeys(gates(cell)[:1], value)):
            assert check_shapes(equation.value) == equation.target.shape
            assert not {name_of(s).base for s in symbols_in(equation.value)} & set(gates(cell)[:1])


def test_gates_are_what_multiplies_a_memory_and_what_it_takes() -> None:
    found = {name: gates(load(name)) for name in WITH_MEMORY}
    assert found == {
        "cifg": ("i", "f", "o"),
        "gru": ("z",),
        "gru_reset_after": ("z",),
        "lstm": ("f", "i", "o"),
        "lstm97": ("i", "o"),
        "mgu": ("f",),
        "min_gru": ("z",),
        "peephole_lstm": ("f", "i", "o"),
        "peephole_lstm_full": ("f", "i", "o"),
        "slstm": ("o", "i_prime", "f_prime"),
    }


GATED = "o[t] = sigmoid(O @ x[t])\n"


@pytest.mark.parametrize("function", ["tanh(M)", "maximum(M, x[t])", "minimum(M, x[t])", "-M", "1 - M", "M / x[t]"])
def test_a_memory_flows_on_through_functions_of_single_entries(function: str) -> None:
    before = GATED + f"a[t] = {function.replace('M', 'c[t-1]')}\nb[t] = o[t] * a[t]\nc[t] = c[t-1] + b[t]"
    behind = GATED + f"b[t] = o[t] * c[t-1]\na[t] = {function.replace('M', 'b[t]')}\nc[t] = c[t-1] + a[t]"
    for equations in (before, behind):
        assert gates(from_equations(equations, name="case", sizes=dict.fromkeys("xco", "H"))) == ("o",)


@pytest.mark.parametrize(
    ("function", "becomes"),
    [("-c[t-1]", "-c[t-1]"), ("1 - c[t-1]", "1 - c[t-1]"), ("identity(c[t-1])", "identity(c[t-1])")],
)
def test_what_lies_between_two_values_of_a_memory_is_written_out(function: str, becomes: str) -> None:
    equations = GATED + f"a[t] = {function}\nc[t] = o[t] * c[t-1] + a[t]"
    cell = from_equations(equations, name="case", sizes=dict.fromkeys("xco", "H"))
    (equation,) = remaining(cell, {"o": 0})
    assert print_equation(equation, "source", get_notation(cell)) == f"c[t] = {becomes}"


def test_a_gate_that_is_one_number_is_written_out_too() -> None:
    equations = "s[t] = sigmoid(w.T @ x[t])\nb[t] = s[t] * x[t]\nc[t] = s[t] * c[t-1] + b[t]"
    cell = from_equations(equations, name="case", sizes={"x": "H", "c": "H", "b": "H", "s": 1})
    (equation,) = remaining(cell, {"s": 0.5})
    assert print_equation(equation, "source", get_notation(cell)) == "c[t] = 0.5 * c[t-1] + 0.5 * x[t]"


def test_an_input_is_a_gate_where_its_rest_is_a_factor_too() -> None:
    sizes = {"x": "H", "c": "H", "m": "H"}
    mask = from_equations("c[t] = m[t] * x[t] + (1 - m[t]) * c[t-1]", name="case", sizes=sizes)
    assert gates(mask) == ("m",)
    for value, left in ((0, "c[t-1]"), (1, "x[t]"), (0.25, "0.25 * x[t] + 0.75 * c[t-1]")):
        (equation,) = remaining(mask, {"m": value})
        assert print_equation(equation, "source", get_notation(mask)) == f"c[t] = {left}"
    named = from_equations(
        "f[t] = 1 - m[t]\nc[t] = m[t] * x[t] + f[t] * c[t-1]", name="case", sizes={**sizes, "f": "H"}
    )
    assert settled(named, {"f": 0.25}) == {"m": 0.75, "f": 0.25}
    anything = from_equations("c[t] = m[t] * c[t-1] + x[t]", name="case", sizes=sizes)
    assert gates(anything) == ()


def test_what_is_coupled_to_a_coupled_gate_follows_in_both_directions() -> None:
    equations = "i[t] = sigmoid(V @ x[t])\nf[t] = 1 - i[t]\ne[t] = 1 - f[t]\nc[t] = e[t] * c[t-1] + f[t] * x[t]"
    cell = from_equations(equations, name="case", sizes=dict.fromkeys("xcife", "H"))
    for given, value in {"i": 0.3, "f": 0.7, "e": 0.3}.items():
        assert settled(cell, {given: value}) == {"i": 0.3, "f": 0.7, "e": 0.3}


def test_a_gate_of_what_the_output_projects_is_one_too() -> None:
    lstmp = next(str(p) for p in PAPERS if p.stem == "lstmp")
    assert gates(load(lstmp)) == ("i", "f", "o")
    assert left("lstmp", o=0.3)[1:] == ["r[t] = W_rm (0.3 tanh(c[t]))"]
    assert left("lstmp", o=0)[1:] == ["r[t] = 0"]
    assert len(left("lstmp", f=1)) == 1


def test_what_is_not_given_stays_open_to_the_cell() -> None:
    assert settled(load("lstm"), {}) == {}
    assert settled(load("cifg"), {"f": 0.4}) == {"i": 0.6, "f": 0.4}


@pytest.mark.parametrize("name", ["rnn", "indrnn"])
def test_a_cell_without_a_memory_says_why(name: str) -> None:
    with pytest.raises(UsageError, match="carries no memory"):
        gates(load(name))


def _lstm() -> Cell:
    return load("lstm")


def test_a_gate_that_acts_on_no_memory_is_said_to_be_one() -> None:
    """The inner gates of a candidate: `show` calls them gates, so no other name is meant."""
    equations = (
        "f[t] = sigmoid(V @ x[t])\np[t] = tanh(A @ (f[t] * h[t-1]))\nF[t] = sigmoid(W @ p[t])\n"
        "h[t] = F[t] * h[t-1] + p[t]"
    )
    cell = from_equations(equations, name="case", sizes={"x": "X", "h": "H"})
    assert (roles(cell)["f"], gates(cell)) == ("gate", ("F",))
    with pytest.raises(UsageError, match=r"f is a gate of case, but the plumbing does not .* it acts on no pipe") as e:
        settled(cell, {"f": 1})
    assert e.value.hint == "known: F"
    assert settled(cell, {"F": 1}) == {"F": 1}


def test_bad_gates_are_refused_with_a_way_out() -> None:
    with pytest.raises(UnknownName, match="no gate 'fo' in lstm"):
        settled(_lstm(), {"fo": 1})
    with pytest.raises(UnknownName, match="known: f, i, o"):
        settled(_lstm(), {"g": 1})
    for value in (-0.1, 1.5, float("nan")):
        with pytest.raises(UsageError, match="0 \\(shut\\) to 1 \\(open\\)"):
            settled(_lstm(), {"f": value})
    with pytest.raises(UsageError, match="contradict"):
        settled(load("cifg"), {"f": 1, "i": 1})


def test_a_memory_is_a_symbol_again_and_no_product() -> None:
    assert all(isinstance(e.value, MatrixSymbol) for e in remaining(_lstm(), {"f": 1, "i": 0}))
