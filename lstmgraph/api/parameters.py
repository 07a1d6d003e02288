"""Values of parameters from a file, by their own names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lstmgraph.errors import ArrayShapeError, UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from sympy import MatrixSymbol


def read_parameters(path: str, parameters: Sequence[MatrixSymbol]) -> dict[str, NDArray[Any]]:
    """The arrays of those parameters in a file, by name: as `numpy.savez(path, **params)` writes it, or another kind.

    Raises UsageError where there are others or not all, ArrayError where they are no numbers or do not fit together,
    MissingExtra where what reads the file is not installed.
    """
    from lstmgraph.algebra.sizes import misfit
    from lstmgraph.codegen.arrays import array_axes
    from lstmgraph.weights.files import naming, read
    from lstmgraph.weights.given import as_array

    found, names = read(path), [p.name for p in parameters]
    if not isinstance(found, Mapping):
        raise UsageError(f"{path!r} holds no arrays by name", hint="numpy.savez('weights.npz', **params)")
    wrong = {"missing": [k for k in names if k not in found], "unknown": [k for k in found if k not in names]}
    if any(wrong.values()):
        told = "; ".join(f"{what}: {', '.join(map(str, which))}" for what, which in wrong.items() if which)
        raise UsageError(f"{path!r} does not hold the parameters; {told}", hint=f"they are {', '.join(names)}")
    with naming(path):
        arrays = {name: as_array(name, value) for name, value in found.items()}
        if unlike := misfit({p.name: (array_axes(p.shape, False), arrays[p.name].shape) for p in parameters}):
            raise ArrayShapeError(unlike)
    return arrays
