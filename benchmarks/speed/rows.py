"""All rows by name: those of the tables of sequences, and those of single steps.

What a row's package is missing for, it leaves out, and says so; so it does where there is no such target.
"""

from __future__ import annotations

from collections.abc import Mapping

from benchmarks.speed import c_rows, jax_rows, numpy_rows, onnx_rows, steps, torch_rows
from benchmarks.speed.problem import STEP_CASE, Prepare

GENERATED_C = "C, generated"
LIMIT = "products alone, in C"
BY_HAND = "NumPy, fused by hand"

ROWS: Mapping[str, Prepare] = {
    LIMIT: c_rows.products,
    GENERATED_C: c_rows.generated,
    "C, sizes fixed": c_rows.fixed,
    "C, with BLAS": c_rows.with_blas,
    "numba, by hand": numpy_rows.by_numba,
    BY_HAND: numpy_rows.fused,
    "NumPy, generated": numpy_rows.generated,
    "NumPy, textbook": numpy_rows.textbook,
    "products alone, in PyTorch": torch_rows.products,
    "PyTorch, generated": torch_rows.derived,
    "PyTorch over C": torch_rows.over_c,
    "PyTorch, eager": torch_rows.eager,
    "torch.nn": torch_rows.layer,
    "ONNX Runtime, operator": onnx_rows.operator,
    "ONNX, generated": onnx_rows.generated,
    "JAX, generated": jax_rows.derived,
    "JAX, plain scan": jax_rows.plain,
    "JAX, stacked scan": jax_rows.stacked,
    "products alone, in JAX": jax_rows.products,
}

STEPS: Mapping[str, Prepare] = {
    GENERATED_C: steps.c_stream,
    "C, sizes fixed": steps.c_fixed_stream,
    "NumPy, generated": steps.numpy_step,
    "PyTorch, generated": steps.torch_step,
    "torch.nn": steps.torch_cell,
    "ONNX Runtime, operator": steps.onnx_operator,
    "ONNX, generated": steps.onnx_step,
    "JAX, generated": steps.jax_step,
}


def rows_of(case: str) -> Mapping[str, Prepare]:
    """Those of a case."""
    return STEPS if case == STEP_CASE else ROWS
