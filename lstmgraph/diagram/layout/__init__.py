"""Layouts: from a graph of operations to a scene with coordinates, on one lattice, with one router for every style.

`layout_pipe` and `layout_cell_block` place the nodes, each in its own grammar; `lattice` and `router` find the wires;
`tracks` draws what a style has no room for within the `budget`; `dress` adds dots, labels and words, `legend` the
legend, `steps` lights parts of it.  A new style is one more module
that fills a `plan.Plan`.
"""

from lstmgraph.diagram.layout.cell_block import layout_cell_block
from lstmgraph.diagram.layout.pipe import layout_pipe
from lstmgraph.diagram.layout.steps import light

__all__ = ["layout_cell_block", "layout_pipe", "light"]
