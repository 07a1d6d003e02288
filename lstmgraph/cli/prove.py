"""`lstmgraph prove`: a certificate of a cell's gradients."""

from __future__ import annotations

import click

from lstmgraph.cli.options import cell_argument, choose_format, deliver, load_cell
from lstmgraph.cli.terminal import progress


@click.command("prove")
@cell_argument
@click.option("-f", "--format", metavar="FORMAT", help="text, markdown or json.  [default: text]")
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    help="Where to; .txt, .md or .json chooses the format.  [default: standard output]",
)
def command(name: str, format: str | None, output: str | None) -> int:
    """Prove a cell's gradients, and say what was proven.

    Every entry is a polynomial in the activations.  It is compared with a tangent that scalar calculus gives:
    identically at small sizes, at random points modulo a prime at larger ones; then in numbers, with differences and
    the frameworks that are installed.  Exits with 1 when something is not proven.

    \b
    lstmgraph prove lstm
    lstmgraph prove gru -o gru.md
    """
    from lstmgraph.api.catalogue import CERTIFICATES

    chosen = choose_format(output, format, CERTIFICATES, "text")
    certificate = load_cell(name).prove(progress=progress())
    deliver(certificate.text(chosen), output)
    return 0 if certificate.passed else 1
