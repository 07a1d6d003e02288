"""What a sequence's loss sees and what the sequence starts from: choices that the transforms through time share."""

from __future__ import annotations

from collections.abc import Mapping

from lstmgraph.errors import UnknownName, UsageError

LOSSES: Mapping[str, str] = {"every": "the output of every step", "last": "the output of the last step alone"}
STARTS: Mapping[str, str] = {"given": "any initial states", "zero": "initial states that are zero, and not learnt"}


def check_choice(kind: str, given: str, known: Mapping[str, str]) -> None:
    """Raises UnknownName where a choice is none of those known."""
    if given not in known:
        raise UnknownName(kind, str(given), known)


def check_count(what: str, given: object) -> None:
    """Raises UsageError where something is no whole number from 1."""
    if not isinstance(given, int) or isinstance(given, bool) or given < 1:
        raise UsageError(f"{what} is a whole number from 1, got {given!r:.40}")
