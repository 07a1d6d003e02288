"""Generated Python made into what it defines."""

from __future__ import annotations

import linecache
from typing import Any

_names: list[str] = []  # a name of its own for each text, or tracebacks would show another's


def executed(source: str, words: str) -> dict[str, Any]:
    """All that a text of our own defines, which `inspect.getsource` and tracebacks also show."""
    name = f"<lstmgraph {words} {len(_names)}>"
    _names.append(name)
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    namespace: dict[str, Any] = {"__name__": name}
    exec(compile(source, name, "exec"), namespace)  # noqa: S102 - our own text, from typed equations
    return namespace
