"""Weights across frameworks: the parameters of a cell from the arrays of another library, and as them.

`layouts` is the table of where each library keeps what.  `blocks` goes from its arrays to the parts of a standard form
(the W of the input gate, ...) and back, `parameters` from these to those of a cell and back.  `given` makes flat names
and NumPy arrays of what a library hands out, `operators` of what is in a model of ONNX; `files` reads and writes.

To add a library: rows of `LAYOUTS`.
"""
