"""A computation as a graph of nodes, for a format that holds graphs instead of text.

parts       nodes, graphs and tensors as plain data
scope       what nodes are added to: once, for all steps, or in the body of a loop
lowering    how each operation becomes nodes: the table, and batches as rows
looping     one direction of a sequence as a Scan over a step
operators   a cell that is a standard operator as that operator
models      a graph as an ONNX model: the only module that imports onnx
"""
