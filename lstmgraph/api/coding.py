"""A cell as code, and its weights: methods of `Cell`, each here with its signature and what it raises."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from lstmgraph.api.catalogue import check_name, chosen_options, code_targets
from lstmgraph.notation import get_notation
from lstmgraph.program import Equation

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray

    from lstmgraph.api.cell import Cell
    from lstmgraph.api.gradient import Gradient
    from lstmgraph.codegen import Functions


def lambdify(
    self: Cell,
    target: str = "numpy",
    *,
    dtype: DTypeLike | None = None,
    sizes: Mapping[str, int] | None = None,
    compiled: bool = False,
) -> Functions:
    """Callables `step`, `forward` (a batch of sequences) and `backward` (all gradients through time), with
    docstrings.

    Those of the target "c" are compiled, for the type of what they are given, or for one `dtype` ("float32",
    "float64", or NumPy's); `sizes` fixes some when it is compiled: {"H": 16}.  Those of "onnx" run a model in
    onnxruntime, forward.  With `compiled` the module of "torch" runs its sequences on the CPU by that C, forward
    and back.

    Raises UnknownName for a target, a type or a size that does not exist, UsageError for an option that the target
    does not have, MissingExtra where what the target needs is not installed.
    """
    from lstmgraph import codegen

    check_name("target", target, code_targets())
    options = chosen_options(dtype=dtype, sizes=sizes, compiled=compiled or None)
    cell, gradient = _computed(self)
    return codegen.lambdify(cell, gradient, target, partial(_source_of, self), **options)


def code(
    self: Cell,
    target: str = "numpy",
    *,
    dtype: DTypeLike | None = None,
    sizes: Mapping[str, int] | None = None,
    params: Mapping[str, Any] | None = None,
) -> str:
    """The text of a standalone file with what `lambdify` returns.

    That of the targets "c" and "onnx" is for the type `dtype`, by default "float32", and for sizes that are given
    at run time, or here: {"H": 16, "X": 8}.  A model of the target "onnx" holds the values of the parameters where
    `params` gives them, by name, as arrays of NumPy; else they are inputs.  Raises UnknownName, UsageError and
    MissingExtra, as lambdify.
    """
    from lstmgraph import codegen

    check_name("target", target, code_targets())
    from lstmgraph.api.selftest import file_options

    options = file_options(self, target, dtype, sizes, params)
    cell, gradient = _computed(self)
    return codegen.generate(cell, gradient, target, partial(_source_of, self), **options)


def code_files(
    self: Cell,
    target: str = "numpy",
    stem: str = "",
    *,
    dtype: DTypeLike | None = None,
    sizes: Mapping[str, int] | None = None,
    params: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The files of a target, from names to texts: `stem`, by default the cell's name, with suffixes.

    That is one file, or two where the target is "c": a source and a header.  That of the target "onnx" is bytes.
    Options as of `code`.  Raises UnknownName, UsageError and MissingExtra, as lambdify.
    """
    from lstmgraph import codegen

    check_name("target", target, code_targets())
    from lstmgraph.api.selftest import file_options

    options = file_options(self, target, dtype, sizes, params)
    cell, gradient = _computed(self)
    return codegen.generate_files(cell, gradient, target, stem or self.name, partial(_source_of, self), **options)


def code_warnings(
    self: Cell,
    target: str,
    *,
    dtype: DTypeLike | None = None,
    sizes: Mapping[str, int] | None = None,
    params: Mapping[str, Any] | None = None,
) -> list[str]:
    """What whoever takes such a file should know: of the target "onnx", what importers may do wrong."""
    from lstmgraph import codegen

    check_name("target", target, code_targets())
    return codegen.warnings(self, target, **chosen_options(dtype=dtype, sizes=sizes, params=params))


def passes(self: Cell, target: str = "numpy") -> str:
    """What each pass of a target does to the equations of a sequence, forward and backward, as text.

    First come the equations that are computed otherwise than they are written, whatever the target.

    Raises UnknownName for a target that does not exist, UsageError for one that has no passes.
    """
    from lstmgraph.codegen.shown import passes_text

    cell, gradient = _computed(self)
    told = passes_text(cell, gradient, target)
    return "\n".join([*_computed_otherwise(self, cell), told])


def weights_from(
    self: Cell, layout: str, weights: object, *, at: str = "", layer: int | None = None, reverse: bool | None = None
) -> dict[str, NDArray[Any]]:
    """The parameters of this cell, as generated code takes them, from the weights of a library's layer.

    `layout` says how that library keeps them: "torch", "torch-cell", "keras", "flax", "nnx", "nnx-optimized",
    "onnx".  `weights` are what it hands out (a state dict, get_weights(), the params or the state of a flax cell, a
    model of ONNX or its arrays by name), or a file of them.  `at` is the name of the layer in a larger model,
    `layer` (from 0) and `reverse` choose from a deeper or bidirectional one, where they must be given.  Biases that
    are merely added become one.

    Raises UsageError where the cell is no LSTM, GRU or plain recurrent network by its equations, or cannot hold
    something that is not zero in the weights, where there are no such arrays, and where several layers or directions
    could be meant; UnknownName for a layout or a name that does not exist, ShapeError for arrays that do not fit,
    MissingExtra where what reads a file is not installed.
    """
    from lstmgraph.api.weights import loaded

    return loaded(self, layout, weights, at, layer, reverse)


def weights_to(self: Cell, layout: str, params: Mapping[str, Any], *, layer: int = 0, reverse: bool = False) -> Any:
    """The weights of a library's layer, as NumPy arrays, from parameters of this cell: the inverse of weights_from.

    A list for "keras", nested mappings for flax, else a mapping from names to arrays.  Where a library has two
    biases and the cell has one, the second is zero.  Raises as weights_from; UsageError too for what is not zero
    and has no place in the library, such as peepholes.
    """
    from lstmgraph.api.weights import as_handed_out, stored

    return as_handed_out(layout, stored(self, layout, params, layer, reverse))


def _computed(self: Cell) -> tuple[Cell, Gradient]:
    """The cell as code computes it, with its gradient."""
    from lstmgraph.api.cell import Cell
    from lstmgraph.codegen.computed import computed

    cell = Cell.of(computed(self))
    return cell, cell.gradient()


def _computed_otherwise(self: Cell, cell: Cell) -> list[str]:
    """The equations that are not computed as they are written, both ways."""
    from lstmgraph.printing import print_equation

    pairs = zip(self.equations, cell.equations, strict=True)
    written = [[print_equation(e, "source", get_notation(self)) for e in pair] for pair in pairs]
    changed = [f"    {before}\n      is  {after.partition(' = ')[2]}" for before, after in written if before != after]
    words = "Constants are folded, and what overflows is in forms that do not:"
    return ["the cell", "========", "", words, *changed, ""] if changed else []


def _source_of(self: Cell, equation: Equation) -> str:
    """The author's equation of a value in the cell language, for the top of a generated file."""
    from lstmgraph.printing import print_equation

    written = next(e for e in self.equations if e.target == equation.target)
    return print_equation(written, "source", get_notation(self))
