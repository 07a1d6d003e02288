"""ONNX models: valid, as small as they can be, and right in onnx's own evaluator too.

That onnxruntime computes what the equations say is in `test_equality.py`, for every cell.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sympy import MatAdd, MatMul, Transpose

import lstmgraph
from lstmgraph import library, load
from lstmgraph.algebra.names import size, symbol
from lstmgraph.algebra.nodes import Fill, Sin, Tanh
from lstmgraph.cli import main
from lstmgraph.codegen import functions
from lstmgraph.errors import MissingExtra, UnknownName, UsageError
from lstmgraph.numeric.calls import given_rows
from lstmgraph.reading import from_equations
from tests.codegen.equality import BOUNDS, CASES, CELLS, cell_of, sample_of, wanted_of
from tests.test_standard import written

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

pytestmark = pytest.mark.onnx

CASE = CASES[1]
# Which operator a cell of the library is: none of the others is one.
OPERATORS = {
    "cifg": "LSTM",
    "gru": "GRU",
    "gru_reset_after": "GRU",
    "lstm": "LSTM",
    "mgu": "GRU",
    "peephole_lstm": "LSTM",
    "rnn": "RNN",
}


@lru_cache
def model_of(name: str, dtype: str = "float32", values: bool = True) -> Any:
    """The model, with the values of a sample in it, or with its sizes."""
    cell = lstmgraph.Cell.of(cell_of(name))
    sample = sample_of(name, CASE, dtype)
    params = given_rows(cell, sample).params if values else None
    sizes = None if values else {str(z): number for z, number in sample.sizes.items()}
    (data,) = cell.code_files("onnx", dtype=dtype, sizes=sizes, params=params).values()
    return onnx.load_from_string(data)


def graphs(graph: Any) -> Iterator[Any]:
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from graphs(attribute.g)


def kinds(model: Any) -> list[str]:
    return [node.op_type for graph in graphs(model.graph) for node in graph.node]


def feeds_of(name: str, dtype: str, model: Any) -> dict[str, Any]:
    given = given_rows(cell_of(name), sample_of(name, CASE, dtype), dtype)
    arrays = [a.swapaxes(0, 1) for a in given.inputs.values()] or [np.array(CASE.steps)]
    arrays += list(given.states.values())
    return dict(zip((i.name for i in model.graph.input), arrays, strict=True))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of the evaluator's own sigmoid
@pytest.mark.parametrize("dtype", BOUNDS)
@pytest.mark.parametrize("name", CELLS)
def test_a_model_with_values_is_right_in_the_reference_evaluator(name: str, dtype: str) -> None:
    model = model_of(name, dtype)
    onnx.checker.check_model(model, full_check=True)
    outputs, *last = onnx.reference.ReferenceEvaluator(model).run(None, feeds_of(name, dtype, model))
    values = wanted_of(name, CASE, dtype)[0]
    found = {"the output": outputs.swapaxes(0, 1)} | dict(
        zip([s.name for s in cell_of(name).states], last, strict=True)
    )
    for key, array in found.items():
        right = values[key] if key == "the output" else values[key][:, -1]
        assert array.dtype == dtype
        assert array.shape == right.shape
        assert np.abs(array - right).max() <= 4 * BOUNDS[dtype] * np.abs(right).max()


@pytest.mark.parametrize("name", library())
def test_a_standard_operator_is_used_where_a_cell_is_one(name: str) -> None:
    wanted = {OPERATORS.get(name, "Scan")}
    single = set(kinds(model_of(name)))
    assert single & {"LSTM", "GRU", "RNN", "Scan", "Loop"} == (wanted if name != "min_gru" else {"Scan"})
    assert set(kinds(model_of(name, values=False))) & {"LSTM", "GRU", "RNN", "Scan"} == wanted
    assert set(kinds(model_of(name, "float64"))) & {"LSTM", "GRU", "RNN", "Scan"} == {"Scan"}


def test_an_operator_has_the_functions_of_the_cell() -> None:
    text = """
    f[t] = sigmoid(W_f @ x[t] + U_f @ h[t-1])
    i[t] = sigmoid(W_i @ x[t] + U_i @ h[t-1])
    g[t] = relu(W_g @ x[t] + U_g @ h[t-1])
    c[t] = f[t] * c[t-1] + i[t] * g[t]
    o[t] = sigmoid(W_o @ x[t] + U_o @ h[t-1])
    h[t] = o[t] * softplus(c[t])
    """
    cell = lstmgraph.Cell.from_equations(text, sizes={"x": "X", "h": "H"})
    (data,) = cell.code_files("onnx", sizes={"H": 3}).values()
    (node,) = (n for n in onnx.load_from_string(data).graph.node if n.op_type == "LSTM")
    how = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
    assert how == {"hidden_size": 3, "activations": [b"Sigmoid", b"Relu", b"Softplus"]}
    f, rng = cell.lambdify("onnx"), np.random.default_rng(0)
    given = (f.init(rng, 2, 3, np.float32), rng.normal(size=(4, 5, 2)).astype(np.float32))
    found = f.forward(*given)[0]
    np.testing.assert_allclose(found, cell.lambdify().forward(*given)[0], rtol=0, atol=5e-6 * np.abs(found).max())
    sine = lstmgraph.Cell.from_equations(text.replace("softplus", "sin"), sizes={"x": "X", "h": "H"})
    (data,) = sine.code_files("onnx", sizes={"H": 3}).values()
    assert "Scan" in kinds(onnx.load_from_string(data))


@pytest.mark.parametrize("name", ["joined", "fused", "uneven", "swapped", "after", "plain"])
def test_an_operator_is_right_however_the_cell_is_written(name: str) -> None:
    """Parts of parameters, missing ones, with a minus, two biases."""
    cell = lstmgraph.Cell.of(written(name))
    sizes = {str(z): 3 + k for k, z in enumerate(cell.sizes)}
    (data,) = cell.code_files("onnx", sizes=sizes).values()
    assert "Scan" not in kinds(onnx.load_from_string(data))
    rng, own = np.random.default_rng(0), cell.lambdify("onnx")
    params = {k: rng.normal(size=p.shape).astype(np.float32) for k, p in own.init(rng, **sizes).items()}  # biases too
    x, states = (cell.inputs[0], cell.states)
    xs = rng.normal(size=(2, 4, sizes[str(x.shape[0])])).astype(np.float32)
    first = {s.name: rng.normal(size=(2, sizes["H"])).astype(np.float32) for s in states}
    outputs, last = own.forward(params, xs, first)
    right, trace, _ = cell.lambdify().forward(params, xs, first)
    np.testing.assert_allclose(outputs, right, rtol=0, atol=5e-6)
    for key, state in last.items():
        np.testing.assert_allclose(state, trace[key][:, -1], rtol=0, atol=5e-6)


@pytest.mark.parametrize("output", ["h", "s"])
@pytest.mark.parametrize("form", ["V", "R", "M"])
@pytest.mark.parametrize("of", ["an input", "a value", "a parameter"])
def test_a_state_of_one_number_in_all_entries(of: str, form: str, output: str) -> None:
    """Which takes nothing of the step before, and so is made before the loop; SymPy can say it, the language cannot."""
    one, high, wide = size(1), size("H"), size("K")
    x, p = symbol("x[t]", (one, one)), symbol("p", (one, one))
    value = {"an input": x, "a value": Sin(x), "a parameter": p}[of]
    shape = {"V": (high, one), "R": (one, high), "M": (high, wide)}[form]
    before = symbol("s[t-1]", shape)
    column = {"V": before, "R": Transpose(before), "M": MatMul(before, symbol("w", (wide, one)))}[form]
    h, taken = symbol("h[t]", (high, one)), MatMul(symbol("u", (high, one)), x)
    cell = lstmgraph.Cell.from_sympy(
        {symbol("s[t]", shape): Fill(value, *shape), h: Tanh(MatAdd(column, taken))}, output=output
    )
    rng, own, other = np.random.default_rng(0), cell.lambdify("onnx"), cell.lambdify()
    params = own.init(rng, **{str(z): 3 + k for k, z in enumerate(cell.sizes)})
    xs = rng.normal(size=(2, 4, 1))
    outputs, last = own.forward(params, xs)
    right, trace, _ = other.forward(params, xs)
    for found, wanted in [(outputs, right), *((last[s.name], trace[s.name][:, -1]) for s in cell.states)]:
        assert found.shape == wanted.shape
        np.testing.assert_allclose(found, wanted, rtol=1e-13)


# ── what is in a model ──


@pytest.mark.parametrize("name", CELLS)
def test_nothing_is_there_that_nobody_uses(name: str) -> None:
    for dtype in BOUNDS:
        model = model_of(name, dtype)
        every = list(graphs(model.graph))
        used = {i for g in every for node in g.node for i in node.input} | {o.name for g in every for o in g.output}
        made = [o for g in every for node in g.node for o in node.output]
        assert len(set(made)) == len(made)
        for node in (node for g in every for node in g.node):
            assert used & set(node.output), node.name
        assert {i.name for i in model.graph.initializer} <= used


def test_steps_and_samples_are_open_and_parameters_are_inputs_or_values() -> None:
    model = model_of("gru", values=False)
    assert [i.name for i in model.graph.input] == ["xs", "h_0", *(p.name for p in load("gru").parameters)]
    assert [o.name for o in model.graph.output] == ["hs", "h_T"]
    (steps, batch, size) = model.graph.input[0].type.tensor_type.shape.dim
    assert (steps.dim_param, batch.dim_param, size.dim_value) == ("T", "B", 2)
    model = model_of("gru")
    assert [i.name for i in model.graph.input] == ["xs", "h_0"]
    assert kinds(model) == ["Unsqueeze", "GRU", "Squeeze", "Squeeze"]
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    for steps, batch in ((1, 1), (5, 3)):
        xs, first = np.zeros((steps, batch, 2), np.float32), np.zeros((batch, 5), np.float32)
        hs, last = session.run(None, {"xs": xs, "h_0": first})
        assert (hs.shape, last.shape) == ((steps, batch, 5), (batch, 5))


def test_what_is_of_no_input_and_no_state_is_of_one_sample() -> None:
    (output,) = model_of("power", values=False).graph.output
    assert [d.dim_param or d.dim_value for d in output.type.tensor_type.shape.dim][:2] == ["T", 1]


def test_the_loop_of_the_lstm_is_that_of_a_specialist() -> None:
    """One product, the gates of one function in one call, and the output's second name, which a Scan needs."""
    model = model_of("lstm", "float64")
    outer, body = graphs(model.graph)
    assert [n.op_type for n in outer.node] == ["MatMul", "Add", "Scan"]
    wanted = "Gemm Split Sigmoid Split Tanh Mul Mul Add Tanh Mul Identity"
    assert [n.op_type for n in body.node] == wanted.split()
    assert {"pre_fiog", "fio", "f", "i", "o", "g", "c", "tanh_c", "h"} <= {o for n in body.node for o in n.output}


def test_a_model_says_what_it_is_of() -> None:
    model = model_of("peephole_lstm")
    assert model.doc_string.startswith("LSTM with peephole connections\n\n    f[t] = sigmoid(")
    assert "importers drop" in model.doc_string
    assert "Gers" in model.doc_string
    assert "Warning" not in model_of("lstm").doc_string
    assert (model.ir_version, model.opset_import[0].version) == (8, 17)


# ── the functions and the command ──


def test_steps_one_by_one_are_the_sequence() -> None:
    f, rng = load("peephole_lstm").lambdify("onnx"), np.random.default_rng(0)
    params, xs = f.init(rng, 2, 3), rng.normal(size=(2, 4, 2))
    outputs, last = f.forward(params, xs)
    states = None
    for t in range(4):
        output, states = f.step(params, xs[:, t], states)
        np.testing.assert_allclose(output, outputs[:, t], rtol=1e-13)
    assert states is not None
    for name in last:
        np.testing.assert_allclose(states[name], last[name], rtol=1e-13)
    assert f.source.startswith("<\n")
    assert not hasattr(f, "backward")


def test_wrong_arrays_are_told() -> None:
    f = load("gru").lambdify("onnx", sizes={"H": 3})
    params = f.init(np.random.default_rng(0), 2, 3)
    with pytest.raises(ValueError, match=r"xs must be \(B, T, X=2\), got \(1, 2, 3\)"):
        f.forward(params, np.zeros((1, 2, 3)))
    with pytest.raises(ValueError, match="at least one step"):
        f.forward(params, np.zeros((1, 0, 2)))
    with pytest.raises(ValueError, match="H is fixed: 3, not 4"):
        f.forward(f.init(np.random.default_rng(0), 2, 4), np.zeros((1, 1, 2)))


def test_values_that_the_type_cannot_hold_are_told() -> None:
    cell = load("rnn")
    params = cell.lambdify("onnx").init(np.random.default_rng(0), 2, 3) | {"b": np.full(3, 1e300)}
    with pytest.raises(UsageError, match="b has entries that float32 cannot hold\nhint: dtype float64"):
        cell.code("onnx", params=params)
    assert cell.code("onnx", params=params, dtype="float64")


@pytest.mark.parametrize("axes", [("T", "H"), ("T", "K"), ("B", "H")])
def test_a_model_that_is_not_valid_is_not_written(axes: tuple[str, str]) -> None:
    """Although its sizes are open, of which onnx itself believes anything."""
    from lstmgraph.codegen.graphs.forward import Draft
    from lstmgraph.codegen.graphs.models import model
    from lstmgraph.codegen.graphs.parts import Graph, Node, Value

    steps, side = axes
    given = [Value("a", ("T", size("H"))), Value("b", ("B", size("K")))]
    graph = Graph("wrong", given, [Value("y", (steps, size(side)))], [Node("Tanh", ("a",), ("y",))])
    if axes == ("T", "H"):
        assert model(Draft(graph, {}, 0), "float32", []).graph.name == "wrong"
    else:
        with pytest.raises(RuntimeError, match="wrong is not valid, a fault of lstmgraph and not of the cell"):
            model(Draft(graph, {}, 0), "float32", [])


def test_a_model_that_is_not_valid_with_its_values_is_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    from lstmgraph.codegen.graphs import models

    cell, folded = load("rnn"), models._Writer.folded
    params = cell.lambdify().init(np.random.default_rng(0), 2, 3)
    monkeypatch.setattr(models._Writer, "folded", lambda *given: {k: v[1:] for k, v in folded(*given).items()})
    with pytest.raises(RuntimeError, match="rnn is not valid, a fault of lstmgraph and not of the cell"):
        cell.code("onnx", params=params, dtype="float64")


def test_sizes_that_only_a_sum_of_them_tells_stay_open() -> None:
    sums = lstmgraph.Cell.from_equations(
        "y[t] = c.T @ concat(u[t], v[t])", sizes={"u": "H", "v": "K", "c": "H + K", "y": 1}
    )
    values = np.arange(5.0)
    assert "float[T,B,H] us, float[T,B,K] vs) =>" in sums.code("onnx", params={"c": values})
    with pytest.raises(UsageError, match=r"c must be \(4,\), got \(5,\)"):
        sums.code("onnx", params={"c": values}, sizes={"H": 3, "K": 1})
    with pytest.raises(UsageError, match=r"c must be \(H \+ K,\), got \(1, 5\)"):
        sums.code("onnx", params={"c": values[None]})


def test_wrong_options_are_told() -> None:
    gru = load("gru")
    params = gru.lambdify().init(np.random.default_rng(0), 2, 3)
    with pytest.raises(UnknownName, match="float16"):
        gru.code("onnx", dtype="float16")
    with pytest.raises(UnknownName, match="no size 'K' in gru"):
        gru.code("onnx", sizes={"K": 3})
    with pytest.raises(UsageError, match="the values of U_z are missing"):
        gru.code("onnx", params={k: v for k, v in params.items() if k != "U_z"})
    with pytest.raises(UnknownName, match="W_x"):
        gru.code("onnx", params=params | {"W_x": params["W_r"]})
    with pytest.raises(UsageError, match=r"b_z must be \(3,\), as all others say H=3, got \(4,\)"):
        gru.code("onnx", params=params | {"b_z": np.zeros(4)})
    with pytest.raises(UsageError, match="the size H is given as 4, and 3 by the values of the parameters"):
        gru.code("onnx", params=params, sizes={"H": 4})
    with pytest.raises(UsageError, match="no option 'params'"):
        gru.code("numpy", params=params)


@pytest.mark.parametrize(("missing", "what"), [("onnx", "files"), ("onnxruntime", "callables")])
def test_a_missing_package_is_told(monkeypatch: pytest.MonkeyPatch, missing: str, what: str) -> None:
    monkeypatch.setattr(functions, "find_spec", lambda name: None if name == missing else object())
    with pytest.raises(MissingExtra, match=f"{what} of the target 'onnx' need {missing}, ") as raised:
        load("gru").lambdify("onnx")
    assert "lstmgraph[onnx]" in raised.value.hint
    if missing == "onnx":
        with pytest.raises(MissingExtra):
            load("gru").code("onnx")


def test_an_operation_without_nodes_is_told() -> None:
    from sympy import MatrixSymbol

    from lstmgraph.algebra.nodes import Operation
    from lstmgraph.codegen.graphs.lowering import lower
    from lstmgraph.codegen.graphs.parts import Tensor
    from lstmgraph.codegen.graphs.scope import Scope, Whole
    from lstmgraph.codegen.identifiers import Names

    class Sorted(Operation):
        signature = "m 1 -> m 1"

    x = MatrixSymbol("x[t]", 3, 1)
    scope = Scope(Whole(Names({}), {}, [], "float32"), 1, {x: Tensor("x", (x.shape[0], x.shape[1]), True)})
    with pytest.raises(UsageError, match="the target 'onnx' has no nodes for 'Sorted'"):
        lower(scope, Sorted(x))


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    params = load("peephole_lstm").lambdify().init(np.random.default_rng(0), 2, 3)
    np.savez(tmp_path / "weights.npz", **params)
    file = tmp_path / "cell.onnx"
    assert main(["code", "peephole_lstm", "--params", str(tmp_path / "weights.npz"), "-o", str(file)]) == 0
    assert "some importers drop" in capsys.readouterr().err
    assert "LSTM" in kinds(onnx.load(str(file)))
    assert main(["code", "lstm", "--target", "onnx"]) == 0
    shown = capsys.readouterr()
    assert "whose size must be in the file" in shown.err
    assert "Scan (c_0, h_0," in shown.out
    for bad, said in (("missing.npz", "cannot read"), ("cell.onnx", "holds no arrays by name")):
        assert main(["code", "lstm", "--params", str(tmp_path / bad), "-o", str(file)]) != 0
        assert said in capsys.readouterr().err


def test_a_cell_from_text_is_found_too() -> None:
    cell = lstmgraph.Cell.of(from_equations("s[t] = relu(A @ u[t] + B @ s[t-1])", sizes={"u": "K", "s": "N"}))
    text = cell.code("onnx", sizes={"N": 4})
    assert 'RNN <activations: strings = ["Relu"], hidden_size: int = 4>' in text
