"""`lstmgraph tour`: everything of one cell in a folder."""

from __future__ import annotations

import click

from lstmgraph.cli.options import cell_argument, load_cell
from lstmgraph.cli.terminal import note, progress


@click.command("tour")
@cell_argument
@click.option("-o", "--output", metavar="DIR", required=True, help="The folder; it is made if it is not there.")
def command(name: str, output: str) -> int:
    """Put everything of one cell into a folder: index.html, drawings, frames, gradients, code, check and cell file.

    In a folder that exists only the files of an earlier tour are replaced.  Exits with 1 when the cell's check fails.
    """
    cell = load_cell(name)
    from lstmgraph.tour import make_tour

    tour = make_tour(cell, progress())
    folder = tour.write(output)
    for words in tour.left_out:
        note(words)
    if not tour.passed:
        note(f"the check failed: see {folder / 'check.txt'}")
    click.echo(str(folder / "index.html"))
    return 0 if tour.passed else 1
