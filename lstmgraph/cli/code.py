"""`lstmgraph code`: a standalone file that runs and trains a cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

import click

from lstmgraph.cli.options import cell_argument, choose_format, deliver, is_file, load_cell
from lstmgraph.cli.terminal import note
from lstmgraph.errors import CellNameError, UnknownOption, UsageError

if TYPE_CHECKING:
    from lstmgraph.api.cell import Cell

OPTIONS = {"dtype": "--dtype", "sizes": "--size", "params": "--params"}  # what Python calls them


@click.command("code")
@cell_argument
@click.option("--target", metavar="TARGET", help="What the code is for; see: lstmgraph list targets.  [default: numpy]")
@click.option("--dtype", metavar="TYPE", help="Targets c and onnx: float32 or float64.  [default: float32]")
@click.option("--size", "sizes", multiple=True, metavar="H=16", help="Targets c and onnx: a fixed size (repeatable).")
@click.option("--params", metavar="FILE", help="Target onnx: the parameters, a .npz, .pt, .pth or .safetensors.")
@click.option("--name", "called", metavar="NAME", help="What it is called in the code.  [default: the cell's name]")
@click.option("--passes", is_flag=True, help="Show what each pass of the target does, not the code.")
@click.option("-o", "--output", metavar="FILE", help="Where to; a header goes beside it.  [default: standard output]")
def command(
    name: str,
    target: str | None,
    dtype: str | None,
    sizes: tuple[str, ...],
    params: str | None,
    called: str | None,
    passes: bool,
    output: str | None,
) -> None:
    """Generate code for a cell: one step, a sequence, and all gradients through time.

    \b
    lstmgraph code lstm -o lstm.py
    lstmgraph code lstm --passes
    lstmgraph code lstm --target c --dtype float64 --size X=8 --size H=16 -o lstm.c
    lstmgraph code lstm --target c --name small_lstm --size X=2 --size H=4 -o small_lstm.c
    lstmgraph code lstm --params weights.npz -o lstm.onnx
    """
    fixed = _sizes(sizes)
    if passes:
        _refuse_with_passes({"--dtype": dtype, "--size": fixed, "--params": params, "--name": called}, output)
        deliver(load_cell(name).passes(target or "numpy"), output)
        return
    chosen, cell = _target(target, output), load_cell(name)
    cell = cell if called is None else _called(cell, called)
    try:
        _write(cell, chosen, output, {"dtype": dtype, "sizes": fixed, "params": _values(cell, params)})
    except UnknownOption as error:
        raise UnknownOption(error.target, error.option, error.having, spelled=OPTIONS[error.option]) from None


def _called(cell: Cell, name: str) -> Cell:
    try:
        return replace(cell, name=name)
    except CellNameError as error:
        raise UsageError(f"--name: {error.message}", hint=error.hint) from None


def _write(cell: Cell, target: str, output: str | None, options: Mapping[str, Any]) -> None:
    """Generate the code, then say what there is to say of it, then write it."""
    from lstmgraph.files import write_together

    found = cell.code(target, **options) if not is_file(output) else _files(cell, target, Path(output), options)
    for warning in cell.code_warnings(target, **options):
        note(f"{cell.name}: {warning}")
    if isinstance(found, dict):
        write_together(found)
    else:
        deliver(found, output)


def _files(cell: Cell, target: str, path: Path, options: Mapping[str, Any]) -> dict[Path, bytes]:
    """All files of a target, the first at that path and the others beside it."""
    texts = cell.code_files(target, path.stem, **options)
    found = {path.parent / name: text.encode() if isinstance(text, str) else text for name, text in texts.items()}
    first = next(iter(found))
    return {path if name == first else name: data for name, data in found.items()}


def _target(target: str | None, output: str | None) -> str:
    """The target that is asked for, or that a file's name asks for."""
    from lstmgraph.api.catalogue import code_targets

    chosen = choose_format(output, target, code_targets(), "numpy", kind="target")
    if is_file(output):
        _check_suffix(output, chosen, code_targets()[chosen])
    return chosen


def _values(cell: Cell, params: str | None) -> Mapping[str, Any] | None:
    from lstmgraph.api.parameters import read_parameters

    return None if params is None else read_parameters(params, cell.parameters)


def _refuse_with_passes(options: Mapping[str, object], output: str | None) -> None:
    from lstmgraph.api.catalogue import code_targets

    for option, given in options.items():
        if given is not None:
            raise UsageError(f"--passes shows equations, which {option} does not change", hint="leave one of them out")
    suffixes = {suffix for own in code_targets().values() for suffix in own}
    if output is not None and PurePath(output).suffix.lower() in suffixes:
        wanted = PurePath(output).with_suffix(".txt")
        raise UsageError(f"--passes writes a text about the code, which {output!r} is no name for", hint=f"-o {wanted}")


def _check_suffix(output: str, target: str, suffixes: Sequence[str]) -> None:
    """A file of another name could not be imported, or included."""
    if PurePath(output).suffix.lower() not in suffixes:
        wanted = PurePath(output).with_suffix(suffixes[0])
        raise UsageError(f"a file of target {target} ends in {suffixes[0]}, not {output!r}", hint=f"-o {wanted}")


def _sizes(texts: Sequence[str]) -> dict[str, int] | None:
    """`H=16`, each once."""
    found: dict[str, int] = {}
    for text in texts:
        name, _, number = text.partition("=")
        if not name or not number.isdecimal():
            raise UsageError(f"a size is a name and a whole number, not {text!r}", hint="--size H=16")
        if name in found:
            raise UsageError(
                f"the size {name} is given twice: {found[name]} and {number}", hint="leave one of them out"
            )
        found[name] = int(number)
    return found or None
