"""`lstmgraph jacobian`: how each state depends on the states before, as formulas."""

from __future__ import annotations

from typing import Any

import click

from lstmgraph.cli.options import WholeNumber, cell_argument, choose_format, deliver, load_cell, notation_option


class Steps(WholeNumber):
    """A whole number, or a letter for one."""

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return (
            value
            if isinstance(value, str) and len(value) == 1 and value.isalpha()
            else super().convert(value, param, ctx)
        )


@click.command("jacobian")
@cell_argument
@click.option("--of", multiple=True, metavar="NAME", help="A value of the step; repeatable.  [default: all states]")
@click.option(
    "--by", multiple=True, metavar="NAME", help="A state (its previous value) or an input; repeatable.  [default: all]"
)
@click.option(
    "--steps", type=Steps(", such as 3"), default=1, metavar="K", help="The product over K steps; K may be a letter, k."
)
@click.option("--direct", is_flag=True, help="Hold all other values of the step: a value's own equation only.")
@click.option("--open", "opened", metavar="GATES", help="Hold gates at numbers: f=1,i=0.")
@click.option("-f", "--format", metavar="FORMAT", help="unicode, latex, markdown or html.  [default: unicode]")
@notation_option
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    help="Where to; .txt, .tex, .md or .html chooses the format.  [default: standard output]",
)
def command(
    name: str,
    of: tuple[str, ...],
    by: tuple[str, ...],
    steps: int | str,
    direct: bool,
    opened: str | None,
    format: str | None,
    notation: str | None,
    output: str | None,
) -> None:
    """Derive the Jacobians of a cell: how each state depends on the states one step before, or K steps.

    \b
    lstmgraph jacobian lstm
    lstmgraph jacobian lstm --of c --by c --open f=1,i=0
    lstmgraph jacobian rnn --steps 3 -f latex
    """
    from lstmgraph.api.catalogue import FORMULAS

    chosen = choose_format(output, format, FORMULAS, "unicode")
    found = load_cell(name).jacobian(of or None, by or None, steps=steps, direct=direct, open=opened, notation=notation)
    deliver(found.text(chosen), output)
