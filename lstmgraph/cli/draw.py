"""`lstmgraph draw`: a cell, or one step of a walk through it, as a drawing."""

from __future__ import annotations

import click

from lstmgraph.cli.options import Choice, cell_argument, choose_format, deliver, load_cell, notation_option


@click.command("draw")
@cell_argument
@click.option("--style", default="pipe", metavar="STYLE", show_default=True, help="pipe, cell-block or dag.")
@click.option("--walk", metavar="WALK", help="A walk through the cell; see: lstmgraph show CELL.")
@click.option("--step", type=int, metavar="K", help="Light one step of the walk, the first is 1; all else is dimmed.")
@click.option(
    "--theme", default="default", metavar="THEME", show_default=True, help="Colours; see: lstmgraph list themes."
)
@click.option(
    "--mode",
    type=Choice(["auto", "light", "dark"]),
    default="auto",
    help="auto: as the reader's screen.  [default: auto]",
)
@click.option("--legend/--no-legend", default=True, help="Say what the symbols mean.  [default: legend]")
@click.option("--equations", is_flag=True, help="Write the equations under the picture, those of the step.")
@click.option(
    "--detail",
    metavar="LEVEL",
    help="gates: one box a network; sums: its sum and its nonlinearity; full: every product and sum.  [default: the "
    "theme's]",
)
@click.option(
    "--show",
    metavar="PARTS",
    help="What is written beside the symbols: any of values,weights,shapes,bias, or all, or none.  [default: "
    "values,bias]",
)
@click.option("--order", is_flag=True, help="Number the operations by stage of evaluation.")
@notation_option
@click.option(
    "-o", "--output", metavar="FILE", help="Where to; its suffix chooses the format.  [default: standard output]"
)
@click.option("-f", "--format", metavar="FORMAT", help="svg or dot, where no suffix says it.  [default: svg]")
def command(
    name: str,
    style: str,
    walk: str | None,
    step: int | None,
    theme: str,
    mode: str,
    legend: bool,
    equations: bool,
    detail: str | None,
    show: str | None,
    order: bool,
    notation: str | None,
    output: str | None,
    format: str | None,
) -> None:
    """Draw a cell.

    \b
    lstmgraph draw lstm -o lstm.svg
    lstmgraph draw peephole_lstm --style cell-block --step 2 -o step2.svg
    """
    from lstmgraph.api.catalogue import drawing_formats

    chosen = choose_format(output, format, drawing_formats(), "svg")
    cell = load_cell(name)
    drawing = cell.draw(style, walk, step, theme, notation, mode, legend, equations, detail, show, order)
    deliver(drawing.data(chosen), output)
