"""Values of parameters from a file, by their own names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lstmgraph.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray


def read_parameters(path: str) -> dict[str, NDArray[Any]]:
    """The arrays of a file by name, as `numpy.savez(path, **params)` writes it, or another file of weights.

    Raises UsageError where there are none, MissingExtra where what reads the file is not installed.
    """
    from lstmgraph.weights.files import read
    from lstmgraph.weights.given import as_array

    found = read(path)
    if not isinstance(found, Mapping):
        raise UsageError(f"{path!r} holds no arrays by name", hint="numpy.savez('weights.npz', **params)")
    return {name: as_array(name, value) for name, value in found.items()}
