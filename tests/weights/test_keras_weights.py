"""Weights of Keras: its layers compute what the reference interpreter does with the same weights.

In float32 alone: Keras makes that of what its tanh and its 1 - z see, whatever the type of a layer is.
"""

from __future__ import annotations

import importlib
from typing import Any

import pytest

import lstmgraph
from lstmgraph.errors import LstmgraphError
from tests.weights.running import BOUNDS, cell_of, error, outputs, random_inputs, random_parameters, random_states

pytestmark = [
    pytest.mark.keras,
    pytest.mark.torch,
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),  # of get_weights itself
]

# cell: (layer, options)
LAYERS: dict[str, tuple[str, dict[str, Any]]] = {
    "lstm": ("LSTM", {}),
    "other_letters": ("LSTM", {}),
    "gru": ("GRU", {"reset_after": False}),
    "mgu": ("GRU", {"reset_after": False}),
    "gru_reset_after": ("GRU", {"reset_after": True}),
    "other_way": ("GRU", {"reset_after": True}),
    "rnn": ("SimpleRNN", {}),
    "relu_rnn": ("SimpleRNN", {"activation": "relu"}),
}


@pytest.fixture(autouse=True)
def backend(monkeypatch: pytest.MonkeyPatch) -> None:
    """PyTorch, which compiles nothing."""
    monkeypatch.setenv("KERAS_BACKEND", "torch")


def built(name: str, x: int, h: int, **more: Any) -> Any:
    """A layer of that size, not yet with weights that matter."""
    layer, options = LAYERS[name]
    layers = importlib.import_module("keras").layers
    made = getattr(layers, layer)(h, return_sequences=True, **{**options, **more})
    made.build((None, None, x))
    return made


def ran(layer: Any, xs: Any, h: Any, c: Any) -> Any:
    states = [h, c] if type(layer).__name__ == "LSTM" else [h]
    return layer(xs, initial_state=states).detach().numpy()


@pytest.mark.parametrize("name", LAYERS)
def test_a_stored_layer_computes_the_same(name: str) -> None:
    cell, layer = cell_of(name), built(name, 3, 4)
    params = random_parameters(cell, (3, 4), dtype="float32")
    layer.set_weights(cell.weights_to("keras", params))
    xs, (h, c) = random_inputs(3, "float32"), random_states(4, "float32")
    assert error(ran(layer, xs, h, c), outputs(cell, params, xs, h, c)) < BOUNDS["float32"]


@pytest.mark.parametrize("name", [name for name in LAYERS if name != "mgu"])
def test_a_loaded_layer_computes_the_same(name: str) -> None:
    """From its variables, each of which has random entries, and without biases from their values."""
    cell, layer = cell_of(name), built(name, 2, 3, bias_initializer="random_normal")
    xs, (h, c) = random_inputs(2, "float32"), random_states(3, "float32")
    params = cell.weights_from("keras", layer.weights)
    assert error(ran(layer, xs, h, c), outputs(cell, params, xs, h, c)) < BOUNDS["float32"]
    layer = built(name, 2, 3, use_bias=False)
    params = cell.weights_from("keras", layer.get_weights())
    assert error(ran(layer, xs, h, c), outputs(cell, params, xs, h, c)) < BOUNDS["float32"]


def test_the_two_conventions_are_not_confused() -> None:
    before, after = (built(name, 3, 4).get_weights() for name in ("gru", "gru_reset_after"))
    with pytest.raises(LstmgraphError, match=r"bias .* axes"):
        lstmgraph.load("gru").weights_from("keras", after)
    with pytest.raises(LstmgraphError, match=r"bias .* axes"):
        lstmgraph.load("gru_reset_after").weights_from("keras", before)


def test_more_than_one_layer_is_refused() -> None:
    weights = built("lstm", 3, 4).get_weights()
    with pytest.raises(LstmgraphError, match=r"a layer has 2 to 3 arrays .*, not 6"):
        lstmgraph.load("lstm").weights_from("keras", weights + weights)
