"""Proofs that a Program computes gradients, and what they cost: see `treatment.py` for why they are proofs.

`prove` makes a `Certificate`.  Two computations meet in `identity.py`: values and tangents of the author's equations by
scalar calculus (`tangents.py`, `scalars.py`), and the Program that is to be proven, by an interpreter (`interpret.py`).
Both compute in a domain: polynomials (`polynomials.py`) or numbers modulo a prime (`primes.py`).
"""

from lstmgraph.numeric.proof.certificate import FORMATS, Certificate, Row
from lstmgraph.numeric.proof.claims import Claim, Cotangents, Jacobians, Parts, Tangents, kind_of, seeds_of
from lstmgraph.numeric.proof.prove import prove
from lstmgraph.numeric.proof.tasks import Task

__all__ = [
    "FORMATS",
    "Certificate",
    "Claim",
    "Cotangents",
    "Jacobians",
    "Parts",
    "Row",
    "Tangents",
    "Task",
    "kind_of",
    "prove",
    "seeds_of",
]
