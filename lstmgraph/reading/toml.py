"""The cell file: TOML -> Cell and back.  Its reference is docs/cell-file.md.

A new key is a field of `assemble.Parts`, a row of `_KEYS` and a line in `dumps`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from sympy import MatrixSymbol

from lstmgraph.algebra.names import name_of
from lstmgraph.cell import NAME, Cell, WalkStep
from lstmgraph.errors import CellError, CellSyntaxError, Place, ShapeError, suggestion
from lstmgraph.reading.assemble import Parts, assemble
from lstmgraph.reading.positions import Positions
from lstmgraph.reading.text import MAX_CHARACTERS, Text, require_text
from lstmgraph.reading.writing import equation_source


def loads(text: str, source: str = "<text>", name: str = "cell") -> Cell:
    """The cell that a TOML text defines.  `source` is what errors call the text, `name` the name of a cell without."""
    require_text(text)
    if len(text) > MAX_CHARACTERS:
        raise CellSyntaxError(f"{source}: more than {MAX_CHARACTERS} characters: too large for a cell file")
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    return assemble(_parts(_parsed(text, source), Positions(text, source), name))


def _parsed(text: str, source: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message = str(error)
    except (RecursionError, ValueError):
        message = "too deeply nested, or a number that is too large"
    found = re.search(r"\s*\((?:at line (\d+), column (\d+)|at end of document)\)", message)
    place = _toml_place(text, source, found)
    said = message[: found.start()] if found else message
    raise CellSyntaxError(f"not valid TOML: {said}", place=place, hint=_toml_hint(text, place))


def _toml_place(text: str, source: str, found: re.Match[str] | None) -> Place:
    lines = text.split("\n")
    if found is None:
        return Place(source, 1, 1, lines[0])
    if found[1] is None:
        return Place(source, len(lines), len(lines[-1]) + 1, lines[-1])
    line, column = int(found[1]), int(found[2])
    return Place(source, line, column, lines[line - 1] if line <= len(lines) else "")


_EQUATION_LINE = re.compile(r"\s*\w+\s*\[\s*t\s*\]\s*=")


def _toml_hint(text: str, place: Place) -> str:
    if len(re.findall(r'"""', text)) % 2:
        return 'a text that begins with """ ends with """'
    if _EQUATION_LINE.match(place.text) or ('"""' not in text and "'''" not in text and _EQUATION_LINE.search(text)):
        return 'equations are text: equations = """ ... """'
    return 'text is quoted: output = "h", x = "X"' if re.match(r"\s*[\w.-]+\s*=\s*[^\W\d]", place.text) else ""


# ── from the table to the parts of a cell ──


def _parts(data: dict[str, Any], where: Positions, name: str) -> Parts:
    for key in data:
        if key not in _KEYS:
            hint = _OTHER_KEYS.get(key) or suggestion(key, _KEYS)
            raise CellSyntaxError(f"a cell file has no {key!r:.60}", place=where(key), hint=hint)
    if "equations" not in data:
        raise CellSyntaxError(f"{where.file.source}: there are no equations", hint='equations = """ ... """')
    read = {field: reader(data[key], where, key) for key, (field, reader) in _KEYS.items() if key in data}
    given = read.setdefault("name", name)
    if not NAME.fullmatch(given):
        raise CellSyntaxError(f"{given!r:.60} is not a name for a cell", place=where("name"), hint='name = "my_cell"')
    return Parts(where=where, **read)


def _string(value: object, where: Positions, *path: str | int) -> str:
    if not isinstance(value, str):
        raise CellSyntaxError(f"{path[-1]!r} must be text", place=where(*path), hint=f'{path[-1]} = "..."')
    return value


def _strings(value: object, where: Positions, *path: str | int) -> tuple[str, ...]:
    """A list of texts, or a single one."""
    many = value if isinstance(value, list) else [value]
    if not all(isinstance(v, str) for v in many):
        raise CellSyntaxError(
            f"{path[-1]!r} must be a list of texts", place=where(*path), hint=f'{path[-1]} = ["...", "..."]'
        )
    return tuple(many)


def _equations(value: object, where: Positions, *path: str | int) -> Text:
    """One text of many lines; also a list of texts, one equation each."""
    if isinstance(value, list):
        return Text.alone("\n".join(_strings(value, where, *path)), where.file.source)
    return where.string(path, _string(value, where, *path))


def _table(value: object, where: Positions, *path: str | int) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise CellSyntaxError(f"{path[-1]!r} must be a table", place=where(*path), hint=f"[{'.'.join(map(str, path))}]")
    return value


def _texts(value: object, where: Positions, *path: str | int) -> dict[str, str]:
    """A table of texts."""
    return {key: _string(v, where, *path, key) for key, v in _table(value, where, *path).items()}


def _notations(value: object, where: Positions, *path: str | int) -> dict[str, dict[str, str]]:
    found = {}
    for name, entries in _table(value, where, *path).items():
        if not isinstance(entries, dict):
            place = where(*path, name)
            raise CellSyntaxError("a notation has a name", place=place, hint=f"[notation.mine]  {name} = ...")
        found[name] = _texts(entries, where, *path, name)
    return found


def _walks(value: object, where: Positions, *path: str | int) -> dict[str, tuple[WalkStep, ...]]:
    found = {}
    for name, steps in _table(value, where, *path).items():
        if not isinstance(steps, list) or not all(isinstance(s, dict) for s in steps):
            raise CellSyntaxError(
                f"the walk {name!r} must be a list of steps", place=where(*path, name), hint=f"[[walks.{name}]]"
            )
        found[name] = tuple(_step(s, where, *path, name, k) for k, s in enumerate(steps))
    return found


def _step(step: dict[str, Any], where: Positions, *path: str | int) -> WalkStep:
    known = ("title", "computes", "shows")
    for key in step:
        if key not in known:
            raise CellSyntaxError(
                f"a step of a walk has no {key!r}", place=where(*path, key), hint=suggestion(key, known)
            )
    computes, shows = (_strings(step.get(key, []), where, *path, key) for key in known[1:])
    if not computes and not shows:
        hint = 'title = "Forget gate"  computes = ["f"]'
        raise CellSyntaxError("this step of a walk neither computes nor shows anything", place=where(*path), hint=hint)
    return WalkStep(_string(step.get("title", ", ".join(computes or shows)), where, *path, "title"), computes, shows)


_Reader = Callable[..., Any]

# A key of the file, the field of `Parts` that it fills, and how its value is read.
_KEYS: dict[str, tuple[str, _Reader]] = {
    "name": ("name", _string),
    "title": ("title", _string),
    "sources": ("sources", _strings),
    "output": ("output", _string),
    "equations": ("text", _equations),
    "sizes": ("sizes", _table),
    "constants": ("constants", _table),
    "roles": ("roles", _texts),
    "notation": ("notations", _notations),
    "walks": ("walks", _walks),
}


_FOLLOWS = "it follows from how names are used in the equations; sizes are given in [sizes]"
_OTHER_KEYS = {
    **dict.fromkeys(["parameters", "inputs", "input", "states", "state", "params"], _FOLLOWS),
    "notations": "write [notation.NAME]",
    "outputs": 'there is one output: output = "h"',
    "walk": "write [[walks.NAME]]",
    "steps": "write [[walks.NAME]]",
}


# ── writing ──


def dumps(cell: Cell) -> str:
    """The file of a cell: `loads` makes an equal one of it.  Raises CellError where the language cannot say it."""
    candidates = [cell.sizes_given] if cell.sizes_given else [_sizes(cell, outer=True), _sizes(cell, outer=False)]
    for sizes in candidates:
        text = "\n".join(_lines(cell, sizes)) + "\n"
        try:
            again = loads(text)
        except ShapeError:
            continue
        if again.equations == cell.equations:
            return text
    raise CellError(
        f"{cell.name}: the cell language cannot say these equations so that they are read as the same again"
    )


def _lines(cell: Cell, sizes: Mapping[str, object]) -> Iterator[str]:
    yield f"name = {_quoted(cell.name)}"
    if cell.title:
        yield f"title = {_quoted(cell.title)}"
    if cell.sources:
        yield f"sources = [{', '.join(map(_quoted, cell.sources))}]"
    yield f"output = {_quoted(cell.output)}"
    yield from ["", 'equations = """', *_equation_lines(cell), '"""']
    yield from _section("sizes", {k: _value(v) for k, v in sizes.items()})
    yield from _section("constants", {k: repr(float(v)) for k, v in cell.constants.items()})
    yield from _section("roles", {k: _quoted(v) for k, v in cell.roles_given.items()})
    for name, entries in cell.notations.items():
        yield from _section(f"notation.{_key(name)}", {k: _quoted(v) for k, v in entries.items()}, always=True)
    for name, steps in cell.walks.items():
        for step in steps:
            yield from ["", f"[[walks.{_key(name)}]]", f"title = {_quoted(step.title)}"]
            for key, texts in (("computes", step.computes), ("shows", step.shows)):
                if texts:
                    yield f"{key} = [{', '.join(map(_quoted, texts))}]"


def _equation_lines(cell: Cell) -> list[str]:
    written = [equation_source(e) for e in cell.equations]
    width = max(len(w) for w in written)
    notes = [" ".join(e.note.split()) for e in cell.equations]
    return [f"{w.ljust(width)}   # {_escaped(note)}" if note else w for w, note in zip(written, notes, strict=True)]


def _section(title: str, entries: Mapping[str, str], *, always: bool = False) -> list[str]:
    if not entries and not always:
        return []
    return ["", f"[{title}]", *(f"{_key(k)} = {v}" for k, v in entries.items())]


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _quoted(name)


def _quoted(text: str) -> str:
    return f'"{_escaped(text)}"'


def _escaped(text: str) -> str:
    marked = text.replace("\\", "\\\\").replace('"', '\\"')
    return re.sub(r"[\x00-\x1f\x7f]", lambda m: f"\\u{ord(m[0]):04x}", marked)


def _value(given: object) -> str:
    """A size as TOML: "H", ["H", "X"], 1."""
    if isinstance(given, (list, tuple)):
        return f"[{', '.join(map(_value, given))}]"
    return str(given) if isinstance(given, int) else _quoted(str(given))


def _sizes(cell: Cell, *, outer: bool) -> dict[str, object]:
    """The sizes of inputs and states, which settle most cells, or of everything."""
    symbols = [*cell.inputs, *cell.previous] if outer else [*cell.inputs, *cell.values.values(), *cell.parameters]
    return {name_of(s).base: _size(s) for s in symbols}


def _size(symbol: MatrixSymbol) -> object:
    rows, columns = (int(s) if s.is_Integer else str(s) for s in symbol.shape)
    return rows if columns == 1 else [rows, columns]
