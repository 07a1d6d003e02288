"""`lstmgraph list`: what there is to choose from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from textwrap import fill

import click

from lstmgraph.cli.options import Choice
from lstmgraph.cli.terminal import style

# topic: how its names are used
TOPICS = {
    "cells": "lstmgraph show CELL",
    "styles": "lstmgraph draw CELL --style STYLE",
    "themes": "lstmgraph draw CELL --theme THEME",
    "notations": "lstmgraph draw CELL --notation NAME",
    "targets": "lstmgraph code CELL --target TARGET",
    "layouts": "lstmgraph weights CELL FILE --from LAYOUT",
    "formats": "the suffix of -o FILE, or -f FORMAT",
}


@click.command("list")
@click.argument("topic", required=False, type=Choice(list(TOPICS)), metavar="[" + "|".join(TOPICS) + "]")
def command(topic: str | None) -> None:
    """List the cells of the library, or the styles, themes, notations, targets, layouts, formats; all by default."""
    from lstmgraph.api.catalogue import catalogue

    click.echo(_table(catalogue(topic)) if topic else _overview({t: catalogue(t) for t in TOPICS}))


def _table(rows: Mapping[str, str]) -> str:
    """Aligned names and what they are."""
    width = max(map(len, rows), default=0)
    return "\n".join(f"{style(name.ljust(width), bold=True)}  {words}".rstrip() for name, words in rows.items())


def _overview(topics: Mapping[str, Iterable[str]]) -> str:
    paragraphs = []
    for topic, names in topics.items():
        listed = fill(", ".join(names), width=96, initial_indent="  ", subsequent_indent="  ")
        paragraphs.append(f"{style(topic, bold=True)}  ({TOPICS[topic]})\n{listed}")
    return "\n\n".join([*paragraphs, "lstmgraph list cells  says more, as for every other topic"])
