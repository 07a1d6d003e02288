"""Rows in C, called with all arrays made: generated, and its products alone, which no code can be faster than.

A call goes straight to the compiled function: what checking and copying cost in Python is in none of these rows.
Forward is inference: parameters are packed before.  Forward and backward is a step of training: they are packed in it.
"""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.speed.problem import Array, Call, Problem, Runs
from lstmgraph.codegen.block import LINE
from lstmgraph.codegen.compiled import Compiled, Library, address
from lstmgraph.codegen.compiler import FLAGS, WIDE, compiled
from lstmgraph.errors import MissingExtra

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

# x W of all steps, h U step by step; back, the transposes, and the gradients of W and U at once.  U is in `count`
# stacks, each of so many rows of H: those of gates that are multiplied by the same vector.
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
void products_forward(size_t T, size_t B, size_t X, size_t H, size_t count, const size_t *stacks, size_t rows,
                      const real *x, const real *w, const real *h, const real *u, real *z)
{
    product(0, T * B, rows, X, x, X, w, rows, z, rows);
    for (size_t t = 0; t < T; ++t)
        for (size_t k = 0, at = 0; k < count; at += stacks[k], ++k)
            product(0, B, stacks[k], H, h + t * B * H, H, u + at * H, stacks[k], z + t * B * rows + at, rows);
}
void products_backward(size_t T, size_t B, size_t X, size_t H, size_t count, const size_t *stacks, size_t rows,
                       const real *x, const real *w, const real *h, const real *u, const real *z, real *d_x, real *d_w,
                       real *d_h, real *d_u)
{
    for (size_t t = T; t-- > 0;)
        for (size_t k = 0, at = 0; k < count; at += stacks[k], ++k)
            product(0, B, H, stacks[k], z + t * B * rows + at, rows, u + at * H, H, d_h + t * B * H, H);
    product(0, T * B, X, rows, z, rows, w, X, d_x, X);
    product(1, rows, X, T * B, z, rows, x, X, d_w, X);
    for (size_t k = 0, at = 0; k < count; at += stacks[k], ++k)
        product(1, stacks[k], H, T * B, z + at, rows, h, H, d_u + at * H, H);
}
"""

# How many gates there are to a vector that they are multiplied by; for other cells all gates.
STACKS: Mapping[str, tuple[int, ...]] = {"gru": (2, 1), "mgu": (1, 1)}


@dataclass
class Recorded(Library):
    """A library that keeps its calls, to make them again with the same arrays."""

    calls: dict[str, Call] = field(default_factory=dict)

    def __call__(self, name: str, sizes: Sequence[int], *arguments: Any) -> None:
        self.calls[name] = self.bound(name, sizes, *arguments)
        self.calls[name]()


# ── generated ──


def generated(p: Problem) -> Runs:
    """Sizes given at run time, products of its own."""
    return runs(p, functions(p))


def fixed(p: Problem) -> Runs:
    """Sizes known when it is compiled."""
    _, _, X, H = p.sizes
    return runs(p, functions(p, sizes={"X": X, "H": H}))


def with_blas(p: Problem) -> Runs:
    """Products by NumPy's BLAS."""
    blas()
    texts = p.cell.code_files("c", "cell", dtype=p.xs.dtype.name) | {"cblas.h": CBLAS}
    flags = (*FLAGS, *WIDE, f"-D{p.cell.name.upper()}_CBLAS", "-I.")
    library = Library(p.cell.name, compiled("benchmark", texts, flags))
    return runs(p, replace(functions(p), libraries=lambda _: library))


def functions(p: Problem, **options: Any) -> Compiled:
    """The object that has the functions in Python."""
    forward: Any = p.cell.lambdify("c", dtype=p.xs.dtype.name, **options).forward
    found: Compiled = forward.__self__
    return found


def runs(p: Problem, functions: Compiled) -> Runs:
    """What the functions in Python call, without what they do before and after."""
    library = functions.libraries(p.xs.dtype.name)
    recorded = Recorded(library.prefix, library.path)
    functions = replace(functions, libraries=lambda _: recorded)
    outputs, _, cache = functions.forward(p.params, p.xs)
    d_params, d_xs, d_states = functions.backward(p.params, cache, p.d_outputs)
    forward, backward = recorded.calls["forward"], recorded.calls["backward"]

    pack = recorded.calls.get("pack", lambda: None)  # a cell without products has nothing to pack

    def both() -> Any:
        for d in d_states.values():  # those of the first step are where those of the last one were
            d.fill(0)
        pack()
        forward()
        backward()

    return Runs(forward, both, lambda _: outputs, lambda _: {**d_params, "x": d_xs})


# ── the products alone ──


def products(p: Problem) -> Runs:
    """What is computed is no input of it: the numbers stay what they are made."""
    library, stacks = products_library(p), stacks_of(p)
    rows, arrays = int(stacks.sum()), {"stacks": stacks, **products_arrays(p, int(stacks.sum()))}
    head = [*map(ctypes.c_size_t, (*p.sizes, len(stacks))), address(stacks), ctypes.c_size_t(rows)]
    ahead = [*head, *(address(arrays[name]) for name in "xwhuz")]
    back = [*ahead, *(address(arrays[f"d_{name}"]) for name in "xwhu")]

    def forward() -> dict[str, Array]:
        library.products_forward(*ahead)
        return arrays

    def both() -> dict[str, Array]:
        library.products_forward(*ahead)
        library.products_backward(*back)
        return arrays

    return Runs(forward, both)


def products_library(p: Problem) -> ctypes.CDLL:
    blas()
    real, gemm = ("double", "cblas_dgemm") if p.double else ("float", "cblas_sgemm")
    text = PRODUCTS.replace("@REAL@", real).replace("@GEMM@", gemm)
    return ctypes.CDLL(str(compiled("products", {"products.c": text, "cblas.h": CBLAS}, (*FLAGS, "-I."))))


def stacks_of(p: Problem) -> Array:
    """The rows of each stack of recurrent weights, which are the square ones."""
    gates = sum(s.shape[0] == s.shape[1] for s in p.cell.parameters)
    return np.array([k * p.sizes[-1] for k in STACKS.get(p.cell.name, (gates,))], np.uintp)


def products_arrays(p: Problem, rows: int) -> dict[str, Array]:
    T, B, X, H = p.sizes
    shapes = {"x": (T, B, X), "w": (X, rows), "h": (T, B, H), "u": (H, rows), "z": (T, B, rows)}
    shapes |= {f"d_{name}": shapes[name] for name in "xwhu"}
    return {name: aligned(p, *shape) for name, shape in shapes.items()}


def blas() -> None:
    """NumPy's BLAS, in this process for all libraries."""
    found = next((Path(np.__file__).parents[1] / "numpy.libs").glob("*openblas*"), None)
    if found is None:
        raise MissingExtra("this NumPy does not bring OpenBLAS as a library of its own")
    ctypes.CDLL(str(found), mode=ctypes.RTLD_GLOBAL)


def aligned(p: Problem, *shape: int) -> Array:
    """An array that begins with a line of the cache, of small numbers."""
    count = int(np.prod(shape)) * p.xs.itemsize
    memory = np.empty(count + LINE, np.uint8)
    start = -memory.ctypes.data % LINE
    array: Array = memory[start : start + count].view(p.xs.dtype).reshape(shape)
    array[...] = np.random.default_rng(0).uniform(-0.1, 0.1, shape)
    return array
