"""`lstmgraph prove`: a certificate of a cell's gradients, or of what `grad` derives with the same options."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from lstmgraph.cli.grad import alone, derived_by, in_form
from lstmgraph.cli.options import WholeNumber, cell_argument, choose_format, deliver, load_cell
from lstmgraph.cli.terminal import progress
from lstmgraph.cli.through_time import through_time_options

if TYPE_CHECKING:
    from lstmgraph.api.cell import Cell
    from lstmgraph.program import Program


@click.command("prove")
@cell_argument
@click.option("-f", "--format", metavar="FORMAT", help="text, markdown or json.  [default: text]")
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    help="Where to; .txt, .md or .json chooses the format.  [default: standard output]",
)
@click.option("--seed", type=WholeNumber(": of the random points"), default=0, metavar="N", help="Other random points.")
@click.option("--wrt", multiple=True, metavar="NAME", help="Only the gradients by it, as in grad; repeatable.")
@click.option("--tangent", is_flag=True, help="The tangents.")
@click.option("--hessian", is_flag=True, help="The Hessian-vector product.")
@click.option("--jacobian", is_flag=True, help="The Jacobians of the states.")
@click.option("--reuse", is_flag=True, help="The gradients that reuse products.")
@click.option("--stacked", is_flag=True, help="The gradients with gates stacked.")
@through_time_options
def command(name: str, format: str | None, output: str | None, seed: int, **options: Any) -> int:
    """Prove a cell's gradients, and say what was proven; or what grad derives with the same options.

    Every entry is a polynomial in the activations.  It is compared with a tangent that scalar calculus gives:
    identically at small sizes, at random points modulo a prime at larger ones; then in numbers, with differences and
    the frameworks that are installed.  Exits with 1 when something is not proven.

    \b
    lstmgraph prove lstm
    lstmgraph prove gru -o gru.md
    lstmgraph prove lstm --reuse
    lstmgraph prove lstm --through-time --truncate 2
    """
    from lstmgraph.api.catalogue import CERTIFICATES

    chosen = choose_format(output, format, CERTIFICATES, "text")
    cell = load_cell(name)
    certificate = cell.prove(_program(cell, options), progress(), seed=seed)
    deliver(certificate.text(chosen), output)
    return 0 if certificate.passed else 1


def _program(cell: Cell, options: dict[str, Any]) -> Program | None:
    """What the options choose, None where they choose nothing."""
    if not any(value not in (None, False, ()) for value in options.values()):
        return None
    if options.pop("jacobian"):
        alone("jacobian", options)
        return cell.jacobian()
    forms = {name: options.pop(name) for name in ("reuse", "stacked")}
    return in_form(derived_by(cell, options.pop("wrt"), None, options), forms)
