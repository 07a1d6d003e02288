"""Which results are views of one array: the gradients of A and B are, where a product takes A.T + B."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from sympy import Expr, Integer, MatrixExpr, MatrixSymbol, Transpose

from lstmgraph.algebra import nodes as n
from lstmgraph.codegen.arrays import Speller

Span = tuple[Expr, Expr]  # the first one and how many


@dataclass(frozen=True)
class Region:
    """Rows and columns of the array of `root`; `turned` is what is seen of them transposed."""

    root: MatrixSymbol
    rows: Span
    columns: Span
    turned: bool = False

    def of_rows(self, start: Expr, count: Expr) -> Region:
        """Some of the rows that are seen."""
        if self.turned:
            return replace(self, columns=(self.columns[0] + start, count))
        return replace(self, rows=(self.rows[0] + start, count))

    def overlaps(self, other: Region) -> bool:
        """Whether both may have entries in common."""
        sides = ((self.rows, other.rows), (self.columns, other.columns))
        return self.root == other.root and not any(_apart(a, b) or _apart(b, a) for a, b in sides)


def _apart(first: Span, second: Span) -> bool:
    return bool((second[0] - first[0] - first[1]).is_nonnegative)


def region(symbol: MatrixSymbol, views: Mapping[MatrixSymbol, MatrixExpr]) -> Region:
    """Where a value lies; `views` are the values of symbols that may make no array."""
    whole = Region(symbol, (Integer(0), symbol.shape[0]), (Integer(0), symbol.shape[1]))
    return (_seen(views[symbol], views) if symbol in views else None) or whole


def _seen(expr: MatrixExpr, views: Mapping[MatrixSymbol, MatrixExpr]) -> Region | None:
    """What is seen of an array, unless a new one is made."""
    if isinstance(expr, MatrixSymbol):
        return region(expr, views)
    inner = _seen(expr.args[0], views) if isinstance(expr, (n.Identity, n.TimeSum, Transpose, n.Slice)) else None
    if inner is None:
        return None
    if isinstance(expr, n.Slice):
        return inner.of_rows(expr.args[1], expr.args[2])
    return replace(inner, turned=inner.turned != isinstance(expr, Transpose))


def copied(
    results: Iterable[MatrixSymbol],
    views: Mapping[MatrixSymbol, MatrixExpr],
    given: Iterable[MatrixSymbol] = (),
    repeated: Callable[[MatrixSymbol], bool] = lambda _: False,
) -> set[MatrixSymbol]:
    """The results that have to be copied, so that each is in memory of its own, and not in that of what is given.

    Of those in one array the one that makes it is not.  `repeated` says of what makes an array whether that has one
    number in several places.
    """
    found, there = set[MatrixSymbol](), [region(s, {}) for s in given]
    regions = {s: region(s, views) for s in results}
    for s, mine in sorted(regions.items(), key=lambda pair: pair[0] != pair[1].root):
        if repeated(mine.root) or any(map(mine.overlaps, there)):
            found.add(s)
        else:
            there.append(mine)
    return found


def copied_as_spelled(
    results: Iterable[MatrixSymbol],
    made: Mapping[MatrixSymbol, MatrixExpr],
    given: Iterable[MatrixSymbol],
    speller: Speller,
) -> set[MatrixSymbol]:
    """The same of values that are `made` by assigning what is spelled, which may be broadcast to all samples."""
    codes = {s: speller.spell(value) for s, value in made.items()}
    views = {s: made[s] for s, code in codes.items() if code.batched == speller.batched[s]}

    def repeated(s: MatrixSymbol) -> bool:
        code, batched = codes.get(s), speller.batched[s]
        if code is None or code.literal or (code.batched and not batched):  # of these a sum is taken
            return False
        return code.thin or code.batched != batched

    return copied(results, views, given, repeated)
