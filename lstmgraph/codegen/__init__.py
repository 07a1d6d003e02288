"""From a cell and its gradient to code that runs without lstmgraph.

What needs no SymPy (the targets) loads none: `generate` and `lambdify` are imported when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lstmgraph.codegen.targets import TARGETS, Target

if TYPE_CHECKING:
    from lstmgraph.codegen.functions import Functions, generate, generate_files, lambdify, warnings

__all__ = ["TARGETS", "Functions", "Target", "generate", "generate_files", "lambdify", "warnings"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from lstmgraph.codegen import functions

    return getattr(functions, name)
