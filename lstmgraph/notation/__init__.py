"""How names are typeset: a symbol of a program as LaTeX and as terminal text, in a notation that is data.

`notations/NAME.toml` says how a notation writes time, roles (the gates of `gamma` are a capital gamma), marks (a
cotangent has a bar) and single letters; the table `[notation.NAME]` of a cell's file says how that cell's own names
are written, and goes first.  Everything works on any cell: what neither mentions is spelt as the author wrote it,
with its Greek letters, hats and subscripts.  Two names of a cell never come out alike.

To add a notation, write a TOML file; `notations/plain.toml` explains the keys.  This package knows neither
expressions nor any cell by name.

What needs no SymPy (the files, letters) loads none: `spelling` is imported when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lstmgraph.notation.letters import GREEK, IDENTIFIER, Letter, juxtaposed, letter, plain, run_together, unicode_of
from lstmgraph.notation.styles import DEFAULT, Style, Time, notation_names, style

if TYPE_CHECKING:
    from lstmgraph.notation.spelling import Notation, get_notation

__all__ = [
    "DEFAULT",
    "GREEK",
    "IDENTIFIER",
    "Letter",
    "Notation",
    "Style",
    "Time",
    "get_notation",
    "juxtaposed",
    "letter",
    "notation_names",
    "plain",
    "run_together",
    "style",
    "unicode_of",
]


def __getattr__(name: str) -> Any:
    if name not in ("Notation", "get_notation"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from lstmgraph.notation import spelling

    return getattr(spelling, name)
