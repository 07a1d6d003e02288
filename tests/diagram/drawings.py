"""Drawings that several test files look at, each made once: one worker has these files, `SHARING` in conftest.py."""

from __future__ import annotations

from functools import cache
from typing import Any

import lstmgraph
from lstmgraph import Cell
from lstmgraph.api.drawing import Drawing


@cache
def loaded(name: str) -> Cell:
    return lstmgraph.load(name)


def drawn(name: str, style: str = "pipe", **options: Any) -> Drawing:
    """The drawing of a cell; options may be given as they are by default, too."""
    given = {"theme": "default", **{key: value for key, value in options.items() if value is not None}}
    return _drawn(name, style, tuple(sorted(given.items())))


@cache
def _drawn(name: str, style: str, options: tuple[tuple[str, Any], ...]) -> Drawing:
    return loaded(name).draw(style, **dict(options))
