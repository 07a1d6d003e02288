"""Layouts: from a graph of operations to a scene with coordinates, on one lattice, with one router for every style.

`pipe` and `cell_block` place the nodes, each in its own grammar; `lattice` and `router` find the wires;
`tracks` draws what a style has no room for within the `budget`; `dress` adds dots, labels and words.  To the scene,
`steps` lights parts of it and `legend` adds the legend, last of all.  A new style is one more module that fills a
`plan.Plan`.
"""
