"""`lstmgraph draw`: a cell, or one step of a walk through it, as a drawing."""

from __future__ import annotations

import sys
from typing import Any

import click

from lstmgraph.cli.options import Choice, cell_argument, choose_format, deliver, load_cell, notation_option
from lstmgraph.cli.terminal import can_encode, has_colour, is_terminal
from lstmgraph.errors import UsageError

BOXES = "╭│▶ₜ"  # what a terminal must be able to show for a drawing in Unicode


@click.command("draw")
@cell_argument
@click.option("--style", default="pipe", metavar="STYLE", show_default=True, help="pipe, cell-block, plumbing or dag.")
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
@click.option("--equations", is_flag=True, help="Write the equations beside the picture, those of the step.")
@click.option("--sheet", is_flag=True, help="All steps of the walk in a grid, with their titles and equations.")
@click.option("--animate", is_flag=True, help="The steps of the walk one after the other; an SVG that moves.")
@click.option("--backward", is_flag=True, help="The backward pass: cotangents against the arrows, with their formulas.")
@click.option(
    "--against", metavar="CELL", help="Another cell: what only one of the two has is strong, the rest dimmed."
)
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
@click.option("--unroll", type=int, metavar="N", help="N steps side by side, the middle one is t; style pipe.")
@click.option("--open", metavar="GATES", help="How far gates stand open in the style plumbing: f=1,i=0.")
@click.option("--quality", is_flag=True, help="Print what the drawing scores beside the gates of a good drawing.")
@notation_option
@click.option("-o", "--output", metavar="FILE", help="Where to; its suffix chooses the format.")
@click.option(
    "-f",
    "--format",
    metavar="FORMAT",
    help="Where no suffix says it; see: lstmgraph list formats.  [default: text on a terminal, else svg]",
)
def command(name: str, output: str | None, format: str | None, quality: bool, animate: bool, **options: Any) -> None:
    """Draw a cell.

    \b
    lstmgraph draw lstm -o lstm.svg
    lstmgraph draw peephole_lstm --style cell-block --step 2 -o step2.svg
    lstmgraph draw gru --unroll 3 -o chain.svg
    lstmgraph draw lstm --against peephole_lstm -o peepholes.svg
    lstmgraph draw lstm --walk gamma --sheet -o steps.svg
    lstmgraph draw lstm --walk gamma --animate -o steps.svg
    lstmgraph draw lstm --backward -o backward.svg
    """
    from lstmgraph.api.catalogue import drawing_formats

    if animate:
        from lstmgraph.api.animation import check_suffix

        if output is not None and format is None:
            check_suffix(output)
        if choose_format(output, format, {"svg": (".svg",)}, "svg") and quality:
            raise UsageError(
                "the options animate and quality do not go together", hint="measure one --step of the walk"
            )
        deliver(load_cell(name).animate(**options).svg, output)
        return
    screen = format is None and output is None and is_terminal(sys.stdout)
    chosen = choose_format(output, format, drawing_formats(), "svg")
    drawing = load_cell(name).draw(**options)
    if quality:
        report = drawing.quality()
        click.echo(report.text(), nl=False, err=output is None)
    if screen and not quality:
        deliver(drawing.terminal(can_encode(sys.stdout, BOXES), has_colour(sys.stdout)), None)
    elif output is not None or not quality:
        deliver(drawing.data(chosen), output)
    if quality and not report.ok:
        raise click.exceptions.Exit(1)
