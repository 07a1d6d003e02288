"""Drawings: a graph of operations from a cell, laid out into a scene, written by small writers."""
