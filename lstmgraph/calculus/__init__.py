"""Transforms: a Program in, a Program out."""

from lstmgraph.calculus.jvp import hessian_vector, hvp, jvp, tangent
from lstmgraph.calculus.unroll import unroll
from lstmgraph.calculus.vjp import gradient, gradient_symbol, vjp

__all__ = ["gradient", "gradient_symbol", "hessian_vector", "hvp", "jvp", "tangent", "unroll", "vjp"]
