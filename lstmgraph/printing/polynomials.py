"""Polynomials in sizes, as people write them: 8H² + 8HX + 22H, the highest degree first."""

from __future__ import annotations

from sympy import Expr, Poly

_HIGH = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def polynomial(expr: Expr) -> str:
    """Terms by degree, then by name; a number with commas; factors run together where all names are single letters."""
    if expr.is_number:
        return _number(int(expr))
    names = sorted(expr.free_symbols, key=str)
    between = "" if all(len(str(name)) == 1 for name in names) else "·"
    terms = sorted(Poly(expr, *names).terms(), key=lambda term: (-sum(term[0]), [-power for power in term[0]]))
    text = " + ".join(_term(powers, int(factor), names, between) for powers, factor in terms)
    return text.replace("+ −", "− ")


def _term(powers: tuple[int, ...], factor: int, names: list[Expr], between: str) -> str:
    letters = [f"{name}{str(p).translate(_HIGH) if p > 1 else ''}" for name, p in zip(names, powers, strict=True) if p]
    number = _number(factor) if abs(factor) != 1 or not letters else "−" if factor < 0 else ""
    return number + (between if between and abs(factor) != 1 and letters else "") + between.join(letters)


def _number(value: int) -> str:
    return f"{value:,}".replace("-", "−")
