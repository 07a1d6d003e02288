"""The pictures and numbers of docs/gradient-flow.md: python docs/make_flow.py [--check]

Each figure is one measurement, with a seed; its picture goes to docs/flow/ and its table to standard output.  Every
figure makes a claim, which is checked; --check writes nothing.  Exits with 1 where a claim does not hold.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import lstmgraph
from lstmgraph.api.flow import GradientFlow, Settings, compared
from lstmgraph.api.flowtext import table

FOLDER = Path(__file__).parent / "flow"


class Figure(NamedTuple):
    """What is measured, and the claim about it."""

    cells: tuple[str, ...]
    settings: Settings
    scales: tuple[float, ...]
    values: dict[str, tuple[str, ...]]
    claim: str
    holds: Callable[[GradientFlow], bool]


def rates(flow: GradientFlow) -> list[float]:
    return [flow.curve(track=k).rate for k in range(len(flow.tracks))]


FIGURES = {
    "rnn": Figure(
        ("rnn",), Settings(), (0.5, 1.0, 4.0), {},
        "small recurrent weights make a gradient vanish, large ones make it explode",
        lambda flow: rates(flow)[0] < rates(flow)[1] < -0.1 and rates(flow)[2] > 0.1,
    ),
    "identity": Figure(
        ("rnn", "lstm"), Settings(open="f=1,i=0"), (1.0,), {},
        "with f = 1 and i = 0 the norm of the LSTM's is 1, exactly and for ever",
        lambda flow: rates(flow)[0] < -0.1 and not flow.curve("c", track=1).logs.any(),
    ),
    "forget-bias": Figure(
        ("lstm",), Settings(), (1.0,), {"b_f": ("0", "1", "3", "5")},
        "the larger the forget gate's bias, the longer a gradient lasts",
        lambda flow: rates(flow) == sorted(rates(flow)) and rates(flow)[0] < -0.1 < rates(flow)[-1],
    ),
    "cells": Figure(
        ("rnn", "min_gru", "gru", "lstm", "peephole_lstm"), Settings(), (1.0,), {},
        "without training, at a scale of 1, a gradient vanishes in each of these cells",
        lambda flow: max(rates(flow)) < 0,
    ),
}  # fmt: skip


def measured(figure: Figure, steps: int = 100, samples: int = 8) -> GradientFlow:
    settings = replace(figure.settings, steps=steps, samples=samples)
    return compared([lstmgraph.load(name) for name in figure.cells], settings, figure.scales, figure.values)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write no pictures")
    check, wrong = parser.parse_args().check, 0
    for name, figure in FIGURES.items():
        flow = measured(figure)
        holds = figure.holds(flow)
        wrong += not holds
        print(f"{name}: {figure.claim}: {'holds' if holds else 'DOES NOT HOLD'}\n\n{table(flow)}\n")
        if not check:
            flow.save(FOLDER / f"{name}.svg")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
