"""Notations as data: the files of `notations/`, and how each puts marks and subscripts on a letter.

To add a notation, write a TOML file; `notations/plain.toml` explains the keys.  This module needs no SymPy, so that the
notations can be listed without it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from lstmgraph.notation.letters import ACCENTED, WIDE, Letter, letter

if TYPE_CHECKING:
    from lstmgraph.cell import Cell

Time = Literal["explicit", "implicit"]

FOLDER = Path(__file__).parents[1] / "notations"
DEFAULT = "plain"


@dataclass(frozen=True)
class Style:
    """A file of `notations/`, with what it leaves out taken from `plain`."""

    title: str
    time: str
    text_time: str
    roles: Mapping[str, list[str]]
    letters: Mapping[str, str]
    parameters: Mapping[str, str]
    marks: Mapping[str, list[str]]

    @cached_property
    def shared_heads(self) -> frozenset[str]:
        """What all values of a role have as their head, so that only the subscript tells them apart: the Γ of gates."""
        templates = [letter(t) for options in self.roles.values() for t in options]
        return frozenset(t.head for t in templates if any("#" in s for s in t.sub))

    def index(self, of: Letter) -> str:
        """A letter as the subscript of another one: a gate Γ_f by its own subscript alone."""
        return ",".join(of.sub) if of.sub and of.head in self.shared_heads else of.latex()

    def apply(self, template: Letter, to: Letter, index: str = "") -> Letter:
        """A mark on a letter: over its head, before it, or with the letter (its `index`) as the mark's subscript."""
        if any("#" in s for s in template.sub):
            return replace(template, sub=tuple(s.replace("#", index or self.index(to)) for s in template.sub))
        head = _widened(template.head.replace("#", to.head), to.head) if template.head else to.head
        return Letter(head, (*to.sub, *template.sub), (*to.sup, *template.sup))


@lru_cache(maxsize=16)
def style(name: str) -> Style:
    own: dict[str, Any] = tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))
    if name == DEFAULT:
        return Style(**own)
    base: dict[str, Any] = {f.name: getattr(style(DEFAULT), f.name) for f in fields(Style)}
    merged: dict[str, Any] = {
        k: {**v, **own.get(k, {})} if isinstance(v, dict) else own.get(k, v) for k, v in base.items()
    }
    return Style(**merged)


@lru_cache(maxsize=1)
def style_names() -> tuple[str, ...]:
    return tuple(sorted(p.stem for p in FOLDER.glob("*.toml")))


def notation_names(cell: Cell | None = None) -> tuple[str, ...]:
    """The notations that there are, `plain` first; with a cell, also those that only its file defines."""
    own = cell.notations if cell else ()
    return tuple(dict.fromkeys([DEFAULT, *style_names(), *own]))


def _widened(head: str, inner: str) -> str:
    """A bar over a word is a long one; over another accent too, where a short one looks like a part of that."""
    if inner.startswith("\\mathrm"):
        for narrow, wide in WIDE.items():
            head = head.replace(f"\\{narrow}{{{inner}", f"\\{wide}{{{inner}")
    elif ACCENTED.match(inner):
        head = head.replace(f"\\bar{{{inner}", f"\\{WIDE['bar']}{{{inner}")
    return head
