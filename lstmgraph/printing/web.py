"""A web page of formulas: what stands on it, and the template that makes it a document, `templates/formulas.html.j2`.

The page is one file with native MathML: no scripts, no fonts, nothing to load.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lstmgraph.printing.reasons import Reason
from lstmgraph.templates import render


@dataclass(frozen=True)
class Entry:
    """A numbered equation and why it is so, as HTML: the whole, then its terms."""

    number: int
    math: str
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Block:
    """A part of a page: a heading, and equations in one piece or one by one, or rules."""

    title: str
    math: str = ""
    entries: tuple[Entry, ...] = ()
    rules: tuple[Reason, ...] = ()


def document(title: str, notes: Sequence[str], blocks: Sequence[Block]) -> str:
    """The page; `notes` are the legend, as HTML."""
    from lstmgraph import __version__

    return render("formulas.html.j2", title=title or "Formulas", notes=notes, blocks=blocks, version=__version__)
