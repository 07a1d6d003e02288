"""Every cell of the library in every style, notation, look and step of its walks is held to the gates.

What a layout does not reach yet stands in `SHORT` of benchmarks/gates.py, and must leave it as soon as it does:
the marks are strict.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from benchmarks.gates import SHORT
from lstmgraph import load
from lstmgraph.api.drawing import Drawing
from lstmgraph.diagram.quality import RULES, Case, score, shortfalls
from lstmgraph.diagram.quality.rules import ACCESSIBLE, GREY
from lstmgraph.diagram.themes import load_theme
from lstmgraph.notation import notation_names
from lstmgraph.reading import library

STYLES: dict[str, dict[str, Any]] = {
    "pipe": {"style": "pipe"},
    "cell-block": {"style": "cell-block"},
    "unrolled": {"style": "pipe", "unroll": 3},
}
COLOURS = [rule for rule in RULES if rule.of in ("text_contrast", "line_contrast", "least_difference")]
CELLS = [(style, cell) for style in STYLES for cell in library()]
every = pytest.mark.parametrize(("style", "cell"), CELLS, ids=[f"{style}-{cell}" for style, cell in CELLS])

PAPERS = Path(__file__).parents[1] / "reading" / "papers"
LOOKS = ("shiyan", "olah")  # themes whose look changes the layout
NOT_YET = pytest.mark.xfail(strict=True, reason="the layout does not reach it yet")


def held() -> Iterator[Any]:
    """For each drawing the rules that it is held to; apart from them, one by one, those that it breaks."""
    for style, cell in CELLS:
        short = SHORT.get(("default", style, cell), ())
        yield pytest.param(style, cell, tuple(r.name for r in RULES if r.name not in short), id=f"{style}-{cell}")
        for name in short:
            needs = [pytest.mark.dot] if name == "dot" else []
            yield pytest.param(style, cell, (name,), id=f"{style}-{cell}-{name}", marks=[NOT_YET, *needs])


def held_in_looks() -> Iterator[Any]:
    for theme in LOOKS:
        for style in ("pipe", "cell-block"):
            for cell in library():
                short = SHORT.get((theme, style, cell), ())
                rest = tuple(r.name for r in RULES if r.name not in short)
                yield pytest.param(theme, style, cell, rest, id=f"{theme}-{style}-{cell}")
                for name in short:
                    marks = [NOT_YET, *([pytest.mark.dot] if name == "dot" else [])]
                    yield pytest.param(theme, style, cell, (name,), id=f"{theme}-{style}-{cell}-{name}", marks=marks)


loaded = cache(load)


def drawing(style: str, cell: str, **more: Any) -> Drawing:
    return loaded(cell).draw(**STYLES[style], **more)


@cache
def case(style: str, cell: str, notation: str) -> Case:
    made = drawing(style, cell, notation=notation)
    assert made.graph is not None
    return Case(made.scene, made.graph, load_theme("default"), style)


@cache
def broken(style: str, cell: str) -> tuple[tuple[str, str], ...]:
    """The rules that are broken, and how, in all notations."""
    lines = [line for notation in notation_names() for line in shortfalls(case(style, cell, notation))]
    return tuple((line.partition(":")[0], line) for line in dict.fromkeys(lines))


@pytest.mark.parametrize(("style", "cell", "rules"), list(held()))
def test_a_drawing_is_inside_the_gates_in_every_notation(style: str, cell: str, rules: tuple[str, ...]) -> None:
    assert [line for rule, line in broken(style, cell) if rule in rules] == []


@cache
def broken_in(theme: str, style: str, cell: str) -> tuple[str, ...]:
    made = drawing(style, cell, theme=theme)
    assert made.graph is not None
    return tuple(shortfalls(Case(made.scene, made.graph, load_theme(theme), style)))


@pytest.mark.parametrize(("theme", "style", "cell", "rules"), list(held_in_looks()))
def test_a_drawing_is_inside_the_gates_in_every_look(theme: str, style: str, cell: str, rules: tuple[str, ...]) -> None:
    assert [line for line in broken_in(theme, style, cell) if line.partition(":")[0] in rules] == []


def papers() -> Iterator[Any]:
    """Cells that nobody had in mind who made the layouts."""
    for style in ("pipe", "cell-block"):
        for path in sorted(PAPERS.glob("*.toml")):
            short = SHORT.get(("default", style, path.stem), ())
            rest = tuple(r.name for r in RULES if r.name not in short)
            yield pytest.param(style, str(path), rest, id=f"{style}-{path.stem}")
            for name in short:
                marks = [NOT_YET, *([pytest.mark.dot] if name == "dot" else [])]
                yield pytest.param(style, str(path), (name,), id=f"{style}-{path.stem}-{name}", marks=marks)


@pytest.mark.parametrize(("style", "cell", "rules"), list(papers()))
def test_a_drawing_of_a_cell_from_a_paper_is_inside_the_gates(style: str, cell: str, rules: tuple[str, ...]) -> None:
    assert [line for line in broken_in("default", style, cell) if line.partition(":")[0] in rules] == []


@cache
def steps(style: str, cell: str) -> tuple[Drawing, ...]:
    """The whole drawing, and the frames of all walks."""
    walks = {} if style == "unrolled" else loaded(cell).all_walks
    lit = [(walk, k) for walk, found in walks.items() for k, _ in enumerate(found, 1)]
    return tuple(drawing(style, cell, walk=walk, step=k, notation="plain") for walk, k in [(None, None), *lit])


@pytest.mark.parametrize("cell", library())
@pytest.mark.parametrize("style", [style for style in STYLES if style != "unrolled"])  # a chain has no walks
def test_nothing_moves_between_the_steps(style: str, cell: str) -> None:
    whole, *frames = steps(style, cell)
    assert whole.graph is not None
    assert frames
    assert Case(whole.scene, whole.graph, frames=(whole.scene, *(f.scene for f in frames))).moved == ()


@every
def test_every_step_can_be_seen_in_the_themes_that_promise_it(style: str, cell: str) -> None:
    """The other themes keep the colours of those they are named for: no rule of colour has a gate there."""
    for made in steps(style, cell):
        for theme in ACCESSIBLE:
            assert made.graph is not None
            shown = Case(made.scene, made.graph, load_theme(theme), style)
            rules = [rule for rule in COLOURS if rule.name != "least_difference" or theme not in GREY]
            scores = [score(rule, shown) for rule in rules]
            assert [(s.rule.name, s.shown) for s in scores if s.inside is not True] == [], theme
