"""The language: typed SymPy nodes, their names and shapes, and one table of rules."""
