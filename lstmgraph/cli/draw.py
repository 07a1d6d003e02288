"""`lstmgraph draw`: a cell, or one step of a walk through it, as a drawing.

The options of a drawing are rows of `api.choices.Choices`; here are only those of its file.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import reduce
from typing import Any

import click

from lstmgraph.api.choices import OPTIONS, Option
from lstmgraph.cli.failures import PROGRAM
from lstmgraph.cli.options import STANDARD_OUTPUT, Choice, WholeNumber, cell_argument, choose_format, deliver, load_cell
from lstmgraph.cli.terminal import can_encode, has_colour, is_terminal
from lstmgraph.errors import UsageError

Command = Callable[..., None]

BOXES = "╭│▶ₜ"  # what a terminal must be able to show for a drawing in Unicode


def _help(row: Option) -> str:
    """What an option does, and which command lists what it takes."""
    if not row.see:
        return row.words
    words, bracket, default = row.words.partition("  [")
    return f"{words.rstrip('.')}; see: {PROGRAM} {row.see}.{bracket}{default}"


def _option(row: Option) -> Callable[[Command], Command]:
    """The option of the command for one of a drawing."""
    if isinstance(row.default, bool):
        flag = f"--{row.name}/--no-{row.name}" if row.default else f"--{row.name}"
        return click.option(flag, is_flag=True, default=row.default, show_default=row.default, help=_help(row))
    takes: Any = Choice(list(row.takes)) if isinstance(row.takes, tuple) else row.takes
    if takes is int:
        takes = WholeNumber(row.span)
    shown = row.default is not None
    return click.option(
        f"--{row.name}", type=takes, default=row.default, show_default=shown, metavar=row.metavar, help=_help(row)
    )


def _drawing_options(command: Command) -> Command:
    """All options of a drawing, in the order of their rows."""
    return reduce(lambda found, row: _option(row)(found), reversed(OPTIONS), command)


@click.command("draw")
@cell_argument
@_drawing_options
@click.option("--animate", is_flag=True, help="The steps of the walk one after the other; an SVG that moves.")
@click.option("--quality", is_flag=True, help="Print what the drawing scores beside the gates of a good drawing.")
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
        _animate(name, output, format, quality, options)
        return
    chosen = choose_format(output, format, drawing_formats(), "svg")
    drawing = load_cell(name).draw(**options)
    shown = not quality or output is not None or format is not None
    if quality:  # the table is what is asked for, and gives way where the drawing goes to standard output too
        report = drawing.quality()
        click.echo(report.text(), nl=False, err=shown and output in (None, STANDARD_OUTPUT))
    if shown and output is None and format is None and is_terminal(sys.stdout):
        deliver(drawing.terminal(can_encode(sys.stdout, BOXES), has_colour(sys.stdout)), None)
    elif shown:
        deliver(drawing.data(chosen), output)
    if quality and not report.ok:
        raise click.exceptions.Exit(1)


def _animate(name: str, output: str | None, format: str | None, quality: bool, options: dict[str, Any]) -> None:
    """The steps of a walk in motion."""
    from lstmgraph.api.animation import check_suffix

    if output not in (None, STANDARD_OUTPUT) and format is None:
        check_suffix(output)
    choose_format(output, format, {"svg": (".svg",)}, "svg")
    if quality:
        raise UsageError("the options animate and quality do not go together", hint="measure one step of the walk")
    deliver(load_cell(name).animate(**options).svg, output)
