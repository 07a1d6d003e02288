"""Values of parameters from a file, by their own names."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from lstmgraph.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray


def read_parameters(path: str, names: Collection[str]) -> dict[str, NDArray[Any]]:
    """The arrays of those names in a file, as `numpy.savez(path, **params)` writes it, or another file of weights.

    Raises UsageError where there are others or not all, MissingExtra where what reads the file is not installed.
    """
    from lstmgraph.weights.files import read
    from lstmgraph.weights.given import as_array

    found = read(path)
    if not isinstance(found, Mapping):
        raise UsageError(f"{path!r} holds no arrays by name", hint="numpy.savez('weights.npz', **params)")
    wrong = {"missing": [k for k in names if k not in found], "unknown": [k for k in found if k not in names]}
    if any(wrong.values()):
        told = "; ".join(f"{what}: {', '.join(map(str, which))}" for what, which in wrong.items() if which)
        raise UsageError(f"{path!r} does not hold the parameters; {told}", hint=f"they are {', '.join(names)}")
    return {name: as_array(name, value) for name, value in found.items()}
