"""`lstmgraph check`: is the code right, are the gradients right."""

from __future__ import annotations

import click

from lstmgraph.cli.options import cell_argument, load_cell
from lstmgraph.cli.terminal import progress


@click.command("check")
@cell_argument
@click.option("--target", default="numpy", metavar="TARGET", help="Whose code is run.  [default: numpy]")
def command(name: str, target: str) -> int:
    """Compare a cell's generated code and gradients with independent computations.

    The code of one target is compared with a reference interpreter, in float64, the gradients with central differences
    and, where torch or jax is installed, with its autograd.  Exits with 1 when a difference is out of bounds.
    """
    report = load_cell(name).check(progress=progress(), target=target)
    click.echo(str(report))
    return 0 if report.passed else 1
