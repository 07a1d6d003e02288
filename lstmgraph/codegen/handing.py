"""How a step of the loop hands on what the next one takes: written where that takes it, or by its name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from re import findall
from typing import TYPE_CHECKING

from sympy import MatrixSymbol

from lstmgraph.algebra.traverse import symbols_in
from lstmgraph.codegen.places import Place, meet
from lstmgraph.program import Equation

if TYPE_CHECKING:
    from lstmgraph.codegen.direction import Direction
    from lstmgraph.codegen.lines import Lines


def hand_over(side: Direction, lines: Lines) -> None:
    """What the next step takes, where that takes it: nothing is written over that is still to be handed over."""
    new = {p: v for p, v in side.sweep.carried.items() if p not in side.places.traced}
    new = {p: v for p, v in new.items() if side.places.place(p) != side.places.place(v)}
    texts = {prev: side.view_step(value) for prev, value in new.items()}
    sources = {prev: side.places.place(value) for prev, value in new.items()}
    while texts:
        free = [p for p in texts if not any(meet(side.places.place(p), sources[q]) for q in texts if q != p)]
        if not free:  # they change places
            first = next(p for p in texts if sources[p] is not None)
            kept = lines.new_scratch(first.shape).text
            lines.emit(f"{kept}[...] = {texts[first]}")
            texts[first], sources[first] = kept, None
            continue
        lines.emit(f"{side.view_step(free[0])}[...] = {texts.pop(free[0])}")


def is_renamed(side: Direction, e: Equation, source: Place) -> bool:
    """Whether an equation only says which value of this step the next one takes, of an array of all steps.

    The next step may write over that, unless somebody needs it later, or takes it by another name too.
    """
    places, whole = side.places, source == side.whole_of(source.root) and side.places.is_whole(source.root)
    if not whole or not _is_there(side, e.target):
        return False
    first = next(o for o in side.sweep["loop"] if places.place(o.value) == source and not places.is_view(o))
    later = {s for other in side.sweep["after"] for s in symbols_in(other.value)} | side.kept
    there = places.there(source)
    ready = all(places.at.get(s, 0) <= places.at[e.target] for s in there)
    return e == first and ready and later.isdisjoint((*there, places.traced.get(source.root)))


def _is_there(side: Direction, new: MatrixSymbol) -> bool:
    """Whether a value is where the next step takes it, and nobody takes it in this one."""
    place, sweep = side.places.place(new), side.sweep
    taken = any(new in symbols_in(e.value) for e in sweep["loop"])
    return not taken and all(side.places.place(p) == place for p, v in sweep.carried.items() if v == new)


def rename(side: Direction, lines: Lines, renamed: Mapping[Place, Place]) -> None:
    """What the next step calls values of this one; what there are views of is copied."""
    for place, source in renamed.items():
        name, text = side.of_step(place), side.of_step(source)
        views = [made for other, made in side.fixed.items() if other != name and name in findall(r"\w+", made)]
        lines.emit(f"{name}{'[...]' * bool(views)} = {text}")


def handed_on(side: Direction) -> list[tuple[str, str, str]]:
    """Names of values of the step before that are this step's later: that, the first value, this step's name."""
    found = []
    for prev, new in side.places.traced.items():
        before, after = (side.name(replace(side.whole_of(prev), later=later)) for later in (False, True))
        if side.places.phase.get(new) == "loop" and {before, after} <= side.views.keys():
            del side.views[before]
            found.append((before, f"{side.sequence(prev)}[{-1 if side.back else 0}]", after))
    return found
