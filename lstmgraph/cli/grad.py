"""`lstmgraph grad`: the gradients of a cell, as formulas."""

from __future__ import annotations

from collections.abc import Mapping

import click

from lstmgraph.cli.options import cell_argument, choose_format, deliver, load_cell, notation_option
from lstmgraph.errors import UsageError


@click.command("grad")
@cell_argument
@click.option("-f", "--format", metavar="FORMAT", help="unicode, latex or markdown.  [default: unicode]")
@click.option(
    "--wrt",
    multiple=True,
    metavar="NAME",
    help="A parameter, input or state (its previous value); repeatable.  [default: all]",
)
@click.option("--tangent", is_flag=True, help="Forward mode: how the outputs change along a direction in --wrt.")
@click.option("--hessian", is_flag=True, help="The Hessian in --wrt times a direction, by forward over reverse mode.")
@notation_option
@click.option(
    "-o", "--output", metavar="FILE", help="Where to; .txt, .tex or .md chooses the format.  [default: standard output]"
)
def command(
    name: str,
    format: str | None,
    wrt: tuple[str, ...],
    tangent: bool,
    hessian: bool,
    notation: str | None,
    output: str | None,
) -> None:
    """Derive the gradients of one step of a cell, or other derivatives of it.

    \b
    lstmgraph grad lstm
    lstmgraph grad lstm --wrt W_f --wrt h -f latex
    lstmgraph grad gru --wrt h --hessian
    """
    from lstmgraph.api.catalogue import FORMULAS

    chosen = choose_format(output, format, FORMULAS, "unicode")
    derive = getattr(load_cell(name), _method({"tangent": tangent, "hessian": hessian}))
    deliver(derive(wrt=wrt or None, notation=notation).text(chosen), output)


# What is derived: the option that asks for it, and the method of a cell.  To add a kind, add a row and its option.
KINDS = {"tangent": "tangent", "hessian": "hessian_vector"}


def _method(given: Mapping[str, bool]) -> str:
    asked = [option for option in KINDS if given[option]]
    if len(asked) > 1:
        raise UsageError(f"--{asked[0]} and --{asked[1]} do not go together", hint="ask for one after the other")
    return KINDS[asked[0]] if asked else "gradient"
