"""`lstmgraph show`: what a cell is, as text."""

from __future__ import annotations

import click

from lstmgraph.cli.options import cell_argument, load_cell, notation_option


@click.command("show")
@cell_argument
@notation_option
def command(name: str, notation: str | None) -> None:
    """Show a cell: its equations, sizes, parameters, states, roles, walks, notations and sources."""
    cell = load_cell(name)
    click.echo(cell.show(notation=notation))
