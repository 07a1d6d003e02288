"""Formulas for people: one printer, several dialects (terminal, LaTeX, Markdown, the cell language).

Drawings print expressions and no programs, which are therefore imported when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lstmgraph.printing.dialects import DIALECTS
from lstmgraph.printing.expressions import print_equation, print_expr

if TYPE_CHECKING:
    from lstmgraph.printing.programs import print_program

__all__ = ["DIALECTS", "print_equation", "print_expr", "print_program"]


def __getattr__(name: str) -> Any:
    if name != "print_program":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from lstmgraph.printing.programs import print_program

    return print_program
