"""The public face, and the only place where the wings meet: a `Cell` that draws, differentiates, generates and checks
itself.

`lstmgraph` re-exports from here what users need; the command line uses the tables of `catalogue` too.  To give a cell
a new view, write the wing, then a method of `Cell` that calls it.
"""
