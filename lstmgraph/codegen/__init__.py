"""From a cell and its gradient to code that runs without lstmgraph."""

from lstmgraph.codegen.generate import TARGETS, Functions, Target, generate, lambdify

__all__ = ["TARGETS", "Functions", "Target", "generate", "lambdify"]
