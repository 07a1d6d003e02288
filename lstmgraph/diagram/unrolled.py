"""A graph of several steps from the graph of one: the chain of a network unrolled in time.

Step k (from 1) is the one-step graph under the prefix `k:`, with every time moved by as much as its place in the chain.
What leaves a step enters the next one, so the next value of a state and its previous value one step later are one node,
`k:h[t]'`.  Nothing is computed anew: the edges of a step are those of the one-step graph.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from lstmgraph.algebra.names import Name
from lstmgraph.diagram.graph import EXTERNAL, Edge, Graph, Node, base_of

Typeset = Callable[[str], str]
TIME = re.compile(r"(?<=[\[⟨(])t([+-]\d+)?(?=[\]⟩)])")  # in the titles of nodes, whatever the notation's brackets


@dataclass(frozen=True)
class Step:
    """One step of a chain: its number (from 1) and how many steps after t it is.  `typeset` gives a value's LaTeX."""

    number: int
    shift: int
    graph: Graph
    typeset: Typeset

    def later(self, value: str) -> str:
        """The name of a value at this step: "h[t-1]" one step later is "h[t]"."""
        name = Name.parse(value)
        return value if name.lag is None else str(name.at(name.lag + self.shift))

    def words(self, text: str) -> str:
        """A title at this step: the times in it are those of the step."""
        if not self.shift:
            return text
        return TIME.sub(lambda m: _spelt(int(m[1] or 0) + self.shift), text)

    def glyph(self, node: Node) -> str:
        """What stands in a node: the name of an external value changes with the step, an operation does not."""
        return self.typeset(self.later(node.value)) if node.kind in EXTERNAL and node.value else node.glyph

    @cached_property
    def entering(self) -> Mapping[str, str]:
        """For each previous value the node of the chain that it is: the next value of the step before."""
        if self.number == 1:
            return {}
        leaving = {base_of(n): n.id for n in self.graph.nodes if n.kind == "next"}
        return {n.id: f"{self.number - 1}:{leaving[base_of(n)]}" for n in self.graph.nodes if n.kind == "previous"}

    def id(self, id: str) -> str:
        """The id in the chain of a node of the one-step graph."""
        return self.entering.get(id) or self.prefixed(id)

    def prefixed(self, id: str) -> str:
        return f"{self.number}:{id}"

    def nodes(self) -> list[Node]:
        """The step's own nodes: what enters it belongs to the step before."""
        return [self._node(n) for n in self.graph.nodes if n.id not in self.entering]

    def _node(self, node: Node) -> Node:
        value = self.later(node.value) if node.value else None
        return replace(
            node, id=self.prefixed(node.id), glyph=self.glyph(node), value=value, title=self.words(node.title)
        )

    def edges(self) -> list[Edge]:
        return [
            replace(e, id=self.prefixed(e.id), source=self.id(e.source), target=self.id(e.target))
            for e in self.graph.edges
        ]

    def values(self) -> dict[str, str]:
        return {self.later(value): self.id(node) for value, node in self.graph.values.items()}

    def texts(self) -> dict[str, str]:
        return {later: self.typeset(later) for later in self.values()}


def _spelt(lag: int) -> str:
    return f"t{lag:+d}" if lag else "t"


def middle(steps: int) -> int:
    """The number of the step that is t: the middle one (of an even number the earlier), as in x[t-1], x[t], x[t+1].

    So the chain is read in both directions from the step that the equations of the cell are written for.
    """
    return (steps + 1) // 2


def chain_of(graphs: list[Graph], typeset: Typeset) -> list[Step]:
    """The steps of a chain, given what is drawn of each: the graph of the cell, or one that sums it up."""
    now = middle(len(graphs))
    return [Step(k, k - now, graph, typeset) for k, graph in enumerate(graphs, 1)]


def unrolled(steps: list[Step]) -> Graph:
    """The graph of all steps, in order of evaluation."""
    first = steps[0].graph
    values: dict[str, str] = {}
    texts: dict[str, str] = {}
    for step in steps:
        values |= step.values()
        texts |= step.texts()
    return Graph(
        tuple(n for step in steps for n in step.nodes()),
        tuple(e for step in steps for e in step.edges()),
        first.memories,
        first.output,
        values,
        texts=texts,
        look=steps[middle(len(steps)) - 1].graph.look,
    )
