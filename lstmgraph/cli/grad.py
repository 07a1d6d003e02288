"""`lstmgraph grad`: the gradients of a cell, as formulas."""

from __future__ import annotations

import click

from lstmgraph.cli.options import cell_argument, choose_format, deliver, load_cell, notation_option


@click.command("grad")
@cell_argument
@click.option("-f", "--format", metavar="FORMAT", help="unicode, latex or markdown.  [default: unicode]")
@click.option(
    "--wrt",
    multiple=True,
    metavar="NAME",
    help="A parameter, input or state (its previous value); repeatable.  [default: all]",
)
@notation_option
@click.option(
    "-o", "--output", metavar="FILE", help="Where to; .txt, .tex or .md chooses the format.  [default: standard output]"
)
def command(name: str, format: str | None, wrt: tuple[str, ...], notation: str | None, output: str | None) -> None:
    """Derive the gradients of one step of a cell.

    \b
    lstmgraph grad lstm
    lstmgraph grad lstm --wrt W_f --wrt h -f latex
    """
    from lstmgraph.api.catalogue import FORMULAS

    chosen = choose_format(output, format, FORMULAS, "unicode")
    gradient = load_cell(name).gradient(wrt=wrt or None, notation=notation)
    deliver(gradient.text(chosen), output)
