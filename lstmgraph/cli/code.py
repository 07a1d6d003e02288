"""`lstmgraph code`: a standalone file that runs and trains a cell."""

from __future__ import annotations

import click

from lstmgraph.cli.options import cell_argument, choose_format, deliver, load_cell


@click.command("code")
@cell_argument
@click.option("--target", metavar="TARGET", help="What the code is for; see: lstmgraph list targets.  [default: numpy]")
@click.option("-o", "--output", metavar="FILE", help="Where to.  [default: standard output]")
def command(name: str, target: str | None, output: str | None) -> None:
    """Generate code for a cell: one step, a sequence, and all gradients through time.

    \b
    lstmgraph code lstm -o lstm.py
    """
    from lstmgraph.api.catalogue import code_targets

    chosen = choose_format(output, target, code_targets(), "numpy", kind="target")
    deliver(load_cell(name).code(chosen), output)
