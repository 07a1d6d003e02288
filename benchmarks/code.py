"""Generated code beside what else computes the same: a sequence forward, and forward with all gradients.

One table: every entry in every case, in rounds that go through all entries in turn, so that what else the machine does
meets all of them; medians, and ratios to the hand-fused NumPy of the same run.

    python -m benchmarks.code [--cell NAME] [--case A] [--dtype f32] [--seconds S] [--entry NAME] [--cpu]

One thread; for two: OMP_NUM_THREADS=2 python -m benchmarks.code.

To add an entry: a function that takes a `Problem` and returns two callables without arguments, forward and
forward+backward, and a row in `ENTRIES`.  What it makes first (compiling, copying) is not measured.  Where it has no
such cell it returns None, and a package that it lacks is an ImportError.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", os.environ["OMP_NUM_THREADS"])

import platform
import sys
import time
from argparse import ArgumentParser
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import numpy as np

import lstmgraph as lg
from benchmarks import by_hand

CASES = {"A": (100, 1, 8, 16), "B": (100, 1, 64, 64), "C": (100, 32, 64, 128), "D": (50, 64, 256, 512)}
DTYPES = {"f32": np.float32, "f64": np.float64}
REFERENCE = "NumPy, fused by hand"
PEEPHOLES = "peephole_lstm"

Run = Callable[[], object]
Runs = tuple[Run, Run]  # forward, and forward with all gradients


@dataclass(frozen=True)
class Problem:
    """A cell with one input, and the arrays that all entries compute with."""

    cell: lg.Cell
    T: int
    B: int
    X: int
    H: int
    params: dict[str, Any]
    xs: Any
    d_outputs: Any


def problem(name: str, case: str, dtype: str) -> Problem:
    cell, (T, B, X, H) = lg.load(name), CASES[case]
    functions, rng = cell.lambdify(), np.random.default_rng(0)
    params = functions.init(rng, X, H, dtype=DTYPES[dtype])
    xs, d_outputs = (rng.normal(size=(B, T, n)).astype(DTYPES[dtype]) for n in (X, H))
    return Problem(cell, T, B, X, H, params, xs, d_outputs)


# ── the entries ──


def textbook(p: Problem) -> Runs | None:
    if p.cell.name != PEEPHOLES:
        return None

    def both() -> object:
        _, cache = by_hand.textbook_forward(p.params, p.xs)
        return by_hand.textbook_backward(p.params, cache, p.d_outputs)

    return lambda: by_hand.textbook_forward(p.params, p.xs), both


def fused(p: Problem) -> Runs | None:
    if p.cell.name != PEEPHOLES:
        return None

    def both() -> object:
        _, cache = by_hand.fused_forward(p.params, p.xs)
        return by_hand.fused_backward(p.params, cache, p.d_outputs)

    return lambda: by_hand.fused_forward(p.params, p.xs), both


def generated(p: Problem) -> Runs:
    f = p.cell.lambdify("numpy")

    def both() -> object:
        _, _, cache = f.forward(p.params, p.xs)
        return f.backward(p.params, cache, p.d_outputs)

    return lambda: f.forward(p.params, p.xs), both


def products(p: Problem) -> Runs:
    """The matrix products alone, each in one call of BLAS: no code that uses it can be faster."""
    rows = sum(len(value) for name, value in p.params.items() if name.startswith("W"))
    dtype = p.xs.dtype
    W, U, x = np.zeros((rows, p.X), dtype), np.zeros((rows, p.H), dtype), np.ones((p.X, p.T * p.B), dtype)
    h, gates, hs = np.ones((p.H, p.B), dtype), np.empty((rows, p.B), dtype), np.ones((p.H, p.T * p.B), dtype)
    projected, deltas = np.empty((rows, p.T * p.B), dtype), np.ones((rows, p.T * p.B), dtype)

    def forward() -> None:
        np.dot(W, x, projected)
        for _ in range(p.T):
            np.dot(U, h, gates)

    def both() -> None:
        forward()
        for _ in range(p.T):
            np.dot(U.T, gates, h)
        np.dot(deltas, x.T), np.dot(deltas, hs.T), np.dot(W.T, deltas)

    return forward, both


def torch_runs(p: Problem, module: Any) -> Runs:
    """A module of sequences in time-major order, with gradients for all that goes in."""
    import torch

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    module = module.to(torch.from_numpy(p.xs).dtype)
    xs = torch.from_numpy(p.xs.swapaxes(0, 1).copy()).requires_grad_()
    d_outputs = torch.from_numpy(p.d_outputs.swapaxes(0, 1).copy())

    def forward() -> None:
        with torch.no_grad():
            module(xs)

    return forward, lambda: module(xs)[0].backward(d_outputs)


def torch_derived(p: Problem) -> Runs:
    return torch_runs(p, p.cell.lambdify("torch").Module(p.X, p.H))


def torch_eager(p: Problem) -> Runs:
    """The same file's equations, under autograd."""
    return torch_runs(p, p.cell.lambdify("torch").Module(p.X, p.H, derived=False))


def torch_lstm(p: Problem) -> Runs:
    """PyTorch's own, which has no peepholes."""
    import torch

    return torch_runs(p, torch.nn.LSTM(p.X, p.H))


def jax_runs(p: Problem, forward: Any) -> Runs:
    """A function of parameters and sequences in batch-major order, with gradients for all that goes in."""
    import jax

    if p.xs.dtype == np.float64:
        jax.config.update("jax_enable_x64", True)
    given, d_outputs = jax.device_put((p.params, p.xs)), jax.device_put(p.d_outputs)
    states = {s.name: jax.numpy.zeros((p.B, p.H), p.xs.dtype) for s in p.cell.states}

    def gradients(params: Any, xs: Any, states: Any, d_outputs: Any) -> Any:
        outputs, back = jax.vjp(lambda *given: forward(*given)[0], params, xs, states)
        return outputs, back(d_outputs)

    there, both = jax.jit(lambda *given: forward(*given)[0]), jax.jit(gradients)
    return (
        lambda: jax.block_until_ready(there(*given, states)),
        lambda: jax.block_until_ready(both(*given, states, d_outputs)),
    )


def jax_derived(p: Problem) -> Runs:
    return jax_runs(p, p.cell.lambdify("jax").forward)


def jax_plain(p: Problem) -> Runs:
    """The same file's equations as a scan, with JAX's gradients."""
    return jax_runs(p, p.cell.lambdify("jax").reference)


def jax_stacked(p: Problem) -> Runs | None:
    """A scan by hand: gates stacked, inputs projected before it; with JAX's gradients."""
    return jax_runs(p, by_hand.stacked_scan) if p.cell.name == PEEPHOLES else None


class Entry(NamedTuple):
    package: str
    prepare: Callable[[Problem], Runs | None]


ENTRIES: Mapping[str, Entry] = {
    "NumPy, textbook": Entry("numpy", textbook),
    REFERENCE: Entry("numpy", fused),
    "NumPy, generated": Entry("numpy", generated),
    "the products alone": Entry("numpy", products),
    "PyTorch, generated": Entry("torch", torch_derived),
    "PyTorch, eager": Entry("torch", torch_eager),
    "torch.nn.LSTM": Entry("torch", torch_lstm),
    "JAX, generated": Entry("jax", jax_derived),
    "JAX, plain scan": Entry("jax", jax_plain),
    "JAX, stacked scan": Entry("jax", jax_stacked),
}


# ── measuring ──


def measured(runs: Mapping[str, Run], seconds: float, clock: Callable[[], float]) -> dict[str, float]:
    """The median seconds of each, in rounds that go through all of them in turn."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    for run in runs.values():
        run()
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(next(iter(times.values()))) < 3:
        for name, run in runs.items():
            start = clock()
            run()
            times[name].append(clock() - start)
    return {name: median(found) for name, found in times.items()}


def prepared(p: Problem, names: Iterable[str]) -> dict[str, Runs]:
    found = {}
    for name in names:
        try:
            runs = ENTRIES[name].prepare(p)
        except ImportError as error:
            print(f"{name}: {error}", file=sys.stderr)
            continue
        if runs is not None:
            found[name] = runs
    return found


def main() -> None:
    parser = ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--cell", default=PEEPHOLES)
    parser.add_argument("--case", choices=CASES, action="append")
    parser.add_argument("--dtype", choices=DTYPES, action="append")
    parser.add_argument("--entry", choices=ENTRIES, action="append")
    parser.add_argument("--seconds", type=float, default=10, help="of rounds, for each case, type and direction")
    parser.add_argument("--cpu", action="store_true", help="time of the CPU, for one thread on a busy machine")
    chosen = parser.parse_args()
    clock = time.process_time if chosen.cpu else time.perf_counter
    print(f"{machine()}; {chosen.cell}; medians, and ratios to: {REFERENCE}")
    print(f"{'':22}{'(T, B, X, H)':>20}{'':6}{'forward':>12}{'':8}{'with backward':>14}")
    for case in chosen.case or CASES:
        for dtype in chosen.dtype or DTYPES:
            p = problem(chosen.cell, case, dtype)
            runs = prepared(p, chosen.entry or ENTRIES)
            columns = [measured({name: r[k] for name, r in runs.items()}, chosen.seconds, clock) for k in (0, 1)]
            for name in runs:
                print(f"{name:22}{case} {CASES[case]!s:>18}{dtype:>6}", *(cell_text(c, name) for c in columns))


def cell_text(times: Mapping[str, float], name: str) -> str:
    ratio = f"{times[name] / times[REFERENCE]:6.2f}x" if REFERENCE in times else " " * 7
    return f"{1e6 * times[name]:11.0f} us {ratio}"


def machine() -> str:
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = cpuinfo.read_text(encoding="utf-8").splitlines()
        model = next((line.partition(": ")[2] for line in lines if line.startswith("model name")), model)
    blas: Any = np.show_config(mode="dicts")
    library = blas["Build Dependencies"]["blas"]["name"]
    threads = os.environ["OMP_NUM_THREADS"]
    versions = f"Python {platform.python_version()}, NumPy {np.__version__} ({library})"
    return f"{model}, {os.cpu_count()} CPUs, {threads} thread; {versions}"


if __name__ == "__main__":
    main()
