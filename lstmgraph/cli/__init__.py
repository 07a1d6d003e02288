"""The command line: `lstmgraph COMMAND ...`; docs/command-line.md is its contract.

Starting costs Python and click, nothing else: a command's module is imported when it runs or shows its own help, and
imports the rest of lstmgraph inside its functions.  To add a command: a module here with a click command, and a row
of `COMMANDS`.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

import click

from lstmgraph.cli.failures import run
from lstmgraph.cli.group import LazyGroup

# command: (module, what it is for).  The command is the name `command` of that module.
COMMANDS = {
    "list": ("lstmgraph.cli.listing", "What there is: cells, styles, themes, targets, layouts and more."),
    "show": ("lstmgraph.cli.show", "A cell's equations, sizes, parameters, roles and sources."),
    "draw": ("lstmgraph.cli.draw", "Draw a cell, or one step of a walk through it."),
    "grad": ("lstmgraph.cli.grad", "Derive the gradients of a cell, as formulas."),
    "jacobian": ("lstmgraph.cli.jacobian", "Derive the Jacobians of a step, as formulas."),
    "count": ("lstmgraph.cli.count", "Count the operations of cells, of their gradients, and of both."),
    "flow": ("lstmgraph.cli.flow", "Measure how gradients vanish, explode or are kept through time."),
    "code": ("lstmgraph.cli.code", "Generate code that runs and trains a cell."),
    "weights": ("lstmgraph.cli.weights", "A cell's weights from and to PyTorch, Keras, flax and ONNX."),
    "check": ("lstmgraph.cli.check", "Compare a cell's code and gradients with independent computations."),
    "prove": ("lstmgraph.cli.prove", "Prove a cell's gradients: a certificate of what holds."),
    "tour": ("lstmgraph.cli.tour", "Everything of one cell in a folder, with an index page."),
    "doctor": ("lstmgraph.cli.doctor", "Versions and engines: what is missing, and how to get it."),
}


def _version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        from lstmgraph import __version__

        click.echo(f"lstmgraph {__version__}")
        ctx.exit()


def _debug(_: click.Context, __: click.Parameter, wanted: bool) -> None:
    if wanted:
        os.environ["LSTMGRAPH_DEBUG"] = "1"


@click.group(
    cls=LazyGroup,
    commands_table=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Start with:  lstmgraph list   lstmgraph show lstm   lstmgraph tour lstm -o lstm-tour",
)
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Show the version and exit."
)
@click.option(
    "--debug",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_debug,
    help="Show the traceback of an error (or set LSTMGRAPH_DEBUG=1).",
)
def lstmgraph() -> None:
    """One definition of a recurrent cell, every view of it: diagrams, gradients and code from its equations.

    CELL is a name of the library (lstmgraph list cells), a cell file, or - for standard input.
    """


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    return run(lstmgraph, arguments)
