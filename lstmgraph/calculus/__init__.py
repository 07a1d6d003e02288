"""Transforms: a Program in, a Program out."""

from lstmgraph.calculus.jvp import hessian_vector, hvp, jvp, tangent
from lstmgraph.calculus.losses import LOSSES, STARTS
from lstmgraph.calculus.reuse import reusing
from lstmgraph.calculus.stacking import stacked
from lstmgraph.calculus.through_time import reindexed, through_time
from lstmgraph.calculus.unroll import gradient_unrolled, unroll
from lstmgraph.calculus.vjp import gradient, gradient_symbol, vjp

__all__ = [
    "LOSSES",
    "STARTS",
    "gradient",
    "gradient_symbol",
    "gradient_unrolled",
    "hessian_vector",
    "hvp",
    "jvp",
    "reindexed",
    "reusing",
    "stacked",
    "tangent",
    "through_time",
    "unroll",
    "vjp",
]
