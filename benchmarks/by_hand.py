"""Cells by hand, in NumPy forward and back through time: as in a textbook, and fused with care.

Both take and give what the generated file does: batch-first arrays, parameters by name.  `forward` gives the outputs
and a cache, `backward` takes it with the gradient of the outputs, and gives all gradients by name: of the parameters,
and of the input x.  Every gradient is that of the generated file: the benchmark compares them before it times anything.

To write a cell by hand: its functions here, or in `fused`, and a row in `BY_HAND`.

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

Array = np.ndarray[Any, Any]
Params = dict[str, Array]
Both = tuple[Array, Any]


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


def fused_forward(p: Params, xs: Array) -> Both:
    B, T, _ = xs.shape
    H = len(p["b_f"])
    x = np.ascontiguousarray(xs.transpose(1, 2, 0))
    W, U, b = (np.concatenate([p[f"{k}_f"], p[f"{k}_i"], p[f"{k}_g"], p[f"{k}_o"]]) for k in "WUb")
    for stack in (W, U, b):
        stack[: 2 * H] *= 0.5  # sigmoid(a) = (1 + tanh(a / 2)) / 2
        stack[3 * H :] *= 0.5
    # as wide as the batch: a product of equal shapes takes less than one that is broadcast
    p_fi = np.repeat(0.5 * np.stack([p["p_f"], p["p_i"]])[:, :, None], B, axis=2)
    p_o = np.repeat(0.5 * p["p_o"][:, None], B, axis=1)
    gates = (x[:, :, 0] @ W.T)[:, :, None] if B == 1 else np.matmul(W, x)
    gates += b[:, None]
    h, c = np.zeros((T + 1, H, B), xs.dtype), np.zeros((T + 1, H, B), xs.dtype)
    tanh_c = np.empty((T, H, B), xs.dtype)
    product = np.empty((4 * H, B), xs.dtype)
    two, one = np.empty((2, H, B), xs.dtype), np.empty((H, B), xs.dtype)
    half = np.array(0.5, xs.dtype)  # a call takes it in half the time of a Python number
    gates_3 = gates[:, : 2 * H].reshape(T, 2, H, B)
    for all_, fig, fi, fi_2, f, i, g, o, h_0, h_1, c_0, c_1, tanh in zip(
        *(
            gates,
            gates[:, : 3 * H],
            gates[:, : 2 * H],
            gates_3,
            gates[:, :H],
            gates[:, H : 2 * H],
            gates[:, 2 * H : 3 * H],
        ),
        *(gates[:, 3 * H :], h, h[1:], c, c[1:], tanh_c),
        strict=False,
    ):
        U.dot(h_0, product)
        np.add(all_, product, all_)
        np.multiply(p_fi, c_0, two)
        np.add(fi_2, two, fi_2)
        np.tanh(fig, fig)
        np.multiply(fi, half, fi)
        np.add(fi, half, fi)
        np.multiply(f, c_0, c_1)
        np.multiply(i, g, one)
        np.add(c_1, one, c_1)
        np.multiply(p_o, c_1, one)
        np.add(o, one, o)
        np.tanh(o, o)
        np.multiply(o, half, o)
        np.add(o, half, o)
        np.tanh(c_1, tanh)
        np.multiply(o, tanh, h_1)
    return h[1:].transpose(2, 0, 1), (x, gates, h, c, tanh_c)


def fused_backward(p: Params, cache: Any, d_outputs: Array) -> Params:
    _, gates, _, c, tanh_c = cache
    T, H, B = tanh_c.shape
    f, i, g, o = (gates[:, k * H : (k + 1) * H] for k in range(4))
    U = np.concatenate([p["U_f"], p["U_i"], p["U_g"], p["U_o"]]).T
    W = np.concatenate([p["W_f"], p["W_i"], p["W_g"], p["W_o"]])
    p_f, p_i, p_o = (np.repeat(p[f"p_{k}"][:, None], B, axis=1) for k in "fio")
    d_out = np.ascontiguousarray(d_outputs.transpose(1, 2, 0))
    deltas = np.empty((T, 4 * H, B), d_out.dtype)
    delta_f, delta_i, delta_g, delta_o = (deltas[:, k * H : (k + 1) * H] for k in range(4))
    # what each delta is a multiple of is made where the delta will be
    for rows in (slice(2 * H), slice(3 * H, None)):
        np.subtract(1, gates[:, rows], deltas[:, rows])
        deltas[:, rows] *= gates[:, rows]
    delta_f *= c[:-1]
    delta_i *= g
    delta_o *= tanh_c
    np.multiply(g, g, delta_g)
    np.subtract(1, delta_g, delta_g)
    delta_g *= i
    slope_c = tanh_c * tanh_c
    np.subtract(1, slope_c, slope_c)
    slope_c *= o
    # d_c takes d_h by all ways at once, and c[t-1] takes d_c so
    part = delta_o * p_o
    slope_c += part
    slope_c_prev = delta_f * p_f
    np.multiply(delta_i, p_i, part)
    slope_c_prev += part
    slope_c_prev += f
    d_h, d_c, one = np.zeros((H, B), d_out.dtype), np.zeros((H, B), d_out.dtype), np.empty((H, B), d_out.dtype)
    for d, s_c, s_c_prev, all_, fig, d_o in zip(
        *(d_out[::-1], slope_c[::-1], slope_c_prev[::-1], deltas[::-1]),
        *(deltas[::-1, : 3 * H].reshape(T, 3, H, B), delta_o[::-1]),
        strict=True,
    ):
        np.add(d_h, d, d_h)
        np.multiply(d_o, d_h, d_o)
        np.multiply(d_h, s_c, one)
        np.add(d_c, one, d_c)
        np.multiply(fig, d_c, fig)
        np.multiply(d_c, s_c_prev, d_c)
        U.dot(all_, d_h)
    return _gradients(W, cache, deltas)


def _gradients(W: Array, cache: Any, deltas: Array) -> Params:
    x, _, h, c, _ = cache
    H = h.shape[1]
    flat = deltas.swapaxes(0, 1).reshape(4 * H, -1)
    d_W = flat @ x.swapaxes(0, 1).reshape(x.shape[1], -1).T
    d_U = flat @ h[:-1].swapaxes(0, 1).reshape(H, -1).T
    d_b = flat.sum(axis=1)
    d_xs = (W.T @ flat).reshape(x.shape[1], len(deltas), -1)
    found = {"x": d_xs.transpose(2, 1, 0)}
    for k, gate in enumerate("figo"):
        rows = slice(k * H, (k + 1) * H)
        found |= {f"W_{gate}": d_W[rows], f"U_{gate}": d_U[rows], f"b_{gate}": d_b[rows]}
    found["p_f"] = np.einsum("tnb,tnb->n", deltas[:, :H], c[:-1])
    found["p_i"] = np.einsum("tnb,tnb->n", deltas[:, H : 2 * H], c[:-1])
    found["p_o"] = np.einsum("tnb,tnb->n", deltas[:, 3 * H :], c[1:])
    return found


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
        "fused": ByHand(fused_forward, fused_backward),
    },
    "lstm": {"fused": ByHand(fused.lstm_forward, fused.lstm_backward)},
    "gru": {"fused": ByHand(fused.gru_forward, fused.gru_backward)},
    "mgu": {"fused": ByHand(fused.mgu_forward, fused.mgu_backward)},
}
