"""The steps of a walk: lit one after the other, or all on one sheet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from lstmgraph.api.overlays.equations import capital, formulas, step_title
from lstmgraph.api.overlays.laid import Laid
from lstmgraph.diagram.caption import captioned_alike
from lstmgraph.diagram.compose import best_columns, grid
from lstmgraph.diagram.frames import frame
from lstmgraph.diagram.layout.steps import light
from lstmgraph.diagram.scene import Scene

UNDER = 0.5  # a shape so high that a caption comes under its picture


def lit(laid: Laid) -> Laid:
    """The picture with the steps' part of it lit; nothing moves."""
    step = laid.choices.step
    title = laid.title if step is None else step_title(laid.title, step, laid.walk[step - 1])
    return replace(laid, scene=_lit(laid, laid.steps), title=title)


def _lit(laid: Laid, steps: Sequence[int]) -> Scene:
    frames = [frame(laid.graph, laid.cell, laid.choices.walk or "", step) for step in steps]
    computed: set[str] = set().union(*(f.computed for f in frames))
    return light(laid.scene, computed, set().union(*(f.shown for f in frames)))


def sheet(laid: Laid) -> Laid:
    """All steps of a walk in a grid, each with its number, its title and its equations."""
    pictures = [_lit(laid, [k]) for k in range(1, len(laid.walk) + 1)]
    titles = [f"{k}. {capital(step.title)}" for k, step in enumerate(laid.walk, 1)]
    texts = [formulas(laid.cell, laid.names, [step]) for step in laid.walk]
    frames = captioned_alike(pictures, titles, texts, UNDER)
    title = f"{laid.title}, the walk {laid.choices.walk}"
    return replace(laid, scene=grid(frames, best_columns(frames)), title=title, whole=True)
