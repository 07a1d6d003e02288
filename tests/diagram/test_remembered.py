"""What a search is remembered by: all that it looks at, and nothing that a notation changes without changing a form."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from lstmgraph.diagram.graph import Graph
from lstmgraph.diagram.layout import remembered
from lstmgraph.diagram.layout.anatomy import anatomy
from lstmgraph.diagram.layout.pipe_parts import Parts
from tests.diagram.graphs import lstm, peephole_lstm


def parts_of(graph: Graph) -> Parts:
    return Parts(anatomy(graph))


def in_another_notation() -> Parts:
    """The forms stay as they were, whatever the letters say."""
    graph = lstm()
    nodes = tuple(
        replace(n, title="another title", shape="N", glyph=rf"\Gamma_{{{k}}}") for k, n in enumerate(graph.nodes)
    )
    edges = tuple(replace(e, via=e.via and "V", via_shape="N") for e in graph.edges)
    found = parts_of(replace(graph, nodes=nodes, edges=edges))
    found.forms = parts_of(graph).forms
    return found


def with_a_wider_form() -> Parts:
    found = parts_of(lstm())
    id, form = next((id, form) for id, form in found.forms.items() if found.a.node[id].kind == "sum")
    found.forms = {**found.forms, id: replace(form, width=form.width + 8)}
    return found


def with_another_look() -> Parts:
    """No form is another one: what lines fork as is not theirs."""
    graph = lstm()
    found = parts_of(replace(graph, look=replace(graph.look, forks="curve")))
    assert found.forms == parts_of(graph).forms
    return found


def with_less_wires() -> Parts:
    graph = lstm()
    found = parts_of(replace(graph, edges=graph.edges[1:]))
    found.forms = parts_of(graph).forms
    return found


def with_a_memory_that_comes_down() -> Parts:
    """No form is another one, nor what feeds what."""
    graph = peephole_lstm()
    found = Parts(anatomy(graph), frozenset({"c[t-1]"}))
    found.forms = parts_of(graph).forms
    return found


@pytest.fixture
def searched(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """The tastes of the searches that were made: none is, in truth."""
    made: list[int] = []

    def arranged(_: Parts, taste: int) -> Any:
        made.append(taste)
        return [f"found in search {len(made)}"]

    monkeypatch.setattr(remembered, "arranged", arranged)
    remembered._found.cache_clear()
    yield made
    remembered._found.cache_clear()


def test_another_notation_of_the_same_forms_is_the_same_search(searched: list[int]) -> None:
    first = remembered.remembered(parts_of(lstm()), 0)
    assert remembered.remembered(in_another_notation(), 0) is first
    assert remembered.remembered(parts_of(lstm()), 0) is first
    assert searched == [0]


@pytest.mark.parametrize("other", [with_a_wider_form, with_another_look, with_less_wires])
def test_what_a_search_looks_at_makes_another_search(other: Callable[[], Parts], searched: list[int]) -> None:
    first = remembered.remembered(parts_of(lstm()), 0)
    assert remembered.remembered(other(), 0) != first
    assert remembered.remembered(parts_of(lstm()), 0) is first
    assert searched == [0, 0]


def test_a_memory_that_comes_down_makes_another_search(searched: list[int]) -> None:
    first = remembered.remembered(parts_of(peephole_lstm()), 0)
    assert remembered.remembered(with_a_memory_that_comes_down(), 0) != first
    assert searched == [0, 0]


def test_every_taste_is_searched_for_by_itself(searched: list[int]) -> None:
    first, second = (remembered.remembered(parts_of(lstm()), taste) for taste in (0, 1))
    assert first != second
    assert [remembered.remembered(parts_of(lstm()), taste) for taste in (0, 1)] == [first, second]
    assert searched == [0, 1]
