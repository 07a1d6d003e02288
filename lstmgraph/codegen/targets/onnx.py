"""The target "onnx": a model of a cell over a sequence, forward, for onnxruntime and what else reads ONNX.

A cell that is exactly LSTM, GRU or RNN by its equations is that operator; any other is a Scan over its step.  What
depends on the cell is in `codegen/graphs`; here are the choices: PASSES, and FUNCTIONS, what the operators have in the
place of σ and tanh.  A model is binary, so its text is how onnx prints it.

onnxruntime has these operators in float32 only, and wants their size in the file: without one, or in float64, the cell
is a Scan, which has neither limit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sympy import Expr, Integer, Symbol

from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.sizes import axis, misfit, solve_sizes
from lstmgraph.cell import Cell
from lstmgraph.codegen.arrays import array_axes
from lstmgraph.codegen.fixed_sizes import fixed_sizes
from lstmgraph.codegen.graphs.forward import Draft, forward
from lstmgraph.codegen.interface import DTYPES
from lstmgraph.codegen.passes import (
    Ways,
    blend,
    broadcast,
    even,
    gather,
    hoist_terms,
    inline,
    pack,
    precise,
    split_products,
    stack,
)
from lstmgraph.codegen.plan import Plan
from lstmgraph.errors import UnknownName, UsageError, mapping
from lstmgraph.standard import standard

__all__ = ["DTYPES", "PASSES", "files", "generate", "lambdify", "warnings"]


PASSES: Ways = {
    "both": (),
    "forward": (even, split_products, precise, blend, hoist_terms, stack, pack, gather, broadcast, inline),
    "backward": (),
}

# Functions that the operators have by these names; onnx's reference evaluator has σ and tanh only.
FUNCTIONS: Mapping[type, str] = {n.Sigmoid: "Sigmoid", n.Tanh: "Tanh", n.Relu: "Relu", n.Softplus: "Softplus"}

Array = Any  # numpy.ndarray
Sizes = Mapping[str, int]
Params = Mapping[str, Array]


def generate(
    plan: Plan, about: Sequence[str], dtype: str = "float32", sizes: Sizes | None = None, params: Params | None = None
) -> str:
    """The model as text.  `about` are the lines of its description, `params` the values that it holds."""
    import onnx

    return str(onnx.printer.to_text(made(plan, about, dtype, sizes, params))) + "\n"


def files(
    plan: Plan,
    about: Sequence[str],
    stem: str,
    dtype: str = "float32",
    sizes: Sizes | None = None,
    params: Params | None = None,
) -> dict[str, bytes]:
    """The model."""
    return {f"{stem}.onnx": made(plan, about, dtype, sizes, params).SerializeToString()}


def lambdify(plan: Plan, about: Sequence[str], dtype: str | None = None, sizes: Sizes | None = None) -> dict[str, Any]:
    """Functions by onnxruntime; without a `dtype`, for each type that they are given."""
    from lstmgraph.codegen.graphs.models import model
    from lstmgraph.codegen.graphs.running import Runner

    fixed = sizes_of(plan.cell, sizes, None)
    runner = Runner(plan.cell, lambda dtype, sizes: model(drafted(plan, dtype, sizes), dtype, about), dtype, fixed)
    found = {"step": runner.step, "forward": runner.forward}
    source = generate(plan, about, dtype or "float32", sizes)
    return {**found, **{word: runner.checks[word] for word in ("init", "shapes")}, "source": source}


def made(plan: Plan, about: Sequence[str], dtype: str, sizes: Sizes | None, params: Params | None) -> Any:
    """The model as onnx's own message."""
    from lstmgraph.codegen.graphs.models import model

    fixed = sizes_of(plan.cell, sizes, params)
    draft = drafted(plan, dtype, fixed)
    said = [f"Warning: {text}" for text in warnings(plan.cell, dtype, sizes, params)]
    return model(draft, dtype, [*about, *([""] if said else []), *said], params)


def drafted(plan: Plan, dtype: str, sizes: Mapping[Symbol, Expr]) -> Draft:
    """The graph."""
    if dtype not in DTYPES:
        raise UnknownName("dtype", dtype, DTYPES)
    return forward(plan, PASSES["forward"], sizes, dtype, FUNCTIONS if dtype == "float32" else {})


def warnings(cell: Cell, dtype: str = "float32", sizes: Sizes | None = None, params: Params | None = None) -> list[str]:
    """What whoever takes the model should know."""
    return list(_warnings(cell, dtype, sizes_of(cell, sizes, params)))


def _warnings(cell: Cell, dtype: str, sizes: Mapping[Symbol, Expr]) -> Iterator[str]:
    found = standard(cell)
    if found is None:
        return
    operator = found.form.upper()
    if dtype != "float32":
        yield f"a Scan and not the operator {operator}, which onnxruntime has in float32 only"
    elif found.h.next.shape[0].xreplace(sizes).free_symbols:
        yield f"a Scan and not the operator {operator}, whose size must be in the file: give sizes, or the parameters"
    elif found.peepholes:
        yield "peepholes are the LSTM's input P, which some importers drop without a word: compare what they compute"


# ── sizes ──


def sizes_of(cell: Cell, sizes: Sizes | None, params: Params | None) -> dict[Symbol, Expr]:
    """The sizes that are given, and those that parameters have.

    Raises UnknownName for a size or a parameter that there is not, UsageError where something does not fit.
    """
    given = fixed_sizes(cell, sizes)
    fixed = {z: Integer(given[str(z)]) for z in cell.sizes if str(z) in given}
    return fixed if params is None else _sizes_of_params(cell, fixed, params)


def _sizes_of_params(cell: Cell, fixed: Mapping[Symbol, Expr], params: Params) -> dict[Symbol, Expr]:
    for name in mapping("params", params, "arrays"):
        if name not in {p.name for p in cell.parameters}:
            raise UnknownName("parameter", name, [p.name for p in cell.parameters], of=cell.name)
    wrong = misfit({p.name: (array_axes(p.shape, False), _shape(params, p.name)) for p in cell.parameters})
    if wrong:
        raise UsageError(wrong)
    sides = [side for p in cell.parameters for side in array_axes(p.shape, False)]
    lengths = {axis(k): Integer(n) for k, n in enumerate(n for p in cell.parameters for n in _shape(params, p.name))}
    solved = {z: e.xreplace(lengths) for z, e in solve_sizes(sides).items()}
    for z, number in fixed.items():
        if solved.get(z, number) != number and solved[z].is_Integer:
            told = f"the size {z} is given as {number}, and {solved[z]} by the values of the parameters"
            raise UsageError(told, hint="leave one of them out")
    found = {**solved, **fixed}
    for p in cell.parameters:
        wanted = tuple(side.xreplace(found) for side in array_axes(p.shape, False))
        if any(a.is_Integer and a != b for a, b in zip(wanted, _shape(params, p.name), strict=True)):
            raise UsageError(f"{p.name} must be {wanted}, got {_shape(params, p.name)}")
    return found


def _shape(params: Params, name: str) -> tuple[int, ...]:
    if name not in params:
        raise UsageError(f"the values of {name} are missing", hint="values are given for all parameters, or for none")
    return tuple(getattr(params[name], "shape", ()))
