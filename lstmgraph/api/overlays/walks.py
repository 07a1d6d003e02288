"""The steps of a walk: lit one after the other, or all on one sheet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from lstmgraph.api.overlays.equations import begun, capital, formulas, step_title
from lstmgraph.api.overlays.laid import Laid
from lstmgraph.diagram.asked import Frame
from lstmgraph.diagram.caption import captioned_alike
from lstmgraph.diagram.compose import best_columns, grid
from lstmgraph.diagram.frames import frame
from lstmgraph.diagram.layout.steps import light

UNDER = 0.5  # a shape so high that a caption comes under its picture


def lit(laid: Laid) -> Laid:
    """The picture with the steps' part of it lit; nothing moves."""
    step = laid.choices.step
    title = laid.title if step is None else step_title(laid.title, step, laid.walk[step - 1])
    lights = _frame(laid, laid.steps)
    asked = replace(laid.asked, steps=(lights,))
    return replace(laid, scene=light(laid.scene, lights.computed, lights.shown), title=title, asked=asked)


def _frame(laid: Laid, steps: Sequence[int]) -> Frame:
    """What some steps light together."""
    frames = [frame(laid.graph, laid.cell, laid.choices.walk or "", step) for step in steps]
    none: frozenset[str] = frozenset()
    return Frame(none.union(*(f.computed for f in frames)), none.union(*(f.shown for f in frames)))


def sheet(laid: Laid) -> Laid:
    """All steps of a walk in a grid, each with its number, its title and its equations."""
    lights = tuple(_frame(laid, [k]) for k in range(1, len(laid.walk) + 1))
    pictures = [light(laid.scene, f.computed, f.shown) for f in lights]
    titles = [f"{k}. {capital(step.title)}" for k, step in enumerate(laid.walk, 1)]
    texts = [formulas(laid.cell, laid.names, [step]) for step in laid.walk]
    frames = captioned_alike(pictures, titles, texts, UNDER)
    title = f"{laid.title}, the walk {laid.choices.walk}"
    asked = replace(laid.asked, steps=lights, equations=begun(laid.cell, laid.names, laid.walk))
    return replace(laid, scene=grid(frames, best_columns(frames)), title=title, asked=asked, whole=True)
