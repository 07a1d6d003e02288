"""Where cells come from: the library (data files in lstmgraph/cells), a file, or standard input."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import BinaryIO

from lstmgraph.errors import CellSyntaxError, LstmgraphError, UnknownName, UsageError

CELLS = Path(__file__).resolve().parent.parent / "cells"
_MAX_BYTES = 1_000_000


def library() -> tuple[str, ...]:
    """The names of the cells that come with lstmgraph."""
    return tuple(sorted(path.stem for path in CELLS.glob("*.toml")))


def read(name_or_path: str) -> tuple[str, str, str]:
    """The text of a cell file, what errors call it, and the name that its cell has by default."""
    if name_or_path == "-":
        return _decoded(_all_of(sys.stdin.buffer, "<stdin>"), "<stdin>"), "<stdin>", "cell"
    if name_or_path in library():
        path, source = CELLS / f"{name_or_path}.toml", f"{name_or_path}.toml"
    else:
        path, source = Path(name_or_path), name_or_path
        _refuse_missing(path, name_or_path)
    try:
        with path.open("rb") as stream:
            return _decoded(_all_of(stream, source), source), source, _stem(path)
    except OSError as error:
        raise UsageError(f"{source} cannot be read: {error.strerror}") from None


def _stem(path: Path) -> str:
    stem = "".join(c if c.isalnum() or c in "_-" else "_" for c in path.stem)[:99]
    return stem if stem[:1].isalpha() else f"cell_{stem}"[:99]


def _refuse_missing(path: Path, given: str) -> None:
    if not given:
        raise UnknownName("cell", given, library())
    try:
        exists, folder = path.exists(), path.is_dir()
    except (OSError, ValueError):
        exists, folder = False, False
    if folder:
        raise UsageError(f"{given} is a directory, not a cell file", hint="name a file in it")
    if exists:
        return
    given = given if len(given) <= 100 else given[:97] + "..."
    if "/" in given or "\\" in given or given.endswith(".toml"):
        raise _no_file(path, given)
    raise UnknownName("cell", given, library())


def _no_file(path: Path, given: str) -> LstmgraphError:
    stem = path.stem
    hint = (
        f"the library has {stem!r}"
        if stem in library()
        else "give a file, a name of the library, or - for standard input"
    )
    return UsageError(f"there is no file {given!r:.200}", hint=hint)


def _all_of(stream: BinaryIO, source: str) -> bytes:
    data = stream.read(_MAX_BYTES + 1)
    if len(data) > _MAX_BYTES:
        raise CellSyntaxError(f"{source}: more than {_MAX_BYTES} bytes: too large for a cell file")
    return data


def _decoded(data: bytes, source: str) -> str:
    if b"\0" in data:
        raise CellSyntaxError(f"{source} is a binary file, not a cell file", hint="a cell file is TOML in UTF-8")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise CellSyntaxError(f"{source}:{line}: not UTF-8", hint="save the file as UTF-8 text") from None
