"""What is to be proven at which sizes, and what the findings about it have in common."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import cycle, islice
from typing import NamedTuple

from sympy import Symbol

from lstmgraph.numeric.evaluate import number_of
from lstmgraph.numeric.proof.claims import Claim
from lstmgraph.numeric.proof.tangents import Sizes

ENTRIES = 20_000  # of all values together: more are not tried
SHOWN = 4  # differences that are written out

Numbers = tuple[int, ...]
Data = dict[str, int | float | str]


class Task(NamedTuple):
    """A claim, in words what it is about, and the numbers that the size symbols get in turn, for both proofs."""

    what: str
    claim: Claim
    exact: Sequence[Numbers]
    random: Sequence[Numbers]


def choices(claim: Claim, rungs: Sequence[Numbers]) -> Iterator[Sizes]:
    """The size symbols of a claim, in order of use, get the numbers of a rung in turn; each choice once."""
    sides = [side for s in (*claim.forward.inputs, *(e.target for e in claim.forward)) for side in s.shape]
    symbols: list[Symbol] = list(dict.fromkeys(z for side in sides for z in sorted(side.free_symbols, key=str)))
    seen: set[Numbers] = set()
    for rung in rungs:
        numbers = tuple(islice(cycle(rung), len(symbols)))
        if numbers not in seen:
            seen.add(numbers)
            yield dict(zip(symbols, numbers, strict=True))


def has_too_many(claim: Claim, sizes: Sizes) -> bool:
    """Whether all values together have more entries than are tried."""
    symbols = (*claim.forward.inputs, *(e.target for e in claim.program))
    return sum(number_of(s.shape[0], sizes) * number_of(s.shape[1], sizes) for s in symbols) > ENTRIES


def sizes_text(sizes: Sizes) -> str:
    """X=2 H=3"""
    return " ".join(f"{z}={number}" for z, number in sizes.items())


def counted(data: Mapping[str, int | float | str], what: str) -> str:
    """1 entry, 2 entries"""
    one = {"results": "result", "entries": "entry", "monomials": "monomial", "kinks": "kink"}[what]
    return f"{data[what]} {one if data[what] == 1 else what}"


def few(texts: Sequence[str]) -> tuple[str, ...]:
    more = len(texts) - SHOWN
    return (*texts[:SHOWN], *([f"and {more} more"] if more > 0 else []))
