"""Every cell in the kinds of drawing, looks and notations below is held to the gates, its frames to some of them.

A *kind* of drawing is a row of `KINDS`: to hold another one to the gates, add a row, and say with which looks.  What a
layout does not reach yet stands in `SHORT` of benchmarks/gates.py, and must leave it as soon as it does: the marks are
strict.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from benchmarks.gates import SHORT
from lstmgraph.api.drawing import Drawing
from lstmgraph.diagram.quality import RULES, Case, score
from lstmgraph.diagram.quality.rules import ACCESSIBLE, GREY
from lstmgraph.diagram.themes import load_theme
from lstmgraph.notation import notation_names
from lstmgraph.reading import library
from tests.diagram.drawings import drawn, loaded


class Kind(NamedTuple):
    """A kind of drawing: the options that make it, and how often it is drawn."""

    options: dict[str, Any]
    looks: tuple[str, ...] = ("default",)  # themes in which it is drawn
    notations: tuple[str, ...] = notation_names()


LOOKS = ("default", "shiyan", "olah")  # themes whose looks make other layouts; print has the look of default
KINDS = {
    "pipe": Kind({"style": "pipe"}, LOOKS),
    "cell-block": Kind({"style": "cell-block"}, LOOKS),
    "unrolled": Kind({"style": "pipe", "unroll": 3}, LOOKS),
    "pipe gates": Kind({"style": "pipe", "detail": "gates"}),
    "pipe full": Kind({"style": "pipe", "detail": "full"}),
    "cell-block gates": Kind({"style": "cell-block", "detail": "gates"}),
    "cell-block full": Kind({"style": "cell-block", "detail": "full"}),
    "pipe backward": Kind({"style": "pipe", "backward": True}, LOOKS, ("plain",)),
    "cell-block backward": Kind({"style": "cell-block", "backward": True}, LOOKS, ("plain",)),
}
STYLES = ("pipe", "cell-block", "unrolled")
LENGTHS = (1, 2, 6)  # of chains, besides the three steps of all notations; the last one is folded
WRITTEN: dict[str, dict[str, Any]] = {  # what leaves a layout nearly as it is
    "print": {"theme": "print"},
    "order": {"order": True},
    "equations": {"equations": True},
    "legend": {"legend": True},
    "show all": {"show": "all"},
}
THEMED = ("text_contrast", "line_contrast", "least_difference", "dashed_hops", "unpainted", "mislit")
SEEN = [rule for rule in RULES if rule.name in THEMED]
CELLS = [(style, cell) for style in STYLES for cell in library()]
every = pytest.mark.parametrize(("style", "cell"), CELLS, ids=[f"{style}-{cell}" for style, cell in CELLS])

PAPERS = Path(__file__).parents[1] / "reading" / "papers"
NOT_YET = pytest.mark.xfail(strict=True, reason="the layout does not reach it yet")


def split(theme: str, kind: str, cell: str) -> Iterator[Any]:
    """The rules that a drawing is held to; apart from them, one by one, those that it breaks."""
    name = Path(cell).stem
    short = SHORT.get((theme, kind, name), ())
    yield pytest.param(
        theme, kind, cell, tuple(r.name for r in RULES if r.name not in short), id=f"{theme}-{kind}-{name}"
    )
    for rule in short:
        marks = [NOT_YET, *([pytest.mark.dot] if rule == "dot" else [])]
        yield pytest.param(theme, kind, cell, (rule,), id=f"{theme}-{kind}-{name}-{rule}", marks=marks)


def held() -> Iterator[Any]:
    """Kinds that share a layout are next to one another."""
    for theme in LOOKS:
        for cell in library():
            for kind, row in KINDS.items():
                if theme in row.looks:
                    yield from split(theme, kind, cell)


def drawing(kind: str, cell: str, **more: Any) -> Drawing:
    return drawn(cell, **{**KINDS[kind].options, **more})


def case(made: Drawing, theme: str) -> Case:
    assert made.graph is not None
    return Case(made.scene, made.graph, load_theme(theme), made.style, files=(made.svg,), asked=made.asked)


def complaints(shown: Case, rules: Iterable[str]) -> Iterator[tuple[str, str]]:
    """The rules that are broken, and how."""
    for rule in RULES:
        if rule.name in rules:
            yield from ((rule.name, what) for what in score(rule, shown).complaints())


NAMES = tuple(rule.name for rule in RULES)


@cache
def broken(theme: str, kind: str, cell: str) -> tuple[tuple[str, str], ...]:
    """The rules that are broken, and how, in all notations; of a cell from a file, in its own."""
    notations = (None,) if cell.endswith(".toml") else KINDS[kind].notations
    shown = [case(drawing(kind, cell, theme=theme, notation=n), theme) for n in notations]
    return tuple(dict.fromkeys(found for each in shown for found in complaints(each, NAMES)))


@pytest.mark.parametrize(("theme", "kind", "cell", "rules"), list(held()))
def test_a_drawing_is_inside_the_gates_in_every_notation(
    theme: str, kind: str, cell: str, rules: tuple[str, ...]
) -> None:
    assert [line for rule, line in broken(theme, kind, cell) if rule in rules] == []


@pytest.mark.parametrize("cell", library())
@pytest.mark.parametrize("theme", LOOKS)
def test_a_chain_of_any_length_is_inside_the_gates(theme: str, cell: str) -> None:
    """What its one step is compared with by `dot` is in the table above."""
    short = SHORT.get((theme, "unrolled", cell), ())
    rules = [name for name in NAMES if name not in ("dot", *short)]
    for steps in LENGTHS:
        made = drawing("unrolled", cell, theme=theme, notation="plain", unroll=steps)
        assert list(complaints(case(made, theme), rules)) == [], steps


@pytest.mark.parametrize("added", WRITTEN)
@pytest.mark.parametrize(("style", "cell"), [(s, c) for s, c in CELLS if s != "unrolled"])
def test_what_is_written_besides_leaves_a_drawing_inside_the_gates(style: str, cell: str, added: str) -> None:
    """What it is compared with by `dot` is in the table above."""
    options = {"theme": "default", "notation": "plain", **WRITTEN[added]}
    rules = [name for name in NAMES if name not in ("dot", *SHORT.get(("default", style, cell), ()))]
    assert list(complaints(case(drawing(style, cell, **options), options["theme"]), rules)) == []


def papers() -> Iterator[Any]:
    """Cells that nobody had in mind who made the layouts."""
    for style in ("pipe", "cell-block"):
        for path in sorted(PAPERS.glob("*.toml")):
            yield from split("default", style, str(path))


@pytest.mark.parametrize(("theme", "kind", "cell", "rules"), list(papers()))
def test_a_drawing_of_a_cell_from_a_paper_is_inside_the_gates(
    theme: str, kind: str, cell: str, rules: tuple[str, ...]
) -> None:
    assert [line for rule, line in broken(theme, kind, cell) if rule in rules] == []


@cache
def steps(style: str, cell: str) -> tuple[Drawing, ...]:
    """The whole drawing, and the frames of all walks."""
    walks = {} if style == "unrolled" else loaded(cell).all_walks
    lit = [(walk, k) for walk, found in walks.items() for k, _ in enumerate(found, 1)]
    return tuple(drawing(style, cell, walk=walk, step=k, notation="plain") for walk, k in [(None, None), *lit])


@pytest.mark.parametrize("cell", library())
@pytest.mark.parametrize("style", [style for style in STYLES if style != "unrolled"])  # a chain has no walks
def test_nothing_moves_between_the_steps_and_each_lights_something_else(style: str, cell: str) -> None:
    whole, *frames = steps(style, cell)
    assert whole.graph is not None
    assert frames
    walk = Case(whole.scene, whole.graph, frames=(whole.scene, *(f.scene for f in frames)))
    assert (walk.moved, walk.repeated if len(frames) > 1 else ()) == ((), ())


@every
def test_every_step_can_be_seen_in_the_themes_that_promise_it(style: str, cell: str) -> None:
    """The other themes keep the colours of those they are named for: no rule of colour has a gate there."""
    for made in steps(style, cell):
        for theme in ACCESSIBLE:
            shown = case(made, theme)
            rules = [rule for rule in SEEN if rule.name != "least_difference" or theme not in GREY]
            scores = [score(rule, shown) for rule in rules]
            assert [(s.rule.name, s.shown) for s in scores if s.inside is not True] == [], theme
