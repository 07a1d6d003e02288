"""Rows in PyTorch: generated, over C or not, its equations under autograd, PyTorch's own layers, and products alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from benchmarks.speed import c_rows
from benchmarks.speed.problem import Array, Problem, Runs


class Layer(NamedTuple):
    """PyTorch's layer for a cell: its name, the order of its gates, and in what it differs."""

    name: str
    gates: str
    note: str = ""


LAYERS: Mapping[str, Layer] = {
    "lstm": Layer("LSTM", "ifgo"),
    "peephole_lstm": Layer("LSTM", "ifgo", "without peepholes"),
    "gru": Layer("GRU", "rzg", "reset after the product"),
}


def derived(p: Problem) -> Runs:
    return module_runs(p, made(p))


def eager(p: Problem) -> Runs:
    """The same file's equations, under autograd."""
    return module_runs(p, made(p, derived=False))


def over_c(p: Problem) -> Runs:
    """The same module, whose sequences run the compiled C."""
    return module_runs(p, made(p, compiled=True))


def products(p: Problem) -> Runs:
    """The cell's matrix products by PyTorch, as those in C: the numbers stay what they are made."""
    import torch

    torch.set_num_threads(p.threads)
    stacks = [int(k) for k in c_rows.stacks_of(p)]
    a = {name: torch.from_numpy(array) for name, array in c_rows.products_arrays(p, sum(stacks)).items()}
    gates = [(z.unbind(), u) for z, u in zip(a["z"].split(stacks, 2), a["u"].split(stacks, 1), strict=True)]
    x, h, z = (a[name].flatten(0, 1) for name in "xhz")

    def forward() -> None:
        torch.mm(x, a["w"], out=z)
        for t, h_prev in enumerate(a["h"]):
            for steps, u in gates:
                torch.mm(h_prev, u, out=steps[t])

    def both() -> None:
        forward()
        for t in reversed(range(len(a["h"]))):
            for steps, u in gates:
                torch.mm(steps[t], u.T, out=a["d_h"][t])
        torch.mm(z, a["w"].T, out=a["d_x"].flatten(0, 1))
        torch.mm(x.T, z, out=a["d_w"])
        torch.mm(h.T, z, out=a["d_u"])

    return Runs(forward, both)


def made(p: Problem, compiled: bool = False, **options: bool) -> Any:
    """The generated module with the problem's parameters."""
    import torch

    _, _, X, H = p.sizes
    module = p.cell.lambdify("torch", compiled=compiled).Module(X, H, **options).to(torch.from_numpy(p.xs).dtype)
    module.load_state_dict({name: torch.from_numpy(value) for name, value in p.params.items()})
    return module


def module_runs(p: Problem, module: Any) -> Runs:
    names = [name for name, _ in module.named_parameters()]

    def gradients(found: Any) -> dict[str, Array]:
        return dict(zip(names, (d.numpy() for d in found[1:]), strict=True)) | {"x": batch_first(found[0])}

    return runs(p, module)._replace(gradients=gradients)


def layer(p: Problem) -> Runs | None:
    """PyTorch's own layer of this cell, or of one that is near it: then nothing can be compared."""
    import torch

    own = LAYERS.get(p.cell.name)
    if own is None:
        return None
    found = runs(p, loaded(p, getattr(torch.nn, own.name), own))
    return found._replace(outputs=None, note=own.note) if own.note else found._replace(gradients=unstacked(own))


def loaded(p: Problem, kind: Any, own: Layer) -> Any:
    """A layer or a cell of PyTorch with the problem's parameters."""
    import torch

    _, _, X, H = p.sizes
    module = kind(X, H).to(torch.from_numpy(p.xs).dtype)
    with torch.no_grad():
        for parameter, value in zip(module.parameters(), stacked(p, own.gates), strict=True):
            parameter.copy_(torch.from_numpy(value))
    return module


def stacked(p: Problem, gates: str) -> list[Array]:
    """weight_ih, weight_hh, bias_ih, and a second bias, which is zero."""
    W, U, b = (np.concatenate([p.params[f"{kind}_{gate}"] for gate in gates]) for kind in "WUb")
    return [W, U, b, np.zeros_like(b)]


def unstacked(own: Layer) -> Callable[[Any], dict[str, Array]]:
    """The gradients of W, U and b of every gate, out of those of the stacks."""

    def gradients(found: Any) -> dict[str, Array]:
        parts = {"x": batch_first(found[0])}
        for kind, d in zip("WUb", found[1:], strict=False):
            rows = zip(own.gates, np.split(d.numpy(), len(own.gates)), strict=True)
            parts |= {f"{kind}_{gate}": part for gate, part in rows}
        return parts

    return gradients


def runs(p: Problem, module: Any) -> Runs:
    """A module of sequences with the steps in front, with gradients for all that goes in."""
    import torch

    torch.set_num_threads(p.threads)
    xs, d_outputs = (torch.from_numpy(a.swapaxes(0, 1).copy()) for a in (p.xs, p.d_outputs))
    xs.requires_grad_()
    learnt = [xs, *module.parameters()]

    def forward() -> Any:
        with torch.no_grad():
            return module(xs)[0]

    return Runs(forward, lambda: torch.autograd.grad(module(xs)[0], learnt, d_outputs), batch_first)


def batch_first(sequence: Any) -> Array:
    found: Array = sequence.numpy().swapaxes(0, 1)
    return found
