"""The peephole LSTM by hand for numba: products by BLAS, everything else of a step in one loop over its entries.

`forward` and `backward` take and give what those in `by_hand` do.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from benchmarks.fused import Array, Both, Params

GATES = "figo"


@njit
def there(W: Array, U: Array, b: Array, p: Array, x: Array) -> tuple[Array, Array, Array]:
    T, B, X = x.shape
    H = U.shape[1]
    one = x.dtype.type(1)  # a Python number would make float64 of float32
    gates = np.dot(x.reshape(T * B, X), np.ascontiguousarray(W.T)).reshape(T, B, 4 * H)
    h, c = np.zeros((T + 1, B, H), x.dtype), np.zeros((T + 1, B, H), x.dtype)
    U_T, product = np.ascontiguousarray(U.T), np.empty((B, 4 * H), x.dtype)
    for t in range(T):
        np.dot(h[t], U_T, product)
        for s in range(B):
            a, z = gates[t, s], product[s]
            for j in range(H):
                a[j] = one / (one + np.exp(-(a[j] + z[j] + b[j] + p[0, j] * c[t, s, j])))
            for j in range(H):
                i = H + j
                a[i] = one / (one + np.exp(-(a[i] + z[i] + b[i] + p[1, j] * c[t, s, j])))
            for j in range(2 * H, 3 * H):
                a[j] = np.tanh(a[j] + z[j] + b[j])
            for j in range(H):
                o = 3 * H + j
                c[t + 1, s, j] = a[j] * c[t, s, j] + a[H + j] * a[2 * H + j]
                a[o] = one / (one + np.exp(-(a[o] + z[o] + b[o] + p[2, j] * c[t + 1, s, j])))
                h[t + 1, s, j] = a[o] * np.tanh(c[t + 1, s, j])
    return gates, h, c


@njit
def back(
    W: Array, U: Array, x: Array, gates: Array, h: Array, c: Array, p: Array, d_outputs: Array
) -> tuple[Array, Array, Array, Array, Array]:
    (T, B, _), H = x.shape, U.shape[1]
    one = x.dtype.type(1)
    deltas, d_h, d_c = np.empty_like(gates), np.zeros((B, H), x.dtype), np.zeros((B, H), x.dtype)
    d_b, d_p = np.zeros(4 * H, x.dtype), np.zeros((3, H), x.dtype)
    for t in range(T - 1, -1, -1):
        for s in range(B):
            a, delta = gates[t, s], deltas[t, s]
            for j in range(H):
                f, i, g, o = a[j], a[H + j], a[2 * H + j], a[3 * H + j]
                tanh_c, d = np.tanh(c[t + 1, s, j]), d_h[s, j] + d_outputs[t, s, j]
                delta_o = d * tanh_c * o * (one - o)
                d_c_here = d_c[s, j] + d * o * (one - tanh_c * tanh_c) + delta_o * p[2, j]
                delta_f, delta_i = d_c_here * c[t, s, j] * f * (one - f), d_c_here * g * i * (one - i)
                delta[j], delta[H + j], delta[3 * H + j] = delta_f, delta_i, delta_o
                delta[2 * H + j] = d_c_here * i * (one - g * g)
                d_c[s, j] = d_c_here * f + delta_f * p[0, j] + delta_i * p[1, j]
                d_p[0, j] += delta_f * c[t, s, j]
                d_p[1, j] += delta_i * c[t, s, j]
                d_p[2, j] += delta_o * c[t + 1, s, j]
            for j in range(4 * H):
                d_b[j] += delta[j]
        np.dot(deltas[t], U, d_h)
    return (*products(W, x, h, deltas), d_b, d_p)


@njit
def products(W: Array, x: Array, h: Array, deltas: Array) -> tuple[Array, Array, Array]:
    (T, B, X), n = x.shape, h.shape[2]
    flat = deltas.reshape(T * B, 4 * n)
    d_W, d_U = np.dot(flat.T, x.reshape(T * B, X)), np.dot(flat.T, h[:-1].copy().reshape(T * B, n))
    return np.dot(flat, W).reshape(T, B, X), d_W, d_U


def forward(p: Params, xs: Array) -> Both:
    x = np.ascontiguousarray(xs.swapaxes(0, 1))
    W, U, b = (np.concatenate([p[f"{kind}_{gate}"] for gate in GATES]) for kind in "WUb")
    gates, h, c = there(W, U, b, np.stack([p[f"p_{gate}"] for gate in "fio"]), x)
    return h[1:].swapaxes(0, 1), (W, U, x, gates, h, c)


def backward(p: Params, cache: Any, d_outputs: Array) -> Params:
    peepholes = np.stack([p[f"p_{gate}"] for gate in "fio"])
    d_x, d_W, d_U, d_b, d_p = back(*cache, peepholes, np.ascontiguousarray(d_outputs.swapaxes(0, 1)))
    parts = {kind: np.split(d, len(GATES)) for kind, d in {"W": d_W, "U": d_U, "b": d_b}.items()}
    found = {f"{kind}_{gate}": d for kind, ds in parts.items() for gate, d in zip(GATES, ds, strict=True)}
    return found | dict(zip(("p_f", "p_i", "p_o"), d_p, strict=True)) | {"x": d_x.swapaxes(0, 1)}
