"""The numbers of size symbols (H, X) from the lengths of axes, whose sizes are linear in them: H, 2*H, H + X."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import lru_cache

from sympy import Expr, Symbol


def solve_sizes(sides: Sequence[Expr], known: Collection[Symbol] = ()) -> dict[Symbol, Expr]:
    """Each size symbol in `sides` that they tell, as a formula of `axis(k)` (the length of side k) and the known.

    A side that is a symbol tells it; of the others, no more are used than are needed.
    """
    return dict(_solve(tuple(sides), frozenset(known)))


@lru_cache(maxsize=1024)
def axis(k: int) -> Symbol:
    """Stands for the length of the k-th side."""
    return Symbol(f"axis {k}")


@lru_cache(maxsize=256)
def _solve(sides: tuple[Expr, ...], known: frozenset[Symbol]) -> dict[Symbol, Expr]:
    """Gauss-Jordan elimination, the symbols first."""
    given = known | {axis(k) for k in range(len(sides))}
    solved: dict[Symbol, Expr] = {}
    for k in sorted(range(len(sides)), key=lambda k: not isinstance(sides[k], Symbol)):
        side = sides[k].xreplace(solved).expand()
        unknown = sorted(side.free_symbols - given, key=str)
        symbol = next((z for z in unknown if side.diff(z).is_number), None)
        if symbol is not None:
            value = ((axis(k) - side.xreplace({symbol: side * 0})) / side.diff(symbol)).expand()
            solved = {z: e.xreplace({symbol: value}).expand() for z, e in solved.items()} | {symbol: value}
    return {z: e for z, e in solved.items() if e.free_symbols <= given}
