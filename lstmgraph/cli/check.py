"""`lstmgraph check`: is the code right, are the gradients right."""

from __future__ import annotations

import click

from lstmgraph.cli.options import cell_argument, load_cell
from lstmgraph.cli.terminal import progress


@click.command("check")
@cell_argument
def command(name: str) -> int:
    """Compare a cell's generated code and gradients with independent computations.

    The code is compared with a reference interpreter, the gradients with central differences and, where torch is
    installed, with its autograd.  Exits with 1 when a difference is out of bounds.
    """
    report = load_cell(name).check(progress=progress())
    click.echo(str(report))
    return 0 if report.passed else 1
