"""Formulas for people: one printer, several dialects (terminal, LaTeX, Markdown, the cell language)."""

from lstmgraph.printing.dialects import DIALECTS
from lstmgraph.printing.programs import print_equation, print_expr, print_program

__all__ = ["DIALECTS", "print_equation", "print_expr", "print_program"]
