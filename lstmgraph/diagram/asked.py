"""What a drawing was asked to show besides its graph: the measures look for it, since a scene cannot say what it lacks.

To add something, a field here; who asks for it fills it in, and a measure in `quality` looks for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Frame:
    """Ids of graph nodes: the operations computed in a step, and everything whose connecting wires it shows besides."""

    computed: frozenset[str]
    shown: frozenset[str]


@dataclass(frozen=True)
class Asked:
    """`legend`, `order`: whether a legend, and the numbers of stages, were asked for.

    `equations`: LaTeX with which the formulas beside the picture begin.  `cotangents`: LaTeX of what flows back, by
    graph node; empty for all but a backward pass.  `steps`: what is lit in each copy of the picture; none where all is.
    """

    legend: bool = False
    order: bool = False
    equations: tuple[str, ...] = ()
    cotangents: Mapping[str, str] = field(default_factory=dict)
    steps: tuple[Frame, ...] = ()


NOTHING = Asked()
