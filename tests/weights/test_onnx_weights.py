"""Weights of ONNX: its operators compute what the reference interpreter does with the same weights."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy
import pytest

import lstmgraph
from lstmgraph.errors import LstmgraphError
from lstmgraph.standard import ONNX
from lstmgraph.weights.layouts import LAYOUTS
from tests.weights.running import BOUNDS, cell_of, error, outputs, random_inputs, random_parameters, random_states

pytestmark = pytest.mark.onnx

# cell: (operator, its attributes)
OPERATORS: dict[str, tuple[str, dict[str, Any]]] = {
    "lstm": ("LSTM", {}),
    "other_letters": ("LSTM", {}),
    "peephole_lstm": ("LSTM", {}),
    "gru": ("GRU", {}),
    "gru_reset_after": ("GRU", {"linear_before_reset": 1}),
    "other_way": ("GRU", {"linear_before_reset": 1}),
    "rnn": ("RNN", {}),
}
INPUTS = ("W", "R", "B", "", "", "", "P")


def onnx(part: str) -> ModuleType:
    return importlib.import_module(f"onnx.{part}")


def model(name: str, weights: dict[str, Any], h: int, **more: Any) -> Any:
    """A model of one operator that holds these weights; what goes in is x, and the first states."""
    helper, types = onnx("helper"), onnx("helper").np_dtype_to_tensor_dtype
    operator, attributes = OPERATORS[name]
    ports = {"h": "initial_h", "c": "initial_c"} if operator == "LSTM" else {"h": "initial_h"}
    names = ["x", "W", "R", "B", "", *ports.values()]
    names = [*names, "P"] if "P" in weights else names
    node = helper.make_node(operator, names, ["Y"], name="layer", **{"hidden_size": h, **attributes, **more})
    kept = [onnx("numpy_helper").from_array(array, port) for port, array in weights.items()]
    kind = types(weights["W"].dtype)
    given = [helper.make_tensor_value_info(port, kind, None) for port in ("x", *ports.values())]
    graph = helper.make_graph([node], "g", given, [helper.make_tensor_value_info("Y", kind, None)], kept)
    return helper.make_model(graph)


def ran(made: Any, xs: Any, h: Any, c: Any) -> Any:
    """(B, T, H) by the reference evaluator of ONNX."""
    feeds = {"x": xs.swapaxes(0, 1), "initial_h": h[None], "initial_c": c[None]}
    taken = {port.name for port in made.graph.input}
    evaluator = onnx("reference").ReferenceEvaluator(made)
    (found,) = evaluator.run(None, {port: array for port, array in feeds.items() if port in taken})
    return found[:, 0].swapaxes(0, 1)


@pytest.mark.parametrize("dtype", BOUNDS)
@pytest.mark.parametrize("name", OPERATORS)
def test_a_stored_operator_computes_the_same(name: str, dtype: str) -> None:
    cell = cell_of(name)
    params = random_parameters(cell, (3, 4), dtype=dtype)
    weights = cell.weights_to("onnx", params)
    xs, (h, c) = random_inputs(3, dtype), random_states(4, dtype)
    found = ran(model(name, weights, 4), xs, h, c)
    assert error(found, outputs(cell, params, xs, h, c)) < BOUNDS[dtype]


@pytest.mark.parametrize("name", OPERATORS)
def test_an_operator_of_a_file_computes_the_same(name: str, tmp_path: Path) -> None:
    """Weights of random entries, two biases among them, in the file of a model."""
    cell, rng = cell_of(name), numpy.random.default_rng(0)
    like = cell.weights_to("onnx", random_parameters(cell, (2, 3)))
    weights = {port: rng.uniform(-0.5, 1, array.shape) for port, array in like.items()}
    made = model(name, weights, 3)
    importlib.import_module("onnx").save(made, tmp_path / "model.onnx")
    params = cell.weights_from("onnx", tmp_path / "model.onnx")
    xs, (h, c) = random_inputs(2), random_states(3)
    assert error(ran(made, xs, h, c), outputs(cell, params, xs, h, c)) < BOUNDS["float64"]


@pytest.mark.parametrize("name", ["peephole_lstm", "other_letters", "gru", "gru_reset_after", "rnn"])
def test_what_is_in_a_generated_model_is_loaded_again(name: str, tmp_path: Path) -> None:
    """The target `onnx` and the layout say the same of an operator."""
    cell = cell_of(name)
    params = random_parameters(cell, (3, 4), dtype="float32")
    ((file, content),) = cell.code_files("onnx", params=params).items()
    (tmp_path / file).write_bytes(content if isinstance(content, bytes) else content.encode())
    again = cell.weights_from("onnx", tmp_path / file)
    for part in set(params) - {"k_a", "l_a"}:  # two biases of one gate, of which the first takes all
        assert numpy.array_equal(again[part], params[part])


def test_a_direction_is_chosen_with_its_functions() -> None:
    rng, shapes = numpy.random.default_rng(0), {"W": (2, 3, 2), "R": (2, 3, 3), "B": (2, 6)}
    both = {port: rng.normal(size=shape) for port, shape in shapes.items()}
    made = model("rnn", both, 3, direction="bidirectional", activations=["Tanh", "Relu"])
    forward = cell_of("rnn").weights_from("onnx", made, reverse=False)
    back = cell_of("relu_rnn").weights_from("onnx", made, reverse=True)
    for direction, params in enumerate([forward, back]):
        assert numpy.array_equal(params["W"], both["W"][direction])
        assert numpy.array_equal(params["b"], both["B"][direction, :3] + both["B"][direction, 3:])
    with pytest.raises(LstmgraphError, match="has the functions Relu, the cell Tanh"):
        cell_of("rnn").weights_from("onnx", made, reverse=True)
    with pytest.raises(LstmgraphError, match=r"layer 0, forward and backward\nhint: say which by `reverse`"):
        cell_of("rnn").weights_from("onnx", made)
    alone = cell_of("rnn").weights_from("onnx", {port: array[1:] for port, array in both.items()})
    assert numpy.array_equal(alone["W"], both["W"][1])


WEIGHTS = {port: numpy.zeros(shape) for port, shape in {"W": (1, 9, 2), "R": (1, 9, 3), "B": (1, 18)}.items()}
WRONG: dict[str, tuple[str, dict[str, Any], str]] = {
    "the other reset": ("gru", {"linear_before_reset": 1}, "GRU has linear_before_reset = 1"),
    "other functions": ("gru", {"activations": ["Sigmoid", "Relu"]}, "has the functions Sigmoid, Relu"),
    "clipped": ("gru", {"clip": 2.0}, "GRU has clip = 2.0"),
    "another operator": ("lstm", {}, "there is no operator LSTM"),
}


@pytest.mark.parametrize("case", WRONG)
def test_an_operator_that_computes_something_else_is_refused(case: str) -> None:
    name, attributes, said = WRONG[case]
    with pytest.raises(LstmgraphError, match=said):
        lstmgraph.load(name).weights_from("onnx", model("gru", WEIGHTS, 3, **attributes))


@pytest.mark.parametrize(
    ("name", "attribute", "value", "usual"),
    [
        ("lstm", "input_forget", 1, 0),
        ("lstm", "clip", 2.0, None),
        ("rnn", "clip", 2.0, None),
        ("gru_reset_after", "clip", 2.0, None),
        ("gru_reset_after", "linear_before_reset", 0, 1),
    ],
)
def test_an_attribute_may_say_what_the_cell_does(name: str, attribute: str, value: float, usual: int | None) -> None:
    cell = cell_of(name)
    theirs = cell.weights_to("onnx", random_parameters(cell, (3, 4)))
    cell.weights_from("onnx", model(name, theirs, 4, **({} if usual is None else {attribute: usual})))
    with pytest.raises(LstmgraphError, match=f"has {attribute} = {value}, which"):
        cell.weights_from("onnx", model(name, theirs, 4, **{attribute: value}))


def test_an_operator_is_read_however_it_is_written() -> None:
    """Back through time alone, a function in small letters, no bias, no name, and a constant that a node gives."""
    helper, from_array, rng = onnx("helper"), onnx("numpy_helper").from_array, numpy.random.default_rng(0)
    theirs = {"W": rng.normal(size=(1, 4, 3)), "R": rng.normal(size=(1, 4, 4))}
    made = model("rnn", theirs, 4, direction="reverse", activations=["relu"])
    node = made.graph.node[0]
    node.name, node.input[3] = "", ""
    del made.graph.initializer[0]
    made.graph.node.append(helper.make_node("Constant", [], ["W"], value=from_array(theirs["W"])))
    made.graph.node.append(helper.make_node("Constant", [], ["one"], value_float=1.0))
    params = cell_of("relu_rnn").weights_from("onnx", made, at="Y", reverse=True)
    assert numpy.array_equal(params["W"], theirs["W"][0])
    assert not params["b"].any()
    with pytest.raises(LstmgraphError, match=r"there are: Constant, RNN$"):
        cell_of("lstm").weights_from("onnx", made)


def test_one_of_several_operators_and_weights_that_are_none() -> None:
    cell, made = lstmgraph.load("gru"), model("gru", WEIGHTS, 3)
    twice = onnx("helper").make_node("GRU", ["x", "V", "R"], ["Z"], name="other", hidden_size=3)
    made.graph.node.append(twice)
    with pytest.raises(LstmgraphError, match="several operators GRU: layer, other"):
        cell.weights_from("onnx", made)
    assert cell.weights_from("onnx", made, at="layer")["W_r"].shape == (3, 2)
    with pytest.raises(LstmgraphError, match="W of the operator GRU, which is 'V', is no constant"):
        cell.weights_from("onnx", made, at="other")
    with pytest.raises(LstmgraphError, match="did you mean 'layer'"):
        cell.weights_from("onnx", made, at="leyer")


@pytest.mark.parametrize(("name", "value"), [("data_type", 32), ("data_type", 0), ("dims", [5, 5, 5])])
def test_a_model_that_is_broken_is_said_to_be(name: str, value: Any, tmp_path: Path) -> None:
    """It can be parsed, but not what its tensors are."""
    cell, made = lstmgraph.load("gru"), model("gru", WEIGHTS, 3)
    _set(made.graph.initializer[0], name, value)
    with pytest.raises(LstmgraphError, match=r"^the model is broken: "):
        cell.weights_from("onnx", made)
    importlib.import_module("onnx").save(made, tmp_path / "m.onnx")
    with pytest.raises(LstmgraphError, match=r"m\.onnx: the model is broken: "):
        cell.weights_from("onnx", tmp_path / "m.onnx")


def _set(message: Any, field: str, value: Any) -> None:
    message.ClearField(field)
    if isinstance(value, list):
        getattr(message, field).extend(value)
    else:
        setattr(message, field, value)


def test_the_gates_stand_as_the_operators_have_them() -> None:
    for form, arrays in LAYOUTS["onnx"].arrays.items():
        operator = ONNX[form.removesuffix("_reset_after")]  # type: ignore[index]
        orders = {array.kinds: tuple(array.gates) for array in arrays}
        assert orders.pop(("P",), operator.peepholes) == operator.peepholes
        assert set(orders.values()) == {operator.gates}
