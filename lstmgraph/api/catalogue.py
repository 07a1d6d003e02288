"""What there is to choose from, by name, with a line about each: for `lstmgraph list`, for errors and for completion.

To add a topic: a function that gives its names, and a row of `TOPICS`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from lstmgraph.errors import UnknownName, WrongType

# What a gradient can be written as, and the suffixes of such files.
FORMULAS: Mapping[str, tuple[str, ...]] = {
    "unicode": (".txt",),
    "latex": (".tex",),
    "markdown": (".md",),
    "html": (".html",),
}

# What a certificate of a proof can be written as.
CERTIFICATES: Mapping[str, tuple[str, ...]] = {"text": (".txt",), "markdown": (".md",), "json": (".json",)}


def check_name(kind: str, name: str, known: Iterable[str], *, of: str = "") -> str:
    """The name itself.  Raises UnknownName where it is none of those known, WrongType where it is no text."""
    check_text(f"the name of a {kind}", name)
    if name not in known:
        raise UnknownName(kind, name, known, of=of)
    return name


def chosen_options(**options: object) -> dict[str, object]:
    """Those options that are given."""
    return {name: value for name, value in options.items() if value is not None}


def check_text(what: str, given: object) -> None:
    """Raises WrongType where something is no text."""
    if not isinstance(given, str):
        raise WrongType(what, given, ["text"])


def catalogue(topic: str) -> Mapping[str, str]:
    """The names of "cells", "styles", "themes", "notations", "targets", "layouts" or "formats", each with a line."""
    return TOPICS[check_name("topic", topic, TOPICS)]()


def drawing_formats() -> Mapping[str, tuple[str, ...]]:
    """The formats of drawings and the suffixes of their files."""
    from lstmgraph.diagram.writers import FORMATS

    return {name: row.suffixes for name, row in FORMATS.items()}


def code_targets() -> Mapping[str, tuple[str, ...]]:
    """The targets of generated code and the suffixes of their files."""
    from lstmgraph import codegen

    return {name: (target.suffix,) for name, target in codegen.TARGETS.items()}


def _cells() -> dict[str, str]:
    import tomllib

    from lstmgraph.reading import library, read

    return {name: str(tomllib.loads(read(name)[0]).get("title", "")) for name in library()}


def _styles() -> dict[str, str]:
    from lstmgraph.api.choices import STYLES

    return {name: style.words for name, style in STYLES.items()}


def _themes() -> dict[str, str]:
    from lstmgraph.diagram.themes import load_theme, theme_names

    return {name: load_theme(name).title for name in theme_names()}


def _notations() -> dict[str, str]:
    from lstmgraph.notation import notation_names, style

    return {name: style(name).title for name in notation_names()}


def _targets() -> dict[str, str]:
    from lstmgraph import codegen

    return {name: target.words for name, target in codegen.TARGETS.items()}


def _layouts() -> dict[str, str]:
    from lstmgraph.weights.layouts import LAYOUTS

    return {name: row.words for name, row in LAYOUTS.items()}


def _formats() -> dict[str, str]:
    drawings = {name: f"draw: {', '.join(suffixes)}" for name, suffixes in drawing_formats().items()}
    formulas = {name: f"grad: {', '.join(suffixes)}" for name, suffixes in FORMULAS.items()}
    programs = {name: f"code: {', '.join(suffixes)} (target {name})" for name, suffixes in code_targets().items()}
    proofs = {name: f"prove: {', '.join(suffixes)}" for name, suffixes in CERTIFICATES.items()}
    tables = (drawings, formulas, proofs, programs)
    names = dict.fromkeys(name for table in tables for name in table)
    return {name: "; ".join(table[name] for table in tables if name in table) for name in names}


TOPICS = {
    "cells": _cells,
    "styles": _styles,
    "themes": _themes,
    "notations": _notations,
    "targets": _targets,
    "layouts": _layouts,
    "formats": _formats,
}
