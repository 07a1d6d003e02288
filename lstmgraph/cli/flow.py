"""`lstmgraph flow`: how much of a gradient is left after k steps back, measured."""

from __future__ import annotations

from collections.abc import Iterable

import click

from lstmgraph.cli.options import (
    WholeNumber,
    choose_format,
    complete_cell,
    deliver,
    load_cell,
    notation_option,
)
from lstmgraph.cli.terminal import progress
from lstmgraph.errors import UsageError


@click.command("flow")
@click.argument("names", nargs=-1, required=True, metavar="CELL...", shell_complete=complete_cell)
@click.option(
    "--steps", type=WholeNumber(", such as 100"), default=100, metavar="K", help="Steps back.  [default: 100]"
)
@click.option(
    "--of",
    multiple=True,
    metavar="STATE",
    help="A state, or all in one; repeatable.  [default: the memory, or the output]",
)
@click.option("--alone", is_flag=True, help="Through that state alone, the others held.")
@click.option("--seed", type=WholeNumber(""), default=0, metavar="N", help="Of the random numbers.  [default: 0]")
@click.option(
    "--scale", type=float, multiple=True, metavar="S", help="About the spectral radius of U; repeatable.  [default: 1]"
)
@click.option("--samples", type=WholeNumber(""), default=8, metavar="N", help="Weights and inputs drawn.  [default: 8]")
@click.option("--size", "sizes", multiple=True, metavar="NAME=N", help="A size, such as H=64; repeatable.")
@click.option(
    "--set",
    "values",
    multiple=True,
    metavar="NAME=VALUE[,VALUE]",
    help="A parameter, such as b_f=3 or U=1.2I; repeatable.",
)
@click.option("--weights", metavar="FILE", help="Parameters from a file, .npz or .json.")
@click.option("--open", "opened", metavar="GATES", help="Hold gates at numbers: f=1,i=0.")
@click.option("--theme", default="default", metavar="NAME", help="Colours of the picture; see: lstmgraph list themes.")
@click.option("--mode", default="auto", metavar="MODE", help="Of the picture: light, dark or auto.  [default: auto]")
@notation_option
@click.option("-f", "--format", metavar="FORMAT", help="text, svg, png, csv or json.  [default: text]")
@click.option(
    "-o", "--output", metavar="FILE", help="Where to; the suffix says the format.  [default: standard output]"
)
def command(
    names: tuple[str, ...],
    steps: int,
    of: tuple[str, ...],
    alone: bool,
    seed: int,
    scale: tuple[float, ...],
    samples: int,
    sizes: tuple[str, ...],
    values: tuple[str, ...],
    weights: str | None,
    opened: str | None,
    theme: str,
    mode: str,
    notation: str | None,
    format: str | None,
    output: str | None,
) -> None:
    """Measure how a gradient vanishes, explodes or is kept through time, for one cell or several.

    The spectral norm of the Jacobian over k steps, for random weights and inputs or for given ones.  A table with a
    chart and the reasons, or with -o a picture or data.

    \b
    lstmgraph flow rnn lstm gru
    lstmgraph flow rnn --scale 0.5 --scale 4 -o flow.svg
    lstmgraph flow lstm --set b_f=0,3 --steps 300 -o forget-bias.svg
    """
    from lstmgraph.api.flow import FLOWS, Settings, compared

    chosen = choose_format(output, format, FLOWS, "text")
    settings = Settings(
        steps=steps, of=of, alone=alone, seed=seed, samples=samples, weights=weights, open=opened, notation=notation,
        sizes={name: _whole(name, n) for name, n in _pairs("--size", sizes)},
    )  # fmt: skip
    variations = {name: v.split(",") for name, v in _pairs("--set", values)}
    flow = compared([load_cell(n) for n in names], settings, scale or (1.0,), variations, progress(), theme, mode)
    deliver(flow.data(chosen), output)


def _pairs(option: str, given: Iterable[str]) -> list[tuple[str, str]]:
    found = [(name.strip(), value.strip()) for name, _, value in (text.partition("=") for text in given)]
    for text, (name, value) in zip(given, found, strict=True):
        if not name or not value:
            raise UsageError(f"{text!r} gives no name a value", hint=f"{option} NAME=VALUE")
    if len({name for name, _ in found}) < len(found):
        raise UsageError(f"a name is given twice after {option}", hint="several values: NAME=0,3")
    return found


def _whole(name: str, text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise UsageError(f"the size {name} is a whole number, not {text!r}", hint=f"--size {name}=32") from None
