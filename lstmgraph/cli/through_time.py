"""The options of `lstmgraph grad` for gradients through time, and what does not go together among them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from lstmgraph.cli.options import Choice, WholeNumber
from lstmgraph.errors import UsageError

_OPTIONS = (
    click.option(
        "--through-time", is_flag=True, help="A recurrence from step t + 1 to step t, and sums over all steps."
    ),
    click.option(
        "--unroll",
        type=WholeNumber(": say how many steps"),
        metavar="T",
        help="That many steps, every one written out.",
    ),
    click.option(
        "--loss", type=Choice(["every", "last"]), metavar="every|last", help="Which steps have one.  [default: every]"
    ),
    click.option("--final", is_flag=True, help="The last step's loss sees the states after it, not its output alone."),
    click.option(
        "--truncate",
        type=WholeNumber(": say how many steps a block has"),
        metavar="K",
        help="Cut the way back between blocks of K steps.",
    ),
    click.option(
        "--start",
        type=Choice(["given", "zero"]),
        metavar="given|zero",
        help="What the initial states are.  [default: given]",
    ),
)


def through_time_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


THROUGH_TIME = ("through_time", "unroll", "loss", "final", "truncate", "start")


def through_time_arguments(
    through_time: bool,
    unroll: int | None,
    loss: str | None,
    final: bool,
    truncate: int | None,
    start: str | None,
) -> dict[str, Any]:
    """What these options say to the method that derives.  Raises UsageError where they do not go together."""
    if truncate is not None and not through_time:
        raise UsageError("--truncate is about a recurrence", hint="add --through-time")
    given = (("loss", loss), ("final", final or None), ("start", start))
    chosen = {name: value for name, value in given if value is not None}
    if chosen and not through_time and unroll is None:
        raise UsageError(f"--{next(iter(chosen))} is about several steps", hint="add --through-time, or --unroll T")
    extra = {"truncate": truncate, "steps": unroll}
    return chosen | {name: value for name, value in extra.items() if value is not None}
