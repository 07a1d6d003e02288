"""Weights without any library: what is stored is what is loaded, and nothing that is not zero is lost in silence."""

from __future__ import annotations

import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy
import pytest

import lstmgraph
from lstmgraph import Cell
from lstmgraph.errors import LstmgraphError
from lstmgraph.weights.blocks import Place, to_arrays, to_parts
from lstmgraph.weights.files import read
from lstmgraph.weights.layouts import FORMS, LAYOUTS
from lstmgraph.weights.parameters import KINDS, spoken
from tests.test_standard import fused
from tests.weights.running import SIZES, Arrays, cell_of, random_parameters

# cell: the form that it is
CELLS = {
    "lstm": "lstm",
    "peephole_lstm": "lstm",
    "cifg": "lstm",
    "other_letters": "lstm",
    "gru": "gru",
    "mgu": "gru",
    "gru_reset_after": "gru_reset_after",
    "other_way": "gru_reset_after",
    "rnn": "rnn",
}
# What a cell has and a layout lacks.
LACKS = {("peephole_lstm", name): "p_" for name in LAYOUTS if name != "onnx"} | {
    (name, "nnx"): "b_hn" for name in ("gru_reset_after", "other_way")
}
PAIRS = [(name, layout) for name, form in CELLS.items() for layout, row in LAYOUTS.items() if form in row.arrays]


def storable(name: str, layout: str, params: Arrays) -> Arrays:
    """Parameters without what a layout lacks."""
    lacks = LACKS.get((name, layout))
    return {k: v * (lacks is None or not k.startswith(lacks)) for k, v in params.items()}


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize(("name", "layout"), PAIRS)
def test_what_is_stored_is_loaded(name: str, layout: str, sizes: tuple[int, int]) -> None:
    cell = cell_of(name)
    params = storable(name, layout, random_parameters(cell, sizes))
    again = cell.weights_from(layout, cell.weights_to(layout, params))
    assert list(again) == [p.name for p in cell.parameters]
    if name == "other_letters":  # two biases in one gate, of which the first takes all
        params |= {"k_a": params["k_a"] + params["l_a"], "l_a": 0 * params["l_a"]}
    for parameter, array in params.items():
        assert again[parameter].shape == array.shape
        assert numpy.array_equal(again[parameter], array)


@pytest.mark.parametrize(("layout", "form"), [(name, form) for name, row in LAYOUTS.items() for form in row.arrays])
def test_what_is_loaded_is_stored(layout: str, form: str) -> None:
    """Arrays of a library, one with other numbers in each place, come back as they were."""
    place, h, x = Place(layout, form, layer=2), 3, 2
    gates = FORMS[form].gates
    counted = iter(range(1, 1000))
    shapes = {"W": (h, x), "R": (h, h), "b": (h,), "P": (h,), "Rb": (h,)}
    kinds = {"W": gates, "R": gates, "b": gates, "P": FORMS[form].peepholes, "Rb": FORMS[form].apart}
    parts = {
        (kind, gate): numpy.array([next(counted) for _ in range(math.prod(shapes[kind]))], float).reshape(shapes[kind])
        for kind, having in kinds.items()
        for gate in having
    }
    arrays = to_arrays(place, parts)
    found = to_parts(place, arrays)
    known = {part for array in place.arrays.values() for part in place.parts(array)}
    assert found.keys() == parts.keys() & known
    assert all(numpy.array_equal(found[part], parts[part]) for part in found)
    assert all(array.flags.c_contiguous for array in arrays.values())
    again = to_arrays(place, found)
    assert all(numpy.array_equal(again[name], array) for name, array in arrays.items())


def test_two_biases_are_added_and_the_second_is_zero() -> None:
    cell, rng = lstmgraph.load("gru_reset_after"), numpy.random.default_rng(0)
    shapes = {"weight_ih_l0": (12, 3), "weight_hh_l0": (12, 4), "bias_ih_l0": (12,), "bias_hh_l0": (12,)}
    theirs = {name: rng.normal(size=shape) for name, shape in shapes.items()}
    params = cell.weights_from("torch", theirs)
    both = theirs["bias_ih_l0"] + theirs["bias_hh_l0"]
    assert numpy.array_equal(params["b_r"], both[:4])
    assert numpy.array_equal(params["b_z"], both[4:8])
    assert numpy.array_equal(params["b_in"], theirs["bias_ih_l0"][8:])
    assert numpy.array_equal(params["b_hn"], theirs["bias_hh_l0"][8:])
    stored = cell.weights_to("torch", params)
    assert list(stored) == list(shapes)
    assert numpy.array_equal(stored["bias_hh_l0"], [*[0] * 8, *theirs["bias_hh_l0"][8:]])


def test_gates_in_one_product_are_rows_of_one_parameter() -> None:
    cell, rng = Cell.of(fused()), numpy.random.default_rng(0)
    theirs = {"weight_ih": rng.normal(size=(8, 3)), "weight_hh": rng.normal(size=(8, 2)), "bias_ih": rng.normal(size=8)}
    params = cell.weights_from("torch-cell", theirs)
    i, f, g, o = numpy.split(theirs["weight_ih"], 4)
    assert numpy.array_equal(params["W"], numpy.concatenate([g, f, i, o]))
    stored = cell.weights_to("torch-cell", params)
    assert all(numpy.array_equal(stored[name], array) for name, array in theirs.items())


# Each gate has a bias of its own, and both of them one more.
SHARED = """
name = "shared"
equations = '''
r[t] = sigmoid(W_r @ x[t] + U_r @ h[t-1] + b)
z[t] = sigmoid(W_z @ x[t] + U_z @ h[t-1] + b - d_z)
g[t] = tanh(W_g @ x[t] + U_g @ (r[t] * h[t-1]) - d_z + b_g)
h[t] = z[t] * h[t-1] + (1 - z[t]) * g[t]
'''
[sizes]
x = "X"
h = "H"
"""


def test_a_bias_that_gates_share_is_taken_from_the_others() -> None:
    cell, theirs = lstmgraph.loads(SHARED), weights("gru", "keras")
    params = cell.weights_from("keras", theirs)
    b_z, b_r, b_g = numpy.split(theirs[2], 3)
    assert numpy.array_equal(params["b"], b_r)
    assert numpy.allclose(params["d_z"], b_r - b_z, rtol=0, atol=1e-15)
    assert numpy.allclose(params["b_g"], b_g + params["d_z"], rtol=0, atol=1e-15)
    again = cell.weights_to("keras", params)
    assert all(numpy.allclose(found, wanted, rtol=0, atol=1e-15) for found, wanted in zip(again, theirs, strict=True))


def test_large_weights_may_be_off_by_their_rounding() -> None:
    theirs = [array * 1e6 for array in weights("gru", "keras")]
    again = (cell := lstmgraph.loads(SHARED)).weights_to("keras", cell.weights_from("keras", theirs))
    assert all(
        numpy.allclose(found, wanted, rtol=1e-14, atol=1e-9) for found, wanted in zip(again, theirs, strict=True)
    )


def test_what_is_zero_needs_no_place_in_a_cell() -> None:
    bare = lstmgraph.loads(
        'name = "bare"\nequations = "h[t] = tanh(W @ x[t] + U @ h[t-1])"\nsizes = {x = "X", h = "H"}'
    )
    theirs = weights("rnn", "torch")
    params = bare.weights_from("torch", theirs | {name: 0 * theirs[name] for name in theirs if "bias" in name})
    assert numpy.array_equal(params["W"], theirs["weight_ih_l0"])


def test_weights_of_one_number_are_scalars() -> None:
    text = 'name = "one"\nequations = "h[t] = tanh(W @ x[t] + U @ h[t-1] + b)"\nsizes = {x = 1, h = 1}'
    theirs = {name: array[(slice(1),) * array.ndim] for name, array in weights("rnn", "torch").items()}
    params = lstmgraph.loads(text).weights_from("torch", theirs)
    assert {array.shape for array in params.values()} == {()}
    again = lstmgraph.loads(text).weights_to("torch", params)
    assert all(numpy.array_equal(again[name], array) for name, array in theirs.items())


# ── what goes wrong ──


def random(name: str, x: int = 3, h: int = 4) -> Arrays:
    return random_parameters(cell_of(name), (x, h))


def weights(name: str, layout: str) -> Any:
    return cell_of(name).weights_to(layout, storable(name, layout, random(name)))


def torch_like(name: str = "lstm", **more: Any) -> Any:
    return {**weights(name, "torch"), **more}


def nudged(arrays: Any) -> Any:
    """The same weights but for one in the last place but three."""
    arrays["bias_ih_l0"][0] *= 1 + 1e-12
    return arrays


def peeping(entries: list[float]) -> Arrays:
    """Parameters of which one peephole has these entries, and the others are zero."""
    zero = numpy.zeros(4)
    return random("peephole_lstm") | {"p_i": numpy.array(entries, float), "p_f": zero, "p_o": zero}


def peeping_in_onnx(entries: list[float]) -> Any:
    return cell_of("peephole_lstm").weights_to("onnx", peeping(entries))


def in_model(*path: str) -> dict[str, Any]:
    """Weights of PyTorch under a name in a larger model."""
    return {".".join([*path, name]): array for name, array in torch_like().items()}


WRONG: dict[str, tuple[Callable[[], object], str]] = {
    "peepholes that are not zero": (
        lambda: cell_of("peephole_lstm").weights_to("torch", random("peephole_lstm")),
        r"the layout torch has no peephole of the input gate, no .*, and p_i, p_f, p_o of peephole_lstm are not zero",
    ),
    "one entry of a peephole": (
        lambda: cell_of("peephole_lstm").weights_to("torch", peeping([0, 0, 0, 1])),
        "the layout torch has no peephole of the input gate, and p_i of peephole_lstm is not zero",
    ),
    "one entry of a peephole that the cell lacks": (
        lambda: cell_of("lstm").weights_from("onnx", peeping_in_onnx([0, 0, 0, 1])),
        "lstm has no parameter for the peephole of the input gate",
    ),
    "no axis for the gates": (
        lambda: cell_of("lstm").weights_from("torch", torch_like(weight_ih_l0=numpy.zeros(16))),
        r"weight_ih_l0 has the shape \(16,\); it must have 2 axes, and entries",
    ),
    "an array without entries": (
        lambda: cell_of("lstm").weights_from("torch", torch_like(weight_ih_l0=numpy.zeros((16, 0)))),
        r"weight_ih_l0 has the shape \(16, 0\); it must have 2 axes, and entries",
    ),
    "a gate that sees less of the input": (
        lambda: cell_of("lstm").weights_from("flax", weights("lstm", "flax") | {"if": {"kernel": numpy.zeros((2, 4))}}),
        r"if\.kernel has the shape \(2, 4\); of an LSTM it has \(3, 4\)",
    ),
    "an array too many in a model": (
        lambda: cell_of("lstm").weights_from("torch", in_model("a") | {"a.weight_hr_l0": numpy.zeros((2, 4))}),
        "^a.weight_hr_l0 is an array that no torch layer of this form has",
    ),
    "peepholes that the cell lacks": (
        lambda: cell_of("lstm").weights_from("onnx", weights("peephole_lstm", "onnx")),
        "lstm has no parameter for the peephole of the input gate, not zero in these weights",
    ),
    "a bias that the cell lacks": (
        lambda: lstmgraph.loads(
            'name = "bare"\nequations = "h[t] = tanh(W @ x[t] + U @ h[t-1])"\nsizes = {x = "X", h = "H"}'
        ).weights_from("torch", weights("rnn", "torch")),
        "bare has no parameter for the bias of the output",
    ),
    "tied gates": (
        lambda: cell_of("cifg").weights_from("torch", torch_like()),
        "cifg uses one parameter in several places, and these weights differ there: the weights of the input of the",
    ),
    "tied gates that hardly differ": (
        lambda: cell_of("cifg").weights_from("torch", nudged(weights("cifg", "torch"))),
        "cifg uses one parameter in several places",
    ),
    "a form that is not there": (
        lambda: cell_of("gru").weights_to("torch", random("gru")),
        r"the layout torch has no GRU that resets before the product\nhint: layouts that have it: keras, onnx",
    ),
    "no standard form": (
        lambda: lstmgraph.load("slstm").weights_to("torch", {}),
        r"slstm is none of them by its equations\nhint: it differs from an LSTM: it carries m, c, n, h",
    ),
    "functions that PyTorch lacks": (
        lambda: lstmgraph.loads(
            lstmgraph.load("lstm").to_toml().replace("tanh(W_g", "relu(W_g"),
        ).weights_to("torch", random("lstm")),
        "the layout torch has no layer with the functions of lstm, which are sigmoid, relu, tanh",
    ),
    "a function that PyTorch lacks": (
        lambda: lstmgraph.loads(
            lstmgraph.load("rnn").to_toml().replace("tanh", "sigmoid"),
        ).weights_to("torch", random("rnn")),
        "the layout torch has no layer with the functions of rnn, which are sigmoid",
    ),
    "two functions where Keras has one": (
        lambda: lstmgraph.loads(
            lstmgraph.load("lstm").to_toml().replace("tanh(W_g", "relu(W_g"),
        ).weights_to("keras", random("lstm")),
        "the layout keras has no layer with the functions of lstm",
    ),
    "an unknown layout": (lambda: cell_of("lstm").weights_to("torhc", {}), "did you mean 'torch'"),
    "an unknown parameter": (
        lambda: cell_of("lstm").weights_to("torch", {**random("lstm"), "W_q": numpy.zeros(1)}),
        "no parameter 'W_q' in lstm",
    ),
    "a missing parameter": (
        lambda: cell_of("rnn").weights_to("torch", {"U": numpy.zeros((4, 4))}),
        "rnn has parameters that are not given: W, b",
    ),
    "parameters that do not fit": (
        lambda: cell_of("rnn").weights_to("torch", random("rnn") | {"b": numpy.zeros(5)}),
        r"^b must be \(4,\), as all others say H=4, got \(5,\)",
    ),
    "a vector for a matrix": (
        lambda: cell_of("rnn").weights_to("torch", random("rnn") | {"W": numpy.zeros(4)}),
        r"W has the shape \(4,\), and must have 2 axes",
    ),
    "a matrix for a bias": (
        lambda: cell_of("rnn").weights_to("torch", random("rnn") | {"b": numpy.zeros((4, 1))}),
        r"b has the shape \(4, 1\), and must have 1 axis",
    ),
    "weights of another cell": (
        lambda: cell_of("gru_reset_after").weights_from("torch", torch_like()),
        r"weight_ih_l0 has the shape \(16, 3\); of a GRU that resets after the product it has \(12, 3\)",
    ),
    "weights of another layout": (
        lambda: cell_of("lstm").weights_from("torch", weights("lstm", "torch-cell")),
        r"no array 'weight_ih_l0' in these weights\nhint: the names are those of torch-cell",
    ),
    "a layer that is not there": (
        lambda: cell_of("lstm").weights_from("torch", torch_like(), layer=1),
        r"no array 'weight_ih_l1' in these weights\nhint: there are: weight_ih_l0",
    ),
    "no weights at all": (lambda: cell_of("lstm").weights_from("onnx", {}), "hint: there are: none"),
    "an array too many": (
        lambda: cell_of("lstm").weights_from("torch", torch_like(weight_hr_l0=numpy.zeros((2, 4)))),
        "weight_hr_l0 is an array that no torch layer of this form has",
    ),
    "text for an array": (
        lambda: cell_of("lstm").weights_from("torch", torch_like(bias_hh_l0="0")),
        "bias_hh_l0 is no array of real numbers",
    ),
    "numbers that are none": (
        lambda: cell_of("lstm").weights_from("torch", torch_like(bias_hh_l0=numpy.full(16, numpy.nan))),
        "bias_hh_l0 has entries that are not finite",
    ),
    "a list for a mapping": (lambda: cell_of("lstm").weights_from("torch", [1]), "the layout torch takes a mapping"),
    "a model for a mapping": (
        lambda: cell_of("lstm").weights_from("torch", SimpleNamespace(graph=None)),
        "hint: the layout of a model of ONNX is onnx",
    ),
    "a name where none is": (
        lambda: cell_of("lstm").weights_from("torch", torch_like(), at="encoder"),
        r"no torch layer 'encoder': no name stands before those of the arrays\nhint: leave out `at`",
    ),
    "another name": (
        lambda: cell_of("lstm").weights_from("torch", in_model("encoder"), at="decoder"),
        r"no torch layer 'decoder'\nhint: did you mean 'encoder'",
    ),
    "nothing for weights": (lambda: cell_of("lstm").weights_from("keras", None), "the layout keras takes a list"),
    "a layer of Keras that is deeper": (
        lambda: cell_of("lstm").weights_from("keras", weights("lstm", "keras"), layer=1),
        "the layout keras is that of one layer",
    ),
    "a direction of Keras": (
        lambda: cell_of("lstm").weights_from("keras", weights("lstm", "keras"), reverse=True),
        "the layout keras is that of one direction",
    ),
    "text for a layer": (
        lambda: cell_of("lstm").weights_from("torch", torch_like(), layer="0"),  # type: ignore[arg-type]
        "layer takes a whole number, not '0'",
    ),
    "a negative layer": (
        lambda: cell_of("lstm").weights_from("torch", torch_like(), layer=-1),
        "layers are counted from 0",
    ),
    "parameters that are none": (lambda: cell_of("lstm").weights_to("torch", [1]), "params takes a mapping"),  # type: ignore[arg-type]
    "a file of another kind": (lambda: read("weights.h5"), r"'weights.h5' is no file of weights\nhint: known: .npz"),
    "a file that is not there": (lambda: read("nowhere.npz"), "cannot read weights from nowhere.npz: No such file"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_said(case: str) -> None:
    call, said = WRONG[case]
    with pytest.raises(LstmgraphError, match=said):
        call()


def test_a_layer_is_found_among_others() -> None:
    """By a path with points or strokes, whatever else has arrays of those names, or others below it."""
    cell, other = cell_of("lstm"), {name: array + 1 for name, array in torch_like().items()}
    wanted = cell.weights_from("torch", torch_like())
    for at in ("model.decoder", "model/decoder"):
        found = cell.weights_from("torch", in_model("model", "decoder") | other, at=at)
        assert all(numpy.array_equal(found[name], array) for name, array in wanted.items())
    below = weights("lstm", "torch-cell") | {"head.bias": numpy.zeros(2)}
    assert numpy.array_equal(cell.weights_from("torch-cell", below)["W_f"], wanted["W_f"])


def test_the_one_direction_of_an_operator_is_the_one_back_where_that_is_asked_for() -> None:
    cell, theirs = cell_of("rnn"), weights("rnn", "onnx")
    there, back = (cell.weights_from("onnx", theirs, reverse=reverse) for reverse in (False, True))
    assert all(numpy.array_equal(back[name], array) for name, array in there.items())


def test_a_part_in_words_says_which() -> None:
    """Of a form no two parts are called the same; n, of a GRU, and g, of an LSTM, are candidates."""
    for form in FORMS.values():
        names = [spoken((kind, gate)) for kind in KINDS for gate in form.gates]
        assert len(names) == len({*names})
    assert [spoken(("W", gate)).removeprefix("weights of the input of the ") for gate in "ifgorznh"] == [
        *("input gate", "forget gate", "candidate", "output gate", "reset gate", "update gate", "candidate", "output")
    ]
    assert spoken(("R", "n")) == "recurrent weights of the candidate"


def test_both_biases_of_keras_are_rows() -> None:
    assert weights("gru_reset_after", "keras")[2].shape == (2, 12)


def test_a_cell_of_fixed_sizes_takes_no_others() -> None:
    text = 'name = "four"\nequations = "h[t] = tanh(W @ x[t] + U @ h[t-1] + b)"\nsizes = {x = "X", h = 4}'
    assert lstmgraph.loads(text).weights_from("torch", weights("rnn", "torch"))["U"].shape == (4, 4)
    with pytest.raises(LstmgraphError, match=r"an input of 3 and an output of 4: .* has 5 rows"):
        lstmgraph.loads(text.replace("4", "5")).weights_from("torch", weights("rnn", "torch"))
