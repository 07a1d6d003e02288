"""Cells from text, files and Python, and back to text.

What needs no SymPy (the names in the library) loads none: the public names below are imported when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from lstmgraph.reading.library import library, read

if TYPE_CHECKING:
    from lstmgraph.cell import Cell
    from lstmgraph.reading.sympy_input import from_equations, from_sympy
    from lstmgraph.reading.toml import dumps, loads
    from lstmgraph.reading.writing import source

__all__ = ["dumps", "from_equations", "from_sympy", "library", "load", "loads", "read", "source"]

_HOME = {
    "dumps": "toml",
    "loads": "toml",
    "from_equations": "sympy_input",
    "from_sympy": "sympy_input",
    "source": "writing",
}


def load(name_or_path: str) -> Cell:
    """The cell of that name in the library, of that file, or of standard input ("-")."""
    from lstmgraph.reading.toml import loads

    text, source, name = read(str(name_or_path))
    return loads(text, source, name)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
