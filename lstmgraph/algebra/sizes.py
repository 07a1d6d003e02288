"""The numbers of size symbols (H, X) from the lengths of axes, whose sizes are linear in them: H, 2*H, H + X."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache

from sympy import Expr, Integer, Symbol

Axes = tuple[Sequence[Expr], Sequence[int]]  # of an array: the sizes that it has to have, and the lengths that it has


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


def misfit(arrays: Mapping[str, Axes]) -> str:
    """Which arrays do not agree on their sizes, in words; nothing where all do.

    It is one of them where all others agree, else two.
    """
    for name, (sides, lengths) in arrays.items():
        if len(sides) != len(lengths):
            return f"{name} must be {_tuple(sides)}, got {tuple(lengths)}"
    if _agree(arrays, [*arrays]):
        return ""
    alone = [name for name in arrays if _agree(arrays, [other for other in arrays if other != name])]
    if len(alone) == 1:
        others = _told(arrays, [other for other in arrays if other != alone[0]])
        sides, lengths = arrays[alone[0]]
        sizes = sorted({z for side in sides for z in side.free_symbols} & others.keys(), key=str)
        wanted = _tuple([side.xreplace(others) for side in sides])
        by = ", ".join(f"{z}={others[z]}" for z in sizes)
        return f"{alone[0]} must be {wanted}, as all others say {by}, got {tuple(lengths)}"
    return _two(arrays)


def _two(arrays: Mapping[str, Axes]) -> str:
    """The first two that do not agree."""
    for k, name in enumerate(arrays):
        for other in [*arrays][:k]:
            if not _agree(arrays, [other, name]):
                said = (f"{n} is {tuple(arrays[n][1])}, as {_tuple(arrays[n][0])}" for n in (other, name))
                return f"{' and '.join(said)}, do not agree"
    return f"the sizes of {', '.join(arrays)} do not agree"


def _tuple(sides: Sequence[Expr]) -> str:
    return f"({', '.join(map(str, sides))}{',' * (len(sides) == 1)})"


def _told(arrays: Mapping[str, Axes], names: Sequence[str]) -> dict[Symbol, Expr]:
    """The sizes that some arrays tell."""
    lengths = {axis(k): Integer(n) for k, n in enumerate(n for name in names for n in arrays[name][1])}
    solved = solve_sizes([side for name in names for side in arrays[name][0]])
    return {z: formula.xreplace(lengths) for z, formula in solved.items()}


def _agree(arrays: Mapping[str, Axes], names: Sequence[str]) -> bool:
    told = _told(arrays, names)
    pairs = [pair for name in names for pair in zip(*arrays[name], strict=True)]
    return all(side.xreplace(told) == length for side, length in pairs if side.free_symbols <= told.keys())
