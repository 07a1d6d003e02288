"""Jacobians of a step, against PyTorch's `jacrev` and central differences through the interpreter, and by hand."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from sympy import MatAdd, MatMul, MatrixExpr

import lstmgraph
from lstmgraph.algebra import maps
from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.names import Name, jacobian_name, name_of, quotient_of, size, symbol
from lstmgraph.algebra.partials import PARTIALS, partials
from lstmgraph.algebra.rules import RULES
from lstmgraph.api.cell import Cell
from lstmgraph.errors import LstmgraphError, ShapeError
from lstmgraph.numeric.evaluate import Array, evaluate
from lstmgraph.numeric.sample import draw
from lstmgraph.numeric.sequence import run_sequence, step_values
from lstmgraph.program import Equation, Program

PAPERS = sorted((Path(__file__).parents[1] / "reading" / "papers").glob("*.toml"))
CELLS = [*lstmgraph.library(), *map(str, PAPERS)]
ODD = {
    "matrices": """
S[t] = a[t] * S[t-1] + (W @ x[t]) @ k.T + S[t-1].T @ Q
a[t] = sigmoid(w.T @ x[t] + sum(S[t-1]) / 7)
y[t] = softmax(S[t] @ (P @ concat(y[t-1], x[t]))) + concat(x[t], x[t]) ** 2
""",
    "functions": """
u[t] = maximum(U @ h[t-1], minimum(h[t-1], x[t])) / (2 + h[t-1] ** 2)
s[t] = exp(-abs(u[t])) * sum(h[t-1])
h[t] = 1 - s[t] * silu(u[t]) ** 2 + softplus(h[t-1]) ** p
""",
}
SIZES: dict[str, dict[str, object]] = {
    "matrices": {"x": 2, "S": [4, 4], "y": 4, "k": 4},
    "functions": {"x": "H", "h": "H"},
}


def by_name(name: str) -> Cell:
    if name in ODD:
        return Cell.from_equations(ODD[name], name=name, sizes=SIZES[name])
    return lstmgraph.load(name)


def one_step(cell: Cell) -> dict[str, Array]:
    """Values of everything that a step takes, each a matrix."""
    sample = draw(cell, {z: (3, 2, 4)[k % 3] for k, z in enumerate(cell.sizes)}, 1, 1, 0)
    assert sample is not None
    values = step_values(cell, sample.parameters, sample.inputs, sample.states, 0)
    return {k: np.asarray(v, dtype=float).reshape(np.shape(v)[-2:] or (1, 1)) for k, v in values.items()}


def stacked(array: Array) -> Array:
    """vec of the matrices at the end."""
    return array.swapaxes(-1, -2).reshape((*array.shape[:-2], -1))


def by_differences(cell: Cell, values: dict[str, Array], of: str, by: str) -> Array:
    """∂vec(of)/∂vec(by) by central differences of fourth order, every entry moved in a copy of its own."""
    array, h = values[by], 1e-3
    moves = np.eye(array.size).reshape(-1, *array.shape[::-1]).swapaxes(-1, -2) * h  # in the order of vec

    def at(k: int) -> Array:
        found = stacked(evaluate(cell.step, {**values, by: array + k * moves})[of])
        return np.broadcast_to(found, (array.size, found.shape[-1])).T

    return (8 * (at(1) - at(-1)) - (at(2) - at(-2))) / (12 * h)


@pytest.mark.parametrize("name", [*CELLS, *ODD], ids=lambda name: Path(name).stem)
def test_every_block_is_that_of_torch(name: str, torch: ModuleType) -> None:
    cell = by_name(name)
    program, values = cell.jacobian(), one_step(cell)
    found = evaluate(program.check(), {s.name: values[s.name] for s in program.inputs})
    tensors = {k: torch.tensor(v) for k, v in values.items()}
    for by in cell.previous:

        def step(moved: Array, name: str = by.name) -> tuple[Array, ...]:
            after = evaluate(cell.step, {**tensors, name: moved}, torch)
            return tuple(stacked(after[s.next.name]) for s in cell.states)

        for state, block in zip(cell.states, torch.func.jacrev(step)(tensors[by.name]), strict=True):
            mine = found[str(jacobian_name(name_of(state.next), name_of(by).base))]
            np.testing.assert_allclose(mine, stacked(block.numpy()), rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", ["lstm97", "slstm", "gru_reset_after", str(PAPERS[0]), *ODD])
def test_every_block_is_that_of_differences(name: str) -> None:
    cell = by_name(name)
    program, values = cell.jacobian(), one_step(cell)
    found = evaluate(program, {s.name: values[s.name] for s in program.inputs})
    for state in cell.states:
        for by in cell.previous:
            block = found[str(jacobian_name(name_of(state.next), name_of(by).base))]
            np.testing.assert_allclose(block, by_differences(cell, values, state.next.name, by.name), atol=1e-9)


@pytest.mark.parametrize("name", ["lstm", "gru", "slstm", "matrices"])
def test_over_three_steps_it_is_that_of_the_steps_in_a_row(name: str) -> None:
    """All states by all states, by differences through the whole sequence."""
    cell = by_name(name)
    sample = draw(cell, dict.fromkeys(cell.sizes, 2), 1, 3, 0)
    assert sample is not None
    program = cell.jacobian(steps=3).check()
    forward = run_sequence(cell, sample.parameters, sample.inputs, sample.states)
    found = evaluate(program, {s.name: at_its_step(cell, forward, name_of(s)) for s in program.inputs})
    whole = jacobian_name(Name("", 0), "", 3) if len(cell.states) > 1 else Name("h.h.3", 0, ("jac",))

    def last(name: str, start: Array) -> Array:
        after = run_sequence(cell, sample.parameters, sample.inputs, {**sample.states, name: start})[-1]
        return np.concatenate([stacked(after[s.next.name])[0] for s in cell.states])

    columns = []
    for state in cell.states:
        start = sample.states[state.name]
        for move in np.eye(start[0].size).reshape(-1, *start.shape[:0:-1]).swapaxes(-1, -2) * 1e-3:
            at = {j: last(state.name, start + j * move) for j in (-2, -1, 1, 2)}
            columns.append((8 * (at[1] - at[-1]) - (at[2] - at[-2])) / 12e-3)
    np.testing.assert_allclose(found[str(whole)], np.stack(columns, axis=-1), atol=1e-8)


def at_its_step(cell: Cell, forward: list[dict[str, Array]], name: Name) -> Array:
    """The value of an input of a Jacobian over steps, of which the last is the last of the sequence."""
    if name.lag is None:
        return forward[0][str(name)]
    if name.base in cell.values:  # a state before the first step
        return forward[0][str(name.at(-1))][0]
    return forward[len(forward) - 1 + name.lag][str(name.at(0))][0]


# ── the table ──

THREE, TWO = size(3), size(2)
A, B = symbol("A", (THREE, TWO)), symbol("B", (THREE, TWO))
EXAMPLES: dict[type, list[MatrixExpr]] = {
    n.Fill: [n.Fill(symbol("s", (size(1), size(1))), 3, 2)],
    n.Slice: [n.Slice(A, 1, 2)],
    n.Softmax: [n.Softmax(symbol("a", (THREE, size(1))))],
    n.Concat: [n.Concat(A, B, A)],
    MatMul: [MatMul(A, symbol("C", (TWO, THREE))), MatMul(A, symbol("c", (TWO, size(1))))],
    MatAdd: [MatAdd(A, B, A)],
    n.Hadamard: [n.Hadamard(A, B, A)],
}
BINARY = (n.Divide, n.Power, n.Maximum, n.Minimum)


def examples(cls: type) -> list[MatrixExpr]:
    return EXAMPLES.get(cls) or [cls(A, B) if cls in BINARY else cls(A)]


def test_every_operation_has_a_jacobian() -> None:
    assert {*PARTIALS} == {cls for cls in RULES if not issubclass(cls, n.Elementwise)}


def partials_error(node: MatrixExpr) -> float:
    """The largest difference between the Jacobians by each operand and those by differences."""
    rng = np.random.default_rng(3)
    symbols = sorted(set(n.operands(node)), key=str)
    values = {s.name: rng.uniform(0.3, 1.4, [int(z) for z in s.shape]) for s in symbols}
    out = symbol("y", node.shape)
    program = Program("one", tuple(symbols), (Equation(out, node),), (out,)).check()
    values["y"] = evaluate(program, values)["y"]
    worst, totals = 0.0, dict[str, Array]()
    for operand, map_ in zip(n.operands(node), partials(node, out), strict=True):
        target = symbol("J", map_.shape)
        found = evaluate(Program("J", (*symbols, out), (Equation(target, map_),), (target,)).check(), values)["J"]
        totals[operand.name] = totals.get(operand.name, 0) + found
    for name, total in totals.items():
        array, h = values[name], 1e-4
        moves = np.eye(array.size).reshape(-1, *array.shape[::-1]).swapaxes(-1, -2) * h
        ends = [
            stacked(np.stack([evaluate(program, {**values, name: array + k * m})["y"] for m in moves])) for k in (-1, 1)
        ]
        worst = max(worst, float(np.max(np.abs((ends[1] - ends[0]).T / (2 * h) - total))))
    return worst


@pytest.mark.parametrize("cls", RULES, ids=lambda cls: RULES[cls].name)
def test_the_jacobian_of_an_operation_is_that_of_differences(cls: type) -> None:
    assert max(map(partials_error, examples(cls))) < 1e-6


@pytest.mark.parametrize("cls", PARTIALS, ids=lambda cls: RULES[cls].name)
def test_a_wrong_row_is_seen(cls: type, monkeypatch: pytest.MonkeyPatch) -> None:
    right = PARTIALS[cls]

    def wrong(node: MatrixExpr, out: MatrixExpr) -> tuple[MatrixExpr, ...]:
        first, *others = right(node, out)
        return (MatAdd(first, n.Fill(size(1) / 100, *first.shape)), *others)

    monkeypatch.setitem(PARTIALS, cls, wrong)
    assert partials_error(examples(cls)[0]) > 1e-3


# ── what it looks like ──


def lines(found: Program) -> list[str]:
    text = str(found)
    return [line.strip() for line in text.splitlines() if " = " in line]


def test_the_classical_lines() -> None:
    assert lines(lstmgraph.load("rnn").jacobian()) == ["∂h[t]/∂h[t-1] = diag(1 − h²) U"]
    assert lines(lstmgraph.load("lstm").jacobian("c", "c")) == ["∂c[t]/∂c[t-1] = diag(f)"]
    assert lines(lstmgraph.load("peephole_lstm").jacobian("c", "c")) == [
        "∂c[t]/∂c[t-1] = diag(f + c[t-1] ⊙ f ⊙ (1 − f) ⊙ p_f + g ⊙ i ⊙ (1 − i) ⊙ p_i)"
    ]
    over_steps = lines(lstmgraph.load("lstm").jacobian("c", "c", steps=4))
    assert "∂c[t]/∂c[t-4] = [I; 0]ᵀ ∂s[t]/∂s[t-4] [I; 0]" in over_steps


# A cell with sums, its Jacobian, and that in LaTeX.
ONES = {
    "h[t] = a[t] - sum(a[t])": ("(I − 1 1ᵀ) diag(1 − a²) U", r"(I - \mathbf{1} \mathbf{1}^{\top})"),
    "h[t] = a[t] * sum(a[t])": ("(sum(a) I + a 1ᵀ) diag(1 − a²) U", r"a_{t} \mathbf{1}^{\top}"),
    "h[t] = a[t] - sum(a[t]) / 5": ("(I − (1 / 5) 1 1ᵀ) diag(1 − a²) U", r"\frac{1}{5} \mathbf{1} \mathbf{1}^{\top}"),
    "h[t] = a[t] + p * sum(h[t-1])": ("p 1ᵀ + diag(1 − a²) U", r"p \mathbf{1}^{\top}"),
    "h[t] = a[t] + sum(h[t-1])": ("1 1ᵀ + diag(1 − a²) U", r"\mathbf{1} \mathbf{1}^{\top} + "),
    "h[t] = a[t] - sum(p * h[t-1])": ("diag(1 − a²) U − 1 pᵀ", r"- \mathbf{1} p^{\top}"),
}


@pytest.mark.parametrize("line", ONES)
def test_ones_are_a_vector_with_its_transpose_and_no_number(line: str) -> None:
    sizes = {"x": "X", "h": 5}
    cell = Cell.from_equations(f"a[t] = tanh(W @ x[t] + U @ h[t-1])\n{line}", output="h", sizes=sizes)
    found, (unicode, latex) = cell.jacobian(), ONES[line]
    assert lines(found) == [f"∂h[t]/∂h[t-1] = {unicode}"]
    assert "1: a vector of ones" in str(found).splitlines()
    assert latex in found.latex
    assert r"$\mathbf{1}$: a vector of ones" in found.text("latex")
    assert r"$\mathbf{1}$: a vector of ones" in found.text("markdown")
    assert "&#x1D7CF;</mn></mrow></mrow></math>: a vector of ones" in found.text("html")
    values = one_step(cell)
    computed = evaluate(found.check(), {s.name: values[s.name] for s in found.inputs})["jac(h.h)[t]"]
    np.testing.assert_allclose(computed, by_differences(cell, values, "h[t]", "h[t-1]"), rtol=1e-7, atol=1e-9)


def test_a_number_everywhere_is_that_times_ones() -> None:
    rows, columns = size("m"), size("k")
    left, right, out = n.Fill(3, rows, columns), symbol("v", (columns, size(1))), symbol("y", (rows, size(1)))
    assert partials(MatMul(left, right), out)[1] == n.Hadamard(left, maps.ones(rows, columns))
    row = maps.Ones(columns).T
    by_left = partials(MatMul(symbol("A", (rows, columns)), n.Fill(2, columns, 1)), out)[0]
    assert by_left == maps.Kron(n.Hadamard(n.Fill(2, 1, columns), row), maps.Eye(rows))


def test_no_legend_speaks_of_ones_that_there_are_not() -> None:
    assert "ones" not in str(lstmgraph.load("lstm").jacobian())


def test_a_jacobian_that_is_a_sum_is_named_and_not_written_out_where_it_is_used() -> None:
    assert lines(lstmgraph.load("lstm").jacobian("h", "h")) == [
        "∂c[t]/∂h[t-1] = diag(c[t-1] ⊙ f ⊙ (1 − f)) U_f + diag(g ⊙ i ⊙ (1 − i)) U_i + diag(i ⊙ (1 − g²)) U_g",
        "∂h[t]/∂h[t-1] = diag(tanh(c) ⊙ o ⊙ (1 − o)) U_o + diag(o ⊙ (1 − tanh²(c))) ∂c[t]/∂h[t-1]",
    ]


def test_through_one_state_alone_is_a_product_of_forget_gates() -> None:
    text = str(lstmgraph.load("lstm").jacobian(steps=3))
    assert "(∂c[t]/∂c[t-3])|h = ∏(j = t-2…t) diag(f[j])" in text
    latex = lstmgraph.load("lstm").jacobian(steps=3).latex
    assert r"\prod_{j = t-2}^{t} \operatorname{diag}(f_{j})" in latex
    assert r"\left. \frac{\partial c_{t}}{\partial c_{t-3}} \right|_{h}" in latex


@pytest.mark.parametrize("name", CELLS, ids=lambda name: Path(name).stem)
def test_a_letter_for_the_number_of_steps_says_the_same_for_any(name: str) -> None:
    cell = lstmgraph.load(name)
    letter = next(x for x in "npqk" if x not in {*cell.values, *map(str, (*cell.parameters, *cell.sizes))})
    program = cell.jacobian(steps=letter)
    assert program.check().outputs
    said, three = (str(p).partition("through one step")[2] for p in (program, cell.jacobian(steps=3)))
    assert said
    assert said.replace(f"t-{letter}+1", "t-2").replace(f"t-{letter}", "t-3") == three


def test_a_product_over_a_letter_is_printed_and_has_no_value() -> None:
    rnn = lstmgraph.load("rnn")
    assert lines(rnn.jacobian(steps="k"))[-1] == "∂h[t]/∂h[t-k] = ∏(j = t-k+1…t) diag(1 − h[j]²) U"
    assert lines(rnn.jacobian(steps="j"))[-1] == "∂h[t]/∂h[t-j] = ∏(k = t-j+1…t) diag(1 − h[k]²) U"
    latex = rnn.jacobian(steps="k").latex
    assert r"\frac{\partial h_{t}}{\partial h_{t-k}} &= \prod_{j = t-k+1}^{t} \operatorname{diag}" in latex
    given = {"x[t]": np.ones((2, 1)), "h[t-1]": np.ones((2, 1)), "W": np.eye(2), "U": np.eye(2), "b": np.ones((2, 1))}
    with pytest.raises(LstmgraphError, match="the size k"):
        evaluate(rnn.jacobian(steps="k"), given)
    with pytest.raises(LstmgraphError, match="a product over a letter has no entries"):
        rnn.prove(rnn.jacobian(steps="k"))


def test_the_direct_jacobian_holds_all_other_values() -> None:
    assert lines(lstmgraph.load("peephole_lstm").jacobian("c", "c", direct=True)) == ["∂⁺c[t]/∂c[t-1] = diag(f)"]
    assert lines(lstmgraph.load("gru").jacobian(direct=True)) == ["∂⁺h[t]/∂h[t-1] = diag(z)"]


@pytest.mark.parametrize(("name", "gates"), [("lstm", "f=1,i=0"), ("gru", "z=1"), ("cifg", "i=0"), ("lstm97", "i=0")])
def test_a_memory_whose_gates_keep_it_has_the_identity(name: str, gates: str) -> None:
    cell = lstmgraph.load(name)
    state = "c" if "c" in cell.values else "h"
    assert lines(cell.jacobian(state, state, open=gates)) == [f"∂{state}[t]/∂{state}[t-1] = I"]


def test_an_input_and_a_value_within_the_step() -> None:
    found = lstmgraph.load("lstm").jacobian(of="f", by=["x", "h"])
    assert lines(found) == ["∂f[t]/∂x[t] = diag(f ⊙ (1 − f)) W_f", "∂f[t]/∂h[t-1] = diag(f ⊙ (1 − f)) U_f"]


def test_what_a_value_does_not_depend_on_is_zero() -> None:
    assert lines(lstmgraph.load("slstm").jacobian("m", "c")) == ["∂m[t]/∂c[t-1] = 0"]


@pytest.mark.parametrize(
    "text",
    [
        "jac(c.h)[t]",
        "jac(pre(f.h))[t]",
        "jac(part(h.1.h.3))[t-2]",
        "jac(.)[t]",
        "jac(..3)[t]",
        "jac(..0k)[t]",
        "jac(c.h.0k)[t]",
    ],
)
def test_a_name_says_of_what_and_by_what(text: str) -> None:
    name = Name.parse(text)
    quotient = quotient_of(name)
    assert jacobian_name(quotient.of, quotient.by, quotient.steps) == name
    assert quotient.whole == text.startswith("jac(.")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"of": "d"}, "there is no value 'd' in lstm"),
        ({"by": "W_f"}, "there is no state or input 'W_f' in lstm"),
        ({"steps": 0}, "1 to 1000 steps"),
        ({"steps": "3"}, "the option steps takes a whole number|steps takes a whole number"),
        ({"steps": "kk"}, "steps takes a whole number"),
        ({"steps": "H"}, "H means something else there already"),
        ({"steps": "c"}, "c means something else there already"),
        ({"steps": "k", "direct": True}, "the direct Jacobian is that of one step"),
        ({"steps": 2, "direct": True}, "the direct Jacobian is that of one step"),
        ({"open": "g=1"}, "there is no gate 'g' in lstm"),
        ({"open": 3}, "open takes text"),
        ({"notation": "olha"}, "olah"),
    ],
)
def test_what_cannot_be_derived(options: dict[str, object], said: str) -> None:
    with pytest.raises(LstmgraphError, match=said):
        lstmgraph.load("lstm").jacobian(**options)  # type: ignore[arg-type]


def test_a_cell_without_states_has_none() -> None:
    cell = lstmgraph.loads('equations = "y[t] = tanh(W @ x[t])"\nsizes = {x = "X", y = "Y"}')
    with pytest.raises(LstmgraphError, match="has no states"):
        cell.jacobian()


# ── linear maps as nodes ──

V = symbol("v", (THREE, size(1)))
MAP_EXAMPLES: dict[type, MatrixExpr] = {
    maps.Diag: maps.Diag(V),
    maps.Eye: maps.Eye(3),
    maps.Ones: maps.Ones(3),
    maps.Vec: maps.Vec(A),
    maps.Kron: maps.Kron(A, B),
    maps.Commutation: maps.Commutation(3, 2),
    maps.Blocks: maps.Blocks(A, V, maps.Eye(2), n.Fill(0, 2, 1), 2),
    maps.Chain: maps.Chain(maps.Diag(V), maps.Eye(3), maps.Diag(V)),
}


@pytest.mark.parametrize("cls", maps.MAPS, ids=lambda cls: maps.MAPS[cls].name)
def test_a_map_means_the_same_in_symbols_and_in_numbers(cls: type) -> None:
    rng, node = np.random.default_rng(0), MAP_EXAMPLES[cls]
    given = {s.name: rng.uniform(-1, 1, [int(z) for z in s.shape]) for s in (A, B, V)}
    y = symbol("y", node.shape)
    computed = evaluate(Program("p", (A, B, V), (Equation(y, node),), (y,)).check(), given)["y"]
    entries = {s[i, j]: given[s.name][i, j] for s in (A, B, V) for i in range(3) for j in range(int(s.shape[1]))}
    explicit = np.array(node.as_explicit().xreplace(entries), dtype=float)
    np.testing.assert_allclose(computed, explicit, rtol=1e-15)
    np.testing.assert_array_equal(explicit.shape, computed.shape)


def test_the_commutation_matrix_transposes() -> None:
    given = {"A": np.arange(6.0).reshape(3, 2)}
    y = symbol("y", (size(6), size(1)))
    value = MatMul(maps.Commutation(3, 2), maps.Vec(A))
    found = evaluate(Program("p", (A,), (Equation(y, value),), (y,)).check(), given)["y"]
    np.testing.assert_array_equal(found[:, 0], given["A"].ravel())


def test_blocks_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ShapeError, match="do not fit"):
        _ = maps.Blocks(A, V, A, B, 2).shape
    with pytest.raises(ShapeError, match="diag"):
        Program("p", (A,), (Equation(symbol("y", (THREE, THREE)), maps.Diag(A)),), ()).check()


def test_the_lines_grow_by_the_same_number_with_each_step() -> None:
    """The lines of k steps are k times those of one; nothing is multiplied out."""
    cell = lstmgraph.load("lstm")
    lengths = [len(cell.jacobian(steps=k)) for k in (2, 4, 8)]
    assert lengths[2] - lengths[1] == 2 * (lengths[1] - lengths[0])
