"""Rows in JAX, jitted: generated, scans with JAX's own gradients, and the products alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from benchmarks.by_hand import stacked_scan
from benchmarks.speed.c_rows import products_arrays, stacks_of
from benchmarks.speed.problem import Problem, Runs


def derived(p: Problem) -> Runs:
    return runs(p, p.cell.lambdify("jax").forward)


def plain(p: Problem) -> Runs:
    """The same file's equations as a scan, with JAX's gradients."""
    return runs(p, p.cell.lambdify("jax").reference)


def stacked(p: Problem) -> Runs | None:
    """A scan by hand: gates stacked, inputs projected before it; with JAX's gradients."""
    return runs(p, stacked_scan) if p.cell.name == "peephole_lstm" else None


def runs(p: Problem, sequence: Any) -> Runs:
    """A function of parameters, sequences with the samples in front, and states; with the gradients of all of them."""
    import jax

    jax.config.update("jax_enable_x64", p.double)
    given, d_outputs = jax.device_put((p.params, p.xs)), jax.device_put(p.d_outputs)
    _, B, _, H = p.sizes
    states = {s.name: jax.numpy.zeros((B, H), p.xs.dtype) for s in p.cell.states}

    def gradients(params: Any, xs: Any, states: Any, d_outputs: Any) -> Any:
        outputs, back = jax.vjp(lambda *given: sequence(*given)[0], params, xs, states)
        return outputs, back(d_outputs)

    there, both = jax.jit(lambda *given: sequence(*given)[0]), jax.jit(gradients)
    return Runs(
        lambda: jax.block_until_ready(there(*given, states)),
        lambda: jax.block_until_ready(both(*given, states, d_outputs)),
        np.asarray,
        lambda found: {**found[1][0], "x": found[1][1]},
    )


# ── the products alone ──


def products(p: Problem) -> Runs:
    """Those of all steps at once, and those of each step in a scan: what a file for JAX can at best come down to.

    As in C, what is computed is no input of what follows.
    """
    import jax

    jax.config.update("jax_enable_x64", p.double)
    ends = [int(end) for end in np.cumsum(stacks_of(p))]
    given = jax.device_put(products_arrays(p, ends[-1]))
    ahead, back = jax.jit(products_ahead(ends)), jax.jit(products_back(ends))

    def forward() -> Any:
        return jax.block_until_ready(ahead(*(given[name] for name in "xwhu")))

    return Runs(forward, lambda: (forward(), jax.block_until_ready(back(*(given[name] for name in "xwhuz")))))


def products_ahead(ends: Sequence[int]) -> Callable[..., Any]:
    """x W of all steps, h U of each."""
    import jax

    def ahead(x: Any, w: Any, h: Any, u: Any) -> Any:
        step = jax.lax.scan(lambda _, h: (None, [h @ part for part in parts(u, ends)]), None, h)
        return x @ w, step[1]

    return ahead


def products_back(ends: Sequence[int]) -> Callable[..., Any]:
    """The transposes, and the gradients of W and U at once."""
    import jax

    def back(x: Any, w: Any, h: Any, u: Any, z: Any) -> Any:
        turned = [part.T for part in parts(u, ends)]
        step = jax.lax.scan(lambda _, z: (None, [a @ b for a, b in zip(z, turned, strict=True)]), None, parts(z, ends))
        x, h, z = (a.reshape(-1, a.shape[-1]) for a in (x, h, z))
        return z @ w.T, x.T @ z, [h.T @ part for part in parts(z, ends)], step[1]

    return back


def parts(array: Any, ends: Sequence[int]) -> list[Any]:
    """Its columns up to each end."""
    return [array[..., start:end] for start, end in zip([0, *ends], ends, strict=False)]
