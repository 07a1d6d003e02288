"""The form of derived gradients; that their values are right is tested in tests/numeric."""

import pytest
from sympy import Integer, MatAdd, MatMul, MatrixSymbol, Transpose

from lstmgraph.algebra.build import gathered
from lstmgraph.algebra.names import symbol
from lstmgraph.algebra.nodes import Fill, Hadamard, Negative, OneMinus, Tanh
from lstmgraph.calculus import gradient, gradient_symbol, unroll, vjp
from lstmgraph.errors import UnknownName
from lstmgraph.program import Equation, Program
from lstmgraph.reading import library, load, loads


@pytest.mark.parametrize("name", library())
def test_every_gradient_of_every_cell_is_derived(name: str) -> None:
    cell = load(name)
    program = gradient(cell).check()
    wanted = [gradient_symbol(s) for s in (*cell.parameters, *cell.previous, *cell.inputs)]
    assert set(program.outputs) == set(wanted)
    assert all(program.seed(o) in program.inputs for o in cell.outputs)


def test_the_forget_gate_reads_as_in_the_literature() -> None:
    """delta_f = c_bar c[t-1] f (1 - f) and dL/dW_f = delta_f x[t]', for the LSTM with peepholes."""
    lines = {e.target.name: e.value for e in gradient(load("peephole_lstm")).stage("backward")}
    delta = lines["bar(pre(f))[t]"]
    assert isinstance(delta, Hadamard)
    assert [getattr(a, "name", None) for a in delta.args[:3]] == ["bar(c)[t]", "c[t-1]", "f[t]"]
    assert isinstance(delta.args[3], OneMinus)
    weight = lines["grad(W_f)"]
    assert isinstance(weight, MatMul)
    assert weight.args[0].name == "bar(pre(f))[t]"
    assert isinstance(weight.args[1], Transpose)
    assert lines["grad(b_f)"] == weight.args[0]


def test_what_arrives_is_told_apart_from_the_total_only_where_they_differ() -> None:
    program = gradient(load("lstm"))
    names = {s.name for s in program.inputs}
    assert {"seed(c)[t]", "bar(h)[t]"} <= names
    assert "bar(c)[t]" in {e.target.name for e in program}


def test_wrt_keeps_only_what_is_needed() -> None:
    cell = load("lstm")
    program = gradient(cell, ["b_o"])
    assert [o.name for o in program.outputs] == ["grad(b_o)"]
    assert "bar(pre(f))[t]" not in {e.target.name for e in program}


def test_asking_twice_is_asking_once_and_for_nothing_is_nothing() -> None:
    cell = load("lstm")
    assert [o.name for o in gradient(cell, ["W_f", "W_f"]).check().outputs] == ["grad(W_f)"]
    assert gradient(cell, []).outputs == ()


@pytest.mark.parametrize("name", ["lstm", "gru", "slstm"])
def test_through_unrolled_steps_every_seed_arrives_once(name: str) -> None:
    cell = load(name)
    steps = unroll(cell, 3).check()
    program = vjp(steps, steps.outputs, cell.parameters).check()
    seeds = [s for s in program.inputs if s not in steps.inputs]
    assert seeds == [program.seed(o) for o in steps.outputs]


def test_unrolled_steps_share_their_constants() -> None:
    cell = loads('equations = "h[t] = a * h[t-1] + x[t]"\nsizes = {x = "H"}\nconstants = {a = 0.5}')
    assert cell.constant_symbols[0] in unroll(cell, 2).check().inputs


def test_an_output_that_is_a_value_from_outside_sends_its_seed_back() -> None:
    cell = loads('output = "y"\nequations = """\ny[t] = identity(x[t])\nh[t] = y[t-1] * x[t]\n"""\nsizes = {x = "H"}')
    program = gradient(cell).check()
    assert "bar(x)[t]" in {o.name for o in program.outputs}
    x = cell.inputs[0]
    step = Program("direct", (x,), (Equation(symbol("z[t]", x.shape), Tanh(x)),), (x,))
    direct = vjp(step, [x], [x])
    assert direct.outputs[0] in direct.inputs, "the cotangent of an input that is an output is what arrives"


def test_an_unknown_name_is_refused_with_the_nearest_known() -> None:
    with pytest.raises(UnknownName, match="did you mean 'W_f'"):
        gradient(load("lstm"), ["Wf"])


def test_nothing_depends_on_it() -> None:
    cell = loads(
        'output = "h"\nequations = """\nh[t] = tanh(W @ x[t])\ny[t] = V @ h[t]\n"""\nsizes = {x="X", h="H", y=2}'
    )
    lines = {e.target.name: e.value for e in gradient(cell).stage("backward")}
    assert lines["grad(V)"] == Fill(0, *cell.parameters[1].shape)


def test_a_value_used_twice_is_sent_a_sum() -> None:
    cell = loads('equations = "h[t] = x[t] * h[t-1] + tanh(x[t])"\nsizes = {x = "H"}')
    lines = {e.target.name: e.value for e in gradient(cell).stage("backward")}
    assert isinstance(lines["bar(x)[t]"], Hadamard), "what all its terms have in common stands before a bracket"
    assert isinstance(lines["bar(x)[t]"].args[1], MatAdd)


@pytest.mark.parametrize("name", library())
def test_growth_is_linear(name: str) -> None:
    """No right-hand side is longer than the sum over its uses: nothing is inlined."""
    cell = load(name)
    assert all(len(e.value.args) <= 2 * len(cell.equations) + 4 for e in gradient(cell))


def test_what_all_terms_have_in_common_stands_before_a_bracket() -> None:
    a, b, c, d = (MatrixSymbol(name, 3, 1) for name in "abcd")
    two = Fill(Integer(2), 3, 1)
    assert gathered(Negative(Hadamard(a, b)), Hadamard(a, c)) == Hadamard(a, MatAdd(c, Negative(b)))
    assert gathered(Hadamard(a, b, c), Hadamard(d, b, a)) == Hadamard(a, b, MatAdd(c, d))
    assert gathered(Hadamard(two, a), Hadamard(two, b)) == Hadamard(two, MatAdd(a, b))
    assert gathered(Hadamard(a, a, b), Hadamard(a, a, c)) == Hadamard(a, a, MatAdd(b, c))
    assert gathered(Negative(Hadamard(a, b)), Negative(Hadamard(a, c))) == Hadamard(a, MatAdd(Negative(b), Negative(c)))
    assert gathered(a, Hadamard(a, b)) == MatAdd(a, Hadamard(a, b)), "a one in the bracket saves nothing"
    assert gathered(Negative(a), b, c) == MatAdd(b, Negative(a), c)
    assert gathered(Hadamard(a, b), Hadamard(a, c), d) == MatAdd(Hadamard(a, b), Hadamard(a, c), d)
    assert gathered(Hadamard(a, b)) == Hadamard(a, b)


def test_a_coupled_gate_is_sent_a_difference() -> None:
    lines = {e.target.name: e.value for e in gradient(load("gru")).stage("backward")}
    before, after = (load("gru").values["g"], load("gru").previous[0])
    assert lines["bar(z)[t]"].args[1] == MatAdd(after, Negative(before))
