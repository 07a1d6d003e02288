"""A gradient flow as a chart: which curves are drawn, in decades, and what they are called."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy

from lstmgraph.diagram.chart import Chart, Line

if TYPE_CHECKING:
    from lstmgraph.api.flow import GradientFlow, Track
    from lstmgraph.numeric.flow import Curve, Path

DECADE = math.log(10)


def chart_of(flow: GradientFlow) -> Chart:
    """The curves that are drawn, with what becomes of a gradient below each label."""
    lines = [_line(track, way) for track in flow.tracks for way in track.shown]
    samples = sorted({track.flow.samples for track in flow.tracks})
    told = "; ".join(f"{t.name}: {t.unicode_of(w)} {t.flow.curve(w).verdict}" for t in flow.tracks for w in t.shown)
    count = f"{samples[0]}" if len(samples) == 1 else f"{samples[0]} to {samples[-1]}"
    return Chart(
        title="Gradient flow",
        subtitle=f"what is left of a gradient after k steps back: median of {count} samples, band from 10 to 90 %",
        x_title="steps back",
        x_math="k",
        y_math=r"\lVert \partial s_{t} / \partial s_{t-k} \rVert_{2}",
        lines=lines,
        description=f"The spectral norm of the Jacobian over k steps, for k from 1 to {flow.steps}. {told}.",
    )


def _line(track: Track, way: Path) -> Line:
    curve: Curve = track.flow.curve(way)
    median, low, high = (_decades(c) for c in (curve.median, curve.quantile(0.1), curve.quantile(0.9)))
    maths = r",\; ".join([*(latex for _, latex in track.with_), track.math_of(way)])
    words = f"{track.words}," if track.with_ else track.words
    told = f"{curve.verdict}: {curve.pace}"
    return Line([0, *map(int, curve.steps)], median, low, high, words, maths, told)


def _decades(logs: numpy.ndarray) -> list[float]:
    """Decimal logarithms, with the 1 of no step before them."""
    return [0.0, *(logs / DECADE)]
