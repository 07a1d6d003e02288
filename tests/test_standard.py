"""Standard forms: found however they are written, computed by their own formulas, and nothing else taken for one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from sympy import Expr, MatAdd, MatMul, Symbol

from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.names import size, symbol
from lstmgraph.cell import Cell
from lstmgraph.numeric.evaluate import Array, number_of, operation
from lstmgraph.numeric.sample import draw
from lstmgraph.numeric.sequence import run_sequence
from lstmgraph.program import Equation
from lstmgraph.reading import from_equations, library, load
from lstmgraph.standard import ONNX, Block, Form, Gate, Standard, differences, standard

PAPERS = sorted((Path(__file__).parent / "reading" / "papers").glob("*.toml"))
STANDARD = {
    "cifg": "lstm",
    "gru": "gru",
    "gru_reset_after": "gru",
    "lstm": "lstm",
    "mgu": "gru",
    "peephole_lstm": "lstm",
    "rnn": "rnn",
}
SIZES = {"x": "X", "h": "H"}

# The LSTM in other letters and in other ways of writing.
JOINED = """
f[t] = sigmoid(W_f @ concat(s[t-1], x[t]) + b_f)
i[t] = sigmoid(W_i @ concat(s[t-1], x[t]) + b_i)
u[t] = tanh(W_u @ concat(s[t-1], x[t]) + b_u)
m[t] = i[t] * u[t] + m[t-1] * f[t]
o[t] = sigmoid(b_o + W_o @ concat(s[t-1], x[t]))
s[t] = tanh(m[t]) * o[t]
"""
# Two biases, no input in one gate, a recurrent weight with a minus sign, relu for tanh.
UNEVEN = """
f[t] = sigmoid(U_f @ h[t-1] + b_f + d_f)
i[t] = sigmoid(W_i @ x[t] - U_i @ h[t-1] - c[t-1] * p_i)
g[t] = relu(W_g @ x[t] + U_g @ h[t-1])
c[t] = f[t] * c[t-1] + i[t] * g[t]
o[t] = sigmoid(W_o @ x[t] + U_o @ h[t-1] - p_o * c[t])
h[t] = (1 - o[t]) * relu(c[t])
"""
SWAPPED = """
z[t] = sigmoid(W_z @ x[t] + U_z @ h[t-1])
r[t] = 1 - sigmoid(W_r @ x[t] + U_r @ h[t-1])
n[t] = tanh(W @ x[t] + U @ (h[t-1] * r[t]) + b)
h[t] = h[t-1] + z[t] * (n[t] - h[t-1])
"""
AFTER = """
z[t] = sigmoid(W_z @ x[t] + U_z @ h[t-1])
r[t] = sigmoid(W_r @ x[t] + U_r @ h[t-1])
n[t] = tanh(W @ x[t] - (1 - r[t]) * (U @ h[t-1]) + (1 - r[t]) * d)
h[t] = z[t] * (h[t-1] - n[t]) + n[t]
"""
# A coupled gate, and the memory written out in the output.
COUPLED = """
f[t] = sigmoid(W_f @ x[t] + U_f @ h[t-1])
g[t] = tanh(W_g @ x[t] + U_g @ h[t-1])
c[t] = f[t] * c[t-1] + (1 - f[t]) * g[t]
o[t] = sigmoid(W_o @ x[t] + U_o @ h[t-1])
h[t] = o[t] * tanh(f[t] * c[t-1] + (1 - f[t]) * g[t])
"""
NUMBERS = """
z[t] = sigmoid(W_z @ x[t] + U_z @ h[t-1])
r[t] = sigmoid(W_r @ x[t] + U_r @ h[t-1])
n[t] = tanh(W @ x[t] + U @ (h[t-1] * r[t]) + b)
k[t] = n[t]
h[t] = -0.5 * z[t] * (2 * k[t] - 2 * h[t-1]) + n[t]
"""
PLAIN = "h[t] = sigmoid(W @ concat(x[t], h[t-1]))"
WRITTEN = {
    "joined": (JOINED, {"x": "X", "s": "H"}, "lstm"),
    "uneven": (UNEVEN, SIZES, "lstm"),
    "swapped": (SWAPPED, SIZES, "gru"),
    "after": (AFTER, SIZES, "gru"),
    "coupled": (COUPLED, SIZES, "lstm"),
    "numbers": (NUMBERS, SIZES, "gru"),
    "plain": (PLAIN, SIZES, "rnn"),
}
FUSED = ("fused", "fused below", "fused joined")
FORMS = {**STANDARD, **{name: form for name, (_, _, form) in WRITTEN.items()}, **dict.fromkeys(FUSED, "lstm")}


def written(name: str) -> Cell:
    if name in FUSED:
        return fused(name)
    text, sizes, _ = WRITTEN[name]
    return from_equations(text, name=name, sizes=sizes)


def fused(name: str = "fused") -> Cell:
    """The LSTM with its four gates in one product, three of them in one activation.

    U may be rows of a longer parameter ("fused below"), or W and U the columns of one ("fused joined").
    """
    side, inputs, one = size("H"), size("X"), size(1)
    x, h, c = symbol("x[t]", (inputs, one)), symbol("h[t-1]", (side, one)), symbol("c[t-1]", (side, one))
    w, u, b = (symbol(k, (4 * side, width)) for k, width in {"W": inputs, "U": side, "b": one}.items())
    g, again, new_c, new_h = (symbol(f"{k}[t]", (side, one)) for k in "gkch")
    a, gates = symbol("a[t]", (4 * side, one)), symbol("gates[t]", (3 * side, one))
    f, i, o = (n.Slice(gates, k * side, side) for k in range(3))
    longer, wider = symbol("V", (6 * side, side)), symbol("V", (4 * side, side + inputs))
    products = {
        "fused": (MatMul(w, x), MatMul(u, h)),
        "fused below": (MatMul(w, x), MatMul(n.Slice(longer, side, 4 * side), h)),
        "fused joined": (MatMul(wider, n.Concat(h, x)),),
    }
    values = {
        a: MatAdd(b, *products[name]),
        gates: n.Sigmoid(n.Slice(a, side, 3 * side)),
        g: n.Tanh(n.Slice(a, 0, side)),
        again: n.Identity(g),  # a second name
        new_c: MatAdd(n.Hadamard(f, c), n.Hadamard(i, again)),
        new_h: n.Hadamard(o, n.Tanh(new_c)),
    }
    return Cell("fused", tuple(Equation(target, value) for target, value in values.items()), "h")


Step = Callable[[Array, Array, Array], tuple[Array, Array]]


def array(block: Block, parameters: Mapping[str, Array], sizes: Mapping[Symbol, int]) -> Array:
    def number(side: Expr) -> int:
        return number_of(side, sizes)

    (top, left), (rows, columns) = map(number, block.start), map(number, block.shape)
    return block.sign * parameters[block.parameter.name][top : top + rows, left : left + columns]


def by_its_formulas(found: Standard, parameters: Mapping[str, Array], sizes: Mapping[Symbol, int]) -> Step:
    """A step (x, h, c) of a standard form, from its gates alone."""

    def layer(gate: Gate, x: Array, h: Array, c: Array = 0, r: Array = 1) -> Array:
        def part(block: Block | None, value: Array) -> Array:
            if block is None:
                return 0
            weight = array(block, parameters, sizes)
            return weight * value if block is gate.peephole else weight @ value

        inner = part(gate.recurrent, h) + sum(array(b, parameters, sizes) for b in gate.recurrent_biases)
        biases = sum(array(b, parameters, sizes) for b in gate.biases)
        pre = part(gate.input, x) + r * inner + part(gate.peephole, c) + biases
        return operation(cast("Any", gate.activation))(pre)

    def lstm(x: Array, h: Array, c: Array) -> tuple[Array, Array]:
        i, f, g = (layer(found.gates[k], x, h, c) for k in "ifg")
        c = f * c + i * g
        assert found.squash is not None
        return layer(found.gates["o"], x, h, c) * operation(cast("Any", found.squash))(c), c

    def gru(x: Array, h: Array, c: Array) -> tuple[Array, Array]:
        r, z = (layer(found.gates[k], x, h) for k in "rz")
        new = layer(found.gates["n"], x, h, r=r) if found.reset_after else layer(found.gates["n"], x, r * h)
        return z * h + (1 - z) * new, c

    def rnn(x: Array, h: Array, c: Array) -> tuple[Array, Array]:
        return layer(found.gates["h"], x, h), c

    return {"lstm": lstm, "gru": gru, "rnn": rnn}[found.form]


@pytest.mark.parametrize("name", FORMS)
def test_a_standard_form_computes_what_the_cell_does(name: str) -> None:
    cell = load(name) if name in STANDARD else written(name)
    found = standard(cell)
    assert found is not None, differences(cell)
    assert found.form == FORMS[name]
    assert set(differences(cell)) == {"lstm", "gru", "rnn"} - {found.form}
    sample = draw(cell, {z: 2 + k for k, z in enumerate(cell.sizes)}, batch=3, steps=3, seed=1)
    assert sample is not None
    run = run_sequence(cell, sample.parameters, sample.inputs, sample.states)
    step = by_its_formulas(found, sample.parameters, sample.sizes)
    h = sample.states[found.h.name]
    c = sample.states[found.c.name] if found.c else None
    for t, values in enumerate(run):
        h, c = step(sample.inputs[found.x.name.partition("[")[0]][t], h, c)
        np.testing.assert_allclose(h, values[found.h.next.name], rtol=1e-13, atol=1e-14)
        if found.c:
            np.testing.assert_allclose(c, values[found.c.next.name], rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("name", [*(n for n in library() if n not in STANDARD), *map(str, PAPERS)])
def test_no_other_cell_is_taken_for_one(name: str) -> None:
    cell = load(name)
    assert standard(cell) is None
    assert set(differences(cell)) == {"lstm", "gru", "rnn"}
    assert all(differences(cell).values())


# One small change each, of a cell that is a standard form.
CHANGED = {
    "a peephole that sees the new memory": ("peephole_lstm", "p_i * c[t-1]", "p_i * f[t]"),
    "an output gate that sees the old memory": ("peephole_lstm", "p_o * c[t]", "p_o * c[t-1]"),
    "a candidate with a peephole": ("peephole_lstm", "U_g @ h[t-1] + b_g", "U_g @ h[t-1] + p_g * c[t-1] + b_g"),
    "a full peephole": ("peephole_lstm", "p_f * c[t-1]", "p_f @ c[t-1]"),
    "a scaled gate": ("lstm", "f[t] * c[t-1]", "2 * f[t] * c[t-1]"),
    "a skipped step": ("lstm", "o[t] * tanh(c[t])", "o[t] * tanh(c[t]) + h[t-1]"),
    "a memory that is not squashed": ("lstm", "o[t] * tanh(c[t])", "o[t] * c[t]"),
    "another gate's function": ("lstm", "o[t] = sigmoid(", "o[t] = tanh("),
    "two products with the input": ("lstm", "+ b_f)", "+ V_f @ x[t] + b_f)"),
    "an input gate with the function of the layer": ("lstm", "i[t] = sigmoid(", "i[t] = tanh("),
    "a gate that is added too": ("lstm", "i[t] * g[t]", "i[t] * g[t] + i[t]"),
    "a memory that is squared": ("lstm", "f[t] * c[t-1]", "f[t] * c[t-1] * c[t-1]"),
    "a product of three in a gate": ("lstm", "+ b_f)", "+ b_f * b_f * b_f)"),
    "a gate that is subtracted": ("lstm", "+ i[t] * g[t]", "- i[t] * g[t]"),
    "an output that is turned round": ("lstm", "o[t] * tanh(c[t])", "-o[t] * tanh(c[t])"),
    "a number as bias": ("lstm", "+ b_f)", "+ 1)"),
    "a mean that is none": ("gru", "(1 - z[t]) * g[t]", "(2 - z[t]) * g[t]"),
    "a mean of other gates": ("gru", "(1 - z[t]) * g[t]", "(1 - r[t]) * g[t]"),
    "a reset of the input": ("gru", "W_g @ x[t]", "r[t] * (W_g @ x[t])"),
    "a reset of the input too": ("after", "tanh(W @ x[t] -", "tanh((1 - r[t]) * (W @ x[t]) -"),
    "a reset twice": ("gru", "(r[t] * h[t-1])", "(r[t] * r[t] * h[t-1])"),
    "a product outside the reset too": ("gru_reset_after", "+ b_in", "+ V_n @ h[t-1] + b_in"),
    "a reset with another function": ("gru", "r[t] = sigmoid(", "r[t] = tanh("),
    "a candidate that is turned round": ("gru", "(1 - z[t]) * g[t]", "(z[t] - 1) * g[t]"),
    "a reset of more than the state": ("gru", "(r[t] * h[t-1])", "(r[t] * h[t-1] + b_r)"),
    "the rest of a gate that is no sigmoid": ("swapped", "sigmoid(", "tanh("),
    "a reset of another gate": ("after", "(1 - r[t]) * d", "(1 - z[t]) * d"),
    "no function": ("rnn", "tanh(W @ x[t] + U @ h[t-1] + b)", "W @ x[t] + U @ h[t-1] + b"),
    "the rest for a function": ("rnn", "tanh(W @ x[t] + U @ h[t-1] + b)", "1 - (W @ x[t] + U @ h[t-1] + b)"),
    "a function of all entries": ("rnn", "tanh(W", "softmax(W"),
    "a second layer": ("rnn", "tanh(W @ x[t]", "tanh(W @ relu(x[t])"),
}


@pytest.mark.parametrize("change", CHANGED)
def test_a_cell_that_differs_in_anything_is_none(change: str) -> None:
    name, old, new = CHANGED[change]
    cells = Path(__file__).parents[1] / "lstmgraph" / "cells"
    equations = WRITTEN[name][0] if name in WRITTEN else (cells / f"{name}.toml").read_text().split('"""')[1]
    assert old in equations
    cell = from_equations(equations.replace(old, new), sizes=SIZES, output="h")
    assert standard(from_equations(equations, sizes=SIZES, output="h")) is not None
    assert standard(cell) is None


@pytest.mark.parametrize(
    ("text", "sizes", "said"),
    [
        (
            "q[t] = V @ x[t]\nh[t] = tanh(U @ h[t-1] + B)",
            {"x": "X", "h": ["H", "K"], "q": "Q"},
            "not vectors of one size",
        ),
        (
            "h[t] = tanh(U @ h[t-1] + b)\nq[t] = V @ x[t]",
            {"x": ["X", "K"], "h": "H", "q": ["Q", "K"]},
            "1 inputs, not one vector",
        ),
    ],
)
def test_columns_side_by_side_are_no_vector(text: str, sizes: Mapping[str, Any], said: str) -> None:
    """Neither as a state nor as an input."""
    assert said in differences(from_equations(text, sizes=sizes, output="h"))["rnn"]


LSTM = "f[t] = sigmoid(W_f @ x[t] + U_f @ h[t-1])\ng[t] = tanh({g})\nc[t] = f[t] * c[t-1] + {i} * g[t]\nh[t] = {h}"
GRU = "z[t] = sigmoid(W_z @ x[t] + U_z @ h[t-1])\nh[t] = z[t] * h[t-1] + (1 - z[t]) * {n}"


@pytest.mark.parametrize(
    ("form", "text", "said"),
    [
        ("lstm", LSTM.format(g="U @ h[t-1] + p * c[t-1]", i="f[t]", h="f[t] * tanh(c[t])"), "a gate sees c[t-1]"),
        (
            "lstm",
            LSTM.format(g="2 * (U @ h[t-1])", i="f[t]", h="f[t] * tanh(c[t])"),
            " in a gate is none that a standard form has",
        ),
        ("lstm", LSTM.format(g="V @ h[t-1]", i="0", h="f[t] * tanh(c[t])"), "what is added to its memory is no gate"),
        ("lstm", LSTM.format(g="V @ h[t-1]", i="f[t]", h="P @ (f[t] * tanh(c[t]))"), "not vectors of one size"),
        ("lstm", "h[t] = tanh(U @ h[t-1] + W @ x[t])", "it carries h from step to step, not 2 values"),
        ("gru", GRU.format(n="(W @ x[t])"), "its state h is no mean of what it was and of a layer"),
        ("gru", GRU.format(n="tanh(W @ x[t] + U @ h[t-1])"), "its candidate has no reset gate"),
        ("gru", "h[t] = tanh(W @ x[t])" + 8 * " * h[t-1]", "longer sums of products"),
        ("gru", "h[t] = x[t]" + "".join(f" + tanh({k} * h[t-1])" for k in range(2, 10)), "longer sums of products"),
        ("rnn", "h[t] = tanh(W @ x[t])", "it carries nothing from step to step, not 1 value"),
        ("rnn", "h[t] = tanh(w * x[t] + U @ h[t-1])", "a gate sees x[t]"),
        ("rnn", "h[t] = tanh(W @ x[t] + V @ v[t] + U @ h[t-1])", "it has 2 inputs, not one vector"),
    ],
)
def test_a_difference_is_said(form: Form, text: str, said: str) -> None:
    sizes = SIZES | {
        "x": "H" if "= x[t]" in text or "* x[t]" in text else "X",
        "v": "V",
        "c": "K" if "P @" in text else "H",
    }
    used = {name: side for name, side in sizes.items() if f"{name}[" in text}
    assert f"{said} " in differences(from_equations(text, sizes=used, output="h"))[form] + " "


def test_rows_of_a_reset_that_is_longer_are_no_gate() -> None:
    """tanh([W x + r ⊙ U h']_H) where r has 2 H rows: the gate would be half of them."""
    side, inputs, one = size("H"), size("X"), size(1)
    x, h, new, z = (
        symbol(k, (s, one)) for k, s in {"x[t]": inputs, "h[t-1]": side, "h[t]": side, "z[t]": side}.items()
    )
    r, a = (symbol(k, (2 * side, one)) for k in ("r[t]", "a[t]"))

    def layer(at: str, rows: Expr) -> tuple[MatMul, MatMul]:
        return MatMul(symbol(f"W_{at}", (rows, inputs)), x), MatMul(symbol(f"U_{at}", (rows, side)), h)

    direct, recurrent = layer("a", 2 * side)
    values = {
        z: n.Sigmoid(MatAdd(*layer("z", side))),
        r: n.Sigmoid(MatAdd(*layer("r", 2 * side))),
        a: MatAdd(direct, n.Hadamard(r, recurrent)),
        new: MatAdd(n.Hadamard(z, h), n.Hadamard(n.OneMinus(z), n.Tanh(n.Slice(a, side, side)))),
    }
    assert standard(Cell("rows", tuple(Equation(*item) for item in values.items()), "h")) is None


def test_long_products_end_soon() -> None:
    """A value that is doubled, or squared, many times is not written out."""
    start, mean = "h[t-1] + W @ x[t]", "sigmoid(b) * h[t-1] + (1 - sigmoid(b)) * tanh(a59[t])"
    for first, operator, last in ((start, "*", "a59[t]"), (start, "+", "tanh(a59[t])"), ("W @ x[t]", "+", mean)):
        lines = (f"a{k}[t] = a{k - 1}[t] {operator} a{k - 1}[t] + b" for k in range(1, 60))
        text = "\n".join([f"a0[t] = {first}", *lines, f"h[t] = {last}"])
        assert standard(from_equations(text, sizes=SIZES)) is None


def test_tied_parameters_and_blocks_are_told() -> None:
    mgu, lstm, joined = standard(load("mgu")), standard(load("lstm")), standard(written("joined"))
    assert mgu is not None
    assert lstm is not None
    assert joined is not None
    assert [p.name for p in mgu.tied] == ["W_f", "U_f", "b_f"]
    z, r = (mgu.gates[k].input for k in "zr")
    assert z is not None
    assert r is not None
    assert z == replace(r, sign=-r.sign)
    assert not lstm.tied
    assert not lstm.peepholes
    assert getattr(standard(load("peephole_lstm")), "peepholes", False)
    assert not joined.tied
    assert all(b.whole for b in lstm.blocks)
    weight = joined.gates["f"].input
    assert weight is not None
    assert not weight.whole
    assert (weight.parameter.name, weight.start) == ("W_f", (0, size("H")))


def test_the_operators_of_onnx_have_the_gates_of_their_forms() -> None:
    for name, form in STANDARD.items():
        found = standard(load(name))
        assert found is not None
        assert set(ONNX[found.form].gates) == set(found.gates), form
