"""Cells by hand, in NumPy forward and back through time: as in a textbook, and fused with care.

Both take and give what the generated file does: batch-first arrays, parameters by name.  `forward` gives the outputs
and a cache, `backward` takes it with the gradient of the outputs, and gives all gradients by name: of the parameters,
and of the input x.  Every gradient is that of the generated file: the benchmark compares them before it times anything.

To write a cell by hand: its functions here, or in `fused` if they are, and a row in `BY_HAND`.

    textbook    samples are rows, a line for every equation, gradients of weights added up step by step
    fused       samples are columns; gates stacked in one array, the projection of all inputs before the loop, values
                computed in place with views made before the loop, sigmoid by tanh with its halves in the weights,
                slopes of all steps, collected, before the backward loop, gradients of weights after it, in one
                product each

`stacked_scan` is a careful forward scan in JAX, which finds the gradients itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from benchmarks import fused
from benchmarks.fused import Array, Both, Params


def sigmoid(a: Array) -> Array:
    """1 / (1 + exp(-a)), without overflow."""
    small = np.exp(-np.abs(a))
    return np.asarray(np.where(a >= 0, 1, small) / (1 + small))


def textbook_forward(p: Params, xs: Array) -> Both:
    B, T, _ = xs.shape
    h = c = np.zeros((B, len(p["b_f"])), xs.dtype)
    steps = []
    for t in range(T):
        x, h_prev, c_prev = xs[:, t], h, c
        f = sigmoid(x @ p["W_f"].T + h_prev @ p["U_f"].T + p["p_f"] * c_prev + p["b_f"])
        i = sigmoid(x @ p["W_i"].T + h_prev @ p["U_i"].T + p["p_i"] * c_prev + p["b_i"])
        g = np.tanh(x @ p["W_g"].T + h_prev @ p["U_g"].T + p["b_g"])
        c = f * c_prev + i * g
        o = sigmoid(x @ p["W_o"].T + h_prev @ p["U_o"].T + p["p_o"] * c + p["b_o"])
        tanh_c = np.tanh(c)
        h = o * tanh_c
        steps.append((x, c_prev, h_prev, f, i, g, c, o, tanh_c, h))
    return np.stack([step[-1] for step in steps], axis=1), steps


def textbook_backward(p: Params, steps: Any, d_outputs: Array) -> Params:
    d_params = {name: np.zeros_like(value) for name, value in p.items()}
    d_xs = np.empty((*d_outputs.shape[:2], p["W_f"].shape[1]), d_outputs.dtype)
    d_h_prev = d_c_prev = np.zeros_like(d_outputs[:, 0])
    for t in reversed(range(len(steps))):
        x, c_prev, h_prev, f, i, g, c, o, tanh_c, _ = steps[t]
        d_h = d_outputs[:, t] + d_h_prev
        delta_o = d_h * tanh_c * o * (1 - o)
        d_c = d_c_prev + delta_o * p["p_o"] + d_h * o * (1 - tanh_c**2)
        delta_g = d_c * i * (1 - g**2)
        delta_i = d_c * g * i * (1 - i)
        delta_f = d_c * c_prev * f * (1 - f)
        d_c_prev = delta_f * p["p_f"] + delta_i * p["p_i"] + d_c * f
        d_h_prev = delta_f @ p["U_f"] + delta_i @ p["U_i"] + delta_g @ p["U_g"] + delta_o @ p["U_o"]
        d_xs[:, t] = delta_f @ p["W_f"] + delta_i @ p["W_i"] + delta_g @ p["W_g"] + delta_o @ p["W_o"]
        for gate, delta in {"f": delta_f, "i": delta_i, "g": delta_g, "o": delta_o}.items():
            d_params[f"W_{gate}"] += delta.T @ x
            d_params[f"U_{gate}"] += delta.T @ h_prev
            d_params[f"b_{gate}"] += np.sum(delta, axis=0)
        d_params["p_f"] += np.sum(delta_f * c_prev, axis=0)
        d_params["p_i"] += np.sum(delta_i * c_prev, axis=0)
        d_params["p_o"] += np.sum(delta_o * c, axis=0)
    return d_params | {"x": d_xs}


def stacked_scan(p: Params, xs: Any, states: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """In JAX: gates stacked, the projection of all inputs before the scan."""
    import jax
    import jax.numpy as jnp

    W, U, b = (jnp.concatenate([p[f"{kind}_{gate}"] for gate in "figo"]) for kind in "WUb")

    def one_step(carry: Any, projected: Any) -> Any:
        c_prev, h_prev = carry
        f, i, g, o = jnp.split(projected + h_prev @ U.T, 4, axis=-1)
        f, i = jax.nn.sigmoid(f + p["p_f"] * c_prev), jax.nn.sigmoid(i + p["p_i"] * c_prev)
        c = f * c_prev + i * jnp.tanh(g)
        h = jax.nn.sigmoid(o + p["p_o"] * c) * jnp.tanh(c)
        return (c, h), h

    (c, h), outputs = jax.lax.scan(one_step, (states["c"], states["h"]), xs.swapaxes(0, 1) @ W.T + b)
    return outputs.swapaxes(0, 1), {"c": c, "h": h}


class ByHand(NamedTuple):
    """How a cell is written: forward(params, xs) and backward(params, cache, d_outputs)."""

    forward: Callable[[Params, Array], Both]
    backward: Callable[[Params, Any, Array], Params]


BY_HAND: Mapping[str, Mapping[str, ByHand]] = {
    "peephole_lstm": {
        "textbook": ByHand(textbook_forward, textbook_backward),
        "fused": ByHand(fused.peephole_forward, fused.peephole_backward),
    },
    "lstm": {"fused": ByHand(fused.lstm_forward, fused.lstm_backward)},
    "gru": {"fused": ByHand(fused.gru_forward, fused.gru_backward)},
    "mgu": {"fused": ByHand(fused.mgu_forward, fused.mgu_backward)},
}
