"""Ids and classes that are safe in every format: readable, prefixed with the diagram's own id, never the same twice."""

from __future__ import annotations

import re


def token(name: str) -> str:
    """A name as part of an id or a class: letters, digits and hyphens."""
    return re.sub("[^A-Za-z0-9]+", "-", name).strip("-") or "x"


class Names:
    """The ids given so far in one file."""

    def __init__(self, scene_id: str) -> None:
        self.prefix = token(scene_id)
        self._given: dict[tuple[str, str], str] = {}
        self._taken: set[str] = set()

    def id(self, kind: str, name: str) -> str:
        """The id of the thing of that kind and name: the same whenever it is asked for."""
        key = kind, name
        if key not in self._given:
            base = given = f"{self.prefix}-{kind}-{token(name)}"
            k = 1
            while given in self._taken:
                k += 1
                given = f"{base}-{k}"
            self._given[key] = given
            self._taken.add(given)
        return self._given[key]

    def classes(self, role: str, lit: bool) -> str:
        """The role, and whether it is dimmed, each prefixed."""
        found = [*[token(role)] * bool(role), *["dimmed"] * (not lit)]
        return " ".join(f"{self.prefix}-{name}" for name in found)
