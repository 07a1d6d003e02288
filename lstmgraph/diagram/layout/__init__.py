"""Layouts: from a graph of operations to a scene with coordinates, on one lattice, with one router for every style.

`layout_pipe` and `layout_cell_block` place the nodes, each in its own grammar; `lattice` and `router` find the wires;
`tracks` draws what a style has no room for within the `budget`; `dress` adds dots, labels and words.  To the scene,
`steps` lights parts of it and `with_legend` adds the legend, last of all.  A new style is one more module that fills a
`plan.Plan`.
"""

from lstmgraph.diagram.layout.cell_block import layout_cell_block
from lstmgraph.diagram.layout.legend import with_legend
from lstmgraph.diagram.layout.pipe import layout_pipe
from lstmgraph.diagram.layout.steps import light

__all__ = ["layout_cell_block", "layout_pipe", "light", "with_legend"]
