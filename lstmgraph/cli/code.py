"""`lstmgraph code`: a standalone file that runs and trains a cell."""

from __future__ import annotations

from pathlib import Path

import click

from lstmgraph.cli.options import STANDARD_OUTPUT, cell_argument, choose_format, deliver, load_cell
from lstmgraph.cli.terminal import note
from lstmgraph.errors import UsageError


@click.command("code")
@cell_argument
@click.option("--target", metavar="TARGET", help="What the code is for; see: lstmgraph list targets.  [default: numpy]")
@click.option("--dtype", metavar="TYPE", help="Targets c and onnx: float32 or float64.  [default: float32]")
@click.option("--size", "sizes", multiple=True, metavar="H=16", help="The same: a fixed size; may be repeated.")
@click.option("--params", metavar="FILE", help="Target onnx: values of the parameters by name, an .npz file.")
@click.option("--passes", is_flag=True, help="Show what each pass of the target does, not the code.")
@click.option("-o", "--output", metavar="FILE", help="Where to; a header goes beside it.  [default: standard output]")
def command(
    name: str,
    target: str | None,
    dtype: str | None,
    sizes: tuple[str, ...],
    params: str | None,
    passes: bool,
    output: str | None,
) -> None:
    """Generate code for a cell: one step, a sequence, and all gradients through time.

    \b
    lstmgraph code lstm -o lstm.py
    lstmgraph code lstm --passes
    lstmgraph code lstm --target c --dtype float64 --size X=8 --size H=16 -o lstm.c
    lstmgraph code lstm --params weights.npz -o lstm.onnx
    """
    from lstmgraph.api.catalogue import code_targets
    from lstmgraph.api.parameters import read_parameters

    if passes:
        deliver(load_cell(name).passes(target or "numpy"), output)
        return
    chosen = choose_format(output, target, code_targets(), "numpy", kind="target")
    cell, fixed = load_cell(name), dict(map(_size, sizes)) or None
    values = None if params is None else read_parameters(params)
    for warning in cell.code_warnings(chosen, dtype=dtype, sizes=fixed, params=values):
        note(f"{cell.name}: {warning}")
    if output is None or output == STANDARD_OUTPUT or output.startswith("/dev/"):
        deliver(cell.code(chosen, dtype=dtype, sizes=fixed, params=values), output)
        return
    from lstmgraph.files import write_together

    path = Path(output)
    found = cell.code_files(chosen, path.stem, dtype=dtype, sizes=fixed, params=values)
    files = {name: text.encode() if isinstance(text, str) else text for name, text in found.items()}
    suffix = next(iter(files)).removeprefix(path.stem)
    write_together({path if k == f"{path.stem}{suffix}" else path.parent / k: data for k, data in files.items()})


def _size(text: str) -> tuple[str, int]:
    """`H=16`."""
    name, _, number = text.partition("=")
    if not name or not number.isdecimal():
        raise UsageError(f"a size is a name and a whole number, not {text!r}", hint="--size H=16")
    return name, int(number)
