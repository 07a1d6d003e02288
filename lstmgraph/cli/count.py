"""`lstmgraph count`: how many operations a step and its gradients take."""

from __future__ import annotations

import click

from lstmgraph.cli.options import WholeNumber, load_cell


@click.command("count")
@click.argument("names", nargs=-1, required=True, metavar="CELL...")
@click.option("--size", "sizes", multiple=True, metavar="NAME=N", help="A number for a size, as H=128; repeatable.")
@click.option("--steps", metavar="T", help="Of a sequence: its number of steps, or a letter for it.  [default: 1]")
@click.option("--batch", metavar="B", help="Of a batch: its number of samples, or a letter for it.  [default: 1]")
def command(names: tuple[str, ...], sizes: tuple[str, ...], steps: str | None, batch: str | None) -> None:
    """Count the operations of cells: of a step, of its gradients, and of gradients that reuse products.

    \b
    lstmgraph count lstm gru
    lstmgraph count lstm --steps T --batch B
    lstmgraph count lstm --size H=128 --size X=64
    """
    from lstmgraph.api.counts import at_sizes, table

    numbers = dict(_size(text) for text in sizes)
    counts = [load_cell(name).counts(_number(steps), _number(batch)) for name in names]
    click.echo(table(at_sizes(counts, numbers)))


def _size(text: str) -> tuple[str, int]:
    name, equals, number = text.partition("=")
    if not (name and equals):
        raise click.BadParameter(f"{text!r} is not of the form NAME=N, as H=128", param_hint="--size")
    return name, WholeNumber(", as in H=128").convert(number, None, None)


def _number(text: str | None) -> int | str | None:
    return int(text) if text is not None and text.lstrip("-").isdecimal() else text
