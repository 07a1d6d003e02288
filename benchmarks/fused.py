"""Peephole LSTM, LSTM, GRU (reset before the product) and MGU by hand in NumPy, fused with care: `by_hand` says how.

Samples are columns here: a value of step t is (n, B), that of all steps (T, n, B).  The gates of a cell lie below one
another in one array, and so do their gradients, in the same order; what each gradient is a multiple of is made for all
steps in its place before the loop.  A number of the loop is an array, which a call takes in half the time.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
Params = dict[str, Array]
Both = tuple[Array, Any]


def stacked(p: Params, kind: str, gates: str, sigmoids: str = "") -> Array:
    """The parameters of some gates below one another, those of sigmoids halved: sigmoid(a) = (1 + tanh(a / 2)) / 2."""
    return np.concatenate([(0.5 if gate in sigmoids else 1) * p[f"{kind}_{gate}"] for gate in gates])


def columns(xs: Array) -> Array:
    return np.ascontiguousarray(xs.transpose(1, 2, 0))


def projected(W: Array, b: Array, x: Array) -> Array:
    """W x + b of all steps."""
    gates = (x[:, :, 0] @ W.T)[:, :, None] if x.shape[2] == 1 else np.matmul(W, x)
    gates += wide(b, x.shape[2])
    return np.asarray(gates)


def flat(a: Array) -> Array:
    """All steps beside one another."""
    return a.swapaxes(0, 1).reshape(a.shape[1], -1)


def wide(vector: Array, B: int) -> Array:
    """As wide as the batch: a product of equal shapes takes less than one that is broadcast."""
    return vector[:, None].repeat(B, axis=1)


def rows(a: Array, H: int, *counts: int) -> list[Array]:
    """An array of all steps in parts of so many gates."""
    ends = H * np.cumsum(counts)
    return [a[:, end - H * count : end] for count, end in zip(counts, ends, strict=True)]


def zeros(count: int, x: Array, H: int) -> list[Array]:
    return [np.zeros((len(x) + 1, H, x.shape[2]), x.dtype) for _ in range(count)]


def slope_of_sigmoid(a: Array, out: Array) -> None:
    np.subtract(1, a, out)
    out *= a


def slope_of_tanh(a: Array, out: Array) -> None:
    np.multiply(a, a, out)
    np.subtract(1, out, out)


def gradients(p: Params, gates: str, x: Array, deltas: Array, met: dict[str, Array]) -> Params:
    """Those of the weights, one product each; `met` says what the recurrent weights of some gates are multiplied by."""
    H, (T, _, B) = len(p[f"b_{gates[0]}"]), deltas.shape
    all_ = flat(deltas)
    d_x = (stacked(p, "W", gates).T @ all_).reshape(x.shape[1], T, B)
    found = {"x": d_x.transpose(2, 1, 0)}
    d_W, d_b = all_ @ flat(x).T, all_.sum(axis=1)
    at = {gate: slice(k * H, (k + 1) * H) for k, gate in enumerate(gates)}
    for group, value in met.items():
        first, last = at[group[0]], at[group[-1]]
        d_U = all_[first.start : last.stop] @ flat(value).T
        for k, gate in enumerate(group):
            found[f"U_{gate}"] = d_U[k * H : (k + 1) * H]
    for gate in gates:
        found |= {f"W_{gate}": d_W[at[gate]], f"b_{gate}": d_b[at[gate]]}
    return found


def slopes_of_lstm(gates: Array, order: str, c: Array, tanh_c: Array) -> tuple[Array, Array]:
    """What each δ is a multiple of, in its place, and c̄ of h̄."""
    deltas = np.empty_like(gates)
    a, d = (dict(zip(order, rows(both, c.shape[1], 1, 1, 1, 1), strict=True)) for both in (gates, deltas))
    for name, met in {"f": c[:-1], "i": a["g"], "o": tanh_c}.items():
        slope_of_sigmoid(a[name], d[name])
        d[name] *= met
    slope_of_tanh(a["g"], d["g"])
    d["g"] *= a["i"]
    slope_c = np.empty_like(tanh_c)
    slope_of_tanh(tanh_c, slope_c)
    slope_c *= a["o"]
    return deltas, slope_c


# ── LSTM ──


def lstm_forward(p: Params, xs: Array) -> Both:
    x, H = columns(xs), len(p["b_f"])
    W, U, b = (stacked(p, kind, "fiog", "fio") for kind in "WUb")
    gates, (h, c) = projected(W, b, x), zeros(2, x, H)
    tanh_c, product, one = np.empty_like(h[1:]), np.empty_like(gates[0]), np.empty_like(h[0])
    half = np.array(0.5, x.dtype)
    h_0, c_0 = h[0], c[0]
    for all_, fio, f, i, o, g, h_1, c_1, tanh in zip(
        *(gates, gates[:, : 3 * H], gates[:, :H], gates[:, H : 2 * H], gates[:, 2 * H : 3 * H], gates[:, 3 * H :]),
        *(h[1:], c[1:], tanh_c),
        strict=True,
    ):
        U.dot(h_0, product)
        np.add(all_, product, all_)
        np.tanh(all_, all_)
        np.multiply(fio, half, fio)
        np.add(fio, half, fio)
        np.multiply(f, c_0, c_1)
        np.multiply(i, g, one)
        np.add(c_1, one, c_1)
        np.tanh(c_1, tanh)
        np.multiply(o, tanh, h_1)
        h_0, c_0 = h_1, c_1
    return h[1:].transpose(2, 0, 1), (x, gates, h, c, tanh_c)


def lstm_backward(p: Params, cache: Any, d_outputs: Array) -> Params:
    x, gates, h, c, tanh_c = cache
    H = h.shape[1]
    U, d_out = stacked(p, "U", "fiog").T, columns(d_outputs)
    deltas, slope_c = slopes_of_lstm(gates, "fiog", c, tanh_c)
    d_h, d_c, one = np.zeros_like(h[0]), np.zeros_like(h[0]), np.empty_like(h[0])
    delta_fi, delta_o, delta_g = rows(deltas, H, 2, 1, 1)
    for d, s_c, f, all_, d_fi, d_o, d_g in zip(
        *(d_out[::-1], slope_c[::-1], gates[::-1, :H], deltas[::-1]),
        *(delta_fi[::-1].reshape(len(x), 2, H, -1), delta_o[::-1], delta_g[::-1]),
        strict=True,
    ):
        np.add(d_h, d, d_h)
        np.multiply(d_o, d_h, d_o)
        np.multiply(d_h, s_c, one)
        np.add(d_c, one, d_c)
        np.multiply(d_fi, d_c, d_fi)
        np.multiply(d_g, d_c, d_g)
        np.multiply(d_c, f, d_c)
        U.dot(all_, d_h)
    return gradients(p, "fiog", x, deltas, {"fiog": h[:-1]})


# ── peephole LSTM ──


def peephole_forward(p: Params, xs: Array) -> Both:
    x, H, B = columns(xs), len(p["b_f"]), len(xs)
    W, U, b = (stacked(p, kind, "figo", "fio") for kind in "WUb")
    gates, (h, c) = projected(W, b, x), zeros(2, x, H)
    tanh_c = np.empty_like(h[1:])
    p_fi, p_o = (wide(stacked(p, "p", names, names), B) for names in ("fi", "o"))
    steps = zip(
        *(gates, gates[:, : 3 * H], *rows(gates, H, 2, 1, 1), *rows(gates, H, 1, 1), h, h[1:], c, c[1:], tanh_c),
        strict=False,
    )
    run_peephole(U, p_fi.reshape(2, H, B), p_o, steps, np.empty_like(gates[0]), np.empty_like(p_o))
    return h[1:].transpose(2, 0, 1), (x, gates, h, c, tanh_c)


def run_peephole(U: Array, p_fi: Array, p_o: Array, steps: Iterable[Any], product: Array, one: Array) -> None:
    half, two = np.array(0.5, one.dtype), np.empty_like(p_fi)
    for all_, fig, fi, g, o, f, i, h_0, h_1, c_0, c_1, tanh in steps:
        U.dot(h_0, product)
        np.add(all_, product, all_)
        np.multiply(p_fi, c_0, two)
        np.add(fi, two.reshape(fi.shape), fi)
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


def peephole_backward(p: Params, cache: Any, d_outputs: Array) -> Params:
    x, gates, h, c, tanh_c = cache
    _, H, B = h.shape
    U, d_out = stacked(p, "U", "figo").T, columns(d_outputs)
    deltas, slope_c = slopes_of_lstm(gates, "figo", c, tanh_c)
    delta_f, delta_i, _, delta_o = rows(deltas, H, 1, 1, 1, 1)
    p_f, p_i, p_o = (wide(p[f"p_{gate}"], B) for gate in "fio")
    slope_c += delta_o * p_o  # c̄ takes h̄ by all ways at once, and c̄[t-1] takes c̄ so
    slope_c_prev = delta_f * p_f + delta_i * p_i + gates[:, :H]
    d_h, d_c, one = np.zeros_like(h[0]), np.zeros_like(h[0]), np.empty_like(h[0])
    for d, s_c, s_c_prev, all_, d_fig, d_o in zip(
        *(d_out[::-1], slope_c[::-1], slope_c_prev[::-1], deltas[::-1]),
        *(deltas[::-1, : 3 * H].reshape(len(x), 3, H, B), delta_o[::-1]),
        strict=True,
    ):
        np.add(d_h, d, d_h)
        np.multiply(d_o, d_h, d_o)
        np.multiply(d_h, s_c, one)
        np.add(d_c, one, d_c)
        np.multiply(d_fig, d_c, d_fig)
        np.multiply(d_c, s_c_prev, d_c)
        U.dot(all_, d_h)
    met = {"f": (delta_f, c[:-1]), "i": (delta_i, c[:-1]), "o": (delta_o, c[1:])}
    peepholes = {f"p_{gate}": np.einsum("tnb,tnb->n", *pair) for gate, pair in met.items()}
    return gradients(p, "figo", x, deltas, {"figo": h[:-1]}) | peepholes


# ── GRU, reset before the product ──


def gru_forward(p: Params, xs: Array) -> Both:
    x, H = columns(xs), len(p["b_r"])
    W, b = (stacked(p, kind, "rzg", "rz") for kind in "Wb")
    U_rz, U_g = stacked(p, "U", "rz", "rz"), p["U_g"]
    gates, (h,) = projected(W, b, x), zeros(1, x, H)
    reset, two, one = np.empty_like(h[1:]), np.empty_like(gates[0, : 2 * H]), np.empty_like(h[0])
    half = np.array(0.5, x.dtype)
    h_0 = h[0]
    for rz, r, z, g, rh, h_1 in zip(
        *(gates[:, : 2 * H], gates[:, :H], gates[:, H : 2 * H], gates[:, 2 * H :], reset, h[1:]), strict=True
    ):
        U_rz.dot(h_0, two)
        np.add(rz, two, rz)
        np.tanh(rz, rz)
        np.multiply(rz, half, rz)
        np.add(rz, half, rz)
        np.multiply(r, h_0, rh)
        U_g.dot(rh, one)
        np.add(g, one, g)
        np.tanh(g, g)
        np.subtract(h_0, g, h_1)  # z h_0 + (1 - z) g = g + z (h_0 - g)
        np.multiply(h_1, z, h_1)
        np.add(h_1, g, h_1)
        h_0 = h_1
    return h[1:].transpose(2, 0, 1), (x, gates, h, reset)


def slopes_of_gru(gates: Array, h: Array) -> Array:
    deltas, H = np.empty_like(gates), h.shape[1]
    (_, z, g), (delta_r, delta_z, delta_g) = (rows(both, H, 1, 1, 1) for both in (gates, deltas))
    slope_of_sigmoid(gates[:, : 2 * H], deltas[:, : 2 * H])
    delta_r *= h[:-1]
    delta_z *= h[:-1] - g
    slope_of_tanh(g, delta_g)
    delta_g *= 1 - z
    return deltas


def gru_backward(p: Params, cache: Any, d_outputs: Array) -> Params:
    x, gates, h, reset = cache
    H = h.shape[1]
    U_rz, U_g, d_out = stacked(p, "U", "rz").T, p["U_g"].T, columns(d_outputs)
    r, z, _ = rows(gates, H, 1, 1, 1)
    deltas = slopes_of_gru(gates, h)
    delta_r, _, delta_g = rows(deltas, H, 1, 1, 1)
    d_h, d_rh, one = np.zeros_like(h[0]), np.empty_like(h[0]), np.empty_like(h[0])
    zg = deltas[:, H:].reshape(len(x), 2, H, -1)
    for d, d_rz, d_zg, d_r, d_g, r_, z_ in zip(
        *(d_out[::-1], deltas[::-1, : 2 * H], zg[::-1], delta_r[::-1], delta_g[::-1], r[::-1], z[::-1]), strict=True
    ):
        np.add(d_h, d, d_h)
        np.multiply(d_zg, d_h, d_zg)
        U_g.dot(d_g, d_rh)
        np.multiply(d_r, d_rh, d_r)
        np.multiply(d_h, z_, d_h)
        np.multiply(d_rh, r_, d_rh)
        np.add(d_h, d_rh, d_h)
        U_rz.dot(d_rz, one)
        np.add(d_h, one, d_h)
    return gradients(p, "rzg", x, deltas, {"rz": h[:-1], "g": reset})


# ── MGU ──


def mgu_forward(p: Params, xs: Array) -> Both:
    x, H = columns(xs), len(p["b_f"])
    W, b = (stacked(p, kind, "fg", "f") for kind in "Wb")
    U_f, U_g = 0.5 * p["U_f"], p["U_g"]
    gates, (h,) = projected(W, b, x), zeros(1, x, H)
    kept, one = np.empty_like(h[1:]), np.empty_like(h[0])
    half = np.array(0.5, x.dtype)
    h_0 = h[0]
    for f, g, fh, h_1 in zip(gates[:, :H], gates[:, H:], kept, h[1:], strict=True):
        U_f.dot(h_0, one)
        np.add(f, one, f)
        np.tanh(f, f)
        np.multiply(f, half, f)
        np.add(f, half, f)
        np.multiply(f, h_0, fh)
        U_g.dot(fh, one)
        np.add(g, one, g)
        np.tanh(g, g)
        np.subtract(g, h_0, h_1)  # (1 - f) h_0 + f g = h_0 + f (g - h_0)
        np.multiply(h_1, f, h_1)
        np.add(h_1, h_0, h_1)
        h_0 = h_1
    return h[1:].transpose(2, 0, 1), (x, gates, h, kept)


def slopes_of_mgu(gates: Array, h: Array) -> Both:
    deltas, H = np.empty_like(gates), h.shape[1]
    (f, g), (delta_f, delta_g) = (rows(both, H, 1, 1) for both in (gates, deltas))
    slope_of_sigmoid(f, delta_f)
    slope_fh = delta_f * h[:-1]
    delta_f *= g - h[:-1]
    slope_of_tanh(g, delta_g)
    delta_g *= f
    return deltas, slope_fh


def mgu_backward(p: Params, cache: Any, d_outputs: Array) -> Params:
    x, gates, h, kept = cache
    H = h.shape[1]
    U_f, U_g, d_out = p["U_f"].T, p["U_g"].T, columns(d_outputs)
    f, _ = rows(gates, H, 1, 1)
    deltas, slope_fh = slopes_of_mgu(gates, h)
    delta_f, delta_g = rows(deltas, H, 1, 1)
    rest = 1 - f
    d_h, d_fh, one = np.zeros_like(h[0]), np.empty_like(h[0]), np.empty_like(h[0])
    fg = deltas.reshape(len(x), 2, H, -1)
    for d, d_fg, d_f, d_g, f_, rest_, s in zip(
        *(d_out[::-1], fg[::-1], delta_f[::-1], delta_g[::-1], f[::-1], rest[::-1], slope_fh[::-1]), strict=True
    ):
        np.add(d_h, d, d_h)
        np.multiply(d_fg, d_h, d_fg)
        U_g.dot(d_g, d_fh)
        np.multiply(d_fh, s, one)
        np.add(d_f, one, d_f)
        np.multiply(d_h, rest_, d_h)
        np.multiply(d_fh, f_, d_fh)
        np.add(d_h, d_fh, d_h)
        U_f.dot(d_f, one)
        np.add(d_h, one, d_h)
    return gradients(p, "fg", x, deltas, {"f": h[:-1], "g": kept})
