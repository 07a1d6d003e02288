"""What the commands have in common: the CELL argument, notations, where a result goes and in which format."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, TypeGuard

import click
from click.shell_completion import CompletionItem

from lstmgraph.cli.terminal import is_terminal, note
from lstmgraph.errors import UnknownName, UsageError, suggestion

if TYPE_CHECKING:
    from lstmgraph.api.cell import Cell

STANDARD_OUTPUT = "-"


def complete_cell(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """For the shell: the library's names, and files."""
    from lstmgraph import library

    names = [CompletionItem(name) for name in library() if name.startswith(incomplete)]
    return [*names, CompletionItem(incomplete, type="file")]


cell_argument = click.argument("name", metavar="CELL", shell_complete=complete_cell)

notation_option = click.option(
    "--notation",
    metavar="NAME",
    help="How names are typeset; see: lstmgraph list notations.  [default: the cell's own]",
)


def load_cell(name: str) -> Cell:
    """The cell of that name, file, or standard input."""
    from lstmgraph import library, load

    if not name:
        raise UnknownName("cell", name, library())
    if name == "-" and sys.stdin is None:
        raise UsageError("there is no standard input to read a cell from")
    if name == "-" and sys.stdin.isatty():
        note("reading a cell from standard input; Ctrl-D ends it")
    return load(name)


def is_file(output: str | None) -> TypeGuard[str]:
    """Whether a result goes to a file, not to standard output."""
    return output is not None and output != STANDARD_OUTPUT and not output.startswith("/dev/")


def choose_format(
    output: str | None, given: str | None, formats: Mapping[str, Sequence[str]], default: str, kind: str = "format"
) -> str:
    """The format of a result.  `formats` maps a format to its suffixes; `output` chooses, `given` has to agree."""
    if given is not None and given not in formats:
        raise UnknownName(kind, given, formats)
    if output == "":
        raise UsageError("the name of the output is empty", hint="-o FILE, or -o - for standard output")
    if not is_file(output):
        return given or default
    suffix = PurePath(output).suffix.lower()
    if output.endswith("/") or (not suffix and Path(output).is_dir()):
        raise UsageError(f"{output!r} is a folder", hint=f"name a file in it: {Path(output) / 'NAME'}")
    meant = sorted((n for n, suffixes in formats.items() if suffix in suffixes), key=lambda n: n != default)
    if not meant and given is None:
        known = "; ".join(f"{name} ({', '.join(suffixes)})" for name, suffixes in formats.items())
        what = (
            f"there is no {kind} with the suffix {suffix!r}"
            if suffix
            else f"{output!r} has no suffix to choose a {kind} by"
        )
        raise UsageError(what, hint=f"known: {known}")
    if meant and given is not None and given not in meant:
        named = PurePath(output).with_suffix(formats[given][0])
        hint = f"leave one of them out, or name it {named}"
        raise UsageError(f"{output!r} is a file of {kind} {meant[0]}, not {given}", hint=hint)
    return given or meant[0]


def deliver(result: str | bytes, output: str | None) -> None:
    """A result: to its file, or to standard output; text ends in a line feed."""
    if isinstance(result, str) and not result.endswith("\n"):
        result += "\n"
    if output is None or output == STANDARD_OUTPUT:
        if isinstance(result, bytes) and b"\0" in result and is_terminal(sys.stdout):
            raise UsageError("this format is not for a terminal", hint="give it a file: -o FILE")
        click.echo(result, nl=False)
        return
    from lstmgraph.files import write_bytes

    write_bytes(output, result.encode() if isinstance(result, str) else result)


class WholeNumber(click.ParamType):  # type: ignore[type-arg]
    """A whole number; a mistake is answered with those that will do."""

    name = "integer"

    def __init__(self, span: str) -> None:
        self.span = span

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        try:
            return int(str(value))
        except ValueError:
            self.fail(f"{value!r} is not a whole number{self.span}", param, ctx)


class Choice(click.Choice):  # type: ignore[type-arg]
    """A choice that knows what a misspelt one was meant to be."""

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> object:
        if value not in self.choices:
            self.fail(f"there is no {value!r}: {suggestion(str(value), self.choices)}", param, ctx)
        return value
