"""What a search found is remembered: a cell in another notation is not searched again.

A search looks at forms and at what feeds what.  How values are written, which is all that a notation changes, decides
only the forms and how much room the labels need, and that is found anew for each drawing.  A search that looks at
something more of a graph must take it out of what `_blank` and `_bare` leave out.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field, replace
from functools import lru_cache

from lstmgraph.diagram.graph import Edge, Node
from lstmgraph.diagram.layout.pipe_parts import Parts
from lstmgraph.diagram.layout.pipe_search import Found, arranged


def remembered(parts: Parts, taste: int) -> Found:
    """What `arranged` finds, searched for once."""
    return _found(_Search(_key(parts), taste, parts))


def forget() -> None:
    """For those who measure: what was found is searched for again."""
    _found.cache_clear()


@dataclass(frozen=True)
class _Search:
    key: Hashable
    taste: int
    parts: Parts = field(compare=False)


@lru_cache(maxsize=256)
def _found(search: _Search) -> Found:
    return arranged(search.parts, search.taste)


def _key(parts: Parts) -> Hashable:
    graph = parts.a.graph
    nodes, edges = tuple(map(_blank, graph.nodes)), tuple(map(_bare, graph.edges))
    return nodes, edges, parts.tapped, tuple(parts.forms.items()), graph.memories, graph.output, graph.look


def _blank(node: Node) -> Node:
    return replace(node, title="", shape="", glyph="")


def _bare(edge: Edge) -> Edge:
    return replace(edge, via=None, via_shape="")
