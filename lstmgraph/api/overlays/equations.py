"""Equations beside a picture or under it: of the cell, of steps of a walk, or what is left of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from sympy import MatrixExpr, MatrixSymbol

from lstmgraph.algebra.traverse import walk
from lstmgraph.api.overlays.laid import Laid
from lstmgraph.cell import Cell, WalkStep
from lstmgraph.diagram.caption import FORMULA, Paragraph, captioned, captioned_alike, formula, sentence
from lstmgraph.limits import openable, remaining, settled
from lstmgraph.notation import Notation
from lstmgraph.printing import print_equation, print_expr
from lstmgraph.printing.breaking import broken

COLUMNS = 64  # of a formula: longer ones go on in the next line


def formulas(cell: Cell, names: Notation, steps: Sequence[WalkStep] | None = None) -> list[Paragraph]:
    """The equations of a cell, or of what some steps of a walk compute, for a caption; of a step that computes nothing
    the values that it shows.
    """
    if steps is None:
        return [_equation(print_equation(e, "latex", names)) for e in cell.step]
    if not any(step.computed for step in steps):
        shown = [print_expr(item, "latex", names) for step in steps for item in step.shown]
        return [formula([",\\; ".join(shown)])] if shown else []
    return [_of(item, cell, names) for item in dict.fromkeys(item for step in steps for item in step.computed)]


def begun(cell: Cell, names: Notation, steps: Sequence[WalkStep] | None = None) -> tuple[str, ...]:
    """How the formulas of a caption begin: with the name of a value, or with what is computed and has none."""
    if steps is None:
        return tuple(print_expr(e.target, "latex", names) for e in cell.step)
    computed = dict.fromkeys(item for step in steps for item in step.computed)
    return tuple(print_expr(item, "latex", names) for item in computed or [s.shown[0] for s in steps if s.shown])


def _equation(text: str) -> Paragraph:
    return formula(broken(text, COLUMNS))


def _of(item: MatrixExpr, cell: Cell, names: Notation) -> Paragraph:
    """The equation of a value; of a part of one, which has no name, what it is a part of."""
    for e in cell.step:
        if e.target == item:
            return _equation(print_equation(e, "latex", names))
    part = print_expr(item, "latex", names)
    owners = ", ".join(names.latex(owner) for owner in _owners(item, cell))
    return sentence([(part, True), ("in the equation of", False), (owners, True)], FORMULA)


def _owners(item: MatrixExpr, cell: Cell) -> Iterator[MatrixSymbol]:
    """The values in whose equations an expression occurs."""
    return (e.target for e in cell.step if any(part == item for part in walk(e.value)))


def with_equations(laid: Laid) -> Laid:
    """The picture captioned with the equations of a step, of all steps of a walk, or of the cell.

    Every step of a walk is as large, and its picture where it is in the others.
    """
    cell, names, step = laid.cell, laid.names, laid.choices.step
    shown = [laid.walk[step - 1]] if step is not None else laid.walk or None
    laid = replace(laid, asked=replace(laid.asked, equations=begun(cell, names, shown)))
    if step is None:
        return replace(laid, scene=captioned(laid.scene, laid.title, formulas(cell, names, laid.walk or None)))
    titles = [step_title(laid.scene.title, k, s) for k, s in enumerate(laid.walk, 1)]
    pictures = [laid.scene] * len(titles)
    found = captioned_alike(pictures, titles, [formulas(cell, names, [s]) for s in laid.walk])
    return replace(laid, scene=found[step - 1])


def step_title(title: str, number: int, step: WalkStep) -> str:
    return f"{title}, step {number}: {capital(step.title)}"


def capital(title: str) -> str:
    """A title that begins with a word begins with a capital; the name of a value stays as it is."""
    return title[:1].upper() + title[1:] if re.match("[a-z]{2}", title) else title


def limited(laid: Laid) -> Laid:
    """The picture captioned with the equations that are left when gates stand open so far."""
    cell, names, opened = laid.cell, laid.names, dict(laid.choices.open or ())
    known = openable(cell)
    left = [_equation(print_equation(e, "latex", names)) for e in remaining(cell, opened)]
    held = ", ".join(f"{names.latex(known[base])} = {value:g}" for base, value in settled(cell, opened).items())
    told = sentence([("With ", False), (held, True), (" there is left", False)])
    return replace(laid, scene=captioned(laid.scene, "", [told, *left]))
