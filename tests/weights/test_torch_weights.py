"""Weights of PyTorch: its layers compute what the reference interpreter does with the same weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy
import pytest

import lstmgraph
from lstmgraph.errors import LstmgraphError
from tests.weights.running import (
    BOUNDS,
    SIZES,
    cell_of,
    error,
    outputs,
    random_inputs,
    random_parameters,
    random_states,
)

torch: Any = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

# cell: (layer, options)
LAYERS = {
    "lstm": ("LSTM", {}),
    "other_letters": ("LSTM", {}),
    "cifg": ("LSTM", {}),
    "gru_reset_after": ("GRU", {}),
    "other_way": ("GRU", {}),
    "rnn": ("RNN", {}),
    "relu_rnn": ("RNN", {"nonlinearity": "relu"}),
}


def tensors(arrays: Any, dtype: str) -> dict[str, Any]:
    return {name: torch.as_tensor(array, dtype=getattr(torch, dtype)) for name, array in arrays.items()}


def start(layer: str, h: Any, c: Any) -> Any:
    """The first states, as a layer takes them."""
    first, second = torch.as_tensor(h)[None], torch.as_tensor(c)[None]
    return (first, second) if layer == "LSTM" else first


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("dtype", BOUNDS)
@pytest.mark.parametrize("name", LAYERS)
def test_a_stored_layer_computes_the_same(name: str, dtype: str, sizes: tuple[int, int]) -> None:
    cell, (layer, options) = cell_of(name), LAYERS[name]
    params = random_parameters(cell, sizes, dtype=dtype)
    module = getattr(torch.nn, layer)(*sizes, batch_first=True, dtype=getattr(torch, dtype), **options)
    module.load_state_dict(tensors(cell.weights_to("torch", params), dtype))
    xs, (h, c) = random_inputs(sizes[0], dtype), random_states(sizes[1], dtype)
    found, _ = module(torch.as_tensor(xs), start(layer, h, c))
    assert error(found.detach().numpy(), outputs(cell, params, xs, h, c)) < BOUNDS[dtype]


@pytest.mark.parametrize("name", [name for name in LAYERS if name != "cifg"])
def test_a_loaded_layer_computes_the_same(name: str) -> None:
    """A layer's own weights, of the second of two layers, in the direction back through time."""
    cell, (layer, options) = cell_of(name), LAYERS[name]
    torch.manual_seed(0)
    deep = getattr(torch.nn, layer)(3, 4, 2, bidirectional=True, dtype=torch.float64, **options)
    params = cell.weights_from("torch", deep.state_dict(), layer=1, reverse=True)
    xs, (h, c) = random_inputs(8), random_states(4)
    single = getattr(torch.nn, layer)(8, 4, batch_first=True, dtype=torch.float64, **options)
    suffix = "_l1_reverse"
    own = {n.replace(suffix, "_l0"): v for n, v in deep.state_dict().items() if n.endswith(suffix)}
    single.load_state_dict(own)
    found, _ = single(torch.as_tensor(xs), start(layer, h, c))
    assert error(found.detach().numpy(), outputs(cell, params, xs, h, c)) < BOUNDS["float64"]


@pytest.mark.parametrize(
    ("layers", "both", "there", "given"),
    [
        (2, False, "layers 0, 1, forward", {"layer": 0}),
        (1, True, "layer 0, forward and backward", {"reverse": False}),
        (2, True, "layers 0, 1, forward and backward", {"layer": 1, "reverse": False}),
        (1, False, "", {}),
    ],
)
def test_one_of_several_layers_or_directions_is_never_taken_unasked(
    layers: int, both: bool, there: str, given: dict[str, Any]
) -> None:
    cell, deep = lstmgraph.load("lstm"), torch.nn.LSTM(3, 4, layers, bidirectional=both)
    weights = {f"encoder.{name}": array for name, array in deep.state_dict().items()}
    cell.weights_from("torch", weights, **given)
    for left_out in given:
        rest = {name: value for name, value in given.items() if name != left_out}
        with pytest.raises(LstmgraphError, match=rf"of {there}\nhint: say which by `{left_out}`"):
            cell.weights_from("torch", weights, **rest)


@pytest.mark.parametrize("name", ["lstm", "gru_reset_after", "rnn"])
def test_a_step_of_a_cell_computes_the_same(name: str) -> None:
    cell, module = cell_of(name), getattr(torch.nn, f"{LAYERS[name][0]}Cell")(3, 4, dtype=torch.float64)
    params = cell.weights_from("torch-cell", module.state_dict())
    xs, (h, c) = random_inputs(3)[:, :1], random_states(4)
    states = (torch.as_tensor(h), torch.as_tensor(c)) if name == "lstm" else torch.as_tensor(h)
    found = module(torch.as_tensor(xs[:, 0]), states)
    found = found[0] if name == "lstm" else found
    assert error(found.detach().numpy()[:, None], outputs(cell, params, xs, h, c)) < BOUNDS["float64"]
    again = cell.weights_to("torch-cell", params)
    module.load_state_dict(tensors(again, "float64"))


def test_a_layer_without_biases_and_of_half_precision() -> None:
    cell = lstmgraph.load("lstm")
    module = torch.nn.LSTM(3, 4, bias=False, dtype=torch.bfloat16)
    params = cell.weights_from("torch", dict(module.named_parameters()))
    assert params["W_f"].dtype == numpy.float32
    assert not numpy.any(params["b_f"])


def test_a_projection_is_not_lost() -> None:
    with pytest.raises(LstmgraphError, match="weight_hr_l0 is an array that no torch layer of this form has"):
        lstmgraph.load("lstm").weights_from("torch", torch.nn.LSTM(3, 4, proj_size=2).state_dict())


def test_a_layer_in_a_model_is_found(tmp_path: Path) -> None:
    model = torch.nn.ModuleDict({"encoder": torch.nn.GRU(3, 4), "head": torch.nn.Linear(4, 2)})
    cell = lstmgraph.load("gru_reset_after")
    torch.save({"epoch": 3, "model": model.state_dict()}, tmp_path / "model.pt")
    params = cell.weights_from("torch", tmp_path / "model.pt")
    assert numpy.array_equal(params["b_hn"], model["encoder"].bias_hh_l0[8:].detach().numpy())
    model["decoder"] = torch.nn.GRU(3, 4)
    with pytest.raises(LstmgraphError, match="several layers: encoder, decoder"):
        cell.weights_from("torch", model.state_dict())
    there = cell.weights_from("torch", model.state_dict(), at="decoder")
    assert numpy.array_equal(there["b_hn"], model["decoder"].bias_hh_l0[8:].detach().numpy())
    with pytest.raises(LstmgraphError, match="did you mean 'decoder'"):
        cell.weights_from("torch", model.state_dict(), at="decodr")


def test_a_pickle_is_not_run(tmp_path: Path) -> None:
    torch.save(torch.nn.LSTM(3, 4), tmp_path / "model.pt")  # the module itself: loading it would run code
    with pytest.raises(
        LstmgraphError, match=r"model\.pt: it is no file of torch\.save\(model\.state_dict\(\), FILE\)$"
    ):
        lstmgraph.load("lstm").weights_from("torch", tmp_path / "model.pt")


def test_what_holds_no_layer_says_so(tmp_path: Path) -> None:
    (tmp_path / "text.pt").write_text("hello", encoding="utf-8")
    cell = lstmgraph.load("lstm")
    with pytest.raises(LstmgraphError, match=r"text\.pt: it is no file of torch\.save"):
        cell.weights_from("torch", tmp_path / "text.pt")
    with pytest.raises(LstmgraphError, match="there is no array 'weight_ih_l0' in these weights\nhint: there are: a"):
        cell.weights_from("torch", {"a": numpy.ones(3)}, at="encoder")
    with pytest.raises(LstmgraphError, match=r"hint: give its \.state_dict\(\)"):
        cell.weights_from("torch", torch.nn.LSTM(3, 4))
    with pytest.raises(LstmgraphError, match="weight_ih_l0 is a tensor without numbers, on the device meta"):
        cell.weights_from("torch", torch.nn.LSTM(3, 4, device="meta").state_dict())
