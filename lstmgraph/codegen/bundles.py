"""Tuples in the text of a scan: what it carries, reads and keeps, on one line or on several."""

from __future__ import annotations

from collections.abc import Sequence

from lstmgraph.codegen.code import WIDTH, listed


def argument(names: Sequence[str], word: str) -> str:
    return names[0] if len(names) == 1 else word if names else "_"


def bundle(parts: Sequence[str]) -> str:
    """One value, or a tuple of several."""
    return parts[0] if len(parts) == 1 else f"({', '.join(parts)})" if parts else ""


def unbundled(names: Sequence[str], word: str, indent: int = 4) -> list[str]:
    """`a, b = word`; of one name nothing."""
    pad = " " * (indent - 4)
    line = f"{pad}    {', '.join(names)} = {word}"
    if len(names) < 2 or len(line) <= WIDTH:
        return [line] if len(names) > 1 else []
    return [f"{pad}{text}" for text in listed("(", names, f") = {word}")]


def row(head: str, parts: Sequence[str], indent: int = 4, end: str = "") -> list[str]:
    """`head` a, b, c `end`: an argument a line, and its members a line, where it takes several."""
    pad = " " * indent
    line = f"{pad}{head}{', '.join(parts)}{end}"
    if len(line) <= WIDTH:
        return [line]
    inner = [text for part in parts for text in _part(part, indent + 4)]
    if end and len(f"{pad}{head}") > WIDTH:  # many results
        results, _, word = head.rpartition(" = ")
        return [*row("(", _members(results), indent, f") = {word}")[:-1], f"{pad}) = {word}", *inner, f"{pad}{end}"]
    return [f"{pad}{head}", *inner, f"{pad}{end}"] if end else [f"{pad}{head}(", *inner, f"{pad})"]


def _members(results: str) -> list[str]:
    """The two of `(a, b), (c, d)`, each a value or a tuple."""
    depth = 0
    for at, sign in enumerate(results):
        depth += {"(": 1, ")": -1}.get(sign, 0)
        if sign == "," and depth == 0:
            return [results[:at], results[at + 2 :]]
    return [results]


def _part(part: str, indent: int) -> list[str]:
    pad = " " * indent
    if len(pad + part) < WIDTH or not part.startswith("("):
        return [f"{pad}{part},"]
    lines = listed("(", part[1:-1].split(", "), "),")
    return [f"{pad}{line[4:]}" for line in lines]
