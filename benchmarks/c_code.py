"""The generated C code beside its products alone, measured in C: what a call from Python costs is in none of it.

Three rows a case, each a sequence forward, and forward and back: the generated file with its own products; with those
of the BLAS that NumPy brings; and the same products of matrices alone, by that BLAS, which no LSTM can be faster than.
Rounds go through all rows in turn; the least time of each counts, and the ratio to the products alone.

    python -m benchmarks.c_code [--cell NAME] [--dtype float32] [--case A] [--seconds S]

One thread.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import ctypes
import time
from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import lstmgraph as lg
from lstmgraph.codegen.compiled import LINE, Library, address
from lstmgraph.codegen.compiler import FLAGS, WIDE, compiled

CASES = {"A": (100, 1, 8, 16), "B": (100, 1, 64, 64), "C": (100, 32, 64, 128), "D": (50, 64, 256, 512)}

# NumPy's OpenBLAS has indices of 64 bits, and names of its own.
CBLAS = """
#include <stdint.h>
enum { CblasRowMajor = 101, CblasNoTrans = 111, CblasTrans = 112 };
void scipy_cblas_sgemm64_(int, int, int, int64_t, int64_t, int64_t, float, const float *, int64_t, const float *,
                          int64_t, float, float *, int64_t);
void scipy_cblas_dgemm64_(int, int, int, int64_t, int64_t, int64_t, double, const double *, int64_t, const double *,
                          int64_t, double, double *, int64_t);
#define cblas_sgemm scipy_cblas_sgemm64_
#define cblas_dgemm scipy_cblas_dgemm64_
"""

# Four gates: x W of all steps, h U step by step; back, the transposes, and the gradients of W and U at once.
PRODUCTS = """
#include "cblas.h"
#include <stddef.h>
typedef @REAL@ real;
static void product(int ta, size_t m, size_t n, size_t k, const real *a, size_t ra, const real *b, size_t rb, real *c,
                    size_t rc)
{
    @GEMM@(CblasRowMajor, ta ? CblasTrans : CblasNoTrans, CblasNoTrans, (int64_t)m, (int64_t)n, (int64_t)k, 1, a,
           (int64_t)ra, b, (int64_t)rb, 0, c, (int64_t)rc);
}
void products_forward(size_t T, size_t B, size_t X, size_t H, const real *x, const real *w,
                      const real *h, const real *u, real *z)
{
    product(0, T * B, 4 * H, X, x, X, w, 4 * H, z, 4 * H);
    for (size_t t = 0; t < T; ++t) product(0, B, 4 * H, H, h + t * B * H, H, u, 4 * H, z + t * B * 4 * H, 4 * H);
}
void products_backward(size_t T, size_t B, size_t X, size_t H, const real *x, real *w,
                       const real *h, real *u, const real *z, real *y)
{
    for (size_t t = T; t-- > 0;) product(0, B, H, 4 * H, z + t * B * 4 * H, 4 * H, u, H, y + t * B * H, H);
    product(0, T * B, X, 4 * H, z, 4 * H, w, X, y, X);
    product(1, 4 * H, X, T * B, z, 4 * H, x, X, w, X);
    product(1, 4 * H, H, T * B, z, 4 * H, h, H, u, H);
}
"""

Run = Callable[[], object]


def blas() -> None:
    """NumPy's BLAS, in this process for all libraries."""
    found = next((Path(np.__file__).parents[1] / "numpy.libs").glob("*openblas*"), None)
    if found is None:
        raise SystemExit("this NumPy does not bring OpenBLAS as a library of its own")
    ctypes.CDLL(str(found), mode=ctypes.RTLD_GLOBAL)


def arrays(rng: np.random.Generator, dtype: str, *shape: int) -> np.ndarray:
    array = aligned(dtype, *shape)
    array[...] = rng.uniform(-0.1, 0.1, shape)
    return array


def aligned(dtype: str, *shape: int) -> np.ndarray:
    """An array that begins with a line of the cache."""
    count = int(np.prod(shape)) * np.dtype(dtype).itemsize
    memory = np.empty(count + LINE, np.uint8)
    start = -memory.ctypes.data % LINE
    return memory[start : start + count].view(dtype).reshape(shape)


def generated(
    cell: lg.Cell, dtype: str, case: tuple[int, int, int, int], fixed: bool, with_blas: bool
) -> tuple[Run, Run]:
    """One forward pass, and one with the way back."""
    T, B, X, H = case
    sizes = {"X": X, "H": H}
    texts = cell.code_files("c", "cell", dtype=dtype, sizes=sizes if fixed else None)
    flags = (*FLAGS, *WIDE, f"-D{cell.name.upper()}_CBLAS", "-I.") if with_blas else (*FLAGS, *WIDE)
    run = Library(cell.name, compiled("benchmark", texts | ({"cblas.h": CBLAS} if with_blas else {}), flags))
    rng = np.random.default_rng(0)
    f = cell.lambdify("numpy")
    shapes = f.shapes(**sizes)
    params = {name: arrays(rng, dtype, *shape) for name, shape in shapes.items()}
    grads = {name: np.empty_like(p) for name, p in params.items()}
    states = {s.name: arrays(rng, dtype, T + 1, B, H) for s in cell.states}
    d_states = {s.name: np.zeros((B, H), dtype) for s in cell.states}
    xs, d_outputs, d_xs = arrays(rng, dtype, T, B, X), arrays(rng, dtype, T, B, H), np.empty((T, B, X), dtype)
    given = [] if fixed else [sizes[str(z)] for z in cell.sizes]
    work, pack = (aligned(dtype, run.count(*call)) for call in (("work_size", given, T, B), ("pack_size", given)))
    run("pack", given, params, pack)
    forward = run.bound("forward", given, T, B, params, pack, xs, states, work)
    backward = run.bound("backward", given, T, B, params, xs, states, d_outputs, d_states, grads, d_xs, work)

    def both() -> None:
        forward()
        backward()

    return forward, both


def products(dtype: str, case: tuple[int, int, int, int]) -> tuple[Run, Run]:
    T, B, X, H = case
    single = dtype == "float32"
    text = PRODUCTS.replace("@REAL@", "float" if single else "double").replace(
        "@GEMM@", f"cblas_{'s' if single else 'd'}gemm"
    )
    library = ctypes.CDLL(str(compiled("products", {"products.c": text, "cblas.h": CBLAS}, (*FLAGS, "-I."))))
    rng = np.random.default_rng(0)
    sizes = [ctypes.c_size_t(n) for n in case]
    x, h, z = arrays(rng, dtype, T, B, X), arrays(rng, dtype, T, B, H), arrays(rng, dtype, T, B, 4 * H)
    w, u, y = arrays(rng, dtype, X, 4 * H), arrays(rng, dtype, H, 4 * H), arrays(rng, dtype, T, B, max(X, H))
    kept: list[Any] = [x, w, h, u, z, y]
    ahead, back = [address(a) for a in kept[:5]], [address(a) for a in kept]

    def forward() -> list[Any]:
        library.products_forward(*sizes, *ahead)
        return kept

    def both() -> list[Any]:
        library.products_forward(*sizes, *ahead)
        library.products_backward(*sizes, *back)
        return kept

    return forward, both


def measured(runs: dict[str, Run], seconds: float) -> dict[str, float]:
    """The least time of each in microseconds, in interleaved rounds."""
    for run in runs.values():
        run()
    least = dict.fromkeys(runs, float("inf"))
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        for name, run in runs.items():
            start = time.perf_counter()
            run()
            least[name] = min(least[name], time.perf_counter() - start)
    return {name: 1e6 * t for name, t in least.items()}


def main() -> None:
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cell", default="peephole_lstm")
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--case", choices=CASES)
    parser.add_argument("--seconds", type=float, default=3)
    given = parser.parse_args()
    blas()
    cell = lg.load(given.cell)
    for name in [given.case] if given.case else CASES:
        case = CASES[name]
        rows = {
            "products alone": products(given.dtype, case),
            "generated": generated(cell, given.dtype, case, fixed=False, with_blas=False),
            "generated, fixed sizes": generated(cell, given.dtype, case, fixed=True, with_blas=False),
            "generated, BLAS": generated(cell, given.dtype, case, fixed=False, with_blas=True),
        }
        print(f"{given.cell} {given.dtype} {name} (T, B, X, H) = {case}: µs, and times the products alone")
        found = [measured({row: runs[k] for row, runs in rows.items()}, given.seconds) for k in (0, 1)]
        for row in rows:
            text = "".join(f"{times[row]:12.1f} {times[row] / times['products alone']:6.2f}" for times in found)
            print(f"  {row:24}{text}", flush=True)


if __name__ == "__main__":
    main()
